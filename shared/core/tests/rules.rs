//! Rules of the core, one by one: those that the walks of `properties.rs` and the schedules of the simulation meet too seldom, or
//! could not tell from their opposite. `docs/PROOF.md` names the mistake that each of them notices.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

#[path = "common/samples.rs"]
mod samples;

use longshore_core::{
    Advance, AppName, Deployment, Failure, FailureClass, HostId, Lock, Millis, Observation, Phase,
    Report, Rounds, Slot, SlotBusy, Standing, State, Timestamp, step,
};
use samples::{
    START, accepted, all_done, answer_all, done, failed, host, id, must, person, phase, policy,
    release, start,
};
use std::collections::BTreeSet;

/// A deployment that has just begun to look at the hosts of its first wave.
fn verifying(outside: bool) -> Deployment {
    let mut policy = policy();
    policy.waves.remove(0);
    policy.migrates = false;
    policy.health.outside = outside;
    policy.health.attempts_max = 2;
    let queued = accepted(policy);
    let preparing = must(&queued, &Observation::Ready(start(2, true)), START);
    let verifying = all_done(all_done(preparing, START), START);
    assert_eq!(verifying.state.name(), "Verifying");
    verifying
}

fn rounds(deployment: &Deployment) -> &Rounds {
    match phase(deployment) {
        Some(Phase::Verifying { rounds, .. } | Phase::Baking { rounds, .. }) => rounds,
        other => panic!("no rounds in {other:?}"),
    }
}

/// When the next round is due.
fn due(deployment: &Deployment) -> Timestamp {
    deployment.next_look(START).unwrap()
}

/// Begins the round that is due.
fn begun(deployment: &Deployment) -> Deployment {
    must(deployment, &Observation::TimePassed, due(deployment))
}

#[test]
fn a_status_that_names_the_right_release_and_is_not_healthy_is_no_proof() {
    let asking = begun(&verifying(false));
    let sick = answer_all(asking, START, |_, _| Report::Done {
        served: Some(release('b').id()),
        healthy: false,
        found: None,
    });
    let rounds = rounds(&sick);
    assert_eq!(rounds.failures, 1);
    let failure = rounds.last_failure.as_ref().unwrap();
    assert_eq!(failure.class, FailureClass::HealthFailed);
}

#[test]
fn an_activation_that_names_the_right_release_and_is_not_healthy_is_no_proof() {
    let preparing = must(
        &accepted(policy()),
        &Observation::Ready(start(1, true)),
        START,
    );
    let switching = all_done(all_done(preparing, START), START);
    assert_eq!(switching.state.name(), "Activating");
    let end = answer_all(switching, START, |_, _| Report::Done {
        served: Some(release('b').id()),
        healthy: false,
        found: None,
    });
    assert_eq!(end.state.name(), "RollingBack");
}

#[test]
fn a_host_that_was_excused_while_it_switched_is_asked_to_go_back() {
    let mut policy = policy();
    policy.waves.remove(0);
    policy.migrates = false;
    policy.attempts_max = 1;
    policy.unreachable_max = 1;
    let preparing = must(
        &accepted(policy),
        &Observation::Ready(start(3, true)),
        START,
    );
    let switching = all_done(preparing, START);
    let good = done(&switching);
    let silent = |host: &HostId| *host == samples::host(2);
    let verifying = answer_all(switching, START, |_, host| {
        if silent(host) {
            Report::Lost(FailureClass::DeliveryTimedOut)
        } else {
            good.clone()
        }
    });
    let run = verifying.state.run().unwrap();
    assert!(matches!(run.hosts[&host(2)], Standing::Excused(_)));
    let cancel = Observation::CancelRequested(samples::said());
    let back = must(&verifying, &cancel, START);
    assert_eq!(back.state.name(), "RollingBack");
    let asked: BTreeSet<HostId> = back
        .commands()
        .iter()
        .flat_map(|command| command.hosts.clone())
        .collect();
    assert_eq!(asked, (1..=3).map(host).collect());
}

#[test]
fn a_batch_that_is_refused_for_one_host_is_split_and_uses_up_no_attempt() {
    let queued = accepted(policy());
    let preparing = must(&queued, &Observation::Ready(start(3, true)), START);
    let split = refused(&preparing, 0);
    let asked: Vec<_> = split
        .commands()
        .iter()
        .map(|command| (command.hosts.as_slice(), command.token.attempt))
        .collect();
    let each = [[host(1)], [host(2)], [host(3)]];
    let expected: Vec<_> = each.iter().map(|hosts| (&hosts[..], 1)).collect();
    assert_eq!(asked, expected);
    assert_eq!(split.commands_due(START).count(), 3, "at once");

    let again = refused(&split, 0);
    let of_the_bad_one = again.commands().iter().find(|c| c.hosts == [host(1)]);
    assert_eq!(of_the_bad_one.unwrap().token.attempt, 2);
}

/// SSM refuses one of the commands because of a host.
fn refused(deployment: &Deployment, index: usize) -> Deployment {
    let token = deployment.commands()[index].token.clone();
    let failure = Failure::of(FailureClass::InvalidHost);
    let sending = must(deployment, &Observation::SendStarted(token.clone()), START);
    must(&sending, &Observation::SendRefused(token, failure), START)
}

#[test]
fn a_fleet_of_which_nobody_is_left_is_not_excused() {
    for hosts in [1, 2] {
        let mut policy = policy();
        policy.waves.remove(0);
        policy.migrates = false;
        policy.attempts_max = 1;
        policy.unreachable_max = 5;
        let ready = Observation::Ready(start(hosts, true));
        let switching = all_done(must(&accepted(policy), &ready, START), START);
        assert_eq!(switching.state.name(), "Activating");
        let back = answer_all(switching, START, |_, _| {
            Report::Lost(FailureClass::DeliveryTimedOut)
        });
        assert_eq!(back.state.name(), "RollingBack");
    }
}

#[test]
fn only_failed_rounds_in_a_row_count() {
    let mut deployment = verifying(false);
    let Some(Phase::Verifying { .. }) = phase(&deployment) else {
        panic!("{}", deployment.state.name());
    };
    // The only wave passes its first round, and the bake begins: there a good round stands between two bad ones.
    deployment = all_done(begun(&deployment), START);
    assert_eq!(deployment.state.name(), "Baking");
    let health_failed = |_: &_, _: &_| failed(FailureClass::HealthFailed);
    deployment = answer_all(begun(&deployment), START, health_failed);
    assert_eq!(rounds(&deployment).failures, 1);
    deployment = all_done(begun(&deployment), START);
    assert_eq!(rounds(&deployment).failures, 0);
    deployment = answer_all(begun(&deployment), START, health_failed);
    assert_eq!(deployment.state.name(), "Baking");
    deployment = answer_all(begun(&deployment), START, health_failed);
    assert_eq!(deployment.state.name(), "RollingBack");
}

#[test]
fn a_check_from_outside_counts_for_its_own_round_only() {
    let first = begun(&verifying(true));
    let number = rounds(&first).begun;
    let answered = all_done(first, START);
    let probed = |round, class: Option<FailureClass>| Observation::Probed {
        round,
        failure: class.map(Failure::of),
    };
    let bad = probed(number, Some(FailureClass::ProbeFailed));
    let second = begun(&must(&answered, &bad, START));
    assert_eq!(rounds(&second).begun, number.saturating_add(1));
    let late = step(&second, &probed(number, None), START);
    assert!(matches!(late, Advance::Unchanged(_)), "{late:?}");
}

#[test]
fn the_check_from_outside_waits_until_every_host_has_switched() {
    let mut policy = policy();
    policy.migrates = false;
    policy.health.outside = true;
    let ready = Observation::Ready(start(2, true));
    let canary = all_done(
        all_done(must(&accepted(policy), &ready, START), START),
        START,
    );
    let looking = begun(&canary);
    assert_eq!(looking.state.name(), "Verifying");
    assert_eq!(
        looking.probe_wanted(),
        None,
        "the other host serves the old release"
    );
    let all = all_done(all_done(looking, START), START);
    assert_eq!(all.state.name(), "Verifying");
    assert!(begun(&all).probe_wanted().is_some());
}

#[test]
fn nobody_begins_while_a_person_holds_the_app() {
    let mut slot = Slot::empty(AppName::parse("orders").unwrap())
        .accept(&id(1))
        .slot;
    let lock = Lock {
        owner: person(),
        reason: None,
        expires_at: START.after(Millis::from_secs(60)),
    };
    slot.lock = Some(lock.clone());
    assert_eq!(slot.begin(&id(1), START), Err(SlotBusy::Locked(lock)));
    let later = START.after(Millis::from_secs(60));
    assert!(slot.begin(&id(1), later).is_ok(), "a hold ends by itself");
}

#[test]
fn only_the_newest_waiting_deployment_begins() {
    let slot = Slot::empty(AppName::parse("orders").unwrap())
        .accept(&id(1))
        .slot
        .accept(&id(2));
    assert_eq!(slot.supersedes, Some(id(1)));
    assert_eq!(slot.slot.begin(&id(1), START), Err(SlotBusy::NotNext));
    let (begun, _) = slot.slot.begin(&id(2), START).unwrap();
    let waits = begun.accept(&id(3)).slot;
    assert_eq!(waits.begin(&id(3), START), Err(SlotBusy::Running(id(2))));
}

#[test]
fn a_start_on_more_hosts_than_allowed_touches_none() {
    let mut policy = policy();
    policy.hosts_max = 2;
    let end = must(
        &accepted(policy),
        &Observation::Ready(start(3, true)),
        START,
    );
    let State::Ended { outcome, run, .. } = &end.state else {
        panic!("{}", end.state.name());
    };
    assert_eq!(run, &None);
    let class = outcome.failure().unwrap().class;
    assert_eq!(class, FailureClass::TooManyHosts);
}
