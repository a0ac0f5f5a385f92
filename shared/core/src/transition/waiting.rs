//! Before the start: waiting for an approval, and for a turn.

use super::{Advance, Why, entered, forward};
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::freeze::{BreakGlass, Freeze};
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
        Observation::BreakGlass(_) => Advance::Unchanged(Why::TooEarly),
        Observation::TimePassed if now >= deadline => expired(deployment, now),
        Observation::TimePassed => Advance::Unchanged(Why::TooEarly),
        Observation::Ready(_)
        | Observation::FreezeSeen(_)
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
        Observation::FreezeSeen(freeze) => frozen(deployment, deadline, freeze.as_ref()),
        Observation::BreakGlass(word) => let_begin(deployment, word),
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

/// Keeps what holds it. The time of a freeze is no time in which its turn could have come, so the waiting goes on for the
/// full time after it; a freeze of which no end is known puts nothing off, or a calendar that stays unreadable would hold a
/// deployment for ever.
fn frozen(deployment: &Deployment, deadline: Timestamp, freeze: Option<&Freeze>) -> Advance {
    let until = freeze.and_then(|freeze| freeze.until);
    let last = deployment.origin.at.after(Freeze::WAIT_MAX);
    let put_off = until.map(|until| until.after(deployment.policy.queue_timeout).min(last));
    let deadline = put_off.into_iter().fold(deadline, Timestamp::max);
    let mut next = deployment.clone();
    next.freeze = freeze.cloned();
    next.state = State::Queued { deadline };
    if next == *deployment {
        return Advance::Unchanged(Why::AlreadyKnown);
    }
    Advance::Advanced(Box::new(next))
}

/// Keeps the first word of a person: it is what let the deployment begin.
fn let_begin(deployment: &Deployment, word: &BreakGlass) -> Advance {
    if deployment.break_glass.is_some() {
        return Advance::Unchanged(Why::AlreadyKnown);
    }
    let mut next = deployment.clone();
    next.break_glass = Some(word.clone());
    Advance::Advanced(Box::new(next))
}

fn expired(deployment: &Deployment, now: Timestamp) -> Advance {
    let class = FailureClass::WaitedTooLong;
    let failure = deployment.freeze.as_ref().map_or_else(
        || Failure::of(class),
        |freeze| Failure::with_detail(class, &format!("held by a freeze: {}", freeze.name())),
    );
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
