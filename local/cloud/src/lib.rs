//! The local cloud: Longshore's template, its functions and its hosts on one machine, for development and for tests.
//!
//! It starts an emulator of AWS, the stand-in for SSM, and hosts that are folders, and deploys the repository's template
//! unchanged. It is a test bed and no second implementation: no rule of the product may live here. Everything listens on
//! loopback only, but for DynamoDB Local, which runs on request; nothing of it outlives the process that started it.

pub mod agents;
pub mod aws;
pub mod bitbucket;
pub mod chaos;
mod clock;
pub mod cloud;
pub mod demo;
pub mod dynamodb_local;
pub mod history;
pub mod hosts;
pub mod issuer;
pub mod log_agent;
pub mod ministack;
pub mod operators;
pub mod package;
pub mod parameters;
pub mod pipeline;
pub mod ports;
pub mod power;
pub mod process;
pub mod release;
pub mod served;
pub mod sign;
pub mod sinks;
pub mod stack;
pub mod template;
pub mod test_bench;
pub mod tools;
pub mod traces;
pub mod wait;

pub use cloud::{LocalCloud, Options};
