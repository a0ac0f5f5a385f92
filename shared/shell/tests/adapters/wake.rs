//! Looks that are planned.

use super::replay::{Replay, Reply};
use longshore_core::{DeploymentId, Desk, Millis};
use longshore_shell::config::DeskQueue;
use longshore_shell::ports::{LookAgain, Wake};
use longshore_shell::wake::SqsWake;
use serde_json::json;

fn look(desk: Desk) -> LookAgain {
    LookAgain {
        desk,
        deployment: DeploymentId::parse("01JD0000000000000000000000").unwrap(),
        chapter: Some("Preparing:0:0".to_owned()),
        after: Millis::from_secs(20),
    }
}

fn queue() -> DeskQueue {
    DeskQueue {
        desk: Desk::Reconciler,
        url: "https://sqs.example/q".to_owned(),
    }
}

#[tokio::test]
async fn a_look_is_a_delayed_message_on_the_desks_queue() {
    let replay = Replay::of([Reply::json(&json!({ "MessageId": "m" }))]);
    let wake = SqsWake::new(&replay.aws(), &[queue()]);
    wake.later(&look(Desk::Reconciler)).await.unwrap();
    let sent = replay.sent()[0].json();
    assert_eq!(sent["QueueUrl"], "https://sqs.example/q");
    assert_eq!(sent["DelaySeconds"], 20);
    let body: serde_json::Value =
        serde_json::from_str(sent["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({ "detail-type": "LookAgain",
            "detail": { "deployment": "01JD0000000000000000000000", "chapter": "Preparing:0:0" } })
    );
}

#[tokio::test]
async fn a_look_of_a_desk_whose_queue_is_not_known_is_left_to_its_events() {
    let replay = Replay::of([Reply::Lost]);
    let wake = SqsWake::new(&replay.aws(), &[queue()]);
    wake.later(&look(Desk::AutoRollback)).await.unwrap();
    let wake = SqsWake::new(&replay.aws(), &[]);
    wake.later(&look(Desk::Reconciler)).await.unwrap();
    assert!(replay.sent().is_empty());
}

#[tokio::test]
async fn a_look_that_cannot_be_planned_is_told() {
    let replay = Replay::of([Reply::Lost]);
    let wake = SqsWake::new(&replay.aws(), &[queue()]);
    assert!(wake.later(&look(Desk::Reconciler)).await.is_err());
}
