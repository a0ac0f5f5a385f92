//! What can be asked for, valid by construction: one type for every operation of the contract.

use longshore_contract::Operation;
use longshore_core::{AppName, Commit, DeploymentId, HostId, PlanDigest, Reason, Timestamp};
use longshore_insight::Filter;
use longshore_shell::operate::Wish;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Who the caller is.
    WhoAmI,
    /// Every app.
    Apps,
    /// How an app stands.
    Status(AppName),
    /// Its deployments.
    History(AppName, Page, Filter),
    /// What the history of an app, or of all, tells in numbers.
    Stats(StatsAsked),
    /// What operators did to it.
    Audit(AppName, Entries),
    /// A deployment.
    Show(DeploymentId),
    /// What its hosts have written.
    Logs(DeploymentId, LogsAsked),
    /// Something that is not only read.
    Act(Act),
}

/// What an operator wants to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// What a deployment would be.
    Plan(AppName, Beginning),
    /// Begin one.
    Begin(AppName, Beginning),
    /// Stop one.
    Cancel(DeploymentId, Reason),
    /// Begin one for the hosts that another has failed on.
    Retry(DeploymentId, Reason),
    /// Say yes to a plan.
    Approve(DeploymentId, PlanDigest, Option<Reason>),
    /// Say no.
    Reject(DeploymentId, Reason),
    /// Hold an app for so many seconds.
    Lock(AppName, Reason, u32),
    /// End the hold.
    Unlock(AppName, Reason),
    /// Start what a freeze holds.
    BreakGlass(AppName, DeploymentId, Reason),
    /// Let a commit in again.
    ClearQuarantine(AppName, Commit, Reason),
}

/// A deployment that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// What it is.
    pub wish: Wish,
    /// Makes a repeat harmless.
    pub key: Option<String>,
    /// Why.
    pub reason: Option<Reason>,
}

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Entries at most.
    pub limit: u32,
    /// Only what is older than this.
    pub before: Option<DeploymentId>,
}

/// Which numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatsAsked {
    /// Of this app only.
    pub app: Option<AppName>,
    /// From this time on; four weeks before the end, when nothing is said.
    pub since: Option<Timestamp>,
    /// Until this time; now, when nothing is said.
    pub until: Option<Timestamp>,
}

/// Which page of what operators did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    /// Entries at most.
    pub limit: u32,
    /// Only what has a lower number.
    pub before: Option<u64>,
}

/// Which lines of the logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogsAsked {
    /// Of one host only.
    pub host: Option<HostId>,
    /// What was told last.
    pub after: Option<Cursor>,
}

/// The place in a log behind what was told: a moment, and how many lines of that moment were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The moment.
    pub at: Timestamp,
    /// Lines of that moment that were told.
    pub told: u32,
}

impl Asked {
    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::WhoAmI => Operation::WhoAmI,
            Self::Apps => Operation::Apps,
            Self::Status(_) => Operation::Status,
            Self::History(..) => Operation::History,
            Self::Stats(_) => Operation::Stats,
            Self::Audit(..) => Operation::Audit,
            Self::Show(_) => Operation::Show,
            Self::Logs(..) => Operation::Logs,
            Self::Act(act) => act.operation(),
        }
    }
}

impl Act {
    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Plan(..) => Operation::Plan,
            Self::Begin(..) => Operation::Begin,
            Self::Cancel(..) => Operation::Cancel,
            Self::Retry(..) => Operation::Retry,
            Self::Approve(..) => Operation::Approve,
            Self::Reject(..) => Operation::Reject,
            Self::Lock(..) => Operation::Lock,
            Self::Unlock(..) => Operation::Unlock,
            Self::BreakGlass(..) => Operation::BreakGlass,
            Self::ClearQuarantine(..) => Operation::ClearQuarantine,
        }
    }
}

impl Act {
    /// What the operator says to it.
    #[must_use]
    pub const fn said(&self) -> Option<&Reason> {
        match self {
            Self::Plan(_, beginning) | Self::Begin(_, beginning) => beginning.reason.as_ref(),
            Self::Approve(_, _, comment) => comment.as_ref(),
            Self::Cancel(_, reason)
            | Self::Retry(_, reason)
            | Self::Reject(_, reason)
            | Self::Lock(_, reason, _)
            | Self::Unlock(_, reason)
            | Self::BreakGlass(_, _, reason)
            | Self::ClearQuarantine(_, _, reason) => Some(reason),
        }
    }
}

impl Cursor {
    /// Reads a cursor that this API has given.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (at, told) = text.split_once('-')?;
        let digits = |text: &str, max| {
            let plain = !text.is_empty() && text.len() <= max;
            plain && text.bytes().all(|b| b.is_ascii_digit())
        };
        if !digits(at, 15) || !digits(told, 6) {
            return None;
        }
        Some(Self {
            at: Timestamp::from_unix_ms(at.parse().ok()?),
            told: told.parse().ok()?,
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.at.as_unix_ms(), self.told)
    }
}
