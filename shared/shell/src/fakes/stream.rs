//! The table's stream in memory: writes go in, and what Lambda would hand over comes out.

use crate::ports::{Entry, StoreError};
use crate::store::{deployment_image, entry_image, slot_image};
use longshore_core::{Deployment, Slot, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The stream of a table with a single shard.
#[derive(Clone, Debug, Default)]
pub struct FakeStream {
    items: BTreeMap<String, Value>,
    records: Vec<Value>,
}

impl FakeStream {
    /// Takes the write of a deployment.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for one that does not fit into an item.
    pub fn deployment(&mut self, deployment: &Deployment, at: Timestamp) -> Result<(), StoreError> {
        let image = deployment_image(deployment).map_err(|e| StoreError::Refused(e.into()))?;
        self.put(&image, at);
        Ok(())
    }

    /// Takes the write of a slot.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for one that does not fit into an item.
    pub fn slot(&mut self, slot: &Slot, at: Timestamp) -> Result<(), StoreError> {
        let image = slot_image(slot).map_err(|e| StoreError::Refused(e.into()))?;
        self.put(&image, at);
        Ok(())
    }

    /// Takes the write of what an operator did.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for one that does not fit into an item.
    pub fn deed(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let image = entry_image(entry).map_err(|e| StoreError::Refused(e.into()))?;
        self.put(&image, entry.at);
        Ok(())
    }

    /// The records of all writes, in their order, each as Lambda has it in `Records`.
    #[must_use]
    pub fn records(&self) -> &[Value] {
        &self.records
    }

    fn put(&mut self, image: &Value, at: Timestamp) {
        let key = ["pk", "sk"].map(|name| image.get(name).cloned().unwrap_or_default());
        let key = json!({ "pk": key.first(), "sk": key.last() });
        let before = self.items.insert(key.to_string(), image.clone());
        let number = self.records.len().saturating_add(1);
        let mut images = json!({
            "ApproximateCreationDateTime": at.as_unix_s(),
            "Keys": key,
            "NewImage": image,
            "SequenceNumber": format!("{number:021}"),
            "SizeBytes": 1,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        let event = if before.is_some() { "MODIFY" } else { "INSERT" };
        if let (Some(before), Some(images)) = (before, images.as_object_mut()) {
            images.insert("OldImage".to_owned(), before);
        }
        self.records.push(json!({
            "eventID": format!("{number:032x}"),
            "eventName": event,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": images,
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:000000000000:table/t/stream/2026-01-01T00:00:00.000",
        }));
    }
}
