//! Why a deployment did not succeed: the class, the first real error line, the host, and the command that helps.

use crate::page::Page;
use crate::view::deployment::{failure_text, state_text, took_text};
use crate::view::{checks, count, held, marked, short};
use crate::when::moment;
use longshore_contract::{
    AppSummary, Deployment, Ended, Failure, HostVerdict, Judgement, TimelineEntry, Timestamp,
};
use longshore_core::FailureClass;

/// As many hosts of one failure as are named.
const HOSTS_SHOWN: usize = 8;

/// The page. The app is for what waits for its turn: what stands in its way.
#[must_use]
pub fn page(deployment: &Deployment, app: Option<&AppSummary>, now: Timestamp) -> Page {
    let one = &deployment.summary;
    let mut page = Page::new();
    page.heading(&format!(
        "{}: {} of {} in {}",
        marked(one),
        one.kind,
        one.app,
        deployment.environment
    ));
    page.pairs([
        ("deployment", Some(one.id.clone())),
        ("commit", Some(short(&one.commit).to_owned())),
        ("ended", one.ended_at.map(|at| moment(at, now))),
        ("failed while", failed_while(deployment).map(state_text)),
    ]);
    page.gap();
    page.line(&sentence(deployment));
    held::onto(&mut page, app, now);
    if let Some(failure) = cause(deployment) {
        page.pairs([
            ("class", Some(failure.class.clone())),
            ("first error", Some(failure.detail.clone())),
            ("hosts", hosts_of(deployment, failure)),
            ("they took", times_of(deployment, failure)),
            ("next", Some(failure.next.clone())),
        ]);
    }
    others(&mut page, deployment);
    checks::table(&mut page, deployment, now);
    page.gap();
    page.line(&format!("helps: {}", helps(deployment)));
    page
}

/// What is said first: what the state means for whoever is woken.
fn sentence(deployment: &Deployment) -> String {
    let ended = deployment.ended.clone().unwrap_or_default();
    let by = ended.by.as_deref().unwrap_or("somebody");
    match deployment.summary.state.as_str() {
        "Succeeded" => format!(
            "It succeeded: every host is proven, or excused by policy{}.",
            undecided(deployment)
        ),
        "Failed" => "It failed before any host moved: what was live still serves.".to_owned(),
        "RolledBack" => {
            "It was rolled back: every host that had moved serves the release before.".to_owned()
        }
        "RollbackFailed" => {
            "Some host could not be restored. Nothing is tried again: somebody must act.".to_owned()
        }
        "Rejected" => format!("It was refused by {by}{}.", words(&ended)),
        "Cancelled" => format!("It was cancelled by {by}{}.", words(&ended)),
        "Expired" => "It waited too long for an approval or for its turn.".to_owned(),
        "Superseded" => "A newer deployment took its place.".to_owned(),
        "AwaitingApproval" => "It waits for an approval; nothing has moved.".to_owned(),
        "Queued" => "It waits for its turn.".to_owned(),
        state => format!("It is at work: {state}."),
    }
}

/// Which checks could not tell, after what was told without them.
fn undecided(deployment: &Deployment) -> String {
    let could_not = |one: &&Judgement| one.finding == "inconclusive";
    let names = deployment.judgements.iter().filter(could_not);
    let names: Vec<&str> = names.map(|one| one.check.as_str()).collect();
    if names.is_empty() {
        return String::new();
    }
    format!(". It is inconclusive by {}", names.join(", "))
}

fn words(ended: &Ended) -> String {
    let reason = ended.reason.as_deref();
    reason.map(|text| format!(": {text}")).unwrap_or_default()
}

/// The deployment's own failure, else the first of a host.
#[must_use]
pub fn cause(deployment: &Deployment) -> Option<&Failure> {
    let hosts = deployment.run.iter().flat_map(|run| &run.hosts);
    let of_hosts = hosts.filter_map(|host| host.failure.as_ref());
    let last_round = deployment
        .rounds
        .as_ref()
        .and_then(|rounds| rounds.last_failure.as_ref());
    let own = deployment.summary.failure.as_ref();
    own.into_iter().chain(of_hosts).chain(last_round).next()
}

/// The last state of the way forward that it was in.
#[must_use]
pub fn failed_while(deployment: &Deployment) -> Option<&TimelineEntry> {
    deployment.summary.failure.as_ref()?;
    let forward = [
        "Preparing",
        "Migrating",
        "Activating",
        "Verifying",
        "Baking",
    ];
    let entries = deployment.timeline.iter().rev();
    entries
        .into_iter()
        .find(|entry| forward.contains(&entry.state.as_str()))
}

fn failing(deployment: &Deployment) -> impl Iterator<Item = (&HostVerdict, &Failure)> {
    let hosts = deployment.run.iter().flat_map(|run| &run.hosts);
    hosts.filter_map(|host| Some((host, host.failure.as_ref()?)))
}

fn hosts_of(deployment: &Deployment, failure: &Failure) -> Option<String> {
    let same = failing(deployment).filter(|(_, other)| other.class == failure.class);
    let hosts: Vec<&str> = same.map(|(host, _)| host.host.as_str()).collect();
    if hosts.is_empty() {
        return None;
    }
    let shown: Vec<&str> = hosts.iter().copied().take(HOSTS_SHOWN).collect();
    let more = match hosts.len().saturating_sub(HOSTS_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("{}{more}", shown.join(" ")))
}

/// How long those hosts took, as far as they are named and have told it: one that gave up at once has another trouble than one that
/// worked to the end of its time.
fn times_of(deployment: &Deployment, failure: &Failure) -> Option<String> {
    let same = failing(deployment).filter(|(_, other)| other.class == failure.class);
    let told = same
        .take(HOSTS_SHOWN)
        .filter(|(host, _)| !host.took_ms.is_empty());
    let told: Vec<String> = told
        .map(|(host, _)| format!("{}: {}", host.host, took_text(host)))
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// What other hosts said that is not the same.
fn others(page: &mut Page, deployment: &Deployment) {
    let Some(cause) = cause(deployment) else {
        return;
    };
    let differs = |host: &str, failure: &Failure| {
        failure.class != cause.class || !is_said(cause, host, failure)
    };
    let rows: Vec<Vec<String>> = failing(deployment)
        .filter(|(host, failure)| differs(&host.host, failure))
        .map(|(host, failure)| vec![host.host.clone(), failure_text(failure)])
        .collect();
    if rows.is_empty() {
        return;
    }
    let heading = count(rows.len(), "host says", "hosts say");
    page.gap();
    page.line(&format!("{heading} something else:"));
    page.table(&[], rows);
}

/// Whether the cause is in the host's words. A deployment's own failure names the host that said it first.
fn is_said(cause: &Failure, host: &str, failure: &Failure) -> bool {
    let words = |text: &str| {
        let named = text.split_once(": ");
        let of_a_host = named.filter(|(name, _)| name.starts_with("i-") || *name == host);
        of_a_host.map_or(text, |(_, words)| words).to_owned()
    };
    words(&cause.detail) == words(&failure.detail)
}

/// Whether the same commit would fail again. Of a class that this version does not know nothing is said.
fn is_of_the_commit(deployment: &Deployment) -> bool {
    let class = cause(deployment).and_then(|failure| FailureClass::from_word(&failure.class));
    class.is_some_and(FailureClass::is_of_the_commit)
}

/// The command that helps next.
fn helps(deployment: &Deployment) -> String {
    let one = &deployment.summary;
    let (id, app) = (&one.id, &one.app);
    match one.state.as_str() {
        "Succeeded" => format!("longshore status {app}"),
        "AwaitingApproval" => format!("longshore approve {id}"),
        "Superseded" => match deployment
            .ended
            .as_ref()
            .and_then(|e| e.superseded_by.as_ref())
        {
            Some(newer) => format!("longshore show {newer}"),
            None => format!("longshore status {app}"),
        },
        "Expired" | "Rejected" | "Cancelled" => format!("longshore history {app}"),
        "RolledBack" => {
            format!("longshore logs {id}; then push a fix, or longshore quarantine list {app}")
        }
        "RollbackFailed" => format!("longshore logs {id}; then longshore status {app}"),
        _ if one.over && is_of_the_commit(deployment) => {
            format!("longshore logs {id}; then push a fix: the same commit would fail again")
        }
        _ if one.over => format!("longshore logs {id}; then longshore retry {id} --reason '…'"),
        _ => format!("longshore watch {id}"),
    }
}
