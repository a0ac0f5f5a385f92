//! What the table says of deployments, as a person or a test reads it: state, history, verdicts.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::LocalCloud;

/// One line of a deployment's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, in milliseconds of Unix time.
    pub at_ms: u64,
    /// The state it entered.
    pub state: String,
    /// The wave, for the states that have one, from 0.
    pub wave: Option<u64>,
}

impl Entry {
    /// Whether this is a state that is not left.
    #[must_use]
    pub fn is_end(&self) -> bool {
        ENDS.contains(&self.state.as_str())
    }
}

/// A deployment as the table has it.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// Its state's name.
    pub state: String,
    /// Its history.
    pub timeline: Vec<Entry>,
    /// The stored record.
    pub body: Value,
    /// Whether nobody has anything left to do.
    pub at_rest: bool,
}

/// The states that a deployment does not leave.
pub const ENDS: [&str; 8] = [
    "Succeeded",
    "Failed",
    "RolledBack",
    "RollbackFailed",
    "Rejected",
    "Expired",
    "Superseded",
    "Cancelled",
];

impl Deployment {
    /// Reads a deployment; `None` when there is none of this id.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn read(cloud: &LocalCloud, id: &str) -> Result<Option<Self>> {
        let table = cloud.resource("AWS::DynamoDB::Table")?;
        let key = json!({"pk": {"S": format!("DEPLOYMENT#{id}")}, "sk": {"S": "STATE"}});
        let body = json!({"TableName": table, "Key": key, "ConsistentRead": true});
        let target = "DynamoDB_20120810.GetItem";
        let answer = cloud.aws().json("dynamodb", target, &body).await?;
        answer.get("Item").map(Self::of_item).transpose()
    }

    /// Every deployment in the table, in the order of their ids.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn all(cloud: &LocalCloud) -> Result<Vec<Self>> {
        let table = cloud.resource("AWS::DynamoDB::Table")?;
        let body = json!({"TableName": table, "ConsistentRead": true});
        let target = "DynamoDB_20120810.Scan";
        let answer = cloud.aws().json("dynamodb", target, &body).await?;
        let items = answer.get("Items").and_then(Value::as_array);
        let mut found = items
            .into_iter()
            .flatten()
            .filter(|item| text(item, "sk").is_some_and(|sk| sk == "STATE"))
            .map(Self::of_item)
            .collect::<Result<Vec<_>>>()?;
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    fn of_item(item: &Value) -> Result<Self> {
        let body = text(item, "body").context("an item without a body")?;
        let body: Value = serde_json::from_str(&body)?;
        let entries = body.get("timeline").and_then(Value::as_array);
        let timeline = entries.into_iter().flatten().filter_map(entry).collect();
        Ok(Self {
            id: text(item, "id").context("an item without an id")?,
            state: text(item, "state").context("an item without a state")?,
            timeline,
            at_rest: item.get("open").is_none(),
            body,
        })
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        ENDS.contains(&self.state.as_str())
    }

    /// The commit that it brings.
    #[must_use]
    pub fn commit(&self) -> &str {
        let commit = self.body.pointer("/origin/commit");
        commit.and_then(Value::as_str).unwrap_or_default()
    }

    /// What was frozen at its start, and what it did; none before the start.
    #[must_use]
    pub fn run(&self) -> Option<&Value> {
        let places = ["/state/ended/run", "/state/active/run"];
        let mut found = places.iter().filter_map(|path| self.body.pointer(path));
        found.find(|run| run.is_object())
    }

    /// Its generation; none before the start.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.run()?.get("generation")?.as_u64()
    }

    /// When it entered a state for the first time, in milliseconds of Unix time.
    #[must_use]
    pub fn entered_ms(&self, state: &str) -> Option<u64> {
        let mut entries = self.timeline.iter().filter(|entry| entry.state == state);
        entries.next().map(|entry| entry.at_ms)
    }

    /// How each host stands, by its word; empty before the start.
    #[must_use]
    pub fn verdicts(&self) -> BTreeMap<String, String> {
        let hosts = self.body.pointer("/tables/hosts").and_then(Value::as_array);
        let hosts: Vec<&str> = hosts
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let standings = self.run().and_then(|run| run.get("standings"));
        let standings = standings.and_then(Value::as_array);
        let mut verdicts = BTreeMap::new();
        for standing in standings.into_iter().flatten() {
            let word = standing.get("standing").map_or_else(String::new, word_of);
            for index in indices(standing.get("hosts")) {
                if let Some(host) = hosts.get(index) {
                    verdicts.insert((*host).to_owned(), word.clone());
                }
            }
        }
        verdicts
    }

    /// Why it did not succeed: class and first error line.
    #[must_use]
    pub fn failure(&self) -> Option<(String, String)> {
        let outcome = self.body.pointer("/state/ended/outcome")?.as_object()?;
        let failure = outcome.values().next()?;
        let part = |name| failure.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((part("class")?, part("detail").unwrap_or_default()))
    }
}

/// A text attribute of an item.
pub(crate) fn text(item: &Value, name: &str) -> Option<String> {
    let value = item.get(name)?.get("S")?.as_str()?;
    Some(value.to_owned())
}

fn entry(value: &Value) -> Option<Entry> {
    Some(Entry {
        at_ms: value.get("at_ms")?.as_u64()?,
        state: value.get("state")?.as_str()?.to_owned(),
        wave: value.get("wave").and_then(Value::as_u64),
    })
}

/// A word, alone or as the key of what it carries.
fn word_of(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => String::new(),
    }
}

/// Places in the table of hosts, as the record writes them: numbers and ranges, joined by commas.
fn indices(value: Option<&Value>) -> Vec<usize> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    text.split(',')
        .filter_map(|part| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            Some(from.parse::<usize>().ok()?..=to.parse::<usize>().ok()?)
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_the_record_writes_them() {
        for (text, expected) in [("0", vec![0]), ("0-2,5", vec![0, 1, 2, 5]), ("", vec![])] {
            assert_eq!(indices(Some(&json!(text))), expected, "{text}");
        }
    }
}
