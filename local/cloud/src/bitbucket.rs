//! Bitbucket on this machine: bare repositories in a folder, a webhook for every push, and the API that tells where a
//! branch points.
//!
//! A repository lies where a host's clone URL points to (`file://<folder>/<workspace>/<repository>.git`). Its `post-receive`
//! hook calls this program again, which sends what Bitbucket would send; so a developer's own `git push` deploys. It must
//! never touch a repository outside its folder.

pub mod api;
pub mod delivery;
pub mod payload;
pub mod repository;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use api::Api;
pub use delivery::{Delivered, Webhook};
pub use repository::{Repository, WorkTree};

/// The folder of all repositories.
#[derive(Clone, Debug)]
pub struct Bitbucket {
    folder: PathBuf,
}

impl Bitbucket {
    /// Uses this folder, and makes it.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Self {
            folder: folder.canonicalize()?,
        })
    }

    /// What a host puts before `/<workspace>/<repository>.git`.
    #[must_use]
    pub fn git_base(&self) -> String {
        format!("file://{}", self.folder.display())
    }

    /// Makes an empty repository, or finds it there. `full_name` is `workspace/repository`.
    ///
    /// # Errors
    /// When git fails.
    pub async fn repository(&self, full_name: &str) -> Result<Repository> {
        Repository::open(&self.folder, full_name).await
    }
}
