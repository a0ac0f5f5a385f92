//! The entrance as it is on AWS.

use crate::Entrance;
use crate::signature::Secrets;
use longshore_core::{AppName, EnvironmentName};
use longshore_shell::accept::Deciding;
use longshore_shell::clock::{SystemClock, SystemIds};
use longshore_shell::config::TriggerConfig;
use longshore_shell::configs::SsmConfigs;
use longshore_shell::connect::{Aws, ConnectError};
use longshore_shell::ports::{Clock, Configs, Ids, Store};
use longshore_shell::secrets::{SecretError, SecretName, Secrets as _, SsmSecrets};
use longshore_shell::store::DynamoStore;
use secrecy::ExposeSecret;
use std::time::Duration;

/// How long warming may take; a function that cannot warm itself still answers.
const WARM_MAX: Duration = Duration::from_secs(1);

/// Every port that the entrance needs, by its adapter.
#[derive(Debug)]
pub struct Gate {
    store: DynamoStore,
    configs: SsmConfigs<SystemClock>,
    secrets: SsmSecrets<SystemClock>,
    ids: SystemIds,
    environment: EnvironmentName,
}

impl Gate {
    /// Builds the clients. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError`] when the trusted roots cannot be read.
    pub fn connect(config: &TriggerConfig) -> Result<Self, ConnectError> {
        let aws = Aws::connect(&config.access)?;
        Ok(Self {
            store: DynamoStore::connect(&aws, &config.table),
            configs: SsmConfigs::new(&aws, &config.environment, SystemClock),
            secrets: SsmSecrets::new(&aws, &config.environment, SystemClock),
            ids: SystemIds::default(),
            environment: config.environment.clone(),
        })
    }

    /// Makes the two connections before the first delivery, while the processor is not yet throttled, by asking for what
    /// the first delivery needs anyway: the secret, and a read of the table. What fails here is asked again then.
    pub async fn warm(&self) {
        let table = async {
            if let Ok(app) = AppName::parse("warm") {
                let _first_delivery_asks_again = self.store.slot(&app).await;
            }
        };
        let secret = self.secrets.current(&SecretName::Webhook);
        let both = async { tokio::join!(table, secret) };
        let _first_delivery_asks_again = tokio::time::timeout(WARM_MAX, Box::pin(both)).await;
    }
}

impl Deciding for Gate {
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

impl Entrance for Gate {
    async fn secrets(&self, fresh: bool) -> Result<Option<Secrets>, SecretError> {
        let name = SecretName::Webhook;
        let secret = if fresh {
            self.secrets.fresh(&name).await?
        } else {
            Some(self.secrets.current(&name).await?)
        };
        secret
            .map(|secret| Secrets::parse(secret.expose_secret()))
            .transpose()
            .map_err(|problem| SecretError::Refused {
                name: "bitbucket/webhook-secret".to_owned(),
                reason: problem.to_string(),
            })
    }
}
