//! What the operators' API and its callers say to each other: every request, every answer, every error word, and the table
//! of routes. Both sides use these types, and the OpenAPI document is made of them (`docs/operator-api.openapi.json`).
//!
//! The types carry texts as they are on the wire; the API turns them into the core's identifiers at its edge, and nothing
//! here depends on the core or on the shell. A request with a field that is not known is refused, so that a typing mistake
//! is no silent default. An answer may gain fields, and a caller skips what it does not know. What is optional and missing
//! is left out. Times are RFC 3339 in UTC.

mod app;
mod deployment;
mod error;
mod openapi;
mod page;
mod plan;
mod request;
mod route;
mod stats;

pub use app::{
    AppStatus, AppSummary, Apps, Drift, Freeze, FreezeToCome, HostStatus, Live, Lock, Ping,
    Quarantined, WhoAmI,
};
pub use deployment::{
    Begun, Changelog, CommitLine, Deployment, DeploymentSummary, Ended, Failure, HostVerdict,
    Judgement, KINDS, Migrations, Number, RESULTS, Rounds, Run, TimelineEntry, Verdict, Vote,
};
pub use error::{ErrorWord, Refusal};
pub use openapi::openapi;
pub use page::{Audit, AuditEntry, History, LogLine, Logs, Looked};
pub use plan::{Artifact, ParameterChange, Plan, Release};
pub use request::{Approve, Begin, BeginKind, BreakGlass, LockApp, ProvenBy, Reason};
pub use route::{CONSOLE_PREFIX, Method, Operation, Query, Role, Route};
pub use stats::{
    Counted, Delivery, Drills, HostStep, HostTimes, Recovery, Spread, Stats, Step, Week,
};

/// A moment; RFC 3339 in UTC on the wire.
pub use jiff::Timestamp;
