//! Everything at once, by chance: pushes of good and bad commits, hosts that come and go, a table that fails, handlers that
//! die, deliveries that get lost while the branch is polled, events that are lost, doubled and turned around. Each storm is a seed; when it is over everything must end, with
//! every invariant. `SEED=<number> cargo test -p longshore-tests --test scenarios a_storm` shows one storm again;
//! `STORMS=<number>` asks for more of them.

use longshore_shell::fakes::{Behaviour, SendFault, StoreFault};
use longshore_tests::{Bench, Weather, next_random};
use serde_json::json;

const STORMS: u64 = 150;

const BEHAVIOURS: [Behaviour; 8] = [
    Behaviour::Good,
    Behaviour::Good,
    Behaviour::Good,
    Behaviour::BuildFails,
    Behaviour::MigrationFails,
    Behaviour::HealthFails,
    Behaviour::TurnsSick,
    Behaviour::OldProcessAnswers,
];

/// Chance, from a seed.
struct Chance(u64);

impl Chance {
    fn one_in(&mut self, number: u64) -> bool {
        next_random(&mut self.0).is_multiple_of(number)
    }

    fn below(&mut self, number: u64) -> u64 {
        next_random(&mut self.0) % number
    }

    fn weather(&mut self) -> Weather {
        Weather {
            events_lost: self.one_in(4),
            hints_lost: self.one_in(4),
            looks_lost: self.one_in(4),
            doubled: self.one_in(3),
            reversed: self.one_in(3),
            interleaved: self.one_in(3).then_some(self.0),
        }
    }
}

fn prepared(chance: &mut Chance) -> Bench {
    let mut bench = Bench::new(1 + u32::try_from(chance.below(4)).unwrap());
    let waves = if chance.one_in(2) {
        json!(["1", "100%"])
    } else {
        json!(["100%"])
    };
    let excused = chance.below(2);
    bench.configure(&json!({
        "waves": waves,
        "hosts": {"unreachable_max": excused},
        "hooks": {"migrate": "migrate"},
        "timeouts": {"prepare_seconds": 300, "migrate_seconds": 300},
    }));
    bench
}

fn trouble(bench: &mut Bench, chance: &mut Chance) {
    let ssm = &bench.cloud.world.ssm;
    match chance.below(6) {
        0 => ssm.fail_sends([SendFault::ReplyLost, SendFault::RequestLost]),
        1 => ssm.fail_sends([SendFault::Throttled; 3]),
        2 => ssm.blind(3),
        3 => bench.unplug(1 + u32::try_from(chance.below(4)).unwrap()),
        4 => (1..=4).for_each(|number| bench.plug_in(number)),
        _ => bench.weather = chance.weather(),
    }
}

fn storm(seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut bench = prepared(&mut chance);
    let mut faults = Chance(seed | 1);
    bench.cloud.world.store.fail_by(move |_| {
        let faults_there_are = [
            StoreFault::UnavailableBefore,
            StoreFault::UnavailableAfter,
            StoreFault::Conflict,
        ];
        let which = usize::try_from(faults.below(3)).unwrap();
        faults.one_in(60).then_some(faults_there_are[which])
    });
    bench.cloud.stage.die_by_chance(Some((seed | 1, 150)));
    // Its own chance, so that a storm without the poll is the same storm as before there was one.
    let mut lost = Chance(seed.rotate_left(7) | 1);
    let watched = lost.one_in(2);
    if watched {
        bench.watch();
    }
    for digit in ["a", "b", "c", "d", "e"] {
        let behaviour = BEHAVIOURS[usize::try_from(chance.below(8)).unwrap()];
        bench.behaves(digit, behaviour);
        if watched && lost.one_in(3) {
            bench.push_unheard(digit);
        } else {
            let _bitbucket_sends_again = bench.push(digit);
        }
        for _ in 0..chance.below(6) {
            bench.run_steps(u32::try_from(chance.below(30)).unwrap());
            trouble(&mut bench, &mut chance);
        }
    }
    bench.cloud.world.store.stop_failing();
    bench.cloud.stage.die_by_chance(None);
    bench.cloud.world.ssm.blind(0);
    bench.weather.events_lost = false;
    bench.run();
}

#[test]
fn a_storm_of_everything_ends_with_every_invariant() {
    let given = |name: &str| {
        let found = std::env::vars().find(|(key, _)| key == name);
        found.map(|(_, value)| value.parse::<u64>().unwrap())
    };
    let seeds = given("SEED").map_or_else(
        || 0..given("STORMS").unwrap_or(STORMS),
        |seed| seed..seed + 1,
    );
    for seed in seeds {
        let result = std::panic::catch_unwind(|| storm(seed));
        assert!(result.is_ok(), "SEED={seed}");
    }
}
