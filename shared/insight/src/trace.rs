//! The trace of a deployment, as OpenTelemetry has traces: one tree of spans for each deployment, over all functions that had a hand
//! in it and over its hosts.
//!
//! Nobody hands a context on. Every id follows from the deployment's own, so that functions which never speak to each other, and
//! runs that were repeated, agree on it: the trace's id is the ULID's 128 bits, a phase's span is named by its place in the timeline,
//! a function's by the version that it wrote, a host's by what it was asked to do. The root, the phases and the hosts are told once,
//! when the deployment has ended, from its record alone.

use longshore_core::{
    Announcement, Deployment, DeploymentId, HostId, Outcome, State, Task, TimelineEntry, Timestamp,
};
use sha2::{Digest, Sha256};

/// The id of a trace: never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub u128);

/// The id of a span within its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpanId(pub u64);

/// What a span is, in the words of OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Work within Longshore.
    Internal,
    /// An answer to somebody outside.
    Server,
    /// A request to somebody outside.
    Client,
}

/// A span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its id.
    pub id: SpanId,
    /// The span that it is a part of; none for the root.
    pub parent: Option<SpanId>,
    /// What it was about.
    pub name: String,
    /// What it is.
    pub kind: SpanKind,
    /// When it began.
    pub from: Timestamp,
    /// When it was over.
    pub to: Timestamp,
    /// What else there is to say of it: identifiers and words of the program, and nothing that somebody else wrote.
    pub attributes: Vec<(&'static str, String)>,
    /// Why it is an error, as a failure class; `None` for one that is none.
    pub error: Option<&'static str>,
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
        Self::named(id, "deployment", &[&0_u64.to_be_bytes()])
    }

    /// The span of the phase that began with this entry of the timeline.
    #[must_use]
    pub fn phase(id: &DeploymentId, entry: usize) -> Self {
        let entry = u64::try_from(entry).unwrap_or(u64::MAX);
        Self::named(id, "phase", &[&entry.to_be_bytes()])
    }

    /// The span of the work that wrote this version.
    #[must_use]
    pub fn work(id: &DeploymentId, version: u64) -> Self {
        Self::named(id, "work", &[&version.to_be_bytes()])
    }

    /// The span of the commands that were claimed with this version.
    fn send(id: &DeploymentId, version: u64) -> Self {
        Self::named(id, "send", &[&version.to_be_bytes()])
    }

    /// The span of a host's runs of one task.
    fn host(id: &DeploymentId, task: Task, host: &HostId) -> Self {
        let parts = [task.state().as_bytes(), host.as_str().as_bytes()];
        Self::named(id, "host", &parts)
    }

    /// The span of one attempt to deliver a message.
    fn message(id: &DeploymentId, number: u32, from: Timestamp) -> Self {
        let from = from.as_unix_ms().to_be_bytes();
        Self::named(id, "message", &[&number.to_be_bytes(), &from])
    }

    /// The first eight bytes of a hash over what it is, and no zero, which would mean none.
    fn named(id: &DeploymentId, what: &str, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        hash.update(id.as_str());
        hash.update(what);
        for part in parts {
            hash.update(part);
        }
        let bytes = hash.finalize();
        let number = bytes
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        Self(number.max(1))
    }
}

impl Span {
    fn plain(id: SpanId, parent: SpanId, name: String, from: Timestamp, to: Timestamp) -> Self {
        Self {
            id,
            parent: Some(parent),
            name,
            kind: SpanKind::Internal,
            from,
            // Clocks of two functions may differ; a span does not end before it began.
            to: to.max(from),
            attributes: Vec::new(),
            error: None,
        }
    }
}

/// The root and the phases of a deployment that has ended; none before.
#[must_use]
pub fn phase_spans(deployment: &Deployment) -> Vec<Span> {
    let State::Ended {
        outcome, at: ended, ..
    } = &deployment.state
    else {
        return Vec::new();
    };
    let id = &deployment.id;
    let entries = deployment.timeline.iter();
    let next = deployment.timeline.iter().skip(1);
    let phases = entries.zip(next).enumerate().map(|(index, (entry, next))| {
        let own = SpanId::phase(id, index);
        Span::plain(own, SpanId::root(id), name_of(entry), entry.at, next.at)
    });
    std::iter::once(root(deployment, outcome, *ended))
        .chain(phases)
        .collect()
}

fn root(deployment: &Deployment, outcome: &Outcome, ended: Timestamp) -> Span {
    let origin = &deployment.origin;
    Span {
        id: SpanId::root(&deployment.id),
        parent: None,
        name: format!("{} {}", origin.kind.word(), deployment.app),
        kind: SpanKind::Internal,
        from: origin.at,
        to: ended.max(origin.at),
        attributes: vec![
            ("longshore.deployment", deployment.id.to_string()),
            ("longshore.app", deployment.app.to_string()),
            (
                "deployment.environment.name",
                deployment.environment.to_string(),
            ),
            ("longshore.commit", origin.commit.to_string()),
            ("longshore.result", outcome.name().to_owned()),
        ],
        error: outcome.failure().map(|failure| failure.class.word()),
    }
}

fn name_of(entry: &TimelineEntry) -> String {
    match entry.wave {
        Some(wave) => format!("{} wave {}", entry.state, wave.saturating_add(1)),
        None => entry.state.to_owned(),
    }
}

/// What the hosts of a deployment that has ended did, as far as they told how long it took; none before the end. A host tells a
/// length of time and no point in it, and its clock may be wrong: its span ends when its last answer was heard, which is the time of
/// the answer's way too late, and does not begin before its phase.
#[must_use]
pub fn host_spans(deployment: &Deployment) -> Vec<Span> {
    let (true, Some(run)) = (deployment.state.is_terminal(), deployment.state.run()) else {
        return Vec::new();
    };
    let id = &deployment.id;
    let told = Task::ALL.into_iter();
    let told = told.flat_map(|task| {
        run.times
            .of(task)
            .map(move |(host, took)| (task, host, took))
    });
    told.map(|(task, host, took)| {
        let place = deployment.timeline.iter().rposition(|entry| {
            let is_its_wave = entry
                .wave
                .is_none_or(|wave| run.wave_of(host) == Some(wave));
            entry.state == task.state() && is_its_wave && entry.at <= took.heard
        });
        let parent = place.map_or_else(|| SpanId::root(id), |place| SpanId::phase(id, place));
        let phase = place.and_then(|place| deployment.timeline.get(place));
        let earliest = phase.map_or(deployment.origin.at, |entry| entry.at);
        let from = took.heard.before(took.time).max(earliest);
        let own = SpanId::host(id, task, host);
        // Which host is an attribute: names are for kinds of spans (OpenTelemetry specification, "Span", name).
        let name = format!("{} on a host", task.state());
        Span {
            attributes: vec![
                ("host.id", host.to_string()),
                ("longshore.took_ms", took.time.as_ms().to_string()),
            ],
            ..Span::plain(own, parent, name, from, took.heard)
        }
    })
    .collect()
}

/// The span of a piece of work that took a deployment from one version to the next, as a part of the phase that it found.
#[must_use]
pub fn work_span(before: &Deployment, who: &str, from: Timestamp, to: Timestamp) -> Span {
    let id = &before.id;
    let own = SpanId::work(id, before.version.saturating_add(1));
    Span::plain(own, parent_now(before), who.to_owned(), from, to)
}

/// The span of what made a deployment: from the moment at which somebody began with the news of it until it was on record. The
/// deployment is as it was accepted.
#[must_use]
pub fn accept_span(accepted: &Deployment, who: &str, from: Timestamp, to: Timestamp) -> Span {
    let id = &accepted.id;
    let own = SpanId::work(id, accepted.version.saturating_add(1));
    Span {
        kind: SpanKind::Server,
        ..Span::plain(own, SpanId::root(id), format!("{who}: accept"), from, to)
    }
}

/// The span of commands that were handed to SSM. The deployment is as it was when they were claimed.
#[must_use]
pub fn send_span(claimed: &Deployment, what: &str, from: Timestamp, to: Timestamp) -> Span {
    let own = SpanId::send(&claimed.id, claimed.version);
    Span {
        kind: SpanKind::Client,
        ..Span::plain(own, parent_now(claimed), format!("send {what}"), from, to)
    }
}

/// The span of one attempt to deliver a message, as a part of the phase that the message is about.
#[must_use]
pub fn message_span(
    deployment: &Deployment,
    message: &Announcement,
    is_delivered: bool,
    from: Timestamp,
    to: Timestamp,
) -> Span {
    let id = &deployment.id;
    let mut entries = deployment.timeline.iter();
    let place = entries.rposition(|entry| entry.at <= message.since);
    Span {
        kind: SpanKind::Client,
        attributes: vec![
            ("longshore.message", message.number.to_string()),
            ("longshore.channel", message.channel.label()),
        ],
        error: (!is_delivered).then_some("undelivered"),
        ..Span::plain(
            SpanId::message(id, message.number, from),
            phase_or_root(deployment, place.unwrap_or(0)),
            format!("tell {}", message.kind.word()),
            from,
            to,
        )
    }
}

/// The phase that a deployment is in.
fn parent_now(deployment: &Deployment) -> SpanId {
    phase_or_root(deployment, deployment.timeline.len().saturating_sub(1))
}

/// The phase that began with an entry. An end is no phase: what is done after it belongs to the whole.
fn phase_or_root(deployment: &Deployment, entry: usize) -> SpanId {
    let is_last = deployment.timeline.len().saturating_sub(1) == entry;
    if is_last && deployment.state.is_terminal() {
        SpanId::root(&deployment.id)
    } else {
        SpanId::phase(&deployment.id, entry)
    }
}
