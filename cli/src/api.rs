//! The operators' API as the command sees it: finds it, asks it, and turns its refusals into failures with an exit code.

use crate::args::Common;
use crate::clock::Clock;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Access, Session};
use crate::signed::{Answer, Call};
use crate::when;
use longshore_contract::{Method, Operation, Role, Timestamp, WhoAmI};
use longshore_core::EnvironmentName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// How often a question is asked at most. What changes something is asked once.
const ATTEMPTS_MAX: u32 = 3;
/// Between two attempts, unless the API says otherwise.
const PAUSE_SECS: u64 = 1;
/// As much as a request's time may be off before AWS refuses it.
const SKEW_MAX_SECS: i64 = 300;

/// The API of one environment.
#[derive(Clone, Debug)]
pub struct Api {
    session: Session,
    url: String,
    meant: Option<EnvironmentName>,
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    /// What it means.
    pub value: T,
    /// What it said, word for word.
    pub json: Value,
    /// The server's time.
    pub now: Timestamp,
}

/// What is put into a path and a query.
pub type Words<'a> = &'a [(&'a str, &'a str)];

impl Api {
    /// The API that the command line means.
    ///
    /// # Errors
    /// When nothing says where it is.
    pub async fn of(common: &Common) -> Result<Self, Failure> {
        let session = Session::open(&access(common)).await?;
        let named = common.api_url.as_deref();
        Self::find(session, named, common.environment.as_ref()).await
    }

    /// The API at an address, else that of an environment.
    ///
    /// # Errors
    /// When nothing says where it is.
    pub async fn find(
        session: Session,
        url: Option<&str>,
        environment: Option<&EnvironmentName>,
    ) -> Result<Self, Failure> {
        let (url, meant) = match (url, environment) {
            (Some(url), meant) => (url.to_owned(), meant.cloned()),
            (None, Some(environment)) => (session.api_url(environment).await?, None),
            (None, None) => return Err(which_environment()),
        };
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self {
            session,
            url,
            meant,
        })
    }

    /// The operator's access to AWS.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Asks without a body.
    ///
    /// # Errors
    /// What the API refuses, and when it cannot be reached.
    pub async fn get<T: DeserializeOwned>(
        &self,
        operation: Operation,
        path: Words<'_>,
        query: Words<'_>,
    ) -> Result<Reply<T>, Failure> {
        if operation != Operation::WhoAmI {
            self.is_the_one_that_was_meant().await?;
        }
        self.ask(operation, path, query, String::new()).await
    }

    /// Asks with a body.
    ///
    /// # Errors
    /// What the API refuses, and when it cannot be reached.
    pub async fn send<T: DeserializeOwned>(
        &self,
        operation: Operation,
        path: Words<'_>,
        body: &impl Serialize,
    ) -> Result<Reply<T>, Failure> {
        self.is_the_one_that_was_meant().await?;
        let body = serde_json::to_string(body).unwrap_or_default();
        let reply = self.ask(operation, path, &[], body).await;
        reply.map_err(|failure| unsure(operation, failure))
    }

    /// An address in a variable and an environment on the command line can be of two environments. Nothing is changed in the
    /// wrong one, and nothing of it is shown as if it were the other's.
    async fn is_the_one_that_was_meant(&self) -> Result<(), Failure> {
        let Some(meant) = &self.meant else {
            return Ok(());
        };
        let me: Reply<WhoAmI> = self.ask(Operation::WhoAmI, &[], &[], String::new()).await?;
        let found = me.value.environment;
        if found == meant.as_str() {
            return Ok(());
        }
        let message = format!("the API at this address is that of {found}, not of {meant}");
        let next =
            format!("pass -e {found} if you mean it, else correct --api-url or LONGSHORE_API_URL");
        Err(Failure::refused("other_environment", message, next))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        operation: Operation,
        path: Words<'_>,
        query: Words<'_>,
        body: String,
    ) -> Result<Reply<T>, Failure> {
        let url = self.url_of(operation, path, query);
        let call = Call {
            service: "execute-api",
            method: operation.route().method.word(),
            url: &url,
            headers: if body.is_empty() {
                &[]
            } else {
                &[("content-type", "application/json")]
            },
            body,
        };
        let answer = self.patiently(operation, &call).await?;
        understood(operation, &answer)
    }

    /// Asks again where that changes nothing and may help.
    async fn patiently(&self, operation: Operation, call: &Call<'_>) -> Result<Answer, Failure> {
        let reads = operation.route().role == Role::Reader;
        let mut attempts = 1;
        loop {
            let answer = self.session.send(call).await?;
            let busy = matches!(answer.status, 429 | 502 | 503 | 504);
            if !busy || !reads || attempts >= ATTEMPTS_MAX {
                return Ok(answer);
            }
            attempts = attempts.saturating_add(1);
            let pause = answer.retry_after.unwrap_or(PAUSE_SECS);
            tokio::time::sleep(Duration::from_secs(pause)).await;
        }
    }

    fn url_of(&self, operation: Operation, path: Words<'_>, query: Words<'_>) -> String {
        let mut route = operation.route().path.to_owned();
        for (name, value) in path {
            route = route.replace(&format!("{{{name}}}"), &encoded(value));
        }
        let query: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{route}{mark}{}", self.url, query.join("&"))
    }
}

/// The access that the command line names.
#[must_use]
pub fn access(common: &Common) -> Access {
    Access {
        region: common.region.clone(),
        profile: common.profile.clone(),
        ca_bundle: common.ca_bundle.clone(),
    }
}

/// The environment that the command line names.
///
/// # Errors
/// When it names none.
pub fn environment(common: &Common) -> Result<&EnvironmentName, Failure> {
    common.environment.as_ref().ok_or_else(which_environment)
}

fn which_environment() -> Failure {
    Failure::usage(
        "no_environment",
        "which environment?",
        "pass --environment (-e), or set LONGSHORE_ENVIRONMENT",
    )
}

fn understood<T: DeserializeOwned>(
    operation: Operation,
    answer: &Answer,
) -> Result<Reply<T>, Failure> {
    let json: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if !(200..300).contains(&answer.status) {
        return Err(refusal(operation, answer, &json));
    }
    let value = serde_json::from_value(json.clone()).map_err(|error| {
        let message = format!("the API's answer cannot be understood: {error}");
        let next = "compare the versions: `longshore --version` and `longshore whoami`";
        Failure::unreachable("not_understood", message, next)
    })?;
    let now = answer.date.as_deref().and_then(when::from_header);
    let now = now.unwrap_or_else(here);
    Ok(Reply { value, json, now })
}

/// Who hears nothing does not know whether a change was made.
fn unsure(operation: Operation, failure: Failure) -> Failure {
    let heard_nothing = ["unreachable", "not_understood", "http_error", "internal"];
    if !changes(operation) || !heard_nothing.contains(&failure.word.as_str()) {
        return failure;
    }
    let next = format!(
        "{}; it may have been done all the same, so look first: longshore status, longshore history",
        failure.next
    );
    Failure { next, ..failure }
}

/// This machine's time, where the server does not say its own.
pub(crate) fn here() -> Timestamp {
    Timestamp::try_from(Clock::now()).unwrap_or_default()
}

fn refusal(operation: Operation, answer: &Answer, json: &Value) -> Failure {
    let text = |key: &str| json.get(key).and_then(Value::as_str);
    let exit = exit_of(answer.status);
    if let (Some(word), Some(message), Some(next)) = (text("error"), text("message"), text("next"))
    {
        return Failure::new(exit, word, message, next);
    }
    match answer.status {
        401 | 403 => forbidden(operation, answer),
        404 => Failure::unreachable(
            "no_api",
            "there is no operators' API at this address",
            "correct --api-url or LONGSHORE_API_URL, or deploy a stack that has one",
        ),
        status => Failure::new(
            exit,
            "http_error",
            format!("the API answered {status} without a reason"),
            "try again; if it stays, look at the log of the function operator-api",
        ),
    }
}

const fn exit_of(status: u16) -> Exit {
    match status {
        400 => Exit::Usage,
        401..=428 => Exit::Refused,
        _ => Exit::Unreachable,
    }
}

/// API Gateway's own refusal, which says nothing: what is known is which policy the route needs.
fn forbidden(operation: Operation, answer: &Answer) -> Failure {
    let role = operation.route().role.word();
    let skew = answer.date.as_deref().and_then(when::from_header);
    let skew = skew.map_or(0, |server| {
        here().as_second().saturating_sub(server.as_second())
    });
    if skew.abs() > SKEW_MAX_SECS {
        let message = format!(
            "refused, and this machine's clock is {} off",
            when::length(skew.abs())
        );
        return Failure::refused("clock_wrong", message, "set the clock, then try again");
    }
    let message = format!("you may not do this: it needs the role {role} of this environment");
    let next = format!(
        "see who you are with `longshore whoami`; an administrator attaches the stack's {role} policy"
    );
    Failure::refused("forbidden", message, next)
}

/// Everything but unreserved characters as percent and two digits.
fn encoded(text: &str) -> String {
    let byte = |b: u8| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    text.bytes().map(byte).collect()
}

/// Whether an operation changes something.
#[must_use]
pub fn changes(operation: Operation) -> bool {
    operation.route().method != Method::Get && operation != Operation::Plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_into_an_address_is_encoded() {
        assert_eq!(encoded("a/b=c+d é~"), "a%2Fb%3Dc%2Bd%20%C3%A9~");
    }

    #[test]
    fn every_status_has_an_exit_code() {
        for (status, exit) in [
            (400, Exit::Usage),
            (401, Exit::Refused),
            (403, Exit::Refused),
            (404, Exit::Refused),
            (405, Exit::Refused),
            (409, Exit::Refused),
            (429, Exit::Unreachable),
            (500, Exit::Unreachable),
            (503, Exit::Unreachable),
        ] {
            assert_eq!(exit_of(status), exit, "{status}");
        }
    }
}
