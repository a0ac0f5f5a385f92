//! How a function works through its queue: every message means *look at this deployment*.
//!
//! A message that fails comes again, alone, and ends in the dead-letter queue when it keeps failing. No message is
//! believed; what it says is only where to look.

use longshore_core::{Cause, Desk};
use longshore_events::{Batch, Failures, Message, MessageError, Record};
use longshore_shell::advance::{AdvanceError, Looked, advance, look_again};
use longshore_shell::telemetry::{Level, Line};
use longshore_shell::world::World;
use std::future::Future;

/// Why a message is to come again.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The look could not be taken to its end.
    #[error("the look could not be taken to its end")]
    Advance(#[from] AdvanceError),
    /// It cannot be read; it ends in the dead-letter queue, where a person sees it.
    #[error("the message cannot be read")]
    Message(#[from] MessageError),
}

/// Works through a batch, one message after the other, each on its own.
pub async fn serve<'a, F, Fut>(batch: &'a Batch<'a>, handle: F) -> Failures
where
    F: Fn(&'a Record<'a>) -> Fut,
    Fut: Future<Output = Result<(), DeskError>>,
{
    let mut failures = Failures::default();
    for record in &batch.records {
        if let Err(error) = handle(record).await {
            Line::of(Level::Error, "message_failed").error(&error).write();
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
        Some(Message::Tick) | None => None,
    };
    if let Some(looked) = &looked {
        report(desk, looked);
    }
    Ok(looked)
}

/// Says in the log what a look came to.
pub fn report(desk: Desk, looked: &Looked) {
    let deployment = &looked.deployment;
    for (observation, why) in &looked.rejected {
        Line::of(Level::Warn, "observation_rejected")
            .deployment(deployment)
            .word("observation", observation)
            .word("why", why.words())
            .write();
    }
    for error in &looked.unseen {
        Line::of(Level::Warn, "look_incomplete")
            .deployment(deployment)
            .error(error)
            .write();
    }
    if looked.changed {
        Line::of(Level::Info, "deployment_advanced")
            .deployment(deployment)
            .word("desk", desk.word())
            .write();
    }
}
