//! What comes in pages: deployments, what operators did, and the hosts' logs.

use crate::DeploymentSummary;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Deployments of an app, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// The deployments.
    pub deployments: Vec<DeploymentSummary>,
    /// Give this as `before` to go on; missing on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// How far was looked, where not all of them were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Looked>,
}

/// How far one answer has looked through a history. It looks through a bounded number of deployments, so that a page can hold
/// few of what is asked for, or none, and yet not be the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Looked {
    /// How many deployments were looked at.
    pub at: u32,
    /// When the oldest of them was accepted; missing when none was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub back_to: Option<Timestamp>,
}

/// What operators did to an app as a whole, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Audit {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Give this as `before` to go on; missing on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// One thing that an operator did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its number within the app, growing.
    pub number: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// From where: `api` or `console`, each with an address behind a space where it is known, or `slack`.
    pub via: String,
    /// What: `lock`, `unlock`, `clear_quarantine` or `break_glass`. What was said to a deployment stands with that.
    pub action: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The deployment it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// The commit it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// For a lock: its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// What the hosts have written while a deployment was at work on them, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Logs {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// Give this as `after` to go on; asking again with it later follows the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Whether nothing more will come: the deployment is over, and this was the last of it.
    pub complete: bool,
}

/// A line of a host's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The host.
    pub host: String,
    /// The line. It comes from the host: show it, and do nothing else with it.
    pub text: String,
}
