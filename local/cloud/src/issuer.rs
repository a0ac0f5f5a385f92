//! The OIDC provider of the local cloud, where people sign in to the console: a certified library in a process of its own
//! (`local/issuer`), with a handful of people and no passwords.
//!
//! It must never be reachable from another machine.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::ports::Port;
use crate::process::{Environment, Service};
use crate::tools::{NodeTools, Progress};
use crate::wait;

/// The console's client id.
pub const CLIENT: &str = "longshore-console";
/// What the console asks for.
pub const SCOPES: &str = "openid profile email groups";
/// The claim that people are known by: the name that they have as users of IAM, so that a person is one person everywhere.
pub const PERSON_CLAIM: &str = "preferred_username";

const SOURCE: &str = "local/issuer";
const PROGRAM: &str = "issuer.mjs";
const READY_WITHIN: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A provider that is about to listen: its address is known, its people are not yet.
#[derive(Debug)]
pub struct Place {
    tools: NodeTools,
    port: Port,
}

/// A running provider.
#[derive(Debug)]
pub struct Issuer {
    service: Service,
    url: String,
    // Held for as long as it listens there.
    _port: Port,
}

impl Place {
    /// Finds its tools, or makes them, and keeps a port for it.
    ///
    /// # Errors
    /// When npm fails.
    pub async fn prepare(repo_root: &Path, port: Port, progress: Progress) -> Result<Self> {
        let tools = NodeTools::prepare(repo_root, SOURCE, progress).await?;
        Ok(Self { tools, port })
    }

    /// The issuer, as tokens name it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// Starts it for the console at this address, and waits until it answers.
    ///
    /// # Errors
    /// When it ends or stays silent; the error holds the end of its log.
    pub async fn start(self, console: &str, environment: &str, folder: &Path) -> Result<Issuer> {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let (url, port) = (self.url(), self.port.number().to_string());
        let mut command = self.tools.command(PROGRAM)?;
        command.args([port.as_str(), console]);
        let variables = Environment::from([
            ("LONGSHORE_ENVIRONMENT".to_owned(), environment.to_owned()),
            ("NODE_ENV".to_owned(), "development".to_owned()),
        ]);
        let service = Service::spawn(&mut command, &variables, &folder.join("issuer.log"))?;
        let mut started = Issuer {
            service,
            url,
            _port: self.port,
        };
        started.wait_ready().await?;
        Ok(started)
    }
}

impl Issuer {
    /// The issuer, as tokens name it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the system cannot tell how it ended.
    pub async fn stop(self) -> Result<()> {
        self.service.stop().await
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let discovery = format!("{}/.well-known/openid-configuration", self.url);
        let http = reqwest::Client::builder().no_proxy().build()?;
        let service = &mut self.service;
        let ready = wait::until(
            "answer of the OIDC provider",
            READY_WITHIN,
            LOOK_EVERY,
            async || {
                if let Some(status) = service.ended()? {
                    bail!("the OIDC provider ended with {status}");
                }
                let answer = http.get(&discovery).send().await;
                let answered = answer.is_ok_and(|answer| answer.status().is_success());
                Ok(answered.then_some(()))
            },
        );
        let result = ready.await;
        result.with_context(|| format!("the end of its log:\n{}", self.service.log_tail()))
    }
}
