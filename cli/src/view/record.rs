//! What is on the record: the audit, the quarantine, and who somebody is.

use crate::page::Page;
use crate::view::short;
use crate::when::{absolute, relative};
use longshore_contract::{AppStatus, Audit, AuditEntry, Quarantined, Timestamp, WhoAmI};

/// What operators did.
#[must_use]
pub fn audit(audit: &Audit, app: &str, now: Timestamp) -> Page {
    let mut page = Page::new();
    if audit.entries.is_empty() {
        page.line(&format!(
            "Nobody has locked or unlocked {app}, cleared a quarantine or broken a freeze yet."
        ));
        return page;
    }
    let rows = audit.entries.iter().map(|entry| audit_row(entry, now));
    page.table(&["WHEN", "WHO", "WHAT", "ABOUT", "WHY"], rows.collect());
    if let Some(before) = &audit.before {
        page.line(&format!(
            "older ones: longshore audit {app} --before {before}"
        ));
    }
    page
}

fn audit_row(entry: &AuditEntry, now: Timestamp) -> Vec<String> {
    let commit = entry.commit.as_deref().map(short).map(str::to_owned);
    let until = entry.until.map(|at| format!("until {}", absolute(at)));
    let about = [entry.deployment.clone(), commit, until];
    vec![
        format!("{} ({})", absolute(entry.at), relative(entry.at, now)),
        format!("{}, by {}", entry.by, entry.via),
        entry.action.replace('_', " "),
        about.into_iter().flatten().collect::<Vec<_>>().join(", "),
        entry.reason.clone().unwrap_or_default(),
    ]
}

/// The commits that may not come back.
#[must_use]
pub fn quarantine(status: &AppStatus) -> Page {
    let app = &status.summary.app;
    let mut page = Page::new();
    if status.quarantine.is_empty() {
        page.line(&format!("No commit of {app} is in quarantine."));
        return page;
    }
    let row = |one: &Quarantined| vec![one.commit.clone(), one.deployment.clone()];
    let rows = status.quarantine.iter().map(row).collect();
    page.table(&["COMMIT", "ROLLED BACK BY"], rows);
    page.line(&format!(
        "allow one again: longshore quarantine clear {app} COMMIT --reason '…'"
    ));
    page
}

/// Who somebody is for the API.
#[must_use]
pub fn whoami(me: &WhoAmI) -> Page {
    let mut page = Page::new();
    page.pairs([
        ("you are", Some(me.name.clone())),
        ("by", Some(me.principal.clone())),
        ("account", me.account.clone()),
        ("roles", Some(roles(me))),
        ("environment", Some(me.environment.clone())),
        ("version", Some(me.version.clone())),
    ]);
    page
}

/// The API knows the roles of whoever signed in on the console's page. Those of IAM are policies, which it never sees.
fn roles(me: &WhoAmI) -> String {
    match &me.roles {
        Some(roles) if roles.is_empty() => "none".to_owned(),
        Some(roles) => roles.join(", "),
        None => "as your IAM policies say: a verb without its right is refused by name".to_owned(),
    }
}
