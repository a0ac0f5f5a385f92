//! When a freeze holds: windows in local time, windows between two points in time, and the events of iCalendar files.
//!
//! Everything here is pure: it is told the time. Whoever asks whether something is frozen gets the freeze with its end, so
//! that people see why their deployment waits and until when. What cannot be understood is an error and never "no freeze":
//! the shell holds the deployment then.

mod calendar;
mod daily;
mod weekly;

pub use calendar::{Calendar, CalendarProblem};
pub use daily::Daily;
pub use weekly::{Day, Moment, Weekly, WeeklyProblem};

use jiff::tz::TimeZone;
use longshore_core::{Freeze, FreezeSource, Timestamp};

/// A freeze that has not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coming {
    /// When it begins.
    pub from: Timestamp,
    /// The freeze that it will be.
    pub freeze: Freeze,
}

/// A window between two points in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// What it is called.
    pub name: String,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
}

impl Dated {
    /// The freeze at this time, if it is one.
    #[must_use]
    pub fn frozen(&self, now: Timestamp) -> Option<Freeze> {
        let holds = self.from <= now && now < self.to;
        holds.then(|| self.freeze())
    }

    /// The freeze that it will be, when it begins after one time and not after another.
    #[must_use]
    pub fn coming(&self, now: Timestamp, last: Timestamp) -> Option<Coming> {
        let begins = now < self.from && self.from <= last && self.from < self.to;
        begins.then(|| Coming {
            from: self.from,
            freeze: self.freeze(),
        })
    }

    fn freeze(&self) -> Freeze {
        Freeze::new(&self.name, Some(self.to), FreezeSource::Window)
    }
}

/// Of several freezes the one to tell people about: the one that ends last, and before all one of which no end is known.
#[must_use]
pub fn longest(freezes: impl IntoIterator<Item = Freeze>) -> Option<Freeze> {
    freezes
        .into_iter()
        .reduce(|longest, other| match (longest.until, other.until) {
            (None, _) => longest,
            (Some(_), None) => other,
            (Some(end), Some(later)) if later > end => other,
            (Some(_), Some(_)) => longest,
        })
}

/// A time zone of the IANA's database, which is built in; `None` for a name that is not there.
#[must_use]
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// A point in time as this project writes it: RFC 3339, with an offset.
#[must_use]
pub fn point(text: &str) -> Option<Timestamp> {
    text.parse().ok().and_then(ours)
}

/// A point in time in the core's form; `None` before 1970.
fn ours(at: jiff::Timestamp) -> Option<Timestamp> {
    let ms = u64::try_from(at.as_millisecond()).ok()?;
    Some(Timestamp::from_unix_ms(ms))
}

/// A point in time in the library's form; `None` for one that no calendar knows.
fn theirs(at: Timestamp) -> Option<jiff::Timestamp> {
    let ms = i64::try_from(at.as_unix_ms()).ok()?;
    jiff::Timestamp::from_millisecond(ms).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        point(text).unwrap()
    }

    #[test]
    fn a_dated_window_holds_from_its_first_moment_to_before_its_last() {
        let window = Dated {
            name: "stocktaking".to_owned(),
            from: at("2026-12-28T00:00:00+01:00"),
            to: at("2027-01-02T00:00:00+01:00"),
        };
        assert_eq!(window.frozen(at("2026-12-27T22:59:59Z")), None);
        let freeze = window.frozen(at("2026-12-27T23:00:00Z")).unwrap();
        assert_eq!(freeze.name(), "stocktaking");
        assert_eq!(freeze.until, Some(at("2027-01-01T23:00:00Z")));
        assert_eq!(window.frozen(at("2027-01-01T23:00:00Z")), None);
    }

    #[test]
    fn of_several_freezes_the_one_without_an_end_is_told_and_else_the_last() {
        let freeze = |name: &str, until: Option<u64>| {
            let until = until.map(Timestamp::from_unix_ms);
            Freeze::new(name, until, FreezeSource::Window)
        };
        let told = |freezes: Vec<Freeze>| longest(freezes).map(|f| f.name().to_owned());
        assert_eq!(told(vec![]), None);
        let (a, b, c) = (
            freeze("a", Some(1)),
            freeze("b", Some(2)),
            freeze("c", None),
        );
        assert_eq!(told(vec![a.clone(), b.clone()]).unwrap(), "b");
        assert_eq!(told(vec![b.clone(), a.clone()]).unwrap(), "b");
        assert_eq!(told(vec![b, c, a]).unwrap(), "c");
    }

    #[test]
    fn zones_are_those_of_the_iana_and_built_in() {
        assert!(zone("Europe/Berlin").is_some());
        for odd in [
            "",
            "Mars/Olympus",
            "W. Europe Standard Time",
            "../etc/passwd",
            "CEST-1",
        ] {
            assert!(zone(odd).is_none(), "{odd}");
        }
    }
}
