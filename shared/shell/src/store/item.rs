//! Items of the table, both ways: attributes for the index, the stream and conditions, with the record in `body`.
//!
//! An attribute beside the body is a copy for those who cannot read the body; the body is what is read back.

use super::keys::{self, Key};
use super::record::{self, RecordError};
use crate::ports::{Belongs, DigestName, Entry, PushKey, StoreError, Told};
use aws_sdk_dynamodb::types::AttributeValue;
use longshore_core::{
    AppName, CommandId, Decision, Deployment, DeploymentId, Desk, SkipReason, Slot, Timestamp,
};
use std::collections::BTreeMap;

/// One item.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Item(BTreeMap<String, AttributeValue>);

impl FromIterator<(String, AttributeValue)> for Item {
    fn from_iter<T: IntoIterator<Item = (String, AttributeValue)>>(attributes: T) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl IntoIterator for Item {
    type Item = (String, AttributeValue);
    type IntoIter = std::collections::btree_map::IntoIter<String, AttributeValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Item {
    /// A deployment, as it is to be: its version is already the next one.
    pub(super) fn of_deployment(
        deployment: &Deployment,
        writer: &str,
    ) -> Result<Self, RecordError> {
        let desks = deployment.desks();
        let mut item = Self::new(Key::Deployment(&deployment.id), writer);
        item.text(keys::ID, deployment.id.as_str());
        item.text(keys::APP, deployment.app.as_str());
        item.text(keys::BY_APP, deployment.app.as_str());
        item.text(keys::STATE, deployment.state.name());
        item.number(keys::VERSION, deployment.version);
        if !deployment.is_at_rest() {
            item.text(keys::OPEN, keys::OPEN_YES);
        }
        for desk in Desk::ALL {
            let has_work = if desks.contains(&desk) { "yes" } else { "no" };
            item.text(keys::desk_attribute(desk), has_work);
        }
        item.text(keys::BODY, &record::write_deployment(deployment)?);
        Ok(item)
    }

    /// A slot, as it is to be: its version is already the next one.
    pub(super) fn of_slot(slot: &Slot, writer: &str) -> Result<Self, RecordError> {
        let mut item = Self::new(Key::Slot(&slot.app), writer);
        item.text(keys::APP, slot.app.as_str());
        item.number(keys::VERSION, slot.version);
        item.text(keys::BODY, &record::write_slot(slot)?);
        Ok(item)
    }

    /// A decision.
    pub(super) fn of_decision(
        key: &PushKey,
        decision: &Decision,
        at: Timestamp,
        writer: &str,
    ) -> Self {
        let mut item = Self::new(Key::Decision(key), writer);
        match decision {
            Decision::Deploy(deployment) => {
                item.text(keys::DECISION, keys::DECISION_DEPLOY);
                item.text(keys::DEPLOYMENT, deployment.as_str());
            }
            Decision::Skip(reason) => {
                item.text(keys::DECISION, keys::DECISION_SKIP);
                item.text(keys::REASON, reason.word());
            }
        }
        item.number(keys::EXPIRES_AT, keys::expires_at(at));
        item
    }

    /// Where a command belongs.
    pub(super) fn of_command(command: &CommandId, deployment: &Deployment, writer: &str) -> Self {
        // The newest line of the history is the nearest time that is known here.
        let last = deployment.timeline.last();
        let at = last.map_or(deployment.origin.at, |entry| entry.at);
        let mut item = Self::new(Key::Command(command), writer);
        item.text(keys::DEPLOYMENT, deployment.id.as_str());
        if deployment.is_large() {
            item.text(keys::LARGE, keys::LARGE_YES);
        }
        item.number(keys::EXPIRES_AT, keys::expires_at(at));
        item
    }

    /// How far a channel was told, as it is to be: its version is already the next one.
    pub(super) fn of_told(told: &Told, at: Timestamp, writer: &str) -> Self {
        let mut item = Self::new(Key::Told(&told.name), writer);
        item.number(keys::VERSION, told.version);
        let times = [
            (keys::TOLD_UNTIL, told.until),
            (keys::CLAIMED_UNTIL, told.claimed_until),
        ];
        for (name, time) in times {
            if let Some(time) = time {
                item.number(name, time.as_unix_ms());
            }
        }
        item.number(keys::EXPIRES_AT, keys::expires_at(at));
        item
    }

    pub(super) fn to_told(&self, name: &DigestName) -> Result<Told, StoreError> {
        let time = |name| self.number_of(name).map(Timestamp::from_unix_ms);
        let read = || {
            self.check_schema()?;
            let version = self.number_of(keys::VERSION);
            Ok(Told {
                name: name.clone(),
                until: time(keys::TOLD_UNTIL),
                claimed_until: time(keys::CLAIMED_UNTIL),
                version: version.ok_or_else(|| RecordError::new("it has no version"))?,
            })
        };
        read().map_err(|problem| unreadable(Key::Told(name), &problem))
    }

    /// What an operator did.
    pub(super) fn of_entry(entry: &Entry, writer: &str) -> Result<Self, RecordError> {
        let mut item = Self::new(Key::Entry(&entry.app, entry.number), writer);
        item.text(keys::BODY, &record::write_entry(entry)?);
        Ok(item)
    }

    pub(super) fn to_entry(&self, app: &AppName) -> Result<Entry, StoreError> {
        let read = || {
            let entry = record::read_entry(self.body()?)?;
            ensure(entry.app == *app, "its body is of another item")?;
            Ok(entry)
        };
        read().map_err(|problem| unreadable(Key::Entry(app, 0), &problem))
    }

    /// Who wrote it.
    pub(super) fn writer(&self) -> Option<&str> {
        self.text_of(keys::WRITER).ok()
    }

    pub(super) fn to_deployment(&self, id: &DeploymentId) -> Result<Deployment, StoreError> {
        let read = || {
            let deployment = record::read_deployment(self.body()?)?;
            ensure(
                deployment.id == *id && self.has_version(deployment.version),
                "its body is of another item",
            )?;
            Ok(deployment)
        };
        read().map_err(|problem| unreadable(Key::Deployment(id), &problem))
    }

    pub(super) fn to_slot(&self, app: &AppName) -> Result<Slot, StoreError> {
        let read = || {
            let slot = record::read_slot(self.body()?)?;
            ensure(
                slot.app == *app && self.has_version(slot.version),
                "its body is of another item",
            )?;
            Ok(slot)
        };
        read().map_err(|problem| unreadable(Key::Slot(app), &problem))
    }

    pub(super) fn to_decision(&self, key: &PushKey) -> Result<Decision, StoreError> {
        let read = || {
            self.check_schema()?;
            match self.text_of(keys::DECISION)? {
                keys::DECISION_DEPLOY => {
                    let id = DeploymentId::parse(self.text_of(keys::DEPLOYMENT)?)?;
                    Ok(Decision::Deploy(id))
                }
                keys::DECISION_SKIP => SkipReason::from_word(self.text_of(keys::REASON)?)
                    .map(Decision::Skip)
                    .ok_or_else(|| RecordError::new("an unknown reason")),
                _ => Err(RecordError::new("an unknown decision")),
            }
        };
        read().map_err(|problem| unreadable(Key::Decision(key), &problem))
    }

    pub(super) fn to_deployment_of(&self, command: &CommandId) -> Result<Belongs, StoreError> {
        let read = || {
            self.check_schema()?;
            Ok(Belongs {
                deployment: DeploymentId::parse(self.text_of(keys::DEPLOYMENT)?)?,
                to_a_large_one: self.0.contains_key(keys::LARGE),
            })
        };
        read().map_err(|problem: RecordError| unreadable(Key::Command(command), &problem))
    }

    /// The deployment that an entry of the index names.
    pub(super) fn indexed_id(&self) -> Option<DeploymentId> {
        DeploymentId::parse(self.text_of(keys::ID).ok()?).ok()
    }

    fn new(key: Key<'_>, writer: &str) -> Self {
        let mut item = Self::default();
        item.text(keys::PK, &key.pk());
        item.text(keys::SK, &key.sk());
        item.number(keys::SCHEMA, record::SCHEMA.into());
        item.text(keys::WRITER, writer);
        item
    }

    fn text(&mut self, name: &str, value: &str) {
        self.0
            .insert(name.to_owned(), AttributeValue::S(value.to_owned()));
    }

    fn number(&mut self, name: &str, value: u64) {
        self.0
            .insert(name.to_owned(), AttributeValue::N(value.to_string()));
    }

    /// A text attribute, if it has one of this name.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name).and_then(|value| value.as_s().ok());
        text.map(String::as_str)
    }

    fn text_of(&self, name: &str) -> Result<&str, RecordError> {
        self.attribute(name)
            .ok_or_else(|| RecordError::new(format!("it has no text `{name}`")))
    }

    fn number_of(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    /// The body, once the schema is known to be one that can be read.
    fn body(&self) -> Result<&str, RecordError> {
        self.check_schema()?;
        self.text_of(keys::BODY)
    }

    fn check_schema(&self) -> Result<(), RecordError> {
        let known = self.number_of(keys::SCHEMA) == Some(record::SCHEMA.into());
        ensure(known, "its schema is not one that this version reads")
    }

    fn has_version(&self, version: u64) -> bool {
        self.number_of(keys::VERSION) == Some(version)
    }
}

fn ensure(holds: bool, problem: &str) -> Result<(), RecordError> {
    if holds {
        Ok(())
    } else {
        Err(RecordError::new(problem))
    }
}

fn unreadable(key: Key<'_>, problem: &RecordError) -> StoreError {
    StoreError::Unreadable {
        key: key.to_string(),
        problem: problem.to_string(),
    }
}
