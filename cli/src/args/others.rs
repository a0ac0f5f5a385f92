//! The verbs about apps, configurations and the command itself.

use super::parse::{app, commit_start, deployment, seconds};
use clap::{Args, Subcommand};
use clap_complete::Shell;
use longshore_core::{AppName, DeploymentId};
use std::path::PathBuf;

/// `status`
#[derive(Debug, Args)]
#[command(after_help = "\
The exit code is 1 when a host does not serve what it should.

Examples:
  longshore -e prod status                     every app
  longshore -e prod status orders              one app with every host")]
pub struct Status {
    /// The app [default: all]
    #[arg(value_parser = app)]
    pub app: Option<AppName>,
}

/// `lock`
#[derive(Debug, Args)]
#[command(after_help = "\
What runs goes on; what waits starts when the lock has ended. Rollbacks that somebody asks for wait too; the one that
Longshore begins by itself when a deployment fails is a part of that deployment, and goes on. A second lock of yours
replaces the first; one of somebody else is refused until theirs has ended or was taken away.

Examples:
  longshore -e prod lock orders --for 2h --reason 'moving the database'")]
pub struct Lock {
    /// The app
    #[arg(value_parser = app)]
    pub app: AppName,
    /// How long; a lock always ends by itself
    #[arg(long = "for", value_parser = seconds, value_name = "TIME", default_value = "1h")]
    pub seconds: u64,
    /// Why, for whoever finds it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `unlock`
#[derive(Debug, Args)]
pub struct Unlock {
    /// The app
    #[arg(value_parser = app)]
    pub app: AppName,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `freeze`
#[derive(Debug, Args)]
#[command(after_help = "\
Freezes are configured (docs/CONFIGURATION.md). Breaking one lets one waiting deployment start, and is on the record.

Examples:
  longshore -e prod freeze orders
  longshore -e prod freeze orders --break 01KB3Z9V7Q2M8C4T6R5N1W0XYZ --reason 'security fix'")]
pub struct Freeze {
    /// The app
    #[arg(value_parser = app)]
    pub app: AppName,
    /// Let this waiting deployment start all the same
    #[arg(long = "break", value_parser = deployment, value_name = "DEPLOYMENT", requires = "reason")]
    pub break_for: Option<DeploymentId>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `quarantine`
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List the commits that were rolled back and may not be deployed again
    List {
        /// The app
        #[arg(value_parser = app)]
        app: AppName,
    },
    /// Allow a commit again
    Clear {
        /// The app
        #[arg(value_parser = app)]
        app: AppName,
        /// The commit; seven digits or more
        #[arg(value_parser = commit_start)]
        commit: String,
        /// Why, for the record
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check a file, without AWS; every problem is named with its fix
    Validate {
        /// The file, or - for the standard input
        file: PathBuf,
        /// The repository it is for, like acme/orders
        #[arg(long, value_name = "WORKSPACE/NAME")]
        repository: Option<String>,
    },
    /// Compare a file with what is stored; the exit code is 1 when they differ
    Diff {
        /// The repository, like acme/orders
        #[arg(value_name = "WORKSPACE/NAME")]
        repository: String,
        /// The file, or - for the standard input
        file: PathBuf,
    },
    /// Check a file, show what changes, and store it
    Apply {
        /// The repository, like acme/orders
        #[arg(value_name = "WORKSPACE/NAME")]
        repository: String,
        /// The file, or - for the standard input
        file: PathBuf,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Print what is stored, to change it and apply it again
    Show {
        /// The repository, like acme/orders
        #[arg(value_name = "WORKSPACE/NAME")]
        repository: String,
    },
    /// Print the JSON Schema of app configurations, for editors
    Schema,
}

/// `doctor`
#[derive(Debug, Args)]
#[command(after_help = "\
Needs no more rights than the checks themselves; a check that may not look says so. The exit code is 1 when something is
wrong.")]
pub struct Doctor {
    /// Only this app's hosts and configuration [default: all]
    #[arg(value_parser = app)]
    pub app: Option<AppName>,
}

/// `audit`
#[derive(Debug, Args)]
pub struct Audit {
    /// The app
    #[arg(value_parser = app)]
    pub app: AppName,
    /// This many
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub limit: u32,
    /// Only those before this entry
    #[arg(long, value_name = "ENTRY")]
    pub before: Option<String>,
}

/// `completions`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  longshore completions bash > /etc/bash_completion.d/longshore
  longshore completions zsh > ~/.zfunc/_longshore")]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

/// `man`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  longshore man | man -l -
  longshore man --folder /usr/local/share/man/man1")]
pub struct Man {
    /// Write the page of every verb into this folder
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}
