//! Who asks, and how the apps of the environment stand.

use crate::{DeploymentSummary, Release};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the API knows of its caller and of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhoAmI {
    /// The ARN of the caller's user or session; for a person of the console the issuer, a space, and the subject there.
    pub principal: String,
    /// The person that actions are recorded under: the session's or the user's name, or what the console's token says.
    pub name: String,
    /// The AWS account of the caller; missing for a person of the console, who needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The roles of a person of the console, as the groups of the token give them; missing for a caller with IAM, whose policies
    /// decide before the API is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// The environment that this API belongs to.
    pub environment: String,
    /// The version of Longshore that answers.
    pub version: String,
}

/// Every app of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Apps {
    /// The environment.
    pub environment: String,
    /// The apps, in the order of their names.
    pub apps: Vec<AppSummary>,
}

/// How an app stands, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppSummary {
    /// The app.
    pub app: String,
    /// Its repository: workspace, slash, slug.
    pub repository: String,
    /// The branch that is deployed; missing when the app configuration is not valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// What is wrong with the app configuration, where it is not valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What was last proven on every host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
    /// The deployment that is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<DeploymentSummary>,
    /// The deployment that waits for its turn or for an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<DeploymentSummary>,
    /// The hold on the app, where one is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    /// The freeze that holds what waits, or that would hold whatever began now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<Freeze>,
    /// The deployment whose migrations could not be taken back: what is live may not fit the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stranded: Option<String>,
    /// How many commits are in quarantine.
    pub quarantined: u32,
}

/// How an app stands, with every host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppStatus {
    /// In short.
    #[serde(flatten)]
    pub summary: AppSummary,
    /// The newest deployment that has ended, whether well or not; one that a newer one replaced before it began does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<DeploymentSummary>,
    /// The commits in quarantine, the newest first.
    pub quarantine: Vec<Quarantined>,
    /// The freezes that begin within fourteen days, the next one first; at most ten.
    #[serde(default)]
    pub freezes: Vec<FreezeToCome>,
    /// The hosts with the app's tags, and those that were last proven to serve it, in the order of their ids.
    pub hosts: Vec<HostStatus>,
}

/// What was last proven on every host of its deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Live {
    /// The release.
    pub release: Release,
    /// The deployment that proved it.
    pub deployment: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A hold on an app, with an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lock {
    /// Who holds it.
    pub owner: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// A time in which nothing starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Freeze {
    /// What holds: the window's name, or the calendar's.
    pub name: String,
    /// When it ends, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// A freeze that has not begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FreezeToCome {
    /// What it is: the window's name, or the calendar's.
    pub name: String,
    /// When it begins.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// When it ends, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// A commit that was rolled back here, and stays out until somebody clears it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quarantined {
    /// The commit.
    pub commit: String,
    /// The deployment that was rolled back.
    pub deployment: String,
}

/// How one host stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostStatus {
    /// The instance id.
    pub host: String,
    /// What SSM says of its agent; missing when SSM does not list the host for this app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping: Option<Ping>,
    /// The version of its SSM agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The id of the release that it was last proven to serve, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Whether that is what it should serve.
    pub drift: Drift,
}

/// What SSM says of a host's agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ping {
    /// It was heard of within five minutes.
    Online,
    /// It was not.
    ConnectionLost,
    /// It is off the list, or SSM says something else.
    Inactive,
}

/// Whether a host serves what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// It was proven to serve what is live.
    Serves,
    /// It is online and was not proven to serve what is live.
    Behind,
    /// It is not online.
    Offline,
    /// Nothing was ever proven here, or a deployment is moving it now.
    Unknown,
}
