//! A stand-in for the network: scripted replies, every request as it was sent, and time that passes without a clock.

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use longshore_core::Timestamp;
use longshore_shell::config::Access;
use longshore_shell::config::TriggerConfig;
use longshore_shell::connect::Aws;
use longshore_shell::ports::Clock;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One reply of the network.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// An answer with a status and a body.
    Answer(u16, String),
    /// An answer in CBOR, as CloudWatch gives it.
    Cbor(u16, Vec<u8>),
    /// An answer that says everything in its headers.
    Headers(u16, Vec<(&'static str, String)>),
    /// The connection breaks after the request was sent.
    Lost,
    /// Nothing ever comes.
    Silence,
}

impl Reply {
    pub(crate) fn json(value: &Value) -> Self {
        Self::Answer(200, value.to_string())
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        let body = json!({ "__type": code, "message": format!("{code} happened") });
        Self::Answer(status, body.to_string())
    }
}

/// A request as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) target: String,
    /// The body as text; what is none, as of CBOR, only as far as it is.
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
    /// The method and the address.
    pub(crate) line: String,
}

impl Sent {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// The script and the record. The last reply repeats, so that a retry is seen rather than answered by an empty script.
#[derive(Clone, Debug)]
pub(crate) struct Replay(Arc<Mutex<(VecDeque<Reply>, Vec<Sent>)>>);

impl Replay {
    pub(crate) fn of(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = replies.into_iter().collect();
        Self(Arc::new(Mutex::new((replies, Vec::new()))))
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0.lock().unwrap().1.clone()
    }

    /// A connection to AWS through this.
    pub(crate) fn aws(&self) -> Aws {
        self.aws_with(&access(&[]))
    }

    pub(crate) fn aws_with(&self, access: &Access) -> Aws {
        let connector = SharedHttpConnector::new(self.clone());
        let client = http_client_fn(move |_, _| connector.clone());
        Aws::through(access, client, SharedAsyncSleep::new(Turns))
    }
}

impl HttpConnector for Replay {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut inner = self.0.lock().unwrap();
        inner.1.push(Sent {
            line: format!("{} {}", request.method(), request.uri()),
            target: request
                .headers()
                .get("x-amz-target")
                .unwrap_or_default()
                .to_owned(),
            text: String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned(),
            bytes: request.body().bytes().unwrap_or_default().to_vec(),
        });
        let reply = if inner.0.len() > 1 {
            inner.0.pop_front()
        } else {
            inner.0.front().cloned()
        };
        match reply.unwrap_or(Reply::Lost) {
            Reply::Answer(status, body) => {
                let status = status.try_into().unwrap();
                HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
            }
            Reply::Cbor(status, body) => {
                let status = status.try_into().unwrap();
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                let headers = response.headers_mut();
                headers.insert("smithy-protocol", "rpc-v2-cbor");
                headers.insert("content-type", "application/cbor");
                HttpConnectorFuture::ready(Ok(response))
            }
            Reply::Headers(status, headers) => {
                let status = status.try_into().unwrap();
                let mut response = HttpResponse::new(status, SdkBody::empty());
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                HttpConnectorFuture::ready(Ok(response))
            }
            Reply::Lost => {
                let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                HttpConnectorFuture::ready(Err(ConnectorError::io(lost.into())))
            }
            Reply::Silence => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

/// Waiting by turns of the runtime, each of which stands for ten milliseconds. All who wait in a task are asked at every
/// turn, so whoever waits for less is done first, and nothing depends on the machine's clock.
#[derive(Debug)]
pub(crate) struct Turns;

impl AsyncSleep for Turns {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(async move {
            for _ in 0..duration.as_millis().div_ceil(10) {
                tokio::task::yield_now().await;
            }
        })
    }
}

/// Access with further variables.
pub(crate) fn access(further: &[(&str, &str)]) -> Access {
    let base = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("LONGSHORE_ENVIRONMENT", "prod"),
        ("LONGSHORE_TABLE", "longshore-prod"),
    ];
    let pairs = base.iter().chain(further);
    let vars = pairs.map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    TriggerConfig::from_vars(vars).unwrap().access
}

/// A clock that stands still until it is moved.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoppedClock(Arc<AtomicU64>);

impl StoppedClock {
    pub(crate) fn at_s(seconds: u64) -> Self {
        let clock = Self::default();
        clock.move_to_s(seconds);
        clock
    }

    pub(crate) fn move_to_s(&self, seconds: u64) {
        self.0.store(seconds * 1_000, Ordering::Relaxed);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::Relaxed))
    }
}
