//! The HTTP API in front of the handler, on the loopback: it matches routes and tells who calls, as API Gateway does.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "a test stops at the first surprise"
)]

use super::office::{ALICE, FakeOffice};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, header};
use longshore_contract::Operation;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What stands for a signature of Alice's.
pub(crate) const SIGNATURE: &str = "AWS4-HMAC-SHA256 of-alice";

/// Serves the office until the process ends; the address.
pub(crate) async fn serve(office: FakeOffice) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(answer).with_state(Arc::new(office));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn answer(State(office): State<Arc<FakeOffice>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path();
    let matched = Operation::ALL.iter().find_map(|operation| {
        let route = operation.route();
        let found = variables(route.path, path)?;
        (route.method.word() == parts.method.as_str()).then(|| {
            let key = format!("{} {}", route.method.word(), route.path);
            (key, found)
        })
    });
    let (key, found) = matched.unwrap_or_else(|| ("$default".to_owned(), Map::new()));
    let signature = parts.headers.get(header::AUTHORIZATION);
    let known = signature.is_some_and(|signature| signature == SIGNATURE);
    let iam = known.then(|| json!({ "iam": { "userArn": ALICE, "accountId": "123456789012" } }));
    let event = json!({
        "routeKey": key,
        "rawPath": path,
        "pathParameters": found,
        "queryStringParameters": queries(parts.uri.query().unwrap_or_default()),
        "requestContext": { "authorizer": iam, "http": { "sourceIp": "127.0.0.1" } },
        "body": String::from_utf8_lossy(&body),
    });
    let answer = operator_api::handle(&*office, &serde_json::from_value(event).unwrap()).await;
    let mut response =
        Response::builder().status(StatusCode::from_u16(answer.status_code).unwrap());
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

/// The variables of a route in a path; `None` when it is another route's.
fn variables(route: &str, path: &str) -> Option<Map<String, Value>> {
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    if route.len() != path.len() {
        return None;
    }
    let mut found = Map::new();
    for (wanted, given) in route.into_iter().zip(path) {
        match wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) => {
                found.insert(name.to_owned(), Value::from(decoded(given)));
            }
            None if wanted == given => {}
            None => return None,
        }
    }
    Some(found)
}

/// The query's parameters; one that is there more than once has its values joined by commas.
fn queries(query: &str) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(&value.replace('+', " ")));
        found
            .entry(name)
            .and_modify(|values| *values = format!("{values},{value}"))
            .or_insert(value);
    }
    found
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = text_of(tail.get(..2)).and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, code) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text_of(bytes: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(bytes?).ok()
}
