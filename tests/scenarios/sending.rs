//! SendCommand has no idempotency token: what happens when its requests and answers are lost, refused or throttled.

use longshore_core::{CommandStatus, FailureClass};
use longshore_shell::fakes::{Behaviour, ScriptFault, SendFault, StoreCall, Trouble};
use longshore_tests::{Bench, Weather, host};
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn a_lost_reply_is_found_by_the_comment_and_nothing_is_sent_twice() {
    let mut bench = Bench::new(2);
    bench.cloud.world.ssm.fail_sends([SendFault::ReplyLost]);
    bench.live("a");
    assert_eq!(bench.sent("prepare"), 1);
}

#[test]
fn a_lost_request_is_sent_again_once_after_the_settling_time() {
    let mut bench = Bench::new(1);
    bench.cloud.world.ssm.fail_sends([SendFault::RequestLost]);
    assert_eq!(bench.push("a"), 202);
    bench.run_for(25);
    assert_eq!(bench.sent("prepare"), 0);
    bench.run();
    assert_eq!((bench.end_of("a"), bench.sent("prepare")), ("Succeeded", 1));
}

#[test]
fn a_lost_request_of_a_rollback_is_sent_again() {
    let mut bench = Bench::new(2);
    bench.live("a");
    bench.behaves("b", longshore_shell::fakes::Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "Activating");
    bench.run_until(|bench| bench.sent("activate") == 2);
    bench.cloud.world.ssm.fail_sends([SendFault::RequestLost]);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("RolledBack", "aa")
    );
}

/// The reply is lost, so the command is on no record; all that is left is the event of the host's answer.
#[test]
fn an_event_of_a_command_that_is_on_no_record_is_traced_by_its_comment() {
    let mut bench = Bench::new(1);
    let ssm = bench.cloud.world.ssm.clone();
    ssm.fail_sends([SendFault::ReplyLost]);
    ssm.fail_scripts(&host(1), [ScriptFault::Late]);
    bench.weather = Weather {
        events_lost: true,
        looks_lost: true,
        ..Weather::default()
    };
    assert_eq!(bench.push("a"), 202);
    bench.run_until(|bench| bench.sent("prepare") == 1);
    bench.weather.ticks_lost = true;
    bench.run_for(60);
    let is_known = |bench: &Bench| {
        let command = bench.deployment("a").commands()[0].clone();
        matches!(command.status, CommandStatus::Sent { .. })
    };
    assert!(!is_known(&bench), "nobody has looked");
    ssm.restart_agent(&host(1));
    bench.follow_up();
    bench.run_for(60);
    assert!(is_known(&bench));
    bench.weather = Weather::default();
    bench.run();
}

/// Others may search for its command by then, and not find it.
#[test]
fn a_sender_that_slept_since_its_claim_leaves_the_command_to_others() {
    let mut bench = Bench::new(1);
    let (clock, saves) = (bench.cloud.clock.clone(), AtomicU32::new(0));
    bench.cloud.world.store.fail_by(move |call| {
        // The first write begins the deployment, the second one claims its first command.
        let is_the_claim = call == StoreCall::Save && saves.fetch_add(1, Ordering::SeqCst) == 1;
        if is_the_claim {
            clock.set_ahead(20_000);
        }
        None
    });
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Preparing");
    bench.cloud.world.store.stop_failing();
    bench.cloud.clock.set_ahead(0);
    assert_eq!(bench.sent("prepare"), 0);
    bench.run();
    assert_eq!((bench.end_of("a"), bench.sent("prepare")), ("Succeeded", 1));
}

#[test]
fn twenty_throttled_calls_cost_time_and_no_attempt() {
    let mut bench = Bench::new(2);
    bench.cloud.world.ssm.fail_sends([SendFault::Throttled; 20]);
    let began = bench.now();
    bench.live("a");
    assert!(bench.now().since(began).as_secs_ceil() < 300);
    assert_eq!(bench.sent("prepare"), 1);
    let order = bench.cloud.world.ssm.sent().remove(0);
    assert_eq!(order.token.attempt, 1);
    assert!(
        bench.cloud.stage.calls() < 3000,
        "{} calls",
        bench.cloud.stage.calls()
    );
}

#[test]
fn one_bad_host_in_a_batch_does_not_keep_the_others_from_it() {
    let mut bench = Bench::new(3);
    let refused = SendFault::Refused(FailureClass::InvalidHost);
    bench.cloud.world.ssm.fail_sends([refused]);
    bench.live("a");
    assert_eq!(bench.sent("prepare"), 2, "in two halves");
}

#[test]
fn a_refusal_for_good_is_not_tried_again() {
    let mut bench = Bench::new(2);
    let refused = SendFault::Refused(FailureClass::AccessDenied);
    bench.cloud.world.ssm.fail_sends([refused]);
    assert_eq!(bench.push("a"), 202);
    bench.run();
    assert_eq!((bench.end_of("a"), bench.sent("prepare")), ("Failed", 0));
}

#[test]
fn a_time_without_sight_of_ssm_costs_time_only() {
    let mut bench = Bench::new(2);
    bench.cloud.world.ssm.blind(30);
    bench.live("a");
}

#[test]
fn a_host_that_comes_in_late_but_in_time_is_waited_for() {
    let mut bench = Bench::new(3);
    bench.unplug(2);
    assert_eq!(bench.push("a"), 202);
    bench.run_for(400);
    assert_eq!(bench.end_of("a"), "Preparing");
    bench.cloud.world.ssm.set_offline(&host(2), false);
    bench.run();
    assert_eq!(
        (bench.end_of("a"), bench.served().as_str()),
        ("Succeeded", "aaa")
    );
}

#[test]
fn a_host_that_is_busy_for_minutes_uses_up_no_attempt() {
    let mut bench = Bench::new(2);
    let set_busy = |bench: &Bench, busy: bool| {
        bench.cloud.world.ssm.change_host(&host(1), |host| {
            if busy {
                host.troubles.insert(Trouble::Busy);
            } else {
                host.troubles.clear();
            }
        });
    };
    bench.live("a").behaves("b", Behaviour::TurnsSick);
    set_busy(&bench, true);
    assert_eq!(bench.push("b"), 202);
    bench.run_for(180);
    assert_eq!(bench.end_of("b"), "Preparing");
    set_busy(&bench, false);
    bench.run_to("b", "Verifying");
    set_busy(&bench, true);
    bench.run_to("b", "RollingBack");
    bench.run_for(60);
    assert_eq!(bench.end_of("b"), "RollingBack");
    set_busy(&bench, false);
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("RolledBack", "aa")
    );
}
