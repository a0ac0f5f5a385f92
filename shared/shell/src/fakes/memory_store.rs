//! A table in memory, with the semantics of the real one: every write names the version it replaces, a transaction is all
//! or nothing, the first decision about a change stays.
//!
//! It injects faults before and after a write, keeps a log of every write for tests, and is deterministic: no clock, no
//! randomness, ordered maps. Its index of open deployments can be held back, as the real one lags. It must never accept
//! what the table refuses: `tests/store_contract.rs` runs the same cases on both.

use crate::ports::{
    Accept, Belongs, DigestName, Entry, PushKey, Recorded, Save, Store, StoreError, Told,
};
use longshore_core::{AppName, CommandId, Decision, Deployment, DeploymentId, Slot, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreFault {
    /// The request never arrives. Nothing is written.
    UnavailableBefore,
    /// The write takes effect, but its answer is lost. Where the call would have failed, it fails the same.
    UnavailableAfter,
    /// Somebody else seems to have written first. Nothing is written.
    Conflict,
    /// The record was written by another version, which this one cannot read. Nothing is written.
    Unreadable,
}

/// Which method of [`Store`] is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreCall {
    /// [`Store::deployment`].
    Deployment,
    /// [`Store::slot`].
    Slot,
    /// [`Store::decision`].
    Decision,
    /// [`Store::deployment_of`].
    DeploymentOf,
    /// [`Store::open`].
    Open,
    /// [`Store::history`].
    History,
    /// [`Store::skip`].
    Skip,
    /// [`Store::accept`].
    Accept,
    /// [`Store::save`].
    Save,
    /// [`Store::operate`].
    Operate,
    /// [`Store::entries`].
    Entries,
    /// [`Store::told`].
    Told,
    /// [`Store::tell`].
    Tell,
}

impl StoreCall {
    /// Whether it writes.
    #[must_use]
    pub const fn is_write(self) -> bool {
        match self {
            Self::Skip | Self::Accept | Self::Save | Self::Operate | Self::Tell => true,
            Self::Deployment
            | Self::Slot
            | Self::Decision
            | Self::DeploymentOf
            | Self::Open
            | Self::History
            | Self::Entries
            | Self::Told => false,
        }
    }
}

/// One write that took effect, with the items as they are after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The call.
    pub call: StoreCall,
    /// The decision, if one was written.
    pub decision: Option<(PushKey, Decision)>,
    /// The deployments, with their new versions.
    pub deployments: Vec<Deployment>,
    /// The slot, with its new version.
    pub slot: Option<Slot>,
    /// The commands that were put into the index.
    pub commands: Vec<CommandId>,
}

type FaultSource = Box<dyn FnMut(StoreCall) -> Option<StoreFault> + Send>;

/// The table in memory.
#[derive(Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    deployments: BTreeMap<DeploymentId, Deployment>,
    slots: BTreeMap<AppName, Slot>,
    decisions: BTreeMap<PushKey, Decision>,
    commands: BTreeMap<CommandId, Belongs>,
    entries: BTreeMap<(AppName, u64), Entry>,
    told: BTreeMap<DigestName, Told>,
    log: Vec<Written>,
    write_faults: VecDeque<StoreFault>,
    fault_source: Option<FaultSource>,
    held_index: Option<Vec<DeploymentId>>,
}

/// A write before it is checked.
struct Plan {
    call: StoreCall,
    entry: Option<Entry>,
    decision: Option<(PushKey, Decision)>,
    deployments: Vec<Deployment>,
    slot: Option<Slot>,
    commands: Vec<CommandId>,
}

impl MemoryStore {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next write that has no fault yet go wrong; faults queue up.
    pub fn fail_next_write(&self, fault: StoreFault) {
        self.lock().write_faults.push_back(fault);
    }

    /// Asks this before every call, reads too; what it says goes before the queue. For a read every fault but
    /// [`StoreFault::Unreadable`] is [`StoreError::Unavailable`].
    pub fn fail_by(&self, source: impl FnMut(StoreCall) -> Option<StoreFault> + Send + 'static) {
        self.lock().fault_source = Some(Box::new(source));
    }

    /// From here on nothing goes wrong by itself.
    pub fn stop_failing(&self) {
        let mut inner = self.lock();
        inner.write_faults.clear();
        inner.fault_source = None;
    }

    /// Holds the index of open deployments at what it is, whatever is written.
    pub fn hold_index(&self) {
        let mut inner = self.lock();
        let open = inner.open();
        inner.held_index = Some(open);
    }

    /// Lets the index catch up.
    pub fn release_index(&self) {
        self.lock().held_index = None;
    }

    /// Every write that took effect, in its order.
    #[must_use]
    pub fn log(&self) -> Vec<Written> {
        self.lock().log.clone()
    }

    /// The writes that took effect after the first so many, in their order.
    #[must_use]
    pub fn log_after(&self, known: usize) -> Vec<Written> {
        self.lock().log.iter().skip(known).cloned().collect()
    }

    /// Whether every deployment is at rest.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.lock().deployments.values().all(Deployment::is_at_rest)
    }

    /// Every deployment.
    #[must_use]
    pub fn deployments(&self) -> Vec<Deployment> {
        self.lock().deployments.values().cloned().collect()
    }

    /// Every slot.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        self.lock().slots.values().cloned().collect()
    }

    /// Every decision.
    #[must_use]
    pub fn decisions(&self) -> BTreeMap<PushKey, Decision> {
        self.lock().decisions.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A test that panicked elsewhere has not left half a write: each is applied without a way to panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, call: StoreCall, look: impl Fn(&Inner) -> T) -> Result<T, StoreError> {
        let mut inner = self.lock();
        match inner.fault(call) {
            None => Ok(look(&inner)),
            Some(StoreFault::Unreadable) => Err(unreadable()),
            Some(_) => Err(unavailable()),
        }
    }

    fn write(&self, plan: Plan) -> Result<Recorded, StoreError> {
        let mut inner = self.lock();
        match inner.fault(plan.call) {
            None => inner.write(plan),
            Some(StoreFault::UnavailableBefore) => Err(unavailable()),
            Some(StoreFault::UnavailableAfter) => {
                inner.write(plan)?;
                Err(unavailable())
            }
            Some(StoreFault::Conflict) => Err(StoreError::Conflict),
            Some(StoreFault::Unreadable) => Err(unreadable()),
        }
    }
}

impl Inner {
    fn fault(&mut self, call: StoreCall) -> Option<StoreFault> {
        let asked = self.fault_source.as_mut().and_then(|source| source(call));
        if asked.is_some() || !call.is_write() {
            return asked;
        }
        self.write_faults.pop_front()
    }

    fn write(&mut self, plan: Plan) -> Result<Recorded, StoreError> {
        if let Some((key, _)) = &plan.decision
            && let Some(before) = self.decisions.get(key)
        {
            return Ok(Recorded::Before(before.clone()));
        }
        if !self.holds(&plan) {
            return Err(StoreError::Conflict);
        }
        let written = self.apply(plan);
        self.log.push(written);
        Ok(Recorded::New)
    }

    fn tell(&mut self, told: &Told) -> Result<(), StoreError> {
        let standing = self.told.get(&told.name);
        if standing.map_or(0, |standing| standing.version) != told.version {
            return Err(StoreError::Conflict);
        }
        let mut next = told.clone();
        next.version = next.version.saturating_add(1);
        self.told.insert(next.name.clone(), next);
        Ok(())
    }

    /// Whether every item still has the version that the write replaces. What is not there has version 0.
    fn holds(&self, plan: &Plan) -> bool {
        let deployments = plan.deployments.iter().all(|deployment| {
            let stored = self.deployments.get(&deployment.id);
            stored.map_or(0, |stored| stored.version) == deployment.version
        });
        let slot = plan.slot.iter().all(|slot| {
            let stored = self.slots.get(&slot.app);
            stored.map_or(0, |stored| stored.version) == slot.version
        });
        deployments && slot
    }

    fn apply(&mut self, plan: Plan) -> Written {
        let belongs = plan.deployments.first().map(|first| Belongs {
            deployment: first.id.clone(),
            to_a_large_one: first.is_large(),
        });
        let mut written = Written {
            call: plan.call,
            decision: plan.decision,
            deployments: plan.deployments,
            slot: plan.slot,
            commands: plan.commands,
        };
        if let Some(entry) = plan.entry {
            self.entries
                .insert((entry.app.clone(), entry.number), entry);
        }
        if let Some((key, decision)) = written.decision.clone() {
            self.decisions.insert(key, decision);
        }
        for deployment in &mut written.deployments {
            deployment.version = deployment.version.saturating_add(1);
            self.deployments
                .insert(deployment.id.clone(), deployment.clone());
        }
        if let Some(slot) = &mut written.slot {
            slot.version = slot.version.saturating_add(1);
            self.slots.insert(slot.app.clone(), slot.clone());
        }
        for (command, belongs) in written.commands.iter().zip(belongs.iter().cycle()) {
            self.commands.insert(command.clone(), belongs.clone());
        }
        written
    }

    fn open(&self) -> Vec<DeploymentId> {
        self.deployments
            .values()
            .filter(|deployment| !deployment.is_at_rest())
            .map(|deployment| deployment.id.clone())
            .collect()
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("a fault was injected".into())
}

fn unreadable() -> StoreError {
    StoreError::Unreadable {
        key: "a record".to_owned(),
        problem: "schema 2 is not 1, the one this version reads".to_owned(),
    }
}

impl Store for MemoryStore {
    async fn deployment(&self, id: &DeploymentId) -> Result<Option<Deployment>, StoreError> {
        self.read(StoreCall::Deployment, |inner| {
            inner.deployments.get(id).cloned()
        })
    }

    async fn slot(&self, app: &AppName) -> Result<Slot, StoreError> {
        self.read(StoreCall::Slot, |inner| {
            let slot = inner.slots.get(app).cloned();
            slot.unwrap_or_else(|| Slot::empty(app.clone()))
        })
    }

    async fn decision(&self, key: &PushKey) -> Result<Option<Decision>, StoreError> {
        self.read(StoreCall::Decision, |inner| {
            inner.decisions.get(key).cloned()
        })
    }

    async fn deployment_of(&self, command: &CommandId) -> Result<Option<Belongs>, StoreError> {
        self.read(StoreCall::DeploymentOf, |inner| {
            inner.commands.get(command).cloned()
        })
    }

    async fn open(&self) -> Result<Vec<DeploymentId>, StoreError> {
        self.read(StoreCall::Open, |inner| {
            inner.held_index.clone().unwrap_or_else(|| inner.open())
        })
    }

    async fn history(
        &self,
        app: &AppName,
        before: Option<&DeploymentId>,
        limit: u32,
    ) -> Result<Vec<DeploymentId>, StoreError> {
        self.read(StoreCall::History, |inner| {
            let ids = inner.deployments.values().rev();
            let ids = ids.filter(|one| one.app == *app).map(|one| one.id.clone());
            ids.filter(|id| before.is_none_or(|before| id < before))
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .collect()
        })
    }

    async fn skip(
        &self,
        key: &PushKey,
        decision: &Decision,
        _at: Timestamp,
    ) -> Result<Recorded, StoreError> {
        self.write(Plan {
            call: StoreCall::Skip,
            entry: None,
            decision: Some((key.clone(), decision.clone())),
            deployments: Vec::new(),
            slot: None,
            commands: Vec::new(),
        })
    }

    async fn accept(&self, accept: Accept<'_>) -> Result<Recorded, StoreError> {
        let decision = Decision::Deploy(accept.deployment.id.clone());
        let deployments = std::iter::once(accept.deployment).chain(accept.superseded);
        self.write(Plan {
            call: StoreCall::Accept,
            entry: None,
            decision: Some((accept.key.clone(), decision)),
            deployments: deployments.cloned().collect(),
            slot: Some(accept.slot.clone()),
            commands: Vec::new(),
        })
    }

    async fn save(&self, save: Save<'_>) -> Result<(), StoreError> {
        let plan = Plan {
            call: StoreCall::Save,
            entry: None,
            decision: None,
            deployments: vec![save.deployment.clone()],
            slot: save.slot.cloned(),
            commands: save.commands.to_vec(),
        };
        self.write(plan).map(|_| ())
    }

    async fn operate(&self, slot: &Slot, entry: &Entry) -> Result<(), StoreError> {
        let plan = Plan {
            call: StoreCall::Operate,
            entry: Some(entry.clone()),
            decision: None,
            deployments: Vec::new(),
            slot: Some(slot.clone()),
            commands: Vec::new(),
        };
        self.write(plan).map(|_| ())
    }

    async fn told(&self, name: &DigestName) -> Result<Told, StoreError> {
        self.read(StoreCall::Told, |inner| {
            let told = inner.told.get(name).cloned();
            told.unwrap_or_else(|| Told::nothing(name.clone()))
        })
    }

    async fn tell(&self, told: &Told, _at: Timestamp) -> Result<(), StoreError> {
        let mut inner = self.lock();
        match inner.fault(StoreCall::Tell) {
            None => inner.tell(told),
            Some(StoreFault::UnavailableBefore) => Err(unavailable()),
            Some(StoreFault::UnavailableAfter) => {
                inner.tell(told)?;
                Err(unavailable())
            }
            Some(StoreFault::Conflict) => Err(StoreError::Conflict),
            Some(StoreFault::Unreadable) => Err(unreadable()),
        }
    }

    async fn entries(
        &self,
        app: &AppName,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let wanted =
            |entry: &&Entry| entry.app == *app && before.is_none_or(|before| entry.number < before);
        self.read(StoreCall::Entries, |inner| {
            let newest_first = inner.entries.values().rev().filter(wanted);
            newest_first.take(limit).cloned().collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longshore_core::SkipReason;

    fn push() -> PushKey {
        PushKey("a".repeat(64))
    }

    fn skip() -> Decision {
        Decision::Skip(SkipReason::Tag)
    }

    async fn record(store: &MemoryStore) -> Result<Recorded, StoreError> {
        store.skip(&push(), &skip(), Timestamp::default()).await
    }

    #[tokio::test]
    async fn a_fault_before_a_write_leaves_nothing_and_is_used_up() {
        let store = MemoryStore::new();
        store.fail_next_write(StoreFault::UnavailableBefore);
        store.fail_next_write(StoreFault::Conflict);
        assert!(matches!(
            record(&store).await,
            Err(StoreError::Unavailable(_))
        ));
        assert!(matches!(record(&store).await, Err(StoreError::Conflict)));
        assert_eq!(store.log(), []);
        assert_eq!(record(&store).await.unwrap(), Recorded::New);
        assert_eq!(store.log().len(), 1);
    }

    #[tokio::test]
    async fn a_fault_after_a_write_loses_only_the_answer() {
        let store = MemoryStore::new();
        store.fail_next_write(StoreFault::UnavailableAfter);
        assert!(matches!(
            record(&store).await,
            Err(StoreError::Unavailable(_))
        ));
        assert_eq!(record(&store).await.unwrap(), Recorded::Before(skip()));
        assert_eq!(store.log().len(), 1);
    }

    #[tokio::test]
    async fn a_source_of_faults_is_asked_before_every_call() {
        let store = MemoryStore::new();
        store.fail_by(|call| (!call.is_write()).then_some(StoreFault::UnavailableBefore));
        assert!(store.open().await.is_err());
        assert_eq!(record(&store).await.unwrap(), Recorded::New);
        store.stop_failing();
        assert_eq!(store.decision(&push()).await.unwrap(), Some(skip()));
    }
}
