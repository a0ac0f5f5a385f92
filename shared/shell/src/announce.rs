//! Telling people and systems: the environment's SNS topic, Slack, Microsoft Teams, signed webhooks, and the commit in Bitbucket.
//!
//! A message may arrive more than once, and carries what makes a repeat recognisable. Addresses and tokens are secrets: they
//! are never logged, and each goes to the hosts of its own service only, as whoever can write such a parameter must not be
//! able to send messages elsewhere. Only a webhook's receiver may be anywhere, as long as that is public and speaks TLS.

mod answer;
mod bitbucket;
mod slack;
mod teams;
mod webhook;

pub use bitbucket::{Status, StatusState, Tag, status_key};
pub use slack::{SlackCall, SlackReply, is_slack};

use crate::config::Access;
use crate::connect::Aws;
use crate::fault::{Fault, Verdict};
use crate::secrets::{SecretError, Secrets};
use crate::telemetry::printable;
use crate::web::Web;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use longshore_core::{ChannelName, MessageTs, Millis, Timestamp};
use std::future::Future;

/// The longest subject (SNS API reference: `Subject`, less than 100 characters of ASCII without line breaks).
const SUBJECT_MAX: usize = 99;

/// A message for the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What mail shows as its subject; cut and made printable when it is sent.
    pub subject: String,
    /// The message.
    pub body: String,
    /// What subscribers can filter by: names with their words or ids.
    pub attributes: Vec<(&'static str, String)>,
}

/// A message, ready for one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// For the environment's topic.
    Topic(Notice),
    /// For a Slack channel's incoming webhook.
    Slack {
        /// The webhook.
        channel: ChannelName,
        /// The message.
        json: String,
    },
    /// For Slack's API, by the environment's own app. The channel stands in the message.
    SlackApp {
        /// What is done.
        call: SlackCall,
        /// The message.
        json: String,
    },
    /// For a channel of Teams.
    Teams {
        /// The workflow's webhook.
        channel: ChannelName,
        /// The message.
        json: String,
    },
    /// For a system that takes signed JSON.
    Webhook {
        /// The webhook.
        channel: ChannelName,
        /// The same in every repeat.
        id: String,
        /// When it is sent.
        at: Timestamp,
        /// The message.
        json: String,
    },
    /// For the commit's build status.
    Status(Status),
    /// For the repository's tags.
    Tag(Tag),
}

/// Why a message was not delivered, by what the caller does.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// Try again later.
    #[error("the message cannot be delivered now: {0}")]
    Retry(String),
    /// Try again, but not before this span is over: the channel has asked for it.
    #[error("the message cannot be delivered now: {0}, and asks for patience")]
    Later(String, Millis),
    /// It will never be taken; a person must act.
    #[error("the message is refused: {0}")]
    GiveUp(String),
}

/// Tells people and systems.
pub trait Announce: Sync {
    /// Sends a message; says where it stands, for what can be changed there later.
    fn send(
        &self,
        letter: &Letter,
    ) -> impl Future<Output = Result<Option<MessageTs>, AnnounceError>> + Send;
}

/// Answers a click in Slack.
pub trait Reply: Sync {
    /// Posts JSON to where Slack takes the answer to one click.
    fn reply(
        &self,
        url: &str,
        json: &str,
    ) -> impl Future<Output = Result<(), AnnounceError>> + Send;
}

/// Messages over every channel.
#[derive(Debug)]
pub struct AwsAnnounce<S> {
    sns: Client,
    topic_arn: String,
    secrets: S,
    web: Web,
    bitbucket: String,
    slack: String,
}

impl<S: Secrets> AwsAnnounce<S> {
    /// Messages to a topic, and to the channels whose addresses and tokens are among the secrets.
    #[must_use]
    pub fn new(aws: &Aws, access: &Access, topic_arn: &str, secrets: S) -> Self {
        Self {
            sns: Client::new(aws.sdk()),
            topic_arn: topic_arn.to_owned(),
            secrets,
            web: aws.web().clone(),
            bitbucket: access.bitbucket_api().trim_end_matches('/').to_owned(),
            slack: access.slack_api().trim_end_matches('/').to_owned(),
        }
    }

    async fn publish(&self, notice: &Notice) -> Result<(), AnnounceError> {
        let subject: String = printable(&notice.subject)
            .chars()
            .take(SUBJECT_MAX)
            .collect();
        let mut request = self
            .sns
            .publish()
            .topic_arn(&self.topic_arn)
            .subject(subject)
            .message(&notice.body);
        for (name, value) in &notice.attributes {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .map_err(|error| AnnounceError::GiveUp(error.to_string()))?;
            request = request.message_attributes(*name, value);
        }
        request
            .send()
            .await
            .map_err(|error| undelivered(&Fault::of("Publish", &error)))?;
        Ok(())
    }
}

impl<S: Secrets> Announce for AwsAnnounce<S> {
    async fn send(&self, letter: &Letter) -> Result<Option<MessageTs>, AnnounceError> {
        let (web, secrets) = (&self.web, &self.secrets);
        match letter {
            Letter::Topic(notice) => self.publish(notice).await?,
            Letter::Slack { channel, json } => {
                slack::to_webhook(web, secrets, channel, json).await?;
            }
            Letter::SlackApp { call, json } => {
                return slack::to_app(web, secrets, &self.slack, *call, json).await;
            }
            Letter::Teams { channel, json } => teams::send(web, secrets, channel, json).await?,
            Letter::Webhook {
                channel,
                id,
                at,
                json,
            } => webhook::send(web, secrets, channel, (id, *at), json).await?,
            Letter::Status(status) => {
                bitbucket::set_status(web, secrets, &self.bitbucket, status).await?;
            }
            Letter::Tag(tag) => bitbucket::set_tag(web, secrets, &self.bitbucket, tag).await?,
        }
        Ok(None)
    }
}

fn undelivered(fault: &Fault) -> AnnounceError {
    match fault.verdict {
        Verdict::Throttled | Verdict::Unknown => AnnounceError::Retry(fault.to_string()),
        Verdict::Refused => AnnounceError::GiveUp(fault.to_string()),
    }
}

fn unreadable(error: &SecretError) -> AnnounceError {
    match error {
        SecretError::Missing { .. } | SecretError::Refused { .. } => {
            AnnounceError::GiveUp(error.to_string())
        }
        SecretError::Unavailable(_) => AnnounceError::Retry(error.to_string()),
    }
}
