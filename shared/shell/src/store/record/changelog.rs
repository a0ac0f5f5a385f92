//! What comes with a deployment, stored.

use super::RecordError;
use longshore_core::{Changelog, Commit, CommitLine};
use serde::{Deserialize, Serialize};

/// [`Changelog`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangelogRecord {
    commits: Vec<CommitLineRecord>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_more: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommitLineRecord {
    commit: String,
    author: String,
    subject: String,
}

impl From<&Changelog> for ChangelogRecord {
    fn from(changelog: &Changelog) -> Self {
        let line = |line: &CommitLine| CommitLineRecord {
            commit: line.commit.to_string(),
            author: line.author().to_owned(),
            subject: line.subject().to_owned(),
        };
        Self {
            commits: changelog.commits().iter().map(line).collect(),
            has_more: changelog.has_more,
        }
    }
}

impl TryFrom<ChangelogRecord> for Changelog {
    type Error = RecordError;

    fn try_from(record: ChangelogRecord) -> Result<Self, RecordError> {
        let line = |line: CommitLineRecord| {
            let commit = Commit::parse(&line.commit)?;
            Ok(CommitLine::new(commit, &line.author, &line.subject))
        };
        let commits = record.commits.into_iter().map(line);
        let commits = commits.collect::<Result<_, RecordError>>()?;
        Ok(Self::new(commits, record.has_more))
    }
}
