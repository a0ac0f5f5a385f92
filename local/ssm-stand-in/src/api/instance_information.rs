//! `DescribeInstanceInformation`: the hosts with an agent, by either of the two filter forms.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::paging::page;
use super::{Answer, request};
use crate::clock;
use crate::hosts::Host;
use crate::world::World;

/// The smallest page; no other action has one above 1.
const PAGE_MIN: usize = 5;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    instance_information_filter_list: Vec<OldFilter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

/// The old form, which knows no tags and spells its members otherwise.
#[derive(Debug, Deserialize)]
struct OldFilter {
    key: String,
    #[serde(default, rename = "valueSet")]
    values: Vec<String>,
}

/// Lists hosts; stopped and terminated ones are left out.
pub(crate) fn describe_instance_information(world: &Arc<World>, body: Value) -> Answer {
    let request: Request = request(body)?;
    if !request.filters.is_empty() && !request.instance_information_filter_list.is_empty() {
        return Err(ApiError::validation(
            "Filters and InstanceInformationFilterList exclude one another",
        ));
    }
    let old = request.instance_information_filter_list.into_iter();
    let old = old.map(|filter| Filter {
        key: filter.key,
        values: filter.values,
    });
    let filters: Vec<Filter> = request.filters.into_iter().chain(old).collect();
    filters.iter().try_for_each(check)?;
    if request.max_results.is_some_and(|size| size < PAGE_MIN) {
        return Err(ApiError::validation(&format!(
            "Value at 'maxResults' failed to satisfy constraint: Member must be at least {PAGE_MIN}"
        )));
    }
    let second_ms = world.options.second_ms;
    let state = world.lock();
    let found = state.hosts.values().filter(|host| {
        host.is_listed() && filters.iter().all(|filter| passes(host, filter, second_ms))
    });
    let page = page(
        found,
        request.max_results,
        50,
        request.next_token.as_deref(),
    )?;
    let hosts: Vec<_> = page
        .items
        .into_iter()
        .map(|host| on_the_wire(host, second_ms))
        .collect();
    Ok(json!({"InstanceInformationList": hosts, "NextToken": page.next_token}))
}

fn check(filter: &Filter) -> Result<(), ApiError> {
    let known = [
        "InstanceIds",
        "AgentVersion",
        "PingStatus",
        "PlatformTypes",
        "ResourceType",
        "tag-key",
    ];
    if !known.contains(&filter.key.as_str()) && !filter.key.starts_with("tag:") {
        return Err(ApiError::new(
            "InvalidFilterKey",
            format!("The filter key {} is not valid", filter.key),
        ));
    }
    if filter.values.is_empty() {
        return Err(ApiError::validation(&format!(
            "The filter {} has no value",
            filter.key
        )));
    }
    Ok(())
}

fn passes(host: &Host, filter: &Filter, second_ms: u64) -> bool {
    let has = |value: &str| filter.values.iter().any(|wanted| wanted == value);
    match filter.key.as_str() {
        "InstanceIds" => has(&host.options.id),
        "AgentVersion" => has(&host.options.agent_version),
        "PingStatus" => has(&host.ping_status(second_ms)),
        "PlatformTypes" => has("Linux"),
        "ResourceType" => has("EC2Instance"),
        "tag-key" => host.options.tags.keys().any(|tag| has(tag)),
        key => key
            .strip_prefix("tag:")
            .and_then(|tag| host.options.tags.get(tag))
            .is_some_and(|value| has(value)),
    }
}

fn on_the_wire(host: &Host, second_ms: u64) -> Value {
    let last_ping_ms = host.offline_since_ms.unwrap_or_else(clock::now_ms);
    let name = host.options.name.as_deref().unwrap_or(&host.options.id);
    json!({
        "InstanceId": host.options.id,
        "PingStatus": host.ping_status(second_ms),
        "LastPingDateTime": clock::epoch_seconds(last_ping_ms),
        "AgentVersion": host.options.agent_version,
        "IsLatestVersion": false,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": "127.0.0.1",
        "ComputerName": name,
        "SourceId": host.options.id,
        "SourceType": "AWS::EC2::Instance",
    })
}
