//! Lambda entry point for `trigger-deploy`: joins [`trigger_deploy::handle`] to the real world.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use longshore_shell::config::TriggerConfig;
use std::convert::Infallible;
use trigger_deploy::request::Request;
use trigger_deploy::{Gate, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = TriggerConfig::from_vars(std::env::vars())?;
    let gate = Gate::connect(&config)?;
    gate.warm().await;
    Box::pin(run(service_fn(async |event: LambdaEvent<Request>| {
        Ok::<_, Infallible>(handle(&gate, &event.payload).await)
    })))
    .await
}
