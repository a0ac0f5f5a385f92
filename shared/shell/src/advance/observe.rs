//! What can be seen of the world for one deployment: whether its turn has come, what became of its commands, what its
//! checks have found, and that time has passed.

use super::AdvanceError;
use super::checks::checked;
use crate::freeze::holding;
use crate::ports::{Artifacts, Clock, Commands, Configs, Fleet, LookError, ResolveError, Store};
use crate::world::World;
use longshore_app_config::{AppConfig, Source};
use longshore_core::{
    Artifact, Cause, Command, CommandStatus, Deployment, Desk, DocumentPin, Failure, FailureClass,
    HostId, Kind, Observation, Release, Slot, Start, State,
};

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
            for command in deployment.commands().iter().filter(|_| asks) {
                if let Err(error) = became_of(world, deployment, command, &mut seen).await {
                    seen.unseen.push(error);
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
            seen.observations.push(Observation::Ready(Start {
                generation,
                release,
                document,
                hosts,
                previous,
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
    seen: &mut Seen,
) -> Result<(), LookError> {
    match &command.status {
        CommandStatus::Planned { .. } => Ok(()),
        CommandStatus::Sending { since } => {
            if world.clock().now() < since.after(deployment.policy.settling) {
                return Ok(());
            }
            let token = command.token.clone();
            let found = world.commands().find(&token, *since).await?;
            seen.observations.push(match found {
                Some(id) => Observation::CommandSent(token, id),
                None => Observation::CommandMissing(token),
            });
            Ok(())
        }
        CommandStatus::Sent { command: id } => {
            for (host, report) in world.commands().reports(id).await? {
                let token = command.token.clone();
                seen.observations
                    .push(Observation::HostReported(token, host, report));
            }
            Ok(())
        }
    }
}
