//! The measures: over a history that was counted by hand, and over random ones against a count that is made in another way.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    clippy::allow_attributes,
    reason = "a test stops at the first surprise"
)]

#[path = "common/stories.rs"]
mod common;

use common::samples::{self, release};
use common::{deployment, minute, minutes, of_app};
use longshore_core::{Deployment, HostId, Kind, Millis, Outcome, Person, State, Task, Times};
use longshore_insight::{
    CommitStart, Counted, Delivery, Filter, Measures, SpanId, Spans, Spread, Window, host_spans,
    measure,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const WEEK: u64 = 7 * 24 * 60;

fn two_weeks() -> Window {
    Window {
        from: minute(0),
        until: minute(2 * WEEK),
    }
}

fn ms(spread: Spread) -> (u32, Option<Millis>, Option<Millis>) {
    (spread.n, spread.p50, spread.p90)
}

/// Ten days of one app, and another app beside it.
fn story() -> Vec<Deployment> {
    let mut first = deployment(
        1,
        Kind::Push,
        'a',
        &[
            (10, "Queued"),
            (11, "Preparing"),
            (14, "Activating"),
            (15, "Verifying"),
            (16, "Activating"),
            (18, "Verifying"),
            (20, "Succeeded"),
        ],
    );
    // Committed an hour and ten minutes before it was pushed.
    first.origin.committed_at = Some(common::MONDAY);
    first.origin.at = minute(70);
    for entry in &mut first.timeline {
        entry.at = entry.at.after(minutes(60));
    }
    if let State::Ended { at, .. } = &mut first.state {
        *at = at.after(minutes(60));
    }
    vec![
        first,
        // Rolled back: seen at 205, restored at 209.
        deployment(
            2,
            Kind::Push,
            'b',
            &[
                (200, "Queued"),
                (200, "Preparing"),
                (203, "Activating"),
                (205, "RollingBack"),
                (208, "VerifyingRollback"),
                (209, "RolledBack"),
            ],
        ),
        // Stopped before any host moved.
        deployment(
            3,
            Kind::Push,
            'c',
            &[(300, "Queued"), (301, "Preparing"), (302, "Failed")],
        ),
        // The next that succeeds after 2: 400 - 209 = 191 minutes.
        deployment(
            4,
            Kind::Push,
            'd',
            &[
                (380, "Queued"),
                (390, "Preparing"),
                (392, "AwaitingApproval"),
                (396, "Queued"),
                (397, "Preparing"),
                (400, "Succeeded"),
            ],
        ),
        // An operator goes back from d to a: d failed, seen at 500, restored at 505.
        deployment(
            5,
            Kind::Rollback(release('a')),
            'a',
            &[(500, "Queued"), (501, "Activating"), (505, "Succeeded")],
        ),
        // In the second week the database has changed; it cannot be rolled back: seen at WEEK + 30, given up at WEEK + 40.
        deployment(
            6,
            Kind::Config,
            'a',
            &[
                (WEEK + 10, "Queued"),
                (WEEK + 20, "Activating"),
                (WEEK + 30, "RollingBack"),
                (WEEK + 40, "RollbackFailed"),
            ],
        ),
        // Joining mends it at WEEK + 50, twenty minutes after it was seen; no change has succeeded since.
        deployment(
            7,
            Kind::Join(release('a')),
            'a',
            &[
                (WEEK + 45, "Queued"),
                (WEEK + 46, "Activating"),
                (WEEK + 50, "Succeeded"),
            ],
        ),
        deployment(
            8,
            Kind::Drill(release('a')),
            'a',
            &[
                (WEEK + 60, "Queued"),
                (WEEK + 61, "Activating"),
                (WEEK + 63, "Succeeded"),
            ],
        ),
        // Superseded while it waited, and one that waits still.
        deployment(
            9,
            Kind::Push,
            'e',
            &[(WEEK + 70, "Queued"), (WEEK + 90, "Superseded")],
        ),
        deployment(10, Kind::Push, 'f', &[(WEEK + 90, "Queued")]),
        // Of another app: no change of `orders` is mended by it.
        of_app(
            "stock",
            deployment(
                11,
                Kind::Promote(None),
                'a',
                &[
                    (WEEK + 100, "Queued"),
                    (WEEK + 102, "Preparing"),
                    (WEEK + 110, "Succeeded"),
                ],
            ),
        ),
    ]
}

#[test]
fn the_story_that_was_counted_by_hand() {
    let story = story();
    let told = measure(&story, two_weeks());
    let delivery = told.delivery;
    assert_eq!(
        (
            delivery.changes,
            delivery.succeeded,
            delivery.failed,
            delivery.stopped
        ),
        (5, 3, 3, 1),
        "1, 2, 4, 6 and 11 reached users; 1, 4 and 11 succeeded; 2, 4 and 6 failed; 3 was stopped"
    );
    assert_eq!(
        ms(delivery.lead_from_commit),
        (1, Some(minutes(80)), Some(minutes(80)))
    );
    assert_eq!(
        ms(delivery.lead_from_push),
        (3, Some(minutes(10)), Some(minutes(20))),
        "10, 20 and 10 minutes"
    );
    assert_eq!(
        ms(delivery.recovery.took),
        (3, Some(minutes(5)), Some(minutes(20))),
        "4, 5 and 20 minutes"
    );
    assert_eq!(delivery.recovery.open, 0);
    assert_eq!(
        ms(delivery.next_success.took),
        (1, Some(minutes(191)), Some(minutes(191)))
    );
    assert_eq!(
        delivery.next_success.open, 2,
        "nothing has succeeded since 4"
    );
    let ends = [
        ("Failed", 1),
        ("RollbackFailed", 1),
        ("RolledBack", 1),
        ("Succeeded", 6),
        ("Superseded", 1),
    ];
    assert_eq!(told.ends, BTreeMap::from(ends));
    assert_eq!(told.open, 1);
    assert_eq!(
        ms(told.queue),
        (9, Some(minutes(1)), Some(minutes(11))),
        "1, 0, 1, 11, 1, 10, 1, 1 and 2 minutes; what never began does not count"
    );
    assert_eq!(ms(told.approval), (1, Some(minutes(4)), Some(minutes(4))));
    let preparing = told.steps[0];
    assert_eq!(preparing.state, "Preparing");
    assert_eq!(
        ms(preparing.took),
        (5, Some(minutes(3)), Some(minutes(8))),
        "3, 3, 1, 5 and 8 minutes"
    );
    let activating = told.steps[1];
    assert_eq!(activating.state, "Activating");
    assert_eq!(activating.took.n, 6);
    assert_eq!(
        ms(told.drills.took),
        (1, Some(minutes(2)), Some(minutes(2)))
    );
    let why = Counted {
        what: "health_failed".to_owned(),
        times: 3,
    };
    assert_eq!(told.failures, [why]);
}

/// A deployment that ended at this minute, in which hosts told these times in milliseconds.
fn timed(number: u32, ended: u64, told: &[(Task, u32, u64)]) -> Deployment {
    let mut made = deployment(
        number,
        Kind::Push,
        'a',
        &[(0, "Queued"), (ended, "Succeeded")],
    );
    let run = samples::every_state()
        .iter()
        .find_map(|one| one.state.run().cloned());
    let mut run = run.unwrap();
    run.times = Times::default();
    for (task, host, ms) in told {
        run.times
            .note(*task, &samples::host(*host), Millis::new(*ms), minute(1));
    }
    if let State::Ended { run: own, .. } = &mut made.state {
        *own = Some(run);
    }
    made
}

#[test]
fn the_slowest_hosts_of_each_step_as_they_were_counted_by_hand() {
    let window = Window {
        from: minute(10),
        until: minute(20),
    };
    let story = [
        timed(
            1,
            11,
            &[
                (Task::Activate, 1, 100),
                (Task::Activate, 2, 900),
                (Task::Prepare, 1, 7),
            ],
        ),
        timed(
            2,
            12,
            &[
                (Task::Activate, 1, 300),
                (Task::Activate, 2, 200),
                (Task::Restore, 3, 50),
            ],
        ),
        timed(3, 13, &[(Task::Activate, 1, 200), (Task::Activate, 3, 200)]),
        // They ended before the window and after it.
        timed(4, 9, &[(Task::Activate, 1, 99_999)]),
        timed(5, 20, &[(Task::Activate, 1, 99_999)]),
        // It told no time.
        timed(6, 14, &[]),
    ];
    let told = measure(&story, window);
    let states: Vec<_> = told.host_steps.iter().map(|step| step.state).collect();
    assert_eq!(states, ["Preparing", "Activating", "RollingBack"]);
    let activating = &told.host_steps[1];
    let ms = |spread: Spread| {
        (
            spread.n,
            spread.p50.unwrap().as_ms(),
            spread.max.unwrap().as_ms(),
        )
    };
    assert_eq!(
        ms(activating.took),
        (6, 200, 900),
        "100, 200, 200, 200, 300 and 900"
    );
    let slowest: Vec<_> = activating
        .slowest
        .iter()
        .map(|one| (one.host.clone(), ms(one.took)))
        .collect();
    assert_eq!(
        slowest,
        [
            // All have 200 in the middle; the longest decides.
            (samples::host(2), (2, 200, 900)),
            (samples::host(1), (3, 200, 300)),
            (samples::host(3), (1, 200, 200)),
        ]
    );
    assert_eq!(ms(told.host_steps[2].took), (1, 50, 50));
}

#[test]
fn ten_of_the_slowest_hosts_are_named_and_all_are_counted() {
    let hosts: Vec<_> = (1..=30)
        .map(|host| (Task::Prepare, host, u64::from(host)))
        .collect();
    let told = measure(&[timed(1, 1, &hosts)], two_weeks());
    let step = &told.host_steps[0];
    assert_eq!((step.took.n, step.slowest.len()), (30, 10));
    assert_eq!(step.slowest[0].host, samples::host(30));
    assert_eq!(step.slowest[9].host, samples::host(21));
}

#[test]
fn a_hosts_span_ends_when_its_answer_was_heard_and_does_not_begin_before_its_phase() {
    let mut made = deployment(
        1,
        Kind::Push,
        'a',
        &[
            (0, "Queued"),
            (2, "Preparing"),
            (5, "Activating"),
            (6, "Verifying"),
            (8, "Activating"),
            (9, "Succeeded"),
        ],
    );
    let timed = timed(2, 9, &[]);
    let mut run = timed.state.run().unwrap().clone();
    run.waves = vec![
        vec![samples::host(1)],
        vec![samples::host(2), samples::host(3)],
    ];
    (made.timeline[2].wave, made.timeline[4].wave) = (Some(0), Some(1));
    for (task, host, took, heard) in [
        (Task::Prepare, 1, 1, 4),
        // It told more than there was time for.
        (Task::Prepare, 2, 60, 5),
        // Heard in the moment in which the next wave began: the wave of the host counts.
        (Task::Activate, 1, 1, 8),
        (Task::Activate, 2, 1, 9),
        (Task::Activate, 3, 1, 8),
        // Asked in a state that the timeline does not have: as a part of the whole.
        (Task::Restore, 1, 1, 9),
    ] {
        run.times
            .note(task, &samples::host(host), minutes(took), minute(heard));
    }
    assert_eq!(host_spans(&made), [], "it told no times yet");
    if let State::Ended { run: own, .. } = &mut made.state {
        *own = Some(run);
    }
    let phase = |entry| Some(SpanId::phase(&made.id, entry));
    let told: Vec<_> = host_spans(&made)
        .into_iter()
        .map(|span| (span.parent, span.from, span.to))
        .collect();
    assert_eq!(
        told,
        [
            (phase(1), minute(3), minute(4)),
            (phase(1), minute(2), minute(5)),
            (phase(2), minute(7), minute(8)),
            (phase(4), minute(8), minute(9)),
            (phase(4), minute(8), minute(8)),
            (Some(SpanId::root(&made.id)), minute(8), minute(9)),
        ]
    );
}

#[test]
fn each_week_tells_what_ended_in_it() {
    let told = measure(&story(), two_weeks());
    let weeks: Vec<_> = told
        .weeks
        .iter()
        .map(|week| {
            let delivery = week.delivery;
            (
                week.monday,
                delivery.changes,
                delivery.failed,
                delivery.stopped,
            )
        })
        .collect();
    assert_eq!(weeks, [(minute(0), 3, 2, 1), (minute(WEEK), 2, 1, 0)]);
}

#[test]
fn what_happened_after_the_window_is_not_known_in_it() {
    // At 405 the operator has not gone back from d yet, and at 207 b is being rolled back.
    let at = |until| {
        let window = Window {
            from: minute(0),
            until: minute(until),
        };
        let told = measure(&story(), window);
        (told.delivery.changes, told.delivery.failed, told.open)
    };
    assert_eq!(at(405), (3, 1, 0));
    assert_eq!(at(207), (1, 0, 1));
    assert_eq!(at(506), (3, 2, 0));
}

#[test]
fn a_rollback_of_a_rollback_leaves_the_change_that_the_first_went_back_to() {
    let story = [
        deployment(
            1,
            Kind::Push,
            'a',
            &[(1, "Queued"), (2, "Preparing"), (3, "Succeeded")],
        ),
        deployment(
            2,
            Kind::Push,
            'b',
            &[(4, "Queued"), (5, "Preparing"), (6, "Succeeded")],
        ),
        deployment(
            3,
            Kind::Rollback(release('a')),
            'a',
            &[(7, "Queued"), (8, "Activating"), (9, "Succeeded")],
        ),
        // Back to what was live before everything that is known: a is left.
        deployment(
            4,
            Kind::Rollback(release('f')),
            'f',
            &[(10, "Queued"), (11, "Activating"), (12, "Succeeded")],
        ),
        // What is live now is not known, so nothing can be blamed.
        deployment(
            5,
            Kind::Rollback(release('e')),
            'e',
            &[(13, "Queued"), (14, "Activating"), (15, "Succeeded")],
        ),
    ];
    let told = measure(&story, two_weeks()).delivery;
    assert_eq!((told.changes, told.failed), (2, 2));
}

#[test]
fn the_spans_of_every_state_of_the_core_are_told() {
    for sample in samples::every_state() {
        let spans = Spans::of(&sample);
        let all: Millis = State::NAMES
            .iter()
            .filter_map(|name| spans.of_state(name))
            .fold(Millis::default(), Millis::plus);
        let (first, last) = (
            &sample.timeline[0],
            &sample.timeline[sample.timeline.len() - 1],
        );
        assert_eq!(all, last.at.since(first.at), "{}", sample.state.name());
    }
}

#[test]
fn the_words_of_a_filter_are_those_of_the_core() {
    let release = release('a');
    let kinds = [
        Kind::Push,
        Kind::Redeploy,
        Kind::Rollback(release.clone()),
        Kind::Drill(release.clone()),
        Kind::Promote(None),
        Kind::Config,
        Kind::Join(release),
    ];
    assert_eq!(kinds.map(|kind| kind.word()), Kind::WORDS);
    for kind in Kind::WORDS {
        assert_eq!(Filter::kind_of(kind), Some(kind));
    }
    for name in Outcome::NAMES {
        assert_eq!(common::outcome(name).unwrap().name(), name);
        assert_eq!(Filter::result_of(name), Some(name));
    }
    assert_eq!(State::NAMES[10..], Outcome::NAMES);
    assert_eq!(
        (Filter::kind_of("Push"), Filter::result_of("Queued")),
        (None, None)
    );
}

fn taken(filter: &Filter) -> Vec<String> {
    let all = samples::every_state();
    let taken = all.iter().filter(|one| filter.takes(one));
    taken.map(|one| one.state.name().to_owned()).collect()
}

#[test]
fn a_filter_takes_what_is_asked_for_and_nothing_else() {
    let all = samples::every_state().len();
    assert_eq!(taken(&Filter::default()).len(), all);
    let result = |name| Filter {
        result: Filter::result_of(name),
        ..Filter::default()
    };
    for name in Outcome::NAMES {
        assert_eq!(taken(&result(name)), [name]);
    }
    let commit = |text: &str| Filter {
        commit: Some(CommitStart::parse(text).unwrap()),
        ..Filter::default()
    };
    assert_eq!(taken(&commit(&"b".repeat(40))).len(), all);
    assert_eq!(taken(&commit(&"b".repeat(7))).len(), all);
    assert_eq!(taken(&commit("bbbbbbbc")).len(), 0);
    let at = |since: u64, until: u64| Filter {
        since: Some(samples::START.after(Millis::new(since))),
        until: Some(samples::START.after(Millis::new(until))),
        ..Filter::default()
    };
    assert_eq!(taken(&at(0, 1)).len(), all);
    assert_eq!(taken(&at(1, 2)).len(), 0);
    let on = |host: HostId| Filter {
        host: Some(host),
        ..Filter::default()
    };
    let with_a_run = samples::every_state();
    let with_a_run = with_a_run.iter().filter(|one| one.state.run().is_some());
    assert_eq!(taken(&on(samples::host(1))).len(), with_a_run.count());
    assert_eq!(taken(&on(samples::host(9))).len(), 0);
}

#[test]
fn a_person_is_found_by_whatever_they_did() {
    let eve = Person::parse("eve").unwrap();
    let filter = Filter {
        by: Some(eve.clone()),
        ..Filter::default()
    };
    let waiting = samples::every_state()
        .into_iter()
        .find(|one| one.state.name() == "AwaitingApproval")
        .unwrap();
    assert!(!filter.takes(&waiting));
    let mut asked = waiting.clone();
    asked.origin.by = Some(eve.clone());
    assert!(filter.takes(&asked));
    let mut approved = waiting.clone();
    let mut vote = samples::vote(&approved);
    vote.by = eve.clone();
    approved.approval.as_mut().unwrap().votes.push(vote);
    assert!(filter.takes(&approved));
    let mut stopped = waiting.clone();
    let mut said = samples::said();
    said.by = eve;
    stopped.stop = Some(said.clone());
    assert!(filter.takes(&stopped));
    let mut cancelled = waiting;
    cancelled.state = State::Ended {
        outcome: Outcome::Cancelled(said),
        run: None,
        at: samples::START,
    };
    assert!(filter.takes(&cancelled));
}

#[test]
fn a_beginning_of_a_commit_has_seven_digits_at_least() {
    for text in ["bbbbbb", "BBBBBBB", "bbbbbbg", "", "HEAD~1x"] {
        assert!(CommitStart::parse(text).is_err(), "{text}");
    }
    assert!(CommitStart::parse(&"b".repeat(41)).is_err());
}

const ENDS: [&str; 8] = Outcome::NAMES;

fn kind_of(number: u8, letter: char) -> Kind {
    match number {
        0..=3 => Kind::Push,
        4 => Kind::Redeploy,
        5 => Kind::Config,
        6 => Kind::Promote(None),
        7 => Kind::Rollback(release(letter)),
        8 => Kind::Drill(release(letter)),
        _ => Kind::Join(release(letter)),
    }
}

/// One deployment after the other, as an app's slot lets them be: they end in the order of their ids.
fn histories() -> impl Strategy<Value = Vec<Deployment>> {
    let one = (
        0_u8..10,
        0_u8..4,
        0_usize..8,
        1_u64..4_000,
        0_u64..50,
        1_u64..90,
    );
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let mut now = 0;
        let mut number = 0;
        let made = all.into_iter().map(|(kind, letter, end, gap, wait, work)| {
            now += gap;
            number += 1;
            let letter = ['a', 'b', 'c', 'd'][usize::from(letter)];
            let kind = kind_of(kind, letter);
            let (began, seen, over) = (now + wait, now + wait + work, now + wait + work + 1);
            let name = ENDS[end];
            let timeline: Vec<(u64, &'static str)> = match name {
                "RolledBack" | "RollbackFailed" => vec![
                    (now, "Queued"),
                    (began, "Activating"),
                    (seen, "RollingBack"),
                    (over, name),
                ],
                "Succeeded" | "Failed" => {
                    vec![(now, "Queued"), (began, "Preparing"), (over, name)]
                }
                _ => vec![(now, "Queued"), (over, name)],
            };
            now = over;
            deployment(number, kind, letter, &timeline)
        });
        made.collect()
    })
}

fn end(one: &Deployment) -> u64 {
    one.timeline.last().unwrap().at.as_unix_ms()
}

fn ended(one: &Deployment) -> &'static str {
    one.timeline.last().unwrap().state
}

fn is_change(one: &Deployment) -> bool {
    ["push", "redeploy", "config", "promote"].contains(&one.origin.kind.word())
}

/// What is live after the first so many of a history: the number of the change that brought it, by going back through what was
/// written about it.
fn live_after(history: &[Deployment]) -> Option<usize> {
    let at = history
        .iter()
        .rposition(|one| ended(one) == "Succeeded" && one.origin.kind.word() != "join")?;
    match &history[at].origin.kind {
        Kind::Rollback(back) | Kind::Drill(back) => history[..at].iter().rposition(|one| {
            is_change(one) && ended(one) == "Succeeded" && one.origin.commit == back.commit
        }),
        _ => Some(at),
    }
}

/// The same as [`Delivery`], counted change by change with searches instead of in one pass with a memory.
fn counted_plainly(history: &[Deployment], window: Window) -> [u32; 6] {
    let known: Vec<Deployment> = history
        .iter()
        .filter(|one| end(one) < window.until.as_unix_ms())
        .cloned()
        .collect();
    let [
        mut changes,
        mut succeeded,
        mut failed,
        mut stopped,
        mut open,
        mut unmended,
    ] = [0; 6];
    for (at, one) in known.iter().enumerate() {
        if !is_change(one) || end(one) < window.from.as_unix_ms() {
            continue;
        }
        let later = &known[at + 1..];
        let undone = (at + 1..known.len()).find(|later| {
            known[*later].origin.kind.word() == "rollback"
                && ended(&known[*later]) == "Succeeded"
                && live_after(&known[..*later]) == Some(at)
        });
        let since = undone.unwrap_or(at);
        let next = known[since + 1..]
            .iter()
            .any(|one| is_change(one) && ended(one) == "Succeeded");
        match ended(one) {
            "Succeeded" => {
                changes += 1;
                succeeded += 1;
                failed += u32::from(undone.is_some());
                unmended += u32::from(undone.is_some() && !next);
            }
            "RolledBack" | "RollbackFailed" => {
                changes += 1;
                failed += 1;
                let mended = later.iter().any(|one| ended(one) == "Succeeded");
                open += u32::from(ended(one) == "RollbackFailed" && !mended);
                unmended += u32::from(!next);
            }
            "Failed" => stopped += 1,
            _ => {}
        }
    }
    [changes, succeeded, failed, stopped, open, unmended]
}

fn counts(delivery: &Delivery) -> [u32; 6] {
    [
        delivery.changes,
        delivery.succeeded,
        delivery.failed,
        delivery.stopped,
        delivery.recovery.open,
        delivery.next_success.open,
    ]
}

fn check_sums(told: &Measures) {
    let sum = |of: fn(&Delivery) -> u32| {
        told.weeks
            .iter()
            .map(|week| of(&week.delivery))
            .sum::<u32>()
    };
    let whole = told.delivery;
    assert_eq!(sum(|one| one.changes), whole.changes);
    assert_eq!(sum(|one| one.succeeded), whole.succeeded);
    assert_eq!(sum(|one| one.failed), whole.failed);
    assert_eq!(sum(|one| one.stopped), whole.stopped);
    assert_eq!(sum(|one| one.lead_from_push.n), whole.lead_from_push.n);
    assert_eq!(sum(|one| one.recovery.open), whole.recovery.open);
    assert!(whole.failed <= whole.changes && whole.succeeded <= whole.changes);
    assert_eq!(whole.recovery.took.n + whole.recovery.open, whole.failed);
    assert_eq!(
        whole.next_success.took.n + whole.next_success.open,
        whole.failed
    );
    for step in &told.steps {
        assert!(step.took.p50 <= step.took.p90 && step.took.p90 <= step.took.max);
        assert!(step.took.n <= told.work.n);
    }
}

proptest! {
    #[test]
    fn a_plain_count_agrees_and_parts_are_the_whole(
        history in histories(),
        from in 0_u64..60_000,
        length in 1_u64..60_000,
    ) {
        let window = Window { from: minute(from), until: minute(from + length) };
        let told = measure(&history, window);
        prop_assert_eq!(counts(&told.delivery), counted_plainly(&history, window));
        check_sums(&told);
        let inside = history.iter().filter(|one| {
            (window.from.as_unix_ms()..window.until.as_unix_ms()).contains(&end(one))
        });
        let ends: u32 = told.ends.values().sum();
        prop_assert_eq!(usize::try_from(ends).unwrap(), inside.count());
    }

    #[test]
    fn the_order_in_which_they_come_does_not_matter(history in histories()) {
        let whole = Window { from: minute(0), until: minute(400_000) };
        let backwards: Vec<Deployment> = history.iter().rev().cloned().collect();
        prop_assert_eq!(measure(&history, whole), measure(&backwards, whole));
    }
}
