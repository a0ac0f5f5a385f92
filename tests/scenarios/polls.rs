//! Pushes of which no delivery tells, or tells late or in the wrong order: the branch's head has the last word.

use longshore_core::{Cause, Millis, Repository, SkipReason};
use longshore_shell::fakes::{Behaviour, HeadFault, StoreFault};
use longshore_tests::{Bench, Change, Side, Weather, commit, delivery};

const HOUR_S: u64 = 3600;

fn orders() -> Repository {
    Repository::parse("acme/orders").unwrap()
}

/// An app whose branch is polled, with `a` live.
fn watched() -> Bench {
    let mut bench = Bench::new(2);
    bench.watch();
    bench.live("a");
    bench
}

fn main_moves(from: Option<&str>, to: &str) -> String {
    delivery("acme/orders", &[Change::branch("main", from, Some(to))])
}

/// How often a line with this event is in the log.
fn lines(bench: &Bench, event: &str) -> usize {
    let lines = bench.log.lines();
    lines.iter().filter(|line| line.contains(event)).count()
}

#[test]
fn a_push_whose_delivery_was_lost_is_found_within_two_polls_and_deployed_once() {
    let mut bench = watched();
    let lost = bench.now();
    bench.push_unheard("b");
    bench.run_until(|bench| bench.deployments().len() == 2);
    assert!(bench.now().since(lost).as_ms() <= (300 + 60 + 1) * 1_000);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "bb")
    );
    let found = bench.deployment("b");
    assert_eq!(found.timeline[0].cause, Some(Cause::Poll));
    assert_eq!(found.origin.by, None);
    assert_eq!(
        found.origin.committed_at,
        Some(lost),
        "the branch tells when"
    );
    bench.run_for(HOUR_S);
    assert_eq!(bench.deployments().len(), 2);
    assert_eq!(lines(&bench, "missed_push_found"), 1);
}

#[test]
fn a_lost_push_of_an_app_that_was_never_deployed_is_found() {
    let mut bench = Bench::new(2);
    bench.watch();
    bench.push_unheard("a");
    bench.run();
    assert_eq!(bench.served(), "aa");
}

#[test]
fn of_two_lost_pushes_the_head_is_deployed_and_their_late_deliveries_bring_nothing_new() {
    let mut bench = watched();
    bench.push_unheard("b");
    bench.push_unheard("c");
    bench.run();
    assert_eq!(
        (bench.served().as_str(), bench.deployments().len()),
        ("cc", 2)
    );
    // Both arrive in the end, the second one first.
    assert_eq!(bench.deliver(&main_moves(Some("b"), "c")), 202);
    assert_eq!(bench.answered_deployments(), [bench.deployment("c").id]);
    assert_eq!(bench.deliver(&main_moves(Some("a"), "b")), 200);
    bench.run();
    assert_eq!(bench.skips(), [SkipReason::Outdated]);
    assert_eq!(
        (bench.served().as_str(), bench.deployments().len()),
        ("cc", 2)
    );
    assert_eq!(bench.sent("activate"), 2);
    bench.live("d");
}

/// The order of three pushes cannot be told from the last one alone. The head tells it.
#[test]
fn three_pushes_in_reverse_order_end_at_the_head() {
    let mut bench = watched();
    for digit in ["b", "c", "d"] {
        bench.push_unheard(digit);
    }
    assert_eq!(bench.push_from(Some("c"), "d"), 202);
    assert_eq!(bench.push_from(Some("b"), "c"), 200);
    assert_eq!(
        bench.push_from(Some("a"), "b"),
        202,
        "nothing tells that it is old"
    );
    bench.run();
    assert_eq!(bench.served(), "dd");
    assert_eq!(bench.skips(), [SkipReason::Outdated]);
}

#[test]
fn a_reversed_pair_of_pushes_is_at_the_head_without_the_poll_doing_anything() {
    let mut bench = watched();
    bench.push_unheard("b");
    bench.push_unheard("c");
    assert_eq!(bench.push_from(Some("b"), "c"), 202);
    assert_eq!(bench.push_from(Some("a"), "b"), 200);
    bench.run();
    bench.run_for(HOUR_S);
    assert_eq!(
        (bench.served().as_str(), bench.deployments().len()),
        ("cc", 2)
    );
    assert!(!bench.logged("missed_push_found"));
}

#[test]
fn a_branch_that_goes_forth_and_back_and_forth_again_ends_at_its_head() {
    let mut bench = watched();
    bench.live("b");
    bench.live("a");
    assert_eq!(bench.push("b"), 202, "taken for a repeat");
    bench.run();
    assert_eq!(
        (bench.served().as_str(), bench.deployments().len()),
        ("bb", 4)
    );
    bench.live("c");
    for digit in ["b", "c", "b", "c"] {
        bench.push_unheard(digit);
        bench.run();
        assert_eq!(bench.served(), digit.repeat(2));
    }
}

#[test]
fn a_branch_that_was_made_again_at_the_commit_it_had_before_is_deployed() {
    let mut bench = watched();
    bench.live("b");
    bench.live("c");
    bench.push_unheard("b");
    assert_eq!(bench.push_from(None, "b"), 200, "it looks outdated");
    bench.run();
    assert_eq!(bench.skips(), [SkipReason::Outdated]);
    assert_eq!(bench.served(), "bb");
}

#[test]
fn a_delivery_that_is_under_way_is_not_raced() {
    let mut bench = watched();
    let asked = bench.cloud.world.branches.asked().len();
    let from = bench.push_unheard("b");
    bench.run_until(|bench| bench.cloud.world.branches.asked().len() > asked);
    bench.cloud.world.clock.pass(Millis::from_secs(30));
    assert_eq!(bench.push_from(from.as_deref(), "b"), 202);
    bench.run();
    bench.run_for(HOUR_S);
    assert_eq!(bench.deployments().len(), 2);
    assert_eq!(bench.deployment("b").timeline[0].cause, Some(Cause::Push));
    assert!(!bench.logged("missed_push_found"));
}

#[test]
fn the_poll_and_a_late_delivery_at_the_same_time_make_one_deployment() {
    for seed in 0..100 {
        let mut bench = watched();
        let from = bench.push_unheard("b");
        bench.deliver_beside("BranchSeen", &main_moves(from.as_deref(), "b"), seed);
        assert_eq!(
            bench.answers.last().unwrap().status_code,
            202,
            "seed {seed}"
        );
        let answered = bench.answered_deployments();
        bench.run();
        assert_eq!(bench.deployments().len(), 2, "seed {seed}");
        assert_eq!(answered, [bench.deployment("b").id], "seed {seed}");
        assert_eq!(bench.served(), "bb", "seed {seed}");
    }
}

#[test]
fn the_poll_beside_the_delivery_of_the_next_push_ends_at_the_next_push() {
    for seed in 0..100 {
        let mut bench = watched();
        bench.push_unheard("b");
        let event = main_moves(Some("b"), "c");
        bench.deliver_beside("BranchSeen", &event, seed);
        bench.push_unheard("c");
        bench.run();
        assert_eq!(bench.served(), "cc", "seed {seed}");
        let newest = bench.deployments().pop().unwrap();
        assert_eq!(newest.origin.commit, commit("c"), "seed {seed}");
        assert_eq!(newest.timeline[0].cause, Some(Cause::Push), "seed {seed}");
    }
}

#[test]
fn doubled_messages_of_the_poll_make_one_deployment() {
    for seed in 0..40 {
        let mut bench = watched();
        bench.weather.interleaved = Some(seed);
        bench.push_unheard("b");
        bench.double_polls();
        bench.run();
        bench.run_for(HOUR_S);
        assert_eq!(bench.deployments().len(), 2, "seed {seed}");
        assert_eq!(bench.sent("activate"), 2, "seed {seed}");
    }
}

#[test]
fn a_head_in_quarantine_stays_out_and_that_is_recorded_once() {
    let mut bench = watched();
    bench.behaves("b", Behaviour::TurnsSick);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(bench.end_of("b"), "RolledBack");
    bench.run_for(HOUR_S);
    assert_eq!(bench.skips(), [], "a rolled-back head was decided about");
    bench.live("c");
    bench.push_unheard("b");
    bench.run_for(6 * HOUR_S);
    assert_eq!(bench.skips(), [SkipReason::Quarantined]);
    assert_eq!(lines(&bench, "missed_push_found"), 1);
    assert_eq!(
        (bench.served().as_str(), bench.deployments().len()),
        ("cc", 3)
    );
    bench.run();
}

#[test]
fn a_found_push_that_turns_out_sick_is_rolled_back_like_any_other() {
    let mut bench = watched();
    bench.behaves("b", Behaviour::TurnsSick);
    bench.push_unheard("b");
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("RolledBack", "aa")
    );
    bench.run_for(HOUR_S);
    assert_eq!(bench.deployments().len(), 2);
}

#[test]
fn a_found_push_waits_for_what_runs_and_supersedes_what_waits() {
    let mut bench = watched();
    bench.unplug(1);
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Preparing");
    assert_eq!(bench.push("c"), 202);
    bench.push_unheard("d");
    bench.run_to("c", "Superseded");
    let superseded = bench.deployment("c");
    assert_eq!(superseded.timeline.last().unwrap().cause, Some(Cause::Poll));
    bench.plug_in(1);
    bench.run();
    assert_eq!(bench.served(), "dd");
}

#[test]
fn without_a_token_nothing_is_found_and_nobody_is_woken() {
    let mut bench = Bench::new(2);
    bench.live("a");
    bench.poll_fails(Some(HeadFault::NoToken));
    bench.push_unheard("b");
    bench.run_for(HOUR_S);
    assert!(bench.cloud.world.branches.asked().len() > 10);
    assert_eq!(
        (bench.served().as_str(), bench.deployments().len()),
        ("aa", 1)
    );
    for event in ["branch_unseen", "refused", "message_failed"] {
        assert!(!bench.logged(event), "{event}");
    }
}

#[test]
fn a_refused_token_wakes_somebody_and_delays_nothing_but_the_poll() {
    let mut bench = watched();
    bench.poll_fails(Some(HeadFault::Refused));
    bench.push_unheard("b");
    bench.run_for(HOUR_S);
    assert!(bench.logged("bitbucket_token_refused"));
    assert_eq!(bench.push("c"), 202);
    bench.run_to("c", "Succeeded");
    bench.push_unheard("d");
    bench.poll_fails(None);
    bench.run();
    assert_eq!(bench.served(), "dd");
    assert!(bench.dead.is_empty());
}

#[test]
fn an_error_of_bitbucket_costs_time_only() {
    for fault in [HeadFault::Throttled, HeadFault::Unavailable] {
        let mut bench = watched();
        bench.poll_fails(Some(fault));
        bench.push_unheard("b");
        bench.run_for(HOUR_S);
        assert_eq!(bench.deployments().len(), 1, "{fault:?}");
        bench.poll_fails(None);
        bench.run();
        assert_eq!(bench.served(), "bb", "{fault:?}");
        assert!(bench.dead.is_empty() && !bench.logged("bitbucket_token_refused"));
    }
}

#[test]
fn a_throttled_poll_asks_for_no_other_branch() {
    for (fault, questions) in [(HeadFault::Throttled, 1), (HeadFault::Unavailable, 4)] {
        let mut bench = Bench::new(1);
        for name in ["acme/one", "acme/two", "acme/three"] {
            let repository = Repository::parse(name).unwrap();
            let config = bench.configured_for(&repository);
            bench.cloud.world.configs.put(&repository, config);
        }
        bench.poll_fails(Some(fault));
        bench.run_for(301);
        assert_eq!(
            bench.cloud.world.branches.asked().len(),
            questions,
            "{fault:?}"
        );
    }
}

#[test]
fn a_branch_that_is_gone_is_nothing_to_deploy() {
    let mut bench = watched();
    bench.delete_branch();
    bench.run_for(HOUR_S);
    bench.run();
    assert_eq!(
        (bench.served().as_str(), bench.deployments().len()),
        ("aa", 1)
    );
    assert!(bench.logged("branch_not_found"));
}

#[test]
fn three_hours_without_the_table_heal_by_themselves() {
    let mut bench = watched();
    bench.push("b");
    bench.run_to("b", "Preparing");
    let store = &bench.cloud.world.store;
    store.fail_by(|_| Some(StoreFault::UnavailableBefore));
    for digit in ["c", "d", "e"] {
        assert_eq!(bench.push(digit), 503);
        bench.run_for(HOUR_S);
    }
    let known = bench.deployments().len();
    assert_eq!(known, 2, "nothing can have been written");
    bench.cloud.world.store.stop_failing();
    bench.run();
    assert_eq!(
        (bench.end_of("e"), bench.served().as_str()),
        ("Succeeded", "ee")
    );
    // What ended in the dead-letter queues meanwhile is redriven, and changes nothing.
    assert!(!bench.dead.is_empty());
    let writes = bench.cloud.world.store.log().len();
    bench.redrive();
    bench.run();
    assert_eq!(bench.cloud.world.store.log().len(), writes);
}

#[test]
fn a_lost_push_is_found_whatever_else_is_lost_or_turned_around() {
    for (doubled, reversed) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut bench = watched();
        bench.weather = Weather {
            events_lost: true,
            hints_lost: true,
            looks_lost: true,
            doubled,
            reversed,
            ..Weather::default()
        };
        bench.push_unheard("b");
        bench.run();
        assert_eq!(bench.served(), "bb");
    }
}

fn lost_push_with(prepare: impl Fn(&Bench, usize)) -> (Bench, usize) {
    let mut bench = watched();
    let first = bench.cloud.stage.calls();
    prepare(&bench, first);
    bench.push_unheard("b");
    bench.run_until(|bench| bench.deployments().len() == 2);
    let calls = bench.cloud.stage.calls() - first;
    bench.run();
    assert_eq!(
        (bench.deployments().len(), bench.served().as_str()),
        (2, "bb")
    );
    assert_eq!(bench.deployment("b").origin.commit, commit("b"));
    (bench, calls)
}

#[test]
fn a_lost_push_is_found_once_whenever_a_handler_dies_over_it() {
    let (_, calls) = lost_push_with(|_, _| {});
    assert!(calls > 10, "{calls}");
    for side in [Side::Before, Side::After] {
        for call in 0..calls {
            let die = |bench: &Bench, first| bench.cloud.stage.die_at(first + call, side);
            let (bench, _) = lost_push_with(die);
            assert_eq!(bench.deaths, 1, "{side:?} {call}");
        }
    }
}

#[test]
fn a_lost_push_is_found_once_whenever_the_table_fails_over_it() {
    for fault in [
        StoreFault::UnavailableBefore,
        StoreFault::UnavailableAfter,
        StoreFault::Conflict,
    ] {
        for number in 0..12 {
            lost_push_with(|bench, _| {
                let mut call = 0;
                bench.cloud.world.store.fail_by(move |_| {
                    call += 1;
                    (call == number + 1).then_some(fault)
                });
            });
        }
    }
}

#[test]
fn a_poll_asks_once_for_each_repository() {
    let mut bench = watched();
    let asked = bench.cloud.world.branches.asked().len();
    bench.run_for(HOUR_S);
    let asked = bench.cloud.world.branches.asked().split_off(asked);
    assert_eq!(asked.len(), 12);
    assert!(asked.iter().all(|repository| *repository == orders()));
}
