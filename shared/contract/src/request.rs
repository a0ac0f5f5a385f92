//! What an operator asks for. A field that is not known is refused.

use crate::Artifact;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of deployment is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BeginKind {
    /// A commit: `commit` is needed.
    Push,
    /// What is live, again.
    Redeploy,
    /// What is live, with the newest configuration and parameters.
    Config,
    /// The last proven release before what is live, or the one of `deployment`.
    Rollback,
    /// A rehearsal: as `rollback`, but nothing goes into quarantine.
    Drill,
    /// What another environment has proven: `commit` is needed, `artifact` and `from` where there are some.
    Promote,
}

/// Begins a deployment, or asks what it would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// What kind.
    pub kind: BeginKind,
    /// The commit, for `push` and `promote`: 40 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{40}$")]
    pub commit: Option<String>,
    /// For `rollback` and `drill`: the deployment whose release is gone back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    pub deployment: Option<String>,
    /// For `promote`: the build that was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// For `promote`: where it was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ProvenBy>,
    /// For `rollback` and `drill`: go although the database may not fit the release.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whatever_the_database: bool,
    /// For `rollback`: where the verdict on the migrations of what is live says that they must and can be taken back, take them
    /// back first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub take_back_migrations: bool,
    /// Makes a repeat harmless: the same key for the same app begins one deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9_.:-]{1,64}$")]
    pub key: Option<String>,
    /// Why; kept with the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, pattern = "[!->@-~]")]
    pub reason: Option<String>,
}

/// Where a release was proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvenBy {
    /// The environment.
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,31}$")]
    pub environment: String,
    /// The deployment there.
    #[schema(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    pub deployment: String,
}

/// Approves a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The digest of the plan that was seen; it counts for no other.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub plan: String,
    /// What is said to it; kept with the vote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, pattern = "[!->@-~]")]
    pub comment: Option<String>,
}

/// Why something is done: cancel, retry, reject, unlock, clear a quarantine. It is kept in the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Why.
    #[schema(min_length = 1, max_length = 200, pattern = "[!->@-~]")]
    pub reason: String,
}

/// Holds an app for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockApp {
    /// Why; everybody who meets the lock sees it.
    #[schema(min_length = 1, max_length = 200, pattern = "[!->@-~]")]
    pub reason: String,
    /// For how long, in seconds: a minute to thirty days.
    #[schema(minimum = 60, maximum = 2_592_000)]
    pub seconds: u32,
}

/// Lets the waiting deployment start although a freeze holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakGlass {
    /// The waiting deployment; for another one the request is refused.
    #[schema(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    pub deployment: String,
    /// Why; it is kept, and people are told.
    #[schema(min_length = 1, max_length = 200, pattern = "[!->@-~]")]
    pub reason: String,
}
