//! What to do about one change of a push: deploy it, or leave it, with a reason that is kept.

use crate::ids::{Commit, DeploymentId};
use crate::slot::Slot;

/// What kind of ref a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefKind {
    /// A branch.
    Branch,
    /// A tag.
    Tag,
    /// Something this version does not know.
    Unknown,
}

/// One change of a push, as far as the decision needs it. The ref's name stays text and is only ever compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// What kind of ref.
    pub kind: RefKind,
    /// The ref's name.
    pub name: &'a str,
    /// The commit it points to now; `None` when it was deleted.
    pub commit: Option<Commit>,
}

impl Change<'_> {
    /// Whether this is the kind of change that may become a deployment at all.
    #[must_use]
    pub const fn is_a_branch_with_a_commit(&self) -> bool {
        matches!(self.kind, RefKind::Branch) && self.commit.is_some()
    }
}

/// Why a change is not deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// No app configuration for the repository in this environment.
    NotConfigured,
    /// Another branch.
    OtherBranch,
    /// A tag.
    Tag,
    /// The ref was deleted.
    Deleted,
    /// A kind of ref this version does not know.
    UnknownRef,
    /// The commit was rolled back here and is not cleared.
    Quarantined,
    /// The app configuration in force is not valid.
    ConfigRefused,
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::NotConfigured,
        Self::OtherBranch,
        Self::Tag,
        Self::Deleted,
        Self::UnknownRef,
        Self::Quarantined,
        Self::ConfigRefused,
    ];

    /// The word for the reason in the table, the answer and the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::OtherBranch => "other_branch",
            Self::Tag => "tag",
            Self::Deleted => "deleted",
            Self::UnknownRef => "unknown_ref",
            Self::Quarantined => "quarantined",
            Self::ConfigRefused => "config_refused",
        }
    }

    /// The reason of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

/// What was decided about one change. Kept under the change's content, so that a repeat gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It became this deployment.
    Deploy(DeploymentId),
    /// It is left alone.
    Skip(SkipReason),
}

/// Decides about a change of a repository whose app is configured for `branch`.
///
/// # Errors
/// The reason to leave it alone.
pub fn decide(change: &Change<'_>, branch: &str, slot: &Slot) -> Result<Commit, SkipReason> {
    match change.kind {
        RefKind::Tag => return Err(SkipReason::Tag),
        RefKind::Unknown => return Err(SkipReason::UnknownRef),
        RefKind::Branch => {}
    }
    if change.name != branch {
        return Err(SkipReason::OtherBranch);
    }
    let commit = change.commit.clone().ok_or(SkipReason::Deleted)?;
    if slot.quarantine.contains_key(&commit) {
        return Err(SkipReason::Quarantined);
    }
    Ok(commit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AppName;

    fn slot() -> Slot {
        Slot::empty(AppName::parse("orders").unwrap())
    }

    fn change(kind: RefKind, name: &str, deleted: bool) -> Change<'_> {
        Change {
            kind,
            name,
            commit: (!deleted).then(|| Commit::parse(&"a".repeat(40)).unwrap()),
        }
    }

    #[test]
    fn only_the_branch_of_the_environment_is_deployed() {
        use RefKind::{Branch, Tag, Unknown};
        for (change, expected) in [
            (change(Branch, "main", false), Ok(())),
            (change(Branch, "Main", false), Err(SkipReason::OtherBranch)),
            (change(Branch, "main ", false), Err(SkipReason::OtherBranch)),
            (change(Branch, "main", true), Err(SkipReason::Deleted)),
            (change(Tag, "main", false), Err(SkipReason::Tag)),
            (change(Unknown, "main", false), Err(SkipReason::UnknownRef)),
        ] {
            assert_eq!(
                decide(&change, "main", &slot()).map(|_| ()),
                expected,
                "{change:?}"
            );
        }
    }

    #[test]
    fn a_rolled_back_commit_does_not_come_back_by_a_push() {
        let mut slot = slot();
        let by = DeploymentId::parse("01JD0000000000000000000000").unwrap();
        slot.quarantine
            .insert(Commit::parse(&"a".repeat(40)).unwrap(), by);
        let decision = decide(&change(RefKind::Branch, "main", false), "main", &slot);
        assert_eq!(decision, Err(SkipReason::Quarantined));
    }
}
