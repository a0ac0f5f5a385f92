//! `longshore-local`: starts the local cloud for development, and is what a local repository's hook calls.
//!
//! It holds wiring only; what it does is in the library.

mod report;

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use longshore_local::bitbucket::payload::{self, Move};
use longshore_local::bitbucket::{Repository, Webhook};
use longshore_local::{LocalCloud, Options, demo};
use ssm_stand_in::EventFaultChange;
use tokio::signal::unix::{SignalKind, signal};

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
    Demo {
        /// How many hosts there are.
        #[arg(long, default_value_t = 3)]
        hosts: usize,
        /// Drops every event of SSM: slower, and it must end the same.
        #[arg(long)]
        drop_events: bool,
        /// The folder for everything it writes; a temporary one when left out.
        #[arg(long)]
        work: Option<PathBuf>,
    },
    /// Starts the local cloud and keeps it until Ctrl-C.
    Up {
        /// The repository.
        #[arg(long, default_value = ".")]
        repo: PathBuf,
        /// The folder of the built functions.
        #[arg(long, default_value = "target/debug")]
        functions: PathBuf,
        /// The template; the repository's own when left out.
        #[arg(long)]
        template: Option<PathBuf>,
        /// The folder for everything it writes.
        #[arg(long, default_value = ".longshore/local")]
        work: PathBuf,
        /// How many hosts there are.
        #[arg(long, default_value_t = 2)]
        hosts: usize,
        /// The app whose hosts these are.
        #[arg(long, default_value = "orders")]
        app: String,
    },
    /// Tells a webhook of a push; a repository's hook calls this with the moved references on its input.
    Webhook {
        /// The webhook's file, in the repository.
        #[arg(long)]
        file: PathBuf,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Up {
            repo,
            functions,
            template,
            work,
            hosts,
            app,
        } => {
            let mut options =
                Options::new(&absolute(&repo)?, &absolute(&work)?, &absolute(&functions)?);
            options.hosts = hosts;
            options.app = app;
            if let Some(template) = template {
                options.template = absolute(&template)?;
            }
            up(options).await
        }
        Command::Webhook { file } => webhook(&file).await,
        Command::Demo {
            hosts,
            drop_events,
            work,
        } => play(hosts, drop_events, work).await,
    }
}

/// Plays the demo in a folder of its own, which goes when everything held.
async fn play(hosts: usize, drop_events: bool, work: Option<PathBuf>) -> Result<()> {
    let kept = work.is_some();
    let work = match work {
        Some(work) => absolute(&work)?,
        None => std::env::temp_dir().join(format!("longshore-demo-{}", std::process::id())),
    };
    let built = std::env::current_exe()?;
    let functions = built.parent().context("a program without a folder")?;
    let mut options = Options::new(&std::env::current_dir()?, &work, functions);
    options.hosts = hosts;
    options.webhook_program = Some(built.clone());
    if drop_events {
        options.faults.events = Some(EventFaultChange {
            drop_percent: Some(100),
            ..EventFaultChange::default()
        });
    }
    let held = demo::run(options, report::say).await?;
    if !held {
        anyhow::bail!("an expectation did not hold; see {}", work.display());
    }
    if !kept {
        std::fs::remove_dir_all(&work)?;
    }
    Ok(())
}

async fn up(mut options: Options) -> Result<()> {
    options.webhook_program = Some(std::env::current_exe()?);
    options.progress = report::say;
    let mut stop = signal(SignalKind::terminate())?;
    let cloud = tokio::select! {
        cloud = LocalCloud::start(options) => cloud?,
        result = tokio::signal::ctrl_c() => return Ok(result?),
        _ = stop.recv() => return Ok(()),
    };
    report::say(&format!("AWS         {}", cloud.aws().endpoint()));
    report::say(&format!("SSM         {}", cloud.agents().endpoint()));
    report::say(&format!("Webhook     {}", cloud.webhook_url()?));
    report::say(&format!(
        "Messages    {}/messages",
        cloud.sinks().endpoint()
    ));
    report::say(&format!("Git         {}", cloud.bitbucket().git_base()));
    for host in cloud.hosts() {
        report::say(&format!(
            "Host        {} on http://127.0.0.1:{}",
            host.id,
            host.port()
        ));
    }
    report::say("Ready. Ctrl-C ends it.");
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = stop.recv() => {}
    }
    report::say("ending");
    cloud.stop().await
}

async fn webhook(file: &Path) -> Result<()> {
    let text = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let webhook: Webhook = serde_json::from_slice(&text)?;
    let mut lines = String::new();
    std::io::stdin().read_to_string(&mut lines)?;
    let moves = lines.lines().map(Move::parse).collect::<Result<Vec<_>>>()?;
    let folder = absolute(file)?
        .parent()
        .context("a file without a folder")?
        .to_owned();
    let body = payload::push(&Repository::at(&folder, &webhook.repository), &moves).await?;
    let delivered = webhook
        .deliver("repo:push", &serde_json::to_vec(&body)?)
        .await?;
    let status = delivered
        .status
        .map_or_else(|| "nothing".to_owned(), |status| status.to_string());
    report::say(&format!(
        "Longshore answered {status} after {} attempt(s)",
        delivered.attempts
    ));
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))
}
