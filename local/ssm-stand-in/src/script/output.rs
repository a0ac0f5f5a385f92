//! What is kept of a script's output: the first 24,000 bytes of each stream for the service, all of it in a file.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

/// How much of a stream the agent keeps.
const KEPT_BYTES_MAX: usize = 24_000;
/// What the agent puts where it cut.
const CUT_MARK: &str = "--output truncated--";

/// The beginning of a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Kept {
    /// Adds what there is room for.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = KEPT_BYTES_MAX.saturating_sub(self.bytes.len());
        match bytes.split_at_checked(room) {
            Some((head, rest)) => {
                self.bytes.extend_from_slice(head);
                self.is_cut |= !rest.is_empty();
            }
            None => self.bytes.extend_from_slice(bytes),
        }
    }

    /// Adds what another run of the same script wrote.
    pub(crate) fn append(&mut self, later: &Self) {
        self.push(&later.bytes);
        self.is_cut |= later.is_cut;
    }

    /// The text, with U+FFFD for what is not UTF-8, and a mark where it was cut.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.bytes).into_owned();
        if self.is_cut {
            text.push_str(CUT_MARK);
        }
        text
    }
}

/// Where a stream is kept while it is read, so that what has come so far outlives a reader that is given up.
#[derive(Debug, Default)]
pub(crate) struct Sink(Mutex<Kept>);

impl Sink {
    /// What has been kept.
    pub(crate) fn take(self) -> Kept {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, bytes: &[u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(bytes);
    }
}

/// Reads a stream to its end.
pub(crate) async fn copy(stream: Option<impl AsyncRead + Unpin>, sink: &Sink, mut file: File) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; 8192];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let bytes = buffer.get(..length).unwrap_or_default();
        sink.push(bytes);
        // A full disk under the agent loses the file's tail, not the step.
        let _ = file.write_all(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(chunks: &[&[u8]]) -> String {
        let mut kept = Kept::default();
        for chunk in chunks {
            kept.push(chunk);
        }
        kept.text()
    }

    #[test]
    fn the_first_24000_bytes_are_kept_and_the_cut_is_marked() {
        let noise = vec![b'x'; 20_000];
        let text = kept(&[&noise, &noise, b"the error"]);
        assert_eq!(text.len(), 24_000 + CUT_MARK.len());
        assert!(text.ends_with(CUT_MARK));
    }

    #[test]
    fn exactly_24000_bytes_are_not_cut() {
        let noise = vec![b'x'; 24_000];
        assert_eq!(kept(&[&noise]).len(), 24_000);
    }

    #[test]
    fn bytes_outside_utf_8_become_replacement_characters() {
        assert_eq!(kept(&[b"a\xff\0b"]), "a\u{fffd}\0b");
    }
}
