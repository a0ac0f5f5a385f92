//! The shell around the core: the only crate that names an AWS SDK.

pub mod ports;
