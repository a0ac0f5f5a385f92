//! SSM and the hosts in memory: commands are really carried out, on hosts that follow the rules of the host script's
//! ledger. What can go wrong is switched on by name.

use super::ManualClock;
use crate::ports::{Clock, Commands, Fleet, LookError, Order, ResolveError, SendError};
use longshore_core::{
    Action, AppName, CommandId, Commit, DocumentPin, Failure, FailureClass, Generation, HostId,
    ParameterName, Release, ReleaseId, Report, Timestamp, Token,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a commit behaves on the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It installs, builds, migrates, starts and is healthy.
    Good,
    /// Its build fails.
    BuildFails,
    /// Its migration fails.
    MigrationFails,
    /// It starts and fails its health check at once.
    HealthFails,
    /// It passes its activation and turns sick afterwards.
    TurnsSick,
    /// The old process keeps answering after the switch.
    OldProcessAnswers,
}

/// What becomes of one SendCommand call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendFault {
    /// SSM has the command, but the answer is lost.
    ReplyLost,
    /// The request is lost; SSM does not have the command.
    RequestLost,
    /// SSM is throttling.
    Throttled,
    /// SSM refuses.
    Refused(FailureClass),
}

/// One host: what its ledger, its disk and its process manager hold.
#[derive(Clone, Debug, Default)]
pub struct FakeHost {
    /// The highest generation it has seen.
    pub generation: Generation,
    /// Releases on its disk.
    pub prepared: BTreeSet<ReleaseId>,
    /// What `current` points to.
    pub current: Option<Release>,
    /// What answers on its loopback.
    pub served: Option<Release>,
    /// How often an activation took effect, by generation.
    pub activations: BTreeMap<Generation, u32>,
    /// Every switch that took effect, in its order.
    pub switches: Vec<(Generation, Release)>,
    /// Finished tokens with their answers.
    pub ledger: BTreeMap<String, Report>,
    /// Whether commands reach it.
    pub offline: bool,
}

#[derive(Debug, Default)]
struct Inner {
    hosts: BTreeMap<HostId, FakeHost>,
    behaviours: BTreeMap<Commit, Behaviour>,
    commands: BTreeMap<CommandId, (Order, Timestamp, BTreeMap<HostId, Report>)>,
    sent: Vec<Order>,
    answered: Vec<(CommandId, HostId)>,
    faults: VecDeque<SendFault>,
    blind: u32,
    parameters: BTreeMap<ParameterName, u32>,
    resolve_failure: Option<Failure>,
}

/// SSM and a fleet of hosts in memory.
#[derive(Clone, Debug)]
pub struct FakeSsm {
    clock: ManualClock,
    inner: Arc<Mutex<Inner>>,
}

impl FakeSsm {
    /// A fleet of hosts that have never run anything.
    #[must_use]
    pub fn new(clock: ManualClock, hosts: &[HostId]) -> Self {
        let inner = Inner {
            hosts: hosts
                .iter()
                .map(|host| (host.clone(), FakeHost::default()))
                .collect(),
            ..Inner::default()
        };
        Self {
            clock,
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Says how a commit behaves; commits are good until told otherwise.
    pub fn behave(&self, commit: &Commit, behaviour: Behaviour) {
        self.lock().behaviours.insert(commit.clone(), behaviour);
    }

    /// What becomes of the next SendCommand calls, one each.
    pub fn fail_sends(&self, faults: impl IntoIterator<Item = SendFault>) {
        self.lock().faults.extend(faults);
    }

    /// The next so many looks at SSM fail.
    pub fn blind(&self, looks: u32) {
        self.lock().blind = looks;
    }

    /// Takes a host off the network, or puts it back; a host that comes back runs what waits for it.
    pub fn set_offline(&self, host: &HostId, offline: bool) {
        self.put(host, offline);
        if !offline {
            self.run_waiting(host, &self.command_ids());
        }
    }

    /// Puts a host back that runs what waits for it in the wrong order, the newest command first.
    pub fn come_back_newest_first(&self, host: &HostId) {
        self.put(host, false);
        let newest_first: Vec<CommandId> = self.command_ids().into_iter().rev().collect();
        self.run_waiting(host, &newest_first);
    }

    /// The app's parameters.
    pub fn set_parameter(&self, name: &ParameterName, version: u32) {
        self.lock().parameters.insert(name.clone(), version);
    }

    /// Makes what a start needs unavailable, or available again.
    pub fn refuse_to_resolve(&self, failure: Option<Failure>) {
        self.lock().resolve_failure = failure;
    }

    /// Every order that SSM has taken, in its order.
    #[must_use]
    pub fn sent(&self) -> Vec<Order> {
        self.lock().sent.clone()
    }

    /// Every command's id.
    #[must_use]
    pub fn command_ids(&self) -> Vec<CommandId> {
        self.lock().commands.keys().cloned().collect()
    }

    /// The answers of hosts after the first so many, in their order.
    #[must_use]
    pub fn answered_after(&self, known: usize) -> Vec<(CommandId, HostId)> {
        self.lock().answered.iter().skip(known).cloned().collect()
    }

    /// The hosts as they are.
    #[must_use]
    pub fn hosts_now(&self) -> BTreeMap<HostId, FakeHost> {
        self.lock().hosts.clone()
    }

    fn put(&self, host: &HostId, offline: bool) {
        if let Some(host) = self.lock().hosts.get_mut(host) {
            host.offline = offline;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, order: &Order) -> CommandId {
        let now = self.clock.now();
        let mut inner = self.lock();
        let id = command_id(inner.commands.len());
        inner.sent.push(order.clone());
        let taken = (order.clone(), now, BTreeMap::new());
        inner.commands.insert(id.clone(), taken);
        for host in &order.hosts {
            inner.deliver(&id, host, now);
        }
        id
    }

    fn run_waiting(&self, host: &HostId, ids: &[CommandId]) {
        let now = self.clock.now();
        let mut inner = self.lock();
        for id in ids {
            inner.deliver(id, host, now);
        }
    }

    fn look(&self) -> Result<MutexGuard<'_, Inner>, LookError> {
        let mut inner = self.lock();
        if inner.blind > 0 {
            inner.blind = inner.blind.saturating_sub(1);
            return Err(LookError("blinded".into()));
        }
        Ok(inner)
    }
}

impl Inner {
    /// Gives a command to one of its hosts, unless it has answered already or is offline.
    fn deliver(&mut self, id: &CommandId, host: &HostId, now: Timestamp) {
        let Some((order, _, reports)) = self.commands.get(id) else {
            return;
        };
        if !order.hosts.contains(host) || reports.contains_key(host) {
            return;
        }
        let order = order.clone();
        let Some(report) = self.run(&order, host, now) else {
            return;
        };
        self.answered.push((id.clone(), host.clone()));
        if let Some((_, _, reports)) = self.commands.get_mut(id) {
            reports.insert(host.clone(), report);
        }
    }

    /// What the host script does. `None` while the host is offline.
    fn run(&mut self, order: &Order, id: &HostId, now: Timestamp) -> Option<Report> {
        let behaviours = &self.behaviours;
        let of = |release: &Release| behaviours.get(&release.commit).copied();
        let host = self.hosts.get_mut(id)?;
        if host.offline {
            return None;
        }
        let token = order.token.to_string();
        if let Some(report) = host.ledger.get(&token) {
            return Some(report.clone());
        }
        if now > order.not_after {
            return Some(Report::Failed(Failure::of(FailureClass::Expired)));
        }
        if order.token.generation < host.generation {
            return Some(Report::Failed(Failure::of(FailureClass::Superseded)));
        }
        let behaviour = of(&order.release).unwrap_or(Behaviour::Good);
        let report = match order.action() {
            Action::Status => return Some(host.status(host.served.as_ref().and_then(of))),
            Action::Prune => quiet(),
            Action::Prepare => host.prepare(order, behaviour),
            Action::Migrate => migrate(behaviour),
            Action::Activate => host.activate(order, behaviour),
        };
        host.generation = order.token.generation;
        host.ledger.insert(token, report.clone());
        Some(report)
    }
}

impl FakeHost {
    fn status(&self, behaviour: Option<Behaviour>) -> Report {
        let sick = matches!(
            behaviour,
            Some(Behaviour::HealthFails | Behaviour::TurnsSick)
        );
        Report::Done {
            served: self.served.as_ref().map(Release::id),
            healthy: !sick,
        }
    }

    fn prepare(&mut self, order: &Order, behaviour: Behaviour) -> Report {
        if behaviour == Behaviour::BuildFails {
            return broken(FailureClass::BuildFailed);
        }
        self.prepared.insert(order.release.id());
        quiet()
    }

    fn activate(&mut self, order: &Order, behaviour: Behaviour) -> Report {
        if !self.prepared.contains(&order.release.id()) {
            return Report::Failed(Failure::of(FailureClass::ReleaseMissing));
        }
        let release = order.release.clone();
        if self.current.as_ref() != Some(&release) {
            let generation = order.token.generation;
            let count = self.activations.entry(generation).or_default();
            *count = count.saturating_add(1);
            self.switches.push((generation, release.clone()));
        }
        self.current = Some(release.clone());
        if behaviour == Behaviour::OldProcessAnswers {
            return Report::Done {
                served: self.served.as_ref().map(Release::id),
                healthy: true,
            };
        }
        self.served = Some(release);
        if behaviour == Behaviour::HealthFails {
            return broken(FailureClass::HealthFailed);
        }
        Report::Done {
            served: self.served.as_ref().map(Release::id),
            healthy: true,
        }
    }
}

#[expect(clippy::expect_used, reason = "a UUID by construction, in a fake")]
fn command_id(number: usize) -> CommandId {
    let text = format!("00000000-0000-4000-8000-{number:012x}");
    CommandId::parse(&text).expect("a UUID")
}

fn migrate(behaviour: Behaviour) -> Report {
    if behaviour == Behaviour::MigrationFails {
        broken(FailureClass::MigrationFailed)
    } else {
        quiet()
    }
}

const fn quiet() -> Report {
    Report::Done {
        served: None,
        healthy: false,
    }
}

fn broken(class: FailureClass) -> Report {
    Report::Failed(Failure::with_detail(class, "Error: it broke"))
}

impl Commands for FakeSsm {
    async fn send(&self, order: &Order) -> Result<CommandId, SendError> {
        let fault = self.lock().faults.pop_front();
        match fault {
            None => Ok(self.take(order)),
            Some(SendFault::ReplyLost) => {
                self.take(order);
                Err(SendError::Unknown("the reply was lost".into()))
            }
            Some(SendFault::RequestLost) => Err(SendError::Unknown("the request was lost".into())),
            Some(SendFault::Throttled) => Err(SendError::Throttled),
            Some(SendFault::Refused(class)) => Err(SendError::Refused(Failure::of(class))),
        }
    }

    async fn find(&self, token: &Token, since: Timestamp) -> Result<Option<CommandId>, LookError> {
        let inner = self.look()?;
        let found = inner
            .commands
            .iter()
            .find(|(_, (order, at, _))| order.token == *token && *at >= since);
        Ok(found.map(|(id, _)| id.clone()))
    }

    async fn token_of(&self, command: &CommandId) -> Result<Option<Token>, LookError> {
        let inner = self.look()?;
        let found = inner.commands.get(command);
        Ok(found.map(|(order, _, _)| order.token.clone()))
    }

    async fn reports(&self, command: &CommandId) -> Result<Vec<(HostId, Report)>, LookError> {
        let inner = self.look()?;
        let reports = inner.commands.get(command).map(|(_, _, reports)| reports);
        let list = reports.into_iter().flatten();
        Ok(list
            .map(|(host, report)| (host.clone(), report.clone()))
            .collect())
    }
}

impl Fleet for FakeSsm {
    async fn hosts(
        &self,
        _app: &AppName,
        _tags: &BTreeMap<String, String>,
    ) -> Result<Vec<HostId>, ResolveError> {
        let inner = self.lock();
        if let Some(failure) = &inner.resolve_failure {
            return Err(ResolveError::Failed(failure.clone()));
        }
        Ok(inner.hosts.keys().cloned().collect())
    }

    async fn parameters(
        &self,
        _app: &AppName,
    ) -> Result<BTreeMap<ParameterName, u32>, ResolveError> {
        Ok(self.lock().parameters.clone())
    }

    async fn document(&self) -> Result<DocumentPin, ResolveError> {
        Ok(DocumentPin {
            version: "1".to_owned(),
            hash: "0".repeat(64),
        })
    }
}
