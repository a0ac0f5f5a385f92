//! Calendars as people make them, and as somebody makes them who means no good.

use super::*;
use crate::point;
use proptest::prelude::*;

fn file(events: &[&str]) -> String {
    let mut text = String::from("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//acme//EN\n");
    for event in events {
        text.push_str("BEGIN:VEVENT\nUID:1@acme\nSUMMARY:Release pause\n");
        text.push_str(event);
        text.push_str("\nEND:VEVENT\n");
    }
    text.push_str("END:VCALENDAR\n");
    text.replace('\n', "\r\n")
}

fn berlin() -> TimeZone {
    zone("Europe/Berlin").unwrap()
}

fn read(text: &str) -> Result<Calendar, String> {
    Calendar::parse(text, &berlin()).map_err(|problem| problem.to_string())
}

#[track_caller]
fn check(events: &[&str], expected: &[(&str, Option<&str>)]) {
    let calendar = read(&file(events)).unwrap();
    for (now, until) in expected {
        let frozen = calendar.frozen(point(now).unwrap()).unwrap();
        let until = until.map(|text| point(text).unwrap());
        assert_eq!(frozen.and_then(|freeze| freeze.until), until, "{now}");
    }
}

#[test]
fn an_event_in_a_zone_holds_from_its_beginning_to_its_end() {
    check(
        &[
            "DTSTART;TZID=America/New_York:20261127T090000\nDTEND;TZID=America/New_York:20261127T170000",
        ],
        &[
            ("2026-11-27T13:59:59Z", None),
            ("2026-11-27T14:00:00Z", Some("2026-11-27T22:00:00Z")),
            ("2026-11-27T22:00:00Z", None),
        ],
    );
    let calendar = read(&file(&["DTSTART:20261127T090000Z\nDURATION:PT1H"])).unwrap();
    let frozen = calendar.frozen(point("2026-11-27T09:30:00Z").unwrap());
    assert_eq!(frozen.unwrap().unwrap().name(), "Release pause");
}

#[test]
fn whole_days_are_those_of_the_place() {
    check(
        &["DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227"],
        &[
            ("2026-12-23T22:59:59Z", None),
            ("2026-12-23T23:00:00Z", Some("2026-12-26T23:00:00Z")),
            ("2026-12-26T23:00:00Z", None),
        ],
    );
    let one_day = ("2026-12-24T12:00:00Z", Some("2026-12-24T23:00:00Z"));
    check(&["DTSTART;VALUE=DATE:20261224"], &[one_day]);
}

#[test]
fn an_event_repeats_in_local_time_when_the_clocks_change() {
    check(
        &[
            "DTSTART;TZID=Europe/Berlin:20260102T160000\nDTEND;TZID=Europe/Berlin:20260105T080000\nRRULE:FREQ=WEEKLY;BYDAY=FR",
        ],
        &[
            ("2026-01-02T15:00:00Z", Some("2026-01-05T07:00:00Z")),
            ("2026-07-03T14:00:00Z", Some("2026-07-06T06:00:00Z")),
            ("2026-07-03T13:59:59Z", None),
            ("2026-10-23T14:00:00Z", Some("2026-10-26T07:00:00Z")),
            ("2026-11-26T12:00:00Z", None),
        ],
    );
}

#[test]
fn a_repetition_ends_with_its_count_or_its_last_day() {
    let daily = "DTSTART;TZID=Europe/Berlin:20261101T233000\nDURATION:PT10M\nRRULE:FREQ=DAILY";
    let (in_utc, counted) = (
        format!("{daily};UNTIL=20261103T223000Z"),
        format!("{daily};COUNT=3"),
    );
    let by_date = format!("{daily};UNTIL=20261103");
    for events in [in_utc, counted, by_date] {
        check(
            &[&events],
            &[
                ("2026-11-03T22:31:00Z", Some("2026-11-03T22:40:00Z")),
                ("2026-11-04T22:31:00Z", None),
            ],
        );
    }
}

#[test]
fn days_are_left_out_added_moved_and_called_off() {
    let series = "DTSTART:20261101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE:20261102T100000Z\nRDATE:20261103T200000Z";
    let moved = "RECURRENCE-ID:20261104T100000Z\nDTSTART:20261104T150000Z\nDURATION:PT1H";
    let off =
        "RECURRENCE-ID:20261105T100000Z\nDTSTART:20261105T100000Z\nDURATION:PT1H\nSTATUS:CANCELLED";
    check(
        &[series, moved, off],
        &[
            ("2026-11-01T10:30:00Z", Some("2026-11-01T11:00:00Z")),
            ("2026-11-02T10:30:00Z", None),
            ("2026-11-03T20:30:00Z", Some("2026-11-03T21:00:00Z")),
            ("2026-11-04T10:30:00Z", None),
            ("2026-11-04T15:30:00Z", Some("2026-11-04T16:00:00Z")),
            ("2026-11-05T10:30:00Z", None),
            ("2026-11-06T10:30:00Z", Some("2026-11-06T11:00:00Z")),
        ],
    );
}

#[test]
fn long_lines_are_folded_and_names_may_be_anything() {
    let event = "DTSTART:20261101T1000\n 00Z\nDURATION:PT1H\nDESCRIPTION:a\\, b\\; c: \u{1f6a2}";
    check(
        &[event],
        &[("2026-11-01T10:30:00Z", Some("2026-11-01T11:00:00Z"))],
    );
}

#[test]
fn what_is_not_understood_makes_the_whole_file_unreadable() {
    let fine = "DTSTART:20261101T100000Z\nDURATION:PT1H";
    let start = "DTSTART:20261101T100000Z";
    for (event, wrong) in [
        ("DURATION:PT1H", "has no beginning"),
        (
            "DTSTART;TZID=W. Europe Standard Time:20261101T100000",
            "is in a time zone that the IANA does not know",
        ),
        (
            "DTSTART:tomorrow",
            "has a date or a time that is not understood",
        ),
        (
            "DTSTART:20261301T100000Z",
            "has a date or a time that is not understood",
        ),
        (
            &format!("{start}\n{start}"),
            "has something twice that it can have once",
        ),
        (
            &format!("{start}\nDURATION:for a while"),
            "has a length that is not understood",
        ),
        (&format!("{start}\nDURATION:-PT1H"), "ends before it begins"),
        (
            &format!("{start}\nDTEND:20261101T090000Z"),
            "ends before it begins",
        ),
        (
            &format!("{start}\nDTEND:20261101T110000Z\nDURATION:PT1H"),
            "has two ends",
        ),
        (
            &format!("{start}\nRRULE:FREQ=SECONDLY"),
            "is repeated more than once a day",
        ),
        (
            &format!("{start}\nRRULE:FREQ=FORTNIGHTLY"),
            "is repeated in a way that is not understood",
        ),
        (
            &format!("{start}\nRRULE:often"),
            "is repeated in a way that is not understood",
        ),
        (
            &format!("{start}\nRRULE:FREQ=DAILY;INTERVAL=0"),
            "is repeated in no time at all",
        ),
        (
            &format!("{start}\nEXRULE:FREQ=DAILY"),
            "is repeated in a way that is not understood",
        ),
        (
            &format!("{start}\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261101T100000Z"),
            "changes all later ones too, which is not understood",
        ),
        (
            &format!("{start}\nRDATE;VALUE=PERIOD:20261101T100000Z/PT1H"),
            "has a date or a time that is not understood",
        ),
    ] {
        let problem = read(&file(&[fine, event])).unwrap_err();
        assert_eq!(problem, format!("its event 2 {wrong}"), "{event}");
    }
}

#[test]
fn what_is_no_calendar_is_refused() {
    let good = file(&["DTSTART:20261101T100000Z"]);
    let deep = "BEGIN:VCALENDAR\r\n".repeat(200);
    let cut = good.replace("END:VCALENDAR\r\n", "");
    let (after, lone) = (format!("{good}rubbish"), "BEGIN:VEVENT\r\nEND:VEVENT\r\n");
    for text in [
        "",
        "hello",
        "{}",
        &deep,
        &cut,
        &after,
        lone,
        "BEGIN:",
        "BEGIN:VCALENDAR",
    ] {
        let problem = read(text).unwrap_err();
        assert_eq!(problem, "it is not an iCalendar file", "{text}");
    }
    let large = format!("{good}{}", "\r\n".repeat(Calendar::BYTES_MAX));
    assert_eq!(read(&large).unwrap_err(), "it is larger than 8192 bytes");
    assert!(read(&file(&[])).is_ok(), "a calendar may be empty");
}

#[test]
fn a_repetition_without_an_end_is_followed_for_fifty_years_and_then_given_up() {
    let often = "DTSTART:20260101T000000Z\nDURATION:PT1S\nRRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8;BYMINUTE=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15";
    let calendar = read(&file(&[often])).unwrap();
    let problem = calendar.frozen(point("2027-01-01T12:00:00Z").unwrap());
    assert_eq!(
        problem.unwrap_err().to_string(),
        "its event 1 is repeated too often to be followed"
    );
    check(
        &["DTSTART:19800101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"],
        &[("2026-11-01T00:30:00Z", Some("2026-11-01T01:00:00Z"))],
    );
    let never =
        "DTSTART:20200101T000000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30";
    check(&[never], &[("2026-11-01T00:30:00Z", None)]);
}

proptest! {
    /// Whatever stands in a file, it is read or refused, and never more.
    #[test]
    fn no_text_brings_the_reader_down(
        lines in prop::collection::vec(
            prop_oneof![
                "(BEGIN|END):(VCALENDAR|VEVENT|VALARM)",
                "DTSTART(;TZID=[A-Za-z/\"]{0,12})?(;VALUE=DATE)?:[0-9TZ]{6,17}",
                "DTEND:[0-9]{8}T[0-9]{6}Z?",
                "DURATION:[-+]?P[0-9TDHMSW]{0,8}",
                "RRULE:FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY);[A-Z]{2,10}=[-+0-9,A-Z]{0,10}",
                "(EXDATE|RDATE|RECURRENCE-ID):[0-9TZ,/]{0,40}",
                "\\PC{0,30}",
            ],
            0..30,
        ),
        seconds in 0_u64..8_000_000_000,
    ) {
        let text = lines.join("\r\n");
        let event = text.replace("BEGIN", "X").replace("END:", "X:");
        for text in [text, file(&[&event])] {
            if let Ok(calendar) = Calendar::parse(&text, &TimeZone::UTC) {
                let _either_is_fine = calendar.frozen(Timestamp::from_unix_ms(seconds.saturating_mul(1_000)));
            }
        }
    }
}
