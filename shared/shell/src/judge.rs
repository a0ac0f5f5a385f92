//! The judging of a release by what it does to the world: alarms, metrics and error lines. What the hosts answer and what is
//! asked from outside is judged elsewhere (`advance/observe.rs`, `outside.rs`).
//!
//! Nothing here fails a look: what cannot be read is an inconclusive judgement that says why. The arithmetic is in
//! `shared/analysis`; this fetches what it needs, and bounds how much that is.

use crate::ports::{Alarms, AppLogs, Clock, LookError, Metrics, Sample, Window};
use crate::world::World;
use longshore_analysis::{
    ErrorLines, Samples, Value, judge_alarm, judge_logs, judge_metric, unknown,
};
use longshore_app_config::{Analysis, AppConfig, AppLog, Metric, Series};
use longshore_core::{CheckName, HostId, Judgement, Millis, Timestamp};
use std::collections::BTreeSet;

/// Hosts of each side whose metrics are looked at; of more, so many are chosen evenly.
pub const HOSTS_MAX: usize = 50;
/// Error lines of one time that are looked at.
pub const LINES_MAX: usize = 10_000;
/// After this time no further log group is begun, so that a round stays far below the time limit of a function.
const LOGS_BUDGET: Millis = Millis::from_secs(15);
/// How far back CloudWatch keeps samples of less than a minute (Amazon CloudWatch User Guide, "Metrics retention").
const FINE_KEPT_FOR: Millis = Millis::from_secs(3 * 60 * 60);
/// A sample of a minute is kept for longer than any comparison goes back.
const MINUTE_S: u32 = 60;

/// Which release is judged: where it runs, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The hosts that were switched to it.
    pub switched: Vec<HostId>,
    /// The hosts that still serve the previous release.
    pub others: Vec<HostId>,
    /// When the first of them was switched: the time before ends here, and the time since begins.
    pub switched_at: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// Judges by everything that the configuration names under `analysis`, in its order: alarms, metrics, logs.
pub async fn judge<W: World>(world: &W, config: &AppConfig, subject: &Subject) -> Vec<Judgement> {
    let analysis = config.analysis();
    let mut judgements = judge_alarms(world, config, subject.now).await;
    judgements.extend(metrics(world, analysis, subject).await);
    judgements.extend(logs(world, analysis, subject).await);
    judgements
}

/// Judges by the alarms that the configuration names, in its order.
pub async fn judge_alarms<W: World>(
    world: &W,
    config: &AppConfig,
    now: Timestamp,
) -> Vec<Judgement> {
    let names = config.analysis().alarms.as_slice();
    if names.is_empty() {
        return Vec::new();
    }
    let states = world.alarms().states(names).await;
    let judged = names.iter().filter_map(|name| {
        let check = name.check()?;
        Some(match &states {
            Ok(states) => judge_alarm(check, name.as_str(), states.get(name).copied(), now),
            Err(error) => unread(check, "alarms", error, now),
        })
    });
    judged.collect()
}

fn unread(check: CheckName, what: &str, error: &LookError, at: Timestamp) -> Judgement {
    unknown(check, &format!("{what} cannot be read: {}", error.0), at)
}

/// A metric that is asked for.
struct Asked<'a> {
    metric: &'a Metric,
    check: CheckName,
    series: Series,
}

/// The hosts whose metrics are looked at.
struct Looked {
    switched: Vec<HostId>,
    others: Vec<HostId>,
    note: String,
}

impl Looked {
    fn of(subject: &Subject) -> Self {
        let switched = evenly(&subject.switched);
        let others = evenly(&subject.others);
        let all = subject.switched.len().saturating_add(subject.others.len());
        let some = switched.len().saturating_add(others.len());
        Self {
            note: if some < all {
                format!("{some} of {all} hosts were looked at")
            } else {
                String::new()
            },
            switched,
            others,
        }
    }
}

/// At most [`HOSTS_MAX`] of the hosts, the same ones every time, at equal distances in the order of their ids.
fn evenly(hosts: &[HostId]) -> Vec<HostId> {
    let mut hosts = hosts.to_vec();
    hosts.sort_unstable();
    let all = hosts.len();
    if all <= HOSTS_MAX {
        return hosts;
    }
    let at = |step: usize| step.saturating_mul(all) / HOSTS_MAX;
    (0..HOSTS_MAX)
        .filter_map(|step| hosts.get(at(step)).cloned())
        .collect()
}

async fn metrics<W: World>(world: &W, analysis: &Analysis, subject: &Subject) -> Vec<Judgement> {
    let metrics = analysis.metrics.as_slice();
    let asked = metrics.iter().filter_map(|metric| {
        Some(Asked {
            metric,
            check: metric.check()?,
            series: metric.series()?,
        })
    });
    let asked: Vec<Asked<'_>> = asked.collect();
    let looked = Looked::of(subject);
    let before = minutes(analysis);
    let mut judged = Vec::new();
    let periods: BTreeSet<u32> = asked.iter().map(|asked| asked.series.period_s).collect();
    for period_s in periods {
        let same = asked.iter().enumerate();
        let same = same.filter(|(_, asked)| asked.series.period_s == period_s);
        let (places, same): (Vec<usize>, Vec<&Asked<'_>>) = same.unzip();
        let windows = Windows::of(subject, before, period_s);
        let judgements = match samples(world, &same, &looked, windows).await {
            Ok(samples) => {
                let pairs = same.iter().zip(samples);
                let judge = |(asked, samples): (&&Asked<'_>, Samples)| {
                    let rule = asked.metric.rule();
                    judge_metric(asked.check.clone(), &rule, &samples, subject.now)
                };
                pairs.map(judge).collect::<Vec<_>>()
            }
            Err(error) => {
                let unread = |asked: &&Asked<'_>| {
                    unread(asked.check.clone(), "metrics", &error, subject.now)
                };
                same.iter().map(unread).collect()
            }
        };
        judged.extend(places.into_iter().zip(judgements));
    }
    judged.sort_by_key(|(place, _)| *place);
    judged.into_iter().map(|(_, judgement)| judgement).collect()
}

fn minutes(analysis: &Analysis) -> Millis {
    Millis::from_secs(u64::from(analysis.before_minutes.get()).saturating_mul(60))
}

/// The two times that are compared, in whole periods. The period in which the switch falls belongs to neither, and the one
/// that is not over yet to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Windows {
    now: Window,
    before: Window,
}

impl Windows {
    fn of(subject: &Subject, before: Millis, period_s: u32) -> Self {
        let period = u64::from(period_s.max(1)).saturating_mul(1_000);
        let floor = |ms: u64| ms.saturating_sub(ms.checked_rem(period).unwrap_or(0));
        let switched = subject.switched_at.as_unix_ms();
        let first = floor(switched.saturating_add(period).saturating_sub(1));
        let last = floor(subject.now.as_unix_ms()).max(first);
        let until = floor(switched);
        let from = floor(until.saturating_sub(before.as_ms()));
        let kept = if period_s < MINUTE_S {
            let oldest = subject
                .now
                .as_unix_ms()
                .saturating_sub(FINE_KEPT_FOR.as_ms());
            floor(oldest.saturating_add(period)).min(until)
        } else {
            0
        };
        let window = |from, until| Window {
            from: Timestamp::from_unix_ms(from),
            until: Timestamp::from_unix_ms(until),
        };
        Self {
            now: window(first, last),
            before: window(from.max(kept), until),
        }
    }
}

/// The samples of some metrics with the same period.
async fn samples<W: World>(
    world: &W,
    asked: &[&Asked<'_>],
    looked: &Looked,
    windows: Windows,
) -> Result<Vec<Samples>, LookError> {
    let own = |asked: &&Asked<'_>| series(asked, &looked.switched);
    let other = |asked: &&Asked<'_>| {
        let is_compared = asked.metric.is_per_host();
        if is_compared {
            series(asked, &looked.others)
        } else {
            Vec::new()
        }
    };
    let owns: Vec<Vec<Series>> = asked.iter().map(own).collect();
    let others: Vec<Vec<Series>> = asked.iter().map(other).collect();
    let since: Vec<Series> = owns.iter().chain(&others).flatten().cloned().collect();
    let before: Vec<Series> = owns.iter().flatten().cloned().collect();
    let mut since = fetched(world, &since, windows.now).await?.into_iter();
    let mut before = fetched(world, &before, windows.before).await?.into_iter();
    let mut found: Vec<Samples> = Vec::new();
    for (own, metric) in owns.iter().zip(asked) {
        let note = if metric.metric.is_per_host() {
            looked.note.clone()
        } else {
            String::new()
        };
        found.push(Samples {
            now: values(since.by_ref().take(own.len())),
            before: values(before.by_ref().take(own.len())),
            others: None,
            note,
            unit: metric.metric.unit(),
        });
    }
    for (samples, other) in found.iter_mut().zip(&others) {
        let values = values(since.by_ref().take(other.len()));
        samples.others = (!other.is_empty()).then_some(values);
    }
    Ok(found)
}

/// A metric's series: one of each host, or the one that all have together.
fn series(asked: &Asked<'_>, hosts: &[HostId]) -> Vec<Series> {
    if !asked.metric.is_per_host() {
        return vec![asked.series.clone()];
    }
    let of_host = |host: &HostId| asked.series.of_host(host.as_str());
    hosts.iter().map(of_host).collect()
}

async fn fetched<W: World>(
    world: &W,
    wanted: &[Series],
    window: Window,
) -> Result<Vec<Vec<Sample>>, LookError> {
    if wanted.is_empty() || window.from >= window.until {
        return Ok(vec![Vec::new(); wanted.len()]);
    }
    world.metrics().samples(wanted, window).await
}

fn values(samples: impl Iterator<Item = Vec<Sample>>) -> Vec<Value> {
    samples.flatten().map(|sample| sample.value).collect()
}

async fn logs<W: World>(world: &W, analysis: &Analysis, subject: &Subject) -> Vec<Judgement> {
    let begun = world.clock().now();
    let mut judged = Vec::new();
    for log in analysis.logs.as_slice() {
        let Some(check) = log.check() else { continue };
        if world.clock().now().since(begun) >= LOGS_BUDGET {
            let why = "there was no time left in this round to read the log group";
            judged.push(unknown(check, why, subject.now));
            continue;
        }
        judged.push(match lines(world, log, minutes(analysis), subject).await {
            Ok((now, before)) => judge_logs(check, log.rule(), &now, &before, subject.now),
            Err(error) => unread(check, "the log group", &error, subject.now),
        });
    }
    judged
}

/// The error lines since the switch, and those before it.
async fn lines<W: World>(
    world: &W,
    log: &AppLog,
    before: Millis,
    subject: &Subject,
) -> Result<(ErrorLines, ErrorLines), LookError> {
    let switched = subject.switched_at;
    let since = Window {
        from: switched,
        until: subject.now.max(switched),
    };
    let from = switched.as_unix_ms().saturating_sub(before.as_ms());
    let before = Window {
        from: Timestamp::from_unix_ms(from),
        until: switched,
    };
    let (group, pattern) = (&log.group, log.errors.as_str());
    let since = world
        .app_logs()
        .errors(group, pattern, since, LINES_MAX)
        .await?;
    let before = world
        .app_logs()
        .errors(group, pattern, before, LINES_MAX)
        .await?;
    Ok((since, before))
}
