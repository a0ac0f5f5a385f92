//! How apps stand: all of them in a table, one of them with its hosts.

use crate::exit::Exit;
use crate::page::{BAD, BUSY, GOOD, IDLE, Page, WAITS};
use crate::view::{count, marked, short};
use crate::when::{moment, relative};
use longshore_contract::{
    AppStatus, AppSummary, Apps, DeploymentSummary, Drift, Freeze, FreezeToCome, HostStatus, Live,
    Lock, Ping, Timestamp,
};

/// Every app.
#[must_use]
pub fn apps(apps: &Apps, now: Timestamp) -> Page {
    let mut page = Page::new();
    if apps.apps.is_empty() {
        page.line(&format!("{} has no app yet.", apps.environment));
        page.line("next: store an app configuration, see `longshore config apply --help`");
        return page;
    }
    let row = |app: &AppSummary| {
        vec![
            format!("{} {}", app_mark(app), app.app),
            app.live.as_ref().map_or("-".to_owned(), |live| {
                format!("{} {}", short(&live.release.commit), relative(live.at, now))
            }),
            activity(app),
            holds(app, now).join("; "),
        ]
    };
    let rows = apps.apps.iter().map(row).collect();
    page.table(&["APP", "LIVE", "NOW", "HELD BY"], rows);
    page
}

/// One app with its hosts.
#[must_use]
pub fn status(status: &AppStatus, now: Timestamp) -> Page {
    let app = &status.summary;
    let mut page = Page::new();
    page.heading(&format!("{} {}", app_mark(app), app.app));
    let deployment = |one: &Option<DeploymentSummary>| one.as_ref().map(|one| in_short(one, now));
    page.pairs([
        ("repository", Some(app.repository.clone())),
        ("branch", app.branch.clone()),
        ("problem", app.problem.clone()),
        ("live", app.live.as_ref().map(|live| live_text(live, now))),
        ("running", deployment(&app.running)),
        ("waiting", deployment(&app.waiting)),
        ("last ended", deployment(&status.last)),
        ("lock", app.lock.as_ref().map(|lock| lock_text(lock, now))),
        ("freeze", app.freeze.as_ref().map(|f| freeze_text(f, now))),
        (
            "next freeze",
            status.freezes.first().map(|f| coming_text(f, now)),
        ),
        (
            "stranded",
            app.stranded.as_ref().map(|id| stranded_text(id)),
        ),
        ("quarantine", quarantined(status)),
        ("hosts", Some(drift_counts(&status.hosts))),
    ]);
    page.gap();
    page.table(
        &["HOST", "SERVES", "RELEASE", "AGENT"],
        status.hosts.iter().map(host_row).collect(),
    );
    page
}

/// 1 when a host does not serve what it should, or nothing can be deployed.
#[must_use]
pub fn exit(status: &AppStatus) -> Exit {
    let wrong = |host: &HostStatus| matches!(host.drift, Drift::Behind | Drift::Offline);
    let summary = &status.summary;
    if status.hosts.iter().any(wrong) || is_wrong(summary) {
        Exit::Bad
    } else {
        Exit::Done
    }
}

/// Whether something about an app needs somebody.
#[must_use]
pub const fn is_wrong(app: &AppSummary) -> bool {
    app.problem.is_some() || app.stranded.is_some()
}

/// A lock in a line.
#[must_use]
pub fn lock_text(lock: &Lock, now: Timestamp) -> String {
    let reason = lock.reason.as_deref().unwrap_or("no reason given");
    let end = moment(lock.expires_at, now);
    format!("{}: {reason}, until {end}", lock.owner)
}

/// A freeze in a line.
#[must_use]
pub fn freeze_text(freeze: &Freeze, now: Timestamp) -> String {
    match freeze.until {
        Some(until) => format!("{}, until {}", freeze.name, moment(until, now)),
        None => format!("{}, with no known end", freeze.name),
    }
}

fn coming_text(freeze: &FreezeToCome, now: Timestamp) -> String {
    format!("{}, from {}", freeze.name, moment(freeze.from, now))
}

/// The freezes that have not begun.
pub fn freezes(page: &mut Page, coming: &[FreezeToCome], now: Timestamp) {
    if coming.is_empty() {
        page.line("None begins within fourteen days.");
        return;
    }
    page.gap().heading("To come");
    let row = |freeze: &FreezeToCome| {
        let until = freeze.until.map(|until| moment(until, now));
        vec![
            freeze.name.clone(),
            moment(freeze.from, now),
            until.unwrap_or_else(|| "not known".to_owned()),
        ]
    };
    page.table(
        &["FREEZE", "FROM", "UNTIL"],
        coming.iter().map(row).collect(),
    );
}

/// A deployment in a line.
#[must_use]
pub fn in_short(deployment: &DeploymentSummary, now: Timestamp) -> String {
    let by = deployment.by.as_deref().map(|by| format!(" by {by}"));
    format!(
        "{}, {} of {}{}, {} [{}]",
        marked(deployment),
        deployment.kind,
        short(&deployment.commit),
        by.unwrap_or_default(),
        relative(deployment.accepted_at, now),
        deployment.id
    )
}

const fn app_mark(app: &AppSummary) -> char {
    if is_wrong(app) {
        BAD
    } else if app.running.is_some() {
        BUSY
    } else if app.waiting.is_some() {
        WAITS
    } else if app.live.is_some() {
        GOOD
    } else {
        IDLE
    }
}

fn activity(app: &AppSummary) -> String {
    let running = app.running.as_ref().map(marked);
    let waiting = app.waiting.as_ref().map(marked);
    let parts: Vec<String> = running.into_iter().chain(waiting).collect();
    parts.join(" ")
}

fn holds(app: &AppSummary, now: Timestamp) -> Vec<String> {
    let lock = app.lock.as_ref().map(|lock| {
        let end = relative(lock.expires_at, now);
        format!("lock of {}, ends {end}", lock.owner)
    });
    let freeze = app.freeze.as_ref().map(|f| format!("freeze {}", f.name));
    let problem = app.problem.clone();
    let stranded = app.stranded.as_ref().map(|_| "stranded".to_owned());
    let all = [lock, freeze, problem, stranded];
    all.into_iter().flatten().collect()
}

fn live_text(live: &Live, now: Timestamp) -> String {
    let commit = short(&live.release.commit);
    let at = moment(live.at, now);
    format!("{commit}, proven {at} [{}]", live.deployment)
}

fn stranded_text(id: &str) -> String {
    format!("the migrations of {id} could not be taken back: see `longshore why {id}`")
}

fn quarantined(status: &AppStatus) -> Option<String> {
    let commits: Vec<&str> = status
        .quarantine
        .iter()
        .map(|one| short(&one.commit))
        .collect();
    (!commits.is_empty()).then(|| commits.join(", "))
}

fn drift_counts(hosts: &[HostStatus]) -> String {
    if hosts.is_empty() {
        return format!("{BAD} none: tag instances with longshore:environment and longshore:app");
    }
    let counted = |drift: Drift| {
        let number = hosts.iter().filter(|host| host.drift == drift).count();
        let (mark, word) = drift_words(drift);
        (number > 0).then(|| format!("{mark} {number} {word}"))
    };
    let all = [Drift::Serves, Drift::Behind, Drift::Offline, Drift::Unknown];
    let parts: Vec<String> = all.into_iter().filter_map(counted).collect();
    format!(
        "{}: {}",
        count(hosts.len(), "host", "hosts"),
        parts.join(", ")
    )
}

const fn drift_words(drift: Drift) -> (char, &'static str) {
    match drift {
        Drift::Serves => (GOOD, "serves"),
        Drift::Behind => (BAD, "behind"),
        Drift::Offline => (BAD, "offline"),
        Drift::Unknown => (IDLE, "unknown"),
    }
}

fn host_row(host: &HostStatus) -> Vec<String> {
    let (mark, word) = drift_words(host.drift);
    let ping = match host.ping {
        Some(Ping::Online) => "online",
        Some(Ping::ConnectionLost) => "connection lost",
        Some(Ping::Inactive) => "inactive",
        None => "not listed by SSM",
    };
    let agent = host.agent.as_deref().map(|agent| format!("{agent}, "));
    vec![
        host.host.clone(),
        format!("{mark} {word}"),
        host.release.as_deref().map_or("-", short).to_owned(),
        format!("{}{ping}", agent.unwrap_or_default()),
    ]
}
