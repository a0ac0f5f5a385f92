//! States with what is frozen in them, stored.

use super::RecordError;
use super::ask::{AskRecord, RoundsRecord};
use super::people::SaidRecord;
use super::tables::{Packer, Places, Unpacker, grouped, ungroup};
use super::words::{DocumentRecord, FailureRecord, ReleaseRecord, VerdictWord};
use longshore_core::{
    DeploymentId, Found, Generation, HostId, Migrations, Millis, Outcome, Phase, Release, Run,
    Standing, State, Task, Times, Timestamp, Verdict,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// [`State`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum StateRecord {
    AwaitingApproval {
        deadline_ms: u64,
        /// Before plans were kept people were asked first and hosts prepared later. Such a one begins anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunRecord>,
    },
    Queued {
        deadline_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved: Option<RunRecord>,
    },
    Active {
        run: RunRecord,
        phase: PhaseRecord,
    },
    Ended {
        outcome: OutcomeRecord,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunRecord>,
        at_ms: u64,
    },
}

/// [`Phase`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum PhaseRecord {
    Preparing {
        ask: AskRecord,
    },
    Migrating {
        ask: AskRecord,
    },
    Activating {
        ask: AskRecord,
    },
    Verifying {
        wave: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<u64>,
        rounds: RoundsRecord,
    },
    Baking {
        until_ms: u64,
        rounds: RoundsRecord,
    },
    Unmigrating {
        cause: FailureRecord,
        ask: AskRecord,
    },
    RollingBack {
        cause: FailureRecord,
        ask: AskRecord,
    },
    VerifyingRollback {
        cause: FailureRecord,
        rounds: RoundsRecord,
    },
}

/// [`Outcome`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutcomeRecord {
    Succeeded,
    Failed(FailureRecord),
    RolledBack(FailureRecord),
    RollbackFailed(FailureRecord),
    Rejected(SaidRecord),
    Expired(FailureRecord),
    Superseded(String),
    Cancelled(SaidRecord),
}

/// [`Run`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunRecord {
    generation: u64,
    release: ReleaseRecord,
    document: DocumentRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<ReleaseRecord>,
    waves: Vec<Places>,
    standings: Vec<StandingRecord>,
    moved: Places,
    rounds: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    migrations: Option<MigrationsRecord>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    times: TimesRecord,
    started_at_ms: u64,
}

/// The times that hosts took for a task: of those that were heard at once, when that was, counted from the start, which hosts they
/// are, and their times in that order. A straggler is heard alone, so that this must be short.
type TimesRecord = BTreeMap<TaskWord, Vec<(i64, Places, Vec<u64>)>>;

/// [`Task`], stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TaskWord {
    Prepare,
    Migrate,
    Activate,
    Unmigrate,
    Restore,
}

/// [`Migrations`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MigrationsRecord {
    leader: String,
    verdict: VerdictWord,
    is_allowed: bool,
    count: u32,
    findings: Vec<String>,
    are_applied: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StandingWord {
    Untouched,
    Prepared,
    Proven,
    Failed,
    Unreachable,
    Excused,
    Restored,
}

/// Hosts that stand the same.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StandingRecord {
    standing: StandingWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<u32>,
    hosts: Places,
}

impl StateRecord {
    pub(super) fn pack(state: &State, packer: &mut Packer) -> Result<Self, RecordError> {
        Ok(match state {
            State::AwaitingApproval { deadline, run } => Self::AwaitingApproval {
                deadline_ms: deadline.as_unix_ms(),
                run: Some(RunRecord::pack(run, packer)),
            },
            State::Queued { deadline, approved } => Self::Queued {
                deadline_ms: deadline.as_unix_ms(),
                approved: approved.as_ref().map(|run| RunRecord::pack(run, packer)),
            },
            State::Active { run, phase } => Self::Active {
                run: RunRecord::pack(run, packer),
                phase: PhaseRecord::pack(phase, packer)?,
            },
            State::Ended { outcome, run, at } => Self::Ended {
                outcome: outcome.into(),
                run: run.as_ref().map(|run| RunRecord::pack(run, packer)),
                at_ms: at.as_unix_ms(),
            },
        })
    }

    pub(super) fn unpack(self, tables: &Unpacker) -> Result<State, RecordError> {
        Ok(match self {
            Self::AwaitingApproval {
                deadline_ms,
                run: Some(run),
            } => State::AwaitingApproval {
                deadline: Timestamp::from_unix_ms(deadline_ms),
                run: run.unpack(tables)?,
            },
            Self::AwaitingApproval {
                deadline_ms,
                run: None,
            } => State::Queued {
                deadline: Timestamp::from_unix_ms(deadline_ms),
                approved: None,
            },
            Self::Queued {
                deadline_ms,
                approved,
            } => State::Queued {
                deadline: Timestamp::from_unix_ms(deadline_ms),
                approved: approved.map(|run| run.unpack(tables)).transpose()?,
            },
            Self::Active { run, phase } => State::Active {
                run: run.unpack(tables)?,
                phase: phase.unpack(tables)?,
            },
            Self::Ended {
                outcome,
                run,
                at_ms,
            } => State::Ended {
                outcome: outcome.try_into()?,
                run: run.map(|run| run.unpack(tables)).transpose()?,
                at: Timestamp::from_unix_ms(at_ms),
            },
        })
    }
}

impl PhaseRecord {
    fn pack(phase: &Phase, packer: &mut Packer) -> Result<Self, RecordError> {
        Ok(match phase {
            Phase::Preparing(ask) => Self::Preparing {
                ask: AskRecord::pack(ask, packer)?,
            },
            Phase::Migrating(ask) => Self::Migrating {
                ask: AskRecord::pack(ask, packer)?,
            },
            Phase::Activating(ask) => Self::Activating {
                ask: AskRecord::pack(ask, packer)?,
            },
            Phase::Verifying {
                wave,
                until,
                rounds,
            } => Self::Verifying {
                wave: *wave,
                until_ms: until.map(Timestamp::as_unix_ms),
                rounds: RoundsRecord::pack(rounds, packer)?,
            },
            Phase::Baking { until, rounds } => Self::Baking {
                until_ms: until.as_unix_ms(),
                rounds: RoundsRecord::pack(rounds, packer)?,
            },
            Phase::Unmigrating { cause, ask } => Self::Unmigrating {
                cause: cause.into(),
                ask: AskRecord::pack(ask, packer)?,
            },
            Phase::RollingBack { cause, ask } => Self::RollingBack {
                cause: cause.into(),
                ask: AskRecord::pack(ask, packer)?,
            },
            Phase::VerifyingRollback { cause, rounds } => Self::VerifyingRollback {
                cause: cause.into(),
                rounds: RoundsRecord::pack(rounds, packer)?,
            },
        })
    }

    fn unpack(self, tables: &Unpacker) -> Result<Phase, RecordError> {
        Ok(match self {
            Self::Preparing { ask } => Phase::Preparing(ask.unpack(tables)?),
            Self::Migrating { ask } => Phase::Migrating(ask.unpack(tables)?),
            Self::Activating { ask } => Phase::Activating(ask.unpack(tables)?),
            Self::Verifying {
                wave,
                until_ms,
                rounds,
            } => Phase::Verifying {
                wave,
                until: until_ms.map(Timestamp::from_unix_ms),
                rounds: rounds.unpack(tables)?,
            },
            Self::Baking { until_ms, rounds } => Phase::Baking {
                until: Timestamp::from_unix_ms(until_ms),
                rounds: rounds.unpack(tables)?,
            },
            Self::Unmigrating { cause, ask } => Phase::Unmigrating {
                cause: cause.try_into()?,
                ask: ask.unpack(tables)?,
            },
            Self::RollingBack { cause, ask } => Phase::RollingBack {
                cause: cause.try_into()?,
                ask: ask.unpack(tables)?,
            },
            Self::VerifyingRollback { cause, rounds } => Phase::VerifyingRollback {
                cause: cause.try_into()?,
                rounds: rounds.unpack(tables)?,
            },
        })
    }
}

impl From<&Outcome> for OutcomeRecord {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Succeeded,
            Outcome::Failed(failure) => Self::Failed(failure.into()),
            Outcome::RolledBack(failure) => Self::RolledBack(failure.into()),
            Outcome::RollbackFailed(failure) => Self::RollbackFailed(failure.into()),
            Outcome::Rejected(said) => Self::Rejected(said.into()),
            Outcome::Expired(failure) => Self::Expired(failure.into()),
            Outcome::Superseded(by) => Self::Superseded(by.to_string()),
            Outcome::Cancelled(said) => Self::Cancelled(said.into()),
        }
    }
}

impl TryFrom<OutcomeRecord> for Outcome {
    type Error = RecordError;

    fn try_from(record: OutcomeRecord) -> Result<Self, RecordError> {
        Ok(match record {
            OutcomeRecord::Succeeded => Self::Succeeded,
            OutcomeRecord::Failed(failure) => Self::Failed(failure.try_into()?),
            OutcomeRecord::RolledBack(failure) => Self::RolledBack(failure.try_into()?),
            OutcomeRecord::RollbackFailed(failure) => Self::RollbackFailed(failure.try_into()?),
            OutcomeRecord::Rejected(said) => Self::Rejected(said.try_into()?),
            OutcomeRecord::Expired(failure) => Self::Expired(failure.try_into()?),
            OutcomeRecord::Superseded(by) => Self::Superseded(DeploymentId::parse(&by)?),
            OutcomeRecord::Cancelled(said) => Self::Cancelled(said.try_into()?),
        })
    }
}

impl RunRecord {
    fn pack(run: &Run, packer: &mut Packer) -> Self {
        // The waves come first: their order becomes the order of the table, which makes all other places ranges.
        let waves = run.waves.iter().map(|wave| packer.hosts(wave)).collect();
        Self {
            generation: run.generation.number(),
            release: (&run.release).into(),
            document: (&run.document).into(),
            previous: run.previous.as_ref().map(ReleaseRecord::from),
            waves,
            standings: pack_standings(&run.hosts, packer),
            moved: packer.hosts(&run.moved),
            rounds: run.rounds,
            migrations: run.migrations.as_ref().map(MigrationsRecord::from),
            times: pack_times(run, packer),
            started_at_ms: run.started_at.as_unix_ms(),
        }
    }

    fn unpack(self, tables: &Unpacker) -> Result<Run, RecordError> {
        let mut hosts = BTreeMap::new();
        for record in &self.standings {
            ungroup(
                &mut hosts,
                tables.hosts(&record.hosts)?,
                &standing(record, tables)?,
            )?;
        }
        let waves = self.waves.iter().map(|wave| tables.hosts(wave));
        Ok(Run {
            generation: Generation::new(self.generation),
            release: self.release.try_into()?,
            document: self.document.into(),
            previous: self.previous.map(Release::try_from).transpose()?,
            waves: waves.collect::<Result<_, _>>()?,
            hosts,
            moved: tables.hosts(&self.moved)?.into_iter().collect(),
            rounds: self.rounds,
            migrations: self.migrations.map(Migrations::try_from).transpose()?,
            times: unpack_times(self.times, self.started_at_ms, tables)?,
            started_at: Timestamp::from_unix_ms(self.started_at_ms),
        })
    }
}

impl From<&Migrations> for MigrationsRecord {
    fn from(migrations: &Migrations) -> Self {
        let found = &migrations.found;
        Self {
            leader: migrations.leader.to_string(),
            verdict: found.verdict.into(),
            is_allowed: found.is_allowed,
            count: found.count,
            findings: found.findings().to_vec(),
            are_applied: migrations.are_applied,
        }
    }
}

impl TryFrom<MigrationsRecord> for Migrations {
    type Error = RecordError;

    fn try_from(record: MigrationsRecord) -> Result<Self, RecordError> {
        let findings = record.findings.iter().map(String::as_str);
        let verdict = Verdict::from(record.verdict);
        Ok(Self {
            leader: HostId::parse(&record.leader)?,
            found: Found::new(verdict, record.is_allowed, record.count, findings),
            are_applied: record.are_applied,
        })
    }
}

fn pack_times(run: &Run, packer: &mut Packer) -> TimesRecord {
    let mut records = TimesRecord::new();
    for task in Task::ALL {
        let told = run.times.of(task).map(|(host, took)| (took.heard, host));
        for (heard, hosts) in grouped(told) {
            let took = hosts
                .iter()
                .filter_map(|host| run.times.of_host(task, host));
            let took = took.map(|took| took.time.as_ms()).collect();
            let since = heard.as_unix_ms().cast_signed();
            let since = since.saturating_sub(run.started_at.as_unix_ms().cast_signed());
            let of_task = records.entry(task_word(task)).or_default();
            of_task.push((since, packer.hosts(hosts), took));
        }
    }
    records
}

fn unpack_times(
    records: TimesRecord,
    started_at_ms: u64,
    tables: &Unpacker,
) -> Result<Times, RecordError> {
    let mut times = Times::default();
    for (word, records) in records {
        let task = task_of(word);
        for (since, places, took) in records {
            let hosts = tables.hosts(&places)?;
            if hosts.len() != took.len() {
                return Err(RecordError::new("times that do not fit their hosts"));
            }
            let heard = Timestamp::from_unix_ms(started_at_ms.saturating_add_signed(since));
            for (host, took) in hosts.iter().zip(took) {
                if times.of_host(task, host).is_some() {
                    return Err(RecordError::new("a host with two times for one task"));
                }
                times.note(task, host, Millis::new(took), heard);
            }
        }
    }
    Ok(times)
}

const fn task_word(task: Task) -> TaskWord {
    match task {
        Task::Prepare => TaskWord::Prepare,
        Task::Migrate => TaskWord::Migrate,
        Task::Activate => TaskWord::Activate,
        Task::Unmigrate => TaskWord::Unmigrate,
        Task::Restore => TaskWord::Restore,
    }
}

const fn task_of(word: TaskWord) -> Task {
    match word {
        TaskWord::Prepare => Task::Prepare,
        TaskWord::Migrate => Task::Migrate,
        TaskWord::Activate => Task::Activate,
        TaskWord::Unmigrate => Task::Unmigrate,
        TaskWord::Restore => Task::Restore,
    }
}

fn pack_standings(
    standings: &BTreeMap<HostId, Standing>,
    packer: &mut Packer,
) -> Vec<StandingRecord> {
    let said = standings.iter().map(|(host, standing)| {
        let failure = standing.failure().map(|failure| packer.failure(failure));
        ((standing_word(standing), failure), host)
    });
    grouped(said)
        .into_iter()
        .map(|((standing, failure), hosts)| StandingRecord {
            standing,
            failure,
            hosts: packer.hosts(hosts),
        })
        .collect()
}

const fn standing_word(standing: &Standing) -> StandingWord {
    match standing {
        Standing::Untouched => StandingWord::Untouched,
        Standing::Prepared => StandingWord::Prepared,
        Standing::Proven => StandingWord::Proven,
        Standing::Failed(_) => StandingWord::Failed,
        Standing::Unreachable(_) => StandingWord::Unreachable,
        Standing::Excused(_) => StandingWord::Excused,
        Standing::Restored => StandingWord::Restored,
    }
}

fn standing(record: &StandingRecord, tables: &Unpacker) -> Result<Standing, RecordError> {
    let plain = |standing| match record.failure {
        None => Ok(standing),
        Some(_) => Err(RecordError::new("a failure of a host that has none")),
    };
    let failure = || {
        let number = record.failure.map(|number| tables.failure(number));
        number.unwrap_or_else(|| Err(RecordError::new("a failed host without a failure")))
    };
    match record.standing {
        StandingWord::Untouched => plain(Standing::Untouched),
        StandingWord::Prepared => plain(Standing::Prepared),
        StandingWord::Proven => plain(Standing::Proven),
        StandingWord::Failed => Ok(Standing::Failed(failure()?)),
        StandingWord::Unreachable => Ok(Standing::Unreachable(failure()?)),
        StandingWord::Excused => Ok(Standing::Excused(failure()?)),
        StandingWord::Restored => plain(Standing::Restored),
    }
}
