//! Lambda entry point for `notifier`: joins [`notifier::handle`] to the real world.

use lambda_runtime::Error;
use longshore_shell::config::NotifierConfig;
use notifier::{AwsDesk, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = NotifierConfig::from_vars(std::env::vars())?;
    let desk = AwsDesk::connect(&config)?;
    Box::pin(longshore_desk::lambda::listen(async |batch| {
        handle(&desk, batch).await
    }))
    .await
}
