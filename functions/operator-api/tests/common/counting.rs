//! An office whose table lets others run while it reads a deployment, and counts how many of these reads are under way at once.

use crate::common::office::FakeOffice;
use longshore_core::{
    AppName, CommandId, Decision, Deployment, DeploymentId, EnvironmentName, Slot, Timestamp,
};
use longshore_shell::accept::Deciding;
use longshore_shell::config::ConsoleAccess;
use longshore_shell::ports::{
    Accept, Belongs, Calendars, Clock, Configs, DigestName, Entry, Fleet, HostLogs, Ids, PushKey,
    Recorded, Repositories, Save, Store, StoreError, Told,
};
use operator_api::Office;
use std::sync::atomic::{AtomicU32, Ordering};

/// The office and the table in one.
pub(crate) struct Counting<'a> {
    office: &'a FakeOffice,
    now: AtomicU32,
    pub(crate) most: AtomicU32,
    pub(crate) all: AtomicU32,
}

impl<'a> Counting<'a> {
    pub(crate) const fn over(office: &'a FakeOffice) -> Self {
        Self {
            office,
            now: AtomicU32::new(0),
            most: AtomicU32::new(0),
            all: AtomicU32::new(0),
        }
    }
}

impl Store for Counting<'_> {
    async fn deployment(&self, id: &DeploymentId) -> Result<Option<Deployment>, StoreError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.all.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let read = self.office.store().deployment(id).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        read
    }
    async fn slot(&self, app: &AppName) -> Result<Slot, StoreError> {
        self.office.store().slot(app).await
    }
    async fn decision(&self, key: &PushKey) -> Result<Option<Decision>, StoreError> {
        self.office.store().decision(key).await
    }
    async fn deployment_of(&self, command: &CommandId) -> Result<Option<Belongs>, StoreError> {
        self.office.store().deployment_of(command).await
    }
    async fn open(&self) -> Result<Vec<DeploymentId>, StoreError> {
        self.office.store().open().await
    }
    async fn history(
        &self,
        app: &AppName,
        before: Option<&DeploymentId>,
        limit: u32,
    ) -> Result<Vec<DeploymentId>, StoreError> {
        self.office.store().history(app, before, limit).await
    }
    async fn skip(
        &self,
        key: &PushKey,
        decision: &Decision,
        at: Timestamp,
    ) -> Result<Recorded, StoreError> {
        self.office.store().skip(key, decision, at).await
    }
    async fn accept(&self, accept: Accept<'_>) -> Result<Recorded, StoreError> {
        self.office.store().accept(accept).await
    }
    async fn save(&self, save: Save<'_>) -> Result<(), StoreError> {
        self.office.store().save(save).await
    }
    async fn operate(&self, slot: &Slot, entry: &Entry) -> Result<(), StoreError> {
        self.office.store().operate(slot, entry).await
    }
    async fn entries(
        &self,
        app: &AppName,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        self.office.store().entries(app, before, limit).await
    }
    async fn told(&self, digest: &DigestName) -> Result<Told, StoreError> {
        self.office.store().told(digest).await
    }
    async fn tell(&self, told: &Told, at: Timestamp) -> Result<(), StoreError> {
        self.office.store().tell(told, at).await
    }
}

impl Deciding for Counting<'_> {
    fn store(&self) -> &impl Store {
        self
    }
    fn configs(&self) -> &impl Configs {
        self.office.configs()
    }
    fn clock(&self) -> &impl Clock {
        self.office.clock()
    }
    fn ids(&self) -> &impl Ids {
        self.office.ids()
    }
    fn environment(&self) -> &EnvironmentName {
        self.office.environment()
    }
}

impl Office for Counting<'_> {
    fn fleet(&self) -> &impl Fleet {
        self.office.fleet()
    }
    fn repositories(&self) -> &impl Repositories {
        self.office.repositories()
    }
    fn console(&self) -> Option<&ConsoleAccess> {
        self.office.console()
    }
    fn calendars(&self) -> &impl Calendars {
        self.office.calendars()
    }
    fn host_logs(&self) -> &impl HostLogs {
        self.office.host_logs()
    }
}
