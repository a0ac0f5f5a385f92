//! Tokens by which a write recognises itself.
//!
//! A conditional write whose answer is lost is tried again, and then fails on its own effect. The item that stands in the
//! way carries the token of the write that made it; when that is our own, the write has succeeded.

use std::sync::atomic::{AtomicU64, Ordering};

/// Gives each write of this process a token that no other write has.
#[derive(Debug)]
pub(super) struct Writers {
    process: String,
    written: AtomicU64,
}

impl Writers {
    /// Tokens of a process. Its name must be one that no other process has, now or later; were it shared, a conflict with
    /// the namesake could be taken for success.
    pub(super) const fn new(process: String) -> Self {
        Self {
            process,
            written: AtomicU64::new(1),
        }
    }

    /// The next token.
    pub(super) fn next(&self) -> String {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.process)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_writes_share_a_token() {
        let writers = Writers::new("p".to_owned());
        assert_eq!([writers.next(), writers.next()], ["p-1", "p-2"]);
    }
}
