//! The time on the wall: shown to people, never asserted on.

/// Milliseconds of Unix time.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}
