//! The verbs that begin a deployment: each can be looked at as a plan first.

use super::follow::follow;
use super::{Desk, Ended, Meant, holder, resolve, whole};
use crate::api::{Api, Reply};
use crate::args::{self, Watching};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::page::Page;
use crate::view::{held, marked, plan as view};
use longshore_contract::{Begin, BeginKind, Begun, Operation, Plan, Reason};

pub(super) async fn plan(desk: &Desk<'_>, args: &args::Plan) -> Ended {
    let api = Api::of(desk.common).await?;
    let app = args.release.app.as_str();
    let reply = planned(&api, app, &of_release(&api, &args.release).await?).await?;
    desk.screen
        .show(&reply.json, &view::page(&reply.value, app));
    Ok(Exit::Done)
}

pub(super) async fn deploy(desk: &Desk<'_>, args: &args::Deploy) -> Ended {
    let api = Api::of(desk.common).await?;
    let request = Begin {
        key: args.key.clone(),
        reason: args.reason.clone(),
        ..of_release(&api, &args.release).await?
    };
    let app = args.release.app.as_str();
    let question = format!("Deploy {app} now?");
    start(desk, &api, app, &request, (!args.yes).then_some(&question))
        .await?
        .then(desk, &api, &args.watching)
        .await
}

pub(super) async fn rollback(desk: &Desk<'_>, args: &args::Rollback) -> Ended {
    let api = Api::of(desk.common).await?;
    let request = Begin {
        deployment: args.to.as_ref().map(ToString::to_string),
        reason: args.reason.clone(),
        whatever_the_database: args.whatever_the_database,
        take_back_migrations: args.take_back_migrations,
        ..of_kind(BeginKind::Rollback)
    };
    let app = args.app.as_str();
    let question = format!("Roll {app} back to this now?");
    start(desk, &api, app, &request, (!args.yes).then_some(&question))
        .await?
        .then(desk, &api, &args.watching)
        .await
}

pub(super) async fn retry(desk: &Desk<'_>, args: &args::Reasoned) -> Ended {
    let api = Api::of(desk.common).await?;
    let id = resolve(&api, &args.subject, Meant::Newest).await?;
    let body = Reason {
        reason: args.reason.clone(),
    };
    let reply = api.send(Operation::Retry, &[("id", &id)], &body).await?;
    Started(reply).then(desk, &api, &args.watching).await
}

/// A request without anything but its kind.
pub(super) const fn of_kind(kind: BeginKind) -> Begin {
    Begin {
        kind,
        commit: None,
        deployment: None,
        artifact: None,
        from: None,
        key: None,
        reason: None,
        whatever_the_database: false,
        take_back_migrations: false,
    }
}

async fn of_release(api: &Api, release: &args::Release) -> Result<Begin, Failure> {
    let Some(start) = &release.commit else {
        return Ok(of_kind(if release.config {
            BeginKind::Config
        } else {
            BeginKind::Redeploy
        }));
    };
    Ok(Begin {
        commit: Some(whole(api, release.app.as_str(), start).await?),
        ..of_kind(BeginKind::Push)
    })
}

pub(super) async fn planned(api: &Api, app: &str, request: &Begin) -> Result<Reply<Plan>, Failure> {
    api.send(Operation::Plan, &[("app", app)], request).await
}

/// A deployment that was begun.
pub(super) struct Started(pub(super) Reply<Begun>);

/// Shows the plan and asks, where there is a question; then begins.
pub(super) async fn start(
    desk: &Desk<'_>,
    api: &Api,
    app: &str,
    request: &Begin,
    question: Option<&String>,
) -> Result<Started, Failure> {
    if let Some(question) = question {
        let plan = planned(api, app, request).await?;
        desk.screen.note_page(&view::page(&plan.value, app));
        desk.screen.ask(question, "--yes")?;
    }
    let reply = api.send(Operation::Begin, &[("app", app)], request).await?;
    Ok(Started(reply))
}

impl Started {
    /// The deployment's id.
    pub(super) fn id(&self) -> &str {
        &self.0.value.deployment.summary.id
    }

    /// Tells that it has begun, and follows it where that is wanted.
    pub(super) async fn then(self, desk: &Desk<'_>, api: &Api, watching: &Watching) -> Ended {
        if watching.watch {
            return follow(desk, api, self.id(), &watching.pace, false).await;
        }
        let Begun {
            deployment,
            repeated,
        } = &self.0.value;
        let one = &deployment.summary;
        let again = if *repeated {
            ", begun before by the same key"
        } else {
            ""
        };
        let app = holder(api, deployment).await;
        let mut page = Page::new();
        page.line(&format!(
            "{} {} of {}{again}",
            marked(one),
            one.kind,
            one.app
        ));
        held::onto(&mut page, app.as_ref().map(|app| &app.summary), self.0.now);
        page.line(&format!("follow it: longshore watch {}", one.id));
        desk.screen.show(&self.0.json, &page);
        Ok(Exit::Done)
    }
}
