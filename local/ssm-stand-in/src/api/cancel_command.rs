//! `CancelCommand`: a request, not a promise; the reply says nothing of what became of it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::{Answer, check_command_id, check_instance_id, request};
use crate::world::World;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    command_id: String,
    #[serde(default)]
    instance_ids: Vec<String>,
}

/// Asks for a cancel.
pub(crate) fn cancel_command(world: &Arc<World>, body: Value) -> Answer {
    let request: Request = request(body)?;
    check_command_id(&request.command_id)?;
    request
        .instance_ids
        .iter()
        .try_for_each(|id| check_instance_id(id))?;
    let mut state = world.lock();
    let command = state.commands.get(&request.command_id).ok_or_else(|| {
        ApiError::new("InvalidCommandId", "The specified command ID is not valid.")
    })?;
    if let Some(stranger) = request
        .instance_ids
        .iter()
        .find(|id| !command.invocations.contains_key(*id))
    {
        return Err(ApiError::new(
            "InvalidInstanceId",
            format!("{stranger} is not a target of the command"),
        ));
    }
    state.cancel(&request.command_id, &request.instance_ids);
    Ok(json!({}))
}
