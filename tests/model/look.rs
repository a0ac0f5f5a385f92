//! A look, up to what it is about to write: `advance::advance` and `look`, `observe::observe`, `observe::turn`,
//! `observe::became_of`, `record::fold`, and the beginning of `perform::send_due`. What is left out is said in `shell.rs`.

use crate::host::Delivery;
use crate::kept::Kept;
use crate::setup::{Bug, NOW, Setup, document, resolve};
use crate::shell::{Claim, Handler, Order, Save, Send};
use crate::times;
use crate::world::{Push, World};
use longshore_core::{
    Advance, CheckName, Command, CommandStatus, Deployment, Failure, FailureClass, Finding, Heard,
    Judgement, Observation, Slot, Start, State, Timestamp, step,
};

/// What a fold came to.
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    pub(crate) next: Kept<Deployment>,
    pub(crate) changed: bool,
    pub(crate) rejected: bool,
}

/// `record::fold`.
pub(crate) fn fold(setup: &Setup, before: &Kept<Deployment>, seen: &[Observation]) -> Folded {
    let arguments = (before.hash(), seen);
    setup.folds.of(arguments, || folded(before, seen))
}

fn folded(before: &Deployment, seen: &[Observation]) -> Folded {
    let mut now = before.clone();
    let (mut changed, mut rejected) = (false, false);
    for observation in seen {
        match step(&now, observation, NOW) {
            Advance::Advanced(next) => {
                now = *next;
                changed = true;
            }
            Advance::Unchanged(_) => {}
            Advance::Rejected(_) => rejected = true,
        }
    }
    times::forget_history(&mut now);
    Folded {
        next: Kept::new(now),
        changed,
        rejected,
    }
}

/// A look: load, observe, fold. `finding` is what the check would say. Says whether anything follows.
pub(crate) fn look(world: &mut World, setup: &Setup, push: Push, finding: Finding) -> bool {
    let Some(before) = world.deployments[push].clone() else {
        return false;
    };
    let (seen, begun) = observe(world, setup, push, &before, finding);
    let folded = fold(setup, &before, &seen);
    if folded.rejected {
        world.broke(crate::properties::NOTHING_IMPOSSIBLE);
    }
    let found_again = seen
        .iter()
        .any(|s| matches!(s, Observation::CommandSent(..)));
    let handler = if folded.changed {
        Some(Handler::Save(Box::new(Save {
            push,
            next: folded.next,
            begun,
            found_again,
        })))
    } else {
        claim(setup, push, &before)
    };
    let follows = handler.is_some() || folded.rejected;
    world.handlers.extend(handler.map(Kept::new));
    follows
}

/// `observe::observe`.
fn observe(
    world: &World,
    setup: &Setup,
    push: Push,
    deployment: &Deployment,
    finding: Finding,
) -> (Vec<Observation>, Option<Slot>) {
    let mut seen = Vec::new();
    let mut begun = None;
    match &deployment.state {
        State::Queued { .. } => begun = turn(world, setup, push, deployment, &mut seen),
        State::Active { .. } => {
            for command in deployment.commands() {
                became_of(world, setup, command, &mut seen);
            }
            if let Some(checks) = deployment.checks_wanted() {
                let name = CheckName::parse("check").unwrap();
                let judgement = Judgement::new(name, finding, Vec::new(), "", NOW);
                seen.push(Observation::Judged {
                    round: checks.round(),
                    judgements: vec![judgement],
                });
            }
        }
        State::AwaitingApproval { .. } | State::Ended { .. } => {}
    }
    if !setup.has(Bug::TimeIsNotObserved) {
        seen.push(Observation::TimePassed);
    }
    (seen, begun)
}

/// `observe::turn`.
fn turn(
    world: &World,
    setup: &Setup,
    push: Push,
    deployment: &Deployment,
    seen: &mut Vec<Observation>,
) -> Option<Slot> {
    let (begun, generation) = world.slot.begin(&deployment.id, NOW).ok()?;
    let rolled_back = world
        .slot
        .quarantine
        .contains_key(&deployment.origin.commit);
    if rolled_back && !setup.has(Bug::QuarantineNotAskedAtTheStart) {
        let failure = Failure::of(FailureClass::Quarantined);
        seen.push(Observation::NotReady(failure));
        return None;
    }
    let live = world.slot.live.as_ref().map(|live| live.release.clone());
    let last = world.deployments[..push].iter().flatten().last();
    let tried = last.map(|last| resolve(last, push - 1));
    let previous = if setup.has(Bug::PreviousIsTheLastTried) {
        tried.or(live)
    } else {
        live
    };
    seen.push(Observation::Ready(Start {
        generation,
        release: deployment
            .approved()
            .map_or_else(|| resolve(deployment, push), |plan| plan.release.clone()),
        document: document(),
        hosts: setup.host_ids(),
        previous,
        changelog: None,
    }));
    Some(begun)
}

/// `observe::became_of`.
fn became_of(world: &World, setup: &Setup, command: &Command, seen: &mut Vec<Observation>) {
    let token = command.token.clone();
    match &command.status {
        CommandStatus::Planned { .. } => {}
        CommandStatus::Sending { since } => {
            let settled = NOW >= since.after(setup.policy.settling);
            if settled || setup.has(Bug::SettlingNotAwaited) {
                let found = world.ssm.iter().find(|there| there.token == token);
                seen.push(match found {
                    Some(there) if !setup.has(Bug::LostCommandNotSearched) => {
                        Observation::CommandSent(token, there.id())
                    }
                    Some(_) | None => Observation::CommandMissing(token),
                });
            }
        }
        CommandStatus::Sent { command: id } => {
            let there = world.ssm.iter().find(|there| there.id() == *id);
            for (host, delivery) in there.iter().flat_map(|there| &there.hosts) {
                if let Delivery::Shown(said) = delivery {
                    // Times decide nothing, so that the model's hosts tell none.
                    let heard = Heard::untimed(host.clone(), said.report());
                    seen.push(Observation::HostReported(token.clone(), heard));
                }
            }
        }
    }
}

/// `perform::send_due` up to its write.
pub(crate) fn claim(setup: &Setup, push: Push, before: &Kept<Deployment>) -> Option<Handler> {
    let State::Active { phase, .. } = &before.state else {
        return None;
    };
    let ask = phase.ask()?;
    let orders: Vec<Order> = before
        .commands_due(NOW)
        .map(|command| Order {
            token: command.token.clone(),
            hosts: command.hosts.clone(),
            release: ask.release.id(),
            not_after: ask.deadline,
        })
        .collect();
    if orders.is_empty() {
        return None;
    }
    if setup.has(Bug::SentBeforeTheClaim) {
        return Some(sending(push, orders, NOW));
    }
    let started: Vec<Observation> = orders.iter().map(started).collect();
    Some(Handler::Claim(Box::new(Claim {
        push,
        next: fold(setup, before, &started).next,
        orders,
        at: NOW,
    })))
}

pub(crate) fn started(order: &Order) -> Observation {
    Observation::SendStarted(order.token.clone())
}

pub(crate) fn sending(push: Push, orders: Vec<Order>, at: Timestamp) -> Handler {
    Handler::Send(Send {
        push,
        orders,
        at,
        became: Vec::new(),
    })
}
