//! The request of the HTTP API (payload format 2.0), and how it becomes what is asked for: valid by construction, or refused with the field that
//! is wrong. A refusal never repeats a value of the request, but for names of fields that the contract knows.
//!
//! The operation is that of the route which API Gateway has matched, as that is what the caller's policy was asked about.

use crate::asked::{Act, Asked, Beginning, Cursor, Entries, LogsAsked, Page, StatsAsked};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_contract as contract;
use longshore_contract::{BeginKind, CONSOLE_PREFIX, ErrorWord, Operation, Refusal};
use longshore_core::{
    AppName, Artifact, Commit, DeploymentId, EnvironmentName, HostId, ObjectVersion, Person,
    PlanDigest, Reason, Sha256Digest, Timestamp,
};
use longshore_insight::{CommitStart, Filter};
use longshore_shell::clock::from_rfc3339;
use longshore_shell::operate::{Back, Database, Wish};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;

/// The largest body that is read, in bytes.
pub const BODY_MAX: usize = 16 * 1024;

/// Entries of a page, when nothing else is asked for.
const PAGE: u32 = 20;

/// Entries of a page, at most.
const PAGE_MAX: u32 = 100;

/// For how long an app may be locked, in seconds.
const LOCK_SECONDS: std::ops::RangeInclusive<u32> = 60..=30 * 24 * 60 * 60;

/// A request, as far as it is needed. What is null is not there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Request {
    route_key: String,
    raw_path: String,
    path_parameters: Option<BTreeMap<String, String>>,
    query_string_parameters: Option<BTreeMap<String, String>>,
    body: Option<String>,
    is_base64_encoded: bool,
    #[serde(rename = "requestContext")]
    context: Context,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Context {
    http: Http,
    authorizer: Option<Authorizer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Http {
    source_ip: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Authorizer {
    iam: Option<Iam>,
    jwt: Option<Jwt>,
}

/// What API Gateway says of a token that it has checked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Jwt {
    // API Gateway writes every claim as a text; whatever else should come counts as missing.
    claims: BTreeMap<String, serde_json::Value>,
}

impl Jwt {
    /// A claim's text.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }
}

/// What API Gateway says of the caller.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Iam {
    /// The account.
    pub account_id: Option<String>,
    /// The ARN of the user or the session.
    pub user_arn: Option<String>,
}

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Why.
    pub refusal: Refusal,
    /// The methods that the address takes, for a wrong method.
    pub allow: Option<String>,
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            allow: None,
        }
    }
}

impl Request {
    /// What API Gateway says of the caller; `None` for a route without IAM.
    #[must_use]
    pub fn iam(&self) -> Option<&Iam> {
        self.context.authorizer.as_ref()?.iam.as_ref()
    }

    /// What API Gateway says of the token; `None` for a route without one.
    #[must_use]
    pub fn jwt(&self) -> Option<&Jwt> {
        self.context.authorizer.as_ref()?.jwt.as_ref()
    }

    /// Whether the route that was matched is one of the console's, which take a token where the others take IAM.
    #[must_use]
    pub fn is_for_console(&self) -> bool {
        let path = self.route_key.split_once(' ').map(|(_, path)| path);
        path.is_some_and(|path| path.starts_with(CONSOLE_PREFIX))
    }

    /// From where the request comes.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.context.http.source_ip.as_deref()?.parse().ok()
    }

    /// What is asked for.
    ///
    /// # Errors
    /// [`Wrong`] for an address that is none, and for a parameter or a body that is not valid.
    pub fn asked(&self) -> Result<Asked, Wrong> {
        let operation = self.operation()?;
        self.only_known_queries(operation)?;
        let asked = match operation {
            Operation::WhoAmI => Asked::WhoAmI,
            Operation::Apps => Asked::Apps,
            Operation::Status => Asked::Status(self.app()?),
            Operation::History => Asked::History(self.app()?, self.page()?, self.filter()?),
            Operation::Stats => Asked::Stats(self.stats()?),
            Operation::Audit => Asked::Audit(self.app()?, self.entries()?),
            Operation::Show => Asked::Show(self.id()?),
            Operation::Logs => Asked::Logs(self.id()?, self.logs()?),
            Operation::Plan => Asked::Act(Act::Plan(self.app()?, self.beginning()?)),
            Operation::Begin => Asked::Act(Act::Begin(self.app()?, self.beginning()?)),
            Operation::Cancel => Asked::Act(Act::Cancel(self.id()?, self.reason()?)),
            Operation::Retry => Asked::Act(Act::Retry(self.id()?, self.reason()?)),
            Operation::Approve => Asked::Act(self.approve()?),
            Operation::Reject => Asked::Act(Act::Reject(self.id()?, self.reason()?)),
            Operation::Lock => Asked::Act(self.lock()?),
            Operation::Unlock => Asked::Act(Act::Unlock(self.app()?, self.reason()?)),
            Operation::BreakGlass => Asked::Act(self.break_glass()?),
            Operation::ClearQuarantine => Asked::Act(Act::ClearQuarantine(
                self.app()?,
                self.path("commit", Commit::parse)?,
                self.reason()?,
            )),
        };
        Ok(asked)
    }

    /// The operation of the route that was matched. The console's routes are the same ones under a prefix.
    ///
    /// # Errors
    /// [`Wrong`] for an address that is none, and for a method that it does not take.
    pub fn operation(&self) -> Result<Operation, Wrong> {
        let prefix = if self.is_for_console() {
            CONSOLE_PREFIX
        } else {
            ""
        };
        let key = |operation: &Operation| {
            let route = operation.route();
            format!("{} {prefix}{}", route.method.word(), route.path)
        };
        let matched = Operation::ALL.iter().find(|one| key(one) == self.route_key);
        if let Some(operation) = matched {
            return Ok(*operation);
        }
        let path = self.raw_path.strip_prefix(prefix).unwrap_or(&self.raw_path);
        let here = Operation::ALL
            .iter()
            .filter(|one| is_at(one.route().path, path));
        let methods: Vec<&str> = here.map(|one| one.route().method.word()).collect();
        if methods.is_empty() {
            return Err(Refusal::of(ErrorWord::NoSuchRoute).into());
        }
        Err(Wrong {
            refusal: Refusal::of(ErrorWord::WrongMethod),
            allow: Some(methods.join(", ")),
        })
    }

    fn only_known_queries(&self, operation: Operation) -> Result<(), Refusal> {
        let known: Vec<&str> = operation.queries().iter().map(|one| one.word()).collect();
        let given = self.query_string_parameters.iter().flatten();
        let unknown = given
            .map(|(name, _)| name)
            .any(|name| !known.contains(&name.as_str()));
        if unknown {
            return Err(bad(&match known.as_slice() {
                [] => "The route takes no query parameters.".to_owned(),
                known => format!(
                    "The route takes no other query parameters than {}.",
                    known.join(" and ")
                ),
            }));
        }
        Ok(())
    }

    fn app(&self) -> Result<AppName, Refusal> {
        self.path("app", AppName::parse)
    }

    fn id(&self) -> Result<DeploymentId, Refusal> {
        self.path("id", DeploymentId::parse)
    }

    fn path<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, longshore_core::InvalidId>,
    ) -> Result<T, Refusal> {
        let given = self.path_parameters.as_ref();
        let text = given.and_then(|given| given.get(name)).map(String::as_str);
        field(name, text.unwrap_or_default(), parse)
    }

    fn query(&self, name: &str) -> Option<&str> {
        let given = self.query_string_parameters.as_ref()?;
        given.get(name).map(String::as_str)
    }

    fn limit(&self) -> Result<u32, Refusal> {
        let limit = match self.query("limit") {
            None => Some(PAGE),
            Some(text) => whole(text).filter(|limit| (1..=PAGE_MAX).contains(limit)),
        };
        limit.ok_or_else(|| bad(&format!("limit: expected 1 to {PAGE_MAX}.")))
    }

    fn page(&self) -> Result<Page, Refusal> {
        let before = self.query("before");
        let before = before.map(|text| field("before", text, DeploymentId::parse));
        Ok(Page {
            limit: self.limit()?,
            before: before.transpose()?,
        })
    }

    fn filter(&self) -> Result<Filter, Refusal> {
        let filter = Filter {
            commit: self.query_as("commit", CommitStart::parse)?,
            by: self.query_as("by", Person::parse)?,
            result: self.one_of("result", Filter::result_of, &contract::RESULTS)?,
            kind: self.one_of("kind", Filter::kind_of, &contract::KINDS)?,
            since: self.moment("since")?,
            until: self.moment("until")?,
            host: self.query_as("host", HostId::parse)?,
        };
        in_order(filter.since, filter.until)?;
        Ok(filter)
    }

    fn stats(&self) -> Result<StatsAsked, Refusal> {
        let asked = StatsAsked {
            app: self.query_as("app", AppName::parse)?,
            since: self.moment("since")?,
            until: self.moment("until")?,
        };
        in_order(asked.since, asked.until)?;
        Ok(asked)
    }

    fn query_as<T, E: Display>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Refusal> {
        let parsed = self.query(name).map(|text| field(name, text, parse));
        parsed.transpose()
    }

    fn one_of(
        &self,
        name: &str,
        find: impl Fn(&str) -> Option<&'static str>,
        known: &[&str],
    ) -> Result<Option<&'static str>, Refusal> {
        let found = self.query(name).map(|text| {
            find(text).ok_or_else(|| bad(&format!("{name}: expected {}.", known.join(", "))))
        });
        found.transpose()
    }

    fn moment(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let moment = self.query(name).map(|text| {
            from_rfc3339(text).ok_or_else(|| {
                bad(&format!(
                    "{name}: expected a time like 2026-11-01T00:00:00Z."
                ))
            })
        });
        moment.transpose()
    }

    fn entries(&self) -> Result<Entries, Refusal> {
        let before = self.query("before").map(|text| {
            let number = whole(text).filter(|number| *number > 0);
            number
                .map(u64::from)
                .ok_or_else(|| bad("before: expected a number."))
        });
        Ok(Entries {
            limit: self.limit()?,
            before: before.transpose()?,
        })
    }

    fn logs(&self) -> Result<LogsAsked, Refusal> {
        let host = self.query("host");
        let host = host.map(|text| field("host", text, HostId::parse));
        let after = self.query("after").map(|text| {
            Cursor::parse(text).ok_or_else(|| bad("after: expected what an earlier answer gave."))
        });
        Ok(LogsAsked {
            host: host.transpose()?,
            after: after.transpose()?,
        })
    }

    fn reason(&self) -> Result<Reason, Refusal> {
        let body: contract::Reason = self.json()?;
        reason("reason", &body.reason)
    }

    fn approve(&self) -> Result<Act, Refusal> {
        let body: contract::Approve = self.json()?;
        let plan = field("plan", &body.plan, PlanDigest::parse)?;
        let comment = optional_reason("comment", body.comment.as_deref())?;
        Ok(Act::Approve(self.id()?, plan, comment))
    }

    fn lock(&self) -> Result<Act, Refusal> {
        let body: contract::LockApp = self.json()?;
        if !LOCK_SECONDS.contains(&body.seconds) {
            return Err(bad(
                "seconds: expected 60 to 2592000, a minute to thirty days.",
            ));
        }
        let reason = reason("reason", &body.reason)?;
        Ok(Act::Lock(self.app()?, reason, body.seconds))
    }

    fn break_glass(&self) -> Result<Act, Refusal> {
        let body: contract::BreakGlass = self.json()?;
        let deployment = field("deployment", &body.deployment, DeploymentId::parse)?;
        let reason = reason("reason", &body.reason)?;
        Ok(Act::BreakGlass(self.app()?, deployment, reason))
    }

    fn beginning(&self) -> Result<Beginning, Refusal> {
        let body: contract::Begin = self.json()?;
        if body.key.as_deref().is_some_and(|key| !is_key(key)) {
            return Err(bad("key: expected 1 to 64 letters, digits and `_.:-`."));
        }
        Ok(Beginning {
            wish: wish(&body)?,
            reason: optional_reason("reason", body.reason.as_deref())?,
            key: body.key,
        })
    }

    /// The body, read as one of the contract's types. The complaint names the place and, where it is a name of the contract, the
    /// field; never a value.
    fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let text = self.body.as_deref().unwrap_or_default();
        let limit = if self.is_base64_encoded {
            BODY_MAX.div_ceil(3).saturating_mul(4)
        } else {
            BODY_MAX
        };
        if text.len() > limit {
            return Err(Refusal::of(ErrorWord::TooLarge));
        }
        let bytes = if self.is_base64_encoded {
            STANDARD
                .decode(text)
                .map_err(|_| bad("The body is not base64."))?
        } else {
            text.as_bytes().to_vec()
        };
        if bytes.len() > BODY_MAX {
            return Err(Refusal::of(ErrorWord::TooLarge));
        }
        serde_json::from_slice(&bytes).map_err(|error| bad(&complaint(&error)))
    }
}

/// Whether a path is one of a route's.
#[must_use]
pub fn is_at(route: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (route.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            (Some(_) | None, Some(_) | None) => return false,
        }
    }
}

/// What a body wishes for. A kind takes what it needs, and refuses what it would have to ignore.
fn wish(body: &contract::Begin) -> Result<Wish, Refusal> {
    let takes = match body.kind {
        BeginKind::Push => ["commit"].as_slice(),
        BeginKind::Redeploy | BeginKind::Config => &[],
        BeginKind::Rollback => &[
            "deployment",
            "whatever_the_database",
            "take_back_migrations",
        ],
        BeginKind::Drill => &["deployment", "whatever_the_database"],
        BeginKind::Promote => &["commit", "artifact", "from"],
    };
    let given = [
        ("commit", body.commit.is_some()),
        ("deployment", body.deployment.is_some()),
        ("artifact", body.artifact.is_some()),
        ("from", body.from.is_some()),
        ("whatever_the_database", body.whatever_the_database),
        ("take_back_migrations", body.take_back_migrations),
    ];
    let ignored = given
        .iter()
        .find(|(name, given)| *given && !takes.contains(name));
    if let Some((name, _)) = ignored {
        return Err(bad(&format!("{name}: this kind of deployment takes none.")));
    }
    body.from.as_ref().map(proven_by).transpose()?;
    Ok(match body.kind {
        BeginKind::Push => Wish::Commit(commit(body)?),
        BeginKind::Redeploy => Wish::Redeploy,
        BeginKind::Config => Wish::Config,
        BeginKind::Rollback => Wish::Back(back(body)?),
        BeginKind::Drill => Wish::Drill(back(body)?),
        BeginKind::Promote => {
            let artifact = body.artifact.as_ref().map(artifact).transpose()?;
            Wish::Promote(commit(body)?, artifact)
        }
    })
}

fn commit(body: &contract::Begin) -> Result<Commit, Refusal> {
    match body.commit.as_deref() {
        Some(text) => field("commit", text, Commit::parse),
        None => Err(bad("commit: this kind of deployment needs one.")),
    }
}

fn back(body: &contract::Begin) -> Result<Back, Refusal> {
    let to = body.deployment.as_deref();
    let to = to.map(|text| field("deployment", text, DeploymentId::parse));
    Ok(Back {
        to: to.transpose()?,
        database: match (body.take_back_migrations, body.whatever_the_database) {
            (false, false) => Database::MustFit,
            (true, false) => Database::TakenBack,
            (false, true) => Database::Whatever,
            (true, true) => {
                return Err(bad(
                    "take_back_migrations: not together with whatever_the_database.",
                ));
            }
        },
    })
}

fn artifact(body: &contract::Artifact) -> Result<Artifact, Refusal> {
    Ok(Artifact {
        version: field("artifact.version", &body.version, ObjectVersion::parse)?,
        sha256: field("artifact.sha256", &body.sha256, Sha256Digest::parse)?,
    })
}

fn proven_by(body: &contract::ProvenBy) -> Result<(EnvironmentName, DeploymentId), Refusal> {
    Ok((
        field(
            "from.environment",
            &body.environment,
            EnvironmentName::parse,
        )?,
        field("from.deployment", &body.deployment, DeploymentId::parse)?,
    ))
}

fn in_order(since: Option<Timestamp>, until: Option<Timestamp>) -> Result<(), Refusal> {
    match (since, until) {
        (Some(since), Some(until)) if since >= until => {
            Err(bad("until: expected a time after that of since."))
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

fn field<T, E: Display>(
    name: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Refusal> {
    parse(text).map_err(|problem| bad(&format!("{name}: {problem}.")))
}

fn reason(name: &str, text: &str) -> Result<Reason, Refusal> {
    let fits = text.chars().count() <= Reason::MAX;
    let reason = Reason::parse(text).filter(|_| fits);
    reason.ok_or_else(|| {
        bad(&format!(
            "{name}: expected 1 to {} characters that can be read.",
            Reason::MAX
        ))
    })
}

fn optional_reason(name: &str, text: Option<&str>) -> Result<Option<Reason>, Refusal> {
    text.map(|text| reason(name, text)).transpose()
}

fn is_key(key: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.:-".contains(&b);
    (1..=64).contains(&key.len()) && key.bytes().all(plain)
}

fn whole(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn bad(message: &str) -> Refusal {
    Refusal::new(ErrorWord::BadRequest, message)
}

/// What is wrong with a body. Of serde's own words only names of the contract are repeated: a field that is missing, and what
/// was expected in the place of a field or word that is not known. Any other could hold a text of the sender.
fn complaint(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!("line {}, column {}", error.line(), error.column());
    let missing = text.strip_prefix("missing field `");
    if let Some((name, _)) = missing.and_then(|rest| rest.split_once('`')) {
        return format!("{name}: missing.");
    }
    let is_unknown = text.starts_with("unknown field") || text.starts_with("unknown variant");
    // The sender's own text stands before the last "expected".
    let expected = text.rsplit_once(", expected ").filter(|_| is_unknown);
    let expected = expected.and_then(|(_, rest)| rest.split_once(" at line "));
    match expected {
        Some((names, _)) => {
            format!("The body has a name that is not known at {place}: expected {names}.")
        }
        None if error.is_data() => format!("The body has a value that is not allowed at {place}."),
        None => format!("The body is not JSON at {place}."),
    }
}
