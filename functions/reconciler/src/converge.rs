//! Bringing hosts and what is live together although nobody has pushed: a host that was away, or that was born since, gets
//! what is live; and where the app's configuration says so, changed parameters and a changed configuration are deployed.
//!
//! Both are deployments like any other, with every check and their own rollback. Each is begun once: for the same hosts once
//! an hour, for the same versions once, so that what fails is told and not repeated without end.

use crate::poll::Entry;
use longshore_core::{HostId, Kind, Live, Repository, Slot};
use longshore_shell::accept::{self, Adjustment, Refusal, Standing};
use longshore_shell::ports::{Clock, Configs, Configured, Fleet, PushKey};
use longshore_shell::telemetry;
use longshore_shell::world::Watch;

/// After this time hosts that did not come to what is live are asked again.
const JOIN_EVERY_S: u64 = 3_600;

/// Begins what is missing for one app, if its slot is free.
pub(crate) async fn converge<W: Watch>(world: &W, repository: &Repository) -> Result<(), Refusal> {
    let Standing { configured, slot } = accept::standing(&Entry(world), repository).await?;
    let (Ok(newest), Some(live)) = (configured, &slot.live) else {
        return Ok(());
    };
    let now = world.clock().now();
    if !slot.admits_join(now) {
        return Ok(());
    }
    // A change comes first: it reaches hosts that came late, too.
    if slot.is_idle(now)
        && newest.config.deploys_changes()
        && changed(world, repository, &newest, &slot, live).await?
    {
        return Ok(());
    }
    join(world, repository, &slot, live).await
}

/// Deploys the newest versions with the commit that is live. Says whether a deployment has begun.
async fn changed<W: Watch>(
    world: &W,
    repository: &Repository,
    newest: &Configured,
    slot: &Slot,
    live: &Live,
) -> Result<bool, Refusal> {
    let parameters = world.fleet().parameters(newest.config.app()).await?;
    let mut wanted = live.release.clone();
    wanted.config_version = newest.version;
    wanted.parameters = parameters;
    if wanted == live.release {
        return Ok(false);
    }
    let key = PushKey::over(&[
        Some("change"),
        Some(repository.as_str()),
        Some(live.deployment.as_str()),
        Some(wanted.id().as_str()),
    ]);
    let adjustment = Adjustment {
        repository,
        key: &key,
        kind: Kind::Config,
        configured: newest,
    };
    begin(world, slot, live, &adjustment).await
}

/// Brings what is live to hosts that came late.
async fn join<W: Watch>(
    world: &W,
    repository: &Repository,
    slot: &Slot,
    live: &Live,
) -> Result<(), Refusal> {
    let version = Some(live.release.config_version);
    let Some(configured) = world.configs().config(repository, version).await? else {
        return Ok(());
    };
    let (app, tags) = (configured.config.app(), configured.config.tags());
    let late = slot.came_late(world.fleet().online(app, tags).await?);
    if late.is_empty() {
        return Ok(());
    }
    let key = key_of(repository, live, &late, world.clock().now().as_unix_s());
    let adjustment = Adjustment {
        repository,
        key: &key,
        kind: Kind::Join(live.release.clone()),
        configured: &configured,
    };
    if !begin(world, slot, live, &adjustment).await? {
        // This line wakes somebody when it comes again and again (`tests/template/contract.toml`).
        telemetry::warn("hosts_behind")
            .id("repository", repository)
            .number("hosts", u64::try_from(late.len()).unwrap_or(u64::MAX))
            .write();
    }
    Ok(())
}

fn key_of(repository: &Repository, live: &Live, late: &[HostId], now_s: u64) -> PushKey {
    let hour = (now_s / JOIN_EVERY_S).to_string();
    let mut parts = vec![
        Some("join"),
        Some(repository.as_str()),
        Some(live.deployment.as_str()),
        Some(hour.as_str()),
    ];
    parts.extend(late.iter().map(|host| Some(host.as_str())));
    PushKey::over(&parts)
}

async fn begin<W: Watch>(
    world: &W,
    slot: &Slot,
    live: &Live,
    adjustment: &Adjustment<'_>,
) -> Result<bool, Refusal> {
    let commit = &live.release.commit;
    let begun = accept::adjust(&Entry(world), slot, commit, adjustment).await?;
    if begun.is_some() {
        telemetry::info("adjusted")
            .id("repository", adjustment.repository)
            .word("kind", adjustment.kind.word())
            .write();
    }
    Ok(begun.is_some())
}
