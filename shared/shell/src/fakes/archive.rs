//! A bucket of histories in memory, and one that takes nothing.

use crate::ports::{Archive, ArchiveError};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The bucket.
#[derive(Debug, Default)]
pub struct MemoryArchive(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<String, Vec<u8>>,
    puts: usize,
    failures: usize,
}

impl MemoryArchive {
    /// Lets so many of the next writes fail.
    pub fn fail(&self, times: usize) {
        self.lock().failures = times;
    }

    /// Every object by its key.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.lock().objects.clone()
    }

    /// How often something was written, repeats included.
    #[must_use]
    pub fn puts(&self) -> usize {
        self.lock().puts
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Archive for MemoryArchive {
    async fn put(&self, key: &str, lines: Vec<u8>) -> Result<(), ArchiveError> {
        let mut inner = self.lock();
        if inner.failures > 0 {
            inner.failures = inner.failures.saturating_sub(1);
            return Err(ArchiveError("a fault was injected".into()));
        }
        inner.puts = inner.puts.saturating_add(1);
        inner.objects.insert(key.to_owned(), lines);
        Ok(())
    }
}
