//! What is wrong with a document, in words for the person who wrote it. Keys are shown escaped and shortened, texts not
//! at all: a document comes from outside, and a text in the wrong place may be a secret.

use std::fmt::{self, Write as _};

/// The problems that are shown in one message; the rest are counted.
const SHOWN_MAX: usize = 50;
/// The characters of one key that are shown.
const KEY_CHARS_MAX: usize = 64;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The JSON path of the key, like `health.port` or `waves[1]`; empty for the document as a whole.
    pub path: String,
    /// What was wrong, as the end of a sentence that begins with the path.
    pub wrong: String,
    /// What to do about it, as an imperative.
    pub fix: String,
}

impl Problem {
    pub(crate) fn new(path: &str, wrong: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            wrong: wrong.into(),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = match self.path.as_str() {
            "" => "the document",
            path => path,
        };
        write!(f, "{subject} {}: {}", self.wrong, self.fix)
    }
}

/// What is found wrong while one document is read.
#[derive(Debug)]
pub(crate) struct Problems {
    found: Vec<Problem>,
    known_paths: fn() -> Vec<String>,
}

impl Problems {
    /// None yet. `known_paths` tells the path of every key that the document may have, for a key in the wrong section.
    pub(crate) const fn of(known_paths: fn() -> Vec<String>) -> Self {
        Self {
            found: Vec::new(),
            known_paths,
        }
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.found.push(problem);
    }

    pub(crate) const fn len(&self) -> usize {
        self.found.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The path of every key that the document may have.
    pub(crate) fn known_paths(&self) -> Vec<String> {
        (self.known_paths)()
    }

    /// The problems, in the order in which they were found.
    pub(crate) fn into_found(self) -> Vec<Problem> {
        self.found
    }

    #[cfg(test)]
    pub(crate) fn found(&self) -> &[Problem] {
        &self.found
    }
}

/// For the tests of a single key, which belongs to no document.
#[cfg(test)]
impl Default for Problems {
    fn default() -> Self {
        Self::of(Vec::new)
    }
}

/// Everything that is wrong with a document; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigProblems(Vec<Problem>);

impl ConfigProblems {
    /// From the problems that were found; a document that gave neither a value nor a problem is a problem itself.
    pub(crate) fn of(mut problems: Vec<Problem>) -> Self {
        if problems.is_empty() {
            let fix = "compare it with docs/CONFIGURATION.md";
            problems.push(Problem::new("", "could not be read", fix));
        }
        Self(problems)
    }

    /// The problems, in the order in which they were found.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().take(SHOWN_MAX).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

/// The path of a key inside `at`.
pub(crate) fn key_path(at: &str, key: &str) -> String {
    let shown = shown_key(key);
    if at.is_empty() {
        shown
    } else {
        format!("{at}.{shown}")
    }
}

/// The path of an element of the list `at`.
pub(crate) fn index_path(at: &str, index: usize) -> String {
    format!("{at}[{index}]")
}

/// A plain word as it is; anything else in quotes, escaped and shortened.
fn shown_key(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let short: String = key.chars().take(KEY_CHARS_MAX).collect();
    if !key.is_empty() && short == key && key.chars().all(plain) {
        return short;
    }
    let mut shown = String::from("\"");
    for c in short.chars() {
        if (' '..='~').contains(&c) && c != '"' && c != '\\' {
            shown.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        }
    }
    shown.push_str(if short == key { "\"" } else { "…\"" });
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_mislead_is_shown_escaped_and_short() {
        for (key, expected) in [
            ("port", "health.port"),
            ("", "health.\"\""),
            ("a.b", "health.\"a.b\""),
            ("a\nb", "health.\"a\\u{a}b\""),
            ("\u{202e}x", "health.\"\\u{202e}x\""),
        ] {
            assert_eq!(key_path("health", key), expected);
        }
        assert!(key_path("", &"k".repeat(4000)).chars().count() < 70);
    }

    #[test]
    fn a_long_list_of_problems_is_cut_and_counted() {
        let problems = vec![Problem::new("a", "is wrong", "correct it"); SHOWN_MAX + 3];
        let text = ConfigProblems::of(problems).to_string();
        assert_eq!(text.lines().count(), SHOWN_MAX + 1);
        assert!(text.ends_with("\nand 3 more"), "{text}");
    }

    #[test]
    fn there_is_always_a_problem_to_show() {
        assert_eq!(ConfigProblems::of(Vec::new()).as_slice().len(), 1);
    }
}
