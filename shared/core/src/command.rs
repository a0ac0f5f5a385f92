//! One command to a batch of hosts: its token, what has become of its sending, and what a host answered.

use crate::failure::{Failure, FailureClass};
use crate::ids::{CommandId, DeploymentId, Generation, HostId, ReleaseId};
use crate::migrations::Found;
use crate::time::{Millis, Timestamp};
use std::fmt;

/// What the host script is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Put the release on the disk without touching traffic.
    Prepare,
    /// Run the migrations, on one leader host.
    Migrate,
    /// Take the migrations back, on the same host, before a rollback switches.
    Unmigrate,
    /// Switch to the release and prove that it is served. A rollback is this too, with an older release.
    Activate,
    /// Say what is served.
    Status,
    /// Remove old releases.
    Prune,
}

impl Action {
    /// The word that the document's `Action` parameter takes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Migrate => "migrate",
            Self::Unmigrate => "unmigrate",
            Self::Activate => "activate",
            Self::Status => "status",
            Self::Prune => "prune",
        }
    }

    /// The action of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Prepare,
            Self::Migrate,
            Self::Unmigrate,
            Self::Activate,
            Self::Status,
            Self::Prune,
        ]
        .into_iter()
        .find(|action| action.word() == word)
    }
}

/// Names one sending of one command for ever: `<deployment>:<generation>:<step>:<wave>:<batch>.<attempt>`. It is the
/// command's comment, by which a lost reply is found again, and the key under which a host remembers what it did. At
/// most 72 characters, within SSM's 100 for a comment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The generation that the hosts check.
    pub generation: Generation,
    /// The action.
    pub action: Action,
    /// The wave, or the round of verification.
    pub wave: u32,
    /// Counts the commands of one step.
    pub batch: u32,
    /// Counts the attempts for these hosts, from 1.
    pub attempt: u32,
}

impl Token {
    /// Commands that one step may have: the host's pattern takes four digits (`host/document.yaml`).
    pub const BATCHES_MAX: u32 = 9_999;

    /// Reads a token back from a comment; `None` for anything that is not one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let deployment = DeploymentId::parse(parts.next()?).ok()?;
        let generation = Generation::new(parts.next()?.parse().ok()?);
        let action = Action::from_word(parts.next()?)?;
        let wave = parts.next()?.parse().ok()?;
        let (batch, attempt) = parts.next()?.split_once('.')?;
        let token = Self {
            deployment,
            generation,
            action,
            wave,
            batch: batch.parse().ok()?,
            attempt: attempt.parse().ok()?,
        };
        // Only the canonical spelling counts, so that one token has one text.
        (parts.next().is_none() && token.to_string() == text).then_some(token)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            deployment,
            generation,
            action,
            wave,
            batch,
            attempt,
        } = self;
        let step = action.word();
        write!(
            f,
            "{deployment}:{generation}:{step}:{wave}:{batch}.{attempt}"
        )
    }
}

/// What has become of a command's sending. SendCommand has no idempotency token, so every step of it is on record before
/// it is taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CommandStatus {
    /// Intended; nobody has tried to send it. It is to be sent at this time or later.
    Planned {
        /// Not before this time.
        due: Timestamp,
    },
    /// Somebody set out to send it. Whether SSM has it is unknown until its id is on record, or until a search by its
    /// comment, after the settling time, finds it or does not.
    Sending {
        /// When the sending was begun.
        since: Timestamp,
    },
    /// SSM has it.
    Sent {
        /// SSM's id for it.
        command: CommandId,
    },
}

/// One command to at most fifty hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// Its name.
    pub token: Token,
    /// The hosts.
    pub hosts: Vec<HostId>,
    /// What has become of it.
    pub status: CommandStatus,
}

impl Command {
    /// The most hosts that one SendCommand call may name (SSM API reference: `InstanceIds`, at most 50).
    pub const HOSTS_MAX: usize = 50;
}

/// The last word about one host of one command. Something that is still running is no report.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Report {
    /// The host script did what it was asked to.
    Done {
        /// The release that answers on the host's loopback.
        served: Option<ReleaseId>,
        /// Whether the health check passes.
        healthy: bool,
        /// What it found of migrations, where it was asked to prepare and could judge them.
        found: Option<Found>,
    },
    /// The host script refused or failed.
    Failed(Failure),
    /// There is no answer and none will come from this command; the script may have run all the same.
    Lost(FailureClass),
}

/// The last word about one host of one command, as it was heard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Heard {
    /// The host.
    pub host: HostId,
    /// What it said, or is known of it.
    pub report: Report,
    /// How long it was at it, by its own clock, where it told that.
    pub took: Option<Millis>,
}

impl Heard {
    /// A report without a time.
    #[must_use]
    pub const fn untimed(host: HostId, report: Report) -> Self {
        Self {
            host,
            report,
            took: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_only_from_its_own_spelling() {
        let text = "01JD0000000000000000000000:7:activate:1:0.2";
        assert_eq!(Token::parse(text).unwrap().to_string(), text);
        for other in [
            "",
            "01JD0000000000000000000000:07:activate:1:0.2",
            "01JD0000000000000000000000:7:activate:1:0.2:9",
            "01JD0000000000000000000000:7:destroy:1:0.2",
            "01JD0000000000000000000000:7:activate:1:0",
            "hello",
        ] {
            assert_eq!(Token::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_longest_token_fits_into_a_comment() {
        let token = Token {
            deployment: DeploymentId::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ").unwrap(),
            generation: Generation::MAX,
            action: Action::Activate,
            wave: 9999,
            batch: 9999,
            attempt: 999,
        };
        assert!(token.to_string().len() <= 72, "{}", token.to_string().len());
    }
}
