//! That the net catches: each mistake of [`Bug`] is built into the mirror of the shell or of the host, and a property must
//! find it. What the properties say of the unchanged configurations is worth no more than this.

use crate::machine::Machine;
use crate::properties::{
    AGREES, BACK, DOWN_ONCE, NO_WAY_BACK, NONE_LOST, ONCE, QUARANTINE, SENT_ONCE, SILENCE, TOLD,
};
use crate::setup::Behaviour::{BuildFails, Good, HealthFails};
use crate::setup::{Bug, Operation, Setup, one_channel};
use longshore_core::Verdict;
use stateright::{Checker, HasDiscoveries, Model};
use std::collections::BTreeSet;

/// A mistake, a configuration small enough to show it, and the property that finds it.
struct Mistake {
    bug: Bug,
    setup: Setup,
    found_by: &'static str,
}

fn mistake(bug: Bug, found_by: &'static str, setup: Setup) -> Mistake {
    Mistake {
        bug,
        setup: setup.with(bug),
        found_by,
    }
}

fn mistakes() -> Vec<Mistake> {
    let one = |behaviour| Setup::new(1, &[('a', 'b', behaviour)]);
    let two = |first, second| Setup::new(1, &[('a', 'b', first), ('b', 'c', second)]);
    let again = Setup::new(1, &[('a', 'b', HealthFails), ('c', 'b', HealthFails)]);
    let mut told = one(BuildFails);
    told.policy.channels = one_channel();
    let mut dying = one(Good);
    dying.agents_die = true;
    dying.faults = 1;
    let mut taking_back = one(HealthFails).migrates(Verdict::NeedsDown);
    taking_back.handlers = 1;
    taking_back.agents_die = true;
    taking_back.faults = 1;
    let mut cancelled = one(Good);
    cancelled.operations = vec![Operation::Cancel];
    vec![
        mistake(
            Bug::DeploymentWrittenWithoutItsVersion,
            SENT_ONCE,
            one(Good),
        ),
        mistake(
            Bug::SlotWrittenWithoutItsVersion,
            NONE_LOST,
            two(BuildFails, Good),
        ),
        mistake(Bug::SentBeforeTheClaim, SENT_ONCE, one(Good)),
        mistake(Bug::SettlingNotAwaited, SENT_ONCE, one(Good)),
        mistake(Bug::SleeperSends, SENT_ONCE, one(Good)),
        mistake(Bug::LostCommandNotSearched, SENT_ONCE, one(Good)),
        mistake(Bug::EndLeavesTheSlot, NONE_LOST, one(BuildFails)),
        mistake(Bug::SupersededNotEnded, NONE_LOST, two(Good, Good)),
        mistake(Bug::QuarantineNotAskedAtTheStart, QUARANTINE, again),
        mistake(
            Bug::PreviousIsTheLastTried,
            BACK,
            two(BuildFails, HealthFails),
        ),
        mistake(Bug::StruckOffBeforeDelivery, TOLD, told),
        mistake(Bug::TimeIsNotObserved, SILENCE, one(Good)),
        mistake(Bug::HostAcceptsLowerGenerations, NO_WAY_BACK, cancelled),
        mistake(Bug::HostForgetsItsSwitch, ONCE, dying),
        mistake(Bug::HostSaysWhatItsLedgerSays, AGREES, one(Good)),
        mistake(Bug::HostTakesBackAgain, DOWN_ONCE, taking_back),
    ]
}

#[test]
fn every_mistake_is_found_by_the_property_that_speaks_of_it() {
    for Mistake {
        bug,
        setup,
        found_by,
    } in mistakes()
    {
        let enough = HasDiscoveries::AllOf(BTreeSet::from([found_by]));
        let checker = Machine::new(setup).checker().threads(2);
        let checker = checker.finish_when(enough).spawn_bfs().join();
        let found = checker.discoveries();
        assert!(found.contains_key(found_by), "{bug:?}: {:?}", found.keys());
        println!(
            "{bug:?}: {found_by}, {} states",
            checker.unique_state_count()
        );
    }
}

#[test]
fn the_page_lists_every_mistake_with_the_property_that_finds_it() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PROOF.md");
    let page = std::fs::read_to_string(page).unwrap();
    for Mistake { bug, found_by, .. } in mistakes() {
        let row = format!("| `{bug:?}` | {found_by} |");
        assert!(page.contains(&row), "docs/PROOF.md has no row {row}");
    }
}
