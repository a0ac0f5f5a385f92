//! Who gets in, and what is a request.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    clippy::arithmetic_side_effects,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

mod common {
    pub(crate) mod office;
}
#[path = "../../../shared/core/tests/common/samples.rs"]
mod samples;

use common::office::{ALICE, FakeOffice, request};
use longshore_contract::{ErrorWord, Operation, Refusal};
use operator_api::request::{BODY_MAX, Request};
use serde_json::{Value, json};

fn key(operation: Operation) -> String {
    let route = operation.route();
    format!("{} {}", route.method.word(), route.path)
}

fn wrong(route: &str, parts: Value) -> Refusal {
    let asked = request(Some(ALICE), route, parts).asked();
    asked.unwrap_err().refusal
}

fn valid(operation: Operation) -> Value {
    let id = samples::id(1).to_string();
    let body = match operation {
        Operation::Plan | Operation::Begin => json!({ "kind": "redeploy" }),
        Operation::Approve => json!({ "plan": "ab".repeat(16) }),
        Operation::Lock => json!({ "reason": "r", "seconds": 60 }),
        Operation::BreakGlass => json!({ "reason": "r", "deployment": id }),
        _ => json!({ "reason": "r" }),
    };
    json!({ "app": "orders", "id": id, "commit": "a".repeat(40), "body": body })
}

#[tokio::test]
async fn nobody_gets_anything_without_an_identity() {
    let office = FakeOffice::busy().await;
    let strange = [
        None,
        Some(""),
        Some("arn:aws:iam::123456789012:root"),
        Some("arn:aws:sts::999999999999:assumed-role/Operators/alice"),
        Some("arn:aws:iam::123456789012:role/Operators"),
    ];
    for operation in Operation::ALL {
        for user in strange {
            let asked = request(user, &key(*operation), valid(*operation));
            let response = operator_api::handle(&office, &asked).await;
            let refusal: Refusal = serde_json::from_str(&response.body).unwrap();
            let told = (response.status_code, refusal.error);
            assert_eq!(told, (403, ErrorWord::NotIdentified), "{user:?}");
        }
    }
    let nothing: Request = serde_json::from_str("{}").unwrap();
    assert_eq!(
        operator_api::handle(&office, &nothing).await.status_code,
        403
    );
    assert!(
        office
            .world
            .store
            .log()
            .iter()
            .all(|write| write.deployments.len() == 1)
    );
}

/// The real HTTP API leaves out what is not there; the emulator writes null.
#[test]
fn a_null_in_the_event_is_the_same_as_nothing() {
    let event = r#"{"routeKey":"GET /v1/whoami","pathParameters":null,"queryStringParameters":null,"body":null,
        "requestContext":{"http":{"sourceIp":null},"authorizer":null}}"#;
    let request: Request = serde_json::from_str(event).unwrap();
    assert_eq!(request.asked().unwrap().operation(), Operation::WhoAmI);
    assert!(request.iam().is_none() && request.address().is_none());
}

#[test]
fn every_operation_is_asked_for_by_its_route() {
    for operation in Operation::ALL {
        let asked = request(Some(ALICE), &key(*operation), valid(*operation)).asked();
        assert_eq!(asked.unwrap().operation(), *operation);
    }
}

#[test]
fn an_address_that_is_none_and_a_method_that_is_wrong_are_told_apart() {
    for route in [
        "GET /",
        "GET /v2/apps",
        "GET /v1/apps/a/b/c",
        "GET /v1/apps/",
        "$default",
    ] {
        assert_eq!(
            wrong(route, json!({})).error,
            ErrorWord::NoSuchRoute,
            "{route}"
        );
    }
    let asked = request(Some(ALICE), "PUT /v1/apps/orders/lock", json!({})).asked();
    let wrong = asked.unwrap_err();
    assert_eq!(wrong.refusal.error, ErrorWord::WrongMethod);
    assert_eq!(wrong.allow.as_deref(), Some("POST, DELETE"));
}

#[test]
fn a_history_and_statistics_take_only_what_can_be_asked_for() {
    let hostile = "x'; rm -rf /";
    for (route, name) in [
        ("GET /v1/apps/{app}/deployments", "commit"),
        ("GET /v1/apps/{app}/deployments", "by"),
        ("GET /v1/apps/{app}/deployments", "result"),
        ("GET /v1/apps/{app}/deployments", "kind"),
        ("GET /v1/apps/{app}/deployments", "since"),
        ("GET /v1/apps/{app}/deployments", "until"),
        ("GET /v1/apps/{app}/deployments", "host"),
        ("GET /v1/stats", "app"),
        ("GET /v1/stats", "since"),
        ("GET /v1/stats", "until"),
    ] {
        let refusal = wrong(
            route,
            json!({ "app": "orders", "query": { name: hostile } }),
        );
        assert_eq!(refusal.error, ErrorWord::BadRequest, "{name}");
        assert!(
            refusal.message.starts_with(&format!("{name}: ")),
            "{refusal:?}"
        );
        assert!(!refusal.message.contains("rm"), "{refusal:?}");
    }
    let swapped = json!({ "since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z" });
    for route in ["GET /v1/apps/{app}/deployments", "GET /v1/stats"] {
        let refusal = wrong(route, json!({ "app": "orders", "query": swapped }));
        assert!(refusal.message.starts_with("until: "), "{refusal:?}");
    }
}

#[test]
fn a_name_or_a_query_that_is_not_valid_is_named_and_not_repeated() {
    let hostile = "x'; rm -rf /";
    for (route, parts, name) in [
        ("GET /v1/apps/{app}", json!({ "app": hostile }), "app"),
        ("GET /v1/deployments/{id}", json!({ "id": hostile }), "id"),
        (
            "GET /v1/apps/{app}/deployments",
            json!({ "app": "a", "query": { "limit": "0" } }),
            "limit",
        ),
        (
            "GET /v1/apps/{app}/deployments",
            json!({ "app": "a", "query": { "limit": "101" } }),
            "limit",
        ),
        (
            "GET /v1/apps/{app}/deployments",
            json!({ "app": "a", "query": { "limit": "5,5" } }),
            "limit",
        ),
        (
            "GET /v1/apps/{app}/deployments",
            json!({ "app": "a", "query": { "before": hostile } }),
            "before",
        ),
        (
            "GET /v1/deployments/{id}/logs",
            json!({ "id": samples::id(1).as_str(), "query": { "after": "1-" } }),
            "after",
        ),
        (
            "GET /v1/apps/{app}",
            json!({ "app": "a", "query": { "limit": "5" } }),
            "The route takes no query",
        ),
    ] {
        let refusal = wrong(route, parts);
        assert_eq!(refusal.error, ErrorWord::BadRequest);
        assert!(refusal.message.starts_with(name), "{}", refusal.message);
        assert!(!refusal.message.contains("rm"), "{}", refusal.message);
    }
}

#[test]
fn a_body_that_is_not_valid_is_refused_with_the_place_or_the_field() {
    let lock = "POST /v1/apps/{app}/lock";
    for (body, says) in [
        (json!(""), "The body is not JSON at line 1, column 0."),
        (json!("{"), "The body is not JSON at line 1, column 1."),
        (json!({ "seconds": 60 }), "reason: missing."),
        (
            json!({ "reason": "r", "seconds": "hostile" }),
            "The body has a value that is not allowed at line 1, column 33.",
        ),
        (
            json!({ "reason": "r", "seconds": 59 }),
            "seconds: expected 60 to 2592000, a minute to thirty days.",
        ),
        (
            json!({ "reason": " ", "seconds": 60 }),
            "reason: expected 1 to 200 characters that can be read.",
        ),
        (
            json!({ "reason": "x".repeat(201), "seconds": 60 }),
            "reason: expected 1 to 200 characters that can be read.",
        ),
    ] {
        let refusal = wrong(lock, json!({ "app": "a", "body": body }));
        assert_eq!(
            (refusal.error, refusal.message.as_str()),
            (ErrorWord::BadRequest, says)
        );
    }
    let refusal = wrong(lock, json!({ "app": "a", "body": { "hostile": 1 } }));
    assert!(!refusal.message.contains("hostile"), "{}", refusal.message);
    assert!(
        refusal.message.contains("expected `reason` or `seconds`"),
        "{}",
        refusal.message
    );
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let large = json!({ "app": "a", "body": "x".repeat(BODY_MAX + 1) });
    assert_eq!(
        wrong("POST /v1/apps/{app}/lock", large).error,
        ErrorWord::TooLarge
    );
}

#[test]
fn a_kind_of_deployment_takes_what_it_needs_and_nothing_else() {
    let id = samples::id(1).to_string();
    let commit = "a".repeat(40);
    let artifact = json!({ "version": "v1", "sha256": "0".repeat(64) });
    let begin = "POST /v1/apps/{app}/deployments";
    let asked =
        |body: Value| request(Some(ALICE), begin, json!({ "app": "a", "body": body })).asked();
    for good in [
        json!({ "kind": "push", "commit": commit }),
        json!({ "kind": "redeploy", "key": "a-b:1", "reason": "r" }),
        json!({ "kind": "config" }),
        json!({ "kind": "rollback", "whatever_the_database": true }),
        json!({ "kind": "rollback", "take_back_migrations": true }),
        json!({ "kind": "drill", "deployment": id }),
        json!({ "kind": "promote", "commit": commit, "artifact": artifact, "from": { "environment": "staging", "deployment": id } }),
    ] {
        assert!(
            asked(good.clone()).is_ok(),
            "{good}: {:?}",
            asked(good.clone())
        );
    }
    for bad in [
        json!({ "kind": "push" }),
        json!({ "kind": "push", "commit": "a" }),
        json!({ "kind": "push", "commit": commit, "deployment": id }),
        json!({ "kind": "redeploy", "commit": commit }),
        json!({ "kind": "config", "artifact": artifact }),
        json!({ "kind": "config", "whatever_the_database": true }),
        json!({ "kind": "drill", "take_back_migrations": true }),
        json!({ "kind": "rollback", "take_back_migrations": true, "whatever_the_database": true }),
        json!({ "kind": "rollback", "deployment": "x" }),
        json!({ "kind": "promote" }),
        json!({ "kind": "promote", "commit": commit, "artifact": { "version": "v", "sha256": "0" } }),
        json!({ "kind": "redeploy", "key": "a b" }),
        json!({ "kind": "redeploy", "key": "" }),
        json!({ "kind": "join" }),
    ] {
        let refusal = asked(bad.clone()).unwrap_err().refusal;
        assert_eq!(refusal.error, ErrorWord::BadRequest, "{bad}");
    }
}
