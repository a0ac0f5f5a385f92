//! The error lines of the apps.

use super::replay::{Replay, Reply, StoppedClock};
use longshore_analysis::ErrorLines;
use longshore_app_config::{AppConfig, LogGroup};
use longshore_core::{Millis, Repository, Timestamp};
use longshore_shell::app_logs::CloudWatchAppLogs;
use longshore_shell::ports::{AppLogs, Clock, LookError, Window};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

fn group() -> LogGroup {
    let document = json!({
        "branch": "main",
        "health": { "port": 3000 },
        "process": { "script": "server.js" },
        "analysis": { "logs": [{ "group": "/orders/prod" }] },
    });
    let repository = Repository::parse("acme/orders").unwrap();
    let config = AppConfig::parse(&document.to_string(), &repository).unwrap();
    config.analysis().logs.as_slice()[0].group.clone()
}

const WINDOW: Window = Window {
    from: Timestamp::from_unix_ms(1_000),
    until: Timestamp::from_unix_ms(61_000),
};

fn event(at: u64, text: &str) -> Value {
    json!({ "logStreamName": "any", "timestamp": at, "message": text })
}

async fn errors(replay: &Replay, limit: usize) -> Result<ErrorLines, LookError> {
    let logs = CloudWatchAppLogs::new(&replay.aws(), StoppedClock::at_s(100));
    logs.errors(&group(), "?ERROR", WINDOW, limit).await
}

fn texts(found: &ErrorLines) -> Vec<&str> {
    found.lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn lines_come_over_all_pages_in_the_order_of_time() {
    let replay = Replay::of([
        Reply::json(&json!({ "events": [event(3_000, "c")], "nextToken": "t" })),
        Reply::json(&json!({ "events": [], "nextToken": "u" })),
        Reply::json(
            &json!({ "events": [event(1_000, "a"), event(2_000, "b"), { "message": "no time" }] }),
        ),
    ]);
    let found = errors(&replay, 10).await.unwrap();
    assert_eq!(texts(&found), ["a", "b", "c"]);
    assert!(found.complete && found.logged);
    assert_eq!(found.span, Millis::from_secs(60));
    let sent = replay.sent();
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[0].target, "Logs_20140328.FilterLogEvents");
    let mut asked = json!({
        "logGroupName": "/orders/prod",
        "filterPattern": "?ERROR",
        "startTime": 1_000,
        "endTime": 60_999,
    });
    assert_eq!(sent[0].json(), asked);
    asked["nextToken"] = json!("u");
    assert_eq!(sent[2].json(), asked);
}

#[tokio::test]
async fn without_an_error_it_is_asked_whether_anything_was_logged() {
    let none = || Reply::json(&json!({ "events": [] }));
    let replay = Replay::of([
        none(),
        Reply::json(&json!({ "events": [event(2_000, "hello")] })),
    ]);
    let found = errors(&replay, 10).await.unwrap();
    assert!(found.lines.is_empty() && found.complete && found.logged);
    let asked = replay.sent()[1].json();
    assert_eq!(
        (asked.get("filterPattern"), &asked["limit"]),
        (None, &json!(1))
    );

    let silent = errors(&Replay::of([none()]), 10).await.unwrap();
    assert!(silent.complete && !silent.logged);

    // Empty pages without end: what nobody has seen was not logged.
    let endless = Reply::json(&json!({ "events": [], "nextToken": "t" }));
    let replay = Replay::of([endless]);
    let found = errors(&replay, 10).await.unwrap();
    assert!(!found.complete && !found.logged);
    assert_eq!(replay.sent().len(), 25);
}

#[tokio::test]
async fn what_is_more_than_the_limit_is_left_out_and_said() {
    let events = [event(1_000, "a"), event(2_000, "b"), event(3_000, "c")];
    let replay = Replay::of([Reply::json(&json!({ "events": events }))]);
    let found = errors(&replay, 2).await.unwrap();
    assert_eq!(texts(&found), ["a", "b"]);
    assert!(!found.complete);
    let whole = errors(&replay, 3).await.unwrap();
    assert!(whole.complete);

    let replay = Replay::of([Reply::json(&json!({ "events": events, "nextToken": "t" }))]);
    let found = errors(&replay, 3).await.unwrap();
    assert!(!found.complete, "there is a further page");
    assert_eq!(replay.sent().len(), 1);
}

/// A clock that goes on by three seconds whenever it is read.
#[derive(Debug, Default)]
struct Hasty(AtomicU64);

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.fetch_add(3_000, Ordering::Relaxed))
    }
}

#[tokio::test]
async fn after_five_seconds_no_further_page_is_asked_for() {
    let page = Reply::json(&json!({ "events": [event(1_000, "a")], "nextToken": "t" }));
    let replay = Replay::of([page]);
    let logs = CloudWatchAppLogs::new(&replay.aws(), Hasty::default());
    let found = logs
        .errors(&group(), "?ERROR", WINDOW, 10_000)
        .await
        .unwrap();
    assert_eq!((found.lines.len(), found.complete), (2, false));
    assert_eq!(replay.sent().len(), 2);
}

#[tokio::test]
async fn a_group_that_is_not_there_or_not_to_be_read_is_told() {
    for code in [
        "ResourceNotFoundException",
        "AccessDeniedException",
        "InvalidParameterException",
    ] {
        let replay = Replay::of([Reply::error(400, code)]);
        let error = errors(&replay, 10).await.unwrap_err();
        assert_eq!(
            error.0.to_string(),
            format!("FilterLogEvents: {code}: {code} happened")
        );
        assert_eq!(replay.sent().len(), 1);
    }
    assert!(errors(&Replay::of([Reply::Lost]), 10).await.is_err());
    let backwards = Window {
        from: WINDOW.until,
        until: WINDOW.from,
    };
    let replay = Replay::of([Reply::Lost]);
    let logs = CloudWatchAppLogs::new(&replay.aws(), StoppedClock::at_s(100));
    let found = logs
        .errors(&group(), "?ERROR", backwards, 10)
        .await
        .unwrap();
    assert!(!found.logged && replay.sent().is_empty());
}

#[tokio::test]
async fn a_hostile_line_is_cut() {
    let long = "\u{e9}".repeat(300_000);
    let replay = Replay::of([Reply::json(&json!({ "events": [event(1_000, &long)] }))]);
    let found = errors(&replay, 10).await.unwrap();
    assert_eq!(found.lines[0].text.chars().count(), 16 * 1024);
}
