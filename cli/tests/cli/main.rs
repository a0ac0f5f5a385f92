//! The whole command against a stand-in of the operators' API on this machine, and the pages of the command.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

mod documentation;
mod pages;
mod refusals;
mod samples;
mod stand_in;
mod verbs;
mod watching;
