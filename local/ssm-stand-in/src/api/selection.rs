//! Which commands a list call is about, and the filters that the two list calls share.

use serde::Deserialize;

use super::error::ApiError;
use super::{check_command_id, check_instance_id};
use crate::clock;
use crate::commands::Command;
use crate::world::State;

/// What both list calls take.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Selection {
    pub(crate) command_id: Option<String>,
    pub(crate) instance_id: Option<String>,
    pub(crate) max_results: Option<usize>,
    pub(crate) next_token: Option<String>,
    #[serde(default)]
    pub(crate) filters: Vec<Filter>,
    #[serde(default)]
    pub(crate) details: bool,
}

/// One filter; its members are lower-case on the wire.
#[derive(Debug, Deserialize)]
pub(crate) struct Filter {
    key: String,
    value: String,
}

impl Selection {
    /// Refuses what no list call takes.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        self.command_id
            .as_deref()
            .map_or(Ok(()), check_command_id)?;
        self.instance_id
            .as_deref()
            .map_or(Ok(()), check_instance_id)?;
        for filter in &self.filters {
            filter.check(self.instance_id.is_some())?;
        }
        Ok(())
    }

    /// The commands that are meant and that the service shows yet, newest first.
    pub(crate) fn commands<'a>(&self, state: &'a State) -> Vec<&'a Command> {
        let mut found: Vec<&Command> = match &self.command_id {
            Some(id) => state.commands.get(id).into_iter().collect(),
            None => state.commands.values().collect(),
        };
        found.retain(|command| {
            is_shown(state, command)
                && self
                    .instance_id
                    .as_ref()
                    .is_none_or(|id| command.invocations.contains_key(id))
        });
        found.sort_by(|one, other| {
            (other.requested_ms, &other.id).cmp(&(one.requested_ms, &one.id))
        });
        found
    }

    /// Whether a thing with this status, which is final or not, passes every filter.
    pub(crate) fn passes(
        &self,
        command: &Command,
        status: &str,
        details: &str,
        is_terminal: bool,
    ) -> bool {
        self.filters
            .iter()
            .all(|filter| filter.passes(command, [status, details], is_terminal))
    }
}

impl Filter {
    fn check(&self, names_an_instance: bool) -> Result<(), ApiError> {
        match self.key.as_str() {
            "InvokedAfter" | "InvokedBefore" if clock::parse_iso(&self.value).is_none() => {
                Err(ApiError::validation(&format!(
                    "Value '{}' at 'filters' is not a timestamp such as 2021-07-07T00:00:00Z",
                    self.value
                )))
            }
            "Status" if names_an_instance && self.value == "Pending" => Err(ApiError::new(
                "InvalidFilterKey",
                "An instance ID cannot be combined with the status Pending",
            )),
            "InvokedAfter" | "InvokedBefore" | "Status" | "ExecutionStage" | "DocumentName" => {
                Ok(())
            }
            _ => Err(ApiError::new(
                "InvalidFilterKey",
                format!("The filter key {} is not valid", self.key),
            )),
        }
    }

    fn passes(&self, command: &Command, states: [&str; 2], is_terminal: bool) -> bool {
        let at = clock::parse_iso(&self.value).unwrap_or_default();
        match self.key.as_str() {
            "InvokedAfter" => command.requested_ms >= at,
            "InvokedBefore" => command.requested_ms < at,
            "Status" => states.contains(&self.value.as_str()),
            "ExecutionStage" => (self.value == "Complete") == is_terminal,
            "DocumentName" => command.document_name == self.value,
            _ => false,
        }
    }
}

/// Whether the service shows a command yet: reads lag behind sends.
pub(crate) fn is_shown(state: &State, command: &Command) -> bool {
    let lag_ms = i64::try_from(state.faults.read_lag_ms).unwrap_or(i64::MAX);
    command.requested_ms.saturating_add(lag_ms) <= clock::now_ms()
}
