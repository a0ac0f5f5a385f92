//! Checks after the switch: what is asked from outside, in which order, and what it leads to.

use longshore_analysis::{AlarmState, Value};
use longshore_core::{Action, FailureClass, Finding, Measure, Millis, Outcome, State};
use longshore_shell::ports::{Clock, Window};
use longshore_tests::{Bench, host};
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

const ALARM: &str = "orders-5xx";
const GROUP: &str = "/orders/prod";
const HOUR: u64 = 3_600;

/// An app that is judged by an alarm, by its latency and the memory of its hosts, and by its log.
fn by_numbers(no_data: &str) -> Bench {
    let mut bench = Bench::new(4);
    bench.live("a");
    bench.configure(&json!({
        "health": {"port": 3000, "bake_seconds": 600, "wave_bake_seconds": 600, "attempts": 2},
        "waves": ["50%", "100%"],
        "analysis": {
            "alarms": [ALARM],
            "metrics": [
                {"name": "latency", "namespace": "Orders", "metric": "Latency"},
                {"name": "memory", "host": "memory"},
            ],
            "logs": [{"group": GROUP}],
            "no_data": no_data,
            "wait_seconds": 60,
        },
    }));
    bench.cloud.world.alarms.set(ALARM, AlarmState::Ok);
    bench
}

/// Whatever is measured and logged in the hour before now and the hour after: latency in milliseconds, memory in percent,
/// errors a minute.
fn measures(bench: &Bench, latency: [i64; 2], memory: [i64; 2], errors: [u64; 2]) {
    let (world, now) = (&bench.cloud.world, bench.cloud.world.clock.now());
    let hour = Millis::from_secs(HOUR);
    let before = longshore_core::Timestamp::from_unix_ms(now.as_unix_ms() - hour.as_ms());
    let times = [(before, now), (now, now.after(hour))];
    for (index, (from, until)) in times.into_iter().enumerate() {
        let window = Window { from, until };
        let latency = Value::whole(latency[index]);
        world.metrics.put_all("Latency", None, window, 60, latency);
        for number in 1..=4 {
            // The first two hosts are the first wave: only what is new there can have grown.
            let grown = if number <= 2 { index } else { 0 };
            let name = host(number).to_string();
            let value = Value::whole(memory[grown]);
            world
                .metrics
                .put_all("mem_used_percent", Some(&name), window, 60, value);
        }
        for minute in 0..60 {
            let at = from.after(Millis::from_secs(60 * minute));
            world.app_logs.write(GROUP, at, "GET /items 200", false);
            for _ in 0..errors[index] {
                world
                    .app_logs
                    .write(GROUP, at, "Error: pool of 10 exhausted", true);
            }
        }
    }
}

fn why(bench: &Bench, digit: &str) -> String {
    let State::Ended { outcome, .. } = bench.deployment(digit).state else {
        panic!("it is not over");
    };
    let failure = outcome.failure();
    let said = failure.map(|failure| format!("{}: {}", failure.class.word(), failure.detail()));
    format!("{} {}", outcome.name(), said.unwrap_or_default())
}

#[test]
fn a_release_that_answers_well_and_doubles_what_it_costs_is_taken_back() {
    let steady = ([100, 100], [40, 40], [2, 2]);
    for (expected, (latency, memory, errors)) in [
        (
            "RolledBack metric_worse: metric:latency: ",
            ([100, 200], steady.1, steady.2),
        ),
        (
            "RolledBack metric_worse: metric:memory: ",
            (steady.0, [40, 80], steady.2),
        ),
        (
            "RolledBack log_errors: logs:/orders/prod: ",
            (steady.0, steady.1, [2, 4]),
        ),
        ("Succeeded ", steady),
    ] {
        let mut bench = by_numbers("stop");
        assert_eq!(bench.push("b"), 202);
        bench.run_to("b", "Activating");
        measures(&bench, latency, memory, errors);
        bench.run();
        let said = why(&bench, "b");
        assert!(
            said.starts_with(expected),
            "{expected:?}, and it was {said:?}"
        );
        let judged = bench.deployment("b").judgements;
        let numbers = judged.iter().filter(|one| !one.numbers.is_empty());
        assert!(numbers.count() >= 3, "{judged:?}");
    }
}

#[test]
fn a_good_release_of_a_quiet_service_is_not_taken_back_and_what_could_not_tell_is_said() {
    let mut bench = by_numbers("pass");
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(why(&bench, "b"), "Succeeded ");
    let undecided = bench.deployment("b").undecided().count();
    assert_eq!(undecided, 3, "two metrics and a log");
    let told = bench.cloud.people.told();
    let last = &told.last().unwrap().text;
    assert!(last.contains("3 could not tell"), "{last}");
    assert!(last.contains("metric:latency could not tell: "), "{last}");
}

#[test]
fn without_data_policy_decides() {
    for policy in ["stop", "wait"] {
        let mut bench = by_numbers(policy);
        assert_eq!(bench.push("b"), 202);
        bench.run();
        let said = why(&bench, "b");
        assert!(
            said.starts_with("RolledBack inconclusive: metric:latency: "),
            "{policy}: {said}"
        );
    }
}

#[test]
fn numbers_that_nobody_can_read_take_nothing_back() {
    let mut bench = by_numbers("pass");
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Activating");
    let world = &bench.cloud.world;
    world.alarms.fail(true);
    world.metrics.fail(true);
    world.app_logs.fail(true);
    bench.run();
    assert_eq!(why(&bench, "b"), "Succeeded ");
    assert_eq!(bench.deployment("b").undecided().count(), 4);
}

#[test]
fn an_alarm_that_is_raised_stops_it_before_the_switch_and_takes_it_back_after() {
    let mut bench = by_numbers("pass");
    bench.cloud.world.alarms.set(ALARM, AlarmState::Raised);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    let said = why(&bench, "b");
    assert!(
        said.starts_with("Failed alarm_raised: before the switch: alarm:orders-5xx: "),
        "{said}"
    );
    assert_eq!(bench.served(), "aaaa");

    bench.cloud.world.alarms.set(ALARM, AlarmState::Ok);
    // What is gone back to must have a configuration with the alarm, or nobody would look at it on the way back anyway.
    assert_eq!(bench.push("d"), 202);
    bench.run();
    assert_eq!(bench.end_of("d"), "Succeeded");
    assert_eq!(bench.push("c"), 202);
    bench.run_to("c", "Baking");
    bench.cloud.world.alarms.set(ALARM, AlarmState::Raised);
    bench.run_to("c", "RollingBack");
    let _of_the_bake = bench.cloud.world.metrics.take_asked();
    bench.run();
    let said = why(&bench, "c");
    assert!(
        said.starts_with("RolledBack alarm_raised: alarm:orders-5xx: "),
        "{said}"
    );
    let asked = bench.cloud.world.metrics.take_asked();
    assert_eq!(asked, [], "nobody asks for numbers on the way back");
    assert_eq!(
        bench.served(),
        "dddd",
        "although it is still raised: on the way back it says nothing"
    );
}
