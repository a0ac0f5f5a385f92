//! The verbs that decide about a deployment: yes to a plan, no, and stop.

use super::follow::follow;
use super::{Desk, Ended, Meant, resolve};
use crate::api::{Api, Reply};
use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::page::Page;
use crate::view::{deployment, marked};
use longshore_contract::{Approve, Deployment, Operation, Reason};
use serde_json::Value;

pub(super) async fn approve(desk: &Desk<'_>, args: &args::Approve) -> Ended {
    let api = Api::of(desk.common).await?;
    let id = resolve(&api, &args.subject, Meant::Waiting).await?;
    let plan = match &args.plan {
        Some(digest) => digest.clone(),
        None => seen(desk, &api, &id).await?,
    };
    let body = Approve {
        plan,
        comment: args.comment.clone(),
    };
    let said = api.send(Operation::Approve, &[("id", &id)], &body).await?;
    tell(desk, &api, &id, &said, "approved").await
}

/// Shows the plan, asks, and tells the digest of exactly what was shown.
async fn seen(desk: &Desk<'_>, api: &Api, id: &str) -> Result<String, Failure> {
    let reply: Reply<Deployment> = api.get(Operation::Show, &[("id", id)], &[]).await?;
    let waiting = &reply.value;
    let waits = waiting.summary.state == "AwaitingApproval";
    let plan = waiting.plan.as_ref().filter(|_| waits);
    let Some((plan, digest)) = plan.and_then(|plan| Some((plan, plan.digest.clone()?))) else {
        let state = &waiting.summary.state;
        return Err(Failure::refused(
            "wrong_state",
            format!("{id} does not wait for an approval: it is {state}"),
            format!("look at it: longshore show {id}"),
        ));
    };
    desk.screen
        .note_page(&deployment::asked(waiting, plan, reply.now));
    desk.screen.ask(
        "Approve exactly this plan?",
        &format!("--plan {digest}, the digest of what you have seen"),
    )?;
    Ok(digest)
}

pub(super) async fn reject(desk: &Desk<'_>, args: &args::Reject) -> Ended {
    let api = Api::of(desk.common).await?;
    let id = resolve(&api, &args.subject, Meant::Waiting).await?;
    let body = Reason {
        reason: args.reason.clone(),
    };
    let said = api.send(Operation::Reject, &[("id", &id)], &body).await?;
    tell(desk, &api, &id, &said, "refused").await
}

pub(super) async fn cancel(desk: &Desk<'_>, args: &args::Reasoned) -> Ended {
    let api = Api::of(desk.common).await?;
    let id = resolve(&api, &args.subject, Meant::Newest).await?;
    let body = Reason {
        reason: args.reason.clone(),
    };
    let said = api.send(Operation::Cancel, &[("id", &id)], &body).await?;
    if args.watching.watch {
        return follow(desk, &api, &id, &args.watching.pace, false).await;
    }
    tell(desk, &api, &id, &said, "told to stop").await
}

/// Says what was done, and in which state the deployment is since then.
async fn tell(desk: &Desk<'_>, api: &Api, id: &str, said: &Reply<Value>, done: &str) -> Ended {
    if desk.screen.is_json() {
        desk.screen.json(&said.json);
        return Ok(Exit::Done);
    }
    let reply: Reply<Deployment> = api.get(Operation::Show, &[("id", id)], &[]).await?;
    let one = &reply.value.summary;
    let mut page = Page::new();
    page.line(&format!(
        "{done}: {} of {}, {}",
        one.kind,
        one.app,
        marked(one)
    ));
    if let Some(missing) = missing_votes(&reply.value) {
        page.line(&missing);
    }
    page.line(&format!("look at it: longshore watch {id}"));
    desk.screen.page(&page);
    Ok(Exit::Done)
}

fn missing_votes(deployment: &Deployment) -> Option<String> {
    let given = u32::try_from(deployment.votes.len()).unwrap_or(u32::MAX);
    let missing = deployment.approvals_wanted?.saturating_sub(given);
    let waits = deployment.summary.state == "AwaitingApproval";
    (waits && missing > 0).then(|| format!("{missing} more must approve"))
}
