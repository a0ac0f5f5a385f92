//! Lines that are spans: each is an export request of OpenTelemetry (OTLP/JSON), which the collector's `otlpjson` receivers take as
//! it stands in the log. The root, the phases and the hosts come with the end, the work of a function with its write.
//!
//! They are written after the record and may be lost; nothing depends on them.

use crate::telemetry;
use longshore_core::{Action, Announcement, Cause, Deployment, Desk, Timestamp};
use longshore_insight::{
    Span, TraceId, accept_span, host_spans, message_span, phase_spans, send_span, work_span,
};

/// The service that the root and the phases belong to.
const PRODUCT: &str = "longshore";

/// The service that the work on the hosts belongs to.
const HOSTS: &str = "longshore-hosts";

/// As many spans as one line takes, so that it stays far below the 256 KB at which CloudWatch Logs cuts one (CloudWatch Logs user
/// guide, "Quotas").
const SPANS_MAX: usize = 100;

/// Writes the root, the phases and the hosts, when the deployment has ended.
pub(crate) fn tell_end(deployment: &Deployment) {
    tell(deployment, PRODUCT, &phase_spans(deployment));
    tell(deployment, HOSTS, &host_spans(deployment));
}

/// Writes the span of a look that has changed something: from when the world was looked at until it was recorded.
pub(crate) fn tell_work(before: &Deployment, desk: Option<Desk>, from: Timestamp, to: Timestamp) {
    let service = service_of(desk);
    tell(before, service, &[work_span(before, service, from, to)]);
}

/// Writes the span of what has made a deployment, by how the news of it came.
pub(crate) fn tell_accept(accepted: &Deployment, cause: Cause, from: Timestamp, to: Timestamp) {
    let service = match cause {
        Cause::Push => "trigger-deploy",
        Cause::Operator => "operator-api",
        Cause::Poll | Cause::Event | Cause::Tick | Cause::LookAgain => "reconciler",
    };
    tell(
        accepted,
        service,
        &[accept_span(accepted, service, from, to)],
    );
}

/// Writes the span of commands that a desk has handed to SSM: from the claim until it was on record what became of them.
pub(crate) fn tell_send(claimed: &Deployment, action: Action, from: Timestamp, to: Timestamp) {
    let span = send_span(claimed, action.word(), from, to);
    tell(claimed, service_of(Some(claimed.desk())), &[span]);
}

/// Writes the span of one attempt to deliver a message.
pub fn tell_message(
    deployment: &Deployment,
    message: &Announcement,
    is_delivered: bool,
    from: Timestamp,
    to: Timestamp,
) {
    let span = message_span(deployment, message, is_delivered, from, to);
    tell(deployment, service_of(Some(Desk::Notifier)), &[span]);
}

fn tell(deployment: &Deployment, service: &'static str, spans: &[Span]) {
    for some in spans.chunks(SPANS_MAX) {
        telemetry::info("trace")
            .id("deployment.id", &deployment.id)
            .spans(service, TraceId::of(&deployment.id), some)
            .write();
    }
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
    use longshore_core::{AnnouncementKind, Channel, Millis, State, Task, Times};
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

    /// Lets every host have told a time for two tasks, of which the deployment may have had none.
    fn time(deployment: &mut Deployment) {
        if let State::Ended { run: Some(run), .. } = &mut deployment.state {
            for host in run.hosts.keys() {
                for task in [Task::Prepare, Task::Restore] {
                    let took = Millis::new(100_000);
                    run.times.note(task, host, took, samples::START);
                }
            }
        }
    }

    /// A message about each state that it was in.
    fn told_of(deployment: &Deployment) -> Vec<Announcement> {
        let entries = (1..).zip(&deployment.timeline);
        let messages = entries.map(|(number, entry)| Announcement {
            number,
            kind: AnnouncementKind::Started,
            channel: Channel::Sns,
            since: entry.at,
            claimed: None,
        });
        messages.collect()
    }

    #[test]
    fn a_line_takes_a_hundred_spans_and_a_large_fleet_several_lines() {
        let ended = samples::every_state();
        let mut ended = ended
            .into_iter()
            .find(|one| one.state.name() == "Succeeded")
            .unwrap();
        if let State::Ended { run: Some(run), .. } = &mut ended.state {
            run.times = Times::default();
            for number in 0..500 {
                let host = samples::host(number);
                run.times
                    .note(Task::Prepare, &host, Millis::new(1), samples::START);
            }
        }
        let capture = Capture::begin();
        tell_end(&ended);
        let lines = capture.lines();
        assert_eq!(lines.len(), 3, "the phases, and two hundred hosts");
        assert!(lines.iter().all(|line| line.len() < 100_000));
        assert_eq!(spans(&lines).len(), ended.timeline.len() + 200);
    }

    #[test]
    fn the_spans_of_a_deployment_are_one_tree_whoever_tells_them() {
        for ended in samples::every_state() {
            if !ended.state.is_terminal() {
                continue;
            }
            let mut ended = ended;
            time(&mut ended);
            let capture = Capture::begin();
            let begun = samples::accepted(samples::policy());
            tell_accept(&begun, Cause::Push, samples::START, samples::START);
            let messages = told_of(&ended);
            for message in &messages {
                tell_message(&ended, message, true, samples::START, samples::START);
                // A second attempt is another span.
                let later = samples::START.after(Millis::new(1));
                tell_message(&ended, message, false, later, later);
            }
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
            let timed = ended.state.run().map_or(0, |run| 2 * run.hosts.len());
            let own = 1 + 2 * messages.len() + timed;
            assert_eq!(spans.len(), 2 * ended.timeline.len() + own);
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
