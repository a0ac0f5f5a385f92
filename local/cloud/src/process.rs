//! A child process with a clean environment, a log file, and an end: SIGTERM first, then SIGKILL.
//!
//! It must never leave a child running, also when it is dropped without having been stopped.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// How long a child may take from SIGTERM to its end.
const GRACE: Duration = Duration::from_secs(8);
/// How much of a log is shown in an error.
const TAIL_LINES: usize = 15;

/// The environment of a child: these variables and no other.
pub type Environment = BTreeMap<String, String>;

/// Kills every process of this user whose environment has all of these variables; says how many there were.
///
/// # Errors
/// When the processes of this machine cannot be listed.
pub fn kill_by_environment(variables: &[(&str, &str)]) -> Result<usize> {
    let wanted = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let wanted: Vec<String> = wanted.collect();
    kill_where(|environment| {
        let has = |variable: &String| environment.contains(&variable.as_str());
        wanted.iter().all(has)
    })
}

/// Kills every process of this user whose environment, as `NAME=value`, is one of those; never this process.
///
/// # Errors
/// When the processes of this machine cannot be listed.
pub fn kill_where(is_one: impl Fn(&[&str]) -> bool) -> Result<usize> {
    let mut killed = 0_usize;
    for entry in std::fs::read_dir("/proc").context("listing processes")? {
        let Ok(entry) = entry else { continue };
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = number.and_then(Pid::from_raw) else {
            continue;
        };
        // A process of somebody else, or one that has just ended, cannot be read and is not ours.
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment);
        let environment: Vec<&str> = environment.split('\0').collect();
        let is_other = pid != rustix::process::getpid();
        if is_other && is_one(&environment) && kill_process(pid, Signal::KILL).is_ok() {
            killed = killed.saturating_add(1);
        }
    }
    Ok(killed)
}

/// A running child.
#[derive(Debug)]
pub struct Service {
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Starts a program with only this environment; both of its outputs go to `log`.
    ///
    /// # Errors
    /// When the log cannot be written or the program cannot be started.
    pub fn start<I, S>(
        program: &Path,
        arguments: I,
        environment: &Environment,
        log: &Path,
    ) -> Result<Self>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(program);
        Self::spawn(command.args(arguments), environment, log)
    }

    /// The same with a command that says more, such as the folder that it works in.
    ///
    /// # Errors
    /// When the log cannot be written or the program cannot be started.
    pub fn spawn(command: &mut Command, environment: &Environment, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("making {}", log.display()))?;
        let child = command
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("starting {}", command.as_std().get_program().display()))?;
        Ok(Self {
            child,
            log: log.to_owned(),
        })
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The last lines of its log, for an error.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines
            .get(lines.len().saturating_sub(TAIL_LINES)..)
            .unwrap_or_default()
            .join("\n")
    }

    /// Asks it to end, and kills it when it does not.
    ///
    /// # Errors
    /// When the system cannot tell how it ended.
    pub async fn stop(mut self) -> Result<()> {
        self.ask_to_end();
        if tokio::time::timeout(GRACE, self.child.wait())
            .await
            .is_err()
        {
            self.child.kill().await?;
        }
        Ok(())
    }

    fn ask_to_end(&self) {
        let pid = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself in between, which is as wanted.
            let _asked = kill_process(pid, Signal::TERM);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.ask_to_end();
    }
}
