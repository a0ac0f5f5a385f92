//! Pushes, and how their webhooks arrive: once, several times, after the next one, or from somebody else.
//!
//! Nothing is announced by the repository's hook here: each delivery is made by hand, so that it can be doubled, held back
//! and made again.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Teller;
use super::commits;
use super::plan::{CommitKind, Delivery, Forgery, Push, Timed, Visit};
use crate::LocalCloud;
use crate::bitbucket::payload::{self, Move};
use crate::bitbucket::{Delivered, Webhook};
use crate::demo::record::Deployment;
use crate::demo::{Ready, app};

/// A word of every commit's message, to be found nowhere. It stands below the first line, which people are shown: in the table's list of
/// what a deployment brings, and in messages.
pub(crate) const CANARY: &str = "CANARY-message";
const EVENT: &str = "repo:push";
const SERVER_ERROR: u16 = 500;
/// How often a delivery is made again that Bitbucket has given up: what a person does with its *Resend*.
const RESENDS_MAX: usize = 20;
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// What was answered about a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It became this deployment.
    Deployment(String),
    /// It was left alone, for this reason.
    Skipped(String),
    /// Something else, as it was said.
    Other(String),
}

impl Answer {
    fn of(delivered: &Delivered) -> Self {
        let other = || Self::Other(format!("{:?} {}", delivered.status, delivered.body));
        let body: Value = serde_json::from_str(&delivered.body).unwrap_or_default();
        let text = |name: &str| {
            let value = body.pointer(&format!("/changes/0/{name}"));
            value.and_then(Value::as_str).map(str::to_owned)
        };
        match (delivered.status, text("deployment"), text("reason")) {
            (Some(202), Some(id), None) => Self::Deployment(id),
            (Some(200), None, Some(reason)) => Self::Skipped(reason),
            _ => other(),
        }
    }
}

/// One push.
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    /// What it brings.
    pub(crate) kind: CommitKind,
    /// How its webhook arrives.
    pub(crate) delivery: Delivery,
    /// The commit.
    pub(crate) commit: String,
    /// What each delivery was answered, in order.
    pub(crate) answers: Vec<Answer>,
    /// The webhook, byte for byte.
    pub(crate) body: Vec<u8>,
}

/// A webhook of somebody else, and the status of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forged {
    /// What was wrong with it.
    pub(crate) forgery: Forgery,
    /// The answer's status.
    pub(crate) status: Option<u16>,
}

/// Whoever pushes.
pub(crate) struct Pusher<'a> {
    cloud: &'a LocalCloud,
    ready: &'a Ready,
    teller: Teller,
    head: String,
    held_back: Option<usize>,
    /// How many webhooks arrived after that of the next push.
    pub(crate) overtaken: usize,
    /// Every push, in order.
    pub(crate) pushes: Vec<Pushed>,
    /// Every forged webhook.
    pub(crate) forged: Vec<Forged>,
    /// The text of the app's parameter, by its version.
    pub(crate) greetings: BTreeMap<u64, String>,
}

impl<'a> Pusher<'a> {
    pub(crate) fn new(cloud: &'a LocalCloud, ready: &'a Ready, teller: Teller) -> Self {
        Self {
            cloud,
            ready,
            teller,
            head: NOTHING.to_owned(),
            held_back: None,
            overtaken: 0,
            pushes: Vec::new(),
            forged: Vec::new(),
            greetings: BTreeMap::new(),
        }
    }

    /// From here on it tells what it does with these times.
    pub(crate) const fn is_told_by(&mut self, teller: Teller) {
        self.teller = teller;
    }

    /// Does what is planned, each at its time or as soon after it as the one before allows, until the time is over.
    pub(crate) async fn follow(&mut self, visits: &[Timed<Visit>], length: Duration) -> Result<()> {
        let length_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        for visit in visits {
            self.teller.until(visit.at_ms).await;
            if let Visit::Push(Push { patient: true, .. }) = visit.what {
                self.wait_for_rest(length_ms).await;
            }
            if self.teller.elapsed_ms() >= length_ms {
                break;
            }
            match visit.what {
                Visit::Push(push) => self.push(push.commit, push.delivery).await?,
                Visit::Forged(forgery) => self.forge(forgery).await?,
            }
        }
        self.deliver_held_back().await
    }

    async fn wait_for_rest(&self, length_ms: u64) {
        while self.teller.elapsed_ms() < length_ms && !super::is_at_rest(self.cloud).await {
            tokio::time::sleep(super::LOOK_EVERY).await;
        }
    }

    /// Pushes, and sees to it that its webhook is answered, unless that is to wait for the next push.
    pub(crate) async fn push(&mut self, kind: CommitKind, delivery: Delivery) -> Result<()> {
        let pushed = match (kind, self.rolled_back_before().await?) {
            (CommitKind::Again, Some(commit)) => self.push_again(commit, delivery).await?,
            (CommitKind::Again, None) => self.push_new(CommitKind::Good, delivery).await?,
            (kind, _) => self.push_new(kind, delivery).await?,
        };
        let short = pushed.commit.get(..12).unwrap_or_default();
        let words = pushed.kind.words();
        self.teller.tell(&format!("git push   {short} ({words})"));
        let index = self.pushes.len();
        self.pushes.push(pushed);
        if delivery == Delivery::HeldBack && self.held_back.is_none() {
            self.held_back = Some(index);
            return Ok(());
        }
        self.deliver(index).await?;
        if delivery == Delivery::Doubled {
            self.deliver_twice_at_once(index).await?;
        }
        let was_overtaken = self.held_back.is_some();
        self.overtaken = self.overtaken.saturating_add(usize::from(was_overtaken));
        self.deliver_held_back().await
    }

    /// Delivers everything once more; a repeat must get the answer of the first.
    pub(crate) async fn deliver_everything_again(&mut self) -> Result<()> {
        for index in 0..self.pushes.len() {
            self.deliver(index).await?;
        }
        Ok(())
    }

    async fn deliver_held_back(&mut self) -> Result<()> {
        match self.held_back.take() {
            Some(index) => {
                self.teller.tell("the webhook that was held back arrives");
                self.deliver(index).await
            }
            None => Ok(()),
        }
    }

    async fn push_new(&mut self, kind: CommitKind, delivery: Delivery) -> Result<Pushed> {
        let edition = self.pushes.len().saturating_add(1);
        self.change_greeting(edition).await?;
        commits::write(&self.ready.tree, kind, edition)?;
        let first = format!("Edition {edition} $(false) {{{{ssm:/orders/dev/GREETING}}}}");
        let message = format!("{first}\n\n{CANARY}");
        let commit = self.ready.tree.commit(&message).await?;
        self.ready.tree.push("main").await?;
        self.pushed(kind, delivery, commit).await
    }

    async fn push_again(&mut self, commit: String, delivery: Delivery) -> Result<Pushed> {
        let refspec = format!("{commit}:refs/heads/main");
        let arguments = ["push", "--quiet", "--force", "origin", &refspec];
        self.ready.tree.git(&arguments).await?;
        self.pushed(CommitKind::Again, delivery, commit).await
    }

    async fn pushed(
        &mut self,
        kind: CommitKind,
        delivery: Delivery,
        commit: String,
    ) -> Result<Pushed> {
        let moved = Move {
            old: std::mem::replace(&mut self.head, commit.clone()),
            new: commit.clone(),
            reference: "refs/heads/main".to_owned(),
        };
        let body = payload::push(&self.ready.repository, &[moved]).await?;
        Ok(Pushed {
            kind,
            delivery,
            commit,
            answers: Vec::new(),
            body: serde_json::to_vec(&body)?,
        })
    }

    /// A new version of the app's parameter: which one a release has shows on its page.
    async fn change_greeting(&mut self, edition: usize) -> Result<()> {
        let greeting = format!("{} (edition {edition})", app::GREETING);
        let environment = &self.cloud.options().environment;
        let name = format!("/{}/{environment}/GREETING", app::APP);
        let version = self.cloud.put_secret(&name, &greeting).await?;
        self.greetings.insert(version, greeting);
        Ok(())
    }

    /// The newest commit that was rolled back and was never live.
    async fn rolled_back_before(&self) -> Result<Option<String>> {
        let deployments = Deployment::all(self.cloud).await?;
        let live = |commit: &str| {
            let mut succeeded = deployments.iter().filter(|d| d.state == "Succeeded");
            succeeded.any(|d| d.commit() == commit)
        };
        let back = deployments.iter().rev().filter(|d| d.state == "RolledBack");
        let mut commits = back.map(Deployment::commit);
        let found = commits.find(|commit| *commit != self.head && !live(commit));
        Ok(found.map(str::to_owned))
    }

    async fn deliver(&mut self, index: usize) -> Result<()> {
        let pushed = self.pushes.get_mut(index).context("no such push")?;
        let answer = answered(&self.ready.webhook, &pushed.body).await?;
        pushed.answers.push(answer);
        Ok(())
    }

    async fn deliver_twice_at_once(&mut self, index: usize) -> Result<()> {
        let pushed = self.pushes.get_mut(index).context("no such push")?;
        let webhook = &self.ready.webhook;
        let (first, second) = tokio::join!(
            answered(webhook, &pushed.body),
            answered(webhook, &pushed.body)
        );
        pushed.answers.extend([first?, second?]);
        Ok(())
    }

    async fn forge(&mut self, forgery: Forgery) -> Result<()> {
        let Some(last) = self.pushes.last() else {
            return Ok(());
        };
        let text = String::from_utf8_lossy(&last.body).replace(&last.commit, &"f".repeat(40));
        let webhook = &self.ready.webhook;
        let signature = match forgery {
            Forgery::WrongSecret => {
                let other = Webhook::new(app::REPOSITORY, &webhook.url, "the secret of another");
                Some(other.signature(text.as_bytes())?)
            }
            Forgery::OtherBody => Some(webhook.signature(&last.body)?),
            Forgery::Unsigned => None,
        };
        let delivered = webhook
            .deliver_signed(EVENT, text.as_bytes(), signature.as_deref())
            .await?;
        self.teller
            .tell(&format!("⚡ a forged webhook: {forgery:?}"));
        let status = delivered.status;
        self.forged.push(Forged { forgery, status });
        Ok(())
    }
}

/// Delivers until it is answered, as Bitbucket and then a person would.
async fn answered(webhook: &Webhook, body: &[u8]) -> Result<Answer> {
    for _ in 0..RESENDS_MAX {
        let delivered = webhook.deliver(EVENT, body).await?;
        if delivered.status.is_some_and(|status| status < SERVER_ERROR) {
            return Ok(Answer::of(&delivered));
        }
    }
    bail!("a webhook found nobody who answers, {RESENDS_MAX} times three")
}
