//! Which channels are to be told of a day. The newest configurations say which ask for it and when, the table how far each was told;
//! the notifier is told that one is due, again with every poll, until the table says that it was told.

use longshore_core::{AppName, Timestamp};
use longshore_freeze::Daily;
use longshore_shell::ports::{
    Configuration, DigestDue, DigestName, ResolveError, Store, StoreError, Wake,
};
use longshore_shell::telemetry;
use longshore_shell::world::Watch;
use std::collections::{BTreeMap, BTreeSet};

/// Sends word of every digest that is due. What goes wrong costs time only: the next poll does it again.
pub(crate) async fn send_due<W: Watch>(
    world: &W,
    configurations: &[Configuration],
    now: Timestamp,
) {
    for (name, apps) in asked_for(configurations) {
        let Some(until) = Daily::parse(&name.at).and_then(|daily| daily.last(now)) else {
            continue;
        };
        let label = name.label();
        let due = DigestDue {
            name,
            until,
            apps: apps.into_iter().collect(),
            unread: unread(configurations),
        };
        match is_told(world, &due).await {
            Ok(true) => {}
            Ok(false) => {
                // Lost, it is sent again by the next poll.
                let _next_poll_repeats_it = world.wake().digest(&due).await;
            }
            Err(error) => telemetry::warn("digest_unseen")
                .text("digest", &label)
                .cause(&error)
                .write(),
        }
    }
}

async fn is_told<W: Watch>(world: &W, due: &DigestDue) -> Result<bool, StoreError> {
    let told = world.store().told(&due.name).await?;
    Ok(told.until.is_some_and(|until| until >= due.until))
}

/// Every digest that is asked for, with the apps that ask.
fn asked_for(configurations: &[Configuration]) -> BTreeMap<DigestName, BTreeSet<AppName>> {
    let mut asked: BTreeMap<DigestName, BTreeSet<AppName>> = BTreeMap::new();
    for config in configurations
        .iter()
        .filter_map(|(_, read)| read.as_ref().ok())
    {
        for (channel, at) in config.config.digests() {
            let apps = asked.entry(DigestName { channel, at }).or_default();
            apps.insert(config.config.app().clone());
        }
    }
    asked
}

/// The repositories whose configurations cannot be used.
fn unread(configurations: &[Configuration]) -> Vec<longshore_core::Repository> {
    let unread = configurations
        .iter()
        .filter(|(_, read): &&(_, Result<_, ResolveError>)| read.is_err());
    unread.map(|(repository, _)| repository.clone()).collect()
}
