//! Every point at which something can break, one after the other: the table cannot be reached at any one call, a handler
//! dies before or after any one call of any port. Each time everything must end as it would have without it.

use longshore_shell::fakes::{Behaviour, StoreFault};
use longshore_tests::{Bench, Side};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is swept: a deployment, and how it must end.
#[derive(Clone, Copy, Debug)]
struct Story {
    behaviour: Behaviour,
    end: &'static str,
    served: &'static str,
}

const GOOD: Story = Story {
    behaviour: Behaviour::Good,
    end: "Succeeded",
    served: "bb",
};
const SICK: Story = Story {
    behaviour: Behaviour::TurnsSick,
    end: "RolledBack",
    served: "aa",
};

/// The release before is live, and what comes next has not been pushed yet.
fn ready(story: Story) -> Bench {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"waves": ["1", "100%"], "hooks": {"migrate": "migrate"}}));
    bench.live("a").behaves("b", story.behaviour);
    bench
}

fn ends_well(bench: &mut Bench, story: Story, point: &str) {
    let _bitbucket_sends_again = bench.push("b");
    bench.run_until(|bench| bench.deployments().len() == 2);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        (story.end, story.served),
        "{story:?}, {point}"
    );
    assert!(bench.dead.is_empty(), "{story:?}, {point}");
}

/// Fails the call of this number of the table, counted from now on. Says how many calls there were.
fn fail_call(bench: &Bench, number: usize, fault: StoreFault) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    bench.cloud.world.store.fail_by(move |_| {
        let call = counter.fetch_add(1, Ordering::SeqCst);
        (call == number).then_some(fault)
    });
    calls
}

fn sweep_the_table(story: Story, fault: StoreFault) {
    let mut bench = ready(story);
    let calls = fail_call(&bench, usize::MAX, fault);
    ends_well(&mut bench, story, "no fault");
    let calls = calls.load(Ordering::SeqCst);
    drop(bench);
    assert!(calls > 50, "{calls}");
    for call in 0..calls {
        let mut bench = ready(story);
        fail_call(&bench, call, fault);
        ends_well(
            &mut bench,
            story,
            &format!("{fault:?} at call {call} of the table"),
        );
    }
}

fn sweep_deaths(story: Story, side: Side) {
    let mut bench = ready(story);
    let first = bench.cloud.stage.calls();
    ends_well(&mut bench, story, "no death");
    let last = bench.cloud.stage.calls();
    drop(bench);
    assert!(last - first > 100, "{}", last - first);
    for call in first..last {
        let mut bench = ready(story);
        bench.cloud.stage.die_at(call, side);
        ends_well(&mut bench, story, &format!("dead {side:?} call {call}"));
        assert_eq!(bench.deaths, 1, "{call}");
    }
}

#[test]
fn a_good_deployment_survives_an_unreachable_table_at_every_call() {
    sweep_the_table(GOOD, StoreFault::UnavailableBefore);
}

#[test]
fn a_good_deployment_survives_a_lost_answer_of_the_table_at_every_call() {
    sweep_the_table(GOOD, StoreFault::UnavailableAfter);
}

#[test]
fn a_good_deployment_survives_a_lost_race_at_every_call() {
    sweep_the_table(GOOD, StoreFault::Conflict);
}

#[test]
fn a_rollback_survives_an_unreachable_table_at_every_call() {
    sweep_the_table(SICK, StoreFault::UnavailableBefore);
}

#[test]
fn a_rollback_survives_a_lost_answer_of_the_table_at_every_call() {
    sweep_the_table(SICK, StoreFault::UnavailableAfter);
}

#[test]
fn a_rollback_survives_a_lost_race_at_every_call() {
    sweep_the_table(SICK, StoreFault::Conflict);
}

#[test]
fn a_good_deployment_survives_the_death_of_a_handler_before_every_call() {
    sweep_deaths(GOOD, Side::Before);
}

#[test]
fn a_good_deployment_survives_the_death_of_a_handler_after_every_call() {
    sweep_deaths(GOOD, Side::After);
}

#[test]
fn a_rollback_survives_the_death_of_a_handler_before_every_call() {
    sweep_deaths(SICK, Side::Before);
}

#[test]
fn a_rollback_survives_the_death_of_a_handler_after_every_call() {
    sweep_deaths(SICK, Side::After);
}
