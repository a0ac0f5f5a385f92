//! Between the service and the hosts: queues, deadlines, lost hosts and agents, and what a command becomes of it all.

use serde_json::{Value, json};

use crate::bed::{Bed, HOST, HOSTS, step, wait_for};

#[tokio::test]
async fn a_host_runs_five_documents_at_once_and_the_rest_queue() {
    let bed = Bed::start().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(
            bed.shell(
                HOST,
                &format!("touch \"$BED/begun-$SSM_COMMAND_ID\"\n{}", wait_for("go")),
            )
            .await,
        );
    }
    for id in &ids[..5] {
        bed.file(&format!("begun-{id}")).await;
    }
    assert_eq!(bed.get(&ids[5], HOST).await["Status"], "Pending");
    assert!(!bed.path(&format!("begun-{}", ids[5])).exists());
    bed.touch("go");
    for id in &ids {
        assert_eq!(bed.end(id, HOST).await["Status"], "Success");
    }
}

#[tokio::test]
async fn an_offline_host_starts_late_when_it_is_back_in_time() {
    let bed = Bed::start().await;
    bed.faults(json!({"hosts": {HOST: {"offline": true}}}))
        .await;
    let id = bed.shell(HOST, "echo late").await;
    bed.status(&id, HOST, "Delayed").await;
    assert_eq!(bed.command(&id).await["Status"], "InProgress");
    bed.faults(json!({"hosts": {HOST: {"offline": false}}}))
        .await;
    assert_eq!(bed.end(&id, HOST).await["StandardOutputContent"], "late\n");
}

#[tokio::test]
async fn an_offline_host_that_is_back_too_late_never_starts() {
    let bed = Bed::start().await;
    bed.faults(json!({"hosts": {HOST: {"offline": true}}}))
        .await;
    let id = bed.shell(HOST, "touch \"$BED/ran\"").await;
    assert_eq!(
        bed.command_end(&id).await["StatusDetails"],
        "DeliveryTimedOut"
    );
    let listed = bed.listed(&id, HOST).await;
    assert_eq!(
        (&listed["Status"], &listed["StatusDetails"]),
        (&json!("TimedOut"), &json!("DeliveryTimedOut"))
    );
    assert_eq!(listed["CommandPlugins"][0]["ResponseCode"], -1);
    bed.faults(json!({"reset": true})).await;
    assert_eq!(bed.run("true").await["Status"], "Success");
    assert!(!bed.path("ran").exists());
}

#[tokio::test]
async fn a_slow_agent_runs_what_the_service_has_given_up() {
    let bed = Bed::start().await;
    bed.faults(json!({"hosts": {HOST: {"start_delay_ms": 1600}}}))
        .await;
    let id = bed.shell(HOST, "touch \"$BED/ran\"").await;
    assert_eq!(
        bed.end(&id, HOST).await["StatusDetails"],
        "DeliveryTimedOut"
    );
    assert!(!bed.path("ran").exists());
    bed.file("ran").await;
    assert_eq!(
        bed.get(&id, HOST).await["StatusDetails"],
        "DeliveryTimedOut",
        "a final state absorbs"
    );
}

#[tokio::test]
async fn a_reply_that_comes_after_the_expiry_changes_nothing() {
    let bed = Bed::start().await;
    let lines = format!(
        "touch \"$BED/begun\"\n{}\ntouch \"$BED/done\"",
        wait_for("go")
    );
    let parameters =
        json!({"commands": lines.lines().collect::<Vec<_>>(), "executionTimeout": ["20"]});
    let id = bed
        .shell_with(HOST, "", json!({"Parameters": parameters}))
        .await;
    bed.file("begun").await;
    bed.faults(json!({"hosts": {HOST: {"offline": true}}}))
        .await;
    bed.touch("go");
    bed.file("done").await;
    assert_eq!(
        bed.get(&id, HOST).await["Status"],
        "InProgress",
        "nobody can tell the service"
    );
    assert_eq!(
        bed.end(&id, HOST).await["StatusDetails"],
        "DeliveryTimedOut"
    );
    bed.faults(json!({"reset": true})).await;
    assert_eq!(
        bed.get(&id, HOST).await["StatusDetails"],
        "DeliveryTimedOut"
    );
}

#[tokio::test]
async fn a_killed_agent_reports_after_its_start_and_runs_nothing_twice() {
    let bed = Bed::start().await;
    let id = bed
        .shell(
            HOST,
            &format!(
                "echo run >> \"$BED/runs\"\n{}\ntouch \"$BED/done\"",
                wait_for("go")
            ),
        )
        .await;
    bed.status(&id, HOST, "InProgress").await;
    bed.faults(json!({"actions": [{"do": "kill_agent", "host": HOST}]}))
        .await;
    bed.touch("go");
    bed.file("done").await;
    assert_eq!(bed.get(&id, HOST).await["Status"], "InProgress");
    bed.faults(json!({"actions": [{"do": "start_agent", "host": HOST}]}))
        .await;
    assert_eq!(bed.end(&id, HOST).await["Status"], "Success");
    assert_eq!(bed.read("runs"), "run\n");
}

#[tokio::test]
async fn a_restarted_agent_begins_the_document_again_without_its_finished_steps() {
    let bed = Bed::start().await;
    let second = format!("echo two >> \"$BED/runs\"\n{}", wait_for("go"));
    let steps = json!([
        step("one", "echo one >> \"$BED/runs\"", &json!({})),
        step("two", &second, &json!({}))
    ]);
    bed.document("two-steps", json!({}), steps).await;
    let id = bed
        .send(json!({"DocumentName": "two-steps", "InstanceIds": [HOST]}))
        .await;
    crate::bed::until("the second step", || bed.read("runs") == "one\ntwo\n").await;
    bed.faults(json!({"actions": [{"do": "restart_agent", "host": HOST}]}))
        .await;
    crate::bed::until("its second run", || bed.read("runs") == "one\ntwo\ntwo\n").await;
    bed.touch("go");
    assert_eq!(bed.command_end(&id).await["Status"], "Success");
}

#[tokio::test]
async fn a_reboot_kills_the_script_and_runs_it_again() {
    let bed = Bed::start().await;
    let lines = format!(
        "echo run >> \"$BED/runs\"\n{}\necho end >> \"$BED/runs\"",
        wait_for("go")
    );
    let id = bed.shell(HOST, &lines).await;
    crate::bed::until("the first run", || bed.read("runs") == "run\n").await;
    bed.faults(json!({"actions": [{"do": "reboot", "host": HOST}]}))
        .await;
    crate::bed::until("the second run", || bed.read("runs") == "run\nrun\n").await;
    bed.touch("go");
    assert_eq!(bed.end(&id, HOST).await["Status"], "Success");
    assert_eq!(bed.read("runs"), "run\nrun\nend\n");
}

#[tokio::test]
async fn a_document_that_is_begun_too_often_fails() {
    let bed = Bed::start().await;
    let id = bed.shell(HOST, &wait_for("never")).await;
    bed.status(&id, HOST, "InProgress").await;
    for _ in 0..15 {
        bed.faults(json!({"actions": [{"do": "reboot", "host": HOST}]}))
            .await;
    }
    assert_eq!(bed.end(&id, HOST).await["Status"], "Failed");
}

#[tokio::test]
async fn a_script_killed_by_somebody_else_fails() {
    let bed = Bed::start().await;
    let id = bed
        .shell(
            HOST,
            &format!("touch \"$BED/begun\"\n{}", wait_for("never")),
        )
        .await;
    bed.file("begun").await;
    bed.faults(json!({"actions": [{"do": "kill_script", "host": HOST, "command": id}]}))
        .await;
    let seen = bed.end(&id, HOST).await;
    assert_eq!(
        (&seen["Status"], &seen["ResponseCode"]),
        (&json!("Failed"), &json!(-1))
    );
    assert_eq!(
        seen["StandardErrorContent"],
        "failed to run commands: signal: killed"
    );
}

#[tokio::test]
async fn a_cancel_reaches_a_waiting_command_at_once_and_a_lost_host_when_it_is_back() {
    let bed = Bed::start().await;
    bed.faults(json!({"hosts": {HOST: {"offline": true}}}))
        .await;
    let waiting = bed.shell(HOST, "touch \"$BED/ran\"").await;
    bed.ok("CancelCommand", json!({"CommandId": waiting})).await;
    assert_eq!(bed.command(&waiting).await["Status"], "Cancelled");
    bed.faults(json!({"reset": true})).await;
    let running = bed
        .shell(
            HOST,
            &format!("touch \"$BED/begun\"\n{}", wait_for("never")),
        )
        .await;
    bed.file("begun").await;
    bed.faults(json!({"hosts": {HOST: {"offline": true}}}))
        .await;
    bed.ok("CancelCommand", json!({"CommandId": running})).await;
    assert_eq!(bed.command(&running).await["Status"], "Cancelling");
    bed.faults(json!({"reset": true})).await;
    assert_eq!(bed.command_end(&running).await["Status"], "Cancelled");
    assert!(!bed.path("ran").exists());
}

#[tokio::test]
async fn a_stopped_host_is_accepted_and_a_terminated_one_is_not() {
    let bed = Bed::start().await;
    bed.faults(json!({"hosts": {HOST: {"power": "stopped"}, HOSTS[1]: {"power": "terminated"}}}))
        .await;
    let id = bed.shell(HOST, "true").await;
    bed.status(&id, HOST, "Delayed").await;
    let body = json!({"DocumentName": "AWS-RunShellScript", "InstanceIds": [HOSTS[1]], "Parameters": {"commands": ["x"]}});
    assert_eq!(bed.refused("SendCommand", body).await, "InvalidInstanceId");
    let listed = bed.ok("DescribeInstanceInformation", json!({})).await;
    assert_eq!(
        listed["InstanceInformationList"].as_array().unwrap().len(),
        3
    );
    bed.faults(json!({"hosts": {HOST: {"power": "running"}}}))
        .await;
    assert_eq!(bed.end(&id, HOST).await["Status"], "Success");
}

#[tokio::test]
async fn undeliverable_hosts_hide_behind_one_success() {
    let bed = Bed::start().await;
    let lost: serde_json::Map<_, _> = HOSTS[1..]
        .iter()
        .map(|id| ((*id).to_owned(), json!({"undeliverable": true})))
        .collect();
    bed.faults(json!({"hosts": lost})).await;
    let id = send_to_all(&bed, "true", json!({})).await;
    assert_eq!(bed.command_end(&id).await["Status"], "Success");
    let listed = bed.listed(&id, HOSTS[4]).await;
    assert_eq!(
        (&listed["Status"], &listed["StatusDetails"]),
        (&json!("Failed"), &json!("Undeliverable"))
    );
}

#[tokio::test]
async fn too_many_errors_cut_the_rest_of_the_command() {
    let bed = Bed::start().await;
    let more = json!({"MaxConcurrency": "1", "MaxErrors": "1"});
    let id = send_to_all(&bed, "exit 1", more).await;
    let command = bed.command_end(&id).await;
    assert_eq!(
        (&command["Status"], &command["ErrorCount"]),
        (&json!("Failed"), &json!(2))
    );
    let listed = bed
        .ok("ListCommandInvocations", json!({"CommandId": id}))
        .await;
    let details: Vec<_> = listed["CommandInvocations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invocation| invocation["StatusDetails"].as_str().unwrap())
        .collect();
    assert_eq!(
        details,
        ["Failed", "Failed", "Terminated", "Terminated", "Terminated"]
    );
}

async fn send_to_all(bed: &Bed, line: &str, more: Value) -> String {
    let mut body = json!({
        "DocumentName": "AWS-RunShellScript", "Parameters": {"commands": [line]},
        "Targets": [{"Key": "tag:role", "Values": ["web"]}]
    });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    bed.send(body).await
}
