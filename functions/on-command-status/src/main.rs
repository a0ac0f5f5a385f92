//! Lambda entry point for `on-command-status`: joins [`on_command_status::handle`] to the real world.

use lambda_runtime::Error;
use longshore_shell::aws_world::AwsWorld;
use longshore_shell::config::WorkerConfig;
use on_command_status::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = WorkerConfig::from_vars(None, std::env::vars())?;
    let world = AwsWorld::connect(&config)?;
    let document = config.document.as_str();
    longshore_desk::lambda::listen(async |batch| handle(&world, document, batch).await).await
}
