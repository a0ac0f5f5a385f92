//! The demo, and the local cloud that stays.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use longshore_local::demo::{self, app};
use longshore_local::{LocalCloud, Options};
use ssm_stand_in::EventFaultChange;
use tokio::signal::unix::{SignalKind, signal};

use crate::report;

/// What the demo takes.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How many hosts there are.
    #[arg(long, default_value_t = 3)]
    hosts: usize,
    /// Drops every event of SSM: slower, and it must end the same.
    #[arg(long)]
    drop_events: bool,
    /// The folder for everything it writes; it is kept then.
    #[arg(long)]
    work: Option<PathBuf>,
}

/// What the local cloud takes.
#[derive(Debug, Args)]
pub(crate) struct Local {
    /// How many hosts there are.
    #[arg(long, default_value_t = 2)]
    hosts: usize,
    /// The folder for everything it writes; it is kept then, and what is in it goes on where it was.
    #[arg(long)]
    work: Option<PathBuf>,
}

/// Plays the demo in a folder of its own, which goes when everything held.
pub(crate) async fn demo(arguments: Demo) -> Result<()> {
    let (work, kept) = work_folder("demo", arguments.work)?;
    let mut options = options(&work, arguments.hosts)?;
    if arguments.drop_events {
        options.faults.events = Some(EventFaultChange {
            drop_percent: Some(100),
            ..EventFaultChange::default()
        });
    }
    let held = tokio::select! {
        held = demo::run(options, report::say) => held?,
        result = ended() => return result,
    };
    if !held {
        bail!(
            "an expectation did not hold; everything it left is in {}",
            work.display()
        );
    }
    if !kept {
        std::fs::remove_dir_all(&work)?;
    }
    Ok(())
}

/// Keeps the local cloud up and tells what happens, until somebody ends it.
pub(crate) async fn local(arguments: Local) -> Result<()> {
    let (work, kept) = work_folder("local", arguments.work)?;
    let mut options = options(&work, arguments.hosts)?;
    options.progress = report::say;
    options.persistent = kept;
    options.console = true;
    app::APP.clone_into(&mut options.app);
    let cloud = tokio::select! {
        cloud = LocalCloud::start(options) => cloud?,
        result = ended() => return result,
    };
    let watched = async {
        let ready = demo::prepare(&cloud).await?;
        if !cloud.is_resumed() {
            app::write(&ready.tree)?;
            ready.tree.commit("Open the shop").await?;
        }
        introduce(&cloud, &ready)?;
        demo::watch(&cloud, report::say).await
    };
    let result = tokio::select! {
        result = watched => result,
        result = ended() => result,
    };
    report::say("\nending");
    cloud.stop().await?;
    if !kept && result.is_ok() {
        std::fs::remove_dir_all(&work)?;
    }
    result
}

fn introduce(cloud: &LocalCloud, ready: &demo::Ready) -> Result<()> {
    let say = report::say;
    say("\nThe local cloud is up.");
    for host in cloud.hosts() {
        say(&format!(
            "  host      {}  http://127.0.0.1:{}/",
            host.id,
            host.port()
        ));
    }
    say(&format!(
        "  messages  {}/messages",
        cloud.sinks().endpoint()
    ));
    say(&format!("  webhook   {}", cloud.webhook_url()?));
    say(&format!(
        "  AWS       {} (any AWS client, with --endpoint-url)",
        cloud.aws().endpoint()
    ));
    say(&format!(
        "  SSM       {} (the same for SSM)",
        cloud.agents().endpoint()
    ));
    say(if cloud.is_resumed() {
        "\nIt goes on where it was. Change the app of the demo, push it, break it:"
    } else {
        "\nThe app of the demo is committed and not pushed yet. Push it, change it, break it:"
    });
    say(&format!(
        "\n  cd {}\n  git push origin main\n",
        ready.tree.path().display()
    ));
    let program = std::env::current_exe()?.with_file_name("longshore");
    say(&format!(
        "Operate it, as alice, who may do everything; --profile bob reads and approves, --profile carol reads:\n\n  \
        . {}\n  {} status\n",
        cloud.operators_env().display(),
        program.display()
    ));
    say(&format!(
        "Or open the console, and say there who you are: alice deploys and approves, bob approves, carol is the \
        administrator, dave reads:\n\n  \
        {}\n",
        cloud.console_url()?
    ));
    say("Ctrl-C ends everything.");
    Ok(())
}

/// A folder of its own for this run, and whether it is to stay.
pub(super) fn work_folder(name: &str, given: Option<PathBuf>) -> Result<(PathBuf, bool)> {
    if let Some(folder) = given {
        return Ok((std::path::absolute(folder)?, true));
    }
    let name = format!("longshore-{name}-{}", std::process::id());
    Ok((std::env::temp_dir().join(name), false))
}

pub(super) fn options(work: &Path, hosts: usize) -> Result<Options> {
    let program = std::env::current_exe()?;
    let functions = program.parent().context("a program without a folder")?;
    let mut options = Options::new(&std::env::current_dir()?, work, functions);
    options.hosts = hosts;
    options.webhook_program = Some(program.clone());
    Ok(options)
}

/// Waits until a person or a supervisor ends the program.
pub(super) async fn ended() -> Result<()> {
    let mut stop = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => Ok(result?),
        _ = stop.recv() => Ok(()),
    }
}
