//! What can be seen of the world for one deployment: whether its turn has come, what became of its commands, what its
//! checks have found, and that time has passed.

use super::AdvanceError;
use super::checks::checked;
use crate::freeze::holding;
use crate::ports::{
    Artifacts, Branches, Clock, Commands, Configs, Fleet, HeadError, LookError, ResolveError, Store,
};
use crate::telemetry;
use crate::world::World;
use futures_util::future::join_all;
use longshore_app_config::{AppConfig, Source};
use longshore_core::{
    Artifact, Cause, Changelog, Command, CommandStatus, Deployment, Desk, DocumentPin, Failure,
    FailureClass, HostId, Kind, Observation, Release, Slot, Start, State,
};

/// Reads of SSM that one look has under way at once. A fleet of ten thousand hosts has two hundred commands, and one answer takes some
/// fifty milliseconds; more at once would be throttled.
const READS_AT_ONCE: usize = 8;

/// What one look has seen.
pub(super) struct Seen {
    pub(super) observations: Vec<Observation>,
    /// The slot with the deployment running in it, when its turn has come.
    pub(super) slot: Option<Slot>,
    pub(super) unseen: Vec<LookError>,
}

pub(super) async fn observe<W: World>(
    world: &W,
    desk: Option<Desk>,
    deployment: &Deployment,
    cause: Cause,
) -> Result<Seen, AdvanceError> {
    let mut seen = Seen {
        observations: Vec::new(),
        slot: None,
        unseen: Vec::new(),
    };
    match &deployment.state {
        State::Queued { .. } if desk == Some(Desk::Reconciler) => {
            turn(world, deployment, &mut seen).await?;
        }
        State::Active { .. } => {
            // What an event tells of a large deployment its own looks will see.
            let asks = !deployment.is_large() || cause != Cause::Event;
            let commands: Vec<&Command> = deployment.commands().iter().filter(|_| asks).collect();
            for some in commands.chunks(READS_AT_ONCE) {
                let asked = some
                    .iter()
                    .map(|command| became_of(world, deployment, command));
                for became in join_all(asked).await {
                    match became {
                        Ok(observations) => seen.observations.extend(observations),
                        Err(error) => seen.unseen.push(error),
                    }
                }
            }
            if desk == Some(deployment.desk()) {
                checked(world, deployment, &mut seen).await;
            }
        }
        State::Queued { .. } | State::AwaitingApproval { .. } | State::Ended { .. } => {}
    }
    // Last, so that an answer that is there is heard before its deadline is.
    seen.observations.push(Observation::TimePassed);
    Ok(seen)
}

/// Whether the deployment may start, and with what.
async fn turn<W: World>(
    world: &W,
    deployment: &Deployment,
    seen: &mut Seen,
) -> Result<(), AdvanceError> {
    let slot = world.store().slot(&deployment.app).await?;
    let Ok((begun, generation)) = slot.begin(&deployment.id, world.clock().now()) else {
        return Ok(());
    };
    if deployment.origin.kind.brings_a_commit()
        && slot.quarantine.contains_key(&deployment.origin.commit)
    {
        let failure = Failure::of(FailureClass::Quarantined);
        seen.observations.push(Observation::NotReady(failure));
        return Ok(());
    }
    let freeze = holding(world, deployment).await;
    let freeze = freeze.map_err(AdvanceError::Resolve)?;
    let is_held = freeze.is_some();
    if freeze != deployment.freeze {
        seen.observations.push(Observation::FreezeSeen(freeze));
    }
    if is_held {
        return Ok(());
    }
    match resolve(world, deployment, &slot).await {
        Ok(None) => Ok(()),
        Ok(Some((release, document, hosts))) => {
            let previous = slot.live.map(|live| live.release);
            let changelog = changelog(world, deployment, previous.as_ref()).await;
            seen.observations.push(Observation::Ready(Start {
                generation,
                release,
                document,
                hosts,
                previous,
                changelog,
            }));
            seen.slot = Some(begun);
            Ok(())
        }
        Err(ResolveError::Failed(failure)) => {
            seen.observations.push(Observation::NotReady(failure));
            Ok(())
        }
        Err(error @ ResolveError::Unavailable(_)) => Err(AdvanceError::Resolve(error)),
    }
}

/// What lies between what is live and what the deployment brings; on a way back, what it takes away. It is asked for once for each
/// plan, and whatever goes wrong with it hinders nothing.
async fn changelog<W: World>(
    world: &W,
    deployment: &Deployment,
    live: Option<&Release>,
) -> Option<Changelog> {
    let (live, brought) = (&live?.commit, &deployment.origin.commit);
    if live == brought {
        return Some(Changelog::default());
    }
    let asked_with = deployment
        .approved()
        .and_then(|plan| plan.previous.as_ref());
    if asked_with.is_some_and(|seen| seen.commit == *live) {
        return deployment.changelog.clone();
    }
    let (without, with) = match &deployment.origin.kind {
        Kind::Rollback(_) | Kind::Drill(_) => (brought, live),
        Kind::Push | Kind::Redeploy | Kind::Promote(_) | Kind::Config | Kind::Join(_) => {
            (live, brought)
        }
    };
    let told = world
        .branches()
        .between(&deployment.repository, without, with);
    match told.await {
        Ok(told) => told,
        Err(HeadError::NoToken) => None,
        Err(error @ (HeadError::Refused(_) | HeadError::Throttled | HeadError::Unavailable(_))) => {
            telemetry::info("changelog_unknown")
                .id("deployment.id", &deployment.id)
                .cause(&error)
                .write();
            None
        }
    }
}

type Resolved = (Release, DocumentPin, Vec<HostId>);

/// `None` while something is waited for that will come by itself. What people have said yes to is taken as it is.
async fn resolve<W: World>(
    world: &W,
    deployment: &Deployment,
    slot: &Slot,
) -> Result<Option<Resolved>, ResolveError> {
    let origin = &deployment.origin;
    let known = match (deployment.approved(), &origin.kind) {
        (Some(plan), _) => Some(&plan.release),
        (None, Kind::Rollback(release) | Kind::Drill(release) | Kind::Join(release)) => {
            Some(release)
        }
        (None, Kind::Push | Kind::Redeploy | Kind::Config | Kind::Promote(_)) => None,
    };
    let version = known.map_or(origin.config_version, |release| release.config_version);
    let configured = world
        .configs()
        .config(&deployment.repository, Some(version));
    let Some(configured) = configured.await? else {
        let class = FailureClass::ConfigRefused;
        let line = "the app configuration is gone from Parameter Store";
        return Err(ResolveError::Failed(Failure::with_detail(class, line)));
    };
    let release = if let Some(release) = known {
        release.clone()
    } else {
        let Some(artifact) = build(world, deployment, &configured.config, slot).await? else {
            return Ok(None);
        };
        Release {
            commit: origin.commit.clone(),
            config_version: version,
            parameters: world.fleet().parameters(&deployment.app).await?,
            artifact,
        }
    };
    let hosts = hosts(world, deployment, slot, &configured.config).await?;
    let document = world.fleet().document().await?;
    Ok(Some((release, document, hosts)))
}

/// The target set. Of an approved plan's hosts those that are still there: one that came later joins later, and one that has
/// gone makes it another plan.
async fn hosts<W: World>(
    world: &W,
    deployment: &Deployment,
    slot: &Slot,
    config: &AppConfig,
) -> Result<Vec<HostId>, ResolveError> {
    let (fleet, app, tags) = (world.fleet(), &deployment.app, config.tags());
    let mut hosts = match &deployment.origin.kind {
        Kind::Join(_) => slot.came_late(fleet.online(app, tags).await?),
        Kind::Push
        | Kind::Redeploy
        | Kind::Rollback(_)
        | Kind::Drill(_)
        | Kind::Config
        | Kind::Promote(_) => fleet.hosts(app, tags).await?,
    };
    if let Some(plan) = deployment.approved() {
        hosts.retain(|host| plan.hosts.contains_key(host));
    }
    Ok(hosts)
}

/// The build that the hosts are to take: none when they make it themselves, and nothing at all while a pipeline is still
/// busy with it. A push is told before its pipeline has even begun, so a missing build is waited for.
async fn build<W: World>(
    world: &W,
    deployment: &Deployment,
    config: &AppConfig,
    slot: &Slot,
) -> Result<Option<Option<Artifact>>, ResolveError> {
    let Source::Artifact = config.source() else {
        return Ok(Some(None));
    };
    let Deployment {
        repository, origin, ..
    } = deployment;
    // Changed parameters come with the very build that is live.
    let served = slot.live.as_ref().map(|live| &live.release);
    if let (Kind::Config, Some(release)) = (&origin.kind, served)
        && release.commit == origin.commit
        && release.artifact.is_some()
    {
        return Ok(Some(release.artifact.clone()));
    }
    if let Kind::Promote(Some(artifact)) = &origin.kind {
        return Ok(Some(Some(artifact.clone())));
    }
    let found = world.artifacts().artifact(repository, &origin.commit);
    if let Some(artifact) = found.await? {
        return Ok(Some(Some(artifact)));
    }
    let waited = world.clock().now().since(origin.at);
    if waited < config.artifact_wait() {
        return Ok(None);
    }
    let line = format!(
        "no build of the commit after {} s: see https://bitbucket.org/{repository}/commits/{}",
        waited.as_ms() / 1_000,
        origin.commit
    );
    let failure = Failure::with_detail(FailureClass::ArtifactMissing, &line);
    Err(ResolveError::Failed(failure))
}

/// What became of one command.
async fn became_of<W: World>(
    world: &W,
    deployment: &Deployment,
    command: &Command,
) -> Result<Vec<Observation>, LookError> {
    match &command.status {
        CommandStatus::Planned { .. } => Ok(Vec::new()),
        CommandStatus::Sending { since } => {
            if world.clock().now() < since.after(deployment.policy.settling) {
                return Ok(Vec::new());
            }
            let token = command.token.clone();
            let found = world.commands().find(&token, *since).await?;
            Ok(vec![match found {
                Some(id) => Observation::CommandSent(token, id),
                None => Observation::CommandMissing(token),
            }])
        }
        CommandStatus::Sent { command: id } => {
            let reports = world.commands().reports(id).await?.into_iter();
            let token = || command.token.clone();
            let heard = reports.map(|heard| Observation::HostReported(token(), heard));
            Ok(heard.collect())
        }
    }
}
