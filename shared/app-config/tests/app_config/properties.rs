//! What holds for every document. The choices come from a fixed seed, so that each run is the same.

use crate::samples::{parse, set};
use crate::validator;
use longshore_app_config::AppConfig;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

const PATHS: [&str; 35] = [
    "app",
    "branch",
    "hosts",
    "hosts.tags",
    "hosts.unreachable_max",
    "waves",
    "health",
    "health.port",
    "health.path",
    "health.expected_status",
    "health.attempts",
    "health.interval_seconds",
    "health.bake_seconds",
    "health.url",
    "process",
    "process.manager",
    "process.script",
    "process.mode",
    "process.instances",
    "hooks",
    "hooks.install",
    "hooks.build",
    "hooks.migrate",
    "migrations",
    "migrations.folder",
    "migrations.irreversible",
    "notifications",
    "notifications.slack",
    "notifications.sns",
    "approval",
    "timeouts",
    "timeouts.prepare_seconds",
    "timeouts.activate_seconds",
    "timeouts.queue_seconds",
    "colour",
];
const SECTIONS: [&str; 7] = [
    "",
    "hosts.",
    "health.",
    "process.",
    "hooks.",
    "notifications.",
    "timeouts.",
];

/// Any JSON value, often with keys and values that a document knows.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..70_000_u32).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::from),
        select(vec!["main", "100%", "1", "/health", "pm2", "server.js"]).prop_map(Value::from),
    ];
    let known = PATHS.map(|path| path.rsplit('.').next().unwrap_or_default().to_owned());
    let key = prop_oneof![select(known.to_vec()), any::<String>()];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(key.clone(), inner, 0..6)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
}

fn maybe<T>(
    path: &'static str,
    values: impl Strategy<Value = T>,
) -> impl Strategy<Value = (&'static str, Option<Value>)>
where
    T: Into<Value> + std::fmt::Debug,
{
    option::of(values.prop_map(Into::into)).prop_map(move |value| (path, value))
}

fn any_waves() -> impl Strategy<Value = Value> {
    let counts = proptest::collection::btree_set(1..=1000_u32, 0..4);
    let shares = proptest::collection::btree_set(1..100_u32, 0..4);
    (counts, shares).prop_map(|(counts, shares)| {
        let counts = counts.into_iter().map(|count| count.to_string());
        let shares = shares.into_iter().map(|share| format!("{share}%"));
        counts
            .chain(shares)
            .chain(["100%".to_owned()])
            .map(Value::from)
            .collect()
    })
}

/// Any valid document: each key may be missing or have any value within its bounds.
fn any_config() -> impl Strategy<Value = Value> {
    let name = || "[a-z0-9][a-z0-9-]{0,62}";
    let tags = btree_map(
        "[A-Za-z0-9_.:/=@-]{1,20}z",
        "[A-Za-z0-9_.:/=+@-]{1,30}",
        0..=5,
    )
    .prop_filter("reserved", |tags| {
        !tags
            .keys()
            .any(|key| key.to_lowercase().starts_with("longshore:"))
    });
    let first = (
        maybe("app", name()),
        maybe("hosts.tags", tags.prop_map(|tags| json!(tags))),
        maybe("hosts.unreachable_max", 0..=1000_u32),
        maybe("waves", any_waves()),
        maybe("health.path", "/[!\"$-~]{0,255}"),
        maybe("health.expected_status", 100..=599_u32),
        maybe("health.bake_seconds", 0..=3600_u32),
        maybe(
            "health.url",
            "https://[a-z]{1,9}\\.example\\.com(:[1-9][0-9]{0,3})?(/[a-z?=]{0,9})?",
        ),
        maybe("process.mode", select(vec!["cluster", "fork"])),
        maybe("process.instances", 1..=64_u32),
    );
    let second = (
        maybe("hooks.install", "[a-z0-9][a-z0-9:_-]{0,63}"),
        maybe("hooks.migrate", "[a-z0-9][a-z0-9:_-]{0,63}"),
        maybe(
            "notifications.slack",
            select(vec![json!([]), json!(["a", "b"])]),
        ),
        maybe("notifications.sns", any::<bool>()),
        maybe("approval", any::<bool>()),
        maybe("timeouts.prepare_seconds", 30..=7200_u32),
        maybe("timeouts.migrate_seconds", 10..=14_400_u32),
        maybe("timeouts.queue_seconds", 60..=172_800_u32),
        maybe("timeouts.approval_seconds", 60..=604_800_u32),
    );
    let needed = (
        "[a-zA-Z0-9_]{1,60}(/[a-zA-Z0-9_-]{1,60}x)?",
        1..=65_535_u32,
        "[a-z]{1,9}\\.js",
    );
    // Attempts, interval and the time for activation must fit together.
    let tries = (1..=100_u32, 1..=36_u32);
    (needed, tries, first, second).prop_map(
        |((branch, port, script), (attempts, interval), a, b)| {
            let mut document = json!({ "branch": branch });
            set(&mut document, "health.port", json!(port));
            set(&mut document, "process.script", json!(script));
            set(&mut document, "health.attempts", json!(attempts));
            set(&mut document, "health.interval_seconds", json!(interval));
            set(&mut document, "timeouts.activate_seconds", json!(3600));
            let first = [a.0, a.1, a.2, a.3, a.4, a.5, a.6, a.7, a.8, a.9];
            let second = [b.0, b.1, b.2, b.3, b.4, b.5, b.6, b.7, b.8];
            for (path, value) in first.into_iter().chain(second) {
                if let Some(value) = value {
                    set(&mut document, path, value);
                }
            }
            document
        },
    )
}

/// What must hold of every answer: a problem is always named, and what is accepted can be worked with.
fn judge(json: &str) -> Result<(), TestCaseError> {
    match parse(json) {
        Ok(config) => {
            prop_assert_eq!(config.policy().check(), Ok(()));
            let value: Value = serde_json::from_str(json).unwrap();
            prop_assert!(validator::accepts(&AppConfig::json_schema(), &value));
        }
        Err(problems) => {
            prop_assert!(!problems.as_slice().is_empty());
            let shown = problems.to_string();
            prop_assert!(
                !shown.chars().any(|c| c.is_control() && c != '\n'),
                "{shown:?}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(20_240_229),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_is_judged_without_a_panic(text in any::<String>()) {
        judge(&text)?;
    }

    #[test]
    fn any_json_is_judged_without_a_panic(value in any_json()) {
        judge(&value.to_string())?;
    }

    #[test]
    fn any_value_at_any_key_is_judged_without_a_panic(
        mut document in any_config(), path in select(PATHS.to_vec()), value in any_json(),
    ) {
        set(&mut document, path, value);
        judge(&document.to_string())?;
    }

    #[test]
    fn a_document_within_its_bounds_is_accepted_and_its_policy_works(document in any_config()) {
        let config = parse(&document.to_string());
        prop_assert!(config.is_ok(), "{document} {config:?}");
        judge(&document.to_string())?;
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_path_wherever_it_stands(
        mut document in any_config(), section in select(SECTIONS.to_vec()), key in "x[a-z_]{1,40}",
    ) {
        let path = format!("{section}{key}");
        set(&mut document, &path, json!(1));
        let problems = parse(&document.to_string()).unwrap_err();
        let paths: Vec<&str> = problems.as_slice().iter().map(|p| p.path.as_str()).collect();
        prop_assert_eq!(paths, [path.as_str()]);
    }
}
