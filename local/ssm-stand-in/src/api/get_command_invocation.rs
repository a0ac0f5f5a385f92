//! `GetCommandInvocation`: one step of one command on one host, with up to 24,000 characters of output.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::list_command_invocations::first_characters;
use super::selection::is_shown;
use super::{Answer, check_command_id, check_instance_id, request};
use crate::clock;
use crate::commands::{Command, Invocation, StepView};
use crate::status::StepState;
use crate::world::World;

/// How much of the standard output is shown.
const STDOUT_CHARACTERS_MAX: usize = 24_000;
/// How much of the errors is shown.
const STDERR_CHARACTERS_MAX: usize = 8000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    command_id: String,
    instance_id: String,
    plugin_name: Option<String>,
}

/// Shows one invocation.
pub(crate) fn get_command_invocation(world: &Arc<World>, body: Value) -> Answer {
    let request: Request = request(body)?;
    check_command_id(&request.command_id)?;
    check_instance_id(&request.instance_id)?;
    let state = world.lock();
    let command = state
        .commands
        .get(&request.command_id)
        .filter(|command| is_shown(&state, command));
    let (command, invocation) = command
        .and_then(|command| Some((command, command.invocations.get(&request.instance_id)?)))
        .ok_or_else(|| ApiError::new("InvocationDoesNotExist", ""))?;
    Ok(on_the_wire(
        command,
        invocation,
        step_of(invocation, request.plugin_name.as_deref())?,
    ))
}

/// The step that is meant. Without a name it is the only one, or none at all when there are several.
fn step_of<'a>(
    invocation: &'a Invocation,
    name: Option<&str>,
) -> Result<Option<&'a StepView>, ApiError> {
    match (name, invocation.steps.as_slice()) {
        (None, [only]) => Ok(Some(only)),
        (None, _) => Ok(None),
        (Some(name), steps) => steps
            .iter()
            .find(|step| step.name == name)
            .map(Some)
            .ok_or_else(|| ApiError::new("InvalidPluginName", "The plugin name isn't valid.")),
    }
}

fn on_the_wire(command: &Command, invocation: &Invocation, step: Option<&StepView>) -> Value {
    let nothing = StepView::pending("");
    let shown = step.unwrap_or(&nothing);
    let (status, details) = if shown.state.is_finished() {
        (shown.state.status(), shown.state.details())
    } else {
        (invocation.state.status(), invocation.state.details())
    };
    // The service shows output of a step that ended by itself only; after a timeout or a cancel it shows none.
    let has_output = matches!(shown.state, StepState::Success | StepState::Failed);
    let output = |text: &str, most: usize| {
        if has_output {
            first_characters(text, most)
        } else {
            String::new()
        }
    };
    let time = |at: Option<i64>| at.map(clock::iso).unwrap_or_default();
    json!({
        "CommandId": command.id,
        "InstanceId": invocation.host,
        "Comment": command.comment,
        "DocumentName": command.document_name,
        "DocumentVersion": command.document_version,
        "PluginName": shown.name,
        "ResponseCode": shown.code,
        "ExecutionStartDateTime": time(shown.started_ms),
        "ExecutionElapsedTime": elapsed(shown),
        "ExecutionEndDateTime": time(shown.finished_ms),
        "Status": status,
        "StatusDetails": details,
        "StandardOutputContent": output(&shown.stdout, STDOUT_CHARACTERS_MAX),
        "StandardOutputUrl": "",
        "StandardErrorContent": output(&shown.stderr, STDERR_CHARACTERS_MAX),
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false},
    })
}

/// An ISO 8601 duration such as `PT1.204S`.
fn elapsed(step: &StepView) -> String {
    match (step.started_ms, step.finished_ms) {
        (Some(started), Some(finished)) => {
            let took_ms = finished.saturating_sub(started).max(0);
            format!(
                "PT{}.{:03}S",
                took_ms.div_euclid(1000),
                took_ms.rem_euclid(1000)
            )
        }
        (Some(_) | None, _) => String::new(),
    }
}
