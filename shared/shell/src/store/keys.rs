//! The names of items and attributes: the contract with `template.yaml`, where the keys, the index, the expiry and the
//! stream's filter name the same words.

use crate::ports::{DigestName, PushKey};
use longshore_core::{AppName, CommandId, DeploymentId, Desk, Timestamp};
use std::fmt;

/// The hash key.
pub const PK: &str = "pk";
/// The sort key.
pub const SK: &str = "sk";
/// The deployment's id; the sort key of the indexes [`OPEN`] and [`BY_APP`].
pub const ID: &str = "id";
/// The app.
pub const APP: &str = "app";
/// The name of the deployment's state.
pub const STATE: &str = "state";
/// How often the item was written; what every condition compares.
pub const VERSION: &str = "version";
/// The schema number of the item.
pub const SCHEMA: &str = "schema";
/// Who wrote the item, in which write: a token that no two writes share.
pub const WRITER: &str = "writer";
/// Present while a deployment is not at rest. Also the name of the sparse index whose hash key it is.
pub const OPEN: &str = "open";
/// The one value of [`OPEN`].
pub const OPEN_YES: &str = "1";
/// Whether the deployment of a command is a large one, to which events mean nothing; absent where it is not.
pub const LARGE: &str = "large";
/// The one value of [`LARGE`].
pub const LARGE_YES: &str = "yes";
/// On every deployment, and on nothing else: its app. Also the name of the index whose hash key it is, with [`ID`] to sort by.
pub const BY_APP: &str = "by_app";
/// The record.
pub const BODY: &str = "body";
/// What was decided about a change: [`DECISION_DEPLOY`] or [`DECISION_SKIP`].
pub const DECISION: &str = "decision";
/// The change became the deployment named by [`DEPLOYMENT`].
pub const DECISION_DEPLOY: &str = "deploy";
/// The change was left alone, for [`REASON`].
pub const DECISION_SKIP: &str = "skip";
/// A deployment that an item points to.
pub const DEPLOYMENT: &str = "deployment";
/// Why a change was left alone.
pub const REASON: &str = "reason";
/// Until when a channel was told of days, in milliseconds since the Unix epoch.
pub const TOLD_UNTIL: &str = "told_until_ms";
/// Until when nobody else tells it, in milliseconds since the Unix epoch.
pub const CLAIMED_UNTIL: &str = "claimed_until_ms";
/// When the table may remove the item, in seconds since the Unix epoch.
pub const EXPIRES_AT: &str = "expires_at";

/// How long decisions and the index of commands are kept: 90 days, far longer than any delivery is repeated.
const KEPT_S: u64 = 90 * 24 * 60 * 60;

/// What the sort key of an operator's deed begins with.
pub const ENTRY: &str = "ENTRY#";

/// The attribute that tells the stream whether a desk has work.
#[must_use]
pub const fn desk_attribute(desk: Desk) -> &'static str {
    match desk {
        Desk::Reconciler => "for_reconciler",
        Desk::HealthVerifier => "for_health_verifier",
        Desk::AutoRollback => "for_auto_rollback",
        Desk::Notifier => "for_notifier",
    }
}

/// When an item written at this time may go, in seconds since the Unix epoch.
#[must_use]
pub const fn expires_at(written: Timestamp) -> u64 {
    written.as_unix_s().saturating_add(KEPT_S)
}

/// An item's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// A deployment.
    Deployment(&'a DeploymentId),
    /// An app's slot.
    Slot(&'a AppName),
    /// The decision about a change.
    Decision(&'a PushKey),
    /// The deployment that a command belongs to.
    Command(&'a CommandId),
    /// What an operator did to an app, by its number.
    Entry(&'a AppName, u64),
    /// How far a channel was told of days.
    Told(&'a DigestName),
}

impl Key<'_> {
    /// The hash key.
    #[must_use]
    pub fn pk(&self) -> String {
        match self {
            Self::Deployment(id) => format!("DEPLOYMENT#{id}"),
            Self::Slot(app) | Self::Entry(app, _) => format!("APP#{app}"),
            Self::Decision(PushKey(hash)) => format!("PUSH#{hash}"),
            Self::Command(id) => format!("COMMAND#{id}"),
            Self::Told(name) => format!("DIGEST#{}", name.label()),
        }
    }

    /// The sort key. The stream's filter picks deployments by it.
    #[must_use]
    pub fn sk(&self) -> String {
        match self {
            Self::Deployment(_) => "STATE".to_owned(),
            Self::Slot(_) => "SLOT".to_owned(),
            Self::Decision(_) => "DECISION".to_owned(),
            Self::Command(_) => "DEPLOYMENT".to_owned(),
            Self::Told(_) => "TOLD".to_owned(),
            // As many digits as a number can have, so that the order of the texts is that of the numbers.
            Self::Entry(_, number) => format!("{ENTRY}{number:020}"),
        }
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.pk(), self.sk())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_template() {
        let deployment = DeploymentId::parse("01JD0000000000000000000000").unwrap();
        let app = AppName::parse("orders").unwrap();
        let push = PushKey("ab".repeat(32));
        let command = CommandId::parse("00000000-0000-0000-0000-000000000001").unwrap();
        let digest = DigestName {
            channel: longshore_core::Channel::Sns,
            at: "09:00 Europe/Berlin".to_owned(),
        };
        let keys = [
            Key::Told(&digest),
            Key::Deployment(&deployment),
            Key::Slot(&app),
            Key::Decision(&push),
            Key::Command(&command),
        ];
        assert_eq!(
            keys.map(|key| key.to_string()),
            [
                "DIGEST#sns@09:00 Europe/Berlin/TOLD".to_owned(),
                "DEPLOYMENT#01JD0000000000000000000000/STATE".to_owned(),
                "APP#orders/SLOT".to_owned(),
                format!("PUSH#{}/DECISION", "ab".repeat(32)),
                "COMMAND#00000000-0000-0000-0000-000000000001/DEPLOYMENT".to_owned(),
            ]
        );
    }

    #[test]
    fn an_item_expires_ninety_days_after_it_was_written() {
        assert_eq!(expires_at(Timestamp::from_unix_ms(1_999)), 7_776_001);
    }

    #[test]
    fn every_desk_has_the_attribute_with_its_word() {
        for desk in Desk::ALL {
            assert_eq!(desk_attribute(desk), format!("for_{}", desk.word()));
        }
    }
}
