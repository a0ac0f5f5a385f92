//! Moments and lengths of time as people read them: both how long ago, and when. Times are UTC, as in the hosts' logs.

use longshore_contract::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// A moment: `2026-11-25 10:21:05 (3m ago)`.
#[must_use]
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", absolute(at), relative(at, now))
}

/// A moment as a date and a time of UTC.
#[must_use]
pub fn absolute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A moment as the time of its day.
#[must_use]
pub fn time_of_day(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// A moment as seen from another: `3m ago`, `in 2h`, `now`.
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(at.as_second());
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("{} ago", roughly(seconds)),
        _ => format!("in {}", roughly(seconds.saturating_neg())),
    }
}

/// A length of time in its largest unit.
fn roughly(seconds: i64) -> String {
    let length = length(seconds);
    length.split(' ').next().unwrap_or_default().to_owned()
}

/// The time between two moments.
#[must_use]
pub fn between(from: Timestamp, to: Timestamp) -> String {
    length(seconds_between(from, to))
}

/// The seconds between two moments.
#[must_use]
pub fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second()).max(0)
}

/// A length of time in its two largest units: `45s`, `3m 20s`, `2h 5m`, `4d 3h`.
#[must_use]
pub fn length(seconds: i64) -> String {
    let (large, unit, small, small_unit) = match seconds {
        ..MINUTE => return format!("{}s", seconds.max(0)),
        MINUTE..HOUR => (MINUTE, 'm', 1, 's'),
        HOUR..DAY => (HOUR, 'h', MINUTE, 'm'),
        DAY.. => (DAY, 'd', HOUR, 'h'),
    };
    let whole = seconds.checked_div(large).unwrap_or(0);
    let rest = seconds.checked_rem(large).unwrap_or(0);
    match rest.checked_div(small).unwrap_or(0) {
        0 => format!("{whole}{unit}"),
        rest => format!("{whole}{unit} {rest}{small_unit}"),
    }
}

/// Reads the header `date` of an answer.
#[must_use]
pub fn from_header(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units_at_most() {
        for (seconds, expected) in [
            (0, "0s"),
            (45, "45s"),
            (60, "1m"),
            (200, "3m 20s"),
            (7_500, "2h 5m"),
            (356_400, "4d 3h"),
        ] {
            assert_eq!(length(seconds), expected);
        }
    }

    #[test]
    fn a_moment_is_told_both_ways() {
        let now: Timestamp = "2026-11-25T10:24:05Z".parse().unwrap();
        for (at, expected) in [
            ("2026-11-25T10:21:05Z", "2026-11-25 10:21:05 (3m ago)"),
            ("2026-11-25T12:24:05Z", "2026-11-25 12:24:05 (in 2h)"),
            ("2026-11-25T10:24:05Z", "2026-11-25 10:24:05 (now)"),
        ] {
            assert_eq!(moment(at.parse().unwrap(), now), expected);
        }
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        let read = from_header("Wed, 25 Nov 2026 10:24:05 GMT");
        assert_eq!(read, "2026-11-25T10:24:05Z".parse().ok());
        assert_eq!(from_header("soon"), None);
    }
}
