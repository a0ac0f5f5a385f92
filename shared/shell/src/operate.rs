//! What operators do: say yes or no to a plan, stop, begin, go back, try again, hold an app, let a commit in again.
//!
//! Each of these loads, lets the core judge, and writes once, under the conditions of every other write. What cannot be done
//! is a [`Refusal`] with a word that stays the same, and nothing has changed then. Nothing here reaches a host: what is begun
//! waits in the slot for the reconciler.

use crate::accept::{self, Deciding, News, Refusal as Unreachable, Standing, Wanted};
use crate::advance::{self, AdvanceError};
use crate::ports::{Clock, Configs, Configured, Deed, Entry, PushKey, Store, StoreError};
use longshore_core::{
    Advance, AppName, Artifact, BreakGlass, Cause, Commit, Decision, Deployment, DeploymentId,
    Kind, Lock, Millis, Observation, Outcome, Person, PlanDigest, Reason, Release, Repository,
    Said, SkipReason, Slot, State, Verdict, Via, Vote, Why, step,
};

/// Who does something, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The person.
    pub by: Person,
    /// The place.
    pub via: Via,
}

impl Operator {
    fn said(&self, reason: &Reason) -> Said {
        Said {
            by: self.by.clone(),
            via: self.via,
            reason: reason.clone(),
        }
    }
}

/// Why something is not done. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such deployment.
    NoSuchDeployment,
    /// It is over.
    Over,
    /// It is too late for that; a deployment that has started can be cancelled.
    TooLate,
    /// It does not wait for an approval.
    NotAsked,
    /// The plan is another one by now.
    OtherPlan,
    /// Whose deployment it is may not say yes to it, or it is not known whose it is.
    OwnDeployment,
    /// The configuration does not know this person, and it must be known who says yes.
    UnknownPerson,
    /// Somebody else holds the app.
    Locked(Lock),
    /// Nobody holds it.
    NotLocked,
    /// The commit was rolled back here.
    Quarantined,
    /// It is not in quarantine.
    NotInQuarantine,
    /// Nothing was ever live.
    NothingLive,
    /// There is no proven release to go back to.
    NothingBefore,
    /// The deployment that is named has proven nothing here.
    NotProven,
    /// It is live already.
    AlreadyLive,
    /// The database may not fit the release to go back to; with the verdict, where one is known.
    DatabaseMayNotFit(Option<Verdict>),
    /// There is nothing left to try again.
    NothingToRetry,
    /// The app has no valid configuration here.
    NotConfigured(SkipReason),
}

/// Why something was not done.
#[derive(Debug)]
pub enum NotDone {
    /// It cannot be.
    Refused(Refusal),
    /// Something cannot be reached now; trying again is safe.
    Unreachable(Box<dyn std::error::Error + Send + Sync>),
}

impl From<Refusal> for NotDone {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Unreachable(Box::new(error))
    }
}

impl From<Unreachable> for NotDone {
    fn from(unreachable: Unreachable) -> Self {
        Self::Unreachable(unreachable.0)
    }
}

/// Lost races before the caller is told to try again.
const CONFLICTS_MAX: u32 = 8;

/// Says yes to a plan. The same person's second yes changes nothing and is no error.
///
/// # Errors
/// [`NotDone`].
pub async fn approve<D: Deciding>(
    world: &D,
    operator: &Operator,
    id: &DeploymentId,
    plan: &PlanDigest,
) -> Result<Deployment, NotDone> {
    let deployment = deployment(world, id).await?;
    if !deployment.policy.by_author {
        let version = Some(deployment.origin.config_version);
        let configured = world
            .configs()
            .config(&deployment.repository, version)
            .await;
        let configured = configured.map_err(|error| NotDone::Unreachable(Box::new(error)))?;
        let is_known = |configured: &Configured| configured.config.knows(&operator.by);
        if !configured.as_ref().is_some_and(is_known) {
            return Err(Refusal::UnknownPerson.into());
        }
    }
    let vote = Vote {
        by: operator.by.clone(),
        via: operator.via,
        plan: plan.clone(),
        at: world.clock().now(),
    };
    say(world, id, &Observation::Approved(vote)).await
}

/// Says no to what people are asked about.
///
/// # Errors
/// [`NotDone`].
pub async fn reject<D: Deciding>(
    world: &D,
    operator: &Operator,
    id: &DeploymentId,
    reason: &Reason,
) -> Result<Deployment, NotDone> {
    say(world, id, &Observation::Refused(operator.said(reason))).await
}

/// Stops a deployment. What it becomes says what that means: over when no host had moved, rolled back otherwise, and a
/// migration that runs is waited for.
///
/// # Errors
/// [`NotDone`].
pub async fn cancel<D: Deciding>(
    world: &D,
    operator: &Operator,
    id: &DeploymentId,
    reason: &Reason,
) -> Result<Deployment, NotDone> {
    say(
        world,
        id,
        &Observation::CancelRequested(operator.said(reason)),
    )
    .await
}

/// Lets a deployment that waits begin in spite of a freeze.
///
/// # Errors
/// [`NotDone`].
pub async fn break_glass<D: Deciding>(
    world: &D,
    operator: &Operator,
    id: &DeploymentId,
    reason: &Reason,
) -> Result<Deployment, NotDone> {
    let now = world.clock().now();
    let broken = BreakGlass::new(operator.by.clone(), reason.as_str(), now);
    say(world, id, &Observation::BreakGlass(broken)).await
}

async fn deployment<D: Deciding>(world: &D, id: &DeploymentId) -> Result<Deployment, NotDone> {
    let deployment = world.store().deployment(id).await?;
    deployment.ok_or_else(|| Refusal::NoSuchDeployment.into())
}

/// Records a person's word, if it can count.
async fn say<D: Deciding>(
    world: &D,
    id: &DeploymentId,
    said: &Observation,
) -> Result<Deployment, NotDone> {
    for _ in 0..CONFLICTS_MAX {
        let before = deployment(world, id).await?;
        let now = world.clock().now();
        let mut next = match step(&before, said, now) {
            Advance::Advanced(next) => *next,
            Advance::Unchanged(why) | Advance::Rejected(why) => {
                return unchanged(before, said, why);
            }
        };
        accept::note_cause(&mut next, before.timeline.len(), Cause::Operator);
        match advance::write(world.store(), &before, &mut next, None, &[], now).await {
            Ok(()) => return Ok(next),
            Err(AdvanceError::Store(StoreError::Conflict)) => {}
            Err(error) => return Err(NotDone::Unreachable(Box::new(error))),
        }
    }
    Err(StoreError::Conflict.into())
}

/// What a word that changed nothing means to whoever said it.
fn unchanged(before: Deployment, said: &Observation, why: Why) -> Result<Deployment, NotDone> {
    let asked = matches!(before.state, State::AwaitingApproval { .. });
    let is_about_approval = matches!(said, Observation::Approved(_) | Observation::Refused(_));
    Err(match why {
        Why::Over => Refusal::Over,
        Why::OtherPlan => Refusal::OtherPlan,
        Why::OwnDeployment => Refusal::OwnDeployment,
        Why::AlreadyKnown if asked || before.stop.is_some() || before.break_glass.is_some() => {
            return Ok(before);
        }
        Why::AlreadyKnown | Why::DoesNotFit | Why::TooEarly if is_about_approval => {
            Refusal::NotAsked
        }
        Why::AlreadyKnown | Why::DoesNotFit | Why::TooEarly | Why::TooLate => Refusal::TooLate,
    }
    .into())
}

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

/// What an operator wants to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A commit.
    Commit(Commit),
    /// What is live, again, with the newest configuration and parameters.
    Redeploy,
    /// The newest configuration and parameters for what is live.
    Config,
    /// Back to a proven release: of this deployment, or the one before what is live. What is left goes into quarantine.
    Back(Back),
    /// The same as a rehearsal: nothing goes into quarantine.
    Drill(Back),
    /// What another environment has proven.
    Promote(Commit, Option<Artifact>),
    /// What this deployment was for, again; or, where it left hosts out, what is live for these.
    Retry(DeploymentId),
}

/// Where to go back to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Back {
    /// The deployment whose release it is; the latest proven one before what is live without it.
    pub to: Option<DeploymentId>,
    /// Whether to go although the database may not fit.
    pub whatever_the_database: bool,
}

/// Begins a deployment, or finds the one that the same wish has begun.
///
/// # Errors
/// [`NotDone`].
pub async fn begin<D: Deciding>(
    world: &D,
    operator: &Operator,
    repository: &Repository,
    wish: &Wish,
    key: &str,
) -> Result<DeploymentId, NotDone> {
    for _ in 0..CONFLICTS_MAX {
        let Standing { configured, slot } = accept::standing(world, repository).await?;
        let configured = configured.map_err(Refusal::NotConfigured)?;
        let key = PushKey::over(&[Some("operator"), Some(slot.app.as_str()), Some(key)]);
        if let Some(Decision::Deploy(before)) = world.store().decision(&key).await? {
            return Ok(before);
        }
        let begun = judge(world, &slot, wish).await?;
        let configured = match &begun.kind {
            Kind::Rollback(release) | Kind::Drill(release) | Kind::Join(release) => {
                of_release(world, repository, release).await?
            }
            Kind::Push | Kind::Redeploy | Kind::Config | Kind::Promote(_) => configured,
        };
        let news = News {
            repository,
            key: &key,
            by: Some(&operator.by),
            account: None,
            cause: Cause::Operator,
        };
        let wanted = Wanted {
            kind: &begun.kind,
            configured: &configured,
            commit: &begun.commit,
        };
        match accept::begin(world, &news, &wanted, &slot).await {
            Ok(Decision::Deploy(id)) => return Ok(id),
            Ok(Decision::Skip(reason)) => return Err(Refusal::NotConfigured(reason).into()),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}

/// The configuration that a release was proven with.
async fn of_release<D: Deciding>(
    world: &D,
    repository: &Repository,
    release: &Release,
) -> Result<Configured, NotDone> {
    let version = Some(release.config_version);
    let configured = world.configs().config(repository, version).await;
    let configured = configured.map_err(|error| NotDone::Unreachable(Box::new(error)))?;
    configured.ok_or_else(|| Refusal::NotConfigured(SkipReason::NotConfigured).into())
}

/// What a wish comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The kind of the deployment.
    pub kind: Kind,
    /// Its commit.
    pub commit: Commit,
}

/// Judges a wish as things stand, and writes nothing.
///
/// # Errors
/// [`NotDone`].
pub async fn judge<D: Deciding>(world: &D, slot: &Slot, wish: &Wish) -> Result<Begun, NotDone> {
    let live = slot.live.as_ref().map(|live| &live.release);
    let begun = match wish {
        Wish::Commit(commit) => Begun {
            kind: Kind::Redeploy,
            commit: commit.clone(),
        },
        Wish::Redeploy => Begun {
            kind: Kind::Redeploy,
            commit: live.ok_or(Refusal::NothingLive)?.commit.clone(),
        },
        Wish::Config => Begun {
            kind: Kind::Config,
            commit: live.ok_or(Refusal::NothingLive)?.commit.clone(),
        },
        Wish::Promote(commit, artifact) => Begun {
            kind: Kind::Promote(artifact.clone()),
            commit: commit.clone(),
        },
        Wish::Back(back) => {
            let release = target(world, slot, back).await?;
            Begun {
                commit: release.commit.clone(),
                kind: Kind::Rollback(release),
            }
        }
        Wish::Drill(back) => {
            let release = target(world, slot, back).await?;
            Begun {
                commit: release.commit.clone(),
                kind: Kind::Drill(release),
            }
        }
        Wish::Retry(id) => again(slot, &deployment(world, id).await?)?,
    };
    if begun.kind.brings_a_commit() && slot.quarantine.contains_key(&begun.commit) {
        return Err(Refusal::Quarantined.into());
    }
    Ok(begun)
}

/// The release to go back to, when the database allows it.
async fn target<D: Deciding>(world: &D, slot: &Slot, back: &Back) -> Result<Release, NotDone> {
    let live = slot.live.as_ref().ok_or(Refusal::NothingLive)?;
    let release = match &back.to {
        None => before(slot)?,
        Some(id) => proven(&slot.app, &deployment(world, id).await?)?,
    };
    if release == live.release {
        return Err(Refusal::AlreadyLive.into());
    }
    let verdict = verdict(&deployment(world, &live.deployment).await?, &release);
    match verdict {
        Verdicts::Fits => Ok(release),
        Verdicts::May(_) if back.whatever_the_database => Ok(release),
        Verdicts::May(verdict) => Err(Refusal::DatabaseMayNotFit(verdict).into()),
    }
}

/// What was live last and is not in quarantine.
fn before(slot: &Slot) -> Result<Release, Refusal> {
    let mut before = slot.before.iter();
    let welcome = before.find(|proven| !slot.quarantine.contains_key(&proven.release.commit));
    let release = welcome.map(|proven| proven.release.clone());
    release.ok_or(Refusal::NothingBefore)
}

/// The release that a deployment has proven on every host.
fn proven(app: &AppName, deployment: &Deployment) -> Result<Release, Refusal> {
    match &deployment.state {
        State::Ended {
            outcome: Outcome::Succeeded,
            run: Some(run),
            ..
        } if deployment.app == *app => Ok(run.release.clone()),
        State::Ended { .. }
        | State::AwaitingApproval { .. }
        | State::Queued { .. }
        | State::Active { .. } => Err(Refusal::NotProven),
    }
}

/// What is known of the database before a release is gone back to.
enum Verdicts {
    Fits,
    May(Option<Verdict>),
}

/// What the deployment of what is live has found of its migrations against the release before it. Of any other release
/// nothing is known, unless the app has no migrations at all.
fn verdict(live: &Deployment, release: &Release) -> Verdicts {
    let run = live.state.run();
    let Some(run) = run.filter(|_| live.policy.migrates) else {
        return Verdicts::Fits;
    };
    if run.previous.as_ref() != Some(release) {
        return Verdicts::May(None);
    }
    match run
        .migrations
        .as_ref()
        .map(|migrations| migrations.found.verdict)
    {
        // What nobody has judged a rollback by itself takes for safe too.
        None | Some(Verdict::Safe) => Verdicts::Fits,
        Some(verdict @ (Verdict::NeedsDown | Verdict::Impossible)) => Verdicts::May(Some(verdict)),
    }
}

/// What is left to try again of a deployment that is over.
fn again(slot: &Slot, deployment: &Deployment) -> Result<Begun, Refusal> {
    let State::Ended { outcome, .. } = &deployment.state else {
        return Err(Refusal::TooLate);
    };
    let same = || Begun {
        kind: match &deployment.origin.kind {
            Kind::Push | Kind::Redeploy => Kind::Redeploy,
            kind @ (Kind::Rollback(_)
            | Kind::Drill(_)
            | Kind::Promote(_)
            | Kind::Config
            | Kind::Join(_)) => kind.clone(),
        },
        commit: deployment.origin.commit.clone(),
    };
    let left_out = || match &slot.live {
        Some(live) => Ok(Begun {
            kind: Kind::Join(live.release.clone()),
            commit: live.release.commit.clone(),
        }),
        None => Ok(same()),
    };
    match outcome {
        Outcome::Failed(_) | Outcome::Expired(_) | Outcome::Cancelled(_) => Ok(same()),
        Outcome::RolledBack(_) => Err(Refusal::Quarantined),
        Outcome::RollbackFailed(_) => left_out(),
        Outcome::Succeeded if deployment.left_hosts_out() => left_out(),
        Outcome::Succeeded | Outcome::Rejected(_) | Outcome::Superseded(_) => {
            Err(Refusal::NothingToRetry)
        }
    }
}
