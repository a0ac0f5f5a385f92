//! The Lambda side of a function with a queue.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use longshore_events::{Batch, Failures};
use longshore_shell::error::HandleError;
use serde_json::value::RawValue;

/// Answers invocations until the environment ends.
///
/// # Errors
/// Whatever the runtime gives up on.
pub async fn listen(handle: impl AsyncFn(&Batch<'_>) -> Failures) -> Result<(), Error> {
    let handle = &handle;
    run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let batch = Batch::parse(event.payload.get());
        let batch = batch.map_err(|_| HandleError::BadEvent("not a batch of a queue"))?;
        // On the heap: the runtime wraps this in layers of its own.
        Ok::<Failures, HandleError>(Box::pin(handle(&batch)).await)
    }))
    .await
}
