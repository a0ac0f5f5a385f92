//! Sending and finding commands.

use super::replay::{Replay, Reply, StoppedClock};
use longshore_core::{
    AppName, Commit, DocumentPin, EnvironmentName, FailureClass, HostId, ParameterName, Release,
    Repository, Timestamp, Token,
};
use longshore_shell::commands::SsmCommands;
use longshore_shell::ports::{Commands, Order, SendError};
use serde_json::json;

const TOKEN: &str = "01JD0000000000000000000000:7:activate:1:0.2";
const COMMAND: &str = "11111111-2222-3333-4444-555555555555";
const NOW_S: u64 = 1_700_000_000;

fn order() -> Order {
    let version = |name: &str, version| (ParameterName::parse(name).unwrap(), version);
    Order {
        token: Token::parse(TOKEN).unwrap(),
        hosts: vec![
            HostId::parse("i-0123456789abcdef0").unwrap(),
            HostId::parse("i-0123456789abcdef1").unwrap(),
        ],
        document: DocumentPin {
            version: "3".to_owned(),
            hash: "ab".repeat(32),
        },
        app: AppName::parse("orders").unwrap(),
        environment: EnvironmentName::parse("prod").unwrap(),
        repository: Repository::parse("acme/orders").unwrap(),
        release: Release {
            commit: Commit::parse(&"c".repeat(40)).unwrap(),
            config_version: 4,
            parameters: [version("DB_URL", 12), version("API_KEY", 3)].into(),
            artifact: None,
        },
        previous: None,
        not_after: Timestamp::from_unix_ms((NOW_S + 300) * 1_000),
    }
}

fn commands(replay: &Replay) -> SsmCommands<StoppedClock> {
    SsmCommands::new(&replay.aws(), "longshore-prod", StoppedClock::at_s(NOW_S))
}

fn accepted() -> Reply {
    Reply::json(&json!({ "Command": { "CommandId": COMMAND } }))
}

#[tokio::test]
async fn a_command_says_exactly_this() {
    let replay = Replay::of([accepted()]);
    let order = order();
    let sent = commands(&replay).send(&order).await.unwrap();
    assert_eq!(sent.as_str(), COMMAND);
    let requests = replay.sent();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].target, "AmazonSSM.SendCommand");
    let release = order.release.id().to_string();
    assert_eq!(
        requests[0].json(),
        json!({
            "DocumentName": "longshore-prod",
            "DocumentVersion": "3",
            "DocumentHash": "ab".repeat(32),
            "DocumentHashType": "Sha256",
            "InstanceIds": ["i-0123456789abcdef0", "i-0123456789abcdef1"],
            "Comment": TOKEN,
            "TimeoutSeconds": 300,
            "Parameters": {
                "Action": ["activate"],
                "App": ["orders"],
                "Environment": ["prod"],
                "Repository": ["acme/orders"],
                "Deployment": ["01JD0000000000000000000000"],
                "Generation": ["7"],
                "Token": [TOKEN],
                "Release": [release],
                "Previous": [""],
                "ConfigVersion": ["4"],
                "Pins": ["API_KEY:3,DB_URL:12"],
                "Artifact": [""],
                "NotAfter": ["1700000300"],
                "DeadlineSeconds": ["285"],
                "ExecutionTimeout": ["315"],
            },
        })
    );
}

#[tokio::test]
async fn one_intent_is_one_send_command_whatever_happens() {
    for (reply, what) in [
        (Reply::Lost, "unknown"),
        (Reply::Silence, "unknown"),
        (Reply::error(500, "InternalServerError"), "unknown"),
        (Reply::error(503, "ServiceUnavailable"), "unknown"),
        (Reply::Answer(200, "<html>".to_owned()), "unknown"),
        (Reply::Answer(200, "{}".to_owned()), "unknown"),
        (Reply::Answer(502, String::new()), "unknown"),
        (Reply::error(400, "ThrottlingException"), "throttled"),
        (Reply::error(429, "TooManyRequestsException"), "throttled"),
        (Reply::error(400, "RequestLimitExceeded"), "throttled"),
        (Reply::error(400, "InvalidInstanceId"), "refused"),
    ] {
        let replay = Replay::of([reply.clone()]);
        let error = commands(&replay).send(&order()).await.unwrap_err();
        let found = match error {
            SendError::Unknown(_) => "unknown",
            SendError::Throttled => "throttled",
            SendError::Refused(_) => "refused",
        };
        assert_eq!(found, what, "{reply:?}");
        assert_eq!(replay.sent().len(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn every_refusal_has_its_class() {
    for (code, class) in [
        ("InvalidInstanceId", FailureClass::InvalidHost),
        ("UnsupportedPlatformType", FailureClass::InvalidHost),
        ("InvalidDocument", FailureClass::DocumentRefused),
        ("InvalidDocumentVersion", FailureClass::DocumentRefused),
        ("InvalidParameters", FailureClass::DocumentRefused),
        ("MaxDocumentSizeExceeded", FailureClass::DocumentRefused),
        ("ValidationException", FailureClass::DocumentRefused),
        ("AccessDeniedException", FailureClass::AccessDenied),
        ("ExpiredTokenException", FailureClass::AccessDenied),
        ("UnrecognizedClientException", FailureClass::AccessDenied),
        ("DuplicateInstanceId", FailureClass::Internal),
        ("NeverHeardOf", FailureClass::Internal),
    ] {
        let replay = Replay::of([Reply::error(400, code)]);
        match commands(&replay).send(&order()).await {
            Err(SendError::Refused(failure)) => {
                assert_eq!(failure.class, class, "{code}");
                assert_eq!(failure.detail(), format!("{code}: {code} happened"));
            }
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_command_whose_time_has_passed_is_not_sent() {
    let replay = Replay::of([accepted()]);
    let mut order = order();
    order.not_after = Timestamp::from_unix_ms(NOW_S * 1_000);
    match commands(&replay).send(&order).await {
        Err(SendError::Refused(failure)) => assert_eq!(failure.class, FailureClass::Expired),
        other => panic!("{other:?}"),
    }
    assert!(replay.sent().is_empty());
}

fn listed(commands: &[(&str, &str)], next: Option<&str>) -> Reply {
    let commands: Vec<_> = commands
        .iter()
        .map(|(id, comment)| json!({ "CommandId": id, "Comment": comment }))
        .collect();
    Reply::json(&json!({ "Commands": commands, "NextToken": next }))
}

#[tokio::test]
async fn a_lost_reply_is_found_by_the_exact_comment_on_any_page() {
    let other = "99999999-2222-3333-4444-555555555555";
    let replay = Replay::of([
        listed(
            &[(other, "01JD0000000000000000000000:7:activate:1:0.21")],
            Some("two"),
        ),
        listed(&[], Some("three")),
        listed(&[(other, ""), (COMMAND, TOKEN)], Some("four")),
    ]);
    let since = Timestamp::from_unix_ms(NOW_S * 1_000);
    let token = Token::parse(TOKEN).unwrap();
    let found = commands(&replay).find(&token, since).await.unwrap();
    assert_eq!(found.unwrap().as_str(), COMMAND);
    let requests = replay.sent();
    assert_eq!(requests.len(), 3);
    assert_eq!(
        requests[0].json(),
        json!({
            "MaxResults": 50,
            "Filters": [
                { "key": "InvokedAfter", "value": "2023-11-14T22:08:20Z" },
                { "key": "DocumentName", "value": "longshore-prod" },
            ],
        })
    );
    assert_eq!(requests[2].json()["NextToken"], "three");
}

#[tokio::test]
async fn a_command_that_ssm_does_not_have_is_not_found() {
    let replay = Replay::of([listed(&[], None)]);
    let token = Token::parse(TOKEN).unwrap();
    let found = commands(&replay).find(&token, Timestamp::default()).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn a_search_is_tried_again_because_it_is_harmless() {
    let replay = Replay::of([
        Reply::Lost,
        Reply::error(400, "ThrottlingException"),
        listed(&[(COMMAND, TOKEN)], None),
    ]);
    let token = Token::parse(TOKEN).unwrap();
    let found = commands(&replay).find(&token, Timestamp::default()).await;
    assert!(found.unwrap().is_some());
    assert_eq!(replay.sent().len(), 3);
}

#[tokio::test]
async fn a_search_that_cannot_be_made_is_not_a_search_that_found_nothing() {
    for reply in [Reply::Lost, Reply::error(400, "AccessDeniedException")] {
        let replay = Replay::of([reply]);
        let token = Token::parse(TOKEN).unwrap();
        let found = commands(&replay).find(&token, Timestamp::default()).await;
        assert!(found.is_err());
    }
}

#[tokio::test]
async fn only_our_own_comments_are_tokens() {
    let id = longshore_core::CommandId::parse(COMMAND).unwrap();
    for (reply, expected) in [
        (listed(&[(COMMAND, TOKEN)], None), Some(TOKEN)),
        (listed(&[(COMMAND, "patching")], None), None),
        (listed(&[], None), None),
        (Reply::error(400, "InvalidCommandId"), None),
    ] {
        let replay = Replay::of([reply]);
        let token = commands(&replay).token_of(&id).await.unwrap();
        assert_eq!(token.map(|token| token.to_string()).as_deref(), expected);
        assert_eq!(replay.sent()[0].json()["CommandId"], COMMAND);
    }
}
