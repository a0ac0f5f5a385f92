//! The messages between the parts, as small borrowed structs: what a queue hands to a function, what a function answers,
//! and what the product's own messages say.
//!
//! Every message is a hint to look, never a fact, so only what names the thing to look at is read; everything else in it
//! is ignored. Nothing here may act, and no error may repeat text from a message, as it may be hostile.

mod batch;
mod click;
mod message;

pub use batch::{Batch, Failures, Record};
pub use click::{Click, Word};
pub use message::{Digest, Envelope, Message, MessageError};

/// A text is not the JSON that was expected. Where, but not what: the text may be hostile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the expected JSON, at line {line}, column {column}")]
pub struct BadJson {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl From<&serde_json::Error> for BadJson {
    fn from(error: &serde_json::Error) -> Self {
        Self {
            line: error.line(),
            column: error.column(),
        }
    }
}

/// Reads JSON without keeping the reader's own words about what it met.
pub(crate) fn read<'a, T: serde::Deserialize<'a>>(json: &'a str) -> Result<T, BadJson> {
    serde_json::from_str(json).map_err(|error| BadJson::from(&error))
}
