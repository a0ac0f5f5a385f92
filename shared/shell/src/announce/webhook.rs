//! Webhooks for systems: JSON, signed as Standard Webhooks says, so that receivers can verify it with a library of theirs
//! (<https://www.standardwebhooks.com>, specification 1.0).
//!
//! What is signed is the id, the time and the raw body, each followed by a point but the last. A secret is `whsec_` and 24 to 64
//! bytes in base64. Two, with a space between them, sign both for as long as a receiver changes from the one to the other.

use super::answer::{Asked, ask, leads_to, taken};
use super::{AnnounceError, unreadable};
use crate::secrets::{SecretName, Secrets};
use crate::web::Web;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use longshore_core::{ChannelName, Timestamp};
use secrecy::ExposeSecret;
use sha2::Sha256;
use std::time::Duration;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many bytes a secret may have (Standard Webhooks, "Signature scheme").
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// How many secrets sign at most.
const KEYS_MAX: usize = 2;

/// Sends a signed message. `sent` is its id and the time.
pub(super) async fn send(
    web: &Web,
    secrets: &impl Secrets,
    channel: &ChannelName,
    sent: (&str, Timestamp),
    json: &str,
) -> Result<(), AnnounceError> {
    let address = SecretName::WebhookUrl(channel.clone());
    let url = secrets.current(&address).await;
    let url = url.map_err(|error| unreadable(&error))?;
    let url = url.expose_secret().trim();
    // Which addresses are public is judged where the connection is made, after the name is resolved.
    if !leads_by_tls(url, web.reaches_loopback()) {
        let reason = format!("the address of webhook {channel} is not one of https");
        return Err(AnnounceError::GiveUp(reason));
    }
    let key = SecretName::WebhookSecret(channel.clone());
    let secret = secrets.current(&key).await.map_err(|e| unreadable(&e))?;
    let (id, at) = sent;
    let seconds = (at.as_unix_ms() / 1000).to_string();
    let Some(signature) = signature(secret.expose_secret(), id, &seconds, json) else {
        let reason =
            format!("the secret of webhook {channel} is not whsec_ and 24 to 64 bytes in base64");
        return Err(AnnounceError::GiveUp(reason));
    };
    let whose = format!("webhook {channel}");
    let asked = Asked {
        whose: &whose,
        method: Method::POST,
        url,
        headers: &[
            ("webhook-id", id),
            ("webhook-timestamp", &seconds),
            ("webhook-signature", &signature),
        ],
        json,
        timeout: TIMEOUT,
    };
    taken(&whose, &ask(web, asked).await?, "")
}

fn leads_by_tls(url: &str, loopback: bool) -> bool {
    url.starts_with("https://") || leads_to(url, loopback, |_| false)
}

/// The header's value: a signature for each secret. `None` when one of them is none.
fn signature(secrets: &str, id: &str, seconds: &str, body: &str) -> Option<String> {
    let keys: Option<Vec<Vec<u8>>> = secrets.split_whitespace().map(key).collect();
    let keys = keys.filter(|keys| (1..=KEYS_MAX).contains(&keys.len()))?;
    let signed: Option<Vec<String>> = keys
        .iter()
        .map(|key| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
            mac.update(format!("{id}.{seconds}.{body}").as_bytes());
            let digest = mac.finalize().into_bytes();
            Some(format!("v1,{}", STANDARD.encode(digest)))
        })
        .collect();
    Some(signed?.join(" "))
}

fn key(secret: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    KEY_BYTES.contains(&bytes.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key, the message and the signature of the reference implementations' own tests (standard-webhooks, `libraries`).
    #[test]
    fn a_signature_is_the_one_that_the_reference_makes() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        let body = r#"{"test": 2432232314}"#;
        let one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature(secret, id, at, body).unwrap(), one);
        let two = signature(&format!("{secret} {secret}\n"), id, at, body).unwrap();
        assert_eq!(two, format!("{one} {one}"));
    }

    #[test]
    fn what_is_no_secret_signs_nothing() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        let good = format!("whsec_{}", STANDARD.encode([7; 24]));
        let three = format!("{good} {good} {good}");
        for secret in ["", "hello", "whsec_", "whsec_!", &short, &long, &three] {
            assert_eq!(signature(secret, "a", "1", "{}"), None, "{secret}");
        }
        assert!(signature(&good, "a", "1", "{}").is_some());
    }

    #[test]
    fn a_webhook_needs_tls_and_in_the_local_cloud_this_machine() {
        for (url, public, local) in [
            ("https://audit.example.com/longshore", true, true),
            ("https://audit.example.com:8443/longshore", true, true),
            ("http://audit.example.com/longshore", false, false),
            ("http://127.0.0.1:9000/x", false, true),
            ("ftp://audit.example.com", false, false),
            ("", false, false),
        ] {
            assert_eq!(leads_by_tls(url, false), public, "{url}");
            assert_eq!(leads_by_tls(url, true), local, "{url} in the local cloud");
        }
    }
}
