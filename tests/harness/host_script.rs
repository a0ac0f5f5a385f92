//! The host script as the document carries it, but for what the generator leaves out.

use std::fs;
use std::path::{Path, PathBuf};

/// The whole script: the files of `host/script` in the order of their names.
pub fn host_script() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/script");
    let entries = fs::read_dir(folder).unwrap();
    let mut parts: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    parts
        .iter()
        .map(|part| fs::read_to_string(part).unwrap())
        .collect()
}
