//! What will be done to the local cloud, and when: a pure function of the seed.
//!
//! Faults and pushes are drawn from shuffled bags, so that a short run has met every kind once before any comes a second
//! time. What functions, agents and hosts make of them is their own business and differs from run to run; the plan does not.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

/// The functions that are killed, by the last part of their names.
pub const FUNCTIONS: [&str; 6] = [
    "trigger-deploy",
    "reconciler",
    "health-verifier",
    "auto-rollback",
    "on-command-status",
    "notifier",
];

/// The shortest run in which every kind of fault has its turn.
pub const LENGTH_MIN: Duration = Duration::from_secs(30);

/// Declares the kinds of fault with the words of the report.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $words:literal,)*) => {
        /// What can go wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// Every kind, in the order of the report.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What the report calls it.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

kinds! {
    /// SIGKILL to the processes of a function.
    FunctionKilled = "processes of a function killed",
    /// SIGKILL to a host's running script.
    ScriptKilled = "host scripts killed",
    /// An agent dies and comes back.
    AgentKilled = "agents killed, scripts going on",
    /// An agent begins its documents again beside the old scripts.
    AgentRestarted = "agents restarted, documents begun again",
    /// An agent begins what it has taken only later.
    StartedLate = "agents that begin late",
    /// A host loses its connection for a while.
    HostOffline = "hosts offline and back",
    /// A host has no room on its disk for a while.
    DiskFull = "disks filled",
    /// Events of SSM are lost.
    EventsDropped = "times that SSM's events were dropped",
    /// Events of SSM come twice.
    EventsDoubled = "times that SSM's events were doubled",
    /// Events of SSM come late and in another order.
    EventsDelayed = "times that SSM's events were late",
    /// A command is sent and its reply is lost.
    ReplyLost = "replies of SendCommand lost",
    /// SSM refuses calls because there are too many.
    Throttled = "times that SSM throttled",
    /// What was sent is not shown by SSM's reads yet.
    ReadsLag = "times that SSM's reads lagged behind",
    /// A webhook arrives more than once.
    WebhookDoubled = "webhooks doubled",
    /// A webhook arrives after that of the next push.
    WebhookReordered = "webhooks overtaken by the next",
    /// A webhook that Bitbucket did not sign.
    WebhookForged = "webhooks forged",
}

impl Kind {
    /// Those that are done to the machinery; the others travel with pushes. The first ones need somebody at work to hit, and
    /// the next one holds everybody up for half a minute.
    const OF_THE_WEATHER: [Self; 13] = [
        Self::ScriptKilled,
        Self::AgentRestarted,
        Self::EventsDropped,
        Self::EventsDoubled,
        Self::EventsDelayed,
        Self::FunctionKilled,
        Self::Throttled,
        Self::ReplyLost,
        Self::AgentKilled,
        Self::StartedLate,
        Self::HostOffline,
        Self::DiskFull,
        Self::ReadsLag,
    ];
    /// How many of them need somebody at work.
    const NEED_WORK: usize = 7;
}

/// One fault. Hosts are numbered from 0; all times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: Kind,
    /// The host that it happens to, where it happens to one.
    pub host: usize,
    /// The place in [`FUNCTIONS`] of the function that it happens to; beyond them it happens to all.
    pub function: usize,
    /// How long it lasts; a kill happens this long after there is something to kill.
    pub for_ms: u64,
    /// How bad it is: a delay in milliseconds, a room in KiB.
    pub amount: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.saturating_add(1);
        let function = FUNCTIONS.get(self.function).copied();
        let function = function.unwrap_or("every function");
        let seconds = Seconds(self.for_ms);
        match self.kind {
            Kind::FunctionKilled => write!(formatter, "SIGKILL to {function}"),
            Kind::ScriptKilled => write!(formatter, "SIGKILL to the script of host {host}"),
            Kind::AgentKilled => write!(formatter, "no agent on host {host} for {seconds}"),
            Kind::AgentRestarted => write!(formatter, "the agent of host {host} restarts"),
            Kind::StartedLate => write!(
                formatter,
                "host {host} begins {} late for {seconds}",
                Seconds(self.amount)
            ),
            Kind::HostOffline => write!(formatter, "host {host} offline for {seconds}"),
            Kind::DiskFull => write!(formatter, "the disk of host {host} is full for {seconds}"),
            Kind::EventsDropped => write!(formatter, "SSM's events are dropped for {seconds}"),
            Kind::EventsDoubled => write!(formatter, "SSM's events are doubled for {seconds}"),
            Kind::EventsDelayed => write!(
                formatter,
                "SSM's events are up to {} late for {seconds}",
                Seconds(self.amount)
            ),
            Kind::ReplyLost => write!(formatter, "the next reply of SendCommand is lost"),
            Kind::Throttled => write!(formatter, "SSM throttles the next {} calls", self.amount),
            Kind::ReadsLag => write!(
                formatter,
                "SSM's reads are {} behind for {seconds}",
                Seconds(self.amount)
            ),
            Kind::WebhookDoubled | Kind::WebhookReordered | Kind::WebhookForged => {
                write!(formatter, "{}", self.kind.words())
            }
        }
    }
}

/// Milliseconds, as a person reads them.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{} s", self.0 / 1000, self.0 % 1000 / 100);
        formatter.pad(&text)
    }
}

/// What a push brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommitKind {
    /// It works.
    Good,
    /// It does not build.
    BuildFails,
    /// Its migration fails.
    MigrationFails,
    /// It is not healthy from the first request on.
    SickAtOnce,
    /// It becomes sick while it is watched.
    TurnsSick,
    /// It ends as soon as it starts.
    CrashesAtStart,
    /// The branch goes back to a commit that was rolled back; a good one when none was yet.
    Again,
}

impl CommitKind {
    /// What the report calls it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::BuildFails => "does not build",
            Self::MigrationFails => "migration fails",
            Self::SickAtOnce => "sick at once",
            Self::TurnsSick => "turns sick",
            Self::CrashesAtStart => "crashes at start",
            Self::Again => "rolled back before",
        }
    }
}

/// How Bitbucket brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Once.
    Plain,
    /// Three times, two of them at the same moment.
    Doubled,
    /// After the webhook of the push that follows.
    HeldBack,
}

/// A webhook that must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// Signed with another secret.
    WrongSecret,
    /// The signature of another body.
    OtherBody,
    /// No signature.
    Unsigned,
}

/// One push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push {
    /// What it brings.
    pub commit: CommitKind,
    /// How its webhook arrives.
    pub delivery: Delivery,
    /// Whether it waits until the deployments before it are over. Those that do not are mostly superseded.
    pub patient: bool,
}

/// What reaches the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// Somebody pushes.
    Push(Push),
    /// Somebody pretends.
    Forged(Forgery),
}

/// Something, and when, in milliseconds from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed<T> {
    /// When.
    pub at_ms: u64,
    /// What.
    pub what: T,
}

/// The whole schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What happens to functions, SSM and hosts, in order.
    pub faults: Vec<Timed<Fault>>,
    /// What reaches the webhook, in order.
    pub visits: Vec<Timed<Visit>>,
}

impl Plan {
    /// The schedule of this seed for a run of this length and a fleet of this size.
    #[must_use]
    pub fn of(seed: u64, length: Duration, hosts: usize) -> Self {
        let length_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        // Each part has a generator of its own, so that a change of one leaves the others as they were.
        let mut random = Rng::with_seed(seed);
        let mut visits = pushes(&mut random.fork(), length_ms);
        visits.extend(forgeries(&mut random.fork(), length_ms));
        visits.sort_by_key(|visit| visit.at_ms);
        Self {
            faults: faults(&mut random.fork(), length_ms, hosts),
            visits,
        }
    }
}

fn faults(random: &mut Rng, length_ms: u64, hosts: usize) -> Vec<Timed<Fault>> {
    // The first bag is through after some two thirds of the time.
    let gap_max = (length_ms / 11).clamp(1_000, 8_000);
    let mut planned = Vec::new();
    let mut at_ms = 500;
    let mut bag = first_bag(random);
    loop {
        for kind in bag {
            if at_ms >= length_ms {
                return planned;
            }
            let what = fault(random, kind, hosts);
            planned.push(Timed { at_ms, what });
            at_ms = at_ms.saturating_add(random.u64(300..=gap_max));
        }
        bag = later_bag(random);
    }
}

/// Every kind once, and what is killed once more.
fn later_bag(random: &mut Rng) -> Vec<Kind> {
    let mut bag = Kind::OF_THE_WEATHER.to_vec();
    bag.extend([
        Kind::FunctionKilled,
        Kind::ScriptKilled,
        Kind::AgentRestarted,
        Kind::FunctionKilled,
    ]);
    random.shuffle(&mut bag);
    bag
}

/// In a short run there is no second chance: so what needs work comes while there is some, each part in any order.
fn first_bag(random: &mut Rng) -> Vec<Kind> {
    let (need_work, others) = Kind::OF_THE_WEATHER.split_at(Kind::NEED_WORK);
    let (next, others) = others.split_at(1);
    let mut bag = shuffled(random, need_work);
    bag.extend(next);
    bag.extend(shuffled(random, others));
    bag
}

fn fault(random: &mut Rng, kind: Kind, hosts: usize) -> Fault {
    let (for_ms, amount) = match kind {
        Kind::ScriptKilled | Kind::AgentRestarted => (random.u64(0..=800), 0),
        Kind::AgentKilled => (random.u64(500..=5_000), 0),
        Kind::StartedLate => (random.u64(2_000..=6_000), random.u64(500..=4_000)),
        Kind::HostOffline => (random.u64(1_500..=8_000), 0),
        Kind::DiskFull => (random.u64(3_000..=9_000), random.u64(0..=256)),
        Kind::EventsDropped | Kind::EventsDoubled => (random.u64(3_000..=9_000), 0),
        Kind::EventsDelayed => (random.u64(3_000..=9_000), random.u64(1_000..=6_000)),
        Kind::Throttled => (0, random.u64(1..=4)),
        Kind::ReadsLag => (random.u64(2_000..=6_000), random.u64(500..=3_000)),
        Kind::FunctionKilled
        | Kind::ReplyLost
        | Kind::WebhookDoubled
        | Kind::WebhookReordered
        | Kind::WebhookForged => (0, random.u64(0..=1)),
    };
    Fault {
        kind,
        host: random.usize(0..hosts.max(1)),
        function: random.usize(0..=FUNCTIONS.len()),
        for_ms,
        amount,
    }
}

fn pushes(random: &mut Rng, length_ms: u64) -> Vec<Timed<Visit>> {
    const COMMITS: [CommitKind; 9] = [
        CommitKind::Good,
        CommitKind::Good,
        CommitKind::Good,
        CommitKind::BuildFails,
        CommitKind::MigrationFails,
        CommitKind::SickAtOnce,
        CommitKind::TurnsSick,
        CommitKind::CrashesAtStart,
        CommitKind::Again,
    ];
    const DELIVERIES: [Delivery; 6] = [
        Delivery::Doubled,
        Delivery::Doubled,
        Delivery::HeldBack,
        Delivery::Plain,
        Delivery::Plain,
        Delivery::Plain,
    ];
    // The first two are not plain, so that a short run has both.
    let mut deliveries = shuffled(random, &[Delivery::Doubled, Delivery::HeldBack]);
    let mut commits = Vec::new();
    let gap_max = (length_ms / 4).clamp(3_000, 16_000);
    let mut planned: Vec<Timed<Visit>> = Vec::new();
    let mut at_ms = 1_000;
    while at_ms < length_ms {
        if commits.is_empty() {
            commits = shuffled(random, &COMMITS);
        }
        if deliveries.is_empty() {
            deliveries = shuffled(random, &DELIVERIES);
        }
        let (Some(commit), Some(delivery)) = (commits.pop(), deliveries.pop()) else {
            break;
        };
        let what = Visit::Push(Push {
            commit,
            delivery,
            // Nobody waits among the first, as whoever is held back needs a follower soon.
            patient: planned.len() > 2 && random.u64(0..4) > 0,
        });
        planned.push(Timed { at_ms, what });
        at_ms = at_ms.saturating_add(random.u64(gap_max / 4..=gap_max));
    }
    planned
}

fn forgeries(random: &mut Rng, length_ms: u64) -> Vec<Timed<Visit>> {
    const FORGERIES: [Forgery; 3] = [Forgery::WrongSecret, Forgery::OtherBody, Forgery::Unsigned];
    let mut planned = Vec::new();
    let mut at_ms = random.u64(2_000..=8_000);
    let mut bag = Vec::new();
    while at_ms < length_ms {
        if bag.is_empty() {
            bag = shuffled(random, &FORGERIES);
        }
        let what = bag.pop().map(Visit::Forged);
        planned.extend(what.map(|what| Timed { at_ms, what }));
        at_ms = at_ms.saturating_add(random.u64(8_000..=40_000));
    }
    planned
}

fn shuffled<T: Clone>(random: &mut Rng, of: &[T]) -> Vec<T> {
    let mut bag = of.to_vec();
    random.shuffle(&mut bag);
    bag
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_is_always_the_same_plan_and_another_seed_another() {
        let length = Duration::from_mins(2);
        assert_eq!(Plan::of(7, length, 3), Plan::of(7, length, 3));
        assert_ne!(Plan::of(7, length, 3), Plan::of(8, length, 3));
    }

    #[test]
    fn the_shortest_run_has_every_kind_of_fault_in_it_whatever_the_seed() {
        for seed in 0..2_000 {
            let plan = Plan::of(seed, LENGTH_MIN, 2);
            let mut kinds: BTreeSet<Kind> = plan.faults.iter().map(|f| f.what.kind).collect();
            let mut pushes = 0;
            for visit in &plan.visits {
                match visit.what {
                    Visit::Push(push) => match push.delivery {
                        Delivery::Doubled => kinds.extend([Kind::WebhookDoubled]),
                        Delivery::HeldBack => kinds.extend([Kind::WebhookReordered]),
                        Delivery::Plain => {}
                    },
                    Visit::Forged(_) => kinds.extend([Kind::WebhookForged]),
                }
                pushes += usize::from(matches!(visit.what, Visit::Push(..)));
            }
            assert_eq!(kinds.len(), Kind::ALL.len(), "seed {seed}: {kinds:?}");
            assert!(
                pushes > 2,
                "seed {seed}: whoever is held back needs a follower"
            );
        }
    }

    #[test]
    fn everything_is_in_order_within_the_time_and_on_a_host_that_exists() {
        for seed in 0..200 {
            let plan = Plan::of(seed, Duration::from_mins(3), 3);
            assert!(plan.faults.is_sorted_by_key(|fault| fault.at_ms));
            assert!(plan.visits.is_sorted_by_key(|visit| visit.at_ms));
            let last = plan.faults.last().map(|fault| fault.at_ms);
            assert!(last.is_some_and(|at| at < 180_000));
            assert!(plan.faults.iter().all(|fault| fault.what.host < 3));
        }
    }
}
