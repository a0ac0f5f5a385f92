//! Everything that can be seen, as one closed list. Whatever comes from outside becomes one of these at the edge.

use crate::changelog::Changelog;
use crate::channel::Post;
use crate::command::{Heard, Token};
use crate::failure::Failure;
use crate::freeze::{BreakGlass, Freeze};
use crate::ids::{CommandId, DeploymentId, Generation, HostId};
use crate::judgement::Judgement;
use crate::people::{Said, Vote};
use crate::release::{DocumentPin, Release};
use crate::time::Timestamp;

/// What a deployment needs to start, resolved once and frozen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Start {
    /// The generation that the slot gave out.
    pub generation: Generation,
    /// The release, with every version pinned.
    pub release: Release,
    /// The document that all commands will name.
    pub document: DocumentPin,
    /// The target set.
    pub hosts: Vec<HostId>,
    /// The release to go back to: the last one proven here.
    pub previous: Option<Release>,
    /// What lies between the two, where that is known.
    pub changelog: Option<Changelog>,
}

/// Something seen of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Observation {
    /// A person said yes to a plan.
    Approved(Vote),
    /// A person refused.
    Refused(Said),
    /// A person asked to stop.
    CancelRequested(Said),
    /// A newer deployment took its place in the queue.
    Superseded(DeploymentId),
    /// Its turn came, and everything it needs is known.
    Ready(Start),
    /// Its turn came, but something it needs is missing.
    NotReady(Failure),
    /// Its turn came, and a freeze holds it; or none does any more.
    FreezeSeen(Option<Freeze>),
    /// A person lets it begin in spite of a freeze.
    BreakGlass(BreakGlass),
    /// Somebody sets out to send a command; written before it is tried.
    SendStarted(Token),
    /// SSM accepted a command.
    CommandSent(Token, CommandId),
    /// SSM refused a command.
    SendRefused(Token, Failure),
    /// SSM is throttling and does not have a command; the same one is to be sent later.
    SendPostponed(Token),
    /// SSM does not have a command whose sending was begun, and the settling time is over.
    CommandMissing(Token),
    /// The last word about one host of one command.
    HostReported(Token, Heard),
    /// The checks of one round were done.
    Judged {
        /// The number of the round; 0 before anything is changed.
        round: u32,
        /// What each check has found, in the order in which they are done.
        judgements: Vec<Judgement>,
    },
    /// Time has passed; deadlines and rounds may be due.
    TimePassed,
    /// Somebody sets out to deliver a message.
    AnnounceStarted(u32),
    /// A message was not taken, and its channel asks to be left alone until then.
    AnnouncePostponed(u32, Timestamp),
    /// A message that will change stands somewhere now.
    Posted(Post),
    /// A message was delivered, or given up on.
    Announced(u32),
}

impl Observation {
    /// The name, for the table in `docs/STATES.md` and for logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Approved(_) => "Approved",
            Self::Refused(_) => "Refused",
            Self::CancelRequested(_) => "CancelRequested",
            Self::Superseded(_) => "Superseded",
            Self::Ready(_) => "Ready",
            Self::NotReady(_) => "NotReady",
            Self::FreezeSeen(_) => "FreezeSeen",
            Self::BreakGlass(_) => "BreakGlass",
            Self::SendStarted(_) => "SendStarted",
            Self::CommandSent(..) => "CommandSent",
            Self::SendRefused(..) => "SendRefused",
            Self::SendPostponed(_) => "SendPostponed",
            Self::CommandMissing(_) => "CommandMissing",
            Self::HostReported(..) => "HostReported",
            Self::Judged { .. } => "Judged",
            Self::TimePassed => "TimePassed",
            Self::AnnounceStarted(_) => "AnnounceStarted",
            Self::AnnouncePostponed(..) => "AnnouncePostponed",
            Self::Posted(_) => "Posted",
            Self::Announced(_) => "Announced",
        }
    }
}
