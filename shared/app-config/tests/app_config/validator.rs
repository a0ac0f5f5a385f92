//! Judges a value by a JSON Schema, as far as Longshore's own schema goes. A keyword that is not understood here fails
//! the test, so that none is passed over in silence.

use regex::Regex;
use serde_json::Value;

/// Whether the schema accepts the value.
pub(crate) fn accepts(schema: &Value, value: &Value) -> bool {
    let rules = schema.as_object().expect("a schema is an object");
    rules
        .iter()
        .all(|(keyword, rule)| holds(keyword, rule, schema, value))
}

fn holds(keyword: &str, rule: &Value, schema: &Value, value: &Value) -> bool {
    let at_most = |count: Option<usize>| count.is_none_or(|count| count as u64 <= number(rule));
    let at_least = |count: Option<usize>| count.is_none_or(|count| count as u64 >= number(rule));
    let chars = value.as_str().map(|text| text.chars().count());
    let elements = value.as_array().map(Vec::len);
    match keyword {
        "$schema" | "title" | "description" | "default" => true,
        "type" => is_of_type(rule.as_str().unwrap(), value),
        "enum" => rule.as_array().unwrap().contains(value),
        "minimum" => value
            .as_f64()
            .is_none_or(|found| found >= rule.as_f64().unwrap()),
        "maximum" => value
            .as_f64()
            .is_none_or(|found| found <= rule.as_f64().unwrap()),
        "minLength" => at_least(chars),
        "maxLength" => at_most(chars),
        "minItems" => at_least(elements),
        "maxItems" => at_most(elements),
        "maxProperties" => at_most(value.as_object().map(serde_json::Map::len)),
        "pattern" => value
            .as_str()
            .is_none_or(|text| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)),
        "not" => !accepts(rule, value),
        "anyOf" => rule
            .as_array()
            .unwrap()
            .iter()
            .any(|one| accepts(one, value)),
        "items" => value
            .as_array()
            .is_none_or(|list| list.iter().all(|v| accepts(rule, v))),
        "uniqueItems" => value
            .as_array()
            .is_none_or(|list| (0..list.len()).all(|index| !list[..index].contains(&list[index]))),
        "required" | "properties" | "additionalProperties" | "propertyNames" => value
            .as_object()
            .is_none_or(|object| object_holds(keyword, rule, schema, object)),
        other => panic!("unknown keyword {other}"),
    }
}

fn object_holds(
    keyword: &str,
    rule: &Value,
    schema: &Value,
    object: &serde_json::Map<String, Value>,
) -> bool {
    match keyword {
        "required" => {
            let names = rule.as_array().unwrap();
            names
                .iter()
                .all(|name| object.contains_key(name.as_str().unwrap()))
        }
        "properties" => {
            let rules = rule.as_object().unwrap();
            rules
                .iter()
                .all(|(key, rule)| object.get(key).is_none_or(|value| accepts(rule, value)))
        }
        "propertyNames" => object
            .keys()
            .all(|key| accepts(rule, &Value::from(key.as_str()))),
        _ => object
            .iter()
            .filter(|(key, _)| schema["properties"].get(key).is_none())
            .all(|(_, value)| rule.as_bool().unwrap_or_else(|| accepts(rule, value))),
    }
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        other => panic!("unknown type {other}"),
    }
}

fn number(rule: &Value) -> u64 {
    rule.as_u64().expect("a bound is a number")
}
