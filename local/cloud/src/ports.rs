//! Free ports of loopback, reserved so that several local clouds side by side never meet.
//!
//! Ports come from below the range that the kernel gives to outgoing connections, and each is held by a lock on a small file
//! for as long as its owner lives. The files of each user of the machine are in a folder of their own, as one cannot write into
//! that of another; what others listen on is seen by trying. It must never hand out a port that something listens on.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
/// Neighbouring processes start their search this far apart.
const STRIDE: u32 = 37;

/// A port that nobody else takes until this value is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    path: PathBuf,
    _lock: File,
}

impl Port {
    /// Reserves a free port.
    ///
    /// # Errors
    /// When the folder of the locks cannot be written, or no port is free.
    pub fn reserve() -> Result<Self> {
        let folder = folder()?;
        let start = std::process::id()
            .wrapping_mul(STRIDE)
            .checked_rem(COUNT.into())
            .unwrap_or(0);
        let numbers = FIRST..FIRST.saturating_add(COUNT);
        let offset = usize::try_from(start)?;
        for number in numbers.clone().skip(offset).chain(numbers.take(offset)) {
            if let Some(port) = Self::try_take(number, folder.join(number.to_string()))? {
                return Ok(port);
            }
        }
        bail!(
            "no port of loopback is free between {FIRST} and {}",
            FIRST.saturating_add(COUNT)
        )
    }

    /// Reserves the port whose number is in this file; without the file any free one, whose number is written there.
    ///
    /// # Errors
    /// When the file is no number, the port is taken, or no port is free.
    pub fn kept_in(file: &Path) -> Result<Self> {
        if !file.exists() {
            let port = Self::reserve()?;
            std::fs::write(file, port.number.to_string())
                .with_context(|| format!("writing {}", file.display()))?;
            return Ok(port);
        }
        let text = std::fs::read_to_string(file)?;
        let number = text.trim().parse();
        let number: u16 = number.with_context(|| format!("no port in {}", file.display()))?;
        Self::try_take(number, folder()?.join(number.to_string()))?
            .with_context(|| format!("port {number} of {} is taken", file.display()))
    }

    fn try_take(number: u16, path: PathBuf) -> Result<Option<Self>> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        // Whoever opened the file before its owner removed it would lock a file that has no name any more.
        if lock.try_lock().is_err()
            || !is_named(&lock, &path)?
            || TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_err()
        {
            return Ok(None);
        }
        Ok(Some(Self {
            number,
            path,
            _lock: lock,
        }))
    }

    /// The number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// Whether an open file is the one of this name.
fn is_named(file: &File, path: &Path) -> Result<bool> {
    let own = file.metadata()?;
    Ok(std::fs::metadata(path)
        .is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino())))
}

/// The folder of this user's locks.
fn folder() -> Result<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let folder = std::env::temp_dir().join(format!("longshore-ports-{user}"));
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

impl Drop for Port {
    fn drop(&mut self) {
        // A file that stays behind is only a name; the lock on it ends with us.
        let _removed = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::{Port, is_named};
    use std::fs::File;

    #[test]
    fn two_reservations_never_share_a_port() {
        let first = Port::reserve().unwrap();
        let second = Port::reserve().unwrap();
        assert_ne!(first.number(), second.number());
    }

    #[test]
    fn a_lock_whose_name_was_removed_or_given_to_another_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("20000");
        let first = File::create(&path).unwrap();
        assert!(is_named(&first, &path).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(!is_named(&first, &path).unwrap());
        let _second = File::create(&path).unwrap();
        assert!(!is_named(&first, &path).unwrap());
    }

    #[test]
    fn a_kept_port_is_the_same_one_again_and_is_refused_while_it_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("port");
        let first = Port::kept_in(&file).unwrap();
        let number = first.number();
        assert!(Port::kept_in(&file).is_err());
        drop(first);
        assert_eq!(Port::kept_in(&file).unwrap().number(), number);
    }
}
