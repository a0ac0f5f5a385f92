//! What became of the pushes, judged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::evidence::{Decision, Evidence};
use super::super::plan::CommitKind;
use super::super::pushes::{Answer, Pushed};
use crate::demo::record::Deployment;
use crate::demo::story::slack_text;
use crate::sinks::Message;

const UNAUTHORIZED: u16 = 401;
/// Slack and the topic, as the run's configuration names them.
const CHANNELS: u64 = 2;
/// Classes that say that the commit itself is at fault, of which a good one never is.
const FAULTS_OF_A_COMMIT: [&str; 5] = [
    "build_failed",
    "migration_failed",
    "install_failed",
    "config_refused",
    "commit_missing",
];

/// I1. Every delivery of a push has one answer, the answers and the table agree, and each deployment ended.
pub(super) fn end_once(evidence: &Evidence) -> Vec<String> {
    let mut problems = Vec::new();
    let mut promised = Vec::new();
    for pushed in &evidence.pushes {
        let short = short(&pushed.commit);
        match pushed.answers.first() {
            None => problems.push(format!("the push of {short} was never answered")),
            Some(Answer::Other(said)) => problems.push(format!("the push of {short}: {said}")),
            Some(Answer::Deployment(id)) => promised.push(Decision::Deployment(id.clone())),
            Some(Answer::Skipped(reason)) => promised.push(Decision::Skipped(reason.clone())),
        }
        let answers: Vec<&Answer> = pushed.answers.iter().collect();
        if answers.windows(2).any(|pair| pair.first() != pair.last()) {
            problems.push(format!(
                "the push of {short} was answered differently: {answers:?}"
            ));
        }
    }
    let mut recorded = evidence.decisions.clone();
    promised.sort();
    recorded.sort();
    if promised != recorded {
        problems.push(format!(
            "answered was {promised:?}, recorded is {recorded:?}"
        ));
    }
    problems.extend(evidence.deployments.iter().filter_map(|deployment| {
        let decision = Decision::Deployment(deployment.id.clone());
        let is_known = evidence.decisions.contains(&decision);
        (!is_known).then(|| format!("no push brought {}", deployment.id))
    }));
    for decision in &evidence.decisions {
        if let Decision::Deployment(id) = decision {
            problems.extend(ended_once(evidence, id));
        }
    }
    problems
}

fn ended_once(evidence: &Evidence, id: &str) -> Option<String> {
    let Some(deployment) = evidence.deployments.iter().find(|d| d.id == id) else {
        return Some(format!("{id} was promised and is lost"));
    };
    let ends = deployment
        .timeline
        .iter()
        .filter(|entry| entry.is_end())
        .count();
    (ends != 1).then(|| format!("{id} ended {ends} times: {:?}", deployment.timeline))
}

/// I3. Everybody has ended and been told of, and the slot is free.
pub(super) fn come_to_rest(evidence: &Evidence) -> Vec<String> {
    let mut problems = evidence.restless.clone();
    let open = evidence.deployments.iter().filter(|d| !d.at_rest);
    problems.extend(open.map(|d| format!("{} is still open in {}", d.id, d.state)));
    for place in ["running", "waiting"] {
        if let Some(id) = evidence.slot.get(place).and_then(Value::as_str) {
            problems.push(format!("{id} still holds the slot ({place})"));
        }
    }
    problems
}

/// I5. The verdict fits the commit.
pub(super) fn judged_rightly(evidence: &Evidence) -> Vec<String> {
    let mut problems = Vec::new();
    let mut kinds: BTreeMap<&str, CommitKind> = BTreeMap::new();
    for pushed in &evidence.pushes {
        // A commit that comes again is what it was.
        kinds.entry(&pushed.commit).or_insert(pushed.kind);
    }
    for deployment in &evidence.deployments {
        let Some(kind) = kinds.get(deployment.commit()) else {
            continue;
        };
        let class = deployment.failure().map(|(class, _)| class);
        let class = class.unwrap_or_default();
        let is_good = *kind == CommitKind::Good;
        let id = &deployment.id;
        if deployment.state == "Succeeded" && !is_good {
            problems.push(format!(
                "{id} succeeded with a commit that {}",
                kind.words()
            ));
        }
        if is_good && FAULTS_OF_A_COMMIT.contains(&class.as_str()) {
            problems.push(format!("{id} failed with {class}, and its commit is good"));
        }
        if matches!(kind, CommitKind::BuildFails | CommitKind::MigrationFails)
            && deployment.entered_ms("Activating").is_some()
        {
            problems.push(format!(
                "{id} switched hosts to a commit that {}",
                kind.words()
            ));
        }
    }
    problems
}

/// I6. The message about the end is the last one of its channel.
pub(super) fn ends_are_told(evidence: &Evidence) -> Vec<String> {
    let mut problems = Vec::new();
    for deployment in evidence.deployments.iter().filter(|d| d.is_over()) {
        let announced = deployment.body.get("announced").and_then(Value::as_u64);
        let last = announced.unwrap_or_default();
        let first = last.saturating_sub(CHANNELS).saturating_add(1);
        let told = |is_here: fn(&Message) -> bool| {
            evidence
                .messages
                .iter()
                .filter(|m| is_here(m) && m.status == 200)
                .any(|message| {
                    let text = message.body.to_string();
                    (first..=last).any(|number| {
                        let mark = format!("deployment {} · message {number}", deployment.id);
                        text.contains(&mark)
                    })
                })
        };
        if !told(|message| slack_text(message).is_some()) {
            problems.push(format!(
                "Slack was not told that {} {}",
                deployment.id, deployment.state
            ));
        }
        if !told(|message| message.path.starts_with("/sns")) {
            problems.push(format!(
                "the topic was not told that {} {}",
                deployment.id, deployment.state
            ));
        }
    }
    problems
}

/// I7. From outside: what Bitbucket did not sign is refused, and planted words are nowhere.
pub(super) fn nothing_foreign(evidence: &Evidence) -> Vec<String> {
    let believed = evidence
        .forged
        .iter()
        .filter(|f| f.status != Some(UNAUTHORIZED));
    let mut problems: Vec<String> = believed
        .map(|forged| format!("a forged webhook was answered: {forged:?}"))
        .collect();
    let leaks = evidence.leaks.iter();
    problems.extend(leaks.map(|(word, places)| format!("{word:?} is in {places:?}")));
    problems
}

/// I8.
pub(super) fn one_at_a_time(evidence: &Evidence) -> Vec<String> {
    let mut problems = Vec::new();
    let mut spans: Vec<(u64, u64, &Deployment)> = Vec::new();
    for deployment in &evidence.deployments {
        let end = deployment.timeline.last().map(|entry| entry.at_ms);
        if let (Some(start), Some(end)) = (deployment.entered_ms("Preparing"), end) {
            spans.push((start, end, deployment));
        }
        problems.extend(wrongly_superseded(evidence, deployment));
    }
    spans.sort_by_key(|(start, ..)| *start);
    for pair in spans.windows(2) {
        if let [(_, end, first), (start, _, second)] = pair
            && start < end
        {
            problems.push(format!(
                "{} began while {} was at work",
                second.id, first.id
            ));
        }
    }
    problems
}

fn wrongly_superseded(evidence: &Evidence, deployment: &Deployment) -> Option<String> {
    let by = deployment
        .body
        .pointer("/state/ended/outcome/superseded")?
        .as_str()?;
    let ids: BTreeSet<&str> = evidence.deployments.iter().map(|d| d.id.as_str()).collect();
    let is_right = by > deployment.id.as_str() && ids.contains(by);
    (!is_right).then(|| format!("{} was superseded by {by}", deployment.id))
}

/// What a push came to, in a word, and why.
pub(crate) fn fate<'a>(
    evidence: &'a Evidence,
    pushed: &'a Pushed,
) -> (String, Option<&'a Deployment>) {
    match pushed.answers.first() {
        Some(Answer::Deployment(id)) => {
            let found = evidence.deployments.iter().find(|d| d.id == *id);
            let word = found.map_or("lost", |d| d.state.as_str());
            (word.to_owned(), found)
        }
        Some(Answer::Skipped(reason)) => (format!("left alone: {reason}"), None),
        Some(Answer::Other(said)) => (said.clone(), None),
        None => ("never answered".to_owned(), None),
    }
}

pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
