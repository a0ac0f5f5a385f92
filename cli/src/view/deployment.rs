//! One deployment in full, and many in a table.

use crate::args;
use crate::page::Page;
use crate::view::stats::time;
use crate::view::{checks, count, held, marked, plan, short, verdict_mark};
use crate::when::{absolute, between, moment, relative, time_of_day};
use longshore_contract::{
    AppSummary, CommitLine, Deployment, DeploymentSummary, Failure, History, HostVerdict, Looked,
    Plan, TimelineEntry, Timestamp, Vote,
};

/// An app's deployments, of which some may have been asked for, by the names and values that the API took.
#[must_use]
pub fn history(history: &History, app: &str, wanted: &[(&str, &str)], now: Timestamp) -> Page {
    let mut page = Page::new();
    let none = match (wanted, &history.before) {
        ([], _) => format!("{app} has no deployment here."),
        (_, None) => format!("No deployment of {app} is as asked for."),
        (_, Some(_)) => format!("So far no deployment of {app} is as asked for."),
    };
    if history.deployments.is_empty() {
        page.line(&none);
    }
    let with_host = history.deployments.iter().any(|one| one.host.is_some());
    let rows = history
        .deployments
        .iter()
        .map(|one| history_row(one, with_host, now));
    let mut head = vec!["DEPLOYMENT", "STATE", "WHAT", "ACCEPTED", "TOOK"];
    head.extend(with_host.then_some("HOST"));
    head.push("WHO, WHY");
    page.table(&head, rows.collect());
    if let Some(looked) = &history.looked {
        page.line(&looked_text(looked));
    }
    if let Some(before) = &history.before {
        let again = wanted.iter().map(|(name, value)| option(name, value));
        let again: String = again.collect();
        page.line(&format!(
            "older ones: longshore history {app}{again} --before {before}"
        ));
    }
    page
}

fn looked_text(looked: &Looked) -> String {
    let number = usize::try_from(looked.at).unwrap_or(usize::MAX);
    let number = count(number, "deployment", "deployments");
    match looked.back_to {
        Some(at) => format!("looked through {number}, back to {}", absolute(at)),
        None => format!("looked through {number}"),
    }
}

/// A name and a value of the API as an option of the command line.
fn option(name: &str, value: &str) -> String {
    let word = match (name, args::Ending::from_name(value)) {
        ("result", Some(ending)) => ending,
        _ => value.to_owned(),
    };
    if word.contains(' ') {
        format!(" --{name} '{word}'")
    } else {
        format!(" --{name} {word}")
    }
}

fn history_row(one: &DeploymentSummary, with_host: bool, now: Timestamp) -> Vec<String> {
    let took = one.started_at.zip(one.ended_at);
    let of_the_host = one.host.as_ref();
    let why = one.failure.as_ref();
    let why = of_the_host.and_then(|host| host.failure.as_ref()).or(why);
    let why = why.map(|failure| failure.class.clone());
    let ago = relative(one.accepted_at, now);
    let host = of_the_host.map(|host| format!("{} {}", verdict_mark(&host.verdict), host.verdict));
    let mut row = vec![
        one.id.clone(),
        marked(one),
        format!("{} {}", one.kind, short(&one.commit)),
        format!("{} ({ago})", one.accepted_at.strftime("%m-%d %H:%M")),
        took.map(|(from, to)| between(from, to)).unwrap_or_default(),
    ];
    row.extend(with_host.then(|| host.unwrap_or_default()));
    let told = one.by.iter().cloned().chain(why);
    row.push(told.collect::<Vec<_>>().join(", "));
    row
}

/// What somebody is asked to say yes to: the plan last, so that it stands above the question.
#[must_use]
pub fn asked(deployment: &Deployment, plan: &Plan, now: Timestamp) -> Page {
    let mut page = Page::new();
    head(&mut page, deployment, now);
    votes(&mut page, deployment, now);
    changelog(&mut page, deployment);
    page.gap().heading("Plan");
    plan::onto(&mut page, plan);
    page.gap();
    page
}

/// Everything about one. The app is for what waits for its turn: what stands in its way.
#[must_use]
pub fn show(deployment: &Deployment, app: Option<&AppSummary>, now: Timestamp) -> Page {
    let mut page = Page::new();
    head(&mut page, deployment, now);
    held::onto(&mut page, app, now);
    if let Some(failure) = &deployment.summary.failure {
        page.gap();
        page.line(&failure_text(failure));
        page.line(&format!("  next: {}", failure.next));
    }
    votes(&mut page, deployment, now);
    changelog(&mut page, deployment);
    if let Some(plan) = waiting_plan(deployment) {
        page.gap().heading("Plan");
        plan::onto(&mut page, plan);
    }
    page.gap().heading("Timeline");
    let entries = deployment.timeline.iter();
    page.table(&[], entries.map(timeline_row).collect());
    checks::table(&mut page, deployment, now);
    if let Some(run) = &deployment.run {
        page.gap().heading("Hosts");
        let rows = run.hosts.iter().map(host_row).collect();
        page.table(&["WAVE", "HOST", "VERDICT", "MOVED", "TOOK", "WHY"], rows);
    }
    page
}

fn head(page: &mut Page, deployment: &Deployment, now: Timestamp) {
    let one = &deployment.summary;
    page.heading(&format!(
        "{}: {} in {}",
        marked(one),
        one.app,
        deployment.environment
    ));
    let took = one.started_at.zip(one.ended_at);
    let so_far = one.started_at.filter(|_| one.ended_at.is_none());
    let run = deployment.run.as_ref();
    let ended = deployment.ended.clone().unwrap_or_default();
    page.pairs([
        ("deployment", Some(one.id.clone())),
        ("kind", Some(one.kind.clone())),
        ("repository", Some(deployment.repository.clone())),
        ("commit", Some(one.commit.clone())),
        ("by", one.by.clone()),
        ("reason", deployment.reason.clone()),
        ("committed", one.committed_at.map(|at| moment(at, now))),
        ("accepted", Some(moment(one.accepted_at, now))),
        ("started", one.started_at.map(|at| moment(at, now))),
        ("ended", one.ended_at.map(|at| moment(at, now))),
        ("took", took.map(|(from, to)| between(from, to))),
        ("so far", so_far.map(|from| between(from, now))),
        ("gives up", deployment.deadline.map(|at| moment(at, now))),
        ("ended by", ended.by),
        ("in words", ended.reason),
        ("newer one", ended.superseded_by),
        (
            "from",
            run.and_then(|run| run.previous.as_ref())
                .map(|release| short(&release.commit).to_owned()),
        ),
        (
            "migrations",
            run.and_then(|run| run.migrations.as_ref())
                .map(plan::migrations_text),
        ),
    ]);
}

/// The plan that somebody is asked about; one that has started tells by its run what it does.
fn waiting_plan(deployment: &Deployment) -> Option<&Plan> {
    let waits = deployment.summary.state == "AwaitingApproval";
    deployment.plan.as_ref().filter(|_| waits)
}

fn votes(page: &mut Page, deployment: &Deployment, now: Timestamp) {
    let Some(wanted) = deployment.approvals_wanted else {
        return;
    };
    let given = deployment.votes.len();
    page.gap();
    page.line(&format!("approvals: {given} of {wanted}"));
    let row = |vote: &Vote| {
        vec![
            format!("  {}", vote.by),
            format!("{}, by {}", moment(vote.at, now), vote.via),
            vote.comment.clone().unwrap_or_default(),
        ]
    };
    page.table(&[], deployment.votes.iter().map(row).collect());
}

/// The commits between what was live and what the deployment brings. Once it has started without them, the repository could not
/// be asked, and that is said.
fn changelog(page: &mut Page, deployment: &Deployment) {
    let kind = deployment.summary.kind.as_str();
    let what = match kind {
        "rollback" | "drill" => "Commits that it takes away",
        _ => "Commits that it brings",
    };
    let Some(changelog) = &deployment.changelog else {
        let has_begun = deployment.run.is_some() || deployment.plan.is_some();
        let is_first = [
            deployment.run.as_ref().map(|run| run.previous.is_none()),
            deployment.plan.as_ref().map(|plan| plan.live.is_none()),
        ];
        if has_begun && kind != "join" && !is_first.contains(&Some(true)) {
            page.gap().heading(what);
            page.line("not known: the repository was not asked, or did not answer");
        }
        return;
    };
    if changelog.commits.is_empty() {
        return;
    }
    page.gap().heading(what);
    let row = |line: &CommitLine| {
        vec![
            short(&line.commit).to_owned(),
            line.author.clone(),
            line.subject.clone(),
        ]
    };
    page.table(&[], changelog.commits.iter().map(row).collect());
    if changelog.more {
        page.line("and more before these");
    }
}

/// A failure in a line.
#[must_use]
pub fn failure_text(failure: &Failure) -> String {
    if failure.detail.is_empty() {
        failure.class.clone()
    } else {
        format!("{}: {}", failure.class, failure.detail)
    }
}

fn timeline_row(entry: &TimelineEntry) -> Vec<String> {
    let cause = entry.cause.as_deref().map(|cause| format!("by {cause}"));
    vec![
        absolute(entry.at),
        state_text(entry),
        cause.unwrap_or_default(),
    ]
}

/// The state of a line of the timeline, with its wave counted from 1 as people do.
#[must_use]
pub fn state_text(entry: &TimelineEntry) -> String {
    match entry.wave {
        Some(wave) => format!("{} wave {}", entry.state, wave.saturating_add(1)),
        None => entry.state.clone(),
    }
}

/// A line of the timeline with the time of its day.
#[must_use]
pub fn timeline_line(entry: &TimelineEntry) -> String {
    format!("{}  {}", time_of_day(entry.at), state_text(entry))
}

/// The states in which a host is timed, in the order of a deployment.
const TIMED: [&str; 5] = [
    "Preparing",
    "Migrating",
    "Activating",
    "Unmigrating",
    "RollingBack",
];

/// How long a host took for what it was asked to do; empty where it told no time.
#[must_use]
pub fn took_text(host: &HostVerdict) -> String {
    let of = |state: &&str| Some(format!("{state} {}", time(*host.took_ms.get(*state)?)));
    let parts: Vec<String> = TIMED.iter().filter_map(of).collect();
    parts.join(", ")
}

fn host_row(host: &HostVerdict) -> Vec<String> {
    vec![
        host.wave.saturating_add(1).to_string(),
        host.host.clone(),
        format!("{} {}", verdict_mark(&host.verdict), host.verdict),
        if host.moved { "yes" } else { "" }.to_owned(),
        took_text(host),
        host.failure.as_ref().map(failure_text).unwrap_or_default(),
    ]
}
