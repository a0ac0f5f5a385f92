//! What a repository's hook calls after a push.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use longshore_local::bitbucket::payload::{self, Move};
use longshore_local::bitbucket::{Repository, Webhook};

use crate::report;

/// Sends the webhook for what was pushed, as Bitbucket would.
pub(crate) async fn webhook(file: &Path) -> Result<()> {
    let text = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let webhook: Webhook = serde_json::from_slice(&text)?;
    let mut lines = String::new();
    std::io::stdin().read_to_string(&mut lines)?;
    let moves = lines.lines().map(Move::parse).collect::<Result<Vec<_>>>()?;
    let folder = std::path::absolute(file)?
        .parent()
        .context("a file without a folder")?
        .to_owned();
    let body = payload::push(&Repository::at(&folder, &webhook.repository), &moves).await?;
    let delivered = webhook
        .deliver("repo:push", &serde_json::to_vec(&body)?)
        .await?;
    let status = delivered
        .status
        .map_or_else(|| "nothing".to_owned(), |status| status.to_string());
    report::say(&format!("Longshore answered {status}: {}", delivered.body));
    Ok(())
}
