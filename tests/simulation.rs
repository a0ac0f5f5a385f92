//! Ten thousand schedules of pushes and faults, each from one seed. `SIMULATE_FROM=<number>` begins at another seed,
//! `SIMULATE_SEEDS=<number>` plays another count of them; `cargo xtask simulate` does the same and shows what they have met.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::too_many_lines,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

use longshore_core::{Cause, Deployment, HostId, Millis, State, Task, Timestamp};
use longshore_insight::{Window, measure};
use longshore_tests::{Simulated, exported, simulate, simulate_all, tell, writes_of};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: u64 = 10_000;

fn given(name: &str) -> Option<u64> {
    let found = std::env::vars().find(|(key, _)| key == name);
    found.map(|(_, value)| value.parse().unwrap())
}

fn assert_unbroken(simulated: &Simulated) {
    if let Some(first) = simulated.broken.first() {
        let count = simulated.broken.len();
        let story = tell(first.seed).join("\n");
        panic!(
            "{count} schedules are broken. The first, seed {}:\n{story}",
            first.seed
        );
    }
}

/// Every schedule comes to rest with every invariant, and together they meet every state, every fault, and a death at each
/// side of each call: a fault or a call that is never met would be a hole in the net.
#[test]
fn ten_thousand_schedules_come_to_rest_and_leave_no_hole() {
    let from = given("SIMULATE_FROM").unwrap_or(0);
    let seeds = given("SIMULATE_SEEDS").unwrap_or(SEEDS);
    println!("seeds {from} to {}", from + seeds - 1);
    let simulated = simulate_all(from..from + seeds);
    assert_unbroken(&simulated);
    let coverage = simulated.coverage;
    if seeds >= SEEDS {
        assert_eq!(coverage.missing_faults(), BTreeSet::new());
        assert_eq!(coverage.missing_deaths(), BTreeSet::new());
        let met: Vec<&str> = coverage.states.keys().copied().collect();
        let missing = State::NAMES.iter().filter(|name| !met.contains(name));
        assert_eq!(missing.count(), 0, "{met:?}");
    }
}

#[test]
fn a_seed_decides_everything() {
    for seed in [7, 77, 777] {
        assert_eq!(
            simulate(seed).unwrap(),
            simulate(seed).unwrap(),
            "seed {seed}"
        );
        assert_eq!(tell(seed), tell(seed), "seed {seed}");
    }
}

#[test]
fn a_story_tells_what_happened() {
    let story = tell(7).join("\n");
    for part in [
        "== commit",
        "trigger-deploy gets a delivery",
        "reconciler gets",
        "calls: ",
        "wrote ",
        "everything holds",
    ] {
        assert!(story.contains(part), "{part:?} is not in\n{story}");
    }
}

/// What the writes of a schedule tell about one deployment, found without its timeline's sums: the state that each write left it in,
/// with the time of that.
#[derive(Default)]
struct Life {
    states: Vec<(&'static str, u64)>,
    last: Option<Deployment>,
}

fn lives(seed: u64) -> BTreeMap<String, Life> {
    let mut lives: BTreeMap<String, Life> = BTreeMap::new();
    for deployment in writes_of(seed)
        .into_iter()
        .flat_map(|write| write.deployments)
    {
        let life = lives.entry(deployment.id.to_string()).or_default();
        let known = life.states.len();
        let new = deployment.timeline.iter().skip(known);
        life.states
            .extend(new.map(|entry| (entry.state, entry.at.as_unix_ms())));
        life.last = Some(deployment);
    }
    lives
}

/// What the export tells of a schedule is what the table has in the end: entry by entry, with its cause, and each end once. The
/// stream is handed over in batches of several sizes, of which each fails once and comes again.
#[test]
fn an_export_of_every_schedule_is_the_timeline_of_the_table() {
    let mut entries = 0;
    for seed in 0..60 {
        let batch = usize::try_from(seed % 7 + 1).unwrap();
        let text = exported(&writes_of(seed), batch);
        let told = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let told: Vec<Value> = told.collect();
        let kind = |line: &Value, kind: &str| line["type"] == kind;
        for (id, life) in lives(seed) {
            let last = life.last.unwrap();
            let its: Vec<&Value> = told
                .iter()
                .filter(|line| line["deployment"] == id)
                .collect();
            let transitions = its.iter().filter(|line| kind(line, "transition"));
            let transitions: Vec<(u64, &str, Option<&str>)> = transitions
                .map(|line| {
                    let (entry, state) = (line["entry"].as_u64(), line["state"].as_str());
                    (entry.unwrap(), state.unwrap(), line["cause"].as_str())
                })
                .collect();
            let timeline = (1..).zip(&last.timeline);
            let timeline: Vec<(u64, &str, Option<&str>)> = timeline
                .map(|(number, entry)| (number, entry.state, entry.cause.map(Cause::word)))
                .collect();
            assert_eq!(transitions, timeline, "seed {seed}, {id}");
            let ended: Vec<&&Value> = its.iter().filter(|line| kind(line, "ended")).collect();
            let [ended] = ended[..] else {
                panic!("seed {seed}, {id}: {ended:?}");
            };
            assert_eq!(ended["result"], last.state.name(), "seed {seed}, {id}");
            assert_eq!(ended["entries"], timeline.len(), "seed {seed}, {id}");
            entries += timeline.len();
        }
        let ids: BTreeSet<&str> = told.iter().filter_map(|line| line["id"].as_str()).collect();
        assert_eq!(ids.len(), told.len(), "seed {seed}");
    }
    assert!(entries > 500, "{entries}");
}

/// The time from one entry to the next, for all entries of this state.
fn time_in(life: &Life, state: &str) -> Option<u64> {
    let pairs = life.states.windows(2);
    let spans: Vec<u64> = pairs
        .filter(|pair| pair[0].0 == state)
        .map(|pair| pair[1].1.saturating_sub(pair[0].1))
        .collect();
    (!spans.is_empty()).then(|| spans.iter().sum())
}

/// The median by nearest rank, in plain words: of a sorted list the entry in the middle, the earlier one of two.
fn median(mut times: Vec<u64>) -> Option<u64> {
    times.sort_unstable();
    if times.is_empty() {
        return None;
    }
    Some(times[times.len().div_ceil(2) - 1])
}

/// What hosts took, counted from what the hosts of the simulation tell by their own pace. Says how many times there were.
fn hold_the_hosts_times(
    deployments: &[Deployment],
    told: &longshore_insight::Measures,
    seed: u64,
) -> usize {
    let mut all = 0;
    for task in Task::ALL {
        let mut by_host: BTreeMap<&HostId, Vec<u64>> = BTreeMap::new();
        for run in deployments.iter().filter_map(|one| one.state.run()) {
            for host in run.hosts.keys() {
                let took = run.times.of_host(task, host);
                by_host
                    .entry(host)
                    .or_default()
                    .extend(took.map(|took| took.time.as_ms()));
            }
        }
        by_host.retain(|_, times| !times.is_empty());
        let mut slowest: Vec<_> = by_host
            .iter()
            .map(|(host, times)| {
                (
                    median(times.clone()),
                    times.iter().max().copied(),
                    *host,
                    times.len(),
                )
            })
            .collect();
        slowest.sort_by(|a, b| (b.0, b.1, a.2).cmp(&(a.0, a.1, b.2)));
        slowest.truncate(10);
        let step = told
            .host_steps
            .iter()
            .find(|step| step.state == task.state());
        let ms = |time: Option<Millis>| time.map(Millis::as_ms);
        let named: Vec<_> = step
            .iter()
            .flat_map(|step| &step.slowest)
            .map(|one| {
                let n = usize::try_from(one.took.n).expect("a count");
                (ms(one.took.p50), ms(one.took.max), &one.host, n)
            })
            .collect();
        assert_eq!(named, slowest, "seed {seed}, {}", task.state());
        let times: Vec<u64> = by_host.values().flatten().copied().collect();
        let counted = step.map_or(0, |step| usize::try_from(step.took.n).expect("a count"));
        assert_eq!(counted, times.len(), "seed {seed}, {}", task.state());
        assert_eq!(
            step.and_then(|step| ms(step.took.p50)),
            median(times.clone())
        );
        all += times.len();
    }
    all
}

/// The numbers of `stats` agree with a count over what was written, schedule by schedule.
#[test]
fn the_measures_agree_with_a_count_over_the_writes() {
    let mut counted = (0, 0, 0);
    let mut timed = 0;
    for seed in 0..100 {
        let lives = lives(seed);
        let deployments = lives.values().filter_map(|life| life.last.clone());
        let deployments: Vec<Deployment> = deployments.collect();
        let from = deployments.iter().map(|one| one.origin.at).min();
        let ends = deployments.iter().filter_map(|one| one.timeline.last());
        let last = ends.map(|entry| entry.at.as_unix_ms()).max();
        let window = Window {
            from: from.unwrap_or_default(),
            until: Timestamp::from_unix_ms(last.unwrap_or_default() + 1),
        };
        let told = measure(&deployments, window);
        let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
        let (mut changes, mut succeeded, mut failed, mut stopped) = (0, 0, 0, 0);
        let (mut queue, mut preparing, mut leads) = (Vec::new(), Vec::new(), Vec::new());
        for life in lives.values() {
            let (Some(one), Some((end, at))) = (&life.last, life.states.last()) else {
                continue;
            };
            assert!(one.state.is_terminal(), "a schedule comes to rest");
            *ends.entry(end).or_default() += 1;
            let brings = !["join", "rollback", "drill"].contains(&one.origin.kind.word());
            match *end {
                "Succeeded" if brings => {
                    changes += 1;
                    succeeded += 1;
                    if one.origin.kind.word() == "push" {
                        leads.push(at - one.origin.at.as_unix_ms());
                    }
                }
                "RolledBack" | "RollbackFailed" if brings => {
                    changes += 1;
                    failed += 1;
                }
                "Failed" if brings => stopped += 1,
                _ => {}
            }
            let worked = life
                .states
                .iter()
                .any(|(state, _)| !["Queued", "AwaitingApproval"].contains(state) && state != end);
            queue.extend(time_in(life, "Queued").filter(|_| worked));
            preparing.extend(time_in(life, "Preparing"));
        }
        let delivery = told.delivery;
        assert_eq!(told.ends, ends, "seed {seed}");
        assert_eq!(
            (
                delivery.changes,
                delivery.succeeded,
                delivery.failed,
                delivery.stopped
            ),
            (changes, succeeded, failed, stopped),
            "seed {seed}"
        );
        let middle =
            |spread: longshore_insight::Spread| spread.p50.map(longshore_core::Millis::as_ms);
        assert_eq!(middle(told.queue), median(queue), "seed {seed}");
        assert_eq!(
            middle(delivery.lead_from_push),
            median(leads),
            "seed {seed}"
        );
        let step = told.steps.iter().find(|step| step.state == "Preparing");
        assert_eq!(
            step.and_then(|step| middle(step.took)),
            median(preparing),
            "seed {seed}"
        );
        timed += hold_the_hosts_times(&deployments, &told, seed);
        counted = (
            counted.0 + succeeded,
            counted.1 + failed,
            counted.2 + stopped,
        );
    }
    assert!(
        counted.0 > 50 && counted.1 > 10 && counted.2 > 10,
        "{counted:?}"
    );
    eprintln!("{timed} times were told");
    assert!(timed > 500, "{timed} times were told");
}
