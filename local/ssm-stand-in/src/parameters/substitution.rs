//! How parameter values reach a step: pasted into its inputs as text, or put into its environment.
//!
//! Pasting is as dangerous here as it is in the agent: no quoting, in one pass, before a shell sees the script.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use super::Given;
use crate::documents::schema::{Document, Kind, Parameter};

/// The first agent that knows `interpolationType: ENV_VAR`; older ones ignore it silently.
const ENV_VAR_SINCE: [u32; 4] = [3, 3, 2746, 0];

static PLACEHOLDER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\{ *([a-zA-Z0-9]+) *\}\}").ok());

/// What is put in place of a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Filling {
    /// A text, pasted as it is.
    Text(String),
    /// A list: its lines when it is the whole value, else compact JSON.
    List(Vec<String>),
    /// The name of a variable in the step's environment.
    Variable(String),
}

/// The values of one command on one host, ready to be put into steps.
#[derive(Debug, Clone)]
pub(crate) struct Fillings {
    by_name: BTreeMap<String, Filling>,
    values: Given,
    environment: BTreeMap<String, String>,
}

impl Fillings {
    /// Sorts the values into pasted ones and variables, as an agent of this version does.
    pub(crate) fn new(document: &Document, values: Given, agent_version: &str) -> Self {
        let knows_variables = version_of(agent_version) >= ENV_VAR_SINCE;
        let mut by_name = BTreeMap::new();
        let mut environment = BTreeMap::new();
        for (name, value) in &values {
            let declared = document.parameters.get(name);
            let is_list = declared.is_some_and(|declared| declared.kind == Kind::StringList);
            if knows_variables && declared.is_some_and(Parameter::is_env_var) {
                let variable = format!("SSM_{name}");
                environment.insert(variable.clone(), variable_value(value, is_list));
                by_name.insert(name.clone(), Filling::Variable(variable));
            } else if is_list {
                by_name.insert(name.clone(), Filling::List(value.clone()));
            } else {
                by_name.insert(name.clone(), Filling::Text(value.concat()));
            }
        }
        Self {
            by_name,
            values,
            environment,
        }
    }

    /// The `SSM_<Name>` variables of every step.
    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// A step's inputs with everything filled in.
    pub(crate) fn fill(&self, inputs: &Value) -> Value {
        match inputs {
            Value::String(text) => self.fill_whole(text),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.fill(value)))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => inputs.clone(),
        }
    }

    /// A text of a precondition with real values in it, variables too.
    pub(crate) fn fill_for_precondition(&self, text: &str) -> String {
        replace(text, |name| {
            self.values.get(name).map(|values| values.concat())
        })
    }

    fn fill_whole(&self, text: &str) -> Value {
        match placeholder_alone(text).and_then(|name| self.by_name.get(name)) {
            Some(Filling::Text(value)) => Value::from(value.as_str()),
            Some(Filling::List(items)) => Value::from(items.as_slice()),
            Some(Filling::Variable(variable)) => Value::from(format!("${variable}")),
            None => Value::from(self.fill_inside(text)),
        }
    }

    /// Placeholders in a longer text. There a `$$` of the value becomes `$`, which it does not when it stands alone.
    fn fill_inside(&self, text: &str) -> String {
        replace(text, |name| {
            self.by_name.get(name).map(|filling| match filling {
                Filling::Text(value) => value.replace("$$", "$"),
                Filling::List(items) => compact_json(items).replace("$$", "$"),
                Filling::Variable(variable) => format!("${variable}"),
            })
        })
    }
}

/// Whether an agent of this version puts `ENV_VAR` parameters into the environment.
#[cfg(test)]
pub(crate) fn knows_variables(agent_version: &str) -> bool {
    version_of(agent_version) >= ENV_VAR_SINCE
}

fn version_of(text: &str) -> [u32; 4] {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

fn variable_value(values: &[String], is_list: bool) -> String {
    if is_list {
        format!("[{}]", values.join(" "))
    } else {
        values.concat()
    }
}

fn placeholder_alone(text: &str) -> Option<&str> {
    let captures = PLACEHOLDER.as_ref()?.captures(text)?;
    let whole = captures.get(0)?;
    (whole.len() == text.len()).then(|| captures.get(1).map(|name| name.as_str()))?
}

/// One pass over the text: what a value brings in is not looked at again, and unknown placeholders stay.
fn replace(text: &str, value_of: impl Fn(&str) -> Option<String>) -> String {
    let Some(placeholder) = PLACEHOLDER.as_ref() else {
        return text.to_owned();
    };
    placeholder
        .replace_all(text, |captures: &Captures<'_>| {
            let found = captures.get(1).and_then(|name| value_of(name.as_str()));
            found.unwrap_or_else(|| {
                captures
                    .get(0)
                    .map_or_else(String::new, |whole| whole.as_str().to_owned())
            })
        })
        .into_owned()
}

/// A list in a longer text: compact JSON, with the escapes that Go's encoder adds.
fn compact_json(items: &[String]) -> String {
    Value::from(items)
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NEW: &str = "3.3.2746.0";
    const OLD: &str = "3.3.2745.9";

    fn fillings(parameters: &Value, values: &Value, agent_version: &str) -> Fillings {
        let content = json!({
            "schemaVersion": "2.2", "parameters": parameters,
            "mainSteps": [{"action": "aws:runShellScript", "name": "one"}]
        });
        let document = Document::parse(&content.to_string(), "JSON").unwrap();
        Fillings::new(
            &document,
            serde_json::from_value(values.clone()).unwrap(),
            agent_version,
        )
    }

    fn raw(value: &str, text: &str) -> Value {
        fillings(
            &json!({"A": {"type": "String"}}),
            &json!({"A": [value]}),
            NEW,
        )
        .fill(&json!(text))
    }

    #[test]
    fn a_value_is_pasted_raw_with_or_without_spaces_in_the_braces() {
        assert_eq!(
            raw("x; id", "echo '{{ A }}' {{A}}"),
            json!("echo 'x; id' x; id")
        );
        assert_eq!(raw("a\nb", "echo {{ A }}"), json!("echo a\nb"));
    }

    #[test]
    fn unknown_placeholders_stay_and_values_are_not_looked_at_again() {
        assert_eq!(
            raw("{{ B }}", "{{ A }} {{ B }} {{ a }}"),
            json!("{{ B }} {{ B }} {{ a }}")
        );
    }

    #[test]
    fn a_double_dollar_shrinks_only_inside_a_longer_text() {
        assert_eq!(raw("a$$b", "{{ A }}"), json!("a$$b"));
        assert_eq!(raw("a$$b", "-{{ A }}-"), json!("-a$b-"));
    }

    #[test]
    fn a_list_is_its_lines_alone_and_json_in_a_text() {
        let list = fillings(
            &json!({"L": {"type": "StringList"}}),
            &json!({"L": ["a", "b<'"]}),
            NEW,
        );
        assert_eq!(list.fill(&json!("{{ L }}")), json!(["a", "b<'"]));
        assert_eq!(
            list.fill(&json!("echo {{ L }}")),
            json!("echo [\"a\",\"b\\u003c'\"]")
        );
    }

    #[test]
    fn a_variable_reaches_the_environment_byte_for_byte_and_its_placeholder_becomes_its_name() {
        let declared = json!({"A": {"type": "String", "interpolationType": "ENV_VAR"}});
        let fillings = fillings(&declared, &json!({"A": ["$$\n'\""]}), NEW);
        assert_eq!(fillings.environment()["SSM_A"], "$$\n'\"");
        assert_eq!(
            fillings.fill(&json!({"runCommand": ["echo {{ A }}_x"]})),
            json!({"runCommand": ["echo $SSM_A_x"]})
        );
        assert_eq!(fillings.fill(&json!("{{ A }}")), json!("$SSM_A"));
        assert_eq!(fillings.fill_for_precondition("{{ A }}"), "$$\n'\"");
    }

    #[test]
    fn an_old_agent_ignores_the_property_and_pastes() {
        let declared = json!({"A": {"type": "String", "interpolationType": "ENV_VAR"}});
        let fillings = fillings(&declared, &json!({"A": ["x"]}), OLD);
        assert!(fillings.environment().is_empty());
        assert_eq!(fillings.fill(&json!("echo {{ A }}")), json!("echo x"));
        assert!(
            !knows_variables("3.2.9999.0")
                && knows_variables("3.3.3572.0")
                && knows_variables("4.0.0.0")
        );
    }

    #[test]
    fn a_list_in_a_variable_is_written_as_go_prints_it() {
        let declared = json!({"L": {"type": "StringList", "interpolationType": "ENV_VAR"}});
        let fillings = fillings(&declared, &json!({"L": ["a", "b"]}), NEW);
        assert_eq!(fillings.environment()["SSM_L"], "[a b]");
    }
}
