//! House rules that a reader would otherwise have to check by eye: what may be in the dependency tree, what the core may
//! know, what every file begins with, what must never be written down, and that the documents name things that exist.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

use longshore_core::FailureClass;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of the repository below a folder, without what is built or made while it is worked with.
fn files_below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let made = [
                "target",
                ".git",
                ".longshore",
                ".aws-sam",
                "node_modules",
                "__pycache__",
            ];
            if made.contains(&name.as_str()) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn rust_files_below(folder: &str) -> Vec<(String, String)> {
    files_below(folder)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.to_string_lossy().into_owned(), text)
        })
        .collect()
}

/// Name, version and source of every package in the lock file.
fn locked() -> Vec<(String, String, Option<String>)> {
    let value = |package: &str, key: &str| {
        let line = package.lines().find(|line| line.starts_with(key))?;
        Some(line.split('"').nth(1)?.to_owned())
    };
    let lock = read("Cargo.lock");
    let packages = lock.split("[[package]]").skip(1);
    packages
        .map(|package| {
            let name = value(package, "name = ").unwrap();
            let version = value(package, "version = ").unwrap();
            (name, version, value(package, "source = "))
        })
        .collect()
}

#[test]
fn no_second_tls_stack_and_no_old_one_is_in_the_tree() {
    for (name, version, _) in locked() {
        let banned = ["aws-lc-sys", "aws-lc-rs", "openssl-sys"].contains(&name.as_str());
        assert!(!banned, "{name} is banned");
        let mut numbers = version.split('.').map(|n| n.parse().unwrap_or(0_u32));
        let (major, minor) = (numbers.next().unwrap(), numbers.next().unwrap());
        match name.as_str() {
            "rustls" => assert!((major, minor) >= (0, 23), "rustls {version}"),
            "hyper" => assert!(major >= 1, "hyper {version}"),
            _ => {}
        }
    }
}

#[test]
fn every_package_comes_from_the_public_registry() {
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    for (name, _, source) in locked() {
        let known = source.as_deref().is_none_or(|source| source == registry);
        assert!(known, "{name} comes from {source:?}");
    }
}

/// What cargo says about the workspace as the lock file has it.
fn cargo(command: &str, arguments: &[&str]) -> String {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    let cargo = cargo.args([command, "--locked"]).args(arguments);
    let output = cargo.current_dir(root()).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    String::from_utf8(output.stdout).unwrap()
}

/// The licences of `deny.toml`, the one list of them.
fn allowed_licences() -> Vec<spdx::Licensee> {
    let rules = read("deny.toml");
    let (_, list) = rules.split_once("\nallow = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let names = list.split('"').skip(1).step_by(2);
    names
        .map(|name| spdx::Licensee::parse(name).unwrap())
        .collect()
}

#[test]
fn every_package_has_a_licence_that_is_allowed() {
    let allowed = allowed_licences();
    assert!(allowed.len() > 3, "{allowed:?}");
    for target in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] {
        let form = ["--format-version=1", "--filter-platform", target];
        let metadata: serde_json::Value = serde_json::from_str(&cargo("metadata", &form)).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        assert!(packages.len() > 200, "{}", packages.len());
        for package in packages {
            let name = package["name"].as_str().unwrap();
            let licence = package["license"].as_str();
            let licence = licence.unwrap_or_else(|| panic!("{name} has no licence"));
            let choices = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX).unwrap();
            let holds =
                choices.evaluate(|one| allowed.iter().any(|licence| licence.satisfies(one)));
            assert!(holds, "{name} has the licence {licence}");
        }
    }
}

/// Every package with the features that it is built with, when these kinds of dependencies count.
fn features(edges: &str) -> BTreeSet<String> {
    let form = ["--prefix=none", "--format={p} {f}", "--edges", edges];
    let lines = cargo("tree", &[&["--workspace"][..], &form].concat());
    let packages = lines.lines().filter(|line| !line.is_empty());
    packages
        .map(|line| line.trim_end_matches(" (*)").trim().to_owned())
        .collect()
}

/// Else `cargo test` would compile every SDK a second time, some minutes of work.
#[test]
fn programs_and_tests_are_built_with_the_same_features() {
    let programs = features("normal,build");
    let tests = features("normal,build,dev");
    assert!(programs.len() > 200, "{}", programs.len());
    let only: Vec<&String> = programs.difference(&tests).collect();
    assert!(only.is_empty(), "built otherwise for tests: {only:?}");
}

#[test]
fn pm2_is_pinned_in_one_place() {
    let locks = files_below(".").into_iter().filter(|path| {
        let is_lock = path.ends_with("package-lock.json");
        is_lock
            && std::fs::read_to_string(path).is_ok_and(|lock| lock.contains("node_modules/pm2\""))
    });
    let locks: Vec<PathBuf> = locks.collect();
    assert_eq!(locks, [root().join("./local/npm/package-lock.json")]);
}

#[test]
fn the_core_is_pure() {
    let manifest = read("shared/core/Cargo.toml");
    let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap();
    let dependencies: Vec<&str> = rest
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(dependencies, ["sha2", "thiserror"]);
    for (path, text) in rust_files_below("shared/core/src") {
        for word in ["async", "SystemTime", "Instant", "std::env", "serde::"] {
            let used = text.lines().any(|line| {
                let code = line.trim_start();
                !code.starts_with("//") && code.contains(word)
            });
            assert!(!used, "{path} uses {word}");
        }
    }
}

#[test]
fn every_file_says_first_what_it_is() {
    let files = rust_files_below(".");
    assert!(files.len() > 100, "{}", files.len());
    for (path, text) in files {
        assert!(text.starts_with("//!"), "{path}");
    }
}

#[test]
fn no_folder_has_a_mod_file() {
    for path in files_below(".") {
        assert!(!path.ends_with("mod.rs"), "{}", path.display());
    }
}

#[test]
fn a_functions_main_only_joins_it_to_the_world() {
    let mains: Vec<(String, String)> = rust_files_below("functions")
        .into_iter()
        .filter(|(path, _)| path.ends_with("src/main.rs"))
        .collect();
    assert_eq!(mains.len(), 10);
    for (path, text) in mains {
        assert!(text.lines().count() <= 30, "{path}");
    }
}

#[test]
fn only_the_shell_names_an_aws_sdk() {
    for folder in [
        "functions",
        "shared/core",
        "shared/app-config",
        "tests/harness",
    ] {
        for (path, text) in rust_files_below(folder) {
            for word in ["aws_sdk_", "aws_smithy", "aws_config", "aws_types"] {
                assert!(!text.contains(word), "{path} names {word}");
            }
        }
    }
}

/// Absolute paths of whoever wrote a file mean nothing on another machine. The words are put together here, so that this
/// file does not contain them.
#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    let forbidden = [["/wo", "rk/"], ["/ro", "ot/"]].map(|parts| parts.concat());
    for path in files_below(".") {
        let text = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&text);
        for word in &forbidden {
            assert!(!text.contains(word), "{} contains {word}", path.display());
        }
    }
}

/// The classes in the table of the host side's README, with their exit codes, in its order.
fn classes_of_the_readme() -> Vec<(String, u8)> {
    let page = read("host/README.md");
    let (_, table) = page.split_once("| class | exit | meaning |").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let names = cells[1].split(',').map(|name| name.trim().replace('`', ""));
        let codes = cells[2].split(',').map(|code| code.trim().parse().unwrap());
        names.zip(codes).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn every_class_that_a_host_answers_is_known_to_the_core() {
    let classes = classes_of_the_readme();
    assert!(classes.len() >= 20, "{classes:?}");
    let known: BTreeSet<String> = classes
        .iter()
        .filter(|(word, _)| word != "done")
        .map(|(word, _)| format!("{:?}", FailureClass::from_word(word).expect(word)))
        .collect();
    let shell = read("shared/shell/src/commands/answer.rs");
    let (_, list) = shell.split_once("const HOST_CLASSES").unwrap();
    let (list, _) = list.split_once("];").unwrap();
    let taken: BTreeSet<String> = list
        .split("FailureClass::")
        .skip(1)
        .filter_map(|name| Some(name.split_once(',')?.0.to_owned()))
        .collect();
    assert_eq!(known, taken, "the page and what an answer may say");
    let operations = read("docs/OPERATIONS.md");
    for class in FailureClass::ALL {
        let row = format!("| `{}` | {} |", class.word(), class.next_step());
        assert!(operations.contains(&row), "docs/OPERATIONS.md has no {row}");
    }
}

#[test]
fn the_host_script_ends_with_the_codes_of_its_documentation() {
    let script = longshore_tests::host_script();
    let mut codes = BTreeSet::new();
    for (word, code) in classes_of_the_readme() {
        let arm = format!("{word}) echo {code} ;;");
        let spelled = script.contains(&arm) || code == 70;
        assert!(spelled, "the script has no {arm:?}");
        assert!(
            ![137, 168, 169, 194].contains(&code),
            "the agent's own {code}"
        );
        assert!(codes.insert(code), "{code} twice");
    }
}

#[test]
fn every_xtask_command_of_the_readme_exists() {
    let usage = read("xtask/src/main.rs");
    let readme = read("README.md");
    let commands: BTreeSet<&str> = readme
        .lines()
        .filter_map(|line| line.trim().strip_prefix("cargo xtask "))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    assert!(!commands.is_empty());
    for command in commands {
        let listed = usage.contains(&format!("\n  {command} "));
        assert!(listed, "the README names `cargo xtask {command}`");
    }
}

/// Every test's name in the tree, in Rust and in Python.
fn test_names() -> BTreeSet<String> {
    let sources = files_below(".").into_iter().filter(|path| {
        let end = path.extension().and_then(|end| end.to_str());
        matches!(end, Some("rs" | "py"))
    });
    let mut names = BTreeSet::new();
    for path in sources {
        let text = std::fs::read_to_string(path).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim_start) {
            let line = line.strip_prefix("async ").unwrap_or(line);
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let rust = line
                .strip_prefix("fn ")
                .filter(|_| std::mem::take(&mut is_test));
            let python = line
                .strip_prefix("def ")
                .filter(|name| name.starts_with("test_"));
            names.extend(
                rust.or(python)
                    .and_then(|rest| rest.split('(').next())
                    .map(str::to_owned),
            );
        }
    }
    names
}

/// What stands between two marks, each time.
fn quoted(text: &str, mark: char) -> Vec<&str> {
    text.split(mark).skip(1).step_by(2).collect()
}

#[test]
fn every_fault_case_names_tests_that_exist() {
    let page = read("docs/FAULTS.md");
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| #"))
        .collect();
    let tests = test_names();
    let mut simulated = BTreeSet::new();
    for (number, row) in (1..).zip(&rows) {
        let cells: Vec<&str> = row.split(" | ").collect();
        assert_eq!(cells.len(), 5, "{row}");
        assert_eq!(cells[0], format!("| {number}"), "a case is missing");
        simulated.extend(quoted(cells[3], '*'));
        let names = quoted(cells[4], '`');
        assert!(!names.is_empty(), "case {number} names no test");
        for name in names {
            assert!(tests.contains(name), "case {number}: there is no {name}");
        }
    }
    assert!(rows.len() >= 57, "{}", rows.len());
    let words: BTreeSet<&str> = longshore_tests::Fault::ALL
        .iter()
        .map(|f| f.word())
        .collect();
    assert_eq!(simulated, words);
}

/// A mistake that cannot be made any more tests nothing.
#[test]
fn every_mistake_on_the_list_can_be_made() {
    let list: Vec<serde_json::Value> = serde_json::from_str(&read("tests/mutants.json")).unwrap();
    let mut names = BTreeSet::new();
    for mutant in &list {
        let word = |key: &str| {
            mutant[key]
                .as_str()
                .unwrap_or_else(|| panic!("{key}: {mutant}"))
        };
        assert!(names.insert(word("name")), "{} twice", word("name"));
        let places = read(word("file")).matches(word("text")).count();
        assert_eq!(
            places,
            1,
            "{}: {places} places in {}",
            word("name"),
            word("file")
        );
        assert_ne!(word("text"), word("instead"));
    }
    assert!(names.len() >= 25, "{}", names.len());
}

/// The rows of the table of mistakes in `docs/PROOF.md`: the name, what it is, and what notices it.
fn mistakes_of_the_docs() -> Vec<[String; 3]> {
    let page = read("docs/PROOF.md");
    let (_, table) = page
        .split_once("| mistake | what it is | noticed by |")
        .unwrap();
    let rows = table.lines().skip(2).take_while(|l| l.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let [name, what, net] = cells[..] else {
            panic!("{row}")
        };
        [name.trim_matches('`'), what, net].map(str::to_owned)
    })
    .collect()
}

/// The list and the table are the same: each mistake, what it is, and the net that notices it.
#[test]
fn every_mistake_on_the_list_is_in_the_docs_with_a_net_that_exists() {
    let list: Vec<serde_json::Value> = serde_json::from_str(&read("tests/mutants.json")).unwrap();
    let rows = mistakes_of_the_docs();
    let names = |row: &[String; 3]| row[0].clone();
    let listed: Vec<String> = list
        .iter()
        .map(|mutant| mutant["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(rows.iter().map(names).collect::<Vec<_>>(), listed);
    let tests = test_names();
    for (mutant, [name, what, noticed]) in list.iter().zip(&rows) {
        assert_eq!(mutant["mistake"], what.as_str(), "{name}");
        if let Some(test) = mutant["net"]["name"].as_str() {
            assert!(tests.contains(test), "{name}: there is no test {test}");
            assert_eq!(noticed, &format!("`{test}`"), "{name}");
        } else {
            assert_eq!(mutant["net"], "simulation", "{name}");
            let says_how = noticed.starts_with("the simulation, ");
            assert!(says_how, "{name}: {noticed}");
        }
    }
}
