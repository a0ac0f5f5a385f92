//! One change of a push: the decision, and the one transaction that makes it durable.

use crate::Entrance;
use crate::webhook::{Push, PushChange};
use longshore_core::{
    Advance, AppName, Cause, Decision, Deployment, DeploymentId, Kind, Observation, Origin,
    SkipReason, Slot, Timestamp, decide as judge, step,
};
use longshore_shell::ports::{
    Accept, Clock, Configs, Configured, Ids, PushKey, Recorded, ResolveError, Store, StoreError,
};

/// Why nothing was decided: something cannot be reached now.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Box<dyn std::error::Error + Send + Sync>);

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// Lost races before a delivery is given back to Bitbucket.
const CONFLICTS_MAX: u32 = 8;

/// Decides about one change and records the decision. The same change again gets the recorded one, whatever has changed
/// since.
pub(crate) async fn decide<E: Entrance>(
    entrance: &E,
    push: &Push<'_>,
    change: &PushChange<'_>,
) -> Result<Decision, Refusal> {
    let key = PushKey(change.key.clone());
    for _ in 0..CONFLICTS_MAX {
        let (configured, slot) = read(entrance, push).await?;
        let verdict = match &configured {
            Err(reason) => Err(*reason),
            Ok(configured) => judge(&change.to_decide(), configured.config.branch(), &slot),
        };
        let recorded = match (verdict, configured) {
            (Ok(commit), Ok(configured)) => {
                let origin = Origin {
                    kind: Kind::Push,
                    commit,
                    config_version: configured.version,
                    by: push.actor.clone(),
                    at: entrance.clock().now(),
                };
                accept(entrance, push, change, &configured, origin, &slot).await
            }
            (Err(reason), _) | (_, Err(reason)) => skip(entrance, &key, reason).await,
        };
        match recorded {
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
            Ok(decision) => return Ok(decision),
        }
    }
    Err(StoreError::Conflict.into())
}

type Read = (Result<Configured, SkipReason>, Slot);

/// Reads the configuration and the slot, at the same time: an app is named after its repository unless its configuration
/// says otherwise, and then its slot is read once more.
async fn read<E: Entrance>(entrance: &E, push: &Push<'_>) -> Result<Read, Refusal> {
    let guess = AppName::parse(push.repository.slug()).ok();
    let slot = async {
        match &guess {
            Some(app) => entrance.store().slot(app).await.map(Some),
            None => Ok(None),
        }
    };
    let config = entrance.configs().config(&push.repository, None);
    let (configured, slot) = tokio::join!(config, slot);
    let configured = match configured {
        Ok(Some(configured)) => Ok(configured),
        Ok(None) => Err(SkipReason::NotConfigured),
        Err(ResolveError::Failed(_)) => Err(SkipReason::ConfigRefused),
        Err(error @ ResolveError::Unavailable(_)) => return Err(error.into()),
    };
    let app = configured.as_ref().ok().map(|c| c.config.app().clone());
    let slot = match (app, slot?) {
        (Some(app), Some(slot)) if slot.app == app => slot,
        (Some(app), _) => entrance.store().slot(&app).await?,
        (None, Some(slot)) => slot,
        // Without a configuration nothing is looked up in the slot.
        (None, None) => match AppName::parse("unknown") {
            Ok(app) => Slot::empty(app),
            Err(error) => return Err(error.into()),
        },
    };
    Ok((configured, slot))
}

async fn skip<E: Entrance>(
    entrance: &E,
    key: &PushKey,
    reason: SkipReason,
) -> Result<Decision, StoreError> {
    let decision = Decision::Skip(reason);
    let now = entrance.clock().now();
    match entrance.store().skip(key, &decision, now).await? {
        Recorded::New => Ok(decision),
        Recorded::Before(before) => Ok(before),
    }
}

async fn accept<E: Entrance>(
    entrance: &E,
    push: &Push<'_>,
    change: &PushChange<'_>,
    configured: &Configured,
    origin: Origin,
    slot: &Slot,
) -> Result<Decision, StoreError> {
    let now = origin.at;
    let id = entrance.ids().deployment_id();
    let commit = origin.commit.clone();
    let mut deployment = Deployment::accept(
        id.clone(),
        configured.config.app().clone(),
        entrance.environment().clone(),
        push.repository.clone(),
        origin,
        configured.config.policy(),
    );
    caused_by_push(&mut deployment, 0);
    let acceptance = slot.accept_push(&id, change.old.clone(), commit);
    let superseded = match &acceptance.supersedes {
        None => None,
        Some(old) => superseded(entrance, old, &id, now).await?,
    };
    let accept = Accept {
        key: &PushKey(change.key.clone()),
        deployment: &deployment,
        slot: &acceptance.slot,
        superseded: superseded.as_ref(),
    };
    match entrance.store().accept(accept).await? {
        Recorded::New => Ok(Decision::Deploy(id)),
        Recorded::Before(before) => Ok(before),
    }
}

/// The deployment that waited until now, as superseded; `None` when it is over already.
async fn superseded<E: Entrance>(
    entrance: &E,
    old: &DeploymentId,
    by: &DeploymentId,
    now: Timestamp,
) -> Result<Option<Deployment>, StoreError> {
    let Some(old) = entrance.store().deployment(old).await? else {
        return Ok(None);
    };
    match step(&old, &Observation::Superseded(by.clone()), now) {
        Advance::Advanced(mut next) => {
            caused_by_push(&mut next, old.timeline.len());
            Ok(Some(*next))
        }
        // It has just started: then the slot has changed too, and the transaction will say so.
        Advance::Unchanged(_) | Advance::Rejected(_) => Ok(None),
    }
}

/// Notes a push as the cause of what is new in a history.
fn caused_by_push(deployment: &mut Deployment, known: usize) {
    for entry in deployment.timeline.iter_mut().skip(known) {
        entry.cause = Some(Cause::Push);
    }
}
