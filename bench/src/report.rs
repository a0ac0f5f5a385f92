//! The report: the figures as ratios to the empty function, the figures themselves, and the goals.

use crate::figures::Figures;
use crate::goals::Goal;
use crate::statistics::{decimal, ratio_percent};
use serde::Serialize;
use std::fmt::Write;

/// Everything that one run found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What counted instructions; `None` where nothing can.
    pub counter: Option<&'static str>,
    /// The figures without quota and delay; the first are those of the empty function.
    pub free: Vec<Figures>,
    /// The figures under a quota and with a delay.
    pub throttled: Option<Throttled>,
    /// The goals.
    pub goals: Vec<Goal>,
    /// What is not in the figures, and why.
    pub notes: Vec<String>,
}

/// Figures under a quota.
#[derive(Clone, Debug, Serialize)]
pub struct Throttled {
    /// The memory size whose share of a processor was given.
    pub cpu_mb: u64,
    /// How long each answer of AWS took.
    pub delay_ms: u64,
    /// The figures.
    pub figures: Vec<Figures>,
}

type Row = Vec<String>;

impl Report {
    /// The report, for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let counter = self.counter.unwrap_or("not available on this machine");
        section(&mut out, "As ratios to the empty function", &self.ratios());
        section(&mut out, "Times", &times(&self.free));
        let title = format!("Instructions in user mode, by {counter}; sizes");
        section(&mut out, &title, &sizes(&self.free));
        if let Some(throttled) = &self.throttled {
            let Throttled {
                cpu_mb, delay_ms, ..
            } = throttled;
            let title = format!(
                "With the processor of {cpu_mb} MB from the first event on, and {delay_ms} ms per answer of AWS"
            );
            section(&mut out, &title, &times(&throttled.figures));
        }
        section(&mut out, "Goals of trigger-deploy", &goals(&self.goals));
        for note in &self.notes {
            line(&mut out, &format!("Note: {note}"));
        }
        out
    }

    fn ratios(&self) -> Vec<Row> {
        let mut rows = vec![row(&[
            "",
            "init",
            "first",
            "warm",
            "init CPU",
            "first CPU",
            "warm CPU",
            "init instr.",
            "cold instr.",
            "warm instr.",
            "memory",
            "binary",
            "zip",
        ])];
        let Some(floor) = self.free.first() else {
            return rows;
        };
        for figures in &self.free {
            let mut cells = vec![figures.name.clone()];
            let both = compared(figures).into_iter().zip(compared(floor));
            cells.extend(both.map(ratio));
            rows.push(cells);
        }
        rows
    }
}

/// What is shown as a ratio.
fn compared(figures: &Figures) -> [Option<u64>; 12] {
    let instructions = figures.instructions;
    [
        figures.init_us,
        figures.first_us,
        figures.warm_us,
        figures.init_cpu_us,
        figures.first_cpu_us,
        figures.warm_cpu_us,
        instructions.map(|i| i.init),
        instructions.and_then(|i| i.cold),
        instructions.and_then(|i| i.warm),
        figures.memory_bytes,
        figures.binary_bytes,
        figures.zip_bytes,
    ]
}

fn ratio(pair: (Option<u64>, Option<u64>)) -> String {
    let (Some(value), Some(floor)) = pair else {
        return "-".to_owned();
    };
    let ratio = ratio_percent(value, floor);
    ratio.map_or_else(|| "-".to_owned(), |ratio| decimal(ratio, 100))
}

fn times(all: &[Figures]) -> Vec<Row> {
    let mut rows = vec![row(&[
        "",
        "init ms",
        "first ms",
        "p90",
        "warm ms",
        "init CPU ms",
        "first CPU ms",
        "warm CPU ms",
        "starts",
    ])];
    for figures in all {
        let times = [
            figures.init_us,
            figures.first_us,
            figures.first_us_p90,
            figures.warm_us,
            figures.init_cpu_us,
            figures.first_cpu_us,
            figures.warm_cpu_us,
        ];
        let mut cells = vec![figures.name.clone()];
        cells.extend(times.map(|time| in_unit(time, 1_000)));
        cells.push(figures.starts.to_string());
        rows.push(cells);
    }
    rows
}

fn sizes(all: &[Figures]) -> Vec<Row> {
    let mut rows = vec![row(&[
        "",
        "init Mi",
        "cold Mi",
        "warm Mi",
        "memory MB",
        "binary MB",
        "zip MB",
        "threads",
        "connections",
        "warm requests",
    ])];
    for figures in all {
        let instructions = figures.instructions;
        let millions = [
            instructions.map(|i| i.init),
            instructions.and_then(|i| i.cold),
            instructions.and_then(|i| i.warm),
            figures.memory_bytes,
            figures.binary_bytes,
            figures.zip_bytes,
        ];
        let counts = [figures.threads, figures.connections, figures.warm_requests];
        let mut cells = vec![figures.name.clone()];
        cells.extend(millions.map(|value| in_unit(value, 1_000_000)));
        cells.extend(counts.map(in_unit_of_one));
        rows.push(cells);
    }
    rows
}

fn goals(goals: &[Goal]) -> Vec<Row> {
    let mut rows = vec![row(&["", "at most", "found", ""])];
    for goal in goals {
        rows.push(vec![
            goal.what.to_owned(),
            goal.at_most.clone(),
            goal.found.clone().unwrap_or_else(|| "-".to_owned()),
            goal.verdict().to_owned(),
        ]);
    }
    rows
}

fn in_unit(value: Option<u64>, unit: u64) -> String {
    value.map_or_else(|| "-".to_owned(), |value| decimal(value, unit))
}

fn in_unit_of_one(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn row(cells: &[&str]) -> Row {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// A table, its first column to the left and the others to the right.
fn section(out: &mut String, title: &str, rows: &[Row]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    line(out, &format!("\n{title}"));
    for row in rows {
        let mut text = String::new();
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ok = if index == 0 {
                write!(text, "  {cell:<width$}")
            } else {
                write!(text, "  {cell:>width$}")
            };
        }
        line(out, text.trim_end());
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(name: &str, init_us: u64) -> Figures {
        Figures {
            name: name.to_owned(),
            init_us: Some(init_us),
            ..Figures::default()
        }
    }

    #[test]
    fn the_report_shows_ratios_to_the_first_and_a_dash_for_what_was_not_measured() {
        let report = Report {
            counter: None,
            free: vec![figures("empty", 2_000), figures("other", 5_000)],
            throttled: None,
            goals: Vec::new(),
            notes: vec!["a note".to_owned()],
        };
        let text = report.text();
        let other: Vec<&str> = text
            .lines()
            .find(|line| line.contains("other"))
            .unwrap()
            .split_whitespace()
            .collect();
        assert_eq!(other[..3], ["other", "2.50", "-"]);
        assert!(text.contains("not available on this machine"), "{text}");
        assert!(text.contains("Note: a note"), "{text}");
    }
}
