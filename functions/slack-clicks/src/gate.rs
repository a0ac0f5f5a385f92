//! The entrance as it is on AWS.

use crate::Entrance;
use longshore_entrance::Secrets;
use longshore_events::Click;
use longshore_shell::clock::SystemClock;
use longshore_shell::config::ClicksConfig;
use longshore_shell::connect::{Aws, ConnectError};
use longshore_shell::intents::SqsIntents;
use longshore_shell::ports::Clock;
use longshore_shell::secrets::{SecretError, SecretName, Secrets as _, SsmSecrets};
use secrecy::ExposeSecret;
use std::error::Error;
use std::time::Duration;

/// How long warming may take; a function that cannot warm itself still answers.
const WARM_MAX: Duration = Duration::from_secs(1);

/// One parameter and one queue: nothing else is within reach of whoever clicks.
#[derive(Debug)]
pub struct Gate {
    secrets: SsmSecrets<SystemClock>,
    intents: SqsIntents,
    is_local: bool,
}

impl Gate {
    /// Builds the clients. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError`] when the trusted roots cannot be read.
    pub fn connect(config: &ClicksConfig) -> Result<Self, ConnectError> {
        let aws = Aws::connect(&config.access)?;
        Ok(Self {
            secrets: SsmSecrets::new(&aws, &config.environment, SystemClock),
            intents: SqsIntents::new(&aws, &config.queue_url),
            is_local: config.access.is_local(),
        })
    }

    /// Asks for the secret before the first click, while the processor is not yet throttled: Slack waits three seconds. What
    /// fails here is asked again then.
    pub async fn warm(&self) {
        let secret = self.secrets.current(&SecretName::Clicks);
        let _first_click_asks_again = tokio::time::timeout(WARM_MAX, Box::pin(secret)).await;
    }
}

impl Entrance for Gate {
    async fn secrets(&self, fresh: bool) -> Result<Option<Secrets>, SecretError> {
        let name = SecretName::Clicks;
        let secret = if fresh {
            self.secrets.fresh(&name).await?
        } else {
            Some(self.secrets.current(&name).await?)
        };
        secret
            .map(|secret| Secrets::parse(secret.expose_secret()))
            .transpose()
            .map_err(|problem| SecretError::Refused {
                name: "slack-signing-secret".to_owned(),
                reason: problem.to_string(),
            })
    }

    async fn record(&self, click: &Click) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.intents.record(click.message()?).await?)
    }

    fn clock(&self) -> &impl Clock {
        &SystemClock
    }

    fn is_local(&self) -> bool {
        self.is_local
    }
}
