//! Hosts that come late, and changes that nobody pushed: the fleet comes to what is live, and to nothing else.

use longshore_core::{Kind, Outcome, ParameterName, Standing, State};
use longshore_shell::fakes::{Behaviour, Trouble};
use longshore_tests::{Bench, host};
use serde_json::json;

/// Longer than two polls.
const SOON_S: u64 = 700;

/// An app on two hosts that is looked after, with `a` live.
fn looked_after() -> Bench {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"hosts": {"unreachable_max": 1}}));
    bench.watch();
    bench.live("a");
    bench
}

fn kinds(bench: &Bench) -> Vec<&'static str> {
    let deployments = bench.deployments();
    deployments.iter().map(|d| d.origin.kind.word()).collect()
}

fn last_end(bench: &Bench) -> &'static str {
    bench.deployments().last().unwrap().state.name()
}

#[test]
fn a_host_that_is_born_later_gets_what_is_live_and_no_other_host_is_touched() {
    let mut bench = looked_after();
    let switches = bench.sent("activate");
    bench.bear(3);
    bench.run_for(SOON_S);
    bench.run();
    assert_eq!(
        (bench.served().as_str(), last_end(&bench)),
        ("aaa", "Succeeded")
    );
    assert_eq!(kinds(&bench), ["push", "join"]);
    let sent = bench.cloud.world.ssm.sent();
    let late = sent
        .iter()
        .filter(|order| order.token.action.word() == "activate");
    assert!(late.skip(switches).all(|order| order.hosts == [host(3)]));
    let live = bench.slot().live.unwrap();
    assert_eq!(
        live.deployment,
        bench.deployments()[0].id,
        "it is live since then"
    );
    assert_eq!(live.hosts, [1, 2, 3].map(host).into());
    // From then on nothing is left to do.
    bench.run_for(4 * SOON_S);
    assert_eq!(kinds(&bench).len(), 2);
}

#[test]
fn a_host_that_was_excused_comes_to_the_live_release_when_it_is_back() {
    let mut bench = looked_after();
    bench.unplug(2);
    bench.push("b");
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "ba")
    );
    bench.run_for(SOON_S);
    assert_eq!(
        kinds(&bench),
        ["push", "push"],
        "it is not asked while it is away"
    );
    bench.plug_in(2);
    bench.run_for(SOON_S);
    bench.run();
    assert_eq!(
        (bench.served().as_str(), last_end(&bench)),
        ("bb", "Succeeded")
    );
    assert_eq!(kinds(&bench), ["push", "push", "join"]);
}

#[test]
fn a_host_that_missed_a_rollback_is_brought_back_from_the_bad_release() {
    let mut bench = looked_after();
    bench.behaves("b", Behaviour::TurnsSick);
    bench.push("b");
    bench.run_to("b", "Verifying");
    bench.unplug(2);
    bench.run_for(4 * 3600);
    assert_eq!(bench.end_of("b"), "RollbackFailed");
    assert_eq!(
        bench.served(),
        "ab",
        "the bad release is still on the host that is away"
    );
    bench.plug_in(2);
    bench.run_for(SOON_S);
    bench.run();
    assert_eq!(
        (bench.served().as_str(), last_end(&bench)),
        ("aa", "Succeeded")
    );
    let slot = bench.slot();
    assert!(slot.quarantine.contains_key(&longshore_tests::commit("b")));
}

#[test]
fn a_host_that_is_born_during_a_deployment_waits_for_its_end() {
    let mut bench = looked_after();
    bench.push("b");
    bench.run_to("b", "Preparing");
    bench.bear(3);
    bench.run_to("b", "Succeeded");
    assert_eq!(bench.served(), "bb-");
    bench.run_for(SOON_S);
    bench.run();
    assert_eq!(
        (bench.served().as_str(), last_end(&bench)),
        ("bbb", "Succeeded")
    );
}

#[test]
fn a_push_takes_the_place_of_a_host_that_waits_to_join() {
    let mut bench = looked_after();
    bench.bear(3);
    bench.push("b");
    bench.run();
    bench.run_for(SOON_S);
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "bbb")
    );
    assert_eq!(kinds(&bench), ["push", "push"]);
}

#[test]
fn a_host_that_cannot_come_to_what_is_live_is_told_once_an_hour_and_an_alarm_says_so() {
    let mut bench = looked_after();
    bench.bear(3);
    let broken = |host: &mut longshore_shell::fakes::FakeHost| {
        host.troubles.insert(Trouble::DiskTight);
    };
    bench.cloud.world.ssm.change_host(&host(3), broken);
    bench.run_for(50 * 60);
    let joins = kinds(&bench).iter().filter(|kind| **kind == "join").count();
    assert!((1..=2).contains(&joins), "{joins}");
    assert_eq!(last_end(&bench), "Failed");
    assert!(bench.logged("hosts_behind"));
    bench
        .cloud
        .world
        .ssm
        .change_host(&host(3), |host| host.troubles.clear());
    bench.run_for(2 * 3600);
    bench.run();
    assert_eq!(
        (bench.served().as_str(), last_end(&bench)),
        ("aaa", "Succeeded")
    );
}

#[test]
fn an_approved_release_needs_no_second_approval_and_no_second_migration_to_join() {
    let mut bench = Bench::new(1);
    bench.configure(&json!({"hooks": {"migrate": "migrate"}}));
    bench.watch();
    bench.live("a");
    bench.configure(&json!({"approval": true}));
    let migrations = bench.sent("migrate");
    bench.bear(2);
    bench.run_for(SOON_S);
    bench.run();
    assert_eq!(
        (bench.served().as_str(), last_end(&bench)),
        ("aa", "Succeeded")
    );
    assert_eq!(bench.sent("migrate"), migrations);
}

#[test]
fn a_changed_parameter_is_deployed_with_the_live_commit_where_the_configuration_says_so() {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"deploy_changes": true}));
    bench.watch();
    bench.live("a");
    let name = ParameterName::parse("DATABASE_URL").unwrap();
    bench.cloud.world.ssm.set_parameter(&name, 7);
    bench.run_for(SOON_S);
    bench.run();
    assert_eq!(kinds(&bench), ["push", "config"]);
    assert_eq!(last_end(&bench), "Succeeded");
    let live = bench.slot().live.unwrap().release;
    assert_eq!(live.parameters.get(&name), Some(&7));
    bench.run_for(4 * SOON_S);
    assert_eq!(kinds(&bench).len(), 2);
}

#[test]
fn a_changed_parameter_waits_for_the_next_push_unless_the_configuration_says_otherwise() {
    let mut bench = looked_after();
    let name = ParameterName::parse("DATABASE_URL").unwrap();
    bench.cloud.world.ssm.set_parameter(&name, 7);
    bench.run_for(2 * SOON_S);
    assert_eq!(kinds(&bench), ["push"]);
}

#[test]
fn a_change_that_fails_was_to_go_back_to_the_proven_versions_and_is_not_tried_again() {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"deploy_changes": true}));
    bench.watch();
    bench.live("a");
    let proven = bench.slot().live.unwrap().release;
    let name = ParameterName::parse("DATABASE_URL").unwrap();
    bench.cloud.world.ssm.set_parameter(&name, 7);
    bench.behaves("a", Behaviour::TurnsSick);
    bench.run_until(|bench| bench.deployments().len() == 2);
    bench.run();
    let ended = bench.deployments().pop().unwrap();
    assert!(matches!(ended.origin.kind, Kind::Config));
    assert_ne!(ended.state.run().unwrap().release, proven);
    assert_eq!(ended.state.run().unwrap().previous.as_ref(), Some(&proven));
    bench.run_for(4 * SOON_S);
    let configs = kinds(&bench)
        .iter()
        .filter(|kind| **kind == "config")
        .count();
    assert_eq!(configs, 1);
}

#[test]
fn a_host_that_joined_is_proven_like_any_other() {
    let mut bench = looked_after();
    bench.bear(3);
    bench.run_for(SOON_S);
    bench.run();
    let joined = bench.deployments().pop().unwrap();
    let State::Ended {
        outcome: Outcome::Succeeded,
        run: Some(run),
        ..
    } = &joined.state
    else {
        panic!("{}", joined.state.name());
    };
    assert_eq!(run.hosts.get(&host(3)), Some(&Standing::Proven));
    assert_eq!(run.hosts.len(), 1);
}

#[test]
fn a_host_that_never_had_the_release_to_go_back_to_gets_it_by_joining() {
    let mut bench = looked_after();
    bench.behaves("b", Behaviour::TurnsSick);
    bench.bear(3);
    bench.push("b");
    bench.run_until(|bench| {
        bench
            .deployments()
            .iter()
            .any(|d| d.state.name() == "RollbackFailed")
    });
    bench.run_for(SOON_S);
    bench.run();
    assert_eq!(
        (bench.served().as_str(), last_end(&bench)),
        ("aaa", "Succeeded")
    );
    assert_eq!(kinds(&bench), ["push", "push", "join"]);
}
