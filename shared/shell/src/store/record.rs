//! The stored form of a deployment and of a slot: JSON with a schema number.
//!
//! The domain types know nothing of it, so an edit of the core never changes by accident what is on record. Whatever was
//! written round-trips exactly, with one stated exception: when the lines that explain failures are together longer than
//! [`tables::DETAILS_MAX`], each is cut, because a record that does not fit into an item would be a deployment that
//! nobody can end. What cannot be read is never guessed: a schema or a word that this version does not know is a
//! [`RecordError`]. `tests/records` keeps a record of every schema number for ever.

mod ask;
mod changelog;
mod deployment;
mod entry;
mod freeze;
mod judgements;
mod people;
mod slot;
mod state;
mod tables;
mod words;

#[cfg(test)]
mod tests;

use crate::ports::Entry;
use deployment::DeploymentRecord;
use entry::EntryRecord;
use longshore_core::{Deployment, InvalidId, Slot};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use slot::SlotRecord;

/// The schema that this version writes, and the only one that it reads.
pub(crate) const SCHEMA: u32 = 1;

/// The longest body, in bytes. An item holds 409,600 bytes with its attribute names and the other values.
pub(crate) const BODY_MAX: usize = 400_000;

/// Why a record cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct RecordError(String);

impl RecordError {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}

impl From<InvalidId> for RecordError {
    fn from(invalid: InvalidId) -> Self {
        Self(invalid.to_string())
    }
}

/// The body of an operator's deed.
///
/// # Errors
/// [`RecordError`] for one that does not fit into an item.
pub(crate) fn write_entry(entry: &Entry) -> Result<String, RecordError> {
    write(&EntryRecord::from(entry))
}

/// The deed in an item's body.
///
/// # Errors
/// [`RecordError`] for anything that this version did not write.
pub(crate) fn read_entry(body: &str) -> Result<Entry, RecordError> {
    read::<EntryRecord>(body)?.try_into()
}

/// The body of a deployment's item.
///
/// # Errors
/// [`RecordError`] for a deployment that the core cannot have made, or one that does not fit into an item.
pub(crate) fn write_deployment(deployment: &Deployment) -> Result<String, RecordError> {
    write(&DeploymentRecord::try_from(deployment)?)
}

/// How many bytes a deployment takes in the table; `None` for one that does not fit into an item.
#[must_use]
pub fn stored_bytes(deployment: &Deployment) -> Option<usize> {
    write_deployment(deployment).ok().map(|body| body.len())
}

/// The deployment in an item's body.
///
/// # Errors
/// [`RecordError`] for anything that this version did not write.
pub(crate) fn read_deployment(body: &str) -> Result<Deployment, RecordError> {
    Deployment::try_from(read::<DeploymentRecord>(body)?)
}

/// The body of a slot's item.
///
/// # Errors
/// [`RecordError`] for a slot that does not fit into an item.
pub(crate) fn write_slot(slot: &Slot) -> Result<String, RecordError> {
    write(&SlotRecord::from(slot))
}

/// The slot in an item's body.
///
/// # Errors
/// [`RecordError`] for anything that this version did not write.
pub(crate) fn read_slot(body: &str) -> Result<Slot, RecordError> {
    Slot::try_from(read::<SlotRecord>(body)?)
}

/// The part of a record that every schema has.
#[derive(Deserialize)]
struct Envelope {
    schema: u32,
}

fn write(record: &impl Serialize) -> Result<String, RecordError> {
    let body = serde_json::to_string(record).map_err(|e| RecordError::new(e.to_string()))?;
    if body.len() > BODY_MAX {
        let problem = format!("its {} bytes do not fit into an item", body.len());
        return Err(RecordError::new(problem));
    }
    Ok(body)
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, RecordError> {
    let envelope: Envelope = parse(body)?;
    if envelope.schema != SCHEMA {
        let problem = format!(
            "schema {} is not {SCHEMA}, the one this version reads",
            envelope.schema
        );
        return Err(RecordError::new(problem));
    }
    parse(body)
}

/// The message of a parser can repeat a whole value, so it is cut.
fn parse<T: DeserializeOwned>(body: &str) -> Result<T, RecordError> {
    serde_json::from_str(body)
        .map_err(|e| RecordError::new(e.to_string().chars().take(200).collect::<String>()))
}
