//! Lines of the log that call somebody must have a reason.

use super::Fault;
use crate::bench::Bench;
use serde_json::Value;
use std::collections::BTreeSet;

/// Whatever keeps a message from being dealt with.
const KEPT_FROM: [Fault; 8] = [
    Fault::TableUnavailable,
    Fault::TableAnswerLost,
    Fault::TableConflict,
    Fault::TableOutage,
    Fault::RecordUnreadable,
    Fault::SsmBlind,
    Fault::ChannelDown,
    Fault::PoisonMessage,
];

/// Whatever keeps a deployment from being looked at in time.
const DELAYED: [Fault; 9] = [
    Fault::TableUnavailable,
    Fault::TableAnswerLost,
    Fault::TableConflict,
    Fault::TableOutage,
    Fault::RecordUnreadable,
    Fault::TicksLost,
    Fault::MessagesLate,
    Fault::IndexLags,
    Fault::FunctionClockSkewed,
];

/// Checks every line of the log.
pub(super) fn assert_explained(bench: &Bench, happened: &BTreeSet<Fault>) {
    for line in bench.log.lines() {
        let parsed: Value = serde_json::from_str(&line).expect("a line is JSON");
        let event = parsed["event"].as_str().expect("a line names its event");
        let calls_somebody = parsed["level"] == "ERROR" || event == "observation_rejected";
        assert!(
            !calls_somebody || is_explained(bench, event, happened),
            "nothing that happened explains {line}"
        );
    }
}

fn is_explained(bench: &Bench, event: &str, happened: &BTreeSet<Fault>) -> bool {
    let any = |of: &[Fault]| of.iter().any(|fault| happened.contains(fault));
    match event {
        "message_failed" | "tick_failed" | "push_undecided" | "operator_refused" => any(&KEPT_FROM),
        "deployment_overdue" => any(&DELAYED),
        "message_given_up" => any(&[Fault::ChannelDown]),
        "bitbucket_token_refused" => any(&[Fault::BranchesFail]),
        "rollback_failed" => {
            let ends = bench.deployments();
            ends.iter().any(|d| d.state.name() == "RollbackFailed")
        }
        _ => false,
    }
}
