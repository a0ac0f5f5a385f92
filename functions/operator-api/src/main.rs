//! Lambda entry point for `operator-api`: joins [`operator_api::handle`] to the real world.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use longshore_shell::config::OperatorConfig;
use operator_api::handle;
use operator_api::office::AwsOffice;
use operator_api::request::Request;
use std::convert::Infallible;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = OperatorConfig::from_vars(std::env::vars())?;
    let office = AwsOffice::connect(&config)?;
    run(service_fn(async |event: LambdaEvent<Request>| {
        // On the heap, as it holds everything that any of the operations may do.
        Ok::<_, Infallible>(Box::pin(handle(&office, &event.payload)).await)
    }))
    .await
}
