//! What operators want to be done: [`operate`] lets the core judge and records it in one conditional transaction, and the desks
//! do it.

use crate::answer::Response;
use crate::asked::{Act, Beginning};
use crate::caller::Caller;
use crate::refused::not_done;
use crate::{Office, plan, read, view};
use longshore_contract as contract;
use longshore_contract::{ErrorWord, Refusal};
use longshore_core::{AppName, Deployment, DeploymentId, Millis, Reason, Slot, State};
use longshore_shell::operate::{self, NotDone, Operator, Refusal as No, Wish};
use longshore_shell::ports::{Clock, Ids, Store};

/// Does it, or says why not.
///
/// # Errors
/// A refusal with its stable word; nothing was changed.
pub async fn perform<O: Office>(
    office: &O,
    caller: &Caller,
    act: Act,
) -> Result<Response, Refusal> {
    let operator = Operator {
        by: caller.person.clone(),
        via: caller.via(),
    };
    match act {
        Act::Plan(app, beginning) => {
            let plan = plan::of_wish(office, &app, &beginning.wish).await?;
            Ok(Response::of(&plan))
        }
        Act::Begin(app, beginning) => begin(office, &operator, &app, &beginning).await,
        Act::Retry(id, reason) => retry(office, &operator, &id, &reason).await,
        Act::Cancel(id, reason) => {
            let done = operate::cancel(office, &operator, &id, &reason).await;
            told(office, &id, done).await
        }
        Act::Approve(id, plan, comment) => {
            let done = operate::approve(office, &operator, &id, &plan, comment.as_ref()).await;
            told(office, &id, done).await
        }
        Act::Reject(id, reason) => {
            let done = operate::reject(office, &operator, &id, &reason).await;
            told(office, &id, done).await
        }
        Act::Lock(app, reason, seconds) => {
            let lasts = Millis::from_secs(seconds.into());
            let known = read::find(office, &app).await?;
            let done = operate::lock(office, &operator, &app, &reason, lasts).await;
            slot(office, &known, done).await
        }
        Act::Unlock(app, reason) => {
            let known = read::find(office, &app).await?;
            let done = operate::unlock(office, &operator, &app, &reason).await;
            slot(office, &known, done).await
        }
        Act::ClearQuarantine(app, commit, reason) => {
            let known = read::find(office, &app).await?;
            let done = operate::clear(office, &operator, &app, &commit, &reason).await;
            slot(office, &known, done).await
        }
        Act::BreakGlass(app, id, reason) => {
            break_glass(office, &operator, &app, &id, &reason).await
        }
    }
}

/// A deployment as it is after a word was said to it, or why the word does not count.
async fn told<O: Office>(
    office: &O,
    id: &DeploymentId,
    done: Result<Deployment, NotDone>,
) -> Result<Response, Refusal> {
    match done {
        Ok(deployment) => Ok(Response::of(&view::deployment(&deployment))),
        Err(NotDone::Refused(No::Over)) => Err(over(&read::load(office, id).await?)),
        Err(error) => Err(not_done(error)),
    }
}

/// How a deployment came to its end, for whoever wanted something of it.
fn over(deployment: &Deployment) -> Refusal {
    match deployment.state.name() {
        "Superseded" => Refusal::of(ErrorWord::Superseded),
        "Expired" => Refusal::of(ErrorWord::Expired),
        name => Refusal::new(
            ErrorWord::AlreadyOver,
            format!("The deployment is over: {name}."),
        ),
    }
}

/// An app as it is after its slot was changed.
async fn slot<O: Office>(
    office: &O,
    known: &read::Known,
    done: Result<Slot, NotDone>,
) -> Result<Response, Refusal> {
    let slot = done.map_err(not_done)?;
    Ok(Response::of(&read::summary(office, known, &slot).await?))
}

async fn begin<O: Office>(
    office: &O,
    operator: &Operator,
    app: &AppName,
    beginning: &Beginning,
) -> Result<Response, Refusal> {
    let known = read::find(office, app).await?;
    let key = match &beginning.key {
        Some(key) => format!("key:{key}"),
        None => format!("once:{}", office.ids().deployment_id()),
    };
    let began = office.clock().now();
    let repository = &known.repository;
    let Beginning { wish, reason, .. } = beginning;
    let id = operate::begin(office, operator, repository, wish, reason.as_ref(), &key).await;
    let deployment = read::load(office, &id.map_err(not_done)?).await?;
    Ok(Response::of(&begun(&deployment, began)))
}

/// Each deployment is tried again once; whoever repeats the request gets the same one, and that one can be tried again in turn.
async fn retry<O: Office>(
    office: &O,
    operator: &Operator,
    id: &DeploymentId,
    reason: &Reason,
) -> Result<Response, Refusal> {
    let repository = read::load(office, id).await?.repository;
    let (wish, key) = (Wish::Retry(id.clone()), format!("retry:{id}"));
    let began = office.clock().now();
    let id = operate::begin(office, operator, &repository, &wish, Some(reason), &key).await;
    let deployment = read::load(office, &id.map_err(not_done)?).await?;
    Ok(Response::of(&begun(&deployment, began)))
}

fn begun(deployment: &Deployment, began: longshore_core::Timestamp) -> contract::Begun {
    contract::Begun {
        deployment: view::deployment(deployment),
        repeated: deployment.origin.at < began,
    }
}

/// Lets the deployment that waits begin in spite of the freeze that holds it.
async fn break_glass<O: Office>(
    office: &O,
    operator: &Operator,
    app: &AppName,
    id: &DeploymentId,
    reason: &Reason,
) -> Result<Response, Refusal> {
    read::find(office, app).await?;
    let deployment = read::load(office, id).await?;
    let slot = office
        .store()
        .slot(app)
        .await
        .map_err(|error| read::unread(&error))?;
    if matches!(deployment.state, State::Ended { .. }) {
        return Err(over(&deployment));
    }
    if slot.waiting.as_ref() != Some(id) {
        return Err(Refusal::new(
            ErrorWord::WrongState,
            "The deployment does not wait for its turn.",
        ));
    }
    if deployment.freeze.is_none() && deployment.break_glass.is_none() {
        return Err(Refusal::of(ErrorWord::NotFrozen));
    }
    let done = operate::break_glass(office, operator, id, reason).await;
    told(office, id, done).await
}
