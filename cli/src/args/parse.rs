//! Reading single words of the command line.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Unit};
use longshore_core::{AppName, DeploymentId, HostId, Person};
use longshore_insight::{CommitStart, InvalidCommitStart};

/// What a verb is about: one deployment, or the newest one of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This deployment.
    Deployment(DeploymentId),
    /// The app's deployment that runs, else the one that waits, else the last one.
    NewestOf(AppName),
}

/// Reads a deployment's id or an app's name.
///
/// # Errors
/// What would be right, when it is neither.
pub fn subject(text: &str) -> Result<Subject, String> {
    if let Ok(id) = DeploymentId::parse(text) {
        return Ok(Subject::Deployment(id));
    }
    AppName::parse(text).map(Subject::NewestOf).map_err(|_| {
        "expected a deployment's id of 26 characters, or the name of an app".to_owned()
    })
}

/// Reads a length of time like `90s`, `15m`, `2h` or `1d 12h` as seconds.
///
/// # Errors
/// What would be right, when it is no length of time, or a negative one.
pub fn seconds(text: &str) -> Result<u64, String> {
    let expected = || "expected a length of time like 90s, 15m, 2h or 3d".to_owned();
    let span: Span = text.parse().map_err(|_| expected())?;
    let whole = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| expected())?;
    let whole = whole.round(Unit::Second).map_err(|_| expected())?.as_secs();
    u64::try_from(whole).map_err(|_| expected())
}

/// A moment of the past, as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So many seconds ago.
    Ago(u64),
    /// Then.
    At(Timestamp),
}

impl When {
    /// The moment, seen from now; to the second.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(seconds) => {
                let span = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
                let now = now.round(Unit::Second).unwrap_or(now);
                now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH)
            }
        }
    }
}

/// Reads a moment: how long ago, like `7d` or `12h`; a date, which means its beginning in UTC; or a time of RFC 3339.
///
/// # Errors
/// What would be right, when it is none of them.
pub fn when(text: &str) -> Result<When, String> {
    if let Ok(seconds) = seconds(text) {
        return Ok(When::Ago(seconds));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(When::At(at));
    }
    let date: Option<Date> = text.parse().ok().filter(|_| text.len() == 10);
    let midnight = date.and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    midnight.map(|at| When::At(at.timestamp())).ok_or_else(|| {
        "expected how long ago, like 7d or 12h, a date like 2026-11-01, or a time like 2026-11-01T08:00:00Z"
            .to_owned()
    })
}

pub(super) fn commit_start(text: &str) -> Result<String, InvalidCommitStart> {
    CommitStart::parse(text).map(|start| start.to_string())
}

pub(super) fn host(text: &str) -> Result<HostId, longshore_core::InvalidId> {
    HostId::parse(text)
}

pub(super) fn person(text: &str) -> Result<Person, longshore_core::InvalidId> {
    Person::parse(text)
}

pub(super) fn app(text: &str) -> Result<AppName, longshore_core::InvalidId> {
    AppName::parse(text)
}

pub(super) fn deployment(text: &str) -> Result<DeploymentId, longshore_core::InvalidId> {
    DeploymentId::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, expected) in [
            ("90s", 90),
            ("15m", 900),
            ("2h", 7_200),
            ("3d", 259_200),
            ("1h30m", 5_400),
            ("1d 12h", 129_600),
            ("0s", 0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "soon", "90", "-2h", "1 month", "2h ago"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_named_by_how_long_ago_by_a_date_or_by_a_time() {
        let now: Timestamp = "2026-11-25T10:24:05.3Z".parse().unwrap();
        for (text, expected) in [
            ("7d", "2026-11-18T10:24:05Z"),
            ("90m", "2026-11-25T08:54:05Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01T08:00:00+01:00", "2026-11-01T07:00:00Z"),
        ] {
            let at = when(text).unwrap().at(now);
            assert_eq!(at, expected.parse().unwrap(), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-11-01T08:00",
            "-3d",
            "20261101",
        ] {
            assert!(when(text).is_err(), "{text}");
        }
        assert_eq!(When::Ago(u64::MAX).at(now), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn a_subject_is_a_deployment_or_an_app() {
        let id = "01KB0000000000000000000000";
        assert!(matches!(subject(id), Ok(Subject::Deployment(_))));
        assert!(matches!(subject("orders"), Ok(Subject::NewestOf(_))));
        assert!(subject("Orders!").is_err());
    }
}
