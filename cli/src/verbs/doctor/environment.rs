//! What the operators' API tells: who the caller is, what they may do, and how apps and hosts stand.

use super::Findings;
use crate::api::{Api, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::view::count;
use longshore_contract::{
    AppStatus, AppSummary, Apps, Drift, HostStatus, Operation, Ping, Reason, WhoAmI,
};
use longshore_core::{AppName, EnvironmentName};
use serde_json::Value;

/// The oldest agent that passes parameters safely; docs/OPERATIONS.md, class `agent_too_old`.
const AGENT_MIN: [u64; 4] = [3, 3, 2746, 0];
/// An id that no deployment has: the first moment of 1970.
const NO_DEPLOYMENT: &str = "00000000000000000000000000";
/// A name that an app could have and none does.
const NO_APP: &str = "longshore-doctor-asks-in-vain";

pub(super) async fn all(
    api: &Api,
    name: &EnvironmentName,
    app: Option<&AppName>,
    found: &mut Findings,
) {
    if let Err(failure) = whoami(api, name, found).await {
        found.bad("operators' API", &failure.message, &failure.next);
        return;
    }
    rights(api, found).await;
    match api.get(Operation::Apps, &[], &[]).await {
        Ok(reply) => apps(api, &reply, app, found).await,
        Err(failure) => found.unknown("apps", &failure),
    }
}

async fn whoami(api: &Api, name: &EnvironmentName, found: &mut Findings) -> Result<(), Failure> {
    let reply: Reply<WhoAmI> = api.get(Operation::WhoAmI, &[], &[]).await?;
    let me = reply.value;
    if me.environment == name.as_str() {
        found.good("operators' API", &format!("answers as {}", me.environment));
    } else {
        let detail = format!("answers as {}, not as {name}", me.environment);
        let next = "correct --api-url, LONGSHORE_API_URL or the parameter control/api-url";
        found.bad("operators' API", &detail, next);
    }
    let mine = env!("CARGO_PKG_VERSION");
    if me.version == mine {
        found.good("version", &format!("{mine} on both sides"));
    } else {
        let detail = format!("this command is {mine}, the API is {}", me.version);
        found.bad(
            "version",
            &detail,
            "use the command of the version of the stack",
        );
    }
    Ok(())
}

/// Which roles the caller has. Not to have one is no fault.
async fn rights(api: &Api, found: &mut Findings) {
    let deployment = [("id", NO_DEPLOYMENT)];
    let app = [("app", NO_APP)];
    let asked = [
        ("role deployer", Operation::Cancel, &deployment),
        ("role approver", Operation::Reject, &deployment),
        ("role admin", Operation::Unlock, &app),
    ];
    found.good("role reader", "you have it");
    for (what, operation, path) in asked {
        let body = Reason {
            reason: "longshore doctor asks whether it may".to_owned(),
        };
        let reply: Result<Reply<Value>, Failure> = api.send(operation, path, &body).await;
        match reply {
            Err(failure) if failure.word == "forbidden" => found.known(what, "you do not have it"),
            Err(failure) if failure.exit == Exit::Unreachable => found.unknown(what, &failure),
            Ok(_) | Err(_) => found.good(what, "you have it"),
        }
    }
}

async fn apps(api: &Api, reply: &Reply<Apps>, only: Option<&AppName>, found: &mut Findings) {
    let wanted = |app: &&AppSummary| only.is_none_or(|only| only.as_str() == app.app);
    let apps: Vec<&AppSummary> = reply.value.apps.iter().filter(wanted).collect();
    if apps.is_empty() {
        let next = "store an app configuration: longshore config apply --help";
        found.bad("apps", "there is none", next);
    }
    for app in apps {
        configuration(app, found);
        let path = [("app", app.app.as_str())];
        match api.get(Operation::Status, &path, &[]).await {
            Ok(reply) => hosts(&reply, found),
            Err(failure) => found.unknown(&format!("{}: hosts", app.app), &failure),
        }
    }
}

fn configuration(app: &AppSummary, found: &mut Findings) {
    let what = format!("{}: configuration", app.app);
    match &app.problem {
        None => found.good(&what, "valid"),
        Some(problem) => {
            let next = format!("correct it: longshore config apply {} FILE", app.repository);
            found.bad(&what, problem, &next);
        }
    }
    if let Some(id) = &app.stranded {
        let detail = format!("the migrations of {id} could not be taken back");
        let next = format!("longshore why {id}; docs/OPERATIONS.md, chapter Failed rollback");
        found.bad(&format!("{}: database", app.app), &detail, &next);
    }
}

fn hosts(reply: &Reply<AppStatus>, found: &mut Findings) {
    let status = &reply.value;
    let what = format!("{}: hosts", status.summary.app);
    if status.hosts.is_empty() {
        let next = "tag instances with longshore:environment and longshore:app; see host/README.md";
        found.bad(&what, "no host carries the app's tags", next);
        return;
    }
    let before = found.0.len();
    for host in &status.hosts {
        one_host(&what, host, found);
    }
    if found.0.len() == before {
        let number = count(status.hosts.len(), "host", "hosts");
        found.good(&what, &format!("{number}, all online"));
    }
}

fn one_host(what: &str, host: &HostStatus, found: &mut Findings) {
    let id = &host.host;
    match host.ping {
        Some(Ping::Online) => {}
        Some(Ping::ConnectionLost | Ping::Inactive) => {
            let next = format!("start {id} and its SSM agent, or take its tags away");
            found.bad(what, &format!("{id} is not online"), &next);
        }
        None => {
            let next = format!("check the tags of {id}, its instance profile and its agent");
            found.bad(what, &format!("SSM does not list {id}"), &next);
        }
    }
    if host.agent.as_deref().is_some_and(is_too_old) {
        let agent = host.agent.as_deref().unwrap_or_default();
        let next = "update the SSM agent to 3.3.2746.0 or later";
        found.bad(what, &format!("the agent of {id} is {agent}"), next);
    }
    if host.drift == Drift::Behind {
        let next = "it joins by itself within minutes; else look at its deployment of kind join";
        found.bad(what, &format!("{id} does not serve what is live"), next);
    }
}

fn is_too_old(agent: &str) -> bool {
    let numbers: Vec<u64> = agent
        .split('.')
        .map(|number| number.parse().unwrap_or(0))
        .collect();
    numbers.as_slice() < AGENT_MIN.as_slice()
}

#[cfg(test)]
mod tests {
    use super::is_too_old;

    #[test]
    fn agents_are_compared_by_their_numbers() {
        for (agent, expected) in [
            ("3.3.2746.0", false),
            ("3.3.987.0", true),
            ("3.10.0.0", false),
            ("3.2.2746.1", true),
            ("unknown", true),
        ] {
            assert_eq!(is_too_old(agent), expected, "{agent}");
        }
    }
}
