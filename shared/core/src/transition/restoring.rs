//! The way back: where the migrations need it they are taken back first, then every host that moved switches to the last
//! proven release. A failed rollback never rolls back again; it stops, names the hosts, and a person is called.

use super::rounds::{Limit, Look, is_given_up, looked};
use super::{Advance, Why, enter, kept};
use crate::ask::{Answer, Ask, Question};
use crate::command::Action;
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::ids::HostId;
use crate::observation::Observation;
use crate::rounds::Rounds;
use crate::state::{Outcome, Phase, Run, Standing};
use crate::time::Timestamp;

pub(super) fn unmigrating(
    deployment: &Deployment,
    run: &Run,
    cause: &Failure,
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
            Some(ask) if ask.is_complete() => unmigrated(deployment, run, cause, &ask, now),
            Some(ask) => {
                let cause = cause.clone();
                kept(deployment, run, Phase::Unmigrating { cause, ask })
            }
        },
        Observation::CancelRequested(_)
        | Observation::Refused(_)
        | Observation::Superseded(_)
        | Observation::NotReady(_)
        | Observation::FreezeSeen(_)
        | Observation::BreakGlass(_) => Advance::Unchanged(Why::TooLate),
        Observation::Approved(_)
        | Observation::Ready(_)
        | Observation::AnnounceStarted(_)
        | Observation::AnnouncePostponed(..)
        | Observation::Posted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::AlreadyKnown),
        Observation::Judged { .. } => Advance::Unchanged(Why::AlreadyKnown),
    }
}

pub(super) fn rolling_back(
    deployment: &Deployment,
    run: &Run,
    cause: &Failure,
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
            Some(ask) if ask.is_complete() => restored(deployment, run, cause, &ask, now),
            Some(ask) => {
                let cause = cause.clone();
                kept(deployment, run, Phase::RollingBack { cause, ask })
            }
        },
        Observation::CancelRequested(_)
        | Observation::Refused(_)
        | Observation::Superseded(_)
        | Observation::NotReady(_)
        | Observation::FreezeSeen(_)
        | Observation::BreakGlass(_) => Advance::Unchanged(Why::TooLate),
        Observation::Approved(_)
        | Observation::Ready(_)
        | Observation::AnnounceStarted(_)
        | Observation::AnnouncePostponed(..)
        | Observation::Posted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::AlreadyKnown),
        Observation::Judged { .. } => Advance::Unchanged(Why::AlreadyKnown),
    }
}

pub(super) fn verifying_rollback(
    deployment: &Deployment,
    run: &Run,
    cause: &Failure,
    rounds: &Rounds,
    seen: &Observation,
    now: Timestamp,
) -> Advance {
    let release = run.previous.as_ref().unwrap_or(&run.release);
    let ask = |number| {
        let question = Question {
            wave: number,
            ..enter::back(deployment, run, release, Action::Status)
        };
        // A host that was excused was asked to go back, but is not waited for.
        Ask::plan(&question, &run.switched(), now)
    };
    match seen {
        Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::Judged { .. }
        | Observation::TimePassed => match looked(deployment, rounds, seen, None, now, ask) {
            Look::Nothing => Advance::Unchanged(Why::AlreadyKnown),
            Look::Passed(..) => enter::end(
                deployment,
                run.clone(),
                Outcome::RolledBack(cause.clone()),
                now,
            ),
            Look::Failed(rounds) if is_given_up(deployment, &rounds, now, Limit::Verify) => {
                let outcome = Outcome::RollbackFailed(rounds.failure());
                enter::end(deployment, run.clone(), outcome, now)
            }
            Look::Further(rounds) | Look::Failed(rounds) => {
                let cause = cause.clone();
                kept(deployment, run, Phase::VerifyingRollback { cause, rounds })
            }
        },
        Observation::CancelRequested(_)
        | Observation::Refused(_)
        | Observation::Superseded(_)
        | Observation::NotReady(_)
        | Observation::FreezeSeen(_)
        | Observation::BreakGlass(_) => Advance::Unchanged(Why::TooLate),
        Observation::Approved(_)
        | Observation::Ready(_)
        | Observation::AnnounceStarted(_)
        | Observation::AnnouncePostponed(..)
        | Observation::Posted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::AlreadyKnown),
    }
}

/// The host that ran the migrations has answered. Unless it has taken them back, the release before would meet a database
/// that it cannot live with: no host is switched, and a person is told what is known.
fn unmigrated(
    deployment: &Deployment,
    run: &Run,
    cause: &Failure,
    ask: &Ask,
    now: Timestamp,
) -> Advance {
    let failed = ask.failures().next();
    match (failed, &run.previous) {
        (None, Some(previous)) => enter::switch_back(deployment, run, previous, cause.clone(), now),
        (None, None) => enter::roll_back(deployment, run, cause.clone(), now),
        (Some((host, failure)), _) => {
            let known = database_after(failure, ask.batches);
            let outcome = Outcome::RollbackFailed(not_taken_back(host, failure, known));
            enter::end(deployment, run.clone(), outcome, now)
        }
    }
}

/// Migrations were not taken back by a host, with what is known of the database.
pub(super) fn not_taken_back(host: &HostId, failure: &Failure, known: &str) -> Failure {
    let line = format!("{known}: {}: {}", failure.class.word(), failure.detail());
    let failure = Failure::with_detail(FailureClass::MigrationDownFailed, &line);
    enter::on_host(host, &failure)
}

/// What is known of the database when nobody has touched it.
pub(super) const UNTOUCHED: &str = "the database is as the new release left it";

/// What is known of the database when the migrations were not taken back. An answer that came before anything was done
/// counts only when no command before it may have done something.
pub(super) fn database_after(failure: &Failure, commands: u32) -> &'static str {
    let untouched = matches!(
        failure.class,
        FailureClass::BadInput
            | FailureClass::Superseded
            | FailureClass::Expired
            | FailureClass::AgentTooOld
            | FailureClass::ReleaseMissing
            | FailureClass::InvalidHost
            | FailureClass::AccessDenied
            | FailureClass::DocumentRefused
    );
    if untouched && commands == 1 {
        UNTOUCHED
    } else if failure.class == FailureClass::MigrationDownFailed {
        "the database may be taken back in part"
    } else {
        "it is not known whether the database was taken back"
    }
}

/// The first host that moved and could not be restored, with why.
fn lost(run: &Run) -> Option<Failure> {
    run.moved
        .iter()
        .find_map(|host| match run.hosts.get(host)? {
            Standing::Failed(failure) | Standing::Unreachable(failure) => {
                Some(enter::on_host(host, failure))
            }
            Standing::Untouched
            | Standing::Prepared
            | Standing::Proven
            | Standing::Excused(_)
            | Standing::Restored => None,
        })
}

/// Every host that was asked has answered. When all that moved have, one that could not be restored ends the rollback as
/// failed.
fn restored(
    deployment: &Deployment,
    run: &Run,
    cause: &Failure,
    ask: &Ask,
    now: Timestamp,
) -> Advance {
    let mut run = run.clone();
    for (host, answer) in &ask.answers {
        let excused = matches!(run.hosts.get(host), Some(Standing::Excused(_)));
        let standing = match answer {
            Answer::Done => Standing::Restored,
            Answer::Unreachable(_) if excused => continue,
            Answer::Failed(failure) => Standing::Failed(failure.clone()),
            Answer::Unreachable(failure) => Standing::Unreachable(failure.clone()),
        };
        run.hosts.insert(host.clone(), standing);
    }
    if let Some(previous) = &run.previous
        && let Some(ask) = enter::switch_back_further(deployment, &run, previous, ask.batches, now)
    {
        let cause = cause.clone();
        return kept(deployment, &run, Phase::RollingBack { cause, ask });
    }
    if let Some(failure) = lost(&run) {
        return enter::end(deployment, run, Outcome::RollbackFailed(failure), now);
    }
    let attempts = deployment.policy.health.attempts_max;
    let deadline = now.after(enter::time_for(deployment, attempts));
    let phase = Phase::VerifyingRollback {
        cause: cause.clone(),
        rounds: Rounds::from(now, deadline, 0),
    };
    enter::active(deployment, run, phase, now)
}
