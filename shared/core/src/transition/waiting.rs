//! Before the start: waiting for an approval, and for a turn.

use super::{Advance, Why, entered, forward};
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::observation::Observation;
use crate::state::{Outcome, State};
use crate::time::Timestamp;

pub(super) fn awaiting_approval(
    deployment: &Deployment,
    deadline: Timestamp,
    seen: &Observation,
    now: Timestamp,
) -> Advance {
    match seen {
        Observation::Approved(_) if now >= deadline => expired(deployment, now),
        Observation::Approved(_) => {
            let deadline = now.after(deployment.policy.queue_timeout);
            entered(deployment, State::Queued { deadline }, now)
        }
        Observation::Refused(by) => end(deployment, Outcome::Rejected(by.clone()), now),
        Observation::CancelRequested(by) => end(deployment, Outcome::Cancelled(by.clone()), now),
        Observation::Superseded(by) => end(deployment, Outcome::Superseded(by.clone()), now),
        Observation::TimePassed if now >= deadline => expired(deployment, now),
        Observation::TimePassed => Advance::Unchanged(Why::TooEarly),
        Observation::Ready(_)
        | Observation::NotReady(_)
        | Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::Probed { .. } => Advance::Rejected(Why::DoesNotFit),
        Observation::AnnounceStarted(_) | Observation::Announced(_) => {
            Advance::Unchanged(Why::AlreadyKnown)
        }
    }
}

pub(super) fn queued(
    deployment: &Deployment,
    deadline: Timestamp,
    seen: &Observation,
    now: Timestamp,
) -> Advance {
    match seen {
        Observation::Ready(start) => forward::start(deployment, start, now),
        Observation::NotReady(failure) => end(deployment, Outcome::Failed(failure.clone()), now),
        Observation::CancelRequested(by) => end(deployment, Outcome::Cancelled(by.clone()), now),
        Observation::Superseded(by) => end(deployment, Outcome::Superseded(by.clone()), now),
        Observation::TimePassed if now >= deadline => expired(deployment, now),
        Observation::TimePassed => Advance::Unchanged(Why::TooEarly),
        Observation::Approved(_) => Advance::Unchanged(Why::AlreadyKnown),
        Observation::Refused(_) => Advance::Unchanged(Why::TooLate),
        Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::Probed { .. } => Advance::Rejected(Why::DoesNotFit),
        Observation::AnnounceStarted(_) | Observation::Announced(_) => {
            Advance::Unchanged(Why::AlreadyKnown)
        }
    }
}

fn expired(deployment: &Deployment, now: Timestamp) -> Advance {
    let failure = Failure::of(FailureClass::WaitedTooLong);
    end(deployment, Outcome::Expired(failure), now)
}

fn end(deployment: &Deployment, outcome: Outcome, now: Timestamp) -> Advance {
    let state = State::Ended {
        outcome,
        run: None,
        at: now,
    };
    entered(deployment, state, now)
}
