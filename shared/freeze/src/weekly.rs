//! Windows that come back every week, or every day, in the local time of a place.
//!
//! Clocks are put forward and back. A window is never shorter than the wall clock says: where a moment comes twice it begins
//! at the first and ends at the second, and where a moment is left out it begins before the gap and ends after it.

use crate::{Coming, ours, theirs};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use longshore_core::{Freeze, FreezeSource, Timestamp};

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// The days, from Monday.
    pub const ALL: [Self; 7] = [
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
        Self::Sun,
    ];

    /// The day's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mon => "Mon",
            Self::Tue => "Tue",
            Self::Wed => "Wed",
            Self::Thu => "Thu",
            Self::Fri => "Fri",
            Self::Sat => "Sat",
            Self::Sun => "Sun",
        }
    }

    const fn of(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// A moment of the week, or of every day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    day: Option<Day>,
    time: Time,
}

impl Moment {
    /// Reads `Fri 16:00` or `16:00`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (day, time) = match text.split_once(' ') {
            None => (None, text),
            Some((word, time)) => {
                let day = Day::ALL.into_iter().find(|day| day.word() == word)?;
                (Some(day), time)
            }
        };
        let (hour, minute) = time.split_once(':')?;
        let number = |text: &str| {
            let plain = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| text.parse::<i8>().ok()).flatten()
        };
        let time = Time::new(number(hour)?, number(minute)?, 0, 0).ok()?;
        Some(Self { day, time })
    }

    /// The time, where no day is named.
    pub(crate) fn time_of_any_day(self) -> Option<Time> {
        self.day.is_none().then_some(self.time)
    }

    fn falls_on(self, date: Date) -> bool {
        self.day.is_none_or(|day| day == Day::of(date.weekday()))
    }
}

/// Why there is no such window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub enum WeeklyProblem {
    /// One end names a day and the other does not.
    OneDay,
    /// Days are listed although the ends name theirs.
    TwiceDays,
    /// It begins when it ends.
    Empty,
}

impl WeeklyProblem {
    /// What is wrong, as the end of a sentence that begins with the window.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::OneDay => "names a day at one end only",
            Self::TwiceDays => "lists days although its ends name theirs",
            Self::Empty => "begins at the very moment at which it ends",
        }
    }
}

/// A window that comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weekly {
    name: String,
    from: Moment,
    to: Moment,
    /// The days on which it begins, where the moments name none.
    days: Vec<Day>,
    zone: TimeZone,
}

impl Weekly {
    /// A window from one moment to the next other one. Without a day in the moments it begins on each of these days.
    ///
    /// # Errors
    /// [`WeeklyProblem`] for ends that do not fit together.
    pub fn new(
        name: &str,
        from: Moment,
        to: Moment,
        days: &[Day],
        zone: TimeZone,
    ) -> Result<Self, WeeklyProblem> {
        if from.day.is_some() != to.day.is_some() {
            return Err(WeeklyProblem::OneDay);
        }
        if from.day.is_some() && !days.is_empty() {
            return Err(WeeklyProblem::TwiceDays);
        }
        if from == to {
            return Err(WeeklyProblem::Empty);
        }
        Ok(Self {
            name: name.to_owned(),
            from,
            to,
            days: days.to_vec(),
            zone,
        })
    }

    /// The freeze at this time, if it is one.
    #[must_use]
    pub fn frozen(&self, now: Timestamp) -> Option<Freeze> {
        let at = theirs(now)?;
        let today = self.zone.to_datetime(at).date();
        // It lasts at most a week, and a local day may be a day off for what began or ends in another offset.
        let ends = (-8..=1).filter_map(|days| {
            let began = today.checked_add(i64::from(days).days()).ok()?;
            let (from, to) = self.beginning_on(began)?;
            (from <= at && at < to).then_some(to)
        });
        let until = ends.max().and_then(ours)?;
        Some(Freeze::new(&self.name, Some(until), FreezeSource::Window))
    }

    /// Its beginnings after one time and not after another.
    #[must_use]
    pub fn coming(&self, now: Timestamp, last: Timestamp) -> Vec<Coming> {
        let (Some(now), Some(last)) = (theirs(now), theirs(last)) else {
            return Vec::new();
        };
        let mut coming = Vec::new();
        let end = self.zone.to_datetime(last).date();
        // A local day may be a day off for what begins in another offset.
        let mut day = self.zone.to_datetime(now).date().saturating_sub(1.day());
        while day <= end {
            let window = self.beginning_on(day);
            if let Some((from, to)) = window.filter(|(from, _)| now < *from && *from <= last)
                && let (Some(from), Some(to)) = (ours(from), ours(to))
            {
                let freeze = Freeze::new(&self.name, Some(to), FreezeSource::Window);
                coming.push(Coming { from, freeze });
            }
            let Ok(next) = day.tomorrow() else {
                break;
            };
            day = next;
        }
        coming
    }

    /// The window that begins on this local day, if one does.
    fn beginning_on(&self, date: Date) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
        let listed = self.days.is_empty() || self.days.contains(&Day::of(date.weekday()));
        if !self.from.falls_on(date) || !listed {
            return None;
        }
        let from = date.to_datetime(self.from.time);
        let to = (0..=7).find_map(|days| {
            let end = date.checked_add(i64::from(days).days()).ok()?;
            let to = end.to_datetime(self.to.time);
            (self.to.falls_on(end) && to > from).then_some(to)
        })?;
        Some((self.first(from)?, self.last(to)?))
    }

    fn first(&self, local: DateTime) -> Option<jiff::Timestamp> {
        self.zone.to_ambiguous_timestamp(local).earlier().ok()
    }

    fn last(&self, local: DateTime) -> Option<jiff::Timestamp> {
        self.zone.to_ambiguous_timestamp(local).later().ok()
    }
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise"
)]
mod tests {
    use super::*;
    use crate::{point, zone};
    use longshore_core::Millis;
    use proptest::prelude::*;

    fn window(from: &str, to: &str, days: &[Day], place: &str) -> Weekly {
        let moment = |text| Moment::parse(text).unwrap();
        Weekly::new("w", moment(from), moment(to), days, zone(place).unwrap()).unwrap()
    }

    #[track_caller]
    fn check(window: &Weekly, now: &str, until: Option<&str>) {
        let frozen = window.frozen(point(now).unwrap());
        let until = until.map(|text| point(text).unwrap());
        assert_eq!(frozen.and_then(|freeze| freeze.until), until, "{now}");
    }

    #[test]
    fn what_is_to_come_begins_after_now_and_not_after_the_last_moment() {
        let weekend = window("Fri 16:00", "Mon 08:00", &[], "Europe/Berlin");
        let at = |text| point(text).unwrap();
        let told = |now, last| {
            let coming = weekend.coming(at(now), at(last));
            let line = |coming: &Coming| (coming.from, coming.freeze.until.unwrap());
            coming.iter().map(line).collect::<Vec<_>>()
        };
        let both = [
            (at("2026-11-27T15:00:00Z"), at("2026-11-30T07:00:00Z")),
            (at("2026-12-04T15:00:00Z"), at("2026-12-07T07:00:00Z")),
        ];
        assert_eq!(told("2026-11-26T00:00:00Z", "2026-12-10T00:00:00Z"), both);
        assert_eq!(
            told("2026-11-27T15:00:00Z", "2026-12-04T15:00:00Z"),
            both[1..]
        );
        assert_eq!(
            told("2026-11-27T14:59:59Z", "2026-12-04T14:59:59Z"),
            both[..1]
        );
        // Where the clocks are changed the beginning is the wall clock's.
        let spring = told("2026-03-26T00:00:00Z", "2026-04-04T00:00:00Z");
        let starts: Vec<_> = spring.iter().map(|(from, _)| *from).collect();
        assert_eq!(
            starts,
            [at("2026-03-27T15:00:00Z"), at("2026-04-03T14:00:00Z")]
        );
    }

    #[test]
    fn a_weekend_goes_over_the_end_of_the_week() {
        let weekend = window("Fri 16:00", "Mon 08:00", &[], "Europe/Berlin");
        check(&weekend, "2026-11-27T14:59:59Z", None);
        check(
            &weekend,
            "2026-11-27T15:00:00Z",
            Some("2026-11-30T07:00:00Z"),
        );
        check(
            &weekend,
            "2026-11-29T23:30:00Z",
            Some("2026-11-30T07:00:00Z"),
        );
        check(
            &weekend,
            "2026-11-30T06:59:59Z",
            Some("2026-11-30T07:00:00Z"),
        );
        check(&weekend, "2026-11-30T07:00:00Z", None);
    }

    #[test]
    fn a_night_goes_over_midnight_and_begins_on_the_days_listed() {
        let nights = window("22:00", "06:00", &[Day::Mon, Day::Fri], "UTC");
        check(
            &nights,
            "2026-11-27T22:00:00Z",
            Some("2026-11-28T06:00:00Z"),
        );
        check(
            &nights,
            "2026-11-28T05:59:00Z",
            Some("2026-11-28T06:00:00Z"),
        );
        check(&nights, "2026-11-28T22:00:00Z", None);
        check(
            &nights,
            "2026-12-01T01:00:00Z",
            Some("2026-12-01T06:00:00Z"),
        );
        check(&nights, "2026-11-30T01:00:00Z", None);
    }

    #[test]
    fn a_window_of_nearly_a_week_ends_a_week_later() {
        let long = window("Wed 12:00", "Wed 11:00", &[], "UTC");
        check(&long, "2026-11-25T11:30:00Z", None);
        check(&long, "2026-11-25T12:00:00Z", Some("2026-12-02T11:00:00Z"));
        check(&long, "2026-12-02T10:59:00Z", Some("2026-12-02T11:00:00Z"));
    }

    #[test]
    fn an_hour_that_comes_twice_is_frozen_both_times() {
        // Berlin, 25 October 2026: from 03:00 summer time back to 02:00 winter time.
        let night = window("Sun 02:15", "Sun 02:45", &[], "Europe/Berlin");
        check(&night, "2026-10-25T00:14:59Z", None);
        check(&night, "2026-10-25T00:15:00Z", Some("2026-10-25T01:45:00Z"));
        check(&night, "2026-10-25T01:00:00Z", Some("2026-10-25T01:45:00Z"));
        check(&night, "2026-10-25T01:45:00Z", None);
    }

    #[test]
    fn an_hour_that_is_left_out_makes_no_window_shorter() {
        // Berlin, 29 March 2026: from 02:00 winter time to 03:00 summer time, at 01:00 UTC.
        let night = window("Sun 02:15", "Sun 02:45", &[], "Europe/Berlin");
        check(&night, "2026-03-29T00:14:00Z", None);
        check(&night, "2026-03-29T00:15:00Z", Some("2026-03-29T01:45:00Z"));
        check(&night, "2026-03-29T01:45:00Z", None);
    }

    #[test]
    fn ends_that_do_not_fit_together_make_no_window() {
        let moment = |text| Moment::parse(text).unwrap();
        let refused = |from, to, days: &[Day]| {
            let utc = zone("UTC").unwrap();
            Weekly::new("w", moment(from), moment(to), days, utc).unwrap_err()
        };
        assert_eq!(refused("Fri 16:00", "08:00", &[]), WeeklyProblem::OneDay);
        let both = refused("Fri 16:00", "Mon 08:00", &[Day::Fri]);
        assert_eq!(both, WeeklyProblem::TwiceDays);
        assert_eq!(refused("08:00", "08:00", &[]), WeeklyProblem::Empty);
    }

    #[test]
    fn a_moment_is_a_time_with_or_without_a_day() {
        for text in ["Fri 16:00", "00:00", "23:59"] {
            assert!(Moment::parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            "fri 16:00",
            "Fri",
            "24:00",
            "16:60",
            "6:00",
            "16:0",
            "+6:00",
            "16:00:00",
            "Fri  16:00",
            "Fri 16:00 ",
            "\u{0661}6:00",
        ] {
            assert!(Moment::parse(text).is_none(), "{text}");
        }
    }

    const MINUTES_PER_DAY: i64 = 24 * 60;

    /// Minutes since Monday, as the wall clock says.
    fn minute_of_week(local: DateTime) -> i64 {
        let day = i64::from(local.date().weekday().to_monday_zero_offset());
        day * MINUTES_PER_DAY + i64::from(local.hour()) * 60 + i64::from(local.minute())
    }

    fn text_of(minute: i64) -> String {
        let day = Day::ALL[usize::try_from(minute / MINUTES_PER_DAY).unwrap()].word();
        let (hour, minute) = (minute % MINUTES_PER_DAY / 60, minute % 60);
        format!("{day} {hour:02}:{minute:02}")
    }

    /// Whether the zone's offset changes within a day before or after.
    fn is_near_a_change(zone: &TimeZone, at: jiff::Timestamp) -> bool {
        let offsets: Vec<_> = (-8 * 24..=8 * 24)
            .map(|hours: i64| zone.to_offset(at + hours.hours()))
            .collect();
        offsets.windows(2).any(|pair| pair[0] != pair[1])
    }

    proptest! {
        /// The wall clock is the judge: whatever it shows between the ends is frozen, and outside of the days around a
        /// change of the clocks nothing else is.
        #[test]
        fn what_the_wall_clock_shows_inside_is_frozen(
            from in 0..7 * MINUTES_PER_DAY,
            to in 0..7 * MINUTES_PER_DAY,
            seconds in 1_600_000_000_u64..2_000_000_000,
            place in prop::sample::select(vec![
                "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC",
            ]),
        ) {
            prop_assume!(from != to);
            let zone = zone(place).unwrap();
            let window = window(&text_of(from), &text_of(to), &[], place);
            let now = Timestamp::from_unix_ms(seconds * 1000);
            let at = theirs(now).unwrap();
            let minute = minute_of_week(zone.to_datetime(at));
            let inside = if from < to {
                (from..to).contains(&minute)
            } else {
                !(to..from).contains(&minute)
            };
            let frozen = window.frozen(now);
            prop_assert!(!inside || frozen.is_some(), "{minute}");
            if !is_near_a_change(&zone, at) {
                prop_assert_eq!(inside, frozen.is_some(), "{}", minute);
            }
            if let Some(until) = frozen.and_then(|freeze| freeze.until) {
                let before = Timestamp::from_unix_ms(until.as_unix_ms() - 1);
                prop_assert!(window.frozen(before).is_some());
                prop_assert!(window.frozen(until).is_none());
                prop_assert!(until.since(now) <= Millis::from_secs(7 * 24 * 3600 + 2 * 3600));
            }
        }
    }
}
