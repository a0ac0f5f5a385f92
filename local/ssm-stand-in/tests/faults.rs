//! The fault switches between callers and the service.

use serde_json::json;

use crate::bed::{Bed, HOST};

fn shell() -> serde_json::Value {
    json!({"DocumentName": "AWS-RunShellScript", "InstanceIds": [HOST], "Comment": "lost",
        "Parameters": {"commands": ["echo run >> \"$BED/runs\""]}})
}

#[tokio::test]
async fn a_lost_reply_leaves_a_command_that_runs() {
    let bed = Bed::start().await;
    bed.faults(json!({"lose_send_replies": 1})).await;
    let request = bed
        .http
        .post(bed.stand_in.url())
        .header("x-amz-target", "AmazonSSM.SendCommand")
        .body(shell().to_string());
    let got_answer = match request.send().await {
        Ok(answer) => answer.bytes().await.is_ok(),
        Err(_) => false,
    };
    assert!(!got_answer, "the connection must break");
    let listed = bed.ok("ListCommands", json!({"InstanceId": HOST})).await;
    assert_eq!(listed["Commands"][0]["Comment"], "lost");
    bed.command_end(listed["Commands"][0]["CommandId"].as_str().unwrap())
        .await;
    assert_eq!(bed.read("runs"), "run\n");
    bed.send(shell()).await;
}

#[tokio::test]
async fn a_reply_can_also_be_lost_as_a_server_error() {
    let bed = Bed::start().await;
    bed.faults(json!({"lose_send_replies": 1, "lost_reply": "server_error"}))
        .await;
    let (status, answer) = bed.call("SendCommand", shell()).await;
    assert_eq!(
        (status.as_u16(), &answer["__type"]),
        (500, &json!("InternalServerError"))
    );
    assert_eq!(
        bed.ok("ListCommands", json!({})).await["Commands"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_throttled_call_is_not_carried_out() {
    let bed = Bed::start().await;
    bed.faults(json!({"throttle": {"SendCommand": 2}})).await;
    for _ in 0..2 {
        assert_eq!(
            bed.refused("SendCommand", shell()).await,
            "ThrottlingException"
        );
    }
    assert_eq!(
        bed.ok("ListCommands", json!({})).await["Commands"],
        json!([])
    );
    bed.send(shell()).await;
}

#[tokio::test]
async fn reads_lag_behind_a_send() {
    let bed = Bed::start().await;
    bed.faults(json!({"read_lag_ms": 600_000})).await;
    let id = bed.send(shell()).await;
    let named = json!({"CommandId": id});
    assert_eq!(
        bed.ok("ListCommands", named.clone()).await["Commands"],
        json!([])
    );
    assert_eq!(
        bed.ok("ListCommandInvocations", named).await["CommandInvocations"],
        json!([])
    );
    let body = json!({"CommandId": id, "InstanceId": HOST});
    assert_eq!(
        bed.refused("GetCommandInvocation", body).await,
        "InvocationDoesNotExist"
    );
    bed.faults(json!({"read_lag_ms": 0})).await;
    assert_eq!(bed.command_end(&id).await["Status"], "Success");
}

#[tokio::test]
async fn a_change_that_makes_no_sense_is_refused_and_changes_nothing() {
    let bed = Bed::start().await;
    let before = bed.control("faults").await;
    let url = format!("{}/_longshore/faults", bed.stand_in.url());
    for change in [
        json!({"drop_everything": true}),
        json!({"read_lag_ms": 5, "hosts": {"i-bbbbbbb1": {"offline": true}}}),
    ] {
        let answer = bed
            .http
            .post(&url)
            .body(change.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "{change}");
    }
    assert_eq!(bed.control("faults").await, before);
}

#[tokio::test]
async fn the_control_endpoint_shows_hosts_and_commands_and_takes_new_hosts() {
    let bed = Bed::start().await;
    let id = bed.shell(HOST, "echo seen").await;
    bed.command_end(&id).await;
    let commands = bed.control("commands").await;
    assert_eq!(
        (
            &commands[0]["id"],
            &commands[0]["invocations"][0]["steps"][0]["stdout"]
        ),
        (&json!(id), &json!("seen\n"))
    );
    let url = format!("{}/_longshore/hosts", bed.stand_in.url());
    let added = json!({"id": "i-bbbbbbb1", "dir": bed.path("new"), "tags": {"role": "web"}});
    let answer = bed
        .http
        .post(url)
        .body(added.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(bed.control("hosts").await.as_array().unwrap().len(), 6);
    let id = bed.shell("i-bbbbbbb1", "true").await;
    assert_eq!(bed.end(&id, "i-bbbbbbb1").await["Status"], "Success");
}

#[tokio::test]
async fn a_reset_forgets_everything_but_the_hosts() {
    let bed = Bed::start().await;
    bed.document(
        "doc",
        json!({}),
        json!([crate::bed::step("one", "true", &json!({}))]),
    )
    .await;
    bed.faults(json!({"read_lag_ms": 0, "hosts": {HOST: {"offline": true}}}))
        .await;
    bed.send(shell()).await;
    let url = format!("{}/_longshore/reset", bed.stand_in.url());
    assert_eq!(bed.http.post(url).send().await.unwrap().status(), 200);
    assert_eq!(
        bed.refused("DescribeDocument", json!({"Name": "doc"}))
            .await,
        "InvalidDocument"
    );
    assert_eq!(bed.control("commands").await, json!([]));
    assert_eq!(bed.run("true").await["Status"], "Success");
    assert!(!bed.path("runs").exists());
}
