//! `cargo xtask simulate`: plays schedules of pushes and faults, and says what they have met.

use clap::Parser;
use longshore_core::State;
use longshore_tests::{CALLS, Coverage, Fault, simulate_all, tell};
use std::process::ExitCode;
use std::time::Instant;

/// Plays schedules of pushes and faults over the real handlers, each from one seed.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// How many schedules.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The seed of the first; the others follow.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Plays this seed alone, and tells what happens line by line.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    tell: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.tell {
        say(&tell(seed).join("\n"));
        return ExitCode::SUCCESS;
    }
    let end = arguments.from.saturating_add(arguments.seeds);
    say(&format!(
        "seeds {} to {}",
        arguments.from,
        end.saturating_sub(1)
    ));
    let began = now();
    let simulated = simulate_all(arguments.from..end);
    let seconds = now().duration_since(began).as_secs_f64();
    say(&summary(&simulated.coverage, arguments.seeds, seconds));
    let Some(first) = simulated.broken.first() else {
        say("everything holds");
        return ExitCode::SUCCESS;
    };
    let count = simulated.broken.len();
    say(&format!(
        "\n{count} schedules are broken. The first, seed {}:\n",
        first.seed
    ));
    say(&tell(first.seed).join("\n"));
    say(&format!(
        "\nagain: cargo xtask simulate --tell {}",
        first.seed
    ));
    ExitCode::FAILURE
}

#[expect(clippy::print_stdout, reason = "this is a command for a terminal")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "shown to a person, never asserted on"
)]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "shown to a person"
)]
fn summary(coverage: &Coverage, schedules: u64, seconds: f64) -> String {
    let pace = schedules as f64 / seconds;
    let points = CALLS.len().saturating_mul(2);
    let dead = points.saturating_sub(coverage.missing_deaths().len());
    let faults = Fault::ALL.len();
    let happened = faults.saturating_sub(coverage.missing_faults().len());
    let mut lines = vec![
        format!(
            "{schedules} schedules, {} messages in {seconds:.1} s: {pace:.0} schedules a second",
            coverage.messages
        ),
        format!(
            "states        {} of {}",
            coverage.states.len(),
            State::NAMES.len()
        ),
        format!("transitions   {} kinds", coverage.transitions.len()),
        format!(
            "crash points  {dead} of {points}: before and after each of {} calls",
            CALLS.len()
        ),
        format!("faults        {happened} of {faults} kinds"),
    ];
    lines.push("\nstates:".to_owned());
    lines.extend(
        coverage
            .states
            .iter()
            .map(|(state, count)| format!("  {count:>9}  {state}")),
    );
    lines.push("\ntransitions:".to_owned());
    lines.extend(
        coverage
            .transitions
            .iter()
            .map(|((from, to), count)| format!("  {count:>9}  {from} -> {to}")),
    );
    lines.push("\nfaults:".to_owned());
    lines.extend(
        coverage
            .faults
            .iter()
            .map(|(fault, count)| format!("  {count:>9}  {}", fault.word())),
    );
    lines.join("\n")
}
