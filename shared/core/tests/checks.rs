//! The rules of checks: what a judgement does to a round, a wave, a bake, a start, and the way back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

#[path = "common/samples.rs"]
mod samples;

use longshore_core::{
    Advance, Checks, Deployment, FailureClass, Finding, Judgement, Kind, Millis, NoData,
    Observation, Outcome, Phase, Policy, State, Timestamp, step,
};
use samples::{
    START, accepted, all_done, answer_all, failed, judged, must, phase, policy, release, start,
};

const WORSE: Finding = Finding::Failed(FailureClass::MetricWorse);
const RAISED: Finding = Finding::Failed(FailureClass::AlarmRaised);

/// One wave, no migrations, and checks by numbers.
fn by_numbers() -> Policy {
    let mut policy = policy();
    policy.waves.remove(0);
    policy.migrates = false;
    policy.health.numbers = true;
    policy
}

/// Two waves with a bake between them.
fn in_waves() -> Policy {
    let mut policy = by_numbers();
    policy.waves = samples::policy().waves;
    policy.health.wave_bake = Millis::from_secs(10);
    policy
}

fn preparing(policy: Policy, kind: Kind) -> Deployment {
    let mut queued = accepted(policy);
    queued.origin.kind = kind;
    must(&queued, &Observation::Ready(start(2, true)), START)
}

/// The hosts of the only wave, or of the first, have switched.
fn verifying(policy: Policy) -> Deployment {
    let verifying = all_done(all_done(preparing(policy, Kind::Push), START), START);
    assert_eq!(verifying.state.name(), "Verifying");
    verifying
}

/// The last wave has been verified by a round in which all passed.
fn baking(policy: Policy) -> Deployment {
    let baking = round(&verifying(policy), START, &[Finding::Passed]);
    assert_eq!(baking.state.name(), "Baking");
    baking
}

fn seen(deployment: &Deployment, findings: &[Finding]) -> Observation {
    let names = ["metric:cpu", "metric:memory", "logs:/orders"];
    let judgements = names.iter().zip(findings);
    Observation::Judged {
        round: deployment.checks_wanted().unwrap().round(),
        judgements: judgements
            .map(|(name, finding)| judged(name, *finding))
            .collect(),
    }
}

/// A round that begins, in which the hosts are well, and these are the findings.
fn round(deployment: &Deployment, now: Timestamp, findings: &[Finding]) -> Deployment {
    let asking = must(deployment, &Observation::TimePassed, now);
    let seen = seen(&asking, findings);
    all_done(must(&asking, &seen, now), now)
}

fn at(seconds: u64) -> Timestamp {
    START.after(Millis::from_secs(seconds))
}

/// The end of a bake of ten seconds, and a round later.
const OVER: u64 = 10;

fn failure(deployment: &Deployment) -> String {
    let cause = match &deployment.state {
        State::Active {
            phase: Phase::RollingBack { cause, .. },
            ..
        } => cause,
        State::Ended {
            outcome: Outcome::Failed(failure) | Outcome::RolledBack(failure),
            ..
        } => failure,
        other => panic!("{}", other.name()),
    };
    format!("{}: {}", cause.class.word(), cause.detail())
}

#[test]
fn a_check_that_fails_often_enough_in_a_row_takes_the_release_back_and_its_numbers_stay() {
    let once = round(&baking(by_numbers()), START, &[Finding::Passed, WORSE]);
    assert_eq!(once.state.name(), "Baking");
    let between = round(&once, at(2), &[Finding::Passed, Finding::Passed]);
    let again = round(&between, at(4), &[Finding::Passed, WORSE]);
    assert_eq!(
        again.state.name(),
        "Baking",
        "one good round between two bad ones"
    );
    let back = round(&again, at(6), &[Finding::Passed, WORSE]);
    assert_eq!(failure(&back), "metric_worse: metric:memory: what it says");
    let kept: Vec<&str> = back.judgements.iter().map(|j| j.finding.word()).collect();
    assert_eq!(kept, ["passed", "failed"]);
}

#[test]
fn the_first_check_that_failed_is_the_reason_whatever_could_not_tell_before_it() {
    let bake = baking(by_numbers());
    let findings = [Finding::Inconclusive, RAISED, WORSE];
    let back = round(&round(&bake, START, &findings), at(2), &findings);
    assert_eq!(failure(&back), "alarm_raised: metric:memory: what it says");
}

#[test]
fn what_cannot_tell_is_no_failure() {
    let could_not = [Finding::Inconclusive];
    let mut bake = baking(by_numbers());
    for second in [0, 2, 4, 6, 8] {
        bake = round(&bake, at(second), &could_not);
        assert_eq!(bake.state.name(), "Baking");
    }
    let end = round(&bake, at(OVER), &could_not);
    assert_eq!(end.state.name(), "Succeeded");
    assert_eq!(end.undecided().count(), 1, "and the end says so");
    let told = round(&baking(by_numbers()), at(OVER), &[Finding::Passed]);
    assert_eq!(told.undecided().count(), 0);
}

#[test]
fn where_policy_stops_without_data_two_rounds_at_the_end_that_cannot_tell_take_it_back() {
    let mut policy = by_numbers();
    policy.health.no_data = NoData::Stop;
    let could_not = [Finding::Inconclusive];
    let bake = round(&baking(policy), at(4), &could_not);
    assert_eq!(
        bake.state.name(),
        "Baking",
        "while the bake goes on there will be more"
    );
    let end = round(&bake, at(OVER), &could_not);
    assert_eq!(end.state.name(), "Baking");
    let back = round(&end, at(OVER + 2), &could_not);
    assert_eq!(failure(&back), "inconclusive: metric:cpu: what it says");
    let told = round(&end, at(OVER + 2), &[Finding::Passed]);
    assert_eq!(told.state.name(), "Succeeded", "it could tell at last");
}

#[test]
fn where_policy_waits_for_data_a_bake_goes_on_and_then_stops() {
    let mut policy = by_numbers();
    policy.health.no_data = NoData::Wait(Millis::from_secs(20));
    let could_not = [Finding::Inconclusive];
    let mut bake = round(&baking(policy), at(OVER), &could_not);
    for second in [14, 20, 26, 28] {
        assert_eq!(bake.state.name(), "Baking");
        bake = round(&bake, at(second), &could_not);
    }
    let told = round(&bake, at(30), &[Finding::Passed]);
    assert_eq!(told.state.name(), "Succeeded");
    let late = round(&round(&bake, at(30), &could_not), at(32), &could_not);
    assert_eq!(failure(&late), "inconclusive: metric:cpu: what it says");
}

#[test]
fn a_wave_waits_for_data_in_its_own_bake_only() {
    let mut policy = in_waves();
    policy.health.no_data = NoData::Stop;
    let could_not = [Finding::Inconclusive];
    let watched = round(&verifying(policy.clone()), START, &could_not);
    assert_eq!(
        watched.state.name(),
        "Verifying",
        "the wave's bake has begun"
    );
    let end = round(&watched, at(OVER), &could_not);
    let back = round(&end, at(OVER + 2), &could_not);
    assert_eq!(back.state.name(), "RollingBack");
    policy.health.wave_bake = Millis::default();
    let next = round(&verifying(policy), START, &could_not);
    assert_eq!(
        next.state.name(),
        "Activating",
        "no bake, nothing to wait for"
    );
}

#[test]
fn a_wave_is_verified_by_so_many_passed_rounds_in_a_row() {
    let mut policy = by_numbers();
    policy.health.passes = 3;
    let passed = [Finding::Passed];
    let twice = round(&round(&verifying(policy), START, &passed), at(2), &passed);
    assert_eq!(twice.state.name(), "Verifying");
    let third = round(&twice, at(4), &passed);
    assert_eq!(third.state.name(), "Baking");
    let broken = round(&twice, at(4), &[WORSE]);
    let again = round(&round(&broken, at(6), &passed), at(8), &passed);
    assert_eq!(
        again.state.name(),
        "Verifying",
        "the failed round begins the count anew"
    );
    assert_eq!(round(&again, at(10), &passed).state.name(), "Baking");
}

#[test]
fn numbers_say_nothing_on_the_way_back() {
    let bake = baking(by_numbers());
    let back = round(&round(&bake, START, &[WORSE]), at(2), &[WORSE]);
    assert_eq!(back.state.name(), "RollingBack");
    let restored = all_done(back, START);
    assert_eq!(restored.state.name(), "VerifyingRollback");
    let asking = must(&restored, &Observation::TimePassed, START);
    assert_eq!(asking.checks_wanted(), None);
    let end = all_done(asking, START);
    assert_eq!(failure(&end), "metric_worse: metric:cpu: what it says");
}

#[test]
fn the_way_back_keeps_what_was_found_of_the_release() {
    let mut policy = by_numbers();
    policy.health.numbers = false;
    policy.health.outside = true;
    let health = |deployment: &Deployment, finding| Observation::Judged {
        round: deployment.checks_wanted().unwrap().round(),
        judgements: vec![judged("http:health", finding)],
    };
    let bad = Finding::Failed(FailureClass::ProbeFailed);
    let mut next = verifying(policy);
    for _ in 0..2 {
        let asking = must(&next, &Observation::TimePassed, at(9));
        next = all_done(must(&asking, &health(&asking, bad), START), START);
    }
    assert_eq!(next.state.name(), "RollingBack");
    let restored = all_done(next, START);
    let asking = must(&restored, &Observation::TimePassed, START);
    let end = all_done(
        must(&asking, &health(&asking, Finding::Passed), START),
        START,
    );
    assert_eq!(end.state.name(), "RolledBack");
    assert_eq!(end.judgements[0].finding, bad);
}

#[test]
fn what_goes_back_to_a_proven_release_is_not_judged_by_numbers_that_are_bad_for_the_other_one() {
    let mut policy = by_numbers();
    policy.health.alarms = true;
    for kind in [
        Kind::Rollback(release('b')),
        Kind::Drill(release('b')),
        Kind::Join(release('b')),
    ] {
        let switching = all_done(preparing(policy.clone(), kind), START);
        assert_eq!(
            switching.state.name(),
            "Activating",
            "no alarm is asked for"
        );
        let asking = must(&all_done(switching, START), &Observation::TimePassed, START);
        assert_eq!(asking.checks_wanted(), None);
    }
}

/// Every host is prepared, and the alarms are to be looked at.
fn prepared() -> Deployment {
    let mut policy = by_numbers();
    policy.migrates = true;
    policy.health.alarms = true;
    let prepared = all_done(preparing(policy, Kind::Push), START);
    assert_eq!(prepared.state.name(), "Preparing");
    assert_eq!(prepared.checks_wanted(), Some(Checks::Before));
    prepared
}

fn alarm(finding: Finding) -> Observation {
    Observation::Judged {
        round: 0,
        judgements: vec![judged("alarm:orders-5xx", finding)],
    }
}

#[test]
fn an_alarm_that_is_raised_before_the_switch_stops_in_front_of_database_and_hosts() {
    let stopped = must(&prepared(), &alarm(RAISED), START);
    assert_eq!(
        failure(&stopped),
        "alarm_raised: before the switch: alarm:orders-5xx: what it says"
    );
    assert!(stopped.state.run().unwrap().moved.is_empty());
    assert_eq!(stopped.judgements.len(), 1);
    for goes_on in [Finding::Passed, Finding::Inconclusive] {
        let next = must(&prepared(), &alarm(goes_on), START);
        assert_eq!(next.state.name(), "Migrating");
    }
}

#[test]
fn alarms_that_nobody_can_look_at_stop_it_at_its_deadline() {
    let waiting = prepared();
    let deadline = waiting.state.deadline().unwrap();
    assert_eq!(
        waiting.next_look(START),
        Some(at(5)),
        "it is tried again soon"
    );
    let stopped = must(&waiting, &Observation::TimePassed, deadline);
    assert_eq!(
        failure(&stopped),
        "inconclusive: the alarms could not be looked at before the switch"
    );
}

#[test]
fn alarms_count_when_every_host_is_prepared_and_not_before() {
    let mut policy = by_numbers();
    policy.health.alarms = true;
    let early = preparing(policy, Kind::Push);
    let said = step(&early, &alarm(RAISED), START);
    assert!(matches!(said, Advance::Unchanged(_)), "{said:?}");
    let ended = answer_all(early, START, |_, _| failed(FailureClass::BuildFailed));
    assert_eq!(
        ended.state.name(),
        "Failed",
        "no alarm is asked for a build that failed"
    );
}

#[test]
fn a_round_of_which_nobody_has_done_the_checks_has_failed_at_its_deadline() {
    let asking = must(&baking(by_numbers()), &Observation::TimePassed, START);
    let asked = all_done(asking.clone(), START);
    assert_eq!(asked.state.name(), "Baking");
    let Some(Phase::Baking { rounds, .. }) = phase(&asking) else {
        panic!("{}", asking.state.name());
    };
    let deadline = rounds.ask().unwrap().deadline;
    let over = must(&asked, &Observation::TimePassed, deadline);
    let Some(Phase::Baking { rounds, .. }) = phase(&over) else {
        panic!("{}", over.state.name());
    };
    assert_eq!(rounds.failures, 1);
    let class = rounds.last_failure.as_ref().unwrap().class;
    assert_eq!(class, FailureClass::Inconclusive);
}

#[test]
fn a_deployment_keeps_no_more_judgements_than_an_app_may_have_checks() {
    let asking = must(&verifying(by_numbers()), &Observation::TimePassed, START);
    let many = (0..100).map(|number| judged(&format!("metric:{number}"), Finding::Passed));
    let seen = Observation::Judged {
        round: asking.checks_wanted().unwrap().round(),
        judgements: many.collect(),
    };
    let next = must(&asking, &seen, START);
    assert_eq!(next.judgements.len(), Judgement::CHECKS_MAX);
}
