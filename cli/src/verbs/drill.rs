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
    if !args.yes {
        let question = format!(
            "Take {app} back from {} and forward again?",
            short(&live.release.commit)
        );
        desk.screen.ask(&question, "--yes")?;
    }
    let back = leg(desk, &api, args, None).await?;
    if outcome(&back) != Some(Exit::Done) {
        return Ok(stopped(desk, &back, "going back"));
    }
    let forth = leg(desk, &api, args, Some(&live.deployment)).await?;
    if outcome(&forth) != Some(Exit::Done) {
        return Ok(stopped(desk, &forth, "going forward"));
    }
    report(desk, &back, &forth);
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
    to: Option<&String>,
) -> Result<Deployment, Failure> {
    let request = Begin {
        deployment: to.cloned(),
        reason: Some("drill".to_owned()),
        ..of_kind(BeginKind::Drill)
    };
    let started = start(desk, api, args.app.as_str(), &request, None).await?;
    let mut view = View::beside(desk);
    until_end(api, started.id(), &args.pace, false, &mut view).await
}

fn stopped(desk: &Desk<'_>, deployment: &Deployment, leg: &str) -> Exit {
    desk.screen.note(&format!(
        "the drill stopped while {leg}: {}",
        marked(&deployment.summary)
    ));
    desk.screen.note(&last_line(deployment));
    outcome(deployment).unwrap_or(Exit::Waiting)
}

fn report(desk: &Desk<'_>, back: &Deployment, forth: &Deployment) {
    let leg = |deployment: &Deployment| json!({ "deployment": deployment.summary.id, "commit": deployment.summary.commit, "seconds": seconds(deployment) });
    let json = json!({ "app": back.summary.app, "back": leg(back), "forward": leg(forth) });
    let row = |name: &str, deployment: &Deployment| {
        let one = &deployment.summary;
        let took = seconds(deployment).unwrap_or_default();
        vec![
            name.to_owned(),
            short(&one.commit).to_owned(),
            format!("{took} s"),
            one.id.clone(),
        ]
    };
    let mut page = Page::new();
    page.table(
        &["", "COMMIT", "TOOK", "DEPLOYMENT"],
        vec![row("back", back), row("forward", forth)],
    );
    page.line("Each is measured from the request to the proof on every host.");
    desk.screen.show(&json, &page);
}
