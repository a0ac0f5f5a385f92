//! Which hosts belong to the target set besides those that carry the app's own tags, and how many may be away.

use crate::field::{Field, Whole, kind_of};
use crate::problem::{Problem, Problems, key_path};
use crate::section::{Presence, section};
use crate::waves::{HOSTS_MAX, Size};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TAGS_MAX: usize = 5;
const KEY_CHARS: &[u8] = b"_.:/=@-";
const VALUE_CHARS: &[u8] = b"_.:/=+@ -";
const RESERVED: &str = "longshore:";

section! {
    /// Which hosts make up the target set.
    pub struct Hosts {
        /// Tags a host must carry besides `longshore:environment` and `longshore:app`, each with its exact value.
        tags: Tags = Presence::Default(json!({})),
        /// Hosts that may be unreachable without stopping a deployment; they end as excused.
        unreachable_max: Whole<0, HOSTS_MAX> = Presence::Default(json!(0)),
        /// Hosts of a wave that may be switched at the same time; a whole wave without it.
        parallel: Option<Whole<1, HOSTS_MAX>> = Presence::Optional,
        /// Hosts that must stay in service while others are switched: a number, or a share of the target set.
        in_service_min: Option<Size> = Presence::Optional,
    }
}

/// Tags with their exact values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The tags, by key.
    #[must_use]
    pub const fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl Field for Tags {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let wrong = match value.as_object() {
            Some(object) if object.len() <= TAGS_MAX => {
                let before = problems.len();
                let mut tags = BTreeMap::new();
                for (key, value) in object {
                    tags.extend(read_tag(key, value, at, problems));
                }
                return (problems.len() == before).then_some(Self(tags));
            }
            Some(object) => format!("has {} tags", object.len()),
            None => format!("is {}", kind_of(value)),
        };
        let fix = format!("write an object of up to {TAGS_MAX} tags");
        problems.push(Problem::new(at, wrong, fix));
        None
    }

    fn schema() -> Value {
        json!({
            "type": "object",
            "maxProperties": TAGS_MAX,
            "propertyNames": {
                "pattern": "^[A-Za-z0-9_.:/=@-]{1,128}$",
                "not": { "pattern": "^[Ll][Oo][Nn][Gg][Ss][Hh][Oo][Rr][Ee]:" }
            },
            "additionalProperties": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_.:/=+@ -]{1,256}$",
                "not": { "pattern": "^ | $" }
            }
        })
    }
}

fn read_tag(
    key: &str,
    value: &Value,
    at: &str,
    problems: &mut Problems,
) -> Option<(String, String)> {
    let path = key_path(at, key);
    let before = problems.len();
    if !is_tag(key, 128, KEY_CHARS) {
        let fix = "write 1 to 128 letters, digits and _.:/=@-";
        problems.push(Problem::new(&path, "is not a tag's key", fix));
    }
    if key.to_ascii_lowercase().starts_with(RESERVED) {
        let fix = "remove it; Longshore asks for its own tags anyway";
        problems.push(Problem::new(&path, "is reserved", fix));
    }
    let text = value.as_str().filter(|text| is_tag(text, 256, VALUE_CHARS));
    if text.is_none() {
        let fix = "write a text of 1 to 256 letters, digits, inner spaces and _.:/=+@-";
        problems.push(Problem::new(&path, "has a value that is not a tag's", fix));
    }
    let text = text.filter(|_| problems.len() == before)?;
    Some((key.to_owned(), text.to_owned()))
}

fn is_tag(text: &str, max: usize, others: &[u8]) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || others.contains(&b);
    (1..=max).contains(&text.len()) && text.bytes().all(allowed) && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, expected: &[&str]) {
        let mut problems = Problems::default();
        let read = Tags::read(value, "tags", &mut problems);
        let found: Vec<String> = problems
            .found()
            .iter()
            .map(|problem| format!("{} {}", problem.path, problem.wrong))
            .collect();
        assert_eq!(found, expected, "{value}");
        assert_eq!(read.is_some(), expected.is_empty(), "{value}");
    }

    #[test]
    fn tags_have_the_form_that_systems_manager_can_ask_for() {
        check(&json!({}), &[]);
        let good = json!({ "role": "web", "aws:autoscaling:groupName": "orders blue+1" });
        check(&good, &[]);
        check(&json!({ "": "x" }), &["tags.\"\" is not a tag's key"]);
        check(&json!({ "a b": "x" }), &["tags.\"a b\" is not a tag's key"]);
        for value in [json!(""), json!(" x"), json!("a*"), json!(1), json!(["x"])] {
            let expected = "tags.role has a value that is not a tag's";
            check(&json!({ "role": value }), &[expected]);
        }
        check(&json!([]), &["tags is a list"]);
        let six = json!({ "a": "1", "b": "1", "c": "1", "d": "1", "e": "1", "f": "1" });
        check(&six, &["tags has 6 tags"]);
    }

    #[test]
    fn the_tags_of_longshore_itself_are_reserved() {
        for key in ["longshore:app", "Longshore:environment"] {
            let expected = format!("tags.\"{key}\" is reserved");
            check(&json!({ key: "x" }), &[&expected]);
        }
    }
}
