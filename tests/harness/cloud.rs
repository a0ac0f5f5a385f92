//! What the handlers see: every port of the fakes on one stage, and Bitbucket's secrets.

use crate::clicks::SIGNING;
use crate::deliveries::SECRET;
use crate::people::People;
use crate::stage::{Stage, Staged};
use longshore_core::{EnvironmentName, HostId, Timestamp};
use longshore_events::Click;
use longshore_shell::accept::Deciding;
use longshore_shell::announce::Announce;
use longshore_shell::config::ConsoleAccess;
use longshore_shell::fakes::{
    CountingIds, FakeAlarms, FakeAppLogs, FakeArtifacts, FakeBranches, FakeMetrics, FakeOutside,
    FakeSsm, FakeWorld, ManualClock, MemoryCalendars, MemoryConfigs, MemoryHostLogs, MemoryStore,
    MemoryWake,
};
use longshore_shell::ports::{
    Calendars, Clock, Configs, Fleet, HostLogs, Ids, Repositories, Store,
};
use longshore_shell::secrets::SecretError;
use longshore_shell::world::{Watch, World};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use trigger_deploy::signature::Secrets;

/// Every port on one stage.
pub struct Cloud {
    /// The ports themselves, for whoever stands outside.
    pub world: FakeWorld,
    /// The people.
    pub people: People,
    /// What happens around the calls.
    pub stage: Stage,
    /// The webhook's secret parameter: what the cache holds, and what Parameter Store holds.
    pub secrets: Arc<Mutex<(String, String)>>,
    /// The secret that clicks are signed with: what the cache holds, and what Parameter Store holds.
    pub signing: Arc<Mutex<(String, String)>>,
    /// What the function that takes clicks has recorded; none while the queue is down.
    pub clicks: Arc<Mutex<Option<Vec<Click>>>>,
    /// What the hosts have written.
    pub host_logs: MemoryHostLogs,
    environment: EnvironmentName,
    store: Staged<Arc<MemoryStore>>,
    ssm: Staged<FakeSsm>,
    artifacts: Staged<FakeArtifacts>,
    configs: Staged<MemoryConfigs>,
    calendars: Staged<MemoryCalendars>,
    outside: Staged<FakeOutside>,
    alarms: Staged<FakeAlarms>,
    metrics: Staged<FakeMetrics>,
    app_logs: Staged<FakeAppLogs>,
    wake: Staged<MemoryWake>,
    channels: Staged<People>,
    branches: Staged<FakeBranches>,
    /// The functions' clock.
    pub clock: FunctionClock,
}

/// The clock of whichever function runs: not quite that of the others.
#[derive(Clone, Debug)]
pub struct FunctionClock {
    clock: ManualClock,
    ahead_ms: Arc<AtomicI64>,
}

impl FunctionClock {
    /// Sets it ahead, or behind.
    pub fn set_ahead(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::SeqCst);
    }
}

impl Clock for FunctionClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_ms.load(Ordering::SeqCst);
        let now = self.clock.now().as_unix_ms();
        Timestamp::from_unix_ms(now.saturating_add_signed(ahead))
    }
}

impl Cloud {
    /// A cloud with these hosts.
    pub fn new(hosts: &[HostId]) -> Self {
        let world = FakeWorld::new(hosts);
        let stage = Stage::default();
        let people = People::default();
        Self {
            store: Staged::new(Arc::clone(&world.store), &stage),
            ssm: Staged::new(world.ssm.clone(), &stage),
            artifacts: Staged::new(world.artifacts.clone(), &stage),
            configs: Staged::new(world.configs.clone(), &stage),
            calendars: Staged::new(world.calendars.clone(), &stage),
            outside: Staged::new(world.outside.clone(), &stage),
            alarms: Staged::new(world.alarms.clone(), &stage),
            metrics: Staged::new(world.metrics.clone(), &stage),
            app_logs: Staged::new(world.app_logs.clone(), &stage),
            wake: Staged::new(world.wake.clone(), &stage),
            channels: Staged::new(people.clone(), &stage),
            branches: Staged::new(world.branches.clone(), &stage),
            clock: FunctionClock {
                clock: world.clock.clone(),
                ahead_ms: Arc::default(),
            },
            environment: EnvironmentName::parse("prod").unwrap(),
            secrets: Arc::new(Mutex::new((SECRET.to_owned(), SECRET.to_owned()))),
            signing: Arc::new(Mutex::new((SIGNING.to_owned(), SIGNING.to_owned()))),
            clicks: Arc::new(Mutex::new(Some(Vec::new()))),
            host_logs: MemoryHostLogs::default(),
            world,
            people,
            stage,
        }
    }
}

impl World for Cloud {
    type Store = Staged<Arc<MemoryStore>>;
    type Commands = Staged<FakeSsm>;
    type Fleet = Staged<FakeSsm>;
    type Artifacts = Staged<FakeArtifacts>;
    type Configs = Staged<MemoryConfigs>;
    type Calendars = Staged<MemoryCalendars>;
    type Outside = Staged<FakeOutside>;
    type Alarms = Staged<FakeAlarms>;
    type Metrics = Staged<FakeMetrics>;
    type AppLogs = Staged<FakeAppLogs>;
    type Wake = Staged<MemoryWake>;
    type Clock = FunctionClock;
    type Branches = Staged<FakeBranches>;

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

impl Watch for Cloud {
    type Repositories = Staged<MemoryConfigs>;
    type Ids = CountingIds;
    type Replies = Staged<People>;

    fn repositories(&self) -> &Self::Repositories {
        &self.configs
    }
    fn ids(&self) -> &Self::Ids {
        &self.world.ids
    }
    fn replies(&self) -> &Self::Replies {
        &self.channels
    }
    fn environment(&self) -> &EnvironmentName {
        &self.environment
    }
}

impl Deciding for Cloud {
    fn store(&self) -> &impl Store {
        &self.store
    }
    fn configs(&self) -> &impl Configs {
        &self.configs
    }
    fn clock(&self) -> &impl Clock {
        &self.clock
    }
    fn ids(&self) -> &impl Ids {
        let ids: &CountingIds = &self.world.ids;
        ids
    }
    fn environment(&self) -> &EnvironmentName {
        &self.environment
    }
}

impl operator_api::Office for Cloud {
    fn console(&self) -> Option<&ConsoleAccess> {
        None
    }
    fn fleet(&self) -> &impl Fleet {
        &self.ssm
    }
    fn repositories(&self) -> &impl Repositories {
        &self.configs
    }
    fn calendars(&self) -> &impl Calendars {
        &self.calendars
    }
    fn host_logs(&self) -> &impl HostLogs {
        &self.host_logs
    }
}

impl trigger_deploy::Entrance for Cloud {
    async fn secrets(&self, fresh: bool) -> Result<Option<Secrets>, SecretError> {
        let mut kept = self.secrets.lock().unwrap();
        if fresh {
            let (cached, stored) = &mut *kept;
            cached.clone_from(stored);
        }
        Secrets::parse(&kept.0)
            .map(Some)
            .map_err(|problem| SecretError::Refused {
                name: "bitbucket/webhook-secret".to_owned(),
                reason: problem.to_string(),
            })
    }
}

impl slack_clicks::Entrance for Cloud {
    async fn secrets(&self, fresh: bool) -> Result<Option<Secrets>, SecretError> {
        let mut kept = self.signing.lock().unwrap();
        if fresh {
            let (cached, stored) = &mut *kept;
            cached.clone_from(stored);
        }
        Ok(Some(Secrets::parse(&kept.0).expect("a secret")))
    }

    async fn record(&self, click: &Click) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut clicks = self.clicks.lock().unwrap();
        let queue = clicks.as_mut().ok_or("the queue is down")?;
        queue.push(click.clone());
        Ok(())
    }

    fn clock(&self) -> &impl Clock {
        &self.clock
    }

    fn is_local(&self) -> bool {
        false
    }
}

impl notifier::Desk for Cloud {
    fn store(&self) -> &impl Store {
        &self.store
    }
    fn channels(&self) -> &impl Announce {
        &self.channels
    }
    fn clock(&self) -> &impl Clock {
        &self.clock
    }
    fn environment(&self) -> &EnvironmentName {
        &self.environment
    }
}
