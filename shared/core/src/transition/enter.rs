//! How each phase is entered: what is asked of whom, until when. The other files of this folder decide *whether*.

use super::{Advance, entered};
use crate::Rounds;
use crate::ask::{Ask, Question};
use crate::command::Action;
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::ids::HostId;
use crate::migrations::Verdict;
use crate::observation::Observation;
use crate::people::Said;
use crate::release::Release;
use crate::state::{Outcome, Phase, Run, State};
use crate::time::{Millis, Timestamp};

pub(super) fn active(deployment: &Deployment, run: Run, phase: Phase, now: Timestamp) -> Advance {
    entered(deployment, State::Active { run, phase }, now)
}

pub(super) fn end(deployment: &Deployment, run: Run, outcome: Outcome, now: Timestamp) -> Advance {
    let state = State::Ended {
        outcome,
        run: Some(run),
        at: now,
    };
    entered(deployment, state, now)
}
/// Switches a wave. From the moment this is on record its hosts count as moved. A wave whose hosts are all excused is
/// passed over; after the last one the bake begins.
pub(super) fn activate(
    deployment: &Deployment,
    mut run: Run,
    from_wave: u32,
    now: Timestamp,
) -> Advance {
    let waves = u32::try_from(run.waves.len()).unwrap_or(u32::MAX);
    let next = (from_wave..waves)
        .map(|wave| (wave, run.wave(wave)))
        .find(|(_, hosts)| !hosts.is_empty());
    let Some((wave, hosts)) = next else {
        return bake(deployment, run, now);
    };
    run.moved.extend(hosts.iter().cloned());
    let timeout = deployment.policy.activate_timeout;
    let ask = ask(
        deployment,
        &run,
        Action::Activate,
        wave,
        timeout,
        &hosts,
        now,
    );
    active(deployment, run, Phase::Activating(ask), now)
}

/// Begins to verify every host that was switched up to this wave.
pub(super) fn verify(deployment: &Deployment, run: Run, wave: u32, now: Timestamp) -> Advance {
    let health = &deployment.policy.health;
    let deadline = now.after(time_for(deployment, health.attempts_max));
    let rounds = Rounds::from(now, deadline, run.rounds);
    active(deployment, run, Phase::Verifying { wave, rounds }, now)
}

/// Begins to watch the whole target set.
pub(super) fn bake(deployment: &Deployment, run: Run, now: Timestamp) -> Advance {
    let health = &deployment.policy.health;
    let until = now.after(health.bake);
    let deadline = until.after(time_for(deployment, health.bake_failures_max));
    let rounds = Rounds::from(now, deadline, run.rounds);
    active(deployment, run, Phase::Baking { until, rounds }, now)
}

/// Begins to restore, with the database where that is needed and can be done. A host may have switched even when it said
/// nothing, so every host that was asked to is restored.
pub(super) fn roll_back(
    deployment: &Deployment,
    run: &Run,
    cause: Failure,
    now: Timestamp,
) -> Advance {
    let Some(previous) = &run.previous else {
        let line = format!("{}: {}", cause.class.word(), cause.detail());
        let failure = Failure::with_detail(FailureClass::NothingProven, &line);
        return end(
            deployment,
            run.clone(),
            Outcome::RollbackFailed(failure),
            now,
        );
    };
    match run.verdict() {
        None | Some(Verdict::Safe) => switch_back(deployment, run, previous, cause, now),
        Some(Verdict::NeedsDown) => {
            let timeout = deployment.policy.migrate_timeout;
            let release = &run.release;
            let ask = question(deployment, run, release, Action::Unmigrate, 0, timeout, now);
            let phase = Phase::Unmigrating { cause, ask };
            active(deployment, run.clone(), phase, now)
        }
        Some(Verdict::Impossible) => {
            let line = format!("{}: {}", cause.class.word(), cause.detail());
            let failure = Failure::with_detail(FailureClass::MigrationIrreversible, &line);
            let outcome = Outcome::RollbackFailed(failure);
            end(deployment, run.clone(), outcome, now)
        }
    }
}

/// Why a deployment is rolled back that a person has stopped.
pub(super) fn cancelled(said: &Said) -> Failure {
    Failure::with_detail(FailureClass::CancelledByOperator, &said.to_string())
}

/// Asks every host that moved to switch to the release before. There may be none: then the database was all that had to be
/// taken back.
pub(super) fn switch_back(
    deployment: &Deployment,
    run: &Run,
    previous: &Release,
    cause: Failure,
    now: Timestamp,
) -> Advance {
    if run.moved.is_empty() {
        return end(deployment, run.clone(), Outcome::RolledBack(cause), now);
    }
    let timeout = deployment.policy.activate_timeout;
    let ask = question(deployment, run, previous, Action::Activate, 0, timeout, now);
    let phase = Phase::RollingBack { cause, ask };
    active(deployment, run.clone(), phase, now)
}

/// A question about the new release.
pub(super) fn ask(
    deployment: &Deployment,
    run: &Run,
    action: Action,
    wave: u32,
    timeout: Millis,
    hosts: &[HostId],
    now: Timestamp,
) -> Ask {
    let question = Question {
        deployment: &deployment.id,
        generation: run.generation,
        action,
        release: &run.release,
        wave,
        timeout,
    };
    Ask::plan(&question, hosts, now)
}

/// A question of a rollback, under its own generation: to the hosts that moved, about the release to go back to, or to the
/// one that ran the migrations, about those.
pub(super) fn question(
    deployment: &Deployment,
    run: &Run,
    release: &Release,
    action: Action,
    number: u32,
    timeout: Millis,
    now: Timestamp,
) -> Ask {
    let question = Question {
        deployment: &deployment.id,
        generation: run.generation.next(),
        action,
        release,
        wave: number,
        timeout,
    };
    // A host that policy excused may have switched after all: it is asked to go back, but not waited for in rounds.
    let hosts = match action {
        Action::Status => run.switched(),
        Action::Unmigrate => run.leader().into_iter().collect(),
        Action::Activate | Action::Prepare | Action::Migrate | Action::Prune => {
            run.moved.iter().cloned().collect()
        }
    };
    Ask::plan(&question, &hosts, now)
}
/// The time that so many failed rounds, and the one that decides, can take at most.
pub(super) fn time_for(deployment: &Deployment, failures: u32) -> Millis {
    let policy = &deployment.policy;
    let round = policy.round_timeout.plus(policy.health.interval);
    let rounds = u64::from(failures).saturating_add(2);
    Millis::new(round.as_ms().saturating_mul(rounds))
}

/// A failure that names its host.
pub(super) fn on_host(host: &HostId, failure: &Failure) -> Failure {
    let line = if failure.detail().is_empty() {
        host.to_string()
    } else {
        format!("{host}: {}", failure.detail())
    };
    Failure::with_detail(failure.class, &line)
}

/// What an ask becomes by an observation about it; `None` when nothing changes.
pub(super) fn heard(
    deployment: &Deployment,
    ask: &Ask,
    seen: &Observation,
    now: Timestamp,
) -> Option<Ask> {
    let policy = &deployment.policy;
    let mut next = ask.clone();
    let changed = match seen {
        Observation::SendStarted(token) => next.send_started(token, now),
        Observation::CommandSent(token, command) => next.sent(token, command),
        Observation::SendRefused(token, failure) => next.not_sent(token, failure, now, policy),
        Observation::SendPostponed(token) => next.postponed(token, now, policy),
        Observation::CommandMissing(token) => next.not_sent(
            token,
            &Failure::of(FailureClass::Undeliverable),
            now,
            policy,
        ),
        Observation::HostReported(token, host, report) => {
            next.reported(token, host, report, now, policy)
        }
        Observation::TimePassed if now >= ask.deadline => {
            next.give_up();
            true
        }
        Observation::TimePassed
        | Observation::Approved(_)
        | Observation::Refused(_)
        | Observation::CancelRequested(_)
        | Observation::Superseded(_)
        | Observation::Ready(_)
        | Observation::NotReady(_)
        | Observation::Probed { .. }
        | Observation::AnnounceStarted(_)
        | Observation::Announced(_) => false,
    };
    changed.then_some(next)
}
