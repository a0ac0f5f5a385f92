//! What holds a deployment while it waits, and the word that lets it begin, stored.

use super::RecordError;
use super::words::FreezeSourceWord;
use longshore_core::{BreakGlass, Freeze, Person, Timestamp};
use serde::{Deserialize, Serialize};

/// [`Freeze`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FreezeRecord {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until_ms: Option<u64>,
    source: FreezeSourceWord,
}

/// [`BreakGlass`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BreakGlassRecord {
    by: String,
    reason: String,
    at_ms: u64,
}

impl From<&Freeze> for FreezeRecord {
    fn from(freeze: &Freeze) -> Self {
        Self {
            name: freeze.name().to_owned(),
            until_ms: freeze.until.map(Timestamp::as_unix_ms),
            source: freeze.source.into(),
        }
    }
}

impl From<FreezeRecord> for Freeze {
    fn from(record: FreezeRecord) -> Self {
        let until = record.until_ms.map(Timestamp::from_unix_ms);
        Self::new(&record.name, until, record.source.into())
    }
}

impl From<&BreakGlass> for BreakGlassRecord {
    fn from(word: &BreakGlass) -> Self {
        Self {
            by: word.by.to_string(),
            reason: word.reason().to_owned(),
            at_ms: word.at.as_unix_ms(),
        }
    }
}

impl TryFrom<BreakGlassRecord> for BreakGlass {
    type Error = RecordError;

    fn try_from(record: BreakGlassRecord) -> Result<Self, RecordError> {
        let at = Timestamp::from_unix_ms(record.at_ms);
        Ok(Self::new(Person::parse(&record.by)?, &record.reason, at))
    }
}
