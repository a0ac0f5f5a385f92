//! Verification of a wave, and the bake of the whole target set.

use super::{Advance, Why, enter, kept};
use crate::ask::Ask;
use crate::command::Action;
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::observation::Observation;
use crate::rounds::{Probe, Round, Rounds, Verdict};
use crate::state::{Outcome, Phase, Run};
use crate::time::{Millis, Timestamp};

pub(super) fn verifying(
    deployment: &Deployment,
    run: &Run,
    (wave, until): (u32, Option<Timestamp>),
    rounds: &Rounds,
    seen: &Observation,
    now: Timestamp,
) -> Advance {
    let question = |number| status(deployment, run, number, now);
    let limit = if until.is_some() {
        Limit::Bake
    } else {
        Limit::Verify
    };
    let stays = |rounds| {
        let phase = Phase::Verifying {
            wave,
            until,
            rounds,
        };
        kept(deployment, run, phase)
    };
    match seen {
        Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::Probed { .. }
        | Observation::TimePassed => match looked(deployment, rounds, seen, now, question) {
            Look::Nothing => Advance::Unchanged(Why::AlreadyKnown),
            Look::Further(rounds) => stays(rounds),
            Look::Passed(rounds) => passed(deployment, run, (wave, until), rounds, now),
            Look::Failed(rounds) if is_given_up(deployment, &rounds, now, limit) => {
                enter::roll_back(deployment, run, rounds.failure(), now)
            }
            Look::Failed(rounds) => stays(rounds),
        },
        Observation::CancelRequested(said) => {
            enter::roll_back(deployment, run, enter::cancelled(said), now)
        }
        Observation::Approved(_)
        | Observation::Ready(_)
        | Observation::AnnounceStarted(_)
        | Observation::AnnouncePostponed(..)
        | Observation::Posted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::AlreadyKnown),
        Observation::Refused(_)
        | Observation::Superseded(_)
        | Observation::NotReady(_)
        | Observation::FreezeSeen(_)
        | Observation::BreakGlass(_) => Advance::Unchanged(Why::TooLate),
    }
}

/// A round has passed. Before the next wave the hosts are watched for as long as policy says; the last wave is watched by the
/// bake of the whole target set.
fn passed(
    deployment: &Deployment,
    run: &Run,
    (wave, until): (u32, Option<Timestamp>),
    mut rounds: Rounds,
    now: Timestamp,
) -> Advance {
    let health = &deployment.policy.health;
    let next = wave.saturating_add(1);
    let watched = health.wave_bake > Millis::default() && enter::next_wave(run, next).is_some();
    let until = match until {
        None if watched => {
            let until = now.after(health.wave_bake);
            rounds.deadline = until.after(enter::time_for(deployment, health.bake_failures_max));
            Some(until)
        }
        known => known,
    };
    if until.is_some_and(|until| now < until) {
        let phase = Phase::Verifying {
            wave,
            until,
            rounds,
        };
        return kept(deployment, run, phase);
    }
    let mut run = run.clone();
    run.rounds = rounds.begun;
    enter::activate(deployment, run, next, 0, now)
}

pub(super) fn baking(
    deployment: &Deployment,
    run: &Run,
    until: Timestamp,
    rounds: &Rounds,
    seen: &Observation,
    now: Timestamp,
) -> Advance {
    let question = |number| status(deployment, run, number, now);
    match seen {
        Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::Probed { .. }
        | Observation::TimePassed => match looked(deployment, rounds, seen, now, question) {
            Look::Nothing => Advance::Unchanged(Why::AlreadyKnown),
            Look::Passed(_) if now >= until => {
                enter::end(deployment, run.clone(), Outcome::Succeeded, now)
            }
            Look::Failed(rounds) if is_given_up(deployment, &rounds, now, Limit::Bake) => {
                enter::roll_back(deployment, run, rounds.failure(), now)
            }
            Look::Further(rounds) | Look::Passed(rounds) | Look::Failed(rounds) => {
                kept(deployment, run, Phase::Baking { until, rounds })
            }
        },
        Observation::CancelRequested(said) => {
            enter::roll_back(deployment, run, enter::cancelled(said), now)
        }
        Observation::Approved(_)
        | Observation::Ready(_)
        | Observation::AnnounceStarted(_)
        | Observation::AnnouncePostponed(..)
        | Observation::Posted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::AlreadyKnown),
        Observation::Refused(_)
        | Observation::Superseded(_)
        | Observation::NotReady(_)
        | Observation::FreezeSeen(_)
        | Observation::BreakGlass(_) => Advance::Unchanged(Why::TooLate),
    }
}

/// What an observation does to the rounds.
pub(super) enum Look {
    /// Nothing.
    Nothing,
    /// The round goes on, or a new one has begun.
    Further(Rounds),
    /// A round passed.
    Passed(Rounds),
    /// A round failed, or the time for rounds is over.
    Failed(Rounds),
}

/// Which limit of failed rounds holds.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    Verify,
    Bake,
}

/// Whether the rounds have failed often or long enough.
pub(super) fn is_given_up(
    deployment: &Deployment,
    rounds: &Rounds,
    now: Timestamp,
    limit: Limit,
) -> bool {
    let health = &deployment.policy.health;
    let max = match limit {
        Limit::Verify => health.attempts_max,
        Limit::Bake => health.bake_failures_max,
    };
    rounds.failures >= max || now >= rounds.deadline
}

/// Carries an observation into the rounds: begins a round that is due, hears the hosts and the probe, closes a round that
/// is complete.
pub(super) fn looked(
    deployment: &Deployment,
    rounds: &Rounds,
    seen: &Observation,
    now: Timestamp,
    question: impl Fn(u32) -> Ask,
) -> Look {
    let mut next = rounds.clone();
    if matches!(seen, Observation::TimePassed) && now >= rounds.deadline {
        return Look::Failed(next);
    }
    match (&rounds.round, seen) {
        (Round::Due(at), Observation::TimePassed) if now >= *at => {
            next.begun = next.begun.saturating_add(1);
            next.round = Round::Asking {
                ask: question(next.begun),
                probe: first_probe(deployment),
            };
        }
        (Round::Due(_), _) => return Look::Nothing,
        (Round::Asking { ask, probe }, _) => {
            let Some(round) = heard(deployment, rounds.begun, ask, probe, seen, now) else {
                return Look::Nothing;
            };
            next.round = round;
        }
    }
    let after = now.after(deployment.policy.health.interval);
    match next.verdict() {
        None => Look::Further(next),
        Some(Verdict::Passed) => {
            next.close(Verdict::Passed, after);
            Look::Passed(next)
        }
        Some(failed @ Verdict::Failed(_)) => {
            next.close(failed, after);
            Look::Failed(next)
        }
    }
}

fn heard(
    deployment: &Deployment,
    number: u32,
    ask: &Ask,
    probe: &Probe,
    seen: &Observation,
    now: Timestamp,
) -> Option<Round> {
    if let Observation::Probed { round, failure } = seen {
        if *round != number || *probe != Probe::Wanted {
            return None;
        }
        let probe = failure.clone().map_or(Probe::Passed, Probe::Failed);
        return Some(Round::Asking {
            ask: ask.clone(),
            probe,
        });
    }
    let heard = enter::heard(deployment, ask, seen, now)?;
    // The round's deadline ends the probe too: a check from outside that never answered has failed.
    let over = matches!(seen, Observation::TimePassed) && *probe == Probe::Wanted;
    let probe = if over {
        Probe::Failed(Failure::of(FailureClass::ProbeFailed))
    } else {
        probe.clone()
    };
    Some(Round::Asking { ask: heard, probe })
}

/// The check from outside begins when every host has switched: before that, a load balancer may well answer from a host of
/// a later wave, and rightly from the old release.
fn first_probe(deployment: &Deployment) -> Probe {
    let all_switched = deployment
        .state
        .run()
        .is_some_and(|run| run.switched().len() == run.in_service().len());
    if deployment.policy.health.outside && all_switched {
        Probe::Wanted
    } else {
        Probe::NotConfigured
    }
}

fn status(deployment: &Deployment, run: &Run, number: u32, now: Timestamp) -> Ask {
    let timeout = deployment.policy.round_timeout;
    let hosts = run.switched();
    enter::ask(
        deployment,
        run,
        Action::Status,
        number,
        timeout,
        &hosts,
        now,
    )
}
