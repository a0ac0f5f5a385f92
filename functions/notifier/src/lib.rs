//! `notifier`: tells people what they are owed, channel by channel.
//!
//! At least once: a message is marked as delivered after it was, so a crash in between repeats it, under the same number. A
//! channel that is down delays no other and never a deployment.

pub mod message;
pub mod slack;
pub mod sns;

mod aws_desk;
mod text;

pub use aws_desk::AwsDesk;

use longshore_core::{Announcement, Cause, Channel, Deployment, Millis, Observation};
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
        Some(Hint::Tick) | None => return Ok(()),
    };
    let found = desk.store().deployment(&id).await;
    let Some(deployment) = found.map_err(AdvanceError::from)? else {
        return Ok(());
    };
    let mut undelivered = None;
    for announcement in &deployment.announcements {
        match deliver(desk, &deployment, announcement).await {
            Ok(()) => done(desk, &deployment, announcement).await?,
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

async fn done<D: Desk>(
    desk: &D,
    deployment: &Deployment,
    announcement: &Announcement,
) -> Result<(), DeskError> {
    let seen = [Observation::Announced(announcement.number)];
    record(
        desk.store(),
        desk.clock(),
        &deployment.id,
        &seen,
        Cause::Event,
    )
    .await?;
    Ok(())
}
