//! `notifier`: tells people what they are owed, channel by channel.
//!
//! At least once: a message is claimed, delivered, and then marked as delivered, so a crash in between repeats it, under the
//! same number, and two looks that meet do not. A
//! channel that is down delays no other and never a deployment.

pub mod message;
pub mod slack;
pub mod sns;

mod aws_desk;
mod text;

pub use aws_desk::AwsDesk;

use longshore_core::{Announcement, Cause, Channel, Deployment, DeploymentId, Millis, Observation};
use longshore_desk::{DeskError, about, serve};
use longshore_events::{Batch, Failures, Message as Hint};
use longshore_shell::advance::{AdvanceError, record};
use longshore_shell::announce::{Announce, AnnounceError};
use longshore_shell::ports::{Clock, Store};
use longshore_shell::telemetry;
use message::Message;

/// After this time a message that no channel takes is given up: it is news no longer, and the alarm has long been raised.
const GIVEN_UP_AFTER: Millis = Millis::from_secs(24 * 3600);

/// What the notifier needs of the world.
pub trait Desk: Sync {
    /// The table.
    fn store(&self) -> &impl Store;
    /// The channels.
    fn channels(&self) -> &impl Announce;
    /// The clock.
    fn clock(&self) -> &impl Clock;
}

/// Works through a batch of messages.
pub async fn handle<D: Desk>(desk: &D, batch: &Batch<'_>) -> Failures {
    serve(batch, async |record| one(desk, &record.body).await).await
}

async fn one<D: Desk>(desk: &D, body: &str) -> Result<(), DeskError> {
    let id = match Hint::parse(body)? {
        Some(Hint::DeploymentChanged(id) | Hint::LookAgain { deployment: id, .. }) => id,
        Some(Hint::Tick | Hint::Poll | Hint::BranchSeen { .. } | Hint::Clicked(_)) | None => {
            return Ok(());
        }
    };
    let found = desk.store().deployment(&id).await;
    let Some(deployment) = found.map_err(AdvanceError::from)? else {
        return Ok(());
    };
    let mut undelivered = None;
    for announcement in &deployment.announcements {
        let number = announcement.number;
        if !is_claimed(desk, &deployment.id, number).await? {
            continue;
        }
        match deliver(desk, &deployment, announcement).await {
            Ok(()) => {
                note(desk, &deployment.id, Observation::Announced(number)).await?;
            }
            // The claim stays: the tick brings the message again when it is old, and not before.
            Err(error) => undelivered = Some(error),
        }
    }
    undelivered.map_or(Ok(()), |error| Err(DeskError::undelivered(error)))
}

/// Delivers one message. One that will never be taken is logged and counts as dealt with.
async fn deliver<D: Desk>(
    desk: &D,
    deployment: &Deployment,
    announcement: &Announcement,
) -> Result<(), AnnounceError> {
    let now = desk.clock().now();
    let message = Message::of(deployment, announcement, now);
    let sent = match &announcement.channel {
        Channel::Sns => desk.channels().publish(&sns::notice(&message)).await,
        Channel::Slack(channel) => desk.channels().post(channel, &slack::body(&message)).await,
    };
    let Err(error) = sent else {
        return Ok(());
    };
    let too_old = now.since(announcement.since) >= GIVEN_UP_AFTER;
    if !too_old && matches!(error, AnnounceError::Retry(_)) {
        return Err(error);
    }
    about(telemetry::error("message_given_up"), deployment)
        .word("announcement", announcement.kind.word())
        .number("announcement.number", announcement.number)
        .cause(&error)
        .write();
    Ok(())
}

/// Claims a message, unless somebody else is delivering it right now.
async fn is_claimed<D: Desk>(desk: &D, id: &DeploymentId, number: u32) -> Result<bool, DeskError> {
    note(desk, id, Observation::AnnounceStarted(number)).await
}

/// Records what becomes of a message; says whether that was news.
async fn note<D: Desk>(desk: &D, id: &DeploymentId, seen: Observation) -> Result<bool, DeskError> {
    let recorded = record(desk.store(), desk.clock(), id, &[seen], Cause::Event).await?;
    Ok(recorded.is_some_and(|recorded| recorded.changed))
}
