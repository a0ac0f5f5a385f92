//! The way forward: what a push does when nothing, or the app itself, goes wrong.

use longshore_core::{FailureClass, Outcome, ParameterName, Standing, State};
use longshore_shell::fakes::{Behaviour, ScriptFault};
use longshore_tests::{Bench, host};
use serde_json::json;

#[test]
fn a_good_push_is_live_on_every_host_and_proven() {
    let mut bench = Bench::new(3);
    assert_eq!(bench.push("a"), 202);
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
    assert_eq!(bench.served(), "aaa");
    let live = bench.slot().live.unwrap();
    assert_eq!(live.deployment, bench.deployment("a").id);
    assert!(bench.dead.is_empty());
}

#[test]
fn waves_switch_a_canary_first_and_each_is_verified_before_the_next() {
    let mut bench = Bench::new(4);
    bench.configure(&json!({"waves": ["1", "50%", "100%"]}));
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Verifying");
    assert_eq!(bench.served(), "a---");
    bench.run();
    assert_eq!(bench.served(), "aaaa");
    let states: Vec<(&str, Option<u32>)> = bench
        .deployment("a")
        .timeline
        .iter()
        .map(|entry| (entry.state, entry.wave))
        .collect();
    assert_eq!(
        states,
        [
            ("Queued", None),
            ("Preparing", None),
            ("Activating", Some(0)),
            ("Verifying", Some(0)),
            ("Activating", Some(1)),
            ("Verifying", Some(1)),
            ("Activating", Some(2)),
            ("Verifying", Some(2)),
            ("Baking", None),
            ("Succeeded", None),
        ]
    );
}

#[test]
fn a_build_failure_touches_no_host_and_tells_the_first_error_line() {
    let mut bench = Bench::new(3);
    bench.live("a").behaves("b", Behaviour::BuildFails);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(bench.end_of("b"), "Failed");
    assert_eq!(bench.served(), "aaa");
    let told = bench.cloud.people.told();
    assert!(told.last().unwrap().text.contains("Error: it broke"));
}

#[test]
fn a_migration_failure_switches_no_host() {
    let mut bench = Bench::new(3);
    bench.configure(&json!({"hooks": {"migrate": "migrate"}}));
    bench.live("a").behaves("b", Behaviour::MigrationFails);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(bench.end_of("b"), "Failed");
    assert_eq!((bench.served().as_str(), bench.sent("migrate")), ("aaa", 2));
}

#[test]
fn migrations_run_on_one_host_only() {
    let mut bench = Bench::new(3);
    bench.configure(&json!({"hooks": {"migrate": "migrate"}}));
    bench.live("a");
    let sent = bench.cloud.world.ssm.sent();
    let migrations: Vec<_> = sent
        .iter()
        .filter(|order| order.token.action.word() == "migrate")
        .map(|order| order.hosts.clone())
        .collect();
    assert_eq!(migrations, [[host(1)]]);
}

#[test]
fn an_offline_host_stops_a_deployment_before_any_host_has_moved() {
    let mut bench = Bench::new(3);
    bench.live("a").unplug(2);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(bench.end_of("b"), "Failed");
    assert_eq!(bench.served(), "aaa");
    let deployment = bench.deployment("b");
    let standing = &deployment.state.run().unwrap().hosts[&host(2)];
    assert!(matches!(standing, Standing::Unreachable(_)), "{standing:?}");
}

#[test]
fn a_host_that_policy_excuses_does_not_stop_a_deployment() {
    let mut bench = Bench::new(3);
    bench.configure(&json!({"hosts": {"unreachable_max": 1}}));
    bench.live("a").unplug(3);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "bba")
    );
}

#[test]
fn without_hosts_a_deployment_fails_and_frees_the_slot() {
    let mut bench = Bench::new(0);
    assert_eq!(bench.push("a"), 202);
    bench.run();
    let State::Ended { outcome, .. } = bench.deployment("a").state else {
        panic!("it is over");
    };
    assert_eq!(outcome.failure().unwrap().class, FailureClass::NoHosts);
}

#[test]
fn a_configuration_that_changes_meanwhile_does_not_change_a_running_deployment() {
    let mut bench = Bench::new(3);
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Activating");
    bench.configure(&json!({"branch": "other", "waves": ["1", "100%"], "approval": true}));
    bench.run();
    let deployment = bench.deployment("a");
    assert_eq!(deployment.state.name(), "Succeeded");
    assert_eq!(deployment.policy.waves.len(), 1);
    assert_eq!(deployment.state.run().unwrap().release.config_version, 1);
}

/// What waits does not take over what is configured meanwhile: the tags of another configuration name other hosts.
#[test]
fn a_deployment_starts_with_the_configuration_that_decided_it() {
    let mut bench = Bench::new(2);
    bench.cloud.world.ssm.tag_hosts(bench.configured().tags());
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Activating");
    assert_eq!(bench.push("b"), 202);
    bench.configure(&json!({"hosts": {"tags": {"role": "another"}}}));
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "bb")
    );
}

#[test]
fn parameters_are_pinned_once_for_all_hosts_and_waves() {
    let name = ParameterName::parse("DATABASE_URL").unwrap();
    let mut bench = Bench::new(3);
    bench.configure(&json!({"waves": ["1", "100%"]}));
    bench.cloud.world.ssm.set_parameter(&name, 1);
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Verifying");
    bench.cloud.world.ssm.set_parameter(&name, 2);
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
    for order in bench.cloud.world.ssm.sent() {
        assert_eq!(order.release.pins(), "DATABASE_URL:1", "{}", order.token);
    }
}

#[test]
fn an_approval_that_nobody_gives_expires() {
    let mut bench = Bench::new(3);
    bench.configure(&json!({"approval": true, "timeouts": {"approval_seconds": 600}}));
    assert_eq!(bench.push("a"), 202);
    bench.run_for(300);
    assert_eq!(bench.end_of("a"), "AwaitingApproval");
    assert!(bench.cloud.people.told()[0].text.contains("approv"));
    bench.run();
    assert_eq!(bench.end_of("a"), "Expired");
    assert_eq!(
        (bench.served().as_str(), bench.sent("activate")),
        ("---", 0),
        "it was prepared and moved nothing"
    );
}

#[test]
fn what_a_start_needs_and_lacks_ends_it_with_the_reason() {
    let mut bench = Bench::new(3);
    let failure = longshore_core::Failure::of(FailureClass::AgentTooOld);
    bench
        .cloud
        .world
        .ssm
        .refuse_to_resolve(Some(failure.clone()));
    assert_eq!(bench.push("a"), 202);
    bench.run();
    let State::Ended { outcome, .. } = bench.deployment("a").state else {
        panic!("it is over");
    };
    assert_eq!(outcome, Outcome::Failed(failure));
}

#[test]
fn a_release_is_watched_for_the_whole_bake() {
    let mut bench = Bench::new(1);
    bench.live("a");
    let timeline = bench.deployment("a").timeline;
    let at = |state| timeline.iter().find(|e| e.state == state).unwrap().at;
    let watched = at("Succeeded").since(at("Baking"));
    assert!(
        watched >= longshore_core::Millis::from_secs(10),
        "{watched:?}"
    );
}

#[test]
fn a_fleet_of_which_nobody_answers_is_never_excused() {
    let mut bench = Bench::new(1);
    bench.configure(&json!({"hosts": {"unreachable_max": 1}}));
    bench.live("a");
    assert_eq!(bench.push("b"), 202);
    bench.run_until(|bench| bench.sent("prepare") == 2);
    let ssm = &bench.cloud.world.ssm;
    ssm.fail_scripts(&host(1), [ScriptFault::Late]);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("RolledBack", "a")
    );
    let timeline = bench.deployment("b").timeline;
    assert!(timeline.iter().all(|entry| entry.state != "Verifying"));
}
