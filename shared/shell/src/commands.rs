//! SSM Run Command: sends the environment's document, finds what was sent, and reads what became of it per host.
//!
//! A send is exactly one request: SendCommand has no idempotency token, and the SDK would otherwise turn one lost reply
//! into three commands. A command's own status is never read, because it hides hosts that did not run it.

mod answer;
mod find;
mod reports;
mod send;

use crate::connect::Aws;
use crate::ports::{Clock, Commands, LookError, Order, SendError};
use aws_sdk_ssm::Client;
use longshore_core::{CommandId, Heard, Timestamp, Token};

/// Pages that one question may read; a bound, not a goal.
const PAGES_MAX: usize = 200;

/// SSM Run Command with the environment's document.
#[derive(Clone, Debug)]
pub struct SsmCommands<C> {
    ssm: Client,
    document: String,
    clock: C,
}

impl<C: Clock> SsmCommands<C> {
    /// Commands that run `document`.
    #[must_use]
    pub fn new(aws: &Aws, document: &str, clock: C) -> Self {
        Self {
            ssm: aws.ssm(),
            document: document.to_owned(),
            clock,
        }
    }
}

impl<C: Clock> Commands for SsmCommands<C> {
    async fn send(&self, order: &Order) -> Result<CommandId, SendError> {
        send::send(&self.ssm, &self.document, order, self.clock.now()).await
    }

    async fn find(&self, token: &Token, since: Timestamp) -> Result<Option<CommandId>, LookError> {
        find::find(&self.ssm, &self.document, token, since)
            .await
            .map_err(|fault| LookError(fault.into()))
    }

    async fn token_of(&self, command: &CommandId) -> Result<Option<Token>, LookError> {
        find::token_of(&self.ssm, command)
            .await
            .map_err(|fault| LookError(fault.into()))
    }

    async fn reports(&self, command: &CommandId) -> Result<Vec<Heard>, LookError> {
        reports::reports(&self.ssm, command)
            .await
            .map_err(|fault| LookError(fault.into()))
    }
}
