//! What the history tells in numbers: the deployments are read here, `longshore-insight` counts.

use crate::asked::StatsAsked;
use crate::history::{SKEW, Walk, first_before, is_an_app, is_before};
use crate::{Office, read, view};
use longshore_contract as contract;
use longshore_contract::{ErrorWord, Refusal};
use longshore_core::{AppName, Deployment, Millis, Timestamp};
use longshore_insight::{Counted, Delivery, Measures, Recovery, Spread, Window, measure};
use longshore_shell::ports::Clock;

/// As many deployments as one answer reads. Each takes a read of the table of some milliseconds, and API Gateway waits for less
/// than thirty seconds.
pub const READ_MAX: u32 = 1_000;

/// As many ids as are asked of the index at once.
const CHUNK: u32 = 100;

const DAY: Millis = Millis::from_secs(24 * 60 * 60);

/// The window, when nothing else is asked for: four weeks.
const WINDOW_DAYS: u64 = 28;

/// The longest window.
const WINDOW_DAYS_MAX: u64 = 366;

/// How long before the window a deployment may have been accepted that ended in it: the longest wait for an approval and the longest
/// wait in the queue that a configuration allows (docs/CONFIGURATION.md, `timeouts`).
const LIFE_DAYS: u64 = 9;

/// The measures of a window, of one app or of all.
///
/// # Errors
/// [`ErrorWord::BadRequest`] for a window that is too long, [`ErrorWord::NoSuchApp`], [`ErrorWord::Unavailable`].
pub async fn stats<O: Office>(office: &O, asked: &StatsAsked) -> Result<contract::Stats, Refusal> {
    let window = window(asked, office.clock().now())?;
    let apps = match &asked.app {
        Some(app) => vec![app.clone()],
        None => read::names(office).await?,
    };
    let mut read = Read::default();
    let share = share(apps.len());
    for app in &apps {
        let known = read.app(office, app, window, share).await?;
        if known == 0 && asked.app.is_some() {
            is_an_app(office, app).await?;
        }
    }
    let measures = measure(&read.deployments, window);
    let complete_since = read.complete_since.filter(|since| *since > window.from);
    Ok(contract::Stats {
        environment: office.environment().to_string(),
        apps: apps.iter().map(ToString::to_string).collect(),
        looked_at: read.looked,
        complete_since: complete_since.map(view::time),
        ..told(&measures)
    })
}

fn window(asked: &StatsAsked, now: Timestamp) -> Result<Window, Refusal> {
    let until = asked.until.unwrap_or(now);
    let from = asked.since.unwrap_or_else(|| before(until, WINDOW_DAYS));
    if from >= until {
        let message = "since: expected a time before that of until, or before now.";
        return Err(Refusal::new(ErrorWord::BadRequest, message));
    }
    if from < before(until, WINDOW_DAYS_MAX) {
        let message = format!("since: expected at most {WINDOW_DAYS_MAX} days before until.");
        return Err(Refusal::new(ErrorWord::BadRequest, message));
    }
    Ok(Window { from, until })
}

const fn before(at: Timestamp, days: u64) -> Timestamp {
    let span = DAY.as_ms().saturating_mul(days);
    Timestamp::from_unix_ms(at.as_unix_ms().saturating_sub(span))
}

/// As many deployments of one app as are read, so that a busy one leaves room for the others.
fn share(apps: usize) -> u32 {
    let apps = u32::try_from(apps.max(1)).unwrap_or(u32::MAX);
    READ_MAX.checked_div(apps).unwrap_or(0).max(1)
}

/// What was read.
#[derive(Default)]
struct Read {
    deployments: Vec<Deployment>,
    looked: u32,
    /// Since when every app is complete, where one is not wholly.
    complete_since: Option<Timestamp>,
}

impl Read {
    /// Reads an app's history from the window's end back to its beginning, and as far before it as a deployment may have begun that
    /// ended in it. How many there were.
    async fn app<O: Office>(
        &mut self,
        office: &O,
        app: &AppName,
        window: Window,
        share: u32,
    ) -> Result<u32, Refusal> {
        let from = before(window.from, LIFE_DAYS);
        let mut walk = Walk::new(office, app, first_before(office, Some(window.until)), CHUNK);
        while let Some(deployment) = walk.next().await? {
            if is_before(&deployment, from) {
                break;
            }
            if walk.looked > share {
                // What is older than the last one that counts may be missing, and what it ended with it.
                let oldest = deployment.origin.at.after(SKEW);
                self.complete_since = self.complete_since.max(Some(oldest));
                break;
            }
            self.deployments.push(deployment);
        }
        self.looked = self.looked.saturating_add(walk.looked);
        Ok(walk.looked)
    }
}

/// The measures in the words of the contract, without what only the reader knows.
fn told(measures: &Measures) -> contract::Stats {
    let ends = measures.ends.iter();
    contract::Stats {
        environment: String::new(),
        apps: Vec::new(),
        from: view::time(measures.window.from),
        until: view::time(measures.window.until),
        looked_at: 0,
        complete_since: None,
        ends: ends.map(|(name, n)| ((*name).to_owned(), *n)).collect(),
        open: measures.open,
        delivery: delivery(&measures.delivery),
        weeks: measures.weeks.iter().map(week).collect(),
        queue: spread(measures.queue),
        approval: spread(measures.approval),
        work: spread(measures.work),
        steps: measures.steps.iter().map(step).collect(),
        host_steps: measures.host_steps.iter().map(host_step).collect(),
        failures: measures.failures.iter().map(counted).collect(),
        hosts: measures.hosts.iter().map(counted).collect(),
        drills: contract::Drills {
            took: spread(measures.drills.took),
            failed: measures.drills.failed,
        },
    }
}

fn week(week: &longshore_insight::Week) -> contract::Week {
    contract::Week {
        monday: view::time(week.monday),
        delivery: delivery(&week.delivery),
    }
}

fn step(step: &longshore_insight::Step) -> contract::Step {
    contract::Step {
        state: step.state.to_owned(),
        took: spread(step.took),
    }
}

fn host_step(step: &longshore_insight::HostStep) -> contract::HostStep {
    let slowest = step.slowest.iter().map(|one| contract::HostTimes {
        host: one.host.to_string(),
        took: spread(one.took),
    });
    contract::HostStep {
        state: step.state.to_owned(),
        took: spread(step.took),
        slowest: slowest.collect(),
    }
}

fn delivery(delivery: &Delivery) -> contract::Delivery {
    contract::Delivery {
        changes: delivery.changes,
        succeeded: delivery.succeeded,
        failed: delivery.failed,
        stopped: delivery.stopped,
        lead_from_commit: spread(delivery.lead_from_commit),
        lead_from_push: spread(delivery.lead_from_push),
        recovery: recovery(delivery.recovery),
        next_success: recovery(delivery.next_success),
    }
}

fn recovery(recovery: Recovery) -> contract::Recovery {
    contract::Recovery {
        took: spread(recovery.took),
        open: recovery.open,
    }
}

fn spread(spread: Spread) -> contract::Spread {
    contract::Spread {
        n: spread.n,
        p50_ms: spread.p50.map(Millis::as_ms),
        p90_ms: spread.p90.map(Millis::as_ms),
        max_ms: spread.max.map(Millis::as_ms),
    }
}

fn counted(counted: &Counted) -> contract::Counted {
    contract::Counted {
        what: counted.what.clone(),
        times: counted.times,
    }
}
