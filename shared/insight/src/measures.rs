//! Everything that is measured over a window.

use crate::changes::{Change, Delivery, changes_of};
use crate::spans::{Spans, WORK, first_entered};
use crate::spread::Spread;
use crate::window::Window;
use longshore_core::{AppName, Deployment, HostId, Kind, Millis, State, Task, Timestamp};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// As many hosts as are named.
const HOSTS_SHOWN: usize = 10;

/// Something, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What.
    pub what: String,
    /// How often.
    pub times: u32,
}

/// How long deployments were in a state of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state's name.
    pub state: &'static str,
    /// For each deployment all its times in this state together.
    pub took: Spread,
}

/// How long hosts took for one task, by their own clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStep {
    /// The state in which hosts are asked to do it.
    pub state: &'static str,
    /// For each host of each deployment all its runs of the task together.
    pub took: Spread,
    /// The hosts that took longest, by their middle time and then their longest; ten at most.
    pub slowest: Vec<HostTimes>,
}

/// How long one host took for one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTimes {
    /// The host.
    pub host: HostId,
    /// For each deployment in which it told a time.
    pub took: Spread,
}

/// Rehearsed rollbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drills {
    /// From the start of the work to the end, for those that succeeded.
    pub took: Spread,
    /// Those that ended in any other way.
    pub failed: u32,
}

/// How changes were delivered in one week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// Its Monday in UTC; the first and the last week are cut to the window.
    pub monday: Timestamp,
    /// What was delivered.
    pub delivery: Delivery,
}

/// What a history tells about a window. All of it is about deployments that ended in it, whatever their kind, where nothing else
/// is said; a deployment that ended later, or has not, counts as open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measures {
    /// The window.
    pub window: Window,
    /// How they ended.
    pub ends: BTreeMap<&'static str, u32>,
    /// Those that were accepted before the window's end and had not ended by then.
    pub open: u32,
    /// How changes were delivered.
    pub delivery: Delivery,
    /// The same by week, the oldest first.
    pub weeks: Vec<Week>,
    /// How long those that started had waited for their turn.
    pub queue: Spread,
    /// How long those that people were asked about had waited for them.
    pub approval: Spread,
    /// How long they worked on hosts.
    pub work: Spread,
    /// How long each step took, in the order of the documentation; only steps that there were.
    pub steps: Vec<Step>,
    /// How long hosts took for what they were asked in them, in the same order; only tasks of which a host told a time.
    pub host_steps: Vec<HostStep>,
    /// Why they did not succeed, the most frequent class first.
    pub failures: Vec<Counted>,
    /// The hosts that failed or could not be reached, the most troubled first; ten at most.
    pub hosts: Vec<Counted>,
    /// Rehearsals.
    pub drills: Drills,
}

/// Measures a window. The deployments may be of several apps and in any order; those that ended after the window are taken as
/// they were at its end, as far as that can be told: open. Some from before the window make what is said of failed changes
/// complete, as an operator's rollback names what it leaves only by what was live.
#[must_use]
pub fn measure<'a>(
    deployments: impl IntoIterator<Item = &'a Deployment>,
    window: Window,
) -> Measures {
    let known: Vec<&Deployment> = deployments
        .into_iter()
        .filter(|one| one.origin.at < window.until)
        .collect();
    let mut ended: Vec<&Deployment> = known
        .iter()
        .copied()
        .filter(|one| one.state.ended_at().is_some_and(|at| at < window.until))
        .collect();
    ended.sort_by(|a, b| (a.state.ended_at(), &a.id).cmp(&(b.state.ended_at(), &b.id)));
    let changes = all_changes(&ended);
    let mine: Vec<&Deployment> = ended
        .iter()
        .copied()
        .filter(|one| one.state.ended_at().is_some_and(|at| window.holds(at)))
        .collect();
    let spans: Vec<Spans> = mine.iter().map(|one| Spans::of(one)).collect();
    let began = spans.iter().filter(|spans| spans.work().is_some());
    let weeks = window.weeks().into_iter();
    Measures {
        window,
        ends: ends(&mine),
        open: count(known.len().saturating_sub(ended.len())),
        delivery: Delivery::of(&changes, &ended, window),
        weeks: weeks
            .map(|(monday, part)| Week {
                monday,
                delivery: Delivery::of(&changes, &ended, part),
            })
            .collect(),
        queue: Spread::of(began.filter_map(Spans::queue)),
        approval: Spread::of(spans.iter().filter_map(Spans::approval)),
        work: Spread::of(spans.iter().filter_map(Spans::work)),
        steps: steps(&spans),
        host_steps: host_steps(&mine),
        failures: failures(&mine),
        hosts: hosts(&mine),
        drills: drills(&mine),
    }
}

/// The changes of every app.
fn all_changes<'a>(ended: &[&'a Deployment]) -> Vec<Change<'a>> {
    let mut by_app: BTreeMap<&AppName, Vec<&'a Deployment>> = BTreeMap::new();
    for deployment in ended.iter().copied() {
        by_app.entry(&deployment.app).or_default().push(deployment);
    }
    by_app
        .values()
        .flat_map(|ended| changes_of(ended))
        .collect()
}

fn ends(mine: &[&Deployment]) -> BTreeMap<&'static str, u32> {
    let mut ends = BTreeMap::new();
    for deployment in mine {
        add(&mut ends, deployment.state.name());
    }
    ends
}

fn steps(spans: &[Spans]) -> Vec<Step> {
    let steps = WORK.into_iter().map(|state| Step {
        state,
        took: Spread::of(spans.iter().filter_map(|spans| spans.of_state(state))),
    });
    steps.filter(|step| step.took.n > 0).collect()
}

fn host_steps(mine: &[&Deployment]) -> Vec<HostStep> {
    let steps = Task::ALL.into_iter().map(|task| {
        let mut by_host: BTreeMap<&HostId, Vec<Millis>> = BTreeMap::new();
        for run in mine.iter().filter_map(|one| one.state.run()) {
            for (host, took) in run.times.of(task) {
                by_host.entry(host).or_default().push(took.time);
            }
        }
        HostStep {
            state: task.state(),
            took: Spread::of(by_host.values().flatten().copied()),
            slowest: slowest(by_host),
        }
    });
    steps.filter(|step| step.took.n > 0).collect()
}

/// The slowest first, those that are as slow by their names.
fn slowest(by_host: BTreeMap<&HostId, Vec<Millis>>) -> Vec<HostTimes> {
    let hosts = by_host.into_iter().map(|(host, times)| HostTimes {
        host: host.clone(),
        took: Spread::of(times),
    });
    let mut hosts: Vec<HostTimes> = hosts.collect();
    hosts.sort_by_key(|one| Reverse((one.took.p50, one.took.max)));
    hosts.truncate(HOSTS_SHOWN);
    hosts
}

fn failures(mine: &[&Deployment]) -> Vec<Counted> {
    let mut classes = BTreeMap::new();
    for deployment in mine {
        if let State::Ended { outcome, .. } = &deployment.state
            && let Some(failure) = outcome.failure()
        {
            add(&mut classes, failure.class.word());
        }
    }
    ranked(classes)
}

fn hosts(mine: &[&Deployment]) -> Vec<Counted> {
    let mut hosts = BTreeMap::new();
    for run in mine.iter().filter_map(|one| one.state.run()) {
        for (host, standing) in &run.hosts {
            if standing.failure().is_some() {
                add(&mut hosts, host.as_str());
            }
        }
    }
    let mut ranked = ranked(hosts);
    ranked.truncate(HOSTS_SHOWN);
    ranked
}

fn drills(mine: &[&Deployment]) -> Drills {
    let is_drill = |one: &&&Deployment| matches!(one.origin.kind, Kind::Drill(_));
    let all = mine.iter().filter(is_drill);
    let (good, bad): (Vec<&&Deployment>, Vec<&&Deployment>) =
        all.partition(|one| one.state.name() == "Succeeded");
    let took = good.iter().filter_map(|one| worked(one));
    Drills {
        took: Spread::of(took),
        failed: count(bad.len()),
    }
}

/// From the start of the work to the end.
fn worked(deployment: &Deployment) -> Option<Millis> {
    let began = first_entered(deployment, &WORK)?;
    Some(deployment.state.ended_at()?.since(began))
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u32>, what: K) {
    let times = counts.entry(what).or_default();
    *times = times.saturating_add(1);
}

/// The most frequent first, those that are as frequent by their names.
fn ranked(counts: BTreeMap<&str, u32>) -> Vec<Counted> {
    let counted = counts.into_iter().map(|(what, times)| Counted {
        what: what.to_owned(),
        times,
    });
    let mut ranked: Vec<Counted> = counted.collect();
    ranked.sort_by_key(|one| Reverse(one.times));
    ranked
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
