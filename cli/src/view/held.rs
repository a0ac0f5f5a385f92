//! What stands in the way of a deployment that waits for its turn, and what ends that.

use crate::page::Page;
use crate::view::app::{freeze_text, lock_text};
use longshore_contract::{AppSummary, Timestamp};

/// A line for each thing that holds what waits; none when it begins with the next tick.
#[must_use]
pub fn in_the_way(app: &AppSummary, now: Timestamp) -> Vec<String> {
    let name = &app.app;
    let lock = app.lock.as_ref().map(|lock| {
        let lock = lock_text(lock, now);
        format!("A lock holds it, of {lock}. To end it: longshore unlock {name} --reason '…'")
    });
    let freeze = app.freeze.as_ref().map(|freeze| {
        let freeze = freeze_text(freeze, now);
        let id = app.waiting.as_ref().map_or("DEPLOYMENT", |one| one.id.as_str());
        format!(
            "A freeze holds it: {freeze}. In spite of it: longshore freeze {name} --break {id} --reason '…'"
        )
    });
    let running = app.running.as_ref().map(|running| {
        let id = &running.id;
        format!("Another deployment is at work: longshore watch {id}")
    });
    [lock, freeze, running].into_iter().flatten().collect()
}

/// The same on a page, where the app is known, which it is for what waits.
pub fn onto(page: &mut Page, app: Option<&AppSummary>, now: Timestamp) {
    for line in app.iter().flat_map(|app| in_the_way(app, now)) {
        page.line(&line);
    }
}
