//! What a release is judged by: whole judgements in the world in memory, and on MiniStack, where `LONGSHORE_TEST_DYNAMODB` names
//! its endpoint, through the real adapters.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "judging/memory.rs"]
mod memory;
#[path = "judging/ministack.rs"]
mod ministack;

use longshore_app_config::AppConfig;
use longshore_core::Repository;
use serde_json::{Value, json};

/// The configuration of an app that is judged by this.
fn configuration(analysis: &Value) -> AppConfig {
    let document = json!({
        "branch": "main",
        "health": { "port": 3000 },
        "process": { "script": "server.js" },
        "analysis": analysis,
    });
    let repository = Repository::parse("acme/orders").unwrap();
    AppConfig::parse(&document.to_string(), &repository).unwrap()
}
