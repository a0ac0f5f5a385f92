//! The one clock of this machine. It signs requests; what is shown is measured against the server's time, so that a clock that
//! is wrong here does not make a deployment look older than it is.

use std::time::SystemTime;

/// The clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock;

impl Clock {
    /// The time.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the operator's own machine signs with its own time; nothing else reads it"
    )]
    pub fn now() -> SystemTime {
        SystemTime::now()
    }
}
