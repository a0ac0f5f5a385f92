//! How a push becomes a deployment: the decision, and the one transaction that makes it durable.
//!
//! There are two ways in. [`decide`] takes what a delivery says, [`adopt`] what the poll has seen of the branch itself. Both
//! write the same records under the same conditions, so that a push that was heard of twice, or late, is decided once.

use crate::ended;
use crate::ports::{
    Accept, Clock, Configs, Configured, Ids, PushKey, Recorded, ResolveError, Sighting, Store,
    StoreError,
};
use crate::traces;
use longshore_app_config::AppConfig;
use longshore_core::{
    Acceptance, Advance, AppName, Cause, Change, Commit, Decision, Deployment, DeploymentId,
    EnvironmentName, Kind, Observation, Origin, Person, Policy, Reason, Repository, SkipReason,
    Slot, Timestamp, decide as judge, decide_head, step,
};

/// What a decision needs of the world.
pub trait Deciding: Sync {
    /// The table.
    fn store(&self) -> &impl Store;
    /// The app configurations.
    fn configs(&self) -> &impl Configs;
    /// The clock.
    fn clock(&self) -> &impl Clock;
    /// New ids.
    fn ids(&self) -> &impl Ids;
    /// The environment.
    fn environment(&self) -> &EnvironmentName;
}

/// Why nothing was decided: something cannot be reached now.
#[derive(Debug)]
pub struct Refusal(pub Box<dyn std::error::Error + Send + Sync>);

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// Where a change was heard of.
#[derive(Clone, Debug)]
pub struct News<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// Names the change.
    pub key: &'a PushKey,
    /// Who pushed or asked, where that can be shown safely.
    pub by: Option<&'a Person>,
    /// The account of whoever pushed, by its UUID.
    pub account: Option<&'a str>,
    /// How it was heard of.
    pub cause: Cause,
    /// When the commit was made, where that was told.
    pub committed_at: Option<Timestamp>,
    /// When whoever brings it began with it.
    pub since: Timestamp,
}

/// What is to be brought to hosts although nobody has pushed: what is live, to hosts that came late, or with the newest
/// configuration and parameters.
#[derive(Clone, Debug)]
pub struct Adjustment<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// Names it, so that the same is done once.
    pub key: &'a PushKey,
    /// For what.
    pub kind: Kind,
    /// The configuration to follow.
    pub configured: &'a Configured,
}

/// Begins a deployment without a push, when the slot is still the one that asked for it. `None` when somebody else was first,
/// or the same was begun before.
///
/// # Errors
/// [`Refusal`] when the table cannot be reached.
pub async fn adjust<D: Deciding>(
    world: &D,
    slot: &Slot,
    commit: &Commit,
    adjustment: &Adjustment<'_>,
) -> Result<Option<Decision>, Refusal> {
    let news = News {
        repository: adjustment.repository,
        key: adjustment.key,
        by: None,
        account: None,
        cause: Cause::Poll,
        committed_at: None,
        since: world.clock().now(),
    };
    let wanted = Wanted {
        kind: &adjustment.kind,
        configured: adjustment.configured,
        commit,
        takes_back: false,
        reason: None,
    };
    match accept(world, &news, &wanted, |id| queue(slot, wanted.kind, id)).await {
        Err(StoreError::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(decided) => Ok(decided.if_new()),
    }
}

/// Begins what an operator wants, or finds what the same wish has begun before.
pub(crate) async fn begin<D: Deciding>(
    world: &D,
    news: &News<'_>,
    wanted: &Wanted<'_>,
    slot: &Slot,
) -> Result<Decision, StoreError> {
    let accepted = accept(world, news, wanted, |id| queue(slot, wanted.kind, id)).await?;
    Ok(accepted.either())
}

/// The slot with a deployment that nobody has pushed.
fn queue(slot: &Slot, kind: &Kind, id: &DeploymentId) -> Acceptance {
    match kind {
        // While something runs it waits like all others, and may be superseded.
        Kind::Join(_) if slot.running.is_none() => slot.accept_join(id),
        Kind::Join(_)
        | Kind::Push
        | Kind::Redeploy
        | Kind::Rollback(_)
        | Kind::Drill(_)
        | Kind::Config
        | Kind::Promote(_) => slot.accept(id),
    }
}

/// What is in force for a repository: its configuration, or why there is none, and the slot of its app.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The configuration.
    pub configured: Result<Configured, SkipReason>,
    /// The slot.
    pub slot: Slot,
}

/// Lost races before the caller is told to try again.
const CONFLICTS_MAX: u32 = 8;

/// Decides about one change of a push and records the decision. The same change again gets the recorded one, whatever has
/// changed since.
///
/// # Errors
/// [`Refusal`] when nothing is on record.
pub async fn decide<D: Deciding>(
    world: &D,
    news: &News<'_>,
    change: &Change<'_>,
) -> Result<Decision, Refusal> {
    for _ in 0..CONFLICTS_MAX {
        let Standing { configured, slot } = standing(world, news.repository).await?;
        let recorded = match configured {
            Err(reason) => record(world, news.key, reason.into()).await,
            Ok(configured) => match judge(change, configured.config.branch(), &slot) {
                Err(decision) => record(world, news.key, decision).await,
                Ok(commit) => {
                    let queue = |id: &_| slot.accept_push(id, change.old.clone(), commit.clone());
                    accept(world, news, &Wanted::push(&configured, &commit), queue).await
                }
            },
        };
        match recorded {
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
            Ok(decision) => return Ok(decision.either()),
        }
    }
    Err(StoreError::Conflict.into())
}

/// Decides about a head that the poll has seen, as of a push, and records the decision. `None` when there is nothing new to
/// say: the head is settled, the sighting is void, or the same was decided about it before.
///
/// Its key names the finding and not the change, as nobody has told how the branch came there: the repository, the last push
/// that was accepted, the head, and what is said of it. So a branch that comes to the same commit a second time is decided
/// a second time, and a commit that stays in quarantine is on record once. `committed_at` is when the head's commit was made,
/// where that was told.
///
/// # Errors
/// [`Refusal`] when nothing is on record.
pub async fn adopt<D: Deciding>(
    world: &D,
    seen: &Sighting,
    committed_at: Option<Timestamp>,
) -> Result<Option<Decision>, Refusal> {
    let since = world.clock().now();
    for _ in 0..CONFLICTS_MAX {
        let Standing { configured, slot } = standing(world, &seen.repository).await?;
        let Ok(configured) = configured else {
            return Ok(None);
        };
        let last = slot.last_push.as_ref().map(|last| &last.deployment);
        if last != seen.last.as_ref() {
            return Ok(None);
        }
        let Some(verdict) = decide_head(&seen.head, &slot) else {
            return Ok(None);
        };
        let key = key_of(seen, verdict.as_ref().err().copied());
        let news = News {
            repository: &seen.repository,
            key: &key,
            by: None,
            account: None,
            cause: Cause::Poll,
            committed_at,
            since,
        };
        let recorded = match verdict {
            Err(reason) => record(world, &key, reason.into()).await,
            Ok(head) => {
                let queue = |id: &_| slot.accept_head(id, head.clone());
                accept(world, &news, &Wanted::push(&configured, &head), queue).await
            }
        };
        match recorded {
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
            Ok(decided) => return Ok(decided.if_new()),
        }
    }
    Err(StoreError::Conflict.into())
}

fn key_of(seen: &Sighting, skipped: Option<SkipReason>) -> PushKey {
    PushKey::over(&[
        Some("head"),
        Some(seen.repository.as_str()),
        seen.last.as_ref().map(DeploymentId::as_str),
        Some(seen.head.as_str()),
        skipped.map(SkipReason::word),
    ])
}

/// Reads the configuration and the slot, at the same time: an app is named after its repository unless its configuration
/// says otherwise, and then its slot is read once more.
///
/// # Errors
/// [`Refusal`] when one of them cannot be read now.
pub async fn standing<D: Deciding>(
    world: &D,
    repository: &Repository,
) -> Result<Standing, Refusal> {
    let guess = AppName::parse(repository.slug()).ok();
    let slot = async {
        match &guess {
            Some(app) => world.store().slot(app).await.map(Some),
            None => Ok(None),
        }
    };
    let config = world.configs().config(repository, None);
    let (configured, slot) = tokio::join!(config, slot);
    let configured = match configured {
        Ok(Some(configured)) => Ok(configured),
        Ok(None) => Err(SkipReason::NotConfigured),
        Err(ResolveError::Failed(_)) => Err(SkipReason::ConfigRefused),
        Err(error @ ResolveError::Unavailable(_)) => return Err(error.into()),
    };
    let app = configured.as_ref().ok().map(|c| c.config.app().clone());
    let slot = match (app, slot?) {
        (Some(app), Some(slot)) if slot.app == app => slot,
        (Some(app), _) => world.store().slot(&app).await?,
        (None, Some(slot)) => slot,
        // Without a configuration nothing is looked up in the slot.
        (None, None) => match AppName::parse("unknown") {
            Ok(app) => Slot::empty(app),
            Err(error) => return Err(error.into()),
        },
    };
    Ok(Standing { configured, slot })
}

/// A decision, and whether it was on record before.
struct Decided {
    decision: Decision,
    is_new: bool,
}

impl Decided {
    fn of(recorded: Recorded, decision: Decision) -> Self {
        match recorded {
            Recorded::New => Self {
                decision,
                is_new: true,
            },
            Recorded::Before(decision) => Self {
                decision,
                is_new: false,
            },
        }
    }

    fn either(self) -> Decision {
        self.decision
    }

    fn if_new(self) -> Option<Decision> {
        self.is_new.then_some(self.decision)
    }
}

/// Records a decision that begins no deployment.
async fn record<D: Deciding>(
    world: &D,
    key: &PushKey,
    decision: Decision,
) -> Result<Decided, StoreError> {
    let now = world.clock().now();
    let recorded = world.store().skip(key, &decision, now).await?;
    Ok(Decided::of(recorded, decision))
}

/// What a new deployment is to bring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) configured: &'a Configured,
    pub(crate) commit: &'a Commit,
    /// Whether the migrations of what is live are taken back first.
    pub(crate) takes_back: bool,
    /// Why, in an operator's words.
    pub(crate) reason: Option<&'a Reason>,
}

impl<'a> Wanted<'a> {
    const fn push(configured: &'a Configured, commit: &'a Commit) -> Self {
        Self {
            kind: &Kind::Push,
            configured,
            commit,
            takes_back: false,
            reason: None,
        }
    }

    /// The limits in force. The migrations of a release that was proven here have run.
    fn policy(&self) -> Policy {
        let policy = self.configured.config.policy();
        Policy {
            approvals: if self.kind.needs_people() {
                policy.approvals
            } else {
                0
            },
            migrates: self.takes_back || (policy.migrates && self.kind.brings_a_commit()),
            ..policy
        }
    }
}

/// Begins a deployment, which `queue` puts into the slot.
async fn accept<D: Deciding>(
    world: &D,
    news: &News<'_>,
    wanted: &Wanted<'_>,
    queue: impl Fn(&DeploymentId) -> Acceptance,
) -> Result<Decided, StoreError> {
    let now = world.clock().now();
    let id = world.ids().deployment_id();
    let origin = Origin {
        kind: wanted.kind.clone(),
        commit: wanted.commit.clone(),
        config_version: wanted.configured.version,
        by: who(news, &wanted.configured.config),
        reason: wanted.reason.cloned(),
        at: now,
        // Whoever made the commit had another clock; what lies ahead of ours says nothing about how long it took.
        committed_at: news.committed_at.filter(|at| *at <= now),
    };
    let mut deployment = Deployment::accept(
        id.clone(),
        wanted.configured.config.app().clone(),
        world.environment().clone(),
        news.repository.clone(),
        origin,
        wanted.policy(),
    );
    note_cause(&mut deployment, 0, news.cause);
    let acceptance = queue(&id);
    let superseded = match &acceptance.supersedes {
        None => None,
        Some(old) => superseded(world, old, &id, now, news.cause).await?,
    };
    let accept = Accept {
        key: news.key,
        deployment: &deployment,
        slot: &acceptance.slot,
        superseded: superseded.as_ref(),
    };
    let recorded = world.store().accept(accept).await?;
    if let Recorded::New = &recorded {
        traces::tell_accept(&deployment, news.cause, news.since, world.clock().now());
        superseded.iter().for_each(ended::tell);
    }
    Ok(Decided::of(recorded, Decision::Deploy(id)))
}

/// Who pushed or asked. A push is told with an account, whose nickname anybody can choose: where it matters whose deployment
/// it is, a name counts only when the configuration gives it to the account.
fn who(news: &News<'_>, config: &AppConfig) -> Option<Person> {
    let Some(account) = news.account else {
        return news.by.cloned();
    };
    match config.person_in_bitbucket(account) {
        Some(name) => Some(name.clone()),
        None if config.policy().by_author => news.by.cloned(),
        None => None,
    }
}

/// The deployment that waited until now, as superseded; `None` when it is over already.
async fn superseded<D: Deciding>(
    world: &D,
    old: &DeploymentId,
    by: &DeploymentId,
    now: Timestamp,
    cause: Cause,
) -> Result<Option<Deployment>, StoreError> {
    let Some(old) = world.store().deployment(old).await? else {
        return Ok(None);
    };
    match step(&old, &Observation::Superseded(by.clone()), now) {
        Advance::Advanced(mut next) => {
            note_cause(&mut next, old.timeline.len(), cause);
            Ok(Some(*next))
        }
        // It has just started: then the slot has changed too, and the transaction will say so.
        Advance::Unchanged(_) | Advance::Rejected(_) => Ok(None),
    }
}

/// Notes the cause of what is new in a history.
pub(crate) fn note_cause(deployment: &mut Deployment, known: usize, cause: Cause) {
    for entry in deployment.timeline.iter_mut().skip(known) {
        entry.cause = Some(cause);
    }
}
