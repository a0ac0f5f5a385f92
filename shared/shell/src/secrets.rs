//! The control plane's own secrets, from Parameter Store: the webhook's, those of the channels of messages, and the access
//! tokens for Bitbucket.
//!
//! A secret is kept for a minute in a type that neither shows it nor leaves it behind in memory. A signature that does
//! not fit may mean that the secret was changed, so it can be read again at once, but not as often as a stranger likes.

use crate::cache::Cache;
use crate::connect::Aws;
use crate::fault::{Fault, Verdict};
use crate::ports::Clock;
use aws_sdk_ssm::Client;
use longshore_core::{ChannelName, EnvironmentName, Millis, Repository};
use secrecy::SecretString;
use std::future::Future;

/// How long a secret is kept.
const KEPT_FOR: Millis = Millis::from_secs(60);

/// A fresh look is refused this long after the last one.
const FRESH_EVERY: Millis = Millis::from_secs(10);

/// Which secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretName {
    /// The secret that Bitbucket signs its webhooks with.
    Webhook,
    /// The secret that Slack signs its clicks with.
    Clicks,
    /// The URL of a Slack channel's incoming webhook.
    Slack(ChannelName),
    /// The token of the environment's own Slack app.
    SlackApp,
    /// The URL of a Teams channel's workflow.
    Teams(ChannelName),
    /// Where a webhook's messages go.
    WebhookUrl(ChannelName),
    /// What a webhook's messages are signed with.
    WebhookSecret(ChannelName),
    /// The access token for Bitbucket's API: of one repository, or of all.
    Token(Option<Repository>),
    /// The access token that may write build statuses and tags: of one repository, or of all. Another one than that of the poll,
    /// which need not write.
    WriteToken(Option<Repository>),
}

/// Why a secret cannot be had. The parameter's name is told, never anything of its value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is none.
    #[error("there is no parameter {name}")]
    Missing {
        /// The parameter's name.
        name: String,
    },
    /// It is empty, or a right to read or decrypt it is missing; a person must act.
    #[error("the parameter {name} cannot be read: {reason}")]
    Refused {
        /// The parameter's name.
        name: String,
        /// What the service says.
        reason: String,
    },
    /// Parameter Store cannot be reached or is throttled; try later.
    #[error("Parameter Store cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The control plane's secrets.
pub trait Secrets: Sync {
    /// A secret, at most a minute old.
    fn current(
        &self,
        name: &SecretName,
    ) -> impl Future<Output = Result<SecretString, SecretError>> + Send;

    /// A secret as it is now, if it was not read in the last ten seconds; `None` then, as the current one is fresh.
    fn fresh(
        &self,
        name: &SecretName,
    ) -> impl Future<Output = Result<Option<SecretString>, SecretError>> + Send;
}

/// Secrets in Parameter Store.
#[derive(Debug)]
pub struct SsmSecrets<C> {
    ssm: Client,
    environment: EnvironmentName,
    clock: C,
    kept: Cache<SecretString>,
}

impl<C: Clock> SsmSecrets<C> {
    /// The secrets of an environment.
    #[must_use]
    pub fn new(aws: &Aws, environment: &EnvironmentName, clock: C) -> Self {
        Self {
            ssm: aws.ssm(),
            environment: environment.clone(),
            clock,
            kept: Cache::new(),
        }
    }

    fn parameter(&self, name: &SecretName) -> String {
        let control = format!("/longshore/{}/control", self.environment);
        match name {
            SecretName::Webhook => format!("{control}/bitbucket/webhook-secret"),
            SecretName::Clicks => format!("{control}/slack-signing-secret"),
            SecretName::Slack(channel) => format!("{control}/slack/{channel}"),
            SecretName::SlackApp => format!("{control}/slack-app-token"),
            SecretName::Teams(channel) => format!("{control}/teams/{channel}"),
            SecretName::WebhookUrl(name) => format!("{control}/webhooks/{name}/url"),
            SecretName::WebhookSecret(name) => format!("{control}/webhooks/{name}/secret"),
            SecretName::Token(None) => format!("{control}/bitbucket/token"),
            SecretName::Token(Some(repository)) => {
                format!("{control}/bitbucket/token/{repository}")
            }
            SecretName::WriteToken(None) => format!("{control}/bitbucket/write-token"),
            SecretName::WriteToken(Some(repository)) => {
                format!("{control}/bitbucket/write-token/{repository}")
            }
        }
    }

    async fn read(&self, parameter: &str) -> Result<SecretString, SecretError> {
        let reply = self
            .ssm
            .get_parameter()
            .name(parameter)
            .with_decryption(true)
            .send()
            .await
            .map_err(|error| unreadable(parameter, Fault::of("GetParameter", &error)))?;
        let value = reply.parameter.and_then(|parameter| parameter.value);
        match value.filter(|value| !value.is_empty()) {
            Some(value) => {
                let secret = SecretString::from(value);
                self.kept.put(parameter, secret.clone(), self.clock.now());
                Ok(secret)
            }
            None => Err(SecretError::Refused {
                name: parameter.to_owned(),
                reason: "it is empty".to_owned(),
            }),
        }
    }
}

impl<C: Clock> Secrets for SsmSecrets<C> {
    async fn current(&self, name: &SecretName) -> Result<SecretString, SecretError> {
        let parameter = self.parameter(name);
        match self.kept.get(&parameter, self.clock.now(), Some(KEPT_FOR)) {
            Some(kept) => Ok(kept),
            None => self.read(&parameter).await,
        }
    }

    async fn fresh(&self, name: &SecretName) -> Result<Option<SecretString>, SecretError> {
        let parameter = self.parameter(name);
        let now = self.clock.now();
        if self.kept.get(&parameter, now, Some(FRESH_EVERY)).is_some() {
            return Ok(None);
        }
        self.read(&parameter).await.map(Some)
    }
}

fn unreadable(name: &str, fault: Fault) -> SecretError {
    match fault.verdict {
        Verdict::Throttled | Verdict::Unknown => SecretError::Unavailable(fault.into()),
        Verdict::Refused if fault.is("ParameterNotFound") => SecretError::Missing {
            name: name.to_owned(),
        },
        Verdict::Refused => SecretError::Refused {
            name: name.to_owned(),
            reason: fault.reason(),
        },
    }
}
