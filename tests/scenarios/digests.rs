//! A channel that asks for it is told of a day in one message: once, whatever happens around it, and of everything.

use longshore_core::{Channel, ChannelName, Timestamp};
use longshore_shell::fakes::{Behaviour, StoreCall, StoreFault};
use longshore_shell::ports::{DigestName, Store, Told};
use longshore_tests::{Bench, drive};
use serde_json::json;
use std::collections::BTreeSet;

const DAY_S: u64 = 24 * 3600;

/// An app whose Slack channel wants only what a person must do now, and a digest. `a` is live.
fn with_a_digest(at: &str) -> Bench {
    let mut bench = Bench::new(2);
    let channel = json!({ "name": "deployments", "from": "critical", "digest": at });
    bench.configure(&json!({ "notifications": { "slack": [channel], "sns": false } }));
    bench.watch();
    bench.live("a");
    bench
}

fn name(at: &str) -> DigestName {
    DigestName {
        channel: Channel::Slack(ChannelName::parse("deployments").unwrap()),
        at: at.to_owned(),
    }
}

/// What stands in the table of it.
fn told(bench: &Bench, at: &str) -> Told {
    let name = name(at);
    let told = drive(&bench.cloud.stage, bench.cloud.world.store.told(&name));
    told.unwrap().unwrap()
}

/// What the digests say, in the order of arrival.
fn digests(bench: &Bench) -> Vec<String> {
    let told = bench.cloud.people.digests().into_iter();
    told.map(|(_, text)| text).collect()
}

fn how_often(bench: &Bench, text: &str) -> usize {
    digests(bench)
        .iter()
        .filter(|told| told.contains(text))
        .count()
}

#[test]
fn a_day_is_told_once_and_nothing_of_it_before() {
    let mut bench = with_a_digest("09:00 Europe/Berlin");
    bench.behaves("b", Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "RolledBack");
    assert_eq!(bench.cloud.people.told(), []);
    bench.run_for(DAY_S);
    let all = digests(&bench);
    assert_eq!(all.len(), 1, "{all:#?}");
    for said in [
        "prod: 2 deployments in a day",
        "orders: 1 rolled back, 1 went live",
        "the app's health check did not pass",
        "To fix: 1 deployment ended badly",
        "slack/deployments",
    ] {
        assert!(all[0].contains(said), "{said}: {}", all[0]);
    }
}

#[test]
fn a_day_on_which_nothing_happened_is_not_told_and_is_over_all_the_same() {
    let mut bench = with_a_digest("09:00");
    bench.run_for(DAY_S);
    let (count, first) = (digests(&bench).len(), told(&bench, "09:00").until.unwrap());
    bench.run_for(3 * DAY_S);
    assert_eq!(digests(&bench).len(), count);
    let last = told(&bench, "09:00").until.unwrap();
    assert_eq!(last.since(first).as_secs_ceil(), 3 * DAY_S);
}

#[test]
fn a_crash_between_telling_and_recording_repeats_it_with_the_same_reference() {
    let mut bench = with_a_digest("09:00");
    // The day before the first deployment is over.
    bench.run_for(3600);
    let mut writes = 0;
    bench.cloud.world.store.fail_by(move |call| {
        writes += u32::from(call == StoreCall::Tell);
        // The claim is written, and what comes after the telling is not.
        (call == StoreCall::Tell && writes == 2).then_some(StoreFault::UnavailableBefore)
    });
    bench.run_for(DAY_S);
    let all = digests(&bench);
    assert_eq!(all.len(), 2);
    let reference = |text: &str| {
        let (_, rest) = text.split_once("digest of prod").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    assert_eq!(reference(&all[0]), reference(&all[1]));
    bench.run_for(DAY_S);
    assert_eq!(digests(&bench).len(), 2);
}

#[test]
fn a_lost_answer_to_the_claim_tells_nobody_twice_at_once() {
    let mut bench = with_a_digest("09:00");
    // The day before the first deployment is over.
    bench.run_for(3600);
    let mut writes = 0;
    bench.cloud.world.store.fail_by(move |call| {
        writes += u32::from(call == StoreCall::Tell);
        (call == StoreCall::Tell && writes == 1).then_some(StoreFault::UnavailableAfter)
    });
    bench.run_for(DAY_S);
    assert_eq!(digests(&bench).len(), 1);
}

#[test]
fn a_record_that_cannot_be_read_keeps_no_digest_from_being_told() {
    let mut bench = with_a_digest("09:00");
    bench.run_for(3600);
    let unreadable = |call| (call == StoreCall::Deployment).then_some(StoreFault::Unreadable);
    bench.cloud.world.store.fail_by(unreadable);
    bench.run_for(DAY_S);
    assert_eq!(
        how_often(
            &bench,
            "orders: something of it was written by another version"
        ),
        1
    );
}

#[test]
fn two_polls_at_once_tell_it_once() {
    for interleaved in std::iter::once(None).chain((1..16).map(Some)) {
        let mut bench = with_a_digest("09:00");
        bench.double_polls();
        bench.weather.interleaved = interleaved;
        // Nothing comes between the two, so that they meet, call by call or one after the other.
        bench.weather.ticks_lost = true;
        bench.run_for(DAY_S);
        assert_eq!(digests(&bench).len(), 1, "{interleaved:?}");
    }
}

#[test]
fn a_channel_that_is_down_blocks_nothing_and_is_told_later_of_all_that_it_has_missed() {
    let mut bench = with_a_digest("09:00");
    bench.cloud.people.set_down("deployments", true);
    bench.run_for(DAY_S);
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Succeeded");
    bench.run_for(2 * DAY_S);
    assert_eq!(digests(&bench), [""; 0]);
    assert!(bench.cloud.people.tried_in_vain() > 100);
    bench.cloud.people.set_down("deployments", false);
    bench.run_for(DAY_S);
    let all = digests(&bench);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert!(all[0].contains("orders: 2 went live"), "{}", all[0]);
}

#[test]
fn what_was_put_right_after_the_day_asks_for_nothing_when_the_digest_comes_late() {
    let mut bench = with_a_digest("09:00");
    bench.behaves("b", Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "RolledBack");
    bench.cloud.people.set_down("deployments", true);
    bench.run_for(DAY_S / 2);
    assert_eq!(
        digests(&bench),
        [""; 0],
        "the day is over, and was not told"
    );
    assert_eq!(bench.push("c"), 202);
    bench.run_to("c", "Succeeded");
    bench.cloud.people.set_down("deployments", false);
    bench.run_for(3600);
    let all = digests(&bench);
    assert_eq!(all.len(), 1, "{all:#?}");
    for said in [
        "orders: 1 rolled back, 1 went live",
        "what came later went well",
        "Nothing to do",
    ] {
        assert!(all[0].contains(said), "{said}: {}", all[0]);
    }
}

#[test]
fn what_ends_is_told_in_exactly_one_digest_however_long_it_has_waited() {
    let mut bench = with_a_digest("09:00");
    for digit in ["b", "c", "d", "e"] {
        assert_eq!(bench.push(digit), 202);
        bench.run_to(digit, "Succeeded");
        bench.run_for(DAY_S / 2 + 700);
    }
    bench.run_for(DAY_S);
    let counted: usize = digests(&bench)
        .iter()
        .map(|text| {
            let (_, rest) = text.split_once("orders: ").unwrap();
            rest.split(' ').next().unwrap().parse::<usize>().unwrap()
        })
        .sum();
    assert_eq!(counted, 5);
}

#[test]
fn where_clocks_change_no_day_is_left_out_or_told_twice() {
    let mut bench = with_a_digest("02:30 Europe/Berlin");
    // The bench begins in November; until the end of March there is one change of clocks.
    let days = 150;
    let mut ends = BTreeSet::new();
    for _ in 0..days {
        bench
            .cloud
            .world
            .clock
            .pass(longshore_core::Millis::from_secs(DAY_S - 1200));
        bench.run_for(1200);
        ends.extend(told(&bench, "02:30 Europe/Berlin").until);
    }
    let ends: Vec<Timestamp> = ends.into_iter().collect();
    let spans: BTreeSet<u64> = ends
        .windows(2)
        .map(|pair| pair[1].since(pair[0]).as_secs_ceil() / 3600)
        .collect();
    assert!(ends.len() >= days - 1, "{}", ends.len());
    assert!(spans.is_subset(&[23, 24, 25].into()), "{spans:?}");
    assert!(spans.len() > 1, "{spans:?}");
}

#[test]
fn an_app_whose_configuration_asks_for_nothing_costs_no_write() {
    let mut bench = Bench::new(1);
    bench.watch();
    bench.live("a");
    bench.run_for(DAY_S);
    assert_eq!(how_often(&bench, "digest"), 0);
    assert_eq!(told(&bench, "09:00").until, None);
}
