//! What a stand-in is started with: where it listens, where `MiniStack` is, and which hosts exist.
//!
//! The same structure is the bin's JSON configuration file; unknown keys are refused, so that a typing error is seen.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// The configuration of a stand-in.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The loopback address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The base URL of `MiniStack`; without it nothing is forwarded and no event is put.
    pub ministack: Option<String>,
    /// The region that scripts and events see.
    pub region: String,
    /// The account of the ARNs in events.
    pub account: String,
    /// The access key that signs the stand-in's own `PutEvents` and `GetParameters` calls to `MiniStack`.
    pub access_key: String,
    /// The secret of that access key.
    pub secret_key: String,
    /// How many real milliseconds one second of an SSM time limit takes; 1000 is as on AWS, tests take less.
    pub second_ms: u64,
    /// The file that keeps documents, commands and what the agents are busy with; without it nothing outlives the
    /// stand-in. When it is read back, no agent runs until its host is started by `reboot` or `restart_agent`.
    pub kept_in: Option<PathBuf>,
    /// The hosts that exist from the start.
    pub hosts: Vec<HostOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ministack: None,
            region: String::from("eu-west-1"),
            account: String::from("000000000000"),
            access_key: String::from("test"),
            secret_key: String::from("test"),
            second_ms: 1000,
            kept_in: None,
            hosts: Vec::new(),
        }
    }
}

impl Options {
    /// Reads a JSON configuration file.
    ///
    /// # Errors
    /// When the file cannot be read, is not what [`Options`] describes, or breaks a rule of [`Options::check`].
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let options: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a valid configuration", path.display()))?;
        options.check()?;
        Ok(options)
    }

    /// Refuses what a stand-in must not be started with.
    ///
    /// # Errors
    /// When the address is not loopback, a limit is zero, or a host is malformed or named twice.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.listen.ip().is_loopback(),
            "{} is not a loopback address",
            self.listen
        );
        ensure!(self.second_ms > 0, "second_ms must be at least 1");
        let mut seen = std::collections::BTreeSet::new();
        for host in &self.hosts {
            host.check()?;
            ensure!(seen.insert(&host.id), "host {} is named twice", host.id);
        }
        Ok(())
    }
}

/// One local host: a folder that plays an EC2 instance with an agent on it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HostOptions {
    /// The instance id, `i-` and 8 or 17 hex digits.
    pub id: String,
    /// The folder that the agent keeps its orchestration files in.
    pub dir: PathBuf,
    /// The instance's tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// What the agent's own environment holds besides `PATH`; scripts inherit it.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The host's name as the service shows it; the instance id when left out.
    #[serde(default)]
    pub name: Option<String>,
    /// The agent's version.
    #[serde(default = "default_agent_version")]
    pub agent_version: String,
    /// Whether the instance runs, is stopped or is gone.
    #[serde(default)]
    pub power: Power,
    /// A fixed `PingStatus`; when left out it follows what the stand-in knows of the agent.
    #[serde(default)]
    pub ping_status: Option<String>,
}

impl HostOptions {
    /// A running host with a current agent, no tags and nothing in its environment.
    #[must_use]
    pub fn new(id: &str, dir: &Path) -> Self {
        Self {
            id: id.to_owned(),
            dir: dir.to_owned(),
            tags: BTreeMap::new(),
            environment: BTreeMap::new(),
            name: None,
            agent_version: default_agent_version(),
            power: Power::default(),
            ping_status: None,
        }
    }

    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            is_instance_id(&self.id),
            "{:?} is not an instance id",
            self.id
        );
        ensure!(
            !self.environment.contains_key("HOME"),
            "host {} must not have HOME in its environment: a real agent has none",
            self.id
        );
        ensure!(
            self.dir.is_absolute(),
            "the folder of host {} is not an absolute path",
            self.id
        );
        Ok(())
    }
}

fn default_agent_version() -> String {
    String::from("3.3.3572.0")
}

/// Whether the instance behind a host runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// It runs.
    #[default]
    Running,
    /// It is stopped: a send is accepted, nothing starts, and it is not listed.
    Stopped,
    /// It is gone: a send is refused.
    Terminated,
}

/// Whether a text has the form of an instance id.
pub(crate) fn is_instance_id(text: &str) -> bool {
    let is_word = |rest: &str| rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let ec2 = text
        .strip_prefix("i-")
        .filter(|rest| rest.len() == 8 || rest.len() == 17);
    let managed = text.strip_prefix("mi-").filter(|rest| rest.len() == 17);
    ec2.or(managed).is_some_and(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_id_has_8_or_17_word_characters() {
        assert!(is_instance_id("i-0123456789abcdef0"));
        assert!(is_instance_id("i-abcd1111"));
        assert!(!is_instance_id("i-abc"));
        assert!(!is_instance_id("host-1"));
        assert!(!is_instance_id("i-0123456789abcde;0"));
    }

    #[test]
    fn a_configuration_with_an_unknown_key_is_refused() {
        assert!(serde_json::from_str::<Options>(r#"{"listne": "127.0.0.1:0"}"#).is_err());
    }

    #[test]
    fn an_address_outside_loopback_is_refused() {
        let options: Options = serde_json::from_str(r#"{"listen": "0.0.0.0:4567"}"#).unwrap();
        assert!(options.check().is_err());
    }
}
