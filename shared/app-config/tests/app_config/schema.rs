//! Holds the published JSON Schema to the types it comes from. `UPDATE=1 cargo test --workspace --test app_config` writes it.

use crate::samples::{MINIMAL, parse, with};
use crate::validator::accepts;
use longshore_app_config::AppConfig;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/orders/0123456789abcdef";

#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/app-config.schema.json");
    let schema = AppConfig::json_schema();
    if std::env::var_os("UPDATE").is_some() {
        let text = serde_json::to_string_pretty(&schema).unwrap();
        fs::write(&path, format!("{text}\n")).unwrap();
    }
    let published: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(published, schema, "run the tests once with UPDATE=1");
}

#[test]
fn every_default_of_the_schema_is_a_value_that_it_accepts_itself() {
    let mut defaults = 0;
    let mut open = vec![AppConfig::json_schema()];
    while let Some(schema) = open.pop() {
        if let Some(default) = schema.get("default") {
            assert!(accepts(&schema, default), "{schema}");
            defaults += 1;
        }
        assert!(
            schema["description"]
                .as_str()
                .is_some_and(|text| text.ends_with('.')),
            "{schema}"
        );
        let inner = schema["properties"].as_object();
        open.extend(
            inner
                .into_iter()
                .flatten()
                .map(|(_, schema)| schema.clone()),
        );
    }
    assert!(defaults > 20, "{defaults}");
}

#[test]
fn the_schema_and_the_parser_agree_about_single_values() {
    agree(&[
        ("app", json!("orders-2"), true),
        ("app", json!("Orders"), false),
        ("branch", json!("release/1.2"), true),
        ("branch", json!("a..b"), false),
        ("hosts", json!({ "tags": { "role": "web" } }), true),
        ("hosts", json!({ "tags": { "longshore:app": "x" } }), false),
        ("hosts", json!({ "tags": { "role": "" } }), false),
        ("hosts.unreachable_max", json!(10_001), false),
        ("hosts.parallel", json!(1), true),
        ("hosts.parallel", json!(0), false),
        ("hosts.in_service_min", json!("2"), true),
        ("hosts.in_service_min", json!(2), false),
        ("waves", json!(["1", "100%"]), true),
        ("waves", json!(["0", "100%"]), false),
        ("waves", json!(["100%", "100%"]), false),
        ("waves", json!([]), false),
        ("health.port", json!(65_535), true),
        ("health.port", json!(0), false),
        ("health.port", json!("3000"), false),
        ("health.path", json!("/a b"), false),
        ("health.expected_status", json!(600), false),
        ("health.bake_seconds", json!(0), true),
        ("health.bake_seconds", json!(3601), false),
        ("health.url", json!("https://orders.example.com/"), true),
        ("health.url", json!("http://orders.example.com/"), false),
        ("health.url", json!("http://127.0.0.1:3000/"), true),
        ("process.manager", json!("forever"), false),
        ("process.mode", json!("fork"), true),
        ("process.script", json!("../x.js"), false),
        ("process.instances", json!(65), false),
        ("hooks.migrate", json!("db:migrate"), true),
        ("hooks.build", json!("npm run build"), false),
        ("hooks.test", json!("test"), false),
        ("install.scripts", json!(["bcrypt", "@img/sharp"]), true),
        ("install.scripts", json!(["a b"]), false),
        ("install.memory_mb", json!(65_537), false),
        ("notifications.slack", json!(["deployments"]), true),
        ("notifications.slack", json!(["a", "a"]), false),
        ("notifications.sns", json!(1), false),
        ("notifications.sns", json!({ "from": "error" }), true),
        ("notifications.sns", json!({ "from": "loud" }), false),
        ("notifications.teams", json!([{ "name": "ops" }]), true),
        ("notifications.teams", json!([{ "from": "error" }]), false),
        ("notifications.slack_app", json!(["C024BE91L"]), true),
        ("notifications.slack_app", json!(["deployments"]), false),
        ("notifications.webhooks", json!(["audit", 1]), false),
        ("notifications.build_status", json!(true), true),
        ("notifications.tag", json!("yes"), false),
        ("approval", json!(true), true),
        ("load_balancer", json!({ "target_group": GROUP }), true),
        ("load_balancer", json!({ "target_group": "orders" }), false),
        ("load_balancer", json!({ "drain_seconds": 5 }), false),
        (
            "load_balancer",
            json!({ "target_group": GROUP, "drain_seconds": 3601 }),
            false,
        ),
        ("timeouts.prepare_seconds", json!(29), false),
        ("timeouts.approval_seconds", json!(604_800), true),
        ("colour", json!("red"), false),
        ("health", json!({}), false),
    ]);
    let minimal = serde_json::from_str(MINIMAL).unwrap();
    assert!(accepts(&AppConfig::json_schema(), &minimal));
}

#[test]
fn the_schema_and_the_parser_agree_about_freezes_and_people() {
    agree(&[
        ("approvals.needed", json!(10), true),
        ("approvals.needed", json!(0), false),
        (
            "approvals.people",
            json!([{ "name": "ada", "slack": "U0A" }]),
            true,
        ),
        (
            "approvals.people",
            json!([{ "name": "ada", "slack": "ada" }]),
            false,
        ),
        ("approvals.people", json!([{ "slack": "U0A" }]), false),
        ("freeze.zone", json!("Europe/Berlin"), true),
        ("freeze.zone", json!("a zone"), false),
        (
            "freeze.weekly",
            json!([{ "name": "w", "from": "Fri 16:00", "to": "Mon 08:00" }]),
            true,
        ),
        (
            "freeze.weekly",
            json!([{ "name": "w", "from": "Fri 24:00", "to": "Mon 08:00" }]),
            false,
        ),
        (
            "freeze.weekly",
            json!([{ "from": "Fri 16:00", "to": "Mon 08:00" }]),
            false,
        ),
        ("freeze.calendars", json!(["holidays"]), true),
        ("freeze.calendars", json!(["../x"]), false),
        ("freeze.change_calendars", json!(["Peak-Season"]), true),
        ("freeze.change_calendars", json!(["a b c"]), false),
    ]);
}

#[test]
fn the_schema_and_the_parser_agree_about_what_a_release_is_judged_by() {
    let metric = |further: &Value| {
        let mut metric = json!({ "name": "cpu", "host": "cpu" });
        for (key, value) in further.as_object().unwrap() {
            metric[key] = value.clone();
        }
        json!([metric])
    };
    let own = json!({ "name": "latency", "namespace": "Orders", "metric": "Latency", "dimensions": { "Service": "orders" } });
    let mut cases = vec![
        (
            "analysis.alarms",
            json!(["orders-5xx", "Orders: too slow"]),
            true,
        ),
        ("analysis.alarms", json!([" orders"]), false),
        ("analysis.alarms", json!([""]), false),
        ("analysis.alarms", json!(["\u{e4}rger"]), false),
        ("analysis.metrics", json!([own]), true),
        ("analysis.metrics", json!([{ "host": "cpu" }]), false),
        ("analysis.logs", json!([{ "group": "/orders/prod" }]), true),
        ("analysis.logs", json!([{ "group": "/orders/*" }]), false),
        (
            "analysis.logs",
            json!([{ "group": "/o", "errors": "{ $.level >= 50 }" }]),
            true,
        ),
        (
            "analysis.logs",
            json!([{ "group": "/o", "errors": "a\nb" }]),
            false,
        ),
        (
            "analysis.logs",
            json!([{ "group": "/o", "events_min": 0 }]),
            false,
        ),
        ("analysis.before_minutes", json!(5), true),
        ("analysis.before_minutes", json!(4), false),
        ("analysis.no_data", json!("stop"), true),
        ("analysis.no_data", json!("fail"), false),
        ("analysis.wait_seconds", json!(59), false),
    ];
    for (further, expected) in [
        (json!({}), true),
        (json!({ "host": "disk" }), false),
        (json!({ "name": "CPU" }), false),
        (json!({ "statistic": "p99.9" }), true),
        (json!({ "statistic": "p100" }), false),
        (json!({ "statistic": "p0.1" }), false),
        (json!({ "statistic": "Average" }), false),
        (json!({ "period_seconds": 10 }), true),
        (json!({ "period_seconds": 15 }), false),
        (json!({ "worse": "bigger" }), false),
        (json!({ "change_max": "1000%" }), true),
        (json!({ "change_max": "1001%" }), false),
        (json!({ "change_max": "0%" }), false),
        (json!({ "change_max": 50 }), false),
        (json!({ "change_min": 0.25 }), true),
        (json!({ "change_min": -1 }), false),
        (json!({ "change_min": "1" }), false),
        (json!({ "samples_min": 2 }), false),
        (json!({ "unit": "orders a minute" }), true),
        (json!({ "unit": "%" }), true),
        (json!({ "unit": " ms" }), false),
        (json!({ "unit": "`ms`" }), false),
    ] {
        cases.push(("analysis.metrics", metric(&further), expected));
    }
    agree(&cases);
}

#[test]
fn the_schema_and_the_parser_agree_about_digests() {
    agree(&[
        ("notifications.sns", json!({ "digest": "09:00" }), true),
        ("notifications.sns", json!({ "digest": "9:00" }), false),
        ("notifications.sns", json!({ "digest": true }), false),
        (
            "notifications.teams",
            json!([{ "name": "ops", "digest": "17:30 Europe/Berlin" }]),
            true,
        ),
        (
            "notifications.teams",
            json!([{ "name": "ops", "digest": "24:00" }]),
            false,
        ),
    ]);
}

/// Each value at its path, and whether both accept it.
fn agree(cases: &[(&str, Value, bool)]) {
    let schema = AppConfig::json_schema();
    for (path, value, expected) in cases {
        let document = with(path, value.clone());
        let read = parse(&document.to_string()).is_ok();
        assert_eq!(read, *expected, "{document}");
        let accepted = accepts(&schema, &document);
        assert_eq!(accepted, *expected, "the schema: {document}");
    }
}
