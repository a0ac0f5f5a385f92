//! The model of a host against the real host script: the same random sequences on both, compared after every step.
//!
//! `SEED=<number> cargo test --workspace --test differential random` plays one sequence again, `SEQUENCES=<number>` more
//! of them from there on; `TELL=1` with `--nocapture` tells each step and its answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

#[path = "differential/compare.rs"]
mod compare;
#[path = "differential/mutants.rs"]
mod mutants;
#[path = "differential/points.rs"]
mod points;
#[path = "differential/sandbox.rs"]
mod sandbox;
#[path = "differential/sequence.rs"]
mod sequence;
#[path = "differential/stories.rs"]
mod stories;

use compare::{differences, of_answer, of_host};
use longshore_core::{Commit, Release};
use longshore_shell::fakes::{Behaviour, FakeHost};
use points::with_points;
use sandbox::{Origin, Sandbox, script};
use sequence::{Author, Step};
use std::path::Path;

/// So many sequences take about half a minute of one core.
const SEQUENCES: u64 = 10;
const STEPS: usize = 24;

const BEHAVIOURS: [Behaviour; 12] = [
    Behaviour::Good,
    Behaviour::Good,
    Behaviour::Good,
    Behaviour::Good,
    Behaviour::Missing,
    Behaviour::InstallFails,
    Behaviour::BuildFails,
    Behaviour::MigrationFails,
    Behaviour::StartFails,
    Behaviour::HealthFails,
    Behaviour::TurnsSick,
    Behaviour::OldProcessAnswers,
];

/// The exit codes of the classes, from the table of the host's README.
fn codes() -> Vec<(String, u8)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/README.md");
    let page = std::fs::read_to_string(file).unwrap();
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

/// A model and a sandbox that live through the same.
struct Pair<'a> {
    origin: &'a Origin,
    model: FakeHost,
    sandbox: Sandbox<'a>,
    codes: Vec<(String, u8)>,
    story: Vec<String>,
}

impl<'a> Pair<'a> {
    fn new(origin: &'a Origin, script: &str) -> Self {
        Self {
            origin,
            model: FakeHost::default(),
            sandbox: Sandbox::new(origin, script),
            codes: codes(),
            story: Vec::new(),
        }
    }

    /// Plays a step on both.
    fn play(&mut self, step: &Step) -> Result<(), String> {
        self.story.push(format!("{step:?}"));
        let commits = &self.origin.commits;
        let behaviour = |release: &Release| {
            let known = commits.iter().find(|(commit, _)| *commit == release.commit);
            known.map_or(Behaviour::Missing, |(_, behaviour)| *behaviour)
        };
        let mut token = String::new();
        let answer = match step {
            Step::Crash => {
                self.model.crash(&behaviour);
                None
            }
            Step::Reboot => {
                self.model.reboot();
                None
            }
            Step::Run(run) => {
                token = run.order.token.to_string();
                self.model.troubles.clone_from(&run.troubles);
                self.model
                    .run(&run.order, run.now, &behaviour, run.killed_at)
            }
        };
        let (told, seen) = self.sandbox.play(step);
        if given("TELL").is_some() {
            eprintln!("{step:?}\n    {told}");
        }
        let mut all = differences(
            &of_answer(answer.as_ref(), &token, &self.codes),
            &told,
            "answer",
        );
        all.extend(differences(&of_host(&self.model), &seen, "host"));
        if all.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{}\n{}\n{}",
            self.story.join("\n"),
            all.join("\n"),
            self.sandbox.log()
        ))
    }
}

/// Plays the sequence of a seed. `Err` tells the first disagreement.
fn play(seed: u64, origin: &Origin, script: &str) -> Result<(), String> {
    let commits: Vec<Commit> = origin
        .commits
        .iter()
        .map(|(commit, _)| commit.clone())
        .collect();
    let mut author = Author::new(seed, &commits);
    let mut pair = Pair::new(origin, script);
    (0..STEPS).try_for_each(|_| {
        let step = author.next_step(&pair.model);
        pair.play(&step)
    })
}

fn given(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

#[test]
fn the_model_and_the_script_agree_on_random_sequences() {
    let (first, number) = match given("SEED") {
        Some(seed) => (seed, given("SEQUENCES").unwrap_or(1)),
        None => (0, given("SEQUENCES").unwrap_or(SEQUENCES)),
    };
    let seeds = first..first + number;
    println!("seeds {seeds:?}");
    let (origin, script) = (Origin::new(&BEHAVIOURS), with_points(&script()));
    let disagrees = |seed: &u64| {
        let failure = play(*seed, &origin, &script).err();
        println!(
            "SEED={seed}: {}",
            failure.as_deref().unwrap_or("they agree")
        );
        failure.is_some()
    };
    let failed: Vec<u64> = seeds.filter(disagrees).collect();
    assert!(failed.is_empty(), "they disagree for the seeds {failed:?}");
}
