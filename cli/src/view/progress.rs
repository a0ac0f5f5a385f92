//! A deployment while it goes on: the picture that is drawn anew on a terminal, and the line for each change elsewhere.

use crate::exit::Exit;
use crate::page::{BAD, BUSY, GOOD, Page};
use crate::view::deployment::{failure_text, state_text, timeline_line};
use crate::view::why::{cause, failed_while};
use crate::view::{checks, count, held, mark, marked, short, verdict_mark};
use crate::when::{between, relative, seconds_between, time_of_day};
use longshore_contract::{AppSummary, Deployment, HostVerdict, Judgement, Timestamp};
use std::collections::BTreeMap;

/// As many hosts of a wave as have a mark of their own; above that they are counted only.
const MARKS_MAX: usize = 50;

/// How a deployment ended; none while it goes on.
#[must_use]
pub fn outcome(deployment: &Deployment) -> Option<Exit> {
    let one = &deployment.summary;
    match (one.over, one.state.as_str()) {
        (true, "Succeeded") => Some(Exit::Done),
        (true, _) => Some(Exit::Bad),
        (false, _) => None,
    }
}

/// The picture. The app is for what waits for its turn: what stands in its way.
#[must_use]
pub fn picture(deployment: &Deployment, app: Option<&AppSummary>, now: Timestamp) -> Page {
    let one = &deployment.summary;
    let mut page = Page::new();
    let since = one.started_at.unwrap_or(one.accepted_at);
    let took = between(since, one.ended_at.unwrap_or(now));
    page.heading(&format!(
        "{}: {} in {}, {took}",
        marked(one),
        one.app,
        deployment.environment
    ));
    let by = one.by.as_deref().map(|by| format!(" by {by}"));
    page.line(&format!(
        "{} of {}{}  [{}]",
        one.kind,
        short(&one.commit),
        by.unwrap_or_default(),
        one.id
    ));
    page.gap();
    page.table(&[], phases(deployment, now));
    held::onto(&mut page, app, now);
    waves(&mut page, deployment);
    trouble(&mut page, deployment);
    checks::trouble(&mut page, deployment);
    if let Some(deadline) = deployment.deadline.filter(|_| !one.over) {
        page.gap();
        page.line(&format!("gives up {}", relative(deadline, now)));
    }
    page
}

/// Every state with how long it took.
fn phases(deployment: &Deployment, now: Timestamp) -> Vec<Vec<String>> {
    let one = &deployment.summary;
    let entries = &deployment.timeline;
    let failed = failed_while(deployment);
    let ends = entries.iter().skip(1).map(|entry| Some(entry.at));
    let ends = ends.chain(std::iter::once(None));
    let row = |(entry, end): (&longshore_contract::TimelineEntry, Option<Timestamp>)| {
        let sign = match end {
            Some(_) if failed == Some(entry) => BAD,
            Some(_) => GOOD,
            None => mark(one),
        };
        let took = match (end, one.over) {
            (None, true) => String::new(),
            (end, _) => between(entry.at, end.unwrap_or(now)),
        };
        vec![
            format!("{sign} {}", state_text(entry)),
            time_of_day(entry.at),
            took,
        ]
    };
    entries.iter().zip(ends).map(row).collect()
}

fn waves(page: &mut Page, deployment: &Deployment) {
    let Some(run) = &deployment.run else {
        return;
    };
    let mut waves: BTreeMap<u32, Vec<&HostVerdict>> = BTreeMap::new();
    for host in &run.hosts {
        waves.entry(host.wave).or_default().push(host);
    }
    let row = |(wave, hosts): (&u32, &Vec<&HostVerdict>)| {
        vec![
            format!("wave {}", wave.saturating_add(1)),
            marks(hosts),
            counts(hosts),
        ]
    };
    page.gap();
    page.table(&[], waves.iter().map(row).collect());
}

fn marks(hosts: &[&HostVerdict]) -> String {
    if hosts.len() > MARKS_MAX {
        return count(hosts.len(), "host", "hosts");
    }
    hosts
        .iter()
        .map(|host| verdict_mark(&host.verdict))
        .collect()
}

fn counts(hosts: &[&HostVerdict]) -> String {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for host in hosts {
        let number = counted.entry(&host.verdict).or_default();
        *number = number.saturating_add(1);
    }
    let parts = counted
        .iter()
        .map(|(verdict, number)| format!("{number} {verdict}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// The first real error, with its host and the next step.
fn trouble(page: &mut Page, deployment: &Deployment) {
    let Some(failure) = cause(deployment) else {
        return;
    };
    let hosts = deployment.run.iter().flat_map(|run| &run.hosts);
    let host = hosts
        .into_iter()
        .find(|host| host.failure.as_ref() == Some(failure));
    let place = host.map(|host| format!("{}: ", host.host));
    page.gap();
    page.line(&format!(
        "{BAD} {}{}",
        place.unwrap_or_default(),
        failure_text(failure)
    ));
    page.line(&format!("  next: {}", failure.next));
}

/// What of a deployment was told already.
#[derive(Clone, Debug, Default)]
pub struct Told {
    entries: usize,
    verdicts: BTreeMap<String, String>,
    votes: usize,
    findings: BTreeMap<String, String>,
    held: Vec<String>,
}

impl Told {
    /// A line for everything that is new. The app is for what waits for its turn: what stands in its way.
    pub fn news(
        &mut self,
        deployment: &Deployment,
        app: Option<&AppSummary>,
        now: Timestamp,
    ) -> Vec<String> {
        let entries = deployment.timeline.iter().skip(self.entries);
        let mut lines: Vec<String> = entries.map(timeline_line).collect();
        self.entries = deployment.timeline.len();
        lines.extend(self.held_news(app, now));
        for vote in deployment.votes.iter().skip(self.votes) {
            lines.push(format!("{}  approved by {}", time_of_day(vote.at), vote.by));
        }
        self.votes = deployment.votes.len();
        let hosts = deployment.run.iter().flat_map(|run| &run.hosts);
        lines.extend(hosts.filter_map(|host| self.host_news(host, now)));
        let checks = deployment.judgements.iter();
        lines.extend(checks.filter_map(|one| self.check_news(one)));
        lines
    }

    /// What holds it, where that is something else than before.
    fn held_news(&mut self, app: Option<&AppSummary>, now: Timestamp) -> Vec<String> {
        let held: Vec<String> = app
            .iter()
            .flat_map(|app| held::in_the_way(app, now))
            .collect();
        let before = std::mem::replace(&mut self.held, held.clone());
        let is_new = |line: &String| !before.contains(line);
        held.into_iter().filter(is_new).collect()
    }

    /// A check that has come to something else than before.
    fn check_news(&mut self, one: &Judgement) -> Option<String> {
        let finding = one.finding.clone();
        let before = self.findings.insert(one.check.clone(), finding);
        (before.as_ref() != Some(&one.finding)).then(|| {
            let (at, sign) = (time_of_day(one.at), checks::sign(one));
            format!("{at}  {sign} {} {}", one.check, checks::line(one))
        })
    }

    fn host_news(&mut self, host: &HostVerdict, now: Timestamp) -> Option<String> {
        let before = self
            .verdicts
            .insert(host.host.clone(), host.verdict.clone());
        if host.verdict == "untouched" || before.as_ref() == Some(&host.verdict) {
            return None;
        }
        let why = host.failure.as_ref().map(failure_text);
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let sign = verdict_mark(&host.verdict);
        Some(format!(
            "{}  {sign} {} {}{why}",
            time_of_day(now),
            host.host,
            host.verdict
        ))
    }
}

/// The last line.
#[must_use]
pub fn last_line(deployment: &Deployment) -> String {
    let one = &deployment.summary;
    let took = one.started_at.zip(one.ended_at);
    let took = took.map(|(from, to)| format!(" after {}", between(from, to)));
    let took = took.unwrap_or_default();
    let id = &one.id;
    match outcome(deployment) {
        Some(Exit::Done) => format!("{GOOD} {}{took}", one.state),
        Some(_) => format!("{}{took}: longshore why {id}", marked(one)),
        None if one.state == "AwaitingApproval" => {
            format!("{} waits for you: longshore approve {id}", mark(one))
        }
        None => format!("{BUSY} still {}: longshore watch {id}", one.state),
    }
}

/// Seconds from the request to the end.
#[must_use]
pub fn seconds(deployment: &Deployment) -> Option<i64> {
    let one = &deployment.summary;
    Some(seconds_between(one.accepted_at, one.ended_at?))
}
