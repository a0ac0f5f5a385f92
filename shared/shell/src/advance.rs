//! `advance`: look at a deployment and do what follows.
//!
//! Load it, observe the world, let the core decide, write the new state with its pending effects in one conditional
//! write, then perform the effects that are this desk's and record what became of them. Intent first, act second:
//! whoever dies in between leaves a record from which anyone can go on.

mod checks;
mod observe;
mod perform;
mod record;

use crate::ports::{Clock, LookAgain, LookError, ResolveError, Store, StoreError, Wake};
use crate::traces;
use crate::world::World;
use longshore_core::{Cause, Deployment, DeploymentId, Desk, Millis, Why};

pub(crate) use record::write;
pub use record::{Recorded, record};

/// What a look came to.
#[derive(Debug)]
pub struct Looked {
    /// The deployment after the look.
    pub deployment: Deployment,
    /// Whether anything was written.
    pub changed: bool,
    /// Observations that cannot be, with the reason; each deserves a warning.
    pub rejected: Vec<(&'static str, Why)>,
    /// What could not be seen in this look. Later looks will; deadlines hold all the same.
    pub unseen: Vec<LookError>,
}

/// Why a look could not be taken to its end. All of it can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that a start needs cannot be read now.
    #[error("what the deployment needs to start cannot be read now")]
    Resolve(#[source] ResolveError),
}

/// Lost races before a look gives up; the queue brings it again.
const CONFLICTS_MAX: u32 = 8;

/// Looks at a deployment. `desk` is the function that looks and bounds what it may do; without one it only takes in what
/// is seen. `None` when there is no such deployment.
///
/// # Errors
/// [`AdvanceError`] when the table or a service cannot be reached; the caller's queue tries again.
pub async fn advance<W: World>(
    world: &W,
    desk: Option<Desk>,
    id: &DeploymentId,
    cause: Cause,
) -> Result<Option<Looked>, AdvanceError> {
    let mut conflicts = 0_u32;
    loop {
        let Some(deployment) = world.store().deployment(id).await? else {
            return Ok(None);
        };
        // On the heap, as a look holds everything that every port may do.
        match Box::pin(look(world, desk, deployment, cause)).await {
            Err(AdvanceError::Store(StoreError::Conflict)) if conflicts < CONFLICTS_MAX => {
                conflicts = conflicts.saturating_add(1);
            }
            Err(error) => return Err(error),
            Ok(looked) => return Ok(Some(looked)),
        }
    }
}

/// Takes a look that was planned, unless the deployment has since moved to another chapter.
///
/// # Errors
/// As [`advance`].
pub async fn look_again<W: World>(
    world: &W,
    desk: Desk,
    id: &DeploymentId,
    chapter: &str,
) -> Result<Option<Looked>, AdvanceError> {
    let deployment = world.store().deployment(id).await?;
    if deployment.is_none_or(|deployment| deployment.chapter() != chapter) {
        return Ok(None);
    }
    advance(world, Some(desk), id, Cause::LookAgain).await
}

async fn look<W: World>(
    world: &W,
    desk: Option<Desk>,
    before: Deployment,
    cause: Cause,
) -> Result<Looked, AdvanceError> {
    let began = world.clock().now();
    let seen = observe::observe(world, desk, &before, cause).await?;
    let now = world.clock().now();
    let mut folded = record::fold(&before, &seen.observations, cause, now);
    if folded.changed {
        record::write(
            world.store(),
            &before,
            &mut folded.deployment,
            seen.slot,
            &[],
            now,
        )
        .await?;
        traces::tell_work(&before, desk, began, world.clock().now());
    }
    let mine = desk == Some(folded.deployment.desk());
    let sent = if mine {
        perform::send_due(world, &mut folded, cause).await?
    } else {
        false
    };
    let looked = Looked {
        deployment: folded.deployment,
        changed: folded.changed,
        rejected: folded.rejected,
        unseen: seen.unseen,
    };
    if mine && plans_a_look(&looked.deployment, sent, cause) {
        plan_a_look(world, &looked.deployment).await;
    }
    Ok(looked)
}

/// Whether this look plans the next one. One chain of looks per chapter is enough: whoever sends begins it, a planned look
/// continues it, and an event begins one only for a time that is already set.
fn plans_a_look(deployment: &Deployment, sent: bool, cause: Cause) -> bool {
    if deployment.state.is_terminal() {
        return false;
    }
    match cause {
        Cause::LookAgain => true,
        Cause::Event | Cause::Push | Cause::Poll | Cause::Operator => {
            sent || deployment.waits_for_a_time()
        }
        Cause::Tick => sent,
    }
}

/// The longest delay of one message (SQS API reference: `DelaySeconds`, at most 900).
const DELAY_MAX: Millis = Millis::from_secs(900);

/// A look that cannot be planned is no error: the minute tick looks at everything.
async fn plan_a_look<W: World>(world: &W, deployment: &Deployment) {
    let now = world.clock().now();
    let Some(at) = deployment.next_look(now) else {
        return;
    };
    let look = LookAgain {
        desk: deployment.desk(),
        deployment: deployment.id.clone(),
        chapter: Some(deployment.chapter()),
        after: at.since(now).min(DELAY_MAX),
    };
    let _lost_costs_time_only = world.wake().later(&look).await;
}
