//! Deployments as they stand in a table, made of what matters here: app, kind, times and end.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::allow_attributes,
    reason = "each test program uses its own part of this module, and a test stops at the first surprise"
)]

#[path = "../../../core/tests/common/samples.rs"]
pub mod samples;

use longshore_core::{
    AppName, Deployment, Failure, FailureClass, Kind, Millis, Outcome, State, TimelineEntry,
    Timestamp,
};

/// 2026-11-02, a Monday.
pub const MONDAY: Timestamp = Timestamp::from_unix_ms(1_793_577_600_000);

/// So many minutes after that Monday began.
pub fn minute(minutes: u64) -> Timestamp {
    MONDAY.after(Millis::from_secs(minutes * 60))
}

pub fn minutes(minutes: u64) -> Millis {
    Millis::from_secs(minutes * 60)
}

pub fn failure() -> Failure {
    Failure::with_detail(FailureClass::HealthFailed, "Error: it broke")
}

/// A deployment of the app `orders` that brings the commit of a letter. Its timeline has states with the minutes at which it
/// entered them; where it is over, the last one is its end.
pub fn deployment(
    number: u32,
    kind: Kind,
    letter: char,
    timeline: &[(u64, &'static str)],
) -> Deployment {
    let mut made = samples::accepted(samples::policy());
    made.id = samples::id(number);
    made.origin.kind = kind;
    made.origin.commit = samples::release(letter).commit;
    made.origin.at = minute(timeline[0].0);
    made.timeline = timeline
        .iter()
        .map(|(at, state)| TimelineEntry {
            at: minute(*at),
            state,
            wave: None,
            cause: None,
        })
        .collect();
    let (at, name) = timeline[timeline.len() - 1];
    if let Some(outcome) = outcome(name) {
        made.state = State::Ended {
            outcome,
            run: None,
            at: minute(at),
        };
    }
    made
}

pub fn of_app(app: &str, mut deployment: Deployment) -> Deployment {
    deployment.app = AppName::parse(app).unwrap();
    deployment
}

pub fn outcome(name: &str) -> Option<Outcome> {
    Some(match name {
        "Succeeded" => Outcome::Succeeded,
        "Failed" => Outcome::Failed(failure()),
        "RolledBack" => Outcome::RolledBack(failure()),
        "RollbackFailed" => Outcome::RollbackFailed(failure()),
        "Rejected" => Outcome::Rejected(samples::said()),
        "Expired" => Outcome::Expired(failure()),
        "Superseded" => Outcome::Superseded(samples::id(999)),
        "Cancelled" => Outcome::Cancelled(samples::said()),
        _ => return None,
    })
}
