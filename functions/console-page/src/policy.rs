//! What the browser may do for the page: run and style it from its own files alone, and talk to the addresses that it is told of.
//!
//! So a text from outside that became markup would still run nothing, and a token could be sent nowhere else.

use http::Uri;
use longshore_shell::config::ConsoleConfig;
use std::collections::BTreeSet;

/// Everything but where the page may connect to.
const REST: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The content security policy of the site.
pub(crate) fn of(config: &ConsoleConfig) -> String {
    let environments = config.environments.iter().map(|(_, api)| api.clone());
    let others: BTreeSet<String> = origin(&config.issuer)
        .into_iter()
        .chain(config.origins.iter().cloned())
        .chain(environments)
        .collect();
    let others: Vec<String> = others.into_iter().collect();
    format!("{REST}; connect-src 'self' {}", others.join(" "))
}

fn origin(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    Some(format!("{}://{}", url.scheme_str()?, url.authority()?))
}
