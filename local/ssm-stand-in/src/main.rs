//! The stand-in as a program: reads its configuration, says where it listens, runs until SIGTERM or SIGINT.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use ssm_stand_in::{Options, StandIn};
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for SSM Run Command and its agents.
#[derive(Debug, Parser)]
struct Arguments {
    /// The JSON configuration file.
    #[arg(long)]
    config: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let stand_in = StandIn::start(Options::from_file(&arguments.config)?).await?;
    // The one line that a launcher waits for and reads the port from.
    writeln!(std::io::stdout(), "{}", stand_in.url())
        .context("cannot say where the stand-in listens")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stand_in.stop().await
}
