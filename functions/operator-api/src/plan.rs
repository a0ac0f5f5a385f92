//! What a deployment would be, before it is begun. Nothing is written, and no host is asked.

use crate::{Office, read, refused, view};
use longshore_contract as contract;
use longshore_contract::{ErrorWord, Refusal};
use longshore_core::{AppName, Kind, Release, Slot, waves_of};
use longshore_shell::operate::{self, Begun, Wish};
use longshore_shell::ports::{Clock, Configured, Fleet, Store};

/// What a wish would come to, as things stand.
///
/// # Errors
/// Whatever would keep it from being begun, by its stable word.
pub(crate) async fn of_wish<O: Office>(
    office: &O,
    app: &AppName,
    wish: &Wish,
) -> Result<contract::Plan, Refusal> {
    let known = read::find(office, app).await?;
    let configured = known
        .configured
        .map_err(|failure| Refusal::new(ErrorWord::NotDeployable, failure.detail().to_owned()))?;
    let slot = office
        .store()
        .slot(app)
        .await
        .map_err(|error| read::unread(&error))?;
    let policy = configured.config.policy();
    let begun = operate::judge(office, &slot, policy.migrates, wish).await;
    let begun = begun.map_err(refused::not_done)?;
    let release = release(office, app, &configured, &begun).await?;
    let hosts = office.fleet().hosts(app, configured.config.tags()).await;
    let hosts = hosts.map_err(read::unresolved)?;
    let live = slot.live.as_ref().map(|live| &live.release);
    Ok(contract::Plan {
        digest: None,
        kind: begun.kind.word().to_owned(),
        release: view::release(&release),
        live: live.map(view::release),
        parameters: view::changes(live, &release),
        waves: view::waves(&waves_of(&hosts, &policy.waves)),
        migrations: begun.takes_back.as_ref().map(view::migrations),
        expected_seconds: read::expected(office, &slot).await?,
        approvals_wanted: if begun.kind.needs_people() {
            policy.approvals
        } else {
            0
        },
        held_by: held_by(office, &slot),
    })
}

/// The release that it would move to. A build from a pipeline is looked for at the start only.
async fn release<O: Office>(
    office: &O,
    app: &AppName,
    configured: &Configured,
    begun: &Begun,
) -> Result<Release, Refusal> {
    let artifact = match &begun.kind {
        Kind::Rollback(release) | Kind::Drill(release) | Kind::Join(release) => {
            return Ok(release.clone());
        }
        Kind::Promote(artifact) => artifact.clone(),
        Kind::Push | Kind::Redeploy | Kind::Config => None,
    };
    let parameters = office.fleet().parameters(app).await;
    Ok(Release {
        commit: begun.commit.clone(),
        config_version: configured.version,
        parameters: parameters.map_err(read::unresolved)?,
        artifact,
    })
}

/// What would keep it from starting at once.
fn held_by<O: Office>(office: &O, slot: &Slot) -> Vec<String> {
    let lock = slot.held(office.clock().now());
    let lock = lock.map(|lock| format!("a lock of {}", lock.owner));
    let running = slot
        .running
        .as_ref()
        .map(|id| format!("the deployment {id}"));
    lock.into_iter().chain(running).collect()
}
