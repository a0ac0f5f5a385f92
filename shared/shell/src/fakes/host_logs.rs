//! Logs of hosts in memory.

use crate::ports::{HostLine, HostLogs, LinesWanted, LookError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the hosts have written.
#[derive(Clone, Debug, Default)]
pub struct MemoryHostLogs(Arc<Mutex<(Vec<HostLine>, bool)>>);

impl MemoryHostLogs {
    /// A host writes a line.
    pub fn write(&self, line: HostLine) {
        self.lock().0.push(line);
    }

    /// Lets every question fail, or be answered.
    pub fn fail(&self, fails: bool) {
        self.lock().1 = fails;
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<HostLine>, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostLogs for MemoryHostLogs {
    async fn lines(&self, wanted: &LinesWanted) -> Result<Vec<HostLine>, LookError> {
        let inner = self.lock();
        if inner.1 {
            return Err(LookError("a fault was injected".into()));
        }
        let asked = |line: &&HostLine| {
            wanted.hosts.contains(&line.host) && (wanted.from..wanted.until).contains(&line.at)
        };
        let mut lines: Vec<HostLine> = inner.0.iter().filter(asked).cloned().collect();
        lines.sort_by_key(|line| line.at);
        lines.truncate(wanted.limit);
        Ok(lines)
    }
}
