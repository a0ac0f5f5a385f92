//! Bare repositories and clones of them, by the git command with a configuration of its own.
//!
//! The user's own git configuration is left out on purpose, so that a hook, a signature or another default branch cannot
//! change what a test does.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

use super::delivery::Webhook;

const ENVIRONMENT: [(&str, &str); 7] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_AUTHOR_NAME", "Dana Developer"),
    ("GIT_AUTHOR_EMAIL", "dana@example.com"),
    ("GIT_COMMITTER_NAME", "Dana Developer"),
    ("GIT_COMMITTER_EMAIL", "dana@example.com"),
];
/// Variables that a hook inherits and that would send git elsewhere.
const UNWANTED: [&str; 4] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_QUARANTINE_PATH",
];
const WEBHOOK_FILE: &str = "longshore-webhook.json";
const EXECUTABLE: u32 = 0o755;
const PRIVATE: u32 = 0o600;

/// A bare repository.
#[derive(Clone, Debug)]
pub struct Repository {
    path: PathBuf,
    full_name: String,
}

/// A clone with files.
#[derive(Clone, Debug)]
pub struct WorkTree {
    path: PathBuf,
}

impl Repository {
    /// Makes the repository under this folder, or finds it there.
    ///
    /// # Errors
    /// When the name is not `workspace/repository`, or git fails.
    pub async fn open(folder: &Path, full_name: &str) -> Result<Self> {
        let slashes = full_name.matches('/').count();
        ensure!(
            slashes == 1 && !full_name.contains(".."),
            "{full_name} is no workspace/repository"
        );
        let path = folder.join(format!("{full_name}.git"));
        if !path.join("HEAD").exists() {
            std::fs::create_dir_all(&path)?;
            git(
                &path,
                &["init", "--quiet", "--bare", "--initial-branch=main"],
            )
            .await?;
            // A host fetches one commit by its hash, as from Bitbucket.
            git(&path, &["config", "uploadpack.allowAnySHA1InWant", "true"]).await?;
        }
        Ok(Self {
            path,
            full_name: full_name.to_owned(),
        })
    }

    /// An existing repository at this path, whose name was given when its hook was set.
    #[must_use]
    pub fn at(path: &Path, full_name: &str) -> Self {
        Self {
            path: path.to_owned(),
            full_name: full_name.to_owned(),
        }
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `workspace/repository`.
    #[must_use]
    pub fn full_name(&self) -> &str {
        &self.full_name
    }

    /// Clones it into a folder, or finds the clone there.
    ///
    /// # Errors
    /// When git fails.
    pub async fn clone_to(&self, path: &Path) -> Result<WorkTree> {
        let (from, to) = (self.path.to_string_lossy(), path.to_string_lossy());
        if !path.join(".git").exists() {
            git(&self.path, &["clone", "--quiet", &from, &to]).await?;
        }
        Ok(WorkTree {
            path: path.to_owned(),
        })
    }

    /// From here on every push to it is announced: by the hook, which runs `program webhook` with this webhook's file.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn announce(&self, program: &Path, webhook: &Webhook) -> Result<()> {
        let file = self.path.join(WEBHOOK_FILE);
        let mut options = std::fs::OpenOptions::new();
        options
            .create(true)
            .truncate(true)
            .write(true)
            .mode(PRIVATE);
        options
            .open(&file)?
            .write_all(&serde_json::to_vec_pretty(webhook)?)?;
        let hook = self.path.join("hooks/post-receive");
        std::fs::create_dir_all(self.path.join("hooks"))?;
        std::fs::write(&hook, hook_script(program))?;
        std::fs::set_permissions(&hook, Permissions::from_mode(EXECUTABLE))?;
        Ok(())
    }

    /// From here on no push to it is announced, as when Bitbucket drops its webhook.
    ///
    /// # Errors
    /// When the hook cannot be removed.
    pub fn fall_silent(&self) -> Result<()> {
        let hook = self.path.join("hooks/post-receive");
        std::fs::remove_file(&hook).with_context(|| format!("removing {}", hook.display()))
    }

    /// What git prints for these arguments.
    ///
    /// # Errors
    /// When git fails.
    pub async fn git(&self, arguments: &[&str]) -> Result<String> {
        git(&self.path, arguments).await
    }
}

impl WorkTree {
    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, and the folders above it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> Result<()> {
        let path = self.path.join(name);
        let folder = path.parent().context("a file without a folder")?;
        std::fs::create_dir_all(folder)?;
        std::fs::write(&path, content).with_context(|| format!("writing {}", path.display()))
    }

    /// Commits everything, and returns the commit's hash.
    ///
    /// # Errors
    /// When git fails.
    pub async fn commit(&self, message: &str) -> Result<String> {
        self.git(&["add", "--all"]).await?;
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message])
            .await?;
        Ok(self.git(&["rev-parse", "HEAD"]).await?.trim().to_owned())
    }

    /// Pushes what is checked out to this branch.
    ///
    /// # Errors
    /// When git fails.
    pub async fn push(&self, branch: &str) -> Result<()> {
        self.git(&[
            "push",
            "--quiet",
            "origin",
            &format!("HEAD:refs/heads/{branch}"),
        ])
        .await
        .map(|_| ())
    }

    /// What git prints for these arguments.
    ///
    /// # Errors
    /// When git fails.
    pub async fn git(&self, arguments: &[&str]) -> Result<String> {
        git(&self.path, arguments).await
    }
}

fn hook_script(program: &Path) -> String {
    let program = program.to_string_lossy().replace('\'', "'\\''");
    format!(
        "#!/bin/sh\n# Tells Longshore of this push, as Bitbucket would. Written by the local cloud.\n\
         exec '{program}' webhook --file {WEBHOOK_FILE}\n"
    )
}

async fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    for name in UNWANTED {
        command.env_remove(name);
    }
    let output = command
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .envs(ENVIRONMENT)
        .stdin(Stdio::null())
        .output()
        .await
        .context("starting git")?;
    if !output.status.success() {
        bail!(
            "git {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
