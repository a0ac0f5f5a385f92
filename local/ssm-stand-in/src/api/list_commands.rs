//! `ListCommands`, and how a command looks on the wire.

use std::sync::Arc;

use serde_json::{Value, json};

use super::paging::page;
use super::selection::Selection;
use super::{Answer, request};
use crate::clock::epoch_seconds;
use crate::commands::Command;
use crate::status::InvocationState;
use crate::world::World;

/// Lists commands, newest first.
pub(crate) fn list_commands(world: &Arc<World>, body: Value) -> Answer {
    let selection: Selection = request(body)?;
    selection.check()?;
    let state = world.lock();
    let found = selection.commands(&state).into_iter().filter(|command| {
        let is_terminal = command.state.is_terminal();
        selection.passes(
            command,
            command.state.status(),
            command.state.details(),
            is_terminal,
        )
    });
    let page = page(
        found,
        selection.max_results,
        50,
        selection.next_token.as_deref(),
    )?;
    let commands: Vec<_> = page.items.into_iter().map(command_on_the_wire).collect();
    Ok(json!({"Commands": commands, "NextToken": page.next_token}))
}

/// A command as the wire has it.
pub(crate) fn command_on_the_wire(command: &Command) -> Value {
    json!({
        "CommandId": command.id,
        "DocumentName": command.document_name,
        "DocumentVersion": command.document_version,
        "Comment": command.comment,
        "ExpiresAfter": epoch_seconds(command.expires_ms),
        "Parameters": command.parameters,
        "InstanceIds": command.instance_ids,
        "Targets": command.targets,
        "RequestedDateTime": epoch_seconds(command.requested_ms),
        "Status": command.state.status(),
        "StatusDetails": command.state.details(),
        "OutputS3Region": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "MaxConcurrency": command.max_concurrency,
        "MaxErrors": command.max_errors,
        // A send by targets has not resolved them when it answers.
        "TargetCount": if command.is_unresolved() { 0 } else { command.invocations.len() },
        "CompletedCount": command.count(InvocationState::is_terminal),
        "ErrorCount": command.count(InvocationState::is_error),
        "DeliveryTimedOutCount": command.count(|state| state == InvocationState::DeliveryTimedOut),
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false},
        "TimeoutSeconds": command.timeout_seconds,
        "TriggeredAlarms": [],
    })
}
