//! What judgements promise, for any samples and any lines, and the examples of the documentation.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "in a test, stopping is the report"
)]

#[path = "analysis/documentation.rs"]
mod documentation;
#[path = "analysis/logs.rs"]
mod logs;
#[path = "analysis/metrics.rs"]
mod metrics;
#[path = "analysis/patterns.rs"]
mod patterns;
