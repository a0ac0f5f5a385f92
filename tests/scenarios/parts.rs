//! Parts of a wave, hosts in service, bakes between waves, and fleets so large that they are looked at in their own time.

use longshore_core::{Deployment, Outcome, State};
use longshore_shell::fakes::Behaviour;
use longshore_tests::Bench;
use serde_json::json;

/// Every state of the newest deployment of a commit that was ever written.
fn written(bench: &Bench, digit: &str) -> Vec<Deployment> {
    let id = bench.deployment(digit).id;
    let log = bench.cloud.world.store.log();
    let all = log.into_iter().flat_map(|written| written.deployments);
    all.filter(|deployment| deployment.id == id).collect()
}

/// The most hosts that were away at the same time.
fn away_max(bench: &Bench, digit: &str) -> usize {
    let runs = written(bench, digit);
    let away = runs
        .iter()
        .filter_map(|deployment| Some(deployment.state.run()?.away()));
    away.max().unwrap_or(0)
}

#[test]
fn a_large_fleet_is_asked_by_at_most_eight_reads_at_once_and_told_by_at_most_four_sends() {
    let mut bench = Bench::new(600);
    bench.cloud.stage.pause_everywhere(true);
    bench.live("a");
    assert_eq!(bench.cloud.stage.most_at_once("ssm.reports"), 8);
    assert_eq!(bench.cloud.stage.most_at_once("ssm.send"), 4);
}

#[test]
fn hosts_in_service_never_fall_below_the_minimum() {
    let mut bench = Bench::new(10);
    bench.configure(&json!({
        "waves": ["1", "100%"],
        "hosts": { "in_service_min": "75%" },
    }));
    bench.live("a");
    assert_eq!(
        away_max(&bench, "a"),
        9,
        "nothing served before the first release"
    );
    bench.live("b");
    assert_eq!(away_max(&bench, "b"), 2, "8 of 10 stay");
    assert_eq!(bench.served(), "bbbbbbbbbb");
}

#[test]
fn a_release_that_turns_sick_is_taken_back_in_parts_and_fully() {
    let mut bench = Bench::new(6);
    bench.configure(&json!({ "hosts": { "parallel": 2 } }));
    bench.live("a");
    bench.behaves("b", Behaviour::TurnsSick);
    bench.push("b");
    bench.run();
    assert_eq!(bench.end_of("b"), "RolledBack");
    assert_eq!(bench.served(), "aaaaaa");
    let activations = bench.cloud.world.ssm.sent().into_iter();
    let sizes = activations.filter(|order| order.action().word() == "activate");
    assert!(sizes.into_iter().all(|order| order.hosts.len() <= 2));
}

#[test]
fn a_deployment_that_would_leave_too_few_in_service_fails_and_moves_nothing() {
    let mut bench = Bench::new(2);
    bench.live("a");
    bench.configure(&json!({ "hosts": { "in_service_min": "2" } }));
    bench.push("b");
    bench.run();
    let State::Ended {
        outcome: Outcome::Failed(failure),
        ..
    } = bench.deployment("b").state
    else {
        panic!("{}", bench.end_of("b"));
    };
    assert_eq!(failure.class.word(), "too_few_in_service");
    assert_eq!(bench.served(), "aa");
}

#[test]
fn a_canary_that_turns_sick_between_two_waves_is_taken_back_before_the_next() {
    let mut bench = Bench::new(4);
    bench.configure(&json!({
        "waves": ["1", "100%"],
        "health": { "port": 3000, "bake_seconds": 0, "attempts": 2, "wave_bake_seconds": 60 },
    }));
    bench.live("a");
    bench.push("b");
    bench.run_to("b", "Verifying");
    bench.run_for(20);
    assert_eq!(bench.end_of("b"), "Verifying");
    bench
        .cloud
        .world
        .ssm
        .behave(&longshore_tests::commit("b"), Behaviour::HealthFails);
    bench.run();
    let deployment = bench.deployment("b");
    assert_eq!(deployment.state.name(), "RolledBack");
    assert_eq!(deployment.state.run().unwrap().moved.len(), 1);
    assert_eq!(bench.served(), "aaaa");
}

#[test]
fn a_large_fleet_is_deployed_by_its_own_looks() {
    let mut bench = Bench::new(250);
    bench.configure(&json!({ "waves": ["1", "100%"] }));
    bench.live("a");
    bench.cloud.world.ssm.answer_within(20);
    bench.cloud.stage.keep_journal();
    bench.live("b");
    let calls = bench.cloud.stage.take_journal();
    let reports = calls.iter().filter(|call| *call == "ssm.reports").count();
    let commands = bench.sent("prepare") + bench.sent("activate") + bench.sent("status");
    assert!(
        reports < commands * 12,
        "{reports} questions about {commands} commands"
    );
}

#[test]
fn a_large_fleet_of_which_every_event_is_lost_is_deployed_by_ticks() {
    let mut bench = Bench::new(250);
    bench.weather.hints_lost = true;
    bench.weather.events_lost = true;
    bench.weather.looks_lost = true;
    bench.live("a");
}
