//! Lines that are spans: each is an export request of OpenTelemetry (OTLP/JSON), which the collector's `otlpjson` receivers take as
//! it stands in the log. The root and the phases come with the end, the work of a function with its write.
//!
//! They are written after the record and may be lost; nothing depends on them.

use crate::telemetry;
use longshore_core::{Deployment, Desk, Timestamp};
use longshore_insight::{TraceId, phase_spans, work_span};

/// The service that the root and the phases belong to.
const PRODUCT: &str = "longshore";

/// Writes the root and the phases, when the deployment has ended.
pub(crate) fn tell_end(deployment: &Deployment) {
    let spans = phase_spans(deployment);
    if !spans.is_empty() {
        telemetry::info("trace")
            .id("deployment.id", &deployment.id)
            .spans(PRODUCT, TraceId::of(&deployment.id), &spans)
            .write();
    }
}

/// Writes the span of a look that has changed something: from when the world was looked at until it was recorded.
pub(crate) fn tell_work(before: &Deployment, desk: Option<Desk>, from: Timestamp, to: Timestamp) {
    let service = service_of(desk);
    let span = work_span(before, service, from, to);
    telemetry::info("trace")
        .id("deployment.id", &before.id)
        .spans(service, TraceId::of(&before.id), &[span])
        .write();
}

/// The function at a desk; whoever looks without one takes in what SSM tells.
const fn service_of(desk: Option<Desk>) -> &'static str {
    match desk {
        Some(Desk::Reconciler) => "reconciler",
        Some(Desk::HealthVerifier) => "health-verifier",
        Some(Desk::AutoRollback) => "auto-rollback",
        Some(Desk::Notifier) => "notifier",
        None => "on-command-status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples;
    use crate::telemetry::Capture;
    use serde_json::Value;
    use std::collections::BTreeMap;

    /// The spans of lines: id to parent and name.
    fn spans(lines: &[String]) -> BTreeMap<String, (Option<String>, String)> {
        let mut spans = BTreeMap::new();
        for line in lines {
            let line: Value = serde_json::from_str(line).unwrap();
            let scope = &line["resourceSpans"][0]["scopeSpans"][0];
            for span in scope["spans"].as_array().unwrap() {
                let text = |name: &str| span[name].as_str().map(str::to_owned);
                assert_eq!(text("traceId").unwrap().len(), 32, "{line}");
                assert_eq!(text("spanId").unwrap().len(), 16, "{line}");
                let told = (text("parentSpanId"), text("name").unwrap());
                let before = spans.insert(text("spanId").unwrap(), told);
                assert_eq!(before, None, "told twice: {line}");
            }
        }
        spans
    }

    #[test]
    fn the_spans_of_a_deployment_are_one_tree_whoever_tells_them() {
        for ended in samples::every_state() {
            if !ended.state.is_terminal() {
                continue;
            }
            let capture = Capture::begin();
            // What it was at every entry of its timeline, as somebody found it who then wrote.
            for entries in 1..=ended.timeline.len() {
                let mut before = ended.clone();
                before.timeline.truncate(entries);
                before.version = u64::try_from(entries).unwrap();
                if entries < ended.timeline.len() {
                    before.state = samples::accepted(samples::policy()).state;
                }
                tell_work(
                    &before,
                    Some(Desk::Reconciler),
                    samples::START,
                    samples::START,
                );
            }
            tell_end(&ended);
            let spans = spans(&capture.lines());
            let roots = spans.values().filter(|(parent, _)| parent.is_none());
            assert_eq!(roots.count(), 1, "{spans:?}");
            for (parent, name) in spans.values() {
                assert!(
                    parent.as_ref().is_none_or(|id| spans.contains_key(id)),
                    "{name}: {spans:?}"
                );
            }
            assert_eq!(spans.len(), 2 * ended.timeline.len());
        }
    }

    #[test]
    fn the_trace_is_the_number_of_the_ulid_and_times_are_nanoseconds_in_text() {
        let ended = samples::every_state();
        let ended = ended.iter().find(|one| one.state.is_terminal()).unwrap();
        let capture = Capture::begin();
        tell_end(ended);
        let line: Value = serde_json::from_str(&capture.lines()[0]).unwrap();
        let span = &line["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        let ulid = ulid::Ulid::from_string(ended.id.as_str()).unwrap();
        assert_eq!(span["traceId"], format!("{:032x}", u128::from(ulid)));
        assert_eq!(span["startTimeUnixNano"], "1700000000000000000");
        let service = &line["resourceSpans"][0]["resource"]["attributes"][0];
        assert_eq!(
            (&service["key"], &service["value"]["stringValue"]),
            (&"service.name".into(), &"longshore".into())
        );
    }

    #[test]
    fn what_has_not_ended_has_no_root_yet() {
        let capture = Capture::begin();
        let all = samples::every_state();
        for open in all.iter().filter(|one| !one.state.is_terminal()) {
            tell_end(open);
        }
        assert_eq!(capture.lines(), Vec::<String>::new());
    }
}
