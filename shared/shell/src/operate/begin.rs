//! What operators begin: a commit, what is live again, a release that was proven before or elsewhere, what is left of a
//! deployment that is over.

use super::{CONFLICTS_MAX, NotDone, Operator, Refusal, deployment};
use crate::accept::{self, Deciding, News, Standing, Wanted};
use crate::ports::{Configs, Configured, PushKey, Store, StoreError};
use longshore_core::{
    AppName, Artifact, Cause, Commit, Decision, Deployment, DeploymentId, Kind, Outcome, Release,
    Repository, SkipReason, Slot, State, Verdict,
};

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
            committed_at: None,
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
