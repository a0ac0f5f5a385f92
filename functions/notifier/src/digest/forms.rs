//! A digest in the form of each channel.

use super::sheet::{Entry, Sheet};
use crate::message::Act;
use crate::text::clean;
use crate::{slack, sns, teams, webhook};
use longshore_core::{Severity, SlackChannel};
use longshore_shell::announce::Notice;
use longshore_shell::telemetry::rfc3339;
use serde_json::{Value, json};

/// How urgent a digest is, for whoever filters.
const fn severity(sheet: &Sheet) -> Severity {
    match sheet.act {
        Act::Nothing => Severity::Info,
        Act::Fix => Severity::Error,
        Act::Decide => Severity::Warning,
        Act::Now => Severity::Critical,
    }
}

fn said(sheet: &Sheet) -> String {
    format!("{}: {}", sheet.act.said(), sheet.why)
}

fn line(entry: &Entry) -> String {
    format!("{} {}", entry.tone.sign(), entry.text)
}

/// The lines below an entry.
fn below(entry: &Entry) -> impl Iterator<Item = String> {
    let problem = entry.problem.iter().map(|said| format!("Problem: {said}"));
    problem.chain(entry.step.clone())
}

/// For the topic.
#[must_use]
pub fn notice(sheet: &Sheet) -> Notice {
    let mut body = vec![
        clean(&sheet.title),
        String::new(),
        said(sheet),
        String::new(),
    ];
    body.extend(sheet.notes.iter().map(|note| clean(note)));
    for (title, entries) in &sheet.parts {
        body.extend([String::new(), format!("{title}:")]);
        for entry in entries {
            body.push(format!("  {}", clean(&line(entry))));
            body.extend(below(entry).map(|text| format!("     {}", clean(&text))));
            body.extend(
                entry
                    .command
                    .iter()
                    .map(|command| format!("     {command}")),
            );
        }
    }
    body.extend([String::new(), sheet.reference(), String::new()]);
    Notice {
        subject: sns::subject(&sheet.title),
        body: body.join("\n"),
        attributes: vec![
            ("environment", sheet.environment.to_string()),
            ("severity", severity(sheet).word().to_owned()),
            ("digest", sheet.id()),
        ],
    }
}

/// For an incoming webhook of Slack.
#[must_use]
pub fn body_for_slack(sheet: &Sheet) -> String {
    in_blocks(sheet).to_string()
}

/// For the environment's own Slack app.
#[must_use]
pub fn post_for_slack(channel: &SlackChannel, sheet: &Sheet) -> String {
    slack::with(in_blocks(sheet), &[("channel", channel.as_str())])
}

fn in_blocks(sheet: &Sheet) -> Value {
    let title = format!("{} {}", sheet.tone.sign(), sheet.title);
    let text = |text: &str| slack::section(&slack::plain(text, slack::SECTION_MAX));
    let mut blocks = vec![slack::header(&title), text(&said(sheet))];
    blocks.push(text(&sheet.notes.join(" · ")));
    for (title, entries) in &sheet.parts {
        blocks.push(slack::section(&slack::markdown(&format!("*{title}*"))));
        for entry in entries {
            let all: Vec<String> = std::iter::once(line(entry)).chain(below(entry)).collect();
            blocks.push(text(&all.join(" · ")));
            blocks.extend(entry.command.iter().map(|command| slack::code(command)));
        }
    }
    blocks.push(slack::context(&sheet.reference()));
    slack::content_of(&title, &blocks)
}

/// For a workflow of Teams.
#[must_use]
pub fn body_for_teams(sheet: &Sheet) -> String {
    let mut body = vec![teams::head(sheet.tone, &sheet.title)];
    let act = format!("{}: ", sheet.act.said());
    body.push(teams::block(
        &[teams::bold(&act), teams::run(&sheet.why)],
        "medium",
    ));
    let notes = sheet.notes.iter();
    body.extend(notes.map(|note| teams::block(&[teams::run(note)], "small")));
    for (title, entries) in &sheet.parts {
        body.push(teams::block(&[teams::bold(title)], "medium"));
        for entry in entries {
            body.push(teams::block(&[teams::run(&line(entry))], "small"));
            body.extend(below(entry).map(|text| teams::block(&[teams::run(&text)], "none")));
            let command = entry.command.iter();
            body.extend(command.map(|text| teams::block(&[teams::monospace(text)], "none")));
        }
    }
    body.push(teams::subtle(&sheet.reference()));
    teams::envelope(&sheet.title, &body, &[])
}

/// For a system.
#[must_use]
pub fn body_for_webhook(sheet: &Sheet) -> String {
    let entry = |entry: &Entry| {
        json!({
            "text": clean(&entry.text),
            "problem": entry.problem.as_deref().map(clean),
            "step": entry.step.as_deref().map(clean),
            "command": entry.command,
        })
    };
    let of = |wanted: &str| {
        let part = sheet.parts.iter().find(|(title, _)| *title == wanted);
        let entries = part
            .map(|(_, entries)| entries.as_slice())
            .unwrap_or_default();
        entries.iter().map(entry).collect::<Vec<Value>>()
    };
    json!({
        "version": webhook::VERSION,
        "type": "digest",
        "timestamp": rfc3339(sheet.until),
        "data": {
            "digest": sheet.id(),
            "environment": sheet.environment.as_str(),
            "from": rfc3339(sheet.from),
            "until": rfc3339(sheet.until),
            "severity": severity(sheet).word(),
            "act": sheet.act.word(),
            "why": sheet.why,
            "title": clean(&sheet.title),
            "notes": sheet.notes.iter().map(|note| clean(note)).collect::<Vec<String>>(),
            "waits": of("Waits for somebody"),
            "wrong": of("Went wrong"),
            "well": of("Went well"),
        },
    })
    .to_string()
}
