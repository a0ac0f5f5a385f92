//! The control endpoint under `/_longshore/`: fault switches, and a look at everything the stand-in knows.
//!
//! It exists on no real cloud. Product code must never call it; launchers and tests do.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::error::answer;
use crate::clock;
use crate::commands::{Command, Invocation};
use crate::faults::{Action, FaultChange, HostFaultChange};
use crate::hosts::Host;
use crate::options::HostOptions;
use crate::workers;
use crate::world::World;

/// Shows the fault switches.
pub(crate) async fn faults(State(world): State<Arc<World>>) -> Response<Body> {
    shown(&world.lock().faults.describe())
}

/// Changes the fault switches and does what is to be done once.
pub(crate) async fn set_faults(State(world): State<Arc<World>>, body: Bytes) -> Response<Body> {
    match read::<FaultChange>(&body).and_then(|change| apply(&world, &change)) {
        Ok(()) => shown(&world.lock().faults.describe()),
        Err(why) => refused(&why),
    }
}

/// Shows the hosts.
pub(crate) async fn hosts(State(world): State<Arc<World>>) -> Response<Body> {
    let second_ms = world.options.second_ms;
    let hosts: Vec<_> = world
        .lock()
        .hosts
        .values()
        .map(|host| host.describe(second_ms))
        .collect();
    shown(&Value::from(hosts))
}

/// Adds a host, or gives a known one new options; what it runs goes on.
pub(crate) async fn add_host(State(world): State<Arc<World>>, body: Bytes) -> Response<Body> {
    let added = read::<HostOptions>(&body).and_then(|options| {
        options.check().map_err(|error| error.to_string())?;
        let mut state = world.lock();
        match state.hosts.get_mut(&options.id) {
            Some(host) => host.options = options,
            None => {
                state.hosts.insert(options.id.clone(), Host::new(options));
            }
        }
        Ok(())
    });
    match added {
        Ok(()) => hosts(State(world)).await,
        Err(why) => refused(&why),
    }
}

/// Shows every command with its invocations and steps, newest first, whatever the reads of the API may lag.
pub(crate) async fn commands(State(world): State<Arc<World>>) -> Response<Body> {
    let state = world.lock();
    let mut commands: Vec<_> = state.commands.values().collect();
    commands.sort_by_key(|command| std::cmp::Reverse(command.requested_ms));
    shown(&commands.into_iter().map(command).collect())
}

/// Shows every event made, the lost ones too.
pub(crate) async fn events(State(world): State<Arc<World>>) -> Response<Body> {
    shown(&world.lock().describe_events())
}

/// Makes the account as fresh as at the start: no commands, no documents but the public ones, no faults.
pub(crate) async fn reset(State(world): State<Arc<World>>) -> Response<Body> {
    world.lock().reset();
    hosts(State(world)).await
}

/// Applies a change of the switches.
pub(crate) fn apply(world: &Arc<World>, change: &FaultChange) -> Result<(), String> {
    let mut state = world.lock();
    let named = change
        .hosts
        .keys()
        .map(String::as_str)
        .chain(change.actions.iter().map(host_of));
    if let Some(unknown) = named.into_iter().find(|id| !state.hosts.contains_key(*id)) {
        return Err(format!("there is no host {unknown}"));
    }
    state.faults.apply(change);
    let ids: Vec<String> = state.hosts.keys().cloned().collect();
    for id in &ids {
        if let Some(host) = state.hosts.get_mut(id) {
            if change.reset {
                calm(host);
            }
            change
                .hosts
                .get(id)
                .into_iter()
                .for_each(|change| disturb(host, change));
        }
        state.reconnect(id);
    }
    drop(state);
    change.actions.iter().for_each(|action| act(world, action));
    workers::begin(world);
    Ok(())
}

fn host_of(action: &Action) -> &str {
    match action {
        Action::KillAgent { host }
        | Action::StartAgent { host }
        | Action::RestartAgent { host }
        | Action::Reboot { host }
        | Action::KillScript { host, .. } => host,
    }
}

/// Takes every fault off a host; its power, version and fixed ping are settings, not faults.
fn calm(host: &mut Host) {
    host.set_offline(false);
    host.agent_up = true;
    host.undeliverable = false;
    host.start_delay_ms = 0;
}

fn disturb(host: &mut Host, change: &HostFaultChange) {
    if let Some(offline) = change.offline {
        host.set_offline(offline);
    }
    if let Some(undeliverable) = change.undeliverable {
        host.undeliverable = undeliverable;
    }
    if let Some(delay) = change.start_delay_ms {
        host.start_delay_ms = delay;
    }
    if let Some(version) = &change.agent_version {
        host.options.agent_version.clone_from(version);
    }
    if let Some(status) = &change.ping_status {
        host.options.ping_status = Some(status.clone()).filter(|status| !status.is_empty());
    }
    if let Some(power) = change.power {
        host.options.power = power;
    }
}

fn act(world: &Arc<World>, action: &Action) {
    let mut state = world.lock();
    let id = host_of(action);
    let Some(host) = state.hosts.get_mut(id) else {
        return;
    };
    match action {
        Action::KillAgent { .. } => host.agent_up = false,
        Action::StartAgent { .. } => {
            host.agent_up = true;
            state.reconnect(id);
        }
        Action::KillScript { command, .. } => {
            let scripts = host
                .runs
                .iter()
                .filter(|(id, _)| command.as_ref().is_none_or(|wanted| wanted == *id));
            for script in scripts.filter_map(|(_, run)| run.script) {
                script.kill();
            }
        }
        Action::RestartAgent { .. } | Action::Reboot { .. } => {
            if matches!(action, Action::Reboot { .. }) {
                host.scripts().for_each(|script| {
                    script.kill();
                });
            }
            host.agent_up = true;
            let starts = state.begin_again(id);
            state.reconnect(id);
            drop(state);
            workers::work(world, starts);
        }
    }
}

fn command(command: &Command) -> Value {
    json!({
        "id": command.id,
        "document": command.document_name,
        "version": command.document_version,
        "comment": command.comment,
        "parameters": command.parameters,
        "requested": clock::iso(command.requested_ms),
        "expires": clock::iso(command.expires_ms),
        "status": command.state.status(),
        "details": command.state.details(),
        "invocations": command.invocations.values().map(invocation).collect::<Vec<_>>(),
    })
}

fn invocation(invocation: &Invocation) -> Value {
    let steps = invocation.steps.iter().map(|step| {
        json!({
            "name": step.name,
            "status": step.state.status(),
            "details": step.state.details(),
            "code": step.code,
            "stdout": step.stdout,
            "stderr": step.stderr,
        })
    });
    json!({
        "host": invocation.host,
        "status": invocation.state.status(),
        "details": invocation.state.details(),
        "trace": invocation.trace,
        "steps": steps.collect::<Vec<_>>(),
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn shown(value: &Value) -> Response<Body> {
    answer(StatusCode::OK, value.to_string())
}

fn refused(why: &str) -> Response<Body> {
    answer(StatusCode::BAD_REQUEST, json!({"error": why}).to_string())
}
