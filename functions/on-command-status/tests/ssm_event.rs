//! What each form of a status event means: our own fixtures, and the documented and derived ones where they are there.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use on_command_status::ssm_event::{Hint, ParseError, parse};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::path::{Path, PathBuf};

const DOCUMENT: &str = "longshore-prod";
const COMMAND: &str = "e2171883-d9d1-478c-9ad2-2c7c51ca6c2e";

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if !folder.is_dir() {
        return Vec::new();
    }
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn line(outcome: &Result<Option<Hint>, ParseError>) -> String {
    match outcome {
        Err(error) => format!("error: {error}"),
        Ok(None) => "not ours".to_owned(),
        Ok(Some(Hint { command, host })) => {
            let host = host.as_ref().map_or("-", |host| host.as_str());
            format!("{command} {host}")
        }
    }
}

#[test]
fn each_fixture_means_what_its_name_says() {
    let on = |host: &str| format!("{COMMAND} {host}");
    let expected = [
        ("command-many-hosts", on("-")),
        ("command-object-parameters", on("i-0123456789abcdef0")),
        ("command-string-parameters", on("i-0123456789abcdef0")),
        (
            "hostile-command",
            "error: the event names no command".to_owned(),
        ),
        (
            "invocation-detail-and-arn-differ",
            on("i-0fedcba9876543210"),
        ),
        ("invocation-host-in-arn-only", on("i-0123456789abcdef0")),
        ("no-command", "error: the event names no command".to_owned()),
        ("no-document", "not ours".to_owned()),
        ("other-document", "not ours".to_owned()),
        ("other-source", "not ours".to_owned()),
        ("other-type", "not ours".to_owned()),
        (
            "topic-message",
            "error: not the expected JSON, at line 10, column 1".to_owned(),
        ),
    ];
    let found: Vec<(String, String)> = files("tests/fixtures")
        .into_iter()
        .map(|(name, body)| (name, line(&parse(&body, DOCUMENT))))
        .collect();
    assert_eq!(found, expected.map(|(name, line)| (name.to_owned(), line)));
}

#[test]
fn the_documented_and_the_derived_forms_are_read() {
    let expected = [
        (
            "01-",
            "AWS-RunPowerShellScript",
            "e8d3c0e4-71f7-4491-898f-c9b35bee5f3b i-abcd1111",
        ),
        (
            "02-",
            "AWS-RunPowerShellScript",
            "e8d3c0e4-71f7-4491-898f-c9b35bee5f3b i-9bb89e2b",
        ),
        (
            "03-",
            "AWS-RunPowerShellScript",
            "e8d3c0e4-71f7-4491-898f-c9b35bee5f3b -",
        ),
        ("06-", "AWS-RunShellScript", "not ours"),
        (
            "07-",
            "AcmeDeploy",
            "e2171883-d9d1-478c-9ad2-2c7c51ca6c2e i-0123456789abcdef0",
        ),
        ("08-", "AWS-RunPowerShellScript", "error"),
        ("10-", "AWS-RunShellScript", "error"),
    ];
    for (name, body) in files("../../../shared/payloads/ssm") {
        let known = expected.iter().find(|(start, ..)| name.starts_with(start));
        let (_, document, meaning) = known.expect("a meaning for every payload");
        let found = line(&parse(&body, document));
        assert!(found.starts_with(meaning), "{name}: {found}");
        assert!(
            matches!(parse(&body, DOCUMENT), Ok(None) | Err(_)),
            "{name}"
        );
    }
}

#[test]
fn the_parameters_may_have_any_shape() {
    for parameters in ["null", "7", "[]", "{}", r#""{""#, r#"{"a":{"b":[1]}}"#] {
        let body = format!(
            r#"{{"detail-type":"EC2 Command Status-change Notification","source":"aws.ssm",
            "detail":{{"command-id":"{COMMAND}","document-name":"{DOCUMENT}","parameters":{parameters},"status":7}}}}"#
        );
        assert_eq!(
            line(&parse(&body, DOCUMENT)),
            format!("{COMMAND} -"),
            "{parameters}"
        );
    }
}

#[test]
fn no_error_repeats_anything_of_the_event() {
    for (_, body) in files("tests/fixtures") {
        let hostile = body
            .replace(COMMAND, "canary")
            .replace(r#""detail": {"#, r#""detail": "canary", "x": {"#);
        if let Err(error) = parse(&hostile, DOCUMENT) {
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 500,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..Config::default()
    })]

    #[test]
    fn arbitrary_text_is_read_or_refused(text in ".{0,200}") {
        let _ = parse(&text, DOCUMENT);
    }

    #[test]
    fn an_event_with_one_line_taken_out_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
    ) {
        let all = files("tests/fixtures");
        let (_, body) = which.get(&all);
        let lines: Vec<&str> = body.lines().collect();
        let out = at.index(lines.len());
        let kept = lines.iter().enumerate().filter(|(index, _)| *index != out);
        let text: Vec<&str> = kept.map(|(_, line)| *line).collect();
        let _ = parse(&text.join("\n"), DOCUMENT);
    }
}
