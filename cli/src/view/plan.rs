//! What a deployment would do: the page that a person sees before saying yes. Of parameters it has names and versions only.

use crate::page::{GOOD, Page, WAITS};
use crate::view::{count, short};
use crate::when::length;
use longshore_contract::{Migrations, ParameterChange, Plan, Release, Verdict};

/// As many hosts of a wave as are named.
const HOSTS_SHOWN: usize = 8;

/// A plan on its own page.
#[must_use]
pub fn page(plan: &Plan, app: &str) -> Page {
    let mut page = Page::new();
    page.heading(&format!("{app}: what a {} would do", plan.kind));
    onto(&mut page, plan);
    let is_new = plan
        .live
        .as_ref()
        .is_some_and(|live| live.commit != plan.release.commit);
    if is_new {
        page.gap();
        page.line(
            "Its commits are told once it has begun: longshore show, and before an approval.",
        );
    }
    page
}

/// A plan on a page that has more.
pub fn onto(page: &mut Page, plan: &Plan) {
    page.pairs([
        ("commit", Some(commit(plan))),
        ("build", build(&plan.release)),
        ("configuration", Some(configuration(plan))),
        ("parameters", Some(parameters(&plan.parameters))),
        (
            "migrations",
            Some(plan.migrations.as_ref().map_or_else(
                || "not judged yet: a host does that while it prepares".to_owned(),
                migrations_text,
            )),
        ),
        ("hosts", Some(hosts(&plan.waves))),
        ("takes about", plan.expected_seconds.map(expected)),
        ("approvals", Some(approvals(plan.approvals_wanted))),
        ("held by", Some(held(&plan.held_by))),
        ("digest", plan.digest.clone()),
    ]);
    if !plan.waves.is_empty() {
        let waves = plan.waves.iter().enumerate();
        page.table(&["WAVE", "HOSTS", ""], waves.map(wave_row).collect());
    }
}

/// What was found of migrations, in a line.
#[must_use]
pub fn migrations_text(migrations: &Migrations) -> String {
    let number = usize::try_from(migrations.count).unwrap_or(usize::MAX);
    let count = count(number, "new one", "new ones");
    let verdict = match migrations.verdict {
        Verdict::Safe => "safe to go back from",
        Verdict::NeedsDown => "taken back before a rollback",
        Verdict::Impossible if migrations.allowed => "no way back, which the configuration allows",
        Verdict::Impossible => "no way back",
    };
    let applied = if migrations.applied { ", applied" } else { "" };
    let findings = migrations.findings.iter().map(|text| format!("; {text}"));
    format!(
        "{count}, {verdict}{applied}{}",
        findings.collect::<String>()
    )
}

fn commit(plan: &Plan) -> String {
    let commit = &plan.release.commit;
    match &plan.live {
        Some(live) if live.commit == *commit => format!("{commit} (as live)"),
        Some(live) => format!("{commit} (live: {})", short(&live.commit)),
        None => format!("{commit} (nothing is live)"),
    }
}

fn build(release: &Release) -> Option<String> {
    let artifact = release.artifact.as_ref()?;
    Some(format!("a stored one, SHA-256 {}", short(&artifact.sha256)))
}

fn configuration(plan: &Plan) -> String {
    let version = plan.release.config_version;
    match &plan.live {
        Some(live) if live.config_version == version => format!("version {version} (as live)"),
        Some(live) => format!("version {version} (live: {})", live.config_version),
        None => format!("version {version}"),
    }
}

fn parameters(changes: &[ParameterChange]) -> String {
    if changes.is_empty() {
        return "none changed".to_owned();
    }
    let text = |change: &ParameterChange| match (change.before, change.after) {
        (Some(before), Some(after)) => format!("~{} ({before} → {after})", change.name),
        (None, Some(_)) => format!("+{}", change.name),
        (Some(_), None) => format!("-{}", change.name),
        (None, None) => change.name.clone(),
    };
    changes.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn hosts(waves: &[Vec<String>]) -> String {
    let number = waves.iter().map(Vec::len).sum();
    format!(
        "{} in {}",
        count(number, "host", "hosts"),
        count(waves.len(), "wave", "waves")
    )
}

fn expected(seconds: u64) -> String {
    length(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn approvals(wanted: u32) -> String {
    match wanted {
        0 => "none needed".to_owned(),
        1 => format!("{WAITS} one person must approve"),
        more => format!("{WAITS} {more} different people must approve"),
    }
}

fn held(by: &[String]) -> String {
    if by.is_empty() {
        format!("{GOOD} nothing")
    } else {
        format!("{WAITS} {}", by.join("; "))
    }
}

fn wave_row((index, hosts): (usize, &Vec<String>)) -> Vec<String> {
    let shown: Vec<&str> = hosts.iter().take(HOSTS_SHOWN).map(String::as_str).collect();
    let more = match hosts.len().saturating_sub(HOSTS_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    vec![
        index.saturating_add(1).to_string(),
        hosts.len().to_string(),
        format!("{}{more}", shown.join(" ")),
    ]
}
