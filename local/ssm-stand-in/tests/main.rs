//! The stand-in from outside: over HTTP, with real scripts, against a `MiniStack` that only takes notes.
//!
//! SSM's seconds are short here (see [`bed::SECOND_MS`]), so that a time limit passes within a test's patience.
//! Nothing sleeps for a fixed time to let something happen: every wait polls, and every wait ends.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what tests share is a test too"
)]

mod agent;
mod bed;
mod delivery;
mod documents;
mod events;
mod faults;
mod forwarding;
mod lifecycle;
mod restart;
mod service;
mod steps;
