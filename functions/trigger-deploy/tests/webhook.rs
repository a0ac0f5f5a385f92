//! What each kind of delivery means, from our own fixtures: one line per fixture.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "common/deliveries.rs"]
mod deliveries;

use deliveries::{delivered, fixture, fixtures, line, signed};
use longshore_core::{RefKind, Timestamp};
use trigger_deploy::request::{BODY_MAX, Request};
use trigger_deploy::webhook::{CHANGES_MAX, Malformed};

const PUSH: Option<&str> = Some("repo:push");

/// The fixtures, and what each means as a push.
const MEANINGS: &[(&str, &str)] = &[
    (
        "abbreviated-commit",
        "malformed: a commit is not 40 hexadecimal digits",
    ),
    (
        "annotated-tag-created",
        "acme/orders by ann: [Tag v1.2.0 -..2222 skip tag]",
    ),
    (
        "branch-created",
        "acme/orders by ann: [Branch main -..2222 deploy 2222]",
    ),
    (
        "branch-deleted",
        "acme/orders by ann: [Branch feature/totals 1111..- skip other_branch]",
    ),
    (
        "branch-updated",
        "acme/orders by ann: [Branch main 1111..2222 deploy 2222]",
    ),
    ("empty-changes", "acme/orders by ann: []"),
    (
        "forced-truncated",
        "acme/orders by ann: [Branch main 1111..2222 deploy 2222]",
    ),
    (
        "mixed-case-repository",
        "acme/orders by ann: [Branch main 1111..2222 deploy 2222]",
    ),
    (
        "no-commit-user-no-flags",
        "acme/orders by ann: [Branch main 1111..2222 deploy 2222]",
    ),
    (
        "nothing-old-nothing-new",
        "malformed: a change does not say what it changes",
    ),
    // Another event under the name of a push: the header is not signed.
    (
        "pull-request-fulfilled",
        "malformed: not the JSON of a push, at line 116, column 1",
    ),
    (
        "server-ping",
        "malformed: not the JSON of a push, at line 3, column 1",
    ),
    (
        "server-refs-changed",
        "malformed: not the JSON of a push, at line 24, column 3",
    ),
    (
        "tag-created",
        "acme/orders by ann: [Tag main -..2222 skip tag]",
    ),
    (
        "tag-deleted",
        "acme/orders by ann: [Tag v1.2.0 1111..- skip tag]",
    ),
    (
        "two-changes",
        "acme/orders by ann: [Branch main 1111..2222 deploy 2222, Branch release/1.2 -..2222 skip other_branch, Tag v1.2.0 -..2222 skip tag]",
    ),
    (
        "unicode-injection",
        r"acme/orders by {0b9a5f4e-1c2d-4e3f-8a9b-0c1d2e3f4a5b}: [Branch main\u{202e};$(id)`id`\' && {{ssm:/prod/x}} \u{1f680} -..2222 skip other_branch]",
    ),
    (
        "unknown-ref-type",
        "acme/orders by ann: [Unknown main -..- skip unknown_ref, Unknown  -..- skip unknown_ref, Branch main 1111..2222 deploy 2222]",
    ),
];

#[test]
fn each_fixture_means_what_its_name_says() {
    let found: Vec<(String, String)> = fixtures()
        .into_iter()
        .map(|(name, body)| (name, line(&delivered(PUSH, &body))))
        .collect();
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(name, line)| (name.as_str(), line.as_str()))
        .collect();
    assert_eq!(found, MEANINGS);
}

#[test]
fn what_is_not_a_push_is_not_even_parsed() {
    for (key, name) in [
        ("pullrequest:fulfilled", "pull-request-fulfilled"),
        ("repo:refs_changed", "server-refs-changed"),
        ("diagnostics:ping", "server-ping"),
        ("repo:commit_status_created", "branch-updated"),
        ("repo:push, repo:push", "branch-updated"),
        ("REPO:PUSH", "branch-updated"),
        ("", "branch-updated"),
    ] {
        assert_eq!(delivered(Some(key), &fixture(name)), Ok(None), "{key}");
    }
    assert_eq!(delivered(Some("diagnostics:ping"), b"\xff"), Ok(None));
    assert_eq!(
        delivered(None, &fixture("branch-updated")),
        Err(Malformed::NoEventKey)
    );
}

#[test]
fn the_signature_of_a_fixture_is_the_one_that_another_implementation_computed() {
    assert_eq!(
        signed(&fixture("branch-updated")),
        "sha256=28adff13abb0e87716df2fc320f3e275a890baa3e90154ca2e4c45627b76d259"
    );
}

#[test]
fn a_body_means_the_same_plain_and_in_base64() {
    let body = fixture("unicode-injection");
    let plain = serde_json::json!({"body": String::from_utf8(body.clone()).unwrap()}).to_string();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &body);
    let encoded = serde_json::json!({"body": encoded, "isBase64Encoded": true}).to_string();
    for event in [plain, encoded] {
        let request = Request::parse(&event).unwrap();
        assert_eq!(request.body(BODY_MAX).unwrap(), body);
    }
}

/// A push of one change; `change` is the text of its JSON.
fn push_of(change: &str) -> String {
    format!(
        r#"{{"push":{{"changes":[{change}]}},"repository":{{"full_name":"acme/orders","uuid":"{{7f6d1c1e-3a52-4c2f-9b0e-5d2f8a1b0c11}}"}}}}"#
    )
}

fn branch(kind: &str, name: &str, commit: &str) -> String {
    format!(
        r#"{{"type":"{kind}","name":"{name}","target":{{"hash":"{}"}}}}"#,
        commit.repeat(40)
    )
}

fn key_of(change: &str) -> String {
    let body = push_of(change);
    let push = delivered(PUSH, body.as_bytes()).unwrap().unwrap();
    push.changes[0].key.0.clone()
}

#[test]
fn a_key_names_the_content_of_a_change_and_nothing_else() {
    let update = |kind: &str, name: &str, old: &str, new: &str| {
        let (old, new) = (branch(kind, name, old), branch(kind, name, new));
        key_of(&format!(r#"{{"old":{old},"new":{new},"forced":true}}"#))
    };
    let known = "8b0633f2541229a8162d4722b7c60245a9752db915c060ec8ef8039bbb2ec18a";
    assert_eq!(
        update("branch", "main", "1", "2"),
        known,
        "as another implementation computed it"
    );
    let body = fixture("branch-updated");
    assert_eq!(
        delivered(PUSH, &body).unwrap().unwrap().changes[0].key.0,
        known
    );
    let mut keys = vec![
        known.to_owned(),
        update("branch", "main", "2", "1"),
        update("branch", "main", "3", "2"),
        update("branch", "mai", "1", "2"),
        update("tag", "main", "1", "2"),
        update("", "branchmain", "1", "2"),
        update("branchmain", "", "1", "2"),
        key_of(&format!(
            r#"{{"old":null,"new":{}}}"#,
            branch("branch", "main", "2")
        )),
        key_of(&format!(
            r#"{{"old":{},"new":null}}"#,
            branch("branch", "main", "2")
        )),
        key_of(r#"{"new":{}}"#),
        key_of(r#"{"new":{"name":""}}"#),
    ];
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[test]
fn a_change_that_could_be_misread_is_refused() {
    let main = branch("branch", "main", "2");
    let zero = branch("branch", "main", "0");
    for (change, expected) in [
        (
            r#"{"new":{"type":"branch","name":"main"}}"#.to_owned(),
            Malformed::Commit,
        ),
        (
            r#"{"new":{"type":"branch","name":"main","target":null}}"#.to_owned(),
            Malformed::Commit,
        ),
        (format!(r#"{{"new":{zero}}}"#), Malformed::Commit),
        (
            format!(r#"{{"old":{zero},"new":{main}}}"#),
            Malformed::Commit,
        ),
        (
            format!(r#"{{"new":{}}}"#, branch("branch", "main", "A")),
            Malformed::Commit,
        ),
        (
            format!(r#"{{"new":{}}}"#, main.replace(r#""name":"main","#, "")),
            Malformed::Change,
        ),
        ("{}".to_owned(), Malformed::Change),
    ] {
        let body = push_of(&change);
        assert_eq!(delivered(PUSH, body.as_bytes()), Err(expected), "{change}");
    }
    // Two values for one name: two readers could take different ones.
    let twice = push_of(&format!(r#"{{"new":{main},"new":{main}}}"#));
    assert!(matches!(
        delivered(PUSH, twice.as_bytes()),
        Err(Malformed::Json { .. })
    ));
}

#[test]
fn the_time_of_a_commit_is_kept_where_it_is_one_and_spoils_nothing_where_it_is_not() {
    let main = branch("branch", "main", "2");
    let dated = |date: &str| {
        let target = format!(r#""target":{{"date":{date},"#);
        let change = main.replace(r#""target":{"#, &target);
        let body = push_of(&format!(r#"{{"new":{change}}}"#));
        let push = delivered(PUSH, body.as_bytes()).unwrap().unwrap();
        push.changes[0].committed_at.map(Timestamp::as_unix_ms)
    };
    assert_eq!(
        dated(r#""2026-03-02T10:00:00+00:00""#),
        Some(1_772_445_600_000)
    );
    assert_eq!(
        dated(r#""2026-03-02T11:00:00\u002b01:00""#),
        Some(1_772_445_600_000)
    );
    for wrong in [
        "null",
        "7",
        "[]",
        r#""""#,
        r#""soon""#,
        r#""1969-01-01T00:00:00Z""#,
        r#"{"a":1}"#,
    ] {
        assert_eq!(dated(wrong), None, "{wrong}");
    }
    let body = fixture("branch-updated");
    let push = delivered(PUSH, &body).unwrap().unwrap();
    assert!(push.changes[0].committed_at.is_some());
}

#[test]
fn a_repository_that_is_no_valid_slug_is_refused() {
    let good = push_of("");
    for (from, to) in [
        ("acme/orders", "acme/.."),
        ("acme/orders", "acme/orders/x"),
        ("acme/orders", "acme/$(id)"),
        ("acme/orders", "{{ssm:/x}}/y"),
        ("acme/orders", "аcme/orders"),
        ("{7f6d1c1e", "7f6d1c1e"),
        ("7f6d1c1e", "7f6d1c1g"),
        ("7f6d1c1e-", "7f6d1c1e"),
    ] {
        let body = good.replace(from, to);
        assert_eq!(
            delivered(PUSH, body.as_bytes()),
            Err(Malformed::Repository),
            "{to}"
        );
    }
}

#[test]
fn there_is_a_limit_on_changes() {
    let change = format!(r#"{{"new":{}}}"#, branch("branch", "main", "2"));
    let full = push_of(&vec![change.as_str(); CHANGES_MAX].join(","));
    assert_eq!(
        delivered(PUSH, full.as_bytes())
            .unwrap()
            .unwrap()
            .changes
            .len(),
        CHANGES_MAX
    );
    let over = push_of(&vec![change.as_str(); CHANGES_MAX + 1].join(","));
    assert_eq!(
        delivered(PUSH, over.as_bytes()),
        Err(Malformed::TooManyChanges)
    );
}

#[test]
fn a_name_with_escapes_and_one_without_are_the_same_name() {
    let plain = push_of(&format!(r#"{{"new":{}}}"#, branch("branch", "ü/main", "2")));
    let escaped = push_of(&format!(
        r#"{{"new":{}}}"#,
        branch("branch", r"\u00fc\/main", "2")
    ));
    let plain = delivered(PUSH, plain.as_bytes()).unwrap().unwrap();
    let escaped = delivered(PUSH, escaped.as_bytes()).unwrap().unwrap();
    assert_eq!(plain, escaped);
    assert_eq!(plain.changes[0].kind, RefKind::Branch);
}

#[test]
fn nesting_as_deep_as_a_body_can_be_is_survived() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let depth = BODY_MAX / (open.len() + close.len()) - 200;
        let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let unread = push_of("").replacen('{', &format!(r#"{{"links":{nested},"#), 1);
        let read = push_of("").replace(r#""acme/orders""#, &nested);
        let _ = delivered(PUSH, unread.as_bytes());
        assert!(matches!(
            delivered(PUSH, read.as_bytes()),
            Err(Malformed::Json { .. })
        ));
        assert!(delivered(PUSH, nested.as_bytes()).is_err());
    }
}

#[test]
fn no_error_repeats_anything_of_the_body() {
    for body in [
        r#"{"push":"canary"}"#.to_owned(),
        push_of(r#"{"new":"canary"}"#),
        push_of(&branch("branch", "canary", "2").replace("22", "canary")),
        push_of("").replace("acme", "CANARY canary"),
    ] {
        let error = delivered(PUSH, body.as_bytes()).unwrap_err();
        let shown = format!("{error} {error:?}").to_lowercase();
        assert!(!shown.contains("canary"), "{shown}");
    }
}
