//! What one configuration of the model holds: how many hosts, which pushes, which faults, and, to prove that the net
//! catches, which mistake is built into the mirror of the shell or of the host.

use crate::kept::{Kept, Memo};
use crate::look::Folded;
use longshore_core::{
    AppName, Channel, Commit, Deployment, DeploymentId, DocumentPin, EnvironmentName, Generation,
    HealthPolicy, HostId, Kind, Live, Millis, NoData, Origin, ParameterName, Person, PlanDigest,
    Policy, Reason, Release, ReleaseId, Repository, Route, Said, Slot, Timestamp, Verdict, Via,
    Vote, WaveSize,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The time of every state. After a jump of the clock all other times move instead, so that two worlds that differ only
/// in when they are count as one.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000);

/// How a commit behaves on the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// It builds, starts and is healthy.
    Good,
    /// Its build fails.
    BuildFails,
    /// Its activation ends with a failed health check.
    HealthFails,
    /// Its activation is proven, and every later look finds it sick.
    TurnsSick,
}

/// One push: where the branch was, where it is, and how the new commit behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Push {
    pub(crate) old: char,
    pub(crate) new: char,
    pub(crate) behaviour: Behaviour,
}

/// What a person may do, once each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Operation {
    /// Says yes to the plan.
    Approve,
    /// Says yes to the plan of another deployment, which was seen before.
    ApproveAnother,
    /// Says no.
    Refuse,
    /// Asks to stop.
    Cancel,
    /// Holds the app for a while.
    Lock,
    /// Takes the lock away.
    Unlock,
    /// Lets the commit of a push in again that was rolled back.
    Clear,
}

/// A mistake that is built in on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A write of a deployment does not name the version it replaces.
    DeploymentWrittenWithoutItsVersion,
    /// A write of the slot does not name the version it replaces.
    SlotWrittenWithoutItsVersion,
    /// A command is sent before its claim is on record.
    SentBeforeTheClaim,
    /// A command that is being sent is searched before the settling time is over.
    SettlingNotAwaited,
    /// Whoever slept after its claim sends all the same.
    SleeperSends,
    /// A command whose reply was lost counts as missing without a search.
    LostCommandNotSearched,
    /// The slot is not freed by the write that ends a deployment.
    EndLeavesTheSlot,
    /// A waiting deployment is replaced, but not ended as superseded.
    SupersededNotEnded,
    /// A start does not ask whether its commit was rolled back meanwhile.
    QuarantineNotAskedAtTheStart,
    /// A start takes what the last deployment brought for the release to go back to.
    PreviousIsTheLastTried,
    /// A message is struck off before it is delivered.
    StruckOffBeforeDelivery,
    /// Time that passes is not observed: no round begins, no deadline comes.
    TimeIsNotObserved,
    /// The host accepts a lower generation.
    HostAcceptsLowerGenerations,
    /// The host lets the same generation take effect again with each attempt.
    HostForgetsItsSwitch,
    /// A host does not move its processes, and answers what its ledger says instead of what is served.
    HostSaysWhatItsLedgerSays,
    /// The host takes a migration back although it had begun that before.
    HostTakesBackAgain,
}

/// One configuration.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The hosts, numbered from 1.
    pub(crate) hosts: u32,
    /// Pushes, each delivered once or more, in any order.
    pub(crate) pushes: Vec<Push>,
    /// Whether release `a` is live at the beginning.
    pub(crate) live: bool,
    /// Faults that cost something: of SSM, of an agent, of a host.
    pub(crate) faults: u8,
    /// Handlers at work at the same time.
    pub(crate) handlers: usize,
    /// What people may do.
    pub(crate) operations: Vec<Operation>,
    /// Whether agents may be killed within a run and run a command again.
    pub(crate) agents_die: bool,
    /// Whether SSM may throttle and refuse.
    pub(crate) ssm_refuses: bool,
    /// What the hosts find of the migrations, if they can judge any.
    pub(crate) verdict: Option<Verdict>,
    /// The limits.
    pub(crate) policy: Policy,
    /// The mistake, when one is built in.
    pub(crate) bug: Option<Bug>,
    /// What observations make of a deployment: `step` is pure, so it is asked once.
    pub(crate) folds: Arc<Memo<Folded>>,
    /// What a jump of the clock makes of a deployment.
    pub(crate) jumps: Arc<Memo<Kept<Deployment>>>,
}

impl Setup {
    /// These pushes on a live release, two handlers, and nothing that goes wrong but what costs nothing.
    pub(crate) fn new(hosts: u32, pushes: &[(char, char, Behaviour)]) -> Self {
        Self {
            hosts,
            pushes: pushes
                .iter()
                .map(|&(old, new, behaviour)| Push {
                    old,
                    new,
                    behaviour,
                })
                .collect(),
            live: true,
            faults: 0,
            handlers: 2,
            operations: Vec::new(),
            agents_die: false,
            ssm_refuses: false,
            verdict: None,
            policy: policy(),
            bug: None,
            folds: Arc::default(),
            jumps: Arc::default(),
        }
    }

    /// The same, with migrations that are judged so.
    pub(crate) fn migrates(mut self, verdict: Verdict) -> Self {
        self.policy.migrates = true;
        self.verdict = Some(verdict);
        self
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    pub(crate) fn with(mut self, bug: Bug) -> Self {
        self.bug = Some(bug);
        self
    }

    /// How a release behaves, by its commit, with which its id begins.
    pub(crate) fn behaviour(&self, release: &ReleaseId) -> Behaviour {
        let brought = |push: &&Push| release.as_str().starts_with(push.new);
        let push = self.pushes.iter().find(brought);
        push.map_or(Behaviour::Good, |push| push.behaviour)
    }

    /// The deployment that a push brings.
    pub(crate) fn accepted(&self, push: usize) -> Deployment {
        let origin = Origin {
            kind: Kind::Push,
            commit: commit_of(self.pushes[push].new),
            config_version: 1,
            by: None,
            at: NOW,
            reason: None,
            committed_at: None,
        };
        let repository = Repository::parse("acme/orders").unwrap();
        let environment = EnvironmentName::parse("prod").unwrap();
        let policy = self.policy.clone();
        Deployment::accept(id_of(push), app(), environment, repository, origin, policy)
    }

    /// The slot at the beginning.
    pub(crate) fn slot(&self) -> Slot {
        let mut slot = Slot::empty(app());
        if self.live {
            slot.generation = Generation::new(1);
            slot.live = Some(Live {
                release: release('a', 0),
                deployment: id_of(99),
                at: Timestamp::default(),
                hosts: self.host_ids().into_iter().collect(),
            });
        }
        slot
    }

    /// The ids of the hosts.
    pub(crate) fn host_ids(&self) -> Vec<HostId> {
        (1..=self.hosts).map(host_id).collect()
    }
}

/// What a start finds in Parameter Store: one parameter, whose version tells the releases apart.
pub(crate) fn resolve(deployment: &Deployment, push: usize) -> Release {
    release_of(&deployment.origin.commit, u32::try_from(push).unwrap() + 1)
}

/// Limits in small units, so that few times differ. One unit is one millisecond.
pub(crate) fn policy() -> Policy {
    Policy {
        waves: vec![WaveSize::Percent(100)],
        health: HealthPolicy {
            attempts_max: 1,
            interval: Millis::new(1),
            bake: Millis::new(1),
            wave_bake: Millis::default(),
            bake_failures_max: 1,
            passes: 1,
            outside: false,
            numbers: false,
            alarms: false,
            no_data: NoData::Pass,
        },
        channels: Vec::new(),
        migrates: false,
        approvals: 0,
        by_author: true,
        unreachable_max: 0,
        parallel_max: None,
        in_service_min: None,
        hosts_max: 10,
        attempts_max: 2,
        approval_timeout: Millis::new(20),
        queue_timeout: Millis::new(u64::MAX),
        prepare_timeout: Millis::new(4),
        migrate_timeout: Millis::new(4),
        activate_timeout: Millis::new(4),
        round_timeout: Millis::new(3),
        settling: Millis::new(2),
        retry_after: Millis::new(1),
        poll: Millis::new(1),
    }
}

/// One channel of messages.
pub(crate) fn one_channel() -> Vec<Route> {
    vec![Channel::Sns.into()]
}

pub(crate) fn app() -> AppName {
    AppName::parse("orders").unwrap()
}

pub(crate) fn person() -> Person {
    Person::parse("ann").unwrap()
}

pub(crate) fn said() -> Said {
    Said {
        by: person(),
        via: Via::Slack,
        reason: Reason::parse("not now").unwrap(),
    }
}

/// A yes to this plan, or to none that ever was.
pub(crate) fn vote(plan: Option<PlanDigest>) -> Vote {
    Vote {
        by: person(),
        via: Via::Slack,
        plan: plan.unwrap_or_else(|| PlanDigest::parse(&"0".repeat(32)).unwrap()),
        at: NOW,
        comment: None,
    }
}

pub(crate) fn id_of(push: usize) -> DeploymentId {
    DeploymentId::parse(&format!("01JD{push:022}")).unwrap()
}

pub(crate) fn host_id(number: u32) -> HostId {
    HostId::parse(&format!("i-{number:017x}")).unwrap()
}

pub(crate) fn commit_of(letter: char) -> Commit {
    Commit::parse(&letter.to_string().repeat(40)).unwrap()
}

pub(crate) fn release(letter: char, version: u32) -> Release {
    release_of(&commit_of(letter), version)
}

fn release_of(commit: &Commit, version: u32) -> Release {
    Release {
        commit: commit.clone(),
        config_version: 1,
        parameters: parameters(version),
        artifact: None,
    }
}

fn parameters(version: u32) -> BTreeMap<ParameterName, u32> {
    BTreeMap::from([(ParameterName::parse("URL").unwrap(), version)])
}

pub(crate) fn document() -> DocumentPin {
    DocumentPin {
        version: "1".to_owned(),
        hash: "0".repeat(64),
    }
}
