//! A run that went well, and one lie after the other: each must be found, by the check that it is a matter of.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::evidence::{Decision, Evidence, Fleet, HostNow};
use super::super::plan::{CommitKind, Delivery, Forgery};
use super::super::pushes::{Answer, Forged, Pushed};
use super::super::watch::Switch;
use super::of;
use crate::demo::record::{Deployment, Entry};
use crate::served::Served;
use crate::sinks::Message;

const HOST: &str = "i-00000000000000001";
const IDS: [&str; 3] = ["01A", "01B", "01C"];

fn commit(letter: char) -> String {
    letter.to_string().repeat(40)
}

fn release(letter: char, greeting: u64) -> Value {
    json!({"commit": commit(letter), "config_version": 1, "parameters": {"GREETING": greeting}})
}

fn deployment(
    id: &str,
    letter: char,
    generation: u64,
    states: &[(&str, u64)],
    run: &Value,
) -> Deployment {
    let timeline: Vec<Entry> = states
        .iter()
        .map(|(state, at_ms)| Entry {
            at_ms: *at_ms,
            state: (*state).to_owned(),
            wave: None,
        })
        .collect();
    let mut run = run.clone();
    run["generation"] = json!(generation);
    run["release"] = release(letter, generation);
    Deployment {
        id: id.to_owned(),
        state: timeline.last().unwrap().state.clone(),
        timeline,
        body: json!({
            "announced": 4, "tables": {"hosts": [HOST]}, "origin": {"commit": commit(letter)},
            "state": {"ended": {"outcome": "succeeded", "run": run}},
        }),
        at_rest: true,
    }
}

fn message(path: &str, id: &str, number: u64) -> Message {
    let text = format!("deployment {id} · message {number}");
    Message {
        at_ms: 0,
        path: path.to_owned(),
        headers: BTreeMap::new(),
        raw: String::new(),
        body: json!({"text": text, "Message": text}),
        status: 200,
    }
}

fn pushed(letter: char, kind: CommitKind, id: &str) -> Pushed {
    Pushed {
        kind,
        delivery: Delivery::Plain,
        commit: commit(letter),
        answers: vec![Answer::Deployment(id.to_owned()); 2],
        body: Vec::new(),
    }
}

fn switch(generation: u64, letter: char, at_ms: u64) -> Switch {
    Switch {
        generation,
        release: format!("{}-1", commit(letter)),
        mark: at_ms,
        at_ms,
    }
}

fn fleet(generation: u64, letter: char, at_ms: u64, greeting: u64) -> Fleet {
    let release = format!("{}-1", commit(letter));
    let now = HostNow {
        active: release.clone(),
        switch: Some(switch(generation, letter, at_ms)),
        served: Served {
            release,
            page: format!("greeting {greeting}."),
            process: "1".to_owned(),
        },
        started: Some(at_ms.saturating_add(1)),
    };
    [(HOST.to_owned(), now)].into()
}

fn log(generation: u64) -> (String, String) {
    let name = format!("20260101T000000Z-activate-{generation}.log");
    let text = format!(
        "2026-01-01T00:00:00Z activate r generation {generation} token t\n2026-01-01T00:00:01Z pm2: reload true\n2026-01-01T00:00:02Z done done \n"
    );
    (name, text)
}

fn three_deployments() -> Vec<Deployment> {
    let standing = |word: &str| json!([{"hosts": "0", "standing": word}]);
    let first = [
        ("Queued", 10),
        ("Preparing", 20),
        ("Activating", 30),
        ("Succeeded", 90),
    ];
    let second = [
        ("Queued", 100),
        ("Preparing", 120),
        ("Activating", 130),
        ("RollingBack", 150),
        ("RolledBack", 190),
    ];
    let third = [
        ("Queued", 200),
        ("Preparing", 220),
        ("Activating", 230),
        ("Succeeded", 290),
    ];
    vec![
        deployment(
            IDS[0],
            'a',
            1,
            &first,
            &json!({"standings": standing("proven"), "previous": null}),
        ),
        deployment(
            IDS[1],
            'b',
            2,
            &second,
            &json!({"standings": standing("restored"), "previous": release('a', 1)}),
        ),
        deployment(
            IDS[2],
            'c',
            4,
            &third,
            &json!({"standings": standing("proven"), "previous": release('a', 1)}),
        ),
    ]
}

/// A good push, a sick one that was rolled back, and a good one at the end.
fn honest() -> Evidence {
    let deployments = three_deployments();
    let mut evidence = Evidence {
        deployments_at_rest: deployments[..2].to_vec(),
        deployments,
        slot: json!({"live": {"release": release('c', 4)}}),
        decisions: IDS
            .iter()
            .map(|id| Decision::Deployment((*id).to_owned()))
            .collect(),
        pushes: vec![
            pushed('a', CommitKind::Good, IDS[0]),
            pushed('b', CommitKind::TurnsSick, IDS[1]),
            pushed('c', CommitKind::Good, IDS[2]),
        ],
        forged: vec![Forged {
            forgery: Forgery::Unsigned,
            status: Some(401),
        }],
        messages: IDS
            .iter()
            .flat_map(|id| [message("/slack/deployments", id, 3), message("/sns", id, 4)])
            .collect(),
        at_rest: fleet(3, 'a', 160, 1),
        at_end: fleet(4, 'c', 230, 4),
        greetings: (1..=4)
            .map(|n| (n, format!("greeting {n}.")))
            .collect::<BTreeMap<_, _>>(),
        ..Evidence::default()
    };
    let past = evidence.past.hosts.entry(HOST.to_owned()).or_default();
    past.switches = vec![
        switch(1, 'a', 30),
        switch(2, 'b', 130),
        switch(3, 'a', 160),
        switch(4, 'c', 230),
    ];
    past.generations = vec![1, 2, 3, 4];
    past.activations = (1..=4).map(log).collect();
    evidence
}

/// The invariants that are broken after this change.
fn broken(change: impl FnOnce(&mut Evidence)) -> Vec<&'static str> {
    let mut evidence = honest();
    change(&mut evidence);
    let failed = of(&evidence)
        .into_iter()
        .filter(|check| !check.problems.is_empty());
    failed.map(|check| check.name).collect()
}

fn past(evidence: &mut Evidence) -> &mut super::super::watch::HostPast {
    evidence.past.hosts.get_mut(HOST).unwrap()
}

#[test]
fn a_run_that_went_well_passes() {
    let problems: Vec<_> = of(&honest())
        .into_iter()
        .filter(|check| !check.problems.is_empty())
        .collect();
    assert_eq!(problems, []);
}

#[test]
fn a_push_that_is_lost_or_answered_in_two_ways_is_found() {
    assert_eq!(broken(|e| e.pushes[1].answers.clear()), ["I1"]);
    assert_eq!(
        broken(|e| e.pushes[1].answers[1] = Answer::Skipped("outdated".to_owned())),
        ["I1"]
    );
    assert_eq!(
        broken(|e| {
            e.decisions.pop();
        }),
        ["I1"]
    );
    assert_eq!(
        broken(|e| e.decisions.push(Decision::Deployment("01D".to_owned()))),
        ["I1"]
    );
    let twice = |e: &mut Evidence| {
        let end = e.deployments[0].timeline[3].clone();
        e.deployments[0].timeline.push(end);
    };
    assert_eq!(broken(twice), ["I1"]);
}

#[test]
fn a_skip_that_is_on_record_with_its_reason_is_as_good_as_an_end() {
    let skipped = |recorded: &str| {
        let recorded = recorded.to_owned();
        broken(move |e| {
            let mut pushed = pushed('d', CommitKind::Good, "");
            pushed.answers = vec![Answer::Skipped("outdated".to_owned())];
            e.pushes.insert(1, pushed);
            e.decisions.push(Decision::Skipped(recorded));
        })
    };
    assert!(skipped("outdated").is_empty());
    assert_eq!(skipped("quarantined"), ["I1"]);
}

#[test]
fn an_activation_that_took_effect_twice_is_found() {
    assert_eq!(
        broken(|e| past(e).switches.insert(3, switch(3, 'a', 170))),
        ["I2"]
    );
    let again = |e: &mut Evidence| {
        let text = log(4).1;
        past(e)
            .activations
            .insert("another-activate-.log".to_owned(), text);
    };
    assert_eq!(broken(again), ["I2"]);
    let killed = |e: &mut Evidence| {
        let text = log(4).1.replace("Z done ", "Z and then ");
        past(e)
            .activations
            .insert("another-activate-.log".to_owned(), text);
    };
    assert!(
        broken(killed).is_empty(),
        "whoever was killed may have done nothing"
    );
}

#[test]
fn a_deployment_that_does_not_end_is_found() {
    assert_eq!(broken(|e| e.deployments[1].at_rest = false), ["I3"]);
    assert_eq!(broken(|e| e.slot["running"] = json!(IDS[1])), ["I3"]);
}

#[test]
fn a_host_that_goes_back_to_a_lower_generation_is_found() {
    assert_eq!(broken(|e| past(e).generations.push(3)), ["I4"]);
    assert_eq!(
        broken(|e| past(e).switches.insert(0, switch(5, 'c', 20))),
        ["I4"]
    );
}

#[test]
fn an_end_that_is_not_true_of_a_host_is_found() {
    let state = |index: usize, word: &'static str| {
        broken(move |e| {
            e.deployments[index].state = word.to_owned();
            e.deployments[index].timeline.last_mut().unwrap().state = word.to_owned();
        })
    };
    assert!(state(0, "Failed").contains(&"I5"));
    assert!(state(1, "Succeeded").contains(&"I5"));
    assert_eq!(
        broken(|e| e.pushes[0].kind = CommitKind::SickAtOnce),
        ["I5"]
    );
    let blamed = |e: &mut Evidence| {
        e.pushes[1].kind = CommitKind::Good;
        e.deployments[1].body["state"]["ended"]["outcome"] =
            json!({"rolled_back": {"class": "build_failed"}});
    };
    assert_eq!(broken(blamed), ["I5"]);
}

#[test]
fn a_host_that_serves_something_else_than_the_table_says_is_found() {
    let end = |change: fn(&mut HostNow)| broken(move |e| change(e.at_end.get_mut(HOST).unwrap()));
    assert_eq!(
        end(|now| now.served.release = format!("{}-1", commit('a'))),
        ["I5"]
    );
    assert_eq!(
        end(|now| now.served.page = "greeting 3.".to_owned()),
        ["I5"]
    );
    assert_eq!(
        end(|now| now.started = Some(229)),
        ["I5"],
        "a process from before the switch"
    );
    assert_eq!(end(|now| now.started = None), ["I5"]);
    assert_eq!(broken(|e| e.at_end.clear()), ["I5"]);
    assert_eq!(broken(|e| e.at_rest = fleet(2, 'b', 130, 2)), ["I5"]);
}

#[test]
fn an_end_that_nobody_was_told_of_is_found() {
    for index in 0..6 {
        assert_eq!(
            broken(|e| {
                e.messages.remove(index);
            }),
            ["I6"],
            "message {index}"
        );
    }
    assert_eq!(broken(|e| e.messages[0].status = 500), ["I6"]);
    assert_eq!(
        broken(|e| e.messages[0] = message("/slack/deployments", IDS[0], 2)),
        ["I6"],
        "only the start"
    );
}

#[test]
fn a_forged_webhook_that_was_believed_and_a_leak_are_found() {
    assert_eq!(broken(|e| e.forged[0].status = Some(202)), ["I7"]);
    assert_eq!(
        broken(|e| e
            .leaks
            .push(("sailor".to_owned(), vec!["a log".to_owned()]))),
        ["I7"]
    );
}

#[test]
fn two_at_once_and_a_wrong_successor_are_found() {
    assert_eq!(broken(|e| e.deployments[1].timeline[1].at_ms = 80), ["I8"]);
    let by = |id: &'static str| {
        broken(move |e| {
            e.deployments[1].body["state"]["ended"]["outcome"] = json!({"superseded": id});
        })
    };
    assert!(by(IDS[2]).is_empty());
    assert_eq!(by(IDS[0]), ["I8"]);
    assert_eq!(by("01Z"), ["I8"]);
}

#[test]
fn a_commit_that_comes_back_after_its_rollback_is_found() {
    let late = |e: &mut Evidence| past(e).switches.insert(3, switch(3, 'b', 195));
    assert!(broken(late).contains(&"I9"));
    let again = |e: &mut Evidence| e.deployments[2].body["origin"]["commit"] = json!(commit('b'));
    assert!(broken(again).contains(&"I9"));
}

#[test]
fn a_rollback_to_anything_but_the_last_proven_release_is_found() {
    let previous = |release: Value| {
        broken(move |e| e.deployments[1].body["state"]["ended"]["run"]["previous"] = release)
    };
    assert!(previous(release('c', 1)).contains(&"I10"));
    assert_eq!(previous(release('a', 9)), ["I10"], "with other parameters");
    assert_eq!(
        broken(|e| past(e).switches[2] = switch(3, 'd', 160)),
        ["I10"]
    );
}
