//! The verbs about deployments.

use super::parse::{
    Subject, When, app, commit_start, deployment, host, person, seconds, subject, when,
};
use clap::{Args, ValueEnum};
use longshore_core::{AppName, DeploymentId, EnvironmentName, HostId, Person};

/// Which release.
#[derive(Clone, Debug, Args)]
pub struct Release {
    /// The app
    #[arg(value_parser = app)]
    pub app: AppName,
    /// This commit; of one that was deployed here before seven digits are enough [default: what is live, again]
    #[arg(long, value_parser = commit_start, value_name = "COMMIT")]
    pub commit: Option<String>,
    /// What is live, with the newest versions of its parameters
    #[arg(long, conflicts_with = "commit")]
    pub config: bool,
}

/// `plan`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  longshore -e prod plan orders
  longshore -e prod plan orders --config       what changed parameters would do")]
pub struct Plan {
    /// Which release.
    #[command(flatten)]
    pub release: Release,
}

/// `deploy`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  longshore -e dev deploy orders --watch
  longshore -e dev deploy orders --commit 8c1f5e0f6bb1c24f05b3a5f6bd0f8ab2b9c7d1e0
  longshore -e prod deploy orders --config --reason 'new database password'")]
pub struct Deploy {
    /// Which release.
    #[command(flatten)]
    pub release: Release,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// A word of yours: the same key a second time begins nothing new
    #[arg(long, value_name = "WORD")]
    pub key: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Whether it is followed.
    #[command(flatten)]
    pub watching: Watching,
}

/// Whether and how a deployment is followed.
#[derive(Clone, Debug, Args)]
pub struct Watching {
    /// Follow it until it has ended
    #[arg(short, long)]
    pub watch: bool,
    /// How it is followed.
    #[command(flatten)]
    pub pace: Pace,
}

/// How a deployment is followed.
#[derive(Clone, Debug, Args)]
pub struct Pace {
    /// Stop following after this time, with exit code 5; the deployment goes on
    #[arg(long, value_parser = seconds, value_name = "TIME")]
    pub timeout: Option<u64>,
    /// Look this often
    #[arg(long, value_parser = seconds, value_name = "TIME", default_value = "2s")]
    pub interval: u64,
}

/// `history`
#[derive(Debug, Args)]
#[command(after_help = "\
Each answer looks through 200 deployments at most for what is asked for, and says how far it came and how to go on.

Examples:
  longshore -e prod history orders --result rolled-back --since 30d
  longshore -e prod history orders --by ines --kind rollback
  longshore -e prod history orders --host i-0123456789abcdef0     with how the host stood in each")]
pub struct History {
    /// The app
    #[arg(value_parser = app)]
    pub app: AppName,
    /// This many
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub limit: u32,
    /// Only those before this deployment
    #[arg(long, value_parser = deployment, value_name = "DEPLOYMENT")]
    pub before: Option<DeploymentId>,
    /// Only those of this commit; seven digits or more
    #[arg(long, value_parser = commit_start, value_name = "COMMIT")]
    pub commit: Option<String>,
    /// Only those that this person asked for, approved, stopped, or broke a freeze for
    #[arg(long, value_parser = person, value_name = "NAME")]
    pub by: Option<Person>,
    /// Only those that ended so
    #[arg(long, value_name = "RESULT")]
    pub result: Option<Ending>,
    /// Only those of this kind
    #[arg(long, value_name = "KIND", value_parser = longshore_contract::KINDS)]
    pub kind: Option<String>,
    /// Only those accepted since then: 7d, 2026-11-01 or 2026-11-01T08:00:00Z
    #[arg(long, value_parser = when, value_name = "WHEN")]
    pub since: Option<When>,
    /// Only those accepted before then
    #[arg(long, value_parser = when, value_name = "WHEN")]
    pub until: Option<When>,
    /// Only those that this host was a target of, and how it stood in each
    #[arg(long, value_parser = host, value_name = "HOST")]
    pub host: Option<HostId>,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ending {
    /// Every host is proven, or excused by policy
    Succeeded,
    /// No host moved
    Failed,
    /// Every host that moved serves the last proven release again
    RolledBack,
    /// Some host could not be restored
    RollbackFailed,
    /// A person refused it
    Rejected,
    /// It waited too long
    Expired,
    /// A newer one took its place
    Superseded,
    /// A person stopped it
    Cancelled,
}

impl Ending {
    /// The word of the command line for a name of the API.
    #[must_use]
    pub fn from_name(name: &str) -> Option<String> {
        let mut all = Self::value_variants().iter();
        let ending = all.find(|ending| ending.name() == name)?;
        Some(ending.to_possible_value()?.get_name().to_owned())
    }

    /// The name that the API has for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::RolledBack => "RolledBack",
            Self::RollbackFailed => "RollbackFailed",
            Self::Rejected => "Rejected",
            Self::Expired => "Expired",
            Self::Superseded => "Superseded",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// `stats`
#[derive(Debug, Args)]
#[command(after_help = "\
docs/INSIGHT.md says how each number is counted. One answer reads 1000 deployments at most, and says when that was not enough.

Examples:
  longshore -e prod stats                      four weeks of every app
  longshore -e prod stats --app orders --since 90d
  longshore -e prod stats --since 2026-10-01 --until 2026-11-01 --output json")]
pub struct Stats {
    /// Only this app
    #[arg(long, value_parser = app, value_name = "APP")]
    pub app: Option<AppName>,
    /// From then on: 28d, 2026-11-01 or 2026-11-01T08:00:00Z [default: four weeks before the end]
    #[arg(long, value_parser = when, value_name = "WHEN")]
    pub since: Option<When>,
    /// Until then [default: now]
    #[arg(long, value_parser = when, value_name = "WHEN")]
    pub until: Option<When>,
}

/// `show` and `why`
#[derive(Debug, Args)]
pub struct Show {
    /// A deployment's id, or an app: the one that runs, else that waits, else the last one
    #[arg(value_parser = subject, value_name = "DEPLOYMENT|APP")]
    pub subject: Subject,
}

/// `watch`
#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal the view is redrawn in place; elsewhere each change is one line. The exit code is that of the outcome:
0 when it succeeded, 1 when it ended in any other way, 5 when the time was over or it waits for an approval.

Examples:
  longshore -e prod watch orders
  longshore -e prod watch 01KB3Z9V7Q2M8C4T6R5N1W0XYZ --timeout 30m && ./announce.sh")]
pub struct Watch {
    /// A deployment's id, or an app: the one that runs, else that waits, else the last one
    #[arg(value_parser = subject, value_name = "DEPLOYMENT|APP")]
    pub subject: Subject,
    /// How it is followed.
    #[command(flatten)]
    pub pace: Pace,
    /// Go on while it waits for an approval too
    #[arg(long)]
    pub through_approval: bool,
}

/// `logs`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  longshore -e prod logs orders -f
  longshore -e prod logs orders --host i-0123456789abcdef0")]
pub struct Logs {
    /// A deployment's id, or an app: the one that runs, else that waits, else the last one
    #[arg(value_parser = subject, value_name = "DEPLOYMENT|APP")]
    pub subject: Subject,
    /// Only this host's
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Go on until the deployment has ended
    #[arg(short, long)]
    pub follow: bool,
    /// Look this often
    #[arg(long, value_parser = seconds, value_name = "TIME", default_value = "2s")]
    pub interval: u64,
}

/// `approve`
#[derive(Debug, Args)]
#[command(after_help = "\
Your word counts for exactly the plan that was shown. If anything of it has changed since, nothing starts.

Examples:
  longshore -e prod approve orders             shows the plan, and asks
  longshore -e prod approve orders --plan 5f2a60c4d8e14b7f9a3c1e2d4b6f8a0c --comment 'looked at it with Ines'")]
pub struct Approve {
    /// A deployment's id, or an app: the one that waits
    #[arg(value_parser = subject, value_name = "DEPLOYMENT|APP")]
    pub subject: Subject,
    /// The digest of the plan that you have seen: approves it without showing it again
    #[arg(long, value_name = "DIGEST")]
    pub plan: Option<String>,
    /// For the record
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
}

/// `reject`
#[derive(Debug, Args)]
pub struct Reject {
    /// A deployment's id, or an app: the one that waits
    #[arg(value_parser = subject, value_name = "DEPLOYMENT|APP")]
    pub subject: Subject,
    /// Why, for the author and the record
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `retry` and `cancel`
#[derive(Debug, Args)]
pub struct Reasoned {
    /// A deployment's id, or an app: the one that runs, else that waits, else the last one
    #[arg(value_parser = subject, value_name = "DEPLOYMENT|APP")]
    pub subject: Subject,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Whether it is followed.
    #[command(flatten)]
    pub watching: Watching,
}

/// `rollback`
#[derive(Debug, Args)]
#[command(after_help = "\
It is an activation from the hosts' disks: nothing is fetched or built. The commit that is left goes into quarantine.

Examples:
  longshore -e prod rollback orders            shows what would come back, and asks
  longshore -e prod rollback orders --to 01KB3Z9V7Q2M8C4T6R5N1W0XYZ --reason 'prices are wrong' --yes --watch")]
pub struct Rollback {
    /// The app
    #[arg(value_parser = app)]
    pub app: AppName,
    /// The release of this deployment [default: the last proven one before what is live]
    #[arg(long, value_parser = deployment, value_name = "DEPLOYMENT")]
    pub to: Option<DeploymentId>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Take the migrations of what is live back first, where the verdict on them is that they must and can be
    #[arg(long)]
    pub take_back_migrations: bool,
    /// Go although the database may not fit that release, and leave it as it is
    #[arg(long, conflicts_with = "take_back_migrations")]
    pub whatever_the_database: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Whether it is followed.
    #[command(flatten)]
    pub watching: Watching,
}

/// `drill`
#[derive(Debug, Args)]
#[command(after_help = "\
A rollback that was never tried is a hope. This one is done with an app that nobody needs for a minute: go back one
release, wait until it is proven, go forward again, wait, and print the seconds. In prod it must be said twice: --in-prod.
Where going back does not end well it stops, and says how to go forward again.")]
pub struct Drill {
    /// The app
    #[arg(value_parser = app)]
    pub app: AppName,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Also where the environment's name begins with prod
    #[arg(long)]
    pub in_prod: bool,
    /// Only the way forward, to the release of this deployment: the second half of a drill that stopped after the first
    #[arg(long, value_parser = deployment, value_name = "DEPLOYMENT")]
    pub forward: Option<DeploymentId>,
    /// How it is followed.
    #[command(flatten)]
    pub pace: Pace,
}

/// `promote`
#[derive(Debug, Args)]
#[command(after_help = "\
The same commit and, where a pipeline built it, the same build. The other environment's API is found as this one's.

Examples:
  longshore -e prod promote orders --from staging
  longshore -e prod promote orders --from staging --from-profile acme-staging --watch")]
pub struct Promote {
    /// The app
    #[arg(value_parser = app)]
    pub app: AppName,
    /// The environment where the release was proven
    #[arg(long, value_parser = super::environment, value_name = "ENVIRONMENT")]
    pub from: EnvironmentName,
    /// The profile for that environment's account [default: the same credentials]
    #[arg(long, value_name = "NAME")]
    pub from_profile: Option<String>,
    /// That environment's API [default: what its parameter control/api-url says]
    #[arg(long, value_name = "URL")]
    pub from_api_url: Option<String>,
    /// The release of this deployment there [default: what is live there]
    #[arg(long, value_parser = deployment, value_name = "DEPLOYMENT")]
    pub deployment: Option<DeploymentId>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Whether it is followed.
    #[command(flatten)]
    pub watching: Watching,
}
