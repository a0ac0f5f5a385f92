//! The document actions.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::paging::page;
use super::{Answer, request};
use crate::clock::epoch_seconds;
use crate::documents::schema::{Kind, Parameter, text_of};
use crate::documents::{Draft, Version};
use crate::world::{State, World};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    name: String,
    content: Option<String>,
    document_type: Option<String>,
    document_format: Option<String>,
    document_version: Option<String>,
    version_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRequest {
    name: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// Makes a document.
pub(crate) fn create_document(world: &Arc<World>, body: Value) -> Answer {
    let draft = draft(request(body)?)?;
    let mut state = world.lock();
    let version = state.documents.create(draft)?.clone();
    Ok(json!({"DocumentDescription": description(&state, &version, "Creating")?}))
}

/// Makes a new version of a document.
pub(crate) fn update_document(world: &Arc<World>, body: Value) -> Answer {
    let request: Request = request(body)?;
    let base = request
        .document_version
        .clone()
        .unwrap_or_else(|| String::from("$LATEST"));
    let draft = draft(request)?;
    let mut state = world.lock();
    let version = state.documents.update(draft, &base)?.clone();
    Ok(json!({"DocumentDescription": description(&state, &version, "Updating")?}))
}

/// Moves the default version.
pub(crate) fn update_document_default_version(world: &Arc<World>, body: Value) -> Answer {
    let request: Request = request(body)?;
    let version = request.document_version.unwrap_or_default();
    let number = world
        .lock()
        .documents
        .set_default(&request.name, &version)?;
    Ok(json!({"Description": {"Name": request.name, "DefaultVersion": number.to_string()}}))
}

/// Describes a version, with its hash.
pub(crate) fn describe_document(world: &Arc<World>, body: Value) -> Answer {
    let request: Request = request(body)?;
    let state = world.lock();
    let version = state.documents.version(
        &request.name,
        request.document_version.as_deref().unwrap_or_default(),
    )?;
    Ok(json!({"Document": description(&state, version, "Active")?}))
}

/// Shows a version's content.
pub(crate) fn get_document(world: &Arc<World>, body: Value) -> Answer {
    let request: Request = request(body)?;
    let state = world.lock();
    let version = state.documents.version(
        &request.name,
        request.document_version.as_deref().unwrap_or_default(),
    )?;
    let mut shown = Map::from_iter([
        (String::from("Name"), Value::from(version.name.as_str())),
        (
            String::from("CreatedDate"),
            epoch_seconds(version.created_ms),
        ),
        (
            String::from("DocumentVersion"),
            Value::from(version.number.to_string()),
        ),
        (String::from("Status"), Value::from("Active")),
        (
            String::from("Content"),
            Value::from(version.content.as_str()),
        ),
        (
            String::from("DocumentType"),
            Value::from(version.kind.as_str()),
        ),
        (
            String::from("DocumentFormat"),
            Value::from(version.format.as_str()),
        ),
    ]);
    if let Some(name) = &version.label {
        shown.insert(String::from("VersionName"), Value::from(name.as_str()));
    }
    Ok(Value::Object(shown))
}

/// Removes a document or one version.
pub(crate) fn delete_document(world: &Arc<World>, body: Value) -> Answer {
    let request: Request = request(body)?;
    world
        .lock()
        .documents
        .delete(&request.name, request.document_version.as_deref())?;
    Ok(json!({}))
}

/// Lists every document; filters are not read.
pub(crate) fn list_documents(world: &Arc<World>, body: Value) -> Answer {
    let request: ListRequest = request(body)?;
    let state = world.lock();
    let page = page(
        state.documents.defaults(),
        request.max_results,
        50,
        request.next_token.as_deref(),
    )?;
    let identifiers: Vec<_> = page.items.into_iter().map(identifier).collect();
    Ok(json!({"DocumentIdentifiers": identifiers, "NextToken": page.next_token}))
}

/// Lists the versions of a document.
pub(crate) fn list_document_versions(world: &Arc<World>, body: Value) -> Answer {
    let request: ListRequest = request(body)?;
    let state = world.lock();
    let history = state
        .documents
        .history(request.name.as_deref().unwrap_or_default())?;
    let page = page(
        history.versions.values().rev(),
        request.max_results,
        50,
        request.next_token.as_deref(),
    )?;
    let version = |version: &Version| {
        json!({
            "Name": version.name,
            "DocumentVersion": version.number.to_string(),
            "CreatedDate": epoch_seconds(version.created_ms),
            "IsDefaultVersion": version.number == history.default,
            "DocumentFormat": version.format,
            "Status": "Active",
        })
    };
    let versions: Vec<_> = page.items.into_iter().map(version).collect();
    Ok(json!({"DocumentVersions": versions, "NextToken": page.next_token}))
}

fn draft(request: Request) -> Result<Draft, ApiError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !(3..=128).contains(&request.name.len()) || !request.name.chars().all(is_name) {
        return Err(ApiError::validation(&format!(
            "Value '{}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: \
             ^[a-zA-Z0-9_\\-.]{{3,128}}$",
            request.name
        )));
    }
    let content = request
        .content
        .filter(|content| !content.is_empty())
        .ok_or_else(|| {
            ApiError::validation(
                "Value at 'content' failed to satisfy constraint: Member must not be null",
            )
        })?;
    Ok(Draft {
        name: request.name,
        content,
        format: request
            .document_format
            .unwrap_or_else(|| String::from("JSON")),
        kind: request
            .document_type
            .unwrap_or_else(|| String::from("Command")),
        label: request.version_name,
    })
}

fn description(state: &State, version: &Version, status: &str) -> Answer {
    let history = state.documents.history(&version.name)?;
    let parameters: Vec<_> = version.document.parameters.iter().map(parameter).collect();
    Ok(json!({
        "Hash": version.sha256,
        "HashType": "Sha256",
        "Name": version.name,
        "VersionName": version.label,
        "Owner": owner(state, version),
        "CreatedDate": epoch_seconds(version.created_ms),
        "Status": status,
        "DocumentVersion": version.number.to_string(),
        "Description": version.document.description,
        "Parameters": parameters,
        "PlatformTypes": ["Linux"],
        "DocumentType": version.kind,
        "SchemaVersion": version.document.schema_version,
        "LatestVersion": history.latest().to_string(),
        "DefaultVersion": history.default.to_string(),
        "DocumentFormat": version.format,
        "Tags": [],
    }))
}

fn owner<'a>(state: &'a State, version: &Version) -> &'a str {
    if version.name.starts_with("AWS-") {
        "Amazon"
    } else {
        &state.origin.account
    }
}

fn parameter((name, declared): (&String, &Parameter)) -> Value {
    let kind = if declared.kind == Kind::StringList {
        "StringList"
    } else {
        "String"
    };
    let mut shown = Map::from_iter([
        (String::from("Name"), Value::from(name.as_str())),
        (String::from("Type"), Value::from(kind)),
        (
            String::from("Description"),
            Value::from(declared.description.as_str()),
        ),
    ]);
    if let Some(default) = &declared.default {
        shown.insert(String::from("DefaultValue"), Value::from(text_of(default)));
    }
    Value::Object(shown)
}

fn identifier(version: &Version) -> Value {
    json!({
        "Name": version.name,
        "CreatedDate": epoch_seconds(version.created_ms),
        "PlatformTypes": ["Linux"],
        "DocumentVersion": version.number.to_string(),
        "DocumentType": version.kind,
        "SchemaVersion": version.document.schema_version,
        "DocumentFormat": version.format,
        "Tags": [],
    })
}
