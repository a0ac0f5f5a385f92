//! When deployments wait: windows, and calendars that somebody else keeps.

use crate::field::{Field, List};
use crate::problem::{Problem, Problems, index_path};
use crate::section::{
    Presence::{Default, Optional, Required},
    section,
};
use crate::text::{read_text, text};
use longshore_core::Timestamp;
use longshore_freeze::{Coming, Dated, Day, Moment, Weekly};
use serde_json::{Value, json};

section! {
    /// When deployments of the app wait. A rollback and hosts that came late never wait for it.
    pub struct Freezing {
        /// The time zone of windows that name none, and of calendars' whole days and times without a zone, by its IANA name.
        zone: Zone = Default(json!("UTC")),
        /// Windows that come back every week, or on every day.
        weekly: List<WeeklyWindow, 20> = Default(json!([])),
        /// Windows between two points in time.
        dated: List<DatedWindow, 50> = Default(json!([])),
        /// iCalendar files whose events freeze, by their names among the environment's control parameters.
        calendars: List<CalendarName, 5> = Default(json!([])),
        /// Change calendars of Systems Manager that freeze while they are closed, by their names.
        change_calendars: List<ChangeCalendarName, 5> = Default(json!([])),
    }
}

section! {
    /// A window that comes back.
    pub struct WeeklyWindow {
        /// What people are told that it is.
        name: WindowName = Required("\"weekend\""),
        /// The days on which it begins, when its ends name none; every day without them.
        days: List<Day, 7> = Default(json!([])),
        /// When it begins: a time of the day, or a day and a time.
        from: MomentText = Required("\"Fri 16:00\""),
        /// When it ends: a time of the day, or a day and a time.
        to: MomentText = Required("\"Mon 08:00\""),
        /// Its time zone, where that is another one than the section's.
        zone: Option<Zone> = Optional,
    }
}

section! {
    /// A window between two points in time.
    pub struct DatedWindow {
        /// What people are told that it is.
        name: WindowName = Required("\"stocktaking\""),
        /// When it begins, as RFC 3339 writes it.
        from: PointText = Required("\"2026-12-24T12:00:00+01:00\""),
        /// When it ends, as RFC 3339 writes it.
        to: PointText = Required("\"2027-01-02T08:00:00+01:00\""),
    }
}

text!(
    /// A time zone's name in the IANA's database.
    Zone,
    "a time zone of the IANA, for example \"Europe/Berlin\"",
    |text| longshore_freeze::zone(text)
        .map(|_| ())
        .ok_or("is not a time zone that is known"),
    json!({ "type": "string", "pattern": "^[A-Za-z0-9_+/-]{1,64}$" })
);
text!(
    /// What a window is called.
    WindowName,
    "1 to 64 printable ASCII characters",
    |text| {
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b));
        fits.then_some(()).ok_or("is not a name")
    },
    json!({ "type": "string", "pattern": "^[ -~]{1,64}$" })
);
text!(
    /// A moment of the week or of the day.
    MomentText,
    "a time like \"16:00\", or a day and a time like \"Fri 16:00\"",
    |text| Moment::parse(text)
        .map(|_| ())
        .ok_or("is not a moment of the week"),
    json!({ "type": "string", "pattern": "^((Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?([01][0-9]|2[0-3]):[0-5][0-9]$" })
);
text!(
    /// A point in time.
    PointText,
    "a point in time with its offset, for example \"2026-12-24T12:00:00+01:00\"",
    |text| longshore_freeze::point(text)
        .map(|_| ())
        .ok_or("is not a point in time"),
    json!({ "type": "string", "minLength": 1, "maxLength": 64 })
);
text!(
    /// The name of an iCalendar file.
    CalendarName,
    "1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen",
    |text| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = (1..=63).contains(&text.len()) && text.bytes().all(plain);
        (fits && !text.starts_with('-'))
            .then_some(())
            .ok_or("is not a calendar's name")
    },
    json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$" })
);
text!(
    /// The name of a change calendar.
    ChangeCalendarName,
    "3 to 128 letters, digits and _.-",
    |text| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
        let fits = (3..=128).contains(&text.len()) && text.bytes().all(plain);
        fits.then_some(()).ok_or("is not a change calendar's name")
    },
    json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]{3,128}$" })
);

impl Field for Day {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let form = "a day: Mon, Tue, Wed, Thu, Fri, Sat or Sun";
        read_text(value, at, form, problems, |text| {
            let mut days = Self::ALL.into_iter();
            days.find(|day| day.word() == text).ok_or("is not a day")
        })
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::ALL.map(Self::word) })
    }
}

impl WeeklyWindow {
    fn window(&self, zone: &Zone) -> Result<Weekly, &'static str> {
        let unknown = "is not what it was when it was read";
        let zone = self.zone.as_ref().unwrap_or(zone);
        let zone = longshore_freeze::zone(zone.as_str()).ok_or(unknown)?;
        let from = Moment::parse(self.from.as_str()).ok_or(unknown)?;
        let to = Moment::parse(self.to.as_str()).ok_or(unknown)?;
        let window = Weekly::new(self.name.as_str(), from, to, self.days.as_slice(), zone);
        window.map_err(longshore_freeze::WeeklyProblem::words)
    }
}

impl DatedWindow {
    fn window(&self) -> Option<Dated> {
        Some(Dated {
            name: self.name.as_str().to_owned(),
            from: longshore_freeze::point(self.from.as_str())?,
            to: longshore_freeze::point(self.to.as_str())?,
        })
    }
}

impl Freezing {
    /// The freeze that a window makes at this time, if one does.
    #[must_use]
    pub fn by_window(&self, now: Timestamp) -> Option<longshore_core::Freeze> {
        let weekly = self.weekly.as_slice().iter();
        let weekly = weekly.filter_map(|window| window.window(&self.zone).ok()?.frozen(now));
        let dated = self.dated.as_slice().iter();
        let dated = dated.filter_map(|window| window.window()?.frozen(now));
        longshore_freeze::longest(weekly.chain(dated))
    }

    /// The windows that begin after one time and not after another.
    #[must_use]
    pub fn coming_windows(&self, now: Timestamp, last: Timestamp) -> Vec<Coming> {
        let weekly = self.weekly.as_slice().iter();
        let weekly = weekly.filter_map(|window| window.window(&self.zone).ok());
        let weekly = weekly.flat_map(|window| window.coming(now, last));
        let dated = self.dated.as_slice().iter();
        let dated = dated.filter_map(|window| window.window()?.coming(now, last));
        weekly.chain(dated).collect()
    }
}

/// Windows whose ends do not fit together.
pub(crate) fn check(freeze: &Freezing, problems: &mut Problems) {
    for (index, window) in freeze.weekly.as_slice().iter().enumerate() {
        if let Err(wrong) = window.window(&freeze.zone) {
            let at = index_path("freeze.weekly", index);
            let fix =
                "write a day and a time for both ends, or a time for both and the days in days";
            problems.push(Problem::new(&at, wrong, fix));
        }
    }
    for (index, window) in freeze.dated.as_slice().iter().enumerate() {
        if window
            .window()
            .is_none_or(|window| window.from >= window.to)
        {
            let at = index_path("freeze.dated", index);
            let fix = "write a later point in time as its end";
            problems.push(Problem::new(&at, "ends before it begins", fix));
        }
    }
}
