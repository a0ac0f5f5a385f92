//! Ten thousand schedules of pushes and faults, each from one seed. `SIMULATE_FROM=<number>` begins at another seed,
//! `SIMULATE_SEEDS=<number>` plays another count of them; `cargo xtask simulate` does the same and shows what they have met.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

use longshore_core::State;
use longshore_tests::{Simulated, simulate, simulate_all, tell};
use std::collections::BTreeSet;

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
