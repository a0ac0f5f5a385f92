//! What an alarm says of a release.

use longshore_core::{CheckName, FailureClass, Finding, Judgement, Timestamp};

/// What an alarm says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmState {
    /// All is well.
    Ok,
    /// It is raised.
    Raised,
    /// It has no data to judge by.
    NoData,
}

/// Judges by an alarm. `None` is an alarm that does not exist: whoever named it relies on it, so that fails the check.
#[must_use]
pub fn judge_alarm(
    check: CheckName,
    name: &str,
    state: Option<AlarmState>,
    at: Timestamp,
) -> Judgement {
    let raised = Finding::Failed(FailureClass::AlarmRaised);
    let (finding, said) = match state {
        Some(AlarmState::Ok) => (Finding::Passed, format!("alarm {name} is not raised")),
        Some(AlarmState::Raised) => (raised, format!("alarm {name} is raised")),
        Some(AlarmState::NoData) => (
            Finding::Inconclusive,
            format!("alarm {name} has no data to judge by"),
        ),
        None => (
            raised,
            format!(
                "there is no alarm {name} in this region: create it, or take it out of analysis.alarms"
            ),
        ),
    };
    Judgement::new(check, finding, Vec::new(), &said, at)
}
