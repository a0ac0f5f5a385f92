//! Pushes that meet each other: repeats, races, queues and deliveries in the wrong order.

use longshore_core::{Outcome, SkipReason, State};
use longshore_tests::{Bench, Change, delivery};

#[test]
fn the_same_push_delivered_four_times_is_one_deployment_with_one_id() {
    let mut bench = Bench::new(2);
    let event = delivery("acme/orders", &[Change::branch("main", None, Some("a"))]);
    let mut ids = Vec::new();
    for _ in 0..2 {
        assert_eq!(bench.deliver(&event), 202);
        ids.extend(bench.answered_deployments());
    }
    bench.run();
    for _ in 0..2 {
        assert_eq!(bench.deliver(&event), 202);
        ids.extend(bench.answered_deployments());
    }
    bench.run();
    assert_eq!(bench.deployments().len(), 1);
    assert!(ids.iter().all(|id| *id == bench.deployments()[0].id));
    assert_eq!((ids.len(), bench.sent("activate")), (4, 1));
}

#[test]
fn overlapping_deliveries_of_one_push_are_one_deployment() {
    for seed in 0..200 {
        let mut bench = Bench::new(1);
        let event = delivery("acme/orders", &[Change::branch("main", None, Some("a"))]);
        let answers = bench.deliver_both(&event, &event, seed);
        assert_eq!(answers, [202, 202], "seed {seed}");
        assert_eq!(bench.deployments().len(), 1, "seed {seed}");
        let bodies: Vec<_> = bench.answers.iter().map(|a| a.body.clone()).collect();
        assert_eq!(bodies[0], bodies[1], "seed {seed}");
        bench.run();
    }
}

#[test]
fn overlapping_deliveries_of_two_pushes_leave_one_live_and_one_superseded() {
    for seed in 0..200 {
        let mut bench = Bench::new(1);
        let first = delivery("acme/orders", &[Change::branch("main", None, Some("a"))]);
        let second = delivery(
            "acme/orders",
            &[Change::branch("main", Some("a"), Some("b"))],
        );
        bench.deliver_both(&first, &second, seed);
        bench.run();
        assert_eq!(bench.served(), "b", "seed {seed}");
    }
}

#[test]
fn of_two_quick_pushes_the_newest_wins_and_the_other_is_linked_to_it() {
    let mut bench = Bench::new(2);
    bench.live("a");
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Preparing");
    assert_eq!(bench.push("c"), 202);
    assert_eq!(bench.push("d"), 202);
    bench.run();
    let newest = bench.deployment("d").id;
    let State::Ended { outcome, .. } = bench.deployment("c").state else {
        panic!("it is over");
    };
    assert_eq!(outcome, Outcome::Superseded(newest));
    assert_eq!(bench.served(), "dd");
}

#[test]
fn a_push_while_one_runs_waits_and_then_starts_by_itself() {
    let mut bench = Bench::new(2);
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Activating");
    assert_eq!(bench.push("b"), 202);
    bench.run_to("a", "Succeeded");
    assert_eq!(bench.end_of("b"), "Queued");
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "bb")
    );
}

#[test]
fn what_waits_starts_with_the_end_before_it_and_needs_no_tick() {
    let mut bench = Bench::new(2);
    bench.weather.ticks_lost = true;
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Activating");
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "bb")
    );
}

#[test]
fn a_reordered_pair_of_pushes_ends_at_the_newer_one() {
    let mut bench = Bench::new(2);
    bench.live("a");
    assert_eq!(bench.push_from(Some("b"), "c"), 202);
    assert_eq!(bench.push_from(Some("a"), "b"), 200);
    bench.run();
    assert_eq!(bench.skips(), [SkipReason::Outdated]);
    assert_eq!(bench.served(), "cc");
}

#[test]
fn a_branch_that_goes_forth_and_back_in_order_is_deployed_each_time() {
    let mut bench = Bench::new(2);
    for digit in ["a", "b", "a"] {
        bench.live(digit);
    }
    assert_eq!((bench.served().as_str(), bench.skips().len()), ("aa", 0));
}

/// A delivery's id is not signed, so a replay of an old delivery and a push that moves the branch in exactly the same way
/// once more cannot be told apart. The replay is what must do no harm.
#[test]
fn a_change_that_was_decided_before_is_taken_for_its_repeat_and_answered_alike() {
    let mut bench = Bench::new(2);
    for digit in ["a", "b", "a"] {
        bench.live(digit);
    }
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(bench.answered_deployments(), [bench.deployment("b").id]);
    assert_eq!(
        (bench.served().as_str(), bench.deployments().len()),
        ("aa", 3)
    );
}

#[test]
fn a_repeat_of_an_outdated_push_gets_the_same_answer_for_ever() {
    let mut bench = Bench::new(1);
    bench.live("a");
    assert_eq!(bench.push_from(Some("b"), "c"), 202);
    assert_eq!(bench.push_from(Some("a"), "b"), 200);
    bench.run();
    assert_eq!(bench.push_from(Some("c"), "d"), 202);
    bench.run();
    assert_eq!(bench.push_from(Some("a"), "b"), 200);
    assert_eq!(bench.skips(), [SkipReason::Outdated]);
    assert_eq!(bench.push_from(None, "a"), 202, "known as a deployment");
    bench.run();
    assert_eq!(bench.served(), "d");
}
