//! Hosts, parameters and the document.

use super::replay::{Replay, Reply};
use longshore_core::{AppName, EnvironmentName, FailureClass};
use longshore_shell::fleet::SsmFleet;
use longshore_shell::ports::{Fleet, Ping, ResolveError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Debug;

fn fleet(replay: &Replay) -> SsmFleet {
    let environment = EnvironmentName::parse("prod").unwrap();
    SsmFleet::new(&replay.aws(), &environment, "longshore-prod")
}

fn app() -> AppName {
    AppName::parse("orders").unwrap()
}

fn failure<T: Debug>(result: Result<T, ResolveError>) -> (FailureClass, String) {
    match result {
        Err(ResolveError::Failed(failure)) => (failure.class, failure.detail().to_owned()),
        other => panic!("{other:?}"),
    }
}

fn host(number: u32, agent: &str) -> Value {
    json!({ "InstanceId": format!("i-{number:017x}"), "AgentVersion": agent, "PingStatus": "Online" })
}

#[tokio::test]
async fn hosts_are_found_by_all_tags_over_all_pages_in_order() {
    let replay = Replay::of([
        Reply::json(
            &json!({ "InstanceInformationList": [host(9, "3.3.2746.0")], "NextToken": "t" }),
        ),
        Reply::json(&json!({ "InstanceInformationList": [], "NextToken": "u" })),
        Reply::json(&json!({ "InstanceInformationList": [host(1, "3.4.0.0")] })),
    ]);
    let tags = BTreeMap::from([("role".to_owned(), "web".to_owned())]);
    let hosts = fleet(&replay).hosts(&app(), &tags).await.unwrap();
    let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["i-00000000000000001", "i-00000000000000009"]);
    assert_eq!(
        replay.sent()[0].json(),
        json!({
            "MaxResults": 50,
            "Filters": [
                { "Key": "tag:longshore:environment", "Values": ["prod"] },
                { "Key": "tag:longshore:app", "Values": ["orders"] },
                { "Key": "tag:role", "Values": ["web"] },
            ],
        })
    );
}

#[tokio::test]
async fn a_host_with_an_old_agent_is_refused_by_name() {
    for (agent, shown) in [("3.3.2745.0", "3.3.2745.0"), ("", "unknown")] {
        let list = [host(1, "3.3.2746.0"), host(2, agent)];
        let replay = Replay::of([Reply::json(&json!({ "InstanceInformationList": list }))]);
        let hosts = fleet(&replay).hosts(&app(), &BTreeMap::new()).await;
        let detail = format!("i-00000000000000002 has SSM agent {shown}");
        assert_eq!(failure(hosts), (FailureClass::AgentTooOld, detail));
    }
}

#[tokio::test]
async fn every_host_is_seen_as_it_is_and_none_is_refused() {
    let host = |id: &str, agent: &str, ping: &str| json!({ "InstanceId": id, "AgentVersion": agent, "PingStatus": ping });
    let list = [
        host("i-00000000000000009", "3.1.0.0", "ConnectionLost"),
        host("i-00000000000000001", "3.4.0.0", "Online"),
        json!({ "InstanceId": "i-00000000000000002", "PingStatus": "Inactive" }),
        host("something-else", "3.4.0.0", "Online"),
    ];
    let replay = Replay::of([Reply::json(&json!({ "InstanceInformationList": list }))]);
    let seen = fleet(&replay).seen(&app(), &BTreeMap::new()).await.unwrap();
    let seen: Vec<_> = seen
        .iter()
        .map(|one| (one.host.as_str(), one.ping, one.agent.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("i-00000000000000001", Ping::Online, "3.4.0.0"),
            ("i-00000000000000002", Ping::Inactive, ""),
            ("i-00000000000000009", Ping::ConnectionLost, "3.1.0.0"),
        ]
    );
}

fn parameter(name: &str, version: u32) -> Value {
    json!({ "Name": name, "Version": version, "Type": "SecureString", "Value": "ciphertext" })
}

#[tokio::test]
async fn parameters_are_pinned_without_decrypting_them() {
    let replay = Replay::of([
        Reply::json(
            &json!({ "Parameters": [parameter("/orders/prod/DB_URL", 12)], "NextToken": "t" }),
        ),
        Reply::json(&json!({ "Parameters": [], "NextToken": "u" })),
        Reply::json(&json!({ "Parameters": [parameter("/orders/prod/API_KEY", 3)] })),
    ]);
    let pins = fleet(&replay).parameters(&app()).await.unwrap();
    let pins: Vec<_> = pins.iter().map(|(n, v)| format!("{n}:{v}")).collect();
    assert_eq!(pins, ["API_KEY:3", "DB_URL:12"]);
    assert_eq!(
        replay.sent()[0].json(),
        json!({ "Path": "/orders/prod/", "Recursive": false, "WithDecryption": false, "MaxResults": 10 })
    );
    assert_eq!(replay.sent().len(), 3);
}

#[tokio::test]
async fn a_parameter_that_cannot_be_an_environment_variable_is_named() {
    for name in [
        "/orders/prod/DB-URL",
        "/orders/dev/DB_URL",
        "/orders/prod/2ND",
    ] {
        let replay = Replay::of([Reply::json(&json!({ "Parameters": [parameter(name, 1)] }))]);
        let (class, detail) = failure(fleet(&replay).parameters(&app()).await);
        assert_eq!(class, FailureClass::ConfigRefused);
        assert!(detail.contains(name), "{detail}");
        assert!(!detail.contains("ciphertext"), "{detail}");
    }
}

fn document(status: &str, kind: &str) -> Reply {
    Reply::json(
        &json!({ "Document": { "Name": "longshore-prod", "DocumentVersion": "7",
        "Hash": "cd".repeat(32), "HashType": kind, "Status": status } }),
    )
}

#[tokio::test]
async fn the_document_is_pinned_by_version_and_hash() {
    let replay = Replay::of([document("Active", "Sha256")]);
    let pin = fleet(&replay).document().await.unwrap();
    assert_eq!((pin.version.as_str(), pin.hash), ("7", "cd".repeat(32)));
    assert_eq!(replay.sent()[0].json(), json!({ "Name": "longshore-prod" }));
    for reply in [
        document("Updating", "Sha256"),
        document("Active", "Sha1"),
        Reply::json(&json!({})),
        Reply::error(400, "InvalidDocument"),
    ] {
        let replay = Replay::of([reply]);
        let (class, _) = failure(fleet(&replay).document().await);
        assert_eq!(class, FailureClass::DocumentRefused);
    }
}

#[tokio::test]
async fn what_may_pass_is_not_a_failure_of_the_deployment() {
    for reply in [
        Reply::Lost,
        Reply::error(400, "ThrottlingException"),
        Reply::error(500, "InternalServerError"),
    ] {
        let replay = Replay::of([reply]);
        let fleet = fleet(&replay);
        let hosts = fleet.hosts(&app(), &BTreeMap::new()).await;
        assert!(matches!(hosts, Err(ResolveError::Unavailable(_))));
        let parameters = fleet.parameters(&app()).await;
        assert!(matches!(parameters, Err(ResolveError::Unavailable(_))));
        let document = fleet.document().await;
        assert!(matches!(document, Err(ResolveError::Unavailable(_))));
    }
    let replay = Replay::of([Reply::error(400, "AccessDeniedException")]);
    let (class, _) = failure(fleet(&replay).document().await);
    assert_eq!(class, FailureClass::AccessDenied);
}
