//! What an error line is about, without what differs from one time to the next.
//!
//! Two lines of one error differ in times, numbers, ids, addresses and quoted texts. A pattern has a placeholder for each, so
//! that "is this error new" can be asked. It is made for counting, not for reading: two errors that differ in nothing else
//! are one to it.

use serde_json::{Map, Value as Json};

/// The characters of a line that a pattern is made of; lines that differ later only are one.
const LINE_MAX: usize = 500;
/// The characters of a line that people are shown.
const MESSAGE_MAX: usize = 200;
/// From how many characters on a word of letters and digits is a random one.
const RANDOM_MIN: usize = 16;
/// From how many hexadecimal digits on a word is a hash or an id.
const HEX_MIN: usize = 8;
/// The keys of a JSON line that hold what people read, as pino, winston, bunyan and the structured logs of Lambda write them.
const TEXT_KEYS: [&str; 5] = ["msg", "message", "error", "err", "errorMessage"];

/// The pattern of a line.
#[must_use]
pub fn pattern(line: &str) -> String {
    let message = words_of(line);
    let mut shown = String::new();
    let mut rest: &str = &message;
    while let Some(c) = rest.chars().next() {
        let (length, placeholder) = first_part(rest, shown.chars().next_back());
        let part = rest.get(..length).unwrap_or(rest);
        match placeholder {
            Some(placeholder) if shown.ends_with(placeholder) => {}
            Some(placeholder) => shown.push_str(placeholder),
            None if c.is_whitespace() => shown.push(' '),
            None => push_word(&mut shown, part),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    shown.trim().to_owned()
}

/// What people are shown of a line: of a JSON line its message, else its beginning.
#[must_use]
pub fn message(line: &str) -> String {
    words_of(line).trim().chars().take(MESSAGE_MAX).collect()
}

/// The text of a line: a JSON line's message, else the line; at most so much of it as matters.
fn words_of(line: &str) -> String {
    let line = line.trim();
    let json = line.starts_with('{').then(|| serde_json::from_str(line));
    let found = match json {
        Some(Ok(Json::Object(object))) => text_of(&object),
        Some(Ok(_) | Err(_)) | None => None,
    };
    let text = found.as_deref().unwrap_or(line);
    text.chars().take(LINE_MAX).collect()
}

/// The text of a JSON line: the first key that has one, directly or as the message of an error.
fn text_of(object: &Map<String, Json>) -> Option<String> {
    let direct = TEXT_KEYS
        .iter()
        .filter_map(|key| object.get(*key))
        .find_map(|value| match value {
            Json::String(text) if !text.trim().is_empty() => Some(text.clone()),
            Json::Object(error) => inner_text(error),
            Json::String(_) | Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => None,
        });
    direct.or_else(|| {
        // A line without a message is told by the names of its fields.
        let keys: Vec<&str> = object.keys().map(String::as_str).collect();
        (!keys.is_empty()).then(|| keys.join(" "))
    })
}

/// The message of an error inside a JSON line.
fn inner_text(error: &Map<String, Json>) -> Option<String> {
    let text = |key: &str| error.get(key).and_then(Json::as_str);
    let name = text("type").or_else(|| text("name"));
    match (name, text("message").or_else(|| text("msg"))) {
        (Some(name), Some(message)) => Some(format!("{name}: {message}")),
        (None, Some(message)) => Some(message.to_owned()),
        (Some(name), None) => Some(name.to_owned()),
        (None, None) => None,
    }
}

/// The bytes of the first part of a text, and what stands for it, if it is not shown as it is.
fn first_part(rest: &str, before: Option<char>) -> (usize, Option<&'static str>) {
    let Some(first) = rest.chars().next() else {
        return (0, None);
    };
    if first.is_whitespace() {
        let end = rest.find(|c: char| !c.is_whitespace());
        return (end.unwrap_or(rest.len()), None);
    }
    if let Some(length) = quoted(rest, first, before) {
        return (length, Some("<text>"));
    }
    if is_apart(first) {
        return (first.len_utf8(), None);
    }
    let word = word_until(rest, |c| c.is_whitespace() || is_apart(c));
    // What follows a question mark belongs to an address.
    let word = if word.contains('/') {
        word_until(rest, |c| c.is_whitespace() || (is_apart(c) && c != '='))
    } else {
        word
    };
    let word = word.trim_end_matches([':', '.']);
    // A word of such signs alone is one, and must be passed.
    if word.is_empty() {
        return (first.len_utf8(), None);
    }
    (word.len(), placeholder(word))
}

/// The beginning of a text, up to the first of some characters.
fn word_until(rest: &str, ends: impl Fn(char) -> bool) -> &str {
    let end = rest.find(ends).unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest)
}

/// The bytes of a quoted text with its quotes. An apostrophe inside a word opens none, and neither does a quote that is
/// never closed.
fn quoted(rest: &str, first: char, before: Option<char>) -> Option<usize> {
    let is_quote = matches!(first, '"' | '\'' | '`');
    if !is_quote || before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let inner = rest.get(1..)?;
    inner.find(first).map(|end| end.saturating_add(2))
}

/// What stands between words besides spaces.
const fn is_apart(c: char) -> bool {
    matches!(
        c,
        '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | ',' | ';' | '=' | '"' | '\'' | '`' | '|'
    )
}

/// What stands for a word that differs from one time to the next.
fn placeholder(word: &str) -> Option<&'static str> {
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    if word.contains(['/', '\\']) {
        return Some("<path>");
    }
    if word.contains('@') {
        return Some("<id>");
    }
    if !has_digit {
        return None;
    }
    let bare: String = word.chars().filter(|c| *c != '-').collect();
    let is_hex = bare.len() >= HEX_MIN && bare.bytes().all(|b| b.is_ascii_hexdigit());
    let of_time = |b: u8| b.is_ascii_digit() || b"-:.+TZ_%".contains(&b);
    if word.bytes().all(of_time) {
        return Some("<n>");
    }
    let has_letter = word.bytes().any(|b| b.is_ascii_alphabetic());
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let random = word.len() >= RANDOM_MIN && has_letter && word.bytes().all(plain);
    (is_hex || random).then_some("<id>")
}

/// A word with a placeholder for each of its numbers.
fn push_word(shown: &mut String, word: &str) {
    let mut in_number = false;
    for c in word.chars() {
        let digit = c.is_ascii_digit();
        if digit && !in_number {
            shown.push_str("<n>");
        } else if !digit {
            shown.push(c);
        }
        in_number = digit;
    }
}
