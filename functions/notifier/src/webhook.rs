//! The message as JSON for systems: versioned, with a schema (`docs/webhook.schema.json`). A field may come, none goes or changes its
//! meaning without another version.

use crate::message::Message;
use crate::text::clean;
use longshore_core::Severity;
use longshore_shell::telemetry::rfc3339;
use serde_json::{Value, json};

/// The version of the form.
pub(crate) const VERSION: u32 = 1;

/// What makes a repeat recognisable: the deployment and the number of the message.
#[must_use]
pub fn id(message: &Message) -> String {
    let number = message.number.unwrap_or_default();
    format!("{}.{number}", message.deployment)
}

/// The body: what was signed and is sent.
#[must_use]
pub fn body(message: &Message) -> String {
    json!({
        "version": VERSION,
        "type": format!("deployment.{}", message.kind.word()),
        "timestamp": rfc3339(message.since),
        "data": data(message),
    })
    .to_string()
}

fn data(message: &Message) -> Value {
    let facts = message.facts.iter();
    let facts =
        facts.map(|fact| json!({"name": fact.name, "value": clean(&fact.value), "url": fact.url}));
    let hosts = message.hosts.iter();
    let hosts = hosts.map(|line| json!({"host": line.host.as_str(), "verdict": line.verdict}));
    let problem = message.problem.as_ref().map(|problem| {
        json!({
            "class": problem.class.word(),
            "meaning": problem.class.meaning(),
            "host": problem.host.as_ref().map(ToString::to_string),
            "line": clean(&problem.line),
        })
    });
    let todo = &message.todo;
    let steps = todo.steps.iter();
    let steps = steps.map(
        |step| json!({"text": clean(&step.text), "command": step.command.as_deref().map(clean)}),
    );
    json!({
        "deployment": message.deployment.as_str(),
        "message": message.number,
        "app": message.app.as_str(),
        "environment": message.environment.as_str(),
        "repository": message.repository.to_string(),
        "commit": message.commit.as_str(),
        "state": message.state,
        "severity": message.severity.word(),
        "needs_person": matches!(message.severity, Severity::Warning | Severity::Critical),
        "title": clean(&message.title),
        "facts": facts.collect::<Vec<Value>>(),
        "problem": problem,
        "next_step": todo.steps.first().map(|step| clean(&step.text)),
        "todo": {
            "act": todo.act.word(),
            "why": clean(&todo.why),
            "steps": steps.collect::<Vec<Value>>(),
        },
        "hosts": hosts.collect::<Vec<Value>>(),
        "hosts_more": message.hosts_more,
    })
}
