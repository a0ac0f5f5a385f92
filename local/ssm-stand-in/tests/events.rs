//! The `aws.ssm` events: what is emitted, how often, and what faults do to it.

use serde_json::{Value, json};

use crate::bed::{Bed, HOST, HOSTS, until, wait_for};

/// The (kind, status) of every event put for a command so far.
fn put(bed: &Bed, id: &str) -> Vec<(&'static str, String)> {
    let entries = bed.put_events();
    let of_command = entries
        .iter()
        .filter(|entry| detail(entry)["command-id"] == id);
    of_command
        .map(|entry| {
            let is_invocation =
                entry["DetailType"] == "EC2 Command Invocation Status-change Notification";
            let kind = if is_invocation {
                "invocation"
            } else {
                "command"
            };
            (kind, detail(entry)["status"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn detail(entry: &Value) -> Value {
    serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn both_kinds_of_events_tell_of_the_beginning_and_the_end() {
    let bed = Bed::start().await;
    let id = bed.shell(HOST, "true").await;
    bed.command_end(&id).await;
    until("four events", || put(&bed, &id).len() >= 4).await;
    let mut seen = put(&bed, &id);
    seen.sort();
    let expected = [
        ("command", "InProgress"),
        ("command", "Success"),
        ("invocation", "InProgress"),
        ("invocation", "Success"),
    ];
    assert_eq!(
        seen,
        expected.map(|(kind, status)| (kind, status.to_owned()))
    );
    let entry = bed
        .put_events()
        .into_iter()
        .find(|entry| detail(entry)["instance-id"] == HOST)
        .unwrap();
    assert_eq!(
        (&entry["Source"], &entry["Resources"][0]),
        (
            &json!("aws.ssm"),
            &json!(format!(
                "arn:aws:ec2:eu-west-1:000000000000:instance/{HOST}"
            ))
        )
    );
    assert_eq!(
        detail(&entry)["parameters"],
        r#"{"commands":["true"]}"#,
        "a JSON text, not an object"
    );
    assert_eq!(detail(&entry)["document-name"], "AWS-RunShellScript");
}

#[tokio::test]
async fn statuses_that_ssm_does_not_emit_make_no_event() {
    let bed = Bed::start().await;
    bed.faults(json!({"hosts": {HOST: {"offline": true}}}))
        .await;
    let id = bed.shell(HOST, "true").await;
    bed.status(&id, HOST, "Delayed").await;
    bed.command_end(&id).await;
    until("the end", || put(&bed, &id).len() >= 3).await;
    let mut seen = put(&bed, &id);
    seen.sort();
    let expected = [
        ("command", "InProgress"),
        ("command", "TimedOut"),
        ("invocation", "TimedOut"),
    ];
    assert_eq!(
        seen,
        expected.map(|(kind, status)| (kind, status.to_owned()))
    );
}

#[tokio::test]
async fn hosts_that_finish_together_make_one_final_command_event() {
    let bed = Bed::start().await;
    let lines = wait_for("go");
    let body = json!({"DocumentName": "AWS-RunShellScript", "InstanceIds": HOSTS, "Parameters": {"commands": [lines]}});
    let id = bed.send(body).await;
    bed.touch("go");
    bed.command_end(&id).await;
    until("all events", || put(&bed, &id).len() >= 12).await;
    let last = bed.shell(HOST, "true").await;
    bed.command_end(&last).await;
    until("later events", || put(&bed, &last).len() >= 4).await;
    let finals = put(&bed, &id)
        .into_iter()
        .filter(|event| *event == ("command", String::from("Success")));
    assert_eq!(finals.count(), 1);
}

#[tokio::test]
async fn dropped_events_are_made_but_never_put() {
    let bed = Bed::start().await;
    bed.faults(json!({"events": {"drop_percent": 100}})).await;
    let silent = bed.shell(HOST, "true").await;
    bed.command_end(&silent).await;
    bed.faults(json!({"events": {"drop_percent": 0}})).await;
    let heard = bed.shell(HOST, "true").await;
    bed.command_end(&heard).await;
    until("the other command's events", || {
        put(&bed, &heard).len() >= 4
    })
    .await;
    assert_eq!(put(&bed, &silent), []);
    let journal = bed.control("events").await;
    let made = journal["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["copies"] == 0);
    assert_eq!(made.count(), 4);
}

#[tokio::test]
async fn doubled_and_delayed_events_all_arrive() {
    let bed = Bed::start().await;
    bed.faults(json!({"seed": 3, "events": {"duplicate_percent": 100, "delay_ms": [1, 60]}}))
        .await;
    let id = bed.shell(HOST, "true").await;
    bed.command_end(&id).await;
    until("eight events", || put(&bed, &id).len() == 8).await;
}

#[tokio::test]
async fn the_stand_ins_own_calls_are_signed() {
    let bed = Bed::start().await;
    let id = bed.shell(HOST, "true").await;
    until("an event", || !put(&bed, &id).is_empty()).await;
    let note = bed.notes().into_iter().next().unwrap();
    let authorization = note.headers["authorization"].to_str().unwrap();
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=test/"),
        "{authorization}"
    );
    assert!(
        authorization.contains("/eu-west-1/events/aws4_request, SignedHeaders=host;x-amz-date")
    );
}
