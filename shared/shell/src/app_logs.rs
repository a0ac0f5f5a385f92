//! The error lines of the apps, by CloudWatch Logs' `FilterLogEvents`.
//!
//! How much is read has three bounds: lines, pages and time. What was not read is said, never guessed.

use crate::connect::Aws;
use crate::fault::Fault;
use crate::ports::{AppLogs, Clock, LookError, Window};
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use longshore_analysis::{ErrorLine, ErrorLines};
use longshore_app_config::LogGroup;
use longshore_core::{Millis, Timestamp};

/// Pages that are read for one time. A page has up to 10,000 events or 1 MB, and may be empty and have a successor (Amazon
/// CloudWatch Logs API Reference, `FilterLogEvents`).
const PAGES_MAX: usize = 20;
/// Pages that are read to see whether anything was logged at all.
const LOGGED_PAGES_MAX: usize = 5;
/// After this time no further page is asked for.
const BUDGET: Millis = Millis::from_secs(5);
/// The characters of a line that are kept: enough for a JSON line with its stack.
const TEXT_MAX: usize = 16 * 1024;

/// The apps' log groups in the account and region.
#[derive(Clone, Debug)]
pub struct CloudWatchAppLogs<C> {
    aws: Aws,
    clock: C,
}

impl<C: Clock> CloudWatchAppLogs<C> {
    /// The apps' log groups in the account and region.
    #[must_use]
    pub fn new(aws: &Aws, clock: C) -> Self {
        Self {
            aws: aws.clone(),
            clock,
        }
    }

    async fn page(
        &self,
        group: &LogGroup,
        pattern: Option<&str>,
        window: Window,
        next: Option<String>,
    ) -> Result<FilterLogEventsOutput, LookError> {
        let reply = self
            .aws
            .logs()
            .filter_log_events()
            .log_group_name(group.as_str())
            .set_filter_pattern(pattern.map(str::to_owned))
            // Without a pattern it is only asked whether there is anything.
            .set_limit(pattern.is_none().then_some(1))
            .start_time(ms(window.from))
            // The end counts there, and does not here.
            .end_time(ms(window.until).saturating_sub(1))
            .set_next_token(next)
            .send()
            .await;
        reply.map_err(|error| LookError(Fault::of("FilterLogEvents", &error).into()))
    }

    /// Whether anything was logged.
    async fn logged(&self, group: &LogGroup, window: Window) -> Result<bool, LookError> {
        let mut next = None;
        for _ in 0..LOGGED_PAGES_MAX {
            let page = self.page(group, None, window, next).await?;
            if !page.events().is_empty() {
                return Ok(true);
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        Ok(false)
    }
}

impl<C: Clock> AppLogs for CloudWatchAppLogs<C> {
    async fn errors(
        &self,
        group: &LogGroup,
        pattern: &str,
        window: Window,
        limit: usize,
    ) -> Result<ErrorLines, LookError> {
        let mut found = ErrorLines {
            lines: Vec::new(),
            complete: false,
            logged: false,
            span: window.span(),
        };
        if window.from >= window.until {
            return Ok(found);
        }
        let begun = self.clock.now();
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(group, Some(pattern), window, next).await?;
            found.lines.extend(page.events().iter().filter_map(line));
            next = page.next_token.filter(|token| !token.is_empty());
            found.complete = next.is_none() && found.lines.len() <= limit;
            let is_late = self.clock.now().since(begun) >= BUDGET;
            if next.is_none() || found.lines.len() >= limit || is_late {
                break;
            }
        }
        // A stable sort: lines of one moment stay in the order in which they were told.
        found.lines.sort_by_key(|line| line.at);
        found.lines.truncate(limit);
        found.logged = !found.lines.is_empty() || self.logged(group, window).await?;
        Ok(found)
    }
}

fn ms(at: Timestamp) -> i64 {
    i64::try_from(at.as_unix_ms()).unwrap_or(i64::MAX)
}

fn line(event: &FilteredLogEvent) -> Option<ErrorLine> {
    let at = u64::try_from(event.timestamp()?).ok()?;
    let text = event.message().unwrap_or_default();
    Some(ErrorLine {
        at: Timestamp::from_unix_ms(at),
        text: text.chars().take(TEXT_MAX).collect(),
    })
}
