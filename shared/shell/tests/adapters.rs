//! The adapters for AWS and the web, against replies that are written down here: what they ask for, in how many
//! requests, and what they make of every kind of answer.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "in a test, stopping is the report"
)]

mod adapters {
    pub(crate) mod alarms;
    pub(crate) mod announce;
    pub(crate) mod app_logs;
    pub(crate) mod archive;
    pub(crate) mod artifacts;
    pub(crate) mod branches;
    pub(crate) mod calendars;
    pub(crate) mod cbor;
    pub(crate) mod channels;
    pub(crate) mod commands;
    pub(crate) mod configs;
    pub(crate) mod connect;
    pub(crate) mod fleet;
    pub(crate) mod host_logs;
    pub(crate) mod metrics;
    pub(crate) mod outside;
    pub(crate) mod replay;
    pub(crate) mod reports;
    pub(crate) mod secrets;
    pub(crate) mod server;
    pub(crate) mod wake;
}
