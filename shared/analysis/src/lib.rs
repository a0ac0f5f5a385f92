//! Whether a release is worse than the one before it: judgements from alarms, metrics and error lines.
//!
//! Everything here is pure: it is told what was measured, and when. A judgement never fails a release for want of numbers,
//! and never passes one for it either: too few of them make it inconclusive, and it says how many there were.
//!
//! The arithmetic is of whole numbers throughout ([`Value`]), so that the same numbers give the same judgement everywhere.

mod alarm;
mod logs;
mod metric;
mod pattern;
mod unit;
mod value;

pub use alarm::{AlarmState, judge_alarm};
pub use logs::{ErrorLine, ErrorLines, LogRule, judge_logs};
pub use metric::{MetricRule, Samples, Worse, judge_metric};
pub use pattern::{message, pattern};
pub use unit::Unit;
pub use value::Value;

use longshore_core::{CheckName, Finding, Judgement, Timestamp};

/// The judgement of a check that could not be carried out, with the reason.
#[must_use]
pub fn unknown(check: CheckName, why: &str, at: Timestamp) -> Judgement {
    Judgement::new(check, Finding::Inconclusive, Vec::new(), why, at)
}
