//! `on-command-status`: status events of SSM, each a hint that something may be known now about one command.
//!
//! No event is believed. It is traced to its deployment, and SSM is asked.

pub mod ssm_event;

use longshore_core::{Cause, CommandId};
use longshore_desk::{DeskError, report_seen, serve};
use longshore_events::{Batch, Failures};
use longshore_shell::advance::{AdvanceError, advance};
use longshore_shell::ports::{Belongs, Commands, Store};
use longshore_shell::telemetry;
use longshore_shell::world::World;

/// Works through a batch of events about commands of this document.
pub async fn handle<W: World>(world: &W, document: &str, batch: &Batch<'_>) -> Failures {
    serve(batch, async |record| {
        one(world, document, &record.body).await
    })
    .await
}

async fn one<W: World>(world: &W, document: &str, body: &str) -> Result<(), DeskError> {
    let Some(hint) = ssm_event::parse(body, document).map_err(DeskError::unreadable)? else {
        return Ok(());
    };
    let Some(belongs) = deployment_of(world, &hint.command).await? else {
        telemetry::info("foreign_command")
            .id("command.id", &hint.command)
            .write();
        return Ok(());
    };
    if belongs.to_a_large_one {
        return Ok(());
    }
    if let Some(looked) = advance(world, None, &belongs.deployment, Cause::Event).await? {
        report_seen(&looked);
    }
    Ok(())
}

/// Where a command belongs. An event may be faster than the write that records its command, so what the table does
/// not know yet, the command's comment does.
async fn deployment_of<W: World>(
    world: &W,
    command: &CommandId,
) -> Result<Option<Belongs>, DeskError> {
    let known = world.store().deployment_of(command).await;
    if let Some(belongs) = known.map_err(AdvanceError::from)? {
        return Ok(Some(belongs));
    }
    let token = world.commands().token_of(command).await;
    let token = token.map_err(DeskError::unseen)?;
    Ok(token.map(|token| Belongs {
        deployment: token.deployment,
        to_a_large_one: false,
    }))
}
