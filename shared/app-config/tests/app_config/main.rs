//! The tests of the app configuration document from outside, as one program.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    reason = "a broken assumption of a test must fail it, wherever it stands"
)]

mod documentation;
mod documents;
mod properties;
mod samples;
mod schema;
mod validator;
