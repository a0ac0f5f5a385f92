//! Sending the commands that are due: on record first, then tried once, then recorded again.

use super::AdvanceError;
use super::record::{Folded, fold, record, write};
use crate::ports::{Clock, Commands, Order, SendError};
use crate::traces;
use crate::world::World;
use futures_util::future::join_all;
use longshore_core::{
    Action, Cause, Command, Deployment, Observation, Phase, Release, Run, State, Timestamp, Token,
};

/// Sends what is due. Says whether anything was tried.
///
/// A crash before the first write leaves the commands planned. A crash between the first write and the last leaves them
/// as being sent: after the settling time a search by their comment tells whether SSM has them.
pub(super) async fn send_due<W: World>(
    world: &W,
    folded: &mut Folded,
    cause: Cause,
) -> Result<bool, AdvanceError> {
    let mut sent = false;
    while send_some(world, folded, cause).await? {
        sent = true;
    }
    Ok(sent)
}

/// Commands that are claimed at once: those of the largest fleet, as every claim writes the whole record, so that more claims for
/// more hosts would cost by the square. What cannot be sent in half the settling time is left to a search.
const CLAIMED: usize = 200;
/// However many commands there are, as where SSM has refused hosts one by one, there are only so many claims.
const CLAIMS: usize = 10;
/// Sends that are under way at once: with some hundred milliseconds for each, two hundred take five seconds of the fifteen that
/// half the settling time is.
const SENDS_AT_ONCE: usize = 4;

async fn send_some<W: World>(
    world: &W,
    folded: &mut Folded,
    cause: Cause,
) -> Result<bool, AdvanceError> {
    let now = world.clock().now();
    let mut orders = orders_due(&folded.deployment, now);
    orders.truncate(CLAIMED.max(orders.len().div_ceil(CLAIMS)));
    if orders.is_empty() {
        return Ok(false);
    }
    let started: Vec<Observation> = orders
        .iter()
        .map(|order| Observation::SendStarted(order.token.clone()))
        .collect();
    let before = folded.deployment.clone();
    let mut claimed = fold(&before, &started, cause, now);
    write(
        world.store(),
        &before,
        &mut claimed.deployment,
        None,
        &[],
        now,
    )
    .await?;

    let mut became = Vec::new();
    for some in orders.chunks(SENDS_AT_ONCE) {
        let sends = some
            .iter()
            .map(|order| send(world, order, now, &claimed.deployment));
        became.extend(join_all(sends).await.into_iter().flatten());
    }
    let of_claim = claimed.deployment.clone();
    let id = &of_claim.id;
    let recorded = record(world.store(), world.clock(), id, &became, cause).await?;
    folded.deployment = recorded.map_or(claimed.deployment, |recorded| recorded.deployment);
    folded.changed = true;
    if let Some(first) = orders.first() {
        traces::tell_send(&of_claim, first.action(), now, world.clock().now());
    }
    Ok(true)
}

/// Sends one command; `None` when nobody can know what became of it.
async fn send<W: World>(
    world: &W,
    order: &Order,
    claimed_at: Timestamp,
    deployment: &Deployment,
) -> Option<Observation> {
    let token = order.token.clone();
    // Whoever slept so long that others may search for this command already leaves it to them.
    if world.clock().now().since(claimed_at) >= half(deployment) {
        return None;
    }
    match world.commands().send(order).await {
        Ok(id) => Some(Observation::CommandSent(token, id)),
        Err(SendError::Refused(failure)) => Some(Observation::SendRefused(token, failure)),
        Err(SendError::Throttled) => Some(Observation::SendPostponed(token)),
        Err(SendError::Unknown(_)) => None,
    }
}

const fn half(deployment: &Deployment) -> longshore_core::Millis {
    longshore_core::Millis::new(deployment.policy.settling.as_ms() / 2)
}

/// The commands of a deployment that are to be sent now, in full.
fn orders_due(deployment: &Deployment, now: Timestamp) -> Vec<Order> {
    let State::Active { run, phase } = &deployment.state else {
        return Vec::new();
    };
    deployment
        .commands_due(now)
        .filter_map(|command| order(deployment, run, phase, command))
        .collect()
}

fn order(deployment: &Deployment, run: &Run, phase: &Phase, command: &Command) -> Option<Order> {
    let ask = phase.ask()?;
    let token: Token = command.token.clone();
    Some(Order {
        token,
        hosts: command.hosts.clone(),
        document: run.document.clone(),
        app: deployment.app.clone(),
        environment: deployment.environment.clone(),
        repository: deployment.repository.clone(),
        release: ask.release.clone(),
        previous: if deployment.takes_back() && command.token.action == Action::Unmigrate {
            Some(run.release.id())
        } else {
            run.previous.as_ref().map(Release::id)
        },
        not_after: ask.deadline,
    })
}
