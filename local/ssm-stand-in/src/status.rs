//! The states of a command, an invocation and a step, and how a command's state follows from its invocations.
//!
//! Each enum holds what SSM calls `StatusDetails`; the coarser `Status` is derived, so the two can never disagree.

use serde::{Deserialize, Serialize};

/// The state of one command on one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum InvocationState {
    /// Accepted by the service, not started on the host.
    Pending,
    /// The host could not be reached; the service tries again until the delivery deadline.
    Delayed,
    /// The agent said that it has begun.
    InProgress,
    /// A cancel was asked for and the agent has not answered.
    Cancelling,
    /// The document succeeded.
    Success,
    /// The document failed.
    Failed,
    /// The document was cancelled.
    Cancelled,
    /// No start before the delivery deadline, or no answer before the expiry.
    DeliveryTimedOut,
    /// A step ran past its timeout, or ended with 137.
    ExecutionTimedOut,
    /// The agent does not exist or does not answer.
    Undeliverable,
    /// The service cut the rest of the command after `MaxErrors`.
    Terminated,
}

impl InvocationState {
    /// The `Status` of the wire.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Delayed => "Delayed",
            Self::InProgress => "InProgress",
            Self::Cancelling => "Cancelling",
            Self::Success => "Success",
            Self::Failed | Self::Undeliverable => "Failed",
            Self::Cancelled | Self::Terminated => "Cancelled",
            Self::DeliveryTimedOut | Self::ExecutionTimedOut => "TimedOut",
        }
    }

    /// The `StatusDetails` of the wire.
    pub(crate) fn details(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::DeliveryTimedOut => "DeliveryTimedOut",
            Self::ExecutionTimedOut => "ExecutionTimedOut",
            Self::Undeliverable => "Undeliverable",
            Self::Terminated => "Terminated",
            Self::Pending | Self::Delayed | Self::InProgress | Self::Cancelling | Self::Success => {
                self.status()
            }
        }
    }

    /// Whether the state is final.
    pub(crate) fn is_terminal(self) -> bool {
        match self {
            Self::Pending | Self::Delayed | Self::InProgress | Self::Cancelling => false,
            Self::Success
            | Self::Failed
            | Self::Cancelled
            | Self::DeliveryTimedOut
            | Self::ExecutionTimedOut
            | Self::Undeliverable
            | Self::Terminated => true,
        }
    }

    /// Whether the state counts against `MaxErrors`: failures and execution timeouts do, delivery problems do not.
    pub(crate) fn is_error(self) -> bool {
        matches!(self, Self::Failed | Self::ExecutionTimedOut)
    }
}

/// The state of a whole command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum CommandState {
    /// Accepted, nothing sent.
    Pending,
    /// Sent, and at least one invocation is not final.
    InProgress,
    /// A cancel was asked for, and at least one invocation is not final.
    Cancelling,
    /// Final, with no more errors than allowed and nothing that makes it incomplete.
    Success,
    /// No host matched the targets; final from the start.
    NoInstancesInTag,
    /// More errors than `MaxErrors`, or no host that could be reached at all.
    Failed,
    /// Not every invocation succeeded, yet too few failed for `Failed`.
    Incomplete,
    /// Ended by a cancel.
    Cancelled,
    /// No invocation was delivered in time.
    DeliveryTimedOut,
    /// Every error was an execution timeout.
    ExecutionTimedOut,
}

impl CommandState {
    /// The `Status` of the wire.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Cancelling => "Cancelling",
            Self::Success | Self::NoInstancesInTag => "Success",
            Self::Failed | Self::Incomplete => "Failed",
            Self::Cancelled => "Cancelled",
            Self::DeliveryTimedOut | Self::ExecutionTimedOut => "TimedOut",
        }
    }

    /// The `StatusDetails` of the wire.
    pub(crate) fn details(self) -> &'static str {
        match self {
            Self::NoInstancesInTag => "NoInstancesInTag",
            Self::Incomplete => "Incomplete",
            Self::DeliveryTimedOut => "DeliveryTimedOut",
            Self::ExecutionTimedOut => "ExecutionTimedOut",
            Self::Pending
            | Self::InProgress
            | Self::Cancelling
            | Self::Success
            | Self::Failed
            | Self::Cancelled => self.status(),
        }
    }

    /// Whether the state is final.
    pub(crate) fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress | Self::Cancelling)
    }
}

/// What a command's state is, given all its invocations and the number of errors it tolerates.
pub(crate) fn aggregate(
    invocations: &[InvocationState],
    errors_max: usize,
    cancel_requested: bool,
) -> CommandState {
    let count =
        |wanted: InvocationState| invocations.iter().filter(|state| **state == wanted).count();
    let total = invocations.len();
    if total == 0 {
        return CommandState::NoInstancesInTag;
    }
    if !invocations.iter().all(|state| state.is_terminal()) {
        return if cancel_requested {
            CommandState::Cancelling
        } else {
            CommandState::InProgress
        };
    }
    if count(InvocationState::Cancelled) > 0 {
        return CommandState::Cancelled;
    }
    let failed = count(InvocationState::Failed);
    let timed_out = count(InvocationState::ExecutionTimedOut);
    if failed.saturating_add(timed_out) > errors_max {
        return if failed == 0 {
            CommandState::ExecutionTimedOut
        } else {
            CommandState::Failed
        };
    }
    let undelivered = count(InvocationState::DeliveryTimedOut);
    let undeliverable = count(InvocationState::Undeliverable);
    if undelivered == total {
        CommandState::DeliveryTimedOut
    } else if undeliverable == total {
        CommandState::Failed
    } else if count(InvocationState::Success).saturating_add(undeliverable) == total {
        CommandState::Success
    } else {
        CommandState::Incomplete
    }
}

/// The state of one step on one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum StepState {
    /// Not begun, or not heard of.
    Pending,
    /// Begun.
    InProgress,
    /// Exit code 0 or 168.
    Success,
    /// Left out by a precondition, or after an exit.
    Skipped,
    /// Any other exit code.
    Failed,
    /// Killed by the timeout, or ended with 137.
    TimedOut,
    /// Killed by a cancel, or not begun because of it.
    Cancelled,
}

impl StepState {
    /// The `Status` of the wire, which knows no `Skipped`.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Success | Self::Skipped => "Success",
            Self::Failed => "Failed",
            Self::TimedOut => "TimedOut",
            Self::Cancelled => "Cancelled",
        }
    }

    /// The `StatusDetails` of the wire.
    pub(crate) fn details(self) -> &'static str {
        match self {
            Self::Skipped => "Skipped",
            Self::TimedOut => "ExecutionTimedOut",
            Self::Pending | Self::InProgress | Self::Success | Self::Failed | Self::Cancelled => {
                self.status()
            }
        }
    }

    /// Whether the step has an end.
    pub(crate) fn is_finished(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress)
    }
}

/// What a document's end is, given the ends of its steps.
pub(crate) fn document_end(steps: &[StepState]) -> InvocationState {
    let has = |wanted: StepState| steps.contains(&wanted);
    if has(StepState::Failed) {
        InvocationState::Failed
    } else if has(StepState::TimedOut) {
        InvocationState::ExecutionTimedOut
    } else if has(StepState::Cancelled) {
        InvocationState::Cancelled
    } else {
        InvocationState::Success
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use InvocationState as I;

    fn check(invocations: &[I], errors_max: usize, expected: CommandState) {
        assert_eq!(
            aggregate(invocations, errors_max, false),
            expected,
            "{invocations:?} with at most {errors_max} errors"
        );
    }

    #[test]
    fn undeliverable_hosts_do_not_spoil_the_success_of_the_others() {
        let four_and_one = [
            I::Undeliverable,
            I::Undeliverable,
            I::Success,
            I::Undeliverable,
            I::Undeliverable,
        ];
        check(&four_and_one, 0, CommandState::Success);
        check(
            &[I::Undeliverable, I::Undeliverable],
            0,
            CommandState::Failed,
        );
    }

    #[test]
    fn delivery_timeouts_do_not_count_as_errors() {
        check(&[I::DeliveryTimedOut], 0, CommandState::DeliveryTimedOut);
        check(
            &[I::DeliveryTimedOut, I::Success],
            0,
            CommandState::Incomplete,
        );
    }

    #[test]
    fn failures_and_execution_timeouts_count_against_the_errors_allowed() {
        check(&[I::Failed, I::Success], 0, CommandState::Failed);
        check(&[I::Failed, I::Success], 1, CommandState::Incomplete);
        check(&[I::ExecutionTimedOut], 0, CommandState::ExecutionTimedOut);
        check(&[I::ExecutionTimedOut, I::Failed], 1, CommandState::Failed);
        check(&[I::Failed, I::Terminated], 0, CommandState::Failed);
    }

    #[test]
    fn a_command_is_not_final_before_its_last_invocation() {
        check(&[I::Success, I::Delayed], 0, CommandState::InProgress);
        check(&[I::Success, I::Cancelled], 0, CommandState::Cancelled);
        check(&[], 0, CommandState::NoInstancesInTag);
        assert_eq!(
            aggregate(&[I::InProgress], 0, true),
            CommandState::Cancelling
        );
    }

    #[test]
    fn a_document_of_skipped_steps_succeeds_and_a_failure_beats_a_timeout() {
        assert_eq!(
            document_end(&[StepState::Skipped, StepState::Skipped]),
            I::Success
        );
        assert_eq!(
            document_end(&[StepState::TimedOut, StepState::Success]),
            I::ExecutionTimedOut
        );
        assert_eq!(
            document_end(&[StepState::TimedOut, StepState::Failed]),
            I::Failed
        );
        assert_eq!(
            document_end(&[StepState::Success, StepState::Cancelled]),
            I::Cancelled
        );
    }
}
