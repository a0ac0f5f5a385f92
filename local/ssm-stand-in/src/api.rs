//! The service's API: AWS JSON 1.1, one `POST /` for every action, told apart by the `X-Amz-Target` header.
//!
//! What is not Run Command or documents (Parameter Store above all) goes to `MiniStack` as it came.

mod cancel_command;
mod documents;
pub(crate) mod error;
mod get_command_invocation;
mod instance_information;
mod list_command_invocations;
mod list_commands;
mod paging;
mod selection;
mod send_command;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::lost_reply;
use crate::workers;
use crate::world::World;
use error::{ApiError, answer};
pub(crate) use send_command::watch_open_commands;

/// What an action answers.
type Answer = Result<Value, ApiError>;

/// Answers one request.
pub(crate) async fn handle(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let action = target
        .strip_prefix("AmazonSSM.")
        .unwrap_or_default()
        .to_owned();
    let Some(act) = action_named(&action) else {
        return forward(&world, &headers, body).await;
    };
    if world.lock().faults.throttles(&action) {
        return ApiError::new("ThrottlingException", "Rate exceeded").into_response();
    }
    let result = parse::<Value>(&body).and_then(|request| act(&world, request));
    workers::begin(&world);
    let was_sent = action == "SendCommand" && result.is_ok();
    let loss = if was_sent {
        world.lock().faults.loses_reply()
    } else {
        None
    };
    match (loss, result) {
        (Some(loss), _) => lost_reply::response(loss),
        (None, Ok(reply)) => answer(StatusCode::OK, reply.to_string()),
        (None, Err(error)) => error.into_response(),
    }
}

type Act = fn(&Arc<World>, Value) -> Answer;

fn action_named(name: &str) -> Option<Act> {
    Some(match name {
        "SendCommand" => send_command::send_command,
        "CancelCommand" => cancel_command::cancel_command,
        "ListCommands" => list_commands::list_commands,
        "ListCommandInvocations" => list_command_invocations::list_command_invocations,
        "GetCommandInvocation" => get_command_invocation::get_command_invocation,
        "DescribeInstanceInformation" => instance_information::describe_instance_information,
        "CreateDocument" => documents::create_document,
        "UpdateDocument" => documents::update_document,
        "UpdateDocumentDefaultVersion" => documents::update_document_default_version,
        "DescribeDocument" => documents::describe_document,
        "GetDocument" => documents::get_document,
        "DeleteDocument" => documents::delete_document,
        "ListDocuments" => documents::list_documents,
        "ListDocumentVersions" => documents::list_document_versions,
        _ => return None,
    })
}

async fn forward(world: &World, headers: &HeaderMap, body: Bytes) -> Response<Body> {
    match &world.ministack {
        Some(ministack) => ministack.forward(headers, body).await,
        None => ApiError::new(
            "UnknownOperationException",
            "The stand-in has no MiniStack to pass this on to",
        )
        .into_response(),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| malformed(&error))
}

/// Reads a request into its own type.
fn request<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new("SerializationException", error.to_string())
}

/// Refuses what is no command id.
fn check_command_id(id: &str) -> Result<(), ApiError> {
    if id.len() == 36 {
        return Ok(());
    }
    Err(ApiError::validation(&format!(
        "Value '{id}' at 'commandId' failed to satisfy constraint: Member must have length equal to 36"
    )))
}

/// Refuses what is no instance id.
fn check_instance_id(id: &str) -> Result<(), ApiError> {
    if crate::options::is_instance_id(id) {
        return Ok(());
    }
    Err(ApiError::validation(&format!(
        "Value '{id}' at 'instanceId' failed to satisfy constraint: Member must satisfy regular expression pattern: \
         (^i-(\\w{{8}}|\\w{{17}})$)|(^mi-\\w{{17}}$)"
    )))
}
