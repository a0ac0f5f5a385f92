//! Between the functions: time, the queues, the stream and the bus, and SSM's events.

use super::Bench;
use crate::mail::{self, Done, Letterbox, Mail, hand_over};
use crate::stage::{drive, next_random};
use longshore_core::{Desk, Millis, Timestamp};
use longshore_shell::fakes::Planned;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub(super) const MINUTE: Millis = Millis::from_secs(60);
/// How often the schedule asks for a poll.
pub(super) const POLL_EVERY: Millis = Millis::from_secs(300);
/// After this time a message that was not dealt with is handed over again (the queues' visibility timeout).
const VISIBLE_AGAIN: Millis = Millis::from_secs(180);
/// A message that fails so often ends in the dead-letter queue; Bitbucket sends a delivery so often.
const HANDED_OVER_MAX: u32 = 5;
const DELIVERED_MAX: u32 = 3;

impl Bench {
    /// Sends the events of what was written by somebody outside.
    pub fn follow_up(&mut self) {
        self.send_what_follows();
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

    /// Moves every dead letter back to its queue, as a person does after the repair.
    pub fn redrive(&mut self) {
        for mut mail in std::mem::take(&mut self.dead) {
            if mail.to != Letterbox::Webhook {
                (mail.failed, mail.due) = (0, self.now());
                self.mails.push(mail);
            }
        }
    }

    /// Sends every event of the table and of SSM once more.
    pub fn send_everything_again(&mut self) {
        (self.seen_writes, self.seen_answers) = (0, 0);
        self.send_what_follows();
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

    pub(crate) fn mail(&mut self, to: Letterbox, body: String) -> Mail {
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
                Planned::Digest(due) => (Desk::Notifier, longshore_shell::wake::digest_body(due)),
            };
            let mail = self.mail(Letterbox::Desk(desk), body);
            self.mails.push(mail);
        }
    }

    pub(crate) fn take_due(&mut self) -> Option<Mail> {
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

    pub(crate) fn hand_over(&mut self, mail: Mail) {
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
    pub(crate) fn hand_over_both(&mut self, first: Mail, second: Mail, seed: u64) {
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
            Done::Told(response) => {
                self.told.push(response);
                false
            }
        };
        // Whoever asks the operators' API is told, or not; nothing asks again for them.
        if !failed || mail.to == Letterbox::Operators {
            return;
        }
        mail.failed += 1;
        let (again, max) = match mail.to {
            Letterbox::Webhook => (MINUTE, DELIVERED_MAX),
            Letterbox::Desk(_) | Letterbox::Status | Letterbox::Operators => {
                (VISIBLE_AGAIN, HANDED_OVER_MAX)
            }
        };
        mail.due = self.now().after(again);
        if mail.failed < max {
            self.mails.push(mail);
        } else {
            self.dead.push(mail);
        }
    }

    /// Sends the events of what was written and answered since.
    pub(super) fn send_what_follows(&mut self) {
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
