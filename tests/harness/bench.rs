//! The bench itself: it moves the clock to whatever is due next, hands it to the real handler, and sends on what follows.

use crate::cloud::Cloud;
use crate::deliveries::{Change, delivery};
use crate::invariants;
use crate::mail::{self, Done, Letterbox, Mail, hand_over};
use crate::stage::{drive, next_random};
use crate::story::Story;
use crate::words::{commit, host};
use longshore_app_config::AppConfig;
use longshore_core::{
    AppName, Cause, Decision, Deployment, DeploymentId, Desk, HostId, Millis, RefKind, Repository,
    SkipReason, Slot, Timestamp,
};
use longshore_shell::accept::{self, News};
use longshore_shell::fakes::{Behaviour, HeadFault, Planned};
use longshore_shell::ports::{Clock, PushKey};
use longshore_shell::telemetry::Capture;
use serde_json::{Value, json};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use trigger_deploy::request::Response;

const MINUTE: Millis = Millis::from_secs(60);
/// How often the schedule asks for a poll.
const POLL_EVERY: Millis = Millis::from_secs(300);
/// After this time a message that was not dealt with is handed over again (the queues' visibility timeout).
const VISIBLE_AGAIN: Millis = Millis::from_secs(180);
/// A message that fails so often ends in the dead-letter queue; Bitbucket sends a delivery so often.
const HANDED_OVER_MAX: u32 = 5;
const DELIVERED_MAX: u32 = 3;
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
        branches.point(&self.repository, "main", Some(commit(digit)));
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

    /// The commit that the branch points to, by its digit.
    pub fn head(&self) -> Option<&str> {
        self.head.as_deref()
    }

    /// The messages that there have been.
    pub const fn messages(&self) -> u64 {
        self.sent
    }

    /// Sends the events of what was written by somebody outside.
    pub fn follow_up(&mut self) {
        self.send_what_follows();
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

    /// Delivers an event at the same time as the reconciler works on its next message of a kind, call by call, in an order
    /// that the seed decides.
    pub fn deliver_beside(&mut self, kind: &str, event: &str, seed: u64) {
        let message = loop {
            self.pass_time();
            self.take_looks();
            let now = self.now();
            let mut due = self.mails.iter();
            match due.position(|mail| mail.due <= now && mail.body.contains(kind)) {
                Some(index) => break self.mails.remove(index),
                None => self.step(),
            }
        };
        let delivery = self.mail(Letterbox::Webhook, event.to_owned());
        self.hand_over_both(message, delivery, seed);
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

    /// Moves every dead letter back to its queue, as a person does after the repair.
    pub fn redrive(&mut self) {
        for mut mail in std::mem::take(&mut self.dead) {
            if mail.to != Letterbox::Webhook {
                (mail.failed, mail.due) = (0, self.now());
                self.mails.push(mail);
            }
        }
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
            cause: Cause::Push,
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

    /// Sends every event of the table and of SSM once more.
    pub fn send_everything_again(&mut self) {
        (self.seen_writes, self.seen_answers) = (0, 0);
        self.send_what_follows();
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

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.cloud.world.clock.now()
    }

    /// Every deployment, in the order of their ids.
    pub fn deployments(&self) -> Vec<Deployment> {
        self.cloud.world.store.deployments()
    }

    /// The newest deployment of a commit.
    pub fn deployment(&self, digit: &str) -> Deployment {
        let all = self.deployments().into_iter();
        let mut of_commit = all.filter(|d| d.origin.commit == commit(digit));
        of_commit.next_back().expect("a deployment of the commit")
    }

    /// The state of the newest deployment of a commit.
    pub fn end_of(&self, digit: &str) -> &'static str {
        self.deployment(digit).state.name()
    }

    /// The slot of the app.
    pub fn slot(&self) -> Slot {
        let app = AppName::parse("orders").unwrap();
        let mut slots = self.cloud.world.store.slots().into_iter();
        slots
            .find(|s| s.app == app)
            .unwrap_or_else(|| Slot::empty(app))
    }

    /// The commit that each host serves, by its digit; `-` for none.
    pub fn served(&self) -> String {
        let hosts = self.cloud.world.ssm.hosts_now();
        let of = |host: &longshore_shell::fakes::FakeHost| {
            let served = host.served.as_ref();
            served.map_or("-".to_owned(), |r| r.commit.as_str()[..1].to_owned())
        };
        hosts.values().map(of).collect()
    }

    /// Every reason for a recorded skip.
    pub fn skips(&self) -> Vec<SkipReason> {
        let log = self.cloud.world.store.log();
        log.into_iter()
            .filter_map(|written| match written.decision {
                Some((_, Decision::Skip(reason))) => Some(reason),
                Some((_, Decision::Deploy(_))) | None => None,
            })
            .collect()
    }

    /// The deployments that the last delivery was answered with.
    pub fn answered_deployments(&self) -> Vec<DeploymentId> {
        let Some(answer) = self.answers.last() else {
            return Vec::new();
        };
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        let changes = body["changes"].as_array().cloned().unwrap_or_default();
        let ids = changes.iter().filter_map(|c| c["deployment"].as_str());
        ids.map(|id| DeploymentId::parse(id).unwrap()).collect()
    }

    /// How many commands of an action SSM has taken.
    pub fn sent(&self, action: &str) -> usize {
        let sent = self.cloud.world.ssm.sent();
        sent.iter()
            .filter(|o| o.token.action.word() == action)
            .count()
    }

    /// Whether a line with this event is in the log.
    pub fn logged(&self, event: &str) -> bool {
        self.log.lines().iter().any(|line| line.contains(event))
    }

    pub(crate) fn is_at_rest(&self) -> bool {
        self.mails.is_empty() && self.cloud.world.store.is_at_rest() && !self.has_unsettled_head()
    }

    /// Puts a message into a letterbox, whatever it says.
    pub fn post(&mut self, to: Letterbox, body: &str) {
        let mail = self.mail(to, body.to_owned());
        self.mails.push(mail);
    }

    /// Sends a tick out of turn.
    pub fn tick(&mut self) {
        self.post(Letterbox::Desk(Desk::Reconciler), &mail::tick());
    }

    /// Tells from here on what happens, line by line, for a person.
    pub fn tell_the_story(&mut self) {
        self.story = Some(Story::begin(self.now()));
        self.cloud.stage.keep_journal();
    }

    /// Adds a line to the story, if it is told.
    pub fn note(&mut self, line: &str) {
        let now = self.now();
        if let Some(story) = &mut self.story {
            story.add(now, line);
        }
    }

    /// The story until now.
    pub fn story(&self) -> Vec<String> {
        let story = self.story.as_ref();
        story.map(|story| story.lines.clone()).unwrap_or_default()
    }

    fn mail(&mut self, to: Letterbox, body: String) -> Mail {
        self.sent += 1;
        let late = self.weather.late.map_or(0, |seed| {
            next_random(&mut (seed ^ self.sent.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)) % 300
        });
        Mail {
            due: self.now().after(Millis::from_secs(late)),
            number: self.sent,
            to,
            body,
            failed: 0,
        }
    }

    /// Moves to the next thing that is due, and hands it over.
    pub(crate) fn step(&mut self) {
        self.pass_time();
        self.take_looks();
        if self.now() >= self.next_tick {
            self.next_tick = self.next_tick.after(MINUTE);
            if !self.weather.ticks_lost {
                self.tick();
            }
        }
        if let Some(next) = self.next_poll.filter(|next| self.now() >= *next) {
            self.next_poll = Some(next.after(POLL_EVERY));
            for _ in 0..self.polls {
                let poll = self.mail(Letterbox::Desk(Desk::Reconciler), mail::poll());
                self.mails.push(poll);
            }
        }
        match (self.take_due(), self.weather.interleaved) {
            (None, _) => {}
            (Some(first), None) => self.hand_over(first),
            (Some(first), Some(seed)) => match self.take_due() {
                None => self.hand_over(first),
                Some(second) => self.hand_over_both(first, second, seed),
            },
        }
    }

    fn pass_time(&mut self) {
        let mail = self.mails.iter().map(|mail| mail.due).min();
        let look = self.cloud.world.wake.next();
        let next = mail
            .into_iter()
            .chain(look)
            .chain(self.next_poll)
            .chain(self.alarm)
            .fold(self.next_tick, Timestamp::min);
        let span = next.since(self.now());
        self.cloud.world.clock.pass(span);
    }

    fn take_looks(&mut self) {
        for planned in self.cloud.world.wake.take_due() {
            let (desk, body) = match &planned {
                Planned::Look(look) if self.weather.looks_lost && look.chapter.is_some() => {
                    continue;
                }
                Planned::Look(look) => (look.desk, mail::look(look)),
                Planned::Confirm(sighting) => (Desk::Reconciler, mail::branch_seen(sighting)),
            };
            let mail = self.mail(Letterbox::Desk(desk), body);
            self.mails.push(mail);
        }
    }

    fn take_due(&mut self) -> Option<Mail> {
        let now = self.now();
        let due = self.mails.iter().enumerate().filter(|(_, m)| m.due <= now);
        let next = if self.weather.reversed {
            due.max_by_key(|(_, mail)| mail.number)
        } else {
            due.min_by_key(|(_, mail)| mail.number)
        };
        let (index, _) = next?;
        Some(self.mails.remove(index))
    }

    fn send(&mut self, to: Letterbox, body: &str) {
        let copies = if self.weather.doubled { 2 } else { 1 };
        for _ in 0..copies {
            let mail = self.mail(to, body.to_owned());
            self.mails.push(mail);
        }
    }

    fn hand_over(&mut self, mail: Mail) {
        let written = self.seen_writes;
        let done = drive(&self.cloud.stage, hand_over(&self.cloud, &mail));
        let done = done.unwrap_or(Done::Died);
        self.tell(&[&mail], &[&done], written);
        self.settle(mail, done);
        self.send_what_follows();
    }

    /// Tells the story of messages that were handed over, and of what was written meanwhile.
    fn tell(&mut self, mails: &[&Mail], done: &[&Done], written: usize) {
        if self.story.is_none() {
            return;
        }
        for (mail, done) in mails.iter().zip(done) {
            self.note(&format!("{} {}", mail.line(), done.line()));
        }
        let calls = self.cloud.stage.take_journal();
        if !calls.is_empty() {
            self.note(&format!("    calls: {}", calls.join(", ")));
        }
        for writing in self.cloud.world.store.log_after(written) {
            for deployment in &writing.deployments {
                let state = deployment.state.name();
                let (id, version) = (&deployment.id, deployment.version);
                self.note(&format!("    wrote {id} version {version}: {state}"));
            }
        }
    }

    /// Works on two messages at once: before every call of a port the seed decides who goes on.
    fn hand_over_both(&mut self, first: Mail, second: Mail, seed: u64) {
        let mut seed = seed ^ first.number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let written = self.seen_writes;
        self.cloud.stage.pause_everywhere(true);
        let (mut done_first, mut done_second) = (None, None);
        {
            let mut one = pin!(hand_over(&self.cloud, &first));
            let mut two = pin!(hand_over(&self.cloud, &second));
            while done_first.is_none() || done_second.is_none() {
                let first_goes_on = done_second.is_some() || next_random(&mut seed) & 1 == 0;
                if first_goes_on && done_first.is_none() {
                    done_first = self.one_call(one.as_mut());
                } else if done_second.is_none() {
                    done_second = self.one_call(two.as_mut());
                }
            }
        }
        self.cloud.stage.pause_everywhere(false);
        let done_first = done_first.unwrap_or(Done::Died);
        let done_second = done_second.unwrap_or(Done::Died);
        self.tell(&[&first, &second], &[&done_first, &done_second], written);
        self.settle(first, done_first);
        self.settle(second, done_second);
        self.send_what_follows();
    }

    /// Lets a handler go on to its next call. `None` when there is one.
    fn one_call(&self, handler: Pin<&mut impl Future<Output = Done>>) -> Option<Done> {
        match handler.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => self.cloud.stage.take_died().then_some(Done::Died),
        }
    }

    /// Lets time pass and whatever is due happen, so many times.
    pub fn run_steps(&mut self, steps: u32) {
        for _ in 0..steps {
            self.step();
        }
    }

    /// What becomes of a message after it was handed over.
    fn settle(&mut self, mut mail: Mail, done: Done) {
        let failed = match done {
            Done::Handled => false,
            Done::Again => true,
            Done::Died => {
                self.deaths += 1;
                true
            }
            Done::Answered(response) => {
                let failed = response.status_code >= 500;
                self.answers.push(response);
                failed
            }
        };
        if !failed {
            return;
        }
        mail.failed += 1;
        let (again, max) = match mail.to {
            Letterbox::Webhook => (MINUTE, DELIVERED_MAX),
            Letterbox::Desk(_) | Letterbox::Status => (VISIBLE_AGAIN, HANDED_OVER_MAX),
        };
        mail.due = self.now().after(again);
        if mail.failed < max {
            self.mails.push(mail);
        } else {
            self.dead.push(mail);
        }
    }

    /// Sends the events of what was written and answered since.
    fn send_what_follows(&mut self) {
        let writes = self.cloud.world.store.log_after(self.seen_writes);
        self.seen_writes += writes.len();
        for deployment in writes.iter().flat_map(|written| &written.deployments) {
            for desk in deployment.desks() {
                if !self.weather.events_lost {
                    self.send(Letterbox::Desk(desk), &mail::changed(deployment));
                }
            }
        }
        self.send_hints();
    }

    fn send_hints(&mut self) {
        let answered = self.cloud.world.ssm.answered_after(self.seen_answers);
        self.seen_answers += answered.len();
        for (command, host) in answered {
            if !self.weather.hints_lost {
                self.send(Letterbox::Status, &mail::status(&command, &host));
            }
        }
    }
}
