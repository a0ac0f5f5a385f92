//! What happened in a run, told for a person: line by line, with the time since its beginning.

use longshore_core::Timestamp;

/// A story.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    began: Timestamp,
    /// Its lines.
    pub(crate) lines: Vec<String>,
}

impl Story {
    /// A story that begins now.
    pub(crate) const fn begin(now: Timestamp) -> Self {
        Self {
            began: now,
            lines: Vec::new(),
        }
    }

    /// Adds a line.
    pub(crate) fn add(&mut self, now: Timestamp, line: &str) {
        let ms = now.since(self.began).as_ms();
        let (seconds, rest) = (ms / 1_000, ms % 1_000);
        self.lines.push(format!("{seconds:>7}.{rest:03} s  {line}"));
    }
}
