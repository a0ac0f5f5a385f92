//! The test bench: the real handlers of every function in a world in memory, with a clock that only the bench moves.
//!
//! It stands for everything between the functions: the stream, the bus, the queues, the minute tick, SSM's status events
//! and Bitbucket's deliveries. All of that can be dropped, doubled and turned around, every port call can fail or be the
//! last of its handler, and after every run [`invariants`] compares the table with the hosts' own ledgers. It is
//! deterministic and sleeps nowhere.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test bench stops at the first surprise"
)]

mod bench;
mod chance;
mod clicks;
mod cloud;
mod deliveries;
mod exports;
mod host_script;
pub mod invariants;
mod mail;
mod people;
mod requests;
mod simulation;
mod stage;
mod story;
mod words;

pub use bench::{Bench, Weather};
pub use chance::Chance;
pub use clicks::{Button, REPLY_TO, SIGNING, clicked_with};
pub use cloud::Cloud;
pub use deliveries::{Change, PREVIOUS_SECRET, SECRET, delivery, signed_with};
pub use exports::exported;
pub use host_script::host_script;
pub use mail::{Letterbox, Mail};
pub use people::{People, Told};
pub use requests::request;
pub use simulation::{Broken, Coverage, Fault, Simulated, simulate, simulate_all, tell, writes_of};
pub use stage::{CALLS, Side, Stage, drive, next_random};
pub use words::{commit, host};
