//! Rounds of verification: every round asks each host what it serves, and judges by the checks that are configured.
//! Between rounds nothing runs.

use crate::ask::Ask;
use crate::failure::{Failure, FailureClass};
use crate::judgement::{Finding, Judgement};
use crate::time::Timestamp;

/// What the checks of one round have come to, all together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Judging {
    /// There are none in this round.
    NotConfigured,
    /// They are still to be done.
    Wanted,
    /// Every one has passed.
    Passed,
    /// None has failed, and at least one could not tell: the first of those.
    Inconclusive(Failure),
    /// At least one has failed: the first of those.
    Failed(Failure),
}

impl Judging {
    /// What judgements come to together. One that failed says more than any that could not tell, and that more than all that
    /// have passed.
    #[must_use]
    pub fn of(judgements: &[Judgement]) -> Self {
        let first = |wanted: fn(&Finding) -> Option<FailureClass>| {
            let found = |judgement: &Judgement| {
                let class = wanted(&judgement.finding)?;
                let line = format!("{}: {}", judgement.check, judgement.said());
                Some(Failure::with_detail(class, &line))
            };
            judgements.iter().find_map(found)
        };
        let failed = first(|finding| match finding {
            Finding::Failed(class) => Some(*class),
            Finding::Passed | Finding::Inconclusive => None,
        });
        let undecided = first(|finding| match finding {
            Finding::Inconclusive => Some(FailureClass::Inconclusive),
            Finding::Passed | Finding::Failed(_) => None,
        });
        match (failed, undecided) {
            (Some(failure), _) => Self::Failed(failure),
            (None, Some(failure)) => Self::Inconclusive(failure),
            (None, None) => Self::Passed,
        }
    }
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
        /// What the checks of the round have come to.
        judging: Judging,
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
    /// Passed rounds in a row.
    pub passes: u32,
    /// What the last failed round showed.
    pub last_failure: Option<Failure>,
    /// The current round.
    pub round: Round,
}

/// What a finished round showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// No host and no check has failed, and this check could not tell.
    Inconclusive(Failure),
    Failed(Failure),
}

impl Rounds {
    /// Rounds of which the first begins at once; they are numbered on from `before`.
    pub(crate) const fn from(now: Timestamp, deadline: Timestamp, before: u32) -> Self {
        Self {
            deadline,
            begun: before,
            failures: 0,
            passes: 0,
            last_failure: None,
            round: Round::Due(now),
        }
    }

    /// The verdict of the current round, once every host has answered and the checks are done.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let Round::Asking { ask, judging } = &self.round else {
            return None;
        };
        if !ask.is_complete() || *judging == Judging::Wanted {
            return None;
        }
        if let Some((host, failure)) = ask.failures().next() {
            let detail = format!("{host}: {}", failure.detail());
            return Some(Verdict::Failed(Failure::with_detail(
                failure.class,
                &detail,
            )));
        }
        match judging {
            Judging::Failed(failure) => Some(Verdict::Failed(failure.clone())),
            Judging::Inconclusive(failure) => Some(Verdict::Inconclusive(failure.clone())),
            Judging::NotConfigured | Judging::Wanted | Judging::Passed => Some(Verdict::Passed),
        }
    }

    /// Ends the current round as passed and plans the next one.
    pub(crate) fn pass(&mut self, next: Timestamp) {
        self.failures = 0;
        self.passes = self.passes.saturating_add(1);
        self.round = Round::Due(next);
    }

    /// Ends the current round as failed and plans the next one.
    pub(crate) fn fail(&mut self, failure: Failure, next: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.passes = 0;
        self.last_failure = Some(failure);
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
