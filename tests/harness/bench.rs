//! The bench itself: it moves the clock to whatever is due next, hands it to the real handler, and sends on what follows.

mod courier;
mod operators;
mod seen;

use crate::cloud::Cloud;
use crate::deliveries::{Change, delivery};
use crate::invariants;
use crate::mail::{Letterbox, Mail};
use crate::stage::drive;
use crate::story::Story;
use crate::words::{commit, host};
use courier::{MINUTE, POLL_EVERY};
use longshore_app_config::AppConfig;
use longshore_core::{
    Artifact, BreakGlass, Cause, Found, HostId, Millis, ObjectVersion, Observation, Person,
    RefKind, Repository, Sha256Digest, Timestamp,
};
use longshore_shell::accept::{self, News};
use longshore_shell::advance::record;
use longshore_shell::fakes::{Behaviour, HeadFault};
use longshore_shell::ports::{Clock, Head, PushKey};
use longshore_shell::telemetry::Capture;
use serde_json::{Value, json};
use trigger_deploy::request::Response;

/// Longer than every deadline together; whatever takes longer never ends.
const ENDS_WITHIN: Millis = Millis::from_secs(4 * 24 * 3600);
const MAILS_MAX: u32 = 60_000;

/// What goes wrong between the functions.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that goes wrong, alone or with others"
)]
pub struct Weather {
    /// The table's events are lost.
    pub events_lost: bool,
    /// SSM's events are lost.
    pub hints_lost: bool,
    /// Planned looks are lost; what a tick sends to another desk is not.
    pub looks_lost: bool,
    /// Every event arrives twice. A planned look does not: each look plans the next one, so that looks which were always
    /// doubled would double for ever; queues double a message now and then.
    pub doubled: bool,
    /// Of the messages that are there the newest is handed over first.
    pub reversed: bool,
    /// Minute ticks are lost.
    pub ticks_lost: bool,
    /// Every message is up to five minutes late, by what this number decides.
    pub late: Option<u64>,
    /// Two messages are worked on at the same time, call by call, in an order that this number decides.
    pub interleaved: Option<u64>,
}

/// The bench.
pub struct Bench {
    /// What the handlers see.
    pub cloud: Cloud,
    /// What goes wrong.
    pub weather: Weather,
    /// The log lines of the handlers.
    pub log: Capture,
    /// Every answer to a delivery, in their order.
    pub answers: Vec<Response>,
    /// Every answer to an operator, in their order.
    pub told: Vec<operator_api::answer::Response>,
    /// Handlers that died.
    pub deaths: u32,
    /// Messages that nobody could deal with.
    pub dead: Vec<Mail>,
    repository: Repository,
    configuration: Value,
    mails: Vec<Mail>,
    sent: u64,
    next_tick: Timestamp,
    seen_writes: usize,
    seen_answers: usize,
    head: Option<String>,
    next_poll: Option<Timestamp>,
    polls: u32,
    /// Time does not jump over this moment.
    pub alarm: Option<Timestamp>,
    story: Option<Story>,
}

impl Bench {
    /// An app on this many hosts, configured for short checks, with a topic and a Slack channel. Nothing was deployed yet.
    pub fn new(hosts: u32) -> Self {
        let hosts: Vec<HostId> = (1..=hosts).map(host).collect();
        let cloud = Cloud::new(&hosts);
        let mut bench = Self {
            weather: Weather::default(),
            log: Capture::begin(),
            answers: Vec::new(),
            told: Vec::new(),
            deaths: 0,
            dead: Vec::new(),
            repository: Repository::parse("acme/orders").unwrap(),
            configuration: json!({
                "branch": "main",
                "health": {"port": 3000, "bake_seconds": 10, "attempts": 2},
                "process": {"script": "server.js"},
                "notifications": {"slack": ["deployments"], "sns": true},
            }),
            mails: Vec::new(),
            sent: 0,
            next_tick: cloud.world.clock.now().after(MINUTE),
            seen_writes: 0,
            seen_answers: 0,
            head: None,
            next_poll: None,
            polls: 1,
            alarm: None,
            story: None,
            cloud,
        };
        bench.configure(&json!({}));
        bench
    }

    /// Puts a new version of the app's configuration with these keys.
    pub fn configure(&mut self, keys: &Value) {
        for (key, value) in keys.as_object().expect("an object") {
            self.configuration[key] = value.clone();
        }
        let config = self.configured();
        self.cloud.world.configs.put(&self.repository, config);
    }

    /// Says how a commit behaves on the hosts.
    pub fn behaves(&self, digit: &str, behaviour: Behaviour) {
        self.cloud.world.ssm.behave(&commit(digit), behaviour);
    }

    /// Stores a build of a commit in the bucket.
    pub fn store_build(&self, digit: &str) {
        let artifact = Artifact {
            version: ObjectVersion::parse(&format!("version-{digit}")).unwrap(),
            sha256: Sha256Digest::parse(&digit.repeat(64)).unwrap(),
        };
        let artifacts = &self.cloud.world.artifacts;
        artifacts.put(&self.repository, &commit(digit), artifact);
    }

    /// A further host is born.
    pub fn bear(&self, number: u32) {
        self.cloud.world.ssm.bear(&host(number));
    }

    /// Says what every host finds of a commit's migrations.
    pub fn judges(&self, digit: &str, found: &Found) {
        self.cloud.world.ssm.judge(&commit(digit), found);
    }

    /// Puts an iCalendar file; takes it away without one.
    pub fn calendar(&self, name: &str, text: Option<&str>) {
        self.cloud.world.calendars.put(name, text);
    }

    /// A person lets the newest deployment of a commit begin in spite of a freeze.
    pub fn break_glass(&mut self, digit: &str, by: &str, reason: &str) {
        let (id, now) = (self.deployment(digit).id, self.now());
        let word = BreakGlass::new(Person::parse(by).unwrap(), reason, now);
        let seen = [Observation::BreakGlass(word)];
        let (store, clock) = (&self.cloud.world.store, &self.cloud.world.clock);
        let recorded = record(store.as_ref(), clock, &id, &seen, Cause::Operator);
        let recorded = drive(&self.cloud.stage, recorded).expect("alive");
        assert!(recorded.expect("a table").expect("a deployment").changed);
    }

    /// Takes a host off the network.
    pub fn unplug(&self, number: u32) {
        self.cloud.world.ssm.set_offline(&host(number), true);
    }

    /// Puts a host back.
    pub fn plug_in(&self, number: u32) {
        self.cloud.world.ssm.set_offline(&host(number), false);
    }

    /// Pushes a commit onto the head of the branch. Says what was answered.
    pub fn push(&mut self, digit: &str) -> u16 {
        let from = self.push_unheard(digit);
        self.push_from(from.as_deref(), digit)
    }

    /// Pushes a commit of which no delivery tells. Gives the commit that was the head.
    pub fn push_unheard(&mut self, digit: &str) -> Option<String> {
        let branches = &self.cloud.world.branches;
        let head = Head {
            commit: commit(digit),
            committed_at: Some(self.cloud.world.clock.now()),
        };
        branches.point(&self.repository, "main", Some(head));
        self.head.replace(digit.to_owned())
    }

    /// Deletes the branch, of which no delivery tells.
    pub fn delete_branch(&mut self) {
        let branches = &self.cloud.world.branches;
        branches.point(&self.repository, "main", None);
        self.head = None;
    }

    /// From here on the branch is polled, as with a token in Parameter Store.
    pub fn watch(&mut self) {
        self.cloud.world.branches.fail(None);
        self.next_poll = Some(self.now().after(POLL_EVERY));
    }

    /// From here on polls go wrong like this, or are answered.
    pub fn poll_fails(&mut self, fault: Option<HeadFault>) {
        self.cloud.world.branches.fail(fault);
        self.next_poll = self.next_poll.or(Some(self.now().after(POLL_EVERY)));
    }

    /// Bitbucket's API answers again, where it is asked at all.
    pub fn poll_recovers(&mut self) {
        if self.next_poll.is_some() {
            self.cloud.world.branches.fail(None);
        }
    }

    /// Whether the branch is polled, and its head is not what was decided last.
    pub fn has_unsettled_head(&self) -> bool {
        let Some(head) = self.head.as_deref().filter(|_| self.next_poll.is_some()) else {
            return false;
        };
        let slot = self.slot();
        let last = slot.last_push.map(|last| last.to);
        last != Some(commit(head)) && !slot.quarantine.contains_key(&commit(head))
    }

    /// Sends every message of the poll twice from here on.
    pub fn double_polls(&mut self) {
        self.polls = 2;
    }

    /// The app's configuration, as it is now.
    pub fn configured(&self) -> AppConfig {
        self.configured_for(&self.repository)
    }

    /// The same configuration for another repository.
    pub fn configured_for(&self, repository: &Repository) -> AppConfig {
        let text = self.configuration.to_string();
        AppConfig::parse(&text, repository).expect("a configuration")
    }

    /// Delivers a push from one commit to another.
    pub fn push_from(&mut self, from: Option<&str>, to: &str) -> u16 {
        let change = Change::branch("main", from, Some(to));
        self.deliver(&delivery("acme/orders", &[change]))
    }

    /// Accepts a push to another repository, as a delivery of it does.
    pub fn queue(&self, repository: &Repository, to: &str) {
        let change = longshore_core::Change {
            kind: RefKind::Branch,
            name: "main",
            old: None,
            commit: Some(commit(to)),
        };
        let news = News {
            repository,
            key: &PushKey::over(&[Some(repository.as_str()), Some(to)]),
            by: None,
            account: None,
            cause: Cause::Push,
            committed_at: None,
            since: self.cloud.world.clock.now(),
        };
        let decided = drive(
            &self.cloud.stage,
            accept::decide(&self.cloud, &news, &change),
        );
        decided.expect("alive").expect("a decision");
    }

    /// Delivers an event to the HTTP API. Says what was answered; 502 when the function died.
    pub fn deliver(&mut self, event: &str) -> u16 {
        let answers = self.answers.len();
        let mail = self.mail(Letterbox::Webhook, event.to_owned());
        self.hand_over(mail);
        self.answers.get(answers).map_or(502, |a| a.status_code)
    }

    /// Delivers two events at the same time, call by call, in an order that the seed decides.
    pub fn deliver_both(&mut self, first: &str, second: &str, seed: u64) -> Vec<u16> {
        let answers = self.answers.len();
        let first = self.mail(Letterbox::Webhook, first.to_owned());
        let second = self.mail(Letterbox::Webhook, second.to_owned());
        self.hand_over_both(first, second, seed);
        let new = self.answers.iter().skip(answers);
        new.map(|answer| answer.status_code).collect()
    }

    /// Pushes a commit and runs until it is live.
    pub fn live(&mut self, digit: &str) -> &mut Self {
        assert_eq!(self.push(digit), 202);
        self.run();
        assert_eq!(self.end_of(digit), "Succeeded", "{:#?}", self.deployments());
        self
    }

    /// Runs until nothing is left to do, and checks the invariants.
    pub fn run(&mut self) {
        self.run_until(Self::is_at_rest);
        invariants::assert_all(self);
    }

    /// Runs until something holds.
    pub fn run_until(&mut self, holds: impl Fn(&Self) -> bool) {
        let limit = self.now().after(ENDS_WITHIN);
        for _ in 0..MAILS_MAX {
            if holds(self) {
                return;
            }
            assert!(
                self.now() < limit,
                "it does not end: {:#?}",
                self.deployments()
            );
            self.step();
        }
        panic!("too many messages: {:#?}", self.deployments());
    }

    /// Runs for a time.
    pub fn run_for(&mut self, seconds: u64) {
        let until = self.now().after(Millis::from_secs(seconds));
        self.run_until(|bench| bench.now() >= until);
    }

    /// Runs until the deployment of a commit is in a state.
    pub fn run_to(&mut self, digit: &str, state: &str) {
        self.run_until(|bench| bench.end_of(digit) == state);
    }

    pub(crate) fn is_at_rest(&self) -> bool {
        self.mails.is_empty() && self.cloud.world.store.is_at_rest() && !self.has_unsettled_head()
    }
}
