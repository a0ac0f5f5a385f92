//! What the page is told of its environment. Nothing of it is secret.

use longshore_shell::config::ConsoleConfig;
use serde::Serialize;

#[derive(Serialize)]
struct Settings<'a> {
    issuer: &'a str,
    client: &'a str,
    scopes: &'a str,
    /// The page's own environment first.
    environments: Vec<Environment<'a>>,
    version: &'static str,
}

#[derive(Serialize)]
struct Environment<'a> {
    name: &'a str,
    /// The origin of its API; empty for that which the page comes from.
    api: &'a str,
}

/// The document.
pub(crate) fn document(config: &ConsoleConfig) -> String {
    let own = Environment {
        name: config.environment.as_str(),
        api: "",
    };
    let others = config.environments.iter().map(|(name, api)| Environment {
        name: name.as_str(),
        api,
    });
    let settings = Settings {
        issuer: &config.issuer,
        client: &config.client,
        scopes: &config.scopes,
        environments: [own].into_iter().chain(others).collect(),
        version: env!("CARGO_PKG_VERSION"),
    };
    // Texts and lists always have a JSON form.
    serde_json::to_string(&settings).unwrap_or_default()
}
