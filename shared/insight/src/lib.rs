//! What the history tells: which of the deployments are asked for, how long their parts took, how often changes fail and how
//! soon users are served well again. `docs/INSIGHT.md` defines each measure; this crate is where each is counted, once, for the
//! API, for the metrics and for tests.
//!
//! Pure: deployments of the core come in, numbers come out. Nothing here reads a clock or a table, nothing rounds, and there are
//! no floating point numbers: a rate is two counts, a percentile is a time that was measured.

mod changes;
mod end;
mod filter;
mod measures;
mod spans;
mod spread;
mod trace;
mod window;

pub use changes::{Delivery, Recovery};
pub use end::{End, Served};
pub use filter::{CommitStart, Filter, InvalidCommitStart};
pub use measures::{Counted, Drills, HostStep, HostTimes, Measures, Step, Week, measure};
pub use spans::Spans;
pub use spread::Spread;
pub use trace::{
    Span, SpanId, SpanKind, TraceId, accept_span, host_spans, message_span, phase_spans, send_span,
    work_span,
};
pub use window::{Window, week_of};
