//! The OpenAPI 3.1 document of the API, made of the types and the table of routes. It is published as
//! `docs/operator-api.openapi.json`, which a test holds to this.

use crate::{
    AppStatus, Approve, Apps, Audit, Begin, Begun, BreakGlass, Deployment, ErrorWord, History,
    LockApp, Logs, Operation, Plan, Reason, Refusal, Stats, WhoAmI,
};
use crate::{AppSummary, Query};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// The form of a deployment's id.
const ULID: &str = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$";

/// The schemas that a document refers to.
type Schemas = BTreeMap<String, RefOr<Schema>>;

/// The document.
#[must_use]
pub fn openapi() -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in Operation::ALL {
        let route = operation.route();
        let method = route.method.word().to_ascii_lowercase();
        let described = describe(*operation, &mut schemas);
        paths
            .entry(route.path)
            .or_default()
            .insert(method, described);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Longshore operator API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What operators see and do. Each route takes a request that is signed with AWS credentials (SigV4, service execute-api); x-longshore-role names the policy that allows it.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "sigv4": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "description": "AWS Signature Version 4, service execute-api.",
                },
            },
        },
    })
}

fn describe(operation: Operation, schemas: &mut Schemas) -> Value {
    let route = operation.route();
    let in_path = route.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(parameter(name, "path", &in_path(name)))
    });
    let in_query = operation.queries().iter();
    let in_query = in_query.map(|query| parameter(query.word(), "query", &query_schema(*query)));
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut described = json!({
        "operationId": operation.word(),
        "summary": route.summary,
        "x-longshore-role": route.role.word(),
        "parameters": parameters,
        "responses": responses(&answer_of(operation, schemas), schemas),
    });
    if let (Some(body), Some(described)) = (body_of(operation, schemas), described.as_object_mut())
    {
        let body =
            json!({ "required": true, "content": { "application/json": { "schema": body } } });
        described.insert("requestBody".to_owned(), body);
    }
    described
}

fn parameter(name: &str, place: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": place, "required": place == "path", "schema": schema })
}

fn in_path(name: &str) -> Value {
    match name {
        "app" => text("^[a-z0-9][a-z0-9-]{0,62}$", "orders"),
        "commit" => text("^[0-9a-f]{40}$", "cccccccccccccccccccccccccccccccccccccccc"),
        _ => text(ULID, "01JD0000000000000000000005"),
    }
}

fn query_schema(query: Query) -> Value {
    match query {
        Query::Limit => json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 }),
        Query::Before => text(ULID, "01JD0000000000000000000005"),
        Query::BeforeEntry => {
            json!({ "type": "integer", "minimum": 1, "maximum": 4_294_967_295_u32 })
        }
        Query::Host => text("^(mi|i)-[0-9a-f]{8,17}$", "i-00000000000000001"),
        Query::After => text("^[0-9]{1,15}-[0-9]{1,6}$", "1700000000000-1"),
        Query::App => in_path("app"),
        Query::Commit => text("^[0-9a-f]{7,40}$", "cccccccccccc"),
        Query::By => text("^[A-Za-z0-9 ._:@{}-]{1,64}$", "alice"),
        Query::Result => json!({ "type": "string", "enum": crate::RESULTS }),
        Query::Kind => json!({ "type": "string", "enum": crate::KINDS }),
        Query::Since | Query::Until => {
            json!({ "type": "string", "format": "date-time", "examples": ["2026-11-01T00:00:00Z"] })
        }
    }
}

fn text(pattern: &str, example: &str) -> Value {
    json!({ "type": "string", "pattern": pattern, "examples": [example] })
}

/// The answer, and a refusal for every status that an error comes with.
fn responses(answer: &Value, schemas: &mut Schemas) -> Value {
    let content = |schema: &Value| json!({ "application/json": { "schema": schema } });
    let refusal = schema::<Refusal>(schemas);
    let mut responses = Map::new();
    let good = json!({ "description": "What was asked for.", "content": content(answer) });
    responses.insert("200".to_owned(), good);
    let statuses: BTreeSet<u16> = ErrorWord::ALL.iter().map(|error| error.status()).collect();
    for status in statuses {
        let words = ErrorWord::ALL
            .iter()
            .filter(|error| error.status() == status);
        let words: Vec<&str> = words.map(|error| error.word()).collect();
        let refused = json!({ "description": words.join(", "), "content": content(&refusal) });
        responses.insert(status.to_string(), refused);
    }
    Value::Object(responses)
}

fn body_of(operation: Operation, schemas: &mut Schemas) -> Option<Value> {
    Some(match operation {
        Operation::Plan | Operation::Begin => schema::<Begin>(schemas),
        Operation::Approve => schema::<Approve>(schemas),
        Operation::Lock => schema::<LockApp>(schemas),
        Operation::BreakGlass => schema::<BreakGlass>(schemas),
        Operation::Cancel
        | Operation::Retry
        | Operation::Reject
        | Operation::Unlock
        | Operation::ClearQuarantine => schema::<Reason>(schemas),
        Operation::WhoAmI
        | Operation::Apps
        | Operation::Status
        | Operation::History
        | Operation::Stats
        | Operation::Audit
        | Operation::Show
        | Operation::Logs => return None,
    })
}

fn answer_of(operation: Operation, schemas: &mut Schemas) -> Value {
    match operation {
        Operation::WhoAmI => schema::<WhoAmI>(schemas),
        Operation::Apps => schema::<Apps>(schemas),
        Operation::Status => schema::<AppStatus>(schemas),
        Operation::History => schema::<History>(schemas),
        Operation::Stats => schema::<Stats>(schemas),
        Operation::Audit => schema::<Audit>(schemas),
        Operation::Logs => schema::<Logs>(schemas),
        Operation::Plan => schema::<Plan>(schemas),
        Operation::Begin | Operation::Retry => schema::<Begun>(schemas),
        Operation::Show
        | Operation::Cancel
        | Operation::Approve
        | Operation::Reject
        | Operation::BreakGlass => schema::<Deployment>(schemas),
        Operation::Lock | Operation::Unlock | Operation::ClearQuarantine => {
            schema::<AppSummary>(schemas)
        }
    }
}

/// A reference to a type's schema, which is put with all that it refers to among the others.
fn schema<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let name = T::name().into_owned();
    let mut inner = Vec::new();
    T::schemas(&mut inner);
    schemas.extend(inner);
    schemas.insert(name.clone(), T::schema());
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
