//! What the commit in Bitbucket shows: a build status, and a tag once it has succeeded.

use crate::message::Message;
use crate::text::{clean, cut};
use longshore_core::{Deployment, Failure, FailureClass, Outcome, Phase, State};
use longshore_shell::announce::{Status, StatusState, Tag, status_key};
use longshore_shell::telemetry::rfc3339;

/// The longest name and description. Bitbucket does not say how much it takes; it shows about as much.
const NAME_MAX: usize = 100;
const DESCRIPTION_MAX: usize = 200;

/// How many characters of a time are its date and its time of day, to the second.
const TO_THE_SECOND: usize = 19;

/// The build status of a deployment as it is now.
#[must_use]
pub fn status(deployment: &Deployment, message: &Message) -> Status {
    let (app, environment) = (&deployment.app, &deployment.environment);
    let one = |_| 1;
    Status {
        repository: deployment.repository.clone(),
        commit: deployment.origin.commit.clone(),
        key: status_key(environment, app),
        state: state(&deployment.state),
        name: cut(&format!("{app} → {environment}"), NAME_MAX, one),
        description: cut(&clean(&message.title), DESCRIPTION_MAX, one),
        deployment: deployment.id.clone(),
    }
}

/// What a state means for the commit. A commit that is being rolled back has failed, whatever comes of the rollback.
const fn state(state: &State) -> StatusState {
    match state {
        State::AwaitingApproval { .. } | State::Queued { .. } => StatusState::InProgress,
        State::Active { phase, .. } => match phase {
            Phase::Preparing(_)
            | Phase::Migrating(_)
            | Phase::Activating(_)
            | Phase::Verifying { .. }
            | Phase::Baking { .. } => StatusState::InProgress,
            Phase::Unmigrating { cause, .. }
            | Phase::RollingBack { cause, .. }
            | Phase::VerifyingRollback { cause, .. } => failed(cause),
        },
        State::Ended { outcome, .. } => match outcome {
            Outcome::Succeeded => StatusState::Successful,
            Outcome::RolledBack(failure)
            | Outcome::Failed(failure)
            | Outcome::RollbackFailed(failure) => failed(failure),
            Outcome::Rejected(_)
            | Outcome::Expired(_)
            | Outcome::Superseded(_)
            | Outcome::Cancelled(_) => StatusState::Stopped,
        },
    }
}

/// What somebody has stopped has not failed.
const fn failed(failure: &Failure) -> StatusState {
    if matches!(failure.class, FailureClass::CancelledByOperator) {
        StatusState::Stopped
    } else {
        StatusState::Failed
    }
}

/// The tag of a deployment that has succeeded: the same in every repeat, as its time is that of the end.
#[must_use]
pub fn tag(deployment: &Deployment) -> Option<Tag> {
    let State::Ended {
        outcome: Outcome::Succeeded,
        at,
        ..
    } = &deployment.state
    else {
        return None;
    };
    let (app, environment) = (&deployment.app, &deployment.environment);
    let commit = &deployment.origin.commit;
    let time = rfc3339(*at);
    let to_the_second = time.chars().take(TO_THE_SECOND);
    let time: String = to_the_second.filter(char::is_ascii_alphanumeric).collect();
    Some(Tag {
        repository: deployment.repository.clone(),
        commit: commit.clone(),
        name: format!("longshore/{environment}/{time}Z-{}", commit.short()),
        message: format!(
            "{app} is live in {environment}: deployment {}",
            deployment.id
        ),
    })
}
