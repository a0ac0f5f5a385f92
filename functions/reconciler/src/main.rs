//! Lambda entry point for `reconciler`: joins [`reconciler::handle`] to the real world.

use lambda_runtime::Error;
use longshore_core::Desk;
use longshore_shell::aws_world::AwsWorld;
use longshore_shell::config::WorkerConfig;
use reconciler::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = WorkerConfig::from_vars(Some(Desk::Reconciler), std::env::vars())?;
    let world = AwsWorld::connect(&config)?;
    Box::pin(longshore_desk::lambda::listen(async |batch| {
        handle(&world, batch).await
    }))
    .await
}
