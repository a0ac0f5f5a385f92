//! Lambda entry point for `slack-clicks`: joins [`slack_clicks::handle`] to the real world.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use longshore_shell::config::ClicksConfig;
use slack_clicks::{Gate, Request, handle};
use std::convert::Infallible;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = ClicksConfig::from_vars(std::env::vars())?;
    let gate = Gate::connect(&config)?;
    gate.warm().await;
    run(service_fn(async |event: LambdaEvent<Request>| {
        Ok::<_, Infallible>(handle(&gate, &event.payload).await)
    }))
    .await
}
