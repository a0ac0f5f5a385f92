//! The notifier's desk as it is on AWS.

use crate::Desk;
use longshore_core::EnvironmentName;
use longshore_shell::announce::{Announce, AwsAnnounce};
use longshore_shell::clock::SystemClock;
use longshore_shell::config::NotifierConfig;
use longshore_shell::connect::{Aws, ConnectError};
use longshore_shell::ports::{Clock, Store};
use longshore_shell::secrets::SsmSecrets;
use longshore_shell::store::DynamoStore;

/// Every port that the notifier needs, by its adapter.
#[derive(Debug)]
pub struct AwsDesk {
    environment: EnvironmentName,
    store: DynamoStore,
    channels: AwsAnnounce<SsmSecrets<SystemClock>>,
}

impl AwsDesk {
    /// Builds the clients. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError`] when the trusted roots cannot be read.
    pub fn connect(config: &NotifierConfig) -> Result<Self, ConnectError> {
        let aws = Aws::connect(&config.access)?;
        let secrets = SsmSecrets::new(&aws, &config.environment, SystemClock);
        Ok(Self {
            environment: config.environment.clone(),
            store: DynamoStore::connect(&aws, &config.table),
            channels: AwsAnnounce::new(&aws, &config.access, &config.topic_arn, secrets),
        })
    }
}

impl Desk for AwsDesk {
    fn store(&self) -> &impl Store {
        &self.store
    }
    fn channels(&self) -> &impl Announce {
        &self.channels
    }
    fn clock(&self) -> &impl Clock {
        &SystemClock
    }
    fn environment(&self) -> &EnvironmentName {
        &self.environment
    }
}
