//! What an operator did to an app, stored.

use super::people::SaidRecord;
use super::{RecordError, SCHEMA};
use crate::ports::{Deed, Entry};
use longshore_core::{AppName, Commit, Timestamp};
use serde::{Deserialize, Serialize};

/// [`Entry`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryRecord {
    schema: u32,
    app: String,
    number: u64,
    at_ms: u64,
    said: SaidRecord,
    deed: DeedRecord,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeedRecord {
    LockedUntilMs(u64),
    Unlocked,
    Cleared(String),
}

impl From<&Entry> for EntryRecord {
    fn from(entry: &Entry) -> Self {
        Self {
            schema: SCHEMA,
            app: entry.app.to_string(),
            number: entry.number,
            at_ms: entry.at.as_unix_ms(),
            said: (&entry.said).into(),
            deed: match &entry.deed {
                Deed::Locked(until) => DeedRecord::LockedUntilMs(until.as_unix_ms()),
                Deed::Unlocked => DeedRecord::Unlocked,
                Deed::Cleared(commit) => DeedRecord::Cleared(commit.to_string()),
            },
        }
    }
}

impl TryFrom<EntryRecord> for Entry {
    type Error = RecordError;

    fn try_from(record: EntryRecord) -> Result<Self, RecordError> {
        Ok(Self {
            app: AppName::parse(&record.app)?,
            number: record.number,
            at: Timestamp::from_unix_ms(record.at_ms),
            said: record.said.try_into()?,
            deed: match record.deed {
                DeedRecord::LockedUntilMs(until) => Deed::Locked(Timestamp::from_unix_ms(until)),
                DeedRecord::Unlocked => Deed::Unlocked,
                DeedRecord::Cleared(commit) => Deed::Cleared(Commit::parse(&commit)?),
            },
        })
    }
}
