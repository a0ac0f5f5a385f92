//! Holds the examples of `docs/CONFIGURATION.md` to the code.

use crate::{logs, metrics};
use longshore_analysis::{ErrorLines, MetricRule, Value};
use std::path::Path;

/// The rows of the table whose header begins like this.
fn rows(header: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CONFIGURATION.md");
    let page = std::fs::read_to_string(path).unwrap();
    let table = page
        .lines()
        .skip_while(|line| !line.starts_with(header))
        .skip(2);
    let rows = table.take_while(|line| line.starts_with('|')).map(|line| {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    });
    rows.collect()
}

#[test]
fn the_examples_of_metrics_are_judged_as_they_say() {
    let rows = rows("| a latency in ms, with `change_max` 50% and `change_min` 20 |");
    assert_eq!(rows.len(), 6);
    let rule = MetricRule {
        change_min: Value::whole(20),
        ..metrics::RULE
    };
    for row in rows {
        let numbers = |cell: &str| {
            let numbers = cell
                .split(' ')
                .map(|number| number.parse::<i64>().unwrap() * 1_000_000);
            numbers.collect::<Vec<_>>()
        };
        let judgement = metrics::judged(&rule, &numbers(&row[2]), &numbers(&row[1]), None);
        let word = row[3].split(':').next().unwrap();
        assert_eq!(
            judgement.finding.word(),
            word,
            "{row:?}: {}",
            judgement.said()
        );
    }
}

/// The lines that each row of the other table tells of: before, and since the switch.
fn told(row: &str) -> (ErrorLines, ErrorLines) {
    let timeout = "ERROR timeout after 30 ms";
    let silent = || ErrorLines {
        logged: false,
        ..logs::lines(5, &[])
    };
    match row {
        "doubled" => (
            logs::lines(30, &[(120, timeout)]),
            logs::lines(5, &[(40, timeout)]),
        ),
        "a new kind" => (
            logs::lines(30, &[(120, timeout)]),
            logs::lines(5, &[(20, timeout), (12, "TypeError: x is not a function")]),
        ),
        "the same error, other numbers" => (
            logs::lines(30, &[(120, timeout)]),
            logs::lines(5, &[(22, "ERROR timeout after 41 ms")]),
        ),
        "a few on a quiet service" => (logs::lines(30, &[]), logs::lines(5, &[(6, timeout)])),
        "by chance" => (
            logs::lines(30, &[(48, timeout)]),
            logs::lines(5, &[(13, timeout)]),
        ),
        "silence" => (logs::lines(30, &[(120, timeout)]), silent()),
        other => panic!("{other} is not told here"),
    }
}

#[test]
fn the_examples_of_error_lines_are_judged_as_they_say() {
    let rows = rows("| with `change_max` 50%, `events_min` 10 |");
    assert_eq!(rows.len(), 6);
    for row in rows {
        let (before, now) = told(&row[0]);
        let judgement = logs::judged(&now, &before);
        let word = row[3].split([':', ',']).next().unwrap();
        assert_eq!(
            judgement.finding.word(),
            word,
            "{row:?}: {}",
            judgement.said()
        );
        if row[3].contains("shows") {
            assert!(
                judgement.said().contains("TypeError"),
                "{}",
                judgement.said()
            );
        }
    }
}
