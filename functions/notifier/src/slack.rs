//! The message as Slack's Block Kit, for an incoming webhook and for an app of one's own. Foreign text goes in as plain text only, `&`, `<` and `>` are
//! always escaped, and everything is cut to Slack's limits: a block that is too long would make Slack refuse the message.

use crate::message::{Fact, Message, Problem, Todo};
use crate::text::{clean, cut};
use longshore_core::{DeploymentId, PlanDigest, Post, Reason, SlackChannel};
use longshore_events::{Click, Word};
use serde_json::{Value, json};

/// Slack's limits, in characters (Block Kit reference: header block, section block, fields of a section).
const HEADER_MAX: usize = 150;
pub(crate) const SECTION_MAX: usize = 3000;
const FIELD_MAX: usize = 2000;

/// Facts of one section. A section holds ten fields, and a fact takes two: its name and its value.
const FACTS_MAX: usize = 5;

/// The body to send to an incoming webhook.
#[must_use]
pub fn body(message: &Message) -> String {
    content(message).to_string()
}

/// The answer to a click that puts a message in the place of the one that was clicked on.
#[must_use]
pub fn in_its_place(message: &Message) -> String {
    let mut content = content(message);
    if let Some(fields) = content.as_object_mut() {
        fields.insert("replace_original".to_owned(), Value::Bool(true));
    }
    content.to_string()
}

/// The answer to a click that only whoever has clicked can see.
#[must_use]
pub fn aside(text: &str) -> String {
    let text = escaped(text, SECTION_MAX);
    json!({"response_type": "ephemeral", "replace_original": false, "text": text}).to_string()
}

/// The message that the environment's own app posts, and changes later: what there is to know and to do. How the hosts stand is in
/// its thread.
#[must_use]
pub fn post(channel: &SlackChannel, message: &Message) -> String {
    with(in_short(message), &[("channel", channel.as_str())])
}

/// The same for the message that stands.
#[must_use]
pub fn update(post: &Post, message: &Message) -> String {
    let place = [("channel", post.channel.as_str()), ("ts", post.ts.as_str())];
    with(in_short(message), &place)
}

/// The details, for the thread of the message: how the hosts stand.
#[must_use]
pub fn details(post: &Post, message: &Message) -> Option<String> {
    let hosts = hosts(message)?;
    let text = format!("{} {}", message.tone.sign(), message.title);
    let said = section(&plain(&text, SECTION_MAX));
    let blocks = vec![said, hosts, context(&message.reference())];
    Some(in_thread(content_of(&text, &blocks), post, false))
}

/// What calls a person, where the message that changes would not: it stands in the thread, and in the channel too.
#[must_use]
pub fn call_for_a_person(post: &Post, message: &Message) -> String {
    let title = format!("{} {}", message.tone.sign(), message.title);
    let mut blocks = vec![section(&plain(&title, SECTION_MAX))];
    blocks.extend(message.problem.as_ref().map(problem));
    blocks.extend(todo(&message.todo));
    blocks.push(context(&message.reference()));
    in_thread(content_of(&title, &blocks), post, true)
}

fn in_thread(mut content: Value, post: &Post, in_the_channel_too: bool) -> String {
    if let Some(fields) = content.as_object_mut() {
        fields.insert(
            "reply_broadcast".to_owned(),
            Value::Bool(in_the_channel_too),
        );
    }
    let place = [
        ("channel", post.channel.as_str()),
        ("thread_ts", post.ts.as_str()),
    ];
    with(content, &place)
}

/// The content with where it goes.
pub(crate) fn with(mut content: Value, place: &[(&str, &str)]) -> String {
    if let Some(fields) = content.as_object_mut() {
        let place = place.iter();
        fields.extend(place.map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
    }
    content.to_string()
}

fn content(message: &Message) -> Value {
    blocks(message, hosts(message))
}

fn in_short(message: &Message) -> Value {
    blocks(message, None)
}

fn blocks(message: &Message, hosts: Option<Value>) -> Value {
    let title = format!("{} {}", message.tone.sign(), message.title);
    let mut blocks = vec![header(&title)];
    blocks.extend(todo(&message.todo));
    blocks.extend(message.facts.chunks(FACTS_MAX).map(facts));
    blocks.extend(message.problem.as_ref().map(problem));
    blocks.extend(hosts);
    if let Some(plan) = &message.asks {
        blocks.extend(buttons(&message.deployment, plan));
    }
    blocks.push(context(&message.reference()));
    content_of(&title, &blocks)
}

/// A message of blocks, with the text that stands where blocks are not shown.
pub(crate) fn content_of(title: &str, blocks: &[Value]) -> Value {
    json!({"text": escaped(title, SECTION_MAX), "blocks": blocks})
}

pub(crate) fn header(title: &str) -> Value {
    json!({"type": "header", "text": plain(title, HEADER_MAX)})
}

pub(crate) fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [plain(text, FIELD_MAX)]})
}

/// A command, on a line of its own. It holds names that are valid by construction, so nothing in it can end the code.
pub(crate) fn code(command: &str) -> Value {
    section(&markdown(&format!("`{}`", escaped(command, FIELD_MAX))))
}

/// Whether somebody must act, and how. A command stands apart, so that it can be copied.
fn todo(todo: &Todo) -> Vec<Value> {
    let said = format!("{}: {}", todo.act.said(), todo.why);
    let steps = todo.numbered().flat_map(|(text, command)| {
        std::iter::once(section(&plain(&text, SECTION_MAX))).chain(command.map(code))
    });
    std::iter::once(section(&plain(&said, SECTION_MAX)))
        .chain(steps)
        .collect()
}

fn facts(facts: &[Fact]) -> Value {
    let fields: Vec<Value> = facts
        .iter()
        .flat_map(|fact| [markdown(&format!("*{}*", fact.name)), value(fact)])
        .collect();
    json!({"type": "section", "fields": fields})
}

fn value(fact: &Fact) -> Value {
    match &fact.url {
        Some(url) => {
            let label = escaped(&fact.value, HEADER_MAX);
            markdown(&format!("<{}|{label}>", escaped(url, FIELD_MAX / 2)))
        }
        None => plain(&fact.value, FIELD_MAX),
    }
}

fn problem(problem: &Problem) -> Value {
    let said = if problem.line.is_empty() {
        String::new()
    } else {
        format!(": {}", problem.line)
    };
    let text = format!("Problem: {}{said}", problem.said());
    section(&plain(&text, SECTION_MAX))
}

/// The hosts as a table of fixed width. Ids and verdicts are our own words, so nothing in them can end the code block.
fn hosts(message: &Message) -> Option<Value> {
    if message.hosts.is_empty() {
        return None;
    }
    let mut lines: Vec<String> = message
        .hosts
        .iter()
        .map(|line| format!("{:<20} {}", line.host.as_str(), line.verdict))
        .collect();
    if message.hosts_more > 0 {
        lines.push(format!("+{} more", message.hosts_more));
    }
    let table = lines.join("\n");
    Some(section(&markdown(&format!("```\n{table}\n```"))))
}

/// A field for a reason, and what can be said to a plan. The value of a button is what its click is about.
fn buttons(deployment: &DeploymentId, plan: &PlanDigest) -> [Value; 2] {
    let button = |word: Word, style, label| {
        json!({
            "type": "button",
            "action_id": word.action(),
            "style": style,
            "text": plain(label, FIELD_MAX),
            "value": Click::value(deployment, plan),
        })
    };
    [
        json!({
            "type": "input",
            "block_id": Click::REASON,
            "optional": true,
            "label": plain("Reason, for a refusal", FIELD_MAX),
            "element": {
                "type": "plain_text_input",
                "action_id": Click::REASON,
                "max_length": Reason::MAX,
            },
        }),
        json!({
            "type": "actions",
            "block_id": "answer",
            "elements": [
                button(Word::Approve, "primary", "Approve"),
                button(Word::Reject, "danger", "Refuse"),
            ],
        }),
    ]
}

pub(crate) fn section(text: &Value) -> Value {
    json!({"type": "section", "text": text})
}

/// Text that Slack shows as it is.
pub(crate) fn plain(text: &str, max: usize) -> Value {
    json!({"type": "plain_text", "text": escaped(text, max), "emoji": false})
}

/// Text that Slack formats: ours only, and escaped where it holds a value.
pub(crate) fn markdown(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// The text without unseen characters, cut so that it fits when it is escaped, and escaped.
fn escaped(text: &str, max: usize) -> String {
    let text = cut(&clean(text), max, |c| entity(c).map_or(1, str::len));
    text.chars().fold(String::new(), |mut all, c| {
        match entity(c) {
            Some(entity) => all.push_str(entity),
            None => all.push(c),
        }
        all
    })
}

const fn entity(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_after_it_is_cut_so_that_no_entity_is_broken() {
        assert_eq!(
            escaped("<!channel> a & b", 100),
            "&lt;!channel&gt; a &amp; b"
        );
        assert_eq!(escaped("a<b>c", 8), "a&lt;b…");
        assert_eq!(escaped("a\n<@U1>\u{202e}", 100), "a&lt;@U1&gt;");
    }
}
