//! `trigger-deploy`: `accept::decide`, `accept::accept` and `accept::superseded`. What is read and what is written are two steps;
//! the slot or the waiting deployment may change in between, and then the transaction fails.

use crate::kept::Kept;
use crate::look::fold;
use crate::setup::{Bug, Setup, id_of};
use crate::shell::{Accept, Handler, put, put_slot};
use crate::times;
use crate::world::{Push, World};
use longshore_core::{Change, Decision, Deployment, Observation, RefKind, decide};

/// A delivery of a push: the slot is read and the change judged. A push that is decided gets its decision again, and nothing
/// happens.
pub(crate) fn deliver(world: &mut World, setup: &Setup, push: Push) -> bool {
    if world.decisions[push].is_some() {
        return false;
    }
    let brought = &setup.pushes[push];
    let old = Some(crate::setup::commit_of(brought.old));
    let change = Change {
        kind: RefKind::Branch,
        name: "main",
        old: old.clone(),
        commit: Some(crate::setup::commit_of(brought.new)),
    };
    let accept = match decide(&change, "main", &world.slot) {
        Err(decision) => Accept {
            push,
            decision,
            accepted: None,
            superseded: None,
        },
        Ok(commit) => {
            let mut deployment = setup.accepted(push);
            times::forget_history(&mut deployment);
            let acceptance = world.slot.accept_push(&id_of(push), old, commit);
            let superseded = acceptance.supersedes.as_ref();
            Accept {
                push,
                decision: Decision::Deploy(id_of(push)),
                superseded: superseded.and_then(|id| superseded_by(world, setup, id, push)),
                accepted: Some((Kept::new(deployment), acceptance.slot)),
            }
        }
    };
    world
        .handlers
        .push(Kept::new(Handler::Accept(Box::new(accept))));
    true
}

/// `accept::superseded`.
fn superseded_by(
    world: &World,
    setup: &Setup,
    old: &longshore_core::DeploymentId,
    by: Push,
) -> Option<(Push, Kept<Deployment>)> {
    let place = |kept: &Option<Kept<Deployment>>| kept.as_ref().is_some_and(|d| d.id == *old);
    let push = world.deployments.iter().position(place)?;
    let before = world.deployments[push].as_ref()?;
    let folded = fold(setup, before, &[Observation::Superseded(id_of(by))]);
    folded.changed.then_some((push, folded.next))
}

/// The transaction of a delivery. The first decision about a push stays.
pub(crate) fn accepted(world: &mut World, setup: &Setup, accept: Accept) {
    if world.decisions[accept.push].is_some() {
        return;
    }
    world
        .decisions
        .change(|decisions| decisions[accept.push] = Some(accept.decision));
    if let Some((deployment, slot)) = accept.accepted {
        put(world, setup, accept.push, deployment);
        put_slot(world, setup, slot);
    }
    if let Some((old, ended)) = accept.superseded
        && !setup.has(Bug::SupersededNotEnded)
    {
        put(world, setup, old, ended);
    }
}
