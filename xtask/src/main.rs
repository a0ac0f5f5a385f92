//! The developer commands of this repository: `cargo xtask <command>`.
//!
//! This crate has few dependencies, so that it runs seconds after a clone. It builds the workspace and hands over to the
//! programs in it; no rule of the product lives here.

mod generate;
mod steps;
mod verify;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <command>

  demo               deploy a real app to three local hosts, good and bad, and show what happens
  chaos              break functions, agents, hosts, events and webhooks for some minutes, and audit what became of it
  local              keep the local cloud up for pushes of your own (see `cargo xtask local --help`)
  test               every check and every test, end to end included; what CI runs
  dynamodb-local     the store's contract tests on DynamoDB Local, for whoever has an AWS account
  generate [--check] put the host script into template.yaml, or check that it is there
  pictures [of]      draw the pictures that the documentation shows: of `messages` (seconds), of the `console` (minutes), or all
  simulate           plays thousands of schedules of pushes and faults over the real handlers (see its `--help`)
  mutants            makes known mistakes one at a time and sees whether they are noticed (minutes for each)
  release            the operators' command as one static file (several minutes)
  bench              cold start and warm cost of the functions, as ratios to an empty one
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let done = match command.as_str() {
        "demo" | "local" | "chaos" | "dynamodb-local" | "release" => {
            steps::hand_over(&command, &rest)
        }
        "pictures" => steps::pictures(&rest),
        "test" => verify::everything(&rest),
        "generate" => generate::run(rest.iter().any(|arg| arg == "--check")),
        "simulate" | "mutants" => steps::prove(&command, &rest),
        "bench" => steps::bench(&rest),
        "" | "help" | "--help" | "-h" => {
            steps::say(USAGE);
            return ExitCode::SUCCESS;
        }
        other => Err(format!("there is no command {other:?}\n\n{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            steps::complain(&problem);
            ExitCode::FAILURE
        }
    }
}
