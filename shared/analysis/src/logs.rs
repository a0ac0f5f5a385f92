//! Judging an app's error lines: kinds that were not there before the switch, and how many there are.
//!
//! Two things fail a release:
//!
//! 1. a kind of error that was not there before, and that came at least so many times, and
//! 2. more errors a minute than before by more than a share, when there are at least so many.
//!
//! Both only where chance does not explain it: where both times have the same rate, each error is one of those since the switch
//! with a probability that is this time's share of both, and the number must be more than three standard deviations above what
//! that gives (the conditional test of two Poisson rates: Przyborowski and Wilenski, Biometrika 31, 1940). A good release is
//! beyond that about once in a thousand times.
//!
//! Of a log that could be read in part only, each number is a lower bound: what was found counts, what was not found does not.

use crate::pattern::{message, pattern};
use longshore_core::{
    Amount, CheckName, FailureClass, Finding, Judgement, Measure, Millis, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of errors that are told apart in one time; what comes after them is counted, and never new.
const KINDS_MAX: usize = 2_000;
/// Milliseconds in a minute.
const MINUTE_MS: u64 = 60_000;

/// How error lines are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRule {
    /// By what share there may be more errors a minute than before, in percent.
    pub change_max_percent: u32,
    /// How many errors, or errors of a new kind, it takes at least.
    pub events_min: u32,
}

/// An error line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrorLine {
    /// When it was written.
    pub at: Timestamp,
    /// The line, as the app wrote it.
    pub text: String,
}

/// The error lines of a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLines {
    /// The lines, in the order of time.
    pub lines: Vec<ErrorLine>,
    /// Whether these are all; else there are at least these, the oldest ones.
    pub complete: bool,
    /// Whether anything was logged in this time at all, be it an error or not.
    pub logged: bool,
    /// How long the time is.
    pub span: Millis,
}

impl ErrorLines {
    fn count(&self) -> u64 {
        u64::try_from(self.lines.len()).unwrap_or(u64::MAX)
    }
}

/// Judges an app's error lines since the switch against those of the time before it.
#[must_use]
pub fn judge_logs(
    check: CheckName,
    rule: LogRule,
    now: &ErrorLines,
    before: &ErrorLines,
    at: Timestamp,
) -> Judgement {
    let new = worst_new(now, before);
    let new = new.filter(|new| {
        new.count >= u64::from(rule.events_min.max(1)) && beyond_chance(new.count, now, 0, before)
    });
    let risen = has_risen(rule, now, before);
    let (finding, said) = verdict(rule, now, before, new.as_ref(), risen);
    let numbers = numbers(rule, now, before, new.as_ref());
    Judgement::new(check, finding, numbers, &said, at)
}

fn verdict(
    rule: LogRule,
    now: &ErrorLines,
    before: &ErrorLines,
    new: Option<&Kind>,
    risen: bool,
) -> (Finding, String) {
    let silent = [
        (now.logged, "since the switch"),
        (before.logged, "in the time before it"),
    ];
    if let Some((_, when)) = silent.iter().find(|(logged, _)| !logged) {
        return (
            Finding::Inconclusive,
            format!("nothing was logged {when}, no error and nothing else"),
        );
    }
    let least = if now.complete { "" } else { "at least " };
    let bad = match new {
        Some(new) => Some(format!(
            "{least}{} errors of a kind that was not there before: {}",
            new.count, new.first
        )),
        None => risen.then(|| {
            let first = now.lines.first().map_or_else(String::new, |line| message(&line.text));
            format!(
                "{least}{} errors a minute since the switch, {} before it: more than {}% more: {first}",
                per_minute(now),
                per_minute(before),
                rule.change_max_percent
            )
        }),
    };
    match bad {
        Some(said) if before.complete => (Finding::Failed(FailureClass::LogErrors), said),
        Some(said) => (
            Finding::Inconclusive,
            format!("only a part of the time before the switch could be read, else: {said}"),
        ),
        None if now.complete => (
            Finding::Passed,
            format!(
                "{} errors a minute since the switch, {} before it, and no new kind of error came often",
                per_minute(now),
                per_minute(before)
            ),
        ),
        None => (
            Finding::Inconclusive,
            format!(
                "only a part could be read: at least {} errors since the switch",
                now.count()
            ),
        ),
    }
}

/// A kind of error.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kind {
    count: u64,
    first: String,
}

/// The kind that was not there before and came most often; of several, the one that came first.
fn worst_new(now: &ErrorLines, before: &ErrorLines) -> Option<Kind> {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for line in &before.lines {
        let kind = pattern(&line.text);
        if known.len() < KINDS_MAX || known.contains(&kind) {
            known.insert(kind);
        }
    }
    // When more kinds were there before than are kept, none can be called new.
    if known.len() >= KINDS_MAX {
        return None;
    }
    let mut kinds: BTreeMap<String, (usize, Kind)> = BTreeMap::new();
    for (index, line) in now.lines.iter().enumerate() {
        let kind = pattern(&line.text);
        if known.contains(&kind) {
            continue;
        }
        if let Some((_, found)) = kinds.get_mut(&kind) {
            found.count = found.count.saturating_add(1);
        } else if kinds.len() < KINDS_MAX {
            let first = message(&line.text);
            kinds.insert(kind, (index, Kind { count: 1, first }));
        }
    }
    let worst = kinds
        .into_values()
        .max_by(|(at, one), (other_at, other)| one.count.cmp(&other.count).then(other_at.cmp(at)));
    worst.map(|(_, kind)| kind)
}

/// Whether there are more errors than before, by the share, in number, and by more than chance.
fn has_risen(rule: LogRule, now: &ErrorLines, before: &ErrorLines) -> bool {
    let (mine, theirs) = (u128::from(now.count()), u128::from(before.count()));
    let (span, other_span) = (span_ms(now), span_ms(before));
    if mine < u128::from(rule.events_min.max(1)) {
        return false;
    }
    // Rates are compared crosswise: mine/span against theirs/other_span, each times both spans.
    let allowed = theirs
        .saturating_mul(span)
        .saturating_mul(u128::from(rule.change_max_percent).saturating_add(100));
    mine.saturating_mul(other_span).saturating_mul(100) > allowed
        && beyond_chance(now.count(), now, before.count(), before)
}

/// Whether so many since the switch are more than chance makes of the same rate as before it.
fn beyond_chance(mine: u64, now: &ErrorLines, theirs: u64, before: &ErrorLines) -> bool {
    let (span, other_span) = (span_ms(now), span_ms(before));
    let both = u128::from(mine).saturating_add(u128::from(theirs));
    // Of n errors a share p is expected, with the variance n*p*(1-p); all of it times the square of both spans.
    let expected = both.saturating_mul(span);
    let seen = u128::from(mine).saturating_mul(span.saturating_add(other_span));
    let excess = seen.saturating_sub(expected);
    let variance = expected.saturating_mul(other_span);
    excess.saturating_mul(excess) > variance.saturating_mul(9)
}

fn span_ms(lines: &ErrorLines) -> u128 {
    u128::from(lines.span.as_ms().max(1))
}

/// Errors a minute, in thousandths.
fn per_minute(lines: &ErrorLines) -> Amount {
    let thousandths = u128::from(lines.count())
        .saturating_mul(u128::from(MINUTE_MS))
        .saturating_mul(1_000)
        .checked_div(span_ms(lines))
        .unwrap_or(0);
    Amount::from_thousandths(i64::try_from(thousandths).unwrap_or(i64::MAX))
}

fn numbers(
    rule: LogRule,
    now: &ErrorLines,
    before: &ErrorLines,
    new: Option<&Kind>,
) -> Vec<(Measure, Amount)> {
    let whole = |number: u64| Amount::whole(i64::try_from(number).unwrap_or(i64::MAX));
    let share = i64::from(rule.change_max_percent).saturating_add(100);
    let limit = per_minute(before).thousandths().saturating_mul(share) / 100;
    let mut numbers = vec![
        (Measure::Now, per_minute(now)),
        (Measure::Before, per_minute(before)),
        (Measure::Limit, Amount::from_thousandths(limit)),
        (Measure::NowSamples, whole(now.count())),
        (Measure::BeforeSamples, whole(before.count())),
    ];
    numbers.extend(new.map(|new| (Measure::NewErrors, whole(new.count))));
    numbers
}
