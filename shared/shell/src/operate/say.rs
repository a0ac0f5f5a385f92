//! What operators say about one deployment: yes to its plan, no, stop, begin in spite of a freeze.

use super::{CONFLICTS_MAX, NotDone, Operator, Refusal, deployment};
use crate::accept::{self, Deciding};
use crate::advance::{self, AdvanceError};
use crate::ports::{Clock, Configs, Configured, StoreError};
use longshore_core::{
    Advance, BreakGlass, Cause, Deployment, DeploymentId, Observation, PlanDigest, Reason, State,
    Vote, Why, step,
};

/// Says yes to a plan. The same person's second yes changes nothing and is no error.
///
/// # Errors
/// [`NotDone`].
pub async fn approve<D: Deciding>(
    world: &D,
    operator: &Operator,
    id: &DeploymentId,
    plan: &PlanDigest,
    comment: Option<&Reason>,
) -> Result<Deployment, NotDone> {
    let deployment = deployment(world, id).await?;
    if !deployment.policy.by_author {
        let version = Some(deployment.origin.config_version);
        let configured = world
            .configs()
            .config(&deployment.repository, version)
            .await;
        let configured = configured.map_err(|error| NotDone::Unreachable(Box::new(error)))?;
        let is_known = |configured: &Configured| configured.config.knows(&operator.by);
        if !configured.as_ref().is_some_and(is_known) {
            return Err(Refusal::UnknownPerson.into());
        }
    }
    let vote = Vote {
        by: operator.by.clone(),
        via: operator.via,
        plan: plan.clone(),
        at: world.clock().now(),
        comment: comment.cloned(),
    };
    say(world, id, &Observation::Approved(vote)).await
}

/// Says no to what people are asked about.
///
/// # Errors
/// [`NotDone`].
pub async fn reject<D: Deciding>(
    world: &D,
    operator: &Operator,
    id: &DeploymentId,
    reason: &Reason,
) -> Result<Deployment, NotDone> {
    say(world, id, &Observation::Refused(operator.said(reason))).await
}

/// Stops a deployment. What it becomes says what that means: over when no host had moved, rolled back otherwise, and a
/// migration that runs is waited for.
///
/// # Errors
/// [`NotDone`].
pub async fn cancel<D: Deciding>(
    world: &D,
    operator: &Operator,
    id: &DeploymentId,
    reason: &Reason,
) -> Result<Deployment, NotDone> {
    say(
        world,
        id,
        &Observation::CancelRequested(operator.said(reason)),
    )
    .await
}

/// Lets a deployment that waits begin in spite of a freeze.
///
/// # Errors
/// [`NotDone`].
pub async fn break_glass<D: Deciding>(
    world: &D,
    operator: &Operator,
    id: &DeploymentId,
    reason: &Reason,
) -> Result<Deployment, NotDone> {
    let now = world.clock().now();
    let broken = BreakGlass::new(operator.by.clone(), reason.as_str(), now);
    say(world, id, &Observation::BreakGlass(broken)).await
}

/// Records a person's word, if it can count.
async fn say<D: Deciding>(
    world: &D,
    id: &DeploymentId,
    said: &Observation,
) -> Result<Deployment, NotDone> {
    for _ in 0..CONFLICTS_MAX {
        let before = deployment(world, id).await?;
        let now = world.clock().now();
        let mut next = match step(&before, said, now) {
            Advance::Advanced(next) => *next,
            Advance::Unchanged(why) | Advance::Rejected(why) => {
                return unchanged(before, said, why);
            }
        };
        accept::note_cause(&mut next, before.timeline.len(), Cause::Operator);
        match advance::write(world.store(), &before, &mut next, None, &[], now).await {
            Ok(()) => return Ok(next),
            Err(AdvanceError::Store(StoreError::Conflict)) => {}
            Err(error) => return Err(NotDone::Unreachable(Box::new(error))),
        }
    }
    Err(StoreError::Conflict.into())
}

/// What a word that changed nothing means to whoever said it.
fn unchanged(before: Deployment, said: &Observation, why: Why) -> Result<Deployment, NotDone> {
    let asked = matches!(before.state, State::AwaitingApproval { .. });
    let is_about_approval = matches!(said, Observation::Approved(_) | Observation::Refused(_));
    Err(match why {
        Why::Over => Refusal::Over,
        Why::OtherPlan => Refusal::OtherPlan,
        Why::OwnDeployment => Refusal::OwnDeployment,
        Why::AlreadyKnown if asked || before.stop.is_some() || before.break_glass.is_some() => {
            return Ok(before);
        }
        Why::AlreadyKnown | Why::DoesNotFit | Why::TooEarly if is_about_approval => {
            Refusal::NotAsked
        }
        Why::AlreadyKnown | Why::DoesNotFit | Why::TooEarly | Why::TooLate => Refusal::TooLate,
    }
    .into())
}
