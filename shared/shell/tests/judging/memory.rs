//! What is judged, in the world in memory.

use super::configuration;
use longshore_analysis::{AlarmState, Value};
use longshore_core::{Amount, FailureClass, Finding, HostId, Measure, Millis, Timestamp};
use longshore_shell::fakes::FakeWorld;
use longshore_shell::judge::{Subject, judge, judge_alarms};
use longshore_shell::ports::Window;
use serde_json::{Value as Json, json};

/// The switch, twenty seconds into a minute.
const SWITCHED: u64 = 1_700_000_420_000;

fn host(number: usize) -> HostId {
    HostId::parse(&format!("i-{number:017x}")).unwrap()
}

fn at_minute(minutes: i64) -> Timestamp {
    Timestamp::from_unix_ms((SWITCHED - 20_000).saturating_add_signed(minutes * 60_000))
}

fn subject(switched: usize, others: usize, minutes: i64) -> Subject {
    Subject {
        switched: (0..switched).map(host).collect(),
        others: (switched..switched + others).map(host).collect(),
        switched_at: Timestamp::from_unix_ms(SWITCHED),
        now: at_minute(minutes),
    }
}

async fn judged(
    world: &FakeWorld,
    analysis: &Json,
    subject: &Subject,
) -> Vec<(String, &'static str, String)> {
    let judgements = judge(world, &configuration(analysis), subject).await;
    let told = judgements.iter().map(|judgement| {
        let said = judgement.said().to_owned();
        (judgement.check.to_string(), judgement.finding.word(), said)
    });
    told.collect()
}

/// The same value for each host and minute, from one minute to another.
fn measure(world: &FakeWorld, hosts: std::ops::Range<usize>, from: i64, until: i64, value: i64) {
    let window = Window {
        from: at_minute(from),
        until: at_minute(until),
    };
    for number in hosts {
        let host = host(number);
        world.metrics.put_all(
            "CPUUtilization",
            Some(host.as_str()),
            window,
            60,
            Value::whole(value),
        );
    }
}

#[tokio::test]
async fn nothing_is_asked_where_nothing_is_named() {
    let world = FakeWorld::new(&[]);
    world.alarms.fail(true);
    world.metrics.fail(true);
    assert_eq!(judged(&world, &json!({}), &subject(2, 0, 10)).await, []);
    assert_eq!(world.metrics.take_asked(), []);
}

#[tokio::test]
async fn each_alarm_is_judged_by_its_state_in_the_order_of_the_configuration() {
    let world = FakeWorld::new(&[]);
    world.alarms.set("raised", AlarmState::Raised);
    world.alarms.set("fine", AlarmState::Ok);
    world.alarms.set("no data", AlarmState::NoData);
    let analysis = json!({ "alarms": ["raised", "fine", "no data", "gone"] });
    let found = judged(&world, &analysis, &subject(1, 0, 1)).await;
    let expected = [
        ("alarm:raised", "failed", "alarm raised is raised"),
        ("alarm:fine", "passed", "alarm fine is not raised"),
        (
            "alarm:no_data",
            "inconclusive",
            "alarm no data has no data to judge by",
        ),
        (
            "alarm:gone",
            "failed",
            "there is no alarm gone in this region: create it, or take it out of analysis.alarms",
        ),
    ];
    let expected = expected.map(|(check, word, said)| (check.to_owned(), word, said.to_owned()));
    assert_eq!(found, expected);
    let judgements = judge_alarms(&world, &configuration(&analysis), at_minute(1)).await;
    assert_eq!(
        judgements[0].finding,
        Finding::Failed(FailureClass::AlarmRaised)
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_inconclusive_and_says_why() {
    let world = FakeWorld::new(&[]);
    world.alarms.fail(true);
    world.metrics.fail(true);
    let analysis = json!({
        "alarms": ["a"],
        "metrics": [{ "name": "cpu", "host": "cpu" }, { "name": "slow", "host": "cpu", "period_seconds": 300 }],
        "logs": [{ "group": "/orders/prod" }],
    });
    let found = judged(&world, &analysis, &subject(1, 1, 30)).await;
    let expected = [
        ("alarm:a", "alarms cannot be read: a fault was injected"),
        ("metric:cpu", "metrics cannot be read: a fault was injected"),
        (
            "metric:slow",
            "metrics cannot be read: a fault was injected",
        ),
        (
            "logs:/orders/prod",
            "the log group cannot be read: the log group does not exist",
        ),
    ];
    let expected =
        expected.map(|(check, said)| (check.to_owned(), "inconclusive", said.to_owned()));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_minute_of_the_switch_and_the_one_that_is_not_over_belong_to_neither_side() {
    let world = FakeWorld::new(&[]);
    // The minute of the switch, and the one that is not over, are full of nonsense.
    measure(&world, 0..1, -30, 0, 10);
    measure(&world, 0..1, 0, 1, 900);
    measure(&world, 0..1, 1, 6, 11);
    measure(&world, 0..1, 6, 7, 900);
    let mut subject = subject(1, 0, 6);
    subject.now = subject.now.after(Millis::from_secs(59));
    let analysis = json!({ "metrics": [{ "name": "cpu", "host": "cpu" }] });
    let judgement = judge(&world, &configuration(&analysis), &subject)
        .await
        .remove(0);
    assert_eq!(judgement.finding, Finding::Passed, "{}", judgement.said());
    assert_eq!(judgement.number(Measure::Now), Some(Amount::whole(11)));
    assert_eq!(
        judgement.number(Measure::NowSamples),
        Some(Amount::whole(5))
    );
    assert_eq!(
        judgement.number(Measure::BeforeSamples),
        Some(Amount::whole(30))
    );
    let asked = [
        (
            1,
            Window {
                from: at_minute(1),
                until: at_minute(6),
            },
        ),
        (
            1,
            Window {
                from: at_minute(-30),
                until: at_minute(0),
            },
        ),
    ];
    assert_eq!(world.metrics.take_asked(), asked);
}

#[tokio::test]
async fn what_every_host_suffers_is_not_the_releases_doing() {
    let analysis = json!({ "metrics": [{ "name": "cpu", "host": "cpu", "change_min": 5 }] });
    for (others, word) in [(20, "failed"), (55, "passed")] {
        let world = FakeWorld::new(&[]);
        measure(&world, 0..4, -30, 0, 20);
        measure(&world, 0..2, 1, 6, 60);
        measure(&world, 2..4, 1, 6, others);
        let found = judged(&world, &analysis, &subject(2, 2, 6)).await;
        assert_eq!(found[0].1, word, "{found:?}");
    }
}

#[tokio::test]
async fn of_a_large_fleet_fifty_hosts_of_each_side_are_looked_at_and_it_is_said() {
    let world = FakeWorld::new(&[]);
    measure(&world, 0..10_000, -5, 0, 20);
    measure(&world, 0..10_000, 1, 3, 20);
    let analysis = json!({ "metrics": [{ "name": "cpu", "host": "cpu" }] });
    let mut subject = subject(9_000, 1_000, 3);
    let found = judged(&world, &analysis, &subject).await;
    assert_eq!(found[0].1, "passed");
    assert!(
        found[0].2.ends_with("; 100 of 10000 hosts were looked at"),
        "{found:?}"
    );
    let counts = world
        .metrics
        .take_asked()
        .into_iter()
        .map(|(count, _)| count);
    assert_eq!(counts.collect::<Vec<_>>(), [100, 50]);
    // The order in which the hosts are told changes nothing, and neither does who asks.
    measure(&world, 180..181, 1, 3, 90);
    let numbers = judge(&world, &configuration(&analysis), &subject)
        .await
        .remove(0)
        .numbers;
    subject.switched.reverse();
    let again = judge(&world, &configuration(&analysis), &subject)
        .await
        .remove(0)
        .numbers;
    assert_eq!(numbers, again);
}

#[tokio::test]
async fn fine_samples_are_asked_for_as_far_back_as_they_are_kept() {
    let world = FakeWorld::new(&[]);
    let own = |period: u32| {
        json!({
            "before_minutes": 1440,
            "metrics": [{ "name": "jobs", "namespace": "Orders", "metric": "Jobs", "period_seconds": period }],
        })
    };
    let subject = subject(1, 1, 10);
    judge(&world, &configuration(&own(60)), &subject).await;
    judge(&world, &configuration(&own(1)), &subject).await;
    let asked = world.metrics.take_asked();
    assert_eq!(asked[1].1.span(), Millis::from_secs(1440 * 60));
    assert_eq!(
        asked[3].1.from,
        Timestamp::from_unix_ms(subject.now.as_unix_ms() - 3 * 3_600_000 + 1_000)
    );
    assert_eq!(asked[3].1.until, subject.switched_at);
    // One series for all hosts, and none of the others to compare with.
    assert_eq!(
        asked.iter().map(|(count, _)| *count).collect::<Vec<_>>(),
        [1, 1, 1, 1]
    );
}

#[tokio::test]
async fn before_a_single_sample_can_be_there_nothing_is_asked_and_the_check_is_inconclusive() {
    let world = FakeWorld::new(&[]);
    measure(&world, 0..3, -30, 0, 10);
    let mut subject = subject(3, 0, 0);
    subject.now = subject.switched_at.after(Millis::from_secs(10));
    let analysis = json!({ "metrics": [{ "name": "cpu", "host": "cpu" }] });
    let found = judged(&world, &analysis, &subject).await;
    assert_eq!(
        (found[0].1, found[0].2.as_str()),
        (
            "inconclusive",
            "too few samples: 0 since the switch, 90 before it; 5 are needed on each side"
        )
    );
    assert_eq!(world.metrics.take_asked().len(), 1);
    // A clock that is behind is no time since the switch.
    subject.now = Timestamp::from_unix_ms(SWITCHED - 5_000);
    assert_eq!(
        judged(&world, &analysis, &subject).await[0].1,
        "inconclusive"
    );
}

#[tokio::test]
async fn error_lines_are_read_since_the_switch_and_before_it() {
    let world = FakeWorld::new(&[]);
    for minute in -30..0 {
        world
            .app_logs
            .write("/o", at_minute(minute), "ERROR timeout after 30 ms", true);
        world
            .app_logs
            .write("/o", at_minute(minute), "served", false);
    }
    // Before the time that counts.
    world
        .app_logs
        .write("/o", at_minute(-40), "TypeError: x is not a function", true);
    let analysis = json!({ "logs": [{ "group": "/o" }] });
    let quiet = subject(1, 0, 5);
    world.app_logs.write("/o", at_minute(2), "served", false);
    assert_eq!(judged(&world, &analysis, &quiet).await[0].1, "passed");
    for second in 0..12 {
        let at = at_minute(2).after(Millis::from_secs(second));
        world
            .app_logs
            .write("/o", at, "TypeError: x is not a function", true);
    }
    let found = judged(&world, &analysis, &quiet).await;
    assert_eq!(
        (found[0].1, found[0].2.as_str()),
        (
            "failed",
            "12 errors of a kind that was not there before: TypeError: x is not a function"
        )
    );
    world.app_logs.fail(true);
    assert_eq!(judged(&world, &analysis, &quiet).await[0].1, "inconclusive");
}
