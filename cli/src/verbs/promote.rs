//! Promotion: what was proven in another environment comes here as the same commit and the same build.

use super::begin::{of_kind, start};
use super::{Desk, Ended};
use crate::api::{Api, Reply, access};
use crate::args;
use crate::failure::Failure;
use crate::session::{Access, Session};
use longshore_contract::{AppStatus, Begin, BeginKind, Deployment, Operation, ProvenBy, Release};
use longshore_core::DeploymentId;

pub(super) async fn promote(desk: &Desk<'_>, args: &args::Promote) -> Ended {
    let source = source(desk, args).await?;
    let (release, deployment) = match &args.deployment {
        Some(id) => of_deployment(&source, id).await?,
        None => live(&source, args).await?,
    };
    let request = Begin {
        commit: Some(release.commit),
        artifact: release.artifact,
        from: Some(ProvenBy {
            environment: args.from.to_string(),
            deployment,
        }),
        reason: args.reason.clone(),
        ..of_kind(BeginKind::Promote)
    };
    let api = Api::of(desk.common).await?;
    let app = args.app.as_str();
    let question = format!("Bring this release of {app} from {} now?", args.from);
    let question = (!args.yes).then_some(&question);
    start(desk, &api, app, &request, question)
        .await?
        .then(desk, &api, &args.watching)
        .await
}

async fn source(desk: &Desk<'_>, args: &args::Promote) -> Result<Api, Failure> {
    let access = Access {
        profile: args.from_profile.clone().or(desk.common.profile.clone()),
        ..access(desk.common)
    };
    let session = Session::open(&access).await?;
    Api::find(session, args.from_api_url.as_deref(), Some(&args.from)).await
}

async fn live(source: &Api, args: &args::Promote) -> Result<(Release, String), Failure> {
    let path = [("app", args.app.as_str())];
    let reply: Reply<AppStatus> = source.get(Operation::Status, &path, &[]).await?;
    let live = reply.value.summary.live.ok_or_else(|| {
        let message = format!("nothing of {} is live in {}", args.app, args.from);
        let next = format!("deploy it there first: longshore -e {} deploy", args.from);
        Failure::refused("nothing_live", message, next)
    })?;
    Ok((live.release, live.deployment))
}

async fn of_deployment(source: &Api, id: &DeploymentId) -> Result<(Release, String), Failure> {
    let path = [("id", id.as_str())];
    let reply: Reply<Deployment> = source.get(Operation::Show, &path, &[]).await?;
    let state = reply.value.summary.state;
    match reply.value.run {
        Some(run) if state == "Succeeded" => Ok((run.release, id.to_string())),
        Some(_) | None => Err(Failure::refused(
            "not_proven",
            format!("{id} has proven nothing: it is {state}"),
            "name a deployment that succeeded, or none for what is live there",
        )),
    }
}
