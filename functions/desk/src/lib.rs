//! How a function works through its queue: every message means *look at this deployment*.
//!
//! A message that fails comes again, alone, and ends in the dead-letter queue when it keeps failing. No message is
//! believed; what it says is only where to look.

pub mod lambda;

use longshore_core::{Cause, Deployment, Desk};
use longshore_events::{Batch, Failures, Message, MessageError, Record};
use longshore_shell::advance::{AdvanceError, Looked, advance, look_again};
use longshore_shell::announce::AnnounceError;
use longshore_shell::ports::{LookError, ResolveError};
use longshore_shell::telemetry::{self, Line};
use longshore_shell::world::World;
use std::error::Error;

/// Why a message is to come again.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The look could not be taken to its end.
    #[error("the look could not be taken to its end")]
    Advance(#[from] AdvanceError),
    /// It cannot be read; it ends in the dead-letter queue, where a person sees it.
    #[error("the message cannot be read")]
    Message(#[source] Box<dyn Error + Send + Sync>),
    /// SSM could not be asked.
    #[error("SSM cannot be asked whose command it is")]
    Unseen(#[source] LookError),
    /// The app configurations cannot be listed.
    #[error("the app configurations cannot be listed")]
    Unlisted(#[source] ResolveError),
    /// What a person has said cannot be written now.
    #[error("what a person has said cannot be written now")]
    Unsaid(#[source] Box<dyn Error + Send + Sync>),
    /// A message to people was not taken.
    #[error("a message to people was not taken")]
    Undelivered(#[source] AnnounceError),
}

impl DeskError {
    /// A message that cannot be read.
    pub fn unreadable(problem: impl Error + Send + Sync + 'static) -> Self {
        Self::Message(Box::new(problem))
    }

    /// A message to people that is to be tried again.
    #[must_use]
    pub const fn undelivered(problem: AnnounceError) -> Self {
        Self::Undelivered(problem)
    }

    /// A list of apps that cannot be had.
    #[must_use]
    pub const fn unlisted(problem: ResolveError) -> Self {
        Self::Unlisted(problem)
    }

    /// A question that SSM did not answer.
    #[must_use]
    pub const fn unseen(problem: LookError) -> Self {
        Self::Unseen(problem)
    }
}

impl From<MessageError> for DeskError {
    fn from(problem: MessageError) -> Self {
        Self::unreadable(problem)
    }
}

/// Works through a batch, one message after the other, each on its own.
pub async fn serve(
    batch: &Batch<'_>,
    handle: impl AsyncFn(&Record<'_>) -> Result<(), DeskError>,
) -> Failures {
    let mut failures = Failures::default();
    for record in &batch.records {
        if let Err(error) = handle(record).await {
            telemetry::error("message_failed").cause(&error).write();
            failures.again(record);
        }
    }
    failures
}

/// Looks as one message says. `None` when it is not for a desk, or names nothing that is there.
///
/// # Errors
/// [`DeskError`] when the message is to come again.
pub async fn look<W: World>(
    world: &W,
    desk: Desk,
    body: &str,
) -> Result<Option<Looked>, DeskError> {
    let looked = match Message::parse(body)? {
        Some(Message::DeploymentChanged(id)) => {
            advance(world, Some(desk), &id, Cause::Event).await?
        }
        Some(Message::LookAgain {
            deployment,
            chapter: Some(chapter),
        }) => look_again(world, desk, &deployment, &chapter).await?,
        Some(Message::LookAgain {
            deployment,
            chapter: None,
        }) => advance(world, Some(desk), &deployment, Cause::Tick).await?,
        Some(
            Message::Tick
            | Message::Poll
            | Message::BranchSeen { .. }
            | Message::Clicked(_)
            | Message::DigestDue(_),
        )
        | None => None,
    };
    if let Some(looked) = &looked {
        report(desk, looked);
    }
    Ok(looked)
}

/// Says in the log what a look of a desk came to.
pub fn report(desk: Desk, looked: &Looked) {
    report_as(desk.word(), looked);
}

/// Says in the log what a look came to that only takes in what is seen.
pub fn report_seen(looked: &Looked) {
    report_as("none", looked);
}

fn report_as(desk: &'static str, looked: &Looked) {
    let deployment = &looked.deployment;
    for (observation, why) in &looked.rejected {
        about(telemetry::warn("observation_rejected"), deployment)
            .word("observation", observation)
            .word("why", why.words())
            .write();
    }
    for error in &looked.unseen {
        about(telemetry::warn("look_incomplete"), deployment)
            .cause(error)
            .write();
    }
    if looked.changed {
        about(telemetry::info("deployment_advanced"), deployment)
            .word("desk", desk)
            .write();
    }
}

/// A line about a deployment.
pub fn about(line: Line, deployment: &Deployment) -> Line {
    line.id("deployment.id", &deployment.id)
        .id("app", &deployment.app)
        .word("deployment.state", deployment.state.name())
        .number("deployment.version", deployment.version)
}
