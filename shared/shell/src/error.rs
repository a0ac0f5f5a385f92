//! Why a handler gives an invocation back to be tried again, under names that alarms and searches can rely on.
//!
//! Only what can be tried again is an error of a handler. What never will work is logged once, recorded or announced,
//! and the invocation ends well.

use crate::config::ConfigError;
use crate::connect::ConnectError;
use crate::ports::{ArchiveError, LookError, ResolveError, StoreError};
use crate::secrets::SecretError;
use crate::telemetry::chain;
use lambda_runtime::Diagnostic;
use std::error::Error;

/// Why an invocation was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The table cannot be reached, or somebody else always wrote first.
    #[error("the table cannot be used now")]
    StoreUnavailable(#[source] StoreError),
    /// The table refuses, or holds what this version cannot read. A person must act; the message is kept until then.
    #[error("the table refuses, or holds an unreadable record")]
    StoreRefused(#[source] StoreError),
    /// A service that is needed cannot be reached.
    #[error("a service cannot be reached")]
    ServiceUnavailable(#[source] Box<dyn Error + Send + Sync>),
    /// A secret cannot be read.
    #[error("a secret cannot be read")]
    SecretUnavailable(#[source] SecretError),
    /// The function's environment variables are not complete.
    #[error(transparent)]
    Misconfigured(#[from] ConfigError),
    /// The connection to AWS cannot be built.
    #[error(transparent)]
    Unconnected(#[from] ConnectError),
    /// The invocation's payload is not what the template sends here.
    #[error("the event cannot be read: {0}")]
    BadEvent(&'static str),
    /// A part of the history was not kept and is due again.
    #[error("a part of the history was not kept")]
    NotKept(#[from] ArchiveError),
    /// A message to people was not taken and is due again.
    #[error("a message was not delivered")]
    Undelivered,
}

impl HandleError {
    /// The stable name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::StoreUnavailable(_) => "Deploy.StoreUnavailable",
            Self::StoreRefused(_) => "Deploy.StoreRefused",
            Self::ServiceUnavailable(_) => "Deploy.ServiceUnavailable",
            Self::SecretUnavailable(_) => "Deploy.SecretUnavailable",
            Self::Misconfigured(_) => "Deploy.Misconfigured",
            Self::Unconnected(_) => "Deploy.Unconnected",
            Self::BadEvent(_) => "Deploy.BadEvent",
            Self::NotKept(_) => "Deploy.NotKept",
            Self::Undelivered => "Deploy.Undelivered",
        }
    }
}

impl From<StoreError> for HandleError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Unavailable(_) => Self::StoreUnavailable(error),
            StoreError::Refused(_) | StoreError::Unreadable { .. } => Self::StoreRefused(error),
        }
    }
}

impl From<ResolveError> for HandleError {
    fn from(error: ResolveError) -> Self {
        Self::ServiceUnavailable(error.into())
    }
}

impl From<LookError> for HandleError {
    fn from(error: LookError) -> Self {
        Self::ServiceUnavailable(error.into())
    }
}

impl From<SecretError> for HandleError {
    fn from(error: SecretError) -> Self {
        Self::SecretUnavailable(error)
    }
}

impl From<HandleError> for Diagnostic {
    fn from(error: HandleError) -> Self {
        Self {
            error_type: error.kind().to_owned(),
            error_message: crate::telemetry::printable(&chain(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handlers_error_has_a_stable_name_and_tells_its_causes() {
        let refused = StoreError::Refused("no such table".into());
        let diagnostic = Diagnostic::from(HandleError::from(refused));
        assert_eq!(diagnostic.error_type, "Deploy.StoreRefused");
        assert_eq!(
            diagnostic.error_message,
            "the table refuses, or holds an unreadable record: the table refuses the request: no such table"
        );
        let lost = HandleError::from(StoreError::Conflict);
        assert_eq!(lost.kind(), "Deploy.StoreUnavailable");
    }
}
