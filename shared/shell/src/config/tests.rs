//! What the variables of each function come to, and what is said about those that are wrong.

use super::*;

fn vars(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    pairs.iter().map(owned).collect()
}

const GOOD: [(&str, &str); 12] = [
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
