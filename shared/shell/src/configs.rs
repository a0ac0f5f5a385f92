//! The app configurations, from Parameter Store, at the newest or at a given version.
//!
//! A version never changes, so it is kept as long as the function lives. Which one is the newest is asked every time: who has
//! just written that people must be asked, or that nothing is to begin, must find it so with the next push.

use crate::cache::Cache;
use crate::connect::Aws;
use crate::fault::{Fault, Verdict};
use crate::ports::{Clock, Configs, Configuration, Configured, Repositories, ResolveError};
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::Parameter;
use longshore_app_config::AppConfig;
use longshore_core::{EnvironmentName, Failure, FailureClass, Repository};
use std::collections::BTreeMap;

/// Pages of a list that are read, of ten names each (SSM API reference: `GetParametersByPath`, `MaxResults`).
const PAGES_MAX: usize = 200;

/// The app configurations of an environment.
#[derive(Debug)]
pub struct SsmConfigs<C> {
    ssm: Client,
    environment: EnvironmentName,
    clock: C,
    kept: Cache<Configured>,
}

impl<C: Clock> SsmConfigs<C> {
    /// The configurations of an environment.
    #[must_use]
    pub fn new(aws: &Aws, environment: &EnvironmentName, clock: C) -> Self {
        Self {
            ssm: aws.ssm(),
            environment: environment.clone(),
            clock,
            kept: Cache::new(),
        }
    }

    async fn read(
        &self,
        name: &str,
        repository: &Repository,
    ) -> Result<Option<Configured>, ResolveError> {
        let reply = self.ssm.get_parameter().name(name).send().await;
        match reply.map_err(|error| Fault::of("GetParameter", &error)) {
            Ok(reply) => configured(name, reply.parameter(), repository).map(Some),
            Err(fault) if fault.is("ParameterNotFound") => Ok(None),
            Err(fault) => Err(unresolved(name, fault)),
        }
    }
}

impl<C: Clock> Configs for SsmConfigs<C> {
    async fn config(
        &self,
        repository: &Repository,
        version: Option<u32>,
    ) -> Result<Option<Configured>, ResolveError> {
        let name = format!("/longshore/{}/apps/{repository}", self.environment);
        let numbered = |version: u32| format!("{name}:{version}");
        let now = self.clock.now();
        let kept = version.and_then(|version| self.kept.get(&numbered(version), now, None));
        if kept.is_some() {
            return Ok(kept);
        }
        let asked = version.map_or_else(|| name.clone(), numbered);
        let read = self.read(&asked, repository).await?;
        if let Some(configured) = &read {
            self.kept
                .put(&numbered(configured.version), configured.clone(), now);
        }
        Ok(read)
    }
}

impl<C: Clock> SsmConfigs<C> {
    /// The parameters below the path of the app configurations, each with the repository that it is of.
    async fn list(&self) -> Result<BTreeMap<Repository, Parameter>, ResolveError> {
        let path = format!("/longshore/{}/apps", self.environment);
        let mut found = BTreeMap::new();
        let mut next: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let page = self
                .ssm
                .get_parameters_by_path()
                .path(&path)
                .recursive(true)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| unresolved(&path, Fault::of("GetParametersByPath", &error)))?;
            next = page.next_token;
            let parameters = page.parameters.into_iter().flatten();
            found.extend(parameters.filter_map(|parameter| {
                let repository = repository_of(parameter.name()?, &path)?;
                Some((repository, parameter))
            }));
            // An empty page may have a successor.
            next = next.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
        let fault = Fault::senseless("GetParametersByPath", "a list without an end");
        Err(ResolveError::Unavailable(fault.into()))
    }
}

impl<C: Clock> Repositories for SsmConfigs<C> {
    async fn repositories(&self) -> Result<Vec<Repository>, ResolveError> {
        Ok(self.list().await?.into_keys().collect())
    }

    async fn configurations(&self) -> Result<Vec<Configuration>, ResolveError> {
        let found = self.list().await?.into_iter();
        let read = found.map(|(repository, parameter)| {
            let name = parameter.name().unwrap_or_default();
            let config = configured(name, Some(&parameter), &repository);
            (repository, config)
        });
        Ok(read.collect())
    }
}

/// The repository whose configuration a parameter holds. Another name below the path is nobody's configuration, as no push
/// could ever find it.
fn repository_of(name: &str, path: &str) -> Option<Repository> {
    let name = name.strip_prefix(path)?.strip_prefix('/')?;
    Repository::parse(name).ok()
}

fn configured(
    name: &str,
    parameter: Option<&Parameter>,
    repository: &Repository,
) -> Result<Configured, ResolveError> {
    let version = parameter.and_then(|p| u32::try_from(p.version()).ok());
    let text = parameter.and_then(Parameter::value);
    let (Some(version), Some(text)) = (version.filter(|v| *v > 0), text) else {
        let fault = Fault::senseless("GetParameter", "a parameter without value or version");
        return Err(ResolveError::Unavailable(fault.into()));
    };
    let config = AppConfig::parse(text, repository).map_err(|problems| {
        failed(
            FailureClass::ConfigRefused,
            &format!("{name} version {version}: {problems}"),
        )
    })?;
    Ok(Configured { config, version })
}

fn unresolved(name: &str, fault: Fault) -> ResolveError {
    match fault.verdict {
        Verdict::Throttled | Verdict::Unknown => ResolveError::Unavailable(fault.into()),
        Verdict::Refused if fault.is("ParameterVersionNotFound") => failed(
            FailureClass::ConfigRefused,
            &format!("{name}: this version of the app configuration no longer exists"),
        ),
        Verdict::Refused if fault.is_denied() => {
            failed(FailureClass::AccessDenied, &fault.reason())
        }
        Verdict::Refused => failed(FailureClass::Internal, &fault.to_string()),
    }
}

fn failed(class: FailureClass, detail: &str) -> ResolveError {
    ResolveError::Failed(Failure::with_detail(class, detail))
}
