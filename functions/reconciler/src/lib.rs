//! The reconciler: starts what waits, drives it forward, and every minute looks at everything that is not at rest, as if
//! an event had come for it. Every five minutes it looks where the branches point, and which hosts
//! are behind, and which digests are due. Whatever else is lost, this finds it again.

mod alarm;
mod clicked;
mod converge;
mod digest;
mod poll;
mod turn;

use longshore_core::{AppName, Cause, DeploymentId, Desk, Millis};
use longshore_desk::{DeskError, look, report, serve};
use longshore_events::{Batch, Failures, Message};
use longshore_shell::advance::{AdvanceError, advance};
use longshore_shell::ports::{Clock, LookAgain, Sighting, Store, Wake};
use longshore_shell::telemetry;
use longshore_shell::world::{Watch, World};

/// Deployments that one tick looks at. After a long outage everything is overdue at once; the ticks work through it at
/// this pace, and each goes on where the one before it ended.
const LOOKS_PER_TICK: usize = 200;

/// Works through a batch of messages.
pub async fn handle<W: Watch>(world: &W, batch: &Batch<'_>) -> Failures {
    serve(batch, async |record| one(world, &record.body).await).await
}

async fn one<W: Watch>(world: &W, body: &str) -> Result<(), DeskError> {
    match Message::parse(body)? {
        Some(Message::Tick) => Ok(tick(world).await?),
        Some(Message::Poll) => poll::poll(world).await.map_err(DeskError::unlisted),
        Some(Message::BranchSeen {
            repository,
            head,
            last,
        }) => {
            let seen = Sighting {
                repository,
                head,
                last,
            };
            poll::confirm(world, &seen).await;
            Ok(())
        }
        // On the heap: clicks are rare, and every other message would carry their weight.
        Some(Message::Clicked(click)) => Box::pin(clicked::clicked(world, &click)).await,
        Some(Message::DeploymentChanged(_) | Message::LookAgain { .. } | Message::DigestDue(_))
        | None => look_and_go_on(world, body).await,
    }
}

/// Looks at the deployment that a message names, and at its end starts what waits.
async fn look_and_go_on<W: World>(world: &W, body: &str) -> Result<(), DeskError> {
    let looked = look(world, Desk::Reconciler, body).await?;
    let ended = looked.filter(|looked| looked.deployment.state.is_terminal());
    if let Some(looked) = ended {
        alarm::at_the_end(&looked.deployment);
        start_next(world, &looked.deployment.app, Cause::Event).await?;
    }
    Ok(())
}

/// Looks at everything that is not at rest. One that cannot be looked at does not keep the others from it.
async fn tick<W: World>(world: &W) -> Result<(), AdvanceError> {
    let open = world.store().open().await?;
    let minute = world.clock().now().as_unix_s() / 60;
    let mut failed = None;
    for id in turn::take(open, minute, LOOKS_PER_TICK) {
        if let Err(error) = look_at(world, &id).await {
            telemetry::error("tick_failed")
                .id("deployment.id", &id)
                .cause(&error)
                .write();
            failed = Some(error);
            say_if_stuck(world, &id).await;
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Says that a deployment is overdue whose look cannot be taken: that is what keeps one from ending in time.
async fn say_if_stuck<W: World>(world: &W, id: &DeploymentId) {
    if let Ok(Some(deployment)) = world.store().deployment(id).await {
        alarm::when_overdue(&deployment, world.clock().now());
    }
}

async fn look_at<W: World>(world: &W, id: &DeploymentId) -> Result<(), AdvanceError> {
    let Some(looked) = advance(world, Some(Desk::Reconciler), id, Cause::Tick).await? else {
        return Ok(());
    };
    report(Desk::Reconciler, &looked);
    alarm::when_overdue(&looked.deployment, world.clock().now());
    for desk in looked.deployment.desks() {
        if desk != Desk::Reconciler {
            let look = LookAgain {
                desk,
                deployment: id.clone(),
                chapter: None,
                after: Millis::default(),
            };
            // Lost, it is sent again by the next tick.
            let _next_tick_repeats_it = world.wake().later(&look).await;
        }
    }
    if looked.deployment.state.is_terminal() {
        alarm::at_the_end(&looked.deployment);
        start_next(world, &looked.deployment.app, Cause::Tick).await?;
    }
    Ok(())
}

/// Starts what waits, now that something has ended.
async fn start_next<W: World>(world: &W, app: &AppName, cause: Cause) -> Result<(), AdvanceError> {
    let slot = world.store().slot(app).await?;
    let (None, Some(next)) = (&slot.running, &slot.waiting) else {
        return Ok(());
    };
    if let Some(looked) = advance(world, Some(Desk::Reconciler), next, cause).await? {
        report(Desk::Reconciler, &looked);
    }
    Ok(())
}
