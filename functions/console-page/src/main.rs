//! Lambda entry point for `console-page`: joins [`console_page::handle`] to the real world.

use console_page::{Request, Site, handle};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use longshore_shell::config::ConsoleConfig;
use std::convert::Infallible;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = ConsoleConfig::from_vars(std::env::vars())?;
    let site = Site::new(&config);
    let site = &site;
    run(service_fn(async |event: LambdaEvent<Request>| {
        Ok::<_, Infallible>(handle(site, &event.payload))
    }))
    .await
}
