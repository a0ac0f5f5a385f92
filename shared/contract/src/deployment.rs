//! One deployment: in a line, and in full.

use crate::{Plan, Release};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a deployment can be for.
pub const KINDS: [&str; 7] = [
    "push", "redeploy", "rollback", "drill", "promote", "config", "join",
];

/// How a deployment can end.
pub const RESULTS: [&str; 8] = [
    "Succeeded",
    "Failed",
    "RolledBack",
    "RollbackFailed",
    "Rejected",
    "Expired",
    "Superseded",
    "Cancelled",
];

/// A deployment in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentSummary {
    /// Its id: a ULID, so ids sort by their time.
    pub id: String,
    /// The app.
    pub app: String,
    /// What it is for: `push`, `redeploy`, `rollback`, `drill`, `config`, `promote` or `join`.
    pub kind: String,
    /// The commit it brings.
    pub commit: String,
    /// Where it is: a name of docs/STATES.md, such as `Activating` or `Succeeded`.
    pub state: String,
    /// Whether it is over.
    pub over: bool,
    /// Who asked, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub accepted_at: Timestamp,
    /// When its commit was made, where the push told that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub committed_at: Option<Timestamp>,
    /// When it got the slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// Why it did not succeed, or why it is being rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How the host stands in it that a history was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostVerdict>,
}

/// A deployment in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deployment {
    /// In a line.
    #[serde(flatten)]
    pub summary: DeploymentSummary,
    /// The environment.
    pub environment: String,
    /// The repository.
    pub repository: String,
    /// The version of the app configuration that decided it.
    pub config_version: u32,
    /// When the state it is in gives up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline: Option<Timestamp>,
    /// How many different people must approve; missing when nobody must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals_wanted: Option<u32>,
    /// Those who have, for the plan below.
    pub votes: Vec<Vote>,
    /// Why it was begun, in the words of whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The commits between what was live at its start and what it brings; for `rollback` and `drill` those that it takes away.
    /// Missing before the start, and where the repository could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changelog: Option<Changelog>,
    /// What is to be approved, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What was frozen at its start, and how each host stands; missing before the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// How the rounds of verification stand, while there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<Rounds>,
    /// What each check has found last, on the way forward.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judgements: Vec<Judgement>,
    /// How it ended, beyond the state's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// Every state it was in.
    pub timeline: Vec<TimelineEntry>,
}

/// The commits that come with a deployment, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changelog {
    /// The commits, at most fifty.
    pub commits: Vec<CommitLine>,
    /// Whether there are more.
    pub more: bool,
}

/// One commit. Author and subject are the texts of whoever committed: printable ASCII, and cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitLine {
    /// The commit.
    pub commit: String,
    /// Who made it, as the commit says.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

/// What an end tells beyond the state's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    /// Who cancelled or refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The deployment that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
}

/// What was frozen when a deployment started, and how each host stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// The generation that the hosts check.
    pub generation: u64,
    /// The release it moves to.
    pub release: Release,
    /// The release to go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Release>,
    /// How many waves there are.
    pub waves: u32,
    /// Every host, in the order of the waves.
    pub hosts: Vec<HostVerdict>,
    /// What was found of migrations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Migrations>,
    /// When it started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
}

/// How one host of a deployment stands; at the end its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostVerdict {
    /// The instance id.
    pub host: String,
    /// Its wave, from 0.
    pub wave: u32,
    /// `untouched`, `prepared`, `proven`, `failed`, `unreachable`, `excused` or `restored`.
    pub verdict: String,
    /// Whether it was asked to switch.
    pub moved: bool,
    /// Why, where the verdict has a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How long it took for what it was asked to do, by its own clock: milliseconds by the state in which it was asked, such as
    /// `Activating`, all its runs together. Missing where it told no time, and in a deployment with more than 200 hosts for those
    /// that are not among the slowest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub took_ms: BTreeMap<String, u64>,
}

/// Why something failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// The class: a word of the table in docs/OPERATIONS.md.
    pub class: String,
    /// The first real error line; printable ASCII, and empty when there is none.
    pub detail: String,
    /// What a person should do next.
    pub next: String,
}

/// What was found of migrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Migrations {
    /// Whether the release before could be gone back to.
    pub verdict: Verdict,
    /// How many are new.
    pub count: u32,
    /// Whether an operator has said, by their names in the configuration, that there need be no way back.
    pub allowed: bool,
    /// Whether they have run to their end.
    pub applied: bool,
    /// What deserves a look.
    pub findings: Vec<String>,
}

/// Whether the release before can be gone back to once the migrations have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can live with them.
    Safe,
    /// They must be taken back first, which the app can do.
    NeedsDown,
    /// They cannot be taken back.
    Impossible,
}

/// How the rounds of verification stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rounds {
    /// The number of the round that was begun last.
    pub begun: u32,
    /// Failed rounds in a row.
    pub failures: u32,
    /// Passed rounds in a row.
    #[serde(default)]
    pub passes: u32,
    /// What the last failed round showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Failure>,
}

/// What one check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Judgement {
    /// The check: `http:<name>`, `alarm:<name>`, `metric:<name>` or `logs:<group>`.
    pub check: String,
    /// `passed`, `failed` or `inconclusive`.
    pub finding: String,
    /// The class of a failure; the table of docs/OPERATIONS.md.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// It in words.
    pub said: String,
    /// The numbers that it came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<Number>,
    /// When it looked.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A number that a check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Number {
    /// What it is of, such as `now`, `before`, `limit` or `latency_ms`; docs/CONFIGURATION.md has them all.
    pub of: String,
    /// The number, as a decimal of up to three digits behind the point.
    pub value: String,
}

/// A line of a deployment's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The state it entered.
    pub state: String,
    /// The wave it entered, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
    /// What made somebody look: `push`, `poll`, `event`, `tick`, `look_again` or `operator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// A person's approval of one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Vote {
    /// Who.
    pub by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// From where: `api` or `console`, each with an address behind a space where it is known, or `slack`.
    pub via: String,
    /// The digest of the plan that was approved.
    pub plan: String,
    /// What was said to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A deployment that a request has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Begun {
    /// The deployment.
    pub deployment: Deployment,
    /// Whether an earlier request with the same key had begun it already.
    pub repeated: bool,
}
