//! The trace of a deployment: what every function that had a hand in it has told, and the hosts, is one tree.

use longshore_core::{Deployment, Task};
use longshore_shell::fakes::Behaviour;
use longshore_tests::{Bench, host};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One span of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    service: String,
    name: String,
    parent: Option<String>,
    from: u64,
    to: u64,
    is_error: bool,
    host: Option<String>,
}

fn attribute(span: &Value, key: &str) -> Option<String> {
    let mut all = span["attributes"].as_array().into_iter().flatten();
    let found = all.find(|attribute| attribute["key"] == key)?;
    found["value"]["stringValue"].as_str().map(str::to_owned)
}

/// The spans that the log has of a deployment, by their ids. A span that is told twice is an error.
fn spans(bench: &Bench, deployment: &Deployment) -> BTreeMap<String, Told> {
    let mut spans = BTreeMap::new();
    for line in bench.log.lines() {
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["event"] != "trace" || line["deployment.id"] != deployment.id.as_str() {
            continue;
        }
        let of_service = &line["resourceSpans"][0];
        let service = &of_service["resource"]["attributes"][0]["value"]["stringValue"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        for span in of_service["scopeSpans"][0]["spans"].as_array().unwrap() {
            let ms = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap() / 1_000_000;
            let told = Told {
                service: text(service).unwrap(),
                name: text(&span["name"]).unwrap(),
                parent: text(&span["parentSpanId"]),
                from: ms("startTimeUnixNano"),
                to: ms("endTimeUnixNano"),
                is_error: span["status"]["code"] == 2,
                host: attribute(span, "host.id"),
            };
            let before = spans.insert(text(&span["spanId"]).unwrap(), told);
            assert_eq!(before, None, "told twice: {span}");
        }
    }
    spans
}

fn assert_one_tree(spans: &BTreeMap<String, Told>) {
    let roots = spans.values().filter(|span| span.parent.is_none());
    assert_eq!(roots.count(), 1, "{spans:#?}");
    for span in spans.values() {
        assert!(span.from <= span.to, "{span:?}");
        if let Some(parent) = &span.parent {
            assert!(spans.contains_key(parent), "{span:?}");
        }
    }
}

fn named<'a>(spans: &'a BTreeMap<String, Told>, service: &str) -> Vec<&'a Told> {
    let mut named: Vec<&Told> = spans
        .values()
        .filter(|span| span.service == service)
        .collect();
    named.sort_by_key(|span| (span.from, span.to, &span.name));
    named
}

#[test]
fn one_trace_tells_the_push_the_decision_the_commands_the_hosts_the_proof_and_the_messages() {
    let mut bench = Bench::new(3);
    bench.configure(&json!({"waves": ["1", "100%"]}));
    bench.live("a");
    assert_eq!(bench.push("b"), 202);
    bench.run();
    let deployment = bench.deployment("b");
    let spans = spans(&bench, &deployment);
    assert_one_tree(&spans);

    let [push] = named(&spans, "trigger-deploy")[..] else {
        panic!("{spans:#?}");
    };
    assert_eq!(push.name, "trigger-deploy: accept");
    assert!(push.to <= deployment.timeline[1].at.as_unix_ms());

    // Time does not pass within a look here, so that the order is that of the names.
    let sends = |service: &str| {
        let sent = named(&spans, service).into_iter();
        let mut sent: Vec<&str> = sent
            .map(|span| span.name.as_str())
            .filter(|name| name.starts_with("send "))
            .collect();
        sent.sort_unstable();
        sent
    };
    assert_eq!(
        sends("reconciler"),
        ["send activate", "send activate", "send prepare"]
    );
    assert!(sends("health-verifier").contains(&"send status"));
    let mut work = named(&spans, "reconciler")
        .into_iter()
        .map(|span| span.name.as_str());
    assert!(work.any(|name| name == "reconciler"));

    let told: BTreeSet<&str> = named(&spans, "notifier")
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    assert_eq!(told, BTreeSet::from(["tell ended", "tell started"]));

    // Each host prepares once and switches once, in the phase of its wave, for as long as it told.
    let hosts = named(&spans, "longshore-hosts");
    assert_eq!(hosts.len(), 6);
    let run = deployment.state.run().unwrap();
    for number in 1..=3 {
        let host = host(number);
        let is_its = |span: &&&Told| {
            span.name == "Activating on a host" && span.host.as_deref() == Some(host.as_str())
        };
        let span = hosts.iter().find(is_its).unwrap();
        let phase = &spans[span.parent.as_ref().unwrap()];
        let wave = if number == 1 { 1 } else { 2 };
        assert_eq!(phase.name, format!("Activating wave {wave}"));
        assert!(
            phase.from <= span.from && span.to <= phase.to,
            "{span:?} of {phase:?}"
        );
        let took = run.times.of_host(Task::Activate, &host).unwrap();
        let told = took.time.as_ms().min(phase.to - phase.from);
        assert_eq!(span.to - span.from, told, "{span:?}");
    }
    assert!(spans.values().all(|span| !span.is_error));
}

#[test]
fn the_trace_of_a_rollback_has_the_hosts_ways_back_and_is_an_error() {
    let mut bench = Bench::new(2);
    bench.live("a").behaves("b", Behaviour::HealthFails);
    assert_eq!(bench.push("b"), 202);
    bench.run();
    let deployment = bench.deployment("b");
    assert_eq!(bench.end_of("b"), "RolledBack");
    let spans = spans(&bench, &deployment);
    assert_one_tree(&spans);
    let root = spans.values().find(|span| span.parent.is_none()).unwrap();
    assert!(root.is_error);
    let back = named(&spans, "longshore-hosts").into_iter();
    let back: Vec<&str> = back
        .map(|span| span.name.as_str())
        .filter(|name| *name == "RollingBack on a host")
        .collect();
    let moved = deployment.state.run().unwrap().moved.len();
    assert_eq!(back.len(), moved, "{spans:#?}");
    assert!(
        named(&spans, "auto-rollback")
            .iter()
            .any(|span| span.name == "send activate")
    );
    // The messages about the end belong to the whole, the others to the phase that they tell of.
    for span in named(&spans, "notifier") {
        let parent = &spans[span.parent.as_ref().unwrap()];
        match span.name.as_str() {
            "tell ended" => assert_eq!(parent.parent, None),
            "tell rolling_back" => assert!(parent.name.starts_with("RollingBack"), "{parent:?}"),
            _ => assert!(parent.parent.is_some()),
        }
    }
}

#[test]
fn what_a_poll_or_an_operator_begins_has_a_span_of_its_function() {
    let mut bench = Bench::new(1);
    bench.watch();
    bench.live("a");
    bench.push_unheard("b");
    bench.run();
    let found = bench.deployment("b");
    let told = spans(&bench, &found);
    assert_one_tree(&told);
    let accepts = |told: &BTreeMap<String, Told>, service: &str| {
        let name = format!("{service}: accept");
        let own = named(told, service).into_iter();
        own.filter(|span| span.name == name).count()
    };
    assert_eq!(accepts(&told, "reconciler"), 1);
    let again = longshore_shell::operate::Wish::Redeploy;
    let begun = bench.begin("ann", &again, "key").unwrap();
    bench.run();
    let deployments = bench.deployments();
    let redeploy = deployments.iter().find(|one| one.id == begun).unwrap();
    let told = spans(&bench, redeploy);
    assert_one_tree(&told);
    assert_eq!(accepts(&told, "operator-api"), 1);
}
