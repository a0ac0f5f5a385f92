//! Taking observations in, and writing what follows.

use super::{AdvanceError, CONFLICTS_MAX};
use crate::ended;
use crate::ports::{Clock, Save, Store, StoreError};
use longshore_core::{
    Advance, Cause, CommandId, Deployment, DeploymentId, Observation, Slot, State, Timestamp, Why,
    absorb, step,
};

/// A deployment after several observations.
pub(super) struct Folded {
    pub(super) deployment: Deployment,
    pub(super) changed: bool,
    pub(super) rejected: Vec<(&'static str, Why)>,
}

/// Lets the core take observations in, one after the other.
pub(super) fn fold(
    before: &Deployment,
    seen: &[Observation],
    cause: Cause,
    now: Timestamp,
) -> Folded {
    let mut folded = Folded {
        deployment: before.clone(),
        changed: false,
        rejected: Vec::new(),
    };
    for observation in seen {
        if let Some(changed) = absorb(&mut folded.deployment, observation, now) {
            folded.changed |= changed;
            continue;
        }
        match step(&folded.deployment, observation, now) {
            Advance::Advanced(next) => {
                folded.deployment = *next;
                folded.changed = true;
            }
            Advance::Unchanged(_) => {}
            Advance::Rejected(why) => folded.rejected.push((observation.name(), why)),
        }
    }
    let known = before.timeline.len();
    for entry in folded.deployment.timeline.iter_mut().skip(known) {
        entry.cause = Some(cause);
    }
    folded
}

/// Writes a deployment, with its slot when it starts, waits for people or ends, in one transaction. A crash before leaves the
/// old state, a crash after leaves the new one with its pending effects; there is nothing in between.
pub(crate) async fn write(
    store: &impl Store,
    before: &Deployment,
    after: &mut Deployment,
    begun: Option<Slot>,
    commands: &[CommandId],
    now: Timestamp,
) -> Result<(), AdvanceError> {
    let slot = if leaves_the_slot(before, after) {
        let slot = match begun {
            Some(slot) => slot,
            None => store.slot(&after.app).await?,
        };
        left(&slot, after, now)
    } else {
        begun
    };
    let save = Save {
        deployment: after,
        slot: slot.as_ref(),
        commands,
    };
    store.save(save).await?;
    after.version = after.version.saturating_add(1);
    if !before.state.is_terminal() {
        ended::tell(after);
    }
    Ok(())
}

/// Whether the slot is free after this write: the deployment has ended, or waits with its plan for people.
fn leaves_the_slot(before: &Deployment, after: &Deployment) -> bool {
    let waits =
        |deployment: &Deployment| matches!(deployment.state, State::AwaitingApproval { .. });
    let ends = after.state.is_terminal() && !before.state.is_terminal();
    ends || (waits(after) && !waits(before))
}

/// The slot without the deployment. One that would wait for people behind a newer one is superseded by that.
fn left(slot: &Slot, after: &mut Deployment, now: Timestamp) -> Option<Slot> {
    if after.state.is_terminal() {
        return slot.finish(after);
    }
    match slot.park(&after.id) {
        Ok(parked) => Some(parked),
        Err(newer) => {
            let known = after.timeline.len();
            let cause = after.timeline.last().and_then(|entry| entry.cause);
            if let Advance::Advanced(ended) = step(after, &Observation::Superseded(newer), now) {
                *after = *ended;
                for entry in after.timeline.iter_mut().skip(known) {
                    entry.cause = cause;
                }
            }
            slot.finish(after)
        }
    }
}

/// What recording came to.
#[derive(Debug)]
pub struct Recorded {
    /// The deployment afterwards.
    pub deployment: Deployment,
    /// Whether anything was written.
    pub changed: bool,
    /// Observations that cannot be.
    pub rejected: Vec<(&'static str, Why)>,
}

/// Records observations that are already made, whatever state the deployment is in by now. `None` when there is no such
/// deployment.
///
/// # Errors
/// [`AdvanceError`] when the table cannot be reached or the races are lost for too long.
pub async fn record(
    store: &impl Store,
    clock: &impl Clock,
    id: &DeploymentId,
    seen: &[Observation],
    cause: Cause,
) -> Result<Option<Recorded>, AdvanceError> {
    let mut conflicts = 0_u32;
    loop {
        let Some(before) = store.deployment(id).await? else {
            return Ok(None);
        };
        let now = clock.now();
        let mut folded = fold(&before, seen, cause, now);
        if !folded.changed {
            return Ok(Some(folded.into()));
        }
        let commands = sent_in(seen);
        match write(store, &before, &mut folded.deployment, None, &commands, now).await {
            Err(AdvanceError::Store(StoreError::Conflict)) if conflicts < CONFLICTS_MAX => {
                conflicts = conflicts.saturating_add(1);
            }
            Err(error) => return Err(error),
            Ok(()) => return Ok(Some(folded.into())),
        }
    }
}

fn sent_in(seen: &[Observation]) -> Vec<CommandId> {
    seen.iter()
        .filter_map(|observation| {
            if let Observation::CommandSent(_, id) = observation {
                Some(id.clone())
            } else {
                None
            }
        })
        .collect()
}

impl From<Folded> for Recorded {
    fn from(folded: Folded) -> Self {
        let Folded {
            deployment,
            changed,
            rejected,
        } = folded;
        Self {
            deployment,
            changed,
            rejected,
        }
    }
}
