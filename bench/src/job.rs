//! The job: a push of a branch with several commits, as the HTTP API hands it over, signed like Bitbucket signs it.
//!
//! The delivery is the `branch-updated` fixture of `trigger-deploy`, with as many commits as it takes to become as large
//! as such deliveries are.

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// What the webhook is signed with, on this run's stub only.
pub const SECRET: &str = "a secret of the benchmark";

/// The app configuration that the stub holds for the repository of the delivery.
pub const APP_CONFIG: &str = r#"{
  "branch": "main",
  "hosts": { "tags": { "role": "web" } },
  "waves": ["1", "50%", "100%"],
  "health": { "port": 3000, "path": "/health" },
  "process": { "script": "server.js", "instances": 2 },
  "hooks": { "build": "build", "migrate": "db:migrate" },
  "notifications": { "slack": ["deployments"] }
}"#;

/// How large the event is at least. Deliveries of Bitbucket are 10 to 60 KB.
pub const EVENT_BYTES: usize = 25_000;

const PUSH: &str =
    include_str!("../../functions/trigger-deploy/tests/fixtures/branch-updated.json");

/// The event of the HTTP API (payload format 2.0) for one push.
///
/// # Errors
/// When the fixture is not the JSON of a push.
pub fn push_event() -> Result<String> {
    let mut push: Value = serde_json::from_str(PUSH)?;
    let commit = push.pointer("/push/changes/0/new/target").cloned();
    let commit = commit.context("the fixture has no commit")?;
    loop {
        let event = event(&push.to_string())?;
        if event.len() >= EVENT_BYTES {
            return Ok(event);
        }
        let commits = push.pointer_mut("/push/changes/0/commits");
        let commits = commits.and_then(Value::as_array_mut);
        let commits = commits.context("the fixture has no list of commits")?;
        commits.push(commit.clone());
    }
}

fn event(body: &str) -> Result<String> {
    let event = json!({
        "version": "2.0",
        "routeKey": "POST /webhooks/bitbucket",
        "rawPath": "/webhooks/bitbucket",
        "rawQueryString": "",
        "headers": {
            "content-type": "application/json",
            "host": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "user-agent": "Bitbucket-Webhooks/2.0",
            "x-attempt-number": "1",
            "x-event-key": "repo:push",
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-hook-uuid": "0b9a5f4e-1c2d-4e3f-8a9b-0c1d2e3f4a5b",
            "x-hub-signature": signature(body.as_bytes())?,
            "x-request-uuid": "1b9a5f4e-1c2d-4e3f-8a9b-0c1d2e3f4a5b",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "http": {
                "method": "POST",
                "path": "/webhooks/bitbucket",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "Bitbucket-Webhooks/2.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /webhooks/bitbucket",
            "stage": "$default",
            "timeEpoch": 1_772_445_600_000_u64,
        },
        "body": body,
        "isBase64Encoded": false,
    });
    Ok(event.to_string())
}

fn signature(body: &[u8]) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    Ok(digest.iter().fold("sha256=".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_as_large_as_deliveries_are_and_holds_its_body_unchanged() {
        let text = push_event().unwrap();
        assert!((EVENT_BYTES..EVENT_BYTES + 5_000).contains(&text.len()));
        let event: Value = serde_json::from_str(&text).unwrap();
        let body = event["body"].as_str().unwrap();
        assert_eq!(
            event["headers"]["x-hub-signature"],
            signature(body.as_bytes()).unwrap()
        );
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["push"]["changes"][0]["new"]["name"], "main");
    }
}
