//! Lambda entry point for `history-export`: joins [`history_export::handle`] to the real world.

use history_export::handle;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use longshore_shell::archive::S3Archive;
use longshore_shell::config::ExportConfig;
use longshore_shell::connect::Aws;
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = ExportConfig::from_vars(std::env::vars())?;
    let aws = Aws::connect(&config.access)?;
    let archive = S3Archive::new(&aws, &config.access, &config.bucket);
    let (archive, environment) = (&archive, &config.environment);
    run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        // On the heap: the runtime wraps this in layers of its own.
        Box::pin(handle(archive, environment, event.payload.get())).await
    }))
    .await
}
