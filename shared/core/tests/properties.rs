//! What must hold whatever a deployment meets, in whatever order: random walks of one machine. A failing walk is printed
//! shrunk, with its choices.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
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
    Advance, Channel, CommandStatus, Deployment, DeploymentId, Failure, FailureClass, Generation,
    Heard, Kind, MessageTs, Millis, Observation, Outcome, Post, Report, SlackChannel, Slot,
    Standing, State, Timestamp, Verdict, WaveSize, absorb, step,
};
use proptest::prelude::*;
use samples::{accepted, all_done, command_id, every_state, failed, id, policy, said, start, vote};

/// One move of the world, chosen by small numbers so that walks shrink well.
#[derive(Clone, Debug)]
enum Move {
    Pass(u64),
    Send(usize),
    Answer(usize, usize, u8),
    Other(u8),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => (0_u64..90).prop_map(Move::Pass),
        4 => (0_usize..4).prop_map(Move::Send),
        8 => ((0_usize..4), (0_usize..4), (0_u8..60)).prop_map(|(c, h, a)| Move::Answer(c, h, a)),
        1 => (0_u8..40).prop_map(Move::Other),
    ];
    proptest::collection::vec(one, 0..160)
}

fn observation(deployment: &Deployment, made: &Move) -> Option<Observation> {
    match made {
        Move::Pass(_) => Some(Observation::TimePassed),
        Move::Send(index) => {
            let command = deployment.commands().get(*index)?;
            Some(match command.status {
                CommandStatus::Planned { .. } => Observation::SendStarted(command.token.clone()),
                _ => Observation::CommandSent(command.token.clone(), command_id()),
            })
        }
        Move::Answer(index, host, answer) => {
            let command = deployment.commands().get(*index)?;
            let host = command.hosts.get(*host)?.clone();
            let report = match answer {
                0 => failed(FailureClass::Busy),
                1 => failed(FailureClass::HealthFailed),
                2 => Report::Lost(FailureClass::DeliveryTimedOut),
                3 => Report::Done {
                    served: None,
                    healthy: true,
                    found: None,
                },
                4 => samples::prepared(Verdict::NeedsDown, false),
                5 => samples::prepared(Verdict::Impossible, false),
                6 => samples::prepared(Verdict::Impossible, true),
                _ => samples::done(deployment),
            };
            // Some answers tell a time, whatever they say.
            let took = (answer % 2 == 0).then(|| Millis::from_secs(u64::from(*answer)));
            let heard = Heard { host, report, took };
            Some(Observation::HostReported(command.token.clone(), heard))
        }
        Move::Other(choice) => Some(other(deployment, *choice)),
    }
}

fn other(deployment: &Deployment, choice: u8) -> Observation {
    let token = deployment.commands().first().map(|c| c.token.clone());
    match (choice, token) {
        (0, _) => Observation::CancelRequested(said()),
        (1, _) => Observation::Superseded(id(9)),
        (2, _) => Observation::Ready(start(3, true)),
        (3, Some(token)) => Observation::CommandMissing(token),
        (4, Some(token)) => Observation::SendRefused(token, Failure::of(FailureClass::InvalidHost)),
        (5, Some(token)) => Observation::SendPostponed(token),
        (6, _) => Observation::Announced(1),
        (7, _) => Observation::Refused(said()),
        (8, _) => Observation::AnnounceStarted(1),
        (9, _) => Observation::Posted(samples::post()),
        _ => Observation::Approved(vote(deployment)),
    }
}

/// Takes an observation in by the short way, and holds it to the long one.
fn hold_the_short_way(before: &Deployment, seen: &Observation, now: Timestamp, long: &Advance) {
    let mut short = before.clone();
    match (absorb(&mut short, seen, now), long) {
        (None, _) => assert!(short == *before, "{} has changed something", seen.name()),
        (Some(true), Advance::Advanced(long)) => assert_eq!(short, **long),
        (Some(false), Advance::Unchanged(_)) => assert_eq!(short, *before),
        (Some(changed), _) => panic!("{}: {changed} and not {long:?}", seen.name()),
    }
}

/// Walks, and hands each step to the check.
fn walk(first: &Deployment, moves: &[Move], mut check: impl FnMut(&Deployment, &Deployment)) {
    let mut deployment = first.clone();
    let mut now = samples::START;
    for made in moves {
        if let Move::Pass(seconds) = made {
            now = now.after(Millis::from_secs(*seconds));
        }
        let Some(seen) = observation(&deployment, made) else {
            continue;
        };
        let advance = step(&deployment, &seen, now);
        hold_the_short_way(&deployment, &seen, now, &advance);
        if let Advance::Advanced(next) = advance {
            check(&deployment, &next);
            deployment = *next;
        }
    }
}

/// A deployment that has started, on three hosts.
fn started() -> Deployment {
    samples::must(
        &accepted(policy()),
        &Observation::Ready(start(3, true)),
        samples::START,
    )
}

/// Lets only time pass, as after everything else has died.
fn only_time(mut deployment: Deployment, mut now: Timestamp) -> (Deployment, u32) {
    for looks in 0..1000 {
        let Some(at) = deployment.next_look(now) else {
            return (deployment, looks);
        };
        now = now.max(at);
        if let Advance::Advanced(next) = step(&deployment, &Observation::TimePassed, now) {
            deployment = *next;
        } else {
            now = now.after(Millis::from_secs(1));
        }
    }
    (deployment, 1000)
}

proptest! {
    #[test]
    fn an_end_is_never_left(moves in moves()) {
        for first in every_state().into_iter().filter(|d| d.state.is_terminal()) {
            walk(&first, &moves, |before, after| assert_eq!(before.state, after.state));
        }
    }

    #[test]
    fn success_means_that_every_host_is_proven_or_excused(moves in moves(), excused in 0_u32..3) {
        let mut policy = policy();
        policy.unreachable_max = excused;
        let first = samples::must(&accepted(policy), &Observation::Ready(start(3, true)), samples::START);
        walk(&first, &moves, |_, after| {
            if let State::Ended { outcome: Outcome::Succeeded, run: Some(run), .. } = &after.state {
                for (host, standing) in &run.hosts {
                    assert!(matches!(standing, Standing::Proven | Standing::Excused(_)), "{host}: {standing:?}");
                }
                let excused_count = run.hosts.values().filter(|s| matches!(s, Standing::Excused(_))).count();
                assert!(excused_count <= usize::try_from(excused).unwrap());
            }
        });
    }

    #[test]
    fn failed_and_cancelled_mean_that_no_host_was_asked_to_switch(moves in moves()) {
        walk(&started(), &moves, |_, after| {
            if let State::Ended { outcome: Outcome::Failed(_) | Outcome::Cancelled(_) | Outcome::Rejected(_) | Outcome::Expired(_) | Outcome::Superseded(_), run: Some(run), .. } = &after.state {
                assert!(run.moved.is_empty());
            }
        });
    }

    #[test]
    fn generations_only_grow_and_a_rollback_is_a_new_one(moves in moves()) {
        walk(&started(), &moves, |before, after| {
            let highest = |d: &Deployment| d.commands().iter().map(|c| c.token.generation).max();
            if let (Some(old), Some(new)) = (highest(before), highest(after)) {
                assert!(new >= old);
            }
            if let (State::Active { run, .. }, "RollingBack") = (&after.state, after.state.name()) {
                for command in after.commands() {
                    assert!(command.token.generation > run.generation);
                }
            }
        });
    }

    #[test]
    fn no_part_begins_that_would_leave_too_few_hosts_in_service(
        moves in moves(), min in 1_u32..5, parallel in 1_u32..5, excused in 0_u32..2,
    ) {
        let mut policy = policy();
        policy.in_service_min = Some(WaveSize::Hosts(min));
        policy.parallel_max = Some(parallel);
        policy.unreachable_max = excused;
        policy.migrates = false;
        let first = samples::must(&accepted(policy), &Observation::Ready(start(6, true)), samples::START);
        let mut tokens = std::collections::BTreeSet::new();
        walk(&first, &moves, |before, after| {
            let (Some(old), Some(run)) = (before.state.run(), after.state.run()) else { return };
            let begun = run.moved.len() - old.moved.len();
            assert!(begun <= usize::try_from(parallel).unwrap());
            if begun > 0 {
                assert!(run.hosts.len() - run.away() >= usize::try_from(min).unwrap());
            }
            let known: Vec<_> = before.commands().iter().map(|c| &c.token).collect();
            for command in after.commands().iter().filter(|c| !known.contains(&&c.token)) {
                assert!(tokens.insert(command.token.to_string()), "{} twice", command.token);
            }
            if let State::Ended { outcome: Outcome::RolledBack(_), .. } = &after.state {
                let back = |host| matches!(run.hosts.get(host), Some(Standing::Restored | Standing::Excused(_)));
                assert!(run.moved.iter().all(back));
            }
        });
    }

    #[test]
    fn every_token_is_used_once(moves in moves()) {
        let mut seen = std::collections::BTreeSet::new();
        walk(&started(), &moves, |before, after| {
            let known: Vec<_> = before.commands().iter().map(|c| &c.token).collect();
            for command in after.commands().iter().filter(|c| !known.contains(&&c.token)) {
                assert!(seen.insert(command.token.to_string()), "{} twice", command.token);
            }
        });
    }

    #[test]
    fn a_repeated_observation_changes_nothing_the_second_time(moves in moves()) {
        let mut deployment = started();
        for made in &moves {
            let Some(seen) = observation(&deployment, made) else { continue };
            let Advance::Advanced(next) = step(&deployment, &seen, samples::START) else { continue };
            // Time that passes is no message: it may end one thing and begin the next.
            if !matches!(seen, Observation::TimePassed) {
                let again = step(&next, &seen, samples::START);
                assert!(!matches!(again, Advance::Advanced(_)), "{seen:?} on {}: {again:?}", next.state.name());
            }
            deployment = *next;
        }
    }

    #[test]
    fn while_the_clock_stands_time_has_soon_done_all_it_can(moves in moves()) {
        walk(&started(), &moves, |_, after| {
            let mut deployment = after.clone();
            let late = samples::START.after(Millis::from_secs(12_000));
            for _ in 0..6 {
                let Advance::Advanced(next) = step(&deployment, &Observation::TimePassed, late) else {
                    return;
                };
                deployment = *next;
            }
            panic!("{} goes on and on", deployment.state.name());
        });
    }

    #[test]
    fn when_everything_else_is_dead_time_alone_ends_it(moves in moves()) {
        let mut last = started();
        walk(&started(), &moves, |_, after| last = after.clone());
        let (end, looks) = only_time(last, samples::START.after(Millis::from_secs(12_000)));
        prop_assert!(end.state.is_terminal(), "{} after {looks} looks", end.state.name());
    }

    #[test]
    fn transitions_are_bounded_by_the_number_of_waves(moves in moves()) {
        walk(&started(), &moves, |_, after| {
            let waves = after.state.run().map_or(0, |run| run.waves.len());
            // Queued, Preparing, Migrating; each wave twice; Baking, Unmigrating, RollingBack, VerifyingRollback, the
            // end.
            assert!(after.timeline.len() <= 8 + 2 * waves, "{:?}", after.timeline);
        });
    }

    #[test]
    fn attempts_and_commands_are_bounded(moves in moves()) {
        walk(&started(), &moves, |_, after| {
            for command in after.commands() {
                assert!(command.token.attempt <= after.policy.attempts_max, "{}", command.token);
            }
            let State::Active { phase, .. } = &after.state else { return };
            let Some(ask) = phase.ask() else { return };
            // The first command to all, and for each host one of its own per attempt.
            let hosts = ask.waiting.len() + ask.answers.len();
            let most = 1 + hosts * usize::try_from(after.policy.attempts_max).unwrap();
            assert!(usize::try_from(ask.batches).unwrap() <= most, "{}", ask.batches);
        });
    }

    #[test]
    fn a_slot_gives_no_generation_twice_and_none_that_a_rollback_has_taken(ends in proptest::collection::vec(0_usize..8, 1..12)) {
        let ended: Vec<_> = every_state().into_iter().filter(|d| d.state.is_terminal()).collect();
        let mut slot = Slot::empty(accepted(policy()).app);
        let mut highest = slot.generation;
        for (number, end) in ends.into_iter().enumerate() {
            let id = id(u32::try_from(number).unwrap() + 10);
            let (begun, generation) = slot.accept(&id).slot.begin(&id, samples::START).unwrap();
            assert!(generation > highest, "{generation} after {highest}");
            let over = ended_as(&ended[end], &id, generation);
            slot = begun.finish(&over).unwrap();
            assert!(slot.generation >= generation);
            highest = taken_by(&over).unwrap_or(generation).max(generation);
        }
    }

    #[test]
    fn every_state_that_waits_has_a_deadline_and_a_next_look(moves in moves()) {
        walk(&started(), &moves, |_, after| {
            assert_eq!(after.state.deadline().is_some(), !after.state.is_terminal());
            assert_eq!(after.next_look(samples::START).is_some(), !after.state.is_terminal());
        });
    }
}

/// An ended deployment as if it had this id and generation.
fn ended_as(sample: &Deployment, id: &DeploymentId, generation: Generation) -> Deployment {
    let mut deployment = sample.clone();
    deployment.id = id.clone();
    if let State::Ended { run: Some(run), .. } = &mut deployment.state {
        run.generation = generation;
    }
    deployment
}

/// The generation of its rollback, where there was one.
fn taken_by(deployment: &Deployment) -> Option<Generation> {
    let rolled_back = ["RolledBack", "RollbackFailed"].contains(&deployment.state.name());
    let run = deployment.state.run().filter(|_| rolled_back)?;
    Some(run.generation.next())
}

#[test]
fn every_sample_that_waits_has_a_deadline_and_no_end_has_one() {
    for deployment in every_state() {
        let waits = !deployment.state.is_terminal();
        let name = deployment.state.name();
        assert_eq!(deployment.state.deadline().is_some(), waits, "{name}");
        assert_eq!(
            deployment.next_look(samples::START).is_some(),
            waits,
            "{name}"
        );
    }
}

#[test]
fn before_the_start_too_time_alone_ends_it() {
    for deployment in every_state().into_iter().take(2) {
        let name = deployment.state.name();
        let (end, _) = only_time(deployment, samples::START);
        assert_eq!(end.state.name(), "Expired", "{name}");
    }
}

#[test]
fn rounds_of_different_waves_and_of_the_bake_never_share_a_token() {
    let mut tokens = std::collections::BTreeSet::new();
    let mut deployment = started();
    let mut now = samples::START;
    for _ in 0..40 {
        for command in deployment.commands() {
            assert!(
                tokens.insert(command.token.to_string()),
                "{}",
                command.token
            );
        }
        deployment = all_done(deployment, now);
        now = now.after(Millis::from_secs(2));
        if let Advance::Advanced(next) = step(&deployment, &Observation::TimePassed, now) {
            deployment = *next;
        }
    }
    assert_eq!(deployment.state.name(), "Succeeded");
    assert!(tokens.iter().filter(|t| t.contains(":status:")).count() >= 3);
}

#[test]
fn a_failed_rollback_never_rolls_back_again() {
    for deployment in every_state() {
        if deployment.state.name() != "RollingBack" {
            continue;
        }
        let end = samples::answer_all(deployment, samples::START, |_, _| {
            failed(FailureClass::StartFailed)
        });
        assert_eq!(end.state.name(), "RollbackFailed");
        let failure = match &end.state {
            State::Ended { outcome, .. } => outcome.failure().unwrap().clone(),
            _ => unreachable!(),
        };
        assert!(
            failure.detail().starts_with("i-"),
            "names the host: {failure:?}"
        );
    }
}

#[test]
fn a_message_is_claimed_by_one_and_again_only_when_the_claim_is_old() {
    let deployment = started();
    let claim = Observation::AnnounceStarted(1);
    let claimed = samples::must(&deployment, &claim, samples::START);
    assert!(matches!(
        step(&claimed, &claim, samples::START),
        Advance::Unchanged(_)
    ));
    let later = samples::START.after(longshore_core::Announcement::CLAIM_HOLDS);
    samples::must(&claimed, &claim, later);
}

/// A deployment that two channels are told of, one of which changes in its place, and that is over.
fn told_in_place() -> Deployment {
    let mut deployment = queued_with(Channel::SlackApp(samples::slack_channel()));
    for seen in [
        Observation::Ready(start(3, true)),
        Observation::CancelRequested(said()),
    ] {
        deployment = samples::must(&deployment, &seen, samples::START);
    }
    deployment
}

fn queued_with(channel: Channel) -> Deployment {
    let mut deployment = accepted(policy());
    deployment.policy.channels.push(channel.into());
    deployment
}

#[test]
fn messages_that_take_each_other_s_place_go_one_after_the_other_and_others_at_once() {
    let ended = told_in_place();
    let numbers: Vec<(u32, bool)> = ended
        .announcements
        .iter()
        .map(|message| (message.number, message.channel.is_in_place()))
        .collect();
    assert_eq!(numbers, [(1, false), (2, true), (3, false), (4, true)]);
    for first in [2, 4] {
        let claimed = samples::must(&ended, &Observation::AnnounceStarted(first), samples::START);
        for (number, may) in [(1, true), (2, false), (3, true), (4, false)] {
            assert_eq!(
                claimed.may_claim(number, samples::START),
                may,
                "{first} {number}"
            );
        }
        let told = samples::must(&claimed, &Observation::Announced(first), samples::START);
        assert!(told.may_claim(6 - first, samples::START));
        assert!(!told.may_claim(first, samples::START));
    }
}

#[test]
fn a_channel_that_asks_for_patience_gets_it_up_to_an_hour() {
    let second = Millis::from_secs(1);
    for (asked, given) in [(90, 90), (3600, 3600), (86_400, 3600)] {
        let claimed = samples::must(&started(), &Observation::AnnounceStarted(1), samples::START);
        let until = samples::START.after(Millis::from_secs(asked));
        let seen = Observation::AnnouncePostponed(1, until);
        let patient = samples::must(&claimed, &seen, samples::START);
        let free = samples::START.after(Millis::from_secs(given));
        assert!(patient.may_claim(1, free), "{asked}");
        assert!(!patient.may_claim(1, free.before(second)), "{asked}");
    }
}

#[test]
fn a_message_that_stands_is_remembered_once_for_each_channel_that_is_told() {
    let deployment = queued_with(Channel::SlackApp(samples::slack_channel()));
    let posted = samples::must(
        &deployment,
        &Observation::Posted(samples::post()),
        samples::START,
    );
    let newer = Post {
        ts: MessageTs::parse("1503435957.000001").unwrap(),
        ..samples::post()
    };
    let again = samples::must(&posted, &Observation::Posted(newer.clone()), samples::START);
    assert_eq!(again.posts, [newer]);
    let elsewhere = Post {
        channel: SlackChannel::parse("C0OTHER").unwrap(),
        ..samples::post()
    };
    let seen = Observation::Posted(elsewhere);
    assert!(matches!(
        step(&again, &seen, samples::START),
        Advance::Unchanged(_)
    ));
}

#[test]
fn neither_a_late_host_nor_a_drill_says_anything_of_the_commit() {
    for (kind, told) in [
        (Kind::Push, 2),
        (Kind::Join(samples::release('a')), 1),
        (Kind::Drill(samples::release('a')), 1),
    ] {
        let mut deployment = queued_with(Channel::BuildStatus);
        deployment.origin.kind = kind;
        let begun = samples::must(
            &deployment,
            &Observation::Ready(start(3, true)),
            samples::START,
        );
        assert_eq!(begun.announcements.len(), told);
    }
}

#[test]
fn a_rollback_goes_to_the_last_proven_release_and_only_to_hosts_that_moved() {
    let first = all_done(all_done(started(), samples::START), samples::START);
    assert_eq!(
        first.state.name(),
        "Activating",
        "the canary switches alone"
    );
    let back = samples::answer_all(first, samples::START, |_, _| {
        failed(FailureClass::HealthFailed)
    });
    let command = back.commands().first().unwrap();
    assert_eq!(command.hosts, vec![samples::host(1)]);
    let Some(longshore_core::Phase::RollingBack { ask, .. }) = samples::phase(&back) else {
        panic!("{}", back.state.name());
    };
    assert_eq!(ask.release, samples::release('a'));
}

#[test]
fn without_a_proven_release_there_is_nothing_to_go_back_to_and_somebody_is_called() {
    let mut now_first = accepted(policy());
    now_first = samples::must(
        &now_first,
        &Observation::Ready(start(1, false)),
        samples::START,
    );
    let switching = all_done(all_done(now_first, samples::START), samples::START);
    let end = samples::answer_all(switching, samples::START, |_, _| {
        failed(FailureClass::HealthFailed)
    });
    assert_eq!(end.state.name(), "RollbackFailed");
}

#[test]
fn an_app_that_answers_from_the_old_process_is_not_proven() {
    let switching = all_done(all_done(started(), samples::START), samples::START);
    let end = samples::answer_all(switching, samples::START, |_, _| Report::Done {
        served: Some(samples::release('a').id()),
        healthy: true,
        found: None,
    });
    assert_eq!(end.state.name(), "RollingBack");
}

#[test]
fn one_bad_host_in_a_batch_does_not_keep_the_others_from_being_asked() {
    let ready = Observation::Ready(start(50, true));
    let mut deployment = samples::must(&accepted(policy()), &ready, samples::START);
    let bad = samples::host(17);
    let mut refusals = 0;
    while let Some(command) = deployment
        .commands()
        .iter()
        .find(|c| c.hosts.contains(&bad))
    {
        if command.hosts.len() == 1 {
            break;
        }
        let invalid = Failure::of(FailureClass::InvalidHost);
        let refused = Observation::SendRefused(command.token.clone(), invalid);
        deployment = samples::must(&deployment, &refused, samples::START);
        refusals += 1;
    }
    assert!(refusals <= 6, "halves: {refusals}");
    let asked: usize = deployment.commands().iter().map(|c| c.hosts.len()).sum();
    assert_eq!((deployment.state.name(), asked), ("Preparing", 50));
    assert_eq!(deployment.commands().len(), refusals + 1);
}

#[test]
fn the_newest_waiting_deployment_wins_and_a_rolled_back_commit_is_kept_out() {
    let slot = Slot::empty(accepted(policy()).app);
    let first = slot.accept(&id(1));
    assert_eq!(first.supersedes, None);
    let second = first.slot.accept(&id(2));
    assert_eq!(second.supersedes, Some(id(1)));
    assert!(second.slot.begin(&id(1), samples::START).is_err());
    let (begun, generation) = second.slot.begin(&id(2), samples::START).unwrap();
    assert_eq!(generation.number(), 1);
    let again = begun.begin(&id(2), samples::START);
    assert_eq!(again, Ok((begun.clone(), generation)), "it has begun");
    let other = begun.accept(&id(3)).slot.begin(&id(3), samples::START);
    assert!(other.is_err(), "one at a time");

    let rolled_back = every_state()
        .into_iter()
        .find(|d| d.state.name() == "RolledBack")
        .unwrap();
    let mut running = begun;
    running.running = Some(rolled_back.id.clone());
    let after = running.finish(&rolled_back).unwrap();
    assert_eq!(after.running, None);
    assert!(after.quarantine.contains_key(&samples::release('b').commit));
    assert!(
        after.generation.number() >= 8,
        "the rollback's generation is taken"
    );
    assert_eq!(after.finish(&rolled_back), None, "only once");
}

#[test]
fn a_down_that_fails_says_what_is_known_of_the_database() {
    let unmigrating = every_state()
        .into_iter()
        .find(|d| d.state.name() == "Unmigrating")
        .unwrap();
    for (class, known) in [
        (
            FailureClass::ReleaseMissing,
            "the database is as the new release left it",
        ),
        (
            FailureClass::MigrationDownFailed,
            "the database may be taken back in part",
        ),
        (
            FailureClass::DeadlinePassed,
            "it is not known whether the database was taken back",
        ),
    ] {
        let end = samples::answer_all(unmigrating.clone(), samples::START, |_, _| failed(class));
        let State::Ended { outcome, run, .. } = &end.state else {
            panic!("{}", end.state.name());
        };
        let failure = outcome.failure().unwrap();
        assert_eq!(outcome.name(), "RollbackFailed");
        assert_eq!(failure.class, FailureClass::MigrationDownFailed);
        assert!(failure.detail().contains(known), "{}", failure.detail());
        assert!(!run.as_ref().unwrap().moved.is_empty(), "nobody went back");
    }
}

#[test]
fn an_answer_that_comes_before_anything_is_done_proves_nothing_of_an_earlier_attempt() {
    let unmigrating = every_state()
        .into_iter()
        .find(|d| d.state.name() == "Unmigrating")
        .unwrap();
    let mut answers = [
        Report::Failed(Failure::of(FailureClass::NoAnswer)),
        failed(FailureClass::Superseded),
    ]
    .into_iter();
    let mut deployment = unmigrating;
    for report in &mut answers {
        deployment = samples::answer_all(deployment, samples::START, |_, _| report.clone());
    }
    let State::Ended { outcome, .. } = &deployment.state else {
        panic!("{}", deployment.state.name());
    };
    let detail = outcome.failure().unwrap().detail().to_owned();
    assert!(detail.contains("it is not known whether"), "{detail}");
}
