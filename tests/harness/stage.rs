//! Every port behind one stage, on which a handler can die before or after any call, or pause so that another handler comes
//! in between. A handler that dies is a future that is dropped: nothing after that call has happened.

use longshore_analysis::{AlarmState, ErrorLines};
use longshore_app_config::{AlarmName, CalendarName, ChangeCalendarName, LogGroup, Series};
use longshore_core::{
    AppName, Artifact, Changelog, CommandId, Commit, Decision, Deployment, DeploymentId,
    DocumentPin, Failure, Heard, HostId, MessageTs, Millis, ParameterName, Repository, Slot,
    Timestamp, Token,
};
use longshore_shell::announce::{Announce, AnnounceError, Letter, Reply};
use longshore_shell::ports::{
    Accept, Alarms, AppLogs, Artifacts, Belongs, Branches, CalendarError, Calendars, ChangeState,
    Commands, Configs, Configuration, Configured, DigestDue, DigestName, Entry, Fleet, Head,
    HeadError, LookAgain, LookError, Metrics, Order, Outside, PushKey, Recorded, Repositories,
    Request, ResolveError, Sample, Save, Seen, SendError, Sighting, Store, StoreError,
    Told as DigestTold, Wake, Window,
};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// On which side of a call something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Before it.
    Before,
    /// After it.
    After,
}

/// Every call that a handler makes of a port.
pub const CALLS: [&str; 33] = [
    "store.deployment",
    "store.slot",
    "store.decision",
    "store.deployment_of",
    "store.open",
    "store.skip",
    "store.accept",
    "store.save",
    "store.operate",
    "ssm.send",
    "ssm.find",
    "ssm.token_of",
    "ssm.reports",
    "fleet.hosts",
    "fleet.online",
    "fleet.parameters",
    "fleet.document",
    "artifacts.artifact",
    "configs.config",
    "configs.configurations",
    "calendars.file",
    "calendars.state",
    "branches.head",
    "branches.between",
    "outside.probe",
    "alarms.states",
    "metrics.samples",
    "app_logs.errors",
    "wake.later",
    "wake.confirm",
    "channels.publish",
    "channels.post",
    "channels.reply",
];

/// What happens around the calls of all ports.
#[derive(Clone, Debug, Default)]
pub struct Stage(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    calls: usize,
    dies_at: Option<(usize, Side)>,
    died: bool,
    pauses: bool,
    danger: Option<Danger>,
    deaths: BTreeMap<(&'static str, Side), u64>,
    under_way: BTreeMap<&'static str, UnderWay>,
    journal: Option<Vec<String>>,
}

/// Calls of one kind that are under way, and the most that there were at once.
#[derive(Clone, Copy, Debug, Default)]
struct UnderWay {
    now: usize,
    most: usize,
}

/// Deaths by chance, from a seed.
#[derive(Debug)]
struct Danger {
    seed: u64,
    one_in: u64,
}

/// What a handler does at one side of a call.
enum Cue {
    GoOn,
    Pause,
    Die,
}

impl Stage {
    /// The calls that have begun so far.
    pub fn calls(&self) -> usize {
        self.lock().calls
    }

    /// Whoever makes the call of this number dies.
    pub fn die_at(&self, call: usize, side: Side) {
        self.lock().dies_at = Some((call, side));
    }

    /// Whether a handler died since this was asked last.
    pub fn take_died(&self) -> bool {
        std::mem::take(&mut self.lock().died)
    }

    /// Lets handlers die by chance, in one of so many calls; not any more without.
    pub fn die_by_chance(&self, danger: Option<(u64, u64)>) {
        self.lock().danger = danger.map(|(seed, one_in)| Danger { seed, one_in });
    }

    /// Lets every handler pause before every call, or not.
    pub fn pause_everywhere(&self, pauses: bool) {
        self.lock().pauses = pauses;
    }

    /// How often a handler has died at each side of each call.
    pub fn deaths(&self) -> BTreeMap<(&'static str, Side), u64> {
        self.lock().deaths.clone()
    }

    /// Keeps the names of the calls from here on.
    pub fn keep_journal(&self) {
        self.lock().journal = Some(Vec::new());
    }

    /// The calls since this was asked last, and where a handler died; nothing unless a journal is kept.
    pub fn take_journal(&self) -> Vec<String> {
        let mut plan = self.lock();
        plan.journal
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap()
    }

    async fn call<T>(&self, name: &'static str, call: impl Future<Output = T>) -> T {
        let number = self.begin(name);
        self.cue(number, name, Side::Before).await;
        let answer = call.await;
        self.cue(number, name, Side::After).await;
        let mut plan = self.lock();
        if let Some(calls) = plan.under_way.get_mut(name) {
            calls.now = calls.now.saturating_sub(1);
        }
        answer
    }

    /// The most calls of a kind that were under way at once, as long as no handler has died.
    pub fn most_at_once(&self, name: &'static str) -> usize {
        self.lock()
            .under_way
            .get(name)
            .map_or(0, |calls| calls.most)
    }

    fn begin(&self, name: &'static str) -> usize {
        let mut plan = self.lock();
        if let Some(journal) = &mut plan.journal {
            journal.push(name.to_owned());
        }
        let calls = plan.under_way.entry(name).or_default();
        calls.now += 1;
        calls.most = calls.most.max(calls.now);
        plan.calls += 1;
        plan.calls - 1
    }

    async fn cue(&self, number: usize, name: &'static str, side: Side) {
        match self.at(number, name, side) {
            Cue::GoOn => {}
            Cue::Pause => Once(false).await,
            Cue::Die => std::future::pending().await,
        }
    }

    fn at(&self, number: usize, name: &'static str, side: Side) -> Cue {
        let mut plan = self.lock();
        let strikes = plan
            .danger
            .as_mut()
            .is_some_and(|danger| danger.strikes(name));
        if strikes || plan.dies_at == Some((number, side)) {
            plan.died = true;
            *plan.deaths.entry((name, side)).or_default() += 1;
            if let Some(journal) = &mut plan.journal {
                let side = if side == Side::Before {
                    "before"
                } else {
                    "after"
                };
                journal.push(format!("DIES {side} {name}"));
            }
            return Cue::Die;
        }
        if plan.pauses && side == Side::Before {
            return Cue::Pause;
        }
        Cue::GoOn
    }
}

/// Calls that few schedules make, after a push of which no delivery told, after a click and for a host that came late: a handler dies there more often, or
/// ten thousand schedules would not meet it.
const RARE: [&str; 3] = ["wake.confirm", "channels.reply", "fleet.online"];

impl Danger {
    fn strikes(&mut self, name: &str) -> bool {
        let one_in = if RARE.contains(&name) {
            self.one_in.min(3)
        } else {
            self.one_in
        };
        next_random(&mut self.seed).is_multiple_of(one_in)
    }
}

/// The next number of a seed (xorshift); a seed must not be zero.
pub fn next_random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
}

/// Pending once.
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        Poll::Pending
    }
}

/// Runs a future to its end; `None` when it died.
pub fn drive<F: Future>(stage: &Stage, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100_000 {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return Some(answer),
            Poll::Pending if stage.take_died() => return None,
            Poll::Pending => {}
        }
    }
    panic!("a handler waits for something that no port gives");
}

/// A port on the stage.
#[derive(Clone, Debug)]
pub struct Staged<T> {
    /// The port itself.
    pub port: T,
    stage: Stage,
}

impl<T> Staged<T> {
    pub(crate) fn new(port: T, stage: &Stage) -> Self {
        let stage = stage.clone();
        Self { port, stage }
    }
}

impl<T: Store + Send> Store for Staged<Arc<T>> {
    async fn deployment(&self, id: &DeploymentId) -> Result<Option<Deployment>, StoreError> {
        self.stage
            .call("store.deployment", self.port.deployment(id))
            .await
    }
    async fn slot(&self, app: &AppName) -> Result<Slot, StoreError> {
        self.stage.call("store.slot", self.port.slot(app)).await
    }
    async fn decision(&self, key: &PushKey) -> Result<Option<Decision>, StoreError> {
        self.stage
            .call("store.decision", self.port.decision(key))
            .await
    }
    async fn deployment_of(&self, command: &CommandId) -> Result<Option<Belongs>, StoreError> {
        self.stage
            .call("store.deployment_of", self.port.deployment_of(command))
            .await
    }
    async fn open(&self) -> Result<Vec<DeploymentId>, StoreError> {
        self.stage.call("store.open", self.port.open()).await
    }
    async fn history(
        &self,
        app: &AppName,
        before: Option<&DeploymentId>,
        limit: u32,
    ) -> Result<Vec<DeploymentId>, StoreError> {
        self.stage
            .call("store.history", self.port.history(app, before, limit))
            .await
    }
    async fn skip(
        &self,
        key: &PushKey,
        decision: &Decision,
        at: Timestamp,
    ) -> Result<Recorded, StoreError> {
        self.stage
            .call("store.skip", self.port.skip(key, decision, at))
            .await
    }
    async fn accept(&self, accept: Accept<'_>) -> Result<Recorded, StoreError> {
        self.stage
            .call("store.accept", self.port.accept(accept))
            .await
    }
    async fn save(&self, save: Save<'_>) -> Result<(), StoreError> {
        self.stage.call("store.save", self.port.save(save)).await
    }
    async fn operate(&self, slot: &Slot, entry: &Entry) -> Result<(), StoreError> {
        self.stage
            .call("store.operate", self.port.operate(slot, entry))
            .await
    }
    async fn told(&self, name: &DigestName) -> Result<DigestTold, StoreError> {
        self.stage.call("store.told", self.port.told(name)).await
    }
    async fn tell(&self, told: &DigestTold, at: Timestamp) -> Result<(), StoreError> {
        self.stage
            .call("store.tell", self.port.tell(told, at))
            .await
    }
    async fn entries(
        &self,
        app: &AppName,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        self.stage
            .call("store.entries", self.port.entries(app, before, limit))
            .await
    }
}

impl<T: Commands> Commands for Staged<T> {
    async fn send(&self, order: &Order) -> Result<CommandId, SendError> {
        self.stage.call("ssm.send", self.port.send(order)).await
    }
    async fn find(&self, token: &Token, since: Timestamp) -> Result<Option<CommandId>, LookError> {
        self.stage
            .call("ssm.find", self.port.find(token, since))
            .await
    }
    async fn token_of(&self, command: &CommandId) -> Result<Option<Token>, LookError> {
        self.stage
            .call("ssm.token_of", self.port.token_of(command))
            .await
    }
    async fn reports(&self, command: &CommandId) -> Result<Vec<Heard>, LookError> {
        self.stage
            .call("ssm.reports", self.port.reports(command))
            .await
    }
}

impl<T: Fleet> Fleet for Staged<T> {
    async fn hosts(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<HostId>, ResolveError> {
        self.stage
            .call("fleet.hosts", self.port.hosts(app, tags))
            .await
    }
    async fn online(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<HostId>, ResolveError> {
        self.stage
            .call("fleet.online", self.port.online(app, tags))
            .await
    }
    async fn seen(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<Seen>, ResolveError> {
        self.stage
            .call("fleet.seen", self.port.seen(app, tags))
            .await
    }
    async fn parameters(
        &self,
        app: &AppName,
    ) -> Result<BTreeMap<ParameterName, u32>, ResolveError> {
        self.stage
            .call("fleet.parameters", self.port.parameters(app))
            .await
    }
    async fn document(&self) -> Result<DocumentPin, ResolveError> {
        self.stage
            .call("fleet.document", self.port.document())
            .await
    }
}

impl<T: Calendars> Calendars for Staged<T> {
    async fn file(&self, name: &CalendarName) -> Result<String, CalendarError> {
        self.stage
            .call("calendars.file", self.port.file(name))
            .await
    }
    async fn state(&self, name: &ChangeCalendarName) -> Result<ChangeState, CalendarError> {
        self.stage
            .call("calendars.state", self.port.state(name))
            .await
    }
}

impl<T: Artifacts> Artifacts for Staged<T> {
    async fn artifact(
        &self,
        repository: &Repository,
        commit: &Commit,
    ) -> Result<Option<Artifact>, ResolveError> {
        self.stage
            .call("artifacts.artifact", self.port.artifact(repository, commit))
            .await
    }
}

impl<T: Configs> Configs for Staged<T> {
    async fn config(
        &self,
        repository: &Repository,
        version: Option<u32>,
    ) -> Result<Option<Configured>, ResolveError> {
        self.stage
            .call("configs.config", self.port.config(repository, version))
            .await
    }
}

impl<T: Repositories> Repositories for Staged<T> {
    async fn repositories(&self) -> Result<Vec<Repository>, ResolveError> {
        self.stage
            .call("configs.repositories", self.port.repositories())
            .await
    }
    async fn configurations(&self) -> Result<Vec<Configuration>, ResolveError> {
        self.stage
            .call("configs.configurations", self.port.configurations())
            .await
    }
}

impl<T: Branches> Branches for Staged<T> {
    async fn head(&self, repository: &Repository, branch: &str) -> Result<Option<Head>, HeadError> {
        self.stage
            .call("branches.head", self.port.head(repository, branch))
            .await
    }
    async fn between(
        &self,
        repository: &Repository,
        without: &Commit,
        with: &Commit,
    ) -> Result<Option<Changelog>, HeadError> {
        let asked = self.port.between(repository, without, with);
        self.stage.call("branches.between", asked).await
    }
}

impl<T: Outside> Outside for Staged<T> {
    async fn probe(&self, request: &Request<'_>) -> Result<(), Failure> {
        self.stage
            .call("outside.probe", self.port.probe(request))
            .await
    }
}

impl<T: Alarms> Alarms for Staged<T> {
    async fn states(
        &self,
        names: &[AlarmName],
    ) -> Result<BTreeMap<AlarmName, AlarmState>, LookError> {
        self.stage
            .call("alarms.states", self.port.states(names))
            .await
    }
}

impl<T: Metrics> Metrics for Staged<T> {
    async fn samples(
        &self,
        wanted: &[Series],
        window: Window,
    ) -> Result<Vec<Vec<Sample>>, LookError> {
        self.stage
            .call("metrics.samples", self.port.samples(wanted, window))
            .await
    }
}

impl<T: AppLogs> AppLogs for Staged<T> {
    async fn errors(
        &self,
        group: &LogGroup,
        pattern: &str,
        window: Window,
        limit: usize,
    ) -> Result<ErrorLines, LookError> {
        let errors = self.port.errors(group, pattern, window, limit);
        self.stage.call("app_logs.errors", errors).await
    }
}

impl<T: Wake> Wake for Staged<T> {
    async fn later(&self, look: &LookAgain) -> Result<(), LookError> {
        self.stage.call("wake.later", self.port.later(look)).await
    }
    async fn confirm(&self, sighting: &Sighting, after: Millis) -> Result<(), LookError> {
        self.stage
            .call("wake.confirm", self.port.confirm(sighting, after))
            .await
    }
    async fn digest(&self, due: &DigestDue) -> Result<(), LookError> {
        self.stage.call("wake.digest", self.port.digest(due)).await
    }
}

impl<T: Announce> Announce for Staged<T> {
    async fn send(&self, letter: &Letter) -> Result<Option<MessageTs>, AnnounceError> {
        let name = match letter {
            Letter::Topic(_) => "channels.publish",
            Letter::Slack { .. }
            | Letter::SlackApp { .. }
            | Letter::Teams { .. }
            | Letter::Webhook { .. }
            | Letter::Status(_)
            | Letter::Tag(_) => "channels.post",
        };
        self.stage.call(name, self.port.send(letter)).await
    }
}

impl<T: Reply> Reply for Staged<T> {
    async fn reply(&self, url: &str, json: &str) -> Result<(), AnnounceError> {
        self.stage
            .call("channels.reply", self.port.reply(url, json))
            .await
    }
}
