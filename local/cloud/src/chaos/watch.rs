//! Looks on while it happens: at the ledgers of the hosts, at what their activations did, and at the table.
//!
//! A ledger remembers its last switch only, and logs are pruned, so what the audit wants to know of the past is noted here.
//! It must never touch anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::LocalCloud;
use crate::clock::now_ms;
use crate::demo::app;
use crate::demo::record::Deployment;
use crate::hosts::Host;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The table and the logs are read at every so-manieth look.
const SELDOM: u32 = 5;

/// A switch of a host, as its ledger had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Switch {
    /// The generation that it belongs to.
    pub(crate) generation: u64,
    /// The release.
    pub(crate) release: String,
    /// The mark of the process that made it, in the kernel's unit: no older process is new.
    pub(crate) mark: u64,
    /// When, in Unix time.
    pub(crate) at_ms: u64,
}

impl Switch {
    /// The switch of a ledger; none before the first.
    pub(crate) fn of(ledger: &Value) -> Option<Self> {
        let switched = ledger.get("switched")?;
        let at = switched.get("at")?.as_str()?;
        let at: jiff::Timestamp = at.parse().ok()?;
        Some(Self {
            generation: switched.get("generation")?.as_u64()?,
            release: switched.get("release")?.as_str()?.to_owned(),
            mark: switched.get("mark")?.as_u64()?,
            at_ms: u64::try_from(at.as_millisecond()).ok()?,
        })
    }
}

/// What was seen of one host.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostPast {
    /// Its switches, in the order in which they were seen.
    pub(crate) switches: Vec<Switch>,
    /// The highest generation of its ledger, each time that it changed.
    pub(crate) generations: Vec<u64>,
    /// The logs of its activations, by their names.
    pub(crate) activations: BTreeMap<String, String>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    /// Of each host, by its id.
    pub(crate) hosts: BTreeMap<String, HostPast>,
    /// When any deployment's record was seen to have changed.
    pub(crate) moves: Vec<u64>,
    versions: BTreeMap<String, Value>,
    at_work: BTreeSet<String>,
}

impl Past {
    /// Whether any deployment was at work when last looked.
    pub(crate) fn is_at_work(&self) -> bool {
        !self.at_work.is_empty()
    }

    fn note_ledger(&mut self, host: &str, ledger: &Value) {
        let past = self.hosts.entry(host.to_owned()).or_default();
        if let Some(switch) = Switch::of(ledger)
            && past.switches.last() != Some(&switch)
        {
            past.switches.push(switch);
        }
        let generation = ledger.get("generation").and_then(Value::as_u64);
        if let Some(generation) = generation
            && past.generations.last() != Some(&generation)
        {
            past.generations.push(generation);
        }
    }

    fn note_table(&mut self, deployments: &[Deployment]) {
        let now = now_ms();
        for deployment in deployments {
            let version = deployment.body.get("version").cloned().unwrap_or_default();
            let before = self.versions.insert(deployment.id.clone(), version.clone());
            if before.as_ref() != Some(&version) {
                self.moves.push(now);
            }
            if deployment.at_rest {
                self.at_work.remove(&deployment.id);
            } else {
                self.at_work.insert(deployment.id.clone());
            }
        }
    }
}

/// The one that looks on.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Past>);

impl Watch {
    /// Looks again and again, for as long as it is polled.
    pub(crate) async fn keep_looking(&self, cloud: &LocalCloud) -> Result<()> {
        loop {
            for turn in 0..SELDOM {
                for host in cloud.hosts() {
                    self.look_at_ledger(host);
                    if turn == 0 {
                        self.look_at_logs(host);
                    }
                }
                if turn == 0 {
                    // Under load the emulator may miss a call; the next look is soon.
                    if let Ok(deployments) = Deployment::all(cloud).await {
                        self.with(|past| past.note_table(&deployments));
                    }
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Reads what was seen so far.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&mut Past) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn look_at_ledger(&self, host: &Host) {
        if let Some(ledger) = ledger(host) {
            self.with(|past| past.note_ledger(&host.id, &ledger));
        }
    }

    fn look_at_logs(&self, host: &Host) {
        let logs = activations_below(&host.root().join(app::APP).join("log"));
        self.with(|past| {
            let past = past.hosts.entry(host.id.clone()).or_default();
            past.activations.extend(logs);
        });
    }
}

/// A host's ledger; none before its first step.
pub(crate) fn ledger(host: &Host) -> Option<Value> {
    let bytes = std::fs::read(host.root().join(app::APP).join("ledger.json")).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn activations_below(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let logs = names.filter(|name| name.contains("-activate-"));
    logs.filter_map(|name| {
        let bytes = std::fs::read(folder.join(&name)).ok()?;
        Some((name, String::from_utf8_lossy(&bytes).into_owned()))
    })
    .collect()
}
