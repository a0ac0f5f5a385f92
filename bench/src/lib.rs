//! What the functions cost, cold and warm, beside a function that does nothing.
//!
//! Each function is started as it is deployed, as a process of its own, by a stand-in for the Lambda Runtime API; AWS is
//! a stub with TLS on the loopback. All functions take turns, so that a busy machine is busy for all of them, and the
//! empty one is measured in the same run. What counts is the ratio to it and the number of instructions; the times of
//! one machine say little about another.
//!
//! Nothing here judges a change: the goals are printed beside the figures, and a missed one is no error.

pub mod certificate;
pub mod clock;
pub mod figures;
pub mod goals;
pub mod instructions;
pub mod job;
pub mod measure;
pub mod process;
pub mod report;
pub mod runtime_api;
pub mod size;
pub mod statistics;
pub mod stub;
pub mod throttle;
pub mod variant;
