//! `ListCommandInvocations`: one entry per command and host, with the steps when `Details` is set.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::paging::page;
use super::selection::Selection;
use super::{Answer, request};
use crate::clock::epoch_seconds;
use crate::commands::{Command, Invocation, StepView};
use crate::world::World;

/// How much of a step's output the list shows, standard output and errors together.
const OUTPUT_CHARACTERS_MAX: usize = 2500;
/// What stands between the two.
const ERROR_TITLE: &str = "\n----------ERROR-------\n";
/// What stands where a part was cut.
const CUT_MARK: &str = "\n---Output truncated---";

/// Lists invocations, newest command first.
pub(crate) fn list_command_invocations(world: &Arc<World>, body: Value) -> Answer {
    let selection: Selection = request(body)?;
    selection.check()?;
    let state = world.lock();
    let commands = selection.commands(&state);
    let found = commands.iter().flat_map(|command| {
        let invocations = command.invocations.values();
        invocations.map(move |invocation| (*command, invocation))
    });
    let meant = found.filter(|(command, invocation)| {
        let at = invocation.state;
        selection
            .instance_id
            .as_ref()
            .is_none_or(|id| *id == invocation.host)
            && selection.passes(command, at.status(), at.details(), at.is_terminal())
    });
    let page = page(
        meant,
        selection.max_results,
        50,
        selection.next_token.as_deref(),
    )?;
    let entries: Vec<_> = page
        .items
        .into_iter()
        .map(|(command, invocation)| on_the_wire(command, invocation, selection.details))
        .collect();
    Ok(json!({"CommandInvocations": entries, "NextToken": page.next_token}))
}

fn on_the_wire(command: &Command, invocation: &Invocation, details: bool) -> Value {
    let plugins: Vec<_> = if details {
        invocation
            .steps
            .iter()
            .map(|step| plugin(invocation, step))
            .collect()
    } else {
        Vec::new()
    };
    json!({
        "CommandId": command.id,
        "InstanceId": invocation.host,
        "InstanceName": invocation.host_name,
        "Comment": command.comment,
        "DocumentName": command.document_name,
        "DocumentVersion": command.document_version,
        "RequestedDateTime": epoch_seconds(command.requested_ms),
        "Status": invocation.state.status(),
        "StatusDetails": invocation.state.details(),
        "TraceOutput": first_characters(&invocation.trace, OUTPUT_CHARACTERS_MAX),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": plugins,
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false},
    })
}

fn plugin(invocation: &Invocation, step: &StepView) -> Value {
    let is_known = step.state.is_finished() || !invocation.state.is_terminal();
    let (status, details) = if is_known {
        (step.state.status(), step.state.details())
    } else {
        (invocation.state.status(), invocation.state.details())
    };
    let mut plugin = Map::new();
    plugin.insert(String::from("Name"), Value::from(step.name.as_str()));
    plugin.insert(String::from("Status"), Value::from(status));
    plugin.insert(String::from("StatusDetails"), Value::from(details));
    plugin.insert(String::from("ResponseCode"), Value::from(step.code));
    plugin.insert(
        String::from("Output"),
        Value::from(merged_output(&step.stdout, &step.stderr)),
    );
    for (name, at) in [
        ("ResponseStartDateTime", step.started_ms),
        ("ResponseFinishDateTime", step.finished_ms),
    ] {
        if let Some(at) = at {
            plugin.insert(name.to_owned(), epoch_seconds(at));
        }
    }
    for name in [
        "StandardOutputUrl",
        "StandardErrorUrl",
        "OutputS3Region",
        "OutputS3BucketName",
        "OutputS3KeyPrefix",
    ] {
        plugin.insert(name.to_owned(), Value::from(""));
    }
    Value::Object(plugin)
}

/// Both streams in one short text; each gives way to the other only as far as it must.
fn merged_output(stdout: &str, stderr: &str) -> String {
    if stderr.is_empty() {
        return clipped(stdout, OUTPUT_CHARACTERS_MAX);
    }
    let room = OUTPUT_CHARACTERS_MAX.saturating_sub(ERROR_TITLE.len());
    let half = room.div_euclid(2);
    let for_stderr = room.saturating_sub(stdout.chars().count()).max(half);
    let errors = clipped(stderr, for_stderr);
    let for_stdout = room.saturating_sub(errors.chars().count());
    format!("{}{ERROR_TITLE}{errors}", clipped(stdout, for_stdout))
}

fn clipped(text: &str, characters_max: usize) -> String {
    if text.chars().count() <= characters_max {
        return text.to_owned();
    }
    let head = characters_max.saturating_sub(CUT_MARK.len());
    format!("{}{CUT_MARK}", first_characters(text, head))
}

/// The beginning of a text.
pub(crate) fn first_characters(text: &str, characters_max: usize) -> String {
    text.chars().take(characters_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_is_shown_whole_and_errors_follow_their_title() {
        assert_eq!(merged_output("out\n", ""), "out\n");
        assert_eq!(
            merged_output("out", "bad"),
            "out\n----------ERROR-------\nbad"
        );
    }

    #[test]
    fn long_output_is_cut_at_its_end_and_the_whole_never_exceeds_2500() {
        let long = "x".repeat(5000);
        for (stdout, stderr) in [
            (long.as_str(), ""),
            (long.as_str(), "bad"),
            ("out", &long),
            (&long, &long),
        ] {
            let merged = merged_output(stdout, stderr);
            assert_eq!(merged.chars().count(), 2500);
            assert!(merged.contains("---Output truncated---"));
        }
        assert!(merged_output(&long, "bad").ends_with("bad"));
    }
}
