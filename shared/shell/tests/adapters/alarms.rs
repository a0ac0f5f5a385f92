//! Alarms.

use super::cbor::{answer, decoded, refusal};
use super::replay::{Replay, Reply};
use longshore_analysis::AlarmState;
use longshore_app_config::{AlarmName, AppConfig};
use longshore_core::Repository;
use longshore_shell::alarms::CloudWatchAlarms;
use longshore_shell::ports::Alarms;
use serde_json::{Value, json};

fn names(names: &[&str]) -> Vec<AlarmName> {
    let document = json!({
        "branch": "main",
        "health": { "port": 3000 },
        "process": { "script": "server.js" },
        "analysis": { "alarms": names },
    });
    let repository = Repository::parse("acme/orders").unwrap();
    let config = AppConfig::parse(&document.to_string(), &repository).unwrap();
    config.analysis().alarms.as_slice().to_vec()
}

fn alarm(name: &str, state: &str) -> Value {
    json!({ "AlarmName": name, "StateValue": state })
}

async fn states(replay: &Replay, wanted: &[&str]) -> Vec<(String, AlarmState)> {
    let alarms = CloudWatchAlarms::new(&replay.aws());
    let states = alarms.states(&names(wanted)).await.unwrap();
    let states = states.into_iter();
    states
        .map(|(name, state)| (name.as_str().to_owned(), state))
        .collect()
}

#[tokio::test]
async fn metric_and_composite_alarms_are_asked_for_over_all_pages_and_a_missing_one_is_missing() {
    let replay = Replay::of([
        answer(
            &json!({ "MetricAlarms": [alarm("a", "OK"), alarm("other", "ALARM")], "NextToken": "t" }),
        ),
        answer(&json!({
            "MetricAlarms": [alarm("b", "INSUFFICIENT_DATA")],
            "CompositeAlarms": [alarm("c", "ALARM"), alarm("e", "NEVER_HEARD_OF")],
        })),
    ]);
    let found = states(&replay, &["a", "b", "c", "d", "e"]).await;
    let expected = [
        ("a", AlarmState::Ok),
        ("b", AlarmState::NoData),
        ("c", AlarmState::Raised),
        ("e", AlarmState::NoData),
    ];
    assert_eq!(
        found,
        expected.map(|(name, state)| (name.to_owned(), state))
    );
    let sent = replay.sent();
    assert!(
        sent[0].line.ends_with("/operation/DescribeAlarms"),
        "{}",
        sent[0].line
    );
    let mut asked = json!({
        "AlarmNames": ["a", "b", "c", "d", "e"],
        "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
    });
    assert_eq!(decoded(&sent[0].bytes), asked);
    asked["NextToken"] = json!("t");
    assert_eq!(decoded(&sent[1].bytes), asked);
}

#[tokio::test]
async fn a_refusal_a_lost_answer_and_pages_without_end_are_told() {
    let endless = answer(&json!({ "MetricAlarms": [], "NextToken": "t" }));
    for (reply, said) in [
        (
            refusal(403, "AccessDenied"),
            "DescribeAlarms: AccessDenied: AccessDenied happened",
        ),
        (
            refusal(400, "ThrottlingException"),
            "DescribeAlarms: ThrottlingException: ThrottlingException happened",
        ),
        (endless, "DescribeAlarms: it has no last page"),
    ] {
        let replay = Replay::of([reply]);
        let alarms = CloudWatchAlarms::new(&replay.aws());
        let error = alarms.states(&names(&["a"])).await.unwrap_err();
        assert_eq!(error.0.to_string(), said);
        assert!(replay.sent().len() <= 10, "{}", replay.sent().len());
    }
    let replay = Replay::of([Reply::Lost]);
    assert!(
        CloudWatchAlarms::new(&replay.aws())
            .states(&names(&["a"]))
            .await
            .is_err()
    );
}
