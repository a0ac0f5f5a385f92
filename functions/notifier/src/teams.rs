//! The message as an Adaptive Card for a workflow of Teams. Foreign text goes into text runs only, which nothing is read out of: text
//! blocks and facts would be Markdown (Adaptive Cards, "Text features": not in `RichTextBlock`).

use crate::message::{Fact, Message, Problem, Todo, Tone};
use crate::text::{clean, cut};
use serde_json::{Value, json};

/// The version of Adaptive Cards: what Teams shows on a desk and on a phone.
const VERSION: &str = "1.4";

/// The longest text of a run. A message of Teams holds 28 KB (Microsoft Learn, "Limits and specifications for Microsoft Teams").
const TEXT_MAX: usize = 400;

/// The most facts of a card.
const FACTS_MAX: usize = 16;

/// The body to send to a workflow.
#[must_use]
pub fn body(message: &Message) -> String {
    let mut body = vec![head(message.tone, &message.title)];
    body.extend(todo(&message.todo));
    body.extend(message.facts.iter().take(FACTS_MAX).map(fact));
    body.extend(message.problem.as_ref().map(problem));
    body.extend(hosts(message));
    body.push(subtle(&message.reference()));
    let links = message.facts.iter().filter_map(|fact| {
        let url = fact.url.as_ref()?;
        let title = format!("Open {}", fact.name.to_lowercase());
        Some(json!({"type": "Action.OpenUrl", "title": title, "url": url}))
    });
    envelope(&message.title, &body, &links.collect::<Vec<Value>>())
}

/// A card in what a workflow takes.
pub(crate) fn envelope(title: &str, body: &[Value], actions: &[Value]) -> String {
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "fallbackText": shown(title),
        "body": body,
        "actions": actions,
    });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
    .to_string()
}

/// The ground behind the title. Red is kept for what somebody must act on now.
const fn style(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Neutral => "emphasis",
        Tone::Bad | Tone::Asks => "warning",
        Tone::NeedsPerson => "attention",
    }
}

/// The title on its ground.
pub(crate) fn head(tone: Tone, title: &str) -> Value {
    let style = style(tone);
    let text = shown(&format!("{} {title}", tone.sign()));
    let run = json!({"type": "TextRun", "text": text, "weight": "Bolder", "size": "Medium"});
    json!({
        "type": "Container",
        "style": style,
        "bleed": true,
        "items": [{"type": "RichTextBlock", "inlines": [run]}],
    })
}

/// Whether somebody must act, and how. A command stands on a line of its own, so that it can be copied.
fn todo(todo: &Todo) -> Vec<Value> {
    let said = format!("{}: ", todo.act.said());
    let mut blocks = vec![block(&[bold(&said), run(&todo.why)], "medium")];
    for (text, command) in todo.numbered() {
        blocks.push(block(&[run(&text)], "small"));
        blocks.extend(command.map(|command| block(&[monospace(command)], "none")));
    }
    blocks
}

fn fact(fact: &Fact) -> Value {
    let name = bold(&format!("{}: ", fact.name));
    block(&[name, run(&fact.value)], "small")
}

fn problem(problem: &Problem) -> Value {
    let mut items = vec![block(&[bold("Problem: "), run(&problem.said())], "default")];
    if !problem.line.is_empty() {
        items.push(block(&[monospace(&problem.line)], "small"));
    }
    json!({"type": "Container", "style": "emphasis", "items": items})
}

fn hosts(message: &Message) -> Option<Value> {
    let line = |text: &str| block(&[monospace(text)], "none");
    let mut lines: Vec<Value> = message
        .hosts
        .iter()
        .map(|host| line(&format!("{:<20} {}", host.host.as_str(), host.verdict)))
        .collect();
    if lines.is_empty() {
        return None;
    }
    if message.hosts_more > 0 {
        lines.push(line(&format!("+{} more", message.hosts_more)));
    }
    Some(json!({"type": "Container", "separator": true, "items": lines}))
}

/// A line for whoever looks for it.
pub(crate) fn subtle(text: &str) -> Value {
    let run = json!({
        "type": "TextRun",
        "text": shown(text),
        "isSubtle": true,
        "size": "Small",
    });
    json!({"type": "RichTextBlock", "separator": true, "inlines": [run]})
}

pub(crate) fn block(inlines: &[Value], spacing: &str) -> Value {
    json!({"type": "RichTextBlock", "spacing": spacing, "inlines": inlines})
}

pub(crate) fn run(text: &str) -> Value {
    json!({"type": "TextRun", "text": shown(text)})
}

pub(crate) fn bold(text: &str) -> Value {
    json!({"type": "TextRun", "text": shown(text), "weight": "Bolder"})
}

pub(crate) fn monospace(text: &str) -> Value {
    json!({"type": "TextRun", "text": shown(text), "fontType": "Monospace"})
}

fn shown(text: &str) -> String {
    cut(&clean(text), TEXT_MAX, |_| 1)
}
