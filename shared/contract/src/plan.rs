//! What a deployment would be: what a person sees before saying yes.

use crate::Migrations;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One commit with the version of everything it is started with. Values of parameters are never part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// The release id: the commit, a hyphen, twelve digits of a hash over the rest.
    pub id: String,
    /// The commit.
    pub commit: String,
    /// The version of the app configuration.
    pub config_version: u32,
    /// The version of each of the app's parameters.
    pub parameters: BTreeMap<String, u32>,
    /// The build, where it is not made on the hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
}

/// A build that was made once, elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// The version of the object in the bucket.
    pub version: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// What a deployment would be. A vote is for its digest, so that approval of one plan never starts another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// 32 hexadecimal digits over all of it; missing when it cannot be approved, as for a plan that was only asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What it is for, as in a deployment.
    pub kind: String,
    /// The release it would move to.
    pub release: Release,
    /// What is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Release>,
    /// The parameters whose versions differ from what is live, by name.
    pub parameters: Vec<ParameterChange>,
    /// The hosts, in waves.
    pub waves: Vec<Vec<String>>,
    /// What was found of migrations, once a host has judged them; before a rollback those that it takes back first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Migrations>,
    /// How long it should take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_seconds: Option<u64>,
    /// How many different people must approve before it moves anything; zero when nobody must.
    pub approvals_wanted: u32,
    /// What would keep it from starting now: a lock, a freeze, another deployment, a quarantine.
    pub held_by: Vec<String>,
}

/// A parameter whose version differs from what is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParameterChange {
    /// Its name. Values are never told.
    pub name: String,
    /// Its version in what is live; missing when it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u32>,
    /// Its version in the plan; missing when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
}
