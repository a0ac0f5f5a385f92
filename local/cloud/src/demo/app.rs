//! The app of the demo: a small shop with a page, a build, a migration and two parameters it needs.

use anyhow::Result;

use crate::bitbucket::WorkTree;

/// The repository.
pub const REPOSITORY: &str = "acme/orders";
/// The app.
pub const APP: &str = "orders";
/// What is planted as a secret, to be found nowhere but on the hosts.
pub const GREETING: &str = "Welcome aboard, sailor \"No. 1\" = $HOME";

const FILES: [(&str, &str); 7] = [
    (
        "package.json",
        include_str!("../../../demo-app/package.json"),
    ),
    (
        "package-lock.json",
        include_str!("../../../demo-app/package-lock.json"),
    ),
    ("build.js", include_str!("../../../demo-app/build.js")),
    ("migrate.js", include_str!("../../../demo-app/migrate.js")),
    ("server.js", include_str!("../../../demo-app/server.js")),
    (
        "catalogue.json",
        include_str!("../../../demo-app/catalogue.json"),
    ),
    (
        "settings.json",
        include_str!("../../../demo-app/settings.json"),
    ),
];

/// The app's configuration: a canary, then the rest, and a short bake so that the demo is short.
pub const CONFIGURATION: &str = r#"{
  "branch": "main",
  "waves": ["1", "100%"],
  "health": {"port": 3000, "path": "/health", "attempts": 4, "interval_seconds": 1, "bake_seconds": 3},
  "process": {"manager": "pm2", "script": "server.js", "mode": "cluster", "instances": 1},
  "hooks": {"build": "build", "migrate": "migrate"},
  "notifications": {"slack": ["deployments"], "sns": true},
  "approval": false
}"#;

/// The same, told of over every channel.
///
/// # Errors
/// When the configuration is not JSON, which it is.
pub fn told_everywhere() -> Result<String> {
    let mut document: serde_json::Value = serde_json::from_str(CONFIGURATION)?;
    let notifications = serde_json::json!({
        "sns": true,
        "slack": ["deployments"],
        "slack_app": ["C0DEPLOYS"],
        "teams": ["ops"],
        "webhooks": ["audit"],
        "build_status": true,
        "tag": true,
    });
    if let Some(keys) = document.as_object_mut() {
        keys.insert("notifications".to_owned(), notifications);
    }
    Ok(document.to_string())
}

/// Writes the app's first commit.
///
/// # Errors
/// When a file cannot be written.
pub fn write(tree: &WorkTree) -> Result<()> {
    for (name, content) in FILES {
        tree.write(name, content)?;
    }
    Ok(())
}

/// How many connections the pool of a release has that turns sick. A host asks twice until the app is ready and once for the
/// proof; the canary is asked once more before the next hosts switch, and everything else comes when all have switched.
pub const LEAKING_POOL: &str = r#"{ "poolSize": 4 }"#;

/// A second edition whose health check fails a few seconds after it was proven on every host.
///
/// # Errors
/// When a file cannot be written.
pub fn turn_sick(tree: &WorkTree) -> Result<()> {
    let catalogue = r#"{ "title": "Orders, second edition", "products": [{ "name": "sail", "cents": 99900 }] }"#;
    tree.write("catalogue.json", catalogue)?;
    tree.write("settings.json", LEAKING_POOL)
}

/// A third edition that does not build.
///
/// # Errors
/// When a file cannot be written.
pub fn break_build(tree: &WorkTree) -> Result<()> {
    tree.write("settings.json", "{}")?;
    tree.write(
        "catalogue.json",
        r#"{ "title": "Orders, third edition", "product": [] }"#,
    )
}
