//! `cargo xtask mutants`: makes one mistake of `tests/mutants.json` after the other in a copy of the tree, and sees whether the
//! net that the list names for it notices.
//!
//! Minutes for each mistake, as nearly everything is compiled again: for developers and nightly runs, not for every change.

use clap::Parser;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

/// Makes mistakes on purpose and sees whether they are noticed.
#[derive(Debug, Parser)]
#[command(name = "mutants")]
struct Arguments {
    /// The mistakes by name; without any, all of them.
    names: Vec<String>,
    /// Schedules that the simulation plays for each.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
}

/// What became of a mistake.
enum Verdict {
    /// A net noticed it; how it said so.
    Caught(String),
    /// Everything held.
    Survived,
    /// It is no mistake that could be made: it does not compile.
    Senseless(String),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            say(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is a command for a terminal")]
fn say(text: &str) {
    println!("{text}");
}

/// Says whether every mistake was caught.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let copy = Copy::make()?;
    let text = copy.read("tests/mutants.json")?;
    let list: Vec<Value> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let wanted = |mutant: &&Value| {
        let name = word(mutant, "name").unwrap_or_default();
        arguments.names.is_empty() || arguments.names.iter().any(|wanted| wanted == name)
    };
    let mut all_caught = true;
    for mutant in list.iter().filter(wanted) {
        let name = word(mutant, "name")?;
        let verdict = copy.with(mutant, |copy| judge(copy, mutant, arguments.seeds))?;
        all_caught &= matches!(verdict, Verdict::Caught(_));
        say(&match verdict {
            Verdict::Caught(how) => format!("caught     {name}: {how}"),
            Verdict::Survived => format!("SURVIVED   {name}"),
            Verdict::Senseless(why) => format!("SENSELESS  {name}: {why}"),
        });
    }
    Ok(all_caught)
}

fn word<'a>(mutant: &'a Value, key: &str) -> Result<&'a str, String> {
    let found = mutant.get(key).and_then(Value::as_str);
    found.ok_or_else(|| format!("a mutant without {key}: {mutant}"))
}

fn judge(copy: &Copy, mutant: &Value, seeds: u64) -> Result<Verdict, String> {
    let test = mutant.pointer("/net/test").and_then(Value::as_str);
    let program = match test {
        Some(target) => vec!["test", "--workspace", "--no-run", "--test", target],
        None => vec!["build", "--workspace", "--bin", "longshore-simulate"],
    };
    let built = copy.cargo(&program)?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        let line = said.lines().find(|line| line.starts_with("error"));
        return Ok(Verdict::Senseless(line.unwrap_or_default().to_owned()));
    }
    let ran = match test {
        Some(target) => {
            let name = mutant.pointer("/net/name").and_then(Value::as_str);
            let name = name.unwrap_or_default();
            copy.cargo(&["test", "--workspace", "--test", target, name])?
        }
        None => copy.simulate(seeds)?,
    };
    if ran.status.success() {
        return Ok(Verdict::Survived);
    }
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let tells = |line: &&str| line.contains("schedules are broken") || line.contains("FAILED");
    let how = said.lines().find(tells).unwrap_or("it failed");
    Ok(Verdict::Caught(how.to_owned()))
}

/// A copy of the tree, with a folder of its own for what is built.
struct Copy {
    tree: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// Copies what git tracks, as it is in the working tree.
    fn make() -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let tree = root.join("target/mutants/tree");
        let target = root.join("target/mutants/target");
        if tree.exists() {
            fs::remove_dir_all(&tree).map_err(|error| error.to_string())?;
        }
        let listed = Command::new("git")
            .args(["ls-files", "-z"])
            .current_dir(&root)
            .output()
            .map_err(|error| format!("git cannot be started: {error}"))?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for file in listed.split('\0').filter(|file| !file.is_empty()) {
            let to = tree.join(file);
            let folder = to.parent().unwrap_or(&tree);
            fs::create_dir_all(folder).map_err(|error| error.to_string())?;
            fs::copy(root.join(file), &to).map_err(|error| format!("{file}: {error}"))?;
        }
        Ok(Self { tree, target })
    }

    fn read(&self, file: &str) -> Result<String, String> {
        fs::read_to_string(self.tree.join(file)).map_err(|error| format!("{file}: {error}"))
    }

    /// Makes a mistake, does something with it, and takes it back.
    fn with<T>(
        &self,
        mutant: &Value,
        act: impl FnOnce(&Self) -> Result<T, String>,
    ) -> Result<T, String> {
        let file = word(mutant, "file")?;
        let right = self.read(file)?;
        let wrong = right.replacen(word(mutant, "text")?, word(mutant, "instead")?, 1);
        let write = |text: &str| {
            fs::write(self.tree.join(file), text).map_err(|error| format!("{file}: {error}"))
        };
        write(&wrong)?;
        let done = act(self);
        write(&right)?;
        done
    }

    fn cargo(&self, args: &[&str]) -> Result<Output, String> {
        let cargo = std::env::vars_os().find(|(name, _)| name == "CARGO");
        let cargo = cargo.map_or_else(|| "cargo".into(), |(_, value)| value);
        Command::new(cargo)
            .args(args)
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            .output()
            .map_err(|error| format!("cargo cannot be started: {error}"))
    }

    fn simulate(&self, seeds: u64) -> Result<Output, String> {
        Command::new(self.target.join("debug/longshore-simulate"))
            .args(["--seeds", &seeds.to_string()])
            .output()
            .map_err(|error| format!("the simulation cannot be started: {error}"))
    }
}
