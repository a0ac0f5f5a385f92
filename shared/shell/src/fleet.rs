//! What a deployment needs to know before it starts: its hosts, the versions of its parameters, and the document that
//! its commands will name. Each is read once and frozen by the core; parameter values are never decrypted here.

use crate::connect::Aws;
use crate::fault::{Fault, Verdict};
use crate::ports::{Fleet, Ping, ResolveError, Seen};
use crate::telemetry::printable;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{DocumentHashType, DocumentStatus, InstanceInformation, PingStatus};
use aws_sdk_ssm::types::{InstanceInformationStringFilter, Parameter};
use longshore_core::{
    AppName, DocumentPin, EnvironmentName, Failure, FailureClass, HostId, ParameterName,
};
use std::collections::BTreeMap;

/// Pages that one question may read; at 50 hosts a page this is more than a deployment may have.
const PAGES_MAX: usize = 500;

/// The largest page of hosts (SSM API reference: `MaxResults`, at most 50).
const HOSTS_PAGE: i32 = 50;

/// The largest page of parameters (SSM API reference: `MaxResults`, at most 10).
const PARAMETERS_PAGE: i32 = 10;

/// The first agent that passes parameters as environment variables. Older ones ignore that silently.
const AGENT_MIN: [u64; 4] = [3, 3, 2_746, 0];

/// The longest text of all pins that the document's parameter takes.
const PINS_MAX: usize = 4_096;

/// The fleet as SSM knows it.
#[derive(Clone, Debug)]
pub struct SsmFleet {
    ssm: Client,
    environment: EnvironmentName,
    document: String,
}

impl SsmFleet {
    /// The fleet of an environment, with its document's name.
    #[must_use]
    pub fn new(aws: &Aws, environment: &EnvironmentName, document: &str) -> Self {
        Self {
            ssm: aws.ssm(),
            environment: environment.clone(),
            document: document.to_owned(),
        }
    }
}

impl SsmFleet {
    /// What SSM knows of every host with these tags.
    async fn listed(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<InstanceInformation>, ResolveError> {
        let filters = filters(&self.environment, app, tags)?;
        let mut hosts = Vec::new();
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let page = self
                .ssm
                .describe_instance_information()
                .set_filters(Some(filters.clone()))
                .max_results(HOSTS_PAGE)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| unresolved(Fault::of("DescribeInstanceInformation", &error)))?;
            hosts.extend(page.instance_information_list.unwrap_or_default());
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(hosts);
            }
        }
        Err(endless("DescribeInstanceInformation"))
    }
}

fn in_order(mut hosts: Vec<HostId>) -> Vec<HostId> {
    hosts.sort();
    hosts.dedup();
    hosts
}

impl Fleet for SsmFleet {
    async fn hosts(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<HostId>, ResolveError> {
        let seen = self.listed(app, tags).await?;
        let hosts: Result<Vec<HostId>, ResolveError> = seen.iter().map(host_of).collect();
        hosts.map(in_order)
    }

    async fn online(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<HostId>, ResolveError> {
        let seen = self.listed(app, tags).await?;
        let online = seen
            .iter()
            .filter(|host| host.ping_status() == Some(&PingStatus::Online));
        Ok(in_order(
            online.filter_map(|host| host_of(host).ok()).collect(),
        ))
    }

    async fn seen(
        &self,
        app: &AppName,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<Seen>, ResolveError> {
        let seen = self.listed(app, tags).await?;
        let mut hosts: Vec<Seen> = seen.iter().filter_map(seen_as).collect();
        hosts.sort_by(|a, b| a.host.cmp(&b.host));
        hosts.dedup_by(|a, b| a.host == b.host);
        Ok(hosts)
    }

    async fn parameters(
        &self,
        app: &AppName,
    ) -> Result<BTreeMap<ParameterName, u32>, ResolveError> {
        let path = format!("/{app}/{}/", self.environment);
        let mut pins = BTreeMap::new();
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let page = self
                .ssm
                .get_parameters_by_path()
                .path(&path)
                .recursive(false)
                .with_decryption(false)
                .max_results(PARAMETERS_PAGE)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| unresolved(Fault::of("GetParametersByPath", &error)))?;
            for parameter in page.parameters() {
                let (name, version) = pin_of(parameter, &path)?;
                pins.insert(name, version);
            }
            // An empty page may have a successor.
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return bounded(pins);
            }
        }
        Err(endless("GetParametersByPath"))
    }

    async fn document(&self) -> Result<DocumentPin, ResolveError> {
        let reply = self
            .ssm
            .describe_document()
            .name(&self.document)
            .send()
            .await
            .map_err(|error| unresolved(Fault::of("DescribeDocument", &error)))?;
        let document = reply.document();
        let active = document.and_then(|d| d.status()) == Some(&DocumentStatus::Active);
        let sha256 = document.and_then(|d| d.hash_type()) == Some(&DocumentHashType::Sha256);
        let version = document.and_then(|d| d.document_version());
        let hash = document.and_then(|d| d.hash());
        match (version, hash) {
            (Some(version), Some(hash)) if active && sha256 => Ok(DocumentPin {
                version: version.to_owned(),
                hash: hash.to_owned(),
            }),
            _ => Err(failed(
                FailureClass::DocumentRefused,
                &format!(
                    "document {} is not active with a SHA-256 hash",
                    self.document
                ),
            )),
        }
    }
}

/// The tags of the environment and the app, which every host has, and those of the app configuration.
fn filters(
    environment: &EnvironmentName,
    app: &AppName,
    tags: &BTreeMap<String, String>,
) -> Result<Vec<InstanceInformationStringFilter>, ResolveError> {
    let own = [
        ("longshore:environment", environment.as_str()),
        ("longshore:app", app.as_str()),
    ];
    let configured = tags
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    own.into_iter()
        .chain(configured)
        .map(|(key, value)| {
            InstanceInformationStringFilter::builder()
                .key(format!("tag:{key}"))
                .values(value)
                .build()
                .map_err(|error| failed(FailureClass::Internal, &error.to_string()))
        })
        .collect()
}

/// A host as it is; `None` for an id that is none of ours.
fn seen_as(host: &InstanceInformation) -> Option<Seen> {
    let ping = match host.ping_status() {
        Some(PingStatus::Online) => Ping::Online,
        Some(PingStatus::ConnectionLost) => Ping::ConnectionLost,
        Some(_) | None => Ping::Inactive,
    };
    Some(Seen {
        host: HostId::parse(host.instance_id()?).ok()?,
        ping,
        agent: printable(host.agent_version().unwrap_or_default()),
    })
}

/// The id of a host whose agent is new enough.
fn host_of(host: &InstanceInformation) -> Result<HostId, ResolveError> {
    let id = host.instance_id().and_then(|id| HostId::parse(id).ok());
    let Some(id) = id else {
        let fault = Fault::senseless("DescribeInstanceInformation", "a host without an id");
        return Err(ResolveError::Unavailable(fault.into()));
    };
    let version = host.agent_version().unwrap_or_default();
    if agent_suffices(version) {
        return Ok(id);
    }
    let version = if version.is_empty() {
        "unknown"
    } else {
        version
    };
    Err(failed(
        FailureClass::AgentTooOld,
        &format!("{id} has SSM agent {version}"),
    ))
}

/// Whether an agent's version is high enough; a version that cannot be read is not.
fn agent_suffices(version: &str) -> bool {
    let parts: Result<Vec<u64>, _> = version.split('.').map(str::parse).collect();
    parts.is_ok_and(|parts| parts.as_slice() >= AGENT_MIN.as_slice())
}

fn pin_of(parameter: &Parameter, path: &str) -> Result<(ParameterName, u32), ResolveError> {
    let full = parameter.name().unwrap_or_default();
    let name = full
        .strip_prefix(path)
        .and_then(|name| ParameterName::parse(name).ok());
    let version = u32::try_from(parameter.version()).ok().filter(|v| *v > 0);
    match (name, version) {
        (Some(name), Some(version)) if !steers(name.as_str()) => Ok((name, version)),
        _ => Err(failed(
            FailureClass::ConfigRefused,
            &format!("parameter {full} cannot become an environment variable of the app"),
        )),
    }
}

/// Whether a name is read before the app's parameters are there, or would change how the release is run: given to an app it
/// would do nothing, or too much. The host refuses the same names (`RESERVED` in its script).
fn steers(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "PATH",
        "PORT",
        "BASH_ENV",
        "NODE_OPTIONS",
        "NODE_PATH",
        "NODE_EXTRA_CA_CERTS",
        "NODE_CHANNEL_FD",
        "NODE_UNIQUE_ID",
    ];
    const PREFIXES: [&str; 4] = ["LD_", "PM2_", "NPM_CONFIG_", "LONGSHORE_"];
    let name = name.to_ascii_uppercase();
    NAMES.contains(&name.as_str()) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The pins travel in one parameter of the document, whose length is limited.
fn bounded(
    pins: BTreeMap<ParameterName, u32>,
) -> Result<BTreeMap<ParameterName, u32>, ResolveError> {
    let length = pins.iter().fold(0_usize, |length, (name, version)| {
        // The name, a colon, the version and a comma.
        let one = format!("{name}:{version},");
        length.saturating_add(one.len())
    });
    if length.saturating_sub(1) <= PINS_MAX {
        return Ok(pins);
    }
    Err(failed(
        FailureClass::ConfigRefused,
        "the app has too many parameters: their names and versions exceed 4096 characters",
    ))
}

fn unresolved(fault: Fault) -> ResolveError {
    let denied = fault.is_denied();
    match fault.verdict {
        Verdict::Throttled | Verdict::Unknown => ResolveError::Unavailable(fault.into()),
        Verdict::Refused if denied => failed(FailureClass::AccessDenied, &fault.reason()),
        Verdict::Refused if fault.is("InvalidDocument") => {
            failed(FailureClass::DocumentRefused, &fault.reason())
        }
        Verdict::Refused => failed(FailureClass::Internal, &fault.to_string()),
    }
}

fn failed(class: FailureClass, detail: &str) -> ResolveError {
    ResolveError::Failed(Failure::with_detail(class, detail))
}

fn endless(operation: &'static str) -> ResolveError {
    ResolveError::Unavailable(Fault::senseless(operation, "too many pages").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_ignores_env_var_is_refused() {
        for (version, suffices) in [
            ("3.3.2746.0", true),
            ("3.3.2746.1", true),
            ("3.4.0.0", true),
            ("4.0.0.0", true),
            ("3.3.2745.9", false),
            ("3.2.9999.0", false),
            ("2.9.9.9", false),
            ("3.3.2746", false),
            ("", false),
            ("3.3.x.0", false),
        ] {
            assert_eq!(agent_suffices(version), suffices, "{version}");
        }
    }

    #[test]
    fn a_parameter_that_would_steer_the_process_is_refused() {
        for (name, steered) in [
            ("DATABASE_URL", false),
            ("NODE_ENV", false),
            ("PORTAL", false),
            ("LD", false),
            ("NODE_OPTIONS", true),
            ("Path", true),
            ("PORT", true),
            ("LD_PRELOAD", true),
            ("npm_config_script_shell", true),
            ("pm2_env", true),
        ] {
            let parameter = Parameter::builder()
                .name(format!("/orders/staging/{name}"))
                .version(3)
                .build();
            let pin = pin_of(&parameter, "/orders/staging/");
            assert_eq!(pin.is_err(), steered, "{name}");
        }
    }

    #[test]
    fn pins_that_do_not_fit_into_a_command_are_refused_before_the_start() {
        let pins = |count: usize| -> BTreeMap<ParameterName, u32> {
            (0..count)
                .map(|n| (ParameterName::parse(&format!("NAME_{n:03}")).unwrap(), 1))
                .collect()
        };
        // `NAME_000:1,` is 11 characters, the last one has no comma: 372 are 4,091, 373 are 4,102.
        assert!(bounded(pins(372)).is_ok());
        assert!(bounded(pins(373)).is_err());
    }
}
