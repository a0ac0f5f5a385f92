//! What operators begin: a commit, what is live again, a release that was proven before or elsewhere, what is left of a
//! deployment that is over.

use super::{CONFLICTS_MAX, NotDone, Operator, Refusal, deployment};
use crate::accept::{self, Deciding, News, Standing, Wanted};
use crate::ports::{Clock, Configs, Configured, PushKey, Store, StoreError};
use longshore_core::{
    AppName, Artifact, Cause, Commit, Decision, Deployment, DeploymentId, Kind, Migrations,
    Outcome, Reason, Release, Repository, SkipReason, Slot, State, Verdict,
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
    /// What to do where the database may not fit that release.
    pub database: Database,
}

/// What to do with the database on the way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Database {
    /// Go only where the release is known to fit it.
    #[default]
    MustFit,
    /// Take the migrations of what is live back first, where the verdict on them says that this must and can be done.
    TakenBack,
    /// Go all the same, and leave it as it is.
    Whatever,
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
    reason: Option<&Reason>,
    key: &str,
) -> Result<DeploymentId, NotDone> {
    let since = world.clock().now();
    for _ in 0..CONFLICTS_MAX {
        let Standing { configured, slot } = accept::standing(world, repository).await?;
        let configured = configured.map_err(Refusal::NotConfigured)?;
        let key = PushKey::over(&[Some("operator"), Some(slot.app.as_str()), Some(key)]);
        if let Some(Decision::Deploy(before)) = world.store().decision(&key).await? {
            return Ok(before);
        }
        let migrates = configured.config.policy().migrates;
        let begun = judge(world, &slot, migrates, wish).await?;
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
            since,
        };
        let wanted = Wanted {
            kind: &begun.kind,
            configured: &configured,
            commit: &begun.commit,
            takes_back: begun.takes_back.is_some(),
            reason,
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
    /// The migrations that it takes back first.
    pub takes_back: Option<Migrations>,
}

impl Begun {
    /// A deployment that takes nothing back.
    const fn plain(kind: Kind, commit: Commit) -> Self {
        Self {
            kind,
            commit,
            takes_back: None,
        }
    }
}

/// Judges a wish as things stand, and writes nothing. `migrates` says whether the app has migrations by its configuration of
/// today.
///
/// # Errors
/// [`NotDone`].
pub async fn judge<D: Deciding>(
    world: &D,
    slot: &Slot,
    migrates: bool,
    wish: &Wish,
) -> Result<Begun, NotDone> {
    let live = slot.live.as_ref().map(|live| &live.release);
    let served = || Ok::<_, Refusal>(live.ok_or(Refusal::NothingLive)?.commit.clone());
    let begun = match wish {
        Wish::Commit(commit) => Begun::plain(Kind::Redeploy, commit.clone()),
        Wish::Redeploy => Begun::plain(Kind::Redeploy, served()?),
        Wish::Config => Begun::plain(Kind::Config, served()?),
        Wish::Promote(commit, artifact) => {
            Begun::plain(Kind::Promote(artifact.clone()), commit.clone())
        }
        Wish::Back(back) => {
            let (release, takes_back) = target(world, slot, migrates, back).await?;
            Begun {
                commit: release.commit.clone(),
                kind: Kind::Rollback(release),
                takes_back,
            }
        }
        Wish::Drill(back) => {
            let (release, takes_back) = target(world, slot, migrates, back).await?;
            // It goes forward again at once, so what was taken back would be missing there.
            if let Some(migrations) = takes_back {
                let verdict = Some(migrations.found.verdict);
                return Err(Refusal::DatabaseMayNotFit(verdict).into());
            }
            Begun::plain(Kind::Drill(release.clone()), release.commit)
        }
        Wish::Retry(id) => {
            let deployment = deployment(world, id).await?;
            let mut begun = again(slot, &deployment)?;
            if let (Kind::Rollback(release), true) = (&begun.kind, deployment.takes_back()) {
                let database = Database::TakenBack;
                begun.takes_back = fitting(world, slot, migrates, release, database).await?;
            }
            begun
        }
    };
    if begun.kind.brings_a_commit() && slot.quarantine.contains_key(&begun.commit) {
        return Err(Refusal::Quarantined.into());
    }
    Ok(begun)
}

/// The release to go back to, when the database allows it, and the migrations that are to be taken back first.
async fn target<D: Deciding>(
    world: &D,
    slot: &Slot,
    migrates: bool,
    back: &Back,
) -> Result<(Release, Option<Migrations>), NotDone> {
    let live = slot.live.as_ref().ok_or(Refusal::NothingLive)?;
    let release = match &back.to {
        None => before(slot)?,
        Some(id) => proven(&slot.app, &deployment(world, id).await?)?,
    };
    if release == live.release {
        return Err(Refusal::AlreadyLive.into());
    }
    let takes_back = fitting(world, slot, migrates, &release, back.database).await?;
    Ok((release, takes_back))
}

/// The migrations that are to be taken back, so that the database fits a release.
async fn fitting<D: Deciding>(
    world: &D,
    slot: &Slot,
    migrates: bool,
    release: &Release,
    database: Database,
) -> Result<Option<Migrations>, NotDone> {
    let live = slot.live.as_ref().ok_or(Refusal::NothingLive)?;
    let live = deployment(world, &live.deployment).await?;
    match (verdict(&live, release, migrates), database) {
        (Verdicts::Fits, _) | (Verdicts::May(_) | Verdicts::After(_), Database::Whatever) => {
            Ok(None)
        }
        (Verdicts::After(migrations), Database::TakenBack) => Ok(Some(migrations)),
        (Verdicts::After(migrations), Database::MustFit) => {
            let verdict = Some(migrations.found.verdict);
            Err(Refusal::DatabaseMayNotFit(verdict).into())
        }
        (Verdicts::May(verdict), Database::MustFit | Database::TakenBack) => {
            Err(Refusal::DatabaseMayNotFit(verdict).into())
        }
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
    /// It will once these are taken back.
    After(Migrations),
    May(Option<Verdict>),
}

/// What the deployment of what is live has found of its migrations against the release before it. Of any other release
/// nothing is known, unless the app has no migrations at all.
fn verdict(live: &Deployment, release: &Release, migrates: bool) -> Verdicts {
    if !migrates && !live.policy.migrates {
        return Verdicts::Fits;
    }
    let run = live.state.run();
    let Some(run) = run.filter(|run| run.previous.as_ref() == Some(release)) else {
        return Verdicts::May(None);
    };
    // The release that was gone back from with its migrations left the database as it was before them.
    if live.takes_back() {
        return Verdicts::May(None);
    }
    let judged = run.migrations.as_ref().filter(|_| live.policy.migrates);
    let Some(migrations) = judged else {
        // It has migrated nothing, so the database is still that of the release before it. And what nobody has judged a
        // rollback by itself takes for safe too.
        return Verdicts::Fits;
    };
    match migrations.found.verdict {
        Verdict::Safe => Verdicts::Fits,
        Verdict::NeedsDown => Verdicts::After(migrations.clone()),
        Verdict::Impossible => Verdicts::May(Some(Verdict::Impossible)),
    }
}

/// What is left to try again of a deployment that is over.
fn again(slot: &Slot, deployment: &Deployment) -> Result<Begun, Refusal> {
    let State::Ended { outcome, .. } = &deployment.state else {
        return Err(Refusal::TooLate);
    };
    let same = || {
        let kind = match &deployment.origin.kind {
            Kind::Push | Kind::Redeploy => Kind::Redeploy,
            kind @ (Kind::Rollback(_)
            | Kind::Drill(_)
            | Kind::Promote(_)
            | Kind::Config
            | Kind::Join(_)) => kind.clone(),
        };
        Begun::plain(kind, deployment.origin.commit.clone())
    };
    let left_out = || match &slot.live {
        Some(live) => {
            let release = live.release.clone();
            let commit = release.commit.clone();
            Ok(Begun::plain(Kind::Join(release), commit))
        }
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
