//! The states of a deployment. Data lives in the variant where it is true.

use crate::ask::Ask;
use crate::command::Heard;
use crate::failure::Failure;
use crate::ids::{DeploymentId, Generation, HostId};
use crate::migrations::{Migrations, Verdict};
use crate::people::Said;
use crate::release::{DocumentPin, Release};
use crate::rounds::Rounds;
use crate::time::Timestamp;
use crate::times::{Task, Times};
use std::collections::{BTreeMap, BTreeSet};

/// Where a deployment is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Every host is prepared and none has moved; people must say yes to the plan first. The slot is free meanwhile.
    AwaitingApproval {
        /// When the request expires.
        deadline: Timestamp,
        /// What was frozen and found: the plan.
        run: Run,
    },
    /// It waits for its turn.
    Queued {
        /// When it has waited too long.
        deadline: Timestamp,
        /// The plan that people have said yes to; nothing else may be done.
        approved: Option<Run>,
    },
    /// It holds the slot and is at work.
    Active {
        /// What was frozen at the start, and how each host stands.
        run: Run,
        /// What is being done.
        phase: Phase,
    },
    /// It is over.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// What it had done until then; `None` when it never started.
        run: Option<Run>,
        /// When it ended.
        at: Timestamp,
    },
}

/// What an active deployment is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Every host puts the release on its disk.
    Preparing(Ask),
    /// One leader host runs the migrations; or takes back those of what is live, where an operator goes back.
    Migrating(Ask),
    /// The hosts of a wave switch.
    Activating(Ask),
    /// The hosts switched so far are looked at in rounds.
    Verifying {
        /// The wave that was switched last.
        wave: u32,
        /// Since a round has passed: a round that passes at this time or later ends the bake between this wave and the next.
        until: Option<Timestamp>,
        /// The rounds.
        rounds: Rounds,
    },
    /// Every host is watched for a while.
    Baking {
        /// A round that passes at this time or later ends the bake.
        until: Timestamp,
        /// The rounds.
        rounds: Rounds,
    },
    /// The host that ran the migrations takes them back, before any host switches back.
    Unmigrating {
        /// Why there is a rollback.
        cause: Failure,
        /// The question to the host.
        ask: Ask,
    },
    /// The hosts that moved switch back.
    RollingBack {
        /// Why.
        cause: Failure,
        /// The question to the hosts.
        ask: Ask,
    },
    /// The hosts that were switched back are looked at in rounds.
    VerifyingRollback {
        /// Why there was a rollback.
        cause: Failure,
        /// The rounds.
        rounds: Rounds,
    },
}

/// How a deployment ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every host is proven, or excused by policy.
    Succeeded,
    /// No host moved.
    Failed(Failure),
    /// Every host that moved serves the last proven release again.
    RolledBack(Failure),
    /// Some host could not be restored; a person must act.
    RollbackFailed(Failure),
    /// A person refused it.
    Rejected(Said),
    /// It waited too long for an approval or for its turn.
    Expired(Failure),
    /// A newer deployment took its place.
    Superseded(DeploymentId),
    /// A person stopped it before any host moved.
    Cancelled(Said),
}

/// How one host stands. At the end this is its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nothing was done yet.
    Untouched,
    /// The release is on its disk.
    Prepared,
    /// It was seen to serve the new release.
    Proven,
    /// It tried and failed, or refused.
    Failed(Failure),
    /// It could not be reached.
    Unreachable(Failure),
    /// It could not be reached, and policy lets the deployment go on without it.
    Excused(Failure),
    /// It was seen to serve the last proven release again.
    Restored,
}

/// What was frozen when the deployment started, and how each host stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// The generation that the hosts check.
    pub generation: Generation,
    /// The release it moves to.
    pub release: Release,
    /// The document that all its commands name.
    pub document: DocumentPin,
    /// The release to go back to.
    pub previous: Option<Release>,
    /// The target set, cut into waves.
    pub waves: Vec<Vec<HostId>>,
    /// How each host stands.
    pub hosts: BTreeMap<HostId, Standing>,
    /// Hosts that were asked to switch; each may have done so, whatever it answered.
    pub moved: BTreeSet<HostId>,
    /// The rounds of verification there have been on the way forward; numbers the next, so that no token is used twice.
    pub rounds: u32,
    /// What was found of migrations; `None` when no host could judge them.
    pub migrations: Option<Migrations>,
    /// How long hosts took, as far as they told it.
    pub times: Times,
    /// When it started.
    pub started_at: Timestamp,
}

impl State {
    /// Every state's name, in the order of the documentation.
    pub const NAMES: [&'static str; 18] = [
        "AwaitingApproval",
        "Queued",
        "Preparing",
        "Migrating",
        "Activating",
        "Verifying",
        "Baking",
        "Unmigrating",
        "RollingBack",
        "VerifyingRollback",
        "Succeeded",
        "Failed",
        "RolledBack",
        "RollbackFailed",
        "Rejected",
        "Expired",
        "Superseded",
        "Cancelled",
    ];

    /// The state's name, the same in the table, logs, messages and docs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AwaitingApproval { .. } => "AwaitingApproval",
            Self::Queued { .. } => "Queued",
            Self::Active { phase, .. } => phase.name(),
            Self::Ended { outcome, .. } => outcome.name(),
        }
    }

    /// When it ended; `None` while it goes on.
    #[must_use]
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Ended { at, .. } => Some(*at),
            Self::AwaitingApproval { .. } | Self::Queued { .. } | Self::Active { .. } => None,
        }
    }

    /// Why it did not succeed, or why it is on its way back; `None` where nothing has failed so far.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Ended { outcome, .. } => outcome.failure(),
            Self::Active { phase, .. } => match phase {
                Phase::Unmigrating { cause, .. }
                | Phase::RollingBack { cause, .. }
                | Phase::VerifyingRollback { cause, .. } => Some(cause),
                Phase::Preparing(_)
                | Phase::Migrating(_)
                | Phase::Activating(_)
                | Phase::Verifying { .. }
                | Phase::Baking { .. } => None,
            },
            Self::AwaitingApproval { .. } | Self::Queued { .. } => None,
        }
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Ended { .. })
    }

    /// The run, once there is one: at work, over, or as the plan that is waited with.
    #[must_use]
    pub const fn run(&self) -> Option<&Run> {
        match self {
            Self::AwaitingApproval { run, .. } | Self::Active { run, .. } => Some(run),
            Self::Queued { approved, .. } => approved.as_ref(),
            Self::Ended { run, .. } => run.as_ref(),
        }
    }

    /// The time after which this state gives up; `None` only for an end.
    #[must_use]
    pub const fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::AwaitingApproval { deadline, .. } | Self::Queued { deadline, .. } => {
                Some(*deadline)
            }
            Self::Active { phase, .. } => Some(phase.deadline()),
            Self::Ended { .. } => None,
        }
    }
}

impl Phase {
    /// The phase's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Preparing(_) => "Preparing",
            Self::Migrating(_) => "Migrating",
            Self::Activating(_) => "Activating",
            Self::Verifying { .. } => "Verifying",
            Self::Baking { .. } => "Baking",
            Self::Unmigrating { .. } => "Unmigrating",
            Self::RollingBack { .. } => "RollingBack",
            Self::VerifyingRollback { .. } => "VerifyingRollback",
        }
    }

    /// What hosts are timed at in it; `None` where they are only looked at.
    #[must_use]
    pub const fn task(&self) -> Option<Task> {
        match self {
            Self::Preparing(_) => Some(Task::Prepare),
            Self::Migrating(_) => Some(Task::Migrate),
            Self::Activating(_) => Some(Task::Activate),
            Self::Unmigrating { .. } => Some(Task::Unmigrate),
            Self::RollingBack { .. } => Some(Task::Restore),
            Self::Verifying { .. } | Self::Baking { .. } | Self::VerifyingRollback { .. } => None,
        }
    }

    /// The time after which this phase gives up.
    #[must_use]
    pub const fn deadline(&self) -> Timestamp {
        match self {
            Self::Preparing(ask)
            | Self::Migrating(ask)
            | Self::Activating(ask)
            | Self::Unmigrating { ask, .. }
            | Self::RollingBack { ask, .. } => ask.deadline,
            Self::Verifying { rounds, .. }
            | Self::Baking { rounds, .. }
            | Self::VerifyingRollback { rounds, .. } => rounds.deadline,
        }
    }

    /// The question that hosts are being asked, if any.
    #[must_use]
    pub const fn ask(&self) -> Option<&Ask> {
        match self {
            Self::Preparing(ask)
            | Self::Migrating(ask)
            | Self::Activating(ask)
            | Self::Unmigrating { ask, .. }
            | Self::RollingBack { ask, .. } => Some(ask),
            Self::Verifying { rounds, .. }
            | Self::Baking { rounds, .. }
            | Self::VerifyingRollback { rounds, .. } => rounds.ask(),
        }
    }
}

impl Phase {
    /// The question that hosts are being asked, to be changed in place.
    pub(crate) const fn ask_mut(&mut self) -> Option<&mut Ask> {
        match self {
            Self::Preparing(ask)
            | Self::Migrating(ask)
            | Self::Activating(ask)
            | Self::Unmigrating { ask, .. }
            | Self::RollingBack { ask, .. } => Some(ask),
            Self::Verifying { rounds, .. }
            | Self::Baking { rounds, .. }
            | Self::VerifyingRollback { rounds, .. } => rounds.ask_mut(),
        }
    }
}

impl Outcome {
    /// Every outcome's name, in the order of the documentation.
    pub const NAMES: [&'static str; 8] = [
        "Succeeded",
        "Failed",
        "RolledBack",
        "RollbackFailed",
        "Rejected",
        "Expired",
        "Superseded",
        "Cancelled",
    ];

    /// The outcome's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed(_) => "Failed",
            Self::RolledBack(_) => "RolledBack",
            Self::RollbackFailed(_) => "RollbackFailed",
            Self::Rejected(_) => "Rejected",
            Self::Expired(_) => "Expired",
            Self::Superseded(_) => "Superseded",
            Self::Cancelled(_) => "Cancelled",
        }
    }

    /// Why it did not succeed, where there is a failure to tell.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure)
            | Self::RolledBack(failure)
            | Self::RollbackFailed(failure)
            | Self::Expired(failure) => Some(failure),
            Self::Succeeded | Self::Rejected(_) | Self::Superseded(_) | Self::Cancelled(_) => None,
        }
    }
}

impl Standing {
    /// The verdict's word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Prepared => "prepared",
            Self::Proven => "proven",
            Self::Failed(_) => "failed",
            Self::Unreachable(_) => "unreachable",
            Self::Excused(_) => "excused",
            Self::Restored => "restored",
        }
    }

    /// Why, for the standings that have a reason.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) | Self::Unreachable(failure) | Self::Excused(failure) => {
                Some(failure)
            }
            Self::Untouched | Self::Prepared | Self::Proven | Self::Restored => None,
        }
    }
}

impl Run {
    /// Notes what a host told of its time.
    pub(crate) fn clock(&mut self, task: Option<Task>, heard: &Heard, now: Timestamp) {
        if let (Some(task), Some(time)) = (task, heard.took) {
            self.times.note(task, &heard.host, time, now);
        }
    }

    /// The hosts that stand like this.
    pub(crate) fn standing_as(&self, wanted: &Standing) -> impl Iterator<Item = HostId> {
        let wanted = wanted.clone();
        let stands = self.hosts.iter().filter(move |(_, s)| **s == wanted);
        stands.map(|(host, _)| host.clone())
    }

    /// The target set without the hosts that policy excused, in the order of the waves.
    #[must_use]
    pub fn in_service(&self) -> Vec<HostId> {
        self.waves
            .iter()
            .flatten()
            .filter(|host| !matches!(self.hosts.get(*host), Some(Standing::Excused(_))))
            .cloned()
            .collect()
    }

    /// The hosts of one wave without the excused ones.
    #[must_use]
    pub fn wave(&self, index: u32) -> Vec<HostId> {
        let wave = usize::try_from(index)
            .ok()
            .and_then(|index| self.waves.get(index));
        wave.into_iter()
            .flatten()
            .filter(|host| !matches!(self.hosts.get(*host), Some(Standing::Excused(_))))
            .cloned()
            .collect()
    }

    /// The wave of a host; `None` for one that is not in the target set.
    #[must_use]
    pub fn wave_of(&self, host: &HostId) -> Option<u32> {
        let wave = self.waves.iter().position(|hosts| hosts.contains(host))?;
        u32::try_from(wave).ok()
    }

    /// The hosts of one wave that were not asked to switch yet, without the excused ones.
    #[must_use]
    pub fn unmoved(&self, index: u32) -> Vec<HostId> {
        let mut hosts = self.wave(index);
        hosts.retain(|host| !self.moved.contains(host));
        hosts
    }

    /// How many hosts are not known to serve: they could not be reached, have failed, or are being switched.
    #[must_use]
    pub fn away(&self) -> usize {
        let hosts = self.hosts.iter();
        hosts.filter(|(host, s)| self.is_away(host, s)).count()
    }

    fn is_away(&self, host: &HostId, standing: &Standing) -> bool {
        match standing {
            Standing::Untouched | Standing::Prepared => self.moved.contains(host),
            Standing::Proven | Standing::Restored => false,
            Standing::Failed(_) | Standing::Unreachable(_) | Standing::Excused(_) => true,
        }
    }

    /// The hosts that moved and are still known to serve the new release.
    pub(crate) fn moved_and_proven(&self) -> Vec<HostId> {
        let proven = |host: &&HostId| self.hosts.get(*host) == Some(&Standing::Proven);
        self.moved.iter().filter(proven).cloned().collect()
    }

    /// The host that runs the migrations: the one that judged them, or the first in service where none could.
    #[must_use]
    pub fn leader(&self) -> Option<HostId> {
        let in_service = self.in_service();
        let judge = self.migrations.as_ref().map(|m| &m.leader);
        let judge = judge.filter(|host| in_service.contains(host)).cloned();
        judge.or_else(|| in_service.into_iter().next())
    }

    /// The verdict on the migrations that have run; `None` when none has, or none was judged.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let applied = self.migrations.as_ref().filter(|m| m.are_applied);
        applied.map(|migrations| migrations.found.verdict)
    }

    /// The hosts that were asked to switch, without the excused ones.
    #[must_use]
    pub fn switched(&self) -> Vec<HostId> {
        let excused = |host: &&HostId| !matches!(self.hosts.get(*host), Some(Standing::Excused(_)));
        self.moved.iter().filter(excused).cloned().collect()
    }
}
