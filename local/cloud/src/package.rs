//! Packs a built function as Lambda wants it, and puts it into the emulator's bucket.
//!
//! The archive is not compressed: it is read once, on the same machine. Its key tells the binary's size and the time of its
//! build, so that an update of the stack sees which functions changed; a hash of so many bytes would take seconds in a debug
//! build.

use std::io::{Cursor, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::aws::Aws;

/// The bucket of the local cloud, as `sam deploy` would have one.
pub const BUCKET: &str = "longshore-local-artifacts";
const EXECUTABLE: u32 = 0o755;

/// Where a packed function was put.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Uploaded {
    /// The bucket.
    pub bucket: String,
    /// The key in it.
    pub key: String,
}

/// Packs the binary `name` of this folder and uploads it.
///
/// # Errors
/// When the binary cannot be read or the emulator refuses it.
pub async fn upload(aws: &Aws, folder: &Path, name: &str) -> Result<Uploaded> {
    let path = folder.join(name);
    let unbuilt = || format!("the function {name} is not built: {}", path.display());
    let archive = pack(&std::fs::read(&path).with_context(unbuilt)?)?;
    let built = std::fs::metadata(&path)?
        .modified()?
        .duration_since(UNIX_EPOCH)?;
    let key = format!(
        "functions/{name}/{}-{}.zip",
        built.as_nanos(),
        archive.len()
    );
    aws.put_object(BUCKET, &key, archive).await?;
    Ok(Uploaded {
        bucket: BUCKET.to_owned(),
        key,
    })
}

/// An archive with one executable file, `bootstrap`.
///
/// # Errors
/// When the archive cannot be written, which memory does not do.
pub fn pack(binary: &[u8]) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::with_capacity(binary.len())));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .unix_permissions(EXECUTABLE);
    archive.start_file("bootstrap", options)?;
    archive.write_all(binary)?;
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::pack;

    #[test]
    fn an_archive_holds_one_executable_bootstrap() {
        let archive = pack(b"#!/bin/true\n").unwrap();
        let mut read = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
        assert_eq!(read.len(), 1);
        let file = read.by_index(0).unwrap();
        assert_eq!(file.name().unwrap(), "bootstrap");
        assert_eq!(file.unix_mode().unwrap() & 0o777, 0o755);
    }
}
