//! What operators do to an app as a whole, each with an entry that says so: hold it, let it go, let a commit in again.

use super::{CONFLICTS_MAX, NotDone, Operator, Refusal};
use crate::accept::Deciding;
use crate::ports::{Clock, Deed, Entry, Store, StoreError};
use longshore_core::{AppName, Commit, Lock, Millis, Reason, Slot};

/// Holds an app for a while: nothing begins.
///
/// # Errors
/// [`NotDone`].
pub async fn lock<D: Deciding>(
    world: &D,
    operator: &Operator,
    app: &AppName,
    reason: &Reason,
    lasts: Millis,
) -> Result<Slot, NotDone> {
    let until = world.clock().now().after(lasts);
    change(world, operator, app, reason, |slot| {
        let lock = Lock {
            owner: operator.by.clone(),
            reason: Some(reason.clone()),
            expires_at: until,
        };
        let locked = slot.locked(lock, world.clock().now());
        Ok((locked.map_err(Refusal::Locked)?, Deed::Locked(until)))
    })
    .await
}

/// Takes a lock away, whoever holds it.
///
/// # Errors
/// [`NotDone`].
pub async fn unlock<D: Deciding>(
    world: &D,
    operator: &Operator,
    app: &AppName,
    reason: &Reason,
) -> Result<Slot, NotDone> {
    change(world, operator, app, reason, |slot| {
        let unlocked = slot.unlocked(world.clock().now());
        Ok((unlocked.ok_or(Refusal::NotLocked)?, Deed::Unlocked))
    })
    .await
}

/// Lets a commit in again that was rolled back. It does not come by itself: somebody pushes or deploys it.
///
/// # Errors
/// [`NotDone`].
pub async fn clear<D: Deciding>(
    world: &D,
    operator: &Operator,
    app: &AppName,
    commit: &Commit,
    reason: &Reason,
) -> Result<Slot, NotDone> {
    change(world, operator, app, reason, |slot| {
        let cleared = slot.cleared(commit).ok_or(Refusal::NotInQuarantine)?;
        Ok((cleared, Deed::Cleared(commit.clone())))
    })
    .await
}

/// Changes a slot, with the entry that says so.
async fn change<D: Deciding>(
    world: &D,
    operator: &Operator,
    app: &AppName,
    reason: &Reason,
    wanted: impl Fn(&Slot) -> Result<(Slot, Deed), Refusal>,
) -> Result<Slot, NotDone> {
    for _ in 0..CONFLICTS_MAX {
        let (mut slot, deed) = wanted(&world.store().slot(app).await?)?;
        let entry = Entry {
            app: app.clone(),
            number: slot.version.saturating_add(1),
            at: world.clock().now(),
            said: operator.said(reason),
            deed,
        };
        match world.store().operate(&slot, &entry).await {
            Ok(()) => {
                slot.version = entry.number;
                return Ok(slot);
            }
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}
