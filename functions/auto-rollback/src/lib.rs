//! The auto-rollback: restores every host that was asked to switch.

use longshore_core::Desk;
use longshore_desk::{look, serve};
use longshore_events::{Batch, Failures};
use longshore_shell::world::World;

/// Works through a batch of messages.
pub async fn handle<W: World>(world: &W, batch: &Batch<'_>) -> Failures {
    serve(batch, async |record| {
        look(world, Desk::AutoRollback, &record.body)
            .await
            .map(|_| ())
    })
    .await
}
