//! Holds `docs/CONFIGURATION.md` to the code: its examples are read, its table is compared with the schema.

use crate::{samples, validator};
use longshore_app_config::AppConfig;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CONFIGURATION.md");
    fs::read_to_string(path).unwrap()
}

fn examples(page: &str) -> Vec<&str> {
    let blocks = page.split("```json\n").skip(1);
    blocks
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect()
}

#[test]
fn every_example_of_the_page_is_a_valid_document() {
    let page = page();
    let examples = examples(&page);
    assert!(examples.len() >= 2, "a minimal and a full example");
    for example in examples {
        if let Err(problems) = samples::parse(example) {
            panic!("{example}\n{problems}");
        }
        let value: Value = serde_json::from_str(example).unwrap();
        assert!(
            validator::accepts(&AppConfig::json_schema(), &value),
            "{example}"
        );
    }
}

#[test]
fn the_full_example_shows_every_key() {
    let page = page();
    let shows = |example: &&str| example.contains("migrate_down");
    let full = examples(&page).into_iter().find(shows).unwrap();
    let full: Value = serde_json::from_str(full).unwrap();
    for (path, _, _) in keys() {
        let pointer = format!("/{}", path.replace('.', "/"));
        assert!(full.pointer(&pointer).is_some(), "{path}");
    }
}

#[test]
fn every_key_has_its_row_with_its_default_and_its_bounds() {
    let page = page();
    for (path, schema, required) in keys() {
        let start = format!("| `{path}` |");
        let rows: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with(&start))
            .collect();
        assert_eq!(rows.len(), 1, "rows of {path}");
        let cells: Vec<&str> = rows[0].split('|').map(str::trim).collect();
        assert_eq!(
            cells.len(),
            7,
            "key, type and bounds, default, meaning, example: {path}"
        );
        let default = match schema.get("default") {
            Some(default) => format!("`{default}`"),
            None if required => "required".to_owned(),
            None => "none".to_owned(),
        };
        assert!(
            cells[3].starts_with(&default),
            "the default of {path} is {default}"
        );
        if let (Some(least), Some(most)) = (schema.get("minimum"), schema.get("maximum")) {
            let bounds = format!("{least} to {most}");
            assert!(
                cells[2].contains(&bounds),
                "the bounds of {path} are {bounds}"
            );
        }
        for word in schema["enum"].as_array().into_iter().flatten() {
            assert!(
                cells[2].contains(&format!("`{word}`")),
                "{path} can be {word}"
            );
        }
        if path.ends_with("_seconds") {
            assert!(cells[2].ends_with("seconds"), "the unit of {path}");
        }
    }
}

#[test]
fn the_page_has_no_row_for_a_key_that_does_not_exist() {
    let page = page();
    let known: Vec<String> = keys().into_iter().map(|(path, _, _)| path).collect();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let path = row.split('`').nth(1).unwrap().to_owned();
        assert!(known.contains(&path), "{path}");
    }
}

/// Every key with its schema and whether it must be there.
fn keys() -> Vec<(String, Value, bool)> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), AppConfig::json_schema())];
    while let Some((at, schema)) = open.pop() {
        for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
            let path = if at.is_empty() {
                key.clone()
            } else {
                format!("{at}.{key}")
            };
            let required = schema["required"]
                .as_array()
                .unwrap()
                .contains(&Value::from(key.as_str()));
            found.push((path.clone(), inner.clone(), required));
            open.push((path, inner.clone()));
        }
    }
    found
}
