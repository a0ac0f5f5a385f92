//! The program `longshore`: reads the command line and does what it says.

use clap::Parser;
use longshore_cli::args::Line;
use longshore_cli::verbs;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let line = Line::parse();
    verbs::run(&line).await.into()
}
