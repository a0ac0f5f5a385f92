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
    /// The commit it pointed to before; `None` when it is new.
    pub old: Option<Commit>,
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
    /// A later push of the branch was accepted already; this one arrived after it.
    Outdated,
    /// The app configuration in force is not valid.
    ConfigRefused,
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::NotConfigured,
        Self::OtherBranch,
        Self::Tag,
        Self::Deleted,
        Self::UnknownRef,
        Self::Quarantined,
        Self::Outdated,
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
            Self::Outdated => "outdated",
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

impl From<SkipReason> for Decision {
    fn from(reason: SkipReason) -> Self {
        Self::Skip(reason)
    }
}

/// Decides about a change of a repository whose app is configured for `branch`. `Ok` is a commit to deploy.
///
/// # Errors
/// The decision that needs no new deployment: a reason to leave the change alone, or the deployment that the poll has begun
/// for it.
pub fn decide(change: &Change<'_>, branch: &str, slot: &Slot) -> Result<Commit, Decision> {
    match change.kind {
        RefKind::Tag => return Err(SkipReason::Tag.into()),
        RefKind::Unknown => return Err(SkipReason::UnknownRef.into()),
        RefKind::Branch => {}
    }
    if change.name != branch {
        return Err(SkipReason::OtherBranch.into());
    }
    let commit = change.commit.clone().ok_or(SkipReason::Deleted)?;
    if slot.quarantine.contains_key(&commit) {
        return Err(SkipReason::Quarantined.into());
    }
    if slot.has_moved_past(change.old.as_ref(), &commit) {
        return Err(SkipReason::Outdated.into());
    }
    match slot.found(&commit) {
        Some(deployment) => Err(Decision::Deploy(deployment.clone())),
        None => Ok(commit),
    }
}

/// Decides about the head of the environment's branch. Where the branch points is the last word: how it came there, and
/// whether it was there before, does not matter. `None` when it points where the last accepted push has brought it.
#[must_use]
pub fn decide_head(head: &Commit, slot: &Slot) -> Option<Result<Commit, SkipReason>> {
    if slot.last_push.as_ref().is_some_and(|last| last.to == *head) {
        return None;
    }
    if slot.quarantine.contains_key(head) {
        return Some(Err(SkipReason::Quarantined));
    }
    Some(Ok(head.clone()))
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
            old: None,
            commit: (!deleted).then(|| commit("a")),
        }
    }

    fn commit(digit: &str) -> Commit {
        Commit::parse(&digit.repeat(40)).unwrap()
    }

    fn id() -> DeploymentId {
        DeploymentId::parse("01JD0000000000000000000000").unwrap()
    }

    fn push(slot: &Slot, old: Option<&str>, new: &str) -> Result<Commit, Decision> {
        let change = Change {
            kind: RefKind::Branch,
            name: "main",
            old: old.map(commit),
            commit: Some(commit(new)),
        };
        decide(&change, "main", slot)
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
                expected.map_err(Decision::Skip),
                "{change:?}"
            );
        }
    }

    #[test]
    fn a_rolled_back_commit_does_not_come_back_by_a_push() {
        let mut slot = slot();
        slot.quarantine.insert(commit("a"), id());
        let decision = decide(&change(RefKind::Branch, "main", false), "main", &slot);
        assert_eq!(decision, Err(SkipReason::Quarantined.into()));
    }

    #[test]
    fn a_push_that_was_overtaken_by_the_next_one_is_outdated() {
        let slot = slot().accept_push(&id(), Some(commit("b")), commit("c"));
        for old in [Some("a"), None] {
            assert_eq!(push(&slot.slot, old, "b"), Err(SkipReason::Outdated.into()));
        }
        assert_eq!(push(&slot.slot, Some("b"), "c"), Ok(commit("c")));
        assert_eq!(push(&slot.slot, Some("c"), "d"), Ok(commit("d")));
    }

    #[test]
    fn a_branch_that_really_went_back_is_deployed() {
        let slot = slot().accept_push(&id(), Some(commit("a")), commit("b"));
        assert_eq!(push(&slot.slot, Some("b"), "a"), Ok(commit("a")));
        let slot = slot.slot.accept_push(&id(), Some(commit("b")), commit("a"));
        assert_eq!(push(&slot.slot, Some("a"), "b"), Ok(commit("b")));
    }

    #[test]
    fn a_deployment_without_a_push_leaves_the_last_push_as_it_is() {
        let slot = slot().accept_push(&id(), None, commit("a")).slot;
        assert_eq!(slot.accept(&id()).slot.last_push, slot.last_push);
        assert!(!slot.has_moved_past(None, &commit("a")));
    }

    #[test]
    fn the_head_is_settled_only_by_the_push_that_was_accepted_last() {
        let slot = slot();
        assert_eq!(decide_head(&commit("a"), &slot), Some(Ok(commit("a"))));
        let slot = slot.accept_push(&id(), None, commit("a")).slot;
        assert_eq!(decide_head(&commit("a"), &slot), None);
        let mut slot = slot.accept_push(&id(), Some(commit("a")), commit("b")).slot;
        assert_eq!(decide_head(&commit("a"), &slot), Some(Ok(commit("a"))));
        slot.quarantine.insert(commit("a"), id());
        let out = Some(Err(SkipReason::Quarantined));
        assert_eq!(decide_head(&commit("a"), &slot), out);
    }

    #[test]
    fn a_delivery_that_comes_after_the_poll_finds_its_deployment_or_is_outdated() {
        let slot = slot().accept_push(&id(), None, commit("a")).slot;
        let slot = slot.accept_head(&id(), commit("c")).slot;
        let same = Err(Decision::Deploy(id()));
        assert_eq!(push(&slot, Some("a"), "c"), same);
        assert_eq!(push(&slot, Some("b"), "c"), same);
        let outdated = Err(Decision::Skip(SkipReason::Outdated));
        assert_eq!(push(&slot, Some("a"), "b"), outdated);
        assert_eq!(push(&slot, None, "a"), outdated);
        assert_eq!(push(&slot, Some("c"), "d"), Ok(commit("d")));
        assert_eq!(push(&slot, Some("c"), "a"), Ok(commit("a")), "it went back");
    }
}
