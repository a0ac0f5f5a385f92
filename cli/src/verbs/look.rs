//! The verbs that only look.

use super::{Desk, Ended, Meant, holder, resolve};
use crate::api::{Api, Reply, here};
use crate::args;
use crate::exit::Exit;
use crate::view::{app, deployment, record, stats, why};
use longshore_contract::{AppStatus, Apps, Audit, Deployment, History, Operation, Stats, WhoAmI};
use longshore_core::{AppName, HostId, Person};

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
    let now = here();
    let limit = args.limit.to_string();
    let since = args.since.map(|when| when.at(now).to_string());
    let until = args.until.map(|when| when.at(now).to_string());
    let wanted = [
        ("commit", args.commit.as_deref()),
        ("by", args.by.as_ref().map(Person::as_str)),
        ("result", args.result.map(args::Ending::name)),
        ("kind", args.kind.as_deref()),
        ("since", since.as_deref()),
        ("until", until.as_deref()),
        ("host", args.host.as_ref().map(HostId::as_str)),
    ];
    let wanted = given(wanted);
    let before = args.before.as_ref().map(|id| ("before", id.as_str()));
    let query: Vec<_> = [("limit", limit.as_str())]
        .into_iter()
        .chain(before)
        .chain(wanted.iter().copied())
        .collect();
    let path = [("app", args.app.as_str())];
    let reply: Reply<History> = api.get(Operation::History, &path, &query).await?;
    let page = deployment::history(&reply.value, args.app.as_str(), &wanted, reply.now);
    desk.screen.show(&reply.json, &page);
    Ok(Exit::Done)
}

/// Those that have a value.
fn given<'a, const N: usize>(
    all: [(&'static str, Option<&'a str>); N],
) -> Vec<(&'static str, &'a str)> {
    let given = all
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    given.collect()
}

pub(super) async fn stats(desk: &Desk<'_>, args: &args::Stats) -> Ended {
    let api = Api::of(desk.common).await?;
    let now = here();
    let since = args.since.map(|when| when.at(now).to_string());
    let until = args.until.map(|when| when.at(now).to_string());
    let query = given([
        ("app", args.app.as_ref().map(AppName::as_str)),
        ("since", since.as_deref()),
        ("until", until.as_deref()),
    ]);
    let reply: Reply<Stats> = api.get(Operation::Stats, &[], &query).await?;
    desk.screen.show(&reply.json, &stats::page(&reply.value));
    Ok(Exit::Done)
}

async fn one(api: &Api, args: &args::Show) -> Result<Reply<Deployment>, crate::failure::Failure> {
    let id = resolve(api, &args.subject, Meant::Newest).await?;
    api.get(Operation::Show, &[("id", &id)], &[]).await
}

pub(super) async fn show(desk: &Desk<'_>, args: &args::Show) -> Ended {
    let api = Api::of(desk.common).await?;
    let reply = one(&api, args).await?;
    let app = holder(&api, &reply.value).await;
    let app = app.as_ref().map(|app| &app.summary);
    desk.screen
        .show(&reply.json, &deployment::show(&reply.value, app, reply.now));
    Ok(Exit::Done)
}

pub(super) async fn why(desk: &Desk<'_>, args: &args::Show) -> Ended {
    let api = Api::of(desk.common).await?;
    let reply = one(&api, args).await?;
    let app = holder(&api, &reply.value).await;
    let app = app.as_ref().map(|app| &app.summary);
    desk.screen
        .show(&reply.json, &why::page(&reply.value, app, reply.now));
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
