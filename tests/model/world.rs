//! A state of the model: the table, SSM, the hosts, and the handlers that are at work.

use crate::host::{Delivery, Host, Taken};
use crate::kept::Kept;
use crate::setup::{NOW, Setup, host_id};
use crate::shell::{self, Handler};
use crate::times::{self, earlier};
use longshore_core::{
    Announcement, Ask, Commit, Decision, Deployment, DeploymentId, HostId, PlanDigest, Release,
    Slot, State, Timestamp, Token,
};
use std::collections::{BTreeMap, BTreeSet};

/// The number of a push, and of the deployment that it brings.
pub(crate) type Push = usize;

/// A state of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// The table's deployments, by their push. Versions are not counted: a write drops every handler that names an older
    /// one, as it would lose its race.
    pub(crate) deployments: Vec<Option<Kept<Deployment>>>,
    /// The table's slot.
    pub(crate) slot: Kept<Slot>,
    /// The table's decisions, by push.
    pub(crate) decisions: Kept<Vec<Option<Decision>>>,
    /// What SSM has taken, in the order of the tokens.
    pub(crate) ssm: Vec<Kept<Taken>>,
    /// The hosts, in the order of their ids.
    pub(crate) hosts: Vec<Kept<Host>>,
    /// Handlers at work. They have no names, so their order does not matter and is that of their hashes.
    pub(crate) handlers: Vec<Kept<Handler>>,
    /// Faults that may still happen.
    pub(crate) faults: u8,
    /// What people may still do.
    pub(crate) operations: BTreeSet<crate::setup::Operation>,
    /// What no part of the product sees: the facts that properties are about.
    pub(crate) facts: Kept<Facts>,
}

/// What really happened, told by the model and not by the product.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Facts {
    /// The release that was proven last.
    pub(crate) proven: Option<Release>,
    /// Messages that were delivered.
    pub(crate) told: BTreeSet<(Push, u32)>,
    /// Whether an activation was proven by a run after one in which the agent had died.
    pub(crate) repeated: bool,
    /// Commits that a person has let in again.
    pub(crate) cleared: BTreeSet<Commit>,
    /// What must never happen and has, by the property that says so.
    pub(crate) broken: BTreeSet<&'static str>,
}

impl World {
    /// The beginning.
    pub(crate) fn new(setup: &Setup) -> Self {
        let slot = setup.slot();
        let live = slot.live.as_ref().map(|live| live.release.clone());
        let host = Host::new(live.as_ref().map(Release::id));
        let hosts = setup.host_ids().into_iter();
        Self {
            deployments: vec![None; setup.pushes.len()],
            slot: Kept::new(slot),
            decisions: Kept::new(vec![None; setup.pushes.len()]),
            ssm: Vec::new(),
            hosts: hosts.map(|_| Kept::new(host.clone())).collect(),
            handlers: Vec::new(),
            faults: setup.faults,
            operations: setup.operations.iter().copied().collect(),
            facts: Kept::new(Facts {
                proven: live,
                ..Facts::default()
            }),
        }
    }

    /// The deployments that there are.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Deployment> {
        self.deployments.iter().flatten().map(|kept| &**kept)
    }

    /// The one with this id.
    pub(crate) fn by_id(&self, id: &DeploymentId) -> Option<&Deployment> {
        self.all().find(|deployment| deployment.id == *id)
    }

    /// Notes that something has happened that never may.
    pub(crate) fn broke(&mut self, property: &'static str) {
        self.facts.change(|facts| facts.broken.insert(property));
    }

    /// What has become of a command on a host.
    pub(crate) fn taken(&self, command: usize, host: &HostId) -> Option<&Delivery> {
        self.ssm.get(command)?.hosts.get(host)
    }

    /// The next instant at which anything can differ.
    pub(crate) fn next_instant(&self, setup: &Setup) -> Option<Timestamp> {
        let half = setup.half();
        let deployments = self.all().filter_map(times::next_instant);
        let handlers = self
            .handlers
            .iter()
            .filter_map(|handler| handler.claimed_at())
            .map(|at| at.after(half));
        let lock = self.slot.lock.iter().map(|lock| lock.expires_at);
        let late = self.ssm.iter().map(|taken| taken.not_after);
        let times = deployments.chain(handlers).chain(lock).chain(late);
        times.fold(None, earlier)
    }

    /// Lets the clock go on to an instant.
    pub(crate) fn pass(&mut self, setup: &Setup, to: Timestamp) {
        let by = to.since(NOW);
        for deployment in self.deployments.iter_mut().flatten() {
            times::pass_in(setup, deployment, by);
        }
        for handler in &mut self.handlers {
            handler.change(|handler| handler.pass(setup, by));
        }
        for taken in &mut self.ssm {
            if taken.not_after > NOW {
                taken.change(|taken| times::pass(times::Kind::Coming, &mut taken.not_after, by));
            }
        }
        if self.slot.lock.is_some() {
            self.slot.change(|slot| {
                if let Some(lock) = &mut slot.lock {
                    times::pass(times::Kind::Coming, &mut lock.expires_at, by);
                }
            });
        }
    }

    /// Puts the state into the one form that stands for all that cannot be told apart: what can have no effect any more is
    /// left out, what has no order is sorted.
    pub(crate) fn settle(&mut self, setup: &Setup) {
        self.drop_idle_handlers(setup);
        if self.slot.lock.as_ref().is_some_and(|l| l.expires_at <= NOW) {
            self.slot.change(|slot| slot.lock = None);
        }
        for taken in &mut self.ssm {
            if let Some(next) = settled(taken, &self.deployments, &self.hosts, setup) {
                *taken = Kept::new(next);
            }
        }
        self.ssm.retain(|taken| !taken.hosts.is_empty());
        self.forget_entries();
        self.handlers.sort_by_key(Kept::hash);
    }

    /// A handler that has only words left that nobody listens to any more can be gone.
    fn drop_idle_handlers(&mut self, setup: &Setup) {
        let deployments = &self.deployments;
        let handlers = std::mem::take(&mut self.handlers).into_iter();
        let left = handlers.filter_map(|handler| shell::awake(handler, deployments, setup));
        self.handlers = left.collect();
    }

    /// The ledger's entry of a command that no agent can run again is never read again.
    fn forget_entries(&mut self) {
        for (index, host) in self.hosts.iter_mut().enumerate() {
            let id = host_id(u32::try_from(index).unwrap() + 1);
            let of = |taken: &Taken, token: &Token| {
                taken.token == *token && taken.hosts.contains_key(&id)
            };
            let there = |token: &Token| self.ssm.iter().any(|taken| of(taken, token));
            if !host.entries.keys().all(there) {
                host.change(|host| host.entries.retain(|token, _| there(token)));
            }
        }
    }
}

/// A command without what can have no effect any more; `None` when it stays as it is.
fn settled(
    taken: &Taken,
    deployments: &[Option<Kept<Deployment>>],
    hosts: &[Kept<Host>],
    setup: &Setup,
) -> Option<Taken> {
    let commands = || deployments.iter().flatten().flat_map(|d| d.commands());
    let asked = commands().find(|command| command.token == taken.token);
    let waits = |id: &HostId| asked.is_some_and(|command| command.hosts.contains(id));
    let asks = deployments.iter().flatten().filter_map(|d| ask_of(d));
    let open = asks.into_iter().any(|ask| taken.belongs_to(ask));
    let left = |id: &HostId, delivery: &Delivery| match delivery {
        _ if waits(id) => Some(delivery.clone()),
        Delivery::Waiting | Delivery::Answered(_) | Delivery::Unheard if open => {
            Some(Delivery::Unheard)
        }
        _ => hosts[index_of(id)]
            .would_change(setup, taken)
            .then_some(Delivery::Loose),
    };
    let next: BTreeMap<HostId, Delivery> = taken
        .hosts
        .iter()
        .filter_map(|(id, delivery)| Some((id.clone(), left(id, delivery)?)))
        .collect();
    (next != taken.hosts).then(|| Taken {
        hosts: next,
        ..taken.clone()
    })
}

fn ask_of(deployment: &Deployment) -> Option<&Ask> {
    match &deployment.state {
        State::Active { phase, .. } => phase.ask(),
        State::AwaitingApproval { .. } | State::Queued { .. } | State::Ended { .. } => None,
    }
}

/// The plan that people are asked about.
pub(crate) fn plan_of(world: &World, push: Push) -> Option<PlanDigest> {
    let deployment = world.deployments[push].as_ref()?;
    let asked = deployment.approval.as_ref();
    asked.map(|asked| asked.plan.clone())
}

/// The place of a host.
pub(crate) fn index_of(id: &HostId) -> usize {
    let digits = id.as_str().trim_start_matches("i-").trim_start_matches('0');
    usize::from_str_radix(digits, 16).unwrap() - 1
}

/// Whether a deployment is over.
pub(crate) const fn is_over(deployment: &Deployment) -> bool {
    matches!(deployment.state, State::Ended { .. })
}

/// A message that may be claimed now.
pub(crate) fn free_message(deployment: &Deployment) -> Option<&Announcement> {
    deployment.announcements.iter().find(|a| a.is_free(NOW))
}
