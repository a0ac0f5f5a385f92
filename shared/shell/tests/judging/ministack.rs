//! What CloudWatch must do for the judging of a release, on MiniStack: alarms, metrics and logs through the real adapters, and
//! whole judgements through [`AwsWorld`]. `LONGSHORE_TEST_DYNAMODB` names the endpoint of the emulator; without it each case
//! says that it was skipped. Each case has an account of its own, by the access key id.

use super::configuration;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, MetricDatum, StateValue, Statistic,
};
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use longshore_analysis::{AlarmState, Value};
use longshore_core::{HostId, Judgement, Millis, Timestamp};
use longshore_shell::alarms::CloudWatchAlarms;
use longshore_shell::app_logs::CloudWatchAppLogs;
use longshore_shell::aws_world::AwsWorld;
use longshore_shell::clock::SystemClock;
use longshore_shell::config::WorkerConfig;
use longshore_shell::connect::Aws;
use longshore_shell::judge::{Subject, judge};
use longshore_shell::metrics::CloudWatchMetrics;
use longshore_shell::ports::{Alarms, AppLogs, Clock, Metrics, Window};
use serde_json::{Value as Json, json};

const MINUTE: u64 = 60_000;

/// The emulator, as one case sees it.
struct Emulator {
    config: WorkerConfig,
    aws: Aws,
    /// The beginning of the minute in which the case began.
    minute: u64,
}

fn emulator(case: &str) -> Option<Emulator> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration; the variable is documented above"
    )]
    let Ok(endpoint) = std::env::var("LONGSHORE_TEST_DYNAMODB") else {
        println!("skipped for lack of an endpoint: LONGSHORE_TEST_DYNAMODB is not set");
        return None;
    };
    let sum = case.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    let account = format!("{:012}", sum % 1_000_000_000_000);
    let pairs = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", &account),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("LONGSHORE_ENVIRONMENT", "dev"),
        ("LONGSHORE_TABLE", "longshore-dev"),
        ("LONGSHORE_DOCUMENT", "longshore-dev"),
    ];
    let vars = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = WorkerConfig::from_vars(None, vars).unwrap();
    let aws = Aws::connect(&config.access).unwrap();
    let now = SystemClock.now().as_unix_ms();
    Some(Emulator {
        config,
        aws,
        minute: now - now % MINUTE,
    })
}

fn host(number: u32) -> HostId {
    HostId::parse(&format!("i-{number:017x}")).unwrap()
}

impl Emulator {
    fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::new(self.aws.sdk())
    }

    /// A point so many minutes before the case began.
    fn ago(&self, minutes: u64) -> Timestamp {
        Timestamp::from_unix_ms(self.minute - minutes * MINUTE)
    }

    /// Measures these values of a metric, one in each minute from so many minutes ago on.
    async fn measure(&self, metric: &str, host: Option<&HostId>, from_ago: u64, values: &[f64]) {
        let dimension = |host: &HostId| {
            Dimension::builder()
                .name("InstanceId")
                .value(host.as_str())
                .build()
        };
        let data = values.iter().enumerate().map(|(index, value)| {
            let at = self
                .ago(from_ago)
                .after(Millis::new(index as u64 * MINUTE + 7_000));
            MetricDatum::builder()
                .metric_name(metric)
                .set_dimensions(host.map(|host| vec![dimension(host)]))
                .timestamp(DateTime::from_millis(
                    i64::try_from(at.as_unix_ms()).unwrap(),
                ))
                .value(*value)
                .build()
        });
        let data: Vec<MetricDatum> = data.collect();
        let call = self.cloudwatch().put_metric_data().namespace("Orders");
        call.set_metric_data(Some(data)).send().await.unwrap();
    }

    /// Writes these lines, one a second from so many minutes ago on.
    async fn log(&self, group: &str, from_ago: u64, lines: &[String]) {
        let logs = aws_sdk_cloudwatchlogs::Client::new(self.aws.sdk());
        // Both may be there already.
        let _ = logs.create_log_group().log_group_name(group).send().await;
        let _ = logs
            .create_log_stream()
            .log_group_name(group)
            .log_stream_name("a")
            .send()
            .await;
        let events = lines.iter().enumerate().map(|(index, line)| {
            let at = self.ago(from_ago).after(Millis::from_secs(index as u64));
            let at = i64::try_from(at.as_unix_ms()).unwrap();
            InputLogEvent::builder()
                .timestamp(at)
                .message(line)
                .build()
                .unwrap()
        });
        let call = logs
            .put_log_events()
            .log_group_name(group)
            .log_stream_name("a");
        call.set_log_events(Some(events.collect()))
            .send()
            .await
            .unwrap();
    }

    async fn alarm(&self, name: &str, state: Option<StateValue>) {
        let call = self
            .cloudwatch()
            .put_metric_alarm()
            .alarm_name(name)
            .namespace("Orders");
        let call = call
            .metric_name("Unsent")
            .statistic(Statistic::Sum)
            .period(60);
        let call = call.evaluation_periods(1).threshold(1.0);
        let call = call.comparison_operator(ComparisonOperator::GreaterThanThreshold);
        call.send().await.unwrap();
        if let Some(state) = state {
            let call = self.cloudwatch().set_alarm_state().alarm_name(name);
            call.state_value(state)
                .state_reason("told so")
                .send()
                .await
                .unwrap();
        }
    }

    async fn judged(&self, analysis: &Json, subject: &Subject) -> Vec<Judgement> {
        let world = AwsWorld::connect(&self.config).unwrap();
        judge(&world, &configuration(analysis), subject).await
    }

    /// Two hosts that were switched six minutes ago, and two that were not.
    fn subject(&self) -> Subject {
        Subject {
            switched: vec![host(1), host(2)],
            others: vec![host(3), host(4)],
            switched_at: self.ago(6),
            now: Timestamp::from_unix_ms(self.minute + 1_000),
        }
    }
}

#[tokio::test]
async fn alarms_tell_their_states_metric_and_composite() {
    let Some(emulator) = emulator("alarms") else {
        return;
    };
    emulator.alarm("raised", Some(StateValue::Alarm)).await;
    emulator.alarm("fine", Some(StateValue::Ok)).await;
    emulator.alarm("silent", None).await;
    let rule = r#"ALARM("raised") OR ALARM("fine")"#;
    let call = emulator
        .cloudwatch()
        .put_composite_alarm()
        .alarm_name("both")
        .alarm_rule(rule);
    call.send().await.unwrap();
    let config = configuration(&json!({ "alarms": ["raised", "fine", "silent", "both", "gone"] }));
    let names = config.analysis().alarms.as_slice();
    let states = CloudWatchAlarms::new(&emulator.aws)
        .states(names)
        .await
        .unwrap();
    let found: Vec<(&str, AlarmState)> = states
        .iter()
        .map(|(name, state)| (name.as_str(), *state))
        .collect();
    let expected = [
        ("both", AlarmState::Raised),
        ("fine", AlarmState::Ok),
        ("raised", AlarmState::Raised),
        ("silent", AlarmState::NoData),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn samples_are_those_that_were_sent_host_by_host() {
    let Some(emulator) = emulator("samples") else {
        return;
    };
    emulator
        .measure("Latency", Some(&host(1)), 10, &[10.5, 11.0, 0.000_25])
        .await;
    emulator
        .measure("Latency", Some(&host(2)), 10, &[20.0])
        .await;
    let config = configuration(&json!({
        "metrics": [{ "name": "latency", "namespace": "Orders", "metric": "Latency", "per_host": true }],
    }));
    let series = config.analysis().metrics.as_slice()[0].series().unwrap();
    // More than one question may have.
    let mut wanted = vec![
        series.of_host(host(1).as_str()),
        series.of_host(host(2).as_str()),
    ];
    wanted.extend((3..=600).map(|number| series.of_host(host(number).as_str())));
    let metrics = CloudWatchMetrics::new(&emulator.aws, SystemClock);
    let window = Window {
        from: emulator.ago(10),
        until: emulator.ago(7),
    };
    let found = metrics.samples(&wanted, window).await.unwrap();
    let values = |index: usize| {
        let samples: &Vec<_> = &found[index];
        samples
            .iter()
            .map(|sample| sample.value.millionths())
            .collect::<Vec<_>>()
    };
    assert_eq!(values(0), [10_500_000, 11_000_000, 250]);
    assert_eq!(values(1), [20_000_000]);
    assert_eq!(found.len(), 600);
    assert!(found[2..].iter().all(Vec::is_empty));
    assert_eq!(found[0][0].at, emulator.ago(10));
    assert_eq!(found[1][0].value, Value::whole(20));
}

#[tokio::test]
async fn error_lines_are_those_that_the_pattern_lets_through() {
    let Some(emulator) = emulator("lines") else {
        return;
    };
    let lines = [
        "served /",
        "ERROR timeout",
        "Error: refused",
        "no error at all",
        "{\"level\":50,\"msg\":\"x\"}",
    ];
    emulator
        .log("/orders/dev", 10, &lines.map(str::to_owned))
        .await;
    let config = configuration(&json!({
        "logs": [{ "group": "/orders/dev" }, { "group": "/gone" }],
    }));
    let groups = config.analysis().logs.as_slice();
    let logs = CloudWatchAppLogs::new(&emulator.aws, SystemClock);
    let (since, before) = (
        Window {
            from: emulator.ago(10),
            until: emulator.ago(9),
        },
        Window {
            from: emulator.ago(20),
            until: emulator.ago(10),
        },
    );
    let group = &groups[0].group;
    let found = logs
        .errors(group, "?ERROR ?Error", since, 10)
        .await
        .unwrap();
    let texts: Vec<&str> = found.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["ERROR timeout", "Error: refused"]);
    assert!(found.complete && found.logged);
    let found = logs
        .errors(group, "{ $.level >= 50 }", since, 10)
        .await
        .unwrap();
    assert_eq!(found.lines.len(), 1);
    let found = logs
        .errors(group, "nobody writes this", since, 10)
        .await
        .unwrap();
    assert!(found.lines.is_empty() && found.logged);
    let found = logs
        .errors(group, "?ERROR ?Error", before, 10)
        .await
        .unwrap();
    assert!(found.complete && !found.logged);
    let error = logs
        .errors(&groups[1].group, "?ERROR", since, 10)
        .await
        .unwrap_err();
    assert!(
        error
            .0
            .to_string()
            .starts_with("FilterLogEvents: ResourceNotFoundException"),
        "{}",
        error.0
    );
}

/// What a release does to the world, by the kind of release.
async fn release(case: &str, latency: f64, errors: usize) -> Option<Vec<Judgement>> {
    let emulator = emulator(case)?;
    for number in 1..=4 {
        emulator
            .measure("Latency", Some(&host(number)), 30, &[100.0; 24])
            .await;
        let since = if number <= 2 { latency } else { 100.0 };
        emulator
            .measure("Latency", Some(&host(number)), 6, &[since; 6])
            .await;
    }
    let lines = |count: usize| {
        (0..count)
            .map(|n| format!("ERROR timeout after {n} ms"))
            .collect::<Vec<_>>()
    };
    emulator.log("/orders/dev", 34, &lines(150)).await;
    emulator.log("/orders/dev", 5, &lines(errors)).await;
    let analysis = json!({
        "metrics": [{
            "name": "latency", "namespace": "Orders", "metric": "Latency", "per_host": true, "change_min": 20,
        }],
        "logs": [{ "group": "/orders/dev" }],
    });
    Some(emulator.judged(&analysis, &emulator.subject()).await)
}

fn words(judgements: &[Judgement]) -> Vec<&'static str> {
    judgements
        .iter()
        .map(|judgement| judgement.finding.word())
        .collect()
}

#[tokio::test]
async fn a_release_that_doubles_its_latency_or_its_errors_fails_and_a_good_one_passes() {
    for (case, latency, errors, expected) in [
        ("good", 104.0, 28, ["passed", "passed"]),
        ("slow", 200.0, 28, ["failed", "passed"]),
        ("loud", 104.0, 75, ["passed", "failed"]),
    ] {
        let Some(judgements) = release(case, latency, errors).await else {
            return;
        };
        assert_eq!(words(&judgements), expected, "{case}: {judgements:?}");
    }
}

#[tokio::test]
async fn without_data_every_check_is_inconclusive_and_says_why() {
    let Some(emulator) = emulator("nothing") else {
        return;
    };
    emulator.alarm("silent", None).await;
    let analysis = json!({
        "alarms": ["silent"],
        "metrics": [{ "name": "cpu", "host": "cpu" }],
        "logs": [{ "group": "/orders/dev" }],
    });
    let judgements = emulator.judged(&analysis, &emulator.subject()).await;
    assert_eq!(words(&judgements), ["inconclusive"; 3], "{judgements:?}");
    assert!(
        judgements[1]
            .said()
            .starts_with("too few samples: 0 since the switch, 0 before it")
    );
    assert!(judgements[2].said().contains("ResourceNotFoundException"));
}
