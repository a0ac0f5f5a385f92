//! `trigger-deploy`: takes the webhook. Verify, decide, one transaction, answer; it may touch the table only, and it has no
//! permission to send a command.
//!
//! The way in is fixed by types: [`request::Request`] gives the raw bytes, [`signature::verify`] turns them into
//! [`signature::Verified`], and only that can be parsed by [`webhook::parse`].

pub mod request;
pub mod signature;
pub mod webhook;

mod gate;

pub use gate::Gate;

use longshore_core::{Cause, Decision, Timestamp};
use longshore_shell::accept::{self, Deciding, News, Refusal};
use longshore_shell::ports::{Clock, Configs};
use longshore_shell::secrets::SecretError;
use longshore_shell::telemetry;
use request::{Request, Response};
use signature::{Secrets, SignedBy, Verified, verify};
use std::future::Future;
use webhook::Push;

/// What the entrance needs of the world.
pub trait Entrance: Deciding {
    /// The webhook's secrets; `fresh` asks past the cache, for a delivery that the cached ones do not explain. `None` only
    /// when fresh ones are asked for and the cached ones are fresh.
    fn secrets(
        &self,
        fresh: bool,
    ) -> impl Future<Output = Result<Option<Secrets>, SecretError>> + Send;
}

/// Answers one delivery. Bitbucket sends again after a 5xx and after nothing else, so whatever leaves a change undecided is
/// answered with one. The repeat is harmless: what was decided the first time is decided for good.
pub async fn handle<E: Entrance>(entrance: &E, request: &Request) -> Response {
    let since = entrance.clock().now();
    let Ok(body) = request.body(request::BODY_MAX) else {
        return refused("body", Response::malformed());
    };
    let header = request.header(signature::HEADER);
    let verified = match signed(entrance, header, &body).await {
        Ok(Some(verified)) => verified,
        Ok(None) => return refused("signature", Response::unsigned()),
        Err(error) => {
            telemetry::error("webhook_secret_unavailable")
                .cause(&error)
                .write();
            return Response::unavailable();
        }
    };
    match webhook::parse(request.header(webhook::HEADER), &verified) {
        Err(problem) => {
            telemetry::warn("webhook_refused").cause(&problem).write();
            Response::malformed()
        }
        Ok(None) => Response::not_ours(),
        Ok(Some(push)) => decide_all(entrance, &push, since).await,
    }
}

fn refused(why: &'static str, response: Response) -> Response {
    telemetry::warn("webhook_refused").word("why", why).write();
    response
}

/// Checks the signature, and once more with fresh secrets: the cached ones may just have been changed.
async fn signed<'a, E: Entrance>(
    entrance: &E,
    header: Option<&str>,
    body: &'a [u8],
) -> Result<Option<Verified<'a>>, SecretError> {
    let check = |secrets: Option<Secrets>| verify(&secrets?, header, body).ok();
    let mut verified = check(entrance.secrets(false).await?);
    if verified.is_none() && header.is_some() {
        verified = check(entrance.secrets(true).await?);
    }
    if verified.is_some_and(|verified| verified.signed_by() == SignedBy::Previous) {
        telemetry::warn("previous_webhook_secret_used").write();
    }
    Ok(verified)
}

/// Decides about every change, that of the environment's own branch first: it is the only one that can become a deployment.
/// While nothing is on record a failure is answered with a 5xx, and the delivery comes again with everything in it. After
/// that only records of what is left alone can be missing; those are in the log.
async fn decide_all<E: Entrance>(entrance: &E, push: &Push<'_>, since: Timestamp) -> Response {
    let mut decisions: Vec<Option<Decision>> = vec![None; push.changes.len()];
    for index in in_order(entrance, push).await {
        let (Some(change), Some(place)) = (push.changes.get(index), decisions.get_mut(index))
        else {
            continue;
        };
        let news = News {
            repository: &push.repository,
            key: &change.key,
            by: push.actor.as_ref(),
            account: push.account.as_deref(),
            cause: Cause::Push,
            committed_at: change.committed_at,
            since,
        };
        match accept::decide(entrance, &news, &change.to_decide()).await {
            Ok(decision) => {
                log(push, &decision);
                *place = Some(decision);
            }
            Err(Refusal(error)) => {
                telemetry::error("push_undecided")
                    .id("repository", &push.repository)
                    .cause(error.as_ref())
                    .write();
                if decisions.iter().all(Option::is_none) {
                    return Response::unavailable();
                }
            }
        }
    }
    let decisions: Vec<Decision> = decisions.into_iter().flatten().collect();
    Response::decided(&decisions)
}

/// The places of the changes, that of the configured branch first. A single change, which is nearly every push, needs no
/// look at the configuration for this.
async fn in_order<E: Entrance>(entrance: &E, push: &Push<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..push.changes.len()).collect();
    if order.len() < 2 {
        return order;
    }
    let configured = entrance.configs().config(&push.repository, None).await;
    let configured = configured.ok().flatten();
    let branch = configured
        .as_ref()
        .map(|configured| configured.config.branch());
    order.sort_by_key(|index| {
        let change = push.changes.get(*index);
        !change.is_some_and(|change| {
            change.to_decide().is_a_branch_with_a_commit() && Some(change.name.as_ref()) == branch
        })
    });
    order
}

fn log(push: &Push<'_>, decision: &Decision) {
    let line = telemetry::info("push_decided").id("repository", &push.repository);
    match decision {
        Decision::Deploy(id) => line.word("decision", "deploy").id("deployment.id", id),
        Decision::Skip(reason) => line.word("decision", "skip").word("reason", reason.word()),
    }
    .write();
}
