//! What still runs.

use std::path::{Path, PathBuf};

/// The processes whose environment or command line names this folder, as the system tells.
pub(crate) fn processes_of(folder: &Path) -> Vec<String> {
    let name = folder.to_string_lossy().into_owned();
    let names = |process: &PathBuf, file: &str| {
        let bytes = std::fs::read(process.join(file)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains(&name)
    };
    let all = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .map(|entry| entry.path());
    let ours = all.filter(|process| names(process, "cmdline") || names(process, "environ"));
    ours.map(|process| process.to_string_lossy().into_owned())
        .collect()
}
