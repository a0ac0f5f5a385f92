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
    Advance, AppName, Deployment, Failure, FailureClass, Finding, Freeze, FreezeSource, Heard,
    HostId, Lock, Millis, Observation, Outcome, Phase, Policy, Report, Rounds, Slot, SlotBusy,
    Standing, State, Task, Timestamp, WaveSize, step,
};
use samples::{
    START, accepted, all_done, answer_all, done, failed, heard, host, id, judged, must, person,
    phase, policy, release, round, start,
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
    let (first, second) = ([host(1), host(2)], [host(3)]);
    assert_eq!(asked, [(&first[..], 1), (&second[..], 1)]);
    assert_eq!(split.commands_due(START).count(), 2, "at once");

    let alone = refused(&split, 0);
    let place = |hosts: &[HostId]| alone.commands().iter().position(|c| c.hosts == hosts);
    let again = refused(&alone, place(&[host(1)]).unwrap());
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
    let probed = |round, finding| Observation::Judged {
        round,
        judgements: vec![judged("http:health", finding)],
    };
    let bad = probed(number, Finding::Failed(FailureClass::ProbeFailed));
    let second = begun(&must(&answered, &bad, START));
    assert_eq!(rounds(&second).begun, number.saturating_add(1));
    let late = step(&second, &probed(number, Finding::Passed), START);
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
        looking.checks_wanted(),
        None,
        "the other host serves the old release"
    );
    let all = all_done(all_done(looking, START), START);
    assert_eq!(all.state.name(), "Verifying");
    assert!(begun(&all).checks_wanted().is_some());
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

#[test]
fn a_freeze_puts_off_the_end_of_the_waiting_but_not_for_ever() {
    let waiting = accepted(policy());
    let State::Queued { deadline, .. } = waiting.state else {
        panic!("it waits");
    };
    let seen = |until| {
        let freeze = Freeze::new("w", until, FreezeSource::Window);
        let held = must(&waiting, &Observation::FreezeSeen(Some(freeze)), START);
        let State::Queued { deadline, .. } = held.state else {
            panic!("it waits");
        };
        deadline
    };
    assert_eq!(seen(None), deadline, "no end is known");
    let soon = START.after(Millis::from_secs(60));
    assert_eq!(seen(Some(soon)), soon.after(policy().queue_timeout));
    let never = START.after(Millis::from_secs(1_000_000_000));
    assert_eq!(seen(Some(never)), START.after(Freeze::WAIT_MAX));
}

/// A deployment of this many hosts over something that is live, with waves of one and all, as it begins to activate.
fn activating(hosts: u32, change: impl Fn(&mut Policy)) -> Deployment {
    let mut policy = policy();
    policy.migrates = false;
    change(&mut policy);
    let ready = Observation::Ready(start(hosts, true));
    let preparing = must(&accepted(policy), &ready, START);
    all_done(preparing, START)
}

/// The hosts that are being asked.
fn asked(deployment: &Deployment) -> Vec<HostId> {
    let commands = deployment.commands().iter();
    commands.flat_map(|command| command.hosts.clone()).collect()
}

fn hosts(numbers: std::ops::RangeInclusive<u32>) -> Vec<HostId> {
    numbers.map(host).collect()
}

#[test]
fn a_wave_is_switched_in_parts_so_that_enough_hosts_stay_in_service() {
    let mut deployment = activating(10, |policy| {
        policy.waves = vec![WaveSize::Hosts(1), WaveSize::Percent(100)];
        policy.in_service_min = Some(WaveSize::Percent(65));
    });
    assert_eq!(asked(&deployment), hosts(1..=1));
    deployment = all_done(deployment, START);
    deployment = round(&deployment, START);
    let mut tokens = BTreeSet::new();
    for part in [hosts(2..=4), hosts(5..=7), hosts(8..=10)] {
        assert_eq!(deployment.state.name(), "Activating");
        assert_eq!(asked(&deployment), part, "7 of 10 must stay");
        for command in deployment.commands() {
            assert!(
                tokens.insert(command.token.to_string()),
                "{}",
                command.token
            );
        }
        deployment = all_done(deployment, START);
    }
    assert_eq!(deployment.state.name(), "Verifying");
    let lines = deployment.timeline.iter();
    let parts = lines.filter(|line| line.state == "Activating").count();
    assert_eq!(parts, 2, "one line for each wave");
}

#[test]
fn hosts_in_a_wave_are_switched_so_many_at_a_time_as_the_app_says() {
    let deployment = activating(5, |policy| {
        policy.waves = vec![WaveSize::Percent(100)];
        policy.parallel_max = Some(2);
    });
    assert_eq!(asked(&deployment), hosts(1..=2));
    assert_eq!(asked(&all_done(deployment, START)), hosts(3..=4));
}

#[test]
fn a_part_that_fails_takes_back_what_moved_and_no_more() {
    let deployment = activating(6, |policy| {
        policy.waves = vec![WaveSize::Percent(100)];
        policy.parallel_max = Some(2);
    });
    let second = all_done(deployment, START);
    let failing = answer_all(second, START, |_, host| {
        if *host == self::host(3) {
            failed(FailureClass::HealthFailed)
        } else {
            done(&activating(6, |_| {}))
        }
    });
    assert_eq!(failing.state.name(), "RollingBack");
    let moved = &failing.state.run().unwrap().moved;
    assert_eq!(moved.iter().cloned().collect::<Vec<_>>(), hosts(1..=4));
}

#[test]
fn a_rollback_takes_those_that_do_not_serve_first_and_the_others_in_parts() {
    let mut deployment = activating(4, |policy| {
        policy.waves = vec![WaveSize::Percent(100)];
        policy.in_service_min = Some(WaveSize::Hosts(2));
    });
    for part in [hosts(1..=2), hosts(3..=4)] {
        assert_eq!(asked(&deployment), part);
        if part == hosts(1..=2) {
            deployment = all_done(deployment, START);
        }
    }
    let fails = failed(FailureClass::HealthFailed);
    let good = done(&deployment);
    let mut back = answer_all(deployment, START, |_, host| {
        if *host == self::host(4) {
            fails.clone()
        } else {
            good.clone()
        }
    });
    assert_eq!(back.state.name(), "RollingBack");
    assert_eq!(
        asked(&back),
        [host(1), host(4)],
        "one of three that serve, beside the one that does not"
    );
    let mut tokens = BTreeSet::new();
    for part in [vec![host(1), host(4)], hosts(2..=3)] {
        assert_eq!(asked(&back), part);
        for command in back.commands() {
            assert!(
                tokens.insert(command.token.to_string()),
                "{}",
                command.token
            );
        }
        back = all_done(back, START);
    }
    assert_eq!(back.state.name(), "VerifyingRollback");
}

#[test]
fn a_host_that_cannot_be_restored_does_not_keep_the_others_from_being() {
    let mut deployment = activating(4, |policy| {
        policy.waves = vec![WaveSize::Percent(100)];
        policy.attempts_max = 1;
        policy.parallel_max = Some(1);
    });
    for _ in 0..3 {
        deployment = all_done(deployment, START);
    }
    let fails = failed(FailureClass::HealthFailed);
    let mut back = answer_all(deployment, START, |_, _| fails.clone());
    assert_eq!(back.state.name(), "RollingBack");
    back = answer_all(back, START, |_, _| fails.clone());
    assert_eq!(asked(&back), hosts(2..=2));
    back = all_done(back, START);
    assert_eq!(asked(&back), hosts(3..=3));
    let ended = all_done(back, START);
    assert_eq!(ended.state.name(), "RollbackFailed");
    let run = ended.state.run().unwrap();
    let restored = run.hosts.values().filter(|s| **s == Standing::Restored);
    assert_eq!(restored.count(), 2);
}

#[test]
fn when_too_few_hosts_would_stay_in_service_nothing_begins_or_everything_goes_back() {
    let mut policy = policy();
    policy.in_service_min = Some(WaveSize::Hosts(2));
    let queued = accepted(policy.clone());
    let refused = must(&queued, &Observation::Ready(start(2, true)), START);
    let State::Ended {
        outcome: Outcome::Failed(failure),
        run: None,
        ..
    } = &refused.state
    else {
        panic!("{}", refused.state.name());
    };
    assert_eq!(failure.class, FailureClass::TooFewInService);
    let first = must(&queued, &Observation::Ready(start(2, false)), START);
    assert_eq!(
        first.state.name(),
        "Preparing",
        "nothing serves before the first release"
    );

    policy.unreachable_max = 1;
    policy.migrates = false;
    policy.attempts_max = 1;
    policy.waves = vec![WaveSize::Hosts(1), WaveSize::Percent(100)];
    let preparing = must(
        &accepted(policy),
        &Observation::Ready(start(3, true)),
        START,
    );
    let good = done(&preparing);
    let lost = Report::Lost(FailureClass::Undeliverable);
    let failed = answer_all(preparing, START, |_, host| {
        if *host == self::host(3) {
            lost.clone()
        } else {
            good.clone()
        }
    });
    let State::Ended {
        outcome: Outcome::Failed(failure),
        ..
    } = &failed.state
    else {
        panic!("{}", failed.state.name());
    };
    assert_eq!(failure.class, FailureClass::TooFewInService);
}

#[test]
fn between_two_waves_the_hosts_are_watched_for_a_while() {
    let bake = Millis::from_secs(30);
    let watching = |max| {
        let deployment = activating(2, |policy| {
            policy.health.wave_bake = bake;
            policy.health.attempts_max = 9;
            policy.health.bake_failures_max = max;
        });
        round(&all_done(deployment, START), START)
    };
    let first = watching(2);
    assert_eq!(
        first.state.name(),
        "Verifying",
        "the first round has passed"
    );
    let early = round(&first, due(&first));
    assert_eq!(early.state.name(), "Verifying");
    let sick = |deployment: &Deployment, now: Timestamp| {
        let asking = must(deployment, &Observation::TimePassed, now);
        answer_all(asking, now, |_, _| failed(FailureClass::HealthFailed))
    };
    let at = START.after(bake);
    let later = round(&first, at);
    assert_eq!(later.state.name(), "Activating");
    let second = all_done(later, at);
    let passed = round(&second, at);
    assert_eq!(
        passed.state.name(),
        "Baking",
        "the last wave is watched by the bake"
    );
    let once = sick(&first, due(&first));
    assert_eq!(once.state.name(), "Verifying");
    let after = due(&first).after(Millis::from_secs(10));
    assert_eq!(sick(&once, after).state.name(), "RollingBack");
}

#[test]
fn a_fleet_that_is_away_is_asked_again_by_fifties_and_not_host_by_host() {
    let queued = accepted(policy());
    let preparing = must(&queued, &Observation::Ready(start(120, true)), START);
    let lost = Report::Lost(FailureClass::Undeliverable);
    let first: Vec<_> = preparing.commands().to_vec();
    let mut again = preparing;
    for command in &first {
        for host in &command.hosts {
            let seen = Observation::HostReported(command.token.clone(), heard(host, lost.clone()));
            again = must(&again, &seen, START);
        }
    }
    let sizes: Vec<_> = again
        .commands()
        .iter()
        .map(|c| (c.hosts.len(), c.token.attempt))
        .collect();
    assert_eq!(sizes, [(50, 2), (50, 2), (20, 2)]);
}

#[test]
fn hosts_are_timed_at_what_they_are_asked_to_do_and_not_at_the_looks_of_the_rounds() {
    let queued = accepted(policy());
    let mut deployment = must(&queued, &Observation::Ready(start(2, true)), START);
    let mut seen = Vec::new();
    let mut now = START;
    while !deployment.state.is_terminal() {
        let Some(command) = deployment.commands().first().cloned() else {
            now = deployment.next_look(now).unwrap();
            deployment = must(&deployment, &Observation::TimePassed, now);
            continue;
        };
        let host = command.hosts[0].clone();
        seen.push((deployment.state.name(), host.clone()));
        let told = Heard {
            report: done(&deployment),
            took: Some(Millis::new(u64::try_from(seen.len()).unwrap())),
            host,
        };
        let told = Observation::HostReported(command.token, told);
        deployment = must(&deployment, &told, now);
    }
    assert_eq!(deployment.state.name(), "Succeeded");
    let times = &deployment.state.run().unwrap().times;
    let kept: Vec<_> = Task::ALL
        .into_iter()
        .flat_map(|task| {
            times
                .of(task)
                .map(move |(host, took)| (task.state(), host, *took))
        })
        .collect();
    // Each once, in the order in which they were asked: two prepare, one migrates, each switches in a wave of its own.
    let asked = seen
        .iter()
        .enumerate()
        .filter(|(_, (state, _))| Task::ALL.iter().any(|task| task.state() == *state));
    let asked: Vec<_> = asked.collect();
    assert_eq!((kept.len(), asked.len()), (5, 5));
    assert!(seen.len() > 5, "there were rounds");
    for ((place, (state, host)), (task, of, took)) in asked.into_iter().zip(kept) {
        let told = Millis::new(u64::try_from(place + 1).unwrap());
        assert_eq!((*state, host, told), (task, of, took.time));
    }
}

#[test]
fn what_was_prepared_for_an_approval_counts_with_what_is_prepared_after_it() {
    let mut policy = policy();
    policy.approvals = 1;
    policy.migrates = false;
    let queued = accepted(policy);
    let tell = |deployment: &Deployment, ms| {
        let command = deployment.commands()[0].clone();
        let host = command.hosts[0].clone();
        let report = done(deployment);
        let took = Some(Millis::new(ms));
        let heard = Heard { host, report, took };
        must(
            deployment,
            &Observation::HostReported(command.token, heard),
            START,
        )
    };
    let ready = Observation::Ready(start(1, true));
    let asked = tell(&must(&queued, &ready, START), 900);
    assert_eq!(asked.state.name(), "AwaitingApproval");
    let yes = Observation::Approved(samples::vote(&asked));
    let again = must(&must(&asked, &yes, START), &ready, START);
    let switching = tell(&again, 20);
    assert_eq!(switching.state.name(), "Activating");
    let times = &switching.state.run().unwrap().times;
    let took = times.of_host(Task::Prepare, &host(1)).unwrap();
    assert_eq!(took.time, Millis::new(920));
}

#[test]
fn a_time_of_a_host_that_is_not_waited_for_is_not_kept() {
    let ready = Observation::Ready(start(2, true));
    let preparing = must(&accepted(policy()), &ready, START);
    let command = preparing.commands()[0].clone();
    let heard = |report| Heard {
        host: host(1),
        report,
        took: Some(Millis::new(7)),
    };
    let first = Observation::HostReported(command.token.clone(), heard(done(&preparing)));
    let once = must(&preparing, &first, START);
    let refused = heard(failed(FailureClass::Busy));
    let again = Observation::HostReported(command.token, refused);
    assert_eq!(
        step(&once, &again, START),
        Advance::Unchanged(longshore_core::Why::AlreadyKnown)
    );
    let took = once
        .state
        .run()
        .unwrap()
        .times
        .of_host(Task::Prepare, &host(1));
    assert_eq!(took.unwrap().time, Millis::new(7));
}
