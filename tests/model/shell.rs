//! The shell's programs, step by step. Between two steps anything may happen, and after each the handler may be gone.
//!
//! | here | there |
//! |---|---|
//! | [`crate::look`] | `advance::advance` and `look` up to the fold: `observe::observe`, `observe::turn`, `observe::became_of`, `record::fold` |
//! | [`Handler::Save`] | `record::write` of a look |
//! | [`claim`] and [`Handler::Claim`] | `perform::send_due`: `orders_due`, the fold of `SendStarted`, its `record::write` |
//! | [`Handler::Send`] | `perform::send`, once for each order |
//! | [`Handler::Record`] | `record::record` of what became of them; [`observed_by_a_person`] is the same for an operator |
//! | [`crate::webhook`], [`Handler::Accept`] | `trigger-deploy`'s `accept::decide`, `accept::accept` and `accept::superseded` |
//! | [`tell`], [`Handler::Tell`], [`Handler::StrikeOff`] | the notifier: claim a message, deliver it, strike it off |
//!
//! What is left out, and why nothing is lost by it:
//! - **Reads are one step with the fold.** A deployment that was written between two reads of one look makes the look's own
//!   write fail, so such a look does nothing; one in which nothing was written is a look at the moment of the last read. An
//!   answer that is there but not yet seen by a look is an answer that SSM does not show yet, which is a step of its own.
//! - **A lost race ends a handler.** The real one begins again with a new look, which may begin at any time anyway. A table
//!   that cannot be reached, before or after a write, is a handler that is gone before or after it.
//! - **Desks are not told apart.** Every look may go on to send, as if it were the desk whose turn it is. Looks of others are
//!   the same program cut short, and a handler may be gone after any step.
//! - **Reading the slot for an end is one step with its write.** The transaction names the slot's version, so a slot that
//!   changed in between makes it fail. For a start the slot is read with the look, and can change before the write.
//! - **Asking the clock and SSM's taking of a command are one step.** What lies between is the client's time limit, which is
//!   far below half the settling time.
//! - **Planned looks and chapters** only decide when somebody looks; here anybody may at any time.

use crate::host::{Delivery, Taken};
use crate::kept::Kept;
use crate::look::{claim, fold, sending, started};
use crate::setup::{Bug, NOW, Setup};
use crate::times;
use crate::webhook::accepted;
use crate::world::{Push, World, free_message};
use longshore_core::{
    CommandId, Decision, Deployment, Failure, FailureClass, HostId, Millis, Observation, Outcome,
    ReleaseId, Slot, State, Timestamp, Token,
};
use std::collections::BTreeMap;

/// A handler between two steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Handler {
    /// A webhook was judged; its transaction is next.
    Accept(Box<Accept>),
    /// A look was folded; its write is next.
    Save(Box<Save>),
    /// Commands are to be claimed; that write is next.
    Claim(Box<Claim>),
    /// Claimed commands are being sent.
    Send(Send),
    /// What became of them is to be recorded.
    Record(Push, Vec<Observation>),
    /// A message is claimed, and is to be delivered.
    Tell(Push, u32),
    /// A message was delivered, and is to be struck off.
    StrikeOff(Push, u32),
}

/// A webhook's transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Accept {
    pub(crate) push: Push,
    /// What goes into the table; a decision to leave it alone has no deployment.
    pub(crate) decision: Decision,
    pub(crate) accepted: Option<(Kept<Deployment>, Slot)>,
    pub(crate) superseded: Option<(Push, Kept<Deployment>)>,
}

/// The write of a look.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Save {
    pub(crate) push: Push,
    pub(crate) next: Kept<Deployment>,
    /// The slot with the deployment running in it, for a start.
    pub(crate) begun: Option<Slot>,
    /// What was seen that a reader wants to know to be possible.
    pub(crate) found_again: bool,
}

/// The write that claims commands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Claim {
    pub(crate) push: Push,
    pub(crate) next: Kept<Deployment>,
    pub(crate) orders: Vec<Order>,
    pub(crate) at: Timestamp,
}

/// Claimed commands, sent one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Send {
    pub(crate) push: Push,
    pub(crate) orders: Vec<Order>,
    pub(crate) at: Timestamp,
    pub(crate) became: Vec<Observation>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Order {
    pub(crate) token: Token,
    pub(crate) hosts: Vec<HostId>,
    pub(crate) release: ReleaseId,
    pub(crate) not_after: Timestamp,
}

/// What becomes of one step of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fate {
    /// It does what it should.
    Well,
    /// SSM takes the command, and the answer is lost.
    ReplyLost,
    /// The request is lost.
    RequestLost,
    /// SSM is throttling.
    Throttled,
    /// SSM refuses the command.
    Refused(FailureClass),
}

impl Setup {
    /// How long after its claim a handler may still send (`perform::half`).
    pub(crate) const fn half(&self) -> Millis {
        Millis::new(self.policy.settling.as_ms() / 2)
    }
}

impl Handler {
    /// When it claimed what it is about to send.
    pub(crate) fn claimed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Claim(claim) => Some(claim.at),
            Self::Send(send) => Some(send.at),
            Self::Accept(_)
            | Self::Save(_)
            | Self::Record(..)
            | Self::Tell(..)
            | Self::StrikeOff(..) => None,
        }
    }

    /// Time passes while it sleeps.
    pub(crate) fn pass(&mut self, setup: &Setup, by: Millis) {
        let slept = times::Kind::Gone(setup.half());
        match self {
            Self::Save(save) => times::pass_in(setup, &mut save.next, by),
            Self::Claim(claim) => {
                times::pass_in(setup, &mut claim.next, by);
                times::pass(slept, &mut claim.at, by);
                pass_orders(&mut claim.orders, by);
            }
            Self::Send(send) => {
                times::pass(slept, &mut send.at, by);
                pass_orders(&mut send.orders, by);
            }
            Self::Accept(accept) => {
                let accepted = accept.accepted.iter_mut().map(|(deployment, _)| deployment);
                let superseded = accept.superseded.iter_mut().map(|(_, old)| old);
                accepted
                    .chain(superseded)
                    .for_each(|deployment| times::pass_in(setup, deployment, by));
            }
            Self::Record(..) | Self::Tell(..) | Self::StrikeOff(..) => {}
        }
    }
}

fn pass_orders(orders: &mut [Order], by: Millis) {
    for order in orders {
        times::pass(times::Kind::Coming, &mut order.not_after, by);
    }
}

/// One step of a handler. `None` when this fate cannot be.
pub(crate) fn go(world: &mut World, setup: &Setup, index: usize, fate: Fate) -> Option<()> {
    let handler = Handler::clone(&world.handlers[index]);
    let sends = matches!(handler, Handler::Send(_));
    if fate != Fate::Well && !sends {
        return None;
    }
    world.handlers.remove(index);
    let next = match handler {
        Handler::Accept(accept) => {
            accepted(world, setup, *accept);
            None
        }
        Handler::Save(save) => {
            let Save {
                push, next, begun, ..
            } = *save;
            write(world, setup, push, next.clone(), begun);
            claim(setup, push, &next)
        }
        Handler::Claim(claim) => {
            write(world, setup, claim.push, claim.next, None);
            Some(sending(claim.push, claim.orders, claim.at))
        }
        Handler::Send(send) => sent(world, setup, send, fate),
        Handler::Record(push, became) => {
            record(world, setup, push, &became);
            None
        }
        Handler::Tell(push, number) => told(world, setup, push, number),
        Handler::StrikeOff(push, number) => struck_off(world, setup, push, number),
    };
    world.handlers.extend(next.map(Kept::new));
    Some(())
}

/// `perform::send` of the first order that is left.
fn sent(world: &mut World, setup: &Setup, mut send: Send, fate: Fate) -> Option<Handler> {
    let order = send.orders.remove(0);
    let token = order.token.clone();
    let slept = has_slept(setup, send.at);
    let became = match fate {
        _ if slept => None,
        Fate::Well => Some(Observation::CommandSent(token, take(world, &order))),
        Fate::ReplyLost => {
            take(world, &order);
            None
        }
        Fate::RequestLost => None,
        Fate::Throttled => Some(Observation::SendPostponed(token)),
        Fate::Refused(class) => Some(Observation::SendRefused(token, Failure::of(class))),
    };
    if setup.has(Bug::SentBeforeTheClaim) {
        send.became.push(started(&order));
    }
    send.became.extend(became);
    if !send.orders.is_empty() {
        return Some(Handler::Send(send));
    }
    (!send.became.is_empty()).then_some(Handler::Record(send.push, send.became))
}

/// A handler without steps that can do nothing any more: whoever has slept too long sends nothing and goes on to record
/// what it knows, and what it knows about commands that nobody waits for changes nothing.
pub(crate) fn awake(
    handler: Kept<Handler>,
    deployments: &[Option<Kept<Deployment>>],
    setup: &Setup,
) -> Option<Kept<Handler>> {
    let handler = match &*handler {
        Handler::Send(send) if has_slept(setup, send.at) && setup.bug.is_none() => {
            let became = send.became.clone();
            Kept::new(Handler::Record(send.push, became))
        }
        _ => handler,
    };
    let Handler::Record(push, became) = &*handler else {
        return Some(handler);
    };
    let commands = deployments[*push].iter().flat_map(|d| d.commands());
    let tokens: Vec<&Token> = commands.map(|command| &command.token).collect();
    let listened = |seen: &Observation| match seen {
        Observation::SendStarted(token)
        | Observation::CommandSent(token, _)
        | Observation::SendRefused(token, _)
        | Observation::SendPostponed(token) => tokens.contains(&token),
        _ => true,
    };
    became.iter().any(listened).then_some(handler)
}

fn has_slept(setup: &Setup, claimed_at: Timestamp) -> bool {
    NOW.since(claimed_at) >= setup.half() && !setup.has(Bug::SleeperSends)
}

/// SSM takes a command.
fn take(world: &mut World, order: &Order) -> CommandId {
    let same = world.ssm.iter().filter(|t| t.token == order.token);
    let copy = u32::try_from(same.count()).unwrap();
    if copy > 0 || world.ssm.iter().any(|taken| is_open(taken, order)) {
        world.broke(crate::properties::SENT_ONCE);
    }
    let hosts = order.hosts.iter().cloned();
    let taken = Taken {
        token: order.token.clone(),
        copy,
        release: order.release.clone(),
        not_after: order.not_after,
        hosts: hosts
            .map(|host| (host, Delivery::Waiting))
            .collect::<BTreeMap<_, _>>(),
    };
    let id = taken.id();
    world.ssm.push(Kept::new(taken));
    world
        .ssm
        .sort_by(|a, b| (&a.token, a.copy).cmp(&(&b.token, b.copy)));
    id
}

/// Whether a host of this order has the same question already, and has not answered it.
fn is_open(taken: &Taken, order: &Order) -> bool {
    let question = |token: &Token| {
        let deployment = token.deployment.clone();
        (deployment, token.generation, token.action, token.wave)
    };
    let open = |delivery: &Delivery| match delivery {
        Delivery::Waiting | Delivery::Answered(_) | Delivery::Unheard => true,
        Delivery::Shown(_) | Delivery::Loose => false,
    };
    let asked = order.hosts.iter().filter_map(|host| taken.hosts.get(host));
    question(&taken.token) == question(&order.token) && asked.into_iter().any(open)
}

/// `record::record`: load, fold and write, again until the write is not raced.
pub(crate) fn record(world: &mut World, setup: &Setup, push: Push, seen: &[Observation]) -> bool {
    let Some(before) = world.deployments[push].clone() else {
        return false;
    };
    let folded = fold(setup, &before, seen);
    if folded.rejected {
        world.broke(crate::properties::NOTHING_IMPOSSIBLE);
    }
    if folded.changed {
        write(world, setup, push, folded.next, None);
    }
    folded.changed
}

/// `record::write`, and what follows from it for handlers that name an older version: they lose their race.
fn write(
    world: &mut World,
    setup: &Setup,
    push: Push,
    mut next: Kept<Deployment>,
    begun: Option<Slot>,
) {
    let before = world.deployments[push].clone();
    let waited = before.as_deref().is_some_and(waits_for_people);
    let was_over = before.as_deref().is_some_and(crate::world::is_over);
    if was_over && before.as_ref().is_some_and(|b| b.state != next.state) {
        world.broke(crate::properties::ENDS_STAY);
    }
    let ends = crate::world::is_over(&next) && !was_over;
    let slot = if ends && !setup.has(Bug::EndLeavesTheSlot) {
        begun.as_ref().unwrap_or(&world.slot).finish(&next)
    } else if waits_for_people(&next) && !waited {
        match world.slot.park(&next.id) {
            Ok(parked) => Some(parked),
            Err(newer) => {
                let seen = [Observation::Superseded(newer)];
                next = crate::look::fold(setup, &next, &seen).next;
                world.slot.finish(&next)
            }
        }
    } else {
        begun
    };
    if let State::Ended {
        outcome: Outcome::Succeeded,
        run: Some(run),
        ..
    } = &next.state
    {
        world
            .facts
            .change(|facts| facts.proven = Some(run.release.clone()));
    }
    put(world, setup, push, next);
    if let Some(slot) = slot {
        put_slot(world, setup, slot);
    }
}

fn waits_for_people(deployment: &Deployment) -> bool {
    matches!(deployment.state, State::AwaitingApproval { .. })
}

/// A deployment is written; who names the version before it is too late.
pub(crate) fn put(world: &mut World, setup: &Setup, push: Push, next: Kept<Deployment>) {
    world.deployments[push] = Some(next);
    let unversioned = setup.has(Bug::DeploymentWrittenWithoutItsVersion);
    world.handlers.retain(|handler| match &**handler {
        Handler::Save(save) => save.push != push || unversioned,
        Handler::Claim(claim) => claim.push != push || unversioned,
        Handler::Accept(accept) => accept
            .superseded
            .as_ref()
            .is_none_or(|(old, _)| *old != push || unversioned),
        Handler::Send(_) | Handler::Record(..) | Handler::Tell(..) | Handler::StrikeOff(..) => true,
    });
}

/// The slot is written; who names the version before it is too late.
pub(crate) fn put_slot(world: &mut World, setup: &Setup, slot: Slot) {
    world.slot = Kept::new(slot);
    let unversioned = setup.has(Bug::SlotWrittenWithoutItsVersion);
    world.handlers.retain(|handler| match &**handler {
        Handler::Save(save) => save.begun.is_none() || unversioned,
        Handler::Accept(accept) => accept.accepted.is_none() || unversioned,
        Handler::Claim(_)
        | Handler::Send(_)
        | Handler::Record(..)
        | Handler::Tell(..)
        | Handler::StrikeOff(..) => true,
    });
}

/// The notifier looks: a free message is claimed.
pub(crate) fn tell(world: &mut World, setup: &Setup, push: Push) -> bool {
    let Some(before) = world.deployments[push].clone() else {
        return false;
    };
    let Some(number) = free_message(&before).map(|message| message.number) else {
        return false;
    };
    record(world, setup, push, &[Observation::AnnounceStarted(number)]);
    let first = if setup.has(Bug::StruckOffBeforeDelivery) {
        Handler::StrikeOff(push, number)
    } else {
        Handler::Tell(push, number)
    };
    world.handlers.push(Kept::new(first));
    true
}

fn told(world: &mut World, setup: &Setup, push: Push, number: u32) -> Option<Handler> {
    world
        .facts
        .change(|facts| facts.told.insert((push, number)));
    let next = Handler::StrikeOff(push, number);
    (!setup.has(Bug::StruckOffBeforeDelivery)).then_some(next)
}

fn struck_off(world: &mut World, setup: &Setup, push: Push, number: u32) -> Option<Handler> {
    record(world, setup, push, &[Observation::Announced(number)]);
    let next = Handler::Tell(push, number);
    setup.has(Bug::StruckOffBeforeDelivery).then_some(next)
}

/// A person's word about a deployment, recorded as every observation is.
pub(crate) fn observed_by_a_person(
    world: &mut World,
    setup: &Setup,
    push: Push,
    seen: &Observation,
) -> bool {
    record(world, setup, push, std::slice::from_ref(seen))
}
