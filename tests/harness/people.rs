//! The people who are told: every message is kept with its channel, and a channel can be down.

use longshore_core::{ChannelName, DeploymentId};
use longshore_shell::announce::{Announce, AnnounceError, Notice, Reply};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

/// One message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `sns`, or the Slack channel's name.
    pub channel: String,
    /// The deployment it names.
    pub deployment: DeploymentId,
    /// Its number, the same in every repeat.
    pub number: u32,
    /// All of it.
    pub text: String,
}

/// Every channel in memory.
#[derive(Clone, Debug, Default)]
pub struct People(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    told: Vec<Told>,
    down: BTreeSet<String>,
    tried: u32,
    replies: Vec<(String, String)>,
}

impl People {
    /// Every message, in the order of arrival.
    pub fn told(&self) -> Vec<Told> {
        self.lock().told.clone()
    }

    /// Every answer to a click, with where it went, in the order of arrival.
    pub fn replies(&self) -> Vec<(String, String)> {
        self.lock().replies.clone()
    }

    /// How often somebody tried a channel that was down.
    pub fn tried_in_vain(&self) -> u32 {
        self.lock().tried
    }

    /// Takes a channel down, or brings it back.
    pub fn set_down(&self, channel: &str, down: bool) {
        let mut inner = self.lock();
        if down {
            inner.down.insert(channel.to_owned());
        } else {
            inner.down.remove(channel);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    fn take(&self, channel: &str, text: String) -> Result<(), AnnounceError> {
        let mut inner = self.lock();
        if inner.down.contains(channel) {
            inner.tried += 1;
            return Err(AnnounceError::Retry("the channel is down".to_owned()));
        }
        let (deployment, number) = reference(&text);
        inner.told.push(Told {
            channel: channel.to_owned(),
            deployment,
            number,
            text,
        });
        Ok(())
    }
}

/// What every message says at its end: `deployment <id> · message <number>`.
fn reference(text: &str) -> (DeploymentId, u32) {
    let (_, rest) = text.rsplit_once("deployment 01").expect("a reference");
    let (id, rest) = rest.split_once(" · message ").expect("a number");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let id = DeploymentId::parse(&format!("01{id}")).expect("a deployment");
    (id, digits.parse().expect("a number"))
}

impl Announce for People {
    async fn publish(&self, notice: &Notice) -> Result<(), AnnounceError> {
        self.take("sns", notice.body.clone())
    }

    async fn post(&self, channel: &ChannelName, json: &str) -> Result<(), AnnounceError> {
        self.take(channel.as_str(), json.to_owned())
    }
}

impl Reply for People {
    async fn reply(&self, url: &str, json: &str) -> Result<(), AnnounceError> {
        let mut inner = self.lock();
        if inner.down.contains(url) {
            inner.tried += 1;
            return Err(AnnounceError::Retry("Slack is down".to_owned()));
        }
        inner.replies.push((url.to_owned(), json.to_owned()));
        Ok(())
    }
}
