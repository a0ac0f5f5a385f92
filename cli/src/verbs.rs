//! The verbs: each asks the API, and shows what it said.

mod begin;
mod config;
mod decide;
mod doctor;
mod drill;
mod follow;
mod hold;
mod itself;
mod look;
mod promote;

use crate::api::{Api, Reply};
use crate::args::{Common, Line, Subject, Verb};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;
use longshore_contract::{AppStatus, Deployment, DeploymentSummary, History, Operation};
use longshore_core::Commit;
use std::collections::BTreeSet;

/// What every verb is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) common: &'a Common,
    pub(crate) screen: Screen,
}

/// How a verb ends.
pub(crate) type Ended = Result<Exit, Failure>;

/// As many deployments as are looked through for the one that is meant.
const LOOKED_THROUGH: &str = "20";

/// Does what the command line says, and tells how it ended.
pub async fn run(line: &Line) -> Exit {
    let screen = Screen::new(&line.common);
    let desk = Desk {
        common: &line.common,
        screen,
    };
    match Box::pin(done(&desk, &line.verb)).await {
        Ok(exit) => exit,
        Err(failure) => {
            screen.failure(&failure);
            failure.exit
        }
    }
}

async fn done(desk: &Desk<'_>, verb: &Verb) -> Ended {
    match verb {
        Verb::Plan(args) => begin::plan(desk, args).await,
        Verb::Deploy(args) => begin::deploy(desk, args).await,
        Verb::Rollback(args) => begin::rollback(desk, args).await,
        Verb::Retry(args) => begin::retry(desk, args).await,
        Verb::Promote(args) => promote::promote(desk, args).await,
        Verb::Status(args) => look::status(desk, args).await,
        Verb::History(args) => look::history(desk, args).await,
        Verb::Stats(args) => look::stats(desk, args).await,
        Verb::Show(args) => look::show(desk, args).await,
        Verb::Why(args) => look::why(desk, args).await,
        Verb::Audit(args) => look::audit(desk, args).await,
        Verb::Whoami => look::whoami(desk).await,
        Verb::Watch(args) => follow::watch(desk, args).await,
        Verb::Logs(args) => follow::logs(desk, args).await,
        Verb::Approve(args) => decide::approve(desk, args).await,
        Verb::Reject(args) => decide::reject(desk, args).await,
        Verb::Cancel(args) => decide::cancel(desk, args).await,
        Verb::Lock(args) => hold::lock(desk, args).await,
        Verb::Unlock(args) => hold::unlock(desk, args).await,
        Verb::Freeze(args) => hold::freeze(desk, args).await,
        Verb::Quarantine(args) => hold::quarantine(desk, args).await,
        Verb::Config(args) => config::config(desk, args).await,
        Verb::Doctor(args) => doctor::doctor(desk, args).await,
        Verb::Drill(args) => drill::drill(desk, args).await,
        Verb::Completions(args) => Ok(itself::completions(desk, args)),
        Verb::Man(args) => itself::man(desk, args),
    }
}

/// Which of an app's deployments is meant by the app's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// The one that runs, else that waits, else the last one.
    Newest,
    /// The one that waits for an approval.
    Waiting,
}

/// The id of the deployment that the command line means.
pub(crate) async fn resolve(api: &Api, subject: &Subject, meant: Meant) -> Result<String, Failure> {
    let app = match subject {
        Subject::Deployment(id) => return Ok(id.to_string()),
        Subject::NewestOf(app) => app.as_str(),
    };
    let query = [("limit", LOOKED_THROUGH)];
    let reply: Reply<History> = api.get(Operation::History, &[("app", app)], &query).await?;
    let found = chosen(&reply.value.deployments, meant);
    found.map(|one| one.id.clone()).ok_or_else(|| match meant {
        Meant::Newest => Failure::refused(
            "no_such_deployment",
            format!("{app} has no deployment here yet"),
            format!("begin one: longshore deploy {app} --commit COMMIT, or push"),
        ),
        Meant::Waiting => Failure::refused(
            "wrong_state",
            format!("no deployment of {app} waits for an approval"),
            format!("look at what there is: longshore history {app}"),
        ),
    })
}

/// The app of what waits for its turn, which knows what is in the way. It is told beside the rest, so what cannot be read is
/// left out.
pub(crate) async fn holder(api: &Api, deployment: &Deployment) -> Option<AppStatus> {
    if deployment.summary.state != "Queued" {
        return None;
    }
    let path = [("app", deployment.summary.app.as_str())];
    let reply: Result<Reply<AppStatus>, Failure> = api.get(Operation::Status, &path, &[]).await;
    Some(reply.ok()?.value)
}

/// Whether a commit has all of its digits.
pub(crate) fn is_whole(commit: &str) -> bool {
    Commit::parse(commit).is_ok()
}

/// The one commit that begins so.
pub(crate) fn the_one(
    all: impl Iterator<Item = String>,
    start: &str,
    list: impl Fn() -> String,
) -> Result<String, Failure> {
    let found: BTreeSet<String> = all.filter(|commit| commit.starts_with(start)).collect();
    let number = found.len();
    match (number, found.into_iter().next()) {
        (1, Some(commit)) => Ok(commit),
        (0, _) => Err(Failure::refused(
            "no_such_commit",
            format!("no commit that is known here begins with {start}"),
            format!(
                "say all 40 digits, by `git rev-parse {start}`, or see {}",
                list()
            ),
        )),
        _ => Err(Failure::refused(
            "which_commit",
            format!("{number} commits that are known here begin with {start}"),
            format!("say more digits; see {}", list()),
        )),
    }
}

/// A commit with all of its digits: as it is, or the one of the app's deployments that begins so.
pub(crate) async fn whole(api: &Api, app: &str, start: &str) -> Result<String, Failure> {
    if is_whole(start) {
        return Ok(start.to_owned());
    }
    let query = [("limit", LOOKED_THROUGH), ("commit", start)];
    let reply: Reply<History> = api.get(Operation::History, &[("app", app)], &query).await?;
    let all = reply.value.deployments.into_iter().map(|one| one.commit);
    the_one(all, start, || format!("longshore history {app}"))
}

fn chosen(history: &[DeploymentSummary], meant: Meant) -> Option<&DeploymentSummary> {
    let waits = |one: &&DeploymentSummary| one.state == "AwaitingApproval";
    let runs = |one: &&DeploymentSummary| !one.over && one.started_at.is_some() && !waits(one);
    match meant {
        Meant::Waiting => history.iter().find(waits),
        Meant::Newest => {
            let running = history.iter().find(runs);
            let open = || history.iter().find(|one| !one.over);
            running.or_else(open).or_else(|| history.first())
        }
    }
}
