//! What people want, as messages on the reconciler's queue: all that a function may do which takes clicks from the internet.

use crate::connect::Aws;
use crate::fault::Fault;
use crate::ports::LookError;
use aws_sdk_sqs::Client;

/// Puts messages on one queue.
#[derive(Clone, Debug)]
pub struct SqsIntents {
    sqs: Client,
    queue_url: String,
}

impl SqsIntents {
    /// Messages on this queue.
    #[must_use]
    pub fn new(aws: &Aws, queue_url: &str) -> Self {
        Self {
            sqs: Client::new(aws.sdk()),
            queue_url: queue_url.to_owned(),
        }
    }

    /// Puts a message there.
    ///
    /// # Errors
    /// [`LookError`] when the queue does not take it, or is not known to have taken it.
    pub async fn record(&self, body: String) -> Result<(), LookError> {
        let request = self.sqs.send_message().queue_url(&self.queue_url);
        let sent = request.message_body(body).send().await;
        sent.map_err(|error| LookError(Fault::of("SendMessage", &error).into()))?;
        Ok(())
    }
}
