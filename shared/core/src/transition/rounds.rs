//! Verification of a wave, and the bake of the whole target set.

use super::{Advance, Why, enter, kept};
use crate::ask::Ask;
use crate::command::Action;
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::observation::Observation;
use crate::policy::NoData;
use crate::rounds::{Judging, Round, Rounds, Verdict};
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
        | Observation::Judged { .. }
        | Observation::TimePassed => match looked(deployment, rounds, seen, until, now, question) {
            Look::Nothing => Advance::Unchanged(Why::AlreadyKnown),
            Look::Further(rounds) | Look::Passed(rounds, Told::MayYet) => stays(rounds),
            Look::Passed(rounds, Told::All) => passed(deployment, run, (wave, until), rounds, now),
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

/// Enough rounds have passed. Before the next wave the hosts are watched for as long as policy says; the last wave is watched by the
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
            rounds.deadline = enter::bake_deadline(deployment, until);
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
        | Observation::Judged { .. }
        | Observation::TimePassed => {
            match looked(deployment, rounds, seen, Some(until), now, question) {
                Look::Nothing => Advance::Unchanged(Why::AlreadyKnown),
                Look::Passed(_, Told::All) if now >= until => {
                    enter::end(deployment, run.clone(), Outcome::Succeeded, now)
                }
                Look::Failed(rounds) if is_given_up(deployment, &rounds, now, Limit::Bake) => {
                    enter::roll_back(deployment, run, rounds.failure(), now)
                }
                Look::Further(rounds) | Look::Passed(rounds, _) | Look::Failed(rounds) => {
                    kept(deployment, run, Phase::Baking { until, rounds })
                }
            }
        }
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
    /// A round passed, as many as policy asks for in a row.
    Passed(Rounds, Told),
    /// A round failed, or the time for rounds is over.
    Failed(Rounds),
}

/// Whether what has passed may be believed already.
#[derive(Clone, Copy)]
pub(super) enum Told {
    /// Every check could tell, or policy goes on without.
    All,
    /// A check could not tell yet, and policy waits for it.
    MayYet,
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

/// Carries an observation into the rounds: begins a round that is due, hears the hosts and the checks, closes a round that
/// is complete. `until` is the end of the bake, where this is one.
pub(super) fn looked(
    deployment: &Deployment,
    rounds: &Rounds,
    seen: &Observation,
    until: Option<Timestamp>,
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
                judging: first_judging(deployment),
            };
        }
        (Round::Due(_), _) => return Look::Nothing,
        (Round::Asking { ask, judging }, _) => {
            let Some(round) = heard(deployment, rounds.begun, ask, judging, seen, now) else {
                return Look::Nothing;
            };
            next.round = round;
        }
    }
    let after = now.after(deployment.policy.health.interval);
    let told = match next.verdict() {
        None => return Look::Further(next),
        Some(Verdict::Passed) => Ok(Told::All),
        Some(Verdict::Inconclusive(failure)) => undecided(deployment, failure, until, now),
        Some(Verdict::Failed(failure)) => Err(failure),
    };
    match told {
        Err(failure) => {
            next.fail(failure, after);
            Look::Failed(next)
        }
        Ok(told) => {
            next.pass(after);
            if next.passes < deployment.policy.health.passes {
                Look::Further(next)
            } else {
                Look::Passed(next, told)
            }
        }
    }
}

/// A round in which nothing has failed, and a check could not tell. Only where it would end a bake does that matter: while
/// it goes on, there will be more to tell by.
fn undecided(
    deployment: &Deployment,
    failure: Failure,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Told, Failure> {
    let Some(until) = until.filter(|until| now >= *until) else {
        return Ok(Told::All);
    };
    match deployment.policy.health.no_data {
        NoData::Pass => Ok(Told::All),
        NoData::Wait(most) if now < until.after(most) => Ok(Told::MayYet),
        NoData::Wait(_) | NoData::Stop => Err(failure),
    }
}

fn heard(
    deployment: &Deployment,
    number: u32,
    ask: &Ask,
    judging: &Judging,
    seen: &Observation,
    now: Timestamp,
) -> Option<Round> {
    if let Observation::Judged { round, judgements } = seen {
        if *round != number || *judging != Judging::Wanted {
            return None;
        }
        return Some(Round::Asking {
            ask: ask.clone(),
            judging: Judging::of(judgements),
        });
    }
    let heard = enter::heard(deployment, ask, seen, now)?;
    // The round's deadline ends the checks too: what nobody has looked at has not passed.
    let over = matches!(seen, Observation::TimePassed) && *judging == Judging::Wanted;
    let judging = if over {
        Judging::Failed(undone(deployment))
    } else {
        judging.clone()
    };
    Some(Round::Asking {
        ask: heard,
        judging,
    })
}

fn undone(deployment: &Deployment) -> Failure {
    let class = if deployment.looks_from_outside() {
        FailureClass::ProbeFailed
    } else {
        FailureClass::Inconclusive
    };
    Failure::with_detail(class, "the checks of a round were not done in its time")
}

fn first_judging(deployment: &Deployment) -> Judging {
    if deployment.looks_from_outside() || deployment.judges_numbers() {
        Judging::Wanted
    } else {
        Judging::NotConfigured
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
