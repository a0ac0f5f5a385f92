//! References to Parameter Store, `{{ssm:/name}}`, which the agent resolves on the host before it checks any pattern.
//!
//! They are followed wherever they stand, in the document or in a value that a caller gave: that is how a caller reads
//! any plain parameter the host may read, unless a pattern forbids the braces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Value, json};

use crate::documents::schema::Document;
use crate::parameters::Given;
use crate::world::World;

static REFERENCE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\{ *ssm:([a-zA-Z0-9_.\-/:]+) *\}\}").ok());

/// What the references of one document stand for.
#[derive(Debug)]
pub(crate) struct References {
    values: BTreeMap<String, String>,
}

impl References {
    /// Fetches everything that the document and the values refer to.
    pub(crate) async fn fetch(
        world: &World,
        document: &Document,
        given: &Given,
    ) -> Result<Self, String> {
        let mut names = BTreeSet::new();
        for (parameter, value) in given
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name, value)))
        {
            if is_followed(document, parameter, value) {
                collect(value, &mut names);
            }
        }
        for step in &document.steps {
            collect(&step.inputs.to_string(), &mut names);
        }
        let mut values = BTreeMap::new();
        for name in names {
            let value = fetch(world, &name).await?;
            values.insert(name, value);
        }
        Ok(Self { values })
    }

    /// The values with every reference followed.
    pub(crate) fn follow_in_values(&self, document: &Document, given: Given) -> Given {
        let follow = |(name, values): (String, Vec<String>)| {
            let followed = values
                .into_iter()
                .map(|value| {
                    if is_followed(document, &name, &value) {
                        self.follow(&value)
                    } else {
                        value
                    }
                })
                .collect();
            (name, followed)
        };
        given.into_iter().map(follow).collect()
    }

    /// A step's inputs with every reference followed.
    pub(crate) fn follow_in_inputs(&self, inputs: &Value) -> Value {
        match inputs {
            Value::String(text) => Value::from(self.follow(text)),
            Value::Array(items) => items
                .iter()
                .map(|item| self.follow_in_inputs(item))
                .collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.follow_in_inputs(value)))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => inputs.clone(),
        }
    }

    fn follow(&self, text: &str) -> String {
        let Some(reference) = REFERENCE.as_ref() else {
            return text.to_owned();
        };
        reference
            .replace_all(text, |captures: &Captures<'_>| {
                let value = captures
                    .get(1)
                    .and_then(|name| self.values.get(name.as_str()));
                value.cloned().unwrap_or_default()
            })
            .into_owned()
    }
}

/// A value for the environment is followed only when it is nothing but a reference.
fn is_followed(document: &Document, parameter: &str, value: &str) -> bool {
    let declared = document.parameters.get(parameter);
    if !declared.is_some_and(crate::documents::schema::Parameter::is_env_var) {
        return true;
    }
    let found = REFERENCE
        .as_ref()
        .and_then(|reference| reference.find(value));
    found.is_some_and(|found| found.len() == value.len())
}

fn collect(text: &str, names: &mut BTreeSet<String>) {
    let Some(reference) = REFERENCE.as_ref() else {
        return;
    };
    let found = reference
        .captures_iter(text)
        .filter_map(|captures| captures.get(1));
    names.extend(found.map(|name| name.as_str().to_owned()));
}

/// One parameter, without decryption; anything but a plain text fails the document.
async fn fetch(world: &World, name: &str) -> Result<String, String> {
    let ministack = world
        .ministack
        .as_ref()
        .ok_or("Parameter Store cannot be reached")?;
    let body = json!({"Names": [name], "WithDecryption": false});
    let answer = ministack
        .call("ssm", "AmazonSSM.GetParameters", &body)
        .await
        .map_err(|error| format!("Failed to fetch parameters: {error:#}"))?;
    let parameter = answer.pointer("/Parameters/0");
    let member = |key: &str| {
        parameter
            .and_then(|parameter| parameter.get(key))
            .and_then(Value::as_str)
    };
    match (member("Type"), member("Value")) {
        (Some("String"), Some(value)) => Ok(value.to_owned()),
        (Some(kind), _) => Err(format!(
            "Parameters of type {kind} are not supported: {name}"
        )),
        (None, _) => Err(format!("Input contains invalid ssm parameters [{name}]")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_and_followed_and_secure_ones_stay() {
        let mut names = BTreeSet::new();
        collect(
            "{{ssm:/a/b}} {{ ssm:c:2 }} {{ssm-secure:d}} {{ e }}",
            &mut names,
        );
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["/a/b", "c:2"]);
        let references = References {
            values: BTreeMap::from([(String::from("/a"), String::from("x"))]),
        };
        assert_eq!(
            references.follow("-{{ssm:/a}}-{{ssm-secure:/a}}"),
            "-x-{{ssm-secure:/a}}"
        );
    }

    #[test]
    fn a_value_for_the_environment_is_followed_only_alone() {
        let content = json!({
            "schemaVersion": "2.2", "parameters": {"A": {"type": "String", "interpolationType": "ENV_VAR"}, "B": {"type": "String"}},
            "mainSteps": [{"action": "aws:runShellScript", "name": "one"}]
        });
        let document = Document::parse(&content.to_string(), "JSON").unwrap();
        assert!(is_followed(&document, "A", "{{ssm:/a}}"));
        assert!(!is_followed(&document, "A", "-{{ssm:/a}}"));
        assert!(is_followed(&document, "B", "-{{ssm:/a}}"));
    }
}
