//! The floor: a function that gives its event back. Whatever another function costs more than this one, it costs by its
//! own doing. It must never do anything else.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;
use std::convert::Infallible;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        Ok::<_, Infallible>(event.payload)
    }))
    .await
}
