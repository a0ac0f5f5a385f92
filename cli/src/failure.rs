//! What is said when a verb cannot do its work: a stable word for scripts, what was wrong, and what to do next.

use crate::exit::Exit;
use std::fmt;

/// Why a verb ended without its work done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// What the exit code says.
    pub exit: Exit,
    /// A stable word: one of the API's, or one of the command's own.
    pub word: String,
    /// What was wrong.
    pub message: String,
    /// What to do.
    pub next: String,
}

impl Failure {
    /// A failure with this exit code and word.
    pub fn new(
        exit: Exit,
        word: &str,
        message: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            exit,
            word: word.to_owned(),
            message: message.into(),
            next: next.into(),
        }
    }

    /// The command line or a file is wrong.
    pub fn usage(word: &str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Usage, word, message, next)
    }

    /// The environment says no.
    pub fn refused(word: &str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Refused, word, message, next)
    }

    /// Nobody answers.
    pub fn unreachable(word: &str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Unreachable, word, message, next)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  next: {}", self.message, self.next)
    }
}
