//! Chaos, in a mount namespace of its own where this machine allows that.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use longshore_local::chaos::plan::LENGTH_MIN;
use longshore_local::chaos::{self, Outcome, Settings};

use super::cloud::{ended, options, work_folder};
use crate::report;

/// Seeds that nobody gave stay short enough to be typed.
const SEEDS: u128 = 1_000_000;

/// What chaos takes.
#[derive(Debug, Args)]
pub(crate) struct Chaos {
    /// How many minutes faults happen; starting, coming to rest and the audit are besides.
    #[arg(long, default_value_t = 5)]
    minutes: u64,
    /// So many seconds of faults, and not minutes.
    #[arg(long, conflicts_with = "minutes")]
    seconds: Option<u64>,
    /// The seed of the plan; without it a new one, which is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// How many hosts there are.
    #[arg(long, default_value_t = 3)]
    hosts: usize,
    /// The folder for everything it writes; it is kept then.
    #[arg(long)]
    work: Option<PathBuf>,
    /// Said by the program to itself: nobody else sees what it mounts.
    #[arg(long, hide = true)]
    own_mounts: bool,
}

/// Plays a run in a folder of its own, which goes when everything held.
pub(crate) async fn chaos(arguments: Chaos) -> Result<()> {
    if !arguments.own_mounts
        && let Some(way) = way_to_own_mounts()
    {
        return Err(again_with_own_mounts(way));
    }
    let minutes = Duration::from_mins(arguments.minutes);
    let length = arguments.seconds.map_or(minutes, Duration::from_secs);
    if length < LENGTH_MIN || arguments.hosts == 0 {
        bail!("at least {} s of faults and one host", LENGTH_MIN.as_secs());
    }
    let random = uuid::Uuid::new_v4().as_u128().checked_rem(SEEDS);
    let random = u64::try_from(random.unwrap_or_default())?;
    let settings = Settings {
        seed: arguments.seed.unwrap_or(random),
        length,
        own_mounts: arguments.own_mounts,
    };
    let (work, kept) = work_folder("chaos", arguments.work)?;
    let options = options(&work, arguments.hosts)?;
    let outcome = chaos::run(options, settings, report::say, ended()).await;
    let outcome = outcome.with_context(|| format!("what it left is in {}", work.display()))?;
    match outcome {
        Outcome::Broken => bail!(
            "an invariant did not hold with seed {}; everything it left is in {}",
            settings.seed,
            work.display()
        ),
        Outcome::Held | Outcome::Interrupted if !kept && work.exists() => {
            std::fs::remove_dir_all(&work)?;
        }
        Outcome::Held | Outcome::Interrupted => {}
    }
    report::say("Nothing is left running.");
    Ok(())
}

/// Arguments of `unshare` for a mount namespace; none where the system refuses. Its mounts end with its last process,
/// however that ends. Whoever is not root needs a user namespace too, in which he stays who he is.
fn way_to_own_mounts() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] = [
        &["--mount"],
        &["--user", "--map-current-user", "--keep-caps", "--mount"],
    ];
    WAYS.into_iter().find(|way| {
        let mut trial = Command::new("unshare");
        trial.args(*way).arg("true");
        trial.stdout(Stdio::null()).stderr(Stdio::null());
        trial.status().is_ok_and(|status| status.success())
    })
}

/// Becomes this program with the same arguments in a namespace of its own; comes back only when that cannot be done.
fn again_with_own_mounts(way: &[&str]) -> anyhow::Error {
    let mut command = Command::new("unshare");
    command.args(way).arg("--");
    match std::env::current_exe() {
        Ok(program) => command.arg(program),
        Err(error) => return error.into(),
    };
    command
        .args(std::env::args_os().skip(1))
        .arg("--own-mounts");
    anyhow::Error::new(command.exec()).context("entering a mount namespace")
}
