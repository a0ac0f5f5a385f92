//! Every state meets every observation. The table and the drawing in `docs/STATES.md` are generated here, from what the
//! real `step` does, and this test fails when they differ. `UPDATE=1` writes them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

#[path = "common/samples.rs"]
mod samples;

use longshore_core::{Advance, CommandStatus, Deployment, Millis, State, Verdict, step};
use samples::{every_observation, every_state, every_state_of, policy};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const BEGIN: &str =
    "<!-- BEGIN GENERATED (UPDATE=1 cargo test -p longshore-core --test transition_table) -->";
const END: &str = "<!-- END GENERATED -->";

#[test]
fn there_is_a_sample_of_every_state() {
    let names: Vec<&str> = every_state().iter().map(|d| d.state.name()).collect();
    assert_eq!(names, State::NAMES);
}

#[test]
fn the_table_and_the_drawing_in_the_docs_are_what_step_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/STATES.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (head, rest) = page.split_once(BEGIN).expect("the begin marker");
    let (_, tail) = rest.split_once(END).expect("the end marker");
    let expected = format!("{head}{BEGIN}\n{}{END}{tail}", generated());
    if std::env::vars().any(|(name, _)| name == "UPDATE") {
        std::fs::write(path, expected).unwrap();
        return;
    }
    assert!(
        page == expected,
        "docs/STATES.md is not what step does: run UPDATE=1 cargo test -p longshore-core --test transition_table"
    );
}

fn generated() -> String {
    let mut tables = String::new();
    let all = every_state().into_iter().map(|d| (String::new(), d));
    let all = all.chain(samples::around_an_approval());
    for (how, deployment) in all {
        let from = deployment.state.name();
        writeln!(
            tables,
            "\n### {from}{how}\n\n| seen | becomes | then pending |\n|---|---|---|"
        )
        .unwrap();
        for (name, seen, at) in every_observation(&deployment) {
            let (becomes, pending) = match step(&deployment, &seen, at) {
                Advance::Advanced(next) => {
                    let to = next.state.name();
                    let becomes = if to == from {
                        "(record)".to_owned()
                    } else {
                        format!("**{to}**")
                    };
                    (becomes, pending(&next))
                }
                Advance::Unchanged(why) => (format!("unchanged: {}", why.words()), String::new()),
                Advance::Rejected(why) => (format!("rejected: {}", why.words()), String::new()),
            };
            writeln!(tables, "| {name} | {becomes} | {pending} |").unwrap();
        }
    }
    format!(
        "\n## Drawing\n\n{}\n## Table\n{tables}\n",
        drawing(&arrows())
    )
}

type Arrows = BTreeMap<&'static str, BTreeMap<&'static str, BTreeSet<String>>>;

/// Every change of state that one observation can make, from fleets and policies small enough that each shows: the last
/// host's answer, the first failed round, the end of a bake.
fn arrows() -> Arrows {
    let mut impatient = policy();
    impatient.attempts_max = 1;
    impatient.health.attempts_max = 1;
    impatient.health.bake_failures_max = 1;
    let mut plain = impatient.clone();
    plain.migrates = false;
    let mut arrows = Arrows::new();
    let samples = [(policy(), 2), (impatient, 1), (plain, 1)];
    let impossible = samples::migrated(&samples[1].0, 1, Verdict::Impossible);
    for deployment in samples
        .iter()
        .flat_map(|(policy, hosts)| every_state_of(policy, *hosts))
        .chain([impossible])
    {
        for (name, seen, at) in every_observation(&deployment) {
            for at in [at, at.after(Millis::from_secs(12))] {
                let Advance::Advanced(next) = step(&deployment, &seen, at) else {
                    continue;
                };
                let (from, to) = (deployment.state.name(), next.state.name());
                if from != to {
                    let label = name.split(',').next().unwrap_or(&name).replace(':', "");
                    let to = arrows.entry(from).or_default().entry(to).or_default();
                    to.insert(label);
                }
            }
        }
    }
    arrows
}

fn pending(deployment: &Deployment) -> String {
    let mut parts: Vec<String> = deployment
        .commands()
        .iter()
        .map(|command| {
            let hosts = command.hosts.len();
            let status = match &command.status {
                CommandStatus::Planned { .. } => "planned",
                CommandStatus::Sending { .. } => "being sent",
                CommandStatus::Sent { .. } => "sent",
            };
            let action = command.token.action.word();
            let attempt = command.token.attempt;
            let generation = command.token.generation;
            format!("{action} to {hosts}, generation {generation}, attempt {attempt}: {status}")
        })
        .collect();
    parts.extend(
        deployment
            .announcements
            .iter()
            .map(|a| format!("message {} `{}`", a.number, a.kind.word())),
    );
    parts.join("; ")
}

fn drawing(arrows: &Arrows) -> String {
    let mut text = String::from("```mermaid\nstateDiagram-v2\n  [*] --> Queued\n");
    for from in State::NAMES {
        for (to, labels) in arrows.get(from).into_iter().flatten() {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            writeln!(text, "  {from} --> {to}: {}", labels.join(", ")).unwrap();
        }
    }
    for end in State::NAMES.iter().skip(10) {
        writeln!(text, "  {end} --> [*]").unwrap();
    }
    text.push_str("```\n");
    text
}
