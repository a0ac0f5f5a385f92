//! A stand-in for SSM Run Command and for the agents on the hosts.
//!
//! No emulator runs commands on hosts, loses them or drops their events, so the local dev mode and the end-to-end
//! tests bring their own. It speaks the service's wire protocol, really runs documents in local folders that play
//! hosts, follows the agent's rules down to the awkward ones, and fails on request.
//!
//! It is a test bed. No rule of Longshore lives in it: it knows nothing of deployments, and it must never be kinder to
//! its callers than AWS is.
//!
//! ```text
//! caller ──▶ api ──▶ service ──▶ workers ──▶ agent ──▶ script      faults: switches that each of these asks
//!             │         └──────▶ events ──▶ courier ──▶ MiniStack  control: /_longshore/, for tests and launchers
//!             └──▶ MiniStack (Parameter Store and the rest)
//! ```

mod agent;
mod api;
mod clock;
mod commands;
mod control;
mod courier;
mod documents;
mod events;
mod faults;
mod hosts;
mod keeping;
mod lost_reply;
mod ministack;
mod options;
mod parameters;
mod script;
mod server;
mod service;
mod signing;
mod status;
mod workers;
mod world;

pub use faults::{Action, EventFaultChange, FaultChange, HostFaultChange, LostReply};
pub use options::{HostOptions, Options, Power};
pub use server::{RunningStandIn, StandIn};
