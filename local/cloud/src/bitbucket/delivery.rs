//! Sends a webhook as Bitbucket does: its headers, its signature, and two more attempts when the receiver answers 5xx.
//!
//! The signature is over the bytes that are sent. It must never print the secret.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sign;

const ATTEMPTS_MAX: u32 = 3;
/// Bitbucket gives a receiver ten seconds.
const TIMEOUT: Duration = Duration::from_secs(10);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(300);
const SERVER_ERROR: u16 = 500;

/// Where a repository's webhook goes, and what it is signed with.
#[derive(Clone, Deserialize, Serialize)]
pub struct Webhook {
    /// `workspace/repository`.
    pub repository: String,
    /// The receiver.
    pub url: String,
    /// The secret of the signature.
    pub secret: String,
    /// The webhook's own id, in braces.
    pub hook: String,
}

/// How a delivery ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delivered {
    /// The status of the last answer; none when nothing answered.
    pub status: Option<u16>,
    /// The body of the last answer.
    pub body: String,
    /// How many attempts were made.
    pub attempts: u32,
}

impl Webhook {
    /// A webhook with an id of its own.
    #[must_use]
    pub fn new(repository: &str, url: &str, secret: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            url: url.to_owned(),
            secret: secret.to_owned(),
            hook: format!("{{{}}}", Uuid::new_v4()),
        }
    }

    /// The value of `X-Hub-Signature` for these bytes.
    ///
    /// # Errors
    /// Never in practice: HMAC takes a key of any length.
    pub fn signature(&self, body: &[u8]) -> Result<String> {
        Ok(format!(
            "sha256={}",
            sign::hex(&sign::hmac(self.secret.as_bytes(), body)?)
        ))
    }

    /// Delivers an event (`repo:push`) with this body.
    ///
    /// # Errors
    /// When the request cannot be built. A receiver that does not answer is told in the result.
    pub async fn deliver(&self, event: &str, body: &[u8]) -> Result<Delivered> {
        let signature = self.signature(body)?;
        self.deliver_signed(event, body, Some(&signature)).await
    }

    /// Delivers an event with a signature that is given, right or wrong, or with none.
    ///
    /// # Errors
    /// When the request cannot be built. A receiver that does not answer is told in the result.
    pub async fn deliver_signed(
        &self,
        event: &str,
        body: &[u8],
        signature: Option<&str>,
    ) -> Result<Delivered> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .build()?;
        let request = Uuid::new_v4().to_string();
        let mut delivered = Delivered {
            status: None,
            body: String::new(),
            attempts: 0,
        };
        for attempt in 1..=ATTEMPTS_MAX {
            if attempt > 1 {
                tokio::time::sleep(BETWEEN_ATTEMPTS).await;
            }
            delivered.attempts = attempt;
            let mut sending = http
                .post(&self.url)
                .header("content-type", "application/json")
                .header("user-agent", "Bitbucket-Webhooks/2.0")
                .header("x-event-key", event)
                .header("x-hook-uuid", self.hook.trim_matches(['{', '}']))
                .header("x-request-uuid", &request)
                .header("x-attempt-number", attempt)
                .body(body.to_vec());
            if let Some(signature) = signature {
                sending = sending.header("x-hub-signature", signature);
            }
            let sent = sending.build().context("building the webhook")?;
            let Ok(answer) = http.execute(sent).await else {
                continue;
            };
            delivered.status = Some(answer.status().as_u16());
            delivered.body = answer.text().await.unwrap_or_default();
            if delivered.status < Some(SERVER_ERROR) {
                break;
            }
        }
        Ok(delivered)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Webhook")
            .field("repository", &self.repository)
            .field("url", &self.url)
            .field("hook", &self.hook)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Webhook;

    #[test]
    fn a_signature_is_over_the_raw_bytes() {
        let webhook = Webhook::new(
            "acme/orders",
            "http://127.0.0.1:1/",
            "It's a Secret to Everybody",
        );
        assert_eq!(
            webhook.signature(b"Hello World!").unwrap(),
            "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
        );
    }

    #[test]
    fn the_secret_does_not_show() {
        let webhook = Webhook::new("acme/orders", "http://127.0.0.1:1/", "hidden-value");
        assert!(!format!("{webhook:?}").contains("hidden-value"));
    }
}
