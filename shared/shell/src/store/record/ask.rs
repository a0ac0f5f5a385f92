//! Questions to hosts and rounds of verification, stored.

use super::RecordError;
use super::tables::{Packer, Places, Unpacker, grouped, ungroup};
use super::words::{ActionWord, FailureRecord, ReleaseRecord};
use longshore_core::{
    Answer, Ask, Command, CommandId, CommandStatus, DeploymentId, Generation, Judging, Round,
    Rounds, Timestamp, Token,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// [`Ask`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskRecord {
    deployment: String,
    generation: u64,
    action: ActionWord,
    release: ReleaseRecord,
    wave: u32,
    deadline_ms: u64,
    commands: Vec<CommandRecord>,
    batches: u32,
    waiting: Vec<WaitingRecord>,
    answers: Vec<AnswerRecord>,
}

/// [`Command`], stored. The rest of its token is the question's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandRecord {
    batch: u32,
    attempt: u32,
    hosts: Places,
    status: StatusRecord,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StatusRecord {
    Planned { due_ms: u64 },
    Sending { since_ms: u64 },
    Sent { command: String },
}

/// Hosts without an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitingRecord {
    attempt: u32,
    hosts: Places,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnswerWord {
    Done,
    Failed,
    Unreachable,
}

/// Hosts with the same answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerRecord {
    answer: AnswerWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<u32>,
    hosts: Places,
}

impl AskRecord {
    pub(super) fn pack(ask: &Ask, packer: &mut Packer) -> Result<Self, RecordError> {
        let mut commands = Vec::with_capacity(ask.commands.len());
        for command in &ask.commands {
            if command.token != token(ask, command.token.batch, command.token.attempt) {
                return Err(RecordError::new("a command that is not of its question"));
            }
            commands.push(CommandRecord::pack(command, packer));
        }
        Ok(Self {
            deployment: ask.deployment.to_string(),
            generation: ask.generation.number(),
            action: ask.action.into(),
            release: (&ask.release).into(),
            wave: ask.wave,
            deadline_ms: ask.deadline.as_unix_ms(),
            commands,
            batches: ask.batches,
            waiting: pack_waiting(ask, packer),
            answers: pack_answers(ask, packer),
        })
    }

    pub(super) fn unpack(self, tables: &Unpacker) -> Result<Ask, RecordError> {
        let mut ask = Ask {
            deployment: DeploymentId::parse(&self.deployment)?,
            generation: Generation::new(self.generation),
            action: self.action.into(),
            release: self.release.try_into()?,
            wave: self.wave,
            deadline: Timestamp::from_unix_ms(self.deadline_ms),
            commands: Vec::with_capacity(self.commands.len()),
            batches: self.batches,
            waiting: BTreeMap::new(),
            answers: BTreeMap::new(),
        };
        for command in self.commands {
            let command = command.unpack(&ask, tables)?;
            ask.commands.push(command);
        }
        for waiting in self.waiting {
            let hosts = tables.hosts(&waiting.hosts)?;
            ungroup(&mut ask.waiting, hosts, &waiting.attempt)?;
        }
        for record in self.answers {
            let hosts = tables.hosts(&record.hosts)?;
            ungroup(&mut ask.answers, hosts, &answer(&record, tables)?)?;
        }
        Ok(ask)
    }
}

fn token(ask: &Ask, batch: u32, attempt: u32) -> Token {
    Token {
        deployment: ask.deployment.clone(),
        generation: ask.generation,
        action: ask.action,
        wave: ask.wave,
        batch,
        attempt,
    }
}

fn pack_waiting(ask: &Ask, packer: &mut Packer) -> Vec<WaitingRecord> {
    let said = ask.waiting.iter().map(|(host, attempt)| (*attempt, host));
    grouped(said)
        .into_iter()
        .map(|(attempt, hosts)| WaitingRecord {
            attempt,
            hosts: packer.hosts(hosts),
        })
        .collect()
}

fn pack_answers(ask: &Ask, packer: &mut Packer) -> Vec<AnswerRecord> {
    let said = ask.answers.iter().map(|(host, answer)| {
        let key = match answer {
            Answer::Done => (AnswerWord::Done, None),
            Answer::Failed(failure) => (AnswerWord::Failed, Some(packer.failure(failure))),
            Answer::Unreachable(failure) => {
                (AnswerWord::Unreachable, Some(packer.failure(failure)))
            }
        };
        (key, host)
    });
    grouped(said)
        .into_iter()
        .map(|((answer, failure), hosts)| AnswerRecord {
            answer,
            failure,
            hosts: packer.hosts(hosts),
        })
        .collect()
}

fn answer(record: &AnswerRecord, tables: &Unpacker) -> Result<Answer, RecordError> {
    match (record.answer, record.failure) {
        (AnswerWord::Done, None) => Ok(Answer::Done),
        (AnswerWord::Failed, Some(number)) => Ok(Answer::Failed(tables.failure(number)?)),
        (AnswerWord::Unreachable, Some(number)) => Ok(Answer::Unreachable(tables.failure(number)?)),
        (AnswerWord::Done, Some(_)) | (AnswerWord::Failed | AnswerWord::Unreachable, None) => {
            Err(RecordError::new("an answer that does not fit its failure"))
        }
    }
}

impl CommandRecord {
    fn pack(command: &Command, packer: &mut Packer) -> Self {
        Self {
            batch: command.token.batch,
            attempt: command.token.attempt,
            hosts: packer.hosts(&command.hosts),
            status: match &command.status {
                CommandStatus::Planned { due } => StatusRecord::Planned {
                    due_ms: due.as_unix_ms(),
                },
                CommandStatus::Sending { since } => StatusRecord::Sending {
                    since_ms: since.as_unix_ms(),
                },
                CommandStatus::Sent { command } => StatusRecord::Sent {
                    command: command.to_string(),
                },
            },
        }
    }

    fn unpack(self, ask: &Ask, tables: &Unpacker) -> Result<Command, RecordError> {
        Ok(Command {
            token: token(ask, self.batch, self.attempt),
            hosts: tables.hosts(&self.hosts)?,
            status: match self.status {
                StatusRecord::Planned { due_ms } => CommandStatus::Planned {
                    due: Timestamp::from_unix_ms(due_ms),
                },
                StatusRecord::Sending { since_ms } => CommandStatus::Sending {
                    since: Timestamp::from_unix_ms(since_ms),
                },
                StatusRecord::Sent { command } => CommandStatus::Sent {
                    command: CommandId::parse(&command)?,
                },
            },
        })
    }
}

/// [`Rounds`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoundsRecord {
    deadline_ms: u64,
    begun: u32,
    failures: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    passes: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_failure: Option<FailureRecord>,
    round: RoundRecord,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum RoundRecord {
    Due { at_ms: u64 },
    Asking { ask: AskRecord, probe: ProbeRecord },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ProbeRecord {
    NotConfigured,
    Wanted,
    Passed,
    Inconclusive(FailureRecord),
    Failed(FailureRecord),
}

/// Whether a number is left out of the record, as records were written before it was counted.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl RoundsRecord {
    pub(super) fn pack(rounds: &Rounds, packer: &mut Packer) -> Result<Self, RecordError> {
        Ok(Self {
            deadline_ms: rounds.deadline.as_unix_ms(),
            begun: rounds.begun,
            failures: rounds.failures,
            passes: rounds.passes,
            last_failure: rounds.last_failure.as_ref().map(FailureRecord::from),
            round: match &rounds.round {
                Round::Due(at) => RoundRecord::Due {
                    at_ms: at.as_unix_ms(),
                },
                Round::Asking { ask, judging } => RoundRecord::Asking {
                    ask: AskRecord::pack(ask, packer)?,
                    probe: judging.into(),
                },
            },
        })
    }

    pub(super) fn unpack(self, tables: &Unpacker) -> Result<Rounds, RecordError> {
        Ok(Rounds {
            deadline: Timestamp::from_unix_ms(self.deadline_ms),
            begun: self.begun,
            failures: self.failures,
            passes: self.passes,
            last_failure: self.last_failure.map(TryInto::try_into).transpose()?,
            round: match self.round {
                RoundRecord::Due { at_ms } => Round::Due(Timestamp::from_unix_ms(at_ms)),
                RoundRecord::Asking { ask, probe } => Round::Asking {
                    ask: ask.unpack(tables)?,
                    judging: probe.try_into()?,
                },
            },
        })
    }
}

impl From<&Judging> for ProbeRecord {
    fn from(judging: &Judging) -> Self {
        match judging {
            Judging::NotConfigured => Self::NotConfigured,
            Judging::Wanted => Self::Wanted,
            Judging::Passed => Self::Passed,
            Judging::Inconclusive(failure) => Self::Inconclusive(failure.into()),
            Judging::Failed(failure) => Self::Failed(failure.into()),
        }
    }
}

impl TryFrom<ProbeRecord> for Judging {
    type Error = RecordError;

    fn try_from(record: ProbeRecord) -> Result<Self, RecordError> {
        Ok(match record {
            ProbeRecord::NotConfigured => Self::NotConfigured,
            ProbeRecord::Wanted => Self::Wanted,
            ProbeRecord::Passed => Self::Passed,
            ProbeRecord::Inconclusive(failure) => Self::Inconclusive(failure.try_into()?),
            ProbeRecord::Failed(failure) => Self::Failed(failure.try_into()?),
        })
    }
}
