//! What an operator sets up once for an app: secrets, its configuration, its parameters, its repository's webhook.

use anyhow::Result;

use super::app;
use crate::LocalCloud;
use crate::bitbucket::{Repository, Webhook, WorkTree, api};
use crate::sinks;

/// The webhook's secret of the demo.
pub const WEBHOOK_SECRET: &str = "a secret between Bitbucket and Longshore";

/// The secret that the demo's Slack signs clicks with.
pub const SIGNING_SECRET: &str = "a secret between Slack and Longshore";

/// An app that is ready to be pushed to.
#[derive(Debug)]
pub struct Ready {
    /// A clone of its repository.
    pub tree: WorkTree,
    /// Its repository.
    pub repository: Repository,
    /// Where its pushes are announced to.
    pub webhook: Webhook,
}

/// Sets the app up as the demo has it.
///
/// # Errors
/// When the emulator or git refuses.
pub async fn prepare(cloud: &LocalCloud) -> Result<Ready> {
    prepare_with(cloud, app::CONFIGURATION).await
}

/// Sets the app up with a configuration of one's own.
///
/// # Errors
/// When the emulator or git refuses.
pub async fn prepare_with(cloud: &LocalCloud, document: &str) -> Result<Ready> {
    let environment = &cloud.options().environment;
    let control = format!("/longshore/{environment}/control");
    cloud
        .put_secret(
            &format!("{control}/bitbucket/webhook-secret"),
            WEBHOOK_SECRET,
        )
        .await?;
    cloud
        .put_secret(&format!("{control}/bitbucket/token"), api::TOKEN)
        .await?;
    let slack = cloud.sinks().slack_url("deployments");
    cloud
        .put_secret(&format!("{control}/slack/deployments"), &slack)
        .await?;
    let (teams, webhook) = (
        cloud.sinks().teams_url("ops"),
        cloud.sinks().webhook_url("audit"),
    );
    for (name, value) in [
        ("slack-signing-secret", SIGNING_SECRET),
        ("slack-app-token", sinks::SLACK_TOKEN),
        ("teams/ops", &teams),
        ("webhooks/audit/url", &webhook),
        ("webhooks/audit/secret", sinks::WEBHOOK_SECRET),
        ("bitbucket/write-token", api::WRITE_TOKEN),
    ] {
        cloud
            .put_secret(&format!("{control}/{name}"), value)
            .await?;
    }
    cloud.subscribe_sinks().await?;
    let configuration = format!("/longshore/{environment}/apps/{}", app::REPOSITORY);
    cloud.put_parameter(&configuration, document).await?;
    let name = |parameter: &str| format!("/{}/{environment}/{parameter}", app::APP);
    cloud.put_secret(&name("GREETING"), app::GREETING).await?;
    let database = cloud.options().work_dir.join("database.json");
    cloud
        .put_parameter(&name("DATABASE_FILE"), &database.display().to_string())
        .await?;
    let (repository, webhook) = cloud.repository(app::REPOSITORY, WEBHOOK_SECRET).await?;
    let tree = repository
        .clone_to(&cloud.options().work_dir.join("checkout"))
        .await?;
    Ok(Ready {
        tree,
        repository,
        webhook,
    })
}
