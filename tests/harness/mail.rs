//! Messages under way: who gets them, what they say, and what became of them.

use crate::cloud::Cloud;
use longshore_core::{CommandId, Deployment, Desk, HostId, Timestamp};
use longshore_events::{Batch, Failures};
use longshore_shell::ports::{LookAgain, Sighting};
use serde_json::{Value, json};
use trigger_deploy::request::Response;

/// The document of the environment.
const DOCUMENT: &str = "longshore-prod";

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letterbox {
    /// The HTTP API.
    Webhook,
    /// The queue of a desk.
    Desk(Desk),
    /// The queue of `on-command-status`.
    Status,
    /// The HTTP API of the operators.
    Operators,
}

/// A message under way.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Not before this time.
    pub due: Timestamp,
    /// Counts messages in the order they were sent.
    pub number: u64,
    /// Who gets it.
    pub to: Letterbox,
    /// What it says.
    pub body: String,
    /// How often it was handed over in vain.
    pub failed: u32,
}

impl Mail {
    /// Who gets what, in a line.
    pub(crate) fn line(&self) -> String {
        let to = match self.to {
            Letterbox::Webhook => "trigger-deploy",
            Letterbox::Status => "on-command-status",
            Letterbox::Operators => "operator-api",
            Letterbox::Desk(desk) => desk.word(),
        };
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let route = body["routeKey"].as_str();
        let route = route.filter(|_| self.to == Letterbox::Operators);
        let what = body["detail-type"].as_str().or(route);
        let what = what.unwrap_or("a delivery");
        let about = &body["detail"];
        let about = about["deployment"]
            .as_str()
            .or(about["command-id"].as_str());
        let again = match self.failed {
            0 => String::new(),
            failed => format!(", for the {}. time", failed + 1),
        };
        format!("{to} gets {what} {}{again}:", about.unwrap_or_default())
    }
}

/// What became of a message that was handed over.
pub(crate) enum Done {
    /// It is dealt with.
    Handled,
    /// It is to come again.
    Again,
    /// The function died over it.
    Died,
    /// The answer to a delivery.
    Answered(Response),
    /// The answer to an operator.
    Told(operator_api::answer::Response),
}

impl Done {
    /// In words.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Handled => "dealt with".to_owned(),
            Self::Again => "FAILED".to_owned(),
            Self::Died => "DIED".to_owned(),
            Self::Answered(answer) => format!("{} {}", answer.status_code, answer.body),
            Self::Told(answer) => {
                let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
                let word = body["error"].as_str().unwrap_or_default().to_owned();
                format!("{} {word}", answer.status_code)
            }
        }
    }
}

/// Hands a message to its function.
pub(crate) async fn hand_over(cloud: &Cloud, mail: &Mail) -> Done {
    if mail.to == Letterbox::Webhook {
        // What is no event of the HTTP API at all is refused by the runtime, before the function.
        let Ok(request) = trigger_deploy::request::Request::parse(&mail.body) else {
            return Done::Answered(Response::malformed());
        };
        return Done::Answered(trigger_deploy::handle(cloud, &request).await);
    }
    if mail.to == Letterbox::Operators {
        let request = serde_json::from_str(&mail.body).expect("an event of the HTTP API");
        return Done::Told(operator_api::handle(cloud, &request).await);
    }
    let event = json!({"Records": [{
        "messageId": format!("m-{}", mail.number),
        "receiptHandle": "r",
        "body": mail.body,
        "eventSource": "aws:sqs",
    }]})
    .to_string();
    let batch = Batch::parse(&event).expect("an event of a queue");
    if work(cloud, mail.to, &batch).await.is_empty() {
        Done::Handled
    } else {
        Done::Again
    }
}

async fn work(cloud: &Cloud, to: Letterbox, batch: &Batch<'_>) -> Failures {
    match to {
        Letterbox::Webhook | Letterbox::Operators => Failures::default(),
        Letterbox::Status => on_command_status::handle(cloud, DOCUMENT, batch).await,
        Letterbox::Desk(Desk::Reconciler) => reconciler::handle(cloud, batch).await,
        Letterbox::Desk(Desk::HealthVerifier) => health_verifier::handle(cloud, batch).await,
        Letterbox::Desk(Desk::AutoRollback) => auto_rollback::handle(cloud, batch).await,
        Letterbox::Desk(Desk::Notifier) => notifier::handle(cloud, batch).await,
    }
}

/// The event of a write, as the pipe puts it on the bus.
pub(crate) fn changed(deployment: &Deployment) -> String {
    let desks = deployment.desks();
    let mut detail = json!({
        "deployment": deployment.id.as_str(),
        "app": deployment.app.as_str(),
        "state": deployment.state.name(),
        "version": deployment.version.to_string(),
    });
    for desk in Desk::ALL {
        let word = if desks.contains(&desk) { "yes" } else { "no" };
        detail[desk.word()] = Value::from(word);
    }
    envelope("longshore", "DeploymentChanged", &detail)
}

/// The status event of one host of one command. What it claims does not matter: nobody believes it.
pub(crate) fn status(command: &CommandId, host: &HostId) -> String {
    let detail = json!({
        "command-id": command.as_str(),
        "document-name": DOCUMENT,
        "instance-id": host.as_str(),
        "status": "InProgress",
        "requested-date-time": "2023-11-14T22:13:20.000Z",
    });
    let kind = "EC2 Command Invocation Status-change Notification";
    envelope("aws.ssm", kind, &detail)
}

/// A planned look, as the queue brings it.
pub(crate) fn look(look: &LookAgain) -> String {
    let mut detail = json!({"deployment": look.deployment.as_str()});
    if let Some(chapter) = &look.chapter {
        detail["chapter"] = Value::from(chapter.as_str());
    }
    json!({"detail-type": "LookAgain", "detail": detail}).to_string()
}

/// A branch that is to be looked at a second time, as the queue brings it.
pub(crate) fn branch_seen(sighting: &Sighting) -> String {
    let mut detail = json!({
        "repository": sighting.repository.as_str(),
        "head": sighting.head.as_str(),
    });
    if let Some(last) = &sighting.last {
        detail["last"] = Value::from(last.as_str());
    }
    json!({"detail-type": "BranchSeen", "detail": detail}).to_string()
}

/// The schedule of the poll.
pub(crate) fn poll() -> String {
    json!({"detail-type": "Poll"}).to_string()
}

/// The minute tick.
pub(crate) fn tick() -> String {
    json!({"detail-type": "Tick"}).to_string()
}

fn envelope(source: &str, kind: &str, detail: &Value) -> String {
    json!({
        "version": "0",
        "id": "e",
        "source": source,
        "detail-type": kind,
        "account": "1",
        "time": "2023-11-14T22:13:20Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": detail,
    })
    .to_string()
}
