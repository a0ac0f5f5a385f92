//! What happened in a day, read from the history of each app: its index gives the order, each deployment is read for itself.

use crate::Desk;
use futures_util::future::join_all;
use longshore_core::{
    AppName, Deployment, DeploymentId, EnvironmentName, Millis, Outcome, Repository, Slot, State,
    Timestamp,
};
use longshore_events::Digest;
use longshore_shell::ports::{Clock, DigestName, Store, StoreError};

/// Deployments of one app that are looked at for one digest.
const LOOKED_MAX: usize = 200;

/// As many ids as are asked of the index at once.
const CHUNK: u32 = 25;

/// Apps that are looked at side by side.
const AT_ONCE: usize = 8;

/// After this time no further app is begun, so that the digest is told within the time that the function has.
const GATHER_FOR: Millis = Millis::from_secs(8);

/// A time, and what happened in it.
#[derive(Clone, Debug)]
pub struct Day {
    /// The environment.
    pub environment: EnvironmentName,
    /// Which digest tells it.
    pub name: DigestName,
    /// Its first moment.
    pub from: Timestamp,
    /// Whether something before that was never told there.
    pub is_missing_something: bool,
    /// The moment after its last.
    pub until: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// App by app.
    pub apps: Vec<AppDay>,
    /// Repositories of which it is not known whether they belong to it.
    pub unread: Vec<Repository>,
    /// Apps for which there was no time.
    pub unlooked: Vec<AppName>,
}

/// An app's part of it.
#[derive(Clone, Debug)]
pub struct AppDay {
    /// The app.
    pub app: AppName,
    /// What ended in this time, the newest first.
    pub ended: Vec<Deployment>,
    /// The newest that went well, also after this time: what went wrong before it asks for nothing any more.
    pub newest_well: Option<DeploymentId>,
    /// What waits for a yes now.
    pub asks: Option<Deployment>,
    /// The slot as it is now.
    pub slot: Slot,
    /// Whether there was more than is looked at.
    pub has_more: bool,
    /// Whether there is something that this version cannot read.
    pub is_unreadable: bool,
}

pub(super) async fn gather<D: Desk>(
    desk: &D,
    due: &Digest,
    name: &DigestName,
    (from, is_missing_something): (Timestamp, bool),
) -> Result<Day, StoreError> {
    let (mut apps, mut unlooked) = (Vec::new(), Vec::new());
    let began = desk.clock().now();
    for some in due.apps.chunks(AT_ONCE) {
        if desk.clock().now().since(began) >= GATHER_FOR {
            unlooked.extend(some.iter().cloned());
            continue;
        }
        let looked = some.iter().map(|app| of_app(desk, app, from, due.until));
        for day in join_all(looked).await {
            apps.push(day?);
        }
    }
    Ok(Day {
        environment: desk.environment().clone(),
        name: name.clone(),
        from,
        is_missing_something,
        until: due.until,
        now: desk.clock().now(),
        apps,
        unread: due.unread.clone(),
        unlooked,
    })
}

async fn of_app<D: Desk>(
    desk: &D,
    app: &AppName,
    from: Timestamp,
    until: Timestamp,
) -> Result<AppDay, StoreError> {
    let slot = readable(desk.store().slot(app).await)?;
    let mut day = AppDay {
        app: app.clone(),
        ended: Vec::new(),
        newest_well: None,
        asks: None,
        is_unreadable: slot.is_none(),
        slot: slot.unwrap_or_else(|| Slot::empty(app.clone())),
        has_more: false,
    };
    if let Some(id) = day.slot.waiting.clone() {
        let waiting = day.load(desk, &id).await?;
        day.asks = waiting.filter(|one| matches!(one.state, State::AwaitingApproval { .. }));
    }
    let mut before: Option<DeploymentId> = None;
    let mut looked = 0_usize;
    loop {
        let ids = desk.store().history(app, before.as_ref(), CHUNK).await?;
        let is_last = !u32::try_from(ids.len()).is_ok_and(|found| found >= CHUNK);
        for id in ids {
            looked = looked.saturating_add(1);
            if looked > LOOKED_MAX {
                day.has_more = true;
                return Ok(day);
            }
            let found = day.load(desk, &id).await?;
            before = Some(id);
            let Some(deployment) = found else { continue };
            if is_all_before(&deployment, from) {
                return Ok(day);
            }
            if day.newest_well.is_none() && is_live(&deployment) {
                day.newest_well = Some(deployment.id.clone());
            }
            let ended = deployment.state.ended_at();
            if ended.is_some_and(|at| from <= at && at < until) {
                day.ended.push(deployment);
            }
        }
        if is_last {
            return Ok(day);
        }
    }
}

impl AppDay {
    /// A deployment, if it is there and can be read. One that cannot must not keep the others from being told of.
    async fn load<D: Desk>(
        &mut self,
        desk: &D,
        id: &DeploymentId,
    ) -> Result<Option<Deployment>, StoreError> {
        let read = readable(desk.store().deployment(id).await)?;
        self.is_unreadable |= read.is_none();
        Ok(read.flatten())
    }
}

/// What was read; none where this version cannot read it.
fn readable<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(StoreError::Unreadable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a deployment went well.
pub(super) const fn is_live(deployment: &Deployment) -> bool {
    matches!(
        deployment.state,
        State::Ended {
            outcome: Outcome::Succeeded,
            ..
        }
    )
}

/// Whether everything older than this one had ended before a time: it ran, and ended before it. One deployment at a time moves an app, so
/// what is older was over when it began, or had made place for it.
fn is_all_before(deployment: &Deployment, from: Timestamp) -> bool {
    match &deployment.state {
        State::Ended { at, run, .. } => *at < from && run.is_some(),
        State::AwaitingApproval { .. } | State::Queued { .. } | State::Active { .. } => false,
    }
}
