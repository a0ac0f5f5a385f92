//! What a failed call of an AWS service means: did the service refuse, is it too busy, or is nothing known?
//!
//! Decided in one place from the error's code and the HTTP status, because throttling and missing rights are not in the
//! services' models. A fault keeps what a person needs and nothing else: never the raw request or reply.

use crate::telemetry::{chain, printable};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;
use std::fmt;

/// What is known after a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The service did nothing, because it is asked too often.
    Throttled,
    /// The service did nothing, and will not do it next time either.
    Refused,
    /// The service may have done it: the answer is lost, or is an error of its own.
    Unknown,
}

/// A failed call of an AWS service.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// What is known.
    pub(crate) verdict: Verdict,
    /// The error's code; empty when there was no answer.
    pub(crate) code: String,
    operation: &'static str,
    message: String,
}

impl Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.reason())
    }
}

/// Codes of throttling; services spell it in many ways.
const THROTTLING: [&str; 10] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "Throttled",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RateExceeded",
    "KMSThrottlingException",
];

/// Codes of missing rights and bad credentials.
const DENIED: [&str; 9] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredTokenException",
    "ExpiredToken",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
];

impl Fault {
    /// Reads an SDK error.
    pub(crate) fn of<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let SdkError::ServiceError(context) = error else {
            return Self {
                verdict: Verdict::Unknown,
                code: String::new(),
                operation,
                message: printable(&chain(error)),
            };
        };
        let code = context.err().code().unwrap_or_default();
        Self {
            verdict: verdict(code, context.raw().status().as_u16()),
            code: printable(code),
            operation,
            message: printable(context.err().message().unwrap_or_default()),
        }
    }

    /// A reply that arrived but cannot be what the service meant.
    pub(crate) fn senseless(operation: &'static str, message: &str) -> Self {
        Self {
            verdict: Verdict::Unknown,
            code: String::new(),
            operation,
            message: printable(message),
        }
    }

    /// Whether a right is missing or the credentials are bad.
    #[must_use]
    pub(crate) fn is_denied(&self) -> bool {
        DENIED.contains(&self.code.as_str())
    }

    /// Whether the service answered with this code.
    #[must_use]
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// The code and what the service says about it, for a person.
    #[must_use]
    pub(crate) fn reason(&self) -> String {
        match (self.code.as_str(), self.message.as_str()) {
            ("", message) => message.to_owned(),
            (code, "") => code.to_owned(),
            (code, message) => format!("{code}: {message}"),
        }
    }
}

fn verdict(code: &str, status: u16) -> Verdict {
    if THROTTLING.contains(&code) || status == 429 {
        return Verdict::Throttled;
    }
    match status {
        408 => Verdict::Unknown,
        400..=499 => Verdict::Refused,
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_in_the_four_hundreds_proves_that_nothing_was_done() {
        for (code, status, expected) in [
            ("ThrottlingException", 400, Verdict::Throttled),
            ("", 429, Verdict::Throttled),
            ("InvalidInstanceId", 400, Verdict::Refused),
            ("AccessDeniedException", 400, Verdict::Refused),
            ("NeverHeardOf", 418, Verdict::Refused),
            ("RequestTimeout", 408, Verdict::Unknown),
            ("InternalServerError", 500, Verdict::Unknown),
            ("ServiceUnavailable", 503, Verdict::Unknown),
            ("", 200, Verdict::Unknown),
            ("", 302, Verdict::Unknown),
        ] {
            assert_eq!(verdict(code, status), expected, "{code} {status}");
        }
    }
}
