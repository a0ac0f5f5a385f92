//! An HTTP client that answers from a script and keeps what it was asked. A lost answer is what a real client reports
//! when the connection breaks after the request has left.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One scripted answer.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// A status and a body.
    Answer(u16, Value),
    /// None: the connection breaks.
    Lost,
}

impl Reply {
    pub(super) fn ok(body: Value) -> Self {
        Self::Answer(200, body)
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        let body =
            json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "no"});
        Self::Answer(status, body)
    }
}

/// A condition that did not hold, with the item that stood in the way.
pub(super) fn conditional_check_failed(standing: &Value) -> Reply {
    let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    let mut body = json!({"__type": code, "message": "The conditional request failed"});
    if !standing.is_null() {
        body["Item"] = standing.clone();
    }
    Reply::Answer(400, body)
}

/// A cancelled transaction, with a code and the item that stood in the way for each write.
pub(super) fn transaction_canceled(reasons: &[(&str, Value)]) -> Reply {
    let reasons: Vec<Value> = reasons
        .iter()
        .map(|(code, standing)| {
            let mut reason = json!({"Code": code});
            if !standing.is_null() {
                reason["Item"] = standing.clone();
            }
            reason
        })
        .collect();
    let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    Reply::Answer(
        400,
        json!({"__type": code, "Message": "cancelled", "CancellationReasons": reasons}),
    )
}

#[derive(Debug, Default)]
struct Script {
    replies: VecDeque<Reply>,
    requests: Vec<(String, Value)>,
}

/// The scripted client.
#[derive(Clone, Debug)]
pub(super) struct Wire(Arc<Mutex<Script>>);

impl Wire {
    pub(super) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self(Arc::new(Mutex::new(Script {
            replies: replies.into_iter().collect(),
            requests: Vec::new(),
        })))
    }

    /// A DynamoDB client on this wire, which retries as the real one does but without waiting for it.
    pub(super) fn client(&self) -> Client {
        let retry = RetryConfig::standard().with_initial_backoff(Duration::from_micros(1));
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .retry_config(retry)
            .http_client(self.clone())
            .build();
        Client::from_conf(config)
    }

    /// The requests so far: operation and body. The token that the SDK adds to a transaction is random, so it is left out.
    pub(super) fn requests(&self) -> Vec<(String, Value)> {
        self.0.lock().unwrap().requests.clone()
    }

    fn reply(&self, request: &HttpRequest) -> Reply {
        let mut script = self.0.lock().unwrap();
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.split_once('.').unwrap().1.to_owned();
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        body.as_object_mut().unwrap().remove("ClientRequestToken");
        script.requests.push((operation, body));
        let reply = script.replies.pop_front();
        reply.expect("the script has an answer to every request")
    }
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let status = StatusCode::try_from(status).unwrap();
    HttpResponse::new(status, SdkBody::from(body.to_string()))
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(match self.reply(&request) {
            Reply::Lost => Err(ConnectorError::io("the connection broke".into())),
            Reply::Answer(status, body) => Ok(response(status, &body)),
        })
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
