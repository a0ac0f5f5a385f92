//! Finding commands: by the token in their comment, when the reply to a send was lost, and the token of a command that an
//! event speaks of.
//!
//! Not finding a command proves nothing before the settling time: reads of SSM are eventually consistent. The caller
//! waits; this only looks.

use super::PAGES_MAX;
use crate::fault::Fault;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{Command, CommandFilter, CommandFilterKey};
use aws_smithy_types::date_time::{DateTime, Format};
use longshore_core::{CommandId, Millis, Timestamp, Token};

/// How far the clock of SSM may be behind ours.
const SKEW: Millis = Millis::from_secs(300);

/// The largest page (SSM API reference: `MaxResults`, at most 50).
const PAGE: i32 = 50;

/// Searches the commands of a document, invoked since a time, for a token.
pub(super) async fn find(
    ssm: &Client,
    document: &str,
    token: &Token,
    since: Timestamp,
) -> Result<Option<CommandId>, Fault> {
    let comment = token.to_string();
    let filters = vec![
        filter(CommandFilterKey::InvokedAfter, &invoked_after(since))?,
        filter(CommandFilterKey::DocumentName, document)?,
    ];
    let mut next = None;
    for _ in 0..PAGES_MAX {
        let page = ssm
            .list_commands()
            .set_filters(Some(filters.clone()))
            .max_results(PAGE)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Fault::of("ListCommands", &error))?;
        let ours = |command: &&Command| command.comment() == Some(&comment);
        if let Some(command) = page.commands().iter().find(ours) {
            return id_of(command).map(Some);
        }
        next = page.next_token;
        if next.is_none() {
            return Ok(None);
        }
    }
    Err(Fault::senseless("ListCommands", "too many pages"))
}

/// The token of a command; `None` when SSM does not know the command, or it is not one of ours.
pub(super) async fn token_of(ssm: &Client, command: &CommandId) -> Result<Option<Token>, Fault> {
    let reply = ssm
        .list_commands()
        .command_id(command.as_str())
        .send()
        .await;
    let reply = match reply.map_err(|error| Fault::of("ListCommands", &error)) {
        Ok(reply) => reply,
        Err(fault) if fault.is("InvalidCommandId") => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let found = reply.commands().first();
    Ok(found
        .and_then(|command| command.comment())
        .and_then(Token::parse))
}

fn id_of(command: &Command) -> Result<CommandId, Fault> {
    command
        .command_id()
        .and_then(|id| CommandId::parse(id).ok())
        .ok_or_else(|| Fault::senseless("ListCommands", "a command without an id"))
}

fn filter(key: CommandFilterKey, value: &str) -> Result<CommandFilter, Fault> {
    CommandFilter::builder()
        .key(key)
        .value(value)
        .build()
        .map_err(|error| Fault::senseless("ListCommands", &error.to_string()))
}

/// The time from which to search, in the form that the filter takes.
fn invoked_after(since: Timestamp) -> String {
    let from = Timestamp::from_unix_ms(SKEW.as_ms());
    let seconds = since.since(from).as_ms() / 1_000;
    DateTime::from_secs(i64::try_from(seconds).unwrap_or_default())
        .fmt(Format::DateTime)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_begins_five_minutes_early() {
        let since = Timestamp::from_unix_ms(1_700_000_000_999);
        assert_eq!(invoked_after(since), "2023-11-14T22:08:20Z");
        assert_eq!(invoked_after(Timestamp::default()), "1970-01-01T00:00:00Z");
    }
}
