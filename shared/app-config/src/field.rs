//! What a key can hold: whole numbers, switches, choices and lists, each with its bounds in its type.

use crate::nearest::nearest;
use crate::problem::{Problem, Problems, index_path};
use longshore_core::{AnnouncementKind, Severity};
use serde_json::{Value, json};

/// A type that a key of the document can have.
pub(crate) trait Field: Sized {
    /// Reads a value. `None` means that at least one problem was recorded.
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self>;

    /// What the key means when it is missing and has no default.
    fn absent() -> Option<Self> {
        None
    }

    /// The JSON Schema of what `read` accepts. It may accept more, never less.
    fn schema() -> Value;
}

/// The kind of a value, in words. The value itself is not repeated.
pub(crate) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl<T: Field> Field for Option<T> {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        T::read(value, at, problems).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn schema() -> Value {
        T::schema()
    }
}

impl Field for bool {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let read = value.as_bool();
        if read.is_none() {
            let wrong = format!("is {}", kind_of(value));
            problems.push(Problem::new(at, wrong, "write true or false, unquoted"));
        }
        read
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Whole<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Whole<MIN, MAX> {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> Field for Whole<MIN, MAX> {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        if let Some(number) = number.filter(|number| (MIN..=MAX).contains(number)) {
            return Some(Self(number));
        }
        let wrong = match value.as_number() {
            Some(number) => format!("is {number}"),
            None => format!("is {}", kind_of(value)),
        };
        let fix = format!("write a whole number from {MIN} to {MAX}, unquoted");
        problems.push(Problem::new(at, wrong, fix));
        None
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A list of up to `MAX` different values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// The values, in the order of the document.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T: Field + PartialEq, const MAX: usize> Field for List<T, MAX> {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let values = bounded_list(value, at, 0, MAX, problems)?;
        let mut read = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let path = index_path(at, index);
            if let Some(value) = T::read(value, &path, problems) {
                if read.contains(&value) {
                    problems.push(Problem::new(&path, "stands twice", "remove it"));
                }
                read.push(value);
            }
        }
        (read.len() == values.len()).then_some(Self(read))
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema(), "maxItems": MAX, "uniqueItems": true })
    }
}

/// The elements of a list of `least` to `most`; a longer one is one problem and is not looked into.
pub(crate) fn bounded_list<'v>(
    value: &'v Value,
    at: &str,
    least: usize,
    most: usize,
    problems: &mut Problems,
) -> Option<&'v [Value]> {
    let wrong = match value.as_array() {
        Some(values) if (least..=most).contains(&values.len()) => return Some(values),
        Some(values) => format!("has {} elements", values.len()),
        None => format!("is {}", kind_of(value)),
    };
    let fix = format!("write a list of {least} to {most} elements");
    problems.push(Problem::new(at, wrong, fix));
    None
}

/// Declares an enum of words.
macro_rules! choice {
    ($(#[$about:meta])* pub enum $name:ident { $( $(#[$case_about:meta])* $case:ident = $word:literal, )+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[$case_about])* $case, )+ }

        impl $name {
            /// The word of the document.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $( Self::$case => $word, )+ }
            }
        }

        impl $crate::field::Field for $name {
            fn read(
                value: &serde_json::Value,
                at: &str,
                problems: &mut $crate::problem::Problems,
            ) -> Option<Self> {
                $( if value.as_str() == Some($word) { return Some(Self::$case); } )+
                problems.push($crate::field::not_a_choice(value, at, &[$($word),+]));
                None
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "enum": [$($word),+] })
            }
        }
    };
}

choice! {
    /// What keeps the app's processes running.
    pub enum Manager {
        /// pm2, in the user space of the host's user.
        Pm2 = "pm2",
        /// systemd, with a unit of the app's own.
        Systemd = "systemd",
    }
}

choice! {
    /// Where the code of a release comes from.
    pub enum Source {
        /// The hosts fetch the commit with git, install and build.
        Git = "git",
        /// A pipeline has built the commit once; the hosts take what it stored.
        Artifact = "artifact",
    }
}

choice! {
    /// How an address is asked.
    pub enum Method {
        /// For what it holds.
        Get = "GET",
        /// For everything but the body.
        Head = "HEAD",
        /// With something that is sent.
        Post = "POST",
    }
}

choice! {
    /// How pm2 runs the processes.
    pub enum Mode {
        /// The processes share the port and are replaced one by one.
        Cluster = "cluster",
        /// Each process opens the port itself.
        Fork = "fork",
    }
}

choice! {
    /// How urgent a message must be to go somewhere.
    pub enum Urgency {
        /// Everything goes there.
        Info = "info",
        /// From an approval that is waited for.
        Warning = "warning",
        /// From what went wrong.
        Error = "error",
        /// What a person must act on now.
        Critical = "critical",
    }
}

impl Urgency {
    /// The severity.
    #[must_use]
    pub const fn get(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Warning => Severity::Warning,
            Self::Error => Severity::Error,
            Self::Critical => Severity::Critical,
        }
    }
}

choice! {
    /// A kind of message.
    pub enum News {
        /// Somebody must approve.
        ApprovalWanted = "approval_wanted",
        /// It has started.
        Started = "started",
        /// It is being rolled back.
        RollingBack = "rolling_back",
        /// It has ended.
        Ended = "ended",
    }
}

impl News {
    /// The kind.
    #[must_use]
    pub const fn get(self) -> AnnouncementKind {
        match self {
            Self::ApprovalWanted => AnnouncementKind::ApprovalWanted,
            Self::Started => AnnouncementKind::Started,
            Self::RollingBack => AnnouncementKind::RollingBack,
            Self::Ended => AnnouncementKind::Ended,
        }
    }
}

pub(crate) use choice;

pub(crate) fn not_a_choice(value: &Value, at: &str, words: &[&str]) -> Problem {
    let Some(text) = value.as_str() else {
        let fix = format!("write one of {}, in quotes", quoted(words));
        return Problem::new(at, format!("is {}", kind_of(value)), fix);
    };
    let fix = match nearest(text, words) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write one of {}", quoted(words)),
    };
    Problem::new(at, "is none of the words allowed here", fix)
}

fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Field>(value: &Value, expected: &[&str]) {
        let mut problems = Problems::default();
        let read = T::read(value, "key", &mut problems);
        let found: Vec<String> = problems.found().iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{value}");
        assert!(read.is_some() || !expected.is_empty(), "{value}");
    }

    #[test]
    fn a_whole_number_is_held_to_its_bounds() {
        check::<Whole<1, 9>>(&json!(1), &[]);
        check::<Whole<1, 9>>(&json!(9), &[]);
        for (value, shown) in [
            (json!(0), "0"),
            (json!(10), "10"),
            (json!(-1), "-1"),
            (json!(1.5), "1.5"),
            (json!(4_294_967_297_u64), "4294967297"),
            (json!("1"), "a text"),
            (json!(null), "null"),
        ] {
            let expected = format!("key is {shown}: write a whole number from 1 to 9, unquoted");
            check::<Whole<1, 9>>(&value, &[&expected]);
        }
    }

    #[test]
    fn a_choice_names_the_words_or_the_one_that_was_meant() {
        check::<Mode>(&json!("fork"), &[]);
        let slip = "key is none of the words allowed here: did you mean \"cluster\"?";
        check::<Mode>(&json!("Clustre"), &[slip]);
        let other = "key is none of the words allowed here: write one of \"cluster\", \"fork\"";
        check::<Mode>(&json!("threads"), &[other]);
        let kind = "key is true or false: write one of \"pm2\", \"systemd\", in quotes";
        check::<Manager>(&json!(true), &[kind]);
    }

    #[test]
    fn a_list_names_every_element_that_is_wrong() {
        check::<List<bool, 2>>(&json!([true, false]), &[]);
        let expected = [
            "key[0] is a number: write true or false, unquoted",
            "key[1] is null: write true or false, unquoted",
        ];
        check::<List<bool, 2>>(&json!([1, null]), &expected);
        check::<List<bool, 2>>(&json!([true, true]), &["key[1] stands twice: remove it"]);
        let long = "key has 3 elements: write a list of 0 to 2 elements";
        check::<List<bool, 2>>(&json!([1, 2, 3]), &[long]);
        let kind = "key is an object: write a list of 0 to 2 elements";
        check::<List<bool, 2>>(&json!({}), &[kind]);
    }
}
