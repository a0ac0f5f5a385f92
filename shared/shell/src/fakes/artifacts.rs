//! Builds in memory, and what can go wrong when one is asked for.

use crate::ports::{Artifacts, ResolveError};
use longshore_core::{Artifact, Commit, Failure, FailureClass, Repository};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactFault {
    /// The bucket cannot be reached, or is throttling.
    Unavailable,
    /// The function may not read the bucket.
    Denied,
}

/// The bucket.
#[derive(Clone, Debug, Default)]
pub struct FakeArtifacts(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    builds: BTreeMap<(Repository, Commit), Artifact>,
    fault: Option<ArtifactFault>,
}

impl FakeArtifacts {
    /// Stores a build.
    pub fn put(&self, repository: &Repository, commit: &Commit, artifact: Artifact) {
        let key = (repository.clone(), commit.clone());
        self.lock().builds.insert(key, artifact);
    }

    /// Lets every question go wrong like this, or be answered.
    pub fn fail(&self, fault: Option<ArtifactFault>) {
        self.lock().fault = fault;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Artifacts for FakeArtifacts {
    async fn artifact(
        &self,
        repository: &Repository,
        commit: &Commit,
    ) -> Result<Option<Artifact>, ResolveError> {
        let inner = self.lock();
        match inner.fault {
            None => {
                let key = (repository.clone(), commit.clone());
                Ok(inner.builds.get(&key).cloned())
            }
            Some(ArtifactFault::Unavailable) => {
                Err(ResolveError::Unavailable("a fault was injected".into()))
            }
            Some(ArtifactFault::Denied) => Err(ResolveError::Failed(Failure::of(
                FailureClass::AccessDenied,
            ))),
        }
    }
}
