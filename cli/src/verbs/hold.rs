//! The verbs that hold an app and let it go: locks, freezes, quarantine.

use super::{Desk, Ended, is_whole, the_one};
use crate::api::{Api, Reply};
use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::page::Page;
use crate::view::{app, record, short};
use crate::when::length;
use longshore_contract::{AppStatus, BreakGlass, LockApp, Operation, Reason};
use longshore_core::AppName;
use serde_json::Value;

pub(super) async fn lock(desk: &Desk<'_>, args: &args::Lock) -> Ended {
    let api = Api::of(desk.common).await?;
    let seconds = u32::try_from(args.seconds).unwrap_or(u32::MAX);
    let body = LockApp {
        reason: args.reason.clone(),
        seconds,
    };
    let path = [("app", args.app.as_str())];
    let said: Reply<Value> = api.send(Operation::Lock, &path, &body).await?;
    let done = format!(
        "{} is locked for {}; what runs goes on",
        args.app,
        length(i64::from(seconds))
    );
    let next = format!("let it go: longshore unlock {} --reason '…'", args.app);
    Ok(told(desk, &said.json, &[&done, &next]))
}

pub(super) async fn unlock(desk: &Desk<'_>, args: &args::Unlock) -> Ended {
    let api = Api::of(desk.common).await?;
    let body = Reason {
        reason: args.reason.clone(),
    };
    let path = [("app", args.app.as_str())];
    let said: Reply<Value> = api.send(Operation::Unlock, &path, &body).await?;
    let done = format!(
        "{} is unlocked; what waits starts within a minute",
        args.app
    );
    Ok(told(desk, &said.json, &[&done]))
}

pub(super) async fn freeze(desk: &Desk<'_>, args: &args::Freeze) -> Ended {
    let api = Api::of(desk.common).await?;
    let (Some(id), Some(reason)) = (&args.break_for, &args.reason) else {
        return frozen(desk, &api, &args.app).await;
    };
    let body = BreakGlass {
        deployment: id.to_string(),
        reason: reason.clone(),
    };
    let path = [("app", args.app.as_str())];
    let said: Reply<Value> = api.send(Operation::BreakGlass, &path, &body).await?;
    let done = format!("the freeze does not hold {id}; everybody is told that you did this");
    let next = format!("follow it: longshore watch {id}");
    Ok(told(desk, &said.json, &[&done, &next]))
}

async fn frozen(desk: &Desk<'_>, api: &Api, name: &AppName) -> Ended {
    let reply = status(api, name).await?;
    let line = match &reply.value.summary.freeze {
        Some(freeze) => format!("{name} is frozen: {}", app::freeze_text(freeze, reply.now)),
        None => format!("No freeze holds {name}."),
    };
    let mut page = Page::new();
    page.line(&line);
    app::freezes(&mut page, &reply.value.freezes, reply.now);
    desk.screen.show(&reply.json, &page);
    Ok(Exit::Done)
}

pub(super) async fn quarantine(desk: &Desk<'_>, args: &args::Quarantine) -> Ended {
    let api = Api::of(desk.common).await?;
    let (app, commit, reason) = match args {
        args::Quarantine::List { app } => {
            let reply = status(&api, app).await?;
            desk.screen
                .show(&reply.json, &record::quarantine(&reply.value));
            return Ok(Exit::Done);
        }
        args::Quarantine::Clear {
            app,
            commit,
            reason,
        } => (app, held_commit(&api, app, commit).await?, reason.clone()),
    };
    let path = [("app", app.as_str()), ("commit", commit.as_str())];
    let body = Reason { reason };
    let said: Reply<Value> = api.send(Operation::ClearQuarantine, &path, &body).await?;
    let done = format!("{} may be deployed again", short(&commit));
    let next = format!("deploy it: longshore deploy {app} --commit {commit}");
    Ok(told(desk, &said.json, &[&done, &next]))
}

/// The commit in quarantine that begins so. One with all of its digits is passed on as it is.
async fn held_commit(api: &Api, app: &AppName, start: &str) -> Result<String, Failure> {
    if is_whole(start) {
        return Ok(start.to_owned());
    }
    let held = status(api, app).await?.value.quarantine;
    let all = held.into_iter().map(|one| one.commit);
    the_one(all, start, || format!("longshore quarantine list {app}"))
}

async fn status(api: &Api, app: &AppName) -> Result<Reply<AppStatus>, Failure> {
    let path = [("app", app.as_str())];
    api.get(Operation::Status, &path, &[]).await
}

fn told(desk: &Desk<'_>, json: &Value, lines: &[&str]) -> Exit {
    let mut page = Page::new();
    for line in lines {
        page.line(line);
    }
    desk.screen.show(json, &page);
    Exit::Done
}
