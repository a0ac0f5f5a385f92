//! Calendars: kept for a minute, and never guessed.

use super::replay::{Replay, Reply, StoppedClock};
use longshore_app_config::{AppConfig, CalendarName, ChangeCalendarName};
use longshore_core::{EnvironmentName, Repository};
use longshore_shell::calendars::SsmCalendars;
use longshore_shell::ports::{Calendars, ChangeState};
use serde_json::json;

fn names() -> (CalendarName, ChangeCalendarName) {
    let document = json!({
        "branch": "main",
        "health": { "port": 3000 },
        "process": { "script": "server.js" },
        "freeze": { "calendars": ["holidays"], "change_calendars": ["Peak-Season"] },
    });
    let repository = Repository::parse("acme/orders").unwrap();
    let config = AppConfig::parse(&document.to_string(), &repository).unwrap();
    let freezing = config.freezing();
    let file = freezing.calendars.as_slice()[0].clone();
    (file, freezing.change_calendars.as_slice()[0].clone())
}

fn calendars(replay: &Replay, clock: &StoppedClock) -> SsmCalendars<StoppedClock> {
    let environment = EnvironmentName::parse("prod").unwrap();
    SsmCalendars::new(&replay.aws(), &environment, clock.clone())
}

fn parameter(value: &str) -> Reply {
    Reply::json(&json!({ "Parameter": { "Name": "x", "Version": 1, "Value": value } }))
}

#[tokio::test]
async fn a_file_is_read_without_decryption_and_kept_for_a_minute() {
    let replay = Replay::of([parameter("one"), parameter("two")]);
    let clock = StoppedClock::at_s(1_000);
    let calendars = calendars(&replay, &clock);
    for (seconds, text) in [(1_000, "one"), (1_059, "one"), (1_060, "two")] {
        clock.move_to_s(seconds);
        assert_eq!(calendars.file(&names().0).await.unwrap(), text);
    }
    assert_eq!(
        replay.sent()[0].json(),
        json!({ "Name": "/longshore/prod/control/calendars/holidays" })
    );
    assert_eq!(replay.sent().len(), 2);
}

#[tokio::test]
async fn a_change_calendar_says_whether_it_is_open_and_until_when() {
    let closed = json!({ "State": "CLOSED", "NextTransitionTime": "2026-11-30T07:00:00Z" });
    let replay = Replay::of([
        Reply::json(&closed),
        Reply::json(&json!({ "State": "OPEN" })),
    ]);
    let clock = StoppedClock::at_s(1_000);
    let calendars = calendars(&replay, &clock);
    let next = longshore_freeze::point("2026-11-30T07:00:00Z");
    let state = calendars.state(&names().1).await.unwrap();
    let expected = ChangeState {
        is_open: false,
        next,
    };
    assert_eq!(state, expected);
    assert_eq!(
        replay.sent()[0].json(),
        json!({ "CalendarNames": ["Peak-Season"] })
    );
    clock.move_to_s(1_060);
    let state = calendars.state(&names().1).await.unwrap();
    assert_eq!((state.is_open, state.next), (true, None));
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_that_names_the_services_word_and_is_not_kept() {
    for reply in [
        Reply::error(400, "ParameterNotFound"),
        Reply::error(400, "AccessDeniedException"),
        Reply::json(&json!({})),
    ] {
        let replay = Replay::of([reply, parameter("fine")]);
        let calendars = calendars(&replay, &StoppedClock::at_s(0));
        calendars.file(&names().0).await.unwrap_err();
        assert_eq!(calendars.file(&names().0).await.unwrap(), "fine");
    }
    for reply in [
        Reply::error(400, "InvalidDocument"),
        Reply::json(&json!({ "State": "HALF_OPEN" })),
        Reply::json(&json!({})),
    ] {
        let replay = Replay::of([reply]);
        let calendars = calendars(&replay, &StoppedClock::at_s(0));
        calendars.state(&names().1).await.unwrap_err();
    }
}
