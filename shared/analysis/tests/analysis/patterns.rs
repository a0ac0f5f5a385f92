//! Patterns: what is one error and what is another.

use longshore_analysis::{message, pattern};
use proptest::prelude::*;

#[test]
fn lines_of_one_error_have_one_pattern() {
    for (lines, expected) in [
        (
            &["Error: timeout after 30 ms", "Error: timeout after 4711 ms"][..],
            "Error: timeout after <n> ms",
        ),
        (
            &[
                "2026-11-28T13:00:00.123Z ERROR connect ECONNREFUSED 10.0.0.4:5432",
                "2026-11-28T13:07:59.999Z ERROR connect ECONNREFUSED 10.0.0.17:5432",
            ],
            "<n> ERROR connect ECONNREFUSED <n>",
        ),
        (
            &[
                "[2026-11-28 13:00:00] FATAL out of memory",
                "[2026-11-29 01:00:10] FATAL out of memory",
            ],
            "[<n> <n>] FATAL out of memory",
        ),
        (
            &[
                "ERROR order 550e8400-e29b-41d4-a716-446655440000 not found",
                "ERROR order 123e4567-e89b-12d3-a456-426614174000 not found",
            ],
            "ERROR order <id> not found",
        ),
        (
            &[
                "ERROR commit deadbeef0 broken",
                "ERROR commit 1234abcdef broken",
            ],
            "ERROR commit <id> broken",
        ),
        (
            &[
                "TypeError: Cannot read properties of undefined (reading 'name')",
                "TypeError: Cannot read properties of undefined (reading 'id')",
            ],
            "TypeError: Cannot read properties of undefined (reading <text>)",
        ),
        (
            &[
                "ENOENT: no such file or directory, open '/srv/a.txt'",
                "ENOENT: no such file or directory, open '/srv/b c.txt'",
            ],
            "ENOENT: no such file or directory, open <text>",
        ),
        (
            &["GET /orders/17 500", "GET /orders/18?x=1 500"],
            "GET <path> <n>",
        ),
        (
            &["error of ada@example.com", "error of bob@example.org"],
            "error of <id>",
        ),
        (&["worker12 died", "worker3 died"], "worker<n> died"),
        (&["a   b\tc", "a b c"], "a b c"),
        (&["it's gone", "it's gone"], "it's gone"),
    ] {
        check(lines, expected);
    }
}

#[test]
fn of_a_json_line_its_message_counts() {
    for (lines, expected) in [
        (
            &[
                r#"{"level":50,"time":1700000000000,"pid":7,"msg":"db down after 3 tries"}"#,
                r#"{"level":50,"time":1700000099999,"pid":9,"msg":"db down after 12 tries","extra":true}"#,
            ][..],
            "db down after <n> tries",
        ),
        (
            &[
                r#"{"level":"error","err":{"type":"TypeError","message":"x is not a function","stack":"…"}}"#,
                r#"{"err":{"message":"x is not a function","type":"TypeError"}}"#,
            ],
            "TypeError: x is not a function",
        ),
        (&[r#"{"code":7,"level":"error"}"#], "code level"),
    ] {
        check(lines, expected);
    }
}

/// Each of the lines has this pattern.
fn check(lines: &[&str], expected: &str) {
    for line in lines {
        assert_eq!(pattern(line), expected, "{line}");
    }
}

#[test]
fn different_errors_have_different_patterns() {
    let lines = [
        "TypeError: x is not a function",
        "TypeError: y is not a function",
        "ReferenceError: x is not defined",
        "Error: connect ECONNREFUSED 10.0.0.4:5432",
        "Error: connect ETIMEDOUT 10.0.0.4:5432",
        r#"{"msg":"db down"}"#,
        r#"{"msg":"queue down"}"#,
    ];
    let patterns: std::collections::BTreeSet<String> =
        lines.iter().map(|line| pattern(line)).collect();
    assert_eq!(patterns.len(), lines.len());
}

#[test]
fn hostile_lines_are_bounded_and_read_as_text() {
    for (line, longest) in [
        ("", 0),
        ("\"", 1),
        ("''''", 500),
        ("{", 1),
        (r#"{"msg":"#, 500),
        ("[[[[[[[[[[", 500),
        ("::::....", 500),
        ("\u{202e}gnihtemos", 500),
        ("\u{1b}[31mERROR\u{1b}[0m", 500),
    ] {
        assert!(pattern(line).chars().count() <= longest, "{line:?}");
    }
    let deep = format!("{}{}", "{\"msg\":".repeat(10_000), "1");
    assert!(pattern(&deep).chars().count() <= 1_500);
    let long = "ERROR 'é ".repeat(100_000);
    assert!(pattern(&long).chars().count() <= 1_500);
    assert!(message(&long).chars().count() <= 200);
}

proptest! {
    #[test]
    fn any_line_has_a_pattern_of_bounded_length(line in any::<String>()) {
        // A digit becomes a placeholder of three characters.
        prop_assert!(pattern(&line).chars().count() <= 1_500);
        prop_assert!(message(&line).chars().count() <= 200);
    }

    #[test]
    fn numbers_change_no_pattern(words in proptest::collection::vec("[a-zA-Z]{1,8}", 1..8), one in 0_u32..1_000_000, other in 0_u32..1_000_000) {
        let line = |number: u32| format!("{} {number} {number}ms", words.join(" "));
        prop_assert_eq!(pattern(&line(one)), pattern(&line(other)));
    }
}
