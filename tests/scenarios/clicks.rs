//! Clicks in Slack: who may say what with a button, and what a forged, late, repeated or misplaced click is worth.

use longshore_core::{Outcome, State, Via};
use longshore_tests::{Bench, REPLY_TO, SIGNING, clicked_with};
use serde_json::{Value, json};

const EVE: &str = "U0EVE";
const BOB: &str = "U0BOB";

/// An app with `a` live and `b` waiting for this many people to say yes.
fn waiting(needed: u32) -> Bench {
    let mut bench = Bench::new(2);
    bench.live("a");
    let people = [("ann", "U0ANN"), ("eve", EVE), ("bob", BOB)];
    let people = people.map(|(name, slack)| json!({"name": name, "slack": slack}));
    bench.configure(&json!({
        "approval": true,
        "approvals": {"needed": needed, "people": people},
    }));
    bench.push("b");
    bench.run_to("b", "AwaitingApproval");
    bench
}

/// The last answer to a click.
fn answer(bench: &Bench) -> Value {
    let (url, json) = bench.cloud.people.replies().pop().expect("an answer");
    assert_eq!(url, REPLY_TO);
    serde_json::from_str(&json).unwrap()
}

/// The names of the people who have said yes.
fn voters(bench: &Bench) -> Vec<String> {
    let votes = bench.deployment("b").approval.unwrap().votes;
    votes.iter().map(|vote| vote.by.to_string()).collect()
}

fn has_buttons(message: &Value) -> bool {
    let blocks = message["blocks"].as_array().unwrap();
    blocks.iter().any(|block| block["type"] == "actions")
}

#[test]
fn the_button_of_the_message_approves_and_the_message_says_who_it_was() {
    let mut bench = waiting(2);
    bench.run_for(5);
    let told = bench.cloud.people.told();
    let asked = told.iter().rfind(|told| told.channel == "deployments");
    let message: Value = serde_json::from_str(&asked.unwrap().text).unwrap();
    let button = bench.button("b", "approve");
    let blocks = message["blocks"].as_array().unwrap();
    let actions = blocks.iter().find(|block| block["type"] == "actions");
    assert_eq!(
        actions.unwrap()["elements"][0]["value"],
        json!(button.value)
    );
    assert_eq!(bench.click(EVE, &button), 200);
    assert_eq!(
        voters(&bench),
        [""; 0],
        "the function itself writes nothing"
    );
    bench.run_for(5);
    assert_eq!(voters(&bench), ["eve"]);
    let shown = answer(&bench);
    assert_eq!(shown["replace_original"], true);
    assert!(shown.to_string().contains("eve, 1 more needed"), "{shown}");
    assert!(has_buttons(&shown));
    assert_eq!(bench.click(BOB, &button), 200);
    bench.run();
    let shown = answer(&bench);
    assert!(
        shown.to_string().contains("was approved by eve, bob"),
        "{shown}"
    );
    assert!(!has_buttons(&shown));
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "bb")
    );
    let votes = bench.deployment("b").approval.unwrap().votes;
    assert!(votes.iter().all(|vote| vote.via == Via::Slack));
}

#[test]
fn a_click_that_is_doubled_or_replayed_counts_once() {
    let mut bench = waiting(2);
    let button = bench.button("b", "approve");
    let event = clicked_with(SIGNING, bench.now(), &button.form(EVE));
    for _ in 0..3 {
        assert_eq!(bench.deliver_click(&event), 200);
    }
    bench.run_for(30);
    assert_eq!(
        (voters(&bench), bench.end_of("b")),
        (vec!["eve".to_owned()], "AwaitingApproval")
    );
    bench.click(BOB, &button);
    bench.click(BOB, &button);
    assert_eq!(bench.deliver_click(&event), 200);
    bench.run();
    assert_eq!(voters(&bench), ["eve", "bob"]);
    assert!(
        answer(&bench)
            .to_string()
            .contains("was approved by eve, bob")
    );
    assert!(bench.dead.is_empty());
}

#[test]
fn a_stale_or_forged_click_is_not_taken() {
    let mut bench = waiting(1);
    let form = bench.button("b", "approve").form(EVE);
    let early = clicked_with(SIGNING, bench.now(), &form);
    bench.run_for(360);
    let now = bench.now();
    let good = clicked_with(SIGNING, now, &form);
    let header = |name: &str, value: Value| {
        let mut event: Value = serde_json::from_str(&good).unwrap();
        event["headers"][name] = value;
        event.to_string()
    };
    for event in [
        early,
        clicked_with("another secret", now, &form),
        good.replace("approve", "reject_"),
        header("x-slack-signature", Value::Null),
        header("x-slack-request-timestamp", Value::Null),
        header(
            "x-slack-request-timestamp",
            json!((now.as_unix_s() + 1).to_string()),
        ),
        header("X-Slack-Signature", json!("v0=00")),
    ] {
        assert_eq!(bench.deliver_click(&event), 401, "{event}");
    }
    let long = "x".repeat(64 * 1024 + 1);
    for body in [
        "",
        "payload=",
        "payload=%7B%7D",
        &form.replace("block_actions", "shortcut"),
        &form.replace("%22approve%22", "%22other%22"),
        &format!("{form}&{form}"),
        &long,
    ] {
        let event = clicked_with(SIGNING, now, body);
        assert_eq!(bench.deliver_click(&event), 400, "{body:.80}");
    }
    bench.run_for(30);
    assert_eq!(
        (voters(&bench), bench.cloud.people.replies()),
        (vec![], vec![])
    );
    assert_eq!(bench.deliver_click(&good), 200);
    bench.run_for(5);
    assert_eq!(voters(&bench), ["eve"]);
}

#[test]
fn a_new_signing_secret_counts_at_once_and_without_a_queue_nothing_is_taken() {
    let mut bench = waiting(1);
    "another secret".clone_into(&mut bench.cloud.signing.lock().unwrap().1);
    let form = bench.button("b", "approve").form(EVE);
    let event = clicked_with("another secret", bench.now(), &form);
    *bench.cloud.clicks.lock().unwrap() = None;
    assert_eq!(bench.deliver_click(&event), 503);
    *bench.cloud.clicks.lock().unwrap() = Some(Vec::new());
    assert_eq!(bench.deliver_click(&event), 200);
    bench.run_for(5);
    assert_eq!(voters(&bench), ["eve"]);
}

#[test]
fn somebody_who_is_not_on_the_list_is_told_so_and_nobody_else_is() {
    let mut bench = waiting(1);
    for action in ["approve", "reject"] {
        let mut button = bench.button("b", action);
        button.reason = Some("because");
        assert_eq!(bench.click("U0MALLORY", &button), 200);
        bench.run_for(5);
        let told = answer(&bench);
        assert_eq!(told["response_type"], "ephemeral");
        assert!(
            told["text"].as_str().unwrap().contains("approvals.people"),
            "{told}"
        );
    }
    assert_eq!(
        (voters(&bench), bench.end_of("b")),
        (vec![], "AwaitingApproval")
    );
}

#[test]
fn a_click_for_an_older_plan_can_never_move_what_came_after_it() {
    let mut bench = waiting(1);
    let old = bench.button("b", "approve");
    let old_no = bench.button("b", "reject");
    bench.push("c");
    bench.run_to("c", "AwaitingApproval");
    bench.click(EVE, &old);
    bench.click(EVE, &old_no);
    bench.run_for(5);
    assert!(answer(&bench).to_string().contains("was superseded by"));
    let mut mixed = bench.button("c", "approve");
    let (id, _) = mixed.value.split_once(':').unwrap();
    let (_, plan) = old.value.split_once(':').unwrap();
    mixed.value = format!("{id}:{plan}");
    for action in ["approve", "reject"] {
        mixed.action = action;
        mixed.reason = Some("because");
        bench.click(EVE, &mixed);
        bench.run_for(5);
        assert!(
            answer(&bench)
                .to_string()
                .contains("there is another plan by now")
        );
    }
    assert_eq!(bench.end_of("c"), "AwaitingApproval");
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Superseded", "aa")
    );
}

#[test]
fn a_refusal_needs_a_reason_and_the_message_shows_it() {
    let mut bench = waiting(1);
    let mut button = bench.button("b", "reject");
    for nothing in [None, Some("  ")] {
        button.reason = nothing;
        assert_eq!(bench.click(EVE, &button), 200);
        bench.run_for(5);
        assert!(answer(&bench).to_string().contains("needs a reason"));
        assert_eq!(bench.end_of("b"), "AwaitingApproval");
    }
    button.reason = Some("the fair begins");
    bench.click(EVE, &button);
    bench.click(BOB, &button);
    bench.run();
    let State::Ended {
        outcome: Outcome::Rejected(said),
        ..
    } = bench.deployment("b").state
    else {
        panic!("it goes on");
    };
    assert_eq!(
        (said.to_string().as_str(), said.via),
        ("eve: the fair begins", Via::Slack)
    );
    assert!(
        answer(&bench)
            .to_string()
            .contains("was rejected by eve: the fair begins")
    );
}

#[test]
fn an_answer_goes_to_slack_alone_and_one_that_is_lost_costs_nothing() {
    for elsewhere in ["https://example.com/x", "http://127.0.0.1/x", REPLY_TO] {
        let mut bench = waiting(1);
        bench.cloud.people.set_down(REPLY_TO, true);
        let mut button = bench.button("b", "approve");
        button.reply_to = elsewhere;
        assert_eq!(bench.click(EVE, &button), 200);
        bench.run();
        assert_eq!(
            (bench.end_of("b"), bench.cloud.people.replies()),
            ("Succeeded", vec![])
        );
        assert_eq!(
            bench.cloud.people.tried_in_vain(),
            u32::from(elsewhere == REPLY_TO)
        );
        assert!(bench.dead.is_empty());
    }
}
