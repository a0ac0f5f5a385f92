//! The trace of a deployment, as OpenTelemetry has traces: one tree of spans for each deployment, over all functions that had a hand
//! in it.
//!
//! Nobody hands a context on. Every id follows from the deployment's own, so that functions which never speak to each other, and
//! runs that were repeated, agree on it: the trace's id is the ULID's 128 bits, a phase's span is named by its place in the timeline,
//! a function's by the version that it wrote. The root and the phases are told once, when the deployment has ended.

use crate::spans::ended_at;
use longshore_core::{Deployment, DeploymentId, Timestamp};
use sha2::{Digest, Sha256};

/// The id of a trace: never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub u128);

/// The id of a span within its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpanId(pub u64);

/// A span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its id.
    pub id: SpanId,
    /// The span that it is a part of; none for the root.
    pub parent: Option<SpanId>,
    /// What it was about.
    pub name: String,
    /// When it began.
    pub from: Timestamp,
    /// When it was over.
    pub to: Timestamp,
}

/// The digits of a ULID (<https://github.com/ulid/spec>): Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl TraceId {
    /// The trace of a deployment: the number that its ULID writes.
    #[must_use]
    pub fn of(id: &DeploymentId) -> Self {
        let number = id.as_str().bytes().fold(0_u128, |number, letter| {
            let digit = DIGITS.iter().position(|known| *known == letter);
            let digit = digit.and_then(|digit| u128::try_from(digit).ok());
            (number << 5) | digit.unwrap_or(0)
        });
        Self(number)
    }
}

impl SpanId {
    /// The span of the whole deployment.
    #[must_use]
    pub fn root(id: &DeploymentId) -> Self {
        Self::named(id, "deployment", 0)
    }

    /// The span of the phase that began with this entry of the timeline.
    #[must_use]
    pub fn phase(id: &DeploymentId, entry: usize) -> Self {
        Self::named(id, "phase", u64::try_from(entry).unwrap_or(u64::MAX))
    }

    /// The span of the work that wrote this version.
    #[must_use]
    pub fn work(id: &DeploymentId, version: u64) -> Self {
        Self::named(id, "work", version)
    }

    /// The first eight bytes of a hash over what it is, and no zero, which would mean none.
    fn named(id: &DeploymentId, what: &str, number: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(id.as_str());
        hash.update(what);
        hash.update(number.to_be_bytes());
        let bytes = hash.finalize();
        let number = bytes
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        Self(number.max(1))
    }
}

/// The root and the phases of a deployment that has ended; none before.
#[must_use]
pub fn phase_spans(deployment: &Deployment) -> Vec<Span> {
    let Some(ended) = ended_at(deployment) else {
        return Vec::new();
    };
    let id = &deployment.id;
    let root = Span {
        id: SpanId::root(id),
        parent: None,
        name: format!("{} {}", deployment.origin.kind.word(), deployment.app),
        from: deployment.origin.at,
        to: ended,
    };
    let entries = deployment.timeline.iter();
    let next = deployment.timeline.iter().skip(1);
    let phases = entries
        .zip(next)
        .enumerate()
        .map(|(index, (entry, next))| Span {
            id: SpanId::phase(id, index),
            parent: Some(SpanId::root(id)),
            name: match entry.wave {
                Some(wave) => format!("{} wave {}", entry.state, wave.saturating_add(1)),
                None => entry.state.to_owned(),
            },
            from: entry.at,
            // Clocks of two functions may differ; a span does not end before it began.
            to: next.at.max(entry.at),
        });
    std::iter::once(root).chain(phases).collect()
}

/// The span of a piece of work that took a deployment from one version to the next, as a part of the phase that it found.
#[must_use]
pub fn work_span(before: &Deployment, who: &str, from: Timestamp, to: Timestamp) -> Span {
    let id = &before.id;
    let entry = before.timeline.len().saturating_sub(1);
    // An end is no phase: what is done after it belongs to the whole.
    let parent = if before.state.is_terminal() {
        SpanId::root(id)
    } else {
        SpanId::phase(id, entry)
    };
    Span {
        id: SpanId::work(id, before.version.saturating_add(1)),
        parent: Some(parent),
        name: who.to_owned(),
        from,
        to: to.max(from),
    }
}
