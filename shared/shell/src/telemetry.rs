//! Log lines: one JSON object per line on standard output, written by hand, because a subscriber costs a cold start more
//! than the lines do.
//!
//! A line takes identifiers, words of the program, numbers, and foreign text only in a form that cannot forge anything:
//! printable ASCII, cut. There is no way to hand it a body, a header or a secret by its type. Field names are dotted
//! (`deployment.id`) and the same everywhere; `event` names the line, and metric filters of the template read it.

use crate::clock::SystemClock;
use crate::otlp;
use crate::ports::Clock;
use aws_smithy_types::date_time::{DateTime, Format};
use longshore_core::{
    AppName, ChannelName, CommandId, Commit, DeploymentId, EnvironmentName, Failure, Generation,
    HostId, Millis, ParameterName, Person, ReleaseId, Repository, Timestamp, Token,
};
use longshore_insight::{Span, TraceId};
use serde_json::json;
use std::cell::RefCell;
use std::error::Error;
use std::fmt::{Display, Write as _};
use std::io::Write as _;

/// The longest foreign text in a line, in characters.
pub const TEXT_MAX: usize = 300;

/// The most causes of an error that a line shows.
const CAUSES_MAX: usize = 8;

/// How much a line matters; the words are those that Lambda filters by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Info,
    Warn,
    Error,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

mod sealed {
    /// Closes [`super::Identifier`] to other crates.
    pub trait Sealed {}
}

/// What is valid by construction and may be logged as it is.
pub trait Identifier: Display + sealed::Sealed {}

macro_rules! identifiers {
    ($($name:ty),*) => { $(impl sealed::Sealed for $name {} impl Identifier for $name {})* };
}

identifiers!(
    AppName,
    ChannelName,
    CommandId,
    Commit,
    DeploymentId,
    EnvironmentName,
    Generation,
    HostId,
    ParameterName,
    Person,
    ReleaseId,
    Repository,
    Token
);

/// One line; nothing is written before [`Line::write`].
#[derive(Debug)]
#[must_use = "a line is written by `write`"]
pub struct Line {
    level: Level,
    fields: String,
}

/// A line about something that happened.
pub fn info(event: &'static str) -> Line {
    Line::new(Level::Info, event)
}

/// A line about something unusual that the program has dealt with.
pub fn warn(event: &'static str) -> Line {
    Line::new(Level::Warn, event)
}

/// A line about something that a person should look at. An error is logged once, where it is dealt with.
pub fn error(event: &'static str) -> Line {
    Line::new(Level::Error, event)
}

/// A number of a line that becomes a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A count.
    Count(&'static str, u64),
    /// A length of time.
    Time(&'static str, Millis),
}

impl Metric {
    const fn parts(self) -> (&'static str, &'static str, u64) {
        match self {
            Self::Count(name, number) => (name, "Count", number),
            Self::Time(name, span) => (name, "Milliseconds", span.as_ms()),
        }
    }
}

/// The namespace of the metrics.
pub const NAMESPACE: &str = "Longshore";

impl Line {
    /// Makes the line one from which CloudWatch takes metrics (CloudWatch user guide, "Specification: Embedded metric format"), for
    /// this moment and by the environment and the app, which are fields of the line then.
    pub fn metrics(
        self,
        at: Timestamp,
        environment: &EnvironmentName,
        app: &AppName,
        metrics: &[Metric],
    ) -> Self {
        let parts = || metrics.iter().map(|metric| metric.parts());
        let declared: Vec<_> = parts()
            .map(|(name, unit, _)| json!({ "Name": name, "Unit": unit }))
            .collect();
        let aws = json!({
            "Timestamp": at.as_unix_ms(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["environment", "app"]],
                "Metrics": declared,
            }],
        });
        let line = self.id("environment", environment).id("app", app);
        let line = parts().fold(line, |line, (name, _, number)| line.number(name, number));
        line.raw("_aws", &aws.to_string())
    }

    /// Makes the line an export request of OpenTelemetry in its JSON form (OTLP specification, "JSON Protobuf Encoding"): ids in
    /// hexadecimal, nanoseconds as text. A receiver ignores the other fields of the line.
    pub fn spans(self, service: &'static str, trace: TraceId, spans: &[Span]) -> Self {
        let of_service = otlp::of_service(service, trace, spans);
        self.raw("resourceSpans", &json!([of_service]).to_string())
    }

    fn new(level: Level, event: &'static str) -> Self {
        let fields = String::new();
        Self { level, fields }.quoted("event", event)
    }

    /// Adds an identifier.
    pub fn id(self, key: &'static str, id: &impl Identifier) -> Self {
        self.quoted(key, &id.to_string())
    }

    /// Adds a word of the program.
    pub fn word(self, key: &'static str, word: &'static str) -> Self {
        self.quoted(key, word)
    }

    /// Adds a number.
    pub fn number(self, key: &'static str, number: impl Into<u64>) -> Self {
        self.raw(key, &number.into().to_string())
    }

    /// Adds yes or no.
    pub fn flag(self, key: &'static str, flag: bool) -> Self {
        self.raw(key, if flag { "true" } else { "false" })
    }

    /// Adds foreign text: printable ASCII, cut to [`TEXT_MAX`] characters.
    pub fn text(self, key: &'static str, text: &str) -> Self {
        self.quoted(key, &printable(text))
    }

    /// Adds a failure: its class, and its detail where there is one.
    pub fn failure(self, failure: &Failure) -> Self {
        let line = self.quoted("failure.class", failure.class.word());
        if failure.detail().is_empty() {
            return line;
        }
        line.text("failure.detail", failure.detail())
    }

    /// Adds an error with its causes. Only what the errors display is shown, never their debugging form.
    pub fn cause(self, error: &dyn Error) -> Self {
        self.text("error", &chain(error))
    }

    /// Writes the line.
    pub fn write(self) {
        let captured = CAPTURED.with_borrow_mut(|lines| match lines {
            Some(lines) => {
                lines.push(self.text_at(None));
                true
            }
            None => false,
        });
        if captured {
            return;
        }
        let line = self.text_at(Some(SystemClock.now()));
        // Nobody is left to tell when standard output is gone.
        let _gone = std::io::stdout().lock().write_all(line.as_bytes());
    }

    fn text_at(&self, now: Option<Timestamp>) -> String {
        let level = self.level.word();
        let time = now.map_or_else(String::new, |now| {
            format!(r#""timestamp":"{}","#, rfc3339(now))
        });
        let Self { fields, .. } = self;
        format!("{{{time}\"level\":\"{level}\"{fields}}}\n")
    }

    fn quoted(self, key: &'static str, value: &str) -> Self {
        let value = serde_json::Value::from(value).to_string();
        self.raw(key, &value)
    }

    fn raw(mut self, key: &'static str, json: &str) -> Self {
        // Writing to a string cannot fail.
        let _ok = write!(self.fields, r#","{key}":{json}"#);
        self
    }
}

/// An error and its causes, as they display themselves, joined by colons.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    for _ in 0..CAUSES_MAX {
        let Some(error) = cause else { break };
        let _ok = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Foreign text as it may be shown: what is not printable ASCII becomes a question mark, and the text is cut.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .take(TEXT_MAX)
        .map(|c| if matches!(c, ' '..='~') { c } else { '?' })
        .collect()
}

/// A point in time as people and systems write it, in UTC.
#[must_use]
pub fn rfc3339(now: Timestamp) -> String {
    let ms = i64::try_from(now.as_unix_ms()).unwrap_or_default();
    DateTime::from_millis(ms)
        .fmt(Format::DateTime)
        .unwrap_or_default()
}

thread_local! {
    static CAPTURED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Keeps the lines of this thread instead of writing them, for tests; without the time, so that they can be compared.
#[derive(Debug)]
#[must_use = "lines are kept as long as this lives"]
pub struct Capture(());

impl Capture {
    /// Begins to keep lines.
    pub fn begin() -> Self {
        CAPTURED.set(Some(Vec::new()));
        Self(())
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        CAPTURED.with_borrow(|lines| lines.clone().unwrap_or_default())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        CAPTURED.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longshore_core::FailureClass;

    #[test]
    fn a_line_is_one_json_object_with_dotted_fields() {
        let capture = Capture::begin();
        info("command_sent")
            .id("app", &AppName::parse("orders").unwrap())
            .word("action", "activate")
            .number("hosts", 3_u32)
            .flag("repeated", false)
            .failure(&Failure::with_detail(FailureClass::Busy, "lock held"))
            .write();
        assert_eq!(
            capture.lines(),
            [concat!(
                r#"{"level":"INFO","event":"command_sent","app":"orders","action":"activate","hosts":3,"#,
                r#""repeated":false,"failure.class":"busy","failure.detail":"lock held"}"#,
                "\n"
            )]
        );
    }

    #[test]
    fn foreign_text_cannot_forge_a_line() {
        let capture = Capture::begin();
        let hostile = "x\"}\n{\"level\":\"ERROR\",\u{202e}\u{1b}[31m";
        warn("webhook_refused").text("branch", hostile).write();
        let lines = capture.lines();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].matches('\n').count(), 1);
        let json: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(json["branch"], "x\"}?{\"level\":\"ERROR\",??[31m");
        assert_eq!(json["level"], "WARN");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(printable(&"a".repeat(5_000)).len(), TEXT_MAX);
    }

    #[test]
    fn a_written_line_carries_the_time_in_the_form_lambda_reads() {
        let line = info("x").text_at(Some(Timestamp::from_unix_ms(1_700_000_000_123)));
        assert_eq!(
            line,
            "{\"timestamp\":\"2023-11-14T22:13:20.123Z\",\"level\":\"INFO\",\"event\":\"x\"}\n"
        );
    }

    #[test]
    fn an_error_is_shown_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::fmt::Error);
        let text = chain(&Outer(std::fmt::Error));
        assert!(text.starts_with("outer: "), "{text}");
    }
}
