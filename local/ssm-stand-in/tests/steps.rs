//! Documents of several steps: which of them run, and what becomes of the whole.

use serde_json::{Value, json};

use crate::bed::{Bed, HOST, step, wait_for};

/// Runs a document of these steps and returns what the list call says of it.
async fn run(bed: &Bed, steps: Value) -> Value {
    bed.document("steps", json!({}), steps).await;
    let id = bed
        .send(json!({"DocumentName": "steps", "InstanceIds": [HOST]}))
        .await;
    bed.command_end(&id).await;
    bed.listed(&id, HOST).await
}

fn states(listed: &Value) -> Vec<(&str, &str, i64)> {
    let plugins = listed["CommandPlugins"].as_array().unwrap();
    plugins
        .iter()
        .map(|plugin| {
            (
                plugin["Name"].as_str().unwrap(),
                plugin["StatusDetails"].as_str().unwrap(),
                plugin["ResponseCode"].as_i64().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_failed_step_does_not_stop_the_next_and_the_document_fails() {
    let bed = Bed::start().await;
    let listed = run(
        &bed,
        json!([
            step("one", "exit 3", &json!({})),
            step("two", "true", &json!({}))
        ]),
    )
    .await;
    assert_eq!(
        states(&listed),
        [("one", "Failed", 3), ("two", "Success", 0)]
    );
    assert_eq!(listed["Status"], "Failed");
}

#[tokio::test]
async fn an_exit_on_failure_skips_to_the_finally_step() {
    let bed = Bed::start().await;
    let listed = run(
        &bed,
        json!([
            step("one", "exit 3", &json!({"onFailure": "exit"})),
            step("two", "true", &json!({})),
            step("last", "true", &json!({"finallyStep": true})),
        ]),
    )
    .await;
    assert_eq!(
        states(&listed),
        [
            ("one", "Failed", 3),
            ("two", "Skipped", 0),
            ("last", "Success", 0)
        ]
    );
}

#[tokio::test]
async fn a_timed_out_step_slips_past_exit_on_failure() {
    let bed = Bed::start().await;
    let inputs = json!({"onFailure": "exit", "timeoutSeconds": 5});
    let listed = run(
        &bed,
        json!([
            step("one", "sleep 60", &inputs),
            step("two", "true", &json!({}))
        ]),
    )
    .await;
    assert_eq!(
        states(&listed),
        [("one", "ExecutionTimedOut", 137), ("two", "Success", 0)]
    );
    assert_eq!(listed["StatusDetails"], "ExecutionTimedOut");
}

#[tokio::test]
async fn a_document_whose_steps_are_all_left_out_succeeds() {
    let bed = Bed::start().await;
    let mut windows = step("one", "exit 1", &json!({}));
    windows["precondition"] = json!({"StringEquals": ["platformType", "Windows"]});
    let listed = run(&bed, json!([windows])).await;
    assert_eq!(
        (&listed["Status"], states(&listed)),
        (&json!("Success"), vec![("one", "Skipped", 0)])
    );
}

#[tokio::test]
async fn an_unknown_plugin_fails_its_step_alone() {
    let bed = Bed::start().await;
    let unknown =
        json!({"action": "aws:unknown", "name": "one", "inputs": {"runCommand": ["true"]}});
    let listed = run(&bed, json!([unknown, step("two", "true", &json!({}))])).await;
    assert_eq!(
        states(&listed),
        [("one", "Failed", 1), ("two", "Success", 0)]
    );
}

#[tokio::test]
async fn a_cancel_kills_the_running_step_and_leaves_out_the_rest() {
    let bed = Bed::start().await;
    let steps = json!([
        step(
            "one",
            &format!("touch \"$BED/begun\"\n{}", wait_for("never")),
            &json!({})
        ),
        step("last", "touch \"$BED/last\"", &json!({"finallyStep": true})),
    ]);
    bed.document("steps", json!({}), steps).await;
    let id = bed
        .send(json!({"DocumentName": "steps", "InstanceIds": [HOST]}))
        .await;
    bed.file("begun").await;
    bed.ok("CancelCommand", json!({"CommandId": id})).await;
    assert_eq!(bed.command_end(&id).await["Status"], "Cancelled");
    let listed = bed.listed(&id, HOST).await;
    assert_eq!(
        states(&listed),
        [("one", "Cancelled", 137), ("last", "Cancelled", 1)]
    );
    assert!(!bed.path("last").exists());
    let body = json!({"CommandId": id, "InstanceId": HOST, "PluginName": "one"});
    assert_eq!(
        bed.ok("GetCommandInvocation", body).await["StandardOutputContent"],
        ""
    );
}

#[tokio::test]
async fn one_step_of_several_is_shown_only_by_its_name() {
    let bed = Bed::start().await;
    let listed = run(
        &bed,
        json!([
            step("one", "echo 1", &json!({})),
            step("two", "echo 2", &json!({}))
        ]),
    )
    .await;
    let body = json!({"CommandId": listed["CommandId"], "InstanceId": HOST});
    let whole = bed.ok("GetCommandInvocation", body.clone()).await;
    assert_eq!(
        (&whole["Status"], &whole["StandardOutputContent"]),
        (&json!("Success"), &json!(""))
    );
    let mut named = body.clone();
    named["PluginName"] = json!("two");
    assert_eq!(
        bed.ok("GetCommandInvocation", named).await["StandardOutputContent"],
        "2\n"
    );
    let mut wrong = body;
    wrong["PluginName"] = json!("three");
    assert_eq!(
        bed.refused("GetCommandInvocation", wrong).await,
        "InvalidPluginName"
    );
}
