//! What the page is served with, and that it is all of the folder.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

use console_page::{FILES, Request, Response, SETTINGS, Site, handle};
use longshore_contract::{CONSOLE_PREFIX, Operation};
use longshore_shell::config::ConsoleConfig;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

fn site() -> Site {
    let vars = [
        ("LONGSHORE_ENVIRONMENT", "prod"),
        ("LONGSHORE_CONSOLE_ISSUER", "https://id.example.com/tenant"),
        ("LONGSHORE_CONSOLE_CLIENT", "longshore-console"),
        ("LONGSHORE_CONSOLE_SCOPES", "openid email"),
        ("LONGSHORE_CONSOLE_ORIGINS", "https://tokens.example.com"),
        (
            "LONGSHORE_CONSOLE_ENVIRONMENTS",
            "staging=https://api.staging.example.com",
        ),
    ];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Site::new(&ConsoleConfig::from_vars(vars).unwrap())
}

fn get(file: Option<&str>, tag: Option<&str>) -> Response {
    let event = json!({
        "pathParameters": file.map(|file| json!({ "file": file })),
        "headers": tag.map(|tag| json!({ "if-none-match": tag })),
    });
    let request: Request = serde_json::from_value(event).unwrap();
    handle(&site(), &request)
}

#[test]
fn the_page_and_every_file_of_the_folder_is_served() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console");
    let on_disk: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let named: BTreeSet<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
    assert_eq!(named, on_disk);
    assert_eq!(get(None, None).body, get(Some("index.html"), None).body);
    for file in FILES {
        let response = get(Some(file.name), None);
        assert_eq!(response.status_code, 200);
        assert_eq!(response.headers["content-type"], file.kind);
        assert_eq!(response.body, file.text);
    }
}

#[test]
fn a_reader_who_has_a_file_is_not_sent_it_again() {
    let tag = get(Some("main.js"), None).headers["etag"].clone();
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        "*".to_owned(),
    ] {
        let response = get(Some("main.js"), Some(&known));
        assert_eq!((response.status_code, response.body.as_str()), (304, ""));
        assert_eq!(response.headers["etag"], tag);
    }
    for stale in ["", "\"other\"", tag.trim_matches('"')] {
        assert_eq!(
            get(Some("main.js"), Some(stale)).status_code,
            200,
            "{stale}"
        );
    }
}

#[test]
fn every_answer_forbids_foreign_code() {
    for response in [
        get(None, None),
        get(Some(SETTINGS), None),
        get(Some("../secret"), None),
    ] {
        let policy = &response.headers["content-security-policy"];
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "connect-src 'self' https://api.staging.example.com https://id.example.com https://tokens.example.com",
        ] {
            let mut directives = policy.split("; ");
            assert!(
                directives.any(|one| one == directive),
                "{directive}: {policy}"
            );
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers["x-content-type-options"], "nosniff");
        assert_eq!(response.headers["referrer-policy"], "no-referrer");
    }
}

#[test]
fn what_is_not_there_is_not_repeated() {
    let response = get(Some("<script>"), None);
    assert_eq!(response.status_code, 404);
    assert!(!format!("{response:?}").contains("<script>"));
}

#[test]
fn the_page_is_told_its_environment_first() {
    let settings: Value = serde_json::from_str(&get(Some(SETTINGS), None).body).unwrap();
    let names: Vec<&str> = settings["environments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["prod", "staging"]);
    assert_eq!(settings["environments"][0]["api"], "");
    assert_eq!(settings["issuer"], "https://id.example.com/tenant");
}

/// The files hold no inline code and never make markup of a text; the policy would stop both, and the page with it.
#[test]
fn no_file_makes_code_or_markup_of_a_text() {
    for file in FILES {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "javascript:",
            " onclick=",
            " style=\"",
            "<style",
        ] {
            assert!(!file.text.contains(word), "{} has {word}", file.name);
        }
    }
}

/// The page asks for routes that there are, each by the method that it takes.
#[test]
fn the_page_calls_routes_of_the_contract_only() {
    let api = FILES
        .iter()
        .find(|file| file.name == "api.js")
        .unwrap()
        .text;
    let called: BTreeSet<(&str, &str)> = api
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.trim().split_once(": route('")?;
            let (method, rest) = rest.split_once("', '")?;
            Some((method, rest.split_once('\'')?.0))
        })
        .collect();
    assert!(called.len() >= 15, "{called:?}");
    for (method, path) in called {
        let path = path.strip_prefix(CONSOLE_PREFIX).unwrap_or(path);
        let known = Operation::ALL
            .iter()
            .map(|one| one.route())
            .any(|route| route.method.word() == method && route.path == path);
        assert!(known, "{method} {path}");
    }
}
