//! Deliveries for tests: signing them the way Bitbucket does, and reading them all the way from the raw bytes. Nothing
//! here goes around the signature, as there is no way around it.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::indexing_slicing,
    reason = "each test program uses its own part of this module, and a test stops at the first surprise"
)]

use hmac::{Hmac, KeyInit, Mac};
use longshore_core::{AppName, Commit, Decision, Slot, decide};
use sha2::Sha256;
use std::path::{Path, PathBuf};
use trigger_deploy::signature::{Secrets, verify};
use trigger_deploy::webhook::{Malformed, Push, PushChange, parse};

pub(crate) const SECRET: &str = "It's a Secret to Everybody";

/// The header that Bitbucket would send with a body.
pub(crate) fn signed(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    digest.iter().fold("sha256=".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    })
}

/// What becomes of a delivery that is properly signed.
pub(crate) fn delivered<'a>(
    event_key: Option<&str>,
    body: &'a [u8],
) -> Result<Option<Push<'a>>, Malformed> {
    let secrets = Secrets::parse(SECRET).unwrap();
    let verified = verify(&secrets, Some(&signed(body)), body).unwrap();
    parse(event_key, &verified)
}

/// The files of a folder that end in `.json`, in the order of their names.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect()
}

/// Our own fixtures.
pub(crate) fn fixtures() -> Vec<(String, Vec<u8>)> {
    files(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures"
    )))
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let all = fixtures();
    all.into_iter().find(|(file, _)| file == name).unwrap().1
}

/// Other projects' payloads, read in place where they are there. They are not ours to copy.
pub(crate) fn payloads() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/payloads"
    ));
    if folder.is_dir() {
        files(folder)
    } else {
        Vec::new()
    }
}

/// A push in one line: repository, who, and per change what it is and what the decision for the branch `main` would be.
pub(crate) fn line(outcome: &Result<Option<Push<'_>>, Malformed>) -> String {
    match outcome {
        Err(error) => format!("malformed: {error}"),
        Ok(None) => "not ours".to_owned(),
        Ok(Some(push)) => {
            let by = push.actor.as_ref().map_or("nobody", |who| who.as_str());
            let changes: Vec<String> = push.changes.iter().map(change_line).collect();
            format!("{} by {by}: [{}]", push.repository, changes.join(", "))
        }
    }
}

fn change_line(change: &PushChange<'_>) -> String {
    let short = |commit: &Option<Commit>| {
        commit
            .as_ref()
            .map_or("-".to_owned(), |c| c.short()[..4].to_owned())
    };
    let slot = Slot::empty(AppName::parse("orders").unwrap());
    let decision = match decide(&change.to_decide(), "main", &slot) {
        Ok(commit) => format!("deploy {}", &commit.short()[..4]),
        Err(Decision::Skip(reason)) => format!("skip {}", reason.word()),
        Err(Decision::Deploy(id)) => format!("known as {id}"),
    };
    format!(
        "{:?} {} {}..{} {decision}",
        change.kind,
        change.name.escape_default(),
        short(&change.old),
        short(&change.new),
    )
}
