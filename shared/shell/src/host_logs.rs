//! What the hosts have written about their steps, from the environment's log group.
//!
//! The CloudWatch agent of a host keeps one stream for it, named after it (`host/bootstrap.sh`). Only these streams are read;
//! what the apps write is not asked for. A text goes through [`printable`], as it comes from a host.

use crate::connect::Aws;
use crate::fault::Fault;
use crate::ports::{HostLine, HostLogs, LinesWanted, LookError};
use crate::telemetry::printable;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use longshore_core::{EnvironmentName, HostId, Timestamp};

/// Streams that one question may name (CloudWatch Logs API reference, `FilterLogEvents`). For more hosts the whole group is
/// asked, and what others have written is left out.
const STREAMS_MAX: usize = 100;

/// Pages that one question reads; a page may be empty and have a successor.
const PAGES_MAX: usize = 20;

/// The log group of an environment's hosts.
#[derive(Clone, Debug)]
pub struct CloudWatchHostLogs {
    logs: Client,
    group: String,
}

impl CloudWatchHostLogs {
    /// The logs of an environment's hosts.
    #[must_use]
    pub fn new(aws: &Aws, environment: &EnvironmentName) -> Self {
        Self {
            logs: Client::new(aws.sdk()),
            group: format!("/longshore/{environment}/hosts"),
        }
    }

    /// A page of what was written; `None` when neither the group nor a stream is there, as before the first line.
    async fn page(
        &self,
        wanted: &LinesWanted,
        next: Option<String>,
    ) -> Result<Option<FilterLogEventsOutput>, LookError> {
        let streams: Vec<String> = wanted.hosts.iter().map(ToString::to_string).collect();
        let reply = self
            .logs
            .filter_log_events()
            .log_group_name(&self.group)
            .set_log_stream_names((streams.len() <= STREAMS_MAX).then_some(streams))
            .start_time(ms(wanted.from))
            // The end counts there, and does not here.
            .end_time(ms(wanted.until).saturating_sub(1))
            .set_next_token(next)
            .send()
            .await;
        match reply {
            Ok(page) => Ok(Some(page)),
            Err(error) => match Fault::of("FilterLogEvents", &error) {
                fault if fault.is("ResourceNotFoundException") => Ok(None),
                fault => Err(LookError(Box::new(fault))),
            },
        }
    }
}

impl HostLogs for CloudWatchHostLogs {
    async fn lines(&self, wanted: &LinesWanted) -> Result<Vec<HostLine>, LookError> {
        let mut lines = Vec::new();
        if wanted.hosts.is_empty() || wanted.from >= wanted.until {
            return Ok(lines);
        }
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let Some(page) = self.page(wanted, next).await? else {
                break;
            };
            let events = page.events.unwrap_or_default();
            lines.extend(events.iter().filter_map(|event| line(event, &wanted.hosts)));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() || lines.len() >= wanted.limit {
                break;
            }
        }
        // A stable sort: lines of one moment stay in the order in which they were told.
        lines.sort_by_key(|line| line.at);
        lines.truncate(wanted.limit);
        Ok(lines)
    }
}

fn ms(at: Timestamp) -> i64 {
    i64::try_from(at.as_unix_ms()).unwrap_or(i64::MAX)
}

/// A line of one of the hosts.
fn line(event: &FilteredLogEvent, hosts: &[HostId]) -> Option<HostLine> {
    let host = HostId::parse(event.log_stream_name()?).ok()?;
    let at = u64::try_from(event.timestamp()?).ok()?;
    hosts.contains(&host).then(|| HostLine {
        at: Timestamp::from_unix_ms(at),
        host,
        text: printable(event.message().unwrap_or_default()),
    })
}
