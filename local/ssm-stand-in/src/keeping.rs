//! What outlives a SIGKILL: documents, commands with their results, and what each agent is busy with, in one file.
//!
//! Every line is one change, a JSON list of the things that it left different; the last word on a thing counts. It is
//! written when the lock on the state is let go, so that nobody is told what the file does not know yet. A last line
//! that was cut off was never told to anybody and does not count. Faults and the journal of events are not kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::commands::{Command, StepView};
use crate::documents::{Documents, sha256_hex};
use crate::hosts::{Host, Reply, Run};
use crate::world::State;

/// One thing as it is after a change.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Thing {
    Documents(Documents),
    Command(Box<Command>),
    Agent(Agent),
}

/// What an agent is busy with.
#[derive(Debug, Deserialize, Serialize)]
struct Agent {
    host: String,
    inbox: Vec<String>,
    runs: BTreeMap<String, Begun>,
    outbox: Vec<(String, Reply)>,
}

/// A document that an agent has begun.
#[derive(Debug, Deserialize, Serialize)]
struct Begun {
    incarnation: u32,
    is_cancelled: bool,
    finished: Vec<StepView>,
}

/// The file, and what it already says.
#[derive(Debug)]
pub(crate) struct Keeper {
    file: File,
    written: BTreeMap<String, String>,
    /// Commands whose end is written; nothing changes them any more.
    closed: BTreeSet<String>,
}

impl Keeper {
    /// Reads the file into the state, if there is one, and begins a new one with what was in it.
    pub(crate) fn open(path: &Path, state: &mut State) -> anyhow::Result<Self> {
        if path.exists() {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            restore(&text, state).with_context(|| format!("in {}", path.display()))?;
        }
        let fresh = path.with_extension("new");
        let mut keeper = Self {
            file: OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(true)
                .open(&fresh)
                .with_context(|| format!("cannot write {}", fresh.display()))?,
            written: BTreeMap::new(),
            closed: BTreeSet::new(),
        };
        keeper.keep(state)?;
        std::fs::rename(&fresh, path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(keeper)
    }

    /// Writes down what is not as the file has it.
    pub(crate) fn keep(&mut self, state: &State) -> anyhow::Result<()> {
        let mut changed = Vec::new();
        self.note(&mut changed, "documents", &state.documents, "documents")?;
        for (id, command) in &state.commands {
            if !self.closed.contains(id) {
                self.note(&mut changed, id, command, "command")?;
            }
            if command.is_closed() {
                self.closed.insert(id.clone());
            }
        }
        for (id, host) in &state.hosts {
            self.note(&mut changed, id, &agent_of(host), "agent")?;
        }
        if !changed.is_empty() {
            let line = format!("[{}]\n", changed.join(","));
            self.file
                .write_all(line.as_bytes())
                .context("cannot keep a change")?;
        }
        Ok(())
    }

    fn note(
        &mut self,
        changed: &mut Vec<String>,
        key: &str,
        thing: &impl Serialize,
        kind: &str,
    ) -> anyhow::Result<()> {
        let text = serde_json::to_string(thing)?;
        let sum = sha256_hex(text.as_bytes());
        if self.written.get(key) != Some(&sum) {
            self.written.insert(key.to_owned(), sum);
            changed.push(format!("{{\"{kind}\":{text}}}"));
        }
        Ok(())
    }
}

/// Takes the lines into the state. The agents are not running then, as on hosts that have lost their power.
fn restore(text: &str, state: &mut State) -> anyhow::Result<()> {
    for (number, line) in (1_usize..).zip(text.split_inclusive('\n')) {
        let Some(line) = line.strip_suffix('\n') else {
            break;
        };
        let things: Vec<Thing> =
            serde_json::from_str(line).with_context(|| format!("line {number}"))?;
        for thing in things {
            match thing {
                Thing::Documents(documents) => state.documents = documents,
                Thing::Command(command) => {
                    state.commands.insert(command.id.clone(), *command);
                }
                Thing::Agent(agent) => take_agent(state, agent)?,
            }
        }
    }
    Ok(())
}

fn take_agent(state: &mut State, agent: Agent) -> anyhow::Result<()> {
    let host = state.hosts.get_mut(&agent.host);
    ensure!(
        host.is_some() || agent.runs.is_empty(),
        "host {} is gone and was busy",
        agent.host
    );
    let Some(host) = host else { return Ok(()) };
    host.agent_up = false;
    host.inbox = agent.inbox.into();
    host.outbox = agent.outbox.into();
    let run = |(command, begun): (String, Begun)| {
        let run = Run::new();
        run.cancel.send_replace(begun.is_cancelled);
        let run = Run {
            incarnation: begun.incarnation,
            finished: begun.finished,
            ..run
        };
        (command, run)
    };
    host.runs = agent.runs.into_iter().map(run).collect();
    Ok(())
}

fn agent_of(host: &Host) -> Agent {
    let begun = |(command, run): (&String, &Run)| {
        let begun = Begun {
            incarnation: run.incarnation,
            is_cancelled: *run.cancel.borrow(),
            finished: run.finished.clone(),
        };
        (command.clone(), begun)
    };
    Agent {
        host: host.options.id.clone(),
        inbox: host.inbox.iter().cloned().collect(),
        runs: host.runs.iter().map(begun).collect(),
        outbox: host.outbox.iter().cloned().collect(),
    }
}
