//! The table's stream: what each of its records says was written, read by the same rules as the table itself.
//!
//! The stream carries every item before and after each write (`NEW_AND_OLD_IMAGES` in `template.yaml`), so a reader sees what a
//! write added without asking the table. The form is Lambda's (AWS Lambda developer guide, "Using AWS Lambda with Amazon
//! DynamoDB"). What cannot be read is an error and never left out.

use super::item::Item;
use super::keys::{self, Key};
use super::record::RecordError;
use crate::ports::{Entry, StoreError};
use aws_sdk_dynamodb::types::AttributeValue;
use longshore_core::{AppName, Deployment, Slot, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What Lambda hands over for a stream: records of one shard, in their order.
#[derive(Clone, Debug, Deserialize)]
pub struct StreamBatch {
    /// The records.
    #[serde(rename = "Records")]
    pub records: Vec<StreamRecord>,
}

/// One record: one write of one item.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamRecord {
    #[serde(rename = "eventID")]
    id: String,
    event_name: String,
    dynamodb: Images,
}

/// The item before and after the write. Numbers that a stream tells come as JSON numbers with or without a fraction.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    approximate_creation_date_time: serde_json::Number,
    sequence_number: String,
    #[serde(default)]
    new_image: Option<Image>,
    #[serde(default)]
    old_image: Option<Image>,
}

type Image = BTreeMap<String, Attribute>;

/// An attribute's value: a text or a number, as the table has no others.
#[derive(Clone, Debug, Deserialize)]
enum Attribute {
    S(String),
    N(String),
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A deployment; nothing was before its acceptance.
    Deployment {
        /// As it was.
        before: Option<Box<Deployment>>,
        /// As it is since then.
        after: Box<Deployment>,
    },
    /// A slot.
    Slot {
        /// As it was.
        before: Option<Box<Slot>>,
        /// As it is since then.
        after: Box<Slot>,
    },
    /// What an operator did to an app.
    Deed(Entry),
}

impl StreamRecord {
    /// Names the record among all records of all streams; a repeat has the same (Amazon DynamoDB Streams API reference,
    /// `Record`).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The record's place in the stream.
    #[must_use]
    pub fn sequence_number(&self) -> &str {
        &self.dynamodb.sequence_number
    }

    /// When it was written, to the second; the same in every repeat.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        let text = self.dynamodb.approximate_creation_date_time.to_string();
        let seconds = text.split('.').next().and_then(|whole| whole.parse().ok());
        Timestamp::from_unix_ms(seconds.unwrap_or(0_u64).saturating_mul(1000))
    }

    /// What was written.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for an item that is none of those above, is not whole, or is in a form that this version does not
    /// read.
    pub fn change(&self) -> Result<Change, StoreError> {
        let after = item(self.dynamodb.new_image.as_ref()).ok_or_else(|| {
            unreadable(
                self.sequence_number(),
                "it does not say what the item is now",
            )
        })?;
        let place = after.place();
        let refuse = |problem: &str| unreadable(&place, problem);
        let before = item(self.dynamodb.old_image.as_ref());
        match (self.event_name.as_str(), &before) {
            ("INSERT", None) | ("MODIFY", Some(_)) => {}
            _ => return Err(refuse("its images do not fit what happened")),
        }
        match after.sort_key() {
            Some("STATE") => {
                let id = after.indexed_id().ok_or_else(|| refuse("it has no id"))?;
                after.check_key(Key::Deployment(&id))?;
                let read = |item: Item| item.to_deployment(&id).map(Box::new);
                Ok(Change::Deployment {
                    before: before.map(read).transpose()?,
                    after: read(after)?,
                })
            }
            Some("SLOT") => {
                let app = after.app().ok_or_else(|| refuse("it has no app"))?;
                after.check_key(Key::Slot(&app))?;
                let read = |item: Item| item.to_slot(&app).map(Box::new);
                Ok(Change::Slot {
                    before: before.map(read).transpose()?,
                    after: read(after)?,
                })
            }
            Some(key) if key.starts_with(keys::ENTRY) => {
                let app = after.app_of_key().ok_or_else(|| refuse("it has no app"))?;
                let entry = after.to_entry(&app)?;
                after.check_key(Key::Entry(&app, entry.number))?;
                Ok(Change::Deed(entry))
            }
            Some(_) | None => Err(refuse("it is nothing that this version knows")),
        }
    }
}

fn item(image: Option<&Image>) -> Option<Item> {
    let attributes = image?.iter().map(|(name, value)| {
        let value = match value {
            Attribute::S(text) => AttributeValue::S(text.clone()),
            Attribute::N(number) => AttributeValue::N(number.clone()),
        };
        (name.clone(), value)
    });
    Some(attributes.collect())
}

fn unreadable(key: &str, problem: &str) -> StoreError {
    StoreError::Unreadable {
        key: key.to_owned(),
        problem: problem.to_owned(),
    }
}

/// An item as the stream shows it, for the fake that plays the stream.
fn image_of(item: Item) -> Value {
    let attributes = item.into_iter().filter_map(|(name, value)| {
        let text = value.as_s().map(|text| json!({ "S": text }));
        let value = text.or_else(|_| value.as_n().map(|number| json!({ "N": number })));
        value.ok().map(|value| (name, value))
    });
    Value::Object(attributes.collect::<Map<_, _>>())
}

/// A deployment as the stream shows it.
///
/// # Errors
/// [`RecordError`] for one that does not fit into an item.
pub(crate) fn deployment_image(deployment: &Deployment) -> Result<Value, RecordError> {
    Item::of_deployment(deployment, "fake").map(image_of)
}

/// A slot as the stream shows it.
///
/// # Errors
/// [`RecordError`] for one that does not fit into an item.
pub(crate) fn slot_image(slot: &Slot) -> Result<Value, RecordError> {
    Item::of_slot(slot, "fake").map(image_of)
}

/// What an operator did as the stream shows it.
///
/// # Errors
/// [`RecordError`] for one that does not fit into an item.
pub(crate) fn entry_image(entry: &Entry) -> Result<Value, RecordError> {
    Item::of_entry(entry, "fake").map(image_of)
}

impl Item {
    fn sort_key(&self) -> Option<&str> {
        self.attribute(keys::SK)
    }

    fn app(&self) -> Option<AppName> {
        AppName::parse(self.attribute(keys::APP)?).ok()
    }

    /// The app in the hash key of what belongs to one.
    fn app_of_key(&self) -> Option<AppName> {
        AppName::parse(self.attribute(keys::PK)?.strip_prefix("APP#")?).ok()
    }

    /// Its key as text, for whoever must find it.
    fn place(&self) -> String {
        let part = |name| self.attribute(name).unwrap_or("?");
        format!("{}/{}", part(keys::PK), part(keys::SK))
    }

    fn check_key(&self, key: Key<'_>) -> Result<(), StoreError> {
        if self.place() == key.to_string() {
            Ok(())
        } else {
            Err(unreadable(&self.place(), "its key is of another item"))
        }
    }
}
