//! Conditional writes, one item or all of several, that recognise their own effect.
//!
//! A write whose answer was lost may have taken effect; tried again, it fails on the item that it has itself written.
//! So each asks for the item that stood in the way, and where that carries its own token it has succeeded. An item that
//! somebody has written over since is a conflict like any other: the caller loads and decides again.

use super::problem;
use crate::ports::StoreError;
use crate::store::item::Item;
use crate::store::keys;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

/// One item to be put.
pub(super) struct Write {
    pub(super) item: Item,
    pub(super) only_if: OnlyIf,
}

/// Under which condition an item is put.
#[derive(Clone, Copy)]
pub(super) enum OnlyIf {
    /// There is none.
    Absent,
    /// It has this version; 0 is that of an item that is not there.
    Version(u64),
    /// Always: whoever writes it writes the same.
    Always,
}

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Denied {
    /// Some condition did not hold. Per write the item that stood in its way, for those whose condition failed.
    Standing(Vec<Option<Item>>),
    /// Anything else.
    Failed(StoreError),
}

impl Denied {
    /// What a caller makes of it that does not look at the items.
    pub(super) fn into_store_error(self) -> StoreError {
        match self {
            Self::Standing(_) => StoreError::Conflict,
            Self::Failed(error) => error,
        }
    }
}

impl OnlyIf {
    const fn expression(self) -> Option<&'static str> {
        match self {
            Self::Absent | Self::Version(0) => Some("attribute_not_exists(#key)"),
            Self::Version(_) => Some("#key = :replaced"),
            Self::Always => None,
        }
    }

    const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::Absent | Self::Version(0) => Some(keys::PK),
            Self::Version(_) => Some(keys::VERSION),
            Self::Always => None,
        }
    }

    fn value(self) -> Option<AttributeValue> {
        match self {
            Self::Absent | Self::Version(0) | Self::Always => None,
            Self::Version(replaced) => Some(AttributeValue::N(replaced.to_string())),
        }
    }
}

impl Table {
    /// Puts one item, in one request.
    pub(super) async fn put(&self, write: Write, writer: &str) -> Result<(), Denied> {
        let only_if = write.only_if;
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(write.item.into_iter().collect()))
            .set_condition_expression(only_if.expression().map(str::to_owned))
            .set_expression_attribute_names(names(only_if).map(|name| [name].into()))
            .set_expression_attribute_values(values(only_if).map(|value| [value].into()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => own_or_denied(standing_of_put(&error), writer),
        }
    }

    /// Puts all of the items or none, in one request.
    pub(super) async fn transact(&self, puts: Vec<Write>, writer: &str) -> Result<(), Denied> {
        let mut items = Vec::with_capacity(puts.len());
        for write in puts {
            items.push(self.transact_item(write).map_err(Denied::Failed)?);
        }
        let request = self.client.transact_write_items();
        match request.set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(()),
            Err(error) => own_or_denied(standing_of_transaction(&error), writer),
        }
    }

    fn transact_item(&self, write: Write) -> Result<TransactWriteItem, StoreError> {
        let only_if = write.only_if;
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(write.item.into_iter().collect()))
            .set_condition_expression(only_if.expression().map(str::to_owned))
            .set_expression_attribute_names(names(only_if).map(|name| [name].into()))
            .set_expression_attribute_values(values(only_if).map(|value| [value].into()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| StoreError::Refused(Box::new(error)))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

fn names(only_if: OnlyIf) -> Option<(String, String)> {
    let attribute = only_if.attribute()?;
    Some(("#key".to_owned(), attribute.to_owned()))
}

fn values(only_if: OnlyIf) -> Option<(String, AttributeValue)> {
    Some((":replaced".to_owned(), only_if.value()?))
}

/// Turns a failure on one's own effect into success. All items of a write carry its token, so one is proof for all.
fn own_or_denied(denied: Denied, writer: &str) -> Result<(), Denied> {
    let own = |item: &Item| item.writer() == Some(writer);
    match &denied {
        Denied::Standing(items) if items.iter().flatten().any(own) => Ok(()),
        Denied::Standing(_) | Denied::Failed(_) => Err(denied),
    }
}

fn standing_of_put(error: &SdkError<PutItemError>) -> Denied {
    match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(failed)) => {
            let item = failed.item().map(|item| item.clone().into_iter().collect());
            Denied::Standing(vec![item])
        }
        _ => Denied::Failed(problem::store_error("PutItem", error)),
    }
}

fn standing_of_transaction(error: &SdkError<TransactWriteItemsError>) -> Denied {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
        error.as_service_error()
    else {
        return Denied::Failed(problem::store_error("TransactWriteItems", error));
    };
    let reasons = canceled.cancellation_reasons();
    match problem::of_reasons(reasons) {
        Some(error) => Denied::Failed(error),
        None => Denied::Standing(reasons.iter().map(standing).collect()),
    }
}

fn standing(reason: &CancellationReason) -> Option<Item> {
    let item = reason.item()?;
    Some(item.clone().into_iter().collect())
}
