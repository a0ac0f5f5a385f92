//! Tells what happens while it happens, for a person: states, messages, verdicts, each with its time.

use serde_json::Value;

use super::record::{Deployment, Entry};
use crate::LocalCloud;
use crate::clock::now_ms;
use crate::sinks::Message;
use crate::tools::Progress;

/// The story of one push.
pub(super) struct Story {
    say: Progress,
    name: String,
    began_ms: u64,
    entries: usize,
    messages: usize,
    over: bool,
}

impl Story {
    pub(super) fn begin(cloud: &LocalCloud, say: Progress) -> Self {
        Self {
            say,
            name: String::new(),
            began_ms: now_ms(),
            entries: 0,
            messages: cloud.sinks().messages().len(),
            over: false,
        }
    }

    /// The story of one of several deployments that are told at once: each line says whose it is.
    pub(super) fn of(mut self, deployment: &Deployment) -> Self {
        let tail = deployment.id.len().saturating_sub(5);
        self.name = format!("…{}  ", deployment.id.get(tail..).unwrap_or_default());
        self
    }

    /// Says a line with the time since the push.
    pub(super) fn tell(&self, line: &str) {
        self.tell_at(now_ms(), line);
    }

    /// Tells what is new.
    pub(super) fn follow(&mut self, cloud: &LocalCloud, deployment: &Deployment) {
        for entry in deployment.timeline.iter().skip(self.entries) {
            self.tell_at(entry.at_ms, &line_of(entry));
        }
        self.entries = deployment.timeline.len();
        let messages = cloud.sinks().messages();
        for message in messages.iter().skip(self.messages) {
            let ours = message.body.to_string().contains(&deployment.id);
            if let Some(text) = slack_text(message).filter(|_| ours) {
                let at = u64::try_from(message.at_ms).unwrap_or_default();
                self.tell_at(at, &format!("  Slack    {text}"));
            }
        }
        self.messages = messages.len();
    }

    /// Tells what is new until it is over, and then how it ended, once.
    pub(super) fn follow_to_the_end(&mut self, cloud: &LocalCloud, deployment: &Deployment) {
        if self.over {
            return;
        }
        self.follow(cloud, deployment);
        if deployment.at_rest {
            self.verdicts(deployment);
            self.over = true;
        }
    }

    /// Tells how it ended for each host.
    pub(super) fn verdicts(&self, deployment: &Deployment) {
        for (host, verdict) in deployment.verdicts() {
            (self.say)(&format!("{}            {host}  {verdict}", self.name));
        }
        if let Some((class, line)) = deployment.failure() {
            (self.say)(&format!("{}            why: {class}: {line}", self.name));
        }
    }

    fn tell_at(&self, at_ms: u64, line: &str) {
        let since = at_ms.saturating_sub(self.began_ms);
        let (seconds, tenths) = (since / 1000, since % 1000 / 100);
        (self.say)(&format!("{}  {seconds:>4}.{tenths} s  {line}", self.name));
    }
}

fn line_of(entry: &Entry) -> String {
    match entry.wave {
        Some(wave) => format!("{} (wave {})", entry.state, wave.saturating_add(1)),
        None => entry.state.clone(),
    }
}

/// What Slack shows as the notification of a message.
pub(crate) fn slack_text(message: &Message) -> Option<&str> {
    if !message.path.starts_with("/slack/") || message.status != 200 {
        return None;
    }
    message.body.get("text").and_then(Value::as_str)
}
