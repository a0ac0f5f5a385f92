//! Running one script the way the agent does: its own process group, no input, a bare environment, two pipes.
//!
//! The script ends when its leader is gone *and* both pipes are closed, so that a child that keeps one open holds the
//! step. Stopping is SIGKILL to the group; no SIGTERM, no trap, and who has left the group survives.

mod output;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::watch;

pub(crate) use output::Kept;
use output::{Sink, copy};

use crate::hosts::ProcessGroup;

/// Where the agent's systemd unit starts it, and so its scripts.
const AGENT_DIRECTORY: &str = "/usr/bin";
/// How long a stopped script's pipes may stay open before they are left alone.
const DRAIN: Duration = Duration::from_secs(2);

/// Held while a script is written and while one is started: a child that is forked in between would keep the file
/// open for writing, and the kernel refuses to run such a file.
static FORK_GATE: Mutex<()> = Mutex::new(());

/// What to run.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) folder: PathBuf,
    pub(crate) text: String,
    pub(crate) working_directory: String,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) timeout: Duration,
}

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With an exit code.
    Exited(i32),
    /// By a signal that the agent did not send.
    Signalled(i32),
    /// Killed because its time was up.
    TimedOut,
    /// Killed because it was cancelled.
    Cancelled,
    /// Its time was up, but there was nobody left to kill: only a child outside the group held a pipe.
    Gone,
    /// It could not be started.
    NotStarted(String),
}

/// How a script ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ending: Ending,
    pub(crate) stdout: Kept,
    pub(crate) stderr: Kept,
}

impl Script {
    /// Runs the script to its end; `started` learns of its process group.
    pub(crate) async fn run(
        &self,
        mut cancel: watch::Receiver<bool>,
        started: impl FnOnce(ProcessGroup),
    ) -> Outcome {
        let (stdout, stderr) = (Sink::default(), Sink::default());
        let ending = match self.start() {
            Ok((child, files)) => {
                let group = ProcessGroup::of_child(child.id());
                if let Some(group) = group {
                    started(group);
                }
                watch_over(
                    child,
                    files,
                    (&stdout, &stderr),
                    self.timeout,
                    &mut cancel,
                    group,
                )
                .await
            }
            Err(error) => {
                Ending::NotStarted(format!("fork/exec {}: {error}", self.path().display()))
            }
        };
        Outcome {
            ending,
            stdout: stdout.take(),
            stderr: stderr.take(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("_script.sh")
    }

    fn start(&self) -> std::io::Result<(Child, [File; 2])> {
        let _gate = FORK_GATE.lock().unwrap_or_else(PoisonError::into_inner);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        create(&self.path(), 0o700)?.write_all(self.text.as_bytes())?;
        let files = [
            create(&self.folder.join("stdout"), 0o600)?,
            create(&self.folder.join("stderr"), 0o600)?,
        ];
        let directory = Path::new(&self.working_directory);
        let child = Command::new("sh")
            .arg("-c")
            .arg(self.path())
            .current_dir(if directory.is_absolute() {
                directory
            } else {
                Path::new(AGENT_DIRECTORY)
            })
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        Ok((child, files))
    }
}

async fn watch_over(
    mut child: Child,
    [stdout_file, stderr_file]: [File; 2],
    (stdout, stderr): (&Sink, &Sink),
    timeout: Duration,
    cancel: &mut watch::Receiver<bool>,
    group: Option<ProcessGroup>,
) -> Ending {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (status, (), ()) = tokio::join!(
            child.wait(),
            copy(out, stdout, stdout_file),
            copy(err, stderr, stderr_file)
        );
        status
    };
    tokio::pin!(work);
    let stopped = tokio::select! {
        status = &mut work => return ending_of(status),
        () = tokio::time::sleep(timeout) => Ending::TimedOut,
        () = cancelled(cancel) => Ending::Cancelled,
    };
    if !group.is_some_and(ProcessGroup::kill) {
        return Ending::Gone;
    }
    let _ = tokio::time::timeout(DRAIN, work).await;
    stopped
}

/// Waits for a cancel; for ever if nobody can send one.
pub(crate) async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    if cancel.wait_for(|cancelled| *cancelled).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn ending_of(status: std::io::Result<ExitStatus>) -> Ending {
    match status {
        Ok(status) => match status.code() {
            Some(code) => Ending::Exited(code),
            None => Ending::Signalled(status.signal().unwrap_or_default()),
        },
        Err(error) => Ending::NotStarted(error.to_string()),
    }
}

fn create(path: &Path, mode: u32) -> std::io::Result<File> {
    OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(mode)
        .open(path)
}
