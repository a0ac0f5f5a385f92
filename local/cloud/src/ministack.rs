//! The emulator's process: started on a free port with a clean environment, watched until it is healthy, and ended.
//!
//! A function inherits the emulator's whole environment, so it holds what the functions need and nothing of this machine.
//! IAM is enforced on every call. It must never be reachable from another machine.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::aws::Aws;
use crate::ports::Port;
use crate::process::{Environment, Service};
use crate::tools::Tools;
use crate::wait;

const HEALTHY_WITHIN: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the emulator is started with.
#[derive(Debug)]
pub struct Settings<'a> {
    /// The repository, whose launcher is run.
    pub repo_root: &'a Path,
    /// A folder of its own for its state and its log.
    pub folder: &'a Path,
    /// The folder of the hosts, whose processes the launcher ends when this process is killed.
    pub hosts: &'a Path,
    /// The region everything is in.
    pub region: &'a str,
    /// The address of the stand-in for SSM.
    pub ssm_endpoint: &'a str,
    /// How many real milliseconds a minute of a schedule takes.
    pub minute_ms: u32,
    /// Whether its state outlives it; the folder's own state is taken up then.
    pub persistent: bool,
    /// Further variables of the functions.
    pub variables: &'a Environment,
}

/// A running emulator.
#[derive(Debug)]
pub struct MiniStack {
    service: Service,
    port: Port,
}

impl MiniStack {
    /// Starts the emulator on this port and waits until it answers.
    ///
    /// # Errors
    /// When it ends or stays silent; the error holds the end of its log.
    pub async fn start(tools: &Tools, port: Port, settings: &Settings<'_>) -> Result<Self> {
        for name in ["tmp", "state", "s3", "home"] {
            let folder = settings.folder.join(name);
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("making {}", folder.display()))?;
        }
        let launcher = settings.repo_root.join("local/ministack/launch.py");
        let parent = std::process::id().to_string();
        let arguments = [
            launcher.as_os_str(),
            "--parent".as_ref(),
            parent.as_ref(),
            "--hosts".as_ref(),
            settings.hosts.as_os_str(),
        ];
        let log = settings.folder.join("ministack.log");
        let environment = environment(port.number(), settings);
        let service = Service::start(&tools.python(), arguments, &environment, &log)?;
        let mut started = Self { service, port };
        started.wait_healthy(settings.region).await?;
        Ok(started)
    }

    /// A client for it.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn client(&self, region: &str) -> Result<Aws> {
        Aws::new(self.port.number(), region)
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.service.id()
    }

    /// Ends it, and every function it runs.
    ///
    /// # Errors
    /// When the system cannot tell how it ended.
    pub async fn stop(self) -> Result<()> {
        self.service.stop().await
    }

    async fn wait_healthy(&mut self, region: &str) -> Result<()> {
        let url = format!("{}/_ministack/health", self.client(region)?.endpoint());
        let http = reqwest::Client::builder().no_proxy().build()?;
        let service = &mut self.service;
        let healthy = wait::until(
            "answer of the emulator",
            HEALTHY_WITHIN,
            LOOK_EVERY,
            async || {
                if let Some(status) = service.ended()? {
                    bail!("the emulator ended with {status}");
                }
                let answered = http
                    .get(&url)
                    .send()
                    .await
                    .is_ok_and(|answer| answer.status().is_success());
                Ok(answered.then_some(()))
            },
        );
        let result = healthy.await;
        result.with_context(|| format!("the end of its log:\n{}", self.service.log_tail()))
    }
}

fn environment(port: u16, settings: &Settings<'_>) -> Environment {
    let endpoint = format!("http://127.0.0.1:{port}");
    let inside = |name: &str| settings.folder.join(name).to_string_lossy().into_owned();
    let mut variables = settings.variables.clone();
    let own = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("HOME", inside("home")),
        ("TMPDIR", inside("tmp")),
        ("STATE_DIR", inside("state")),
        ("S3_DATA_DIR", inside("s3")),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
        ("BIND_HOST", "127.0.0.1".to_owned()),
        ("GATEWAY_PORT", port.to_string()),
        ("MINISTACK_REGION", settings.region.to_owned()),
        ("IOT_MTLS_ENABLED", "0".to_owned()),
        ("SFTP_ENABLED", "0".to_owned()),
        ("AUTH", "true".to_owned()),
        (
            "LONGSHORE_LOCAL_MINUTE_SECONDS",
            minute_seconds(settings.minute_ms),
        ),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ENDPOINT_URL_SSM", settings.ssm_endpoint.to_owned()),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
    if settings.persistent {
        for name in ["PERSIST_STATE", "S3_PERSIST"] {
            variables.insert(name.to_owned(), "1".to_owned());
        }
    }
    variables
}

/// Milliseconds as the text of a number of seconds.
fn minute_seconds(milliseconds: u32) -> String {
    let seconds = Duration::from_millis(milliseconds.into());
    format!("{}.{:03}", seconds.as_secs(), seconds.subsec_millis())
}
