//! What a history tells in numbers. `docs/INSIGHT.md` defines each measure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The measures of a window, of one app or of all. They are about the deployments that ended in it, whatever their kind, where
/// nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// The environment.
    pub environment: String,
    /// The apps, in the order of their names.
    pub apps: Vec<String>,
    /// The first moment of the window.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// The moment after its last.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// How many deployments were looked at.
    pub looked_at: u32,
    /// Since when the history of every app was looked through, where that is later than the window's beginning: there were more
    /// deployments than one answer looks at, and what is older is not counted. Missing when everything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub complete_since: Option<Timestamp>,
    /// How many ended in which way, by the names of docs/STATES.md.
    pub ends: BTreeMap<String, u32>,
    /// Those that were accepted before the window's end and had not ended by then.
    pub open: u32,
    /// How changes were delivered: DORA's measures.
    pub delivery: Delivery,
    /// The same by week, the oldest first.
    pub weeks: Vec<Week>,
    /// How long those that started had waited for their turn.
    pub queue: Spread,
    /// How long those that people were asked about had waited for them.
    pub approval: Spread,
    /// How long they worked on hosts.
    pub work: Spread,
    /// How long each step took.
    pub steps: Vec<Step>,
    /// How long hosts took for what they were asked in the steps, by their own clocks; only steps of which a host told a time.
    #[serde(default)]
    pub host_steps: Vec<HostStep>,
    /// Why they did not succeed, the most frequent class first.
    pub failures: Vec<Counted>,
    /// The hosts that failed or could not be reached, the most troubled first; ten at most.
    pub hosts: Vec<Counted>,
    /// Rehearsed rollbacks.
    pub drills: Drills,
}

/// How changes were delivered. A change is a push, a redeploy, a promotion or a new configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Changes that users were served: those that succeeded, and those that were rolled back or could not be.
    pub changes: u32,
    /// Of those: the ones that succeeded.
    pub succeeded: u32,
    /// Of those: the ones that were rolled back, could not be, or were undone by an operator's rollback. Divided by `changes`
    /// this is the change failure rate.
    pub failed: u32,
    /// Changes that failed before any host was switched; they count in none of the others.
    pub stopped: u32,
    /// From the commit to the end, for pushes and promotions that succeeded and whose commit's time is known.
    pub lead_from_commit: Spread,
    /// From the push, or the word that promoted it, to the end, for all pushes and promotions that succeeded.
    pub lead_from_push: Spread,
    /// From the moment at which a failure was seen to the one at which users were served well again.
    pub recovery: Recovery,
    /// From the end of a failed change to the end of the next one that succeeded.
    pub next_success: Recovery,
}

/// How long it took until something was good again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recovery {
    /// Of those that are.
    pub took: Spread,
    /// How many are not yet.
    pub open: u32,
}

/// Times of one kind, in milliseconds. A percentile is the smallest time that so many of a hundred do not exceed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Spread {
    /// How many times there were.
    pub n: u32,
    /// Half of them were not longer; missing without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<u64>,
    /// Nine of ten were not longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_ms: Option<u64>,
    /// The longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<u64>,
}

/// How changes were delivered in a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Week {
    /// Its Monday, in UTC; the first and the last week are cut to the window.
    #[schema(value_type = String, format = DateTime)]
    pub monday: Timestamp,
    /// What was delivered.
    pub delivery: Delivery,
}

/// How long deployments were in a state of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// The state.
    pub state: String,
    /// For each deployment all its times in this state together.
    pub took: Spread,
}

/// How long hosts took for what they are asked in one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostStep {
    /// The state in which they are asked.
    pub state: String,
    /// For each host of each deployment all its runs together. Of a deployment with more than 200 hosts the 200 that took longest
    /// count.
    pub took: Spread,
    /// The hosts that took longest, by their middle time and then their longest; ten at most.
    pub slowest: Vec<HostTimes>,
}

/// How long one host took for what it is asked in one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostTimes {
    /// The instance id.
    pub host: String,
    /// For each deployment in which it told a time; `n` is how many these were.
    pub took: Spread,
}

/// Something, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counted {
    /// What.
    pub what: String,
    /// How often.
    pub times: u32,
}

/// Rehearsed rollbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drills {
    /// From the start of the work to the end, for those that succeeded.
    pub took: Spread,
    /// Those that ended in any other way.
    pub failed: u32,
}
