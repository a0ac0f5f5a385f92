//! `notifier`: tells people and systems what they are owed, channel by channel.
//!
//! At least once: a message is claimed, delivered, and then marked as delivered, so a crash in between repeats it, under the
//! same number, and two looks that meet do not. A channel that is down delays no other and never a deployment: what is claimed is
//! delivered side by side, each within its own limit of time.

pub mod commit;
pub mod digest;
pub mod message;
pub mod slack;
pub mod sns;
pub mod teams;
pub mod webhook;

mod aws_desk;
mod deliver;
mod text;

pub use aws_desk::AwsDesk;

use deliver::deliver;
use futures_util::future::join_all;
use longshore_core::{
    Announcement, Cause, Deployment, DeploymentId, EnvironmentName, Millis, Observation,
};
use longshore_desk::{DeskError, about, serve};
use longshore_events::{Batch, Failures, Message as Hint};
use longshore_shell::advance::{AdvanceError, record};
use longshore_shell::announce::{Announce, AnnounceError};
use longshore_shell::ports::{Clock, Store};
use longshore_shell::{telemetry, traces};

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
    /// The environment.
    fn environment(&self) -> &EnvironmentName;
}

/// Works through a batch of messages.
pub async fn handle<D: Desk>(desk: &D, batch: &Batch<'_>) -> Failures {
    serve(batch, async |record| one(desk, &record.body).await).await
}

async fn one<D: Desk>(desk: &D, body: &str) -> Result<(), DeskError> {
    let id = match Hint::parse(body)? {
        Some(Hint::DeploymentChanged(id) | Hint::LookAgain { deployment: id, .. }) => id,
        // On the heap: digests are rare, and every other message would carry their weight.
        Some(Hint::DigestDue(due)) => return Box::pin(digest::tell(desk, due)).await,
        Some(Hint::Tick | Hint::Poll | Hint::BranchSeen { .. } | Hint::Clicked(_)) | None => {
            return Ok(());
        }
    };
    let found = desk.store().deployment(&id).await;
    let Some(deployment) = found.map_err(AdvanceError::from)? else {
        return Ok(());
    };
    let claimed = claim(desk, deployment).await?;
    let deliveries = claimed
        .iter()
        .map(|(deployment, announcement)| traced(desk, deployment, announcement));
    let mut undelivered = None;
    let results = join_all(deliveries).await;
    for ((deployment, announcement), result) in claimed.iter().zip(results) {
        match settled(desk, deployment, announcement, result) {
            Settled::Over => {
                let told = Observation::Announced(announcement.number);
                note(desk, &deployment.id, told).await?;
            }
            // The claim stays: the tick brings the message again when it is old, and not before.
            Settled::Again(error) => undelivered = Some(error),
            Settled::Later(error, after) => {
                let until = desk.clock().now().after(after);
                let postponed = Observation::AnnouncePostponed(announcement.number, until);
                note(desk, &deployment.id, postponed).await?;
                undelivered = Some(error);
            }
        }
    }
    undelivered.map_or(Ok(()), |error| Err(DeskError::undelivered(error)))
}

/// Delivers a message and tells of it in the deployment's trace.
async fn traced<D: Desk>(
    desk: &D,
    deployment: &Deployment,
    announcement: &Announcement,
) -> Result<(), AnnounceError> {
    let from = desk.clock().now();
    let result = deliver(desk, deployment, announcement).await;
    let to = desk.clock().now();
    traces::tell_message(deployment, announcement, result.is_ok(), from, to);
    result
}

/// Claims every message that nobody else is delivering right now, each with the deployment as it was then.
async fn claim<D: Desk>(
    desk: &D,
    mut deployment: Deployment,
) -> Result<Vec<(Deployment, Announcement)>, DeskError> {
    let mut claimed = Vec::new();
    for announcement in deployment.announcements.clone() {
        if !deployment.may_claim(announcement.number, desk.clock().now()) {
            continue;
        }
        let started = Observation::AnnounceStarted(announcement.number);
        if let Some(changed) = note(desk, &deployment.id, started).await? {
            deployment = changed;
            claimed.push((deployment.clone(), announcement));
        }
    }
    Ok(claimed)
}

/// What becomes of a message after an attempt to deliver it.
enum Settled {
    /// Nothing is owed any more: it was delivered, or will never be taken, which is logged.
    Over,
    /// It is tried again when the claim is old.
    Again(AnnounceError),
    /// It is tried again after this span.
    Later(AnnounceError, Millis),
}

fn settled<D: Desk>(
    desk: &D,
    deployment: &Deployment,
    announcement: &Announcement,
    result: Result<(), AnnounceError>,
) -> Settled {
    let Err(error) = result else {
        return Settled::Over;
    };
    let age = desk.clock().now().since(announcement.since);
    match error {
        AnnounceError::Retry(_) if age < GIVEN_UP_AFTER => Settled::Again(error),
        AnnounceError::Later(_, after) if age < GIVEN_UP_AFTER => Settled::Later(error, after),
        AnnounceError::Retry(_) | AnnounceError::Later(..) | AnnounceError::GiveUp(_) => {
            about(telemetry::error("message_given_up"), deployment)
                .word("announcement", announcement.kind.word())
                .text("announcement.channel", &announcement.channel.label())
                .number("announcement.number", announcement.number)
                .cause(&error)
                .write();
            Settled::Over
        }
    }
}

/// Records what becomes of a message; the deployment with it, when that was news.
async fn note<D: Desk>(
    desk: &D,
    id: &DeploymentId,
    seen: Observation,
) -> Result<Option<Deployment>, DeskError> {
    let recorded = record(desk.store(), desk.clock(), id, &[seen], Cause::Event).await?;
    Ok(recorded
        .filter(|recorded| recorded.changed)
        .map(|recorded| recorded.deployment))
}
