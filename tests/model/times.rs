//! Time in the model. It only jumps to the next instant at which something can differ: a deadline, the end of a settling
//! time, a round that is due. It is always [`NOW`]: a jump moves every other time towards it, and a time that has come
//! stays where it is, as the core asks only whether it has. What the core only writes down and never reads (the history,
//! when something ended) is left out of the state.

use crate::kept::Kept;
use crate::setup::{NOW, Setup};
use longshore_core::{
    Announcement, Ask, Deployment, Millis, Phase, Policy, Round, Rounds, State, Timestamp,
};

/// A time as far as it can matter.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The core asks whether it has come.
    Coming,
    /// The core asks how long ago it was, up to this span.
    Gone(Millis),
}

impl Kind {
    /// The time after the clock went on.
    fn moved(self, time: Timestamp, by: Millis) -> Timestamp {
        if time == NEVER {
            return time;
        }
        let floor = match self {
            Self::Coming => NOW,
            Self::Gone(span) => before(NOW, span),
        };
        before(time, by).max(floor)
    }

    /// The instant at which an answer about this time changes.
    fn instant(self, time: Timestamp) -> Timestamp {
        match self {
            Self::Coming => time,
            Self::Gone(span) => time.after(span),
        }
    }
}

/// What does not come within a configuration.
const NEVER: Timestamp = Timestamp::from_unix_ms(u64::MAX);

fn before(time: Timestamp, span: Millis) -> Timestamp {
    Timestamp::from_unix_ms(time.as_unix_ms() - span.as_ms())
}

/// Moves one time.
pub(crate) fn pass(kind: Kind, time: &mut Timestamp, by: Millis) {
    *time = kind.moved(*time, by);
}

/// Moves every time of a deployment.
pub(crate) fn pass_in(setup: &Setup, deployment: &mut Kept<Deployment>, by: Millis) {
    let mut next = deployment.clone();
    *deployment = setup.jumps.of((deployment.hash(), by), || {
        let see = &mut |kind, time: &mut Timestamp| pass(kind, time, by);
        next.change(|deployment| each_time(deployment, see));
        next
    });
}

/// The next instant that matters to a deployment.
pub(crate) fn next_instant(deployment: &Deployment) -> Option<Timestamp> {
    let mut next: Option<Timestamp> = None;
    let mut copy = deployment.clone();
    each_time(&mut copy, &mut |kind, time| {
        next = earlier(next, kind.instant(*time));
    });
    next
}

/// The earlier of two, of those that are still to come.
pub(crate) fn earlier(next: Option<Timestamp>, at: Timestamp) -> Option<Timestamp> {
    let coming = (at > NOW && at != NEVER).then_some(at);
    next.into_iter().chain(coming).min()
}

/// Leaves out of a deployment what the core never reads.
pub(crate) fn forget_history(deployment: &mut Deployment) {
    deployment.timeline.clear();
    deployment.judgements.clear();
    deployment.version = 0;
    deployment.origin.at = NOW;
    for message in &mut deployment.announcements {
        message.since = NOW;
    }
    match &mut deployment.state {
        State::Ended { run, at, .. } => {
            *at = NOW;
            if let Some(run) = run {
                run.started_at = NOW;
            }
        }
        State::Active { run, .. } | State::AwaitingApproval { run, .. } => run.started_at = NOW,
        State::Queued { approved, .. } => {
            if let Some(run) = approved {
                run.started_at = NOW;
            }
        }
    }
}

fn each_time(deployment: &mut Deployment, see: &mut impl FnMut(Kind, &mut Timestamp)) {
    let Deployment {
        announcements,
        policy,
        state,
        ..
    } = deployment;
    for message in announcements {
        if let Some(claimed) = &mut message.claimed {
            see(Kind::Gone(Announcement::CLAIM_HOLDS), claimed);
        }
    }
    match state {
        State::AwaitingApproval { deadline, .. } | State::Queued { deadline, .. } => {
            see(Kind::Coming, deadline);
        }
        State::Active { phase, .. } => in_phase(phase, policy, see),
        State::Ended { .. } => {}
    }
}

fn in_phase(phase: &mut Phase, policy: &Policy, see: &mut impl FnMut(Kind, &mut Timestamp)) {
    match phase {
        Phase::Preparing(ask)
        | Phase::Migrating(ask)
        | Phase::Activating(ask)
        | Phase::Unmigrating { ask, .. }
        | Phase::RollingBack { ask, .. } => in_ask(ask, policy, see),
        Phase::Verifying { rounds, .. } | Phase::VerifyingRollback { rounds, .. } => {
            in_rounds(rounds, policy, see);
        }
        Phase::Baking { until, rounds } => {
            see(Kind::Coming, until);
            in_rounds(rounds, policy, see);
        }
    }
}

fn in_rounds(rounds: &mut Rounds, policy: &Policy, see: &mut impl FnMut(Kind, &mut Timestamp)) {
    see(Kind::Coming, &mut rounds.deadline);
    match &mut rounds.round {
        Round::Due(at) => see(Kind::Coming, at),
        Round::Asking { ask, .. } => in_ask(ask, policy, see),
    }
}

fn in_ask(ask: &mut Ask, policy: &Policy, see: &mut impl FnMut(Kind, &mut Timestamp)) {
    use longshore_core::CommandStatus::{Planned, Sending, Sent};
    see(Kind::Coming, &mut ask.deadline);
    for command in &mut ask.commands {
        match &mut command.status {
            Planned { due } => see(Kind::Coming, due),
            Sending { since } => see(Kind::Gone(policy.settling), since),
            Sent { .. } => {}
        }
    }
}
