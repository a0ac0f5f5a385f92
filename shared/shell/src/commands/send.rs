//! One SendCommand call: its parameters, its times, and what a failed call means.

use crate::fault::{Fault, Verdict};
use crate::ports::{Order, SendError};
use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::Config;
use aws_sdk_ssm::operation::send_command::builders::SendCommandFluentBuilder;
use aws_sdk_ssm::types::DocumentHashType;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use longshore_core::{CommandId, Failure, FailureClass, Timestamp};
use std::time::Duration;

/// How long SSM may take to answer. Longer than for a read: a lost answer costs a search after the settling time.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends one command in one request.
///
/// A crash before it leaves nothing; a crash after it leaves a command that is found again by its comment.
pub(super) async fn send(
    ssm: &Client,
    document: &str,
    order: &Order,
    now: Timestamp,
) -> Result<CommandId, SendError> {
    let Some(times) = Times::of(order.not_after, now) else {
        // Every host would refuse it; not sending it says the same without a command on record.
        return Err(SendError::Refused(Failure::of(FailureClass::Expired)));
    };
    let once = Config::builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(REPLY_TIMEOUT)
                .operation_timeout(REPLY_TIMEOUT)
                .build(),
        );
    let reply = request(ssm, document, order, &times)
        .customize()
        .config_override(once)
        .send()
        .await
        .map_err(|error| refusal(Fault::of("SendCommand", &error)))?;
    reply
        .command()
        .and_then(|command| command.command_id())
        .and_then(|id| CommandId::parse(id).ok())
        .ok_or_else(|| {
            let fault = Fault::senseless("SendCommand", "the reply has no command id");
            SendError::Unknown(fault.into())
        })
}

fn request(ssm: &Client, document: &str, order: &Order, times: &Times) -> SendCommandFluentBuilder {
    let token = order.token.to_string();
    let hosts = order.hosts.iter().map(ToString::to_string).collect();
    let request = ssm
        .send_command()
        .document_name(document)
        .document_version(&order.document.version)
        .document_hash(&order.document.hash)
        .document_hash_type(DocumentHashType::Sha256)
        .set_instance_ids(Some(hosts))
        .comment(&token)
        .timeout_seconds(times.delivery_s);
    parameters(order, times)
        .into_iter()
        .fold(request, |request, (name, value)| {
            request.parameters(name, vec![value])
        })
}

/// The document's parameters. Every value comes from a validated type, so none can carry a brace, a quote, a dollar, a
/// space or a newline (invariant I7).
fn parameters(order: &Order, times: &Times) -> [(&'static str, String); 15] {
    let release = &order.release;
    [
        ("Action", order.action().word().to_owned()),
        ("App", order.app.to_string()),
        ("Environment", order.environment.to_string()),
        ("Repository", order.repository.to_string()),
        ("Deployment", order.token.deployment.to_string()),
        ("Generation", order.token.generation.to_string()),
        ("Token", order.token.to_string()),
        ("Release", release.id().to_string()),
        ("Previous", previous(order)),
        ("ConfigVersion", release.config_version.to_string()),
        ("Pins", release.pins()),
        (
            "Artifact",
            release
                .artifact
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        ("NotAfter", order.not_after.as_unix_s().to_string()),
        ("DeadlineSeconds", times.deadline_s.to_string()),
        ("ExecutionTimeout", times.execution_s.to_string()),
    ]
}

/// Empty where nothing was proven before.
fn previous(order: &Order) -> String {
    let id = order.previous.as_ref();
    id.map_or_else(String::new, ToString::to_string)
}

/// The times of a command, all from the time that is left until its not-after time.
#[derive(Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "each time carries its unit in its name"
)]
struct Times {
    /// If a host has not started by then, SSM does not start it any more.
    delivery_s: i32,
    /// The script's own budget. It ends before the core stops waiting, so that the answer can still be read.
    deadline_s: u64,
    /// When the agent kills the script: after the script should have given up itself, as a killed script cannot answer.
    execution_s: u64,
}

impl Times {
    /// SSM's smallest delivery time (API reference: `TimeoutSeconds`, at least 30).
    const DELIVERY_MIN_S: u64 = 30;
    /// The longest wait for a host that does not take its command.
    const DELIVERY_MAX_S: u64 = 600;
    /// What the script leaves for its answer to be read, or a quarter of the time if that is less.
    const MARGIN_S: u64 = 15;
    /// The agent waits this much longer than the script.
    const GRACE_S: u64 = 30;
    /// The largest budget that the document takes, with room for the grace.
    const DEADLINE_MAX_S: u64 = 99_999 - Self::GRACE_S;

    /// `None` when nothing is left.
    fn of(not_after: Timestamp, now: Timestamp) -> Option<Self> {
        let left = not_after.as_unix_s().saturating_sub(now.as_unix_s());
        if left == 0 {
            return None;
        }
        let delivery = left.clamp(Self::DELIVERY_MIN_S, Self::DELIVERY_MAX_S);
        let margin = Self::MARGIN_S.min(left.div_ceil(4));
        let deadline_s = left.saturating_sub(margin).clamp(1, Self::DEADLINE_MAX_S);
        Some(Self {
            delivery_s: i32::try_from(delivery).unwrap_or(i32::MAX),
            deadline_s,
            execution_s: deadline_s.saturating_add(Self::GRACE_S),
        })
    }
}

/// What a failed call means for the command.
fn refusal(fault: Fault) -> SendError {
    match fault.verdict {
        Verdict::Throttled => SendError::Throttled,
        Verdict::Unknown => SendError::Unknown(fault.into()),
        Verdict::Refused => {
            let class = class_of(&fault);
            SendError::Refused(Failure::with_detail(class, &fault.reason()))
        }
    }
}

fn class_of(fault: &Fault) -> FailureClass {
    if fault.is_denied() {
        return FailureClass::AccessDenied;
    }
    match fault.code.as_str() {
        // One bad host makes SSM refuse the whole batch; this class makes the core ask each host alone.
        "InvalidInstanceId" | "UnsupportedPlatformType" => FailureClass::InvalidHost,
        "InvalidDocument"
        | "InvalidDocumentVersion"
        | "InvalidDocumentContent"
        | "InvalidParameters"
        | "MaxDocumentSizeExceeded"
        | "ValidationException" => FailureClass::DocumentRefused,
        _ => FailureClass::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_ms(seconds.saturating_mul(1_000))
    }

    #[test]
    fn every_time_follows_from_the_time_that_is_left() {
        for (left, delivery_s, deadline_s, execution_s) in [
            (1, 30, 1, 31),
            (20, 30, 15, 45),
            (60, 60, 45, 75),
            (600, 600, 585, 615),
            (3_600, 600, 3_585, 3_615),
            (1_000_000, 600, 99_969, 99_999),
        ] {
            let expected = Times {
                delivery_s,
                deadline_s,
                execution_s,
            };
            assert_eq!(Times::of(at(1_000 + left), at(1_000)), Some(expected));
        }
    }

    #[test]
    fn nothing_is_sent_when_its_time_has_passed() {
        assert_eq!(Times::of(at(1_000), at(1_000)), None);
        assert_eq!(Times::of(at(1_000), at(2_000)), None);
    }
}
