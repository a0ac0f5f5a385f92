//! A function that tells a sink what it was invoked with: the test's stand-in for Longshore's own functions.
//!
//! It speaks the Lambda Runtime API over a plain socket. It answers HTTP calls with what it saw, and refuses each queue message
//! that says so on its first delivery, as a partial batch answer.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let api = env::var_os("AWS_LAMBDA_RUNTIME_API")
        .ok_or("no runtime")?
        .into_string()
        .map_err(|_| "runtime")?;
    let sink = env::var_os("PROBE_SINK")
        .ok_or("no sink")?
        .into_string()
        .map_err(|_| "sink")?;
    let name = env::var_os("AWS_LAMBDA_FUNCTION_NAME")
        .unwrap_or_default()
        .into_string()
        .unwrap_or_default();
    loop {
        let (request, event) = call(&api, "GET", "/2018-06-01/runtime/invocation/next", "")?;
        let event: Value = serde_json::from_str(&event)?;
        call(&sink, "POST", &format!("/{name}"), &event.to_string())?;
        let path = format!("/2018-06-01/runtime/invocation/{request}/response");
        call(&api, "POST", &path, &answer(&event).to_string())?;
    }
}

/// The answer: of a batch the refused messages, of an HTTP call what arrived.
fn answer(event: &Value) -> Value {
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        let seen = json!({
            "path": event.get("rawPath"), "body": event.get("body"), "base64": event.get("isBase64Encoded"),
            "signature": event.pointer("/headers/x-hub-signature"),
        });
        return json!({ "statusCode": 202, "body": seen.to_string() });
    };
    let refused = records.iter().filter(|record| is_refused(record));
    let failures: Vec<Value> = refused
        .map(|record| json!({ "itemIdentifier": record.get("messageId") }))
        .collect();
    json!({ "batchItemFailures": failures })
}

fn is_refused(record: &Value) -> bool {
    let body = record
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let first = record.pointer("/attributes/ApproximateReceiveCount") == Some(&json!("1"));
    first && body.contains("refuse-me-once")
}

/// One HTTP call; the id of the invocation, where there is one, and the body of the answer.
fn call(host: &str, method: &str, path: &str, body: &str) -> Result<(String, String), Failure> {
    let host = host.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )?;
    let mut reader = BufReader::new(stream);
    let (mut id, mut length, mut line) = (String::new(), 0, String::new());
    while reader.read_line(&mut line)? > 0 && !line.trim().is_empty() {
        if let Some((name, value)) = line.trim().split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "lambda-runtime-aws-request-id" => value.clone_into(&mut id),
                "content-length" => length = value.parse()?,
                _ => {}
            }
        }
        line.clear();
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    Ok((id, String::from_utf8(bytes)?))
}
