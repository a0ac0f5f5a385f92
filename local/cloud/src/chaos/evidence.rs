//! What is there at the end: collected from the table, the hosts' disks, the hosts themselves, the sinks and the logs.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

use super::pushes::{CANARY, Forged, Pushed};
use super::watch::{self, Past, Switch};
use crate::LocalCloud;
use crate::demo::record::{Deployment, text};
use crate::demo::{WEBHOOK_SECRET, app};
use crate::served::Served;
use crate::sinks::Message;
use crate::traces::{self, Trace};

/// What may be found in no trace: what a payload said, and the secrets.
pub(crate) const HIDDEN: [&str; 3] = [CANARY, "sailor", WEBHOOK_SECRET];

/// A decision about a change, as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Decision {
    /// It became this deployment.
    Deployment(String),
    /// It was left alone, for this reason.
    Skipped(String),
}

/// A host, as it is found.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostNow {
    /// The release that its ledger calls active.
    pub(crate) active: String,
    /// The last switch of its ledger.
    pub(crate) switch: Option<Switch>,
    /// What it answers.
    pub(crate) served: Served,
    /// When the process that answers was started, in the kernel's unit.
    pub(crate) started: Option<u64>,
}

impl HostNow {
    /// Whether it serves what its ledger calls active, from a process that was started after the switch.
    pub(crate) fn serves_its_release(&self) -> bool {
        let mark = self.switch.as_ref().map(|switch| switch.mark);
        !self.active.is_empty()
            && self.served.release == self.active
            && self
                .started
                .zip(mark)
                .is_some_and(|(started, mark)| started >= mark)
    }
}

impl fmt::Display for HostNow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |release: &str| release.get(..12).unwrap_or("nothing").to_owned();
        let (active, served) = (short(&self.active), short(&self.served.release));
        let switch = self.switch.as_ref();
        let generation = switch.map_or(0, |switch| switch.generation);
        write!(
            formatter,
            "its ledger says {active} (generation {generation}), "
        )?;
        write!(
            formatter,
            "it serves {served} from process {:?}",
            self.served.process
        )?;
        match switch.zip(self.started) {
            Some((switch, started)) if started < switch.mark => {
                write!(formatter, ", which is older than the switch")
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// All hosts, by their ids.
pub(crate) type Fleet = BTreeMap<String, HostNow>;

/// Everything that the audit looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// Every deployment of the table, in the order of their ids.
    pub(crate) deployments: Vec<Deployment>,
    /// The app's slot.
    pub(crate) slot: Value,
    /// Every decision of the table.
    pub(crate) decisions: Vec<Decision>,
    /// Every push.
    pub(crate) pushes: Vec<Pushed>,
    /// Every forged webhook.
    pub(crate) forged: Vec<Forged>,
    /// Every message that arrived.
    pub(crate) messages: Vec<Message>,
    /// What was seen on the way.
    pub(crate) past: Past,
    /// The hosts when everything had come to rest, before the last push.
    pub(crate) at_rest: Fleet,
    /// The deployments at that time.
    pub(crate) deployments_at_rest: Vec<Deployment>,
    /// The hosts at the very end.
    pub(crate) at_end: Fleet,
    /// Hidden words that were found, with their places.
    pub(crate) leaks: Vec<(String, Vec<String>)>,
    /// The text of the app's parameter, by its version.
    pub(crate) greetings: BTreeMap<u64, String>,
    /// What did not come to rest in time.
    pub(crate) restless: Vec<String>,
}

/// Looks at every host.
pub(crate) async fn fleet(cloud: &LocalCloud) -> Fleet {
    let mut fleet = Fleet::new();
    for host in cloud.hosts() {
        let ledger = watch::ledger(host).unwrap_or_default();
        let active = ledger.get("active").and_then(Value::as_str);
        let served = Served::by(host).await;
        let now = HostNow {
            active: active.unwrap_or_default().to_owned(),
            switch: Switch::of(&ledger),
            started: started(&served.process),
            served,
        };
        fleet.insert(host.id.clone(), now);
    }
    fleet
}

/// When a process was started, as the kernel counts.
fn started(process: &str) -> Option<u64> {
    let number: u32 = process.parse().ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name, which may hold anything, ends with the last parenthesis; the start is the 20th field after it.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// Deployments, slot and decisions.
pub(crate) async fn of_table(cloud: &LocalCloud, evidence: &mut Evidence) -> Result<()> {
    evidence.deployments = Deployment::all(cloud).await?;
    let table = traces::table(cloud).await?;
    let items = table.get("Items").and_then(Value::as_array);
    for item in items.into_iter().flatten() {
        match text(item, "sk").as_deref() {
            Some("SLOT") => {
                let body = text(item, "body").context("a slot without a body")?;
                evidence.slot = serde_json::from_str(&body)?;
            }
            Some("DECISION") => evidence.decisions.push(match text(item, "deployment") {
                Some(id) => Decision::Deployment(id),
                None => Decision::Skipped(text(item, "reason").unwrap_or_default()),
            }),
            _ => {}
        }
    }
    Ok(())
}

/// Hidden words in what everybody may read.
pub(crate) async fn leaks(cloud: &LocalCloud) -> Result<Vec<(String, Vec<String>)>> {
    let left = traces::everything_left(cloud, app::APP).await?;
    Ok(found_in(&left))
}

fn found_in(left: &[Trace]) -> Vec<(String, Vec<String>)> {
    let places = |word: &&str| {
        let places = traces::places_of(word, left);
        let places: Vec<String> = places.into_iter().map(str::to_owned).collect();
        ((*word).to_owned(), places)
    };
    let found = HIDDEN.iter().map(places);
    found.filter(|(_, places)| !places.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_payload_in_a_log_is_found_with_its_place() {
        let left = [
            ("a log".to_owned(), format!("so {CANARY} says")),
            ("b".to_owned(), String::new()),
        ];
        assert_eq!(
            found_in(&left),
            [(CANARY.to_owned(), vec!["a log".to_owned()])]
        );
    }

    #[test]
    fn the_kernel_tells_when_this_process_was_started() {
        assert!(started(&std::process::id().to_string()).is_some_and(|ticks| ticks > 0));
        assert_eq!(started("nobody"), None);
    }
}
