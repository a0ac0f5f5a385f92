//! The published form of a history: what a line says, and the schema of it (`docs/history.schema.json`).
//!
//! It is a form of its own, so that the table's records can change without anybody outside noticing. Words of Longshore,
//! identifiers, numbers, times, and what operators wrote as their reason leave by it. What a host, an app, a commit or a calendar
//! said does not: there is no field for it. Within a version a field or a type of line may come; none goes or changes its meaning.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::{PartialSchema as _, ToSchema};

/// The version of this form, and a part of every key.
pub const VERSION: u32 = 1;

/// One line: one thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Line {
    /// The version of this form: 1.
    #[schema(minimum = 1, maximum = 1)]
    pub version: u32,
    /// Names the line among all of its environment. A line that is exported again has the same id and says the same.
    pub id: String,
    /// When it happened, in UTC. To the second where the table knows no time of its own for it (`freeze`, `stop`, `quarantine`).
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The environment.
    pub environment: String,
    /// The app.
    pub app: String,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened, by its `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What {
    /// A deployment was accepted.
    Accepted(Accepted),
    /// A deployment entered a state.
    Transition(Transition),
    /// A deployment is over; beside its last transition.
    Ended(Ended),
    /// A person said yes to a deployment's plan.
    Vote(Vote),
    /// A person wants a deployment to stop as soon as its migrations have come to an end.
    Stop(Stop),
    /// A freeze holds a deployment.
    Freeze(Freeze),
    /// A person lets a deployment begin in spite of a freeze.
    BreakGlass(BreakGlass),
    /// A commit must not come back.
    Quarantine(Quarantine),
    /// A person lets a commit come back.
    ClearQuarantine(ClearQuarantine),
    /// A person locks an app.
    Lock(Lock),
    /// A person unlocks an app.
    Unlock(Unlock),
}

/// A deployment was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Accepted {
    /// Its id: a ULID, so that ids sort by their time.
    pub deployment: String,
    /// What it is for: `push`, `redeploy`, `rollback`, `drill`, `promote`, `config` or `join`.
    pub kind: String,
    /// The commit it brings.
    pub commit: String,
    /// The repository, `workspace/name`.
    pub repository: String,
    /// The version of the app configuration that decided it.
    pub config_version: u32,
    /// How many different people must say yes.
    pub approvals_wanted: u32,
    /// Who asked, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in that person's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the commit was made, where the push told that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub committed_at: Option<Timestamp>,
}

/// A deployment entered a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Transition {
    /// The deployment.
    pub deployment: String,
    /// The number of the entry in the deployment's timeline, from 1 and without a gap.
    #[schema(minimum = 1)]
    pub entry: u64,
    /// The state: a name of docs/STATES.md.
    pub state: String,
    /// The wave, from 0, for the states that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
    /// What made somebody look: `push`, `poll`, `event`, `tick`, `look_again` or `operator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The person by whose word it entered the state, where it was one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The class of the failure that led here: a word of the table in docs/OPERATIONS.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How the hosts stand; missing before the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Standing>,
}

/// Hosts that stand the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// `untouched`, `prepared`, `proven`, `failed`, `unreachable`, `excused` or `restored`.
    pub verdict: String,
    /// The class of the failure, where the verdict has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Their instance ids.
    pub hosts: Vec<String>,
}

/// A deployment is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ended {
    /// The deployment.
    pub deployment: String,
    /// How: `Succeeded`, `Failed`, `RolledBack`, `RollbackFailed`, `Rejected`, `Expired`, `Superseded` or `Cancelled`.
    pub result: String,
    /// What it was for.
    pub kind: String,
    /// The commit it was to bring.
    pub commit: String,
    /// How many entries its timeline has: so many transitions were exported, if none is missing.
    #[schema(minimum = 1)]
    pub entries: u64,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub accepted_at: Timestamp,
    /// When it got the slot; missing when it never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// The generation that the hosts check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The release it moved to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// The release to go back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Release>,
    /// Why it did not succeed: a class of the table in docs/OPERATIONS.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Who cancelled or refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Why, in that person's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The deployment that took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// Who has said yes to the plan that it carried out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<String>,
    /// The verdict of each host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Standing>,
    /// What was found of migrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Migrations>,
    /// What each check has found last, on the way forward.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub judgements: Vec<Judgement>,
}

/// What runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Its id.
    pub id: String,
    /// The commit.
    pub commit: String,
    /// The version of the app configuration.
    pub config_version: u32,
    /// The names of the parameters that it was started with, each with its version. Values are nowhere.
    pub parameters: BTreeMap<String, u32>,
    /// The SHA-256 of its build, for one that a pipeline has stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_sha256: Option<String>,
}

/// What was found of migrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Migrations {
    /// `safe`, `needs_down` or `impossible`.
    pub verdict: String,
    /// How many are new.
    pub count: u32,
    /// Whether an operator has said that there need be no way back.
    pub allowed: bool,
    /// Whether they have run to their end.
    pub applied: bool,
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The check: `http:<name>`, `alarm:<name>`, `metric:<name>` or `logs:<group>`.
    pub check: String,
    /// `passed`, `failed` or `inconclusive`.
    pub finding: String,
    /// The class of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The numbers that it came from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<Number>,
    /// When it looked.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A number that a check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// What it is of, such as `now`, `before` or `limit`.
    pub of: String,
    /// The number, as a decimal of up to three digits behind the point.
    pub value: String,
}

/// A person said yes to a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Vote {
    /// The deployment.
    pub deployment: String,
    /// Who.
    pub by: String,
    /// From where: `api`, `console` or `slack`, with an address behind a space where it is known.
    pub via: String,
    /// The digest of the plan.
    pub plan: String,
    /// What was said to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A person wants a deployment to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Stop {
    /// The deployment.
    pub deployment: String,
    /// Who.
    pub by: String,
    /// From where.
    pub via: String,
    /// Why, in that person's words.
    pub reason: String,
}

/// A freeze holds a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Freeze {
    /// The deployment.
    pub deployment: String,
    /// Where it stands: `window`, `calendar`, `change_calendar`, or `unreadable` for what could not be asked and holds for that.
    pub source: String,
    /// What it is called, for a window of the app configuration; what a calendar calls it stays inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it ends, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// A person lets a deployment begin in spite of a freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BreakGlass {
    /// The deployment.
    pub deployment: String,
    /// Who.
    pub by: String,
    /// Why, in that person's words.
    pub reason: String,
}

/// A commit must not come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Quarantine {
    /// The deployment that put it there.
    pub deployment: String,
    /// The commit.
    pub commit: String,
}

/// A person lets a commit come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClearQuarantine {
    /// The number of the entry in the app's audit, from 1.
    pub number: u64,
    /// The commit.
    pub commit: String,
    /// Who.
    pub by: String,
    /// From where.
    pub via: String,
    /// Why, in that person's words.
    pub reason: String,
}

/// A person locks an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lock {
    /// The number of the entry in the app's audit, from 1.
    pub number: u64,
    /// When the lock ends by itself.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Who.
    pub by: String,
    /// From where.
    pub via: String,
    /// Why, in that person's words.
    pub reason: String,
}

/// A person unlocks an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unlock {
    /// The number of the entry in the app's audit, from 1.
    pub number: u64,
    /// Who.
    pub by: String,
    /// From where.
    pub via: String,
    /// Why, in that person's words.
    pub reason: String,
}

/// The schema of a line, made of the types above. It knows every field of this release and no other; a reader of files that a
/// later release has written should pass over fields that it does not know.
#[must_use]
pub fn schema() -> Value {
    let mut parts = Vec::new();
    Line::schemas(&mut parts);
    let parts: BTreeMap<String, _> = parts.into_iter().collect();
    let own = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Longshore history, version {VERSION}"),
        "description": "One line of an exported history: docs/INSIGHT.md, \"The export\".",
        "$ref": "#/components/schemas/Line",
        // What is composed of several parts can only be closed as a whole; the parts of a part are closed by themselves.
        "unevaluatedProperties": false,
        "$defs": parts,
    });
    let mut schema = own;
    if let Some(parts) = schema.pointer_mut("/$defs").and_then(Value::as_object_mut) {
        parts.insert("Line".to_owned(), json!(Line::schema()));
    }
    pointing_inside(schema)
}

/// The same with every reference to where JSON Schema keeps parts.
fn pointing_inside(value: Value) -> Value {
    match value {
        Value::String(text) => text
            .strip_prefix("#/components/schemas/")
            .map_or_else(|| text.clone(), |name| format!("#/$defs/{name}"))
            .into(),
        Value::Array(list) => list.into_iter().map(pointing_inside).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, pointing_inside(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}
