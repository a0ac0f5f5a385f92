//! Branches in memory, and what can go wrong when they are asked for.

use crate::ports::{Branches, Head, HeadError};
use longshore_core::{Changelog, Commit, CommitLine, Repository};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// No token is configured.
    NoToken,
    /// The token is refused (401, 403).
    Refused,
    /// Too many questions (429).
    Throttled,
    /// An error of Bitbucket's own, or no answer.
    Unavailable,
}

/// Where the branches point. From the start there is no token, so the poll is off.
#[derive(Clone, Debug)]
pub struct FakeBranches(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    heads: BTreeMap<(Repository, String), Head>,
    /// Where each repository's branches have pointed, in their order: its history.
    history: BTreeMap<Repository, Vec<CommitLine>>,
    fault: Option<HeadFault>,
    asked: Vec<Repository>,
}

impl Default for FakeBranches {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            heads: BTreeMap::new(),
            history: BTreeMap::new(),
            fault: Some(HeadFault::NoToken),
            asked: Vec::new(),
        })))
    }
}

impl FakeBranches {
    /// Lets a branch point to a commit, or deletes it.
    pub fn point(&self, repository: &Repository, branch: &str, to: Option<Head>) {
        let key = (repository.clone(), branch.to_owned());
        let mut inner = self.lock();
        match to {
            Some(head) => {
                let commit = &head.commit;
                let message = format!("Commit {}\n\nMore of it.", commit.short());
                let line =
                    CommitLine::new(commit.clone(), "Eve Example <eve@example.com>", &message);
                let history = inner.history.entry(repository.clone()).or_default();
                history.push(line);
                inner.heads.insert(key, head)
            }
            None => inner.heads.remove(&key),
        };
    }

    /// Lets every question go wrong like this, or be answered.
    pub fn fail(&self, fault: Option<HeadFault>) {
        self.lock().fault = fault;
    }

    /// The repositories that were asked about, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Repository> {
        self.lock().asked.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Branches for FakeBranches {
    async fn head(&self, repository: &Repository, branch: &str) -> Result<Option<Head>, HeadError> {
        let mut inner = self.lock();
        inner.asked.push(repository.clone());
        inner.answers()?;
        let key = (repository.clone(), branch.to_owned());
        Ok(inner.heads.get(&key).cloned())
    }

    /// A branch that was forced back has its commits twice here; the first of each counts.
    async fn between(
        &self,
        repository: &Repository,
        without: &Commit,
        with: &Commit,
    ) -> Result<Option<Changelog>, HeadError> {
        let inner = self.lock();
        inner.answers()?;
        let Some(history) = inner.history.get(repository) else {
            return Ok(None);
        };
        let at = |commit: &Commit| history.iter().position(|line| line.commit == *commit);
        let (Some(from), Some(to)) = (at(without), at(with)) else {
            return Ok(None);
        };
        let new = history.iter().take(to.saturating_add(1));
        let new = new.skip(from.saturating_add(1)).rev().cloned();
        Ok(Some(Changelog::new(new.collect(), false)))
    }
}

impl Inner {
    fn answers(&self) -> Result<(), HeadError> {
        match self.fault {
            None => Ok(()),
            Some(HeadFault::NoToken) => Err(HeadError::NoToken),
            Some(HeadFault::Refused) => Err(HeadError::Refused("a fault was injected".to_owned())),
            Some(HeadFault::Throttled) => Err(HeadError::Throttled),
            Some(HeadFault::Unavailable) => {
                Err(HeadError::Unavailable("a fault was injected".into()))
            }
        }
    }
}
