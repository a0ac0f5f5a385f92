//! [`step`]: the only function that changes the state of a deployment.
//!
//! It is total: every state meets every observation, and each pair is written out. `docs/STATES.md` is generated from it
//! and held by a test. Delivery is at least once and unordered, so [`Advance::Unchanged`] is normal; only
//! [`Advance::Rejected`] deserves a warning. Effects are part of the state: the commands that are to be sent and the
//! messages that are owed stand in the deployment itself, so one write records the new state with what follows from it.

mod absorb;
mod ended;
mod enter;
mod forward;
mod restoring;
mod rounds;
mod waiting;

use crate::channel::{Channel, Route};
use crate::command::{Heard, Token};
use crate::deployment::{Announcement, Deployment};
use crate::observation::Observation;
use crate::state::{Phase, State};
use crate::time::Timestamp;

pub use absorb::absorb;

/// What an observation does to a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advance {
    /// It moved, or its record changed.
    Advanced(Box<Deployment>),
    /// Nothing to do.
    Unchanged(Why),
    /// This cannot be; somebody should look.
    Rejected(Why),
}

/// Why an observation changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// It was known already, or a newer fact has replaced it.
    AlreadyKnown,
    /// The deployment is over.
    Over,
    /// It is too early.
    TooEarly,
    /// A deployment that is already being rolled back, or has started, cannot do this.
    TooLate,
    /// It does not fit the state.
    DoesNotFit,
    /// What was said is about another plan.
    OtherPlan,
    /// This person may not say it: the deployment is their own, or it is not known whose it is.
    OwnDeployment,
}

impl Why {
    /// The words for the reason.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::AlreadyKnown => "already known",
            Self::Over => "over",
            Self::TooEarly => "too early",
            Self::TooLate => "too late",
            Self::DoesNotFit => "does not fit the state",
            Self::OtherPlan => "about another plan",
            Self::OwnDeployment => "own deployment",
        }
    }
}

/// What the deployment becomes when this is seen at this time. Pure, and without a panic for any input.
#[must_use]
pub fn step(deployment: &Deployment, seen: &Observation, now: Timestamp) -> Advance {
    if let Some(told) = telling(deployment, seen, now) {
        return told;
    }
    if let Observation::Judged { round, judgements } = seen
        && is_wanted(deployment, *round)
    {
        let mut noted = deployment.clone();
        noted.note(judgements);
        return stepped(&noted, seen, now);
    }
    if let Observation::HostReported(token, heard) = seen
        && let Some(clocked) = clocked(deployment, token, heard, now)
    {
        return stepped(&clocked, seen, now);
    }
    stepped(deployment, seen, now)
}

/// The deployment with what a host told of its time; `None` when it told none, or is not waited for.
fn clocked(
    deployment: &Deployment,
    token: &Token,
    heard: &Heard,
    now: Timestamp,
) -> Option<Deployment> {
    heard.took?;
    let State::Active { phase, .. } = &deployment.state else {
        return None;
    };
    let task = phase.task();
    if task.is_none() || !phase.ask()?.waits_for(token, &heard.host) {
        return None;
    }
    let mut clocked = deployment.clone();
    if let State::Active { run, .. } = &mut clocked.state {
        run.clock(task, heard, now);
    }
    Some(clocked)
}

/// Whether the checks of this round are to be done. What came late of another round changes nothing.
fn is_wanted(deployment: &Deployment, round: u32) -> bool {
    let wanted = deployment.checks_wanted();
    wanted.is_some_and(|checks| checks.round() == round)
}

fn stepped(deployment: &Deployment, seen: &Observation, now: Timestamp) -> Advance {
    match &deployment.state {
        State::AwaitingApproval { deadline, run } => {
            waiting::awaiting_approval(deployment, run, *deadline, seen, now)
        }
        State::Queued { deadline, approved } => {
            waiting::queued(deployment, approved.as_ref(), *deadline, seen, now)
        }
        State::Active { run, phase } => match phase {
            Phase::Preparing(ask) => forward::preparing(deployment, run, ask, seen, now),
            Phase::Migrating(ask) => forward::migrating(deployment, run, ask, seen, now),
            Phase::Activating(ask) => forward::activating(deployment, run, ask, seen, now),
            Phase::Verifying {
                wave,
                until,
                rounds,
            } => rounds::verifying(deployment, run, (*wave, *until), rounds, seen, now),
            Phase::Baking { until, rounds } => {
                rounds::baking(deployment, run, *until, rounds, seen, now)
            }
            Phase::Unmigrating { cause, ask } => {
                restoring::unmigrating(deployment, run, cause, ask, seen, now)
            }
            Phase::RollingBack { cause, ask } => {
                restoring::rolling_back(deployment, run, cause, ask, seen, now)
            }
            Phase::VerifyingRollback { cause, rounds } => {
                restoring::verifying_rollback(deployment, run, cause, rounds, seen, now)
            }
        },
        State::Ended { .. } => ended::ended(seen),
    }
}

/// What becomes of messages: the same in every state, as messages outlive the state they are about. `None` for what is
/// not about messages.
fn telling(deployment: &Deployment, seen: &Observation, now: Timestamp) -> Option<Advance> {
    let mut messages = deployment.announcements.clone();
    let mut posts = deployment.posts.clone();
    match seen {
        Observation::AnnounceStarted(number) => {
            let may = deployment.may_claim(*number, now);
            for message in messages.iter_mut().filter(|a| may && a.number == *number) {
                message.claimed = Some(now);
            }
        }
        // A claim of the future is a claim that holds until then.
        Observation::AnnouncePostponed(number, until) => {
            let until = (*until).min(now.after(Announcement::POSTPONED_MAX));
            let claimed = until.before(Announcement::CLAIM_HOLDS);
            for message in messages.iter_mut().filter(|a| a.number == *number) {
                message.claimed = message.claimed.max(Some(claimed));
            }
        }
        Observation::Posted(post) => {
            posts.retain(|other| other.channel != post.channel);
            let shows = |route: &Route| route.channel == Channel::SlackApp(post.channel.clone());
            if deployment.policy.channels.iter().any(shows) {
                posts.push(post.clone());
            }
        }
        Observation::Announced(number) => messages.retain(|a| a.number != *number),
        Observation::Approved(_)
        | Observation::Refused(_)
        | Observation::CancelRequested(_)
        | Observation::Superseded(_)
        | Observation::Ready(_)
        | Observation::NotReady(_)
        | Observation::FreezeSeen(_)
        | Observation::BreakGlass(_)
        | Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::Judged { .. }
        | Observation::TimePassed => return None,
    }
    if messages == deployment.announcements && posts == deployment.posts {
        return Some(Advance::Unchanged(Why::AlreadyKnown));
    }
    let mut next = deployment.clone();
    next.announcements = messages;
    next.posts = posts;
    Some(Advance::Advanced(Box::new(next)))
}

/// The deployment in another state.
fn entered(deployment: &Deployment, state: State, now: Timestamp) -> Advance {
    let mut next = deployment.clone();
    next.enter(state, now);
    Advance::Advanced(Box::new(next))
}

/// The deployment in the same phase with changed data: no new line in its history.
fn kept(deployment: &Deployment, run: &crate::state::Run, phase: Phase) -> Advance {
    let mut next = deployment.clone();
    next.state = State::Active {
        run: run.clone(),
        phase,
    };
    Advance::Advanced(Box::new(next))
}
