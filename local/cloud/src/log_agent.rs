//! What the CloudWatch agent does on a real host: sends what a step writes to the environment's log group, stream by stream.
//!
//! A line is sent when it is whole, with the time at which it was seen, as the agent does. What was there before it began is
//! taken as sent. A line that cannot be sent now is tried again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::aws::Aws;
use crate::hosts::Host;

const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Lines of one request; the service takes more, but not much more.
const LINES_MAX: usize = 500;

/// The agents of all hosts; they end with this.
#[derive(Debug)]
pub struct LogAgent(JoinHandle<()>);

impl Drop for LogAgent {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How far a file was sent.
type Sent = BTreeMap<PathBuf, usize>;

impl LogAgent {
    /// Begins to send what the hosts write from now on.
    #[must_use]
    pub fn start(aws: Aws, environment: &str, hosts: &[Host]) -> Self {
        let group = format!("/longshore/{environment}/hosts");
        let hosts: Vec<(String, PathBuf)> = hosts
            .iter()
            .map(|host| (host.id.clone(), host.root()))
            .collect();
        let mut sent = Sent::new();
        for (_, root) in &hosts {
            for file in step_logs(root) {
                let there = std::fs::read(&file).map_or(0, |bytes| bytes.len());
                sent.insert(file, there);
            }
        }
        Self(tokio::spawn(async move {
            loop {
                for (host, root) in &hosts {
                    // The service may be away; what was not sent is read again.
                    let _again = send(&aws, &group, host, root, &mut sent).await;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }))
    }
}

/// The logs of steps below a host's root, in the order of their names, which begin with the time.
fn step_logs(root: &Path) -> Vec<PathBuf> {
    let folders = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path())
    };
    let files = folders(root).flat_map(|app| folders(&app.join("log")).collect::<Vec<_>>());
    let mut logs: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|end| end == "log"))
        .collect();
    logs.sort();
    logs
}

async fn send(aws: &Aws, group: &str, host: &str, root: &Path, sent: &mut Sent) -> Result<()> {
    for file in step_logs(root) {
        let before = sent.get(&file).copied().unwrap_or(0);
        let bytes = std::fs::read(&file)?;
        let new = bytes.get(before..).unwrap_or_default();
        let Some(end) = new.iter().rposition(|byte| *byte == b'\n') else {
            continue;
        };
        let whole = new.get(..=end).unwrap_or_default();
        let lines = String::from_utf8_lossy(whole).into_owned();
        let at = jiff::Timestamp::now().as_millisecond();
        let events: Vec<Value> = lines
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| json!({ "timestamp": at, "message": line }))
            .collect();
        for events in events.chunks(LINES_MAX) {
            put(aws, group, host, events).await?;
        }
        sent.insert(file, before.saturating_add(whole.len()));
    }
    Ok(())
}

async fn put(aws: &Aws, group: &str, stream: &str, events: &[Value]) -> Result<()> {
    let place = json!({ "logGroupName": group, "logStreamName": stream });
    // It may be there already.
    let _there = aws
        .json("logs", "Logs_20140328.CreateLogStream", &place)
        .await;
    let body = json!({ "logGroupName": group, "logStreamName": stream, "logEvents": events });
    aws.json("logs", "Logs_20140328.PutLogEvents", &body)
        .await?;
    Ok(())
}
