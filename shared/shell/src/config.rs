//! What a function is told by its environment variables, read once, with every problem found at the same time.
//!
//! Values are never repeated in a problem: some are credentials, and any could be a secret in the wrong place.

use aws_credential_types::Credentials;
use http::Uri;
use longshore_core::{Desk, EnvironmentName};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Every variable that is missing or malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The problems, in the order of reading.
    pub problems: Vec<Problem>,
}

/// One variable that is missing or malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub variable: &'static str,
    /// Whether it is there at all.
    pub missing: bool,
    /// What it should be, for a person.
    pub expected: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment variables are not complete")?;
        for problem in &self.problems {
            let Problem {
                variable,
                missing,
                expected,
            } = problem;
            let what = if *missing {
                "is missing"
            } else {
                "is malformed"
            };
            write!(f, "; {variable} {what}: expected {expected}")?;
        }
        Ok(())
    }
}

/// How to reach AWS.
#[derive(Clone, Debug)]
pub struct Access {
    /// `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`. Their debugging form hides the secrets.
    pub credentials: Credentials,
    /// `AWS_ENDPOINT_URL_<SERVICE>` by `<SERVICE>`, and `AWS_ENDPOINT_URL` for all others under the empty name.
    pub endpoints: BTreeMap<String, String>,
    /// `LONGSHORE_CA_BUNDLE`: a PEM file whose certificates are trusted instead of the built-in roots.
    pub ca_bundle: Option<PathBuf>,
    /// `LONGSHORE_BITBUCKET_API`: where the local cloud plays Bitbucket's API; counts nowhere else.
    pub bitbucket_api: Option<String>,
    /// `LONGSHORE_SLACK_API`: where the local cloud plays Slack's API; counts nowhere else.
    pub slack_api: Option<String>,
}

/// Bitbucket's API.
const BITBUCKET_API: &str = "https://api.bitbucket.org";
/// Slack's API.
const SLACK_API: &str = "https://slack.com";

impl Access {
    /// The endpoint for a service, by the name in its variable (`SSM`, `DYNAMODB`, `SQS`, `SNS`).
    #[must_use]
    pub fn endpoint(&self, service: &str) -> Option<&str> {
        self.endpoints
            .get(service)
            .or_else(|| self.endpoints.get(""))
            .map(String::as_str)
    }

    /// Where Bitbucket's API is. Tokens go there, so it is Bitbucket's own address; only in the local cloud it can be one of
    /// this machine.
    #[must_use]
    pub fn bitbucket_api(&self) -> &str {
        self.played(self.bitbucket_api.as_deref())
            .unwrap_or(BITBUCKET_API)
    }

    /// Where Slack's API is: Slack's own address; only in the local cloud it can be one of this machine.
    #[must_use]
    pub fn slack_api(&self) -> &str {
        self.played(self.slack_api.as_deref()).unwrap_or(SLACK_API)
    }

    fn played<'a>(&self, given: Option<&'a str>) -> Option<&'a str> {
        given.filter(|url| self.is_local() && leads_to_loopback(url))
    }

    /// Whether this is the local cloud: the endpoint for everything is a loopback address. Only then may the check from
    /// outside, messages and questions to Bitbucket go to the loopback.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let endpoint = self.endpoints.get("");
        endpoint.is_some_and(|url| leads_to_loopback(url))
    }
}

fn leads_to_loopback(url: &str) -> bool {
    let url = url.parse::<Uri>().ok();
    url.is_some_and(|url| url.host().is_some_and(is_loopback_name))
}

/// Whether a URL's host is a loopback address, by name or as a literal.
pub(crate) fn is_loopback_name(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || literal
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// What `trigger-deploy` needs.
#[derive(Clone, Debug)]
pub struct TriggerConfig {
    /// How to reach AWS.
    pub access: Access,
    /// `LONGSHORE_ENVIRONMENT`.
    pub environment: EnvironmentName,
    /// `LONGSHORE_TABLE`.
    pub table: String,
}

/// What `slack-clicks` needs.
#[derive(Clone, Debug)]
pub struct ClicksConfig {
    /// How to reach AWS.
    pub access: Access,
    /// `LONGSHORE_ENVIRONMENT`.
    pub environment: EnvironmentName,
    /// `LONGSHORE_RECONCILER_QUEUE_URL`: where a click is told of.
    pub queue_url: String,
}

/// What the functions that look at deployments need: `reconciler`, `health-verifier`, `auto-rollback` and
/// `on-command-status`.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// How to reach AWS.
    pub access: Access,
    /// `LONGSHORE_ENVIRONMENT`.
    pub environment: EnvironmentName,
    /// `LONGSHORE_TABLE`.
    pub table: String,
    /// `LONGSHORE_DOCUMENT`: the name of the environment's document.
    pub document: String,
    /// `LONGSHORE_ARTIFACT_BUCKET`: the bucket of builds that were made elsewhere, if the environment has one.
    pub artifact_bucket: Option<String>,
    /// Where looks are planned: a desk's own queue, and for the reconciler, whose tick sends every desk to its unfinished
    /// work, those of all: `LONGSHORE_RECONCILER_QUEUE_URL`, `LONGSHORE_HEALTH_VERIFIER_QUEUE_URL`,
    /// `LONGSHORE_AUTO_ROLLBACK_QUEUE_URL` and `LONGSHORE_NOTIFIER_QUEUE_URL`. Empty for a function without a desk.
    pub queues: Vec<DeskQueue>,
}

/// The queue of one desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskQueue {
    /// Whose it is.
    pub desk: Desk,
    /// Its URL.
    pub url: String,
}

/// What `operator-api` needs.
#[derive(Clone, Debug)]
pub struct OperatorConfig {
    /// How to reach AWS.
    pub access: Access,
    /// `LONGSHORE_ENVIRONMENT`.
    pub environment: EnvironmentName,
    /// `LONGSHORE_TABLE`.
    pub table: String,
    /// `LONGSHORE_DOCUMENT`: the name of the environment's document, of which it reads what a plan needs.
    pub document: String,
    /// `LONGSHORE_ARTIFACT_BUCKET`: the bucket of builds that were made elsewhere, if the environment has one.
    pub artifact_bucket: Option<String>,
    /// Whose tokens count in the console; none where there is no console.
    pub console: Option<ConsoleAccess>,
}

/// Whose tokens count in the console, and what they are read for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleAccess {
    /// `LONGSHORE_CONSOLE_ISSUER`: who issues them.
    pub issuer: String,
    /// `LONGSHORE_CONSOLE_PERSON_CLAIM`: the claim with the person.
    pub person_claim: String,
    /// `LONGSHORE_CONSOLE_GROUPS_CLAIM`: the claim with the person's groups.
    pub groups_claim: String,
    /// `LONGSHORE_CONSOLE_GROUPS`: the group of each role.
    pub groups: ConsoleGroups,
}

/// The group of each role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleGroups {
    /// Of readers.
    pub reader: String,
    /// Of deployers.
    pub deployer: String,
    /// Of approvers.
    pub approver: String,
    /// Of administrators.
    pub admin: String,
}

impl ConsoleGroups {
    /// The groups of `reader=a,deployer=b,approver=c,admin=d`. A role without a group has that of the environment's own name, so
    /// that a group of one environment gives nothing in another.
    fn parse(text: &str, environment: &EnvironmentName) -> Option<Self> {
        let mut parts = text.split(',');
        let mut next = |role: &str| {
            let group = parts.next()?.strip_prefix(role)?.strip_prefix('=')?;
            let own = || format!("longshore-{environment}-{role}");
            let is_one = |group: &str| !group.contains([' ', '[', ']']);
            match group {
                "" => Some(own()),
                group => is_one(group).then(|| group.to_owned()),
            }
        };
        let groups = Self {
            reader: next("reader")?,
            deployer: next("deployer")?,
            approver: next("approver")?,
            admin: next("admin")?,
        };
        parts.next().is_none().then_some(groups)
    }
}

/// What `console` needs: nothing of AWS, only what the page is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleConfig {
    /// `LONGSHORE_ENVIRONMENT`.
    pub environment: EnvironmentName,
    /// `LONGSHORE_CONSOLE_ISSUER`: who signs people in.
    pub issuer: String,
    /// `LONGSHORE_CONSOLE_CLIENT`: as whom the page asks the issuer.
    pub client: String,
    /// `LONGSHORE_CONSOLE_SCOPES`: what it asks for.
    pub scopes: String,
    /// `LONGSHORE_CONSOLE_ORIGINS`: further origins that the page may talk to, such as that of the issuer's token endpoint.
    pub origins: Vec<String>,
    /// `LONGSHORE_CONSOLE_ENVIRONMENTS`: further environments with the addresses of their APIs.
    pub environments: Vec<(EnvironmentName, String)>,
}

/// What `history-export` needs.
#[derive(Clone, Debug)]
pub struct ExportConfig {
    /// How to reach AWS.
    pub access: Access,
    /// `LONGSHORE_ENVIRONMENT`.
    pub environment: EnvironmentName,
    /// `LONGSHORE_HISTORY_BUCKET`: the bucket that takes the histories.
    pub bucket: String,
}

/// What `notifier` needs.
#[derive(Clone, Debug)]
pub struct NotifierConfig {
    /// How to reach AWS.
    pub access: Access,
    /// `LONGSHORE_ENVIRONMENT`.
    pub environment: EnvironmentName,
    /// `LONGSHORE_TABLE`.
    pub table: String,
    /// `LONGSHORE_TOPIC_ARN`.
    pub topic_arn: String,
}

impl TriggerConfig {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_vars(
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut vars = Vars::new(vars);
        let (access, environment, table) = (vars.access(), vars.environment(), vars.table());
        match (access, environment, table) {
            (Some(access), Some(environment), Some(table)) if vars.problems.is_empty() => {
                Ok(Self {
                    access,
                    environment,
                    table,
                })
            }
            _ => Err(vars.error()),
        }
    }
}

impl ClicksConfig {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_vars(
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut vars = Vars::new(vars);
        let (access, environment) = (vars.access(), vars.environment());
        let queue = vars.required(queue_variable(Desk::Reconciler), URL, parse_url);
        match (access, environment, queue) {
            (Some(access), Some(environment), Some(queue_url)) if vars.problems.is_empty() => {
                Ok(Self {
                    access,
                    environment,
                    queue_url,
                })
            }
            _ => Err(vars.error()),
        }
    }
}

impl WorkerConfig {
    /// Reads the variables of the function at `desk`; without one, of a function that only takes in what is seen.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_vars(
        desk: Option<Desk>,
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut vars = Vars::new(vars);
        let (access, environment, table) = (vars.access(), vars.environment(), vars.table());
        let document = vars.required("LONGSHORE_DOCUMENT", DOCUMENT, parse_document);
        let bucket = vars.optional("LONGSHORE_ARTIFACT_BUCKET", BUCKET, parse_bucket);
        let queues = desks_woken_by(desk)
            .iter()
            .filter_map(|desk| {
                let url = vars.required(queue_variable(*desk), URL, parse_url)?;
                Some(DeskQueue { desk: *desk, url })
            })
            .collect();
        match (access, environment, table, document) {
            (Some(access), Some(environment), Some(table), Some(document))
                if vars.problems.is_empty() =>
            {
                Ok(Self {
                    access,
                    environment,
                    table,
                    document,
                    artifact_bucket: bucket,
                    queues,
                })
            }
            _ => Err(vars.error()),
        }
    }
}

impl OperatorConfig {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_vars(
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut vars = Vars::new(vars);
        let (access, environment, table) = (vars.access(), vars.environment(), vars.table());
        let document = vars.required("LONGSHORE_DOCUMENT", DOCUMENT, parse_document);
        let bucket = vars.optional("LONGSHORE_ARTIFACT_BUCKET", BUCKET, parse_bucket);
        let console = environment.as_ref().and_then(|name| vars.console(name));
        match (access, environment, table, document) {
            (Some(access), Some(environment), Some(table), Some(document))
                if vars.problems.is_empty() =>
            {
                Ok(Self {
                    access,
                    environment,
                    table,
                    document,
                    artifact_bucket: bucket,
                    console,
                })
            }
            _ => Err(vars.error()),
        }
    }
}

impl ConsoleConfig {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_vars(
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut vars = Vars::new(vars);
        let environment = vars.environment();
        let issuer = vars.required(ISSUER, URL, parse_issuer);
        let client = vars.required("LONGSHORE_CONSOLE_CLIENT", WORD, word);
        let scopes = vars.required("LONGSHORE_CONSOLE_SCOPES", SCOPES, parse_scopes);
        let origins = vars.optional("LONGSHORE_CONSOLE_ORIGINS", ORIGINS, parse_origins);
        let environments = vars.optional(
            "LONGSHORE_CONSOLE_ENVIRONMENTS",
            ENVIRONMENTS,
            parse_environments,
        );
        match (environment, issuer, client, scopes) {
            (Some(environment), Some(issuer), Some(client), Some(scopes))
                if vars.problems.is_empty() =>
            {
                Ok(Self {
                    environment,
                    issuer,
                    client,
                    scopes,
                    origins: origins.unwrap_or_default(),
                    environments: environments.unwrap_or_default(),
                })
            }
            _ => Err(vars.error()),
        }
    }
}

impl ExportConfig {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_vars(
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut vars = Vars::new(vars);
        let (access, environment) = (vars.access(), vars.environment());
        let bucket = vars.required("LONGSHORE_HISTORY_BUCKET", BUCKET, parse_bucket);
        match (access, environment, bucket) {
            (Some(access), Some(environment), Some(bucket)) if vars.problems.is_empty() => {
                Ok(Self {
                    access,
                    environment,
                    bucket,
                })
            }
            _ => Err(vars.error()),
        }
    }
}

impl NotifierConfig {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_vars(
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut vars = Vars::new(vars);
        let (access, environment, table) = (vars.access(), vars.environment(), vars.table());
        let topic = vars.required(
            "LONGSHORE_TOPIC_ARN",
            "the ARN of an SNS topic",
            parse_topic,
        );
        match (access, environment, table, topic) {
            (Some(access), Some(environment), Some(table), Some(topic_arn))
                if vars.problems.is_empty() =>
            {
                Ok(Self {
                    access,
                    environment,
                    table,
                    topic_arn,
                })
            }
            _ => Err(vars.error()),
        }
    }
}

const URL: &str = "an http or https URL";
const ISSUER: &str = "LONGSHORE_CONSOLE_ISSUER";
const WORD: &str = "1 to 256 printable characters without a space";
const SCOPES: &str = "words with spaces between, of which one is openid";
const ORIGINS: &str = "origins such as https://id.example.com, with spaces between";
const ENVIRONMENTS: &str =
    "names with the origins of their APIs, as name=https://host, with spaces between";
const BUCKET: &str = "3 to 63 lower-case letters, digits, dots and hyphens, the name of a bucket";
const DOCUMENT: &str = "3 to 128 letters, digits and `_.-`";
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// The desks whose looks the function at a desk plans.
const fn desks_woken_by(desk: Option<Desk>) -> &'static [Desk] {
    match desk {
        Some(Desk::Reconciler) => &Desk::ALL,
        Some(Desk::HealthVerifier) => &[Desk::HealthVerifier],
        Some(Desk::AutoRollback) => &[Desk::AutoRollback],
        Some(Desk::Notifier) | None => &[],
    }
}

/// The variable with the queue of a desk.
const fn queue_variable(desk: Desk) -> &'static str {
    match desk {
        Desk::Reconciler => "LONGSHORE_RECONCILER_QUEUE_URL",
        Desk::HealthVerifier => "LONGSHORE_HEALTH_VERIFIER_QUEUE_URL",
        Desk::AutoRollback => "LONGSHORE_AUTO_ROLLBACK_QUEUE_URL",
        Desk::Notifier => "LONGSHORE_NOTIFIER_QUEUE_URL",
    }
}

/// Reads variables and collects what is wrong with them.
struct Vars {
    vars: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Vars {
    fn new(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            // An empty variable is what a template leaves behind for "none".
            vars: vars.into_iter().filter(|(_, v)| !v.is_empty()).collect(),
            problems: Vec::new(),
        }
    }

    fn error(self) -> ConfigError {
        ConfigError {
            problems: self.problems,
        }
    }

    fn required<T>(
        &mut self,
        variable: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.vars.get(variable);
        let missing = text.is_none();
        let value = text.and_then(|text| parse(text));
        if value.is_none() {
            self.problems.push(Problem {
                variable,
                missing,
                expected,
            });
        }
        value
    }

    /// A variable that may be missing, but not wrong.
    fn optional<T>(
        &mut self,
        variable: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.vars
            .contains_key(variable)
            .then(|| self.required(variable, expected, parse))
            .flatten()
    }

    fn environment(&mut self) -> Option<EnvironmentName> {
        let expected = "1 to 32 lower-case letters, digits and hyphens, starting with a letter";
        self.required("LONGSHORE_ENVIRONMENT", expected, |text| {
            EnvironmentName::parse(text).ok()
        })
    }

    fn table(&mut self) -> Option<String> {
        let expected = "the name of a DynamoDB table";
        self.required("LONGSHORE_TABLE", expected, |text| name(text, 3, 255))
    }

    /// Whose tokens count in the console, if there is one.
    fn console(&mut self, environment: &EnvironmentName) -> Option<ConsoleAccess> {
        let issuer = self.optional(ISSUER, URL, parse_url)?;
        let person = self.required("LONGSHORE_CONSOLE_PERSON_CLAIM", WORD, word);
        let groups_claim = self.required("LONGSHORE_CONSOLE_GROUPS_CLAIM", WORD, word);
        let groups = self.required(
            "LONGSHORE_CONSOLE_GROUPS",
            "reader=, deployer=, approver= and admin=, each with a group or nothing, with commas between",
            |text| ConsoleGroups::parse(text, environment),
        );
        Some(ConsoleAccess {
            issuer,
            person_claim: person?,
            groups_claim: groups_claim?,
            groups: groups?,
        })
    }

    fn access(&mut self) -> Option<Access> {
        if !self.vars.contains_key("AWS_REGION")
            && let Some(region) = self.vars.get("AWS_DEFAULT_REGION")
        {
            self.vars.insert("AWS_REGION".to_owned(), region.clone());
        }
        let region = self.required("AWS_REGION", "a region such as eu-central-1", |text| {
            name(text, 1, 64)
        });
        let any = |text: &str| Some(text.to_owned());
        let key = self.required("AWS_ACCESS_KEY_ID", "the id of an access key", any);
        let secret = self.required("AWS_SECRET_ACCESS_KEY", "the secret of that key", any);
        let token = self.vars.get("AWS_SESSION_TOKEN").cloned();
        let ca_bundle = self.vars.get("LONGSHORE_CA_BUNDLE").map(PathBuf::from);
        let bitbucket_api = self.vars.get("LONGSHORE_BITBUCKET_API").cloned();
        let slack_api = self.vars.get("LONGSHORE_SLACK_API").cloned();
        let endpoints = self.endpoints();
        Some(Access {
            region: region?,
            credentials: Credentials::new(key?, secret?, token, None, "environment"),
            endpoints,
            ca_bundle,
            bitbucket_api,
            slack_api,
        })
    }

    fn endpoints(&mut self) -> BTreeMap<String, String> {
        let mut endpoints = BTreeMap::new();
        let mut malformed = false;
        for (variable, url) in &self.vars {
            let Some(rest) = variable.strip_prefix(ENDPOINT) else {
                continue;
            };
            let Some(service) = rest
                .strip_prefix('_')
                .or_else(|| rest.is_empty().then_some(""))
            else {
                continue;
            };
            malformed |= parse_url(url).is_none();
            endpoints.insert(service.to_owned(), url.clone());
        }
        if malformed {
            self.problems.push(Problem {
                variable: "AWS_ENDPOINT_URL, or one of AWS_ENDPOINT_URL_<SERVICE>,",
                missing: false,
                expected: URL,
            });
        }
        endpoints
    }
}

/// A name of AWS: letters, digits and `_.-`.
fn name(text: &str, min: usize, max: usize) -> Option<String> {
    let valid = (min..=max).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    valid.then(|| text.to_owned())
}

fn parse_document(text: &str) -> Option<String> {
    name(text, 3, 128)
}

fn parse_bucket(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    ((3..=63).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

fn parse_url(text: &str) -> Option<String> {
    let url: Uri = text.parse().ok()?;
    let scheme = url.scheme_str()?;
    let valid = matches!(scheme, "http" | "https") && url.host().is_some_and(|h| !h.is_empty());
    valid.then(|| text.to_owned())
}

/// A text without spaces that can be printed.
fn word(text: &str) -> Option<String> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic());
    (plain && (1..=256).contains(&text.len())).then(|| text.to_owned())
}

fn parse_scopes(text: &str) -> Option<String> {
    let scopes: Option<Vec<String>> = text.split(' ').map(word).collect();
    let scopes = scopes.filter(|scopes| scopes.iter().any(|scope| scope == "openid"))?;
    Some(scopes.join(" "))
}

/// Scheme, host and perhaps a port, as they may stand in a content security policy: nothing in them can end a directive.
fn origin(text: &str) -> Option<String> {
    let url: Uri = parse_url(text)?.parse().ok()?;
    let origin = format!("{}://{}", url.scheme_str()?, url.authority()?);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".:-[]/".contains(&b);
    (origin == text && text.bytes().all(plain)).then_some(origin)
}

/// A URL whose origin may stand in a content security policy, too.
fn parse_issuer(text: &str) -> Option<String> {
    let url: Uri = parse_url(text)?.parse().ok()?;
    origin(&format!("{}://{}", url.scheme_str()?, url.authority()?))?;
    Some(text.to_owned())
}

fn parse_origins(text: &str) -> Option<Vec<String>> {
    text.split(' ').map(origin).collect()
}

fn parse_environments(text: &str) -> Option<Vec<(EnvironmentName, String)>> {
    let one = |pair: &str| {
        let (name, api) = pair.split_once('=')?;
        Some((EnvironmentName::parse(name).ok()?, origin(api)?))
    };
    text.split(' ').map(one).collect()
}

fn parse_topic(text: &str) -> Option<String> {
    let mut parts = text.split(':');
    let arn = parts.next() == Some("arn");
    let sns = parts.nth(1) == Some("sns");
    let rest = parts.count();
    (arn && sns && rest == 3).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
