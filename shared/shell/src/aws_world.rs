//! The world as it is on AWS, or on the local cloud: every port by its adapter.

use crate::alarms::CloudWatchAlarms;
use crate::announce::SlackReply;
use crate::app_logs::CloudWatchAppLogs;
use crate::artifacts::S3Artifacts;
use crate::branches::BitbucketBranches;
use crate::calendars::SsmCalendars;
use crate::clock::{SystemClock, SystemIds};
use crate::commands::SsmCommands;
use crate::config::WorkerConfig;
use crate::configs::SsmConfigs;
use crate::connect::{Aws, ConnectError};
use crate::fleet::SsmFleet;
use crate::metrics::CloudWatchMetrics;
use crate::outside::HttpOutside;
use crate::secrets::SsmSecrets;
use crate::store::DynamoStore;
use crate::wake::SqsWake;
use crate::world::{Watch, World};
use longshore_core::EnvironmentName;

/// Every port by its adapter, on one connection pool.
#[derive(Debug)]
pub struct AwsWorld {
    store: DynamoStore,
    commands: SsmCommands<SystemClock>,
    fleet: SsmFleet,
    artifacts: S3Artifacts,
    configs: SsmConfigs<SystemClock>,
    calendars: SsmCalendars<SystemClock>,
    outside: HttpOutside,
    alarms: CloudWatchAlarms,
    metrics: CloudWatchMetrics<SystemClock>,
    app_logs: CloudWatchAppLogs<SystemClock>,
    wake: SqsWake,
    clock: SystemClock,
    branches: BitbucketBranches<SsmSecrets<SystemClock>>,
    ids: SystemIds,
    replies: SlackReply,
    environment: EnvironmentName,
}

impl AwsWorld {
    /// Builds the clients. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError`] when the trusted roots cannot be read.
    pub fn connect(config: &WorkerConfig) -> Result<Self, ConnectError> {
        let aws = Aws::connect(&config.access)?;
        let secrets = SsmSecrets::new(&aws, &config.environment, SystemClock);
        Ok(Self {
            store: DynamoStore::connect(&aws, &config.table),
            commands: SsmCommands::new(&aws, &config.document, SystemClock),
            fleet: SsmFleet::new(&aws, &config.environment, &config.document),
            artifacts: S3Artifacts::new(&aws, &config.access, config.artifact_bucket.as_deref()),
            configs: SsmConfigs::new(&aws, &config.environment, SystemClock),
            calendars: SsmCalendars::new(&aws, &config.environment, SystemClock),
            outside: HttpOutside::new(&aws),
            alarms: CloudWatchAlarms::new(&aws),
            metrics: CloudWatchMetrics::new(&aws, SystemClock),
            app_logs: CloudWatchAppLogs::new(&aws, SystemClock),
            wake: SqsWake::new(&aws, &config.queues),
            clock: SystemClock,
            branches: BitbucketBranches::new(&aws, config.access.bitbucket_api(), secrets),
            ids: SystemIds::default(),
            replies: SlackReply::new(&aws),
            environment: config.environment.clone(),
        })
    }
}

impl World for AwsWorld {
    type Store = DynamoStore;
    type Commands = SsmCommands<SystemClock>;
    type Fleet = SsmFleet;
    type Artifacts = S3Artifacts;
    type Configs = SsmConfigs<SystemClock>;
    type Calendars = SsmCalendars<SystemClock>;
    type Outside = HttpOutside;
    type Alarms = CloudWatchAlarms;
    type Metrics = CloudWatchMetrics<SystemClock>;
    type AppLogs = CloudWatchAppLogs<SystemClock>;
    type Wake = SqsWake;
    type Clock = SystemClock;
    type Branches = BitbucketBranches<SsmSecrets<SystemClock>>;

    fn store(&self) -> &Self::Store {
        &self.store
    }
    fn commands(&self) -> &Self::Commands {
        &self.commands
    }
    fn fleet(&self) -> &Self::Fleet {
        &self.fleet
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

impl Watch for AwsWorld {
    type Repositories = SsmConfigs<SystemClock>;
    type Ids = SystemIds;
    type Replies = SlackReply;

    fn repositories(&self) -> &Self::Repositories {
        &self.configs
    }
    fn ids(&self) -> &Self::Ids {
        &self.ids
    }
    fn replies(&self) -> &Self::Replies {
        &self.replies
    }
    fn environment(&self) -> &EnvironmentName {
        &self.environment
    }
}
