//! Freezes: what they hold and what they do not, what people see meanwhile, and the word that breaks the glass.

use longshore_core::{FreezeSource, Millis, Outcome, State, Timestamp};
use longshore_shell::fakes::Behaviour;
use longshore_shell::ports::ChangeState;
use longshore_tests::Bench;
use serde_json::json;

/// The bench's time is a Tuesday, 22:13 in UTC.
fn night(bench: &mut Bench) {
    let window = json!([{ "name": "the night", "from": "Tue 22:00", "to": "Wed 06:00" }]);
    bench.configure(&json!({ "freeze": { "weekly": window } }));
}

fn hours(number: u64) -> Millis {
    Millis::from_secs(number * 3600)
}

#[test]
fn a_push_in_a_freeze_waits_and_begins_by_itself_when_it_ends() {
    let mut bench = Bench::new(2);
    night(&mut bench);
    assert_eq!(bench.push("a"), 202);
    bench.run_for(600);
    let waiting = bench.deployment("a");
    assert_eq!(waiting.state.name(), "Queued");
    let freeze = waiting.freeze.unwrap();
    assert_eq!(
        (freeze.name(), freeze.source),
        ("the night", FreezeSource::Window)
    );
    assert_eq!(bench.sent("prepare"), 0);
    bench.run();
    let done = bench.deployment("a");
    assert_eq!(done.state.name(), "Succeeded");
    assert_eq!(done.freeze, None);
    let began = done.timeline.iter().find(|line| line.state == "Preparing");
    assert!(began.unwrap().at >= freeze.until.unwrap());
    assert!(began.unwrap().at.since(freeze.until.unwrap()) <= Millis::from_secs(120));
}

#[test]
fn the_time_of_a_freeze_is_no_time_of_waiting() {
    let mut bench = Bench::new(1);
    night(&mut bench);
    bench.configure(&json!({ "timeouts": { "queue_seconds": 60 } }));
    assert_eq!(bench.push("a"), 202);
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
}

#[test]
fn a_window_that_is_taken_out_lets_go_what_it_held() {
    let mut bench = Bench::new(1);
    night(&mut bench);
    assert_eq!(bench.push("a"), 202);
    bench.run_for(300);
    assert_eq!(bench.end_of("a"), "Queued");
    bench.configure(&json!({ "freeze": {} }));
    bench.run_for(120);
    assert_ne!(bench.end_of("a"), "Queued");
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
}

#[test]
fn the_newest_push_wins_in_a_freeze_too() {
    let mut bench = Bench::new(1);
    night(&mut bench);
    bench.push("a");
    bench.run_for(120);
    bench.push("b");
    bench.run();
    assert_eq!(bench.end_of("a"), "Superseded");
    assert_eq!(bench.end_of("b"), "Succeeded");
}

#[test]
fn what_runs_when_a_freeze_begins_runs_on_and_is_rolled_back_in_it() {
    let mut bench = Bench::new(2);
    bench.live("a");
    bench.behaves("b", Behaviour::HealthFails);
    bench.push("b");
    bench.run_to("b", "Preparing");
    night(&mut bench);
    bench.run();
    assert_eq!(bench.end_of("b"), "RolledBack");
    assert_eq!(bench.served(), "aa");
}

#[test]
fn a_host_that_comes_late_gets_what_is_live_in_a_freeze() {
    let mut bench = Bench::new(1);
    bench.watch();
    bench.live("a");
    night(&mut bench);
    bench.bear(2);
    bench.run_for(1200);
    bench.run();
    assert_eq!(bench.served(), "aa");
}

#[test]
fn broken_glass_lets_one_deployment_begin_and_stays_in_its_record() {
    let mut bench = Bench::new(1);
    night(&mut bench);
    bench.push("a");
    bench.run_for(120);
    bench.break_glass("a", "Ada", "customers cannot pay");
    bench.run_for(120);
    bench.run();
    let done = bench.deployment("a");
    assert_eq!(done.state.name(), "Succeeded");
    let word = done.break_glass.unwrap();
    assert_eq!(
        (word.by.as_str(), word.reason()),
        ("Ada", "customers cannot pay")
    );
    assert!(bench.now().since(word.at) < hours(1));
    bench.push("b");
    bench.run_for(300);
    assert_eq!(bench.end_of("b"), "Queued");
}

const HOLIDAY: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Peak season\r\n\
    DTSTART;VALUE=DATE:20231114\r\nDTEND;VALUE=DATE:20231116\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn an_event_of_a_calendar_freezes_until_its_end() {
    let mut bench = Bench::new(1);
    bench.calendar("holidays", Some(HOLIDAY));
    bench.configure(&json!({ "freeze": { "calendars": ["holidays"] } }));
    bench.push("a");
    bench.run_for(120);
    let freeze = bench.deployment("a").freeze.unwrap();
    assert_eq!(
        (freeze.name(), freeze.source),
        ("Peak season", FreezeSource::Calendar)
    );
    assert_eq!(
        freeze.until,
        Some(Timestamp::from_unix_ms(1_700_092_800_000))
    );
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
}

#[test]
fn a_calendar_that_cannot_be_read_freezes_says_so_and_ends_the_waiting_as_expired() {
    for (text, why) in [
        (None, "the calendar holidays: ParameterNotFound"),
        (
            Some("hello"),
            "the calendar holidays: it is not an iCalendar file",
        ),
    ] {
        let mut bench = Bench::new(1);
        bench.calendar("holidays", text);
        bench.configure(&json!({ "freeze": { "calendars": ["holidays"] } }));
        bench.push("a");
        bench.run_for(120);
        let freeze = bench.deployment("a").freeze.unwrap();
        assert_eq!(
            (freeze.name(), freeze.source),
            (why, FreezeSource::Unreadable)
        );
        bench.run();
        let State::Ended {
            outcome: Outcome::Expired(failure),
            ..
        } = bench.deployment("a").state
        else {
            panic!("{}", bench.end_of("a"));
        };
        assert_eq!(failure.detail(), format!("held by a freeze: {why}"));
        assert_eq!(bench.served(), "-");
    }
}

#[test]
fn a_calendar_that_is_repaired_lets_go_what_it_held() {
    let mut bench = Bench::new(1);
    bench.configure(&json!({ "freeze": { "calendars": ["holidays"] } }));
    bench.push("a");
    bench.run_for(120);
    let empty = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n";
    bench.calendar("holidays", Some(empty));
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
}

#[test]
fn a_change_calendar_freezes_while_it_is_closed() {
    let mut bench = Bench::new(1);
    bench.configure(&json!({ "freeze": { "change_calendars": ["Peak-Season"] } }));
    let calendars = bench.cloud.world.calendars.clone();
    let until = bench.now().after(hours(2));
    calendars.set(
        "Peak-Season",
        ChangeState {
            is_open: false,
            next: Some(until),
        },
    );
    bench.push("a");
    bench.run_for(3600);
    let freeze = bench.deployment("a").freeze.unwrap();
    assert_eq!((freeze.name(), freeze.until), ("Peak-Season", Some(until)));
    calendars.set(
        "Peak-Season",
        ChangeState {
            is_open: true,
            next: None,
        },
    );
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
}
