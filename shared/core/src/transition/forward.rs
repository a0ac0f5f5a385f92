//! The way forward: prepare every host, migrate on one, switch wave by wave.

use super::{Advance, Why, entered, kept, restoring, rounds};
use crate::ask::{Answer, Ask, Question};
use crate::command::Action;
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::ids::{HostId, Person};
use crate::observation::{Observation, Start};
use crate::policy::waves_of;
use crate::state::{Outcome, Phase, Run, Standing, State};
use crate::time::{Millis, Timestamp};

/// The turn came: the target set, the release and the document are frozen, and every host is asked to prepare.
pub(super) fn start(deployment: &Deployment, start: &Start, now: Timestamp) -> Advance {
    let refused = if start.hosts.is_empty() {
        Some(FailureClass::NoHosts)
    } else if start.hosts.len() > usize::try_from(deployment.policy.hosts_max).unwrap_or(0) {
        Some(FailureClass::TooManyHosts)
    } else {
        None
    };
    if let Some(class) = refused {
        let state = State::Ended {
            outcome: Outcome::Failed(Failure::of(class)),
            run: None,
            at: now,
        };
        return entered(deployment, state, now);
    }
    let run = Run {
        generation: start.generation,
        release: start.release.clone(),
        document: start.document.clone(),
        previous: start.previous.clone(),
        waves: waves_of(&start.hosts, &deployment.policy.waves),
        hosts: start
            .hosts
            .iter()
            .map(|host| (host.clone(), Standing::Untouched))
            .collect(),
        moved: std::collections::BTreeSet::new(),
        rounds: 0,
        started_at: now,
    };
    let timeout = deployment.policy.prepare_timeout;
    let hosts = run.in_service();
    let ask = ask(deployment, &run, Action::Prepare, 0, timeout, &hosts, now);
    active(deployment, run, Phase::Preparing(ask), now)
}

pub(super) fn preparing(
    deployment: &Deployment,
    run: &Run,
    ask: &Ask,
    seen: &Observation,
    now: Timestamp,
) -> Advance {
    match seen {
        Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::TimePassed => match heard(deployment, ask, seen, now) {
            None => Advance::Unchanged(Why::AlreadyKnown),
            Some(ask) if ask.is_complete() => prepared(deployment, run, &ask, now),
            Some(ask) => kept(deployment, run, Phase::Preparing(ask)),
        },
        Observation::CancelRequested(by) => cancelled(deployment, run, by, now),
        Observation::Approved(_) | Observation::Ready(_) | Observation::AnnounceStarted(_)
| Observation::AnnounceFailed(_)
| Observation::Announced(_) => {
            Advance::Unchanged(Why::AlreadyKnown)
        }
        Observation::Refused(_) | Observation::Superseded(_) | Observation::NotReady(_) => {
            Advance::Unchanged(Why::TooLate)
        }
        Observation::Probed { .. } => Advance::Rejected(Why::DoesNotFit),
    }
}

pub(super) fn migrating(
    deployment: &Deployment,
    run: &Run,
    ask: &Ask,
    seen: &Observation,
    now: Timestamp,
) -> Advance {
    match seen {
        Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::TimePassed => match heard(deployment, ask, seen, now) {
            None => Advance::Unchanged(Why::AlreadyKnown),
            Some(ask) if ask.is_complete() => migrated(deployment, run, &ask, now),
            Some(ask) => kept(deployment, run, Phase::Migrating(ask)),
        },
        Observation::CancelRequested(by) => cancelled(deployment, run, by, now),
        Observation::Approved(_) | Observation::Ready(_) | Observation::AnnounceStarted(_)
| Observation::AnnounceFailed(_)
| Observation::Announced(_) => {
            Advance::Unchanged(Why::AlreadyKnown)
        }
        Observation::Refused(_) | Observation::Superseded(_) | Observation::NotReady(_) => {
            Advance::Unchanged(Why::TooLate)
        }
        Observation::Probed { .. } => Advance::Rejected(Why::DoesNotFit),
    }
}

pub(super) fn activating(
    deployment: &Deployment,
    run: &Run,
    ask: &Ask,
    seen: &Observation,
    now: Timestamp,
) -> Advance {
    match seen {
        Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::TimePassed => match heard(deployment, ask, seen, now) {
            None => Advance::Unchanged(Why::AlreadyKnown),
            Some(ask) if ask.is_complete() => activated(deployment, run, &ask, now),
            Some(ask) => kept(deployment, run, Phase::Activating(ask)),
        },
        Observation::CancelRequested(_) => {
            let cause = Failure::of(FailureClass::CancelledByOperator);
            restoring::roll_back(deployment, run, cause, now)
        }
        Observation::Approved(_) | Observation::Ready(_) | Observation::AnnounceStarted(_)
| Observation::AnnounceFailed(_)
| Observation::Announced(_) => {
            Advance::Unchanged(Why::AlreadyKnown)
        }
        Observation::Refused(_) | Observation::Superseded(_) | Observation::NotReady(_) => {
            Advance::Unchanged(Why::TooLate)
        }
        Observation::Probed { .. } => Advance::Rejected(Why::DoesNotFit),
    }
}

/// Every host has answered to `prepare`. No host has moved, so any failure ends the deployment without a trace.
fn prepared(deployment: &Deployment, run: &Run, ask: &Ask, now: Timestamp) -> Advance {
    let (run, stopped) = take_answers(deployment, run, ask, &Standing::Prepared);
    if let Some(failure) = stopped {
        return failed(deployment, run, failure, now);
    }
    let leader = run.in_service().first().cloned();
    match leader {
        None => failed(deployment, run, Failure::of(FailureClass::NoHosts), now),
        Some(leader) if deployment.policy.migrates => {
            let timeout = deployment.policy.migrate_timeout;
            let hosts = [leader];
            let ask = self::ask(deployment, &run, Action::Migrate, 0, timeout, &hosts, now);
            active(deployment, run, Phase::Migrating(ask), now)
        }
        Some(_) => activate(deployment, run, 0, now),
    }
}

fn migrated(deployment: &Deployment, run: &Run, ask: &Ask, now: Timestamp) -> Advance {
    match ask.failures().next() {
        None => activate(deployment, run.clone(), 0, now),
        Some((host, failure)) => {
            let mut run = run.clone();
            run.hosts
                .insert(host.clone(), Standing::Failed(failure.clone()));
            let failure = on_host(host, failure);
            failed(deployment, run, failure, now)
        }
    }
}

fn activated(deployment: &Deployment, run: &Run, ask: &Ask, now: Timestamp) -> Advance {
    let (run, stopped) = take_answers(deployment, run, ask, &Standing::Proven);
    match stopped {
        Some(cause) => restoring::roll_back(deployment, &run, cause, now),
        None => rounds::verify(deployment, run, ask.wave, now),
    }
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
        return rounds::bake(deployment, run, now);
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

/// Records how each host stands after a question. Says why the deployment cannot go on, if it cannot: some host failed,
/// or more hosts than policy excuses could not be reached.
fn take_answers(
    deployment: &Deployment,
    run: &Run,
    ask: &Ask,
    done: &Standing,
) -> (Run, Option<Failure>) {
    let mut run = run.clone();
    let mut stopped: Option<Failure> = None;
    for (host, answer) in &ask.answers {
        let standing = match answer {
            Answer::Done => done.clone(),
            Answer::Failed(failure) => {
                stopped.get_or_insert_with(|| on_host(host, failure));
                Standing::Failed(failure.clone())
            }
            Answer::Unreachable(failure) => Standing::Unreachable(failure.clone()),
        };
        run.hosts.insert(host.clone(), standing);
    }
    let unreachable =
        |standing: &Standing| matches!(standing, Standing::Unreachable(_) | Standing::Excused(_));
    let count = run.hosts.values().filter(|s| unreachable(s)).count();
    let excusable = count <= usize::try_from(deployment.policy.unreachable_max).unwrap_or(0);
    for (host, standing) in &mut run.hosts {
        if let Standing::Unreachable(failure) = standing {
            if excusable {
                *standing = Standing::Excused(failure.clone());
            } else {
                stopped.get_or_insert_with(|| on_host(host, failure));
            }
        }
    }
    (run, stopped)
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
        Observation::SendRefused(token, failure) => {
            next.not_sent(token, failure, now, policy)
        }
        Observation::SendPostponed(token) => next.postponed(token, now, policy),
        Observation::CommandMissing(token) => {
            next.not_sent(token, &Failure::of(FailureClass::Undeliverable), now, policy)
        }
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
| Observation::AnnounceFailed(_)
| Observation::Announced(_) => false,
    };
    changed.then_some(next)
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

pub(super) fn active(deployment: &Deployment, run: Run, phase: Phase, now: Timestamp) -> Advance {
    entered(deployment, State::Active { run, phase }, now)
}

fn failed(deployment: &Deployment, run: Run, failure: Failure, now: Timestamp) -> Advance {
    end(deployment, run, Outcome::Failed(failure), now)
}

fn cancelled(deployment: &Deployment, run: &Run, by: &Person, now: Timestamp) -> Advance {
    end(deployment, run.clone(), Outcome::Cancelled(by.clone()), now)
}

pub(super) fn end(deployment: &Deployment, run: Run, outcome: Outcome, now: Timestamp) -> Advance {
    let state = State::Ended {
        outcome,
        run: Some(run),
        at: now,
    };
    entered(deployment, state, now)
}
