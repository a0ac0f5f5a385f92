//! Secrets: read rarely, kept shortly, never shown.

use super::replay::{Replay, Reply, StoppedClock};
use longshore_core::{ChannelName, EnvironmentName};
use longshore_shell::secrets::{SecretError, SecretName, Secrets, SsmSecrets};
use secrecy::ExposeSecret;
use serde_json::json;

fn secrets(replay: &Replay, clock: &StoppedClock) -> SsmSecrets<StoppedClock> {
    let environment = EnvironmentName::parse("prod").unwrap();
    SsmSecrets::new(&replay.aws(), &environment, clock.clone())
}

fn parameter(value: &str) -> Reply {
    Reply::json(&json!({ "Parameter": { "Name": "x", "Version": 1, "Value": value } }))
}

#[tokio::test]
async fn a_secret_is_decrypted_and_kept_for_a_minute() {
    let replay = Replay::of([parameter("canary-one"), parameter("canary-two")]);
    let clock = StoppedClock::at_s(1_000);
    let secrets = secrets(&replay, &clock);
    for (seconds, value) in [
        (1_000, "canary-one"),
        (1_059, "canary-one"),
        (1_060, "canary-two"),
    ] {
        clock.move_to_s(seconds);
        let secret = secrets.current(&SecretName::Webhook).await.unwrap();
        assert_eq!(secret.expose_secret(), value);
    }
    assert_eq!(
        replay.sent()[0].json(),
        json!({ "Name": "/longshore/prod/control/bitbucket/webhook-secret", "WithDecryption": true })
    );
    assert_eq!(replay.sent().len(), 2);
}

#[tokio::test]
async fn strangers_cannot_make_it_read_more_than_once_in_ten_seconds() {
    let replay = Replay::of([parameter("old"), parameter("new")]);
    let clock = StoppedClock::at_s(1_000);
    let secrets = secrets(&replay, &clock);
    secrets.current(&SecretName::Webhook).await.unwrap();
    for seconds in [1_000, 1_005, 1_009] {
        clock.move_to_s(seconds);
        assert!(secrets.fresh(&SecretName::Webhook).await.unwrap().is_none());
    }
    assert_eq!(replay.sent().len(), 1);
    clock.move_to_s(1_010);
    let fresh = secrets.fresh(&SecretName::Webhook).await.unwrap().unwrap();
    assert_eq!(fresh.expose_secret(), "new");
    let current = secrets.current(&SecretName::Webhook).await.unwrap();
    assert_eq!(current.expose_secret(), "new");
}

#[tokio::test]
async fn no_form_of_it_shows_a_secret() {
    let replay = Replay::of([parameter("canary-value")]);
    let secrets = secrets(&replay, &StoppedClock::at_s(0));
    let channel = SecretName::Slack(ChannelName::parse("deployments").unwrap());
    let secret = secrets.current(&channel).await.unwrap();
    let shown = format!("{secret:?} {secrets:?}");
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(
        replay.sent()[0].json()["Name"],
        "/longshore/prod/control/slack/deployments"
    );
}

#[tokio::test]
async fn a_missing_secret_needs_a_person_and_a_lost_answer_does_not() {
    for (reply, refused) in [
        (parameter(""), true),
        (Reply::json(&json!({})), true),
        (Reply::error(400, "ParameterNotFound"), true),
        (Reply::error(400, "AccessDeniedException"), true),
        (Reply::error(400, "ThrottlingException"), false),
        (Reply::Lost, false),
    ] {
        let replay = Replay::of([reply.clone()]);
        let secrets = secrets(&replay, &StoppedClock::at_s(0));
        let error = secrets.current(&SecretName::Webhook).await.unwrap_err();
        assert_eq!(
            matches!(
                error,
                SecretError::Missing { .. } | SecretError::Refused { .. }
            ),
            refused,
            "{reply:?}"
        );
    }
}
