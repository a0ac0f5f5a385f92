//! What became of each change that was brought to users, how often it failed, and how soon they were served well again: the
//! four measures of DORA (<https://dora.dev/guides/dora-metrics-four-keys/>), defined exactly in `docs/INSIGHT.md`.

use crate::Window;
use crate::spans::first_entered;
use crate::spread::Spread;
use longshore_core::{Commit, Deployment, Kind, Millis, Outcome, State, Timestamp};

/// How changes were delivered in a window. A change is a deployment that brings a commit and not only hosts up to one: a push, a
/// redeploy, a promotion or a new configuration. It belongs to the window in which it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Changes that users were served: those that succeeded, and those that were rolled back or could not be.
    pub changes: u32,
    /// Of those: the ones that succeeded, whatever became of them later.
    pub succeeded: u32,
    /// Of those: the ones that failed. They were rolled back, could not be rolled back, or succeeded and were undone by an
    /// operator's rollback.
    pub failed: u32,
    /// Changes that failed before any host was switched. Users saw nothing of them, so they count neither above nor below.
    pub stopped: u32,
    /// From the commit to the end, for pushes and promotions that succeeded and whose commit's time is known.
    pub lead_from_commit: Spread,
    /// From the push, or the word that promoted it, to the end, for all pushes and promotions that succeeded.
    pub lead_from_push: Spread,
    /// From the moment at which the failure was seen to the one at which users were served well again.
    pub recovery: Recovery,
    /// From the end of a failed change to the end of the next one that succeeded.
    pub next_success: Recovery,
}

/// How long it took until something was good again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Of those that are.
    pub took: Spread,
    /// Those that are not yet.
    pub open: u32,
}

impl Recovery {
    fn of(all: impl Iterator<Item = Option<Millis>> + Clone) -> Self {
        let open = all.clone().filter(Option::is_none).count();
        Self {
            took: Spread::of(all.flatten()),
            open: u32::try_from(open).unwrap_or(u32::MAX),
        }
    }
}

/// A change that users were served, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    deployment: &'a Deployment,
    ended: Timestamp,
    fate: Fate,
    /// The end of the next change that succeeded.
    next_success: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Live,
    /// It was seen to fail then, and users were served well again then.
    Failed {
        seen: Timestamp,
        /// When nobody could mend it any more but a later change: the end of the attempt to go back.
        given_up: Timestamp,
        restored: Option<Timestamp>,
    },
}

/// The changes of one app that users were served, in the order of their ends. `ended` are all its deployments that have ended by
/// then, in that order too.
pub(crate) fn changes_of<'a>(ended: &[&'a Deployment]) -> Vec<Change<'a>> {
    let mut changes: Vec<Change<'a>> = Vec::new();
    let mut live: Option<usize> = None;
    for deployment in ended.iter().copied() {
        let State::Ended { outcome, at, .. } = &deployment.state else {
            continue;
        };
        if matches!(outcome, Outcome::Succeeded) {
            restore(&mut changes, *at);
            live = now_live(&mut changes, live, deployment, *at);
        } else if deployment.origin.kind.brings_a_commit()
            && let Some(fate) = failed(deployment, outcome, *at)
        {
            changes.push(Change {
                deployment,
                ended: *at,
                fate,
                next_success: None,
            });
        }
    }
    changes
}

/// What is live after a deployment has succeeded, as a place in the list; `None` when the list does not reach back so far.
fn now_live<'a>(
    changes: &mut Vec<Change<'a>>,
    live: Option<usize>,
    deployment: &'a Deployment,
    at: Timestamp,
) -> Option<usize> {
    match &deployment.origin.kind {
        Kind::Push | Kind::Redeploy | Kind::Promote(_) | Kind::Config => {
            for change in changes.iter_mut() {
                if change.fate != Fate::Live && change.next_success.is_none() {
                    change.next_success = Some(at);
                }
            }
            changes.push(Change {
                deployment,
                ended: at,
                fate: Fate::Live,
                next_success: None,
            });
            changes.len().checked_sub(1)
        }
        Kind::Rollback(back) => {
            if let Some(left) = live.and_then(|live| changes.get_mut(live)) {
                left.fate = Fate::Failed {
                    seen: deployment.origin.at,
                    given_up: at,
                    restored: Some(at),
                };
            }
            brought(changes, &back.commit)
        }
        Kind::Drill(there) => brought(changes, &there.commit),
        Kind::Join(_) => live,
    }
}

/// The change that brought a commit last.
fn brought(changes: &[Change<'_>], commit: &Commit) -> Option<usize> {
    let succeeded =
        |change: &Change<'_>| matches!(ended_as(change.deployment), Some(Outcome::Succeeded));
    changes
        .iter()
        .rposition(|change| succeeded(change) && change.deployment.origin.commit == *commit)
}

/// Whatever has failed and could not be restored is, once anything has succeeded.
fn restore(changes: &mut [Change<'_>], at: Timestamp) {
    for change in changes {
        if let Fate::Failed { restored, .. } = &mut change.fate {
            let _first = restored.get_or_insert(at);
        }
    }
}

const fn ended_as(deployment: &Deployment) -> Option<&Outcome> {
    match &deployment.state {
        State::Ended { outcome, .. } => Some(outcome),
        State::AwaitingApproval { .. } | State::Queued { .. } | State::Active { .. } => None,
    }
}

/// The fate of a change that did not succeed; `None` when users saw nothing of it.
fn failed(deployment: &Deployment, outcome: &Outcome, at: Timestamp) -> Option<Fate> {
    let restored = match outcome {
        Outcome::RolledBack(_) => Some(at),
        Outcome::RollbackFailed(_) => None,
        Outcome::Succeeded
        | Outcome::Failed(_)
        | Outcome::Rejected(_)
        | Outcome::Expired(_)
        | Outcome::Superseded(_)
        | Outcome::Cancelled(_) => return None,
    };
    let seen = first_entered(deployment, &["Unmigrating", "RollingBack"]);
    Some(Fate::Failed {
        seen: seen.unwrap_or(at),
        given_up: at,
        restored,
    })
}

impl Delivery {
    /// How changes were delivered in this window. `ended` are all deployments that have ended, of all apps.
    pub(crate) fn of(changes: &[Change<'_>], ended: &[&Deployment], window: Window) -> Self {
        let mine = || changes.iter().filter(move |one| window.holds(one.ended));
        let succeeded =
            |one: &&Change<'_>| matches!(ended_as(one.deployment), Some(Outcome::Succeeded));
        let mended = || mine().filter_map(Change::mending);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let is_stopped = |one: &&&Deployment| {
            one.origin.kind.brings_a_commit()
                && matches!(ended_as(one), Some(Outcome::Failed(_)))
                && one.state.ended_at().is_some_and(|at| window.holds(at))
        };
        Self {
            changes: count(mine().count()),
            succeeded: count(mine().filter(succeeded).count()),
            failed: count(mine().filter(|one| one.has_failed()).count()),
            stopped: count(ended.iter().filter(is_stopped).count()),
            lead_from_commit: Spread::of(mine().filter_map(Change::lead_from_commit)),
            lead_from_push: Spread::of(mine().filter_map(Change::lead_from_push)),
            recovery: Recovery::of(mended().map(|mending| mending.recovery)),
            next_success: Recovery::of(mended().map(|mending| mending.next_success)),
        }
    }
}

/// Whether a kind brings a commit that need not have been live here before.
const fn is_new(kind: &Kind) -> bool {
    match kind {
        Kind::Push | Kind::Promote(_) => true,
        Kind::Redeploy | Kind::Config | Kind::Rollback(_) | Kind::Drill(_) | Kind::Join(_) => false,
    }
}

impl Change<'_> {
    /// Whether it failed, at once or by being undone.
    pub(crate) fn has_failed(&self) -> bool {
        self.fate != Fate::Live
    }

    /// From the push to the end, for one that is new and succeeded.
    pub(crate) fn lead_from_push(&self) -> Option<Millis> {
        self.lead_since(self.deployment.origin.at)
    }

    /// From the commit to the end, for one that is new and succeeded, where the commit's time is known.
    pub(crate) fn lead_from_commit(&self) -> Option<Millis> {
        self.lead_since(self.deployment.origin.committed_at?)
    }

    fn lead_since(&self, since: Timestamp) -> Option<Millis> {
        let succeeded = matches!(ended_as(self.deployment), Some(Outcome::Succeeded));
        let counts = succeeded && is_new(&self.deployment.origin.kind);
        counts.then(|| self.ended.since(since))
    }

    /// For a failed one how soon it was mended.
    pub(crate) fn mending(&self) -> Option<Mending> {
        match self.fate {
            Fate::Live => None,
            Fate::Failed {
                seen,
                given_up,
                restored,
            } => Some(Mending {
                recovery: restored.map(|at| at.since(seen)),
                next_success: self.next_success.map(|at| at.since(given_up)),
            }),
        }
    }
}

/// How soon a failed change was mended; none of a time that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mending {
    /// Until users were served well again.
    pub(crate) recovery: Option<Millis>,
    /// Until the next change succeeded.
    pub(crate) next_success: Option<Millis>,
}
