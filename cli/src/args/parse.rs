//! Reading single words of the command line.

use jiff::{Span, SpanRelativeTo, Unit};
use longshore_core::{AppName, DeploymentId};

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
    fn a_subject_is_a_deployment_or_an_app() {
        let id = "01KB0000000000000000000000";
        assert!(matches!(subject(id), Ok(Subject::Deployment(_))));
        assert!(matches!(subject("orders"), Ok(Subject::NewestOf(_))));
        assert!(subject("Orders!").is_err());
    }
}
