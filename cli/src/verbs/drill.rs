//! The drill: back one release and forward again, both proven, with the seconds that each took.
//!
//! It begins only where nothing else is going on, and never in prod by mistake. If going back does not end well it stops there:
//! what to do then is for a person.

use super::begin::{of_kind, start};
use super::follow::{View, until_end};
use super::{Desk, Ended};
use crate::api::{Api, Reply};
use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::page::Page;
use crate::view::progress::{last_line, outcome, seconds};
use crate::view::{marked, short};
use longshore_contract::{AppStatus, Begin, BeginKind, Deployment, Live, Operation};
use serde_json::json;

pub(super) async fn drill(desk: &Desk<'_>, args: &args::Drill) -> Ended {
    let api = Api::of(desk.common).await?;
    let app = args.app.as_str();
    let path = [("app", app)];
    let status: Reply<AppStatus> = api.get(Operation::Status, &path, &[]).await?;
    let live = fit(&status.value)?;
    is_meant(&api, args).await?;
    if let Some(to) = &args.forward {
        return forward(desk, &api, args, to.as_str()).await;
    }
    if !args.yes {
        let question = format!(
            "Take {app} back from {} and forward again?",
            short(&live.release.commit)
        );
        desk.screen.ask(&question, "--yes")?;
    }
    let back = leg(desk, &api, args, None).await?;
    if outcome(&back) != Some(Exit::Done) {
        return Ok(stopped(desk, &back, "going back", &live.deployment));
    }
    let forth = leg(desk, &api, args, Some(live.deployment.as_str())).await?;
    if outcome(&forth) != Some(Exit::Done) {
        return Ok(stopped(desk, &forth, "going forward", &live.deployment));
    }
    report(desk, &[("back", &back), ("forward", &forth)]);
    Ok(Exit::Done)
}

/// The second half alone, of a drill that stopped after the first.
async fn forward(desk: &Desk<'_>, api: &Api, args: &args::Drill, to: &str) -> Ended {
    if !args.yes {
        let question = format!("Take {} forward to the release of {to}?", args.app);
        desk.screen.ask(&question, "--yes")?;
    }
    let forth = leg(desk, api, args, Some(to)).await?;
    if outcome(&forth) != Some(Exit::Done) {
        return Ok(stopped(desk, &forth, "going forward", to));
    }
    report(desk, &[("forward", &forth)]);
    Ok(Exit::Done)
}

/// The release to come back to; an app that is held, at work, or not in order is left alone.
fn fit(status: &AppStatus) -> Result<&Live, Failure> {
    let app = &status.summary;
    let busy = app.running.is_some() || app.waiting.is_some();
    let held = app.lock.is_some() || app.freeze.is_some() || app.stranded.is_some();
    if busy || held {
        let message = format!("{} is busy or held: a drill would disturb it", app.app);
        let next = format!("look what it is: longshore status {}", app.app);
        return Err(Failure::refused("not_free", message, next));
    }
    app.live.as_ref().ok_or_else(|| {
        let message = format!(
            "nothing of {} is live, so there is nothing to go back from",
            app.app
        );
        Failure::refused("nothing_live", message, "deploy two good commits first")
    })
}

async fn is_meant(api: &Api, args: &args::Drill) -> Result<(), Failure> {
    let me: Reply<longshore_contract::WhoAmI> = api.get(Operation::WhoAmI, &[], &[]).await?;
    if !me.value.environment.starts_with("prod") || args.in_prod {
        return Ok(());
    }
    let message = format!("{} is no place for a drill", me.value.environment);
    let next = "do it in staging; or say --in-prod if that is what you mean";
    Err(Failure::refused("in_prod", message, next))
}

async fn leg(
    desk: &Desk<'_>,
    api: &Api,
    args: &args::Drill,
    to: Option<&str>,
) -> Result<Deployment, Failure> {
    let request = Begin {
        deployment: to.map(str::to_owned),
        reason: Some("drill".to_owned()),
        ..of_kind(BeginKind::Drill)
    };
    let started = start(desk, api, args.app.as_str(), &request, None).await?;
    let mut view = View::beside(desk);
    until_end(api, started.id(), &args.pace, false, &mut view).await
}

/// Says that the drill stopped, how it stands, and how to come back to what was live before it.
fn stopped(desk: &Desk<'_>, deployment: &Deployment, leg: &str, home: &str) -> Exit {
    let one = &deployment.summary;
    let app = &one.app;
    let lines = [
        format!("the drill stopped while {leg}: {}", marked(one)),
        last_line(deployment),
        format!("what is live now: longshore status {app}"),
        format!("to what was live before the drill: longshore drill {app} --forward {home}"),
    ];
    for line in lines {
        desk.screen.note(&line);
    }
    outcome(deployment).unwrap_or(Exit::Waiting)
}

fn report(desk: &Desk<'_>, legs: &[(&str, &Deployment)]) {
    let mut json = serde_json::Map::new();
    let mut rows = Vec::new();
    for (name, deployment) in legs {
        let one = &deployment.summary;
        let seconds = seconds(deployment);
        json.insert("app".to_owned(), json!(one.app));
        json.insert(
            (*name).to_owned(),
            json!({ "deployment": one.id, "commit": one.commit, "seconds": seconds }),
        );
        rows.push(vec![
            (*name).to_owned(),
            short(&one.commit).to_owned(),
            format!("{} s", seconds.unwrap_or_default()),
            one.id.clone(),
        ]);
    }
    let mut page = Page::new();
    page.table(&["", "COMMIT", "TOOK", "DEPLOYMENT"], rows);
    page.line("Each is measured from the request to the proof on every host.");
    desk.screen.show(&json.into(), &page);
}
