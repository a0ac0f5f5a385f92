//! What people are told: at least once, channel by channel, recognisable as a repeat.

use longshore_core::Millis;
use longshore_shell::announce::SlackCall;
use longshore_shell::fakes::Behaviour;
use longshore_tests::Bench;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn every_channel_is_told_of_the_start_and_the_end() {
    let mut bench = Bench::new(2);
    bench.live("a");
    let told: Vec<(String, u32)> = bench
        .cloud
        .people
        .told()
        .into_iter()
        .map(|told| (told.channel, told.number))
        .collect();
    let told: BTreeSet<_> = told.into_iter().collect();
    let expected = [
        ("deployments", 2),
        ("deployments", 4),
        ("sns", 1),
        ("sns", 3),
    ];
    assert_eq!(
        told,
        expected
            .map(|(c, n)| (c.to_owned(), n))
            .into_iter()
            .collect()
    );
}

#[test]
fn a_channel_that_is_down_delays_no_other_and_no_deployment_and_gets_its_message_later() {
    let mut bench = Bench::new(2);
    bench.cloud.people.set_down("deployments", true);
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Succeeded");
    bench.run_for(30);
    let told = bench.cloud.people.told();
    assert!(told.iter().all(|told| told.channel == "sns"));
    assert_eq!(told.iter().map(|t| t.number).max(), Some(3));
    bench.run_for(3600);
    assert!(bench.cloud.people.tried_in_vain() > 10);
    bench.cloud.people.set_down("deployments", false);
    bench.run();
    let told = bench.cloud.people.told();
    let late: Vec<u32> = told
        .iter()
        .filter(|t| t.channel == "deployments")
        .map(|t| t.number)
        .collect();
    assert_eq!(late.into_iter().collect::<BTreeSet<_>>(), [2, 4].into());
}

#[test]
fn a_message_that_nobody_takes_for_a_day_is_given_up_and_logged() {
    let mut bench = Bench::new(1);
    bench.cloud.people.set_down("deployments", true);
    let began = bench.now();
    assert_eq!(bench.push("a"), 202);
    bench.run();
    assert!(bench.logged("message_given_up"));
    let hours = bench.now().since(began).as_secs_ceil() / 3600;
    assert_eq!(hours, 24);
}

#[test]
fn a_repeat_has_the_number_of_the_first() {
    let mut bench = Bench::new(1);
    bench.weather.doubled = true;
    bench.weather.interleaved = Some(7);
    bench.live("a");
    let told = bench.cloud.people.told();
    let numbers: BTreeSet<u32> = told.iter().map(|told| told.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4].into());
}

#[test]
fn two_looks_that_meet_tell_nobody_twice() {
    for seed in 1..40 {
        let mut bench = Bench::new(1);
        bench.weather.doubled = true;
        bench.weather.interleaved = Some(seed);
        bench.live("a");
        let told = bench.cloud.people.told();
        assert_eq!(told.len(), 4, "seed {seed}: {told:#?}");
    }
}

/// Every channel there is.
fn told_everywhere(hosts: u32) -> Bench {
    let mut bench = Bench::new(hosts);
    bench.configure(&json!({"notifications": {
        "sns": true,
        "slack": ["deployments"],
        "slack_app": ["C024BE91L"],
        "teams": ["ops"],
        "webhooks": ["audit"],
        "build_status": true,
        "tag": true,
    }}));
    bench
}

fn states(bench: &Bench) -> Vec<&'static str> {
    let statuses = bench.cloud.people.statuses();
    statuses.iter().map(|status| status.state.word()).collect()
}

/// What Slack's own app has done: each call with whether it is about the message itself or its thread.
fn calls(bench: &Bench) -> Vec<(SlackCall, bool)> {
    let calls = bench.cloud.people.calls();
    calls
        .iter()
        .map(|(call, body)| (*call, body.get("thread_ts").is_some()))
        .collect()
}

#[test]
fn the_commit_shows_its_state_and_gets_a_tag_once_it_is_live() {
    let mut bench = told_everywhere(2);
    bench.live("a");
    assert_eq!(states(&bench), ["INPROGRESS", "SUCCESSFUL"]);
    let [tag] = bench.cloud.people.tags().try_into().unwrap();
    assert!(
        tag.name.starts_with("longshore/prod/") && tag.name.ends_with("Z-aaaaaaaaaaaa"),
        "{tag:?}"
    );
    bench.behaves("b", Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "RolledBack");
    bench.run();
    assert_eq!(states(&bench).last(), Some(&"FAILED"));
    assert_eq!(bench.cloud.people.tags().len(), 1);
}

#[test]
fn slack_s_own_app_has_one_message_for_a_deployment_and_its_details_in_the_thread() {
    let mut bench = told_everywhere(2);
    bench.live("a");
    let expected = [
        (SlackCall::Post, false),
        (SlackCall::Update, false),
        (SlackCall::Post, true),
    ];
    assert_eq!(calls(&bench), expected);
    let calls = bench.cloud.people.calls();
    assert_eq!(calls[1].1["ts"], calls[2].1["thread_ts"]);
    assert_eq!(calls[2].1["reply_broadcast"], false);
}

#[test]
fn a_late_word_never_follows_a_final_one_whoever_meets_whom() {
    for seed in 1..40 {
        let mut bench = told_everywhere(1);
        bench.weather.doubled = true;
        bench.weather.interleaved = Some(seed);
        bench.live("a");
        let states = states(&bench);
        let last = states.iter().rposition(|state| *state == "INPROGRESS");
        let first = states.iter().position(|state| *state != "INPROGRESS");
        assert!(last < first, "seed {seed}: {states:?}");
        assert_eq!(states.last(), Some(&"SUCCESSFUL"), "seed {seed}");
        let posts = calls(&bench);
        let posts = posts
            .iter()
            .filter(|call| **call == (SlackCall::Post, false));
        assert_eq!(posts.count(), 1, "seed {seed}");
    }
}

#[test]
fn dead_channels_delay_no_other_and_lose_nothing() {
    let mut bench = told_everywhere(2);
    let dead = ["deployments", "ops", "audit", "C024BE91L"];
    for channel in dead {
        bench.cloud.people.set_down(channel, true);
    }
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Succeeded");
    bench.run_for(30);
    assert_eq!(states(&bench), ["INPROGRESS", "SUCCESSFUL"]);
    assert_eq!(bench.cloud.people.tags().len(), 1);
    bench.run_for(3600);
    for channel in dead {
        bench.cloud.people.set_down(channel, false);
    }
    bench.run();
    let told = bench.cloud.people.told();
    for channel in ["deployments", "ops", "audit"] {
        let here = told.iter().filter(|told| told.channel == channel);
        let numbers: BTreeSet<u32> = here.map(|told| told.number).collect();
        assert_eq!(numbers.len(), 2, "{channel}");
    }
    assert_eq!(calls(&bench)[0], (SlackCall::Post, false));
    assert!(!bench.logged("message_given_up"));
}

#[test]
fn a_channel_that_asks_for_patience_is_left_alone_for_as_long() {
    let mut bench = Bench::new(1);
    let patience = Millis::from_secs(600);
    bench.cloud.people.ask_for_patience("deployments", patience);
    assert_eq!(bench.push("a"), 202);
    bench.run_until(|bench| bench.cloud.people.tried_in_vain() == 1);
    let refused = bench.now();
    bench.run_until(|bench| {
        let told = bench.cloud.people.told();
        told.iter().any(|told| told.number == 2)
    });
    let waited = bench.now().since(refused);
    assert!(waited >= patience, "{waited:?}");
    assert!(waited < patience.plus(Millis::from_secs(120)), "{waited:?}");
}

#[test]
fn a_page_comes_for_what_a_person_must_do_now_and_for_nothing_else() {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"notifications": {
        "sns": {"from": "critical"},
        "slack": ["deployments", {"name": "failures", "from": "error", "kinds": ["ended"]}],
    }}));
    bench.live("a");
    bench.behaves("b", Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", "RolledBack");
    bench.run();
    let told = bench.cloud.people.told();
    let count = |channel: &str| told.iter().filter(|told| told.channel == channel).count();
    assert_eq!(count("sns"), 0, "nobody is called for what was put right");
    assert_eq!(count("failures"), 1);
    assert_eq!(
        count("deployments"),
        5,
        "two of the first, three of the second"
    );
}
