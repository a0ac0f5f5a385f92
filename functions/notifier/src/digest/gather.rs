//! What happened in a day, read from the history of each app: its index gives the order, each deployment is read for itself.

use crate::Desk;
use longshore_core::{
    AppName, Deployment, DeploymentId, EnvironmentName, Repository, Slot, State, Timestamp,
};
use longshore_events::Digest;
use longshore_shell::ports::{Clock, DigestName, Store, StoreError};

/// Deployments of one app that are looked at for one digest.
const LOOKED_MAX: usize = 200;

/// As many ids as are asked of the index at once.
const CHUNK: u32 = 25;

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
}

/// An app's part of it.
#[derive(Clone, Debug)]
pub struct AppDay {
    /// The app.
    pub app: AppName,
    /// What ended in this time, the newest first.
    pub ended: Vec<Deployment>,
    /// What waits for a yes now.
    pub asks: Option<Deployment>,
    /// The slot as it is now.
    pub slot: Slot,
    /// Whether there was more than is looked at.
    pub has_more: bool,
}

pub(super) async fn gather<D: Desk>(
    desk: &D,
    due: &Digest,
    name: &DigestName,
    (from, is_missing_something): (Timestamp, bool),
) -> Result<Day, StoreError> {
    let mut apps = Vec::new();
    for app in &due.apps {
        apps.push(of_app(desk, app, from, due.until).await?);
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
    })
}

async fn of_app<D: Desk>(
    desk: &D,
    app: &AppName,
    from: Timestamp,
    until: Timestamp,
) -> Result<AppDay, StoreError> {
    let slot = desk.store().slot(app).await?;
    let asks = match &slot.waiting {
        Some(id) => desk.store().deployment(id).await?,
        None => None,
    };
    let is_asked = |waiting: &Deployment| matches!(waiting.state, State::AwaitingApproval { .. });
    let mut day = AppDay {
        app: app.clone(),
        ended: Vec::new(),
        asks: asks.filter(is_asked),
        slot,
        has_more: false,
    };
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
            let found = desk.store().deployment(&id).await?;
            before = Some(id);
            let Some(deployment) = found else { continue };
            if is_all_before(&deployment, from) {
                return Ok(day);
            }
            if ended_at(&deployment).is_some_and(|at| from <= at && at < until) {
                day.ended.push(deployment);
            }
        }
        if is_last {
            return Ok(day);
        }
    }
}

pub(super) const fn ended_at(deployment: &Deployment) -> Option<Timestamp> {
    match &deployment.state {
        State::Ended { at, .. } => Some(*at),
        State::AwaitingApproval { .. } | State::Queued { .. } | State::Active { .. } => None,
    }
}

/// Whether everything older than this one had ended before a time: it ran, and ended before it. One deployment at a time moves an app, so
/// what is older was over when it began, or had made place for it.
fn is_all_before(deployment: &Deployment, from: Timestamp) -> bool {
    match &deployment.state {
        State::Ended { at, run, .. } => *at < from && run.is_some(),
        State::AwaitingApproval { .. } | State::Queued { .. } | State::Active { .. } => false,
    }
}
