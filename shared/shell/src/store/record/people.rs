//! What people said, stored.

use super::RecordError;
use longshore_core::{Approval, Person, PlanDigest, Reason, Said, Timestamp, Via, Vote};
use serde::{Deserialize, Serialize};

/// [`Said`], stored. Before reasons were asked for it was the person's name alone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum SaidRecord {
    Full {
        by: String,
        via: String,
        reason: String,
    },
    Name(String),
}

/// [`Approval`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApprovalRecord {
    plan: String,
    votes: Vec<VoteRecord>,
    asked: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VoteRecord {
    by: String,
    via: String,
    plan: String,
    at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl From<&Said> for SaidRecord {
    fn from(said: &Said) -> Self {
        Self::Full {
            by: said.by.to_string(),
            via: said.via.to_string(),
            reason: said.reason.to_string(),
        }
    }
}

impl TryFrom<SaidRecord> for Said {
    type Error = RecordError;

    fn try_from(record: SaidRecord) -> Result<Self, RecordError> {
        let (by, place, text) = match record {
            SaidRecord::Full { by, via, reason } => (by, via, reason),
            SaidRecord::Name(by) => (by, "api".to_owned(), "no reason is on record".to_owned()),
        };
        Ok(Self {
            by: Person::parse(&by)?,
            via: via(&place)?,
            reason: reason(&text)?,
        })
    }
}

pub(super) fn reason(text: &str) -> Result<Reason, RecordError> {
    Reason::parse(text).ok_or_else(|| RecordError::new("a reason cannot be read"))
}

fn via(text: &str) -> Result<Via, RecordError> {
    Via::parse(text).ok_or_else(|| RecordError::new("a place is not known"))
}

impl From<&Approval> for ApprovalRecord {
    fn from(approval: &Approval) -> Self {
        let vote = |vote: &Vote| VoteRecord {
            by: vote.by.to_string(),
            via: vote.via.to_string(),
            plan: vote.plan.to_string(),
            at_ms: vote.at.as_unix_ms(),
            comment: vote.comment.as_ref().map(ToString::to_string),
        };
        Self {
            plan: approval.plan.to_string(),
            votes: approval.votes.iter().map(vote).collect(),
            asked: approval.asked,
        }
    }
}

impl TryFrom<ApprovalRecord> for Approval {
    type Error = RecordError;

    fn try_from(record: ApprovalRecord) -> Result<Self, RecordError> {
        let vote = |vote: VoteRecord| -> Result<Vote, RecordError> {
            Ok(Vote {
                by: Person::parse(&vote.by)?,
                via: via(&vote.via)?,
                plan: PlanDigest::parse(&vote.plan)?,
                at: Timestamp::from_unix_ms(vote.at_ms),
                comment: vote.comment.as_deref().map(reason).transpose()?,
            })
        };
        Ok(Self {
            plan: PlanDigest::parse(&record.plan)?,
            votes: record
                .votes
                .into_iter()
                .map(vote)
                .collect::<Result<_, _>>()?,
            asked: record.asked,
        })
    }
}
