//! The courier, which puts the events on `MiniStack`'s default bus: at once or late, as the faults have decided.
//!
//! It works beside the commands and must never hold one up.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::events::Parcel;
use crate::world::World;

/// `PutEvents` takes at most ten entries.
const ENTRIES_MAX: usize = 10;
/// How often the courier tries before it gives an event up.
const ATTEMPTS_MAX: u32 = 3;

/// Carries parcels to the bus until the world ends.
pub(crate) async fn carry(world: Arc<World>, mut parcels: UnboundedReceiver<Parcel>) {
    let mut batch = Vec::with_capacity(ENTRIES_MAX);
    while parcels.recv_many(&mut batch, ENTRIES_MAX).await > 0 {
        let (late, prompt): (Vec<_>, Vec<_>) =
            batch.drain(..).partition(|parcel| parcel.delay_ms > 0);
        for parcel in late {
            let world_of_parcel = Arc::clone(&world);
            world.spawn(async move {
                tokio::time::sleep(Duration::from_millis(parcel.delay_ms)).await;
                put(&world_of_parcel, vec![parcel.entry]).await;
            });
        }
        let entries: Vec<_> = prompt.into_iter().map(|parcel| parcel.entry).collect();
        if !entries.is_empty() {
            put(&world, entries).await;
        }
    }
}

async fn put(world: &World, entries: Vec<Value>) {
    let Some(ministack) = &world.ministack else {
        return;
    };
    let body = json!({ "Entries": entries });
    for attempt in 1..=ATTEMPTS_MAX {
        match ministack.call("events", "AWSEvents.PutEvents", &body).await {
            Ok(answer) => {
                let failed = answer
                    .get("FailedEntryCount")
                    .and_then(Value::as_u64)
                    .unwrap_or(0);
                if failed > 0 {
                    world.complain(format!("{failed} events were refused: {answer}"));
                }
                return;
            }
            Err(error) => world.complain(format!("attempt {attempt}: {error:#}")),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
