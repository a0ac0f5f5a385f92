//! The `aws.ssm` events: what they say, and the courier that puts them on `MiniStack`'s default bus.
//!
//! They are best effort by design. Whether one is lost, doubled or late is decided when it is made, under the lock of
//! the world, so that a seeded run repeats; putting happens later and must never hold up a command.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::clock;
use crate::commands::{Command, Invocation};
use crate::world::World;

/// `PutEvents` takes at most ten entries.
const ENTRIES_MAX: usize = 10;
/// How often the courier tries before it gives an event up.
const ATTEMPTS_MAX: u32 = 3;
/// The statuses that SSM makes events of.
const EMITTED: [&str; 5] = ["Success", "InProgress", "TimedOut", "Cancelled", "Failed"];

/// One copy of an event on its way.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) entry: Value,
    pub(crate) delay_ms: u64,
}

/// Where events say that they come from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) region: String,
    pub(crate) account: String,
}

impl Origin {
    /// The event of an invocation's new status, if SSM makes one of it.
    pub(crate) fn of_invocation(
        &self,
        command: &Command,
        invocation: &Invocation,
    ) -> Option<Value> {
        let status = invocation.state.status();
        let mut detail = detail(command, status)?;
        let members = detail.as_object_mut()?;
        members.insert(
            String::from("instance-id"),
            Value::from(invocation.host.as_str()),
        );
        let kind = "EC2 Command Invocation Status-change Notification";
        Some(self.entry(kind, std::iter::once(&invocation.host), &detail))
    }

    /// The event of a command's new status, if SSM makes one of it.
    pub(crate) fn of_command(&self, command: &Command) -> Option<Value> {
        let detail = detail(command, command.state.status())?;
        let kind = "EC2 Command Status-change Notification";
        Some(self.entry(kind, command.invocations.keys(), &detail))
    }

    fn entry<'a>(
        &self,
        kind: &str,
        hosts: impl Iterator<Item = &'a String>,
        detail: &Value,
    ) -> Value {
        let arn = |host: &String| {
            format!(
                "arn:aws:ec2:{}:{}:instance/{host}",
                self.region, self.account
            )
        };
        json!({
            "Source": "aws.ssm",
            "DetailType": kind,
            "Resources": hosts.map(arn).collect::<Vec<_>>(),
            "Detail": detail.to_string(),
            // Real events carry whole seconds only, so that nobody can order by them.
            "Time": clock::now_ms().div_euclid(1000),
        })
    }
}

/// What both kinds say. The parameters are a JSON *text*, as in real events, though AWS's samples show an object.
fn detail(command: &Command, status: &str) -> Option<Value> {
    EMITTED.contains(&status).then(|| {
        json!({
            "command-id": command.id,
            "document-name": command.document_name,
            "document-version": command.document_version,
            "requested-date-time": clock::iso(command.requested_ms),
            "expire-after": clock::iso(command.expires_ms),
            "output-s3bucket-name": "",
            "output-s3key-prefix": "",
            "parameters": json!(command.parameters).to_string(),
            "status": status,
        })
    })
}

/// Carries parcels to the bus until the world ends.
pub(crate) async fn courier(world: Arc<World>, mut parcels: UnboundedReceiver<Parcel>) {
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
