//! The message for the environment's SNS topic: a subject of ASCII, a body that can be read in a mail or on a phone, and
//! attributes by which subscribers filter.

use crate::message::Message;
use crate::text::{clean, cut};
use longshore_shell::announce::Notice;

/// The longest subject, in characters: SNS takes fewer than 100.
const SUBJECT_MAX: usize = 99;

/// A message as a notice: the subject printable ASCII and short enough for SNS, no attribute empty, as SNS would refuse
/// the whole message.
#[must_use]
pub fn notice(message: &Message) -> Notice {
    Notice {
        subject: subject(&message.title),
        body: body(message),
        attributes: attributes(message),
    }
}

pub(crate) fn subject(title: &str) -> String {
    let ascii: String = clean(title)
        .replace('→', "->")
        .replace('…', "...")
        .chars()
        .map(|c| if matches!(c, ' '..='~') { c } else { '?' })
        .collect();
    // The ellipsis of the cut is three dots here, so it takes up three characters.
    cut(&ascii, SUBJECT_MAX, |c| if c == '…' { 3 } else { 1 }).replace('…', "...")
}

fn body(message: &Message) -> String {
    let mut parts = vec![clean(&message.title), todo(message), facts(message)];
    parts.extend(problem(message));
    parts.extend(hosts(message));
    parts.push(message.reference());
    let mut body = parts.join("\n\n");
    body.push('\n');
    body
}

fn todo(message: &Message) -> String {
    let todo = &message.todo;
    let mut lines = vec![format!("{}: {}", todo.act.said(), clean(&todo.why))];
    for (text, command) in todo.numbered() {
        lines.push(format!("  {}", clean(&text)));
        lines.extend(command.map(|command| format!("     {}", clean(command))));
    }
    lines.join("\n")
}

fn facts(message: &Message) -> String {
    let lines: Vec<String> = message
        .facts
        .iter()
        .map(|fact| {
            let url = fact.url.as_deref().unwrap_or_default();
            let line = format!("{}: {} {}", fact.name, clean(&fact.value), clean(url));
            line.trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

fn problem(message: &Message) -> Option<String> {
    let problem = message.problem.as_ref()?;
    let mut said = format!("Problem: {}", problem.said());
    if !problem.line.is_empty() {
        said.push_str("\n  ");
        said.push_str(&clean(&problem.line));
    }
    Some(said)
}

fn hosts(message: &Message) -> Option<String> {
    if message.hosts.is_empty() {
        return None;
    }
    let mut lines = vec!["Hosts:".to_owned()];
    let listed = message.hosts.iter();
    lines.extend(listed.map(|line| format!("  {:<20} {}", line.host.as_str(), line.verdict)));
    if message.hosts_more > 0 {
        lines.push(format!("  +{} more", message.hosts_more));
    }
    Some(lines.join("\n"))
}

fn attributes(message: &Message) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("app", message.app.to_string()),
        ("environment", message.environment.to_string()),
        ("state", message.state.to_owned()),
        ("severity", message.severity.word().to_owned()),
        ("deployment", message.deployment.to_string()),
    ];
    let number = message.number.map(|number| number.to_string());
    attributes.extend(number.map(|number| ("announcement", number)));
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_short_printable_ascii_without_line_breaks() {
        assert_eq!(
            subject("orders → prod: live on 3 hosts"),
            "orders -> prod: live on 3 hosts"
        );
        assert_eq!(subject("a\nb\u{202e}ü"), "ab?");
        let long = subject(&format!("{} → prod: live", "x".repeat(200)));
        assert_eq!(long.len(), SUBJECT_MAX);
        assert!(long.ends_with("..."));
    }
}
