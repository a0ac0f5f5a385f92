//! The entrance: what each kind of delivery is answered with, and what of it is on record.

use longshore_core::SkipReason;
use longshore_shell::fakes::StoreFault;
use longshore_tests::{Bench, Change, PREVIOUS_SECRET, SECRET, delivery, signed_with};

fn main_to(digit: &str) -> Change {
    Change::branch("main", None, Some(digit))
}

#[test]
fn an_unsigned_or_wrongly_signed_delivery_is_refused_and_leaves_nothing() {
    let mut bench = Bench::new(1);
    let event = delivery("acme/orders", &[main_to("a")]);
    assert_eq!(
        bench.deliver(&event.replace("x-hub-signature", "x-other")),
        401
    );
    assert_eq!(bench.deliver(&event.replace("aaaa", "bbbb")), 401);
    assert_eq!(bench.deliver(&signed_with("guess", "repo:push", "{}")), 401);
    assert!(bench.cloud.world.store.log().is_empty());
}

#[test]
fn what_cannot_be_read_is_malformed_and_leaves_nothing() {
    let mut bench = Bench::new(1);
    assert_eq!(bench.deliver("nonsense"), 400);
    assert_eq!(
        bench.deliver(&signed_with(SECRET, "repo:push", "nonsense")),
        400
    );
    let event = delivery("acme/or$(id)ders", &[main_to("a")]);
    assert_eq!(bench.deliver(&event), 400);
    assert!(bench.cloud.world.store.log().is_empty());
}

#[test]
fn what_is_not_a_push_is_answered_and_left() {
    let mut bench = Bench::new(1);
    assert_eq!(
        bench.deliver(&signed_with(SECRET, "pullrequest:fulfilled", "{}")),
        200
    );
    assert!(bench.cloud.world.store.log().is_empty());
}

#[test]
fn every_change_that_is_not_deployed_is_recorded_with_its_reason() {
    let cases = [
        (
            Change::branch("feature", None, Some("a")),
            SkipReason::OtherBranch,
        ),
        (Change::branch("main", Some("a"), None), SkipReason::Deleted),
        (Change::of("tag", "v1", None, Some("a")), SkipReason::Tag),
        (
            Change::of("bookmark", "x", None, Some("a")),
            SkipReason::UnknownRef,
        ),
        (
            Change::branch("main\u{202e};$(id)`id`'{{ssm:/x}}", None, Some("a")),
            SkipReason::OtherBranch,
        ),
    ];
    let mut bench = Bench::new(1);
    for (number, (change, reason)) in cases.into_iter().enumerate() {
        assert_eq!(bench.deliver(&delivery("acme/orders", &[change])), 200);
        assert_eq!(bench.skips().len(), number + 1);
        assert_eq!(bench.skips()[number], reason);
    }
    assert_eq!(
        bench.deliver(&delivery("acme/unknown", &[main_to("a")])),
        200
    );
    assert_eq!(bench.skips().last(), Some(&SkipReason::NotConfigured));
    assert!(bench.deployments().is_empty());
    assert!(!bench.logged("$(id)"));
}

#[test]
fn of_a_push_with_several_changes_each_is_judged_alone() {
    let mut bench = Bench::new(1);
    let changes = [
        Change::of("tag", "v1", None, Some("a")),
        Change::branch("feature", None, Some("a")),
        main_to("a"),
    ];
    assert_eq!(bench.deliver(&delivery("acme/orders", &changes)), 202);
    bench.run();
    assert_eq!(bench.skips(), [SkipReason::Tag, SkipReason::OtherBranch]);
    assert_eq!(bench.served(), "a");
}

#[test]
fn without_the_table_bitbucket_is_asked_to_send_again_and_nothing_is_durable() {
    let mut bench = Bench::new(1);
    let store = &bench.cloud.world.store;
    store.fail_by(|_| Some(StoreFault::UnavailableBefore));
    assert_eq!(bench.push("a"), 503);
    assert!(bench.cloud.world.store.log().is_empty());
    bench.cloud.world.store.stop_failing();
    bench.run_for(61);
    bench.run();
    assert_eq!(bench.end_of("a"), "Succeeded");
}

/// A push of two branches of which the table refuses one write.
fn two_branches_with_write_lost(lost: usize) -> (Bench, u16) {
    let mut bench = Bench::new(1);
    let changes = [Change::branch("feature", None, Some("a")), main_to("a")];
    let mut writes = 0;
    bench.cloud.world.store.fail_by(move |call| {
        writes += usize::from(call.is_write());
        (call.is_write() && writes == lost).then_some(StoreFault::UnavailableBefore)
    });
    let status = bench.deliver(&delivery("acme/orders", &changes));
    (bench, status)
}

#[test]
fn of_several_changes_the_own_branch_comes_first_and_without_it_nothing_is_durable() {
    let (mut bench, status) = two_branches_with_write_lost(1);
    assert_eq!(status, 503);
    assert!(bench.deployments().is_empty());
    assert!(
        bench.cloud.world.store.decisions().is_empty(),
        "nothing durable"
    );
    bench.run_for(61);
    bench.run();
    assert_eq!(bench.served(), "a");
}

#[test]
fn once_a_deployment_is_durable_the_answer_is_no_failure() {
    let (mut bench, status) = two_branches_with_write_lost(2);
    assert_eq!(status, 202);
    bench.run();
    assert_eq!(bench.served(), "a");
    assert!(bench.logged("push_undecided"));
}

#[test]
fn an_answer_that_was_lost_is_given_again_with_the_same_deployment() {
    let mut bench = Bench::new(1);
    bench
        .cloud
        .world
        .store
        .fail_next_write(StoreFault::UnavailableAfter);
    assert_eq!(bench.push("a"), 503);
    bench.run_for(61);
    bench.run();
    assert_eq!(bench.answers.last().unwrap().status_code, 202);
    assert_eq!(bench.answered_deployments(), [bench.deployment("a").id]);
    assert_eq!(bench.deployments().len(), 1);
}

#[test]
fn while_the_secret_is_changed_both_count_and_afterwards_only_the_new_one() {
    let mut bench = Bench::new(1);
    let body = r#"{"push":{"changes":[]},"repository":{"full_name":"acme/orders","uuid":"{0b9a5f4e-1c2d-4e3f-8a9b-0c1d2e3f4a5b}"}}"#;
    let old = signed_with(PREVIOUS_SECRET, "repo:push", body);
    let new = signed_with(SECRET, "repo:push", body);
    let put = |bench: &Bench, value: &str| {
        bench.cloud.secrets.lock().unwrap().1 = value.to_owned();
    };
    *bench.cloud.secrets.lock().unwrap() = (PREVIOUS_SECRET.to_owned(), PREVIOUS_SECRET.to_owned());
    assert_eq!((bench.deliver(&old), bench.deliver(&new)), (200, 401));
    put(&bench, &format!("{SECRET}\n{PREVIOUS_SECRET}"));
    assert_eq!((bench.deliver(&new), bench.deliver(&old)), (200, 200));
    assert!(bench.logged("previous_webhook_secret_used"));
    put(&bench, SECRET);
    bench.cloud.secrets.lock().unwrap().0 = SECRET.to_owned();
    assert_eq!((bench.deliver(&new), bench.deliver(&old)), (200, 401));
}
