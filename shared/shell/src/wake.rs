//! Looks that are to be taken later, as delayed messages on the desk's queue.
//!
//! A function may write to its own queue only, and the reconciler to all. A look for a desk whose queue is not known here
//! is not planned: the event of the write brings that desk, and the minute tick looks at everything.

use crate::config::DeskQueue;
use crate::connect::Aws;
use crate::fault::Fault;
use crate::ports::{DigestDue, LookAgain, LookError, Sighting, Wake};
use aws_sdk_sqs::Client;
use longshore_core::{AppName, Desk, Millis, Repository};
use serde_json::{Value, json};

/// The longest delay (SQS API reference: `DelaySeconds`, at most 900).
const DELAY_MAX_S: u64 = 900;

/// The queues of the desks that this function may wake.
#[derive(Clone, Debug)]
pub struct SqsWake {
    sqs: Client,
    queues: Vec<DeskQueue>,
}

impl SqsWake {
    /// Plans looks on these queues.
    #[must_use]
    pub fn new(aws: &Aws, queues: &[DeskQueue]) -> Self {
        Self {
            sqs: Client::new(aws.sdk()),
            queues: queues.to_vec(),
        }
    }

    async fn send(&self, desk: Desk, body: String, after: Millis) -> Result<(), LookError> {
        let Some(queue) = self.queues.iter().find(|queue| queue.desk == desk) else {
            return Ok(());
        };
        self.sqs
            .send_message()
            .queue_url(&queue.url)
            .delay_seconds(delay_s(after))
            .message_body(body)
            .send()
            .await
            .map_err(|error| LookError(Fault::of("SendMessage", &error).into()))?;
        Ok(())
    }
}

impl Wake for SqsWake {
    async fn later(&self, look: &LookAgain) -> Result<(), LookError> {
        self.send(look.desk, body(look), look.after).await
    }

    async fn confirm(&self, sighting: &Sighting, after: Millis) -> Result<(), LookError> {
        let body = sighting_body(sighting);
        self.send(Desk::Reconciler, body, after).await
    }

    async fn digest(&self, due: &DigestDue) -> Result<(), LookError> {
        self.send(Desk::Notifier, digest_body(due), Millis::default())
            .await
    }
}

fn delay_s(after: Millis) -> i32 {
    i32::try_from(after.as_secs_ceil().min(DELAY_MAX_S)).unwrap_or_default()
}

fn body(look: &LookAgain) -> String {
    let mut detail = json!({ "deployment": look.deployment.as_str() });
    if let (Some(chapter), Some(detail)) = (&look.chapter, detail.as_object_mut()) {
        detail.insert("chapter".to_owned(), chapter.as_str().into());
    }
    json!({ "detail-type": "LookAgain", "detail": detail }).to_string()
}

fn sighting_body(sighting: &Sighting) -> String {
    let mut detail = json!({
        "repository": sighting.repository.as_str(),
        "head": sighting.head.as_str(),
    });
    if let (Some(last), Some(detail)) = (&sighting.last, detail.as_object_mut()) {
        detail.insert("last".to_owned(), Value::from(last.as_str()));
    }
    json!({ "detail-type": "BranchSeen", "detail": detail }).to_string()
}

/// The message that a digest is due, as the notifier's queue carries it.
#[must_use]
pub fn digest_body(due: &DigestDue) -> String {
    let apps: Vec<&str> = due.apps.iter().map(AppName::as_str).collect();
    let unread: Vec<&str> = due.unread.iter().map(Repository::as_str).collect();
    let digest = json!({
        "channel": due.name.channel.label(),
        "at": due.name.at,
        "until_ms": due.until.as_unix_ms(),
        "apps": apps,
        "unread": unread,
    });
    json!({ "detail-type": "DigestDue", "detail": { "digest": digest } }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use longshore_core::{Commit, DeploymentId};

    #[test]
    fn a_delay_is_whole_seconds_within_the_limit_of_sqs() {
        for (ms, seconds) in [
            (0, 0),
            (1, 1),
            (1_000, 1),
            (1_001, 2),
            (900_000, 900),
            (u64::MAX, 900),
        ] {
            assert_eq!(delay_s(Millis::new(ms)), seconds, "{ms} ms");
        }
    }

    #[test]
    fn a_look_says_where_and_in_which_chapter() {
        let look = LookAgain {
            desk: Desk::Reconciler,
            deployment: DeploymentId::parse("01JD0000000000000000000000").unwrap(),
            chapter: Some("Preparing:0:0".to_owned()),
            after: Millis::new(0),
        };
        assert_eq!(
            body(&look),
            r#"{"detail":{"chapter":"Preparing:0:0","deployment":"01JD0000000000000000000000"},"detail-type":"LookAgain"}"#
        );
    }

    #[test]
    fn a_sighting_says_what_was_seen_where_and_after_what() {
        let mut sighting = Sighting {
            repository: Repository::parse("acme/orders").unwrap(),
            head: Commit::parse(&"a".repeat(40)).unwrap(),
            last: None,
        };
        let head = "a".repeat(40);
        assert_eq!(
            sighting_body(&sighting),
            format!(
                r#"{{"detail":{{"head":"{head}","repository":"acme/orders"}},"detail-type":"BranchSeen"}}"#
            )
        );
        sighting.last = Some(DeploymentId::parse("01JD0000000000000000000000").unwrap());
        assert!(sighting_body(&sighting).contains(r#""last":"01JD0000000000000000000000""#));
    }
}
