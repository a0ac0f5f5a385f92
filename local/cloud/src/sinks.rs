//! Where notifications end on this machine: Slack's incoming webhooks and its API, workflows of Teams, receivers of webhooks, and an
//! SNS http subscriber.
//!
//! Every message is kept in the order of its arrival, for tests to read and for people to look at (`GET /messages`). A
//! subscription is confirmed as SNS asks for it. It must never send anything anywhere else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::aws::Aws;

/// The token of the played Slack's app.
pub const SLACK_TOKEN: &str = "xoxb-a-token-of-the-played-slack";

/// What webhooks are signed with here.
pub const WEBHOOK_SECRET: &str = "whsec_cGxheWVkLW9uLXRoaXMtbWFjaGluZS1vbmx5";

const SLACK_PATH: &str = "/slack/";
const SLACK_API: &str = "/api/";
const SNS_PATH: &str = "/sns";
const SNS_VERSION: &str = "2010-03-31";

/// One message that arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// When it arrived, in milliseconds of Unix time.
    pub at_ms: i64,
    /// Where it was sent to: `/slack/<channel>`, `/api/<method>`, `/teams/<channel>`, `/webhooks/<name>` or `/sns`.
    pub path: String,
    /// The headers that webhooks are recognised and verified by.
    pub headers: BTreeMap<String, String>,
    /// Its body as it came.
    #[serde(skip)]
    pub raw: String,
    /// Its body: JSON where it is JSON, else text.
    pub body: Value,
    /// What it was answered with.
    pub status: u16,
}

#[derive(Debug, Default)]
struct Received {
    messages: Vec<Message>,
    refusals: VecDeque<u16>,
    posts: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Inbox {
    received: Arc<Mutex<Received>>,
    http: reqwest::Client,
    aws_port: u16,
}

/// The running sinks.
#[derive(Debug)]
pub struct Sinks {
    inbox: Inbox,
    port: u16,
    server: JoinHandle<()>,
}

impl Sinks {
    /// Listens on a free port. `aws_port` is the emulator's, whose subscriptions are confirmed.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start(aws_port: u16) -> Result<Self> {
        Self::start_at(aws_port, 0).await
    }

    /// The same on a given port.
    ///
    /// # Errors
    /// When it cannot be listened on.
    pub async fn start_at(aws_port: u16, port: u16) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let inbox = Inbox {
            received: Arc::default(),
            http,
            aws_port,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        let router = Router::new()
            .route("/messages", get(list))
            .fallback(receive)
            .with_state(inbox.clone());
        let server = tokio::spawn(async move {
            // It ends only when it is aborted.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self {
            inbox,
            port,
            server,
        })
    }

    /// Stops listening; the port is free when this returns.
    pub async fn stop(mut self) {
        self.server.abort();
        // It ends by the abort, which is as wanted.
        let _ended = (&mut self.server).await;
    }

    /// The address, without a slash at its end.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The incoming webhook of a channel.
    #[must_use]
    pub fn slack_url(&self, channel: &str) -> String {
        format!("{}{SLACK_PATH}{channel}", self.endpoint())
    }

    /// The webhook of a workflow of Teams.
    #[must_use]
    pub fn teams_url(&self, channel: &str) -> String {
        format!("{}/teams/{channel}", self.endpoint())
    }

    /// The address of a receiver of webhooks.
    #[must_use]
    pub fn webhook_url(&self, name: &str) -> String {
        format!("{}/webhooks/{name}", self.endpoint())
    }

    /// Everything that arrived, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.inbox.with(|received| received.messages.clone())
    }

    /// Answers the next messages with these statuses and not with 200.
    pub fn refuse_next(&self, statuses: &[u16]) {
        self.inbox
            .with(|received| received.refusals.extend(statuses));
    }

    /// Subscribes to a topic; SNS asks for the confirmation at once.
    ///
    /// # Errors
    /// When the emulator does not answer or refuses.
    pub async fn subscribe(&self, aws: &Aws, topic_arn: &str) -> Result<()> {
        let parameters = [
            ("TopicArn".to_owned(), topic_arn.to_owned()),
            ("Protocol".to_owned(), "http".to_owned()),
            (
                "Endpoint".to_owned(),
                format!("{}{SNS_PATH}", self.endpoint()),
            ),
        ];
        aws.query("sns", SNS_VERSION, "Subscribe", &parameters)
            .await
            .map(|_| ())
    }
}

impl Drop for Sinks {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Inbox {
    fn with<T>(&self, use_it: impl FnOnce(&mut Received) -> T) -> T {
        use_it(&mut self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, path: &str, headers: &HeaderMap, (raw, body): (&str, &Value)) -> u16 {
        let own = headers.iter();
        let own = own.filter(|(name, _)| name.as_str().starts_with("webhook-"));
        let headers = own
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        self.with(|received| {
            let status = received.refusals.pop_front().unwrap_or(200);
            let at_ms = jiff::Timestamp::now().as_millisecond();
            received.messages.push(Message {
                at_ms,
                path: path.to_owned(),
                headers,
                raw: raw.to_owned(),
                body: body.clone(),
                status,
            });
            status
        })
    }

    /// Answers as Slack's API does: with 200, and what it makes of the message in the body.
    fn slack(&self, method: &str, headers: &HeaderMap, body: &Value) -> Value {
        let no = |error: &str| json!({"ok": false, "error": error});
        let shown = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        if shown != Some(&format!("Bearer {SLACK_TOKEN}")) {
            return no("invalid_auth");
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        self.with(|received| match method {
            "chat.postMessage" => {
                let ts = format!("1700000000.{:06}", received.posts.len().saturating_add(1));
                received.posts.insert(ts.clone());
                json!({"ok": true, "channel": text("channel"), "ts": ts})
            }
            "chat.update" if received.posts.contains(text("ts")) => {
                json!({"ok": true, "channel": text("channel"), "ts": text("ts")})
            }
            "chat.update" => no("message_not_found"),
            _ => no("unknown_method"),
        })
    }

    /// Confirms a subscription, at the emulator only, whatever host the message names.
    async fn confirm(&self, body: &Value) {
        let url = body
            .get("SubscribeURL")
            .and_then(Value::as_str)
            .and_then(|url| url.parse::<Uri>().ok());
        if let Some(path) = url.as_ref().and_then(Uri::path_and_query) {
            let url = format!("http://127.0.0.1:{}{path}", self.aws_port);
            // A confirmation that fails shows as notifications that do not arrive.
            let _confirmed = self.http.get(url).send().await;
        }
    }
}

async fn list(State(inbox): State<Inbox>) -> impl IntoResponse {
    let text = inbox.with(|received| serde_json::to_string(&received.messages).unwrap_or_default());
    ([(CONTENT_TYPE, "application/json")], text)
}

async fn receive(
    State(inbox): State<Inbox>,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> (StatusCode, String) {
    let raw = String::from_utf8_lossy(&bytes);
    let body: Value =
        serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(raw.to_string()));
    if body.get("Type").and_then(Value::as_str) == Some("SubscriptionConfirmation") {
        inbox.confirm(&body).await;
        return (StatusCode::OK, String::new());
    }
    let status = inbox.keep(uri.path(), &headers, (&raw, &body));
    // Slack says so in words, too.
    let words = match uri.path().strip_prefix(SLACK_API) {
        Some(method) => inbox.slack(method, &headers, &body).to_string(),
        None if uri.path().starts_with(SLACK_PATH) => "ok".to_owned(),
        None => String::new(),
    };
    (
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        words,
    )
}
