//! `operator-api`: answers operators. It reads the table, the configurations, the fleet and the hosts' logs, and records what a
//! person wants; it has no permission to send a command, so that whatever happens is done by the desks.
//!
//! API Gateway has checked the signature and the right to the route before a request arrives (`AWS_IAM`), or on the console's
//! routes the token (`JWT`); what a person of the console may do is decided here, by the groups in it. The way in is fixed by
//! types: [`caller::Caller`] is the person, without whom nothing is looked at; [`asked::Asked`] is what was asked, valid by
//! construction; [`read`] and [`act`] answer it.

pub mod act;
pub mod answer;
pub mod asked;
pub mod caller;
pub mod console;
pub mod history;
pub mod office;
mod plan;
pub mod read;
mod refused;
pub mod request;
pub mod stats;
mod view;

use answer::Response;
use asked::Asked;
use caller::Caller;
use longshore_contract::{ErrorWord, Refusal};
use longshore_shell::accept::Deciding;
use longshore_shell::config::ConsoleAccess;
use longshore_shell::ports::{Calendars, Fleet, HostLogs, Repositories};
use longshore_shell::telemetry;
use request::{Request, Wrong};

/// What the API needs of the world.
pub trait Office: Deciding {
    /// The hosts.
    fn fleet(&self) -> &impl Fleet;
    /// Which apps there are.
    fn repositories(&self) -> &impl Repositories;
    /// The calendars that freeze.
    fn calendars(&self) -> &impl Calendars;
    /// What the hosts have written.
    fn host_logs(&self) -> &impl HostLogs;
    /// Whose tokens count in the console; `None` where there is no console.
    fn console(&self) -> Option<&ConsoleAccess>;
}

/// Answers one request. Whoever is not known gets nothing, not even the routes.
pub async fn handle<O: Office>(office: &O, request: &Request) -> Response {
    let Some(caller) = Caller::of(request, office.console()) else {
        return refused(&nobody(request), None);
    };
    if let Err(wrong) = allowed(&caller, request) {
        return refused(&wrong.refusal, wrong.allow);
    }
    let asked = match request.asked() {
        Ok(asked) => asked,
        Err(wrong) => return refused(&wrong.refusal, wrong.allow),
    };
    let word = asked.operation().word();
    let said = match &asked {
        Asked::Act(act) => act.said().cloned(),
        Asked::WhoAmI
        | Asked::Apps
        | Asked::Status(_)
        | Asked::History(..)
        | Asked::Stats(_)
        | Asked::Audit(..)
        | Asked::Show(_)
        | Asked::Logs(..) => None,
    };
    match answer(office, &caller, asked).await {
        Ok(response) => {
            let line = telemetry::info("operator_answered")
                .id("by", &caller.person)
                .word("operation", word);
            match said {
                Some(said) => line.text("said", said.as_str()).write(),
                None => line.write(),
            }
            response
        }
        Err(refusal) => refused(&refusal, None),
    }
}

/// Whether the caller may call the route. For IAM this was asked already; it is the console's only check of a role.
fn allowed(caller: &Caller, request: &Request) -> Result<(), Wrong> {
    let role = request.operation()?.route().role;
    if caller.may(role) {
        return Ok(());
    }
    let message = format!("None of your groups gives you the role {}.", role.word());
    let next = "Ask whoever keeps the groups of this environment to add you to the right one.";
    Err(Wrong::from(Refusal {
        next: next.to_owned(),
        ..Refusal::new(ErrorWord::NotAllowed, message)
    }))
}

/// A request that nobody known has sent.
fn nobody(request: &Request) -> Refusal {
    if !request.is_for_console() {
        return Refusal::of(ErrorWord::NotIdentified);
    }
    let message = "The token does not say who you are in the way that this environment asks for.";
    let next = "Ask whoever has set up the console: issuer, the claim with the person, and a verified mail address (docs/CONSOLE.md).";
    Refusal {
        next: next.to_owned(),
        ..Refusal::new(ErrorWord::NotIdentified, message)
    }
}

async fn answer<O: Office>(office: &O, caller: &Caller, asked: Asked) -> Result<Response, Refusal> {
    match asked {
        Asked::WhoAmI => Ok(Response::of(&read::who_am_i(office, caller))),
        Asked::Apps => Ok(Response::of(&read::apps(office).await?)),
        Asked::Status(app) => Ok(Response::of(&read::status(office, &app).await?)),
        Asked::History(app, page, filter) => {
            let told = history::history(office, &app, &page, &filter).await?;
            Ok(Response::of(&told))
        }
        Asked::Stats(wanted) => Ok(Response::of(&stats::stats(office, &wanted).await?)),
        Asked::Audit(app, page) => Ok(Response::of(&read::audit(office, &app, &page).await?)),
        Asked::Show(id) => Ok(Response::of(&read::show(office, &id).await?)),
        Asked::Logs(id, wanted) => Ok(Response::of(&read::logs(office, &id, &wanted).await?)),
        Asked::Act(act) => act::perform(office, caller, act).await,
    }
}

fn refused(refusal: &Refusal, allow: Option<String>) -> Response {
    let line = if refusal.error.status() >= 500 {
        telemetry::error("operator_refused")
    } else {
        telemetry::info("operator_refused")
    };
    line.word("error", refusal.error.word())
        .text("why", &refusal.message)
        .write();
    Response::refusal(refusal, allow)
}
