//! The `aws.ssm` events: what they say. `courier.rs` puts them on the bus.
//!
//! They are best effort by design. Whether one is lost, doubled or late is decided when it is made, under the lock of
//! the world, so that a seeded run repeats.

use serde_json::{Value, json};

use crate::clock;
use crate::commands::{Command, Invocation};

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
