//! Judging a metric: this release against what was before it, and against the hosts that do not serve it yet.
//!
//! A release is worse than what it is compared with when three things hold together:
//!
//! 1. the median of its samples is worse by more than a share, and by at least an absolute number,
//! 2. in at least 80 of 100 pairs of one of its samples and one to compare with, its own is the worse one (the
//!    common-language effect size: "A common language effect size statistic", Psychological Bulletin 111, 1992), and
//! 3. there are enough samples on both sides.
//!
//! The median bears spikes, the pairs bear two sets that merely overlap. What all hosts suffer is not this release's doing:
//! where both comparisons can be made, it must be worse in both.

use crate::unit::Unit;
use crate::value::Value;
use longshore_core::{Amount, CheckName, FailureClass, Finding, Judgement, Measure, Timestamp};

/// Of a hundred pairs, those in which this release must be worse. 80 is a "large" effect by the usual reading of the
/// measure, which puts 71 there (Vargha and Delaney, Journal of Educational and Behavioral Statistics 25, 2000).
const WORSE_PAIRS_MIN: u32 = 80;

/// Which way is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Worse {
    /// A larger value, as of a latency.
    Higher,
    /// A smaller value, as of a rate of orders.
    Lower,
}

/// How a metric is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricRule {
    /// Which way is worse.
    pub worse: Worse,
    /// By what share of the value to compare with it may get worse, in percent.
    pub change_max_percent: u32,
    /// By how much it must get worse at least, in the metric's unit.
    pub change_min: Value,
    /// Samples that are needed on each side; 0 counts as 1.
    pub samples_min: u32,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Samples {
    /// Since the switch.
    pub now: Vec<Value>,
    /// In the time before it.
    pub before: Vec<Value>,
    /// Since the switch, on the hosts that still serve the previous release; `None` where there are none to compare with.
    pub others: Option<Vec<Value>>,
    /// What people should know of how it was measured, as the end of a sentence; empty where there is nothing.
    pub note: String,
    /// What it is measured in.
    pub unit: Unit,
}

/// Judges a metric.
#[must_use]
pub fn judge_metric(
    check: CheckName,
    rule: &MetricRule,
    samples: &Samples,
    at: Timestamp,
) -> Judgement {
    let now = Sorted::of(&samples.now);
    let before = Compared::of(rule, &now, &Sorted::of(&samples.before));
    let others = samples.others.as_deref().map(Sorted::of);
    let others = others.map(|others| Compared::of(rule, &now, &others));
    let sides: Vec<&Compared> = std::iter::once(&before).chain(&others).collect();
    let conclusive: Vec<&Conclusion> = sides.iter().filter_map(|c| c.conclusion.as_ref()).collect();
    let finding = if conclusive.is_empty() {
        Finding::Inconclusive
    } else if conclusive.iter().all(|conclusion| conclusion.is_worse) {
        Finding::Failed(FailureClass::MetricWorse)
    } else {
        Finding::Passed
    };
    let numbers = numbers(rule, &now, &before, others.as_ref(), &conclusive);
    let mut said = words(rule, &samples.unit, &now, &before, others.as_ref(), finding);
    if !samples.note.is_empty() {
        said = format!("{said}; {}", samples.note);
    }
    Judgement::new(check, finding, numbers, &said, at)
}

/// Samples in the order of their values.
struct Sorted(Vec<Value>);

impl Sorted {
    fn of(samples: &[Value]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_unstable();
        Self(sorted)
    }

    fn count(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    /// The middle one, or the mean of the two in the middle, in half millionths, so that it is exact.
    fn median_doubled(&self) -> Option<i128> {
        let last = self.0.len().checked_sub(1)?;
        let (low, high) = (self.0.get(last / 2)?, self.0.get(self.0.len() / 2)?);
        Some(i128::from(low.millionths()).saturating_add(i128::from(high.millionths())))
    }

    fn median(&self) -> Option<Value> {
        self.median_doubled().map(halved)
    }

    /// Pairs of one of these and one of the others in which this one is worse.
    fn worse_pairs(&self, others: &Self, worse: Worse) -> u128 {
        let beaten = |value: &Value| match worse {
            Worse::Higher => others.0.partition_point(|other| other < value),
            Worse::Lower => {
                let not_larger = others.0.partition_point(|other| other <= value);
                others.0.len().saturating_sub(not_larger)
            }
        };
        self.0.iter().fold(0_u128, |sum, value| {
            sum.saturating_add(u128::try_from(beaten(value)).unwrap_or(u128::MAX))
        })
    }
}

fn halved(doubled: i128) -> Value {
    Value::from_millionths(i64::try_from(doubled / 2).unwrap_or(if doubled < 0 {
        i64::MIN
    } else {
        i64::MAX
    }))
}

/// One comparison.
struct Compared {
    median: Option<Value>,
    count: u64,
    conclusion: Option<Conclusion>,
}

/// What a comparison with enough samples came to.
struct Conclusion {
    is_worse: bool,
    limit: Value,
    worse_pairs_percent: u32,
}

impl Compared {
    fn of(rule: &MetricRule, now: &Sorted, other: &Sorted) -> Self {
        Self {
            median: other.median(),
            count: other.count(),
            conclusion: conclude(rule, now, other),
        }
    }
}

/// Compares; `None` when either side has too few samples.
fn conclude(rule: &MetricRule, now: &Sorted, other: &Sorted) -> Option<Conclusion> {
    let least = u64::from(rule.samples_min.max(1));
    if now.count() < least || other.count() < least {
        return None;
    }
    let (mine, theirs) = (now.median_doubled()?, other.median_doubled()?);
    let worse_by = match rule.worse {
        Worse::Higher => mine.saturating_sub(theirs),
        Worse::Lower => theirs.saturating_sub(mine),
    };
    let share = theirs
        .saturating_abs()
        .saturating_mul(i128::from(rule.change_max_percent));
    let floor = i128::from(rule.change_min.millionths()).saturating_mul(2);
    let by_median = worse_by.saturating_mul(100) > share && worse_by >= floor;
    let pairs = u128::from(now.count()).saturating_mul(u128::from(other.count()));
    let worse_pairs = now.worse_pairs(other, rule.worse).saturating_mul(100);
    let allowed = (share / 100).max(floor);
    let limit = match rule.worse {
        Worse::Higher => theirs.saturating_add(allowed),
        Worse::Lower => theirs.saturating_sub(allowed),
    };
    Some(Conclusion {
        is_worse: by_median && worse_pairs >= pairs.saturating_mul(u128::from(WORSE_PAIRS_MIN)),
        limit: halved(limit),
        worse_pairs_percent: worse_pairs
            .checked_div(pairs)
            .and_then(|percent| u32::try_from(percent).ok())
            .unwrap_or(0),
    })
}

/// The numbers, in the order in which they are shown. Of two comparisons the limit is the one that is harder to pass, and
/// the pairs are the fewer ones, as the release must be worse in both.
fn numbers(
    rule: &MetricRule,
    now: &Sorted,
    before: &Compared,
    others: Option<&Compared>,
    conclusive: &[&Conclusion],
) -> Vec<(Measure, Amount)> {
    let limits = conclusive.iter().map(|conclusion| conclusion.limit);
    let limit = match rule.worse {
        Worse::Higher => limits.max(),
        Worse::Lower => limits.min(),
    };
    let pairs = conclusive.iter().map(|c| c.worse_pairs_percent).min();
    let count = |count: u64| Amount::whole(i64::try_from(count).unwrap_or(i64::MAX));
    let numbers = [
        (Measure::Now, now.median().map(Value::amount)),
        (Measure::Before, before.median.map(Value::amount)),
        (
            Measure::Others,
            others.and_then(|o| o.median).map(Value::amount),
        ),
        (Measure::Limit, limit.map(Value::amount)),
        (Measure::NowSamples, Some(count(now.count()))),
        (Measure::BeforeSamples, Some(count(before.count))),
        (
            Measure::OthersSamples,
            others.map(|others| count(others.count)),
        ),
        (
            Measure::WorsePairs,
            pairs.map(|pairs| count(u64::from(pairs))),
        ),
    ];
    let known = numbers.into_iter();
    known
        .filter_map(|(measure, amount)| Some((measure, amount?)))
        .collect()
}

/// The judgement in words.
fn words(
    rule: &MetricRule,
    unit: &Unit,
    now: &Sorted,
    before: &Compared,
    others: Option<&Compared>,
    finding: Finding,
) -> String {
    let shown = |median: Option<Value>| median.map_or_else(|| "nothing".to_owned(), |v| unit.of(v));
    if finding == Finding::Inconclusive {
        let least = rule.samples_min.max(1);
        let others =
            others.map_or_else(String::new, |o| format!(", {} of the other hosts", o.count));
        return format!(
            "too few samples: {} since the switch, {} before it{others}; {least} are needed on each side",
            now.count(),
            before.count
        );
    }
    let compared = [
        before
            .conclusion
            .as_ref()
            .map(|_| format!("{} before it", shown(before.median))),
        others
            .filter(|others| others.conclusion.is_some())
            .map(|others| {
                format!(
                    "{} on the hosts with the previous release",
                    shown(others.median)
                )
            }),
    ];
    let compared: Vec<String> = compared.into_iter().flatten().collect();
    let verdict = match (finding, rule.worse) {
        (Finding::Failed(_), Worse::Higher) => {
            format!(": more than {}% higher", rule.change_max_percent)
        }
        (Finding::Failed(_), Worse::Lower) => {
            format!(": more than {}% lower", rule.change_max_percent)
        }
        (Finding::Passed | Finding::Inconclusive, _) => String::new(),
    };
    format!(
        "{} since the switch, {}{verdict}",
        shown(now.median()),
        compared.join(", ")
    )
}
