//! `SendCommand`: every check that the service makes before it accepts a command.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::ApiError;
use super::list_commands::command_on_the_wire;
use super::{Answer, check_instance_id, request};
use crate::agent::timeout_seconds;
use crate::clock;
use crate::commands::{Command, Invocation, Target};
use crate::documents::Version;
use crate::documents::schema::Document;
use crate::hosts::Host;
use crate::options::Power;
use crate::parameters::substitution::Fillings;
use crate::parameters::{Given, check_by_service, effective};
use crate::status::CommandState;
use crate::workers;
use crate::world::{State, World};

/// The most hosts that one call may name.
const INSTANCE_IDS_MAX: usize = 50;
/// The most criteria that one call may give.
const TARGETS_MAX: usize = 5;
/// The longest comment.
const COMMENT_CHARACTERS_MAX: usize = 100;
/// The limits of a delivery timeout.
const TIMEOUT_SECONDS: std::ops::RangeInclusive<u64> = 30..=2_592_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    document_name: String,
    document_version: Option<String>,
    document_hash: Option<String>,
    document_hash_type: Option<String>,
    #[serde(default)]
    instance_ids: Vec<String>,
    #[serde(default)]
    targets: Vec<Target>,
    timeout_seconds: Option<u64>,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    parameters: Given,
    max_concurrency: Option<String>,
    max_errors: Option<String>,
}

/// Accepts a command.
pub(crate) fn send_command(world: &Arc<World>, body: Value) -> Answer {
    let request: Request = request(body)?;
    check_shape(&request)?;
    let mut state = world.lock();
    let version = state
        .documents
        .version(
            &request.document_name,
            request.document_version.as_deref().unwrap_or_default(),
        )?
        .clone();
    check_hash(&request, &version)?;
    check_by_service(&version.document, &request.parameters)?;
    let hosts = hosts_of(&state, &request)?;
    let command = command_of(world, &state, request, version, &hosts);
    let reply = json!({"Command": command_on_the_wire(&command)});
    let (id, delivery_ms, expires_ms) = (
        command.id.clone(),
        command.delivery_deadline_ms,
        command.expires_ms,
    );
    state.accept(command);
    drop(state);
    watch_deadlines(world, id, delivery_ms, expires_ms);
    Ok(reply)
}

fn check_shape(request: &Request) -> Result<(), ApiError> {
    let outside = |what: &str, rule: String| {
        Err(ApiError::validation(&format!(
            "Value at '{what}' failed to satisfy constraint: Member must {rule}"
        )))
    };
    if request.instance_ids.len() > INSTANCE_IDS_MAX {
        return outside(
            "instanceIds",
            format!("have length less than or equal to {INSTANCE_IDS_MAX}"),
        );
    }
    if request.targets.len() > TARGETS_MAX {
        return outside(
            "targets",
            format!("have length less than or equal to {TARGETS_MAX}"),
        );
    }
    if request.comment.chars().count() > COMMENT_CHARACTERS_MAX {
        return outside(
            "comment",
            format!("have length less than or equal to {COMMENT_CHARACTERS_MAX}"),
        );
    }
    if request
        .timeout_seconds
        .is_some_and(|seconds| !TIMEOUT_SECONDS.contains(&seconds))
    {
        return outside("timeoutSeconds", format!("be between {TIMEOUT_SECONDS:?}"));
    }
    check_limit(
        "maxConcurrency",
        request.max_concurrency.as_deref(),
        r"^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$",
    )?;
    check_limit(
        "maxErrors",
        request.max_errors.as_deref(),
        r"^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$",
    )?;
    if request.instance_ids.is_empty() == request.targets.is_empty() {
        return Err(ApiError::new(
            "InvalidParameters",
            "Exactly one of InstanceIds and Targets must be given",
        ));
    }
    request
        .instance_ids
        .iter()
        .try_for_each(|id| check_instance_id(id))
}

fn check_limit(what: &str, value: Option<&str>, pattern: &str) -> Result<(), ApiError> {
    let is_bad = |value: &str| {
        value.len() > 7 || Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(value))
    };
    if value.is_some_and(is_bad) {
        return Err(ApiError::validation(&format!(
            "Value at '{what}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
        )));
    }
    Ok(())
}

fn check_hash(request: &Request, version: &Version) -> Result<(), ApiError> {
    let kind = request.document_hash_type.as_deref().unwrap_or("Sha256");
    if !matches!(kind, "Sha256" | "Sha1") {
        return Err(ApiError::validation(
            "Value at 'documentHashType' failed to satisfy constraint: Member must satisfy enum value set: [Sha1, Sha256]",
        ));
    }
    let Some(hash) = &request.document_hash else {
        return Ok(());
    };
    if kind != "Sha256" || !hash.eq_ignore_ascii_case(&version.sha256) {
        return Err(ApiError::new(
            "InvalidDocument",
            "The document hash does not match the document.",
        ));
    }
    Ok(())
}

/// The hosts that the command goes to; one bad id refuses the whole call.
fn hosts_of(state: &State, request: &Request) -> Result<Vec<String>, ApiError> {
    let unique: BTreeSet<_> = request.instance_ids.iter().collect();
    if unique.len() != request.instance_ids.len() {
        return Err(ApiError::new(
            "DuplicateInstanceId",
            "You can't specify an instance ID more than once.",
        ));
    }
    let is_valid = |id: &String| {
        state
            .hosts
            .get(id)
            .is_some_and(|host| host.options.power != Power::Terminated)
    };
    let bad: Vec<_> = request
        .instance_ids
        .iter()
        .filter(|id| !is_valid(id))
        .cloned()
        .collect();
    if !bad.is_empty() {
        return Err(ApiError::new(
            "InvalidInstanceId",
            format!(
                "Instances [[{}]] not in a valid state for account",
                bad.join(", ")
            ),
        ));
    }
    if request.targets.is_empty() {
        return Ok(request.instance_ids.clone());
    }
    let is_target = |host: &&Host| {
        host.options.power != Power::Terminated
            && request
                .targets
                .iter()
                .all(|target| matches_target(host, target))
    };
    Ok(state
        .hosts
        .values()
        .filter(is_target)
        .map(|host| host.options.id.clone())
        .collect())
}

fn matches_target(host: &Host, target: &Target) -> bool {
    let key = target.key.as_str();
    if key.eq_ignore_ascii_case("InstanceIds") {
        return target.values.contains(&host.options.id);
    }
    match key.strip_prefix("tag:") {
        Some(tag) => host
            .options
            .tags
            .get(tag)
            .is_some_and(|value| target.values.contains(value)),
        None => {
            key == "tag-key"
                && target
                    .values
                    .iter()
                    .any(|tag| host.options.tags.contains_key(tag))
        }
    }
}

fn command_of(
    world: &World,
    state: &State,
    request: Request,
    version: Version,
    hosts: &[String],
) -> Command {
    let delivery_seconds = request.timeout_seconds.unwrap_or(3600);
    let execution_seconds = execution_seconds(&version.document, &request.parameters);
    let requested_ms = clock::now_ms();
    let after = |seconds: u64| {
        requested_ms.saturating_add(i64::try_from(world.seconds(seconds)).unwrap_or(i64::MAX))
    };
    let invocation = |id: &String| {
        let name = state
            .hosts
            .get(id)
            .and_then(|host| host.options.name.as_deref())
            .unwrap_or(id);
        (id.clone(), Invocation::new(id, name, &version.document))
    };
    let invocations: BTreeMap<_, _> = hosts.iter().map(invocation).collect();
    Command {
        id: Uuid::new_v4().to_string(),
        document_name: version.name,
        document_version: request
            .document_version
            .unwrap_or_else(|| String::from("$DEFAULT")),
        document: version.document,
        comment: request.comment,
        parameters: request.parameters,
        instance_ids: request.instance_ids,
        targets: request.targets,
        timeout_seconds: delivery_seconds,
        max_concurrency: request
            .max_concurrency
            .unwrap_or_else(|| String::from("50")),
        max_errors: request.max_errors.unwrap_or_else(|| String::from("0")),
        requested_ms,
        delivery_deadline_ms: after(delivery_seconds),
        expires_ms: after(delivery_seconds.saturating_add(execution_seconds)),
        state: CommandState::Pending,
        cancel_requested: false,
        invocations,
    }
}

/// The time that the document may take, as the service reckons it: the sum over its steps.
fn execution_seconds(document: &Document, parameters: &Given) -> u64 {
    let fillings = Fillings::new(document, effective(document, parameters), "0");
    document
        .steps
        .iter()
        .map(|step| {
            timeout_seconds(
                step.inputs
                    .get("timeoutSeconds")
                    .map(|value| fillings.fill(value))
                    .as_ref(),
            )
        })
        .fold(0, u64::saturating_add)
}

/// Watches the deadlines of the commands that an earlier stand-in left open.
pub(crate) fn watch_open_commands(world: &Arc<World>) {
    let state = world.lock();
    let open = state.commands.values().filter(|one| !one.is_closed());
    let deadlines = open.map(|one| (one.id.clone(), one.delivery_deadline_ms, one.expires_ms));
    let deadlines: Vec<_> = deadlines.collect();
    drop(state);
    for (id, delivery_ms, expires_ms) in deadlines {
        watch_deadlines(world, id, delivery_ms, expires_ms);
    }
}

fn watch_deadlines(world: &Arc<World>, id: String, delivery_ms: i64, expires_ms: i64) {
    let watched = Arc::clone(world);
    world.spawn(async move {
        tokio::time::sleep(clock::until(delivery_ms)).await;
        watched.lock().give_up_undelivered(&id);
        workers::begin(&watched);
        tokio::time::sleep(clock::until(expires_ms)).await;
        watched.lock().give_up_unanswered(&id);
        workers::begin(&watched);
    });
}
