//! Rounds of verification: every round asks each host what it serves, and looks from outside where that is configured.
//! Between rounds nothing runs.

use crate::ask::Ask;
use crate::failure::{Failure, FailureClass};
use crate::time::Timestamp;

/// The check from outside, in one round.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// None is configured.
    NotConfigured,
    /// It is still to be done.
    Wanted,
    /// It passed.
    Passed,
    /// It did not pass.
    Failed(Failure),
}

/// Where the current round is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Round {
    /// The next round begins at this time.
    Due(Timestamp),
    /// The hosts are being asked.
    Asking {
        /// The question to the hosts.
        ask: Ask,
        /// The check from outside.
        probe: Probe,
    },
}

/// Rounds, one after another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rounds {
    /// When rounds are over, whatever they have shown.
    pub deadline: Timestamp,
    /// The number of the round that was begun last.
    pub begun: u32,
    /// Failed rounds in a row.
    pub failures: u32,
    /// What the last failed round showed.
    pub last_failure: Option<Failure>,
    /// The current round.
    pub round: Round,
}

/// What a finished round showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed(Failure),
}

impl Rounds {
    /// Rounds of which the first begins at once; they are numbered on from `before`.
    pub(crate) const fn from(now: Timestamp, deadline: Timestamp, before: u32) -> Self {
        Self {
            deadline,
            begun: before,
            failures: 0,
            last_failure: None,
            round: Round::Due(now),
        }
    }

    /// The verdict of the current round, once every host has answered and the outside check is done.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let Round::Asking { ask, probe } = &self.round else {
            return None;
        };
        if !ask.is_complete() || *probe == Probe::Wanted {
            return None;
        }
        if let Some((host, failure)) = ask.failures().next() {
            let detail = format!("{host}: {}", failure.detail());
            return Some(Verdict::Failed(Failure::with_detail(
                failure.class,
                &detail,
            )));
        }
        match probe {
            Probe::Failed(failure) => Some(Verdict::Failed(failure.clone())),
            Probe::NotConfigured | Probe::Wanted | Probe::Passed => Some(Verdict::Passed),
        }
    }

    /// Ends the current round and plans the next one.
    pub(crate) fn close(&mut self, verdict: Verdict, next: Timestamp) {
        match verdict {
            Verdict::Passed => self.failures = 0,
            Verdict::Failed(failure) => {
                self.failures = self.failures.saturating_add(1);
                self.last_failure = Some(failure);
            }
        }
        self.round = Round::Due(next);
    }

    /// What the rounds have failed with.
    pub(crate) fn failure(&self) -> Failure {
        self.last_failure
            .clone()
            .unwrap_or_else(|| Failure::of(FailureClass::DeadlinePassed))
    }

    /// The ask of the current round, to be changed in place.
    pub(crate) const fn ask_mut(&mut self) -> Option<&mut Ask> {
        match &mut self.round {
            Round::Due(_) => None,
            Round::Asking { ask, .. } => Some(ask),
        }
    }

    /// The ask of the current round.
    #[must_use]
    pub const fn ask(&self) -> Option<&Ask> {
        match &self.round {
            Round::Due(_) => None,
            Round::Asking { ask, .. } => Some(ask),
        }
    }
}
