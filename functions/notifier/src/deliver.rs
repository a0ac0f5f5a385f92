//! One message on its way to its channel.
//!
//! A channel that is told anew gets the message as it was owed. One where each message takes the place of the one before gets the
//! deployment as it is now: what is late must not look like what is new.

use crate::message::Message;
use crate::{Desk, commit, note, slack, sns, teams, webhook};
use longshore_core::{
    Announcement, Channel, Deployment, MessageTs, Observation, Post, Severity, SlackChannel,
    Timestamp,
};
use longshore_shell::announce::{Announce, AnnounceError, Letter, SlackCall};
use longshore_shell::ports::Clock;

/// Delivers a message.
pub(crate) async fn deliver<D: Desk>(
    desk: &D,
    deployment: &Deployment,
    announcement: &Announcement,
) -> Result<(), AnnounceError> {
    let now = desk.clock().now();
    if let Channel::SlackApp(channel) = &announcement.channel {
        let message = Message::as_it_stands(deployment, announcement, now);
        return InSlack { desk, channel }.show(deployment, &message).await;
    }
    match letter(deployment, announcement, now) {
        Some(letter) => desk.channels().send(&letter).await.map(|_| ()),
        None => Ok(()),
    }
}

/// A message as a letter, for the channels that one letter is enough for. None for a tag on what has not succeeded, and for a Slack
/// channel of the app, which takes several.
#[must_use]
pub(crate) fn letter(
    deployment: &Deployment,
    announcement: &Announcement,
    now: Timestamp,
) -> Option<Letter> {
    let message = || Message::of(deployment, announcement, now);
    Some(match &announcement.channel {
        Channel::Sns => Letter::Topic(sns::notice(&message())),
        Channel::Slack(channel) => Letter::Slack {
            channel: channel.clone(),
            json: slack::body(&message()),
        },
        Channel::Teams(channel) => Letter::Teams {
            channel: channel.clone(),
            json: teams::body(&message()),
        },
        Channel::Webhook(channel) => Letter::Webhook {
            channel: channel.clone(),
            id: webhook::id(&message()),
            at: now,
            json: webhook::body(&message()),
        },
        Channel::BuildStatus => {
            let message = Message::as_it_stands(deployment, announcement, now);
            Letter::Status(commit::status(deployment, &message))
        }
        Channel::Tag => Letter::Tag(commit::tag(deployment)?),
        Channel::SlackApp(_) => return None,
    })
}

/// A channel that the environment's own Slack app writes to.
struct InSlack<'a, D> {
    desk: &'a D,
    channel: &'a SlackChannel,
}

impl<D: Desk> InSlack<'_, D> {
    /// Shows a deployment: by one message, which changes, with the details in its thread. Only where a person must do something
    /// and would not see the change, a second one says so.
    async fn show(&self, deployment: &Deployment, message: &Message) -> Result<(), AnnounceError> {
        let standing = deployment.post_in(self.channel);
        let is_changed = match standing {
            Some(post) => self.change(post, message).await?,
            None => false,
        };
        let post = match standing.filter(|_| is_changed) {
            Some(post) => post.clone(),
            None => self.post(deployment, message).await?,
        };
        if let Some(details) = slack::details(&post, message) {
            self.call(SlackCall::Post, details).await?;
        }
        let asks = matches!(message.severity, Severity::Warning | Severity::Critical);
        if is_changed && asks {
            let call = slack::call_for_a_person(&post, message);
            self.call(SlackCall::Post, call).await?;
        }
        Ok(())
    }

    /// Changes the message that stands; says whether it still stood.
    async fn change(&self, post: &Post, message: &Message) -> Result<bool, AnnounceError> {
        let update = slack::update(post, message);
        match self.call(SlackCall::Update, update).await {
            Ok(_) => Ok(true),
            // Somebody has deleted it, or Slack lets nobody change it any more.
            Err(AnnounceError::GiveUp(_)) => Ok(false),
            Err(error @ (AnnounceError::Retry(_) | AnnounceError::Later(..))) => Err(error),
        }
    }

    /// Posts the message, and records at once where it stands, so that a repeat changes it.
    async fn post(
        &self,
        deployment: &Deployment,
        message: &Message,
    ) -> Result<Post, AnnounceError> {
        let sent = self.call(SlackCall::Post, slack::post(self.channel, message));
        let Some(ts) = sent.await? else {
            let reason = "Slack does not say where the message stands".to_owned();
            return Err(AnnounceError::GiveUp(reason));
        };
        let post = Post {
            channel: self.channel.clone(),
            ts,
        };
        let seen = Observation::Posted(post.clone());
        // A post that cannot be recorded is posted again by the repeat, which is recognisable.
        note(self.desk, &deployment.id, seen)
            .await
            .map_err(|error| AnnounceError::Retry(error.to_string()))?;
        Ok(post)
    }

    async fn call(
        &self,
        call: SlackCall,
        json: String,
    ) -> Result<Option<MessageTs>, AnnounceError> {
        let letter = Letter::SlackApp { call, json };
        self.desk.channels().send(&letter).await
    }
}
