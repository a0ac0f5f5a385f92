//! The one place that reads the clock. Times are shown, never asserted on.

use std::time::Instant;

/// The time, for measuring a span.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures the time that passes"
)]
pub fn now() -> Instant {
    Instant::now()
}
