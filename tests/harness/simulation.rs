//! The simulation: one seed is one schedule of pushes and faults over the real handlers, from the first push until everything
//! is at rest.
//!
//! A schedule has two phases. In the first, pushes, people and faults come by chance; which faults a schedule knows is itself
//! chance, so that some are made of one fault only and some of nearly all. In the second, faults stop: now everything must come
//! to rest, every invariant must hold over the whole history, every line of the log that calls somebody must be explained by
//! a fault that happened, and a repeat of every event there ever was must change nothing. The seed alone decides all of
//! it: a seed that breaks something is played again with [`tell`], which writes down what happens.

mod coverage;
mod explain;
mod fault;
mod happen;
mod judging;
mod many;
mod operators;
mod player;
mod table;

pub use coverage::Coverage;
pub use fault::Fault;
pub use many::{Simulated, simulate_all};

use longshore_shell::fakes::Written;
use player::Player;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A schedule after which something does not hold.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its seed.
    pub seed: u64,
    /// What does not hold.
    pub problem: String,
}

/// Plays the schedule of a seed.
///
/// # Errors
/// [`Broken`] when anything does not hold afterwards.
pub fn simulate(seed: u64) -> Result<Coverage, Broken> {
    let played = catch_unwind(|| {
        let mut player = Player::begin(seed);
        player.play();
        player.coverage()
    });
    played.map_err(|problem| Broken {
        seed,
        problem: words_of(&*problem),
    })
}

/// Plays the schedule of a seed: every write that there was, in its order.
///
/// # Panics
/// When anything does not hold afterwards.
#[must_use]
pub fn writes_of(seed: u64) -> Vec<Written> {
    let mut player = Player::begin(seed);
    player.play();
    player.bench.cloud.world.store.log()
}

/// Plays the schedule of a seed and tells what happens, line by line.
#[must_use]
pub fn tell(seed: u64) -> Vec<String> {
    let mut player = Player::begin(seed);
    player.bench.tell_the_story();
    let ended = catch_unwind(AssertUnwindSafe(|| player.play()));
    let mut story = player.bench.story();
    story.push(match ended {
        Ok(()) => "everything holds".to_owned(),
        Err(problem) => words_of(&*problem),
    });
    story
}

fn words_of(problem: &(dyn std::any::Any + Send)) -> String {
    let text = problem.downcast_ref::<String>().cloned();
    let word = problem
        .downcast_ref::<&str>()
        .map(|word| (*word).to_owned());
    text.or(word).unwrap_or_else(|| "it panicked".to_owned())
}
