//! What a run has met: states, transitions, the sides of calls at which a handler died, and faults.

use super::Fault;
use crate::stage::Side;
use longshore_core::Deployment;
use std::collections::{BTreeMap, BTreeSet};

/// What one run, or many, have met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The states that deployments were in.
    pub states: BTreeMap<&'static str, u64>,
    /// The pairs of states that followed each other.
    pub transitions: BTreeMap<(&'static str, &'static str), u64>,
    /// How often a handler died, at each side of each call.
    pub deaths: BTreeMap<(&'static str, Side), u64>,
    /// How often each fault happened.
    pub faults: BTreeMap<Fault, u64>,
    /// Messages that were handed over.
    pub messages: u64,
}

impl Coverage {
    /// Adds what another run has met.
    pub fn add(&mut self, other: &Self) {
        add(&mut self.states, &other.states);
        add(&mut self.transitions, &other.transitions);
        add(&mut self.deaths, &other.deaths);
        add(&mut self.faults, &other.faults);
        self.messages += other.messages;
    }

    /// Takes in the life of a deployment.
    pub(super) fn live(&mut self, deployment: &Deployment) {
        let states: Vec<&'static str> = deployment.timeline.iter().map(|e| e.state).collect();
        for state in &states {
            *self.states.entry(state).or_default() += 1;
        }
        for pair in states.windows(2) {
            *self.transitions.entry((pair[0], pair[1])).or_default() += 1;
        }
    }

    /// The faults that have not happened.
    #[must_use]
    pub fn missing_faults(&self) -> BTreeSet<Fault> {
        let all = Fault::ALL.iter().copied();
        all.filter(|fault| !self.faults.contains_key(fault))
            .collect()
    }

    /// The sides of calls at which no handler has died, of those calls that handlers make.
    #[must_use]
    pub fn missing_deaths(&self) -> BTreeSet<(&'static str, Side)> {
        let sides = |call| [(call, Side::Before), (call, Side::After)];
        let all = crate::CALLS.into_iter().flat_map(sides);
        all.filter(|point| !self.deaths.contains_key(point))
            .collect()
    }
}

fn add<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key.clone()).or_default() += count;
    }
}
