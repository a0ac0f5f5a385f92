//! The way forward: prepare every host, migrate on one, switch wave by wave.

use super::{Advance, Why, enter, entered, kept};
use crate::ask::{Answer, Ask};
use crate::command::Action;
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::ids::Person;
use crate::observation::{Observation, Start};
use crate::policy::waves_of;
use crate::state::{Outcome, Phase, Run, Standing, State};
use crate::time::Timestamp;

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
    let ask = enter::ask(deployment, &run, Action::Prepare, 0, timeout, &hosts, now);
    enter::active(deployment, run, Phase::Preparing(ask), now)
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
        | Observation::TimePassed => match enter::heard(deployment, ask, seen, now) {
            None => Advance::Unchanged(Why::AlreadyKnown),
            Some(ask) if ask.is_complete() => prepared(deployment, run, &ask, now),
            Some(ask) => kept(deployment, run, Phase::Preparing(ask)),
        },
        Observation::CancelRequested(by) => cancelled(deployment, run, by, now),
        Observation::Approved(_)
        | Observation::Ready(_)
        | Observation::AnnounceStarted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::AlreadyKnown),
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
        | Observation::TimePassed => match enter::heard(deployment, ask, seen, now) {
            None => Advance::Unchanged(Why::AlreadyKnown),
            Some(ask) if ask.is_complete() => migrated(deployment, run, &ask, now),
            Some(ask) => kept(deployment, run, Phase::Migrating(ask)),
        },
        Observation::CancelRequested(by) => cancelled(deployment, run, by, now),
        Observation::Approved(_)
        | Observation::Ready(_)
        | Observation::AnnounceStarted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::AlreadyKnown),
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
        | Observation::TimePassed => match enter::heard(deployment, ask, seen, now) {
            None => Advance::Unchanged(Why::AlreadyKnown),
            Some(ask) if ask.is_complete() => activated(deployment, run, &ask, now),
            Some(ask) => kept(deployment, run, Phase::Activating(ask)),
        },
        Observation::CancelRequested(_) => {
            let cause = Failure::of(FailureClass::CancelledByOperator);
            enter::roll_back(deployment, run, cause, now)
        }
        Observation::Approved(_)
        | Observation::Ready(_)
        | Observation::AnnounceStarted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::AlreadyKnown),
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
            let ask = enter::ask(deployment, &run, Action::Migrate, 0, timeout, &hosts, now);
            enter::active(deployment, run, Phase::Migrating(ask), now)
        }
        Some(_) => enter::activate(deployment, run, 0, now),
    }
}

fn migrated(deployment: &Deployment, run: &Run, ask: &Ask, now: Timestamp) -> Advance {
    match ask.failures().next() {
        None => enter::activate(deployment, run.clone(), 0, now),
        Some((host, failure)) => {
            let mut run = run.clone();
            run.hosts
                .insert(host.clone(), Standing::Failed(failure.clone()));
            let failure = enter::on_host(host, failure);
            failed(deployment, run, failure, now)
        }
    }
}

fn activated(deployment: &Deployment, run: &Run, ask: &Ask, now: Timestamp) -> Advance {
    let (run, stopped) = take_answers(deployment, run, ask, &Standing::Proven);
    match stopped {
        Some(cause) => enter::roll_back(deployment, &run, cause, now),
        None => enter::verify(deployment, run, ask.wave, now),
    }
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
                stopped.get_or_insert_with(|| enter::on_host(host, failure));
                Standing::Failed(failure.clone())
            }
            Answer::Unreachable(failure) => Standing::Unreachable(failure.clone()),
        };
        run.hosts.insert(host.clone(), standing);
    }
    let unreachable =
        |standing: &Standing| matches!(standing, Standing::Unreachable(_) | Standing::Excused(_));
    let count = run.hosts.values().filter(|s| unreachable(s)).count();
    let max = usize::try_from(deployment.policy.unreachable_max).unwrap_or(0);
    // When nobody is left, nothing would be proven anywhere: that is no success, whatever policy excuses.
    let excusable = count <= max && count < run.hosts.len();
    for (host, standing) in &mut run.hosts {
        if let Standing::Unreachable(failure) = standing {
            if excusable {
                *standing = Standing::Excused(failure.clone());
            } else {
                stopped.get_or_insert_with(|| enter::on_host(host, failure));
            }
        }
    }
    (run, stopped)
}

fn failed(deployment: &Deployment, run: Run, failure: Failure, now: Timestamp) -> Advance {
    enter::end(deployment, run, Outcome::Failed(failure), now)
}

fn cancelled(deployment: &Deployment, run: &Run, by: &Person, now: Timestamp) -> Advance {
    enter::end(deployment, run.clone(), Outcome::Cancelled(by.clone()), now)
}
