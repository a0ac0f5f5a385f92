//! The time that is looked at, and its weeks.

use longshore_core::{Millis, Timestamp};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const WEEK_MS: u64 = 7 * DAY_MS;
/// The Unix epoch was a Thursday; the Monday before it lies three days back.
const BEFORE_THE_EPOCH_MS: u64 = 3 * DAY_MS;

/// A span of time: its first moment belongs to it, its last does not. What ends at `until` or later has not ended yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first moment.
    pub from: Timestamp,
    /// The moment after the last.
    pub until: Timestamp,
}

impl Window {
    /// Whether a moment lies in it.
    #[must_use]
    pub fn holds(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// The weeks that it touches, each cut to it, the oldest first; each begins on a Monday in UTC.
    #[must_use]
    pub fn weeks(self) -> Vec<(Timestamp, Self)> {
        let mut weeks = Vec::new();
        let mut monday = week_of(self.from);
        while monday < self.until {
            let next = after(monday);
            let part = Self {
                from: self.from.max(monday),
                until: self.until.min(next),
            };
            weeks.push((monday, part));
            monday = next;
        }
        weeks
    }
}

/// The beginning of the week of a moment: its Monday in UTC; for the days before the first Monday of all, the epoch.
#[must_use]
pub const fn week_of(at: Timestamp) -> Timestamp {
    let since = at.as_unix_ms().saturating_add(BEFORE_THE_EPOCH_MS);
    let monday = (since / WEEK_MS).saturating_mul(WEEK_MS);
    Timestamp::from_unix_ms(monday.saturating_sub(BEFORE_THE_EPOCH_MS))
}

/// The Monday after this one.
const fn after(monday: Timestamp) -> Timestamp {
    week_of(monday.after(Millis::new(WEEK_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-25, a Wednesday, at noon.
    const WEDNESDAY: Timestamp = Timestamp::from_unix_ms(1_795_608_000_000);
    /// 2026-11-23, the Monday before it.
    const MONDAY: Timestamp = Timestamp::from_unix_ms(1_795_392_000_000);

    #[test]
    fn a_week_begins_on_monday() {
        assert_eq!(week_of(WEDNESDAY), MONDAY);
        assert_eq!(week_of(MONDAY), MONDAY);
        let before = Timestamp::from_unix_ms(MONDAY.as_unix_ms() - 1);
        assert_eq!(week_of(before).as_unix_ms(), MONDAY.as_unix_ms() - WEEK_MS);
        assert_eq!(week_of(Timestamp::from_unix_ms(1)).as_unix_ms(), 0);
        assert_eq!(after(Timestamp::from_unix_ms(0)).as_unix_ms(), 4 * DAY_MS);
    }

    #[test]
    fn the_weeks_of_a_window_are_the_window() {
        let until = WEDNESDAY.after(Millis::new(2 * WEEK_MS));
        let window = Window {
            from: WEDNESDAY,
            until,
        };
        let weeks = window.weeks();
        assert_eq!(weeks.len(), 3);
        assert_eq!(weeks[0].0, MONDAY);
        assert_eq!(weeks[0].1.from, WEDNESDAY);
        assert_eq!(weeks[2].1.until, until);
        for pair in weeks.windows(2) {
            assert_eq!(pair[0].1.until, pair[1].1.from);
        }
        let nothing = Window {
            from: until,
            until: WEDNESDAY,
        };
        assert!(nothing.weeks().is_empty());
    }
}
