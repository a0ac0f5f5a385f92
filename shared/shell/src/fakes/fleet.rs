//! SSM and the hosts in memory: commands are really carried out, on hosts that do what the host script does
//! ([`super::FakeHost`]). What can go wrong is switched on by name.

use super::ManualClock;
use super::host::{Behaviour, FakeHost, Point};
use crate::ports::{Clock, Commands, Fleet, LookError, Order, Ping, ResolveError, Seen, SendError};
use longshore_core::{
    Action, AppName, CommandId, Commit, DocumentPin, Failure, FailureClass, Found, Heard, HostId,
    Millis, ParameterName, Release, Report, Timestamp, Token,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// What becomes of one script on one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptFault {
    /// It is killed there, with the agent. Nobody hears of it until [`FakeSsm::restart_agent`] runs it again.
    Killed(Point),
    /// It is killed there at its time limit, and SSM reports that.
    TimedOut(Point),
    /// It is not started before [`FakeSsm::restart_agent`].
    Late,
    /// The agent runs it twice; the second answer is reported.
    Twice,
    /// It runs to its end and its output is lost.
    OutputLost,
    /// It runs to its end and only the beginning of its output arrives.
    OutputCut,
}

#[derive(Debug, Default)]
struct Inner {
    hosts: BTreeMap<HostId, FakeHost>,
    behaviours: BTreeMap<Commit, Behaviour>,
    commands: BTreeMap<CommandId, (Order, Timestamp, BTreeMap<HostId, Report>)>,
    sent: Vec<Order>,
    answered: Vec<(CommandId, HostId)>,
    faults: VecDeque<SendFault>,
    script_faults: BTreeMap<HostId, VecDeque<ScriptFault>>,
    blind: u32,
    parameters: BTreeMap<ParameterName, u32>,
    resolve_failure: Option<Failure>,
    /// The tags of its hosts; without them they have whatever is asked for.
    tags: Option<BTreeMap<String, String>>,
    given_up: BTreeSet<(CommandId, HostId)>,
    terminated: BTreeSet<HostId>,
    clocks: BTreeMap<HostId, i64>,
    /// Over how many seconds the answers of one command come in; at once without it.
    spread_s: u64,
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

    /// Says what every host finds of a commit's migrations.
    pub fn judge(&self, commit: &Commit, found: &Found) {
        for host in self.lock().hosts.values_mut() {
            host.judgements.insert(commit.clone(), found.clone());
        }
    }

    /// What becomes of the next SendCommand calls, one each.
    pub fn fail_sends(&self, faults: impl IntoIterator<Item = SendFault>) {
        self.lock().faults.extend(faults);
    }

    /// What becomes of the next scripts that reach a host, one each.
    pub fn fail_scripts(&self, host: &HostId, faults: impl IntoIterator<Item = ScriptFault>) {
        let mut inner = self.lock();
        let waiting = inner.script_faults.entry(host.clone()).or_default();
        waiting.extend(faults);
    }

    /// The agent of a host starts again: it runs every command that has not answered, again or for the first time.
    pub fn restart_agent(&self, host: &HostId) {
        self.run_waiting(host, &self.command_ids());
    }

    /// SSM gives up on the commands that a host has not answered, and reports that it could not deliver them. The agent may
    /// run them all the same when it starts again; nobody hears of that.
    pub fn give_up_on(&self, host: &HostId) {
        let mut inner = self.lock();
        let waiting = inner.commands.iter().filter(|(_, (order, _, reports))| {
            order.hosts.contains(host) && !reports.contains_key(host)
        });
        let ids: Vec<CommandId> = waiting.map(|(id, _)| id.clone()).collect();
        for id in ids {
            let lost = Report::Lost(FailureClass::DeliveryTimedOut);
            inner.file(&id, host, lost);
            inner.given_up.insert((id, host.clone()));
        }
    }

    /// A host is terminated, for good.
    pub fn terminate(&self, host: &HostId) {
        self.put(host, true);
        self.lock().terminated.insert(host.clone());
    }

    /// The hosts that were terminated.
    #[must_use]
    pub fn terminated(&self) -> BTreeSet<HostId> {
        self.lock().terminated.clone()
    }

    /// Sets a host's clock ahead of SSM's, or behind it.
    pub fn set_clock(&self, host: &HostId, ahead_ms: i64) {
        self.lock().clocks.insert(host.clone(), ahead_ms);
    }

    /// Changes a host: puts something in its way, crashes its app, starts it again.
    pub fn change_host(&self, host: &HostId, change: impl FnOnce(&mut FakeHost)) {
        if let Some(host) = self.lock().hosts.get_mut(host) {
            change(host);
        }
    }

    /// The app's processes on a host crash, and its process manager starts them again.
    pub fn crash(&self, host: &HostId) {
        let Inner {
            hosts, behaviours, ..
        } = &mut *self.lock();
        if let Some(host) = hosts.get_mut(host) {
            host.crash(&|release| behaviour_of(behaviours, release));
        }
    }

    /// How a release behaves on the hosts.
    #[must_use]
    pub fn behaviour(&self, release: &Release) -> Behaviour {
        behaviour_of(&self.lock().behaviours, release)
    }

    /// From here on the answers to a command come in over so many seconds.
    pub fn answer_within(&self, seconds: u64) {
        self.lock().spread_s = seconds;
    }

    /// The next so many looks at SSM fail.
    pub fn blind(&self, looks: u32) {
        self.lock().blind = looks;
    }

    /// A host is born, with nothing on its disk.
    pub fn bear(&self, host: &HostId) {
        self.lock().hosts.entry(host.clone()).or_default();
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

    /// Gives all its hosts these tags, and no others.
    pub fn tag_hosts(&self, tags: &BTreeMap<String, String>) {
        self.lock().tags = Some(tags.clone());
    }

    /// From here on nothing goes wrong by itself: what was still to go wrong with sends, looks and scripts is forgotten, and
    /// every clock is right.
    pub fn stop_failing(&self) {
        let mut inner = self.lock();
        inner.faults.clear();
        inner.script_faults.clear();
        inner.clocks.clear();
        inner.blind = 0;
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
        let mut inner = self.lock();
        let gone = inner.terminated.contains(host);
        if let Some(host) = inner.hosts.get_mut(host) {
            host.offline = offline || gone;
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
        let unheard = self.given_up.contains(&(id.clone(), host.clone()));
        if !order.hosts.contains(host) || (reports.contains_key(host) && !unheard) {
            return;
        }
        let order = order.clone();
        let ahead = self.clocks.get(host).copied().unwrap_or(0);
        let host_now = Timestamp::from_unix_ms(now.as_unix_ms().saturating_add_signed(ahead));
        let Some(report) = self.run(&order, host, host_now) else {
            return;
        };
        if unheard {
            self.given_up.remove(&(id.clone(), host.clone()));
        } else {
            self.file(id, host, report);
        }
    }

    /// Files the last word about one host of a command.
    fn file(&mut self, id: &CommandId, host: &HostId, report: Report) {
        self.answered.push((id.clone(), host.clone()));
        if let Some((_, _, reports)) = self.commands.get_mut(id) {
            reports.insert(host.clone(), report);
        }
    }

    /// What SSM hears of a command that reaches a host; `None` while it hears nothing.
    fn run(&mut self, order: &Order, id: &HostId, now: Timestamp) -> Option<Report> {
        let behaviours = &self.behaviours;
        let of = |release: &Release| behaviour_of(behaviours, release);
        let host = self.hosts.get_mut(id)?;
        if host.offline {
            return None;
        }
        let faults = self.script_faults.get_mut(id);
        let fault = faults.and_then(VecDeque::pop_front);
        let mut run = |killed_at| host.run(order, now, &of, killed_at);
        match fault {
            None => run(None).map(|answer| answer.report()),
            Some(ScriptFault::Late) => None,
            Some(ScriptFault::Killed(point)) => run(Some(point)).map(|answer| answer.report()),
            Some(ScriptFault::TimedOut(point)) => {
                let timed_out = Report::Lost(FailureClass::ExecutionTimedOut);
                Some(run(Some(point)).map_or(timed_out, |answer| answer.report()))
            }
            Some(ScriptFault::Twice) => {
                run(None);
                run(None).map(|answer| answer.report())
            }
            Some(ScriptFault::OutputLost) => run(None).map(|_| no_answer("no output")),
            Some(ScriptFault::OutputCut) => run(None).map(|_| no_answer(CUT)),
        }
    }
}

/// The beginning of an answer, which is no answer.
const CUT: &str = r#"{"longshore":1,"token":""#;

fn no_answer(output: &str) -> Report {
    Report::Failed(Failure::with_detail(FailureClass::NoAnswer, output))
}

/// How long a host says that it took: each host has a pace of its own, and what reached nobody has no time.
fn took(action: Action, host: &HostId, report: &Report) -> Option<Millis> {
    let told = match report {
        Report::Done { .. } => true,
        Report::Failed(failure) => failure.class != FailureClass::NoAnswer,
        Report::Lost(_) => false,
    };
    let base: u64 = match action {
        Action::Prepare => 30_000,
        Action::Migrate | Action::Unmigrate => 8_000,
        Action::Activate => 2_000,
        Action::Status | Action::Prune => 100,
    };
    let last = host.as_str().bytes().rev().take(3);
    let pace = last.fold(0_u64, |sum, digit| {
        sum.wrapping_mul(7).wrapping_add(digit.into())
    });
    told.then(|| Millis::new(base.saturating_add(pace.saturating_mul(10))))
}

fn behaviour_of(behaviours: &BTreeMap<Commit, Behaviour>, release: &Release) -> Behaviour {
    let known = behaviours.get(&release.commit).copied();
    known.unwrap_or(Behaviour::Good)
}

#[expect(clippy::expect_used, reason = "a UUID by construction, in a fake")]
fn command_id(number: usize) -> CommandId {
    let text = format!("00000000-0000-4000-8000-{number:012x}");
    CommandId::parse(&text).expect("a UUID")
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

    async fn reports(&self, command: &CommandId) -> Result<Vec<Heard>, LookError> {
        let inner = self.look()?;
        let (spread, now) = (inner.spread_s, self.clock.now());
        let known = inner.commands.get(command);
        let known = known.map(|(order, at, reports)| {
            let passed = now.since(*at).as_ms() / 1_000;
            // The hosts of a command answer one after the other, the last when the time is over.
            let place = |host: &HostId| order.hosts.iter().position(|h| h == host).unwrap_or(0);
            let count = order.hosts.len().max(1);
            let late = move |host: &HostId| {
                let place = u64::try_from(place(host)).unwrap_or(0);
                let count = u64::try_from(count).unwrap_or(1);
                spread.saturating_mul(place).div_euclid(count) > passed
            };
            let action = order.action();
            let there = reports.iter().filter(move |(host, _)| !late(host));
            there.map(move |(host, report)| Heard {
                host: host.clone(),
                report: report.clone(),
                took: took(action, host, report),
            })
        });
        Ok(known.into_iter().flatten().collect())
    }
}

impl Fleet for FakeSsm {
    async fn hosts(
        &self,
        _app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<HostId>, ResolveError> {
        let inner = self.lock();
        if let Some(failure) = &inner.resolve_failure {
            return Err(ResolveError::Failed(failure.clone()));
        }
        if inner.tags.as_ref().is_some_and(|own| own != tags) {
            return Ok(Vec::new());
        }
        let there = inner.hosts.keys();
        let there = there.filter(|host| !inner.terminated.contains(*host));
        Ok(there.cloned().collect())
    }

    async fn online(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<HostId>, ResolveError> {
        let mut hosts = self.hosts(app, tags).await?;
        let inner = self.lock();
        hosts.retain(|host| inner.hosts.get(host).is_some_and(|host| !host.offline));
        Ok(hosts)
    }

    async fn seen(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<Seen>, ResolveError> {
        let hosts = self.hosts(app, tags).await?;
        let inner = self.lock();
        let seen = hosts.into_iter().map(|host| {
            let offline = inner.hosts.get(&host).is_some_and(|host| host.offline);
            Seen {
                ping: if offline {
                    Ping::ConnectionLost
                } else {
                    Ping::Online
                },
                agent: "3.3.2746.0".to_owned(),
                host,
            }
        });
        Ok(seen.collect())
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
