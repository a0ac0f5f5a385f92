//! Plays one schedule.

use super::happen::{Deed, happen};
use super::judging::Judging;
use super::operators::Operators;
use super::table::TableWeather;
use super::{Coverage, Fault, explain};
use crate::bench::{Bench, Weather};
use crate::chance::Chance;
use crate::deliveries::{Change, delivery};
use crate::invariants;
use crate::words::host;
use longshore_core::{Found, HostId, Millis, Timestamp, Verdict};
use longshore_shell::fakes::Behaviour;
use longshore_shell::ports::ChangeState;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The commits of a schedule.
const DIGITS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "1", "2", "3", "4"];

/// Good ones are the most, as otherwise nothing would ever be live.
const BEHAVIOURS: [Behaviour; 14] = [
    Behaviour::Good,
    Behaviour::Good,
    Behaviour::Good,
    Behaviour::Good,
    Behaviour::Good,
    Behaviour::Good,
    Behaviour::Missing,
    Behaviour::InstallFails,
    Behaviour::BuildFails,
    Behaviour::MigrationFails,
    Behaviour::StartFails,
    Behaviour::HealthFails,
    Behaviour::TurnsSick,
    Behaviour::OldProcessAnswers,
];

/// One schedule that is played.
pub(super) struct Player {
    pub(super) bench: Bench,
    pub(super) chance: Chance,
    pub(super) table: TableWeather,
    pub(super) hosts: u32,
    /// Deliveries that were made, for repeats.
    pub(super) delivered: Vec<String>,
    /// Whether lost pushes are looked for.
    pub(super) watching: bool,
    /// How the pipelines do, when the hosts take their builds.
    builds: Option<Chance>,
    known: Vec<Fault>,
    happened: BTreeMap<Fault, u64>,
    agenda: Vec<(Timestamp, Deed)>,
    pushed: Vec<&'static str>,
    /// Whoever uses the operators' ways in, where the schedule has somebody.
    operators: Option<Operators>,
    /// What releases are judged by, where the schedule has it.
    judging: Option<Judging>,
}

/// Whose words are recorded as they are, without the API: [`Fault::OperatorApproves`] and its like.
pub(super) const NOBODY: &str = "zoe";

/// Keeps the chances of the pipelines apart from all others.
const BUILDS: u64 = 0xB01D;
/// Keeps the chances of operators apart from all others.
const OPERATORS: u64 = 0x09E7;
/// Keeps the chances of what releases are judged by apart from all others.
const JUDGING: u64 = 0x1D6E;
/// Tells the schedules with a freeze from those without.
const FREEZES: u64 = 0xF0E5;

impl Player {
    /// The schedule of a seed, before anything has happened.
    pub(super) fn begin(seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let hosts = 1 + u32::try_from(chance.below(4)).unwrap();
        let mut bench = Bench::new(hosts);
        configure(&mut bench, &mut chance);
        // A chance of its own, so that a schedule stays what it was but for its builds.
        let mut builds = Chance::of(seed ^ BUILDS);
        let builds = builds.one_in(4).then_some(builds);
        if builds.is_some() {
            bench.configure(&json!({"source": "artifact"}));
        }
        if Chance::of(seed ^ FREEZES).one_in(4) {
            freeze(&mut bench);
        }
        let mut operators = Chance::of(seed ^ OPERATORS);
        let operators = operators
            .one_in(3)
            .then(|| Operators::join(operators, &mut bench));
        let mut judging = Chance::of(seed ^ JUDGING);
        let judging = judging
            .one_in(3)
            .then(|| Judging::begin(judging, &mut bench));
        let watching = chance.one_in(2);
        if watching {
            bench.watch();
        }
        let world = &bench.cloud.world;
        let table = TableWeather::over(&world.store, &world.clock, chance.seed());
        let one_in = chance.pick(&[1, 2, 4, 8, 16]);
        let known = Fault::ALL.iter().copied();
        let known = known.filter(|fault| !fault.is_of_operators() && !fault.is_of_judging());
        let known = known.filter(|_| chance.one_in(one_in)).collect();
        Self {
            bench,
            chance,
            table,
            hosts,
            delivered: Vec::new(),
            watching,
            builds,
            known,
            happened: BTreeMap::new(),
            agenda: Vec::new(),
            pushed: Vec::new(),
            operators,
            judging,
        }
    }

    /// Plays both phases, and checks everything.
    pub(super) fn play(&mut self) {
        for _ in 0..2 + self.chance.below(4) {
            self.push();
            for _ in 0..self.chance.below(7) {
                let steps = self.chance.below(24);
                self.go_on(steps);
                self.trouble();
                self.operate();
                self.turn();
            }
        }
        self.calm();
        self.check();
    }

    /// What the schedule has met.
    pub(super) fn coverage(&self) -> Coverage {
        let mut coverage = Coverage {
            deaths: self.bench.cloud.stage.deaths(),
            faults: self.happened(),
            messages: self.bench.messages(),
            ..Coverage::default()
        };
        for deployment in self.bench.deployments() {
            coverage.live(&deployment);
        }
        coverage
    }

    /// Whether a fault that the schedule knows strikes now, once in so many times.
    pub(super) fn strikes(&mut self, fault: Fault, one_in: u64) -> bool {
        let strikes = self.known.contains(&fault) && self.chance.one_in(one_in);
        if strikes {
            self.count(fault);
        }
        strikes
    }

    /// Notes that a fault has happened.
    pub(super) fn count(&mut self, fault: Fault) {
        self.bench.note(&format!("!! {}", fault.word()));
        *self.happened.entry(fault).or_default() += 1;
    }

    /// The commits that were pushed, by their digits.
    pub(super) fn pushed(&self) -> &[&'static str] {
        &self.pushed
    }

    /// A deed, after so many seconds.
    pub(super) fn later_by(&mut self, seconds: u64, deed: Deed) {
        let after = Millis::from_secs(seconds);
        self.agenda.push((self.bench.now().after(after), deed));
    }

    /// Some deed, later.
    pub(super) fn later(&mut self, seconds_max: u64, deed: Deed) {
        let after = Millis::from_secs(1 + self.chance.below(seconds_max));
        self.agenda.push((self.bench.now().after(after), deed));
    }

    /// A time from now.
    pub(super) fn until(&mut self, seconds_max: u64) -> Timestamp {
        let span = Millis::from_secs(1 + self.chance.below(seconds_max));
        self.bench.now().after(span)
    }

    /// One of the hosts.
    pub(super) fn some_host(&mut self) -> HostId {
        host(1 + u32::try_from(self.chance.below(u64::from(self.hosts))).unwrap())
    }

    /// Every host.
    pub(super) fn all_hosts(&self) -> Vec<HostId> {
        (1..=self.hosts).map(host).collect()
    }

    /// Delivers an event, and keeps it for repeats.
    pub(super) fn deliver(&mut self, event: &str) {
        self.delivered.push(event.to_owned());
        self.bench.deliver(event);
    }

    /// Says of half of the commits what their migrations mean for the way back.
    fn judge(&mut self, digit: &str) {
        let verdicts = [Verdict::Safe, Verdict::NeedsDown, Verdict::Impossible];
        if self.chance.one_in(2) {
            return;
        }
        let verdict = self.chance.pick(&verdicts);
        let is_allowed = verdict == Verdict::Impossible && self.chance.one_in(2);
        let found = Found::new(verdict, is_allowed, 1, ["2.sql: DROP TABLE"]);
        self.bench.judges(digit, &found);
        self.bench.note(&format!("== its migrations: {verdict:?}"));
    }

    /// Pushes the next commit, or one that was there before.
    fn push(&mut self) {
        let fresh = DIGITS[self.pushed.len().min(DIGITS.len() - 1)];
        let known = self.pushed.clone();
        let back = !known.is_empty() && self.strikes(Fault::HistoryRewritten, 2);
        let digit = if back {
            self.chance.pick(&known)
        } else {
            fresh
        };
        if !back {
            self.pushed.push(digit);
            // Mostly something good comes first, as without it nothing can be rolled back to.
            let first_is_good = self.pushed.len() == 1 && !self.chance.one_in(4);
            let any = self.chance.pick(&BEHAVIOURS);
            let behaviour = if first_is_good { Behaviour::Good } else { any };
            self.bench.behaves(digit, behaviour);
            self.bench
                .note(&format!("== commit {digit}: {behaviour:?}"));
            self.pipeline(digit);
            self.judge(digit);
        }
        if self.bench.head() == Some(digit) {
            return;
        }
        let from = self.bench.push_unheard(digit);
        let event = push_of(from.as_deref(), digit);
        if self.watching && self.strikes(Fault::DeliveryLost, 2) {
            return;
        }
        if self.strikes(Fault::DeliveriesOverlap, 2) {
            let seed = self.chance.seed();
            self.bench.deliver_both(&event, &event, seed);
        } else if self.strikes(Fault::PushesReordered, 2) {
            self.overtake(digit, &event);
        } else {
            self.deliver(&event);
        }
    }

    /// A pipeline begins to build a commit: its build is there at once, later, too late, or never.
    fn pipeline(&mut self, digit: &'static str) {
        let Some(builds) = &mut self.builds else {
            return;
        };
        match builds.below(8) {
            0 => {}
            1..=4 => self.bench.store_build(digit),
            _ => {
                let after = Millis::from_secs(1 + builds.below(2_400));
                let at = self.bench.now().after(after);
                self.agenda.push((at, Deed::BuildStored(digit)));
            }
        }
    }

    /// A second push follows at once and is delivered first.
    fn overtake(&mut self, digit: &str, event: &str) {
        let second = DIGITS[self.pushed.len().min(DIGITS.len() - 1)];
        self.pushed.push(second);
        self.bench.push_unheard(second);
        self.deliver(&push_of(Some(digit), second));
        self.deliver(event);
    }

    /// Lets so many things happen that are due.
    fn go_on(&mut self, steps: u64) {
        for _ in 0..steps {
            self.keep_agenda();
            self.bench.step();
        }
    }

    fn keep_agenda(&mut self) {
        let now = self.bench.now();
        let due: Vec<(Timestamp, Deed)> =
            self.agenda.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, deed) in due {
            self.bench.note(&format!("-- {deed:?}"));
            deed.done(&mut self.bench);
        }
        self.bench.alarm = self.agenda.iter().map(|(at, _)| *at).min();
    }

    /// One of the faults that the schedule knows, if it can happen now.
    fn trouble(&mut self) {
        if self.known.is_empty() {
            return;
        }
        let known = self.known.clone();
        let fault = self.chance.pick(&known);
        if happen(self, fault) {
            self.count(fault);
        }
    }

    /// Operators do what they do, where there are some.
    fn operate(&mut self) {
        if let Some(mut operators) = self.operators.take() {
            operators.act(self);
            self.operators = Some(operators);
        }
    }

    /// What releases are judged by turns against them, where there is something.
    fn turn(&mut self) {
        if let Some(mut judging) = self.judging.take() {
            judging.act(self);
            self.judging = Some(judging);
        }
    }

    /// Faults stop. What was broken is repaired, what waits is let go on, and everything must come to rest.
    fn calm(&mut self) {
        self.bench.note("== faults stop");
        for (_, deed) in std::mem::take(&mut self.agenda) {
            deed.done(&mut self.bench);
        }
        let bench = &mut self.bench;
        bench.alarm = None;
        bench.weather = Weather::default();
        bench.cloud.stage.die_by_chance(None);
        bench.cloud.clock.set_ahead(0);
        let world = &bench.cloud.world;
        world.store.stop_failing();
        world.store.release_index();
        world.ssm.stop_failing();
        world.ssm.refuse_to_resolve(None);
        world.outside.fail(None);
        for host in (1..=self.hosts).map(host) {
            world.ssm.change_host(&host, |host| host.troubles.clear());
            world.ssm.set_offline(&host, false);
        }
        if self.watching {
            bench.poll_fails(None);
        }
        if let Some(judging) = &mut self.judging {
            judging.calm(bench);
        }
        bench.redrive();
        bench.run_until(Bench::is_at_rest);
    }

    /// Everything that must hold at rest.
    fn check(&mut self) {
        invariants::assert_all(&self.bench);
        invariants::bad_releases_never_succeed(&self.bench);
        let happened: BTreeSet<Fault> = self.happened().into_keys().collect();
        if happened.is_empty() {
            invariants::good_releases_succeed(&self.bench);
        }
        explain::assert_explained(&self.bench, &happened);
        if let Some(operators) = &self.operators {
            operators.assert_yes_was_said(self);
        }
        if self.chance.one_in(4) {
            self.assert_repeats_change_nothing();
        }
    }

    /// A redrive of every event there ever was, long after.
    fn assert_repeats_change_nothing(&mut self) {
        let writes = self.bench.cloud.world.store.log().len();
        self.bench.send_everything_again();
        self.bench.run_until(Bench::is_at_rest);
        let after = self.bench.cloud.world.store.log().len();
        assert_eq!(
            after, writes,
            "a repeat of every event has written something"
        );
    }

    fn happened(&self) -> BTreeMap<Fault, u64> {
        let mut happened = self.happened.clone();
        // A spell over the table counts when it has struck.
        for (fault, count) in self.table.struck() {
            happened.insert(fault, count);
        }
        happened
    }
}

/// The delivery of a push.
pub(super) fn push_of(from: Option<&str>, to: &str) -> String {
    delivery("acme/orders", &[Change::branch("main", from, Some(to))])
}

/// Three hours of a freeze, in the middle of what happens, from a calendar; another calendar is asked and holds nothing.
const FREEZE: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20231114T230000Z\r\n\
    DTEND:20231115T020000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn freeze(bench: &mut Bench) {
    let calendars = &bench.cloud.world.calendars;
    calendars.put("peak", Some(FREEZE));
    let open = ChangeState {
        is_open: true,
        next: None,
    };
    calendars.set("changes", open);
    bench.configure(&json!({"freeze": {"calendars": ["peak"], "change_calendars": ["changes"]}}));
}

fn configure(bench: &mut Bench, chance: &mut Chance) {
    let waves = chance.pick(&[
        json!(["100%"]),
        json!(["1", "100%"]),
        json!(["1", "50%", "100%"]),
    ]);
    let mut keys = json!({
        "waves": waves,
        "hosts": {"unreachable_max": chance.below(2)},
        "timeouts": {"prepare_seconds": 300, "migrate_seconds": 300},
        "approval": chance.one_in(6),
    });
    if chance.one_in(2) {
        keys["hooks"] = json!({"migrate": "migrate"});
    }
    if chance.one_in(2) {
        keys["health"] = json!({"port": 3000, "bake_seconds": 10, "attempts": 2,
            "url": "https://orders.example.com/health"});
    }
    bench.configure(&keys);
}
