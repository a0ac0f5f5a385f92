//! Builds that a pipeline has made: a push is told before its build is there.

use longshore_core::{FailureClass, Outcome, State};
use longshore_shell::fakes::{ArtifactFault, Behaviour};
use longshore_tests::Bench;
use serde_json::json;

fn bench() -> Bench {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"source": "artifact"}));
    bench
}

fn failure_of(bench: &Bench, digit: &str) -> (FailureClass, String) {
    let state = bench.deployment(digit).state;
    let State::Ended {
        outcome: Outcome::Failed(failure),
        ..
    } = &state
    else {
        panic!("{}", state.name());
    };
    (failure.class, failure.detail().to_owned())
}

#[test]
fn a_push_waits_for_its_build_and_every_host_gets_the_recorded_version() {
    let mut bench = bench();
    bench.push("a");
    bench.run_for(600);
    assert_eq!(bench.deployment("a").state.name(), "Queued");
    assert_eq!(bench.sent("prepare"), 0);
    bench.store_build("a");
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
    let live = bench.slot().live.unwrap();
    let artifact = live.release.artifact.unwrap();
    assert_eq!(artifact.version.as_str(), "version-a");
}

#[test]
fn a_push_whose_build_never_comes_fails_and_names_its_commit() {
    let mut bench = bench();
    bench.push("a");
    bench.run();
    let (class, detail) = failure_of(&bench, "a");
    assert_eq!(class, FailureClass::ArtifactMissing);
    let page = format!(
        "https://bitbucket.org/acme/orders/commits/{}",
        "a".repeat(40)
    );
    assert!(detail.contains(&page), "{detail}");
    assert_eq!(bench.sent("prepare"), 0);
}

#[test]
fn a_newer_push_takes_the_place_of_one_that_waits_for_its_build() {
    let mut bench = bench();
    bench.push("a");
    bench.run_for(60);
    bench.push("b");
    bench.store_build("b");
    bench.run();
    assert_eq!(
        (bench.end_of("a"), bench.end_of("b")),
        ("Superseded", "Succeeded")
    );
}

#[test]
fn a_rollback_goes_back_to_the_build_that_was_proven() {
    let mut bench = bench();
    bench.store_build("a");
    bench.live("a").behaves("b", Behaviour::TurnsSick);
    let proven = bench.slot().live.unwrap().release;
    bench.store_build("b");
    bench.push("b");
    bench.run();
    assert_eq!(bench.end_of("b"), "RolledBack");
    assert_eq!(bench.slot().live.unwrap().release, proven);
    assert_eq!(bench.served(), "aa");
}

#[test]
fn a_bucket_that_cannot_be_reached_costs_time_and_one_that_is_closed_is_told() {
    let mut bench = bench();
    bench.store_build("a");
    bench
        .cloud
        .world
        .artifacts
        .fail(Some(ArtifactFault::Unavailable));
    bench.push("a");
    bench.run_for(300);
    assert_eq!(bench.deployment("a").state.name(), "Queued");
    bench.cloud.world.artifacts.fail(None);
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
    bench
        .cloud
        .world
        .artifacts
        .fail(Some(ArtifactFault::Denied));
    bench.push("b");
    bench.run();
    assert_eq!(failure_of(&bench, "b").0, FailureClass::AccessDenied);
}
