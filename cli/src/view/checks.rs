//! What checks have found, with the numbers that they found it by.

use crate::page::{BAD, BUSY, GOOD, Page};
use crate::when::moment;
use longshore_contract::{Deployment, Judgement, Timestamp};

/// Every check with its numbers; nothing where there is none.
pub fn table(page: &mut Page, deployment: &Deployment, now: Timestamp) {
    if deployment.judgements.is_empty() {
        return;
    }
    page.gap().heading("Checks");
    let rows = deployment.judgements.iter().map(|one| {
        vec![
            format!("{} {}", sign(one), one.check),
            one.finding.clone(),
            moment(one.at, now),
            one.said.clone(),
            numbers(one),
        ]
    });
    let head = ["CHECK", "FINDING", "LOOKED", "SAID", "NUMBERS"];
    page.table(&head, rows.collect());
}

/// The checks that have failed or could not tell, a line each: what somebody who watches wants to see.
pub fn trouble(page: &mut Page, deployment: &Deployment) {
    let odd = |one: &&Judgement| one.finding != "passed";
    let mut odd = deployment.judgements.iter().filter(odd).peekable();
    if odd.peek().is_none() {
        return;
    }
    page.gap();
    let rows = odd.map(|one| vec![format!("{} {}", sign(one), one.check), line(one)]);
    page.table(&[], rows.collect());
}

/// What one check has found, in a line.
#[must_use]
pub fn line(one: &Judgement) -> String {
    if one.said.is_empty() {
        one.finding.clone()
    } else {
        format!("{}: {}", one.finding, one.said)
    }
}

/// The sign in front of a check.
#[must_use]
pub fn sign(one: &Judgement) -> char {
    match one.finding.as_str() {
        "passed" => GOOD,
        "failed" => BAD,
        _ => BUSY,
    }
}

fn numbers(one: &Judgement) -> String {
    let numbers = one.numbers.iter();
    let told = numbers.map(|number| format!("{} {}", number.of, number.value));
    told.collect::<Vec<_>>().join(", ")
}
