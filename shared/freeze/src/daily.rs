//! A time of every day in a place: when a digest is told.

use crate::{Moment, ours, theirs, zone};
use jiff::ToSpan;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use longshore_core::Timestamp;

/// A time of every day in a place. Each local day has it exactly once: where the clocks leave it out, it is as much later as they are
/// put forward; where it comes twice, it is the first of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daily {
    time: Time,
    zone: TimeZone,
}

impl Daily {
    /// Reads `09:00 Europe/Berlin`, or `09:00`, which is UTC; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (time, place) = text.split_once(' ').unwrap_or((text, "UTC"));
        let time = Moment::parse(time)?.time_of_any_day()?;
        Some(Self {
            time,
            zone: zone(place)?,
        })
    }

    /// When it was last, at this time or before it.
    #[must_use]
    pub fn last(&self, now: Timestamp) -> Option<Timestamp> {
        let today = self.zone.to_datetime(theirs(now)?).date();
        let days = (-2..=1).filter_map(|days| today.checked_add(i64::from(days).days()).ok());
        let times = days.filter_map(|day| {
            let local = day.to_datetime(self.time);
            let at = self.zone.to_ambiguous_timestamp(local).compatible().ok()?;
            ours(at)
        });
        times.filter(|at| *at <= now).max()
    }

    /// The local day and time of a moment, as people read it: `2026-11-28 09:00`.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> Option<String> {
        let local = self.zone.to_datetime(theirs(at)?);
        Some(local.strftime("%Y-%m-%d %H:%M").to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point;
    use longshore_core::Millis;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        point(text).unwrap()
    }

    #[test]
    fn the_last_time_is_that_of_today_or_of_yesterday() {
        let nine = Daily::parse("09:00 Europe/Berlin").unwrap();
        for (now, last) in [
            ("2026-11-28T08:00:00Z", "2026-11-28T08:00:00Z"),
            ("2026-11-28T07:59:59.999Z", "2026-11-27T08:00:00Z"),
            ("2026-11-28T23:59:00Z", "2026-11-28T08:00:00Z"),
        ] {
            assert_eq!(nine.last(at(now)), Some(at(last)), "{now}");
        }
        let utc = Daily::parse("09:00").unwrap();
        let last = at("2026-11-28T09:00:00Z");
        assert_eq!(utc.last(at("2026-11-28T12:00:00Z")), Some(last));
        assert_eq!(utc.local(last).unwrap(), "2026-11-28 09:00");
        assert_eq!(nine.local(last).unwrap(), "2026-11-28 10:00");
    }

    #[test]
    fn where_clocks_change_each_day_has_it_once() {
        let night = Daily::parse("02:30 Europe/Berlin").unwrap();
        // Left out on this day: clocks go from 02:00 to 03:00.
        let spring = night.last(at("2026-03-29T12:00:00Z")).unwrap();
        assert_eq!(spring, at("2026-03-29T03:30:00+02:00"));
        // Twice on this day: the first counts, and the second is none of its own.
        for now in ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"] {
            let first = at("2026-10-25T02:30:00+02:00");
            assert_eq!(night.last(at(now)), Some(first));
        }
    }

    #[test]
    fn what_is_no_time_of_a_day_is_none() {
        for text in [
            "",
            "9:00",
            "09:00 ",
            "24:00",
            "Fri 09:00",
            "09:00 Mars/Base",
            "09:00  UTC",
        ] {
            assert_eq!(Daily::parse(text), None, "{text}");
        }
    }

    proptest! {
        /// However time goes on, the last time never goes back, is never in the future, and is never more than 26 hours old.
        #[test]
        fn the_last_time_follows_the_clock(
            minutes in 0_u64..60 * 24 * 800, hour in 0_u8..24, minute in 0_u8..60,
            place in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
        ) {
            let daily = Daily::parse(&format!("{hour:02}:{minute:02} {place}")).unwrap();
            let now = at("2025-06-01T00:00:00Z").after(Millis::from_secs(minutes.saturating_mul(60)));
            let last = daily.last(now).unwrap();
            prop_assert!(last <= now && now.since(last) <= Millis::from_secs(26 * 3600));
            let later = daily.last(now.after(Millis::from_secs(60))).unwrap();
            prop_assert!(later >= last);
            prop_assert_eq!(daily.last(last), Some(last));
        }
    }
}
