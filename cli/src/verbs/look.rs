//! The verbs that only look.

use super::{Desk, Ended, Meant, resolve};
use crate::api::{Api, Reply};
use crate::args;
use crate::exit::Exit;
use crate::view::{app, deployment, record, why};
use longshore_contract::{AppStatus, Apps, Audit, Deployment, History, Operation, WhoAmI};

pub(super) async fn status(desk: &Desk<'_>, args: &args::Status) -> Ended {
    let api = Api::of(desk.common).await?;
    let Some(app) = &args.app else {
        return all(desk, &api).await;
    };
    let path = [("app", app.as_str())];
    let reply: Reply<AppStatus> = api.get(Operation::Status, &path, &[]).await?;
    desk.screen
        .show(&reply.json, &app::status(&reply.value, reply.now));
    Ok(app::exit(&reply.value))
}

async fn all(desk: &Desk<'_>, api: &Api) -> Ended {
    let reply: Reply<Apps> = api.get(Operation::Apps, &[], &[]).await?;
    desk.screen
        .show(&reply.json, &app::apps(&reply.value, reply.now));
    let wrong = reply.value.apps.iter().any(app::is_wrong);
    Ok(if wrong { Exit::Bad } else { Exit::Done })
}

pub(super) async fn history(desk: &Desk<'_>, args: &args::History) -> Ended {
    let api = Api::of(desk.common).await?;
    let limit = args.limit.to_string();
    let before = args.before.as_ref().map(|id| ("before", id.as_str()));
    let query: Vec<_> = [("limit", limit.as_str())]
        .into_iter()
        .chain(before)
        .collect();
    let path = [("app", args.app.as_str())];
    let reply: Reply<History> = api.get(Operation::History, &path, &query).await?;
    let page = deployment::history(&reply.value, args.app.as_str(), reply.now);
    desk.screen.show(&reply.json, &page);
    Ok(Exit::Done)
}

async fn one(api: &Api, args: &args::Show) -> Result<Reply<Deployment>, crate::failure::Failure> {
    let id = resolve(api, &args.subject, Meant::Newest).await?;
    api.get(Operation::Show, &[("id", &id)], &[]).await
}

pub(super) async fn show(desk: &Desk<'_>, args: &args::Show) -> Ended {
    let api = Api::of(desk.common).await?;
    let reply = one(&api, args).await?;
    desk.screen
        .show(&reply.json, &deployment::show(&reply.value, reply.now));
    Ok(Exit::Done)
}

pub(super) async fn why(desk: &Desk<'_>, args: &args::Show) -> Ended {
    let api = Api::of(desk.common).await?;
    let reply = one(&api, args).await?;
    desk.screen
        .show(&reply.json, &why::page(&reply.value, reply.now));
    Ok(Exit::Done)
}

pub(super) async fn audit(desk: &Desk<'_>, args: &args::Audit) -> Ended {
    let api = Api::of(desk.common).await?;
    let limit = args.limit.to_string();
    let before = args.before.as_deref().map(|id| ("before", id));
    let query: Vec<_> = [("limit", limit.as_str())]
        .into_iter()
        .chain(before)
        .collect();
    let path = [("app", args.app.as_str())];
    let reply: Reply<Audit> = api.get(Operation::Audit, &path, &query).await?;
    let page = record::audit(&reply.value, args.app.as_str(), reply.now);
    desk.screen.show(&reply.json, &page);
    Ok(Exit::Done)
}

pub(super) async fn whoami(desk: &Desk<'_>) -> Ended {
    let api = Api::of(desk.common).await?;
    let reply: Reply<WhoAmI> = api.get(Operation::WhoAmI, &[], &[]).await?;
    desk.screen.show(&reply.json, &record::whoami(&reply.value));
    Ok(Exit::Done)
}
