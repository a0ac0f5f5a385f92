//! Slack: incoming webhooks, the API for an app of one's own, and answers to clicks.

use super::answer::{Asked, ask, leads_to, taken, word_of};
use super::{AnnounceError, Reply, unreadable};
use crate::connect::Aws;
use crate::secrets::{SecretName, Secrets};
use crate::web::Web;
use http::Method;
use longshore_core::{ChannelName, MessageTs};
use secrecy::ExposeSecret;
use serde::Deserialize;
use std::borrow::Cow;
use std::time::Duration;

/// How long Slack may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The only host that a Slack webhook may have.
const HOST: &str = "hooks.slack.com";

/// Errors of Slack's API that pass by themselves (Slack API reference, errors of `chat.postMessage`).
const PASSING: [&str; 8] = [
    "fatal_error",
    "internal_error",
    "message_limit_exceeded",
    "rate_limited",
    "ratelimited",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
];

/// What is done by Slack's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlackCall {
    /// A new message.
    Post,
    /// Another content for a message that stands.
    Update,
}

impl SlackCall {
    /// The method's name.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Post => "chat.postMessage",
            Self::Update => "chat.update",
        }
    }
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
            let reason = format!("the answer would not go to {HOST}");
            return Err(AnnounceError::GiveUp(reason));
        }
        send(&self.web, url, json).await
    }
}

/// Whether a URL is one of Slack's webhooks; in the local cloud also plain HTTP to this machine.
#[must_use]
pub fn is_slack(url: &str, loopback: bool) -> bool {
    leads_to(url, loopback, |host| host == HOST)
}

/// Posts to an incoming webhook.
pub(super) async fn to_webhook(
    web: &Web,
    secrets: &impl Secrets,
    channel: &ChannelName,
    json: &str,
) -> Result<(), AnnounceError> {
    let name = SecretName::Slack(channel.clone());
    let url = secrets.current(&name).await.map_err(|e| unreadable(&e))?;
    let url = url.expose_secret().trim();
    if !is_slack(url, web.reaches_loopback()) {
        let reason = format!("the webhook of channel {channel} does not lead to {HOST}");
        return Err(AnnounceError::GiveUp(reason));
    }
    send(web, url, json).await
}

/// Posts JSON to an address that is known to be Slack's.
async fn send(web: &Web, url: &str, json: &str) -> Result<(), AnnounceError> {
    let asked = Asked {
        whose: "Slack",
        method: Method::POST,
        url,
        headers: &[],
        json,
        timeout: TIMEOUT,
    };
    let reply = ask(web, asked).await?;
    taken("Slack", &reply, &word_of(&reply.body))
}

/// Calls Slack's API with the app's token.
pub(super) async fn to_app(
    web: &Web,
    secrets: &impl Secrets,
    api: &str,
    call: SlackCall,
    json: &str,
) -> Result<Option<MessageTs>, AnnounceError> {
    let token = secrets.current(&SecretName::SlackApp).await;
    let token = token.map_err(|error| unreadable(&error))?;
    let bearer = format!("Bearer {}", token.expose_secret().trim());
    let asked = Asked {
        whose: "Slack",
        method: Method::POST,
        url: &format!("{api}/api/{}", call.method()),
        headers: &[("authorization", &bearer)],
        json,
        timeout: TIMEOUT,
    };
    let reply = ask(web, asked).await?;
    taken("Slack", &reply, "")?;
    judged(&reply.body)
}

#[derive(Deserialize)]
struct Answer<'a> {
    ok: bool,
    #[serde(default, borrow)]
    error: Cow<'a, str>,
    #[serde(default, borrow)]
    ts: Cow<'a, str>,
}

/// What an answer of the API means: it says with 200 whether it has taken the message.
fn judged(body: &[u8]) -> Result<Option<MessageTs>, AnnounceError> {
    let Ok(answer) = serde_json::from_slice::<Answer<'_>>(body) else {
        let reason = "Slack's answer cannot be read".to_owned();
        return Err(AnnounceError::Retry(reason));
    };
    if answer.ok {
        return Ok(MessageTs::parse(&answer.ts).ok());
    }
    let word = word_of(answer.error.as_bytes());
    let reason = format!("Slack answered {word}");
    Err(if PASSING.contains(&word.as_str()) {
        AnnounceError::Retry(reason)
    } else {
        AnnounceError::GiveUp(reason)
    })
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
    fn the_api_says_in_a_word_what_it_makes_of_a_message() {
        let ts = judged(br#"{"ok":true,"ts":"1503435956.000247","channel":"C0"}"#).unwrap();
        assert_eq!(ts.unwrap().as_str(), "1503435956.000247");
        assert_eq!(judged(br#"{"ok":true}"#).unwrap(), None);
        for (body, again) in [
            (r#"{"ok":false,"error":"ratelimited"}"#, true),
            (r#"{"ok":false,"error":"internal_error"}"#, true),
            (r#"{"ok":false,"error":"not_in_channel"}"#, false),
            (r#"{"ok":false,"error":"message_not_found"}"#, false),
            (r#"{"ok":false}"#, false),
            ("<html>", true),
        ] {
            let error = judged(body.as_bytes()).unwrap_err();
            assert_eq!(matches!(error, AnnounceError::Retry(_)), again, "{body}");
        }
    }
}
