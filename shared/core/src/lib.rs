//! The pure core of Longshore: what a deployment is, and what it does next.
//!
//! Nothing in this crate reads a clock, a network, a disk or an environment variable, and nothing in it is random; the
//! list of dependencies in `Cargo.toml` is what holds that. [`step`] is the only function that changes the state of a
//! [`Deployment`], [`Slot`] the only type that decides who may run. The shell (`shared/shell`) brings observations in
//! and carries effects out.

mod ask;
mod changelog;
mod channel;
mod command;
mod decision;
mod deployment;
mod failure;
mod freeze;
mod ids;
mod judgement;
mod migrations;
mod observation;
mod people;
mod policy;
mod release;
mod rounds;
mod slot;
mod state;
mod text;
mod time;
mod times;
mod transition;

pub use ask::{Answer, Ask};
pub use changelog::{Changelog, CommitLine};
pub use channel::{Channel, Post, Route, Severity};
pub use command::{Action, Command, CommandStatus, Heard, Report, Token};
pub use decision::{Change, Decision, RefKind, SkipReason, decide, decide_head};
pub use deployment::{
    Announcement, AnnouncementKind, Cause, Checks, Deployment, Desk, Kind, Origin, TimelineEntry,
};
pub use failure::{Failure, FailureClass};
pub use freeze::{BreakGlass, Freeze, FreezeSource};
pub use ids::{
    AppName, ChannelName, CheckName, CommandId, Commit, DeploymentId, EnvironmentName, Generation,
    HostId, InvalidId, MessageTs, ObjectVersion, ParameterName, Person, PlanDigest, ReleaseId,
    Repository, Sha256Digest, SlackChannel,
};
pub use judgement::{Amount, Finding, Judgement, Measure};
pub use migrations::{Found, Migrations, Verdict};
pub use observation::{Observation, Start};
pub use people::{Approval, Reason, Said, Via, Vote};
pub use policy::{HealthPolicy, NoData, Policy, PolicyError, WaveSize, waves_of};
pub use release::{Artifact, DocumentPin, Release};
pub use rounds::{Judging, Round, Rounds};
pub use slot::{Acceptance, LastPush, Live, Lock, Proven, Slot, SlotBusy};
pub use state::{Outcome, Phase, Run, Standing, State};
pub use time::{Millis, Timestamp};
pub use times::{Task, Times, Took};
pub use transition::{Advance, Why, absorb, step};
