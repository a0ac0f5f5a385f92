//! SendCommand has no idempotency token: what happens when its requests and answers are lost, refused or throttled.

use longshore_core::FailureClass;
use longshore_shell::fakes::{Behaviour, SendFault, Trouble};
use longshore_tests::{Bench, host};

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
    assert_eq!(bench.sent("prepare"), 3, "each by a command of its own");
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
