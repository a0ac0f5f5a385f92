//! The line that tells of an end, once: CloudWatch takes the metrics of the dashboard from it, and saved queries read it.
//!
//! It is written after the record, by whoever wrote the end. Whoever dies in between leaves an end without its line, so that the
//! metrics may have one deployment too few, never one too many; the table is the truth, which `longshore stats` counts.

use crate::telemetry::{self, Metric};
use crate::traces;
use longshore_core::{Deployment, Millis, State};
use longshore_insight::{End, Served};

/// Writes the line, when the deployment has ended.
pub(crate) fn tell(deployment: &Deployment) {
    let (State::Ended { outcome, at, .. }, Some(end)) = (&deployment.state, End::of(deployment))
    else {
        return;
    };
    let origin = &deployment.origin;
    let mut line = telemetry::info("deployment_ended")
        .id("deployment.id", &deployment.id)
        .id("commit", &origin.commit)
        .word("kind", origin.kind.word())
        .word("result", outcome.name());
    if let Some(failure) = outcome.failure() {
        line = line.failure(failure);
    }
    for (state, field) in STEPS {
        if let Some(span) = end.spans.of_state(state) {
            line = line.number(field, span.as_ms());
        }
    }
    line.metrics(
        *at,
        &deployment.environment,
        &deployment.app,
        &metrics(&end),
    )
    .write();
    traces::tell_end(deployment);
}

/// The states of work, with the fields that tell how long they took.
const STEPS: [(&str, &str); 8] = [
    ("Preparing", "ms.preparing"),
    ("Migrating", "ms.migrating"),
    ("Activating", "ms.activating"),
    ("Verifying", "ms.verifying"),
    ("Baking", "ms.baking"),
    ("Unmigrating", "ms.unmigrating"),
    ("RollingBack", "ms.rolling_back"),
    ("VerifyingRollback", "ms.verifying_rollback"),
];

fn metrics(end: &End) -> Vec<Metric> {
    let mut metrics = vec![Metric::Count("Ended", 1)];
    if let Some(served) = end.change {
        metrics.push(Metric::Count("Changes", 1));
        metrics.push(Metric::Count(
            "FailedChanges",
            u64::from(served == Served::Badly),
        ));
    }
    let times: [(&'static str, Option<Millis>); 6] = [
        ("QueueTime", end.spans.queue()),
        ("ApprovalTime", end.spans.approval()),
        ("WorkTime", end.spans.work()),
        ("LeadTime", end.lead_from_commit),
        ("LeadTimeFromPush", end.lead_from_push),
        ("RecoveryTime", end.recovery),
    ];
    let times = times
        .into_iter()
        .filter_map(|(name, time)| Some(Metric::Time(name, time?)));
    metrics.extend(times);
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples;
    use crate::telemetry::Capture;
    use serde_json::Value;

    fn told(name: &str) -> Value {
        let all = samples::every_state();
        let sample = all.iter().find(|one| one.state.name() == name).unwrap();
        let capture = Capture::begin();
        tell(sample);
        let lines = capture.lines();
        assert!(
            lines.len() <= 2,
            "a line of metrics and one of spans: {lines:?}"
        );
        let line = lines.first();
        line.map_or(Value::Null, |line| serde_json::from_str(line).unwrap())
    }

    #[test]
    fn an_end_is_one_line_in_the_embedded_metric_format() {
        let line = told("RolledBack");
        assert_eq!(line["event"], "deployment_ended");
        assert_eq!(
            (&line["result"], &line["failure.class"]),
            (&"RolledBack".into(), &"health_failed".into())
        );
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(declared["Namespace"], "Longshore");
        for dimension in declared["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "{line}");
        }
        let metrics = declared["Metrics"].as_array().unwrap();
        for metric in metrics {
            assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{line}");
        }
        let names: Vec<&str> = metrics
            .iter()
            .map(|one| one["Name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "Ended",
                "Changes",
                "FailedChanges",
                "QueueTime",
                "WorkTime",
                "RecoveryTime"
            ]
        );
        assert_eq!(line["FailedChanges"], 1);
        assert!(line["_aws"]["Timestamp"].is_u64());
    }

    #[test]
    fn every_end_has_a_line_and_nothing_else_has() {
        for sample in samples::every_state() {
            let name = sample.state.name();
            assert_eq!(told(name).is_object(), sample.state.is_terminal(), "{name}");
        }
        let good = told("Succeeded");
        assert_eq!(
            (&good["Changes"], &good["FailedChanges"]),
            (&1.into(), &0.into())
        );
        let stopped = told("Failed");
        assert_eq!(
            (&stopped["Changes"], &stopped["Ended"]),
            (&Value::Null, &1.into())
        );
    }

    #[test]
    fn every_step_has_its_field() {
        let names = STEPS.map(|(state, _)| state);
        let work = State::NAMES.iter().filter(|name| names.contains(name));
        assert_eq!(work.count(), names.len());
    }
}
