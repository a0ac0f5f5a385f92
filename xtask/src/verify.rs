//! `cargo xtask test`: every check and every test, in the order in which a failure is cheapest to find.

use crate::generate;
use crate::steps::{Done, built, cargo, root, run_with, say};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// One part of the run.
struct Part {
    name: &'static str,
    run: fn() -> Done,
}

const PARTS: &[Part] = &[
    Part {
        name: "format",
        run: || cargo(&["fmt", "--all", "--check"]),
    },
    Part {
        name: "template carries the host script",
        run: || generate::run(true),
    },
    Part {
        name: "build",
        run: || cargo(&["build", "--workspace"]),
    },
    Part {
        name: "tools",
        run: || local(&["tools"]),
    },
    Part {
        name: "shellcheck",
        run: shellcheck,
    },
    Part {
        name: "template",
        run: || python("checks", "tests/template", &[]),
    },
    Part {
        name: "host script",
        run: || local(&["host-tests"]),
    },
    Part {
        name: "launcher",
        run: || python("local", "local/ministack/tests", &[]),
    },
    Part {
        name: "rust tests, with the local cloud",
        run: || local(&["rust-tests"]),
    },
    Part {
        name: "console",
        run: || local(&["console-tests"]),
    },
    Part {
        name: "clippy",
        run: clippy,
    },
    Part {
        name: "documentation",
        run: documentation,
    },
];

/// Runs every part, or those whose name contains a word that is given, and prints what each took.
pub(crate) fn everything(only: &[String]) -> Done {
    let mut took: Vec<(&str, Duration)> = Vec::new();
    for part in PARTS {
        if !only.is_empty() && !only.iter().any(|word| part.name.contains(word.as_str())) {
            continue;
        }
        say(&format!("\n=== {}", part.name));
        let began = now();
        (part.run)().map_err(|problem| format!("{}: {problem}", part.name))?;
        took.push((part.name, now().duration_since(began)));
    }
    say("\nAll parts passed:");
    for (name, time) in &took {
        say(&format!("  {:>6.1} s  {name}", time.as_secs_f64()));
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "shown to a person, never asserted on"
)]
fn now() -> Instant {
    Instant::now()
}

fn clippy() -> Done {
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])
}

fn documentation() -> Done {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let args = ["doc", "--workspace", "--no-deps"];
    run_with(
        &PathBuf::from(cargo),
        &args,
        &[("RUSTDOCFLAGS", "-D warnings")],
    )
}

/// A part that the local cloud's own program runs, as it knows where the tools are.
fn local(args: &[&str]) -> Done {
    run_with(&built().join("longshore-local"), args, &[])
}

/// Checks the script as a whole, since its files are parts of one program.
fn shellcheck() -> Done {
    let whole = built().join("host-script.sh");
    std::fs::write(&whole, generate::script()?).map_err(|error| error.to_string())?;
    let bootstrap = root().join("host/bootstrap.sh");
    local(&[
        "tool",
        "checks",
        "shellcheck",
        "-o",
        "all",
        "-S",
        "style",
        &whole.display().to_string(),
        &bootstrap.display().to_string(),
    ])
}

/// Runs the unittests of a folder with the Python of one of our tool sets.
fn python(tools: &str, folder: &str, more: &[&str]) -> Done {
    let folder = root().join(folder);
    let folder = folder.display().to_string();
    let mut args = vec![
        "tool", tools, "python", "-m", "unittest", "discover", "-s", &folder,
    ];
    args.extend(more);
    local(&args)
}
