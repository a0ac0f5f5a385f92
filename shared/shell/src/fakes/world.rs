//! A whole world in memory, with a clock that only tests move.

use super::{
    FakeAlarms, FakeAppLogs, FakeArtifacts, FakeBranches, FakeMetrics, FakeOutside, FakeSsm,
    MemoryCalendars, MemoryStore,
};
use crate::ports::{
    Clock, Configs, Configuration, Configured, DigestDue, Ids, LookAgain, LookError, Repositories,
    ResolveError, Sighting, Wake,
};
use crate::world::World;
use longshore_app_config::AppConfig;
use longshore_core::{DeploymentId, HostId, Millis, Repository, Timestamp};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A clock that stands still until it is moved.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(time.as_unix_ms())))
    }

    /// Moves the clock on.
    pub fn pass(&self, span: Millis) {
        self.0.fetch_add(span.as_ms(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// App configurations in memory, every version of each.
#[derive(Clone, Debug, Default)]
pub struct MemoryConfigs(Arc<Mutex<BTreeMap<Repository, Vec<AppConfig>>>>);

impl MemoryConfigs {
    /// Puts a new version of a configuration.
    pub fn put(&self, repository: &Repository, config: AppConfig) {
        let mut configs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        configs.entry(repository.clone()).or_default().push(config);
    }
}

impl Configs for MemoryConfigs {
    async fn config(
        &self,
        repository: &Repository,
        version: Option<u32>,
    ) -> Result<Option<Configured>, ResolveError> {
        let configs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(versions) = configs.get(repository) else {
            return Ok(None);
        };
        let latest = u32::try_from(versions.len()).unwrap_or(u32::MAX);
        let version = version.unwrap_or(latest);
        let index = usize::try_from(version)
            .unwrap_or(usize::MAX)
            .checked_sub(1);
        let config = index.and_then(|index| versions.get(index)).cloned();
        Ok(config.map(|config| Configured { config, version }))
    }
}

impl Repositories for MemoryConfigs {
    async fn repositories(&self) -> Result<Vec<Repository>, ResolveError> {
        let configs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(configs.keys().cloned().collect())
    }

    async fn configurations(&self) -> Result<Vec<Configuration>, ResolveError> {
        let configs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = configs.iter().filter_map(|(repository, versions)| {
            let version = u32::try_from(versions.len()).unwrap_or(u32::MAX);
            let config = versions.last()?.clone();
            Some((repository.clone(), Ok(Configured { config, version })))
        });
        Ok(newest.collect())
    }
}

/// A look that was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// At a deployment.
    Look(LookAgain),
    /// At a branch, a second time.
    Confirm(Sighting),
    /// At a digest that is due.
    Digest(DigestDue),
}

/// Looks that were planned, with the time each is for.
#[derive(Clone, Debug)]
pub struct MemoryWake {
    clock: ManualClock,
    planned: Arc<Mutex<Vec<(Timestamp, Planned)>>>,
}

impl MemoryWake {
    fn lock(&self) -> MutexGuard<'_, Vec<(Timestamp, Planned)>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the looks that are due.
    #[must_use]
    pub fn take_due(&self) -> Vec<Planned> {
        let now = self.clock.now();
        let mut planned = self.lock();
        let (due, later) = planned.drain(..).partition(|(at, _)| *at <= now);
        *planned = later;
        let due: Vec<(Timestamp, Planned)> = due;
        due.into_iter().map(|(_, look)| look).collect()
    }

    fn plan(&self, look: Planned, after: Millis) {
        let at = self.clock.now().after(after);
        self.lock().push((at, look));
    }

    /// The time of the first planned look.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.lock().iter().map(|(at, _)| *at).min()
    }

    /// Loses every planned look.
    pub fn lose_all(&self) {
        self.lock().clear();
    }
}

impl Wake for MemoryWake {
    async fn later(&self, look: &LookAgain) -> Result<(), LookError> {
        self.plan(Planned::Look(look.clone()), look.after);
        Ok(())
    }

    async fn confirm(&self, sighting: &Sighting, after: Millis) -> Result<(), LookError> {
        self.plan(Planned::Confirm(sighting.clone()), after);
        Ok(())
    }

    async fn digest(&self, due: &DigestDue) -> Result<(), LookError> {
        self.plan(Planned::Digest(due.clone()), Millis::default());
        Ok(())
    }
}

/// Deployment ids that count up.
#[derive(Clone, Debug, Default)]
pub struct CountingIds(Arc<AtomicU64>);

impl Ids for CountingIds {
    #[expect(clippy::expect_used, reason = "a ULID by construction, in a fake")]
    fn deployment_id(&self) -> DeploymentId {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        DeploymentId::parse(&format!("01JD{number:022}")).expect("a ULID")
    }

    /// Counted ids know no time.
    fn first_at(&self, _at: Timestamp) -> Option<DeploymentId> {
        None
    }
}

/// Every port in memory.
#[derive(Clone)]
pub struct FakeWorld {
    /// The table.
    pub store: Arc<MemoryStore>,
    /// SSM and the hosts.
    pub ssm: FakeSsm,
    /// The builds that were made elsewhere.
    pub artifacts: FakeArtifacts,
    /// The app configurations.
    pub configs: MemoryConfigs,
    /// The calendars that freeze.
    pub calendars: MemoryCalendars,
    /// The check from outside.
    pub outside: FakeOutside,
    /// The alarms.
    pub alarms: FakeAlarms,
    /// The metrics.
    pub metrics: FakeMetrics,
    /// What the apps have logged.
    pub app_logs: FakeAppLogs,
    /// Planned looks.
    pub wake: MemoryWake,
    /// The clock.
    pub clock: ManualClock,
    /// Ids.
    pub ids: CountingIds,
    /// Where the branches point.
    pub branches: FakeBranches,
}

impl FakeWorld {
    /// A world with these hosts, at a fixed time.
    #[must_use]
    pub fn new(hosts: &[HostId]) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_700_000_000_000));
        Self {
            store: Arc::default(),
            ssm: FakeSsm::new(clock.clone(), hosts),
            artifacts: FakeArtifacts::default(),
            configs: MemoryConfigs::default(),
            calendars: MemoryCalendars::default(),
            outside: FakeOutside::new(&clock),
            alarms: FakeAlarms::default(),
            metrics: FakeMetrics::default(),
            app_logs: FakeAppLogs::default(),
            wake: MemoryWake {
                clock: clock.clone(),
                planned: Arc::default(),
            },
            clock,
            ids: CountingIds::default(),
            branches: FakeBranches::default(),
        }
    }
}

impl World for FakeWorld {
    type Store = MemoryStore;
    type Commands = FakeSsm;
    type Fleet = FakeSsm;
    type Artifacts = FakeArtifacts;
    type Configs = MemoryConfigs;
    type Calendars = MemoryCalendars;
    type Outside = FakeOutside;
    type Alarms = FakeAlarms;
    type Metrics = FakeMetrics;
    type AppLogs = FakeAppLogs;
    type Wake = MemoryWake;
    type Clock = ManualClock;
    type Branches = FakeBranches;

    fn store(&self) -> &Self::Store {
        &self.store
    }
    fn commands(&self) -> &Self::Commands {
        &self.ssm
    }
    fn fleet(&self) -> &Self::Fleet {
        &self.ssm
    }
    fn artifacts(&self) -> &Self::Artifacts {
        &self.artifacts
    }
    fn configs(&self) -> &Self::Configs {
        &self.configs
    }
    fn calendars(&self) -> &Self::Calendars {
        &self.calendars
    }
    fn outside(&self) -> &Self::Outside {
        &self.outside
    }
    fn alarms(&self) -> &Self::Alarms {
        &self.alarms
    }
    fn metrics(&self) -> &Self::Metrics {
        &self.metrics
    }
    fn app_logs(&self) -> &Self::AppLogs {
        &self.app_logs
    }
    fn wake(&self) -> &Self::Wake {
        &self.wake
    }
    fn clock(&self) -> &Self::Clock {
        &self.clock
    }
    fn branches(&self) -> &Self::Branches {
        &self.branches
    }
}
