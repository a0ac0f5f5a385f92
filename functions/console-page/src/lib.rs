//! `console-page`: serves the console's files, which anybody may have, and a document that tells the page its environment and who
//! signs people in. It may write its own log and nothing else, and holds no secret: whoever breaks it has won nothing but the
//! page, and the page's policy lets no foreign code in.
//!
//! The files are those of the folder `console/`, as they are there; nothing is built for the reader. They are part of the program,
//! so that page and API are always of one version.

mod answer;
mod files;
mod policy;
mod settings;

pub use answer::Response;
pub use files::FILES;

use answer::Served;
use longshore_shell::config::ConsoleConfig;
use longshore_shell::telemetry;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The name that the document about the environment is asked for by.
pub const SETTINGS: &str = "config.json";

/// A request of the HTTP API (payload format 2.0), as far as it is needed. What is null is not there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Request {
    path_parameters: Option<BTreeMap<String, String>>,
    headers: Option<BTreeMap<String, String>>,
}

impl Request {
    /// The file that is asked for; the page itself when the address names none.
    fn file(&self) -> &str {
        let given = self.path_parameters.as_ref();
        given
            .and_then(|given| given.get("file"))
            .map_or(files::PAGE, String::as_str)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter().flatten();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Everything that is served, ready.
#[derive(Clone, Debug)]
pub struct Site {
    served: BTreeMap<&'static str, Served>,
    policy: String,
}

impl Site {
    /// The site of an environment.
    #[must_use]
    pub fn new(config: &ConsoleConfig) -> Self {
        let files = FILES
            .iter()
            .map(|file| (file.name, Served::new(file.kind, file.text.to_owned())));
        let settings = Served::new("application/json", settings::document(config));
        Self {
            served: files.chain([(SETTINGS, settings)]).collect(),
            policy: policy::of(config),
        }
    }
}

/// Answers one request.
#[must_use]
pub fn handle(site: &Site, request: &Request) -> Response {
    let Some(served) = site.served.get(request.file()) else {
        telemetry::info("console_refused")
            .word("error", "no_such_file")
            .write();
        return Response::missing(&site.policy);
    };
    Response::of(served, request.header("if-none-match"), &site.policy)
}
