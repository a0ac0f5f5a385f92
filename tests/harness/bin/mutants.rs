//! `cargo xtask mutants`: makes one mistake of `tests/mutants.json` after the other in a copy of the tree, and sees whether the
//! net that the list names for it notices.
//!
//! A net is the simulation, or a test: a target of the workspace and the name of one test in it, or of all when it names
//! none. A net that does not come to its end has noticed too: what can no longer end is no longer right. A name that no test
//! has is an error, as a net that catches nothing would otherwise be taken for one.
//!
//! A minute for each mistake, as nearly everything is compiled again: for developers and nightly runs, not for every change.

use clap::Parser;
use serde_json::Value;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

/// Makes mistakes on purpose and sees whether they are noticed.
#[derive(Debug, Parser)]
#[command(name = "mutants")]
struct Arguments {
    /// The mistakes by name; without any, all of them.
    names: Vec<String>,
    /// Schedules that the simulation plays for each.
    #[arg(long, default_value_t = 3_000)]
    seeds: u64,
    /// Seconds of a processor after which a net that has not ended counts as one that has noticed.
    #[arg(long, default_value_t = 600)]
    limit: u64,
    /// The folder below `target` for the copy, so that two runs do not meet.
    #[arg(long, default_value = "mutants")]
    copy: String,
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

/// What a program came to.
enum Ran {
    /// It ended; whether well, and what it said.
    Ended(bool, String),
    /// Its time was over first.
    DidNotEnd,
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
    let copy = Copy::make(&arguments.copy)?;
    let text = copy.read("tests/mutants.json")?;
    let list: Vec<Value> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let mut all_caught = true;
    for mutant in chosen(&list, &arguments.names)? {
        let name = word(mutant, "name")?;
        let verdict = copy.with(mutant, |copy| judge(copy, mutant, arguments))?;
        all_caught &= matches!(verdict, Verdict::Caught(_));
        say(&match verdict {
            Verdict::Caught(how) => format!("caught     {name}: {how}"),
            Verdict::Survived => format!("SURVIVED   {name}"),
            Verdict::Senseless(why) => format!("SENSELESS  {name}: {why}"),
        });
    }
    Ok(all_caught)
}

/// The mistakes of these names, or all.
fn chosen<'a>(list: &'a [Value], names: &[String]) -> Result<Vec<&'a Value>, String> {
    let is = |mutant: &&Value, name: &str| mutant.get("name").and_then(Value::as_str) == Some(name);
    if names.is_empty() {
        return Ok(list.iter().collect());
    }
    let found = |name: &String| list.iter().find(|mutant| is(mutant, name));
    names
        .iter()
        .map(|name| found(name).ok_or_else(|| format!("there is no mistake {name}")))
        .collect()
}

fn word<'a>(mutant: &'a Value, key: &str) -> Result<&'a str, String> {
    let found = mutant.get(key).and_then(Value::as_str);
    found.ok_or_else(|| format!("a mutant without {key}: {mutant}"))
}

fn judge(copy: &Copy, mutant: &Value, arguments: &Arguments) -> Result<Verdict, String> {
    let limit = arguments.limit;
    match mutant.pointer("/net/test").and_then(Value::as_str) {
        Some(target) => {
            let name = mutant.pointer("/net/name").and_then(Value::as_str);
            by_test(copy, target, name.unwrap_or_default(), limit)
        }
        None => by_simulation(copy, arguments.seeds, limit),
    }
}

/// Whether the schedules notice: a few at first, as most mistakes are noticed by those.
fn by_simulation(copy: &Copy, seeds: u64, limit: u64) -> Result<Verdict, String> {
    let built = copy.cargo(&["build", "--workspace", "--bin", "longshore-simulate"])?;
    if let Some(problem) = problem_of(&built) {
        return Ok(Verdict::Senseless(problem));
    }
    let program = copy.target.join("debug/longshore-simulate");
    let ends = FIRST_ENDS.into_iter().filter(|end| *end < seeds);
    let mut from = 0;
    for end in ends.chain([seeds]) {
        let count = end.saturating_sub(from).to_string();
        let begin = from.to_string();
        let arguments = ["--from", &begin, "--seeds", &count];
        match ended(&program, &arguments, &copy.tree, limit)? {
            Ran::DidNotEnd => return Ok(did_not_end(limit)),
            Ran::Ended(true, _) => from = end,
            Ran::Ended(false, said) => return Ok(Verdict::Caught(what_broke(&said))),
        }
    }
    Ok(Verdict::Survived)
}

/// Where the first parts of the schedules end.
const FIRST_ENDS: [u64; 2] = [20, 300];

/// How many schedules broke, the first of them, and what did not hold after it.
fn what_broke(said: &str) -> String {
    let tells = |line: &&str| line.contains("schedules are broken");
    let first = said.lines().find(tells).unwrap_or("it failed");
    let reason = said.lines().rev().find(|line| is_a_reason(line));
    format!("{first} {}", reason.unwrap_or_default())
}

/// Whether a line of a story names what does not hold.
fn is_a_reason(line: &str) -> bool {
    let number = line
        .strip_prefix('I')
        .and_then(|rest| rest.split(':').next());
    let is_an_invariant = number.is_some_and(|number| number.parse::<u32>().is_ok());
    let others = [
        "it does not end",
        "too many messages",
        "nothing that happened explains",
        "a repeat of every event",
    ];
    is_an_invariant || others.iter().any(|other| line.starts_with(other))
}

/// Whether a test notices.
fn by_test(copy: &Copy, target: &str, name: &str, limit: u64) -> Result<Verdict, String> {
    let form = "--message-format=json-render-diagnostics";
    let built = copy.cargo(&["test", "--workspace", "--no-run", form, "--test", target])?;
    if let Some(problem) = problem_of(&built) {
        return Ok(Verdict::Senseless(problem));
    }
    let mut is_there = false;
    for (program, package) in programs(&String::from_utf8_lossy(&built.stdout), target) {
        match ended(&program, &[name], &package, limit)? {
            Ran::DidNotEnd => return Ok(did_not_end(limit)),
            Ran::Ended(well, said) => {
                let ran = said.lines().filter(|line| is_about(line, name)).count() > 0;
                is_there |= ran;
                if ran && !well {
                    let tells = |line: &&str| line.starts_with("test ") && line.ends_with("FAILED");
                    let how = said.lines().find(tells).unwrap_or("it failed");
                    return Ok(Verdict::Caught(how.to_owned()));
                }
            }
        }
    }
    if is_there {
        Ok(Verdict::Survived)
    } else {
        Err(format!("{target} has no test named {name:?}"))
    }
}

/// Whether a line of a test program is about the test of this name, or about any when it is empty.
fn is_about(line: &str, name: &str) -> bool {
    let test = line
        .strip_prefix("test ")
        .and_then(|rest| rest.split(' ').next());
    let own = test.and_then(|path| path.rsplit("::").next());
    own.is_some_and(|own| name.is_empty() || own == name)
}

/// The test programs of a target that cargo has built, each with the folder of its package.
fn programs(said: &str, target: &str) -> Vec<(PathBuf, PathBuf)> {
    let lines = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &Value| line.pointer("/target/name").and_then(Value::as_str) == Some(target))
        .filter_map(|line| {
            let path = |key: &str| line.get(key).and_then(Value::as_str).map(PathBuf::from);
            let package = path("manifest_path")?.parent()?.to_path_buf();
            Some((path("executable")?, package))
        })
        .collect()
}

/// Why a mistake cannot be made, when it does not compile.
fn problem_of(built: &Output) -> Option<String> {
    if built.status.success() {
        return None;
    }
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    let line = said.lines().find(|line| line.starts_with("error"));
    Some(line.unwrap_or_default().to_owned())
}

fn did_not_end(limit: u64) -> Verdict {
    Verdict::Caught(format!("it did not end in {limit} s of a processor"))
}

/// Runs a program to its end, or to the end of its time. That is time of a processor and not of a clock, so that a machine with
/// other work to do changes no verdict.
fn ended(program: &Path, arguments: &[&str], folder: &Path, limit: u64) -> Result<Ran, String> {
    let run = Command::new("sh")
        .args(["-c", r#"ulimit -t "$0" && exec "$@""#, &limit.to_string()])
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .output();
    let run = run.map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
    // Whoever is out of time is ended by a signal; a test that fails and a program that stops itself are not.
    if matches!(run.status.signal(), Some(SIGXCPU | SIGKILL)) {
        return Ok(Ran::DidNotEnd);
    }
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    Ok(Ran::Ended(run.status.success(), said))
}

const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// A copy of the tree, with a folder of its own for what is built.
struct Copy {
    tree: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// Copies what git tracks, as it is in the working tree.
    fn make(name: &str) -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = root.join("target").join(name);
        let (tree, target) = (folder.join("tree"), folder.join("target"));
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
}
