//! The table: how deployments, slots and decisions are kept in DynamoDB.
//!
//! [`keys`] names items and attributes, `record` is the stored form of what the core knows, `item` joins the two, and
//! [`DynamoStore`] reads and writes. A write that crashes has happened as a whole or not at all; one whose answer is lost
//! can be repeated. Only the template and the stream know the attribute names too.

pub mod keys;

mod dynamo;
mod item;
mod record;
#[cfg(test)]
#[path = "../../core/tests/common/samples.rs"]
pub(crate) mod samples;
mod stream;
mod writers;

pub use dynamo::DynamoStore;
pub use record::stored_bytes;
pub use stream::{Change, StreamBatch, StreamRecord};
pub(crate) use stream::{deployment_image, entry_image, slot_image};
