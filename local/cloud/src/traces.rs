//! Everything that a run leaves where others may read it: the table, the exported histories, the commands and events of SSM, the
//! messages, the logs of the functions and of the hosts. A planted word must be found in none of them.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{LocalCloud, history};

/// How many events of a log are read at once.
const LOG_EVENTS: u32 = 10_000;

/// A place, and what is written there.
pub type Trace = (String, String);

/// Reads all of it. `app` is whose logs are read on the hosts.
///
/// # Errors
/// When the emulator or the stand-in does not answer, or a log cannot be read.
pub async fn everything_left(cloud: &LocalCloud, app: &str) -> Result<Vec<Trace>> {
    let table = without_changelogs(table(cloud).await?);
    let mut left = vec![("the table".to_owned(), table.to_string())];
    for name in ["commands", "events"] {
        let text = cloud.agents().shown(name).await?;
        left.push((format!("{name} of SSM"), text));
    }
    for message in cloud.sinks().messages() {
        left.push(("a message".to_owned(), message.body.to_string()));
    }
    for (key, text) in history::objects(cloud).await? {
        left.push((format!("the history {key}"), text));
    }
    function_logs(cloud, &mut left).await?;
    for host in cloud.hosts() {
        files_below(&host.root().join(app).join("log"), &mut left)?;
    }
    Ok(left)
}

/// Every item of the table.
///
/// # Errors
/// When the emulator does not answer.
pub async fn table(cloud: &LocalCloud) -> Result<Value> {
    let scan =
        json!({"TableName": cloud.resource("AWS::DynamoDB::Table")?, "ConsistentRead": true});
    let target = "DynamoDB_20120810.Scan";
    cloud.aws().json("dynamodb", target, &scan).await
}

/// The table without the first lines of commits in the list of those that a deployment brings. They are shown to people from
/// there, kept printable, and may be in no other place.
fn without_changelogs(mut table: Value) -> Value {
    let items = table.get_mut("Items").and_then(Value::as_array_mut);
    for item in items.into_iter().flatten() {
        let Some(body) = item.pointer_mut("/body/S") else {
            continue;
        };
        let read = body.as_str().map(serde_json::from_str::<Value>);
        if let Some(Ok(Value::Object(mut record))) = read
            && record.remove("changelog").is_some()
        {
            *body = Value::String(Value::Object(record).to_string());
        }
    }
    table
}

/// The places in which a word is found.
#[must_use]
pub fn places_of<'a>(word: &str, left: &'a [Trace]) -> Vec<&'a str> {
    let holding = left.iter().filter(|(_, text)| text.contains(word));
    holding.map(|(place, _)| place.as_str()).collect()
}

async fn function_logs(cloud: &LocalCloud, left: &mut Vec<Trace>) -> Result<()> {
    let target = "Logs_20140328.DescribeLogGroups";
    let groups = cloud.aws().json("logs", target, &json!({})).await?;
    let groups = groups.get("logGroups").and_then(Value::as_array);
    for group in groups.into_iter().flatten() {
        let name = group.get("logGroupName").and_then(Value::as_str);
        let name = name.context("a log group without a name")?;
        let mut next = Value::Null;
        loop {
            let mut body = json!({"logGroupName": name, "limit": LOG_EVENTS});
            if let (Some(fields), false) = (body.as_object_mut(), next.is_null()) {
                fields.insert("nextToken".to_owned(), next.take());
            }
            let target = "Logs_20140328.FilterLogEvents";
            let events = cloud.aws().json("logs", target, &body).await?;
            left.push((format!("the log {name}"), events.to_string()));
            next = events.get("nextToken").cloned().unwrap_or_default();
            if next.is_null() {
                break;
            }
        }
    }
    Ok(())
}

fn files_below(folder: &Path, left: &mut Vec<Trace>) -> Result<()> {
    let entries = std::fs::read_dir(folder);
    for entry in entries.with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files_below(&path, left)?;
        } else {
            let bytes = std::fs::read(&path)?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            left.push((path.display().to_string(), text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_commits_is_left_out_and_nothing_else() {
        let body = |record: &Value| json!({ "body": { "S": record.to_string() } });
        let listed = json!({ "state": "x", "changelog": { "commits": ["CANARY"] } });
        let elsewhere = json!({ "state": "CANARY" });
        let table =
            json!({ "Items": [body(&listed), { "body": { "S": "CANARY {" } }, body(&elsewhere)] });
        let left = without_changelogs(table).to_string();
        assert_eq!(left.matches("CANARY").count(), 2, "{left}");
    }
}
