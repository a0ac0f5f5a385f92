//! Before any host moves: waiting for a turn, and with a plan for people to say yes to it.

use super::{Advance, Why, entered, forward};
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::freeze::{BreakGlass, Freeze};
use crate::ids::PlanDigest;
use crate::observation::Observation;
use crate::people::{Approval, Vote};
use crate::state::{Outcome, Run, State};
use crate::time::Timestamp;

/// Asks people for their yes to what was found.
pub(super) fn ask_people(deployment: &Deployment, run: Run, now: Timestamp) -> Advance {
    let before = deployment.approval.as_ref().map_or(0, |asked| asked.asked);
    let mut next = deployment.clone();
    next.approval = Some(Approval {
        plan: PlanDigest::of(&deployment.id, &run),
        votes: Vec::new(),
        asked: before.saturating_add(1),
    });
    let deadline = now.after(deployment.policy.approval_timeout);
    entered(&next, State::AwaitingApproval { deadline, run }, now)
}

pub(super) fn awaiting_approval(
    deployment: &Deployment,
    run: &Run,
    deadline: Timestamp,
    seen: &Observation,
    now: Timestamp,
) -> Advance {
    match seen {
        Observation::Approved(_) if now >= deadline => expired(deployment, Some(run), now),
        Observation::Approved(vote) => approved(deployment, run, vote, now),
        Observation::Refused(said) => {
            end(deployment, Outcome::Rejected(said.clone()), Some(run), now)
        }
        Observation::CancelRequested(said) => {
            end(deployment, Outcome::Cancelled(said.clone()), Some(run), now)
        }
        Observation::Superseded(by) => {
            end(deployment, Outcome::Superseded(by.clone()), Some(run), now)
        }
        Observation::BreakGlass(_) => Advance::Unchanged(Why::TooEarly),
        Observation::TimePassed if now >= deadline => expired(deployment, Some(run), now),
        Observation::TimePassed => Advance::Unchanged(Why::TooEarly),
        // What the preparation was asked may still be answered.
        Observation::Ready(_)
        | Observation::FreezeSeen(_)
        | Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..) => Advance::Unchanged(Why::AlreadyKnown),
        Observation::NotReady(_) | Observation::Judged { .. } => Advance::Rejected(Why::DoesNotFit),
        Observation::AnnounceStarted(_)
        | Observation::AnnouncePostponed(..)
        | Observation::Posted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::AlreadyKnown),
    }
}

/// A yes counts for the plan that was seen, from somebody who may give it, and from each person once.
fn approved(deployment: &Deployment, run: &Run, vote: &Vote, now: Timestamp) -> Advance {
    let Some(asked) = &deployment.approval else {
        return Advance::Rejected(Why::DoesNotFit);
    };
    if vote.plan != asked.plan {
        return Advance::Unchanged(Why::OtherPlan);
    }
    let by_other = |author: &_| *author != vote.by;
    if !deployment.policy.by_author && !deployment.origin.by.as_ref().is_some_and(by_other) {
        return Advance::Unchanged(Why::OwnDeployment);
    }
    if asked.has(&vote.by) {
        return Advance::Unchanged(Why::AlreadyKnown);
    }
    let mut next = deployment.clone();
    if let Some(asked) = &mut next.approval {
        asked.votes.push(vote.clone());
    }
    if !next.is_approved() {
        return Advance::Advanced(Box::new(next));
    }
    let state = State::Queued {
        deadline: now.after(deployment.policy.queue_timeout),
        approved: Some(run.clone()),
    };
    entered(&next, state, now)
}

pub(super) fn queued(
    deployment: &Deployment,
    approved: Option<&Run>,
    deadline: Timestamp,
    seen: &Observation,
    now: Timestamp,
) -> Advance {
    match seen {
        Observation::Ready(start) => forward::start(deployment, start, now),
        Observation::NotReady(failure) => {
            end(deployment, Outcome::Failed(failure.clone()), approved, now)
        }
        Observation::FreezeSeen(freeze) => frozen(deployment, deadline, approved, freeze.as_ref()),
        Observation::BreakGlass(word) => let_begin(deployment, word),
        Observation::CancelRequested(said) => {
            end(deployment, Outcome::Cancelled(said.clone()), approved, now)
        }
        Observation::Superseded(by) => {
            end(deployment, Outcome::Superseded(by.clone()), approved, now)
        }
        Observation::TimePassed if now >= deadline => expired(deployment, approved, now),
        Observation::TimePassed => Advance::Unchanged(Why::TooEarly),
        Observation::Approved(_) => Advance::Unchanged(Why::AlreadyKnown),
        Observation::Refused(_) => Advance::Unchanged(Why::TooLate),
        // What the preparation before the approval was asked may still be answered.
        Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
            if approved.is_some() =>
        {
            Advance::Unchanged(Why::AlreadyKnown)
        }
        Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::Judged { .. } => Advance::Rejected(Why::DoesNotFit),
        Observation::AnnounceStarted(_)
        | Observation::AnnouncePostponed(..)
        | Observation::Posted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::AlreadyKnown),
    }
}

/// Keeps what holds it. The time of a freeze is no time in which its turn could have come, so the waiting goes on for the
/// full time after it; a freeze of which no end is known puts nothing off, or a calendar that stays unreadable would hold a
/// deployment for ever.
fn frozen(
    deployment: &Deployment,
    deadline: Timestamp,
    approved: Option<&Run>,
    freeze: Option<&Freeze>,
) -> Advance {
    let until = freeze.and_then(|freeze| freeze.until);
    let last = deployment.origin.at.after(Freeze::WAIT_MAX);
    let put_off = until.map(|until| until.after(deployment.policy.queue_timeout).min(last));
    let deadline = put_off.into_iter().fold(deadline, Timestamp::max);
    let mut next = deployment.clone();
    next.freeze = freeze.cloned();
    next.state = State::Queued {
        deadline,
        approved: approved.cloned(),
    };
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

fn expired(deployment: &Deployment, run: Option<&Run>, now: Timestamp) -> Advance {
    let class = FailureClass::WaitedTooLong;
    let failure = deployment.freeze.as_ref().map_or_else(
        || Failure::of(class),
        |freeze| Failure::with_detail(class, &format!("held by a freeze: {}", freeze.name())),
    );
    end(deployment, Outcome::Expired(failure), run, now)
}

fn end(deployment: &Deployment, outcome: Outcome, run: Option<&Run>, now: Timestamp) -> Advance {
    let state = State::Ended {
        outcome,
        run: run.cloned(),
        at: now,
    };
    entered(deployment, state, now)
}
