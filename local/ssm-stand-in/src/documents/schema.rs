//! What a document says: its parameters and its steps, read once when a version is made.
//!
//! Reading is as strict as the service is at `CreateDocument`, and no stricter: what only the agent refuses
//! (an unknown plugin, a pattern outside RE2) must get through here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::error::ApiError;

/// A parsed document.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    pub(crate) schema_version: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Parameter>,
    #[serde(default, rename = "mainSteps")]
    pub(crate) steps: Vec<Step>,
}

/// The declaration of one parameter.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parameter {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) default: Option<Value>,
    #[serde(default)]
    pub(crate) allowed_values: Vec<Value>,
    #[serde(default)]
    pub(crate) allowed_pattern: Option<String>,
    #[serde(default)]
    pub(crate) min_chars: Option<Value>,
    #[serde(default)]
    pub(crate) max_chars: Option<Value>,
    #[serde(default)]
    pub(crate) min_items: Option<Value>,
    #[serde(default)]
    pub(crate) max_items: Option<Value>,
    #[serde(default)]
    pub(crate) interpolation_type: Option<String>,
}

impl Parameter {
    /// Whether the value should reach the script through its environment; only the exact word counts.
    pub(crate) fn is_env_var(&self) -> bool {
        self.interpolation_type.as_deref() == Some("ENV_VAR")
    }

    /// The default, as the list of strings that a caller would have given.
    pub(crate) fn default_values(&self) -> Option<Vec<String>> {
        self.default.as_ref().map(|default| match default {
            Value::Array(items) => items.iter().map(text_of).collect(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => {
                vec![text_of(default)]
            }
        })
    }
}

/// The types of parameters; everything that is not a list is handled as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Kind {
    /// One text.
    String,
    /// A list of texts.
    StringList,
    /// `true` or `false`, as a text.
    Boolean,
    /// A number, as a text.
    Integer,
}

/// One step.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Step {
    pub(crate) action: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) precondition: Option<Value>,
    #[serde(default)]
    pub(crate) inputs: Value,
}

impl Document {
    /// Reads a document's content.
    pub(crate) fn parse(content: &str, format: &str) -> Result<Self, ApiError> {
        let value = value_of(content, format)?;
        let version = value
            .get("schemaVersion")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !matches!(version, "2.0" | "2.0.1" | "2.0.2" | "2.0.3" | "2.2") {
            return Err(ApiError::new(
                "InvalidDocumentSchemaVersion",
                format!("The document schema version is not supported: {version:?}"),
            ));
        }
        let document: Self =
            serde_json::from_value(value).map_err(|error| invalid(&error.to_string()))?;
        if document.steps.is_empty() {
            return Err(invalid("mainSteps must hold at least one step"));
        }
        match document
            .steps
            .iter()
            .find(|step| step.name.is_empty() || step.action.is_empty())
        {
            Some(_) => Err(invalid("each step needs an action and a name")),
            None => Ok(document),
        }
    }
}

/// A scalar as the text that it stands for.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A bound that a document may write as a number or as a text.
pub(crate) fn bound(value: Option<&Value>) -> Option<usize> {
    value.and_then(|value| text_of(value).parse().ok())
}

fn value_of(content: &str, format: &str) -> Result<Value, ApiError> {
    if format == "YAML" {
        serde_norway::from_str(content).map_err(|error| invalid(&error.to_string()))
    } else {
        serde_json::from_str(content).map_err(|error| invalid(&error.to_string()))
    }
}

fn invalid(why: &str) -> ApiError {
    ApiError::new("InvalidDocumentContent", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(content: &str) -> &'static str {
        Document::parse(content, "JSON").unwrap_err().code
    }

    #[test]
    fn a_document_in_yaml_reads_like_one_in_json() {
        let yaml = "schemaVersion: '2.2'\nmainSteps:\n- action: aws:runShellScript\n  name: one\n  inputs:\n    runCommand: [ls]\n";
        assert_eq!(Document::parse(yaml, "YAML").unwrap().steps[0].name, "one");
    }

    #[test]
    fn broken_documents_are_refused_with_the_services_own_codes() {
        assert_eq!(code("{"), "InvalidDocumentContent");
        assert_eq!(
            code(r#"{"schemaVersion":"2.2","mainSteps":[]}"#),
            "InvalidDocumentContent"
        );
        assert_eq!(
            code(r#"{"schemaVersion":"3.9","mainSteps":[]}"#),
            "InvalidDocumentSchemaVersion"
        );
    }

    #[test]
    fn only_the_exact_word_makes_an_environment_variable() {
        let of = |word: &str| {
            serde_json::from_value::<Parameter>(
                serde_json::json!({"type": "String", "interpolationType": word}),
            )
            .unwrap()
            .is_env_var()
        };
        assert!(of("ENV_VAR"));
        assert!(!of("env_var"));
    }
}
