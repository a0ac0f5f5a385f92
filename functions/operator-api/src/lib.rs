//! `operator-api`: answers operators. It reads the table, the configurations, the fleet and the hosts' logs, and records what a
//! person wants; it has no permission to send a command, so that whatever happens is done by the desks.
//!
//! API Gateway has checked the signature and the right to the route before a request arrives (`AWS_IAM`). The way in is fixed by
//! types: [`caller::Caller`] is the person, without whom nothing is looked at; [`asked::Asked`] is what was asked, valid by
//! construction; [`read`] and [`act`] answer it.

pub mod act;
pub mod answer;
pub mod asked;
pub mod caller;
pub mod office;
mod plan;
pub mod read;
pub mod request;
mod view;

use answer::Response;
use asked::Asked;
use caller::Caller;
use longshore_contract::{ErrorWord, Refusal};
use longshore_shell::accept::Deciding;
use longshore_shell::ports::{Fleet, HostLogs, Repositories};
use longshore_shell::telemetry;
use request::Request;

/// What the API needs of the world.
pub trait Office: Deciding {
    /// The hosts.
    fn fleet(&self) -> &impl Fleet;
    /// Which apps there are.
    fn repositories(&self) -> &impl Repositories;
    /// What the hosts have written.
    fn host_logs(&self) -> &impl HostLogs;
}

/// Answers one request. Whoever is not known gets nothing, not even the routes.
pub async fn handle<O: Office>(office: &O, request: &Request) -> Response {
    let Some(caller) = Caller::of(request) else {
        let refusal = Refusal::of(ErrorWord::NotIdentified);
        return refused(&refusal, None);
    };
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

async fn answer<O: Office>(office: &O, caller: &Caller, asked: Asked) -> Result<Response, Refusal> {
    match asked {
        Asked::WhoAmI => Ok(Response::of(&read::who_am_i(office, caller))),
        Asked::Apps => Ok(Response::of(&read::apps(office).await?)),
        Asked::Status(app) => Ok(Response::of(&read::status(office, &app).await?)),
        Asked::History(app, page) => Ok(Response::of(&read::history(office, &app, &page).await?)),
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
