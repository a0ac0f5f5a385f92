//! Random sequences of commands, kills and incidents, each from one number.

use longshore_core::{
    Action, AppName, Commit, DeploymentId, DocumentPin, EnvironmentName, Generation, Millis,
    ParameterName, Release, Repository, Timestamp, Token,
};
use longshore_shell::fakes::{FakeHost, Folder, Point, Trouble};
use longshore_shell::ports::Order;
use longshore_tests::next_random;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

const ULID: &str = "01JD0000000000000000000000";

/// One command that reaches the host.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) order: Order,
    pub(crate) now: Timestamp,
    pub(crate) killed_at: Option<Point>,
    pub(crate) troubles: BTreeSet<Trouble>,
}

/// What happens to the host.
#[derive(Clone)]
pub(crate) enum Step {
    Run(Run),
    Crash,
    Reboot,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Run(run) = self else {
            return f.write_str(if matches!(self, Self::Crash) {
                "crash"
            } else {
                "reboot"
            });
        };
        let Run { order, now, .. } = run;
        let (until, now) = (order.not_after.as_unix_s(), now.as_unix_s());
        write!(f, "{} of {} ", order.token, order.release.id())?;
        write!(f, "at {now}, not after {until}")?;
        if let Some(point) = run.killed_at {
            write!(f, ", killed at {point:?}")?;
        }
        run.troubles
            .iter()
            .try_for_each(|trouble| write!(f, ", {trouble:?}"))
    }
}

/// An order for a host.
pub(crate) fn order(
    action: Action,
    generation: u64,
    attempt: u32,
    release: Release,
    not_after: Timestamp,
) -> Order {
    Order {
        token: Token {
            deployment: DeploymentId::parse(ULID).unwrap(),
            generation: Generation::new(generation),
            action,
            wave: 1,
            batch: 1,
            attempt,
        },
        hosts: Vec::new(),
        document: DocumentPin {
            version: "1".to_owned(),
            hash: "0".repeat(64),
        },
        app: AppName::parse("orders").unwrap(),
        environment: EnvironmentName::parse("staging").unwrap(),
        repository: Repository::parse("acme/orders").unwrap(),
        release,
        previous: None,
        not_after,
    }
}

/// A release of a commit with the only parameter at this version.
pub(crate) fn release(commit: &Commit, version: u32) -> Release {
    let name = ParameterName::parse("DATABASE_URL").unwrap();
    Release {
        commit: commit.clone(),
        config_version: 1,
        parameters: BTreeMap::from([(name, version)]),
        artifact: None,
    }
}

/// Writes a sequence, step by step. It remembers what was ordered, so that commands make sense more often than not.
pub(crate) struct Author<'a> {
    chance: u64,
    commits: &'a [Commit],
    now: Timestamp,
    generation: u64,
    attempts: u32,
    past: Vec<Order>,
    repeat: bool,
}

impl<'a> Author<'a> {
    pub(crate) fn new(seed: u64, commits: &'a [Commit]) -> Self {
        Self {
            chance: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            commits,
            now: Timestamp::from_unix_ms(1_700_000_000_000),
            generation: 1,
            attempts: 0,
            past: Vec::new(),
            repeat: false,
        }
    }

    /// The next step for a host in this state.
    pub(crate) fn next_step(&mut self, host: &FakeHost) -> Step {
        self.now = self.now.after(Millis::from_secs(1 + self.below(30)));
        match self.below(40) {
            0 => Step::Crash,
            1 if self.one_in(2) => Step::Reboot,
            _ => self.next_run(host),
        }
    }

    fn next_run(&mut self, host: &FakeHost) -> Step {
        let again = self.repeat || self.one_in(8);
        let order = match self.past.last().cloned() {
            Some(last) if again && !self.one_in(4) => self.asked_again(last),
            Some(_) if again => self.pick_past(),
            Some(_) | None => self.new_order(host),
        };
        self.past.push(order.clone());
        let killed_at = self.one_in(3).then(|| self.pick_point(order.action()));
        self.repeat = killed_at.is_some() && !self.one_in(3);
        let troubles = self.pick_troubles();
        Step::Run(Run {
            order,
            now: self.now,
            killed_at,
            troubles,
        })
    }

    /// The agent runs the same command again, or the control plane sends the next attempt.
    fn asked_again(&mut self, last: Order) -> Order {
        if self.one_in(2) {
            return last;
        }
        self.attempts += 1;
        let generation = last.token.generation.number();
        let not_after = self.now.after(Millis::from_secs(600));
        order(
            last.action(),
            generation,
            self.attempts,
            last.release,
            not_after,
        )
    }

    fn new_order(&mut self, host: &FakeHost) -> Order {
        let action = match self.below(20) {
            0..7 => Action::Prepare,
            7..14 => Action::Activate,
            14..16 => Action::Migrate,
            16 => Action::Unmigrate,
            17 => Action::Prune,
            _ => Action::Status,
        };
        let release = self.pick_release(action, host);
        let generation = self.pick_generation();
        self.attempts += 1;
        let now = self.now.as_unix_ms();
        let not_after = Timestamp::from_unix_ms(match self.below(32) {
            0 => now - 5_000,
            1 => now,
            2 => now + 1_000,
            _ => now + 600_000,
        });
        order(action, generation, self.attempts, release, not_after)
    }

    /// What comes after `prepare` is mostly about what is prepared.
    fn pick_release(&mut self, action: Action, host: &FakeHost) -> Release {
        let is_whole = |release: &Release| {
            matches!(host.releases.get(&release.id()), Some(Folder::Whole { .. }))
        };
        let known = self.past.iter().map(|order| order.release.clone());
        let whole: Vec<Release> = known.filter(is_whole).collect();
        if action != Action::Prepare && !whole.is_empty() && !self.one_in(8) {
            return pick(&whole, self.below(whole.len() as u64)).clone();
        }
        let commit = pick(self.commits, self.below(self.commits.len() as u64));
        release(commit, 1 + u32::try_from(self.below(3)).unwrap())
    }

    fn pick_generation(&mut self) -> u64 {
        match self.below(10) {
            0 => self.generation.saturating_sub(1 + self.below(2)).max(1),
            1..4 => {
                self.generation += 1 + self.below(2);
                self.generation
            }
            _ => self.generation,
        }
    }

    fn pick_past(&mut self) -> Order {
        let place = self.below(self.past.len() as u64);
        pick(&self.past, place).clone()
    }

    fn pick_point(&mut self, action: Action) -> Point {
        let points = points_of(action);
        *pick(&points, self.below(points.len() as u64))
    }

    fn pick_troubles(&mut self) -> BTreeSet<Trouble> {
        const ALL: [Trouble; 7] = [
            Trouble::Busy,
            Trouble::DiskTight,
            Trouble::DiskFull,
            Trouble::DiskFillsUp,
            Trouble::SourceDown,
            Trouble::ParametersMissing,
            Trouble::DownFails,
        ];
        let troubled = self.one_in(6);
        let one = *pick(&ALL, self.below(7));
        troubled.then_some(one).into_iter().collect()
    }

    fn below(&mut self, number: u64) -> u64 {
        next_random(&mut self.chance) % number
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }
}

fn pick<T>(list: &[T], place: u64) -> &T {
    &list[usize::try_from(place).unwrap()]
}

/// The points that a run of an action comes by, if nothing stands in its way.
fn points_of(action: Action) -> Vec<Point> {
    let own = match action {
        Action::Prepare => Point::Pruned..=Point::Sealed,
        Action::Migrate => Point::Migrated..=Point::Migrated,
        Action::Unmigrate => Point::TakingBack..=Point::TakenBack,
        Action::Activate => Point::Intending..=Point::Proved,
        Action::Status | Action::Prune => Point::Pruned..=Point::Pruned,
    };
    let around = |point: &Point| *point <= Point::Begun || *point >= Point::Finishing;
    let all = Point::ALL.into_iter();
    all.filter(|point| around(point) || own.contains(point))
        .collect()
}
