//! Telling people: the environment's SNS topic and Slack's incoming webhooks.
//!
//! A message may arrive more than once, and carries what makes a repeat recognisable. The URL of a Slack webhook is a
//! secret: it is never logged, and requests go to Slack's own host only, as whoever can write that parameter must not
//! be able to send messages elsewhere.

use crate::config::is_loopback_name;
use crate::connect::Aws;
use crate::fault::{Fault, Verdict};
use crate::secrets::{SecretError, SecretName, Secrets};
use crate::telemetry::printable;
use crate::web::{Call, Web, WebError};
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use http::{Method, Uri};
use hyper::body::Bytes;
use longshore_core::ChannelName;
use secrecy::ExposeSecret;
use std::future::Future;
use std::time::Duration;

/// How long Slack may take.
const SLACK_TIMEOUT: Duration = Duration::from_secs(3);

/// How much of Slack's answer is read; it is one word.
const SLACK_ANSWER_MAX: usize = 4 * 1024;

/// The only host that a Slack webhook may have.
const SLACK_HOST: &str = "hooks.slack.com";

/// The longest subject (SNS API reference: `Subject`, less than 100 characters of ASCII without line breaks).
const SUBJECT_MAX: usize = 99;

/// A message for the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What mail shows as its subject; cut and made printable when it is sent.
    pub subject: String,
    /// The message.
    pub body: String,
    /// What subscribers can filter by: names with their words or ids.
    pub attributes: Vec<(&'static str, String)>,
}

/// Why a message was not delivered, by what the caller does.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// Try again later.
    #[error("the message cannot be delivered now: {0}")]
    Retry(String),
    /// It will never be taken; a person must act.
    #[error("the message is refused: {0}")]
    GiveUp(String),
}

/// Tells people.
pub trait Announce: Sync {
    /// Publishes to the environment's topic.
    fn publish(&self, notice: &Notice) -> impl Future<Output = Result<(), AnnounceError>> + Send;

    /// Posts JSON to a Slack channel.
    fn post(
        &self,
        channel: &ChannelName,
        json: &str,
    ) -> impl Future<Output = Result<(), AnnounceError>> + Send;
}

/// Answers a click in Slack.
pub trait Reply: Sync {
    /// Posts JSON to where Slack takes the answer to one click.
    fn reply(
        &self,
        url: &str,
        json: &str,
    ) -> impl Future<Output = Result<(), AnnounceError>> + Send;
}

/// Answers to Slack.
#[derive(Clone, Debug)]
pub struct SlackReply {
    web: Web,
}

impl SlackReply {
    /// Answers to Slack's own host, and in the local cloud to this machine.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self {
            web: aws.web().clone(),
        }
    }
}

impl Reply for SlackReply {
    async fn reply(&self, url: &str, json: &str) -> Result<(), AnnounceError> {
        if !is_slack(url, self.web.reaches_loopback()) {
            let reason = format!("the answer would not go to {SLACK_HOST}");
            return Err(AnnounceError::GiveUp(reason));
        }
        send(&self.web, url, json).await
    }
}

/// Messages by SNS and Slack.
#[derive(Debug)]
pub struct AwsAnnounce<S> {
    sns: Client,
    topic_arn: String,
    secrets: S,
    web: Web,
}

impl<S: Secrets> AwsAnnounce<S> {
    /// Messages to a topic, and to the Slack channels whose webhooks are among the secrets.
    #[must_use]
    pub fn new(aws: &Aws, topic_arn: &str, secrets: S) -> Self {
        Self {
            sns: Client::new(aws.sdk()),
            topic_arn: topic_arn.to_owned(),
            secrets,
            web: aws.web().clone(),
        }
    }
}

impl<S: Secrets> Announce for AwsAnnounce<S> {
    async fn publish(&self, notice: &Notice) -> Result<(), AnnounceError> {
        let subject: String = printable(&notice.subject)
            .chars()
            .take(SUBJECT_MAX)
            .collect();
        let mut request = self
            .sns
            .publish()
            .topic_arn(&self.topic_arn)
            .subject(subject)
            .message(&notice.body);
        for (name, value) in &notice.attributes {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .map_err(|error| AnnounceError::GiveUp(error.to_string()))?;
            request = request.message_attributes(*name, value);
        }
        request
            .send()
            .await
            .map_err(|error| undelivered(&Fault::of("Publish", &error)))?;
        Ok(())
    }

    async fn post(&self, channel: &ChannelName, json: &str) -> Result<(), AnnounceError> {
        let name = SecretName::Slack(channel.clone());
        let url = self
            .secrets
            .current(&name)
            .await
            .map_err(|error| unreadable(&error))?;
        let url = url.expose_secret().trim();
        if !is_slack(url, self.web.reaches_loopback()) {
            let reason = format!("the webhook of channel {channel} does not lead to {SLACK_HOST}");
            return Err(AnnounceError::GiveUp(reason));
        }
        send(&self.web, url, json).await
    }
}

/// Posts JSON to an address that is known to be Slack's.
async fn send(web: &Web, url: &str, json: &str) -> Result<(), AnnounceError> {
    let call = Call {
        method: Method::POST,
        url,
        headers: &[("content-type", "application/json")],
        body: Bytes::copy_from_slice(json.as_bytes()),
        timeout: SLACK_TIMEOUT,
        answer_bytes_max: SLACK_ANSWER_MAX,
    };
    let reply = web.ask(call).await.map_err(|e| unasked(&e))?;
    verdict(reply.status.as_u16(), &reply.body)
}

fn undelivered(fault: &Fault) -> AnnounceError {
    match fault.verdict {
        Verdict::Throttled | Verdict::Unknown => AnnounceError::Retry(fault.to_string()),
        Verdict::Refused => AnnounceError::GiveUp(fault.to_string()),
    }
}

fn unreadable(error: &SecretError) -> AnnounceError {
    match error {
        SecretError::Missing { .. } | SecretError::Refused { .. } => {
            AnnounceError::GiveUp(error.to_string())
        }
        SecretError::Unavailable(_) => AnnounceError::Retry(error.to_string()),
    }
}

fn unasked(error: &WebError) -> AnnounceError {
    match error {
        WebError::Url(_) | WebError::NotPublic => AnnounceError::GiveUp(error.to_string()),
        WebError::Name(_)
        | WebError::Connection(_)
        | WebError::Http(_)
        | WebError::TooLong
        | WebError::Timeout => AnnounceError::Retry(format!("Slack: {error}")),
    }
}

/// Whether a URL is one of Slack's webhooks; in the local cloud also plain HTTP to this machine.
#[must_use]
pub fn is_slack(url: &str, loopback: bool) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let Some(authority) = uri.authority() else {
        return false;
    };
    if authority.as_str().contains('@') {
        return false;
    }
    match uri.scheme_str() {
        Some("https") => {
            authority.host() == SLACK_HOST && matches!(authority.port_u16(), None | Some(443))
        }
        Some("http") => loopback && is_loopback_name(authority.host()),
        _ => false,
    }
}

/// What Slack's answer means. Only its one word is shown, if it is one.
fn verdict(status: u16, body: &[u8]) -> Result<(), AnnounceError> {
    if (200..=299).contains(&status) {
        return Ok(());
    }
    let word: String = body
        .iter()
        .take(40)
        .map(|b| char::from(*b))
        .take_while(|c| c.is_ascii_lowercase() || *c == '_')
        .collect();
    let reason = format!("Slack answered {status} {word}")
        .trim_end()
        .to_owned();
    match status {
        408 | 429 | 500.. => Err(AnnounceError::Retry(reason)),
        _ => Err(AnnounceError::GiveUp(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_to_slack_and_nowhere_else() {
        for (url, public, local) in [
            ("https://hooks.slack.com/services/T0/B0/x", true, true),
            ("https://hooks.slack.com:443/services/x", true, true),
            ("http://hooks.slack.com/services/x", false, false),
            ("https://hooks.slack.com:8443/x", false, false),
            ("https://hooks.slack.com.example.com/x", false, false),
            ("https://hooks.slack.com@example.com/x", false, false),
            ("https://example.com/hooks.slack.com", false, false),
            ("https://169.254.169.254/", false, false),
            ("http://127.0.0.1:9000/x", false, true),
            ("http://localhost:9000/x", false, true),
            ("http://127.0.0.1@example.com/x", false, false),
            ("https://127.0.0.1:9000/x", false, false),
            ("hooks.slack.com", false, false),
            ("", false, false),
        ] {
            assert_eq!(is_slack(url, false), public, "{url}");
            assert_eq!(is_slack(url, true), local, "{url} in the local cloud");
        }
    }

    #[test]
    fn slacks_answer_decides_whether_to_try_again() {
        for status in [200, 204] {
            assert!(verdict(status, b"ok").is_ok());
        }
        for status in [408, 429, 500, 503] {
            assert!(
                matches!(verdict(status, b""), Err(AnnounceError::Retry(_))),
                "{status}"
            );
        }
        for status in [302, 400, 403, 404, 410] {
            assert!(
                matches!(verdict(status, b""), Err(AnnounceError::GiveUp(_))),
                "{status}"
            );
        }
        let refused = verdict(404, b"no_service\n<b>").unwrap_err().to_string();
        assert_eq!(
            refused,
            "the message is refused: Slack answered 404 no_service"
        );
    }
}
