//! The program `longshore`: reads the command line and does what it says.

use longshore_cli::{usage, verbs};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match usage::read() {
        Ok(line) => verbs::run(&line).await.into(),
        Err(code) => code,
    }
}
