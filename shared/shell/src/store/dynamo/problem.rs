//! What the SDK's errors mean to a caller of the store: try again, decide again, or call a person.
//!
//! An error of the SDK carries the whole answer, items with their bodies included, and prints it when it is debugged. So
//! only its words go on: the operation, the code, the messages.

use crate::ports::StoreError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::error::Error;

/// What went wrong, in words without an item.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {words}")]
struct Problem {
    operation: &'static str,
    words: String,
}

/// Codes that say that the table is there but cannot take the request now.
const UNAVAILABLE: [&str; 8] = [
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "Throttling",
    "TransactionInProgressException",
];

/// Codes that say that somebody else is writing the same item.
const CONFLICT: [&str; 3] = [
    "ConditionalCheckFailedException",
    "TransactionCanceledException",
    "TransactionConflictException",
];

/// The store's error for one of the SDK.
pub(super) fn store_error<E>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let meta = answer.err().meta();
            by_code(operation, meta.code(), meta.message(), status >= 500)
        }
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            unavailable(operation, chain(error))
        }
        // Nothing was sent: the request cannot be built, by its data or for want of credentials.
        SdkError::ConstructionFailure(_) | _ => StoreError::Refused(Box::new(Problem {
            operation,
            words: chain(error),
        })),
    }
}

/// Why a transaction was cancelled, if it was not for a condition that did not hold.
pub(super) fn of_reasons(reasons: &[CancellationReason]) -> Option<StoreError> {
    let codes = || reasons.iter().filter_map(CancellationReason::code);
    if codes().any(|code| code == "ConditionalCheckFailed") {
        return None;
    }
    // With no code at all nobody knows what stood in the way: look again.
    let reason = reasons
        .iter()
        .find(|reason| reason.code().is_some_and(|code| code != "None"));
    let Some(reason) = reason else {
        return Some(StoreError::Conflict);
    };
    let code = reason.code().unwrap_or_default();
    Some(match code {
        "TransactionConflict" | "DuplicateItem" => StoreError::Conflict,
        "ThrottlingError" | "ProvisionedThroughputExceeded" => {
            unavailable("TransactWriteItems", code.to_owned())
        }
        _ => StoreError::Refused(Box::new(Problem {
            operation: "TransactWriteItems",
            words: format!("{code}: {}", reason.message().unwrap_or_default()),
        })),
    })
}

fn by_code(
    operation: &'static str,
    code: Option<&str>,
    message: Option<&str>,
    is_server_fault: bool,
) -> StoreError {
    let code = code.unwrap_or("an error without a code");
    let words = format!("{code}: {}", message.unwrap_or_default());
    if CONFLICT.contains(&code) {
        StoreError::Conflict
    } else if is_server_fault || UNAVAILABLE.contains(&code) {
        unavailable(operation, words)
    } else {
        StoreError::Refused(Box::new(Problem { operation, words }))
    }
}

fn unavailable(operation: &'static str, words: String) -> StoreError {
    StoreError::Unavailable(Box::new(Problem { operation, words }))
}

/// The messages of an error and of its causes.
fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}
