//! An app's history: page by page, and only what is asked for. The index knows the order of an app's deployments and nothing else of
//! them, so that whoever asks for some has them looked through: so many in one answer, with a cursor that says how far it came.

use crate::asked::Page;
use crate::{Office, read, view};
use futures_util::future::join_all;
use longshore_contract as contract;
use longshore_contract::Refusal;
use longshore_core::{AppName, Deployment, DeploymentId, HostId, Millis, Timestamp};
use longshore_insight::Filter;
use longshore_shell::ports::{Ids, Store};
use std::collections::VecDeque;

/// As many deployments as one answer looks through for what is asked for. Each is read for itself.
pub const LOOKED_MAX: u32 = 200;

/// As many ids as are asked of the index at once while deployments are looked through.
const CHUNK: u32 = 50;

/// Reads that are under way at once. Whoever stops in between has read at most seven in vain.
const READS_AT_ONCE: usize = 8;

/// By so much the order of ids may differ from that of the times of acceptance: each function has a clock of its own.
pub(crate) const SKEW: Millis = Millis::from_secs(60);

/// Deployments of an app that are asked for, the newest first.
///
/// # Errors
/// [`contract::ErrorWord::NoSuchApp`], [`contract::ErrorWord::Unavailable`].
pub async fn history<O: Office>(
    office: &O,
    app: &AppName,
    page: &Page,
    filter: &Filter,
) -> Result<contract::History, Refusal> {
    let chunk = if filter.is_open() { page.limit } else { CHUNK };
    let before = page.before.clone();
    let before = before.or_else(|| first_before(office, filter.until));
    let mut walk = Walk::new(office, app, before, chunk);
    let mut deployments = Vec::new();
    let wanted = usize::try_from(page.limit).unwrap_or(usize::MAX);
    while walk.looked < LOOKED_MAX && deployments.len() < wanted {
        let Some(deployment) = walk.next().await? else {
            break;
        };
        if filter
            .since
            .is_some_and(|since| is_before(&deployment, since))
        {
            walk.end();
            break;
        }
        if filter.takes(&deployment) {
            deployments.push(summary(&deployment, filter.host.as_ref()));
        }
    }
    if walk.looked == 0 && page.before.is_none() {
        is_an_app(office, app).await?;
    }
    let looked = contract::Looked {
        at: walk.looked,
        back_to: walk.back_to.map(view::time),
    };
    Ok(contract::History {
        deployments,
        before: walk.rest().map(|id| id.to_string()),
        looked: (!filter.is_open()).then_some(looked),
    })
}

fn summary(deployment: &Deployment, host: Option<&HostId>) -> contract::DeploymentSummary {
    contract::DeploymentSummary {
        host: host.and_then(|host| view::verdict_of(deployment, host)),
        ..view::summary(deployment)
    }
}

/// An app without a configuration may have a history; one with neither is none.
pub(crate) async fn is_an_app<O: Office>(office: &O, app: &AppName) -> Result<(), Refusal> {
    let any = office.store().history(app, None, 1).await;
    if any.map_err(|error| read::unread(&error))?.is_empty() {
        read::find(office, app).await?;
    }
    Ok(())
}

/// Where to enter a history for what was accepted before a time, by the time that ids begin with.
pub(crate) fn first_before<O: Office>(
    office: &O,
    until: Option<Timestamp>,
) -> Option<DeploymentId> {
    office.ids().first_at(until?.after(SKEW))
}

/// Whether this one, and with it all that have lower ids, was accepted before a time.
pub(crate) fn is_before(deployment: &Deployment, since: Timestamp) -> bool {
    deployment.origin.at.after(SKEW) < since
}

/// A way back through an app's history.
pub(crate) struct Walk<'a, O> {
    office: &'a O,
    app: &'a AppName,
    chunk: u32,
    /// The last one that was looked at, or where it was entered.
    before: Option<DeploymentId>,
    ids: VecDeque<DeploymentId>,
    /// Those of them that are read and were not looked at.
    read: VecDeque<(DeploymentId, Option<Deployment>)>,
    /// Whether the index has nothing more.
    is_over: bool,
    /// How many were looked at.
    pub(crate) looked: u32,
    /// When the last of them was accepted.
    pub(crate) back_to: Option<Timestamp>,
}

impl<'a, O: Office> Walk<'a, O> {
    pub(crate) const fn new(
        office: &'a O,
        app: &'a AppName,
        before: Option<DeploymentId>,
        chunk: u32,
    ) -> Self {
        Self {
            office,
            app,
            chunk,
            before,
            ids: VecDeque::new(),
            read: VecDeque::new(),
            is_over: false,
            looked: 0,
            back_to: None,
        }
    }

    /// The next older one; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Deployment>, Refusal> {
        loop {
            if self.read.is_empty() {
                self.read_some().await?;
            }
            let Some((id, read)) = self.read.pop_front() else {
                return Ok(None);
            };
            self.before = Some(id);
            self.looked = self.looked.saturating_add(1);
            if let Some(deployment) = read {
                self.back_to = Some(deployment.origin.at);
                return Ok(Some(deployment));
            }
        }
    }

    /// Reads the next few, all at once.
    async fn read_some(&mut self) -> Result<(), Refusal> {
        if self.ids.is_empty() && !self.is_over {
            self.fetch().await?;
        }
        let some = self.ids.len().min(READS_AT_ONCE);
        let some: Vec<DeploymentId> = self.ids.drain(..some).collect();
        let store = self.office.store();
        let reads = join_all(some.iter().map(|id| store.deployment(id))).await;
        for (id, read) in some.into_iter().zip(reads) {
            let read = read.map_err(|error| read::unread(&error))?;
            self.read.push_back((id, read));
        }
        Ok(())
    }

    async fn fetch(&mut self) -> Result<(), Refusal> {
        let store = self.office.store();
        let ids = store.history(self.app, self.before.as_ref(), self.chunk);
        let ids = ids.await.map_err(|error| read::unread(&error))?;
        self.is_over = !u32::try_from(ids.len()).is_ok_and(|found| found >= self.chunk);
        self.ids = ids.into();
        Ok(())
    }

    /// Nothing older is wanted.
    pub(crate) fn end(&mut self) {
        self.is_over = true;
        self.ids.clear();
        self.read.clear();
    }

    /// Where to go on; `None` at the end.
    pub(crate) fn rest(self) -> Option<DeploymentId> {
        let is_over = self.is_over && self.ids.is_empty() && self.read.is_empty();
        self.before.filter(|_| !is_over)
    }
}
