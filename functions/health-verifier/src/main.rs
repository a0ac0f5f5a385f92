//! Lambda entry point for `health-verifier`: joins [`health_verifier::handle`] to the real world.

use health_verifier::handle;
use lambda_runtime::Error;
use longshore_core::Desk;
use longshore_shell::aws_world::AwsWorld;
use longshore_shell::config::WorkerConfig;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = WorkerConfig::from_vars(Some(Desk::HealthVerifier), std::env::vars())?;
    let world = AwsWorld::connect(&config)?;
    Box::pin(longshore_desk::lambda::listen(async |batch| {
        handle(&world, batch).await
    }))
    .await
}
