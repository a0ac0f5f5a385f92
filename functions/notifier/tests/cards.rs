//! Every message in every channel, as JSON in one file each (`tests/cards`), for whoever wants to see or draw it, and for the checks
//! against the vendors' own schemas (`tests/template/test_messages.py`). `UPDATE=1` writes the files and `docs/MESSAGES.md`; the pictures on
//! that page are drawn of the files by `cargo xtask pictures messages`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "common/days.rs"]
mod days;
#[path = "common/stories.rs"]
mod stories;

use days::days;
use longshore_core::{AnnouncementKind, MessageTs, Post, Severity, SlackChannel};
use notifier::message::Message;
use notifier::{commit, digest, slack, sns, teams, webhook};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use stories::{Story, all};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn message(story: &Story, kind: AnnouncementKind) -> Message {
    Message::of(&story.deployment, &story.announcement(kind), story.now)
}

fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn standing() -> Post {
    Post {
        channel: SlackChannel::parse("C024BE91L").unwrap(),
        ts: MessageTs::parse("1503435956.000247").unwrap(),
    }
}

/// What each channel is sent.
fn card(story: &Story, kind: AnnouncementKind) -> Value {
    let message = message(story, kind);
    let notice = sns::notice(&message);
    let attributes: Value = notice
        .attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
        .collect();
    let post = standing();
    let details = slack::details(&post, &message).map(|json| read(&json));
    let asks = matches!(message.severity, Severity::Warning | Severity::Critical);
    let call = asks.then(|| read(&slack::call_for_a_person(&post, &message)));
    let status = commit::status(&story.deployment, &message);
    json!({
        "sns": {"subject": notice.subject, "body": notice.body, "attributes": attributes},
        "slack": read(&slack::body(&message)),
        "slack_app": {
            "post": read(&slack::post(&post.channel, &message)),
            "update": read(&slack::update(&post, &message)),
            "details": details,
            "call_for_a_person": call,
        },
        "teams": read(&teams::body(&message)),
        "webhook": {"id": webhook::id(&message), "body": read(&webhook::body(&message))},
        "build_status": read(&status.json()),
        "tag": commit::tag(&story.deployment).map(|tag| read(&tag.json())),
    })
}

/// What each channel is sent of a day.
fn card_of_a_day(day: &digest::Day) -> Value {
    let sheet = digest::Sheet::of(day).unwrap();
    let notice = digest::notice(&sheet);
    let attributes: Value = notice
        .attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
        .collect();
    let channel = SlackChannel::parse("C024BE91L").unwrap();
    json!({
        "sns": {"subject": notice.subject, "body": notice.body, "attributes": attributes},
        "slack": read(&digest::body_for_slack(&sheet)),
        "slack_app": {
            "post": read(&digest::post_for_slack(&channel, &sheet)),
            "update": null,
            "details": null,
            "call_for_a_person": null,
        },
        "teams": read(&digest::body_for_teams(&sheet)),
        "webhook": {"id": sheet.id(), "body": read(&digest::body_for_webhook(&sheet))},
        "build_status": null,
        "tag": null,
    })
}

/// Holds a file to a text, or writes it.
fn hold(path: &Path, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, text).unwrap();
    }
    let held = fs::read_to_string(path).unwrap_or_default();
    assert!(
        held == text,
        "{} is another: run with UPDATE=1",
        path.display()
    );
}

#[test]
fn every_message_is_in_every_channel_what_its_file_says() {
    let folder = here("tests/cards");
    let mut names = BTreeSet::new();
    let told = all().into_iter();
    let told = told.map(|(name, story, kind)| (name, card(&story, kind)));
    let days = days().into_iter();
    let days = days.map(|(name, day)| (name, card_of_a_day(&day)));
    for (name, card) in told.chain(days) {
        let text = serde_json::to_string_pretty(&card).unwrap();
        hold(&folder.join(format!("{name}.json")), &format!("{text}\n"));
        names.insert(format!("{name}.json"));
    }
    let found: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, names, "a file of no message");
}

const INTRODUCTION: &str = "# Messages

What people and systems are told, message by message, as it is sent. This page is made by
`UPDATE=1 cargo test --workspace --test cards`; the same in full, for every channel, is in `functions/notifier/tests/cards`, one file of
JSON for each message, and *rolled back* is shown here so, too. [CONFIGURATION](CONFIGURATION.md#notifications) says which channel gets which,
[OPERATIONS](OPERATIONS.md#channels-of-messages) how a channel is set up.

Every message says at its end which deployment it is of and which message of that deployment it is. A message that comes twice has the
same number twice.

The pictures are drawn of the same files by `cargo xtask pictures messages`. Teams' cards are drawn by Microsoft's own library for Adaptive
Cards with the colours that Microsoft publishes of Teams. Slack has no such library: its look is our own drawing of what Block Kit's
reference says, so Slack itself will differ in details. Slack's app has one message that changes and a thread below it, as the pictures
show; a webhook of Slack gets both in one message. The commits, hosts and error lines are those of the tests, some of them with signs in
them that must not get through.
";

/// The messages that the page shows as pictures, each with what is to be seen of it by whoever does not see the picture.
/// `local/browser/messages.mjs` draws them.
const PICTURES: [(&str, &str); 7] = [
    (
        "plan_with_changes",
        "A push waits for two people's approval: Slack has buttons for it, Teams names the command",
    ),
    ("succeeded", "A push is live on every host"),
    (
        "failed_preparing",
        "A build that failed on one host, with its first error; nothing was switched",
    ),
    (
        "rolled_back",
        "A release that was not healthy on one host, and was taken back from all of them",
    ),
    (
        "rolled_back_by_numbers",
        "A release that answered more slowly than the one before, with the numbers, and was taken back",
    ),
    (
        "rollback_failed",
        "A rollback that did not succeed on one host: the message that calls a person, as a mail too",
    ),
    (
        "digest_mixed",
        "A day in one message: what waits for somebody stands first, then what went wrong, then what went well",
    ),
];

fn picture_file(name: &str) -> String {
    format!("message-{}.png", name.replace('_', "-"))
}

/// The message that the page shows as JSON, too.
const IN_FULL: &str = "rolled_back";

/// A message as the JSON of the channels that take JSON.
fn in_full(card: &Value) -> String {
    let mut text = String::new();
    for (title, content) in [
        ("To a webhook", &card["webhook"]["body"]),
        ("To a workflow of Teams", &card["teams"]),
        (
            "To Slack, as the message that changes",
            &card["slack_app"]["update"],
        ),
        ("To Slack, in its thread", &card["slack_app"]["details"]),
        ("To Bitbucket, as a build status", &card["build_status"]),
    ] {
        let json = serde_json::to_string_pretty(content).unwrap();
        writeln!(text, "\n### {title}\n\n```json\n{json}\n```").unwrap();
    }
    text
}

#[test]
fn the_page_of_messages_shows_them_all() {
    let mut page = INTRODUCTION.to_owned();
    for (name, story, kind) in all() {
        let card = card(&story, kind);
        let title = name.replace('_', " ");
        let severity = message(&story, kind).severity.word();
        let (text, state) = (
            card["sns"]["body"].as_str().unwrap(),
            &card["build_status"]["state"],
        );
        let state = state.as_str().unwrap();
        writeln!(
            page,
            "\n## {title}\n\nSeverity `{severity}`, build status `{state}`."
        )
        .unwrap();
        if let Some((_, seen)) = PICTURES.iter().find(|(picture, _)| *picture == name) {
            let file = picture_file(name);
            writeln!(page, "\n![{seen}](pictures/{file})").unwrap();
        }
        writeln!(page, "\n```text\n{text}```").unwrap();
        if let Some(tag) = card["tag"]["name"].as_str() {
            writeln!(page, "\nTag: `{tag}`.").unwrap();
        }
        if name == IN_FULL {
            page.push_str(&in_full(&card));
        }
    }
    page.push_str(DIGESTS);
    for (name, day) in days() {
        writeln!(page, "\n### {}", name.replace('_', " ")).unwrap();
        if let Some((_, seen)) = PICTURES.iter().find(|(picture, _)| *picture == name) {
            writeln!(page, "\n![{seen}](pictures/{})", picture_file(name)).unwrap();
        }
        let card = card_of_a_day(&day);
        let text = card["sns"]["body"].as_str().unwrap();
        writeln!(page, "\n```text\n{text}```").unwrap();
    }
    hold(&here("../../docs/MESSAGES.md"), &page);
}

const DIGESTS: &str = "
## A digest

A channel that asks for one (`digest` in [CONFIGURATION](CONFIGURATION.md#notifications)) is told of a day in one message. Nothing is sent
when nothing has ended and nothing waits. A digest that comes twice has the same last line twice.
";

#[test]
fn a_day_with_as_much_in_it_as_can_be_stays_within_the_limits_of_every_channel() {
    for (name, day) in days() {
        let card = card_of_a_day(&day);
        let teams = card["teams"].to_string();
        assert!(teams.len() < 28 * 1024, "{name}: {} bytes", teams.len());
        let blocks = card["slack"]["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50, "{name}: {} blocks", blocks.len());
        for block in blocks {
            let text = block["text"]["text"].as_str().unwrap_or_default();
            assert!(text.chars().count() <= 3000, "{name}: {text}");
        }
        let subject = card["sns"]["subject"].as_str().unwrap();
        assert!(subject.len() < 100 && subject.is_ascii(), "{subject}");
        for text in [
            &card["slack"],
            &card["teams"],
            &card["sns"],
            &card["webhook"],
        ] {
            assert!(!text.to_string().contains('\u{202e}'), "{name}");
        }
        assert!(!card["slack"].to_string().contains("<until>"), "{name}");
    }
}

#[test]
fn a_day_on_which_nothing_ended_and_nothing_waits_is_not_told() {
    let (_, mut day) = days().remove(0);
    for app in &mut day.apps {
        app.ended.clear();
    }
    assert_eq!(digest::Sheet::of(&day), None);
}

#[test]
fn what_was_put_right_by_a_later_deployment_asks_for_nothing() {
    let acts: Vec<_> = days()
        .iter()
        .map(|(name, day)| (*name, digest::Sheet::of(day).unwrap().act.word()))
        .collect();
    let expected = [
        ("digest_quiet", "nothing"),
        ("digest_mixed", "decide"),
        ("digest_broken", "now"),
        ("digest_stranded", "now"),
        ("digest_crowded", "now"),
    ];
    assert_eq!(acts, expected);
}

#[test]
fn what_hurts_users_is_never_cut_off() {
    let (_, day) = days().into_iter().next_back().unwrap();
    let sheet = digest::Sheet::of(&day).unwrap();
    let first = &sheet.parts[0].1[0];
    assert!(first.text.starts_with("zebra: "), "{}", first.text);
    let step = first.step.as_deref().unwrap();
    let away = "Take i-00000000000000002 out of the load balancer";
    assert!(step.starts_with(away), "{step}");
}

/// How large a picture may be, in bytes: a page with all of them still opens at once.
const PICTURE_MAX: usize = 112 * 1024;

#[test]
fn every_picture_is_of_a_message_and_is_there() {
    let wanted = PICTURES.map(|(name, _)| name);
    let told = all().into_iter().map(|(name, ..)| name);
    let told: BTreeSet<&str> = told
        .chain(days().into_iter().map(|(name, _)| name))
        .collect();
    assert!(wanted.iter().all(|name| told.contains(name)), "{told:?}");
    let program = fs::read_to_string(here("../../local/browser/messages.mjs")).unwrap();
    let (_, list) = program.split_once("const DRAWN = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let drawn: Vec<&str> = list
        .split(',')
        .map(|name| name.trim().trim_matches('\''))
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(drawn, wanted, "what is drawn is not what is shown");
    let folder = here("../../docs/pictures");
    for name in wanted {
        let bytes = fs::read(folder.join(picture_file(name))).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"), "{name}");
        assert!(bytes.len() <= PICTURE_MAX, "{name}: {} bytes", bytes.len());
    }
    // Beside each picture stands what it was drawn of.
    let drawn = fs::read_to_string(folder.join("messages.sha256")).unwrap();
    let today = wanted.map(|name| {
        let card = fs::read(here("tests/cards").join(format!("{name}.json"))).unwrap();
        let digest = Sha256::digest(&card);
        let digits: String = digest
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        format!("{digits}  {}\n", picture_file(name))
    });
    assert_eq!(
        drawn,
        today.concat(),
        "draw them: `cargo xtask pictures messages`"
    );
    let found = fs::read_dir(&folder).unwrap();
    let found = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found: BTreeSet<String> = found.filter(|name| name.starts_with("message-")).collect();
    assert_eq!(found, wanted.map(picture_file).into(), "a picture of none");
}

/// A message with as much foreign text in it as there can be.
fn hostile() -> Message {
    let (_, story, kind) = all()
        .into_iter()
        .find(|(name, ..)| *name == "rollback_failed")
        .unwrap();
    let mut message = message(&story, kind);
    let text = format!(
        "<at>all</at> [x](https://evil.example) \u{202e}\n{}",
        "**&<>\"\\".repeat(5000)
    );
    message.title.push_str(&text);
    message.todo.why.push_str(&text);
    for step in &mut message.todo.steps {
        step.text.push_str(&text);
        step.command = Some(text.clone());
    }
    for fact in &mut message.facts {
        fact.value.push_str(&text);
    }
    for _ in 0..3 {
        message.facts.extend(message.facts.clone());
    }
    if let Some(problem) = &mut message.problem {
        problem.line.push_str(&text);
    }
    message
}

/// Every string under a key, at any depth.
fn under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| under(item, key, found)),
        Value::Object(fields) => {
            found.extend(fields.get(key));
            fields.values().for_each(|field| under(field, key, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn foreign_text_is_a_run_of_text_in_teams_and_the_card_stays_within_its_limit() {
    let body = teams::body(&hostile());
    assert!(body.len() < 28 * 1024, "{} bytes", body.len());
    assert!(
        !body.contains('\u{202e}') && !body.contains("\\n"),
        "{body}"
    );
    let body = read(&body);
    let mut types = Vec::new();
    under(&body, "type", &mut types);
    let types: BTreeSet<&str> = types.iter().filter_map(|word| word.as_str()).collect();
    let known = [
        "Action.OpenUrl",
        "AdaptiveCard",
        "Container",
        "RichTextBlock",
        "TextRun",
        "message",
    ];
    assert_eq!(types, BTreeSet::from(known), "nothing that reads Markdown");
}

#[test]
fn foreign_text_in_a_webhook_has_no_unseen_character() {
    let body = webhook::body(&hostile());
    assert!(!body.contains('\u{202e}') && !body.contains("\\n"));
    assert_eq!(webhook::id(&hostile()), "01JD0000000000000000000001.3");
}

#[test]
fn what_slack_s_app_says_of_a_late_message_is_the_deployment_as_it_is() {
    let (_, story, _) = all()
        .into_iter()
        .find(|(name, ..)| *name == "succeeded")
        .unwrap();
    let started = story.announcement(AnnouncementKind::Started);
    let now = Message::as_it_stands(&story.deployment, &started, story.now);
    assert_eq!(now.title, "orders → prod: live on 3 hosts");
    let then = Message::of(&story.deployment, &started, story.now);
    assert_eq!(then.title, "orders → prod: started on 3 hosts");
}
