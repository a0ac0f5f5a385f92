//! The requests as they are sent, and the answers as they are read.

mod outcomes;
mod wire;

use super::*;
use crate::ports::StoreError;
use crate::store::samples::{self, START, accepted, command_id, id, policy};
use longshore_core::{Advance, Observation, Timestamp, step};
use serde_json::{Value, json};
use wire::{Reply, Wire};

/// The token of the first write of [`store`].
const OURS: &str = "process-1";

fn store(replies: impl IntoIterator<Item = Reply>) -> (DynamoStore, Wire) {
    let wire = Wire::new(replies);
    let store = DynamoStore::new(wire.client(), "longshore-test".into(), "process".into());
    (store, wire)
}

fn queued() -> Deployment {
    accepted(policy())
}

fn app() -> AppName {
    queued().app
}

fn push() -> PushKey {
    PushKey("ab".repeat(32))
}

fn plain(deployment: &Deployment) -> Save<'_> {
    Save {
        deployment,
        slot: None,
        commands: &[],
    }
}

/// What a caller does about an error.
fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::Conflict => "conflict",
        StoreError::Unavailable(_) => "unavailable",
        StoreError::Refused(_) => "refused",
        StoreError::Unreadable { .. } => "unreadable",
    }
}

/// The item of a request without its body, and the body as JSON.
fn split_body(put: &Value) -> (Value, Value) {
    let mut item = put["Item"].clone();
    let body = item.as_object_mut().unwrap().remove("body").unwrap();
    (
        item,
        serde_json::from_str(body["S"].as_str().unwrap()).unwrap(),
    )
}

#[tokio::test]
async fn a_read_is_one_consistent_request() {
    let (store, wire) = store([Reply::ok(json!({}))]);
    assert_eq!(store.deployment(&id(1)).await.unwrap(), None);
    assert_eq!(
        wire.requests(),
        [(
            "GetItem".to_owned(),
            json!({
                "TableName": "longshore-test",
                "Key": {
                    "pk": {"S": "DEPLOYMENT#01JD0000000000000000000001"},
                    "sk": {"S": "STATE"}
                },
                "ConsistentRead": true
            })
        )]
    );
}

#[tokio::test]
async fn a_save_is_one_put_on_the_version_it_replaces() {
    let (store, wire) = store([Reply::ok(json!({}))]);
    let mut deployment = queued();
    deployment.version = 4;
    store.save(plain(&deployment)).await.unwrap();
    let [(operation, put)] = wire.requests().try_into().unwrap();
    assert_eq!(operation, "PutItem");
    assert_eq!(put["ConditionExpression"], "#key = :replaced");
    assert_eq!(put["ExpressionAttributeNames"], json!({"#key": "version"}));
    assert_eq!(
        put["ExpressionAttributeValues"],
        json!({":replaced": {"N": "4"}})
    );
    assert_eq!(put["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
    let (item, body) = split_body(&put);
    assert_eq!(
        item,
        json!({
            "pk": {"S": "DEPLOYMENT#01JD0000000000000000000001"},
            "sk": {"S": "STATE"},
            "id": {"S": "01JD0000000000000000000001"},
            "app": {"S": "orders"},
            "by_app": {"S": "orders"},
            "state": {"S": "Queued"},
            "version": {"N": "5"},
            "schema": {"N": "1"},
            "writer": {"S": OURS},
            "open": {"S": "1"},
            "for_reconciler": {"S": "yes"},
            "for_health_verifier": {"S": "no"},
            "for_auto_rollback": {"S": "no"},
            "for_notifier": {"S": "no"}
        })
    );
    assert_eq!(body["version"], 5);
    assert_eq!(body["schema"], 1);
}

#[tokio::test]
async fn a_deployment_at_rest_leaves_the_index() {
    let (store, wire) = store([Reply::ok(json!({})), Reply::ok(json!({}))]);
    let ended = samples::must(&queued(), &Observation::Superseded(id(2)), START);
    store.save(plain(&ended)).await.unwrap();
    let told = samples::must(&ended, &Observation::Announced(1), START);
    store.save(plain(&told)).await.unwrap();
    let [(_, owed), (_, at_rest)] = wire.requests().try_into().unwrap();
    assert_eq!(owed["Item"]["open"]["S"], "1");
    assert_eq!(owed["Item"]["for_notifier"]["S"], "yes");
    assert_eq!(at_rest["Item"].get("open"), None);
    assert_eq!(at_rest["Item"]["for_notifier"]["S"], "no");
}

#[tokio::test]
async fn accepting_is_one_transaction_of_conditional_puts() {
    let (store, wire) = store([Reply::ok(json!({}))]);
    let mut old = samples::must(&queued(), &Observation::Superseded(id(2)), START);
    old.id = id(7);
    old.version = 3;
    let mut slot = Slot::empty(app());
    slot.version = 8;
    let accept = Accept {
        key: &push(),
        deployment: &queued(),
        slot: &slot,
        superseded: Some(&old),
    };
    assert_eq!(store.accept(accept).await.unwrap(), Recorded::New);
    let [(operation, request)] = wire.requests().try_into().unwrap();
    assert_eq!(operation, "TransactWriteItems");
    let puts = request["TransactItems"].as_array().unwrap();
    let said: Vec<(&str, &str, Option<&str>)> = puts
        .iter()
        .map(|item| {
            let put = &item["Put"];
            assert_eq!(put["TableName"], "longshore-test");
            assert_eq!(put["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
            assert_eq!(put["Item"]["writer"]["S"], OURS);
            (
                put["Item"]["pk"]["S"].as_str().unwrap(),
                put["ConditionExpression"].as_str().unwrap(),
                put["ExpressionAttributeValues"][":replaced"]["N"].as_str(),
            )
        })
        .collect();
    let decision = format!("PUSH#{}", "ab".repeat(32));
    let absent = "attribute_not_exists(#key)";
    let replaces = "#key = :replaced";
    assert_eq!(
        said,
        [
            (decision.as_str(), absent, None),
            ("DEPLOYMENT#01JD0000000000000000000001", absent, None),
            ("APP#orders", replaces, Some("8")),
            ("DEPLOYMENT#01JD0000000000000000000007", replaces, Some("3")),
        ]
    );
    assert_eq!(
        puts[0]["Put"]["Item"],
        json!({
            "pk": {"S": decision},
            "sk": {"S": "DECISION"},
            "schema": {"N": "1"},
            "writer": {"S": OURS},
            "decision": {"S": "deploy"},
            "deployment": {"S": "01JD0000000000000000000001"},
            "expires_at": {"N": (1_700_000_000_u64 + 90 * 86_400).to_string()}
        })
    );
}

#[tokio::test]
async fn sent_commands_are_indexed_with_the_deployment() {
    let (store, wire) = store([Reply::ok(json!({}))]);
    let save = Save {
        deployment: &queued(),
        slot: None,
        commands: &[command_id(), command_id()],
    };
    store.save(save).await.unwrap();
    let [(_, request)] = wire.requests().try_into().unwrap();
    let puts = request["TransactItems"].as_array().unwrap();
    assert_eq!(puts.len(), 2, "a command that is named twice is one item");
    let entry = &puts[1]["Put"];
    assert_eq!(entry["Item"]["deployment"]["S"], id(1).as_str());
    assert_eq!(
        entry["Item"]["pk"]["S"],
        format!("COMMAND#{}", command_id()).as_str()
    );
    assert_eq!(entry.get("ConditionExpression"), None);
}

/// The item that a save of this deployment writes.
async fn item_of(deployment: &Deployment) -> Value {
    let (store, wire) = store([Reply::ok(json!({}))]);
    store.save(plain(deployment)).await.unwrap();
    wire.requests()[0].1["Item"].clone()
}

#[tokio::test]
async fn an_item_that_this_version_cannot_read_is_left_alone() {
    let good = item_of(&queued()).await;
    let broken: [(&str, Value); 6] = [
        ("schema", json!({"N": "2"})),
        ("schema", Value::Null),
        ("version", json!({"N": "9"})),
        ("body", json!({"S": "{}"})),
        ("body", json!({"N": "1"})),
        ("body", Value::Null),
    ];
    for (attribute, value) in broken {
        let mut item = good.clone();
        let attributes = item.as_object_mut().unwrap();
        attributes.remove(attribute);
        if !value.is_null() {
            attributes.insert(attribute.to_owned(), value);
        }
        let (store, _) = store([Reply::ok(json!({"Item": item}))]);
        let error = store.deployment(&id(1)).await.unwrap_err();
        assert!(
            error.to_string().starts_with(
                "the record DEPLOYMENT#01JD0000000000000000000001/STATE cannot be read"
            ),
            "{attribute}: {error}"
        );
    }
    let (store, _) = store([Reply::ok(json!({"Item": good}))]);
    let error = store.deployment(&id(2)).await.unwrap_err();
    assert_eq!(kind(&error), "unreadable", "the body of another deployment");
}

#[tokio::test]
async fn the_open_deployments_are_read_page_by_page() {
    let entry = |n: u32| json!({"id": {"S": id(n).as_str()}, "open": {"S": "1"}});
    let last = |n: u32| json!({"id": {"S": id(n).as_str()}, "open": {"S": "1"}});
    let (store, wire) = store([
        Reply::ok(json!({"Items": [entry(1), entry(2)], "LastEvaluatedKey": last(2)})),
        Reply::ok(json!({"Items": [], "LastEvaluatedKey": last(9)})),
        Reply::ok(json!({"Items": [{"id": {"S": "garbage"}}, entry(3)]})),
    ]);
    assert_eq!(store.open().await.unwrap(), [id(1), id(2), id(3)]);
    let requests = wire.requests();
    let (operation, query) = &requests[0];
    assert_eq!(operation, "Query");
    assert_eq!(query["IndexName"], "open");
    assert_eq!(query["KeyConditionExpression"], "#open = :open");
    assert_eq!(requests[2].1["ExclusiveStartKey"], last(9));
}

#[tokio::test]
async fn a_deployment_too_large_for_an_item_is_refused_without_a_request() {
    let (store, wire) = store([]);
    let mut deployment = queued();
    deployment.timeline = vec![deployment.timeline[0].clone(); 20_000];
    let error = store.save(plain(&deployment)).await.unwrap_err();
    assert_eq!(kind(&error), "refused");
    assert!(wire.requests().is_empty());
}

#[tokio::test]
async fn a_step_that_is_saved_is_read_back() {
    let mut saved = queued();
    let start = Observation::Ready(samples::start(3, true));
    if let Advance::Advanced(next) = step(&saved, &start, Timestamp::from_unix_ms(5)) {
        saved = *next;
    }
    let item = item_of(&saved).await;
    let (store, _) = store([Reply::ok(json!({"Item": item}))]);
    let read = store.deployment(&id(1)).await.unwrap().unwrap();
    saved.version = 1;
    assert_eq!(read, saved);
}
