//! What one end tells by itself, for the metrics that are written as it happens. What only later ends can tell, such as that an
//! operator went back, is for [`crate::measure`].

use crate::changes::{Change, changes_of};
use crate::spans::Spans;
use longshore_core::{Deployment, Millis};

/// What the end of a deployment tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Whether it was a change that users were served, and if so whether it failed.
    pub change: Option<Served>,
    /// From the commit to the end, for a push or a promotion that succeeded and whose commit's time is known.
    pub lead_from_commit: Option<Millis>,
    /// From the push, or the word that promoted it, to the end, for one that succeeded.
    pub lead_from_push: Option<Millis>,
    /// From the moment at which the failure was seen to the end, for a change that was rolled back.
    pub recovery: Option<Millis>,
    /// How long it was in each state.
    pub spans: Spans,
}

/// How users fared with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Well.
    Well,
    /// It was rolled back, or could not be.
    Badly,
}

impl End {
    /// What it tells; `None` while the deployment has not ended.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Option<Self> {
        if !deployment.state.is_terminal() {
            return None;
        }
        let changes = changes_of(&[deployment]);
        let change = changes.first();
        let mending = change.and_then(Change::mending);
        Some(Self {
            change: change.map(|change| {
                if change.has_failed() {
                    Served::Badly
                } else {
                    Served::Well
                }
            }),
            lead_from_commit: change.and_then(Change::lead_from_commit),
            lead_from_push: change.and_then(Change::lead_from_push),
            recovery: mending.and_then(|mending| mending.recovery),
            spans: Spans::of(deployment),
        })
    }
}
