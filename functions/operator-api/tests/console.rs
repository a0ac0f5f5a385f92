//! Who gets in by a token of the console, and what the groups in it open.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

mod common {
    pub(crate) mod office;
}
#[path = "../../../shared/core/tests/common/samples.rs"]
mod samples;

use common::office::{ALICE, FakeOffice, request};
use longshore_contract::{
    AppSummary, Audit, CONSOLE_PREFIX, ErrorWord, Operation, Refusal, Role, WhoAmI,
};
use longshore_shell::config::{ConsoleAccess, ConsoleGroups};
use operator_api::answer::Response;
use serde_json::{Value, json};

const ISSUER: &str = "https://id.example.com";

async fn office() -> FakeOffice {
    let mut office = FakeOffice::busy().await;
    office.console = Some(ConsoleAccess {
        issuer: ISSUER.to_owned(),
        person_claim: "email".to_owned(),
        groups_claim: "groups".to_owned(),
        groups: ConsoleGroups {
            reader: "r".to_owned(),
            deployer: "d".to_owned(),
            approver: "a".to_owned(),
            admin: "x".to_owned(),
        },
    });
    office
}

fn token(groups: &str) -> Value {
    json!({ "jwt": { "claims": { "iss": ISSUER, "sub": "17", "email": "bob@example.com",
        "email_verified": "true", "groups": groups }, "scopes": null } })
}

fn event(operation: Operation, prefix: &str, authorizer: Value) -> Value {
    let route = operation.route();
    let id = samples::id(1).to_string();
    let body = match operation {
        Operation::Plan | Operation::Begin => json!({ "kind": "redeploy" }),
        Operation::Approve => json!({ "plan": "ab".repeat(16) }),
        Operation::Lock => json!({ "reason": "the fair", "seconds": 600 }),
        Operation::BreakGlass => json!({ "reason": "r", "deployment": id }),
        _ => json!({ "reason": "r" }),
    };
    json!({
        "routeKey": format!("{} {prefix}{}", route.method.word(), route.path),
        "rawPath": format!("{prefix}{}", route.path),
        "pathParameters": { "app": "orders", "id": id, "commit": "c".repeat(40) },
        "requestContext": { "authorizer": authorizer, "http": { "sourceIp": "192.0.2.1" } },
        "body": body.to_string(),
    })
}

async fn send(office: &FakeOffice, event: Value) -> Response {
    operator_api::handle(office, &serde_json::from_value(event).unwrap()).await
}

fn refusal(response: &Response) -> Refusal {
    serde_json::from_str(&response.body).unwrap()
}

#[tokio::test]
async fn each_role_opens_its_own_routes_and_no_other() {
    for (groups, roles) in [
        ("[r]", vec![Role::Reader]),
        ("[d]", vec![Role::Reader, Role::Deployer]),
        ("[a r]", vec![Role::Reader, Role::Approver]),
        ("[x]", vec![Role::Reader, Role::Admin]),
        ("[r d a x]", Role::ALL.to_vec()),
        ("[everybody]", vec![]),
    ] {
        for operation in Operation::ALL {
            // Each on an office of its own, as what is done changes what can be done.
            let office = office().await;
            let asked = event(*operation, CONSOLE_PREFIX, token(groups));
            let response = send(&office, asked).await;
            let is_refused =
                response.status_code == 403 && refusal(&response).message.contains("groups");
            let may = roles.contains(&operation.route().role);
            assert_eq!(!is_refused, may, "{groups} {operation:?} {}", response.body);
            assert_ne!(response.status_code, 404, "{operation:?} {}", response.body);
        }
    }
}

#[tokio::test]
async fn the_person_and_the_console_are_on_record() {
    let office = office().await;
    let me = send(
        &office,
        event(Operation::WhoAmI, CONSOLE_PREFIX, token("[r x]")),
    )
    .await;
    let me: WhoAmI = serde_json::from_str(&me.body).unwrap();
    assert_eq!(me.name, "bob@example.com");
    assert_eq!(
        (me.principal.as_str(), me.account),
        ("https://id.example.com 17", None)
    );
    assert_eq!(me.roles.unwrap(), ["reader", "admin"]);

    let locked = send(
        &office,
        event(Operation::Lock, CONSOLE_PREFIX, token("[x]")),
    )
    .await;
    let locked: AppSummary = serde_json::from_str(&locked.body).unwrap();
    assert_eq!(locked.lock.unwrap().owner, "bob@example.com");
    let audit: Audit = office
        .get("GET /v1/apps/{app}/audit", json!({ "app": "orders" }))
        .await;
    let entry = audit.entries.first().unwrap();
    assert_eq!(entry.by, "bob@example.com");
    assert_eq!(entry.via, "console 192.0.2.1");
}

#[tokio::test]
async fn a_token_counts_on_the_consoles_routes_only_and_a_signature_on_the_others() {
    let office = office().await;
    let iam = json!({ "iam": { "userArn": ALICE, "accountId": "123456789012" } });
    for operation in Operation::ALL {
        for wrong in [
            event(*operation, "", token("[r d a x]")),
            event(*operation, CONSOLE_PREFIX, iam.clone()),
            event(*operation, CONSOLE_PREFIX, Value::Null),
        ] {
            let response = send(&office, wrong).await;
            let told = (response.status_code, refusal(&response).error);
            assert_eq!(told, (403, ErrorWord::NotIdentified), "{operation:?}");
        }
    }
    // With both, the route decides.
    let mut both = token("[r]");
    both.as_object_mut().unwrap().insert(
        "iam".to_owned(),
        json!({ "userArn": ALICE, "accountId": "123456789012" }),
    );
    let me = send(&office, event(Operation::WhoAmI, CONSOLE_PREFIX, both)).await;
    assert!(me.body.contains("bob@example.com"), "{}", me.body);
}

#[tokio::test]
async fn without_its_settings_nobody_comes_in_by_the_console() {
    let office = FakeOffice::busy().await;
    for operation in Operation::ALL {
        let asked = event(*operation, CONSOLE_PREFIX, token("[r d a x]"));
        let response = send(&office, asked).await;
        assert_eq!(refusal(&response).error, ErrorWord::NotIdentified);
    }
}

#[tokio::test]
async fn a_token_of_somebody_whom_the_issuer_does_not_vouch_for_is_nobody() {
    let office = office().await;
    for (claim, value) in [
        ("iss", json!("https://evil.example.com")),
        ("email_verified", json!("false")),
        ("email_verified", Value::Null),
        ("email", json!("bob <b>@example.com")),
        ("email", json!(["bob@example.com"])),
        ("sub", Value::Null),
    ] {
        let mut token = token("[r d a x]");
        let claims = token.pointer_mut("/jwt/claims").unwrap();
        claims
            .as_object_mut()
            .unwrap()
            .insert(claim.to_owned(), value);
        let response = send(&office, event(Operation::WhoAmI, CONSOLE_PREFIX, token)).await;
        assert_eq!(
            refusal(&response).error,
            ErrorWord::NotIdentified,
            "{claim}"
        );
    }
}

#[test]
fn an_address_of_the_console_that_is_none_is_told_apart_from_a_wrong_method() {
    let asked = |route: &str| request(None, route, json!({})).asked().unwrap_err();
    let missing = asked("GET /console/v2/apps");
    assert_eq!(missing.refusal.error, ErrorWord::NoSuchRoute);
    let wrong = asked("PUT /console/v1/apps/orders/lock");
    assert_eq!(wrong.refusal.error, ErrorWord::WrongMethod);
    assert_eq!(wrong.allow.as_deref(), Some("POST, DELETE"));
}
