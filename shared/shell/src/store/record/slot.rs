//! A slot, stored.

use super::people::reason;
use super::words::ReleaseRecord;
use super::{RecordError, SCHEMA};
use longshore_core::{
    AppName, Commit, DeploymentId, Generation, HostId, LastPush, Live, Lock, Person, Proven, Slot,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// [`Slot`], stored. Small: quarantine is bounded by [`Slot::QUARANTINE_MAX`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotRecord {
    schema: u32,
    app: String,
    version: u64,
    generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<LiveRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before: Vec<ProvenRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    running: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lock: Option<LockRecord>,
    quarantine: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_push: Option<LastPushRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stranded: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LastPushRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    to: String,
    deployment: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    found: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LiveRecord {
    release: ReleaseRecord,
    deployment: String,
    at_ms: u64,
    /// A slot of before hosts were kept has none: then every host joins once, which proves it and changes nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    hosts: BTreeSet<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvenRecord {
    release: ReleaseRecord,
    deployment: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockRecord {
    owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    expires_at_ms: u64,
}

impl From<&Slot> for SlotRecord {
    fn from(slot: &Slot) -> Self {
        let quarantine = slot.quarantine.iter();
        Self {
            schema: SCHEMA,
            app: slot.app.to_string(),
            version: slot.version,
            generation: slot.generation.number(),
            live: slot.live.as_ref().map(LiveRecord::from),
            before: slot.before.iter().map(ProvenRecord::from).collect(),
            running: slot.running.as_ref().map(ToString::to_string),
            waiting: slot.waiting.as_ref().map(ToString::to_string),
            lock: slot.lock.as_ref().map(LockRecord::from),
            quarantine: quarantine
                .map(|(commit, by)| (commit.to_string(), by.to_string()))
                .collect(),
            last_push: slot.last_push.as_ref().map(LastPushRecord::from),
            stranded: slot.stranded.as_ref().map(ToString::to_string),
        }
    }
}

impl TryFrom<SlotRecord> for Slot {
    type Error = RecordError;

    fn try_from(record: SlotRecord) -> Result<Self, RecordError> {
        let id = |text: String| DeploymentId::parse(&text);
        let before = record.before.into_iter().map(TryInto::try_into);
        let mut quarantine = BTreeMap::new();
        for (commit, by) in &record.quarantine {
            quarantine.insert(Commit::parse(commit)?, DeploymentId::parse(by)?);
        }
        Ok(Self {
            app: AppName::parse(&record.app)?,
            generation: Generation::new(record.generation),
            live: record.live.map(TryInto::try_into).transpose()?,
            before: before.collect::<Result<_, _>>()?,
            running: record.running.map(id).transpose()?,
            waiting: record.waiting.map(id).transpose()?,
            lock: record.lock.map(TryInto::try_into).transpose()?,
            quarantine,
            last_push: record.last_push.map(TryInto::try_into).transpose()?,
            stranded: record.stranded.map(id).transpose()?,
            version: record.version,
        })
    }
}

impl From<&LastPush> for LastPushRecord {
    fn from(last: &LastPush) -> Self {
        Self {
            from: last.from.as_ref().map(ToString::to_string),
            to: last.to.to_string(),
            deployment: last.deployment.to_string(),
            found: last.found,
        }
    }
}

impl TryFrom<LastPushRecord> for LastPush {
    type Error = RecordError;

    fn try_from(record: LastPushRecord) -> Result<Self, RecordError> {
        let from = record.from.map(|from| Commit::parse(&from)).transpose()?;
        Ok(Self {
            from,
            to: Commit::parse(&record.to)?,
            deployment: DeploymentId::parse(&record.deployment)?,
            found: record.found,
        })
    }
}

impl From<&Live> for LiveRecord {
    fn from(live: &Live) -> Self {
        Self {
            release: (&live.release).into(),
            deployment: live.deployment.to_string(),
            at_ms: live.at.as_unix_ms(),
            hosts: live.hosts.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<LiveRecord> for Live {
    type Error = RecordError;

    fn try_from(record: LiveRecord) -> Result<Self, RecordError> {
        let hosts = record.hosts.iter().map(|host| HostId::parse(host));
        Ok(Self {
            release: record.release.try_into()?,
            deployment: DeploymentId::parse(&record.deployment)?,
            at: Timestamp::from_unix_ms(record.at_ms),
            hosts: hosts.collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Proven> for ProvenRecord {
    fn from(proven: &Proven) -> Self {
        Self {
            release: (&proven.release).into(),
            deployment: proven.deployment.to_string(),
        }
    }
}

impl TryFrom<ProvenRecord> for Proven {
    type Error = RecordError;

    fn try_from(record: ProvenRecord) -> Result<Self, RecordError> {
        Ok(Self {
            release: record.release.try_into()?,
            deployment: DeploymentId::parse(&record.deployment)?,
        })
    }
}

impl From<&Lock> for LockRecord {
    fn from(lock: &Lock) -> Self {
        Self {
            owner: lock.owner.to_string(),
            reason: lock.reason.as_ref().map(ToString::to_string),
            expires_at_ms: lock.expires_at.as_unix_ms(),
        }
    }
}

impl TryFrom<LockRecord> for Lock {
    type Error = RecordError;

    fn try_from(record: LockRecord) -> Result<Self, RecordError> {
        Ok(Self {
            owner: Person::parse(&record.owner)?,
            reason: record.reason.as_deref().map(reason).transpose()?,
            expires_at: Timestamp::from_unix_ms(record.expires_at_ms),
        })
    }
}
