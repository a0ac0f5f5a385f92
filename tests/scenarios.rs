//! What Longshore does, told in scenarios: the real handlers, real message bodies, a world in memory. Each test is one
//! sentence that a user or an operator would say, and after each the invariants hold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

#[path = "scenarios/artifacts.rs"]
mod artifacts;
#[path = "scenarios/checking.rs"]
mod checking;
#[path = "scenarios/clicks.rs"]
mod clicks;
#[path = "scenarios/deploying.rs"]
mod deploying;
#[path = "scenarios/digests.rs"]
mod digests;
#[path = "scenarios/freezing.rs"]
mod freezing;
#[path = "scenarios/late.rs"]
mod late;
#[path = "scenarios/migrating.rs"]
mod migrating;
#[path = "scenarios/operators.rs"]
mod operators;
#[path = "scenarios/parts.rs"]
mod parts;
#[path = "scenarios/people.rs"]
mod people;
#[path = "scenarios/polls.rs"]
mod polls;
#[path = "scenarios/pushes.rs"]
mod pushes;
#[path = "scenarios/restoring.rs"]
mod restoring;
#[path = "scenarios/scripts.rs"]
mod scripts;
#[path = "scenarios/sending.rs"]
mod sending;
#[path = "scenarios/sweeps.rs"]
mod sweeps;
#[path = "scenarios/tracing.rs"]
mod tracing;
#[path = "scenarios/weather.rs"]
mod weather;
#[path = "scenarios/webhook.rs"]
mod webhook;
