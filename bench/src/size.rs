//! How large a function is, as a file and as the archive that Lambda gets. With a cold page cache the whole file is read
//! before the first event, so size is start time.

use anyhow::{Context, Result};
use flate2::{Compression, write::DeflateEncoder};
use std::io::Write;
use std::path::Path;

/// What a zip archive adds to the deflated content of its one file, `bootstrap`: two headers with its name and the end.
const ARCHIVE_OVERHEAD: u64 = 30 + 46 + 22 + 2 * 9;

/// The size of a file, and of an archive with only this file in it.
///
/// # Errors
/// When the file cannot be read.
pub fn of(path: &Path) -> Result<(u64, u64)> {
    let bytes =
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut deflated = DeflateEncoder::new(Counted(0), Compression::best());
    deflated.write_all(&bytes)?;
    let Counted(deflated) = deflated.finish()?;
    Ok((length(&bytes), deflated.saturating_add(ARCHIVE_OVERHEAD)))
}

/// Counts what is written and keeps nothing.
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.saturating_add(length(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_itself_becomes_smaller_in_the_archive() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![7_u8; 100_000]).unwrap();
        let (binary, zip) = of(file.path()).unwrap();
        assert_eq!(binary, 100_000);
        assert!((ARCHIVE_OVERHEAD..2_000).contains(&zip), "{zip}");
    }
}
