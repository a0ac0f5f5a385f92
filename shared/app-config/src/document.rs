//! From text to JSON, within the size a parameter can have. A key that stands twice is a problem: JSON leaves open
//! which one counts, and the control plane and the hosts must not differ in that.

use crate::problem::{Problem, Problems, index_path, key_path};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The most bytes a document may have: what an advanced parameter of Parameter Store holds. A standard one holds 4,096.
pub const BYTES_MAX: usize = 8192;

/// Reads the text; `None` when there is nothing that could be judged further.
pub(crate) fn read(json: &str, problems: &mut Problems) -> Option<Value> {
    if json.len() > BYTES_MAX {
        let wrong = format!("has {} bytes, more than {BYTES_MAX}", json.len());
        let fix = "shorten it; a parameter cannot hold more";
        problems.push(Problem::new("", wrong, fix));
        return None;
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let seed = Unique {
        at: String::new(),
        problems,
    };
    let read = seed.deserialize(&mut deserializer);
    match read.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => Some(value),
        Err(error) => {
            // The message of a syntax error has line and column, and nothing of the document's content.
            let wrong = format!("is not JSON: {error}");
            let fix = "correct that place; comments and trailing commas are not JSON";
            problems.push(Problem::new("", wrong, fix));
            None
        }
    }
}

/// Reads any value and records keys that stand twice.
struct Unique<'p> {
    at: String,
    problems: &'p mut Problems,
}

impl Unique<'_> {
    fn inside(&mut self, at: String) -> Unique<'_> {
        Unique {
            at,
            problems: self.problems,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let at = index_path(&self.at, values.len());
            match list.next_element_seed(self.inside(at))? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let at = key_path(&self.at, &key);
            let value = entries.next_value_seed(self.inside(at.clone()))?;
            if object.insert(key, value).is_some() {
                let problem = Problem::new(&at, "stands twice", "keep one of the two");
                self.problems.push(problem);
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &[(&str, &str)]) {
        let mut problems = Problems::default();
        let value = read(json, &mut problems);
        let found: Vec<(&str, &str)> = problems
            .found()
            .iter()
            .map(|p| (p.path.as_str(), p.wrong.as_str()))
            .collect();
        assert_eq!(found, expected, "{json}");
        assert!(value.is_some() || !expected.is_empty());
    }

    #[test]
    fn broken_json_is_reported_with_line_and_column() {
        check(
            "{\n  \"branch\": \"main\",\n}",
            &[("", "is not JSON: trailing comma at line 3 column 1")],
        );
        check(
            "",
            &[(
                "",
                "is not JSON: EOF while parsing a value at line 1 column 0",
            )],
        );
        check(
            "{} {}",
            &[("", "is not JSON: trailing characters at line 1 column 4")],
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_a_problem_at_any_depth() {
        check(
            r#"{"a": 1, "a": 1, "b": [{"c": null, "c": 2.5}], "d": -1}"#,
            &[("a", "stands twice"), ("b[0].c", "stands twice")],
        );
    }

    #[test]
    fn a_document_may_be_as_large_as_an_advanced_parameter() {
        let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        check(&text(BYTES_MAX), &[]);
        check(
            &text(BYTES_MAX + 1),
            &[("", "has 8193 bytes, more than 8192")],
        );
    }

    #[test]
    fn endless_nesting_is_refused_and_does_not_exhaust_the_stack() {
        let mut problems = Problems::default();
        assert!(read(&"[".repeat(BYTES_MAX), &mut problems).is_none());
        assert!(
            problems.found()[0]
                .wrong
                .contains("recursion limit exceeded")
        );
    }
}
