//! The numbers of a window, with plots that need no colour and no terminal: a mark for each change, a bar for each step.

use crate::page::{BAD, GOOD, Page};
use crate::view::count;
use crate::when::{absolute, length};
use longshore_contract::{
    Counted, Delivery, HostStep, Recovery, Spread, Stats, Step, Timestamp, Week,
};

/// As many marks or blocks as a plot has at most.
const PLOT: u64 = 24;
/// Blocks of one to eight eighths.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const DAY: i64 = 86_400;

/// The page.
#[must_use]
pub fn page(stats: &Stats) -> Page {
    let mut page = Page::new();
    page.heading(&format!(
        "{} in {}, {} to {}",
        who(&stats.apps),
        stats.environment,
        absolute(stats.from),
        absolute(stats.until)
    ));
    if let Some(since) = stats.complete_since {
        page.line(&format!(
            "{BAD} not complete before {}: {} deployments were read; ask for one app, or a shorter time",
            absolute(since),
            stats.looked_at
        ));
    }
    page.pairs([("ended", Some(ends(stats))), ("open", open(stats.open))]);
    page.gap().heading("Changes");
    delivered(&mut page, &stats.delivery, days(stats.from, stats.until));
    by_week(&mut page, &stats.weeks);
    page.gap().heading("Where the time goes");
    times(&mut page, stats);
    slowest(&mut page, &stats.host_steps);
    troubles(&mut page, "WHY NOT", "TIMES", &stats.failures);
    troubles(&mut page, "HOST IN TROUBLE", "TIMES", &stats.hosts);
    page
}

fn who(apps: &[String]) -> String {
    match apps {
        [one] => one.clone(),
        many => count(many.len(), "app", "apps"),
    }
}

fn ends(stats: &Stats) -> String {
    let ends = stats.ends.iter().map(|(name, n)| format!("{n} {name}"));
    let ends: Vec<String> = ends.collect();
    if ends.is_empty() {
        "none".to_owned()
    } else {
        ends.join(", ")
    }
}

fn open(open: u32) -> Option<String> {
    (open > 0).then(|| open.to_string())
}

/// Whole days, rounded up, one at least.
fn days(from: Timestamp, until: Timestamp) -> u64 {
    let seconds = until.as_second().saturating_sub(from.as_second());
    let days = seconds
        .saturating_add(DAY.saturating_sub(1))
        .checked_div(DAY);
    u64::try_from(days.unwrap_or(1)).unwrap_or(1).max(1)
}

fn delivered(page: &mut Page, delivery: &Delivery, days: u64) {
    page.pairs([
        ("frequency", Some(frequency(delivery.succeeded, days))),
        (
            "lead time from commit",
            Some(spread(delivery.lead_from_commit)),
        ),
        ("lead time from push", Some(spread(delivery.lead_from_push))),
        (
            "failure rate",
            Some(rate(delivery.failed, delivery.changes)),
        ),
        ("recovery", Some(recovery(delivery.recovery))),
        ("next success", Some(recovery(delivery.next_success))),
        (
            "stopped in time",
            (delivery.stopped > 0).then(|| delivery.stopped.to_string()),
        ),
    ]);
}

/// How many succeeded, and how many that are in a week.
fn frequency(succeeded: u32, days: u64) -> String {
    let tenths = u64::from(succeeded).saturating_mul(70).checked_div(days);
    let tenths = tenths.unwrap_or(0);
    format!(
        "{succeeded} succeeded, {}.{} a week",
        tenths / 10,
        tenths % 10
    )
}

fn rate(failed: u32, of: u32) -> String {
    let share = u64::from(failed)
        .saturating_mul(1_000)
        .checked_div(of.into());
    match share {
        None => "no changes".to_owned(),
        Some(share) => format!("{failed} of {of} ({}.{} %)", share / 10, share % 10),
    }
}

fn recovery(recovery: Recovery) -> String {
    let open = match recovery.open {
        0 => String::new(),
        open => format!("; {BAD} {open} not yet"),
    };
    format!("{}{open}", spread(recovery.took))
}

fn spread(spread: Spread) -> String {
    match (spread.p50_ms, spread.p90_ms, spread.max_ms) {
        (Some(p50), Some(p90), Some(max)) => format!(
            "p50 {}, p90 {}, longest {} (n = {})",
            time(p50),
            time(p90),
            time(max),
            spread.n
        ),
        (_, _, _) => "none measured".to_owned(),
    }
}

/// As many hosts of a step as are named.
const SLOWEST_SHOWN: usize = 3;

/// Who took longest in each step, beside all hosts together.
fn slowest(page: &mut Page, steps: &[HostStep]) {
    if steps.is_empty() {
        return;
    }
    let longest = |step: &HostStep| {
        step.slowest
            .iter()
            .filter_map(|host| host.took.p50_ms)
            .max()
    };
    let row = |step: &str, who: &str, took: Spread, most: u64| {
        vec![
            step.to_owned(),
            who.to_owned(),
            took.n.to_string(),
            took.p50_ms.map(time).unwrap_or_default(),
            took.max_ms.map(time).unwrap_or_default(),
            bar(took.p50_ms.unwrap_or(0), most),
        ]
    };
    let rows = steps.iter().flat_map(|step| {
        let most = longest(step).max(step.took.p50_ms).unwrap_or(0);
        let hosts = step.slowest.iter().take(SLOWEST_SHOWN);
        let hosts = hosts.map(move |host| row("", &host.host, host.took, most));
        std::iter::once(row(&step.state, "all hosts", step.took, most)).chain(hosts)
    });
    page.gap().heading("Slowest hosts, by their own clocks");
    page.table(
        &["STEP", "HOST", "N", "P50", "LONGEST", "P50"],
        rows.collect(),
    );
}

/// A time in its two largest units; below ten seconds with a tenth.
pub(super) fn time(ms: u64) -> String {
    match ms {
        ..10_000 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        10_000.. => length(i64::try_from(ms / 1_000).unwrap_or(i64::MAX)),
    }
}

fn by_week(page: &mut Page, weeks: &[Week]) {
    let most = weeks.iter().map(|week| week.delivery.changes).max();
    let each = u64::from(most.unwrap_or(0)).div_ceil(PLOT).max(1);
    if most.is_none_or(|most| most == 0) {
        return;
    }
    page.gap();
    let row = |week: &Week| {
        let delivery = &week.delivery;
        vec![
            week.monday.strftime("%Y-%m-%d").to_string(),
            delivery.changes.to_string(),
            delivery.lead_from_push.p50_ms.map(time).unwrap_or_default(),
            delivery.recovery.took.p50_ms.map(time).unwrap_or_default(),
            marks(delivery, each),
        ]
    };
    let legend = match each {
        1 => String::new(),
        each => format!(", one for {each}"),
    };
    let legend = format!("{GOOD} GOOD, {BAD} FAILED{legend}");
    page.table(
        &["WEEK OF", "CHANGES", "LEAD P50", "RECOVERY P50", &legend],
        weeks.iter().map(row).collect(),
    );
}

/// A mark for every so many changes, rounded up, so that one failure is always seen.
fn marks(delivery: &Delivery, each: u64) -> String {
    let row = |mark: char, number: u32| {
        let marks = u64::from(number).div_ceil(each);
        std::iter::repeat_n(mark, usize::try_from(marks).unwrap_or(0)).collect::<String>()
    };
    let good = delivery.changes.saturating_sub(delivery.failed);
    format!("{}{}", row(GOOD, good), row(BAD, delivery.failed))
}

fn times(page: &mut Page, stats: &Stats) {
    let of_state = |step: &Step| (step.state.clone(), step.took);
    let waits = [
        ("waiting for its turn".to_owned(), stats.queue),
        ("waiting for people".to_owned(), stats.approval),
    ];
    let ends = [
        ("all work".to_owned(), stats.work),
        ("drills".to_owned(), stats.drills.took),
    ];
    let all = waits.into_iter().chain(stats.steps.iter().map(of_state));
    let all: Vec<(String, Spread)> = all.chain(ends).filter(|(_, took)| took.n > 0).collect();
    if all.is_empty() {
        page.line("nothing was measured");
        return;
    }
    let longest = all.iter().filter_map(|(_, took)| took.p50_ms).max();
    let row = |(name, took): &(String, Spread)| {
        let shown = |ms: Option<u64>| ms.map(time).unwrap_or_default();
        vec![
            name.clone(),
            took.n.to_string(),
            shown(took.p50_ms),
            shown(took.p90_ms),
            shown(took.max_ms),
            bar(took.p50_ms.unwrap_or(0), longest.unwrap_or(0)),
        ]
    };
    page.table(
        &["", "N", "P50", "P90", "LONGEST", "P50"],
        all.iter().map(row).collect(),
    );
    if stats.drills.failed > 0 {
        page.line(&format!(
            "{BAD} {} did not succeed",
            count(
                usize::try_from(stats.drills.failed).unwrap_or(usize::MAX),
                "drill",
                "drills"
            )
        ));
    }
}

/// A bar of eighths: as long beside the longest one as the number is.
fn bar(number: u64, longest: u64) -> String {
    let eighths = number.saturating_mul(PLOT).saturating_mul(8);
    let eighths = eighths.checked_div(longest).unwrap_or(0);
    let eighths = if number > 0 { eighths.max(1) } else { 0 };
    let whole = usize::try_from(eighths / 8).unwrap_or(0);
    let rest = usize::try_from(eighths % 8).unwrap_or(0);
    let last = rest.checked_sub(1).and_then(|rest| EIGHTHS.get(rest));
    let full = std::iter::repeat_n('█', whole);
    full.chain(last.copied()).collect()
}

fn troubles(page: &mut Page, what: &str, times: &str, troubles: &[Counted]) {
    if troubles.is_empty() {
        return;
    }
    let most = troubles.iter().map(|one| one.times).max().unwrap_or(0);
    let row = |one: &Counted| {
        vec![
            one.what.clone(),
            one.times.to_string(),
            bar(one.times.into(), most.into()),
        ]
    };
    page.gap();
    page.table(&[what, times, ""], troubles.iter().map(row).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_number() {
        assert_eq!(bar(0, 100), "");
        assert_eq!(bar(1, 100_000), "▏");
        assert_eq!(bar(100, 100).chars().count(), 24);
        assert_eq!(bar(50, 100), "█".repeat(12));
        assert_eq!(bar(7, 0), "▏");
    }

    #[test]
    fn rates_and_frequencies_are_of_whole_numbers() {
        assert_eq!(rate(1, 3), "1 of 3 (33.3 %)");
        assert_eq!(rate(0, 0), "no changes");
        assert_eq!(frequency(11, 28), "11 succeeded, 2.7 a week");
    }

    #[test]
    fn short_times_have_a_tenth() {
        assert_eq!(time(1_250), "1.2s");
        assert_eq!(time(61_000), "1m 1s");
    }
}
