//! The share of a processor that a function of some memory size has, by a control group of the kernel.
//!
//! Lambda gives a whole processor at 1,769 MB and less in proportion. The kernel's quota is the same mechanism; where it
//! may not be set, nothing is measured rather than something else pretended. The group is removed when the throttle is
//! dropped.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The memory size that comes with one whole processor.
const WHOLE_MB: u64 = 1_769;

/// How often the kernel hands out the share. Lambda's own period is 20 ms.
const PERIOD_US: u64 = 20_000;

/// Where control groups are mounted.
const MOUNT: &str = "/sys/fs/cgroup";

/// Which interface the kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A control group with a quota.
#[derive(Debug)]
pub struct Throttle {
    group: PathBuf,
}

impl Throttle {
    /// Makes a group with the share that a memory size has.
    ///
    /// # Errors
    /// When this machine does not let us; the error says what it did not allow.
    pub fn of_memory(memory_mb: u64) -> Result<Self> {
        let (parent, version) = parent(Path::new(MOUNT))?;
        let group = parent.join(format!("longshore-bench-{}", std::process::id()));
        if version == Version::Two {
            // Already there on most machines; if not, the quota below says so.
            let _asked = fs::write(parent.join("cgroup.subtree_control"), "+cpu");
        }
        fs::create_dir(&group).with_context(|| format!("no group in {}", parent.display()))?;
        let throttle = Self { group };
        for (file, content) in quota_files(version, memory_mb) {
            throttle.write(file, &content)?;
        }
        Ok(throttle)
    }

    /// Puts a process, with all its threads, under the quota.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn hold(&self, pid: u32) -> Result<()> {
        self.write("cgroup.procs", &pid.to_string())
    }

    fn write(&self, file: &str, content: &str) -> Result<()> {
        let path = self.group.join(file);
        fs::write(&path, content).with_context(|| format!("{} refuses", path.display()))
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        // A group that is left behind is empty and costs nothing.
        let _gone = fs::remove_dir(&self.group);
    }
}

fn parent(mount: &Path) -> Result<(PathBuf, Version)> {
    let controllers = fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default();
    if controllers.split_whitespace().any(|name| name == "cpu") {
        return Ok((mount.to_path_buf(), Version::Two));
    }
    let one = mount.join("cpu");
    if one.join("cpu.cfs_quota_us").exists() || one.join("cgroup.procs").exists() {
        return Ok((one, Version::One));
    }
    bail!("there is no control group for the processor");
}

/// The files that set the quota, with their content.
fn quota_files(version: Version, memory_mb: u64) -> Vec<(&'static str, String)> {
    let quota = PERIOD_US
        .saturating_mul(memory_mb)
        .checked_div(WHOLE_MB)
        .unwrap_or_default()
        .max(1_000);
    match version {
        Version::One => vec![
            ("cpu.cfs_period_us", PERIOD_US.to_string()),
            ("cpu.cfs_quota_us", quota.to_string()),
        ],
        Version::Two => vec![("cpu.max", format!("{quota} {PERIOD_US}"))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_in_proportion_to_the_memory() {
        let max = quota_files(Version::Two, 128);
        assert_eq!(max, [("cpu.max", "1447 20000".to_owned())]);
        let max = quota_files(Version::Two, WHOLE_MB);
        assert_eq!(max, [("cpu.max", "20000 20000".to_owned())]);
        let quota = quota_files(Version::One, 256);
        assert_eq!(quota[1], ("cpu.cfs_quota_us", "2894".to_owned()));
    }

    #[test]
    fn the_kernel_takes_no_quota_below_a_millisecond() {
        let max = quota_files(Version::Two, 1);
        assert_eq!(max, [("cpu.max", "1000 20000".to_owned())]);
    }

    #[test]
    fn the_interface_is_told_by_what_is_mounted() {
        let mount = tempfile::tempdir().unwrap();
        assert!(parent(mount.path()).is_err());
        fs::create_dir(mount.path().join("cpu")).unwrap();
        fs::write(mount.path().join("cpu/cgroup.procs"), "").unwrap();
        assert_eq!(parent(mount.path()).unwrap().1, Version::One);
        fs::write(mount.path().join("cgroup.controllers"), "cpuset cpu io\n").unwrap();
        assert_eq!(parent(mount.path()).unwrap().1, Version::Two);
    }
}
