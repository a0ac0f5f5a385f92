//! An end absorbs everything.

use super::{Advance, Why};
use crate::observation::Observation;

/// Whatever is seen after the end changes nothing.
pub(super) fn ended(seen: &Observation) -> Advance {
    match seen {
        Observation::Approved(_)
        | Observation::Refused(_)
        | Observation::CancelRequested(_)
        | Observation::Superseded(_)
        | Observation::Ready(_)
        | Observation::NotReady(_)
        | Observation::FreezeSeen(_)
        | Observation::BreakGlass(_)
        | Observation::SendStarted(_)
        | Observation::CommandSent(..)
        | Observation::SendRefused(..)
        | Observation::SendPostponed(_)
        | Observation::CommandMissing(_)
        | Observation::HostReported(..)
        | Observation::Judged { .. }
        | Observation::TimePassed
        | Observation::AnnounceStarted(_)
        | Observation::AnnouncePostponed(..)
        | Observation::Posted(_)
        | Observation::Announced(_) => Advance::Unchanged(Why::Over),
    }
}
