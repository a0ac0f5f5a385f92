//! The hosts: folders with an instance id, tags and the environment that an SSM agent would give to its scripts.
//!
//! A host listens on a port of its own, because all of them share one loopback. Their process managers detach themselves, so
//! stopping means finding every process that carries a host's folder in its environment. No rule of deploying lives here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;

use crate::ports::Port;
use crate::process::Environment;
use crate::sign::ACCESS_KEY;
use crate::tools::Tools;

/// What all hosts have in common.
#[derive(Debug)]
pub struct Settings<'a> {
    /// The repository, whose sweeper ends the hosts' processes.
    pub repo_root: &'a Path,
    /// The folder that all of them lie in.
    pub folder: &'a Path,
    /// How many there are.
    pub count: usize,
    /// The environment they belong to.
    pub environment: &'a str,
    /// The app that runs on them.
    pub app: &'a str,
    /// The address of the emulator.
    pub endpoint: &'a str,
    /// The region everything is in.
    pub region: &'a str,
    /// Further variables of their scripts.
    pub variables: &'a Environment,
    /// A folder of programs that their scripts find before all others.
    pub programs: Option<&'a Path>,
    /// Whether each host listens on the same port when it is made again.
    pub persistent: bool,
}

/// One host.
#[derive(Debug)]
pub struct Host {
    /// Its instance id.
    pub id: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What its scripts find in their environment.
    pub variables: Environment,
    port: Port,
}

impl Host {
    /// The port on which its app answers.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Where everything that Longshore keeps on it lies.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.join("srv")
    }
}

/// All hosts.
#[derive(Debug)]
pub struct Hosts {
    all: Vec<Host>,
    folder: PathBuf,
    python: PathBuf,
    sweeper: PathBuf,
}

impl Hosts {
    /// Makes the folders and reserves the ports.
    ///
    /// # Errors
    /// When a folder cannot be made or no port is free.
    pub fn prepare(tools: &Tools, settings: &Settings<'_>) -> Result<Self> {
        std::fs::create_dir_all(settings.folder)
            .with_context(|| format!("making {}", settings.folder.display()))?;
        let folder = settings.folder.canonicalize()?;
        let hosts = (1..=settings.count).map(|number| host(tools, settings, &folder, number));
        Ok(Self {
            all: hosts.collect::<Result<_>>()?,
            folder,
            python: tools.python(),
            sweeper: settings.repo_root.join("local/ministack/sweep.py"),
        })
    }

    /// The hosts, in order.
    #[must_use]
    pub fn all(&self) -> &[Host] {
        &self.all
    }

    /// The folder that all of them lie in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends every process of the hosts: process managers, their apps, and scripts in the middle of a step.
    ///
    /// # Errors
    /// When the sweeper cannot be run.
    pub async fn stop(&mut self) -> Result<()> {
        if !self.all.is_empty() {
            Command::new(&self.python)
                .arg(&self.sweeper)
                .arg(&self.folder)
                .status()
                .await?;
            self.all.clear();
        }
        Ok(())
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        if !self.all.is_empty() {
            let mut sweep = std::process::Command::new(&self.python);
            // Nobody is left to tell when it fails.
            let _swept = sweep.arg(&self.sweeper).arg(&self.folder).status();
        }
    }
}

fn host(tools: &Tools, settings: &Settings<'_>, folder: &Path, number: usize) -> Result<Host> {
    let id = format!("i-{number:017x}");
    let folder = folder.join(&id);
    for name in ["srv", "tmp", "agent"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    let port = if settings.persistent {
        Port::kept_in(&folder.join("port"))?
    } else {
        Port::reserve()?
    };
    let tags = [
        ("longshore:environment", settings.environment),
        ("longshore:app", settings.app),
    ];
    Ok(Host {
        variables: variables(tools, settings, &folder, port.number()),
        tags: tags
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        id,
        folder,
        port,
    })
}

fn variables(tools: &Tools, settings: &Settings<'_>, folder: &Path, port: u16) -> Environment {
    let inside = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let mut variables = settings.variables.clone();
    let path = match settings.programs {
        Some(first) => format!("{}:{}", first.display(), tools.host_path()),
        None => tools.host_path(),
    };
    let own = [
        ("PATH", path),
        ("TMPDIR", inside("tmp")),
        ("LONGSHORE_ROOT", inside("srv")),
        ("LONGSHORE_PORT", port.to_string()),
        ("AWS_ENDPOINT_URL", settings.endpoint.to_owned()),
        ("AWS_REGION", settings.region.to_owned()),
        ("AWS_DEFAULT_REGION", settings.region.to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", ACCESS_KEY.to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        // An agent has no HOME, and whoever runs this may have one with AWS settings in it.
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
    variables
}
