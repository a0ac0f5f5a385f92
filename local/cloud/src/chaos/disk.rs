//! The disks of the hosts, and how they are filled.
//!
//! Where the process may mount (see [`super::Settings`]), each host's folder is a file system of its own in memory, and
//! filling it means shrinking it to what it holds: from then on every write meets a real `ENOSPC`. Elsewhere only the answer
//! to the host script's question for room is played, by a `df` that comes first on its PATH. The report says which it was.

use std::ffi::CString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::fs::statvfs;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use crate::LocalCloud;
use crate::hosts::Host;

/// As large as a host's disk looks; only what is written takes memory.
const SIZE_KB: u64 = 4 * 1024 * 1024;
/// What is written while a disk is being shrunk can make one attempt fail.
const ATTEMPTS: usize = 20;
/// In a host's folder: its `df` says that there is no room.
const NO_ROOM: &str = "no-room";
const EXECUTABLE: u32 = 0o755;

/// How disks are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By file systems of a limited size: every write fails.
    SizedFileSystem,
    /// By a `df` that sees no room: a preparation is refused, and nothing else notices.
    AnswerOfDf,
}

impl Way {
    /// What the report says of it.
    #[must_use]
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::SizedFileSystem => {
                "hosts have file systems of their own, so a full disk fails every write"
            }
            Self::AnswerOfDf => {
                "this process may not mount, so a full disk is only an answer of `df`: writes go on"
            }
        }
    }
}

/// Writes the `df` that a host's scripts find first: the system's own, but for a host that is to have no room.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_programs(folder: &Path) -> Result<()> {
    let script = format!(
        "#!/bin/sh\n# The system's df, but for a host that is to have no room. Written by the local cloud.\n\
         for last; do :; done\n\
         if [ -e \"${{last%/*}}/../{NO_ROOM}\" ]; then printf 'Avail IFree\\n4 100000\\n'; exit 0; fi\n\
         PATH=${{PATH#*:}} exec df \"$@\"\n"
    );
    std::fs::create_dir_all(folder)?;
    let path = folder.join("df");
    std::fs::write(&path, script)?;
    std::fs::set_permissions(&path, Permissions::from_mode(EXECUTABLE))?;
    Ok(())
}

/// The disks of all hosts.
#[derive(Debug)]
pub(crate) struct Disks {
    way: Way,
    mounted: Vec<PathBuf>,
}

impl Disks {
    /// Gives every host a disk, before anything is on it.
    pub(crate) fn prepare(cloud: &LocalCloud, may_mount: bool) -> Result<Self> {
        let way = if may_mount {
            Way::SizedFileSystem
        } else {
            Way::AnswerOfDf
        };
        let mut disks = Self {
            way,
            mounted: Vec::new(),
        };
        for host in cloud.hosts().iter().filter(|_| may_mount) {
            let root = host.root();
            let options = size(SIZE_KB)?;
            mount(
                "longshore",
                &root,
                "tmpfs",
                MountFlags::empty(),
                options.as_c_str(),
            )
            .with_context(|| format!("mounting {}", root.display()))?;
            disks.mounted.push(root);
        }
        Ok(disks)
    }

    pub(crate) const fn way(&self) -> Way {
        self.way
    }

    /// Fills a host's disk up to this room.
    pub(crate) fn fill(&self, host: &Host, room_kb: u64) -> Result<()> {
        match self.way {
            Way::AnswerOfDf => Ok(std::fs::write(host.folder.join(NO_ROOM), "")?),
            Way::SizedFileSystem => shrink(&host.root(), room_kb),
        }
    }

    /// Gives a host its room back.
    pub(crate) fn free(&self, host: &Host) -> Result<()> {
        match self.way {
            Way::AnswerOfDf => match std::fs::remove_file(host.folder.join(NO_ROOM)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                Ok(()) | Err(_) => Ok(()),
            },
            Way::SizedFileSystem => resize(&host.root(), SIZE_KB),
        }
    }

    /// Takes the file systems away, when nothing runs on them any more; what is on them is kept in the folders below.
    pub(crate) fn take_away(&mut self, keep: bool) -> Result<()> {
        for root in self.mounted.drain(..) {
            let kept = root.with_extension("kept");
            if keep {
                // As root the owners stay; the command knows every kind of file.
                let copied = Command::new("cp")
                    .arg("-a")
                    .arg(&root)
                    .arg(&kept)
                    .status()?;
                anyhow::ensure!(copied.success(), "{} cannot be kept", root.display());
            }
            unmount(&root, UnmountFlags::DETACH)?;
            if keep {
                std::fs::remove_dir(&root)?;
                std::fs::rename(&kept, &root)?;
            }
        }
        Ok(())
    }
}

fn shrink(root: &Path, room_kb: u64) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let disk = statvfs(root)?;
        let used = disk.f_blocks.saturating_sub(disk.f_bfree);
        let used_kb = used.saturating_mul(disk.f_frsize) / 1024;
        if resize(root, used_kb.saturating_add(room_kb).max(1)).is_ok() {
            return Ok(());
        }
    }
    bail!("{} cannot be filled: too much is written", root.display())
}

fn resize(root: &Path, kb: u64) -> Result<()> {
    let options = size(kb)?;
    mount_remount(root, MountFlags::empty(), options.as_c_str())
        .with_context(|| format!("giving {} another size", root.display()))
}

fn size(kb: u64) -> Result<CString> {
    Ok(CString::new(format!("size={kb}k,mode=0755"))?)
}
