//! Documents and shortcuts that several tests share.

use longshore_app_config::{AppConfig, ConfigProblems};
use longshore_core::Repository;
use serde_json::Value;

/// The smallest valid document.
pub(crate) const MINIMAL: &str =
    r#"{ "branch": "main", "health": { "port": 3000 }, "process": { "script": "server.js" } }"#;

/// Reads a document of the repository `acme/orders`.
pub(crate) fn parse(json: &str) -> Result<AppConfig, ConfigProblems> {
    AppConfig::parse(json, &Repository::parse("acme/orders").unwrap())
}

/// The minimal document with one more value; `path` has the keys, with dots between.
pub(crate) fn with(path: &str, value: Value) -> Value {
    let mut document: Value = serde_json::from_str(MINIMAL).unwrap();
    set(&mut document, path, value);
    document
}

/// Sets one value, and makes the sections it needs.
pub(crate) fn set(document: &mut Value, path: &str, value: Value) {
    let place = path.split('.').fold(document, |at, key| {
        if at.is_null() {
            *at = Value::Object(serde_json::Map::new());
        }
        &mut at[key]
    });
    *place = value;
}
