//! What the shell needs from the world, as small traits by role. Each has an adapter for AWS and a fake in
//! [`crate::fakes`]; each has one error enum whose variants are what a caller does differently.

use longshore_analysis::{AlarmState, ErrorLines, Value};
use longshore_app_config::{
    AlarmName, AppConfig, CalendarName, ChangeCalendarName, LogGroup, Method, Series,
};
use longshore_core::{
    Action, AppName, Artifact, Changelog, Channel, CommandId, Commit, Decision, Deployment,
    DeploymentId, Desk, DocumentPin, EnvironmentName, Failure, Heard, HostId, Millis,
    ParameterName, Release, ReleaseId, Repository, Said, Slot, Timestamp, Token,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::future::Future;

/// Names what was decided about: SHA-256, in hexadecimal. For a change of a push over repository, ref, old and new commit,
/// as the delivery's own id is not signed and never serves as a key; for a head that the poll found see
/// [`crate::accept::adopt`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PushKey(pub String);

impl PushKey {
    /// The key of these parts. Each goes in behind its length, so that no two lists of parts make the same bytes; a missing
    /// one is told from an empty one by its mark.
    #[must_use]
    pub fn over(parts: &[Option<&str>]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update([u8::from(part.is_some())]);
            let part = part.unwrap_or_default();
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let hex = digest
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        Self(hex)
    }
}

/// A write of one deployment, with what must change together with it.
#[derive(Clone, Debug)]
pub struct Save<'a> {
    /// The deployment as it is to be. Its `version` is still the one it replaces; the store writes the next one.
    pub deployment: &'a Deployment,
    /// The slot as it is to be, in the same transaction; its `version` likewise.
    pub slot: Option<&'a Slot>,
    /// Commands that were just sent, to be found by their id.
    pub commands: &'a [CommandId],
}

/// A write that accepts a push.
#[derive(Clone, Debug)]
pub struct Accept<'a> {
    /// The change.
    pub key: &'a PushKey,
    /// The new deployment.
    pub deployment: &'a Deployment,
    /// The slot with the new deployment waiting; its `version` is the one it replaces.
    pub slot: &'a Slot,
    /// The deployment that waited until now, as superseded; its `version` is the one it replaces.
    pub superseded: Option<&'a Deployment>,
}

/// What an operator did to an app as a whole. Kept for ever, beside the slot that it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The app.
    pub app: AppName,
    /// Numbers the entries of an app: the version of the slot that the same write made.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who, from where, and why.
    pub said: Said,
    /// What.
    pub deed: Deed,
}

/// What an operator can do to an app as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Held it until then.
    Locked(Timestamp),
    /// Took the lock away.
    Unlocked,
    /// Let a commit in again that was rolled back.
    Cleared(Commit),
}

/// A digest: a channel, and the time of the day at which it is told of a day ([`longshore_freeze::Daily`]).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DigestName {
    /// Where it goes.
    pub channel: Channel,
    /// When: `09:00 Europe/Berlin`.
    pub at: String,
}

impl DigestName {
    /// It in one line, in keys and logs.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.channel.label(), self.at)
    }
}

/// How far a channel was told of days: all that there is of a digest in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The digest.
    pub name: DigestName,
    /// Everything until then was told, or there was nothing to tell; `None` before the first.
    pub until: Option<Timestamp>,
    /// Until then nobody else tells it.
    pub claimed_until: Option<Timestamp>,
    /// How often it was written; every write names the version it replaces.
    pub version: u64,
}

impl Told {
    /// What stands there before anything was told.
    #[must_use]
    pub const fn nothing(name: DigestName) -> Self {
        Self {
            name,
            until: None,
            claimed_until: None,
            version: 0,
        }
    }
}

/// A digest that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestDue {
    /// Which.
    pub name: DigestName,
    /// The end of what it is about: its own time of the day.
    pub until: Timestamp,
    /// The apps whose configurations ask for it.
    pub apps: Vec<AppName>,
    /// The repositories whose configurations could not be read, so that it is not known whether they ask for it.
    pub unread: Vec<Repository>,
}

/// What became of a decision that was to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is on record.
    New,
    /// The same change was decided before, like this. Nothing was written.
    Before(Decision),
}

/// Where a command belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belongs {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Whether that is a large one ([`Deployment::is_large`]), to which events mean nothing.
    pub to_a_large_one: bool,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote first: load again and decide again.
    #[error("somebody else wrote first")]
    Conflict,
    /// The table cannot be reached or is throttled, or its answer was lost. Whether a write happened is unknown; every
    /// write is conditional, so trying again is safe.
    #[error("the table cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The table refuses: a wrong name, a missing right.
    #[error("the table refuses the request")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A record that this version cannot read. It is left as it is.
    #[error("the record {key} cannot be read: {problem}")]
    Unreadable {
        /// The item's key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The table: the only truth.
pub trait Store: Sync {
    /// Reads a deployment, consistently.
    fn deployment(
        &self,
        id: &DeploymentId,
    ) -> impl Future<Output = Result<Option<Deployment>, StoreError>> + Send;

    /// Reads a slot, consistently; [`Slot::empty`] for an app that was never deployed.
    fn slot(&self, app: &AppName) -> impl Future<Output = Result<Slot, StoreError>> + Send;

    /// The decision about a change, if there is one.
    fn decision(
        &self,
        key: &PushKey,
    ) -> impl Future<Output = Result<Option<Decision>, StoreError>> + Send;

    /// The deployment that a command belongs to, if that is on record yet.
    fn deployment_of(
        &self,
        command: &CommandId,
    ) -> impl Future<Output = Result<Option<Belongs>, StoreError>> + Send;

    /// The deployments that are not at rest, from an index that may lag: load each before acting on it.
    fn open(&self) -> impl Future<Output = Result<Vec<DeploymentId>, StoreError>> + Send;

    /// The ids of an app's deployments, the newest first, before this one if one is given; from an index that may lag.
    fn history(
        &self,
        app: &AppName,
        before: Option<&DeploymentId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<DeploymentId>, StoreError>> + Send;

    /// Records a decision that begins no deployment. The first decision about a change stays.
    fn skip(
        &self,
        key: &PushKey,
        decision: &Decision,
        at: Timestamp,
    ) -> impl Future<Output = Result<Recorded, StoreError>> + Send;

    /// Accepts a push, in one transaction: all of it or nothing.
    fn accept(
        &self,
        accept: Accept<'_>,
    ) -> impl Future<Output = Result<Recorded, StoreError>> + Send;

    /// Writes a deployment, and its slot if given, if nobody wrote in between.
    fn save(&self, save: Save<'_>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes a slot as an operator wants it, with the entry that says so, in one transaction, if nobody wrote in between. The
    /// slot's `version` is the one that it replaces.
    fn operate(
        &self,
        slot: &Slot,
        entry: &Entry,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// How far a channel was told of days; [`Told::nothing`] where it never was. Read consistently.
    fn told(&self, name: &DigestName) -> impl Future<Output = Result<Told, StoreError>> + Send;

    /// Writes how far a channel was told, if nobody wrote in between. The `version` is the one that it replaces. `at` is now: an item
    /// that nobody writes any more goes after a time.
    fn tell(
        &self,
        told: &Told,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What operators did to an app, the newest first: at most so many, before the entry of this number if one is given.
    fn entries(
        &self,
        app: &AppName,
        before: Option<u64>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Entry>, StoreError>> + Send;
}

/// Everything one SendCommand call says. The adapter chooses nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The token: comment, and key of the host's ledger.
    pub token: Token,
    /// The hosts, at most [`longshore_core::Command::HOSTS_MAX`].
    pub hosts: Vec<HostId>,
    /// The document's version and hash.
    pub document: DocumentPin,
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The repository.
    pub repository: Repository,
    /// The release that the action is about.
    pub release: Release,
    /// The release to go back to: what the migrations of the other one are judged against.
    pub previous: Option<ReleaseId>,
    /// After this time a host refuses to start.
    pub not_after: Timestamp,
}

impl Order {
    /// What the hosts are asked to do.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.token.action
    }
}

/// Why a command was not sent, as far as that is known.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// SSM refused; it does not have the command.
    #[error("SSM refused the command: {}", .0.class.word())]
    Refused(Failure),
    /// The call was throttled or the rate limited; SSM does not have the command. Try the same again later.
    #[error("SSM is throttling")]
    Throttled,
    /// No answer. SSM may have the command: search for it by its comment after the settling time.
    #[error("SSM did not answer")]
    Unknown(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a look at a service told nothing.
#[derive(Debug, thiserror::Error)]
#[error("the service cannot be asked")]
pub struct LookError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// SSM Run Command.
pub trait Commands: Sync {
    /// Sends one command, in exactly one request: retries are off.
    fn send(&self, order: &Order) -> impl Future<Output = Result<CommandId, SendError>> + Send;

    /// Searches the commands invoked since a time for a token in their comment.
    fn find(
        &self,
        token: &Token,
        since: Timestamp,
    ) -> impl Future<Output = Result<Option<CommandId>, LookError>> + Send;

    /// The token in a command's comment; `None` when it is not one of ours.
    fn token_of(
        &self,
        command: &CommandId,
    ) -> impl Future<Output = Result<Option<Token>, LookError>> + Send;

    /// The last words about the hosts of a command. Hosts that are not done are left out.
    fn reports(
        &self,
        command: &CommandId,
    ) -> impl Future<Output = Result<Vec<Heard>, LookError>> + Send;
}

/// Why a deployment cannot start, or cannot be looked at now.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Something is missing or refused; a person must act.
    #[error("{}: {}", .0.class.word(), .0.detail())]
    Failed(Failure),
    /// The service cannot be reached or is throttled; try later.
    #[error("the service cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What SSM says of a host's agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    /// It was heard of lately.
    Online,
    /// It was not.
    ConnectionLost,
    /// Anything else.
    Inactive,
}

/// A host as SSM sees it, whatever its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The host.
    pub host: HostId,
    /// What SSM says of its agent.
    pub ping: Ping,
    /// The version of its agent; empty when SSM does not know it.
    pub agent: String,
}

/// Why an object was not kept.
#[derive(Debug, thiserror::Error)]
#[error("the bucket did not take it")]
pub struct ArchiveError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Where histories are kept for those who do not ask the table.
pub trait Archive: Sync {
    /// Keeps an object of lines of JSON under a key; whatever was there is replaced, so that a repeat changes nothing.
    fn put(
        &self,
        key: &str,
        lines: Vec<u8>,
    ) -> impl Future<Output = Result<(), ArchiveError>> + Send;
}

/// What a deployment needs to know before it starts.
pub trait Fleet: Sync {
    /// The hosts with the app's tags, in the order of their ids. A host whose SSM agent is too old to pass parameters
    /// safely is refused here.
    fn hosts(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<Vec<HostId>, ResolveError>> + Send;

    /// Those of the hosts that SSM calls online and that could be deployed to.
    fn online(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<Vec<HostId>, ResolveError>> + Send;

    /// Every host with the app's tags as SSM sees it, in the order of their ids; none is refused.
    fn seen(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<Vec<Seen>, ResolveError>> + Send;

    /// The current version of each of the app's parameters. Values are not read.
    fn parameters(
        &self,
        app: &AppName,
    ) -> impl Future<Output = Result<BTreeMap<ParameterName, u32>, ResolveError>> + Send;

    /// The current version and hash of the environment's document.
    fn document(&self) -> impl Future<Output = Result<DocumentPin, ResolveError>> + Send;
}

/// A line of a host's log. The text is the host's: it is shown, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLine {
    /// When it was written.
    pub at: Timestamp,
    /// The host.
    pub host: HostId,
    /// The line.
    pub text: String,
}

/// Which lines of the hosts' logs are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinesWanted {
    /// Of these hosts.
    pub hosts: Vec<HostId>,
    /// From this time on.
    pub from: Timestamp,
    /// Before this time.
    pub until: Timestamp,
    /// At most this many, the oldest.
    pub limit: usize,
}

/// What the hosts have written about their steps.
pub trait HostLogs: Sync {
    /// The lines, in the order of time.
    fn lines(
        &self,
        wanted: &LinesWanted,
    ) -> impl Future<Output = Result<Vec<HostLine>, LookError>> + Send;
}

/// The builds that were made elsewhere.
pub trait Artifacts: Sync {
    /// The newest build of a commit; `None` when there is none yet.
    fn artifact(
        &self,
        repository: &Repository,
        commit: &Commit,
    ) -> impl Future<Output = Result<Option<Artifact>, ResolveError>> + Send;
}

/// An app configuration with the version it has in Parameter Store.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The configuration.
    pub config: AppConfig,
    /// The version.
    pub version: u32,
}

/// The app configurations.
pub trait Configs: Sync {
    /// The configuration of a repository's app; `None` when there is none in this environment.
    ///
    /// # Errors
    /// [`ResolveError::Failed`] with `config_refused` for a document that is not valid.
    fn config(
        &self,
        repository: &Repository,
        version: Option<u32>,
    ) -> impl Future<Output = Result<Option<Configured>, ResolveError>> + Send;
}

/// Why a calendar cannot be read: the service's word for it. Whoever asks holds what it could not release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CalendarError(pub String);

/// What a change calendar says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeState {
    /// Whether changes are allowed.
    pub is_open: bool,
    /// When that changes, as far as it is known.
    pub next: Option<Timestamp>,
}

/// The calendars that freeze.
pub trait Calendars: Sync {
    /// The text of an iCalendar file, at most a minute old.
    fn file(
        &self,
        name: &CalendarName,
    ) -> impl Future<Output = Result<String, CalendarError>> + Send;

    /// What a change calendar says, at most a minute ago.
    fn state(
        &self,
        name: &ChangeCalendarName,
    ) -> impl Future<Output = Result<ChangeState, CalendarError>> + Send;
}

/// The alarms of the environment's account and region.
pub trait Alarms: Sync {
    /// What these alarms say; one that does not exist is missing from the answer.
    fn states(
        &self,
        names: &[AlarmName],
    ) -> impl Future<Output = Result<BTreeMap<AlarmName, AlarmState>, LookError>> + Send;
}

/// A time between two points, the first of which belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// Its first moment.
    pub from: Timestamp,
    /// The moment after its last.
    pub until: Timestamp,
}

impl Window {
    /// How long it is.
    #[must_use]
    pub const fn span(&self) -> Millis {
        self.until.since(self.from)
    }
}

/// One sample of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// The beginning of its period.
    pub at: Timestamp,
    /// What was measured.
    pub value: Value,
}

/// The metrics of the environment's account and region.
pub trait Metrics: Sync {
    /// The samples of each of these in a time, in the order of time; none for what is not measured. Numbers that are none
    /// (`NaN`) are left out.
    fn samples(
        &self,
        wanted: &[Series],
        window: Window,
    ) -> impl Future<Output = Result<Vec<Vec<Sample>>, LookError>> + Send;
}

/// What the apps have logged.
pub trait AppLogs: Sync {
    /// The events of a log group that a filter pattern lets through, the oldest first, at most so many.
    fn errors(
        &self,
        group: &LogGroup,
        pattern: &str,
        window: Window,
        limit: usize,
    ) -> impl Future<Output = Result<ErrorLines, LookError>> + Send;
}

/// A repository with its newest configuration, or why that cannot be used.
pub type Configuration = (Repository, Result<Configured, ResolveError>);

/// Which apps there are.
pub trait Repositories: Sync {
    /// The repositories that have an app configuration in this environment, in order.
    fn repositories(&self) -> impl Future<Output = Result<Vec<Repository>, ResolveError>> + Send;

    /// The same with the newest configuration of each, or why it cannot be used. It costs no request more than the list.
    fn configurations(
        &self,
    ) -> impl Future<Output = Result<Vec<Configuration>, ResolveError>> + Send;
}

/// Why it is not known where a branch points. Each costs time only: the next poll asks again.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// There is no token for the repository: the poll is off.
    #[error("there is no access token")]
    NoToken,
    /// The token is not accepted, or may not read the repository; a person must act.
    #[error("the access token is refused: {0}")]
    Refused(String),
    /// Too many questions; asking for other repositories now would only make it worse.
    #[error("Bitbucket is throttling")]
    Throttled,
    /// No answer that can be used.
    #[error("Bitbucket cannot be asked")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where a branch points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit.
    pub commit: Commit,
    /// When it was made, by the clock of whoever made it, where that was told.
    pub committed_at: Option<Timestamp>,
}

/// Where the branches point, and what lies between two commits.
pub trait Branches: Sync {
    /// The commit that a branch points to; `None` when there is no such branch, or no such repository for this token.
    fn head(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> impl Future<Output = Result<Option<Head>, HeadError>> + Send;

    /// The commits that can be reached from one and not from another, the newest first. `None` when the repository does not
    /// know one of them.
    fn between(
        &self,
        repository: &Repository,
        without: &Commit,
        with: &Commit,
    ) -> impl Future<Output = Result<Option<Changelog>, HeadError>> + Send;
}

/// A branch was seen to point at a commit of which no push has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The repository.
    pub repository: Repository,
    /// Where its branch points.
    pub head: Commit,
    /// What the last accepted push had become by then. When that is another one, somebody has decided since, and the
    /// sighting is void.
    pub last: Option<DeploymentId>,
}

/// One request from outside, and what must be answered.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The address.
    pub url: &'a str,
    /// How it is asked.
    pub method: Method,
    /// What is sent: JSON.
    pub body: Option<&'a str>,
    /// The status that must be answered.
    pub expected_status: u16,
    /// A text that must be in the answer's body.
    pub contains: Option<&'a str>,
    /// The release that must have answered.
    pub release: Option<&'a ReleaseId>,
}

/// The checks from outside.
pub trait Outside: Sync {
    /// Asks an address once.
    ///
    /// # Errors
    /// The failure, with a line that explains it: of the class `wrong_release` or `probe_failed`.
    fn probe(&self, request: &Request<'_>) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// A look that is to be taken later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookAgain {
    /// Who is to look.
    pub desk: Desk,
    /// At which deployment.
    pub deployment: DeploymentId,
    /// The chapter it was planned in ([`Deployment::chapter`]); in another one it is void. Without one it is a look as the
    /// minute tick takes it, which holds in any chapter and plans no further look.
    pub chapter: Option<String>,
    /// When, at most 15 minutes from now (the limit of an SQS delay).
    pub after: Millis,
}

/// Plans looks. A lost one costs time, never truth: the minute tick looks at everything.
pub trait Wake: Sync {
    /// Plans a look.
    fn later(&self, look: &LookAgain) -> impl Future<Output = Result<(), LookError>> + Send;

    /// Plans a second look at a branch, by the reconciler.
    fn confirm(
        &self,
        sighting: &Sighting,
        after: Millis,
    ) -> impl Future<Output = Result<(), LookError>> + Send;

    /// Tells the notifier that a digest is due.
    fn digest(&self, due: &DigestDue) -> impl Future<Output = Result<(), LookError>> + Send;
}

/// The one clock.
pub trait Clock: Sync {
    /// The time.
    fn now(&self) -> Timestamp;
}

/// The one source of randomness.
pub trait Ids: Sync {
    /// A new deployment id.
    fn deployment_id(&self) -> DeploymentId;

    /// The id before which no id of this moment or later is, so that a history can be entered there; `None` where ids know no
    /// time.
    fn first_at(&self, at: Timestamp) -> Option<DeploymentId>;
}
