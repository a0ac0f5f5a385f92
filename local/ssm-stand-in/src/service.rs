//! The service's side of a command: sending it to hosts, believing replies, cancelling, giving up.
//!
//! A final state absorbs everything that comes after it, here as on AWS: a reply that arrives after a delivery timeout
//! changes nothing, although the script may well have done its work.

use std::sync::Arc;

use tokio::sync::watch;

use crate::commands::{Command, Invocation, StepView};
use crate::documents::schema::Document;
use crate::hosts::{DOCUMENTS_AT_ONCE, Host, Reply, Run};
use crate::options::HostOptions;
use crate::parameters::Given;
use crate::status::InvocationState;
use crate::world::State;

/// How often an agent begins one document before it gives it up.
const RUNS_MAX: u32 = 15;

/// Everything an agent needs to begin a document.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) host: HostOptions,
    pub(crate) command: String,
    pub(crate) incarnation: u32,
    pub(crate) document: Arc<Document>,
    pub(crate) parameters: Given,
    pub(crate) delay_ms: u64,
    pub(crate) finished: Vec<StepView>,
    pub(crate) cancel: watch::Receiver<bool>,
}

impl State {
    /// Takes a command in and sends it to as many hosts as its limits allow.
    pub(crate) fn accept(&mut self, command: Command) {
        let id = command.id.clone();
        self.commands.insert(id.clone(), command);
        self.settle(&id);
    }

    /// Takes, for every host that can be reached, as many documents as its agent has workers free.
    pub(crate) fn take_startable(&mut self) -> Vec<Start> {
        let ids: Vec<String> = self.hosts.keys().cloned().collect();
        ids.iter()
            .flat_map(|host| self.take_startable_of(host))
            .collect()
    }

    /// A report of an agent; it waits on the host while the host cannot be reached, and is void when it comes from
    /// a run that has been begun again.
    pub(crate) fn report(&mut self, host_id: &str, command: &str, incarnation: u32, reply: Reply) {
        let Some(host) = self.hosts.get_mut(host_id) else {
            return;
        };
        if host
            .runs
            .get(command)
            .is_none_or(|run| run.incarnation != incarnation)
        {
            return;
        }
        if matches!(reply, Reply::Finished { .. }) {
            host.runs.remove(command);
        }
        if host.is_reachable() {
            self.believe(host_id, command, reply);
        } else {
            host.outbox.push_back((command.to_owned(), reply));
        }
    }

    /// Lets a host that can be reached again report what it kept, and hear of cancels it missed.
    pub(crate) fn reconnect(&mut self, host_id: &str) {
        let Some(host) = self
            .hosts
            .get_mut(host_id)
            .filter(|host| host.is_reachable())
        else {
            return;
        };
        let kept: Vec<_> = host.outbox.drain(..).collect();
        for (command, reply) in kept {
            self.believe(host_id, &command, reply);
        }
        let Some(host) = self.hosts.get(host_id) else {
            return;
        };
        for (command, run) in &host.runs {
            if self.state_of(command, host_id) == Some(InvocationState::Cancelling) {
                run.cancel.send_replace(true);
            }
        }
    }

    /// Cancels a command on all its hosts, or on some.
    pub(crate) fn cancel(&mut self, id: &str, only: &[String]) {
        let Some(command) = self.commands.get_mut(id) else {
            return;
        };
        let is_meant = |host: &String| only.is_empty() || only.contains(host);
        command.cancel_requested |= command.invocations.keys().all(is_meant);
        let hosts: Vec<String> = command
            .invocations
            .keys()
            .filter(|host| is_meant(host))
            .cloned()
            .collect();
        for host in hosts {
            self.cancel_on(id, &host);
        }
        self.settle(id);
    }

    /// Gives up on the hosts that have not begun by the delivery deadline.
    pub(crate) fn give_up_undelivered(&mut self, id: &str) {
        self.give_up(id, |state| {
            matches!(state, InvocationState::Pending | InvocationState::Delayed)
        });
    }

    /// Gives up on every host that has not answered by the expiry.
    pub(crate) fn give_up_unanswered(&mut self, id: &str) {
        self.give_up(id, |state| !state.is_terminal());
    }

    /// Makes an agent begin its unfinished documents again, as after a restart.
    pub(crate) fn begin_again(&mut self, host_id: &str) -> Vec<Start> {
        let Some(host) = self.hosts.get_mut(host_id) else {
            return Vec::new();
        };
        for run in host.runs.values_mut() {
            run.incarnation = run.incarnation.saturating_add(1);
            host.orphans.extend(run.script.take());
        }
        let worn_out: Vec<(String, u32, Vec<StepView>)> = host
            .runs
            .iter()
            .filter(|(_, run)| run.incarnation > RUNS_MAX)
            .map(|(command, run)| (command.clone(), run.incarnation, run.finished.clone()))
            .collect();
        for (command, incarnation, steps) in worn_out {
            let trace = format!("the document was begun {RUNS_MAX} times");
            let reply = Reply::Finished {
                state: InvocationState::Failed,
                steps,
                trace,
            };
            self.report(host_id, &command, incarnation, reply);
        }
        let Some(host) = self.hosts.get(host_id) else {
            return Vec::new();
        };
        host.runs
            .iter()
            .filter_map(|(command, run)| start(host, self.commands.get(command)?, run))
            .collect()
    }

    /// The state of one invocation.
    pub(crate) fn state_of(&self, command: &str, host: &str) -> Option<InvocationState> {
        Some(self.commands.get(command)?.invocations.get(host)?.state)
    }

    fn take_startable_of(&mut self, host_id: &str) -> Vec<Start> {
        let mut starts = Vec::new();
        while let Some(host) = self.hosts.get_mut(host_id) {
            if !host.is_reachable() {
                let waiting: Vec<String> = host.inbox.iter().cloned().collect();
                for command in waiting {
                    self.delay(&command, host_id);
                }
                break;
            }
            if host.runs.len() >= DOCUMENTS_AT_ONCE {
                break;
            }
            let Some(id) = host.inbox.pop_front() else {
                break;
            };
            let run = Run::new();
            if let Some(command) = self.commands.get(&id) {
                starts.extend(start(host, command, &run));
                host.runs.insert(id, run);
            }
        }
        starts
    }

    fn delay(&mut self, command: &str, host: &str) {
        if self.state_of(command, host) == Some(InvocationState::Pending) {
            self.move_to(command, host, InvocationState::Delayed);
        }
    }

    fn believe(&mut self, host: &str, id: &str, reply: Reply) {
        let Some(invocation) = self.invocation_mut(id, host) else {
            return;
        };
        if invocation.state.is_terminal() {
            return;
        }
        match reply {
            Reply::Started => {
                if invocation.state != InvocationState::Cancelling {
                    self.move_to(id, host, InvocationState::InProgress);
                }
            }
            Reply::Progress(steps) => invocation.steps = steps,
            Reply::Finished {
                state,
                steps,
                trace,
            } => {
                invocation.steps = steps;
                invocation.trace = trace;
                self.move_to(id, host, state);
                self.settle(id);
            }
        }
    }

    fn cancel_on(&mut self, id: &str, host_id: &str) {
        let Some(host) = self.hosts.get_mut(host_id) else {
            return;
        };
        let was_waiting = host.inbox.iter().any(|waiting| waiting == id);
        host.inbox.retain(|waiting| waiting != id);
        let is_reachable = host.is_reachable();
        let is_released = self
            .invocation_mut(id, host_id)
            .is_some_and(|invocation| invocation.released);
        if was_waiting || !is_released {
            self.move_to(id, host_id, InvocationState::Cancelled);
            return;
        }
        self.move_to(id, host_id, InvocationState::Cancelling);
        let run = self.hosts.get(host_id).and_then(|host| host.runs.get(id));
        if let Some(run) = run.filter(|_| is_reachable) {
            run.cancel.send_replace(true);
        }
    }

    fn give_up(&mut self, id: &str, is_meant: impl Fn(InvocationState) -> bool) {
        let Some(command) = self.commands.get(id) else {
            return;
        };
        let hosts: Vec<String> = command
            .invocations
            .values()
            .filter(|invocation| is_meant(invocation.state))
            .map(|invocation| invocation.host.clone())
            .collect();
        for host_id in hosts {
            if let Some(host) = self.hosts.get_mut(&host_id) {
                host.inbox.retain(|waiting| waiting != id);
            }
            self.move_to(id, &host_id, InvocationState::DeliveryTimedOut);
        }
        self.settle(id);
    }

    /// Sends to further hosts, then lets the command's own state follow; its final event is made exactly once.
    fn settle(&mut self, id: &str) {
        self.release(id);
        let Some(command) = self
            .commands
            .get_mut(id)
            .filter(|command| !command.state.is_terminal())
        else {
            return;
        };
        let next = command.aggregated();
        if next != command.state {
            command.state = next;
            let event = self.origin.of_command(command);
            self.emit(event);
        }
    }

    fn release(&mut self, id: &str) {
        while let Some((host_id, is_cut)) = self.next_held(id) {
            if is_cut {
                self.move_to(id, &host_id, InvocationState::Terminated);
                continue;
            }
            if let Some(invocation) = self.invocation_mut(id, &host_id) {
                invocation.released = true;
            }
            match self.hosts.get_mut(&host_id) {
                Some(host) if !host.undeliverable => host.inbox.push_back(id.to_owned()),
                Some(_) | None => self.move_to(id, &host_id, InvocationState::Undeliverable),
            }
        }
    }

    /// The next host that the command may go to, or that it will not go to any more.
    fn next_held(&self, id: &str) -> Option<(String, bool)> {
        let command = self.commands.get(id)?;
        let held = command
            .invocations
            .values()
            .find(|invocation| !invocation.released && !invocation.state.is_terminal())?;
        let is_cut = command.has_too_many_errors();
        (is_cut || command.room() > 0).then(|| (held.host.clone(), is_cut))
    }

    /// Sets an invocation's state, unless it is final, and makes the event of it.
    fn move_to(&mut self, id: &str, host: &str, next: InvocationState) {
        let Some(command) = self.commands.get_mut(id) else {
            return;
        };
        let Some(invocation) = command.invocations.get_mut(host) else {
            return;
        };
        if invocation.state.is_terminal() || invocation.state == next {
            return;
        }
        invocation.state = next;
        let invocation = invocation.clone();
        let event = self.origin.of_invocation(command, &invocation);
        self.emit(event);
    }

    fn invocation_mut(&mut self, id: &str, host: &str) -> Option<&mut Invocation> {
        self.commands.get_mut(id)?.invocations.get_mut(host)
    }
}

fn start(host: &Host, command: &Command, run: &Run) -> Option<Start> {
    command
        .invocations
        .contains_key(&host.options.id)
        .then(|| Start {
            host: host.options.clone(),
            command: command.id.clone(),
            incarnation: run.incarnation,
            document: Arc::clone(&command.document),
            parameters: command.parameters.clone(),
            delay_ms: host.start_delay_ms,
            finished: run.finished.clone(),
            cancel: run.cancel.subscribe(),
        })
}
