//! What goes wrong with the table, by chance and for a time.

use super::Fault;
use crate::chance::Chance;
use longshore_core::Timestamp;
use longshore_shell::fakes::{ManualClock, MemoryStore, StoreCall, StoreFault};
use longshore_shell::ports::Clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// One spell of faults.
#[derive(Clone, Copy, Debug)]
struct Spell {
    fault: Fault,
    kind: StoreFault,
    one_in: u64,
    until: Timestamp,
}

/// The spells that last, and how often each has struck.
#[derive(Clone, Debug, Default)]
pub(super) struct TableWeather(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    spells: Vec<Spell>,
    struck: BTreeMap<Fault, u64>,
}

impl TableWeather {
    /// Weather over a table.
    pub(super) fn over(store: &MemoryStore, clock: &ManualClock, seed: u64) -> Self {
        let weather = Self::default();
        let here = weather.clone();
        let clock = clock.clone();
        let mut chance = Chance::of(seed);
        store.fail_by(move |call| here.strike(call, clock.now(), &mut chance));
        weather
    }

    /// Begins a spell.
    pub(super) fn begin(&self, fault: Fault, kind: StoreFault, one_in: u64, until: Timestamp) {
        self.0.lock().unwrap().spells.push(Spell {
            fault,
            kind,
            one_in,
            until,
        });
    }

    /// How often each fault has struck.
    pub(super) fn struck(&self) -> BTreeMap<Fault, u64> {
        self.0.lock().unwrap().struck.clone()
    }

    fn strike(&self, call: StoreCall, now: Timestamp, chance: &mut Chance) -> Option<StoreFault> {
        let mut inner = self.0.lock().unwrap();
        inner.spells.retain(|spell| spell.until > now);
        let strikes = |spell: &&Spell| fits(spell.kind, call);
        let spell = inner.spells.iter().find(strikes).copied()?;
        if !chance.one_in(spell.one_in) {
            return None;
        }
        *inner.struck.entry(spell.fault).or_default() += 1;
        Some(spell.kind)
    }
}

/// Whether a call can go wrong like this: reads have no effect that could be lost, and only records of deployments differ
/// between versions here.
fn fits(kind: StoreFault, call: StoreCall) -> bool {
    match kind {
        StoreFault::UnavailableBefore => true,
        StoreFault::UnavailableAfter | StoreFault::Conflict => call.is_write(),
        StoreFault::Unreadable => call == StoreCall::Deployment,
    }
}
