//! Bad weather between the functions: events are hints, so losing, doubling and turning them around costs time, never truth.

use longshore_core::{Desk, Repository};
use longshore_shell::advance::look_again;
use longshore_shell::fakes::{Behaviour, StoreCall, StoreFault};
use longshore_tests::{Bench, Weather, drive};
use serde_json::json;

/// A good deployment, then one that turns out sick, in this weather.
fn good_then_sick(weather: Weather) -> Bench {
    let mut bench = Bench::new(3);
    bench.configure(&json!({"waves": ["1", "100%"], "hooks": {"migrate": "migrate"}}));
    bench.weather = weather;
    bench.live("a").behaves("b", Behaviour::TurnsSick);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    assert_eq!(bench.end_of("b"), "RolledBack", "{weather:?}");
    assert_eq!(bench.served(), "aaa", "{weather:?}");
    assert!(bench.dead.is_empty(), "{weather:?}: {:?}", bench.dead);
    bench
}

#[test]
fn without_any_event_of_ssm_everything_ends_as_it_should() {
    good_then_sick(Weather {
        hints_lost: true,
        ..Weather::default()
    });
}

#[test]
fn with_ticks_alone_everything_ends_as_it_should_and_an_alarm_says_so() {
    let bench = good_then_sick(Weather {
        hints_lost: true,
        events_lost: true,
        looks_lost: true,
        ..Weather::default()
    });
    assert!(bench.logged("deployment_finished_by_ticks"));
}

#[test]
fn without_planned_looks_everything_ends_as_it_should() {
    good_then_sick(Weather {
        looks_lost: true,
        ..Weather::default()
    });
}

#[test]
fn without_the_tables_events_everything_ends_as_it_should() {
    good_then_sick(Weather {
        events_lost: true,
        ..Weather::default()
    });
}

#[test]
fn doubled_and_reversed_messages_change_nothing() {
    for (doubled, reversed) in [(true, false), (false, true), (true, true)] {
        let bench = good_then_sick(Weather {
            doubled,
            reversed,
            ..Weather::default()
        });
        assert_eq!(bench.sent("activate"), 4, "two waves, a canary, a rollback");
        assert_eq!(bench.sent("migrate"), 2);
    }
}

#[test]
fn two_handlers_at_once_on_one_deployment_never_send_anything_twice() {
    for seed in 0..60 {
        let bench = good_then_sick(Weather {
            doubled: true,
            interleaved: Some(seed),
            ..Weather::default()
        });
        let counts = ["prepare", "migrate", "activate"].map(|action| bench.sent(action));
        assert_eq!(counts, [2, 2, 4], "seed {seed}");
    }
}

#[test]
fn a_lagging_index_of_open_deployments_only_delays() {
    let mut bench = Bench::new(2);
    bench.weather = Weather {
        events_lost: true,
        hints_lost: true,
        looks_lost: true,
        ..Weather::default()
    };
    bench.cloud.world.store.hold_index();
    assert_eq!(bench.push("a"), 202);
    bench.run_for(300);
    assert_eq!(bench.end_of("a"), "Queued");
    bench.cloud.world.store.release_index();
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
}

#[test]
fn a_redrive_of_everything_hours_later_changes_nothing() {
    let mut bench = Bench::new(2);
    bench.live("a").behaves("b", Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    let writes = bench.cloud.world.store.log().len();
    bench.run_for(3 * 3600);
    bench.send_everything_again();
    bench.run();
    assert_eq!(bench.cloud.world.store.log().len(), writes);
    assert_eq!(bench.served(), "aa");
}

/// The queue brings it again, long before anything else would.
#[test]
fn a_message_that_failed_comes_again_and_needs_no_tick() {
    for failing in 0..6 {
        let mut bench = Bench::new(2);
        bench.weather.ticks_lost = true;
        let mut saves = 0;
        bench.cloud.world.store.fail_by(move |call| {
            saves += usize::from(call == StoreCall::Save);
            let fails = call == StoreCall::Save && saves == failing + 1;
            fails.then_some(StoreFault::UnavailableBefore)
        });
        bench.live("a");
        assert!(bench.logged("message_failed"), "save {failing}");
    }
}

/// Else every event would begin a chain of looks that goes on until the end.
#[test]
fn a_look_that_was_planned_in_an_earlier_part_of_a_deployments_life_is_void() {
    let mut bench = Bench::new(2);
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Preparing");
    let before = bench.deployment("a");
    bench.run_to("a", "Activating");
    let now = bench.deployment("a");
    let cloud = &bench.cloud;
    let look = |chapter: &str| {
        let looking = look_again(cloud, Desk::Reconciler, &now.id, chapter);
        drive(&cloud.stage, looking)
            .expect("alive")
            .expect("a look")
    };
    assert!(look(&before.chapter()).is_none());
    assert!(look(&now.chapter()).is_some());
    bench.run();
}

#[test]
fn a_deployment_that_cannot_be_written_past_its_deadline_raises_the_alarm_for_stuck_ones() {
    let mut bench = Bench::new(2);
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Preparing");
    let is_save = |call| call == StoreCall::Save;
    let store = &bench.cloud.world.store;
    store.fail_by(move |call| is_save(call).then_some(StoreFault::UnavailableBefore));
    bench.run_for(3 * 3600);
    assert!(bench.logged("deployment_overdue"));
    bench.cloud.world.store.stop_failing();
    bench.run();
}

/// As after a long outage, when everything is overdue at once.
#[test]
fn ticks_work_through_more_open_deployments_than_one_of_them_looks_at() {
    let mut bench = Bench::new(1);
    bench.weather = Weather {
        events_lost: true,
        hints_lost: true,
        looks_lost: true,
        ..Weather::default()
    };
    for number in 0..450 {
        let name = format!("acme/app-{number:03}");
        let repository = Repository::parse(&name).unwrap();
        let config = bench.configured_for(&repository);
        bench.cloud.world.configs.put(&repository, config);
        bench.queue(&repository, "a");
    }
    for (ticks, left) in [(1, 250), (2, 50), (3, 0)] {
        bench.run_for(60);
        let all = bench.deployments();
        let queued = all.iter().filter(|d| d.state.name() == "Queued");
        assert_eq!(queued.count(), left, "after {ticks} ticks");
    }
}
