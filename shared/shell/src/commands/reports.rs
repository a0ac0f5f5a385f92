//! What became of a command on each host: SSM's statuses, mapped in one place.
//!
//! Only invocations are read. A status that this version does not know is not the last word; the deadline of the step
//! ends the wait.

use super::{PAGES_MAX, answer};
use crate::fault::Fault;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::CommandInvocation;
use longshore_core::{CommandId, FailureClass, Heard, HostId, Report};

/// The largest page (SSM API reference: `MaxResults`, at most 50).
const PAGE: i32 = 50;

/// The document's one step.
const STEP: &str = "longshore";

/// The last words about the hosts of a command, in SSM's order.
pub(super) async fn reports(ssm: &Client, command: &CommandId) -> Result<Vec<Heard>, Fault> {
    let mut reports = Vec::new();
    let mut next = None;
    for _ in 0..PAGES_MAX {
        let page = ssm
            .list_command_invocations()
            .command_id(command.as_str())
            .details(true)
            .max_results(PAGE)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Fault::of("ListCommandInvocations", &error))?;
        reports.extend(page.command_invocations().iter().filter_map(report_of));
        next = page.next_token;
        if next.is_none() {
            return Ok(reports);
        }
    }
    Err(Fault::senseless("ListCommandInvocations", "too many pages"))
}

fn report_of(invocation: &CommandInvocation) -> Option<Heard> {
    let host = HostId::parse(invocation.instance_id()?).ok()?;
    let status = invocation.status()?.as_str();
    let details = invocation.status_details().unwrap_or_default();
    Some(match last_word(status, details)? {
        LastWord::Lost(class) => Heard::untimed(host, Report::Lost(class)),
        LastWord::Ran => {
            let token = invocation.comment().unwrap_or_default();
            answer::read(host, output_of(invocation), token)
        }
    })
}

/// The output of our step.
fn output_of(invocation: &CommandInvocation) -> &str {
    invocation
        .command_plugins()
        .iter()
        .find(|step| step.name().is_none_or(|name| name == STEP))
        .and_then(|step| step.output())
        .unwrap_or_default()
}

/// What a terminal status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastWord {
    /// The script ran to its end; its output says the rest.
    Ran,
    /// It did not, or nobody can tell.
    Lost(FailureClass),
}

/// The last word of a status and its details; `None` while it is not over. The documentation writes details with spaces,
/// the service without, so spaces do not count.
fn last_word(status: &str, details: &str) -> Option<LastWord> {
    let details = details.replace(' ', "");
    let otherwise = match status {
        "Success" => return Some(LastWord::Ran),
        "Failed" => LastWord::Ran,
        "Cancelled" | "Canceled" => LastWord::Lost(FailureClass::CommandCancelled),
        // Which of the two is unknown; this one does not claim that nothing ran.
        "TimedOut" => LastWord::Lost(FailureClass::ExecutionTimedOut),
        _ => return None,
    };
    Some(detail_class(&details).map_or(otherwise, LastWord::Lost))
}

/// The class that the details alone decide.
fn detail_class(details: &str) -> Option<FailureClass> {
    match details {
        "DeliveryTimedOut" => Some(FailureClass::DeliveryTimedOut),
        "ExecutionTimedOut" => Some(FailureClass::ExecutionTimedOut),
        // Over a limit of pending commands: the host never got it.
        "Undeliverable" | "RateExceeded" | "LimitExceeded" => Some(FailureClass::Undeliverable),
        "Terminated" | "Cancelled" | "Canceled" => Some(FailureClass::CommandCancelled),
        "AccessDenied" => Some(FailureClass::AccessDenied),
        "InvalidPlatform" | "NoInstancesInTag" => Some(FailureClass::InvalidHost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn lost(class: FailureClass) -> LastWord {
        LastWord::Lost(class)
    }

    /// The details that say nothing of their own, so that the status decides.
    const SILENT: [&str; 10] = [
        "",
        "Success",
        "Failed",
        "Incomplete",
        "NeverHeardOf",
        "Pending",
        "InProgress",
        "Delayed",
        "TimedOut",
        "Cancelling",
    ];

    /// The details that decide alone, spaced or not.
    const DECISIVE: [(&str, FailureClass); 13] = [
        ("Delivery Timed Out", FailureClass::DeliveryTimedOut),
        ("DeliveryTimedOut", FailureClass::DeliveryTimedOut),
        ("Execution Timed Out", FailureClass::ExecutionTimedOut),
        ("ExecutionTimedOut", FailureClass::ExecutionTimedOut),
        ("Undeliverable", FailureClass::Undeliverable),
        ("RateExceeded", FailureClass::Undeliverable),
        ("Limit Exceeded", FailureClass::Undeliverable),
        ("Terminated", FailureClass::CommandCancelled),
        ("Cancelled", FailureClass::CommandCancelled),
        ("Canceled", FailureClass::CommandCancelled),
        ("Access Denied", FailureClass::AccessDenied),
        ("InvalidPlatform", FailureClass::InvalidHost),
        ("NoInstancesInTag", FailureClass::InvalidHost),
    ];

    #[test]
    fn every_ended_status_with_every_detail_has_one_meaning() {
        for (status, silent) in [
            ("Failed", LastWord::Ran),
            ("Cancelled", lost(FailureClass::CommandCancelled)),
            ("Canceled", lost(FailureClass::CommandCancelled)),
            ("TimedOut", lost(FailureClass::ExecutionTimedOut)),
        ] {
            for details in SILENT {
                assert_eq!(
                    last_word(status, details),
                    Some(silent),
                    "{status} {details}"
                );
            }
            for (details, class) in DECISIVE {
                assert_eq!(
                    last_word(status, details),
                    Some(lost(class)),
                    "{status} {details}"
                );
            }
        }
    }

    #[test]
    fn success_is_judged_by_the_answer_whatever_the_details_say() {
        for details in ["Success", "", "Failed", "Undeliverable"] {
            assert_eq!(
                last_word("Success", details),
                Some(LastWord::Ran),
                "{details}"
            );
        }
    }

    #[test]
    fn what_is_not_over_or_not_known_is_not_the_last_word() {
        for status in [
            "Pending",
            "InProgress",
            "Delayed",
            "Cancelling",
            "",
            "BrandNew",
        ] {
            for details in SILENT
                .into_iter()
                .chain(DECISIVE.map(|(details, _)| details))
            {
                assert_eq!(last_word(status, details), None, "{status} {details}");
            }
        }
    }
}
