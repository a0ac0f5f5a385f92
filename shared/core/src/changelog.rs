//! What would come with a deployment: the commits between what is live and what it brings, as the repository tells them.
//!
//! Authors and subjects are texts of whoever commits. They are kept printable and short, they are shown, and nothing is ever
//! decided by them.

use crate::ids::Commit;
use crate::text::printable;

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommitLine {
    /// The commit.
    pub commit: Commit,
    /// Printable ASCII, at most [`CommitLine::AUTHOR_MAX`] characters.
    author: String,
    /// Printable ASCII, at most [`CommitLine::SUBJECT_MAX`] characters.
    subject: String,
}

impl CommitLine {
    /// The longest author that is kept, in characters.
    pub const AUTHOR_MAX: usize = 40;

    /// The longest subject that is kept, in characters.
    pub const SUBJECT_MAX: usize = 100;

    /// A commit with its author and the first line of its message. An address of mail behind the name is left out; what is not
    /// printable ASCII becomes a question mark, and both are cut.
    #[must_use]
    pub fn new(commit: Commit, author: &str, message: &str) -> Self {
        let name = author.split('<').next().unwrap_or_default().trim();
        let subject = message.lines().next().unwrap_or_default().trim();
        Self {
            commit,
            author: printable(name, Self::AUTHOR_MAX),
            subject: printable(subject, Self::SUBJECT_MAX),
        }
    }

    /// Who made it, as the commit says.
    #[must_use]
    pub fn author(&self) -> &str {
        &self.author
    }

    /// The first line of its message.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// The commits between what is live and what a deployment brings, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Changelog {
    commits: Vec<CommitLine>,
    /// Whether there are more than are kept.
    pub has_more: bool,
}

impl Changelog {
    /// The most commits that are kept.
    pub const COMMITS_MAX: usize = 50;

    /// Keeps the first of these commits.
    #[must_use]
    pub fn new(mut commits: Vec<CommitLine>, has_more: bool) -> Self {
        let has_more = has_more || commits.len() > Self::COMMITS_MAX;
        commits.truncate(Self::COMMITS_MAX);
        Self { commits, has_more }
    }

    /// The commits.
    #[must_use]
    pub fn commits(&self) -> &[CommitLine] {
        &self.commits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit() -> Commit {
        Commit::parse(&"a".repeat(40)).unwrap()
    }

    #[test]
    fn an_author_and_a_subject_are_one_short_printable_line_without_an_address() {
        let message = "Fix \u{202e}the\u{1b}[31m price\n\nLong\u{7}er text";
        let change = CommitLine::new(commit(), "Eve Example <eve@example.com>", message);
        assert_eq!(change.author(), "Eve Example");
        assert_eq!(change.subject(), "Fix ?the?[31m price");
        let long = CommitLine::new(commit(), &"n".repeat(900), &"s".repeat(900));
        let lengths = (long.author().len(), long.subject().len());
        assert_eq!(lengths, (CommitLine::AUTHOR_MAX, CommitLine::SUBJECT_MAX));
        let nothing = CommitLine::new(commit(), "", "");
        assert_eq!((nothing.author(), nothing.subject()), ("", ""));
    }

    #[test]
    fn no_more_than_fifty_are_kept_and_that_is_said() {
        let change = CommitLine::new(commit(), "Eve", "One");
        let changelog = Changelog::new(vec![change.clone(); 51], false);
        assert_eq!(changelog.commits().len(), Changelog::COMMITS_MAX);
        assert!(changelog.has_more);
        assert!(!Changelog::new(vec![change; 50], false).has_more);
    }
}
