//! The command line. What stands here is also the help, the man page and `docs/CLI.md`.

mod deployments;
mod others;
mod parse;

pub use deployments::{
    Approve, Deploy, Drill, Ending, History, Logs, Pace, Plan, Promote, Reasoned, Reject, Release,
    Rollback, Show, Stats, Watch, Watching,
};
pub use others::{
    Audit, Completions, Config, Doctor, Freeze, Lock, Man, Quarantine, Status, Unlock,
};
pub use parse::{Subject, When, seconds, subject, when};

use clap::{Args, Parser, Subcommand, ValueEnum};
use longshore_core::EnvironmentName;
use std::path::PathBuf;

/// The exit codes, at the end of the help.
const AFTER: &str = "\
Exit codes:
  0  done, or everything is as it should be
  1  the deployment ended badly, or a check found something wrong
  2  the command line or a file is wrong; nothing was asked
  3  refused: the state, the plan, the name or your rights; nothing was changed
  4  AWS or the operators' API cannot be reached, or there are no credentials
  5  the deployment has not ended, or waits for somebody

Examples:
  longshore -e prod status                     what runs where
  longshore -e prod plan orders                what a deployment would do
  longshore -e prod approve orders             look at the plan that waits, and say yes
  longshore -e prod watch orders               follow it until it has ended
  longshore -e prod why orders                 why it failed, and what to do next";

/// Deploys fleets of Node.js servers, and says what runs where.
#[derive(Debug, Parser)]
#[command(name = "longshore", version, after_help = AFTER, arg_required_else_help = true, max_term_width = 100)]
pub struct Line {
    /// What holds for every verb.
    #[command(flatten)]
    pub common: Common,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What holds for every verb.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "For every verb")]
pub struct Common {
    /// The environment, like dev or prod
    #[arg(short, long, global = true, env = "LONGSHORE_ENVIRONMENT", hide_env_values = true, value_name = "NAME", value_parser = environment)]
    pub environment: Option<EnvironmentName>,
    /// The AWS region [default: that of the profile, or of the variable `AWS_REGION`]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// The profile of the AWS configuration whose credentials are used
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The operators' API [default: what the parameter /longshore/ENVIRONMENT/control/api-url says]
    #[arg(
        long,
        global = true,
        env = "LONGSHORE_API_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub api_url: Option<String>,
    /// A PEM file whose certificates are trusted instead of the usual ones
    #[arg(
        long,
        global = true,
        env = "AWS_CA_BUNDLE",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub ca_bundle: Option<PathBuf>,
    /// A table for people, or the API's JSON for scripts
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORM",
        default_value = "table"
    )]
    pub output: Form,
    /// Colours: on a terminal, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

fn environment(text: &str) -> Result<EnvironmentName, longshore_core::InvalidId> {
    EnvironmentName::parse(text)
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Table,
    /// For scripts: what the API said.
    Json,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show what a deployment would do, and change nothing
    Plan(Plan),
    /// Deploy a commit, what is live again, or what is live with its newest parameters
    Deploy(Deploy),
    /// Show what runs where now, and what differs from what should
    Status(Status),
    /// List an app's deployments, newest first: all, or by commit, person, result, kind, time and host
    History(History),
    /// Show how often, how fast and how well is deployed, and where the time goes
    Stats(Stats),
    /// Show everything about a deployment
    Show(Show),
    /// Follow a deployment until it has ended
    Watch(Watch),
    /// Show what the hosts wrote
    Logs(Logs),
    /// Say why a deployment failed, and what to do next
    Why(Show),
    /// Look at the plan of a waiting deployment, and say yes to exactly that
    Approve(Approve),
    /// Say no to a waiting deployment
    Reject(Reject),
    /// Go back to a release that was proven before
    Rollback(Rollback),
    /// Ask the hosts that failed once more
    Retry(Reasoned),
    /// Stop a deployment; what has moved goes back
    Cancel(Reasoned),
    /// Let no deployment of an app start for a while
    Lock(Lock),
    /// Let an app's deployments start again
    Unlock(Unlock),
    /// Show an app's freeze, or break it for one deployment
    Freeze(Freeze),
    /// Show the commits that were rolled back, or allow one again
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Check, compare and store app configurations
    #[command(subcommand)]
    Config(Config),
    /// Check the account, the rights, the hosts and the alarms, and say how to mend what is wrong
    Doctor(Doctor),
    /// Roll back one release and forward again, and measure how long each takes
    Drill(Drill),
    /// Bring the release that was proven in another environment here
    Promote(Promote),
    /// List who locked, unlocked, cleared and broke glass, and why
    Audit(Audit),
    /// Show who you are for the API
    Whoami,
    /// Print the completions for a shell
    Completions(Completions),
    /// Print the man page, or write all of them into a folder
    Man(Man),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        Line::command().debug_assert();
    }

    #[test]
    fn the_help_tells_every_exit_code() {
        for exit in Exit::ALL {
            let line = format!("  {}  {}\n", exit.code(), exit.meaning());
            assert!(AFTER.contains(&line), "{line}");
        }
    }
}
