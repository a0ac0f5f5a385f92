//! What the migrations between two releases mean for the way back. A host that has both on its disk finds them and judges,
//! before anything moves; the verdict decides what a rollback does with the database.

use crate::ids::HostId;
use crate::text::printable;

/// Whether the release before can be gone back to once the migrations have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It can live with them: there are none, or they only add, or the team has declared that they fit.
    Safe,
    /// The migrations must be taken back first, which the app can do and policy allows.
    NeedsDown,
    /// They cannot be taken back.
    Impossible,
}

impl Verdict {
    /// The word for the verdict in answers, records and messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::NeedsDown => "needs_down",
            Self::Impossible => "impossible",
        }
    }

    /// The verdict of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Safe, Self::NeedsDown, Self::Impossible]
            .into_iter()
            .find(|verdict| verdict.word() == word)
    }
}

/// What a host found between the release that it was asked to prepare and the one to go back to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Found {
    /// Its verdict.
    pub verdict: Verdict,
    /// Whether an operator has said, by the exact names in the configuration, that there need be no way back.
    pub is_allowed: bool,
    /// How many migrations are new.
    pub count: u32,
    /// The first things that deserve a look, each a name and what is wrong with it.
    findings: Vec<String>,
}

impl Found {
    /// The most findings that are kept.
    pub const FINDINGS_MAX: usize = 5;

    /// The longest finding, in characters.
    pub const FINDING_MAX: usize = 110;

    /// Keeps the first findings, cut, and printable as a detail of a failure is: they come from a host.
    #[must_use]
    pub fn new<'a>(
        verdict: Verdict,
        is_allowed: bool,
        count: u32,
        findings: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let line = |text: &str| printable(text, Self::FINDING_MAX);
        Self {
            verdict,
            is_allowed,
            count,
            findings: findings
                .into_iter()
                .take(Self::FINDINGS_MAX)
                .map(line)
                .collect(),
        }
    }

    /// The findings.
    #[must_use]
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    /// Whether nobody has said that the way back may be given up.
    #[must_use]
    pub const fn forbids(&self) -> bool {
        matches!(self.verdict, Verdict::Impossible) && !self.is_allowed
    }
}

/// The migrations of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Migrations {
    /// The host that judged them, and runs them.
    pub leader: HostId,
    /// What it found.
    pub found: Found,
    /// Whether the migration has run to its end.
    pub are_applied: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_found_again_by_its_word() {
        for verdict in [Verdict::Safe, Verdict::NeedsDown, Verdict::Impossible] {
            assert_eq!(Verdict::from_word(verdict.word()), Some(verdict));
        }
        assert_eq!(Verdict::from_word("maybe"), None);
    }

    #[test]
    fn findings_are_few_short_and_printable() {
        let long = "x".repeat(500);
        let many = ["a\nb\u{202e}", &long, "3", "4", "5", "6"];
        let found = Found::new(Verdict::NeedsDown, false, 6, many);
        assert_eq!(found.findings().len(), Found::FINDINGS_MAX);
        assert_eq!(found.findings()[0], "a?b?");
        assert_eq!(found.findings()[1].len(), Found::FINDING_MAX);
    }

    #[test]
    fn only_an_impossible_way_back_that_nobody_gave_up_is_forbidden() {
        let found = |verdict, allowed| Found::new(verdict, allowed, 1, []);
        assert!(found(Verdict::Impossible, false).forbids());
        assert!(!found(Verdict::Impossible, true).forbids());
        assert!(!found(Verdict::NeedsDown, false).forbids());
        assert!(!found(Verdict::Safe, false).forbids());
    }
}
