//! What the wire looks like, where a caller depends on it.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

use longshore_contract::{Begin, BeginKind, ErrorWord, Operation, Reason, Refusal, openapi};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn every_error_word_is_found_again_and_says_what_to_do() {
    let words: BTreeSet<&str> = ErrorWord::ALL.iter().map(|error| error.word()).collect();
    assert_eq!(words.len(), ErrorWord::ALL.len());
    for error in ErrorWord::ALL {
        let json = serde_json::to_string(error).unwrap();
        assert_eq!(json, format!("\"{}\"", error.word()));
        assert_eq!(serde_json::from_str::<ErrorWord>(&json).unwrap(), *error);
        assert!(error.message().ends_with('.') && error.next().ends_with('.'));
        assert!((400..600).contains(&error.status()), "{json}");
    }
}

#[test]
fn an_error_word_of_a_later_version_is_still_an_error() {
    let json = r#"{"error":"from_the_future","message":"m","next":"n","more":1}"#;
    let refusal: Refusal = serde_json::from_str(json).unwrap();
    assert_eq!(refusal.error, ErrorWord::Unknown);
}

#[test]
fn a_request_with_a_field_that_is_not_known_is_refused() {
    let good = r#"{"kind":"push","commit":"aa"}"#;
    assert_eq!(
        serde_json::from_str::<Begin>(good).unwrap().kind,
        BeginKind::Push
    );
    assert!(serde_json::from_str::<Begin>(r#"{"kind":"push","comit":"aa"}"#).is_err());
    assert!(serde_json::from_str::<Reason>(r#"{"reason":"r","secs":1}"#).is_err());
}

#[test]
fn what_is_missing_is_left_out() {
    let redeploy = Begin {
        kind: BeginKind::Redeploy,
        commit: None,
        deployment: None,
        artifact: None,
        from: None,
        whatever_the_database: false,
        take_back_migrations: false,
        key: None,
        reason: None,
    };
    assert_eq!(
        serde_json::to_string(&redeploy).unwrap(),
        r#"{"kind":"redeploy"}"#
    );
}

#[test]
fn no_two_operations_have_one_route_or_one_word() {
    let all = Operation::ALL.iter();
    let routes: BTreeSet<_> = all
        .clone()
        .map(|o| (o.route().method, o.route().path))
        .collect();
    let words: BTreeSet<_> = all.map(|operation| operation.word()).collect();
    assert_eq!(routes.len(), Operation::ALL.len());
    assert_eq!(words.len(), Operation::ALL.len());
}

/// `UPDATE=1 cargo test --workspace --test contract` writes it.
#[test]
fn the_published_document_is_the_one_of_the_types() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/operator-api.openapi.json"
    );
    let document = openapi();
    if std::env::var_os("UPDATE").is_some() {
        let text = serde_json::to_string_pretty(&document).unwrap();
        std::fs::write(path, format!("{text}\n")).unwrap();
    }
    let published: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(published, document, "run the tests once with UPDATE=1");
}
