//! What the variables of each function come to, and what is said about those that are wrong.

use super::*;

/// The variables of these pairs; of two with one name the later, also when it is empty.
fn vars(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    let each: std::collections::BTreeMap<_, _> = pairs.iter().map(owned).collect();
    each.into_iter().collect()
}

const GOOD: [(&str, &str); 13] = [
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "very-secret-key"),
    ("AWS_SESSION_TOKEN", "very-secret-token"),
    ("LONGSHORE_ENVIRONMENT", "prod"),
    ("LONGSHORE_TABLE", "longshore-prod"),
    ("LONGSHORE_DOCUMENT", "longshore-prod"),
    ("LONGSHORE_RECONCILER_QUEUE_URL", "https://sqs.example/q"),
    (
        "LONGSHORE_HEALTH_VERIFIER_QUEUE_URL",
        "https://sqs.example/v",
    ),
    ("LONGSHORE_AUTO_ROLLBACK_QUEUE_URL", "https://sqs.example/r"),
    ("LONGSHORE_NOTIFIER_QUEUE_URL", "https://sqs.example/n"),
    (
        "LONGSHORE_TOPIC_ARN",
        "arn:aws:sns:eu-central-1:111122223333:longshore-prod",
    ),
    ("LONGSHORE_HISTORY_BUCKET", "histories-of-prod"),
];

#[test]
fn every_problem_is_reported_at_once() {
    let error = WorkerConfig::from_vars(
        Some(Desk::Reconciler),
        vars(&[
            ("LONGSHORE_ENVIRONMENT", "Prod!"),
            ("AWS_REGION", ""),
            ("AWS_ENDPOINT_URL", "ftp://x"),
        ]),
    )
    .unwrap_err();
    let found: Vec<_> = error.problems.iter().map(|p| p.variable).collect();
    assert_eq!(
        found,
        [
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ENDPOINT_URL, or one of AWS_ENDPOINT_URL_<SERVICE>,",
            "LONGSHORE_ENVIRONMENT",
            "LONGSHORE_TABLE",
            "LONGSHORE_DOCUMENT",
            "LONGSHORE_RECONCILER_QUEUE_URL",
            "LONGSHORE_HEALTH_VERIFIER_QUEUE_URL",
            "LONGSHORE_AUTO_ROLLBACK_QUEUE_URL",
            "LONGSHORE_NOTIFIER_QUEUE_URL",
        ]
    );
    let text = error.to_string();
    assert!(text.contains("LONGSHORE_ENVIRONMENT is malformed: expected 1 to 32"));
    assert!(text.contains("LONGSHORE_TABLE is missing: expected the name of a DynamoDB table"));
    assert!(!text.contains("Prod!"), "a value is never repeated: {text}");
}

#[test]
fn each_function_reads_what_it_needs() {
    let trigger = TriggerConfig::from_vars(vars(&GOOD)).unwrap();
    assert_eq!(trigger.environment.as_str(), "prod");
    let clicks = ClicksConfig::from_vars(vars(&GOOD)).unwrap();
    let worker = WorkerConfig::from_vars(Some(Desk::Reconciler), vars(&GOOD)).unwrap();
    assert_eq!(clicks.queue_url, worker.queues.first().unwrap().url);
    let desks: Vec<_> = worker.queues.iter().map(|queue| queue.desk).collect();
    assert_eq!(desks, Desk::ALL);
    let verifier = WorkerConfig::from_vars(Some(Desk::HealthVerifier), vars(&GOOD)).unwrap();
    let urls: Vec<_> = verifier
        .queues
        .iter()
        .map(|queue| queue.url.as_str())
        .collect();
    assert_eq!(urls, ["https://sqs.example/v"]);
    let status = WorkerConfig::from_vars(None, vars(&GOOD)).unwrap();
    assert_eq!(status.queues, []);
    let notifier = NotifierConfig::from_vars(vars(&GOOD)).unwrap();
    assert!(notifier.topic_arn.ends_with("longshore-prod"));
    let export = ExportConfig::from_vars(vars(&GOOD)).unwrap();
    assert_eq!(export.bucket, "histories-of-prod");
}

#[test]
fn a_debugging_form_shows_no_secret() {
    let config = TriggerConfig::from_vars(vars(&GOOD)).unwrap();
    let text = format!("{config:?}");
    assert!(!text.contains("very-secret"), "{text}");
}

#[test]
fn the_endpoint_of_a_service_wins_over_the_common_one() {
    let mut pairs = GOOD.to_vec();
    pairs.push(("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"));
    pairs.push(("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:4567"));
    let access = TriggerConfig::from_vars(vars(&pairs)).unwrap().access;
    assert_eq!(access.endpoint("SSM"), Some("http://127.0.0.1:4567"));
    assert_eq!(access.endpoint("SNS"), Some("http://127.0.0.1:4566"));
    assert!(access.is_local());
}

#[test]
fn only_a_loopback_endpoint_for_everything_is_the_local_cloud() {
    for (variable, url, local) in [
        ("AWS_ENDPOINT_URL", "http://localhost:4566", true),
        ("AWS_ENDPOINT_URL", "http://[::1]:4566", true),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1.example.com", false),
        ("AWS_ENDPOINT_URL", "https://vpce.example.com", false),
        ("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:4567", false),
    ] {
        let mut pairs = GOOD.to_vec();
        pairs.push((variable, url));
        let access = TriggerConfig::from_vars(vars(&pairs)).unwrap().access;
        assert_eq!(access.is_local(), local, "{variable}={url}");
    }
}

const CONSOLE: [(&str, &str); 4] = [
    ("LONGSHORE_CONSOLE_ISSUER", "https://id.example.com/tenant"),
    ("LONGSHORE_CONSOLE_PERSON_CLAIM", "email"),
    ("LONGSHORE_CONSOLE_GROUPS_CLAIM", "cognito:groups"),
    (
        "LONGSHORE_CONSOLE_GROUPS",
        "reader=,deployer=ops,approver=,admin=6f1c-22",
    ),
];

#[test]
fn without_an_issuer_there_is_no_console_whatever_else_is_set() {
    let config = OperatorConfig::from_vars(vars(&[&GOOD[..], &CONSOLE[1..]].concat())).unwrap();
    assert_eq!(config.console, None);
    let config = OperatorConfig::from_vars(vars(&[&GOOD[..], &CONSOLE[..]].concat())).unwrap();
    let console = config.console.unwrap();
    assert_eq!(console.issuer, "https://id.example.com/tenant");
    // A role without a group of its own has one that no other environment has.
    assert_eq!(console.groups.reader, "longshore-prod-reader");
    assert_eq!(console.groups.deployer, "ops");
    assert_eq!(console.groups.admin, "6f1c-22");
}

/// The same variables, of which one has another value.
fn instead<'a>(
    pairs: &[(&'a str, &'a str)],
    name: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let others = pairs.iter().filter(|(other, _)| *other != name);
    others.copied().chain([(name, value)]).collect()
}

#[test]
fn a_console_with_half_its_settings_starts_nothing() {
    for (name, value) in [
        ("LONGSHORE_CONSOLE_PERSON_CLAIM", ""),
        ("LONGSHORE_CONSOLE_GROUPS_CLAIM", "two words"),
        ("LONGSHORE_CONSOLE_ISSUER", "id.example.com"),
        ("LONGSHORE_CONSOLE_GROUPS", ""),
        ("LONGSHORE_CONSOLE_GROUPS", "reader=,deployer=,approver="),
        (
            "LONGSHORE_CONSOLE_GROUPS",
            "admin=,approver=,deployer=,reader=",
        ),
        (
            "LONGSHORE_CONSOLE_GROUPS",
            "reader=a b,deployer=,approver=,admin=",
        ),
        (
            "LONGSHORE_CONSOLE_GROUPS",
            "reader=,deployer=,approver=,admin=,owner=x",
        ),
    ] {
        let wrong = [&GOOD[..], &CONSOLE[..]].concat();
        let wrong = instead(&wrong, name, value);
        let error = OperatorConfig::from_vars(vars(&wrong)).unwrap_err();
        let found: Vec<_> = error.problems.iter().map(|p| p.variable).collect();
        assert_eq!(found, [name], "{value}");
    }
}

#[test]
fn the_page_connects_to_origins_that_cannot_end_its_policy() {
    let page = |name: &str, value: &str| {
        let good = [
            ("LONGSHORE_ENVIRONMENT", "prod"),
            ("LONGSHORE_CONSOLE_ISSUER", "https://id.example.com"),
            ("LONGSHORE_CONSOLE_CLIENT", "console"),
            ("LONGSHORE_CONSOLE_SCOPES", "openid email"),
        ];
        ConsoleConfig::from_vars(vars(&instead(&good, name, value)))
    };
    let origins = "https://a.example.com https://b.example.com:8443";
    let config = page("LONGSHORE_CONSOLE_ORIGINS", origins).unwrap();
    assert_eq!(config.origins.join(" "), origins);
    for wrong in [
        "https://a.example.com/",
        "https://a.example.com; script-src *",
        "https://a.example.com  https://b.example.com",
        "*",
        "javascript:alert(1)",
        "https://*",
        "'unsafe-inline'",
    ] {
        assert!(page("LONGSHORE_CONSOLE_ORIGINS", wrong).is_err(), "{wrong}");
        let named = format!("staging={wrong}");
        assert!(page("LONGSHORE_CONSOLE_ENVIRONMENTS", &named).is_err());
    }
    assert!(page("LONGSHORE_CONSOLE_ISSUER", "https://id.example.com;sandbox").is_err());
    assert!(page("LONGSHORE_CONSOLE_SCOPES", "email").is_err());
    assert!(page("LONGSHORE_CONSOLE_CLIENT", "").is_err());
}
