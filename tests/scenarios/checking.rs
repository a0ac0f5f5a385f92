//! Checks after the switch: what is asked from outside, in which order, and what it leads to.

use longshore_core::{Action, FailureClass, Finding, Measure, Millis, Outcome, State};
use longshore_tests::Bench;
use serde_json::json;

const HEALTH: &str = "https://orders.example.com/health";
const LOGIN: &str = "https://orders.example.com/login";
const ITEMS: &str = "https://orders.example.com/items";

/// A script of two requests behind the app's own address.
fn scripted() -> Bench {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"health": {
        "port": 3000, "bake_seconds": 10, "attempts": 2, "url": HEALTH,
        "checks": [
            {"name": "login", "url": LOGIN, "method": "POST", "body": "{}", "expected_status": 201},
            {"name": "items", "url": ITEMS, "contains": "[", "latency_ms": 800},
        ],
    }}));
    bench.live("a");
    let _of_the_first_deployment = bench.cloud.world.outside.asked();
    bench
}

fn findings(bench: &Bench, digit: &str) -> Vec<(String, &'static str)> {
    let deployment = bench.deployment(digit);
    let judgements = deployment.judgements.iter();
    let told = judgements.map(|j| (j.check.to_string(), j.finding.word()));
    told.collect()
}

#[test]
fn the_requests_of_a_script_are_made_in_their_order_and_what_they_found_is_on_record() {
    let mut bench = scripted();
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(bench.end_of("b"), "Succeeded");
    let asked = bench.cloud.world.outside.asked();
    assert!(asked.len() >= 6, "two rounds at least: {asked:?}");
    for round in asked.chunks(3) {
        assert_eq!(round, [HEALTH, LOGIN, ITEMS]);
    }
    let found = findings(&bench, "b");
    let all = ["http:health", "http:login", "http:items"].map(|name| (name.to_owned(), "passed"));
    assert_eq!(found, all);
}

#[test]
fn a_step_that_fails_ends_the_script_and_takes_the_release_back() {
    let mut bench = scripted();
    bench.cloud.world.outside.answers(LOGIN, 500);
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "RollingBack");
    let asked = bench.cloud.world.outside.asked();
    assert_eq!(
        asked,
        [HEALTH, LOGIN, HEALTH, LOGIN],
        "nothing behind it, in either round"
    );
    bench.cloud.world.outside.answers(LOGIN, 201);
    bench.run();
    let State::Ended { outcome, .. } = bench.deployment("b").state else {
        panic!("it is not over");
    };
    let Outcome::RolledBack(failure) = outcome else {
        panic!("{}", outcome.name());
    };
    assert_eq!(failure.class, FailureClass::SmokeFailed);
    assert_eq!(failure.detail(), "http:login: status 500 instead of 201");
    let found = findings(&bench, "b");
    assert_eq!(
        found[1],
        ("http:login".to_owned(), "failed"),
        "the way back changes nothing of it"
    );
    let told = bench.cloud.people.told();
    let last = &told.last().unwrap().text;
    assert!(
        last.contains("http:login: status 500 instead of 201"),
        "{last}"
    );
    assert!(last.contains("1 passed, 1 failed"), "{last}");
}

#[test]
fn an_answer_that_takes_too_long_has_failed_with_its_numbers() {
    let mut bench = scripted();
    bench.cloud.world.outside.takes(ITEMS, Millis::new(801));
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "RollingBack");
    let deployment = bench.deployment("b");
    let items = &deployment.judgements[2];
    assert_eq!(items.finding, Finding::Failed(FailureClass::SmokeFailed));
    assert_eq!(items.said(), "the answer took 801 ms, more than 800");
    let number = |measure| items.number(measure).unwrap().to_string();
    assert_eq!(
        (number(Measure::Latency), number(Measure::Limit)),
        ("801".to_owned(), "800".to_owned())
    );
}

#[test]
fn requests_that_there_is_no_time_for_have_failed() {
    let mut bench = scripted();
    bench
        .cloud
        .world
        .outside
        .takes(LOGIN, Millis::from_secs(20));
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "RollingBack");
    let deployment = bench.deployment("b");
    let items = &deployment.judgements[2];
    assert_eq!(items.finding, Finding::Failed(FailureClass::SmokeFailed));
    assert_eq!(
        items.said(),
        "not asked: the requests before it took too long"
    );
    assert!(
        !bench
            .cloud
            .world
            .outside
            .asked()
            .contains(&ITEMS.to_owned())
    );
}

#[test]
fn a_wave_takes_as_many_passed_rounds_in_a_row_as_are_asked_for() {
    let rounds = |passes: usize| {
        let mut bench = Bench::new(1);
        bench.configure(&json!({"health": {"port": 3000, "bake_seconds": 0, "passes": passes}}));
        bench.live("a");
        assert_eq!(bench.push("b"), 202);
        bench.run();
        assert_eq!(bench.end_of("b"), "Succeeded");
        let sent = bench.cloud.world.ssm.sent();
        sent.iter()
            .filter(|order| order.token.action == Action::Status)
            .count()
    };
    assert_eq!(
        rounds(4),
        rounds(1) + 2 * 2 * 3,
        "two deployments, a wave and a bake each"
    );
}
