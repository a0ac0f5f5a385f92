//! Log lines that wake somebody: the template counts them by their event (`tests/template/contract.toml`) and raises an
//! alarm for each. They are written again with every look; an alarm only asks whether there was one.

use longshore_core::{Cause, Deployment, Millis, Outcome, State, Timestamp};
use longshore_desk::about;
use longshore_shell::telemetry;

/// A deployment that is this much past its deadline and still not over is stuck.
const GRACE: Millis = Millis::from_secs(180);

/// Says that a deployment should long be over.
pub(crate) fn when_overdue(deployment: &Deployment, now: Timestamp) {
    let overdue = deployment
        .state
        .deadline()
        .is_some_and(|deadline| now > deadline.after(GRACE));
    if overdue {
        about(telemetry::error("deployment_overdue"), deployment).write();
    }
}

/// Says that hosts could not be restored, or that no event has reached a deployment from its start to its end.
pub(crate) fn at_the_end(deployment: &Deployment) {
    let State::Ended { outcome, run, .. } = &deployment.state else {
        return;
    };
    if let Outcome::RollbackFailed(failure) = outcome {
        about(telemetry::error("rollback_failed"), deployment)
            .failure(failure)
            .write();
    }
    if run.is_some() && only_ticks(deployment) {
        about(telemetry::warn("deployment_finished_by_ticks"), deployment).write();
    }
}

/// Whether nothing but ticks moved it, after the push that began it. One short step proves nothing.
fn only_ticks(deployment: &Deployment) -> bool {
    let later = deployment.timeline.iter().skip(1);
    let (ticks, others): (Vec<_>, Vec<_>) = later.partition(|e| e.cause == Some(Cause::Tick));
    ticks.len() > 2 && others.is_empty()
}
