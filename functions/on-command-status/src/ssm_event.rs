//! Status events of SSM, as EventBridge passes them on. They are best effort, repeated and unordered, and real ones differ
//! from the documented form, so only what names the command is read; the rest may have any shape.

use longshore_core::{CommandId, HostId};
use longshore_events::{BadJson, Envelope};
use serde::Deserialize;
use std::borrow::Cow;

const COMMAND: &str = "EC2 Command Status-change Notification";
const INVOCATION: &str = "EC2 Command Invocation Status-change Notification";

/// A command of ours of which something may be known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The command.
    pub command: CommandId,
    /// The host it is about, where the event names exactly one; for logs only.
    pub host: Option<HostId>,
}

/// An event that cannot be read. Asking for it again would bring the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not an event at all.
    #[error(transparent)]
    Json(#[from] BadJson),
    /// An event about our document that names no command, or not by a valid id.
    #[error("the event names no command")]
    NoCommand,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail<'a> {
    #[serde(borrow, default)]
    command_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    document_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    instance_id: Option<Cow<'a, str>>,
}

/// Reads an event; `None` when it is not about a command of this document.
///
/// # Errors
/// [`ParseError`] when it is no event, or one of ours without a command.
pub fn parse(body: &str, document: &str) -> Result<Option<Hint>, ParseError> {
    let event: Envelope<'_, Detail<'_>> = Envelope::parse(body)?;
    if event.source.as_deref() != Some("aws.ssm") {
        return Ok(None);
    }
    if ![COMMAND, INVOCATION].contains(&event.detail_type.as_ref()) {
        return Ok(None);
    }
    let Some(detail) = event.detail else {
        return Ok(None);
    };
    if detail.document_name.as_deref() != Some(document) {
        return Ok(None);
    }
    let command = detail.command_id.as_deref().unwrap_or_default();
    let command = CommandId::parse(command).map_err(|_| ParseError::NoCommand)?;
    let host = host(detail.instance_id.as_deref(), &event.resources);
    Ok(Some(Hint { command, host }))
}

/// The detail is right where it and the ARN differ, as they do in the documentation's own sample.
fn host(instance: Option<&str>, resources: &[String]) -> Option<HostId> {
    let named = match (instance, resources) {
        (Some(instance), _) => instance,
        (None, [only]) => only.rsplit_once('/')?.1,
        (None, _) => return None,
    };
    HostId::parse(named).ok()
}
