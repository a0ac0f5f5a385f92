//! How long a deployment was in each of its states, from its timeline.

use longshore_core::{Deployment, Millis, Timestamp};
use std::collections::BTreeMap;

/// The states in which a deployment works on hosts, in the order of the documentation.
pub(crate) const WORK: [&str; 8] = [
    "Preparing",
    "Migrating",
    "Activating",
    "Verifying",
    "Baking",
    "Unmigrating",
    "RollingBack",
    "VerifyingRollback",
];

/// How long a deployment was in each state. A state that it entered several times, such as the waves' activations, counts with
/// all of them together; the state that it is in counts nothing, as that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans(BTreeMap<&'static str, Millis>);

impl Spans {
    /// The spans of a deployment. Where the clocks of two functions disagree, a span that would be negative is zero.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Self {
        let entries = deployment.timeline.iter();
        let next = deployment.timeline.iter().skip(1);
        let mut spans: BTreeMap<&'static str, Millis> = BTreeMap::new();
        for (entry, next) in entries.zip(next) {
            let span = spans.entry(entry.state).or_default();
            *span = span.plus(next.at.since(entry.at));
        }
        Self(spans)
    }

    /// How long it was in this state; `None` when it never was, or still is.
    #[must_use]
    pub fn of_state(&self, name: &str) -> Option<Millis> {
        self.0.get(name).copied()
    }

    /// How long it waited for its turn, every time together. A lock and a freeze are a part of it.
    #[must_use]
    pub fn queue(&self) -> Option<Millis> {
        self.of_state("Queued")
    }

    /// How long it waited for people.
    #[must_use]
    pub fn approval(&self) -> Option<Millis> {
        self.of_state("AwaitingApproval")
    }

    /// How long it worked on hosts; `None` when it never began.
    #[must_use]
    pub fn work(&self) -> Option<Millis> {
        let steps = WORK.iter().filter_map(|name| self.of_state(name));
        steps.reduce(Millis::plus)
    }
}

/// When it first entered one of these states.
pub(crate) fn first_entered(deployment: &Deployment, names: &[&str]) -> Option<Timestamp> {
    let mut entries = deployment.timeline.iter();
    entries
        .find(|entry| names.contains(&entry.state))
        .map(|entry| entry.at)
}
