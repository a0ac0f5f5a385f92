//! What the service knows of a command: the request, one invocation per host, and the steps it has heard of.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::documents::schema::Document;
use crate::parameters::Given;
use crate::status::{CommandState, InvocationState, StepState, aggregate};

/// A criterion that chooses hosts.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Target {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) values: Vec<String>,
}

/// A command.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Command {
    pub(crate) id: String,
    pub(crate) document_name: String,
    pub(crate) document_version: String,
    #[serde(with = "shared")]
    pub(crate) document: Arc<Document>,
    pub(crate) comment: String,
    pub(crate) parameters: Given,
    pub(crate) instance_ids: Vec<String>,
    pub(crate) targets: Vec<Target>,
    pub(crate) timeout_seconds: u64,
    pub(crate) max_concurrency: String,
    pub(crate) max_errors: String,
    pub(crate) requested_ms: i64,
    pub(crate) delivery_deadline_ms: i64,
    pub(crate) expires_ms: i64,
    pub(crate) state: CommandState,
    pub(crate) cancel_requested: bool,
    pub(crate) invocations: BTreeMap<String, Invocation>,
}

impl Command {
    /// The command's state as its invocations have it.
    pub(crate) fn aggregated(&self) -> CommandState {
        let states: Vec<_> = self
            .invocations
            .values()
            .map(|invocation| invocation.state)
            .collect();
        aggregate(&states, self.errors_max(), self.cancel_requested)
    }

    /// How many more invocations may be sent to their hosts.
    pub(crate) fn room(&self) -> usize {
        let running = self
            .invocations
            .values()
            .filter(|invocation| invocation.released && !invocation.state.is_terminal())
            .count();
        limit(&self.max_concurrency, self.invocations.len())
            .max(1)
            .saturating_sub(running)
    }

    /// Whether more invocations have failed than the command tolerates.
    pub(crate) fn has_too_many_errors(&self) -> bool {
        let errors = self
            .invocations
            .values()
            .filter(|invocation| invocation.state.is_error())
            .count();
        errors > self.errors_max()
    }

    /// How many invocations are in a state that `wanted` picks.
    pub(crate) fn count(&self, wanted: impl Fn(InvocationState) -> bool) -> usize {
        self.invocations
            .values()
            .filter(|invocation| wanted(invocation.state))
            .count()
    }

    /// Whether the service still has to find the hosts that the targets mean.
    pub(crate) fn is_unresolved(&self) -> bool {
        !self.targets.is_empty() && self.state == CommandState::Pending
    }

    /// Whether neither the command nor one of its invocations will change any more.
    pub(crate) fn is_closed(&self) -> bool {
        let mut invocations = self.invocations.values();
        self.state.is_terminal() && invocations.all(|invocation| invocation.state.is_terminal())
    }

    fn errors_max(&self) -> usize {
        limit(&self.max_errors, self.invocations.len())
    }
}

/// A document that several commands share, written out with each.
pub(crate) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::documents::schema::Document;

    pub(crate) fn serialize<S: Serializer>(
        document: &Arc<Document>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        document.as_ref().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<Document>, D::Error> {
        Document::deserialize(deserializer).map(Arc::new)
    }
}

/// A command on one host.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Invocation {
    pub(crate) host: String,
    pub(crate) host_name: String,
    pub(crate) state: InvocationState,
    /// Whether `MaxConcurrency` has let the service send it to the host.
    pub(crate) released: bool,
    pub(crate) steps: Vec<StepView>,
    pub(crate) trace: String,
}

impl Invocation {
    /// An invocation that nothing has happened to.
    pub(crate) fn new(host: &str, host_name: &str, document: &Document) -> Self {
        Self {
            host: host.to_owned(),
            host_name: host_name.to_owned(),
            state: InvocationState::Pending,
            released: false,
            steps: document
                .steps
                .iter()
                .map(|step| StepView::pending(&step.name))
                .collect(),
            trace: String::new(),
        }
    }
}

/// A step on one host, as the agent reported it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct StepView {
    pub(crate) name: String,
    pub(crate) state: StepState,
    pub(crate) code: i32,
    pub(crate) started_ms: Option<i64>,
    pub(crate) finished_ms: Option<i64>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl StepView {
    /// A step that has not begun: code -1, as the service says.
    pub(crate) fn pending(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: StepState::Pending,
            code: -1,
            started_ms: None,
            finished_ms: None,
            stdout: String::new(),
            stderr: String::new(),
        }
    }
}

/// A limit as a number or a percentage of the hosts.
fn limit(text: &str, hosts: usize) -> usize {
    match text.strip_suffix('%') {
        Some(percent) => percent
            .parse::<usize>()
            .unwrap_or(0)
            .saturating_mul(hosts)
            .div_euclid(100),
        None => text.parse().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_a_percentage_of_the_hosts() {
        assert_eq!(limit("50", 3), 50);
        assert_eq!(limit("50%", 5), 2);
        assert_eq!(limit("0", 5), 0);
        assert_eq!(limit("100%", 5), 5);
    }
}
