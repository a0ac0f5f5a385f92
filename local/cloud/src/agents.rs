//! SSM Run Command and the agents on the hosts: the stand-in with the local hosts, or an endpoint of one's own.
//!
//! The stand-in is told of the hosts here and of nothing else; it must never learn what a deployment is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ssm_stand_in::{FaultChange, HostOptions, RunningStandIn, StandIn};

use crate::hosts::Host;
use crate::sign::ACCESS_KEY;

/// What the agents are started with.
#[derive(Debug)]
pub struct Settings<'a> {
    /// The address of the emulator.
    pub ministack: &'a str,
    /// The region everything is in.
    pub region: &'a str,
    /// How many real milliseconds one second of SSM's time limits takes.
    pub second_ms: u64,
    /// The file that keeps what is under way, if it is to outlive this process.
    pub kept_in: Option<PathBuf>,
    /// The hosts.
    pub hosts: &'a [Host],
}

/// What answers for SSM.
#[derive(Debug)]
pub struct Agents {
    endpoint: String,
    stand_in: Option<RunningStandIn>,
}

impl Agents {
    /// Starts the stand-in on a free port.
    ///
    /// # Errors
    /// When a host is malformed or no port can be listened on.
    pub async fn start(settings: &Settings<'_>) -> Result<Self> {
        let options = ssm_stand_in::Options {
            ministack: Some(settings.ministack.to_owned()),
            region: settings.region.to_owned(),
            access_key: ACCESS_KEY.to_owned(),
            secret_key: ACCESS_KEY.to_owned(),
            second_ms: settings.second_ms,
            kept_in: settings.kept_in.clone(),
            hosts: settings.hosts.iter().map(host_options).collect(),
            ..ssm_stand_in::Options::default()
        };
        let stand_in = StandIn::start(options)
            .await
            .context("starting the stand-in for SSM")?;
        Ok(Self {
            endpoint: stand_in.url().trim_end_matches('/').to_owned(),
            stand_in: Some(stand_in),
        })
    }

    /// Uses an SSM endpoint that somebody else runs.
    #[must_use]
    pub fn at(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            stand_in: None,
        }
    }

    /// The address of SSM.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Changes what goes wrong: dead hosts, slow agents, lost, doubled and late events.
    ///
    /// # Errors
    /// When the change names a host that is not there, or there is no stand-in.
    pub fn set_faults(&self, change: &FaultChange) -> Result<()> {
        let stand_in = self
            .stand_in
            .as_ref()
            .context("this cloud has no stand-in for SSM")?;
        stand_in.set_faults(change)
    }

    /// What the stand-in knows, for looking: its `hosts`, `commands`, `events` or `faults`, as JSON text.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn shown(&self, what: &str) -> Result<String> {
        let url = format!("{}/_longshore/{what}", self.endpoint);
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(http.get(url).send().await?.text().await?)
    }

    /// Ends the stand-in and the scripts it runs.
    ///
    /// # Errors
    /// When its server broke.
    pub async fn stop(self) -> Result<()> {
        match self.stand_in {
            Some(stand_in) => stand_in.stop().await,
            None => Ok(()),
        }
    }
}

fn host_options(host: &Host) -> HostOptions {
    let folder: &Path = &host.folder.join("agent");
    HostOptions {
        tags: host.tags.clone(),
        environment: host.variables.clone(),
        ..HostOptions::new(&host.id, folder)
    }
}
