//! Reads the repository's template and points its functions to packed code, as `sam package` does.
//!
//! CloudFormation's short tags become their long forms, so that the result is plain JSON and means the same. Nothing but the
//! place of the code is ever changed.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use serde_norway::Value as Yaml;
use serde_norway::value::TaggedValue;

use crate::package::Uploaded;

/// A template as plain JSON.
#[derive(Clone, Debug)]
pub struct Template(Value);

impl Template {
    /// Reads a template's YAML text.
    ///
    /// # Errors
    /// When it is no YAML, or holds something that has no meaning in a template.
    pub fn parse(text: &str) -> Result<Self> {
        let yaml: Yaml = serde_norway::from_str(text).context("the template is no YAML")?;
        Ok(Self(plain(yaml)?))
    }

    /// The functions: their logical ids, and the names of their binaries (`BuildProperties.Binary` of their metadata).
    ///
    /// # Errors
    /// When a function does not say which binary it is made of.
    pub fn functions(&self) -> Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for (logical, resource) in self.resources() {
            if code_property(resource).is_some() {
                let binary = resource
                    .pointer("/Metadata/BuildProperties/Binary")
                    .and_then(Value::as_str);
                let binary = binary.with_context(|| {
                    format!(
                        "{logical} has no Metadata.BuildProperties.Binary, so its code is unknown"
                    )
                })?;
                found.insert(logical.clone(), binary.to_owned());
            }
        }
        Ok(found)
    }

    /// Points each function (by logical id) to its packed code.
    ///
    /// # Errors
    /// When the template has no resources.
    pub fn point_to(&mut self, uploaded: &BTreeMap<String, Uploaded>) -> Result<()> {
        let resources = self
            .0
            .pointer_mut("/Resources")
            .and_then(Value::as_object_mut);
        for (logical, resource) in resources.context("the template has no Resources")? {
            let (Some(code), Some(property)) = (uploaded.get(logical), code_property(resource))
            else {
                continue;
            };
            if let Some(properties) = resource
                .pointer_mut("/Properties")
                .and_then(Value::as_object_mut)
            {
                properties.insert(property.to_owned(), place(property, code));
            }
        }
        Ok(())
    }

    /// The template's text, for the emulator.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.to_string()
    }

    /// The names of the template's parameters.
    #[must_use]
    pub fn parameters(&self) -> Vec<String> {
        let declared = self.0.pointer("/Parameters").and_then(Value::as_object);
        declared
            .map(|all| all.keys().cloned().collect())
            .unwrap_or_default()
    }

    fn resources(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0
            .pointer("/Resources")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    }
}

/// The property that holds a function's code, by the resource's type.
fn code_property(resource: &Value) -> Option<&'static str> {
    match resource.pointer("/Type").and_then(Value::as_str) {
        Some("AWS::Serverless::Function") => Some("CodeUri"),
        Some("AWS::Lambda::Function") => Some("Code"),
        _ => None,
    }
}

fn place(property: &str, code: &Uploaded) -> Value {
    if property == "Code" {
        json!({ "S3Bucket": code.bucket, "S3Key": code.key })
    } else {
        json!({ "Bucket": code.bucket, "Key": code.key })
    }
}

/// YAML as JSON, with CloudFormation's short tags in their long forms.
fn plain(yaml: Yaml) -> Result<Value> {
    match yaml {
        Yaml::Null => Ok(Value::Null),
        Yaml::Bool(value) => Ok(Value::Bool(value)),
        Yaml::Number(number) => Ok(serde_json::to_value(number)?),
        Yaml::String(text) => Ok(Value::String(text)),
        Yaml::Sequence(items) => items
            .into_iter()
            .map(plain)
            .collect::<Result<_>>()
            .map(Value::Array),
        Yaml::Mapping(pairs) => {
            let mut object = Map::new();
            for (key, value) in pairs {
                object.insert(key_text(key)?, plain(value)?);
            }
            Ok(Value::Object(object))
        }
        Yaml::Tagged(tagged) => long_form(*tagged),
    }
}

fn key_text(key: Yaml) -> Result<String> {
    match plain(key)? {
        Value::String(text) => Ok(text),
        other @ (Value::Bool(_) | Value::Number(_)) => Ok(other.to_string()),
        other @ (Value::Null | Value::Array(_) | Value::Object(_)) => bail!("{other} is no key"),
    }
}

fn long_form(tagged: TaggedValue) -> Result<Value> {
    let tag = tagged.tag.to_string();
    let name = tag.trim_start_matches('!');
    let value = plain(tagged.value)?;
    let (function, value) = match (name, value) {
        ("Ref" | "Condition", value) => (name.to_owned(), value),
        ("GetAtt", Value::String(text)) => ("Fn::GetAtt".to_owned(), attribute(&text)),
        (_, value) => (format!("Fn::{name}"), value),
    };
    Ok(json!({ function: value }))
}

/// `Resource.Attribute` as the pair of the two.
fn attribute(text: &str) -> Value {
    match text.split_once('.') {
        Some((resource, attribute)) => json!([resource, attribute]),
        None => json!([text]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::Template;
    use crate::package::Uploaded;

    const TEXT: &str = "
Transform: AWS::Serverless-2016-10-31
Parameters: { Environment: { Type: String } }
Conditions: { Live: !Not [!Equals [!Ref Environment, dev]] }
Resources:
  NotifierFunction:
    Type: AWS::Serverless::Function
    Condition: Live
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: notifier } }
    Properties:
      CodeUri: .
      Environment: { Variables: { TABLE: !Ref Table, ARN: !GetAtt Table.Stream.Arn, N: !Sub 'a-${Table}' } }
      Policies: [ { Version: 2012-10-17, Statement: [ { Resource: !Sub [ 'x/${Y}', { Y: !Ref Table } ] } ] } ]
  Table: { Type: AWS::DynamoDB::Table }
";

    fn parsed(template: &Template) -> Value {
        serde_json::from_str(&template.text()).unwrap()
    }

    #[test]
    fn short_tags_become_their_long_forms() {
        let template = parsed(&Template::parse(TEXT).unwrap());
        let condition = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "Environment"}, "dev"]}]});
        assert_eq!(template["Conditions"]["Live"], condition);
        let properties = &template["Resources"]["NotifierFunction"]["Properties"];
        let variables = json!({
            "TABLE": {"Ref": "Table"}, "ARN": {"Fn::GetAtt": ["Table", "Stream.Arn"]}, "N": {"Fn::Sub": "a-${Table}"},
        });
        assert_eq!(properties["Environment"]["Variables"], variables);
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Resource": {"Fn::Sub": ["x/${Y}", {"Y": {"Ref": "Table"}}]}},
        ]});
        assert_eq!(properties["Policies"][0], policy);
    }

    #[test]
    fn only_the_place_of_the_code_changes() {
        let mut template = Template::parse(TEXT).unwrap();
        assert_eq!(
            template.functions().unwrap()["NotifierFunction"],
            "notifier"
        );
        let mut expected = parsed(&template);
        let code = Uploaded {
            bucket: "b".to_owned(),
            key: "k".to_owned(),
        };
        template
            .point_to(&BTreeMap::from([("NotifierFunction".to_owned(), code)]))
            .unwrap();
        expected["Resources"]["NotifierFunction"]["Properties"]["CodeUri"] =
            json!({"Bucket": "b", "Key": "k"});
        assert_eq!(parsed(&template), expected);
    }

    #[test]
    fn a_function_that_names_no_binary_is_refused() {
        let text =
            "Resources: { F: { Type: AWS::Serverless::Function, Properties: { CodeUri: . } } }";
        let error = Template::parse(text).unwrap().functions().unwrap_err();
        assert!(
            error.to_string().starts_with("F has no Metadata"),
            "{error}"
        );
    }
}
