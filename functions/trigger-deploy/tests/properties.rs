//! Whatever is delivered, reading it ends with an answer: arbitrary bytes, and real deliveries with pieces taken out and
//! put in. And no change of a signed body goes unnoticed.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "common/deliveries.rs"]
mod deliveries;

use deliveries::{SECRET, delivered, fixture, fixtures, payloads, signed};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::Value;
use std::sync::LazyLock;
use trigger_deploy::request::Request;
use trigger_deploy::signature::{Secrets, Unsigned, verify};
use trigger_deploy::webhook::CHANGES_MAX;

fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..Config::default()
    }
}

/// Read once: the disk is slower than the parser.
static FIXTURES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(fixtures);
static CORPUS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let all = FIXTURES.iter().cloned().chain(payloads());
    all.map(|(_, body)| serde_json::from_slice(&body).unwrap())
        .collect()
});
static SIGNED: LazyLock<(Vec<u8>, String)> = LazyLock::new(|| {
    let body = fixture("branch-updated");
    let header = signed(&body);
    (body, header)
});

/// One change to a document: at the place that `at` picks, something is taken out, replaced or put in.
#[derive(Clone, Debug)]
struct Edit {
    at: prop::sample::Index,
    what: u8,
    value: Value,
}

fn edit() -> impl Strategy<Value = Edit> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(Value::Array(Vec::new())),
        Just(serde_json::json!({})),
        Just(serde_json::json!([{"new": {"type": "branch", "name": "main"}}])),
    ];
    (any::<prop::sample::Index>(), 0_u8..3, value).prop_map(|(at, what, value)| Edit {
        at,
        what,
        value,
    })
}

/// The pointers of every value of a document.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(inner, &format!("{at}/{name}"), all);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                pointers(inner, &format!("{at}/{index}"), all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn apply(document: &mut Value, edit: &Edit) {
    let mut all = Vec::new();
    pointers(document, "", &mut all);
    let pointer: &String = edit.at.get(&all);
    let place = document.pointer_mut(pointer).unwrap();
    let names = [
        "new", "old", "type", "name", "target", "hash", "changes", "uuid", "other",
    ];
    match (edit.what, place) {
        (0, Value::Object(fields)) if !fields.is_empty() => {
            let name = edit
                .at
                .get(&fields.keys().cloned().collect::<Vec<_>>())
                .clone();
            fields.remove(&name);
        }
        (1, Value::Object(fields)) => {
            fields.insert((*edit.at.get(&names)).to_owned(), edit.value.clone());
        }
        (_, place) => *place = edit.value.clone(),
    }
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn a_delivery_with_pieces_taken_out_and_put_in_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec(edit(), 1..8),
    ) {
        let mut document = which.get(&CORPUS).clone();
        for edit in &edits {
            apply(&mut document, edit);
        }
        let body = serde_json::to_vec(&document).unwrap();
        if let Ok(Some(push)) = delivered(Some("repo:push"), &body) {
            prop_assert!(push.changes.len() <= CHANGES_MAX);
            for change in &push.changes {
                prop_assert_eq!(change.key.0.len(), 64);
            }
        }
    }

    #[test]
    fn a_delivery_cut_short_is_refused(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let (_, body) = which.get(&FIXTURES);
        let end = body.iter().rposition(|byte| *byte == b'}').unwrap();
        let cut = &body[..at.index(end)];
        prop_assert!(delivered(Some("repo:push"), cut).is_err());
    }

    #[test]
    fn any_flipped_bit_of_a_signed_body_is_refused(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (mut body, header) = SIGNED.clone();
        let at = at.index(body.len());
        body[at] ^= 1 << bit;
        let secrets = Secrets::parse(SECRET).unwrap();
        prop_assert_eq!(verify(&secrets, Some(&header), &body).unwrap_err(), Unsigned);
    }
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn arbitrary_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = delivered(Some("repo:push"), &body);
        let _ = Request::parse(&String::from_utf8_lossy(&body));
    }

    #[test]
    fn arbitrary_text_is_read_or_refused(text in r#"[{}\[\]",:a-z0-9\\u]{0,80}"#) {
        let _ = delivered(Some("repo:push"), text.as_bytes());
        let _ = Request::parse(&text);
    }

    #[test]
    fn no_header_of_arbitrary_text_is_a_signature(header in ".{0,80}") {
        let secrets = Secrets::parse(SECRET).unwrap();
        prop_assert_eq!(verify(&secrets, Some(&header), b"body").unwrap_err(), Unsigned);
    }
}
