//! What releases are judged by in the schedules that have it: an alarm, a metric and a log. They turn against a release, or cannot
//! be read, at random. Whatever nothing has turned against is measured as steady the whole time.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "these are the faults of judging alone: `happen` writes out every fault"
)]

use super::Fault;
use super::happen::Deed;
use super::player::Player;
use crate::bench::Bench;
use crate::chance::Chance;
use longshore_analysis::{AlarmState, Value};
use longshore_core::{Millis, Timestamp};
use longshore_shell::ports::Window;
use serde_json::json;

/// The alarm.
pub(super) const ALARM: &str = "orders-5xx";
const METRIC: &str = "Latency";
const GROUP: &str = "/orders/prod";

/// The time before a switch that is compared with, and how far ahead what is steady is written.
const HOUR_S: u64 = 3_600;
const AHEAD_S: u64 = 2 * HOUR_S;
/// Faults stop, and what is still under way may wait for long.
const CALM_S: u64 = 6 * HOUR_S;
/// How often something is measured and logged.
const PERIOD_S: u64 = 20;
/// How long something is worse.
const WORSE_S: u64 = 600;

/// What can turn against a release.
const FAULTS: [Fault; 5] = [
    Fault::AlarmRaised,
    Fault::AlarmsBlind,
    Fault::MetricWorse,
    Fault::ErrorsLogged,
    Fault::NumbersBlind,
];

/// The judging of one schedule.
pub(super) struct Judging {
    chance: Chance,
    /// Until when what is steady is written.
    until: Timestamp,
}

impl Judging {
    /// Lets the app be judged, with a policy for what cannot tell.
    pub(super) fn begin(mut chance: Chance, bench: &mut Bench) -> Self {
        let no_data = chance.pick(&["pass", "wait", "stop"]);
        bench.configure(&json!({"analysis": {
            "alarms": [ALARM],
            "metrics": [{"name": "latency", "namespace": "Orders", "metric": METRIC,
                "period_seconds": PERIOD_S, "samples_min": 3}],
            "logs": [{"group": GROUP}],
            "no_data": no_data,
            "wait_seconds": 300,
        }}));
        if no_data == "stop" {
            // There are samples enough when the bake ends, so that what nothing happens to goes live.
            bench.configure(&json!({"health": {"port": 3000, "bake_seconds": 300, "attempts": 2}}));
        }
        bench.cloud.world.alarms.set(ALARM, AlarmState::Ok);
        let now = bench.now().as_unix_ms();
        let mut judging = Self {
            chance,
            until: Timestamp::from_unix_ms(now.saturating_sub(2 * HOUR_S * 1_000)),
        };
        judging.stay_steady(bench, AHEAD_S);
        judging
    }

    /// One of the faults, now and then.
    pub(super) fn act(&mut self, player: &mut Player) {
        self.stay_steady(&player.bench, AHEAD_S);
        if !self.chance.one_in(4) {
            return;
        }
        let fault = self.chance.pick(&FAULTS);
        let ends = 1 + self.chance.below(WORSE_S);
        let world = player.bench.cloud.world.clone();
        match fault {
            Fault::AlarmRaised => {
                world.alarms.set(ALARM, AlarmState::Raised);
                player.later_by(ends, Deed::NumbersReturn);
            }
            Fault::AlarmsBlind => {
                world.alarms.fail(true);
                player.later_by(ends, Deed::NumbersReturn);
            }
            Fault::NumbersBlind => {
                world.metrics.fail(true);
                world.app_logs.fail(true);
                player.later_by(ends, Deed::NumbersReturn);
            }
            Fault::MetricWorse => {
                // More samples than the steady ones, so that the median is theirs.
                let window = spell(player.bench.now());
                let value = Value::whole(500);
                world.metrics.put_all(METRIC, None, window, 5, value);
            }
            _ => {
                let mut at = player.bench.now();
                for _ in 0..WORSE_S / 5 {
                    let text = "Error: pool of 10 exhausted";
                    world.app_logs.write(GROUP, at, text, true);
                    at = at.after(Millis::from_secs(5));
                }
            }
        }
        player.count(fault);
    }

    /// Faults stop: alarms are quiet, everything can be read, and what is measured is steady for hours.
    pub(super) fn calm(&mut self, bench: &Bench) {
        recovered(bench);
        self.stay_steady(bench, CALM_S);
    }

    /// Writes on what is steady: a latency and a line a period.
    fn stay_steady(&mut self, bench: &Bench, ahead_s: u64) {
        let wanted = bench.now().after(Millis::from_secs(ahead_s));
        let world = &bench.cloud.world;
        while self.until < wanted {
            let at = self.until;
            world.metrics.put(METRIC, None, at, Value::whole(100));
            world.app_logs.write(GROUP, at, "GET /items 200", false);
            self.until = at.after(Millis::from_secs(PERIOD_S));
        }
    }
}

/// Alarms are quiet, and everything can be read.
pub(super) fn recovered(bench: &Bench) {
    let world = &bench.cloud.world;
    world.alarms.set(ALARM, AlarmState::Ok);
    world.alarms.fail(false);
    world.metrics.fail(false);
    world.app_logs.fail(false);
}

fn spell(from: Timestamp) -> Window {
    let until = from.after(Millis::from_secs(WORSE_S));
    Window { from, until }
}
