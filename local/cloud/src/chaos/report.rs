//! What a run has shown, for a person to read.

use std::collections::BTreeMap;

use super::audit::{Check, fate};
use super::disk::Way;
use super::evidence::Evidence;
use super::faults::Hit;
use super::plan::{Delivery, Kind, Seconds};
use super::pushes::{Answer, Pushed};
use crate::demo::record::Deployment;

/// Everything that is reported.
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) way: Way,
    pub(crate) hits: Vec<Hit>,
    pub(crate) missed: BTreeMap<Kind, usize>,
    /// Webhooks that arrived after that of the next push.
    pub(crate) overtaken: usize,
    /// From the last fault until everything was at rest.
    pub(crate) rest_ms: u64,
    pub(crate) evidence: Evidence,
    pub(crate) checks: Vec<Check>,
}

impl Report {
    /// Whether every invariant held.
    pub(crate) fn held(&self) -> bool {
        self.checks.iter().all(|check| check.problems.is_empty())
    }

    /// The whole report, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.of_faults();
        lines.extend(self.of_pushes());
        lines.extend(self.of_outcomes());
        lines.extend(self.of_checks());
        lines
    }

    /// How often each kind of fault met something.
    pub(crate) fn counts(&self) -> BTreeMap<Kind, usize> {
        let mut counts: BTreeMap<Kind, usize> = Kind::ALL.iter().map(|kind| (*kind, 0)).collect();
        let mut add = |kind: Kind, more: usize| {
            let count = counts.entry(kind).or_default();
            *count = count.saturating_add(more);
        };
        self.hits.iter().for_each(|hit| add(hit.kind, 1));
        let pushes = self.evidence.pushes.iter();
        let doubled = pushes.filter(|pushed| pushed.delivery == Delivery::Doubled);
        add(Kind::WebhookDoubled, doubled.count());
        add(Kind::WebhookReordered, self.overtaken);
        add(Kind::WebhookForged, self.evidence.forged.len());
        counts
    }

    fn of_faults(&self) -> Vec<String> {
        let mut lines = vec!["\n━━━ What was done to it".to_owned()];
        for (kind, count) in self.counts() {
            let missed = match self.missed.get(&kind) {
                Some(missed) => format!("   ({missed} more met nothing)"),
                None => String::new(),
            };
            lines.push(format!("  {count:>4}  {}{missed}", kind.words()));
        }
        lines.push(format!("        {}", self.way.words()));
        lines
    }

    fn of_pushes(&self) -> Vec<String> {
        let mut lines = vec!["\n━━━ What became of each push".to_owned()];
        for pushed in &self.evidence.pushes {
            lines.push(self.of_push(pushed));
        }
        lines
    }

    fn of_push(&self, pushed: &Pushed) -> String {
        let (word, deployment) = fate(&self.evidence, pushed);
        let took = deployment.and_then(took_ms);
        let took = took.map_or_else(String::new, |took| Seconds(took).to_string());
        let why = deployment.and_then(Deployment::failure);
        let why = why.map_or_else(String::new, |(class, detail)| format!("{class}: {detail}"));
        let how = match pushed.delivery {
            Delivery::Plain => "",
            Delivery::Doubled => "doubled",
            Delivery::HeldBack => "held back",
        };
        let commit = pushed.commit.get(..12).unwrap_or_default();
        let kind = pushed.kind.words();
        let line = format!("  {commit}  {kind:<18} {how:<10} {word:<24} {took:>8}  {why:.90}");
        line.trim_end().to_owned()
    }

    fn of_outcomes(&self) -> Vec<String> {
        let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
        for deployment in &self.evidence.deployments {
            let count = outcomes.entry(&deployment.state).or_default();
            *count = count.saturating_add(1);
        }
        let mut lines = vec!["\n━━━ How deployments ended".to_owned()];
        lines.extend(
            outcomes
                .iter()
                .map(|(word, count)| format!("  {count:>4}  {word}")),
        );
        let answers = self
            .evidence
            .pushes
            .iter()
            .filter_map(|pushed| pushed.answers.first());
        let skipped = answers.filter(|answer| matches!(answer, Answer::Skipped(_)));
        lines.push(format!(
            "  {:>4}  left alone, with a reason on record",
            skipped.count()
        ));
        if let Some((hit, took)) = self.slowest_recovery() {
            let words = &hit.words;
            lines.push(format!(
                "        slowest recovery: {} after {words:?}",
                Seconds(took)
            ));
        }
        let rest = Seconds(self.rest_ms);
        lines.push(format!("        at rest {rest} after the last fault"));
        lines
    }

    /// The fault after which it took longest until a deployment that was at work went on.
    fn slowest_recovery(&self) -> Option<(&Hit, u64)> {
        let moves = &self.evidence.past.moves;
        let recovered = self
            .hits
            .iter()
            .filter(|hit| hit.at_work)
            .filter_map(|hit| {
                let next = moves.iter().find(|at| **at >= hit.over_ms)?;
                Some((hit, next.saturating_sub(hit.over_ms)))
            });
        recovered.max_by_key(|(_, took)| *took)
    }

    fn of_checks(&self) -> Vec<String> {
        let mut lines = vec!["\n━━━ What must always hold, seen from outside".to_owned()];
        for check in &self.checks {
            let mark = if check.problems.is_empty() {
                "✓"
            } else {
                "✗"
            };
            lines.push(format!("  {mark} {:<4} {}", check.name, check.words));
            lines.extend(
                check
                    .problems
                    .iter()
                    .map(|problem| format!("         {problem}")),
            );
        }
        let faults: usize = self.counts().values().sum();
        let pushes = self.evidence.pushes.len();
        let seed = self.seed;
        lines.push(if self.held() {
            format!("\n{faults} faults survived, {pushes} pushes, nothing lost. Seed {seed}.")
        } else {
            format!("\nAn invariant did not hold: {faults} faults, {pushes} pushes, seed {seed}.")
        });
        lines
    }
}

fn took_ms(deployment: &Deployment) -> Option<u64> {
    let first = deployment.timeline.first()?;
    let last = deployment.timeline.last()?;
    Some(last.at_ms.saturating_sub(first.at_ms))
}
