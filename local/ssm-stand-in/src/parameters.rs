//! What the service checks of a command's parameters, and what the agent checks again.
//!
//! The two are not the same: lengths and allowed values are the service's business alone, patterns are matched by
//! both, and both match them *partially*, so that an unanchored pattern lets a bad value through here as on AWS.

pub(crate) mod substitution;

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use crate::api::error::ApiError;
use crate::documents::schema::{Document, Kind, Parameter, bound, text_of};

/// The parameters of a command as a caller gives them.
pub(crate) type Given = BTreeMap<String, Vec<String>>;

/// The service's check of a `SendCommand`; the first problem is the answer.
pub(crate) fn check_by_service(document: &Document, given: &Given) -> Result<(), ApiError> {
    if let Some(unknown) = given
        .keys()
        .find(|name| !document.parameters.contains_key(*name))
    {
        return Err(refused(&format!(
            "document does not support parameters: [{unknown}]"
        )));
    }
    for (name, declared) in &document.parameters {
        match given.get(name) {
            Some(values) => check_one(name, declared, values)?,
            None if declared.default.is_none() => {
                return Err(refused(&format!(
                    "document requires parameter {name}, which has no value"
                )));
            }
            None => {}
        }
    }
    Ok(())
}

/// The agent's own check: the patterns only, of every declared parameter, defaults too.
pub(crate) fn check_by_agent(document: &Document, effective: &Given) -> Result<(), String> {
    for (name, declared) in &document.parameters {
        let Some(source) = &declared.allowed_pattern else {
            continue;
        };
        let pattern = pattern(source)
            .map_err(|error| format!("invalid allowedPattern of parameter {name}: {error}"))?;
        let values = effective.get(name).map(Vec::as_slice).unwrap_or_default();
        if let Some(value) = values.iter().find(|value| !pattern.is_match(value)) {
            return Err(format!(
                "parameter value for {name} does not match the allowed pattern {source}: {value}"
            ));
        }
    }
    Ok(())
}

/// The values that the agent works with: the given ones, else the defaults.
///
/// A given value whose parameter's name is not alphanumeric is dropped without a word, as the agent does.
pub(crate) fn effective(document: &Document, given: &Given) -> Given {
    let usable = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric());
    let mut values: Given = document
        .parameters
        .iter()
        .filter_map(|(name, declared)| Some((name.clone(), declared.default_values()?)))
        .collect();
    for (name, value) in given.iter().filter(|(name, _)| usable(name)) {
        values.insert(name.clone(), value.clone());
    }
    values
}

/// A pattern as RE2 reads it: `\d` and `\w` are ASCII, and there is no lookaround.
///
/// The ASCII form cannot express `.`, so that a pattern with one is read in the Unicode form.
pub(crate) fn pattern(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .unicode(false)
        .build()
        .or_else(|_| Regex::new(source))
}

fn check_one(name: &str, declared: &Parameter, values: &[String]) -> Result<(), ApiError> {
    if declared.kind == Kind::StringList {
        check_bounds(
            name,
            "items",
            values.len(),
            (declared.min_items.as_ref(), declared.max_items.as_ref()),
        )?;
    } else if values.len() != 1 {
        return Err(refused(&format!(
            "parameter {name} must have exactly one value"
        )));
    }
    for value in values {
        let length = value.chars().count();
        check_bounds(
            name,
            "characters",
            length,
            (declared.min_chars.as_ref(), declared.max_chars.as_ref()),
        )?;
        check_value(name, declared, value)?;
    }
    Ok(())
}

fn check_value(name: &str, declared: &Parameter, value: &str) -> Result<(), ApiError> {
    let allowed = &declared.allowed_values;
    if !allowed.is_empty() && !allowed.iter().any(|candidate| text_of(candidate) == value) {
        return Err(refused(&format!(
            "parameter {name} has a value outside its allowed values"
        )));
    }
    // A pattern that RE2 does not know is left for the agent to stumble over.
    let compiled = declared
        .allowed_pattern
        .as_deref()
        .and_then(|source| pattern(source).ok());
    match compiled {
        Some(pattern) if !pattern.is_match(value) => Err(refused(&format!(
            "parameter {name} has a value that does not match its allowed pattern {pattern}"
        ))),
        Some(_) | None => Ok(()),
    }
}

fn check_bounds(
    name: &str,
    what: &str,
    actual: usize,
    (least, most): (Option<&serde_json::Value>, Option<&serde_json::Value>),
) -> Result<(), ApiError> {
    let too_few = bound(least).is_some_and(|least| actual < least);
    let too_many = bound(most).is_some_and(|most| actual > most);
    if too_few || too_many {
        return Err(refused(&format!(
            "parameter {name} has {actual} {what}, which is not allowed"
        )));
    }
    Ok(())
}

fn refused(why: &str) -> ApiError {
    ApiError::new("InvalidParameters", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn document(parameters: &Value) -> Document {
        let content = json!({
            "schemaVersion": "2.2",
            "parameters": parameters,
            "mainSteps": [{"action": "aws:runShellScript", "name": "one", "inputs": {"runCommand": ["true"]}}]
        });
        Document::parse(&content.to_string(), "JSON").unwrap()
    }

    fn given(values: &Value) -> Given {
        serde_json::from_value(values.clone()).unwrap()
    }

    fn check(parameters: &Value, values: &Value, accepted: bool) {
        let result = check_by_service(&document(parameters), &given(values));
        assert_eq!(
            result.is_ok(),
            accepted,
            "{parameters} with {values}: {result:?}"
        );
    }

    #[test]
    fn an_unknown_parameter_and_a_missing_one_are_refused() {
        let declared = json!({"A": {"type": "String"}, "B": {"type": "String", "default": ""}});
        check(&declared, &json!({"A": ["x"]}), true);
        check(&declared, &json!({}), false);
        check(&declared, &json!({"A": ["x"], "C": ["y"]}), false);
    }

    #[test]
    fn a_text_has_exactly_one_value() {
        let declared = json!({"A": {"type": "String"}});
        check(&declared, &json!({"A": []}), false);
        check(&declared, &json!({"A": ["x", "y"]}), false);
    }

    #[test]
    fn a_pattern_matches_partially_unless_it_is_anchored() {
        let loose = json!({"A": {"type": "String", "allowedPattern": "[a-z]+"}});
        check(&loose, &json!({"A": ["abc; id"]}), true);
        let half = json!({"A": {"type": "String", "allowedPattern": "^a|b$"}});
        check(&half, &json!({"A": ["a;id"]}), true);
        let strict = json!({"A": {"type": "String", "allowedPattern": "^(?:[a-z]+)$"}});
        check(&strict, &json!({"A": ["abc; id"]}), false);
        check(&strict, &json!({"A": ["abc\n"]}), false);
        check(&strict, &json!({"A": ["abc"]}), true);
    }

    #[test]
    fn a_digit_class_is_ascii_as_in_re2() {
        let digits = json!({"A": {"type": "String", "allowedPattern": "^\\d$"}});
        check(&digits, &json!({"A": ["7"]}), true);
        check(&digits, &json!({"A": ["\u{0667}"]}), false);
    }

    #[test]
    fn allowed_values_and_lengths_are_the_services_business() {
        let declared =
            json!({"A": {"type": "String", "allowedValues": ["prepare", "status"], "maxChars": 7}});
        check(&declared, &json!({"A": ["status"]}), true);
        check(&declared, &json!({"A": ["stat"]}), false);
        let short = json!({"A": {"type": "String", "minChars": "2", "maxChars": 3}});
        check(&short, &json!({"A": ["\u{e9}\u{e9}\u{e9}"]}), true);
        check(&short, &json!({"A": ["abcd"]}), false);
        check(&short, &json!({"A": ["a"]}), false);
        assert_eq!(
            check_by_agent(&document(&short), &given(&json!({"A": ["abcd"]}))),
            Ok(())
        );
    }

    #[test]
    fn the_agent_checks_patterns_of_defaults_and_shows_the_value() {
        let document = document(
            &json!({"A": {"type": "String", "default": "BAD", "allowedPattern": "^[a-z]+$"}}),
        );
        let values = effective(&document, &Given::new());
        assert!(
            check_by_agent(&document, &values)
                .unwrap_err()
                .contains("BAD")
        );
    }

    #[test]
    fn a_pattern_outside_re2_passes_the_service_and_fails_on_the_host() {
        let document = document(&json!({"A": {"type": "String", "allowedPattern": "^(?=a)"}}));
        let values = given(&json!({"A": ["a"]}));
        assert!(check_by_service(&document, &values).is_ok());
        assert!(check_by_agent(&document, &values).is_err());
    }

    #[test]
    fn the_value_of_a_name_with_an_underscore_is_dropped_for_the_default() {
        let document = document(&json!({"A_B": {"type": "String", "default": "safe"}}));
        let values = effective(&document, &given(&json!({"A_B": ["mine"]})));
        assert_eq!(values["A_B"], ["safe"]);
    }
}
