//! How each phase is entered: what is asked of whom, until when. The other files of this folder decide *whether*.

use super::{Advance, entered, kept};
use crate::Rounds;
use crate::ask::{Ask, Question};
use crate::command::Action;
use crate::deployment::{Deployment, Kind};
use crate::failure::{Failure, FailureClass};
use crate::ids::HostId;
use crate::migrations::Verdict;
use crate::observation::Observation;
use crate::people::Said;
use crate::release::Release;
use crate::state::{Outcome, Phase, Run, State};
use crate::time::{Millis, Timestamp};
use std::collections::BTreeSet;

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
/// Switches what is left of a wave, as many hosts at a time as may be; then the next one. From the moment this is on record
/// these hosts count as moved. A wave whose hosts are all excused is passed over; after the last one the bake begins.
/// `before` says how many commands the first wave has had, when a part of it was switched already.
pub(super) fn activate(
    deployment: &Deployment,
    mut run: Run,
    from_wave: u32,
    before: u32,
    now: Timestamp,
) -> Advance {
    let Some((wave, mut hosts)) = next_wave(&run, from_wave) else {
        return bake(deployment, run, now);
    };
    let room = room(deployment, &run);
    if room == 0 {
        let cause = too_few(&run);
        return if run.moved.is_empty() {
            end(deployment, run, Outcome::Failed(cause), now)
        } else {
            roll_back(deployment, &run, cause, now)
        };
    }
    hosts.truncate(room);
    run.moved.extend(hosts.iter().cloned());
    let goes_on = before > 0;
    let question = Question {
        deployment: &deployment.id,
        generation: run.generation,
        action: Action::Activate,
        release: &run.release,
        wave,
        batches: before,
        timeout: deployment.policy.activate_timeout,
    };
    let phase = Phase::Activating(Ask::plan(&question, &hosts, now));
    if goes_on {
        kept(deployment, &run, phase)
    } else {
        active(deployment, run, phase, now)
    }
}

/// The first wave from this one on with a host that is still to be switched, and those hosts.
pub(super) fn next_wave(run: &Run, from_wave: u32) -> Option<(u32, Vec<HostId>)> {
    let waves = u32::try_from(run.waves.len()).unwrap_or(u32::MAX);
    (from_wave..waves)
        .map(|wave| (wave, run.unmoved(wave)))
        .find(|(_, hosts)| !hosts.is_empty())
}

/// How many hosts may be switched now. Where nothing is served yet, none can be missed.
pub(super) fn room(deployment: &Deployment, run: &Run) -> usize {
    let nothing_served = run.previous.is_none() || matches!(deployment.origin.kind, Kind::Join(_));
    if nothing_served {
        return deployment.policy.room_without_a_minimum();
    }
    deployment.policy.room(run.hosts.len(), run.away())
}

/// No host may be switched, as too few would stay in service.
pub(super) fn too_few(run: &Run) -> Failure {
    let line = format!("{} of {} hosts are away", run.away(), run.hosts.len());
    Failure::with_detail(FailureClass::TooFewInService, &line)
}

/// Begins to verify every host that was switched up to this wave.
pub(super) fn verify(deployment: &Deployment, run: Run, wave: u32, now: Timestamp) -> Advance {
    let health = &deployment.policy.health;
    let deadline = now.after(time_for(deployment, health.attempts_max));
    let rounds = Rounds::from(now, deadline, run.rounds);
    let phase = Phase::Verifying {
        wave,
        until: None,
        rounds,
    };
    active(deployment, run, phase, now)
}

/// Begins to watch the whole target set.
pub(super) fn bake(deployment: &Deployment, run: Run, now: Timestamp) -> Advance {
    let health = &deployment.policy.health;
    let until = now.after(health.bake);
    let deadline = bake_deadline(deployment, until);
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
    if deployment.takes_back() && run.verdict().is_some() {
        return stranded(deployment, run, &cause, now);
    }
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
            let leader: Vec<HostId> = run.leader().into_iter().collect();
            let question = back(deployment, run, &run.release, Action::Unmigrate);
            let ask = Ask::plan(&question, &leader, now);
            let phase = Phase::Unmigrating { cause, ask };
            active(deployment, run.clone(), phase, now)
        }
        Some(Verdict::Impossible) => stranded(deployment, run, &cause, now),
    }
}

/// Ends where it is: the release to go back to does not fit the database any more, and a person must decide.
fn stranded(deployment: &Deployment, run: &Run, cause: &Failure, now: Timestamp) -> Advance {
    let line = format!("{}: {}", cause.class.word(), cause.detail());
    let failure = Failure::with_detail(FailureClass::MigrationIrreversible, &line);
    let outcome = Outcome::RollbackFailed(failure);
    end(deployment, run.clone(), outcome, now)
}

/// Why a deployment is rolled back that a person has stopped.
pub(super) fn cancelled(said: &Said) -> Failure {
    Failure::with_detail(FailureClass::CancelledByOperator, &said.to_string())
}

/// Asks the hosts that moved to switch to the release before, as many of those that serve at a time as may be. Those that
/// are not known to serve are out of service anyway, and come first, all of them. There may be none:
/// then the database was all that had to be taken back.
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
    let proven = run.moved_and_proven();
    let mut hosts: Vec<HostId> = run.moved.iter().cloned().collect();
    let room = room(deployment, run);
    if room < proven.len() {
        let later: BTreeSet<HostId> = proven.into_iter().skip(room).collect();
        hosts.retain(|host| !later.contains(host));
    }
    if hosts.is_empty() {
        hosts.extend(run.moved.iter().take(1).cloned());
    }
    let ask = Ask::plan(
        &back(deployment, run, previous, Action::Activate),
        &hosts,
        now,
    );
    active(
        deployment,
        run.clone(),
        Phase::RollingBack { cause, ask },
        now,
    )
}

/// Asks the next of the hosts that still serve the new release, once those before have answered: always one, as no minimum
/// may keep a release on hosts that is to be taken back. `None` when there is none left.
pub(super) fn switch_back_further(
    deployment: &Deployment,
    run: &Run,
    previous: &Release,
    before: u32,
    now: Timestamp,
) -> Option<Ask> {
    let mut hosts = run.moved_and_proven();
    hosts.truncate(room(deployment, run).max(1));
    let is_done = hosts.is_empty();
    (!is_done).then(|| {
        let question = Question {
            batches: before,
            ..back(deployment, run, previous, Action::Activate)
        };
        Ask::plan(&question, &hosts, now)
    })
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
        batches: 0,
        timeout,
    };
    Ask::plan(&question, hosts, now)
}

/// Asks a host to take back the migrations of the release that an operator goes back from.
pub(super) fn take_back(
    deployment: &Deployment,
    run: &Run,
    left: &Release,
    host: &HostId,
    now: Timestamp,
) -> Ask {
    let question = Question {
        deployment: &deployment.id,
        generation: run.generation,
        action: Action::Unmigrate,
        release: left,
        wave: 0,
        batches: 0,
        timeout: deployment.policy.migrate_timeout,
    };
    Ask::plan(&question, std::slice::from_ref(host), now)
}

/// A question of a rollback, under its own generation: about the release to go back to, or about the migrations.
pub(super) fn back<'a>(
    deployment: &'a Deployment,
    run: &Run,
    release: &'a Release,
    action: Action,
) -> Question<'a> {
    let policy = &deployment.policy;
    Question {
        deployment: &deployment.id,
        generation: run.generation.next(),
        action,
        release,
        wave: 0,
        batches: 0,
        timeout: match action {
            Action::Unmigrate => policy.migrate_timeout,
            Action::Status => policy.round_timeout,
            Action::Activate | Action::Prepare | Action::Migrate | Action::Prune => {
                policy.activate_timeout
            }
        },
    }
}

/// When a bake that may end at this time is over at the latest.
pub(super) fn bake_deadline(deployment: &Deployment, until: Timestamp) -> Timestamp {
    let health = &deployment.policy.health;
    let until = until.after(health.longer());
    until.after(time_for(deployment, health.bake_failures_max))
}

/// The time that so many failed rounds, and those that decide, can take at most.
pub(super) fn time_for(deployment: &Deployment, failures: u32) -> Millis {
    let policy = &deployment.policy;
    let round = policy.round_timeout.plus(policy.health.interval);
    let passes = u64::from(policy.health.passes.max(1));
    let rounds = u64::from(failures).saturating_add(1).saturating_add(passes);
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
        Observation::HostReported(token, heard) => next.reported(token, heard, now, policy),
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
        | Observation::FreezeSeen(_)
        | Observation::BreakGlass(_)
        | Observation::Judged { .. }
        | Observation::AnnounceStarted(_)
        | Observation::AnnouncePostponed(..)
        | Observation::Posted(_)
        | Observation::Announced(_) => false,
    };
    changed.then_some(next)
}
