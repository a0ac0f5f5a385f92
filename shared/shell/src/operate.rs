//! What operators do: say yes or no to a plan, stop, begin, go back, try again, hold an app, let a commit in again.
//!
//! Each of these loads, lets the core judge, and writes once, under the conditions of every other write. What cannot be done
//! is a [`Refusal`] with a word that stays the same, and nothing has changed then. Nothing here reaches a host: what is begun
//! waits in the slot for the reconciler.

mod begin;
mod hold;
mod say;

pub use begin::{Back, Begun, Database, Wish, begin, judge};
pub use hold::{clear, lock, unlock};
pub use say::{approve, break_glass, cancel, reject};

use crate::accept::{Deciding, Refusal as Unreachable};
use crate::ports::{Store, StoreError};
use longshore_core::{
    Deployment, DeploymentId, Lock, Person, Reason, Said, SkipReason, Verdict, Via,
};

/// Who does something, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The person.
    pub by: Person,
    /// The place.
    pub via: Via,
}

impl Operator {
    fn said(&self, reason: &Reason) -> Said {
        Said {
            by: self.by.clone(),
            via: self.via,
            reason: reason.clone(),
        }
    }
}

/// Why something is not done. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such deployment.
    NoSuchDeployment,
    /// It is over.
    Over,
    /// It is too late for that; a deployment that has started can be cancelled.
    TooLate,
    /// It does not wait for an approval.
    NotAsked,
    /// The plan is another one by now.
    OtherPlan,
    /// Whose deployment it is may not say yes to it, or it is not known whose it is.
    OwnDeployment,
    /// The configuration does not know this person, and it must be known who says yes.
    UnknownPerson,
    /// Somebody else holds the app.
    Locked(Lock),
    /// Nobody holds it.
    NotLocked,
    /// The commit was rolled back here.
    Quarantined,
    /// It is not in quarantine.
    NotInQuarantine,
    /// Nothing was ever live.
    NothingLive,
    /// There is no proven release to go back to.
    NothingBefore,
    /// The deployment that is named has proven nothing here.
    NotProven,
    /// It is live already.
    AlreadyLive,
    /// The database may not fit the release to go back to; with the verdict, where one is known.
    DatabaseMayNotFit(Option<Verdict>),
    /// There is nothing left to try again.
    NothingToRetry,
    /// The app has no valid configuration here.
    NotConfigured(SkipReason),
}

impl Refusal {
    /// The word for it in logs: the same for ever.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NoSuchDeployment => "no_such_deployment",
            Self::Over => "over",
            Self::TooLate => "too_late",
            Self::NotAsked => "not_asked",
            Self::OtherPlan => "other_plan",
            Self::OwnDeployment => "own_deployment",
            Self::UnknownPerson => "unknown_person",
            Self::Locked(_) => "locked",
            Self::NotLocked => "not_locked",
            Self::Quarantined => "quarantined",
            Self::NotInQuarantine => "not_in_quarantine",
            Self::NothingLive => "nothing_live",
            Self::NothingBefore => "nothing_before",
            Self::NotProven => "not_proven",
            Self::AlreadyLive => "already_live",
            Self::DatabaseMayNotFit(_) => "database_may_not_fit",
            Self::NothingToRetry => "nothing_to_retry",
            Self::NotConfigured(_) => "not_configured",
        }
    }
}

/// Why something was not done.
#[derive(Debug)]
pub enum NotDone {
    /// It cannot be.
    Refused(Refusal),
    /// Something cannot be reached now; trying again is safe.
    Unreachable(Box<dyn std::error::Error + Send + Sync>),
}

impl From<Refusal> for NotDone {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Unreachable(Box::new(error))
    }
}

impl From<Unreachable> for NotDone {
    fn from(unreachable: Unreachable) -> Self {
        Self::Unreachable(unreachable.0)
    }
}

/// Lost races before the caller is told to try again.
const CONFLICTS_MAX: u32 = 8;

async fn deployment<D: Deciding>(world: &D, id: &DeploymentId) -> Result<Deployment, NotDone> {
    let deployment = world.store().deployment(id).await?;
    deployment.ok_or_else(|| Refusal::NoSuchDeployment.into())
}
