//! The one clock of the stand-in, and the two ways in which SSM writes a time down.
//!
//! The stand-in runs real scripts, so it lives in real time; nothing else in the crate may ask for the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde_json::Value;

/// Milliseconds since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "real scripts run in real time, and this is the only place that reads it"
)]
pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// A time as JSON 1.1 has it: seconds since the epoch, as a number with a fraction.
pub(crate) fn epoch_seconds(at_ms: i64) -> Value {
    let seconds = at_ms.div_euclid(1000);
    let thousandths = at_ms.rem_euclid(1000);
    format!("{seconds}.{thousandths:03}")
        .parse::<f64>()
        .map_or(Value::Null, Value::from)
}

/// A time as ISO 8601 with milliseconds, as events and `GetCommandInvocation` have it.
pub(crate) fn iso(at_ms: i64) -> String {
    format!("{:.3}", timestamp(at_ms))
}

/// The two stamps of a `SigV4` signature: `20260131T010203Z`.
pub(crate) fn signing_time(at_ms: i64) -> String {
    timestamp(at_ms).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The time that an ISO 8601 text names.
pub(crate) fn parse_iso(text: &str) -> Option<i64> {
    text.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_millisecond)
}

/// The time from now until `at_ms`, nothing if that has passed.
pub(crate) fn until(at_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(at_ms.saturating_sub(now_ms())).unwrap_or(0))
}

fn timestamp(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_seconds_with_a_fraction_and_as_iso_8601() {
        assert_eq!(
            epoch_seconds(1_468_187_490_049).to_string(),
            "1468187490.049"
        );
        assert_eq!(iso(1_468_187_490_049), "2016-07-10T21:51:30.049Z");
        assert_eq!(signing_time(1_468_187_490_049), "20160710T215130Z");
        assert_eq!(
            parse_iso("2016-07-10T21:51:30.049Z"),
            Some(1_468_187_490_049)
        );
    }
}
