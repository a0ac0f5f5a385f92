//! The operators' command for other people's machines: one file that needs nothing of the system it runs on.
//!
//! It is linked statically against musl. ring is partly C, so a C compiler for musl is needed, which Zig is; `cargo-zigbuild`
//! puts it in cargo's way. What was built is looked at: a file that names an interpreter would want the C library of the
//! system, whatever the build says.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

use crate::tools::{self, Progress};

/// What the command is built for.
pub const TARGET: &str = "x86_64-unknown-linux-musl";
/// The kind of the program header that names an interpreter (`PT_INTERP` of the ELF-64 object file format).
const INTERPRETER: u32 = 3;

/// Builds the command, and checks that it stands alone and runs. Its file, and what it says of its version.
///
/// # Errors
/// When the target or the tools cannot be had, the build fails, or what was built needs anything else.
pub async fn build(repo_root: &Path, progress: Progress) -> Result<(PathBuf, String)> {
    let tools = tools::release(repo_root, progress).await?;
    have_target(repo_root).await?;
    progress("building the command for musl, in the release profile; several minutes");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools).chain(std::env::split_paths(&path));
    let search_path =
        std::env::join_paths(folders).context("a folder of the search path has a colon")?;
    let mut cargo = Command::new("cargo");
    cargo.args(["zigbuild", "--release", "--locked"]);
    cargo.args(["--package", "longshore-cli", "--target", TARGET]);
    cargo.env("PATH", search_path).current_dir(repo_root);
    let status = cargo.status().await.context("cargo cannot be started")?;
    ensure!(status.success(), "the command was not built: {status}");
    let file = repo_root
        .join("target")
        .join(TARGET)
        .join("release/longshore");
    let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
    if !stands_alone(&bytes)? {
        bail!("{} wants the C library of its system", file.display());
    }
    let ran = Command::new(&file)
        .arg("--version")
        .env_clear()
        .output()
        .await
        .with_context(|| format!("starting {}", file.display()))?;
    ensure!(ran.status.success(), "it does not run: {}", ran.status);
    let version = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
    Ok((file, version))
}

/// The target of the toolchain that this repository names, added where it is missing.
async fn have_target(repo_root: &Path) -> Result<()> {
    let mut rustup = Command::new("rustup");
    rustup
        .args(["target", "add", TARGET])
        .current_dir(repo_root);
    let added = tools::run(&mut rustup).await;
    added.with_context(|| {
        format!("the Rust target {TARGET} cannot be had; where there is no network, add it from a mirror: rustup target add {TARGET}")
    })
}

/// Whether a program of 64-bit ELF, little-endian, names no interpreter.
///
/// # Errors
/// For anything else.
pub fn stands_alone(file: &[u8]) -> Result<bool> {
    let cut = "it ends in the middle of its headers";
    ensure!(
        file.get(..6) == Some(b"\x7fELF\x02\x01".as_slice()),
        "it is no 64-bit ELF program"
    );
    let number = |at: usize, length: usize| -> Result<usize> {
        let end = at.checked_add(length).context(cut)?;
        let bytes = file.get(at..end).context(cut)?;
        let value = bytes
            .iter()
            .rev()
            .fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        usize::try_from(value).context(cut)
    };
    // Where the program headers are, how long each is, and how many there are.
    let (table, length, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let at = index
            .checked_mul(length)
            .and_then(|by| by.checked_add(table));
        let kind = number(at.context(cut)?, 4)?;
        if u32::try_from(kind) == Ok(INTERPRETER) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with these kinds of program headers behind it.
    fn program(kinds: &[u32]) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32] = 64;
        file[54] = 56;
        file[56] = u8::try_from(kinds.len()).unwrap();
        for kind in kinds {
            let mut header = vec![0; 56];
            header[..4].copy_from_slice(&kind.to_le_bytes());
            file.extend(header);
        }
        file
    }

    #[test]
    fn a_program_that_names_an_interpreter_does_not_stand_alone() {
        assert!(stands_alone(&program(&[1, 2, 7])).unwrap());
        assert!(!stands_alone(&program(&[6, INTERPRETER, 1])).unwrap());
        // This test itself is linked against the C library of this machine.
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(!stands_alone(&own).unwrap());
        for wrong in [&b""[..], b"#!/bin/sh", &program(&[1])[..66]] {
            assert!(stands_alone(wrong).is_err());
        }
    }
}
