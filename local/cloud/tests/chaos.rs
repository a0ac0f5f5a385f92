//! A short run of chaos, as `cargo xtask chaos` makes it: the plan is that of a fixed seed, every kind of fault must have met
//! something, and nothing may be left.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "common/processes.rs"]
mod processes;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use longshore_local::chaos::plan::Kind;
use processes::processes_of;

/// The program, with a temporary folder of its own below which everything is written.
fn chaos(folder: &Path, arguments: &[&str]) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut program = Command::new(env!("CARGO_BIN_EXE_longshore-local"));
    program.current_dir(root.canonicalize().unwrap());
    program.env("TMPDIR", folder);
    program.arg("chaos").args(arguments);
    program
}

/// Nothing runs, nothing is mounted, and of the folder only the names of ports are there.
fn assert_nothing_is_left(folder: &Path) {
    assert_eq!(processes_of(folder), Vec::<String>::new());
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
    assert!(!mounts.contains(&*folder.to_string_lossy()), "{mounts}");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name.starts_with("longshore-ports-"), "{name}");
    }
}

#[test]
fn half_a_minute_of_every_kind_of_fault_loses_nothing_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = ["--seconds", "30", "--seed", "4", "--hosts", "2"];
    let output = chaos(folder.path(), &run).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{complaint}");
    for kind in Kind::ALL {
        let mut lines = told.lines().map(str::trim_start);
        let line = lines.find_map(|line| {
            line.split_once("  ")
                .filter(|(_, words)| words.starts_with(kind.words()))
        });
        let count: usize = line.unwrap().0.parse().unwrap();
        assert!(count > 0, "no {}:\n{told}", kind.words());
    }
    assert!(told.contains("nothing lost. Seed 4."), "{told}");
    assert_nothing_is_left(folder.path());
}

#[test]
fn whoever_ends_it_in_the_middle_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = chaos(folder.path(), &["--seconds", "30", "--hosts", "1"]);
    let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(program.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("git push") {
        line.clear();
        assert!(
            output.read_line(&mut line).unwrap() > 0,
            "it ended by itself"
        );
    }
    assert!(!processes_of(folder.path()).is_empty());
    let mut kill = Command::new("kill");
    let asked = kill.args(["-INT", &program.id().to_string()]).status();
    assert!(asked.unwrap().success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(program.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("Nothing is left running."), "{rest}");
    assert_nothing_is_left(folder.path());
}
