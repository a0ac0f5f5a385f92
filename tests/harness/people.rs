//! The people and systems who are told: every message is kept with its channel, and a channel can be down, or ask for patience.

use longshore_core::{DeploymentId, MessageTs, Millis};
use longshore_shell::announce::{Announce, AnnounceError, Letter, Reply, SlackCall, Status, Tag};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// One message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `sns`, or the channel's name; of Slack's own app the channel's id, and a call of its API in the place of a message.
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
    digests: Vec<(String, String)>,
    down: BTreeSet<String>,
    busy: BTreeMap<String, Millis>,
    statuses: Vec<Status>,
    tags: Vec<Tag>,
    calls: Vec<(SlackCall, Value)>,
    tried: u32,
    replies: Vec<(String, String)>,
}

impl People {
    /// Every message, in the order of arrival.
    pub fn told(&self) -> Vec<Told> {
        self.lock().told.clone()
    }

    /// Every digest, with its channel, in the order of arrival.
    pub fn digests(&self) -> Vec<(String, String)> {
        self.lock().digests.clone()
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

    /// Every build status that was written, in order.
    pub fn statuses(&self) -> Vec<Status> {
        self.lock().statuses.clone()
    }

    /// Every tag that was made, in order.
    pub fn tags(&self) -> Vec<Tag> {
        self.lock().tags.clone()
    }

    /// Every call of Slack's API, in order.
    pub fn calls(&self) -> Vec<(SlackCall, Value)> {
        self.lock().calls.clone()
    }

    /// Lets a channel answer the next message with a wish for patience.
    pub fn ask_for_patience(&self, channel: &str, patience: Millis) {
        self.lock().busy.insert(channel.to_owned(), patience);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// A channel that takes something now, or the reason why it does not.
    fn open(&self, channel: &str) -> Result<MutexGuard<'_, Inner>, AnnounceError> {
        let mut inner = self.lock();
        if inner.down.contains(channel) {
            inner.tried += 1;
            return Err(AnnounceError::Retry("the channel is down".to_owned()));
        }
        if let Some(patience) = inner.busy.remove(channel) {
            inner.tried += 1;
            return Err(AnnounceError::Later("too many".to_owned(), patience));
        }
        Ok(inner)
    }

    fn take(&self, channel: &str, text: String) -> Result<(), AnnounceError> {
        let mut inner = self.open(channel)?;
        if text.contains("digest of ") {
            inner.digests.push((channel.to_owned(), text));
            return Ok(());
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
    async fn send(&self, letter: &Letter) -> Result<Option<MessageTs>, AnnounceError> {
        match letter {
            Letter::Topic(notice) => self.take("sns", notice.body.clone())?,
            Letter::Slack { channel, json } | Letter::Teams { channel, json } => {
                self.take(channel.as_str(), json.clone())?;
            }
            Letter::Webhook {
                channel, id, json, ..
            } => {
                let (deployment, number) = id.split_once('.').expect("an id of two parts");
                let text = format!("{json} deployment {deployment} · message {number}");
                self.take(channel.as_str(), text)?;
            }
            Letter::SlackApp { call, json } => return self.call(*call, json).map(Some),
            Letter::Status(status) => self.open("build_status")?.statuses.push(status.clone()),
            Letter::Tag(tag) => self.open("tag")?.tags.push(tag.clone()),
        }
        Ok(None)
    }
}

impl People {
    /// A call of Slack's API; the message that it makes has a `ts` of its own.
    fn call(&self, call: SlackCall, json: &str) -> Result<MessageTs, AnnounceError> {
        let body: Value = serde_json::from_str(json).unwrap_or_default();
        let channel = body["channel"].as_str().unwrap_or_default();
        self.take(channel, json.to_owned())?;
        let mut inner = self.lock();
        inner.calls.push((call, body));
        let ts = format!("1700000000.{:06}", inner.calls.len());
        MessageTs::parse(&ts).map_err(|error| AnnounceError::GiveUp(error.to_string()))
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
