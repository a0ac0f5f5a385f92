//! What operators do, and what they are told when it cannot be done.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

mod common {
    pub(crate) mod office;
}
#[path = "../../../shared/core/tests/common/samples.rs"]
mod samples;

use common::office::{AT_WORK, BOB, FakeOffice};
use longshore_contract::{AppSummary, Audit, Begun, Deployment, ErrorWord, Plan, Refusal};
use longshore_core::Millis;
use samples::id;
use serde_json::{Value, json};

const BEGIN: &str = "POST /v1/apps/{app}/deployments";
const LOCK: &str = "POST /v1/apps/{app}/lock";
const UNLOCK: &str = "DELETE /v1/apps/{app}/lock";
const CANCEL: &str = "POST /v1/deployments/{id}/cancel";
const RETRY: &str = "POST /v1/deployments/{id}/retry";
const APPROVE: &str = "POST /v1/deployments/{id}/approve";
const REJECT: &str = "POST /v1/deployments/{id}/reject";
const SHOW: &str = "GET /v1/deployments/{id}";

/// The number of the deployment in this state.
fn number(state: &str) -> u32 {
    let states = samples::every_state();
    let at = states.iter().position(|one| one.state.name() == state);
    u32::try_from(at.unwrap() + 1).unwrap()
}

fn of(state: &str, body: Value) -> Value {
    json!({ "id": id(number(state)).as_str(), "body": body })
}

fn reason() -> Value {
    json!({ "reason": "the shop is closed" })
}

/// Asks for something that is refused; nothing is written.
async fn refused(office: &FakeOffice, route: &str, parts: Value) -> ErrorWord {
    let before = office.world.store.log().len();
    let response = office.ask(route, parts).await;
    let refusal: Refusal = serde_json::from_str(&response.body).unwrap();
    assert_eq!(response.status_code, refusal.error.status(), "{refusal:?}");
    assert!(!refusal.message.is_empty() && !refusal.next.is_empty());
    assert_eq!(office.world.store.log().len(), before, "{refusal:?}");
    refusal.error
}

#[tokio::test]
async fn a_lock_has_an_owner_a_reason_and_an_end_and_all_of_it_stays_on_record() {
    let office = FakeOffice::busy().await;
    let body = json!({ "reason": "the shop is closed", "seconds": 600 });
    let parts = json!({ "app": "orders", "body": body });
    let locked: AppSummary = office.get(LOCK, parts.clone()).await;
    let lock = locked.lock.unwrap();
    assert_eq!(lock.owner, "alice@example.com");
    assert_eq!(lock.reason.as_deref(), Some("the shop is closed"));
    let response = office.ask_as(BOB, LOCK, parts).await;
    let refusal: Refusal = serde_json::from_str(&response.body).unwrap();
    assert_eq!(refusal.error, ErrorWord::Locked);
    assert!(
        refusal
            .message
            .starts_with("alice@example.com holds the app until 2023-")
    );
    let unlock = json!({ "app": "orders", "body": reason() });
    let response = office.ask_as(BOB, UNLOCK, unlock.clone()).await;
    assert_eq!(response.status_code, 200, "{}", response.body);
    assert_eq!(refused(&office, UNLOCK, unlock).await, ErrorWord::NotLocked);
    let audit = "GET /v1/apps/{app}/audit";
    let first: Audit = office
        .get(audit, json!({ "app": "orders", "query": { "limit": "1" } }))
        .await;
    assert_eq!(
        (
            first.entries[0].action.as_str(),
            first.entries[0].by.as_str()
        ),
        ("unlock", "bob")
    );
    assert_eq!(first.entries[0].via, "api 192.0.2.1");
    let query = json!({ "limit": "1", "before": first.before });
    let second: Audit = office
        .get(audit, json!({ "app": "orders", "query": query }))
        .await;
    assert_eq!(second.entries[0].action, "lock");
    assert_eq!(second.entries[0].until, Some(lock.expires_at));
}

#[tokio::test]
async fn a_lock_that_is_over_holds_nobody() {
    let office = FakeOffice::busy().await;
    let body = json!({ "reason": "for a minute", "seconds": 60 });
    let _: AppSummary = office
        .get(LOCK, json!({ "app": "stock", "body": body }))
        .await;
    office.world.clock.pass(Millis::from_secs(61));
    let unlock = json!({ "app": "stock", "body": reason() });
    assert_eq!(refused(&office, UNLOCK, unlock).await, ErrorWord::NotLocked);
}

#[tokio::test]
async fn a_commit_is_let_in_again_once() {
    let office = FakeOffice::busy().await;
    let clear = "DELETE /v1/apps/{app}/quarantine/{commit}";
    let parts = json!({ "app": "orders", "commit": "d".repeat(40), "body": reason() });
    let after: AppSummary = office.get(clear, parts.clone()).await;
    assert_eq!(after.quarantined, 1);
    assert_eq!(
        refused(&office, clear, parts).await,
        ErrorWord::NotQuarantined
    );
}

#[tokio::test]
async fn a_deployment_that_is_over_says_how_to_whoever_wants_something_of_it() {
    let office = FakeOffice::busy().await;
    for (state, word) in [
        ("Succeeded", ErrorWord::AlreadyOver),
        ("RolledBack", ErrorWord::AlreadyOver),
        ("Superseded", ErrorWord::Superseded),
        ("Expired", ErrorWord::Expired),
    ] {
        for route in [CANCEL, REJECT] {
            assert_eq!(
                refused(&office, route, of(state, reason())).await,
                word,
                "{state}"
            );
        }
        let vote = json!({ "plan": "ab".repeat(16) });
        assert_eq!(
            refused(&office, APPROVE, of(state, vote)).await,
            word,
            "{state}"
        );
    }
    let missing = json!({ "id": id(99).as_str(), "body": reason() });
    for route in [CANCEL, REJECT, RETRY] {
        let told = refused(&office, route, missing.clone()).await;
        assert_eq!(told, ErrorWord::NoSuchDeployment);
    }
}

#[tokio::test]
async fn an_approval_counts_for_exactly_the_plan_that_was_seen() {
    let office = FakeOffice::busy().await;
    let state = "AwaitingApproval";
    let shown: Deployment = office.get(SHOW, of(state, Value::Null)).await;
    let plan = shown.plan.unwrap();
    assert!(!plan.waves.is_empty());
    let other = json!({ "plan": "ab".repeat(16) });
    assert_eq!(
        refused(&office, APPROVE, of(state, other)).await,
        ErrorWord::PlanChanged
    );
    let seen = json!({ "plan": plan.digest });
    let told: Deployment = office.get(APPROVE, of(state, seen.clone())).await;
    assert_eq!(told.votes[0].by, "alice@example.com");
    assert_eq!(told.summary.state, "Queued");
    let not_asked = refused(&office, APPROVE, of("Activating", seen)).await;
    assert_eq!(not_asked, ErrorWord::WrongState);
}

#[tokio::test]
async fn a_refusal_and_a_cancellation_keep_who_and_why() {
    let office = FakeOffice::busy().await;
    for (route, state, end) in [
        (REJECT, "AwaitingApproval", "Rejected"),
        (CANCEL, "Queued", "Cancelled"),
    ] {
        let told: Deployment = office.get(route, of(state, reason())).await;
        assert_eq!(told.summary.state, end);
        let ended = told.ended.unwrap();
        assert_eq!(ended.by.as_deref(), Some("alice@example.com"));
        assert_eq!(ended.reason.as_deref(), Some("the shop is closed"));
    }
    let told: Deployment = office.get(CANCEL, of("Activating", reason())).await;
    assert!(
        !told.summary.over,
        "hosts that moved are brought back first"
    );
}

#[tokio::test]
async fn the_same_key_begins_one_deployment() {
    let office = FakeOffice::busy().await;
    let body = json!({ "kind": "push", "commit": "e".repeat(40), "key": "pipeline-7" });
    let parts = json!({ "app": "stock", "body": body });
    let first: Begun = office.get(BEGIN, parts.clone()).await;
    assert!(!first.repeated);
    assert_eq!(
        first.deployment.summary.by.as_deref(),
        Some("alice@example.com")
    );
    office.world.clock.pass(Millis::from_secs(5));
    let again: Begun = office.get(BEGIN, parts).await;
    assert!(again.repeated);
    assert_eq!(again.deployment.summary.id, first.deployment.summary.id);
}

#[tokio::test]
async fn what_cannot_begin_says_why() {
    let office = FakeOffice::busy().await;
    for (app, body, word) in [
        (
            "stock",
            json!({ "kind": "redeploy" }),
            ErrorWord::NothingLive,
        ),
        (
            "stock",
            json!({ "kind": "rollback" }),
            ErrorWord::NothingLive,
        ),
        (
            "orders",
            json!({ "kind": "rollback" }),
            ErrorWord::NothingProven,
        ),
        (
            "orders",
            json!({ "kind": "rollback", "deployment": id(2).as_str() }),
            ErrorWord::NothingProven,
        ),
        (
            "orders",
            json!({ "kind": "push", "commit": "d".repeat(40) }),
            ErrorWord::Quarantined,
        ),
        (
            "nobodys",
            json!({ "kind": "redeploy" }),
            ErrorWord::NoSuchApp,
        ),
    ] {
        for route in [BEGIN, "POST /v1/apps/{app}/plan"] {
            let parts = json!({ "app": app, "body": body });
            assert_eq!(refused(&office, route, parts).await, word, "{app} {body}");
        }
    }
    for (state, word) in [
        ("Activating", ErrorWord::WrongState),
        ("RolledBack", ErrorWord::Quarantined),
        ("Rejected", ErrorWord::NothingToRetry),
    ] {
        assert_eq!(
            refused(&office, RETRY, of(state, reason())).await,
            word,
            "{state}"
        );
    }
    let retried: Begun = office.get(RETRY, of("Failed", reason())).await;
    assert_eq!(retried.deployment.summary.state, "Queued");
}

#[tokio::test]
async fn a_plan_says_what_would_be_and_writes_nothing() {
    let office = FakeOffice::busy().await;
    let before = office.world.store.log().len();
    let body = json!({ "kind": "push", "commit": "e".repeat(40) });
    let parts = json!({ "app": "orders", "body": body });
    let plan: Plan = office.get("POST /v1/apps/{app}/plan", parts).await;
    assert_eq!(plan.release.commit, "e".repeat(40));
    assert_eq!(plan.live.unwrap().commit, "a".repeat(40));
    assert_eq!(plan.waves.concat().len(), 2);
    assert_eq!(plan.held_by, [format!("the deployment {}", id(AT_WORK))]);
    assert_eq!(plan.digest, None);
    assert_eq!(office.world.store.log().len(), before);
}

#[tokio::test]
async fn there_is_no_glass_to_break_without_a_freeze() {
    let office = FakeOffice::busy().await;
    let route = "POST /v1/apps/{app}/break-glass";
    for (number, word) in [(2, ErrorWord::NotFrozen), (AT_WORK, ErrorWord::WrongState)] {
        let body = json!({ "deployment": id(number).as_str(), "reason": "now" });
        let parts = json!({ "app": "orders", "body": body });
        assert_eq!(refused(&office, route, parts).await, word);
    }
}
