//! The parts of the checks that need the tools: Python programs with pinned pieces, and an emulator.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use longshore_local::dynamodb_local::{self, DynamoDbLocal};
use longshore_local::release;
use longshore_local::test_bench::TestBench;
use longshore_local::tools::{self, Tools};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::failures::Failures;
use crate::report;

/// A set of pinned tools.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Set {
    /// The emulator, boto3 and the AWS CLI.
    Local,
    /// The static checks.
    Checks,
}

/// What `tool` takes.
#[derive(Debug, Args)]
pub(crate) struct Tool {
    /// The tool set.
    set: Set,
    /// The program.
    program: String,
    /// What the program takes.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// What `rust-tests` takes.
#[derive(Debug, Args)]
pub(crate) struct RustTests {
    /// What `cargo test` takes.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Makes both tool sets.
pub(crate) async fn tools() -> Result<()> {
    let repo = std::env::current_dir()?;
    Tools::prepare(&repo, report::say).await?;
    tools::checks(&repo, report::say).await?;
    Ok(())
}

/// Builds the operators' command as one static file, and says where it is and how large.
pub(crate) async fn release() -> Result<()> {
    let (file, version) = release::build(&std::env::current_dir()?, report::say).await?;
    let bytes = std::fs::metadata(&file)?.len();
    report::say(&format!(
        "{version}: {} ({bytes} bytes, needs no library)",
        file.display()
    ));
    Ok(())
}

/// Runs a program of a tool set.
pub(crate) async fn tool(tool: Tool) -> Result<()> {
    let program = programs(tool.set).await?.join(&tool.program);
    let mut command = Command::new(&program);
    command.args(&tool.arguments);
    finished(&tool.program, command.status().await?)
}

/// Runs the tests of the host script, with the Python of the local cloud.
pub(crate) async fn host_tests() -> Result<()> {
    let python = programs(Set::Local).await?.join("python");
    let mut command = Command::new(python);
    command.arg("host/tests/every.py");
    finished("the tests of the host script", command.status().await?)
}

/// Runs `cargo test`, with an emulator of DynamoDB for the contract tests, schemathesis for the operators' API, and a stand-in for
/// the clients that nobody here wrote.
pub(crate) async fn rust_tests(tests: RustTests) -> Result<()> {
    let repo = std::env::current_dir()?;
    let tools = Tools::prepare(&repo, report::say).await?;
    let bench = TestBench::start(&tools, &repo).await?;
    let mut command = cargo_test(bench.endpoint());
    let schemathesis = tools::checks(&repo, report::say)
        .await?
        .join("schemathesis");
    command.env("LONGSHORE_TEST_SCHEMATHESIS", schemathesis);
    command.arg("--no-fail-fast").args(&tests.arguments);
    let rust = repeating_failures(command).await?;
    let mut clients = Command::new(tools.python());
    clients.args([
        "-m",
        "unittest",
        "discover",
        "-s",
        "local/ssm-stand-in/tests/clients",
    ]);
    clients.env("LONGSHORE_STAND_IN_URL", bench.stand_in());
    let clients = clients.status().await;
    bench.stop().await?;
    finished("cargo test", rust)?;
    finished("the tests with boto3", clients?)
}

/// Runs tests, and says at the end once more what failed: the output is long, and what failed may be in its middle.
async fn repeating_failures(mut command: Command) -> Result<ExitStatus> {
    let mut running = command.stdout(Stdio::piped()).spawn()?;
    let mut failures = Failures::default();
    let output = running.stdout.take().context("the output was asked for")?;
    let mut lines = BufReader::new(output).split(b'\n');
    while let Some(line) = lines.next_segment().await? {
        let line = String::from_utf8_lossy(&line);
        report::say(&line);
        failures.read(&line);
    }
    let status = running.wait().await?;
    if let Some(told) = failures.told() {
        report::say(&told);
    }
    Ok(status)
}

/// Runs the contract tests of the store on DynamoDB Local.
pub(crate) async fn dynamodb_local() -> Result<()> {
    report::say(dynamodb_local::CONDITION);
    let database = DynamoDbLocal::start(&std::env::current_dir()?, report::say).await?;
    let mut command = cargo_test(database.endpoint());
    let tested = command.args(["--test", "store_contract"]).status().await;
    database.stop().await?;
    finished("the contract tests on DynamoDB Local", tested?)?;
    report::say("the contract tests passed on DynamoDB Local, which has ended");
    Ok(())
}

/// Cargo's tests, with this DynamoDB for those that want one.
fn cargo_test(dynamodb: &str) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["test", "--workspace"]);
    command.env("LONGSHORE_TEST_DYNAMODB", dynamodb);
    command
}

async fn programs(set: Set) -> Result<PathBuf> {
    let repo = std::env::current_dir()?;
    Ok(match set {
        Set::Local => {
            let python = Tools::prepare(&repo, report::say).await?.python();
            python.parent().map(PathBuf::from).unwrap_or_default()
        }
        Set::Checks => tools::checks(&repo, report::say).await?,
    })
}

fn finished(what: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{what} failed: {status}");
    }
    Ok(())
}
