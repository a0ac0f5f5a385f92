//! What the hosts did, judged: by what was seen of their ledgers, their logs and their answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::evidence::{Evidence, Fleet};
use super::super::watch::{HostPast, Switch};
use super::pushes::short;
use crate::demo::record::Deployment;

/// I2. A generation has one mark in a host's ledger, and at most one activation of it that came to an end moved processes.
pub(super) fn activate_once(evidence: &Evidence) -> Vec<String> {
    let mut problems = Vec::new();
    for (host, past) in &evidence.past.hosts {
        let mut seen: BTreeMap<u64, &Switch> = BTreeMap::new();
        for switch in &past.switches {
            let before = seen.insert(switch.generation, switch);
            if let Some(before) = before {
                problems.push(format!("{host} switched twice: {before:?}, {switch:?}"));
            }
        }
        for (generation, logs) in moved_by_generation(past) {
            if logs.len() > 1 {
                problems.push(format!(
                    "{host} moved generation {generation} twice: {logs:?}"
                ));
            }
        }
    }
    problems
}

/// The logs of the activations that came to an end and moved processes, by generation.
fn moved_by_generation(past: &HostPast) -> BTreeMap<u64, Vec<&str>> {
    let mut moved: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for (name, log) in &past.activations {
        let says = |words: &str| log.lines().any(|line| line.contains(words));
        let has_moved = ["pm2: start", "pm2: reload", "pm2: replace"]
            .iter()
            .any(|way| says(way));
        // The last line of a script that was not killed.
        let has_ended = says("Z done ") || says("Z failed ");
        if let (Some(generation), true) = (generation_of(log), has_moved && has_ended) {
            moved.entry(generation).or_default().push(name);
        }
    }
    moved
}

/// The first line of a log: `<time> activate <release> generation <number> token <token>`.
fn generation_of(log: &str) -> Option<u64> {
    let mut words = log.lines().next()?.split_whitespace();
    words.find(|word| *word == "generation")?;
    words.next()?.parse().ok()
}

/// I4. In each ledger generations only grow, and no two deployments share one.
pub(super) fn never_go_back(evidence: &Evidence) -> Vec<String> {
    let mut problems = Vec::new();
    for (host, past) in &evidence.past.hosts {
        let switched: Vec<u64> = past.switches.iter().map(|s| s.generation).collect();
        for generations in [&switched, &past.generations] {
            if !generations.is_sorted() {
                problems.push(format!("{host} went back: {generations:?}"));
            }
        }
    }
    let mut given: BTreeMap<u64, &str> = BTreeMap::new();
    for deployment in &evidence.deployments {
        for generation in generations_of(deployment) {
            if let Some(other) = given.insert(generation, &deployment.id) {
                let id = &deployment.id;
                problems.push(format!("{other} and {id} share generation {generation}"));
            }
        }
    }
    problems
}

/// Its own, and that of its rollback.
fn generations_of(deployment: &Deployment) -> Vec<u64> {
    let own = deployment.generation();
    let went_back = deployment.entered_ms("RollingBack").is_some();
    let back = own.filter(|_| went_back).map(|own| own.saturating_add(1));
    own.into_iter().chain(back).collect()
}

/// I5. What an end says of its hosts is what was seen of them.
pub(super) fn verdicts_are_true(evidence: &Evidence) -> Vec<String> {
    let mut problems = Vec::new();
    for deployment in &evidence.deployments {
        let id = &deployment.id;
        for (host, verdict) in deployment.verdicts() {
            let switched = evidence.past.hosts.get(&host);
            let own = deployment.generation();
            let has_moved = switched.is_some_and(|past| {
                past.switches
                    .iter()
                    .any(|switch| Some(switch.generation) == own)
            });
            if deployment.state == "Succeeded" && verdict != "proven" {
                problems.push(format!("{id} succeeded, and {host} is {verdict}"));
            }
            if deployment.state == "Failed" && has_moved {
                problems.push(format!(
                    "{id} failed before any host moved, and {host} moved"
                ));
            }
            if verdict == "proven" && !has_moved {
                problems.push(format!(
                    "{id} calls {host} proven, and its ledger knows nothing of it"
                ));
            }
        }
        if deployment.state == "Succeeded" && deployment.verdicts().is_empty() {
            problems.push(format!("{id} succeeded on no host"));
        }
    }
    problems
}

/// I5. At rest, the last deployment that moved hosts says of each what the host says; at the very end, what is live is what
/// every host serves, from a process that was started after the switch, with the parameters of that release.
pub(super) fn agree_with_the_table(evidence: &Evidence) -> Vec<String> {
    let mut problems = rest_agrees(evidence);
    let live = evidence
        .slot
        .pointer("/live/release")
        .cloned()
        .unwrap_or_default();
    let commit = live
        .get("commit")
        .and_then(Value::as_str)
        .unwrap_or("nothing");
    let greeting = greeting_of(evidence, &live);
    let last = evidence.pushes.last().map(|pushed| pushed.commit.as_str());
    if evidence.restless.is_empty() && last != Some(commit) {
        problems.push("the last push, after every fault, is not live".to_owned());
    }
    if evidence.at_end.is_empty() {
        problems.push("no host was looked at".to_owned());
    }
    for (host, now) in &evidence.at_end {
        let is_right = now.serves_its_release()
            && now.active.starts_with(commit)
            && greeting.is_some_and(|greeting| now.served.page.contains(greeting));
        if !is_right {
            let live = short(commit);
            problems.push(format!("{live} is live; {host}: {now}"));
        }
    }
    problems
}

fn rest_agrees(evidence: &Evidence) -> Vec<String> {
    let moved = |d: &&Deployment| d.entered_ms("Activating").is_some();
    let mut deployments: Vec<&Deployment> =
        evidence.deployments_at_rest.iter().filter(moved).collect();
    deployments.sort_by_key(|deployment| deployment.generation());
    deployments
        .last()
        .map_or_else(Vec::new, |last| hosts_agree(last, &evidence.at_rest))
}

fn hosts_agree(last: &Deployment, fleet: &Fleet) -> Vec<String> {
    let commit_of = |name: &str| {
        let commit = last.run()?.get(name)?.get("commit")?;
        commit.as_str().map(str::to_owned)
    };
    let mut problems = Vec::new();
    for (host, verdict) in last.verdicts() {
        let expected = match verdict.as_str() {
            "proven" if last.state == "Succeeded" => commit_of("release"),
            "restored" => commit_of("previous"),
            _ => None,
        };
        let (Some(expected), Some(now)) = (expected, fleet.get(&host)) else {
            continue;
        };
        if !(now.active.starts_with(&expected) && now.serves_its_release()) {
            let (id, short) = (&last.id, short(&expected));
            problems.push(format!("{id} calls {host} {verdict} with {short}: {now}"));
        }
    }
    problems
}

fn greeting_of<'a>(evidence: &'a Evidence, release: &Value) -> Option<&'a str> {
    let version = release.pointer("/parameters/GREETING")?.as_u64()?;
    evidence.greetings.get(&version).map(String::as_str)
}

/// I9. After the end of a rollback no host switches to its commit, and no deployment of it begins.
pub(super) fn quarantine_holds(evidence: &Evidence) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, back) in evidence.deployments.iter().enumerate() {
        let ended = back
            .entered_ms("RolledBack")
            .or_else(|| back.entered_ms("RollbackFailed"));
        let (Some(ended), commit) = (ended, back.commit()) else {
            continue;
        };
        if was_live_before(evidence, index, commit) {
            continue;
        }
        let again = evidence.deployments.iter().filter(|other| {
            let began = other.entered_ms("Preparing");
            other.commit() == commit && began.is_some_and(|began| began > ended)
        });
        problems.extend(
            again.map(|d| format!("{} began with a commit that {} rolled back", d.id, back.id)),
        );
        for (host, past) in &evidence.past.hosts {
            let mut switches = past.switches.iter();
            if switches.any(|s| s.release.starts_with(commit) && s.at_ms > ended) {
                let short = short(commit);
                problems.push(format!(
                    "{host} went to {short} again, which {} rolled back",
                    back.id
                ));
            }
        }
    }
    problems
}

/// Whether this commit is what was live before: going back to it is what a rollback is for.
fn was_live_before(evidence: &Evidence, index: usize, commit: &str) -> bool {
    let before = evidence.deployments.iter().take(index);
    let mut live = before.filter(|d| d.state == "Succeeded");
    live.any(|deployment| deployment.commit() == commit)
}

/// I10. The release that a rollback goes to is that of the last success before it, parameters and all, and nothing else was
/// switched to in its generation.
pub(super) fn go_back_to_what_was_proven(evidence: &Evidence) -> Vec<String> {
    let mut problems = Vec::new();
    for back in &evidence.deployments {
        let (Some(generation), true) =
            (back.generation(), back.entered_ms("RollingBack").is_some())
        else {
            continue;
        };
        let id = &back.id;
        let previous = back.run().and_then(|run| run.get("previous"));
        let proven = proven_before(evidence, generation);
        if previous.filter(|release| !release.is_null()) != proven {
            problems.push(format!(
                "{id} goes back to {previous:?}, proven was {proven:?}"
            ));
        }
        let commit = previous.and_then(|release| release.get("commit"));
        let commit = commit.and_then(Value::as_str).unwrap_or("nothing");
        for (host, past) in &evidence.past.hosts {
            let mut of_rollback = past
                .switches
                .iter()
                .filter(|s| s.generation == generation.saturating_add(1));
            if let Some(wrong) = of_rollback.find(|switch| !switch.release.starts_with(commit)) {
                problems.push(format!("{id} took {host} to {}", wrong.release));
            }
        }
    }
    problems
}

fn proven_before(evidence: &Evidence, generation: u64) -> Option<&Value> {
    let succeeded = evidence
        .deployments
        .iter()
        .filter(|d| d.state == "Succeeded");
    let before = succeeded.filter(|d| d.generation().is_some_and(|own| own < generation));
    let last = before.max_by_key(|deployment| deployment.generation())?;
    last.run()?.get("release")
}
