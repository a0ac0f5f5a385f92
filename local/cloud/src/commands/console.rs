//! What a browser shows: the console's tests and pictures, on a cloud of their own, and the pictures of messages, which need none. All
//! are programs of `local/browser`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use longshore_local::LocalCloud;
use longshore_local::demo::{self, app};
use longshore_local::tools::NodeTools;
use serde_json::{Value, json};
use tokio::process::Command;

use super::cloud::{ended, options, work_folder};
use crate::report;

const SOURCE: &str = "local/browser";
const MESSAGES: &str = "messages.mjs";
/// How long the browser may take for all of it.
const LIMIT: Duration = Duration::from_mins(10);
/// The account that pushes to the demo's repository.
const PUSHER: &str = "{00000000-0000-4000-8000-00000000da4a}";

/// Runs the tests of the console.
pub(crate) async fn tests() -> Result<()> {
    on_a_cloud("console-tests", 2, "tests.mjs").await
}

/// Draws the pictures into `docs/pictures`.
pub(crate) async fn pictures() -> Result<()> {
    on_a_cloud("console-pictures", 4, "pictures.mjs").await
}

/// Draws the pictures of messages into `docs/pictures`, of what the notifier's tests hold them to.
pub(crate) async fn message_pictures() -> Result<()> {
    let repo_root = std::env::current_dir()?;
    let browser = NodeTools::prepare(&repo_root, SOURCE, report::say).await?;
    let command = command(&browser, MESSAGES, &repo_root)?;
    tokio::select! {
        result = to_its_end(command, MESSAGES) => result,
        result = ended() => result,
    }
}

async fn on_a_cloud(name: &str, hosts: usize, program: &str) -> Result<()> {
    let (work, _) = work_folder(name, None)?;
    let mut options = options(&work, hosts)?;
    options.progress = report::say;
    options.console = true;
    app::APP.clone_into(&mut options.app);
    let browser = NodeTools::prepare(&options.repo_root, SOURCE, report::say).await?;
    let cloud = tokio::select! {
        cloud = LocalCloud::start(options) => cloud?,
        result = ended() => return result,
    };
    let result = tokio::select! {
        result = run(&cloud, &browser, program) => result,
        result = ended() => result,
    };
    cloud.stop().await?;
    if result.is_ok() {
        std::fs::remove_dir_all(&work)?;
    }
    result.with_context(|| format!("what it left is in {}", work.display()))
}

async fn run(cloud: &LocalCloud, browser: &NodeTools, program: &str) -> Result<()> {
    let ready = demo::prepare_with(cloud, &configuration()?).await?;
    app::write(&ready.tree)?;
    let mut command = command(browser, program, &cloud.options().repo_root)?;
    command
        .env("LONGSHORE_CONSOLE", cloud.console_url()?)
        .env("LONGSHORE_API", cloud.api_url("")?)
        .env("LONGSHORE_TREE", ready.tree.path());
    to_its_end(command, program).await
}

/// A program of the browser's that reads and writes in this repository.
fn command(browser: &NodeTools, program: &str, repo_root: &Path) -> Result<Command> {
    let mut command = browser.command(program)?;
    command
        .env("LONGSHORE_REPOSITORY", repo_root)
        .env("TMPDIR", temporary_folder(browser)?);
    Ok(command)
}

async fn to_its_end(mut command: Command, program: &str) -> Result<()> {
    let running = command.status();
    let Ok(status) = tokio::time::timeout(LIMIT, running).await else {
        bail!("{program} did not end within {} s", LIMIT.as_secs());
    };
    let status = status?;
    if !status.success() {
        bail!("{program} failed: {status}");
    }
    Ok(())
}

/// Where the browser unpacks itself, once: beside its package and nowhere else.
fn temporary_folder(browser: &NodeTools) -> Result<PathBuf> {
    let folder: &Path = browser.folder();
    let folder = folder.join("unpacked");
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// The demo's configuration, with approvals: who pushes is alice, and her own yes does not count.
fn configuration() -> Result<String> {
    let mut document: Value = serde_json::from_str(app::CONFIGURATION)?;
    let people = json!([
        { "name": "alice", "bitbucket": PUSHER },
        { "name": "bob" },
        { "name": "carol" },
    ]);
    let approvals = json!({ "by_author": false, "people": people });
    let fields = document
        .as_object_mut()
        .context("the demo's configuration is no object")?;
    fields.insert("approval".to_owned(), Value::Bool(true));
    fields.insert("approvals".to_owned(), approvals);
    Ok(document.to_string())
}
