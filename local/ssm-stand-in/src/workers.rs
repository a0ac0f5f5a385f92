//! The workers of the agents, which begin documents. An agent runs only so many at once, so that one that ends lets the
//! next begin.

use std::sync::Arc;

use crate::agent;
use crate::service::Start;
use crate::world::World;

/// Begins every document that can begin.
pub(crate) fn begin(world: &Arc<World>) {
    let starts = world.lock().take_startable();
    work(world, starts);
}

/// Runs these documents, each beside the others, and looks for more after each.
pub(crate) fn work(world: &Arc<World>, starts: Vec<Start>) {
    for start in starts {
        let own = Arc::clone(world);
        world.spawn(async move {
            agent::run(&own, &start).await;
            begin(&own);
        });
    }
}
