//! Asking a set of hosts to do one thing: the commands that carry the question, and what each host answered.
//!
//! An ask ends when every host has an answer. Its deadline makes sure that it ends.

use crate::command::{Action, Command, CommandStatus, Heard, Report, Token};
use crate::failure::{Failure, FailureClass};
use crate::ids::{CommandId, DeploymentId, Generation, HostId};
use crate::policy::Policy;
use crate::release::Release;
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// What one host made of it in the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It did what was asked, and where that can be proven it was.
    Done,
    /// It tried, or refused, and says why.
    Failed(Failure),
    /// It could not be reached within the attempts or the time.
    Unreachable(Failure),
}

/// One question to a set of hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// The deployment, for the tokens.
    pub deployment: DeploymentId,
    /// The generation that the hosts check.
    pub generation: Generation,
    /// What they are asked to do.
    pub action: Action,
    /// The release it is about.
    pub release: Release,
    /// The wave, or the round of verification.
    pub wave: u32,
    /// When the hosts begin to refuse it, and the core stops waiting.
    pub deadline: Timestamp,
    /// Commands that are not answered in full.
    pub commands: Vec<Command>,
    /// How many commands there have been; numbers the next one.
    pub batches: u32,
    /// Hosts without an answer, with the attempt they are in.
    pub waiting: BTreeMap<HostId, u32>,
    /// Hosts with an answer.
    pub answers: BTreeMap<HostId, Answer>,
}

impl Ask {
    /// Plans the question, to be sent at once, in commands of at most [`Command::HOSTS_MAX`] hosts.
    pub(crate) fn plan(question: &Question<'_>, hosts: &[HostId], now: Timestamp) -> Self {
        let mut ask = Self {
            deployment: question.deployment.clone(),
            generation: question.generation,
            action: question.action,
            release: question.release.clone(),
            wave: question.wave,
            deadline: now.after(question.timeout),
            commands: Vec::new(),
            batches: question.batches,
            waiting: BTreeMap::new(),
            answers: BTreeMap::new(),
        };
        for batch in hosts.chunks(Command::HOSTS_MAX) {
            ask.add_command(batch.to_vec(), 1, now);
        }
        ask
    }

    /// Whether every host has an answer.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The hosts that failed or could not be reached, with why, in the order of their ids.
    pub fn failures(&self) -> impl Iterator<Item = (&HostId, &Failure)> {
        self.answers
            .iter()
            .filter_map(|(host, answer)| match answer {
                Answer::Done => None,
                Answer::Failed(failure) | Answer::Unreachable(failure) => Some((host, failure)),
            })
    }

    /// The first time at which this ask wants to be looked at again.
    #[must_use]
    pub fn next_look(&self, now: Timestamp, policy: &Policy) -> Timestamp {
        self.commands
            .iter()
            .map(|command| match &command.status {
                CommandStatus::Planned { due } => *due,
                CommandStatus::Sending { since } => since.after(policy.settling),
                CommandStatus::Sent { .. } => now.after(policy.poll),
            })
            .fold(self.deadline, Timestamp::min)
    }

    /// Records that somebody sets out to send a planned command. Says whether anything changed.
    pub(crate) fn send_started(&mut self, token: &Token, now: Timestamp) -> bool {
        self.change_status(token, |status| match status {
            CommandStatus::Planned { due } if *due <= now => {
                Some(CommandStatus::Sending { since: now })
            }
            CommandStatus::Planned { .. }
            | CommandStatus::Sending { .. }
            | CommandStatus::Sent { .. } => None,
        })
    }

    /// Records the id that SSM gave.
    pub(crate) fn sent(&mut self, token: &Token, id: &CommandId) -> bool {
        self.change_status(token, |status| match status {
            CommandStatus::Planned { .. } | CommandStatus::Sending { .. } => {
                Some(CommandStatus::Sent {
                    command: id.clone(),
                })
            }
            CommandStatus::Sent { .. } => None,
        })
    }

    /// SSM is throttling: the same command is planned again for later. This is no attempt; the deadline bounds it.
    pub(crate) fn postponed(&mut self, token: &Token, now: Timestamp, policy: &Policy) -> bool {
        let due = now.after(policy.retry_after);
        self.change_status(token, |status| match status {
            CommandStatus::Sending { .. } => Some(CommandStatus::Planned { due }),
            CommandStatus::Planned { .. } | CommandStatus::Sent { .. } => None,
        })
    }

    /// SSM refused a command, or does not have it after the settling time: its hosts are asked again, in two halves when it
    /// is about a host, as one bad host makes SSM refuse the whole batch. So a bad one is found among fifty by a dozen
    /// commands.
    pub(crate) fn not_sent(
        &mut self,
        token: &Token,
        failure: &Failure,
        now: Timestamp,
        policy: &Policy,
    ) -> bool {
        let Some(index) = self.place(token) else {
            return false;
        };
        let command = self.commands.remove(index);
        if matches!(command.status, CommandStatus::Sent { .. }) {
            self.commands.insert(index, command);
            return false;
        }
        let half = command.hosts.len().div_ceil(2);
        let split = failure.class == FailureClass::InvalidHost && command.hosts.len() > 1;
        if split {
            for hosts in command.hosts.chunks(half) {
                self.add_command(hosts.to_vec(), command.token.attempt, now);
            }
        } else {
            for host in command.hosts {
                self.again_or_give_up(&host, failure.clone(), now, policy);
            }
        }
        true
    }

    /// Takes the last word about one host of one command.
    pub(crate) fn reported(
        &mut self,
        token: &Token,
        heard: &Heard,
        now: Timestamp,
        policy: &Policy,
    ) -> bool {
        let Heard { host, report, .. } = heard;
        let place = self.place(token);
        let Some((index, command)) = place.and_then(|at| Some((at, self.commands.get_mut(at)?)))
        else {
            return false;
        };
        let before = command.hosts.len();
        command.hosts.retain(|h| h != host);
        if command.hosts.len() == before {
            return false;
        }
        if command.hosts.is_empty() {
            self.commands.remove(index);
        }
        match self.judge(report) {
            Ok(()) => self.answer(host, Answer::Done),
            Err(failure) => self.again_or_give_up(host, failure, now, policy),
        }
        true
    }

    /// The deadline has passed: every host without an answer is unreachable.
    pub(crate) fn give_up(&mut self) {
        let hosts: Vec<HostId> = self.waiting.keys().cloned().collect();
        for host in hosts {
            self.answer(
                &host,
                Answer::Unreachable(Failure::of(FailureClass::Unanswered)),
            );
        }
        self.commands.clear();
    }

    /// Whether a report is what was asked for. An activation counts only when the host itself has seen the new release
    /// answer; a status only when that release is also healthy.
    fn judge(&self, report: &Report) -> Result<(), Failure> {
        match report {
            Report::Failed(failure) => Err(failure.clone()),
            Report::Lost(class) => Err(Failure::of(*class)),
            Report::Done {
                served, healthy, ..
            } => match self.action {
                Action::Prepare | Action::Migrate | Action::Unmigrate | Action::Prune => Ok(()),
                Action::Activate | Action::Status => {
                    if served.as_ref() != Some(&self.release.id()) {
                        return Err(Failure::of(FailureClass::WrongRelease));
                    }
                    if *healthy {
                        Ok(())
                    } else {
                        Err(Failure::of(FailureClass::HealthFailed))
                    }
                }
            },
        }
    }

    fn again_or_give_up(
        &mut self,
        host: &HostId,
        failure: Failure,
        now: Timestamp,
        policy: &Policy,
    ) {
        let attempt = self.waiting.get(host).copied().unwrap_or(1);
        let due = now.after(policy.retry_after);
        // A busy host has not tried: another run of the app is at work there, maybe an earlier one of this very step. It is
        // waited for until the deadline, and no attempt is used up.
        let next = if failure.class == FailureClass::Busy {
            attempt
        } else {
            attempt.saturating_add(1)
        };
        let again = failure.class.is_worth_another_attempt()
            && next <= policy.attempts_max
            && due < self.deadline
            && self.batches < Token::BATCHES_MAX;
        if again {
            self.ask_again(host, next, due);
        } else if failure.class.is_about_reaching() {
            self.answer(host, Answer::Unreachable(failure));
        } else {
            self.answer(host, Answer::Failed(failure));
        }
    }

    /// Asks a host again, together with others that are asked again at the same time: a fleet that is away does not become a
    /// command for each host.
    fn ask_again(&mut self, host: &HostId, attempt: u32, due: Timestamp) {
        let planned = CommandStatus::Planned { due };
        let fits = |command: &&mut Command| {
            command.token.attempt == attempt
                && command.status == planned
                && command.hosts.len() < Command::HOSTS_MAX
        };
        match self.commands.last_mut().filter(fits) {
            Some(command) => {
                command.hosts.push(host.clone());
                self.waiting.insert(host.clone(), attempt);
            }
            None => self.add_command(vec![host.clone()], attempt, due),
        }
    }

    /// Whether the last word about this host of this command is still to come.
    pub(crate) fn waits_for(&self, token: &Token, host: &HostId) -> bool {
        let command = self.place(token).and_then(|at| self.commands.get(at));
        command.is_some_and(|command| command.hosts.contains(host))
    }

    /// Where the command of this token stands. Commands stand in the order of their numbers.
    fn place(&self, token: &Token) -> Option<usize> {
        let found = self
            .commands
            .binary_search_by_key(&token.batch, |c| c.token.batch);
        let index = found.ok()?;
        self.commands.get(index).filter(|c| c.token == *token)?;
        Some(index)
    }

    fn answer(&mut self, host: &HostId, answer: Answer) {
        self.waiting.remove(host);
        self.answers.insert(host.clone(), answer);
    }

    fn add_command(&mut self, hosts: Vec<HostId>, attempt: u32, due: Timestamp) {
        for host in &hosts {
            self.waiting.insert(host.clone(), attempt);
        }
        let token = Token {
            deployment: self.deployment.clone(),
            generation: self.generation,
            action: self.action,
            wave: self.wave,
            batch: self.batches,
            attempt,
        };
        self.batches = self.batches.saturating_add(1);
        self.commands.push(Command {
            token,
            hosts,
            status: CommandStatus::Planned { due },
        });
    }

    fn change_status(
        &mut self,
        token: &Token,
        change: impl Fn(&CommandStatus) -> Option<CommandStatus>,
    ) -> bool {
        let index = self.place(token);
        let command = index.and_then(|index| self.commands.get_mut(index));
        let Some((command, status)) = command.and_then(|c| change(&c.status).map(|s| (c, s)))
        else {
            return false;
        };
        command.status = status;
        true
    }
}

/// What [`Ask::plan`] needs to know, beside the hosts and the time.
pub(crate) struct Question<'a> {
    pub(crate) deployment: &'a DeploymentId,
    pub(crate) generation: Generation,
    pub(crate) action: Action,
    pub(crate) release: &'a Release,
    pub(crate) wave: u32,
    /// How many commands of this wave there have been before.
    pub(crate) batches: u32,
    pub(crate) timeout: Millis,
}
