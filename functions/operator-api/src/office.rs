//! The API's world as it is on AWS.

use crate::Office;
use longshore_core::EnvironmentName;
use longshore_shell::accept::Deciding;
use longshore_shell::calendars::SsmCalendars;
use longshore_shell::clock::{SystemClock, SystemIds};
use longshore_shell::config::{ConsoleAccess, OperatorConfig};
use longshore_shell::configs::SsmConfigs;
use longshore_shell::connect::{Aws, ConnectError};
use longshore_shell::fleet::SsmFleet;
use longshore_shell::host_logs::CloudWatchHostLogs;
use longshore_shell::ports::{
    Calendars, Clock, Configs, Fleet, HostLogs, Ids, Repositories, Store,
};
use longshore_shell::store::DynamoStore;

/// Every port that the API needs, by its adapter.
#[derive(Debug)]
pub struct AwsOffice {
    store: DynamoStore,
    configs: SsmConfigs<SystemClock>,
    fleet: SsmFleet,
    calendars: SsmCalendars<SystemClock>,
    host_logs: CloudWatchHostLogs,
    ids: SystemIds,
    environment: EnvironmentName,
    console: Option<ConsoleAccess>,
}

impl AwsOffice {
    /// Builds the clients. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError`] when the trusted roots cannot be read.
    pub fn connect(config: &OperatorConfig) -> Result<Self, ConnectError> {
        let aws = Aws::connect(&config.access)?;
        Ok(Self {
            store: DynamoStore::connect(&aws, &config.table),
            configs: SsmConfigs::new(&aws, &config.environment, SystemClock),
            fleet: SsmFleet::new(&aws, &config.environment, &config.document),
            calendars: SsmCalendars::new(&aws, &config.environment, SystemClock),
            host_logs: CloudWatchHostLogs::new(&aws, &config.environment),
            ids: SystemIds::default(),
            environment: config.environment.clone(),
            console: config.console.clone(),
        })
    }
}

impl Deciding for AwsOffice {
    fn store(&self) -> &impl Store {
        &self.store
    }
    fn configs(&self) -> &impl Configs {
        &self.configs
    }
    fn clock(&self) -> &impl Clock {
        &SystemClock
    }
    fn ids(&self) -> &impl Ids {
        &self.ids
    }
    fn environment(&self) -> &EnvironmentName {
        &self.environment
    }
}

impl Office for AwsOffice {
    fn fleet(&self) -> &impl Fleet {
        &self.fleet
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
    fn console(&self) -> Option<&ConsoleAccess> {
        self.console.as_ref()
    }
}
