//! The hosts: what is installed on them, whether they can be reached, and what their agents are busy with.

use std::collections::{BTreeMap, VecDeque};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::clock;
use crate::commands::StepView;
use crate::options::{HostOptions, Power};
use crate::status::InvocationState;

/// How many documents an agent runs at once; the rest queue.
pub(crate) const DOCUMENTS_AT_ONCE: usize = 5;

/// How long a lost agent still reads as online, in seconds of SSM's time limits.
const PING_STALE_SECONDS: u64 = 300;

/// One host.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) options: HostOptions,
    /// Since when the agent has no connection to the service.
    pub(crate) offline_since_ms: Option<i64>,
    /// Whether the agent itself runs; scripts go on without it.
    pub(crate) agent_up: bool,
    /// Whether the service can deliver nothing to it at all.
    pub(crate) undeliverable: bool,
    /// How long the agent waits between taking a document and beginning it.
    pub(crate) start_delay_ms: u64,
    /// Commands that the service holds for this host.
    pub(crate) inbox: VecDeque<String>,
    /// Documents that the agent has taken and not finished.
    pub(crate) runs: BTreeMap<String, Run>,
    /// Scripts that run on although the agent has lost sight of them.
    pub(crate) orphans: Vec<ProcessGroup>,
    /// What the agent could not report yet.
    pub(crate) outbox: VecDeque<(String, Reply)>,
}

impl Host {
    /// A host with a connected agent that does nothing.
    pub(crate) fn new(options: HostOptions) -> Self {
        Self {
            options,
            offline_since_ms: None,
            agent_up: true,
            undeliverable: false,
            start_delay_ms: 0,
            inbox: VecDeque::new(),
            runs: BTreeMap::new(),
            orphans: Vec::new(),
            outbox: VecDeque::new(),
        }
    }

    /// Whether the agent and the service can talk.
    pub(crate) fn is_reachable(&self) -> bool {
        self.agent_up && self.offline_since_ms.is_none() && self.options.power == Power::Running
    }

    /// Whether the service shows the host at all.
    pub(crate) fn is_listed(&self) -> bool {
        self.options.power == Power::Running
    }

    /// The host's `PingStatus`, which goes on saying `Online` for five minutes after the agent was lost.
    pub(crate) fn ping_status(&self, second_ms: u64) -> String {
        if let Some(fixed) = &self.options.ping_status {
            return fixed.clone();
        }
        let stale_ms =
            i64::try_from(PING_STALE_SECONDS.saturating_mul(second_ms)).unwrap_or(i64::MAX);
        let is_lost = self
            .offline_since_ms
            .is_some_and(|since| clock::now_ms().saturating_sub(since) >= stale_ms);
        String::from(if is_lost { "ConnectionLost" } else { "Online" })
    }

    /// Cuts or restores the connection.
    pub(crate) fn set_offline(&mut self, offline: bool) {
        self.offline_since_ms = match (offline, self.offline_since_ms) {
            (true, None) => Some(clock::now_ms()),
            (true, since @ Some(_)) => since,
            (false, _) => None,
        };
    }

    /// Every script that runs, watched or not.
    pub(crate) fn scripts(&self) -> impl Iterator<Item = ProcessGroup> {
        let watched = self.runs.values().filter_map(|run| run.script);
        watched.chain(self.orphans.iter().copied())
    }

    /// Notes that a document's script runs.
    pub(crate) fn script_started(&mut self, command: &str, incarnation: u32, script: ProcessGroup) {
        match self
            .runs
            .get_mut(command)
            .filter(|run| run.incarnation == incarnation)
        {
            Some(run) => run.script = Some(script),
            None => self.orphans.push(script),
        }
    }

    /// Notes that a script has ended.
    pub(crate) fn script_ended(&mut self, command: &str, script: ProcessGroup) {
        self.orphans.retain(|orphan| *orphan != script);
        if let Some(run) = self.runs.get_mut(command)
            && run.script == Some(script)
        {
            run.script = None;
        }
    }

    /// The host as the control endpoint shows it.
    pub(crate) fn describe(&self, second_ms: u64) -> Value {
        json!({
            "id": self.options.id,
            "dir": self.options.dir,
            "tags": self.options.tags,
            "power": self.options.power,
            "agent_version": self.options.agent_version,
            "ping_status": self.ping_status(second_ms),
            "offline": self.offline_since_ms.is_some(),
            "agent_up": self.agent_up,
            "undeliverable": self.undeliverable,
            "start_delay_ms": self.start_delay_ms,
            "waiting": self.inbox,
            "running": self.runs.keys().collect::<Vec<_>>(),
            "unreported": self.outbox.len(),
        })
    }
}

/// A document that an agent is busy with.
#[derive(Debug)]
pub(crate) struct Run {
    /// Grows when the document is begun again; what an earlier run reports is void.
    pub(crate) incarnation: u32,
    /// Tells the run to stop; kept from one incarnation to the next.
    pub(crate) cancel: watch::Sender<bool>,
    /// Steps that are recorded as finished, which no later run repeats.
    pub(crate) finished: Vec<StepView>,
    /// The running script.
    pub(crate) script: Option<ProcessGroup>,
}

impl Run {
    /// A run that has not begun.
    pub(crate) fn new() -> Self {
        Self {
            incarnation: 1,
            cancel: watch::Sender::new(false),
            finished: Vec::new(),
            script: None,
        }
    }
}

/// What an agent reports.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) enum Reply {
    /// The document has begun.
    Started,
    /// Steps have ended.
    Progress(Vec<StepView>),
    /// The document has ended.
    Finished {
        /// How.
        state: InvocationState,
        /// Every step.
        steps: Vec<StepView>,
        /// Why, when no step can say it.
        trace: String,
    },
}

/// The process group of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessGroup(Pid);

impl ProcessGroup {
    /// The group that a child leads.
    pub(crate) fn of_child(id: Option<u32>) -> Option<Self> {
        let raw = i32::try_from(id?).ok()?;
        Pid::from_raw(raw).map(Self)
    }

    /// SIGKILL, as the agent sends it; tells whether there was anybody left to kill.
    pub(crate) fn kill(self) -> bool {
        kill_process_group(self.0, Signal::KILL).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_lost_agent_still_reads_as_online_for_a_while() {
        let mut host = Host::new(HostOptions::new("i-abcd1111", Path::new("/tmp")));
        host.set_offline(true);
        assert!(!host.is_reachable());
        assert_eq!(host.ping_status(1000), "Online");
        host.offline_since_ms = Some(clock::now_ms().saturating_sub(301_000));
        assert_eq!(host.ping_status(1000), "ConnectionLost");
    }

    #[test]
    fn a_second_cut_does_not_refresh_the_first() {
        let mut host = Host::new(HostOptions::new("i-abcd1111", Path::new("/tmp")));
        host.offline_since_ms = Some(5);
        host.set_offline(true);
        assert_eq!(host.offline_since_ms, Some(5));
    }
}
