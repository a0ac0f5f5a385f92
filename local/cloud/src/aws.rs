//! A tiny client for the emulator: signed JSON, query and S3 calls over plain HTTP on loopback.
//!
//! The AWS SDKs stay in the shell crate; the local cloud needs a dozen calls and starts faster without them. It must never be
//! pointed at a real account: it signs with a key that everybody knows.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Method, Response};
use roxmltree::Document;
use serde_json::Value;

use crate::operators::canonical;
use crate::sign::{self, Key, ToSign, UNSIGNED_PAYLOAD};

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_mins(1);
const AMZ_DATE: &str = "%Y%m%dT%H%M%SZ";

/// The emulator, as its deploying key sees it.
#[derive(Clone, Debug)]
pub struct Aws {
    endpoint: String,
    host: String,
    region: String,
    http: reqwest::Client,
}

struct Call<'a> {
    method: Method,
    service: &'a str,
    path: &'a str,
    query: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: Vec<u8>,
}

impl Aws {
    /// A client for the emulator that listens on this port of loopback.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(port: u16, region: &str) -> Result<Self> {
        let host = format!("127.0.0.1:{port}");
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()?;
        Ok(Self {
            endpoint: format!("http://{host}"),
            host,
            region: region.to_owned(),
            http,
        })
    }

    /// The address of the emulator, without a slash at its end.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The region everything is in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// A call in AWS JSON: `target` is `DynamoDB_20120810.GetItem`, `service` the name in the signature.
    ///
    /// # Errors
    /// When the emulator does not answer or refuses; the error holds what it said.
    pub async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let version = if service == "dynamodb" || service == "sqs" {
            "1.0"
        } else {
            "1.1"
        };
        let content = format!("application/x-amz-json-{version}");
        let headers = [("x-amz-target", target), ("content-type", content.as_str())];
        let call = Call {
            method: Method::POST,
            service,
            path: "/",
            query: "",
            headers: &headers,
            body: serde_json::to_vec(body)?,
        };
        let text = self.send(call).await.with_context(|| target.to_owned())?;
        if text.is_empty() {
            Ok(Value::Null)
        } else {
            Ok(serde_json::from_str(&text)?)
        }
    }

    /// A call in the query protocol; the answer is the XML text.
    ///
    /// # Errors
    /// When the emulator does not answer or refuses; the error holds what it said.
    pub async fn query(
        &self,
        service: &str,
        version: &str,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<String> {
        let mut body = format!("Action={action}&Version={version}");
        for (name, value) in parameters {
            body.extend(["&", &encode(name), "=", &encode(value)]);
        }
        let headers = [(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )];
        let call = Call {
            method: Method::POST,
            service,
            path: "/",
            query: "",
            headers: &headers,
            body: body.into_bytes(),
        };
        self.send(call).await.with_context(|| action.to_owned())
    }

    /// Creates a bucket.
    ///
    /// # Errors
    /// When the emulator does not answer or refuses.
    pub async fn create_bucket(&self, bucket: &str) -> Result<()> {
        let body = match self.region.as_str() {
            "us-east-1" => String::new(),
            region => format!(
                "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            ),
        };
        self.put(&format!("/{bucket}"), body.into_bytes()).await
    }

    /// Writes an object. Bucket and key hold unreserved characters and slashes only.
    ///
    /// # Errors
    /// When the emulator does not answer or refuses.
    pub async fn put_object(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<()> {
        self.put(&format!("/{bucket}/{key}"), bytes).await
    }

    /// The text of an object.
    ///
    /// # Errors
    /// When the emulator does not answer, or there is no such object.
    pub async fn get_object(&self, bucket: &str, key: &str) -> Result<String> {
        self.get(&canonical(&format!("/{bucket}/{key}")), "").await
    }

    /// The keys below a prefix, in their order.
    ///
    /// # Errors
    /// When the emulator does not answer or refuses.
    pub async fn list_objects(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        let mut query = format!("list-type=2&prefix={}", encode(prefix));
        loop {
            let text = self.get(&format!("/{bucket}"), &query).await?;
            let document = Document::parse(&text)?;
            keys.extend(texts(&document, "Key"));
            let Some(next) = texts(&document, "NextContinuationToken").next() else {
                return Ok(keys);
            };
            let token = encode(&next);
            query = format!(
                "continuation-token={token}&list-type=2&prefix={}",
                encode(prefix)
            );
        }
    }

    /// Calls a function with an event and waits for its answer.
    ///
    /// # Errors
    /// When the emulator does not answer or refuses. An error of the function is in the answer.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let call = Call {
            method: Method::POST,
            service: "lambda",
            path: &path,
            query: "",
            headers: &[("content-type", "application/json")],
            body: serde_json::to_vec(event)?,
        };
        let text = self.send(call).await.with_context(|| path.clone())?;
        Ok(serde_json::from_str(&text)?)
    }

    /// A call of an HTTP API as the holder of a key; the status and the text of the answer.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn execute_api(
        &self,
        key: &Key<'_>,
        method: Method,
        path: &str,
        query: &str,
        body: String,
    ) -> Result<(u16, String)> {
        let date = jiff::Timestamp::now().strftime(AMZ_DATE).to_string();
        let to_sign = ToSign {
            method: method.as_str(),
            path: &canonical(path),
            query,
            host: &self.host,
            service: "execute-api",
            region: &self.region,
            amz_date: &date,
            payload: &sign::hex_hash(body.as_bytes()),
        };
        let authorization = sign::authorization(&to_sign, key)?;
        let query = if query.is_empty() {
            String::new()
        } else {
            format!("?{query}")
        };
        let request = self
            .http
            .request(method, format!("{}{path}{query}", self.endpoint))
            .header("x-amz-date", date)
            .header("authorization", authorization)
            .header("content-type", "application/json")
            .body(body);
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    async fn put(&self, path: &str, body: Vec<u8>) -> Result<()> {
        let call = Call {
            method: Method::PUT,
            service: "s3",
            path,
            query: "",
            headers: &[],
            body,
        };
        self.send(call)
            .await
            .with_context(|| format!("PUT {path}"))
            .map(|_| ())
    }

    async fn get(&self, path: &str, query: &str) -> Result<String> {
        let call = Call {
            method: Method::GET,
            service: "s3",
            path,
            query,
            headers: &[],
            body: Vec::new(),
        };
        self.send(call).await.with_context(|| format!("GET {path}"))
    }

    async fn send(&self, call: Call<'_>) -> Result<String> {
        let date = jiff::Timestamp::now().strftime(AMZ_DATE).to_string();
        let payload = if call.service == "s3" {
            UNSIGNED_PAYLOAD.to_owned()
        } else {
            sign::hex_hash(&call.body)
        };
        let authorization = sign::authorization(
            &ToSign {
                method: call.method.as_str(),
                path: call.path,
                query: call.query,
                host: &self.host,
                service: call.service,
                region: &self.region,
                amz_date: &date,
                payload: &payload,
            },
            &sign::DEPLOYING,
        )?;
        let query = match call.query {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let url = format!("{}{}{query}", self.endpoint, call.path);
        let mut request = self
            .http
            .request(call.method, url)
            .header("x-amz-date", date)
            .header("x-amz-content-sha256", payload)
            .header("authorization", authorization)
            .body(call.body);
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        text_of(request.send().await?).await
    }
}

/// The texts of the elements of this name.
fn texts(document: &Document<'_>, name: &str) -> impl Iterator<Item = String> {
    let nodes = document.descendants();
    nodes
        .filter(move |node| node.tag_name().name() == name)
        .filter_map(|node| node.text().map(str::to_owned))
}

async fn text_of(answer: Response) -> Result<String> {
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        bail!("HTTP {}: {}", status.as_u16(), text.trim());
    }
    Ok(text)
}

/// Percent-encodes everything but the unreserved characters.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&sign::hex(&[byte]).to_ascii_uppercase());
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn only_unreserved_characters_stay_as_they_are() {
        assert_eq!(encode("a-Z_0.~"), "a-Z_0.~");
        assert_eq!(encode("{\"a b\": é&}"), "%7B%22a%20b%22%3A%20%C3%A9%26%7D");
    }
}
