//! The shell around the core: the only crate that names an AWS SDK.

pub mod accept;
pub mod advance;
pub mod announce;
pub mod artifacts;
pub mod aws_world;
pub mod branches;
mod cache;
pub mod clock;
pub mod commands;
pub mod config;
pub mod configs;
pub mod connect;
pub mod error;
pub mod fakes;
mod fault;
pub mod fleet;
pub mod host_logs;
pub mod operate;
pub mod outside;
pub mod ports;
pub mod secrets;
pub mod store;
pub mod telemetry;
pub mod wake;
mod web;
pub mod world;
