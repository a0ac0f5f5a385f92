//! Metrics.

use super::cbor::{answer, decoded, refusal};
use super::replay::{Replay, Reply, StoppedClock};
use longshore_analysis::Value;
use longshore_app_config::Series;
use longshore_core::Timestamp;
use longshore_shell::metrics::CloudWatchMetrics;
use longshore_shell::ports::{Metrics, Sample, Window};
use serde_json::{Value as Json, json};

fn series(host: &str) -> Series {
    Series {
        namespace: "AWS/EC2".to_owned(),
        metric: "CPUUtilization".to_owned(),
        dimensions: [("InstanceId".to_owned(), host.to_owned())].into(),
        statistic: "Average".to_owned(),
        period_s: 60,
    }
}

const WINDOW: Window = Window {
    from: Timestamp::from_unix_ms(600_000),
    until: Timestamp::from_unix_ms(900_000),
};

fn result(id: &str, samples: &[(i64, Json)]) -> Json {
    let dates: Vec<Json> = samples
        .iter()
        .map(|(at, _)| json!({ "$date": at }))
        .collect();
    let values: Vec<&Json> = samples.iter().map(|(_, value)| value).collect();
    json!({ "Id": id, "StatusCode": "Complete", "Timestamps": dates, "Values": values })
}

fn sample(at: u64, millionths: i64) -> Sample {
    Sample {
        at: Timestamp::from_unix_ms(at),
        value: Value::from_millionths(millionths),
    }
}

#[tokio::test]
async fn samples_come_over_all_pages_in_the_order_of_time_and_what_is_no_number_is_left_out() {
    let first = [
        (660_000, json!(12.5)),
        (600_000, json!(11.25)),
        (720_000, json!("$NaN")),
        (540_000, json!(99.0)),
        (900_000, json!(99.0)),
    ];
    let mut partial = result("m1", &first);
    partial["StatusCode"] = json!("PartialData");
    let replay = Replay::of([
        answer(&json!({ "MetricDataResults": [result("m0", &[]), partial], "NextToken": "t" })),
        answer(&json!({ "MetricDataResults": [result("m1", &[(780_000, json!(13.0))])] })),
    ]);
    let metrics = CloudWatchMetrics::new(&replay.aws(), StoppedClock::at_s(1_000));
    let found = metrics
        .samples(&[series("i-1"), series("i-2")], WINDOW)
        .await
        .unwrap();
    let second = vec![
        sample(600_000, 11_250_000),
        sample(660_000, 12_500_000),
        sample(780_000, 13_000_000),
    ];
    assert_eq!(found, [Vec::new(), second]);
    let sent = replay.sent();
    assert!(
        sent[0].line.ends_with("/operation/GetMetricData"),
        "{}",
        sent[0].line
    );
    let query = |id: &str, host: &str| {
        json!({
            "Id": id,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/EC2",
                    "MetricName": "CPUUtilization",
                    "Dimensions": [{ "Name": "InstanceId", "Value": host }],
                },
                "Period": 60,
                "Stat": "Average",
            },
        })
    };
    let mut asked = json!({
        "MetricDataQueries": [query("m0", "i-1"), query("m1", "i-2")],
        "StartTime": { "$date": 600_000 },
        "EndTime": { "$date": 900_000 },
        "ScanBy": "TimestampAscending",
    });
    assert_eq!(decoded(&sent[0].bytes), asked);
    asked["NextToken"] = json!("t");
    assert_eq!(decoded(&sent[1].bytes), asked);
}

#[tokio::test]
async fn a_question_has_at_most_five_hundred_metrics_and_the_answers_stay_in_order() {
    let replay = Replay::of([
        answer(&json!({ "MetricDataResults": [result("m499", &[(600_000, json!(1.0))])] })),
        answer(&json!({ "MetricDataResults": [result("m0", &[(600_000, json!(2.0))])] })),
    ]);
    let metrics = CloudWatchMetrics::new(&replay.aws(), StoppedClock::at_s(1_000));
    let wanted: Vec<Series> = (0..501).map(|n| series(&format!("i-{n}"))).collect();
    let found = metrics.samples(&wanted, WINDOW).await.unwrap();
    assert_eq!(found.len(), 501);
    assert_eq!(found[499], [sample(600_000, 1_000_000)]);
    assert_eq!(found[500], [sample(600_000, 2_000_000)]);
    let counts = replay.sent().into_iter().map(|sent| {
        let asked = decoded(&sent.bytes);
        asked["MetricDataQueries"].as_array().unwrap().len()
    });
    assert_eq!(counts.collect::<Vec<_>>(), [500, 1]);
}

#[tokio::test]
async fn an_answer_is_kept_while_no_new_sample_can_be_there_and_a_failure_is_not() {
    let empty = answer(&json!({ "MetricDataResults": [] }));
    let replay = Replay::of([refusal(403, "AccessDenied"), empty]);
    let clock = StoppedClock::at_s(900);
    let metrics = CloudWatchMetrics::new(&replay.aws(), clock.clone());
    let wanted = [series("i-1")];
    let mut asked = Vec::new();
    for (second, expected_error) in [(900, true), (900, false), (929, false), (930, false)] {
        clock.move_to_s(second);
        let answer = metrics.samples(&wanted, WINDOW).await;
        assert_eq!(answer.is_err(), expected_error, "{second}");
        asked.push(replay.sent().len());
    }
    assert_eq!(asked, [1, 2, 2, 3]);
    // Five minutes later nothing arrives any more; what was answered before that was perhaps not all.
    for (second, expected) in [(1_200, 4), (1_799, 4), (1_800, 5)] {
        clock.move_to_s(second);
        metrics.samples(&wanted, WINDOW).await.unwrap();
        assert_eq!(replay.sent().len(), expected, "{second}");
    }
    metrics.samples(&[series("i-2")], WINDOW).await.unwrap();
    assert_eq!(replay.sent().len(), 6);
}

#[tokio::test]
async fn whatever_is_not_an_answer_to_the_question_is_told() {
    let mut broken = result("m0", &[]);
    broken["StatusCode"] = json!("InternalError");
    for (reply, said) in [
        (
            refusal(403, "AccessDenied"),
            "GetMetricData: AccessDenied: AccessDenied happened",
        ),
        (
            refusal(400, "ThrottlingException"),
            "GetMetricData: ThrottlingException: ThrottlingException happened",
        ),
        (
            answer(&json!({ "MetricDataResults": [result("m7", &[])] })),
            "GetMetricData: it has a metric that was not asked for",
        ),
        (
            answer(&json!({ "MetricDataResults": [broken] })),
            "GetMetricData: a metric's result is InternalError",
        ),
        (
            answer(&json!({ "MetricDataResults": [], "NextToken": "t" })),
            "GetMetricData: it has no last page",
        ),
    ] {
        let replay = Replay::of([reply]);
        let metrics = CloudWatchMetrics::new(&replay.aws(), StoppedClock::at_s(1_000));
        let error = metrics.samples(&[series("i-1")], WINDOW).await.unwrap_err();
        assert_eq!(error.0.to_string(), said);
        assert!(replay.sent().len() <= 20);
    }
    let replay = Replay::of([Reply::Lost]);
    let metrics = CloudWatchMetrics::new(&replay.aws(), StoppedClock::at_s(1_000));
    assert!(metrics.samples(&[series("i-1")], WINDOW).await.is_err());
}
