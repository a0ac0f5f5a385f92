//! The functions that are measured, and what each is told by its environment.

use crate::certificate::HOST;
use crate::stub::Stub;
use std::path::Path;

/// What a function is given to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The push, which must be given back as it is.
    Echo,
    /// The push, which must be answered with 202.
    Push,
    /// Nothing: only the start is measured.
    StartOnly,
}

/// One function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The name of its program.
    pub name: &'static str,
    /// What it is given to do.
    pub task: Task,
}

/// All that are measured; the first is the floor.
pub const ALL: [Variant; 7] = [
    Variant::new("empty-lambda", Task::Echo),
    Variant::new("trigger-deploy", Task::Push),
    Variant::new("reconciler", Task::StartOnly),
    Variant::new("on-command-status", Task::StartOnly),
    Variant::new("health-verifier", Task::StartOnly),
    Variant::new("auto-rollback", Task::StartOnly),
    Variant::new("notifier", Task::StartOnly),
];

impl Variant {
    const fn new(name: &'static str, task: Task) -> Self {
        Self { name, task }
    }

    /// Whether an answer is what the task asks for.
    #[must_use]
    pub fn accepts(self, event: &str, answer: &str) -> bool {
        match self.task {
            Task::Echo => answer == event,
            Task::Push => answer.contains(r#""statusCode":202"#),
            Task::StartOnly => false,
        }
    }
}

/// The stubs that stand for AWS.
#[derive(Debug)]
pub struct Cloud {
    /// DynamoDB.
    pub dynamodb: Stub,
    /// SSM.
    pub ssm: Stub,
    /// Every other service.
    pub other: Stub,
}

impl Cloud {
    /// All stubs.
    #[must_use]
    pub const fn stubs(&self) -> [&Stub; 3] {
        [&self.dynamodb, &self.ssm, &self.other]
    }
}

/// The variables of a function.
#[must_use]
pub fn vars(variant: Variant, cloud: &Cloud, authority: &Path, api: &str) -> Vec<(String, String)> {
    let queue = |name: &str| format!("https://{HOST}/123456789012/longshore-prod-{name}");
    [
        ("AWS_LAMBDA_RUNTIME_API", api.to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", variant.name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        // As template.yaml has it.
        ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=127".to_owned()),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEEXAMPLE00".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "only-for-the-stub".to_owned()),
        ("AWS_SESSION_TOKEN", "session-token".repeat(60)),
        ("AWS_ENDPOINT_URL", cloud.other.url().to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", cloud.dynamodb.url().to_owned()),
        ("AWS_ENDPOINT_URL_SSM", cloud.ssm.url().to_owned()),
        ("LONGSHORE_CA_BUNDLE", authority.display().to_string()),
        ("LONGSHORE_ENVIRONMENT", "prod".to_owned()),
        ("LONGSHORE_TABLE", "longshore-prod".to_owned()),
        ("LONGSHORE_DOCUMENT", "longshore-prod".to_owned()),
        ("LONGSHORE_RECONCILER_QUEUE_URL", queue("reconciler")),
        (
            "LONGSHORE_HEALTH_VERIFIER_QUEUE_URL",
            queue("health-verifier"),
        ),
        ("LONGSHORE_AUTO_ROLLBACK_QUEUE_URL", queue("auto-rollback")),
        ("LONGSHORE_NOTIFIER_QUEUE_URL", queue("notifier")),
        (
            "LONGSHORE_TOPIC_ARN",
            "arn:aws:sns:eu-central-1:123456789012:longshore-prod".to_owned(),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
