//! The way back: what happens when a release does not prove itself.

use longshore_core::{
    Commit, FailureClass, Generation, Outcome, ParameterName, SkipReason, Standing, State,
};
use longshore_shell::fakes::Behaviour;
use longshore_tests::{Bench, commit, host};
use serde_json::json;

fn outcome(bench: &Bench, digit: &str) -> Outcome {
    let State::Ended { outcome, .. } = bench.deployment(digit).state else {
        panic!("it is not over");
    };
    outcome
}

#[test]
fn a_canary_that_fails_its_health_check_is_the_only_host_that_is_restored() {
    let mut bench = Bench::new(4);
    bench.configure(&json!({"waves": ["1", "100%"]}));
    bench.live("a").behaves("b", Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("RolledBack", "aaaa")
    );
    let switched: Vec<usize> = bench
        .cloud
        .world
        .ssm
        .hosts_now()
        .values()
        .map(|host| host.switches.len())
        .collect();
    assert_eq!(switched, [3, 1, 1, 1]);
}

#[test]
fn an_app_that_turns_sick_after_the_switch_is_restored_everywhere_by_itself() {
    let mut bench = Bench::new(3);
    bench.live("a");
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Baking");
    assert_eq!(bench.served(), "bbb");
    bench.behaves("b", Behaviour::TurnsSick);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("RolledBack", "aaa")
    );
    assert_eq!(
        outcome(&bench, "b").failure().unwrap().class,
        FailureClass::HealthFailed
    );
}

#[test]
fn an_old_process_that_keeps_answering_is_no_proof() {
    let mut bench = Bench::new(3);
    bench.live("a").behaves("b", Behaviour::OldProcessAnswers);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(bench.end_of("b"), "RolledBack");
    assert_eq!(
        outcome(&bench, "b").failure().unwrap().class,
        FailureClass::WrongRelease
    );
}

#[test]
fn a_check_from_outside_that_fails_takes_the_release_back() {
    let mut bench = Bench::new(2);
    bench.configure(
        &json!({"health": {"port": 3000, "bake_seconds": 10, "attempts": 2,
        "url": "https://orders.example.com/health"}}),
    );
    bench.live("a");
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Verifying");
    let failure = longshore_core::Failure::of(FailureClass::ProbeFailed);
    bench.cloud.world.outside.fail(Some(failure));
    bench.run_to("b", "VerifyingRollback");
    bench.cloud.world.outside.fail(None);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("RolledBack", "aa")
    );
}

#[test]
fn the_first_deployment_ever_that_fails_has_nothing_to_go_back_to_and_somebody_is_told() {
    let mut bench = Bench::new(2);
    bench.behaves("a", Behaviour::HealthFails);
    assert_eq!(bench.push("a"), 202);
    bench.run();
    assert_eq!(bench.end_of("a"), "RollbackFailed");
    assert!(bench.logged("rollback_failed"));
    let told = bench.cloud.people.told();
    assert!(told.last().unwrap().text.contains("nothing_proven"));
}

#[test]
fn a_rollback_that_fails_stops_and_names_the_hosts() {
    let mut bench = Bench::new(3);
    bench.live("a").behaves("b", Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Activating");
    bench.behaves("a", Behaviour::HealthFails);
    bench.run();
    assert_eq!(bench.end_of("b"), "RollbackFailed");
    let told = bench.cloud.people.told();
    let last = &told.last().unwrap().text;
    for number in 1..=3 {
        assert!(last.contains(host(number).as_str()), "{last}");
    }
    assert_eq!(bench.sent("activate"), 3, "one forward, one back, no more");
}

#[test]
fn a_restored_release_has_its_own_parameter_versions() {
    let name = ParameterName::parse("DATABASE_URL").unwrap();
    let mut bench = Bench::new(2);
    bench.cloud.world.ssm.set_parameter(&name, 1);
    bench.live("a").behaves("b", Behaviour::HealthFails);
    bench.cloud.world.ssm.set_parameter(&name, 2);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    for host in bench.cloud.world.ssm.hosts_now().values() {
        assert_eq!(host.served.as_ref().unwrap().pins(), "DATABASE_URL:1");
    }
}

#[test]
fn a_host_that_is_gone_while_it_switches_and_comes_back_is_restored_with_the_others() {
    let mut bench = Bench::new(3);
    bench.live("a");
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Activating");
    bench.unplug(2);
    bench.run_to("b", "RollingBack");
    bench.plug_in(2);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("RolledBack", "aaa")
    );
}

#[test]
fn a_host_that_stays_away_is_named_by_the_failed_rollback() {
    let mut bench = Bench::new(3);
    bench.live("a");
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Activating");
    bench.unplug(2);
    bench.run();
    assert_eq!(bench.end_of("b"), "RollbackFailed");
    let deployment = bench.deployment("b");
    let hosts = &deployment.state.run().unwrap().hosts;
    assert!(matches!(hosts[&host(2)], Standing::Unreachable(_)));
    assert_eq!(hosts[&host(1)], Standing::Restored);
}

#[test]
fn a_host_that_hears_of_the_rollback_first_refuses_the_switch_that_it_missed() {
    let mut bench = Bench::new(3);
    bench.live("a");
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Preparing");
    bench.unplug(2);
    bench.run_to("b", "RollingBack");
    bench.run_until(|bench| bench.sent("activate") == 3);
    bench.cloud.world.ssm.come_back_newest_first(&host(2));
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("RolledBack", "aaa")
    );
    let host = &bench.cloud.world.ssm.hosts_now()[&host(2)];
    let switched_to: Vec<Commit> = host
        .switches
        .iter()
        .map(|(_, r)| r.commit.clone())
        .collect();
    assert_eq!(switched_to, [commit("a")]);
    assert_eq!(
        host.ledger.generation,
        Generation::new(3),
        "it did run the rollback"
    );
}

#[test]
fn a_late_host_does_not_bring_a_rolled_back_release_back() {
    let mut bench = Bench::new(3);
    bench.live("a");
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Preparing");
    bench.unplug(2);
    bench.run();
    bench.plug_in(2);
    bench.run();
    assert_eq!(bench.served(), "aaa");
}

#[test]
fn a_rolled_back_commit_that_is_pushed_again_is_skipped_as_quarantined() {
    let mut bench = Bench::new(2);
    bench.live("a").behaves("b", Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    bench.live("c");
    assert_eq!(bench.push("b"), 200);
    bench.run();
    assert_eq!(bench.skips(), [SkipReason::Quarantined]);
    assert_eq!(bench.served(), "cc");
}

#[test]
fn a_commit_that_waits_while_it_is_rolled_back_does_not_start() {
    let mut bench = Bench::new(2);
    bench.live("a").behaves("b", Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Activating");
    assert_eq!(bench.push_from(Some("c"), "b"), 202);
    bench.run();
    let ends: Vec<&str> = bench.deployments().iter().map(|d| d.state.name()).collect();
    assert_eq!(ends, ["Succeeded", "RolledBack", "Failed"]);
    assert_eq!(
        outcome(&bench, "b").failure().unwrap().class,
        FailureClass::Quarantined
    );
}
