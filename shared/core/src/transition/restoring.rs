//! The way back: every host that moved switches to the last proven release. A failed rollback never rolls back again; it
//! stops, names the hosts, and a person is called.

use super::rounds::{Limit, Look, is_given_up, looked, time_for};
use super::{Advance, Why, forward, kept};
use crate::ask::{Answer, Ask, Question};
use crate::command::Action;
use crate::deployment::Deployment;
use crate::failure::{Failure, FailureClass};
use crate::observation::Observation;
use crate::release::Release;
use crate::rounds::Rounds;
use crate::state::{Outcome, Phase, Run, Standing};
use crate::time::{Millis, Timestamp};

/// Begins to restore. A host may have switched even when it said nothing, so every host that was asked to is restored.
pub(super) fn roll_back(
    deployment: &Deployment,
    run: &Run,
    cause: Failure,
    now: Timestamp,
) -> Advance {
    let Some(previous) = &run.previous else {
        let line = format!("{}: {}", cause.class.word(), cause.detail());
        let failure = Failure::with_detail(FailureClass::NothingProven, &line);
        return forward::end(
            deployment,
            run.clone(),
            Outcome::RollbackFailed(failure),
            now,
        );
    };
    let timeout = deployment.policy.activate_timeout;
    let ask = question(deployment, run, previous, Action::Activate, 0, timeout, now);
    let phase = Phase::RollingBack { cause, ask };
    forward::active(deployment, run.clone(), phase, now)
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
        | Observation::TimePassed => match forward::heard(deployment, ask, seen, now) {
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
        | Observation::NotReady(_) => Advance::Unchanged(Why::TooLate),
        Observation::Approved(_) | Observation::Ready(_) | Observation::AnnounceStarted(_)
| Observation::AnnounceFailed(_)
| Observation::Announced(_) => {
            Advance::Unchanged(Why::AlreadyKnown)
        }
        Observation::Probed { .. } => Advance::Unchanged(Why::AlreadyKnown),
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
    let timeout = deployment.policy.round_timeout;
    let release = run.previous.as_ref().unwrap_or(&run.release);
    let ask = |number| {
        question(
            deployment,
            run,
            release,
            Action::Status,
            number,
            timeout,
            now,
        )
    };
    match seen {
        Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::Probed { .. }
        | Observation::TimePassed => match looked(deployment, rounds, seen, now, ask) {
            Look::Nothing => Advance::Unchanged(Why::AlreadyKnown),
            Look::Passed(_) => forward::end(
                deployment,
                run.clone(),
                Outcome::RolledBack(cause.clone()),
                now,
            ),
            Look::Failed(rounds) if is_given_up(deployment, &rounds, now, Limit::Verify) => {
                let outcome = Outcome::RollbackFailed(rounds.failure());
                forward::end(deployment, run.clone(), outcome, now)
            }
            Look::Further(rounds) | Look::Failed(rounds) => {
                let cause = cause.clone();
                kept(deployment, run, Phase::VerifyingRollback { cause, rounds })
            }
        },
        Observation::CancelRequested(_)
        | Observation::Refused(_)
        | Observation::Superseded(_)
        | Observation::NotReady(_) => Advance::Unchanged(Why::TooLate),
        Observation::Approved(_) | Observation::Ready(_) | Observation::AnnounceStarted(_)
| Observation::AnnounceFailed(_)
| Observation::Announced(_) => {
            Advance::Unchanged(Why::AlreadyKnown)
        }
    }
}

/// Every host that moved has answered. One that could not be restored ends the rollback as failed.
fn restored(
    deployment: &Deployment,
    run: &Run,
    cause: &Failure,
    ask: &Ask,
    now: Timestamp,
) -> Advance {
    let mut run = run.clone();
    let mut lost: Option<Failure> = None;
    for (host, answer) in &ask.answers {
        let excused = matches!(run.hosts.get(host), Some(Standing::Excused(_)));
        let standing = match answer {
            Answer::Done => Standing::Restored,
            Answer::Unreachable(_) if excused => continue,
            Answer::Failed(failure) => Standing::Failed(failure.clone()),
            Answer::Unreachable(failure) => Standing::Unreachable(failure.clone()),
        };
        if let Some(failure) = standing.failure() {
            lost.get_or_insert_with(|| forward::on_host(host, failure));
        }
        run.hosts.insert(host.clone(), standing);
    }
    if let Some(failure) = lost {
        return forward::end(deployment, run, Outcome::RollbackFailed(failure), now);
    }
    let attempts = deployment.policy.health.attempts_max;
    let deadline = now.after(time_for(deployment, attempts));
    let phase = Phase::VerifyingRollback {
        cause: cause.clone(),
        rounds: Rounds::from(now, deadline, 0),
    };
    forward::active(deployment, run, phase, now)
}

/// A question to the hosts that moved, about the release to go back to, under the rollback's own generation.
fn question(
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
        Action::Activate | Action::Prepare | Action::Migrate | Action::Prune => {
            run.moved.iter().cloned().collect()
        }
    };
    Ask::plan(&question, &hosts, now)
}
