//! The way forward: prepare every host, migrate on one, switch wave by wave.

use super::{Advance, Why, enter, entered, kept, restoring, waiting};
use crate::ask::{Answer, Ask};
use crate::command::{Action, Heard, Report};
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::ids::{HostId, PlanDigest};
use crate::migrations::{Found, Migrations, Verdict};
use crate::observation::{Observation, Start};
use crate::people::{Approval, Said};
use crate::policy::waves_of;
use crate::rounds::Judging;
use crate::state::{Outcome, Phase, Run, Standing, State};
use crate::time::Timestamp;
use crate::times::Times;
use std::collections::BTreeSet;

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
    let deployment = &Deployment {
        changelog: start.changelog.clone(),
        ..deployment.clone()
    };
    let hosts: Vec<HostId> = start
        .hosts
        .iter()
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let run = Run {
        generation: start.generation,
        release: start.release.clone(),
        document: start.document.clone(),
        previous: start.previous.clone(),
        waves: waves_of(&hosts, &deployment.policy.waves),
        hosts: hosts
            .into_iter()
            .map(|h| (h, Standing::Untouched))
            .collect(),
        moved: BTreeSet::new(),
        rounds: 0,
        migrations: None,
        // A plan that people have said yes to was prepared for them.
        times: deployment
            .approved()
            .map_or_else(Times::default, |plan| plan.times.clone()),
        started_at: now,
    };
    if enter::room(deployment, &run) == 0 {
        let state = State::Ended {
            outcome: Outcome::Failed(enter::too_few(&run)),
            run: None,
            at: now,
        };
        return entered(deployment, state, now);
    }
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
            Some(ask) => {
                let mut run = run.clone();
                judge(&mut run, seen);
                let waits_for_alarms = deployment.checks_wanted().is_some();
                if waits_for_alarms {
                    unseen(deployment, &run, now)
                } else if ask.is_complete() {
                    prepared(deployment, &run, &ask, None, now)
                } else {
                    kept(deployment, &run, Phase::Preparing(ask))
                }
            }
        },
        Observation::CancelRequested(said) => enter::end(
            deployment,
            run.clone(),
            Outcome::Cancelled(said.clone()),
            now,
        ),
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
        Observation::Judged { round, judgements } => match deployment.checks_wanted() {
            Some(checks) if checks.round() == *round => {
                let judging = Judging::of(judgements);
                prepared(deployment, run, ask, Some(&judging), now)
            }
            Some(_) | None => Advance::Unchanged(Why::TooEarly),
        },
    }
}

/// The preparation's time is over, and nobody could tell whether an alarm is raised. Nothing was changed.
fn unseen(deployment: &Deployment, run: &Run, now: Timestamp) -> Advance {
    let line = "the alarms could not be looked at before the switch";
    let failure = Failure::with_detail(FailureClass::Inconclusive, line);
    failed(deployment, run.clone(), failure, now)
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
        // The tool cannot be stopped in the middle: it is waited for, and then what it did is known.
        Observation::CancelRequested(_) if deployment.stop.is_some() => {
            Advance::Unchanged(Why::AlreadyKnown)
        }
        Observation::CancelRequested(said) => {
            let mut next = deployment.clone();
            next.stop = Some(said.clone());
            Advance::Advanced(Box::new(next))
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
        Observation::Judged { .. } => Advance::Rejected(Why::DoesNotFit),
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
        Observation::Judged { .. } => Advance::Rejected(Why::DoesNotFit),
    }
}

/// Takes what a host found of migrations. The first host of the target set that could judge them is to run them: it has
/// the release to go back to.
pub(super) fn judge(run: &mut Run, seen: &Observation) {
    if let Observation::HostReported(_, Heard { host, report, .. }) = seen
        && let Report::Done { found, .. } = report
        && let Some(found) = found
        && run.previous.is_some()
        && leads(run, host)
    {
        run.migrations = Some(Migrations {
            leader: host.clone(),
            found: Found::clone(found),
            are_applied: false,
        });
    }
}

/// Whether this host comes before the one that is to run the migrations so far: waves go by the order of the ids.
fn leads(run: &Run, host: &HostId) -> bool {
    let leader = run.migrations.as_ref().map(|m| &m.leader);
    leader.is_none_or(|leader| host < leader)
}

/// Every host has answered to `prepare`. No host has moved, so any failure ends the deployment without a trace. Before
/// anything is changed, the database or a host, the alarms are looked at, where there are any: `alarms` is what they came to.
/// One that cannot tell stops nothing here.
fn prepared(
    deployment: &Deployment,
    before: &Run,
    ask: &Ask,
    alarms: Option<&Judging>,
    now: Timestamp,
) -> Advance {
    let (run, stopped) = take_answers(deployment, before, ask, &Standing::Prepared);
    if let Some(failure) = stopped {
        return failed(deployment, run, failure, now);
    }
    if let Some(failure) = forbidden(deployment, &run) {
        return failed(deployment, run, failure, now);
    }
    if !deployment.is_approved() {
        return waiting::ask_people(deployment, run, now);
    }
    let asked = deployment
        .approval
        .as_ref()
        .filter(|_| deployment.policy.approvals > 0);
    if let Some(asked) = asked.filter(|asked| asked.plan != PlanDigest::of(&deployment.id, &run)) {
        if asked.asked < Approval::ASKED_MAX {
            return waiting::ask_people(deployment, run, now);
        }
        return failed(deployment, run, Failure::of(FailureClass::PlanChanged), now);
    }
    match alarms {
        None if deployment.sees_alarms_first() => {
            return kept(deployment, before, Phase::Preparing(ask.clone()));
        }
        Some(Judging::Failed(failure)) => {
            let line = format!("before the switch: {}", failure.detail());
            let failure = Failure::with_detail(failure.class, &line);
            return failed(deployment, run, failure, now);
        }
        None
        | Some(
            Judging::Passed | Judging::Inconclusive(_) | Judging::NotConfigured | Judging::Wanted,
        ) => {}
    }
    match run.leader() {
        None => failed(deployment, run, Failure::of(FailureClass::NoHosts), now),
        Some(leader) if deployment.policy.migrates => {
            let left = run.previous.as_ref().filter(|_| deployment.takes_back());
            let ask = if let Some(left) = left {
                enter::take_back(deployment, &run, left, &leader, now)
            } else {
                let timeout = deployment.policy.migrate_timeout;
                let hosts = [leader];
                enter::ask(deployment, &run, Action::Migrate, 0, timeout, &hosts, now)
            };
            enter::active(deployment, run, Phase::Migrating(ask), now)
        }
        Some(_) => enter::activate(deployment, run, 0, 0, now),
    }
}

/// Why the migrations may not run: there is no way back from them, and nobody has said that there need be none.
fn forbidden(deployment: &Deployment, run: &Run) -> Option<Failure> {
    let migrations = run.migrations.as_ref()?;
    let found = &migrations.found;
    if !deployment.policy.migrates || deployment.takes_back() || !found.forbids() {
        return None;
    }
    let class = FailureClass::MigrationIrreversible;
    let failure = Failure::with_detail(class, &found.findings().join("; "));
    Some(enter::on_host(&migrations.leader, &failure))
}

fn migrated(deployment: &Deployment, run: &Run, ask: &Ask, now: Timestamp) -> Advance {
    if deployment.takes_back() {
        return taken_back(deployment, run, ask, now);
    }
    let mut run = run.clone();
    match ask.failures().next() {
        None => {
            if let Some(migrations) = &mut run.migrations {
                migrations.are_applied = true;
            }
            match &deployment.stop {
                Some(said) => stopped(deployment, run, said, now),
                None => enter::activate(deployment, run, 0, 0, now),
            }
        }
        Some((host, failure)) => {
            run.hosts
                .insert(host.clone(), Standing::Failed(failure.clone()));
            let failure = enter::on_host(host, failure);
            failed(deployment, run, failure, now)
        }
    }
}

/// The host has answered that was to take back the migrations of what is live. When it has, the database fits the release that
/// is gone back to and no other, so from here on only the way to that release is open; when it may have, a person must look.
fn taken_back(deployment: &Deployment, run: &Run, ask: &Ask, now: Timestamp) -> Advance {
    let mut run = run.clone();
    if let Some((host, failure)) = ask.failures().next() {
        let known = restoring::database_after(failure, ask.batches);
        let standing = Standing::Failed(failure.clone());
        run.hosts.insert(host.clone(), standing);
        if known == restoring::UNTOUCHED {
            let failure = enter::on_host(host, failure);
            return failed(deployment, run, failure, now);
        }
        let outcome = Outcome::RollbackFailed(restoring::not_taken_back(host, failure, known));
        return enter::end(deployment, run, outcome, now);
    }
    let found = run.migrations.take().map_or_else(
        || Found::new(Verdict::NeedsDown, false, 0, []),
        |judged| judged.found,
    );
    run.migrations = run.leader().map(|leader| Migrations {
        leader,
        found,
        are_applied: true,
    });
    match &deployment.stop {
        Some(said) => enter::roll_back(deployment, &run, enter::cancelled(said), now),
        None => enter::activate(deployment, run, 0, 0, now),
    }
}

fn activated(deployment: &Deployment, run: &Run, ask: &Ask, now: Timestamp) -> Advance {
    let (run, stopped) = take_answers(deployment, run, ask, &Standing::Proven);
    match stopped {
        Some(cause) => enter::roll_back(deployment, &run, cause, now),
        None if run.unmoved(ask.wave).is_empty() => enter::verify(deployment, run, ask.wave, now),
        None => enter::activate(deployment, run, ask.wave, ask.batches, now),
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

/// Stops after the migrations. What is live can live with them, or they are taken back first.
fn stopped(deployment: &Deployment, run: Run, said: &Said, now: Timestamp) -> Advance {
    match run.verdict() {
        None | Some(Verdict::Safe) => {
            enter::end(deployment, run, Outcome::Cancelled(said.clone()), now)
        }
        Some(Verdict::NeedsDown | Verdict::Impossible) => {
            enter::roll_back(deployment, &run, enter::cancelled(said), now)
        }
    }
}
