//! The table in DynamoDB.
//!
//! Reads are consistent. Every write of a deployment or a slot names the version that it replaces, and every decision is
//! written only where there is none, so a repeat of any write is harmless. Retries of the SDK stay on for the same
//! reason: [`writes`] recognises its own effect. Nothing here is logged, and no error carries an item's body.

mod problem;
#[cfg(test)]
mod tests;
mod writes;

use super::item::Item;
use super::keys::{self, Key};
use super::record::RecordError;
use super::writers::Writers;
use crate::clock::SystemIds;
use crate::connect::Aws;
use crate::ports::{
    Accept, Belongs, DigestName, Entry, Ids, PushKey, Recorded, Save, Store, StoreError, Told,
};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use longshore_core::{AppName, CommandId, Decision, Deployment, DeploymentId, Slot, Timestamp};
use std::collections::BTreeSet;
use writes::{Denied, OnlyIf, Table, Write};

/// The table of one environment.
#[derive(Debug)]
pub struct DynamoStore {
    table: Table,
    writers: Writers,
}

impl DynamoStore {
    /// Commands that are put into the index together with a deployment and its slot: a transaction takes 100 items.
    const COMMANDS_MAX: usize = 90;

    /// The table of this name. `process` names the running process and no other one, ever: a ULID made at its start
    /// serves. The tokens by which writes recognise themselves begin with it.
    #[must_use]
    pub const fn new(client: Client, table: String, process: String) -> Self {
        Self {
            table: Table {
                client,
                name: table,
            },
            writers: Writers::new(process),
        }
    }

    /// The table of this name, with a client of the connection and a process name of its own.
    #[must_use]
    pub fn connect(aws: &Aws, table: &str) -> Self {
        let process = SystemIds::default().deployment_id().to_string();
        Self::new(Client::new(aws.sdk()), table.to_owned(), process)
    }

    async fn get(&self, key: Key<'_>) -> Result<Option<Item>, StoreError> {
        let answer = self
            .table
            .client
            .get_item()
            .table_name(&self.table.name)
            .key(keys::PK, AttributeValue::S(key.pk()))
            .key(keys::SK, AttributeValue::S(key.sk()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| problem::store_error("GetItem", &error))?;
        Ok(answer.item.map(|item| item.into_iter().collect()))
    }

    /// Puts commands into the index ahead of a save that has more of them than one transaction takes. A crash in between
    /// leaves true entries: the commands were sent.
    async fn index(&self, save: &Save<'_>, commands: &[&CommandId]) -> Result<(), StoreError> {
        for some in commands.chunks(Self::COMMANDS_MAX) {
            let writer = self.writers.next();
            let entries = some.iter().map(|command| Write {
                item: Item::of_command(command, save.deployment, &writer),
                only_if: OnlyIf::Always,
            });
            let written = self.table.transact(entries.collect(), &writer).await;
            written.map_err(Denied::into_store_error)?;
        }
        Ok(())
    }
}

/// A deployment as the write that replaces it.
fn deployment_write(deployment: &Deployment, writer: &str) -> Result<Write, StoreError> {
    let mut next = deployment.clone();
    next.version = next.version.saturating_add(1);
    Ok(Write {
        item: Item::of_deployment(&next, writer).map_err(unwritable)?,
        only_if: OnlyIf::Version(deployment.version),
    })
}

/// A slot as the write that replaces it.
fn slot_write(slot: &Slot, writer: &str) -> Result<Write, StoreError> {
    let mut next = slot.clone();
    next.version = next.version.saturating_add(1);
    Ok(Write {
        item: Item::of_slot(&next, writer).map_err(unwritable)?,
        only_if: OnlyIf::Version(slot.version),
    })
}

fn decision_write(key: &PushKey, decision: &Decision, at: Timestamp, writer: &str) -> Write {
    Write {
        item: Item::of_decision(key, decision, at, writer),
        only_if: OnlyIf::Absent,
    }
}

/// What became of writes of which the first is a decision.
fn recorded(written: Result<(), Denied>, key: &PushKey) -> Result<Recorded, StoreError> {
    match written {
        Ok(()) => Ok(Recorded::New),
        Err(Denied::Failed(error)) => Err(error),
        Err(Denied::Standing(items)) => match items.into_iter().next().flatten() {
            Some(before) => Ok(Recorded::Before(before.to_decision(key)?)),
            None => Err(StoreError::Conflict),
        },
    }
}

fn unwritable(error: RecordError) -> StoreError {
    StoreError::Refused(Box::new(error))
}

impl Store for DynamoStore {
    async fn deployment(&self, id: &DeploymentId) -> Result<Option<Deployment>, StoreError> {
        let item = self.get(Key::Deployment(id)).await?;
        item.map(|item| item.to_deployment(id)).transpose()
    }

    async fn slot(&self, app: &AppName) -> Result<Slot, StoreError> {
        match self.get(Key::Slot(app)).await? {
            Some(item) => item.to_slot(app),
            None => Ok(Slot::empty(app.clone())),
        }
    }

    async fn decision(&self, key: &PushKey) -> Result<Option<Decision>, StoreError> {
        let item = self.get(Key::Decision(key)).await?;
        item.map(|item| item.to_decision(key)).transpose()
    }

    async fn deployment_of(&self, command: &CommandId) -> Result<Option<Belongs>, StoreError> {
        let item = self.get(Key::Command(command)).await?;
        item.map(|item| item.to_deployment_of(command)).transpose()
    }

    async fn open(&self) -> Result<Vec<DeploymentId>, StoreError> {
        let mut pages = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .index_name(keys::OPEN)
            .key_condition_expression("#open = :open")
            .expression_attribute_names("#open", keys::OPEN)
            .expression_attribute_values(":open", AttributeValue::S(keys::OPEN_YES.to_owned()))
            .into_paginator()
            .send();
        let mut open = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| problem::store_error("Query", &error))?;
            let items = page.items.into_iter().flatten().map(Item::from_iter);
            // An id that is none was not written by us and names nothing that could be loaded. It must not keep the
            // reconciler from all the others.
            open.extend(items.filter_map(|item| item.indexed_id()));
        }
        Ok(open)
    }

    async fn history(
        &self,
        app: &AppName,
        before: Option<&DeploymentId>,
        limit: u32,
    ) -> Result<Vec<DeploymentId>, StoreError> {
        let condition = before.map_or("#app = :app", |_| "#app = :app AND #id < :before");
        let mut query = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .index_name(keys::BY_APP)
            .key_condition_expression(condition)
            .expression_attribute_names("#app", keys::BY_APP)
            .expression_attribute_values(":app", AttributeValue::S(app.to_string()))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        if let Some(before) = before {
            query = query
                .expression_attribute_names("#id", keys::ID)
                .expression_attribute_values(":before", AttributeValue::S(before.to_string()));
        }
        // The entries are keys only, so that a page of any limit in use fits into one answer.
        let page = query.send().await;
        let page = page.map_err(|error| problem::store_error("Query", &error))?;
        let items = page.items.into_iter().flatten().map(Item::from_iter);
        Ok(items.filter_map(|item| item.indexed_id()).collect())
    }

    async fn operate(&self, slot: &Slot, entry: &Entry) -> Result<(), StoreError> {
        let writer = self.writers.next();
        let entry = Write {
            item: Item::of_entry(entry, &writer).map_err(unwritable)?,
            only_if: OnlyIf::Absent,
        };
        let puts = vec![slot_write(slot, &writer)?, entry];
        let written = self.table.transact(puts, &writer).await;
        written.map_err(Denied::into_store_error)
    }

    async fn told(&self, name: &DigestName) -> Result<Told, StoreError> {
        match self.get(Key::Told(name)).await? {
            Some(item) => item.to_told(name),
            None => Ok(Told::nothing(name.clone())),
        }
    }

    async fn tell(&self, told: &Told, at: Timestamp) -> Result<(), StoreError> {
        let writer = self.writers.next();
        let mut next = told.clone();
        next.version = next.version.saturating_add(1);
        let write = Write {
            item: Item::of_told(&next, at, &writer),
            only_if: OnlyIf::Version(told.version),
        };
        let written = self.table.put(write, &writer).await;
        written.map_err(Denied::into_store_error)
    }

    async fn entries(
        &self,
        app: &AppName,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        // The range is inclusive, and numbers begin with 1.
        let last = before.map_or(u64::MAX, |before| before.saturating_sub(1));
        let (first, last) = (Key::Entry(app, 0), Key::Entry(app, last));
        let answer = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :last")
            .expression_attribute_names("#pk", keys::PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", AttributeValue::S(first.pk()))
            .expression_attribute_values(":first", AttributeValue::S(first.sk()))
            .expression_attribute_values(":last", AttributeValue::S(last.sk()))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| problem::store_error("Query", &error))?;
        let items = answer.items.into_iter().flatten().map(Item::from_iter);
        items.map(|item| item.to_entry(app)).collect()
    }

    async fn skip(
        &self,
        key: &PushKey,
        decision: &Decision,
        at: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let writer = self.writers.next();
        let write = decision_write(key, decision, at, &writer);
        recorded(self.table.put(write, &writer).await, key)
    }

    async fn accept(&self, accept: Accept<'_>) -> Result<Recorded, StoreError> {
        let writer = self.writers.next();
        let deployment = accept.deployment;
        let decision = Decision::Deploy(deployment.id.clone());
        let mut puts = vec![
            decision_write(accept.key, &decision, deployment.origin.at, &writer),
            deployment_write(deployment, &writer)?,
            slot_write(accept.slot, &writer)?,
        ];
        if let Some(superseded) = accept.superseded {
            puts.push(deployment_write(superseded, &writer)?);
        }
        recorded(self.table.transact(puts, &writer).await, accept.key)
    }

    async fn save(&self, save: Save<'_>) -> Result<(), StoreError> {
        // No two writes of one transaction may be of one item.
        let commands: BTreeSet<&CommandId> = save.commands.iter().collect();
        let commands: Vec<&CommandId> = commands.into_iter().collect();
        let (here, ahead) = commands.split_at(commands.len().min(Self::COMMANDS_MAX));
        self.index(&save, ahead).await?;
        let writer = self.writers.next();
        let deployment = deployment_write(save.deployment, &writer)?;
        if save.slot.is_none() && here.is_empty() {
            let written = self.table.put(deployment, &writer).await;
            return written.map_err(Denied::into_store_error);
        }
        let mut puts = vec![deployment];
        if let Some(slot) = save.slot {
            puts.push(slot_write(slot, &writer)?);
        }
        puts.extend(here.iter().map(|command| Write {
            item: Item::of_command(command, save.deployment, &writer),
            only_if: OnlyIf::Always,
        }));
        let written = self.table.transact(puts, &writer).await;
        written.map_err(Denied::into_store_error)
    }
}
