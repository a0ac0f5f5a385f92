//! What is made of the invocations of a command.

use super::replay::{Replay, Reply, StoppedClock};
use longshore_core::{CommandId, FailureClass, ReleaseId, Report};
use longshore_shell::commands::SsmCommands;
use longshore_shell::ports::Commands;
use serde_json::{Value, json};

const TOKEN: &str = "01JD0000000000000000000000:7:status:1:0.1";
const COMMAND: &str = "11111111-2222-3333-4444-555555555555";

fn host(number: u32) -> String {
    format!("i-{number:017x}")
}

fn invocation(number: u32, status: &str, details: &str, output: &str) -> Value {
    json!({
        "CommandId": COMMAND,
        "InstanceId": host(number),
        "Comment": TOKEN,
        "Status": status,
        "StatusDetails": details,
        "CommandPlugins": [{ "Name": "longshore", "Status": status, "Output": output }],
    })
}

fn page(invocations: &[Value], next: Option<&str>) -> Reply {
    Reply::json(&json!({ "CommandInvocations": invocations, "NextToken": next }))
}

async fn reports(replay: &Replay) -> Vec<(String, Report)> {
    let commands = SsmCommands::new(&replay.aws(), "longshore-prod", StoppedClock::at_s(0));
    let id = CommandId::parse(COMMAND).unwrap();
    let reports = commands.reports(&id).await.unwrap();
    let named = reports
        .into_iter()
        .map(|heard| (heard.host.to_string(), heard.report));
    named.collect()
}

#[tokio::test]
async fn each_host_that_is_done_has_its_report_and_the_others_have_none() {
    let served = format!("{}-0123456789ab", "a".repeat(40));
    let done = json!({ "longshore": 1, "token": TOKEN, "action": "status", "outcome": "done",
        "class": "done", "served": served, "healthy": true, "detail": "", "repeated": false });
    let busy = json!({ "longshore": 1, "token": TOKEN, "outcome": "refused", "class": "busy",
        "detail": "lock held" });
    let replay = Replay::of([
        page(
            &[
                invocation(0, "Success", "Success", &done.to_string()),
                invocation(1, "InProgress", "InProgress", ""),
                invocation(2, "Failed", "Failed", &format!("{busy}\nexit status 12")),
                invocation(3, "NewStatus", "NewStatus", &done.to_string()),
            ],
            Some("more"),
        ),
        page(
            &[
                invocation(4, "TimedOut", "DeliveryTimedOut", ""),
                invocation(5, "Success", "Success", "not json"),
                json!({ "InstanceId": "not-a-host", "Status": "Success" }),
                json!({ "InstanceId": host(6), "Status": "Cancelled" }),
            ],
            None,
        ),
    ]);
    let found = reports(&replay).await;
    let classes: Vec<_> = found
        .iter()
        .map(|(host, report)| (host.clone(), class(report)))
        .collect();
    assert_eq!(
        classes,
        [
            (host(0), None),
            (host(2), Some(FailureClass::Busy)),
            (host(4), Some(FailureClass::DeliveryTimedOut)),
            (host(5), Some(FailureClass::NoAnswer)),
            (host(6), Some(FailureClass::CommandCancelled)),
        ]
    );
    let expected = Report::Done {
        served: ReleaseId::parse(&served).ok(),
        healthy: true,
        found: None,
    };
    assert_eq!(found[0].1, expected);
    let requests = replay.sent();
    assert_eq!(
        requests[0].json(),
        json!({ "CommandId": COMMAND, "Details": true, "MaxResults": 50 })
    );
    assert_eq!(requests[1].json()["NextToken"], "more");
}

fn class(report: &Report) -> Option<FailureClass> {
    match report {
        Report::Done { .. } => None,
        Report::Failed(failure) => Some(failure.class),
        Report::Lost(class) => Some(*class),
    }
}

#[tokio::test]
async fn an_answer_to_another_token_is_no_answer() {
    let other = json!({ "longshore": 1, "token": "01JD0000000000000000000000:6:status:1:0.1",
        "outcome": "done", "class": "done" });
    let replay = Replay::of([page(
        &[invocation(0, "Success", "Success", &other.to_string())],
        None,
    )]);
    let found = reports(&replay).await;
    assert_eq!(class(&found[0].1), Some(FailureClass::NoAnswer));
}

#[tokio::test]
async fn a_command_that_ssm_does_not_show_yet_has_no_reports() {
    let replay = Replay::of([page(&[], None)]);
    assert_eq!(reports(&replay).await, []);
}
