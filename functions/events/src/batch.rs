//! What SQS hands to a function, and the answer that says which messages are to come again. A batch is answered in part,
//! so that one bad message never brings its neighbours back.

use crate::{BadJson, read};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A batch of messages from a queue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Batch<'a> {
    /// The messages.
    #[serde(rename = "Records", borrow)]
    pub records: Vec<Record<'a>>,
}

/// One message of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    /// The queue's id for the message.
    #[serde(borrow)]
    pub message_id: Cow<'a, str>,
    /// What was sent.
    #[serde(borrow)]
    pub body: Cow<'a, str>,
}

impl<'a> Batch<'a> {
    /// Reads the event that Lambda passes on for a queue.
    ///
    /// # Errors
    /// [`BadJson`] when it is not such an event.
    pub fn parse(json: &'a str) -> Result<Self, BadJson> {
        read(json)
    }
}

/// The answer to a batch (`ReportBatchItemFailures`): the messages that are to come again. Every other one is deleted, and
/// an empty list means that all were handled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    batch_item_failures: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    item_identifier: String,
}

impl Failures {
    /// Asks for a message to come again.
    pub fn again(&mut self, record: &Record<'_>) {
        self.batch_item_failures.push(Item {
            item_identifier: record.message_id.clone().into_owned(),
        });
    }

    /// Whether every message was handled.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.batch_item_failures.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"Records":[
        {"messageId":"m-1","receiptHandle":"x","body":"{\"detail-type\":\"Tick\"}","attributes":{"ApproximateReceiveCount":"1"},
         "messageAttributes":{},"md5OfBody":"0","eventSource":"aws:sqs","eventSourceARN":"a","awsRegion":"eu-west-1"},
        {"messageId":"m-2","body":"plain"}]}"#;

    #[test]
    fn a_batch_is_read_without_the_fields_nobody_needs() {
        let batch = Batch::parse(EVENT).unwrap();
        let bodies: Vec<&str> = batch.records.iter().map(|r| r.body.as_ref()).collect();
        assert_eq!(bodies, [r#"{"detail-type":"Tick"}"#, "plain"]);
        assert!(matches!(batch.records[1].body, Cow::Borrowed(_)));
    }

    #[test]
    fn only_the_messages_that_failed_come_again() {
        let batch = Batch::parse(EVENT).unwrap();
        let mut failures = Failures::default();
        assert!(failures.is_empty());
        assert_eq!(
            serde_json::to_string(&failures).unwrap(),
            r#"{"batchItemFailures":[]}"#
        );
        failures.again(&batch.records[1]);
        assert_eq!(
            serde_json::to_string(&failures).unwrap(),
            r#"{"batchItemFailures":[{"itemIdentifier":"m-2"}]}"#
        );
    }

    #[test]
    fn an_error_does_not_repeat_what_it_met() {
        let error = Batch::parse(r#"{"Records":"secret"}"#).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
