//! The logs of the hosts.

use super::replay::{Replay, Reply};
use longshore_core::{EnvironmentName, HostId, Timestamp};
use longshore_shell::host_logs::CloudWatchHostLogs;
use longshore_shell::ports::{HostLine, HostLogs, LinesWanted};
use serde_json::{Value, json};

fn logs(replay: &Replay) -> CloudWatchHostLogs {
    CloudWatchHostLogs::new(&replay.aws(), &EnvironmentName::parse("prod").unwrap())
}

fn host(number: u32) -> HostId {
    HostId::parse(&format!("i-{number:017x}")).unwrap()
}

fn wanted(hosts: u32, limit: usize) -> LinesWanted {
    LinesWanted {
        hosts: (1..=hosts).map(host).collect(),
        from: Timestamp::from_unix_ms(1_000),
        until: Timestamp::from_unix_ms(9_000),
        limit,
    }
}

fn event(number: u32, at: u64, text: &str) -> Value {
    json!({ "logStreamName": host(number).as_str(), "timestamp": at, "message": text })
}

fn texts(lines: &[HostLine]) -> Vec<(u64, &str)> {
    let lines = lines.iter();
    lines
        .map(|line| (line.at.as_unix_ms(), line.text.as_str()))
        .collect()
}

#[tokio::test]
async fn lines_come_over_all_pages_in_the_order_of_time_and_cannot_forge_another() {
    let replay = Replay::of([
        Reply::json(&json!({ "events": [event(1, 3_000, "b\u{1b}c")], "nextToken": "t" })),
        Reply::json(&json!({ "events": [], "nextToken": "u" })),
        Reply::json(&json!({ "events": [event(2, 2_000, "a"), event(3, 2_500, "other")] })),
    ]);
    let lines = logs(&replay).lines(&wanted(2, 10)).await.unwrap();
    assert_eq!(texts(&lines), [(2_000, "a"), (3_000, "b?c")]);
    assert_eq!(lines[0].host, host(2));
    assert_eq!(replay.sent()[0].target, "Logs_20140328.FilterLogEvents");
    assert_eq!(
        replay.sent()[0].json(),
        json!({
            "logGroupName": "/longshore/prod/hosts",
            "logStreamNames": [host(1).as_str(), host(2).as_str()],
            "startTime": 1_000,
            "endTime": 8_999,
        })
    );
}

#[tokio::test]
async fn for_more_hosts_than_a_question_may_name_the_whole_group_is_asked() {
    let replay = Replay::of([Reply::json(&json!({ "events": [event(101, 2_000, "a")] }))]);
    let lines = logs(&replay).lines(&wanted(101, 10)).await.unwrap();
    assert_eq!(texts(&lines), [(2_000, "a")]);
    assert_eq!(replay.sent()[0].json().get("logStreamNames"), None);
}

#[tokio::test]
async fn of_more_lines_than_wanted_the_oldest_are_told_and_no_further_page_is_asked() {
    let events = [
        event(1, 4_000, "c"),
        event(1, 2_000, "a"),
        event(1, 3_000, "b"),
    ];
    let replay = Replay::of([Reply::json(&json!({ "events": events, "nextToken": "t" }))]);
    let lines = logs(&replay).lines(&wanted(1, 2)).await.unwrap();
    assert_eq!(texts(&lines), [(2_000, "a"), (3_000, "b")]);
    assert_eq!(replay.sent().len(), 1);
}

#[tokio::test]
async fn a_group_or_stream_that_is_not_there_yet_has_no_lines_and_any_other_refusal_is_told() {
    let replay = Replay::of([Reply::error(400, "ResourceNotFoundException")]);
    assert_eq!(logs(&replay).lines(&wanted(1, 5)).await.unwrap(), []);
    for reply in [Reply::error(400, "AccessDeniedException"), Reply::Lost] {
        let replay = Replay::of([reply]);
        assert!(logs(&replay).lines(&wanted(1, 5)).await.is_err());
    }
    let replay = Replay::of([Reply::Lost]);
    assert_eq!(logs(&replay).lines(&wanted(0, 5)).await.unwrap(), []);
    assert_eq!(replay.sent().len(), 0);
}
