//! What is shown of what the API answers: pure functions from the contract's types to pages.

pub mod app;
pub mod checks;
pub mod deployment;
pub mod held;
pub mod plan;
pub mod progress;
pub mod record;
pub mod stats;
pub mod why;

use crate::page::{BAD, BUSY, GOOD, IDLE, WAITS};
use longshore_contract::DeploymentSummary;

/// The first digits of a commit or of a digest.
#[must_use]
pub fn short(text: &str) -> &str {
    text.get(..12).unwrap_or(text)
}

/// The mark of a deployment.
#[must_use]
pub fn mark(deployment: &DeploymentSummary) -> char {
    match deployment.state.as_str() {
        "Succeeded" => GOOD,
        "Superseded" | "Cancelled" => IDLE,
        "AwaitingApproval" | "Queued" => WAITS,
        _ if deployment.over => BAD,
        _ => BUSY,
    }
}

/// A state with its mark.
#[must_use]
pub fn marked(deployment: &DeploymentSummary) -> String {
    format!("{} {}", mark(deployment), deployment.state)
}

/// The mark of a host's verdict.
#[must_use]
pub fn verdict_mark(verdict: &str) -> char {
    match verdict {
        "proven" | "restored" => GOOD,
        "failed" | "unreachable" => BAD,
        "prepared" => BUSY,
        "excused" => WAITS,
        _ => IDLE,
    }
}

/// A count with its noun.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{number} {noun}")
}
