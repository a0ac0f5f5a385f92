//! Every kind of message, as people see it on each channel. The snapshots are the specification: a changed word shows up
//! as a changed snapshot.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "common/stories.rs"]
mod stories;

use longshore_core::{
    AnnouncementKind, DeploymentId, Failure, FailureClass, Kind, MessageTs, Observation, Post,
    Severity, SlackChannel,
};
use notifier::message::{Act, Message, Tone};
use notifier::{slack, sns, teams};
use stories::{
    Story, all, asked_about_changes, build_fails, comes_back_wrong, health_fails, judged_by_little,
    migrated_and_sick, migration_fails, policy, said, second_is_gone, switch_fails, vote, well,
};

use AnnouncementKind::{ApprovalWanted, Ended, RollingBack, Started};

/// A message in all its forms, in one text.
fn told(story: &Story, kind: AnnouncementKind) -> String {
    let message = Message::of(&story.deployment, &story.announcement(kind), story.now);
    let notice = sns::notice(&message);
    let attributes: Vec<String> = notice
        .attributes
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let slack: serde_json::Value = serde_json::from_str(&slack::body(&message)).unwrap();
    format!(
        "{:?}\n{}\n{}\n\n{}\n{}",
        message.tone,
        notice.subject,
        attributes.join(" "),
        notice.body,
        serde_json::to_string_pretty(&slack).unwrap(),
    )
}

fn title(story: &Story, kind: AnnouncementKind) -> String {
    Message::of(&story.deployment, &story.announcement(kind), story.now).title
}

#[test]
fn an_approval_is_asked_for() {
    let mut policy = policy();
    policy.approvals = 1;
    let story = Story::accepted(Kind::Push, policy)
        .start(3, true)
        .until("AwaitingApproval", well)
        .later(90);
    insta::assert_snapshot!("approval_wanted", told(&story, ApprovalWanted));
    let approved = story
        .clone()
        .see(&Observation::Approved(vote(&story)))
        .later(10);
    assert_eq!(
        title(&approved, ApprovalWanted),
        "orders → prod: b1b1b1b1b1b1 was approved by ann"
    );
    let message = Message::of(
        &approved.deployment,
        &approved.announcement(ApprovalWanted),
        approved.now,
    );
    assert_eq!(
        (message.tone, message.todo.act),
        (Tone::Neutral, Act::Nothing)
    );
}

#[test]
fn a_plan_names_what_has_changed_and_who_has_said_yes() {
    let story = asked_about_changes();
    let yes = Observation::Approved(vote(&story));
    insta::assert_snapshot!("plan_with_changes", told(&story.see(&yes), ApprovalWanted));
}

#[test]
fn an_update_of_a_question_says_what_became_of_it_and_asks_only_while_it_is_open() {
    let story = asked_about_changes();
    let newer = DeploymentId::parse("01JD0000000000000000000002").unwrap();
    for (seen, ending) in [
        (None, "waits for approval"),
        (
            Some(Observation::Refused(said())),
            "was rejected by ann: the fair <b>begins</b>",
        ),
        (
            Some(Observation::Superseded(newer)),
            "was superseded by 01JD0000000000000000000002",
        ),
        (
            Some(Observation::CancelRequested(said())),
            "was cancelled by ann: the fair <b>begins</b>",
        ),
    ] {
        let told = seen.iter().fold(story.clone(), Story::see);
        let message = Message::of_question(&told.deployment, told.now);
        assert_eq!(
            message.title,
            format!("orders → prod: b1b1b1b1b1b1 {ending}")
        );
        assert_eq!(message.asks.is_some(), seen.is_none());
        assert_eq!(message.reference(), "deployment 01JD0000000000000000000001");
        let body: serde_json::Value = serde_json::from_str(&slack::in_its_place(&message)).unwrap();
        assert_eq!(body["replace_original"], true);
    }
}

#[test]
fn a_start_is_told() {
    let story = Story::pushed().later(3).start(3, true);
    insta::assert_snapshot!("started", told(&story, Started));
}

#[test]
fn a_success_is_told() {
    let story = Story::pushed()
        .later(3)
        .start(3, true)
        .until("Succeeded", well);
    insta::assert_snapshot!("succeeded", told(&story, Ended));
}

#[test]
fn a_success_on_many_hosts_lists_ten_and_counts_the_rest() {
    let story = Story::pushed().start(25, true).until("Succeeded", well);
    insta::assert_snapshot!("succeeded_on_many_hosts", told(&story, Ended));
}

#[test]
fn a_success_without_a_host_that_is_gone_names_it_first() {
    let mut policy = policy();
    policy.unreachable_max = 1;
    let story = Story::accepted(Kind::Redeploy, policy).start(3, true);
    insta::assert_snapshot!(
        "succeeded_with_excused",
        told(&story.until("Succeeded", second_is_gone), Ended)
    );
}

#[test]
fn a_failed_preparation_is_told() {
    let story = Story::pushed().start(3, true).until("Failed", build_fails);
    insta::assert_snapshot!("failed_preparing", told(&story, Ended));
}

#[test]
fn a_failed_migration_is_told() {
    let story = Story::pushed()
        .start(2, true)
        .until("Failed", migration_fails);
    insta::assert_snapshot!("failed_migrating", told(&story, Ended));
}

#[test]
fn a_failure_before_the_start_is_told() {
    let refused = Failure::with_detail(FailureClass::ConfigRefused, "health.port is missing");
    let story = Story::pushed()
        .later(7)
        .see(&Observation::NotReady(refused));
    insta::assert_snapshot!("failed_before_the_start", told(&story, Ended));
    let story = Story::pushed().start(0, true);
    assert_eq!(
        title(&story, Ended),
        "orders → prod: failed before it started"
    );
}

#[test]
fn a_rollback_is_told_when_it_begins() {
    let story = Story::pushed()
        .start(3, true)
        .until("RollingBack", health_fails);
    insta::assert_snapshot!("rolling_back", told(&story, RollingBack));
}

#[test]
fn a_rollback_is_told_when_it_ends() {
    let story = Story::pushed()
        .start(3, true)
        .until("RolledBack", health_fails);
    insta::assert_snapshot!("rolled_back", told(&story, Ended));
}

#[test]
fn the_verdict_on_migrations_is_told() {
    let story = Story::pushed().start(3, true);
    let story = story.until("Unmigrating", migrated_and_sick);
    insta::assert_snapshot!("taking_back", told(&story, RollingBack));
}

#[test]
fn a_failed_rollback_calls_a_person_and_names_the_hosts() {
    let story = Story::pushed()
        .start(3, true)
        .until("RollbackFailed", switch_fails);
    insta::assert_snapshot!("rollback_failed", told(&story, Ended));
}

#[test]
fn a_rollback_without_a_proven_release_calls_a_person() {
    let story = Story::pushed()
        .start(2, false)
        .until("RollbackFailed", health_fails);
    insta::assert_snapshot!("nothing_proven", told(&story, Ended));
}

#[test]
fn hosts_that_came_back_and_do_not_pass_need_a_person_all_of_them() {
    let story = Story::pushed()
        .start(3, true)
        .until("RollbackFailed", comes_back_wrong);
    assert_eq!(
        title(&story, Ended),
        "orders → prod: rollback failed, 3 hosts need a person"
    );
}

#[test]
fn an_end_without_a_start_is_told() {
    let mut with_approval = policy();
    with_approval.approvals = 1;
    let awaiting = Story::accepted(Kind::Redeploy, with_approval)
        .start(3, true)
        .until("AwaitingApproval", well)
        .later(60);
    let queued = Story::accepted(Kind::Config, policy()).later(60);
    let newer = DeploymentId::parse("01JD0000000000000000000002").unwrap();
    insta::assert_snapshot!(
        "rejected",
        told(&awaiting.clone().see(&Observation::Refused(said())), Ended)
    );
    insta::assert_snapshot!(
        "expired",
        told(&awaiting.later(7200).see(&Observation::TimePassed), Ended)
    );
    insta::assert_snapshot!(
        "superseded",
        told(&queued.clone().see(&Observation::Superseded(newer)), Ended)
    );
    insta::assert_snapshot!(
        "cancelled",
        told(
            &queued.clone().see(&Observation::CancelRequested(said())),
            Ended
        )
    );
    let expired = queued.later(7200).see(&Observation::TimePassed);
    assert_eq!(
        title(&expired, Ended),
        "orders → prod: expired, its turn did not come in time"
    );
}

#[test]
fn an_operators_stop_after_a_switch_is_told_as_what_it_is() {
    let story = Story::pushed().start(3, true).until("Baking", well);
    let story = story
        .see(&Observation::CancelRequested(said()))
        .until("RolledBack", well);
    insta::assert_snapshot!("cancelled_after_a_switch", told(&story, Ended));
}

#[test]
fn a_late_message_says_that_it_is_late_and_a_repeat_says_the_same() {
    let story = Story::pushed().later(3).start(3, true);
    let first = told(&story, Started);
    assert_eq!(
        first,
        told(&story.clone().later(10), Started),
        "a repeat is the same"
    );
    let ended = story.until("Succeeded", well).later(1200);
    let late = told(&ended, Started);
    assert!(late.contains("\nLate: this was "), "{late}");
    assert!(late.contains("state=Succeeded"), "{late}");
}

/// Every string of a JSON document.
fn strings(value: &serde_json::Value, all: &mut Vec<String>) {
    use serde_json::Value;
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, all)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn foreign_text_cannot_give_slack_orders_or_break_its_limits() {
    let story = Story::pushed()
        .start(3, true)
        .until("RollbackFailed", switch_fails);
    let mut message = Message::of(&story.deployment, &story.announcement(Ended), story.now);
    let hostile = format!("<!channel> *x* `y` \u{202e}\n{}", "&<>".repeat(2000));
    message.title.push_str(&hostile);
    message.todo.why.push_str(&hostile);
    for step in &mut message.todo.steps {
        step.text.push_str(&hostile);
        step.command = Some(hostile.clone());
    }
    for fact in &mut message.facts {
        fact.value.push_str(&hostile);
    }
    message.facts.extend(message.facts.clone());
    if let Some(problem) = &mut message.problem {
        problem.line.push_str(&hostile);
    }
    let body: serde_json::Value = serde_json::from_str(&slack::body(&message)).unwrap();
    let mut all = Vec::new();
    strings(&body, &mut all);
    for text in &all {
        let unlinked = text.strip_prefix("<https://bitbucket.org/").unwrap_or(text);
        let unlinked = unlinked.strip_suffix('>').unwrap_or(unlinked);
        assert!(!unlinked.contains(['<', '>', '\u{202e}']), "{text}");
        assert!(text.chars().count() <= 3000, "{text}");
    }
    for block in body["blocks"].as_array().unwrap() {
        let length = |value: &serde_json::Value| value["text"].as_str().unwrap().chars().count();
        match block["type"].as_str().unwrap() {
            "header" => assert!(length(&block["text"]) <= 150),
            "section" if block.get("fields").is_some() => {
                let fields = block["fields"].as_array().unwrap();
                assert!(fields.len() <= 10 && fields.iter().all(|field| length(field) <= 2000));
            }
            _ => {}
        }
    }
    let notice = sns::notice(&message);
    assert!(
        notice.subject.len() < 100 && notice.subject.bytes().all(|b| (b' '..=b'~').contains(&b))
    );
    assert!(!notice.body.contains('\u{202e}'));
}

#[test]
fn an_end_names_the_checks_that_could_not_tell() {
    let told = told(&judged_by_little(), Ended);
    assert!(
        told.contains("\nChecks: 1 passed, 1 could not tell; metric:cpu could not tell: 1 of 3 samples since the switch\n"),
        "{told}"
    );
}

/// Each state that a deployment can end in, and what it asks of whoever reads of it.
#[test]
fn every_message_says_whether_somebody_must_act_and_how() {
    for (name, story, kind) in all() {
        let message = Message::of(&story.deployment, &story.announcement(kind), story.now);
        let todo = &message.todo;
        let acts = match message.severity {
            Severity::Info => Act::Nothing,
            Severity::Warning => Act::Decide,
            Severity::Critical => Act::Now,
            Severity::Error if kind == RollingBack => Act::Nothing,
            Severity::Error => Act::Fix,
        };
        assert_eq!(todo.act, acts, "{name}");
        assert_eq!(todo.steps.is_empty(), acts == Act::Nothing, "{name}");
        assert!(todo.why.ends_with('.'), "{name}: {}", todo.why);
        let commands = todo.steps.iter().filter_map(|step| step.command.as_ref());
        let commands: Vec<&String> = commands.collect();
        assert_eq!(commands.is_empty(), acts == Act::Nothing, "{name}");
        for command in commands {
            assert!(command.starts_with("longshore -e prod "), "{command}");
        }
        let body = sns::notice(&message).body;
        let second = body.lines().nth(2).unwrap();
        assert!(second.starts_with(acts.said()), "{name}: {second}");
    }
}

#[test]
fn red_is_kept_for_what_somebody_must_act_on_now() {
    for (tone, style, sign) in [
        (Tone::Good, "good", "✅"),
        (Tone::Neutral, "emphasis", "🔹"),
        (Tone::Bad, "warning", "❌"),
        (Tone::Asks, "warning", "✋"),
        (Tone::NeedsPerson, "attention", "🚨"),
    ] {
        let (_, story, kind) = all().into_iter().next().unwrap();
        let mut message = Message::of(&story.deployment, &story.announcement(kind), story.now);
        message.tone = tone;
        let card: serde_json::Value = serde_json::from_str(&teams::body(&message)).unwrap();
        let head = &card["attachments"][0]["content"]["body"][0];
        assert_eq!(head["style"], style);
        for text in [teams::body(&message), slack::body(&message)] {
            assert!(text.contains(&format!("{sign} orders → prod: ")), "{text}");
        }
    }
}

#[test]
fn a_call_for_a_person_tells_the_problem_and_the_first_thing_to_do() {
    let (_, story, kind) = all()
        .into_iter()
        .find(|(name, ..)| *name == "rollback_failed")
        .unwrap();
    let message = Message::of(&story.deployment, &story.announcement(kind), story.now);
    let post = Post {
        channel: SlackChannel::parse("C024BE91L").unwrap(),
        ts: MessageTs::parse("1503435956.000247").unwrap(),
    };
    let call = slack::call_for_a_person(&post, &message);
    for said in [
        "Problem: the app could not be started, on i-00000000000000002 (start_failed): Error: Cannot find module",
        "1. Take i-00000000000000002 out of the load balancer, so that no user is sent there.",
        "`longshore -e prod why 01JD0000000000000000000001`",
    ] {
        assert!(call.contains(said), "{call}");
    }
}
