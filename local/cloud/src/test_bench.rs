//! An emulator and a stand-in without a stack, for tests that bring their own tables and clients.

use std::path::Path;

use anyhow::{Context, Result};

use crate::agents::{self, Agents};
use crate::hosts::{self, Hosts};
use crate::ministack::{self, MiniStack};
use crate::ports::Port;
use crate::process::Environment;
use crate::tools::Tools;

const REGION: &str = "eu-west-1";

/// A running emulator and a running stand-in with two hosts.
#[derive(Debug)]
pub struct TestBench {
    folder: std::path::PathBuf,
    endpoint: String,
    hosts: Hosts,
    agents: Agents,
    ministack: MiniStack,
}

impl TestBench {
    /// Starts both, in a temporary folder.
    ///
    /// # Errors
    /// When one of them does not start.
    pub async fn start(tools: &Tools, repo_root: &Path) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("longshore-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let port = Port::reserve()?;
        let endpoint = format!("http://127.0.0.1:{}", port.number());
        let none = Environment::new();
        let hosts_folder = folder.join("hosts");
        let hosts = Hosts::prepare(
            tools,
            &hosts::Settings {
                repo_root,
                folder: &hosts_folder,
                count: 2,
                environment: "dev",
                app: "orders",
                endpoint: &endpoint,
                region: REGION,
                variables: &none,
                programs: None,
                persistent: false,
            },
        )?;
        let settings = agents::Settings {
            ministack: &endpoint,
            region: REGION,
            second_ms: 1000,
            kept_in: None,
            hosts: hosts.all(),
        };
        let agents = Agents::start(&settings).await?;
        let settings = ministack::Settings {
            repo_root,
            folder: &folder.join("ministack"),
            hosts: &hosts_folder,
            region: REGION,
            ssm_endpoint: agents.endpoint(),
            minute_ms: 60_000,
            persistent: false,
            variables: &none,
        };
        let ministack = MiniStack::start(tools, port, &settings).await?;
        Ok(Self {
            folder,
            endpoint,
            hosts,
            agents,
            ministack,
        })
    }

    /// The emulator's address.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The stand-in's address.
    #[must_use]
    pub fn stand_in(&self) -> &str {
        self.agents.endpoint()
    }

    /// Ends both and clears the folder.
    ///
    /// # Errors
    /// When a part cannot be ended.
    pub async fn stop(mut self) -> Result<()> {
        self.hosts.stop().await?;
        self.agents.stop().await?;
        self.ministack.stop().await?;
        std::fs::remove_dir_all(&self.folder).context("clearing the bench's folder")
    }
}
