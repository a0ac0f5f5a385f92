//! One process of a function, and what the kernel tells about it.
//!
//! It gets only the variables it is given, and is ended when it is dropped.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a process must have slept to count as at rest.
const REST: Duration = Duration::from_millis(5);

/// Looks until a process that does not come to rest is taken as it is.
const LOOKS_MAX: u32 = 400;

/// A running function.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts a program. What it prints goes into a file, for the case that it fails.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &[&str], vars: &[(String, String)], printed: &Path) -> Result<Self> {
        let (program, args) = command.split_first().context("no program")?;
        let out = fs::File::create(printed)?;
        let child = Command::new(program)
            .args(args)
            .env_clear()
            .envs(vars.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        Ok(Self { child })
    }

    /// Its id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it sleeps, so that what it did last is counted. A process at rest has no thread that runs.
    pub async fn rest(&self) {
        let mut asleep = 0_u32;
        for _ in 0..LOOKS_MAX {
            tokio::time::sleep(REST).await;
            asleep = if self.is_asleep() {
                asleep.saturating_add(1)
            } else {
                0
            };
            if asleep >= 2 {
                return;
            }
        }
    }

    fn is_asleep(&self) -> bool {
        let stats = self.of_threads("stat");
        !stats.is_empty() && stats.iter().all(|stat| state_of(stat) == Some('S'))
    }

    /// The time that its threads were on a processor, in user mode and in the kernel, in nanoseconds.
    #[must_use]
    pub fn cpu_ns(&self) -> u64 {
        let times = self.of_threads("schedstat");
        times.iter().filter_map(|text| on_cpu(text)).sum()
    }

    /// The most memory it ever had, in bytes, and its threads.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn size(&self) -> Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let peak = field(&status, "VmHWM:").context("no VmHWM")?;
        let threads = field(&status, "Threads:").context("no Threads")?;
        Ok((peak.saturating_mul(1_024), threads))
    }

    /// Asks the process, or the one it has started, to end, and waits for it. Tools that count write their result then.
    ///
    /// # Errors
    /// When it has no id any more.
    pub fn end(mut self) -> Result<()> {
        let own = self.pid();
        let started = fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let started = started.unwrap_or_default();
        let target = started.split_whitespace().next();
        let target = target.and_then(|pid| pid.parse().ok()).unwrap_or(own);
        let pid = i32::try_from(target).ok();
        let pid = pid.and_then(rustix::process::Pid::from_raw);
        let pid = pid.context("the process has no id")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }

    fn of_threads(&self, file: &str) -> Vec<String> {
        let folder = fs::read_dir(format!("/proc/{}/task", self.pid()));
        let threads = folder.into_iter().flatten().flatten();
        threads
            .filter_map(|thread| fs::read_to_string(thread.path().join(file)).ok())
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// The state in a line of `/proc/<id>/stat`. The name before it is in brackets and may hold anything.
fn state_of(stat: &str) -> Option<char> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.trim_start().chars().next()
}

/// The first number of `schedstat`: nanoseconds on a processor.
fn on_cpu(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

/// A number in `/proc/<id>/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        assert_eq!(state_of("7 (a) S (b) R 1 7"), Some('R'));
        assert_eq!(state_of("7 (name"), None);
        assert_eq!(on_cpu("1234567 89 3\n"), Some(1_234_567));
        let status = "Name:\tx\nVmHWM:\t    8120 kB\nThreads:\t3\n";
        assert_eq!(field(status, "VmHWM:"), Some(8_120));
        assert_eq!(field(status, "Threads:"), Some(3));
        assert_eq!(field(status, "VmPeak:"), None);
    }
}
