//! `longshore-local`: the demo, chaos, the local cloud for one's own pushes, what a local repository's hook calls, and the parts
//! of the checks that need the tools.
//!
//! It holds wiring only; what it does is in the library.

mod commands;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use commands::{chaos, checks, cloud, console, hook};

/// The local cloud: Longshore's template, functions and hosts on this machine.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays the demo: three hosts, three pushes, and what becomes of them.
    Demo(cloud::Demo),
    /// Breaks everything that can break while commits are pushed, and audits what became of them.
    Chaos(chaos::Chaos),
    /// Keeps the local cloud up for pushes of your own, until Ctrl-C.
    Local(cloud::Local),
    /// Tells a webhook of a push; a repository's hook calls this with the moved references on its input.
    Webhook {
        /// The webhook's file, in the repository.
        #[arg(long)]
        file: PathBuf,
    },
    /// Makes the tools of the local cloud and of the checks, where they are missing.
    Tools,
    /// Runs a program of a tool set.
    Tool(checks::Tool),
    /// Runs the tests of the host script.
    HostTests,
    /// Runs the tests of the workspace, with an emulator for those that want one.
    RustTests(checks::RustTests),
    /// Runs the tests of the console in a browser, on a cloud of their own.
    ConsoleTests,
    /// Draws the pictures of the console that the documentation shows, on a cloud of their own.
    ConsolePictures,
    /// Draws the pictures of messages that the documentation shows.
    MessagePictures,
    /// Builds the operators' command as one static file.
    Release,
    /// Runs the contract tests of the store on DynamoDB Local, whose licence asks for an AWS account.
    DynamodbLocal,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo(demo) => cloud::demo(demo).await,
        Command::Chaos(chaos) => chaos::chaos(chaos).await,
        Command::Local(local) => cloud::local(local).await,
        Command::Webhook { file } => hook::webhook(&file).await,
        Command::Tools => checks::tools().await,
        Command::Tool(tool) => checks::tool(tool).await,
        Command::HostTests => checks::host_tests().await,
        Command::RustTests(tests) => checks::rust_tests(tests).await,
        Command::ConsoleTests => console::tests().await,
        Command::ConsolePictures => console::pictures().await,
        Command::MessagePictures => console::message_pictures().await,
        Command::Release => checks::release().await,
        Command::DynamodbLocal => checks::dynamodb_local().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            report::complain(&format!("{problem:#}"));
            ExitCode::FAILURE
        }
    }
}
