//! A power cut, and what a host does by itself when it has power again.
//!
//! A host's init starts two things: the process manager with the apps that were saved last (`pm2 resurrect`, as an operator's
//! boot script does), and the agent, which begins what it had not finished. No rule of deploying lives here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::hosts::Host;
use crate::process::{self, Environment};
use crate::wait;

const DARK_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What pm2 starts from.
const DUMP: &str = "pm2/dump.pm2";
/// The variables by which a process belongs to a host.
const HOST_MARKS: [&str; 2] = ["LONGSHORE_ROOT", "PM2_HOME"];

/// SIGKILL to every process of the emulator at this address and of the hosts in this folder, until there is none left: what
/// is killed may just have started another one. Says how many there were.
///
/// # Errors
/// When the processes of this machine cannot be listed, or some are always left.
pub async fn cut(endpoint: &str, hosts: &Path) -> Result<usize> {
    let is_ours = |variable: &str| {
        let (name, value) = variable.split_once('=').unwrap_or_default();
        name == "AWS_ENDPOINT_URL" && value == endpoint
            || HOST_MARKS.contains(&name) && Path::new(value).starts_with(hosts)
    };
    let mut killed = 0_usize;
    let dark = wait::until("darkness", DARK_WITHIN, LOOK_EVERY, async || {
        let found = process::kill_where(|environment| environment.iter().any(|one| is_ours(one)))?;
        killed = killed.saturating_add(found);
        Ok((found == 0).then_some(()))
    });
    dark.await?;
    Ok(killed)
}

/// Starts the apps that the host's process managers have saved.
///
/// # Errors
/// When the host's folder cannot be read or pm2 does not start them.
pub async fn boot(host: &Host) -> Result<()> {
    for app in apps_of(host)? {
        let pm2 = app.join("pm2");
        let mut variables: Environment = host.variables.clone();
        variables.insert("HOME".to_owned(), app.to_string_lossy().into_owned());
        variables.insert("PM2_HOME".to_owned(), pm2.to_string_lossy().into_owned());
        let path = variables.get("PATH").cloned().unwrap_or_default();
        let program = find(&path, "pm2").context("no pm2 in the host's PATH")?;
        let output = Command::new(program)
            .arg("resurrect")
            .env_clear()
            .envs(&variables)
            .current_dir(&pm2)
            .output()
            .await
            .context("starting pm2")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            bail!("pm2 resurrect on {}: {}", host.id, said.trim());
        }
    }
    Ok(())
}

fn apps_of(host: &Host) -> Result<Vec<PathBuf>> {
    let mut apps = Vec::new();
    for entry in std::fs::read_dir(host.root())? {
        let path = entry?.path();
        if path.join(DUMP).exists() {
            apps.push(path);
        }
    }
    apps.sort();
    Ok(apps)
}

fn find(path: &str, program: &str) -> Option<PathBuf> {
    let folders = path.split(':').map(Path::new);
    folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
