//! Telling a channel of a day: what ended, and what waits for somebody, in one message.
//!
//! Nothing is collected for it. What is told is read from the history when it is told, so that it cannot differ from it, and the table
//! keeps one small item for each channel: until when everything was told. It is claimed, told and recorded as a message of a deployment is:
//! a crash in between repeats it, with the same reference, and two that meet do not. A channel that is down gets the next one
//! about all the time that it has missed.

mod forms;
mod gather;
mod sheet;

pub use forms::{body_for_slack, body_for_teams, body_for_webhook, notice, post_for_slack};
pub use gather::{AppDay, Day};
pub(crate) use sheet::took;
pub use sheet::{Entry, Sheet};

use crate::Desk;
use gather::gather;
use longshore_core::{Announcement, Channel, Millis, Timestamp};
use longshore_desk::DeskError;
use longshore_events::Digest;
use longshore_shell::advance::AdvanceError;
use longshore_shell::announce::{Announce, AnnounceError, Letter, SlackCall};
use longshore_shell::ports::{Clock, DigestName, Store, StoreError, Told};
use longshore_shell::telemetry;

/// What the first digest of a channel is about.
const A_DAY: Millis = Millis::from_secs(24 * 3600);

/// The longest time that one digest is about. A channel that was down for longer is told since when it misses something.
const TOLD_OF_MAX: Millis = Millis::from_secs(7 * 24 * 3600);

/// Tells a channel of a day, unless that is done, or somebody does it.
pub(crate) async fn tell<D: Desk>(desk: &D, due: Digest) -> Result<(), DeskError> {
    let name = DigestName {
        channel: due.channel.clone(),
        at: due.at.clone(),
    };
    let told = desk.store().told(&name).await.map_err(unread)?;
    let is_told = told.until.is_some_and(|until| until >= due.until);
    let now = desk.clock().now();
    let is_claimed = told.claimed_until.is_some_and(|until| now < until);
    if is_told || is_claimed {
        return Ok(());
    }
    let claim = Told {
        claimed_until: Some(now.after(Announcement::CLAIM_HOLDS)),
        ..told
    };
    let Some(claimed) = write(desk, claim, now).await? else {
        return Ok(());
    };
    let day = gather(desk, &due, &name, window(&claimed, due.until)).await;
    let sheet = Sheet::of(&day.map_err(unread)?);
    let result = match &sheet {
        Some(sheet) => deliver(desk, &name.channel, sheet).await,
        None => Ok(()),
    };
    settle(desk, claimed, due.until, result).await
}

/// From when on, and whether there is something before that which this channel was never told.
fn window(told: &Told, until: Timestamp) -> (Timestamp, bool) {
    let back =
        |span: Millis| Timestamp::from_unix_ms(until.as_unix_ms().saturating_sub(span.as_ms()));
    let from = told.until.unwrap_or_else(|| back(A_DAY));
    let earliest = back(TOLD_OF_MAX);
    (from.max(earliest), from < earliest)
}

async fn deliver<D: Desk>(desk: &D, channel: &Channel, sheet: &Sheet) -> Result<(), AnnounceError> {
    let letter = match channel {
        Channel::Sns => Letter::Topic(notice(sheet)),
        Channel::Slack(name) => Letter::Slack {
            channel: name.clone(),
            json: body_for_slack(sheet),
        },
        Channel::SlackApp(name) => Letter::SlackApp {
            call: SlackCall::Post,
            json: post_for_slack(name, sheet),
        },
        Channel::Teams(name) => Letter::Teams {
            channel: name.clone(),
            json: body_for_teams(sheet),
        },
        Channel::Webhook(name) => Letter::Webhook {
            channel: name.clone(),
            id: sheet.id(),
            at: desk.clock().now(),
            json: body_for_webhook(sheet),
        },
        // No configuration can ask for a digest there.
        Channel::BuildStatus | Channel::Tag => return Ok(()),
    };
    desk.channels().send(&letter).await.map(|_| ())
}

/// Records what became of it. What can be tried again keeps its claim, and comes with a later poll.
async fn settle<D: Desk>(
    desk: &D,
    claimed: Told,
    until: Timestamp,
    result: Result<(), AnnounceError>,
) -> Result<(), DeskError> {
    let now = desk.clock().now();
    let over = |claimed: Told| Told {
        until: Some(until),
        claimed_until: None,
        ..claimed
    };
    match result {
        Ok(()) => write(desk, over(claimed), now).await.map(|_| ()),
        Err(error @ AnnounceError::GiveUp(_)) => {
            telemetry::error("message_given_up")
                .word("announcement", "digest")
                .text("announcement.channel", &claimed.name.channel.label())
                .cause(&error)
                .write();
            write(desk, over(claimed), now).await.map(|_| ())
        }
        Err(error @ AnnounceError::Retry(_)) => Err(DeskError::undelivered(error)),
        Err(AnnounceError::Later(reason, after)) => {
            let postponed = Told {
                claimed_until: Some(now.after(after.min(Announcement::POSTPONED_MAX))),
                ..claimed
            };
            write(desk, postponed, now).await?;
            let error = AnnounceError::Later(reason, after);
            Err(DeskError::undelivered(error))
        }
    }
}

/// Writes the item; it as it then is, or none when somebody else was faster.
async fn write<D: Desk>(desk: &D, told: Told, now: Timestamp) -> Result<Option<Told>, DeskError> {
    match desk.store().tell(&told, now).await {
        Ok(()) => Ok(Some(Told {
            version: told.version.saturating_add(1),
            ..told
        })),
        Err(StoreError::Conflict) => Ok(None),
        Err(error) => Err(unread(error)),
    }
}

fn unread(error: StoreError) -> DeskError {
    AdvanceError::from(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_goes_on_where_the_last_one_ended_and_says_when_it_cannot() {
        let at = |hours: u64| {
            Timestamp::from_unix_ms(1_700_000_000_000).after(Millis::from_secs(hours * 3600))
        };
        let name = DigestName {
            channel: Channel::Sns,
            at: "09:00".to_owned(),
        };
        let told = |until| Told {
            until,
            ..Told::nothing(name.clone())
        };
        assert_eq!(window(&told(None), at(24)), (at(0), false));
        assert_eq!(window(&told(Some(at(1))), at(24)), (at(1), false));
        assert_eq!(window(&told(Some(at(0))), at(72)), (at(0), false));
        assert_eq!(window(&told(Some(at(0))), at(200)), (at(32), true));
    }
}
