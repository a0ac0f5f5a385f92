//! A stub of AWS: one endpoint per service, with TLS, that knows the few answers the job needs.
//!
//! It counts connections and requests, and can wait before each answer as long as a round trip takes. What it does not
//! know it refuses, so that a function that asks for more than its job needs does not stay unnoticed.

use crate::{certificate::HOST, job};
use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use rustls::ServerConfig;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What was seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// TLS connections.
    pub connections: u64,
    /// Requests.
    pub requests: u64,
    /// Requests that the stub does not know.
    pub unknown: u64,
}

impl Seen {
    /// What was seen since an earlier look.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            connections: self.connections.saturating_sub(before.connections),
            requests: self.requests.saturating_sub(before.requests),
            unknown: self.unknown.saturating_sub(before.unknown),
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    requests: AtomicU64,
    unknown: AtomicU64,
    delay_ms: AtomicU64,
}

/// The endpoint of one service.
#[derive(Debug)]
pub struct Stub {
    url: String,
    counters: Arc<Counters>,
    server: tokio::task::JoinHandle<()>,
}

impl Stub {
    /// Starts to listen on the loopback.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(tls: Arc<ServerConfig>) -> Result<Self> {
        let tcp = TcpListener::bind("127.0.0.1:0").await?;
        let port = tcp.local_addr()?.port();
        let counters = Arc::new(Counters::default());
        let listener = TlsListener {
            tcp,
            tls: TlsAcceptor::from(tls),
            counters: Arc::clone(&counters),
        };
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&counters));
        let server = tokio::spawn(async move {
            let _ends_with_the_task = axum::serve(listener, router).await;
        });
        let url = format!("https://{HOST}:{port}");
        Ok(Self {
            url,
            counters,
            server,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits this long before each answer from now on.
    pub fn delay(&self, delay_ms: u64) {
        self.counters.delay_ms.store(delay_ms, Ordering::Relaxed);
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Seen {
            connections: of(&self.counters.connections),
            requests: of(&self.counters.requests),
            unknown: of(&self.counters.unknown),
        }
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct TlsListener {
    tcp: TcpListener,
    tls: TlsAcceptor,
    counters: Arc<Counters>,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.tcp).await;
            let _only_slower_without = stream.set_nodelay(true);
            if let Ok(stream) = self.tls.accept(stream).await {
                self.counters.connections.fetch_add(1, Ordering::Relaxed);
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

async fn answer(
    State(counters): State<Arc<Counters>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    counters.requests.fetch_add(1, Ordering::Relaxed);
    wait(counters.delay_ms.load(Ordering::Relaxed)).await;
    let target = headers.get("x-amz-target").and_then(|t| t.to_str().ok());
    let (status, json) = if let Some(json) = reply(target.unwrap_or_default(), &body) {
        (StatusCode::OK, json)
    } else {
        counters.unknown.fetch_add(1, Ordering::Relaxed);
        let json = json!({ "__type": "UnknownOperationException" });
        (StatusCode::BAD_REQUEST, json)
    };
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/x-amz-json-1.0"),
        ("x-amzn-requestid", "0b9a5f4e-1c2d-4e3f-8a9b-0c1d2e3f4a5b"),
    ];
    (status, headers, json.to_string()).into_response()
}

/// The runtime's own timer counts whole milliseconds, which is too coarse for a round trip of five.
async fn wait(delay_ms: u64) {
    if delay_ms > 0 {
        let pause = move || std::thread::sleep(Duration::from_millis(delay_ms));
        let _ended = tokio::task::spawn_blocking(pause).await;
    }
}

/// The answer to a request, if it is one of the job.
fn reply(target: &str, body: &str) -> Option<Value> {
    match target {
        "DynamoDB_20120810.GetItem" | "DynamoDB_20120810.TransactWriteItems" => Some(json!({})),
        "AmazonSSM.GetParameter" => {
            let asked: Value = serde_json::from_str(body).ok()?;
            parameter(asked.get("Name")?.as_str()?)
        }
        _ => None,
    }
}

fn parameter(name: &str) -> Option<Value> {
    let (kind, value) = if name.ends_with("/control/bitbucket/webhook-secret") {
        ("SecureString", job::SECRET)
    } else if name.contains("/apps/") {
        ("String", job::APP_CONFIG)
    } else {
        return None;
    };
    Some(json!({
        "Parameter": {
            "ARN": format!("arn:aws:ssm:eu-central-1:123456789012:parameter{name}"),
            "DataType": "text",
            "LastModifiedDate": 1_772_445_600,
            "Name": name,
            "Type": kind,
            "Value": value,
            "Version": 3,
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stub_knows_the_requests_of_the_job_and_no_others() {
        let secret = r#"{"Name":"/longshore/prod/control/bitbucket/webhook-secret"}"#;
        let found = reply("AmazonSSM.GetParameter", secret).unwrap();
        assert_eq!(found["Parameter"]["Value"], job::SECRET);
        assert_eq!(reply("DynamoDB_20120810.GetItem", "{}").unwrap(), json!({}));
        assert_eq!(reply("DynamoDB_20120810.Scan", "{}"), None);
        assert_eq!(reply("AmazonSSM.GetParameter", r#"{"Name":"/x"}"#), None);
        assert_eq!(reply("AmazonSSM.GetParameter", "{"), None);
    }
}
