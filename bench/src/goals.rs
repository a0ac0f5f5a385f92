//! The goals, as `docs/PERFORMANCE.md` lists them. They are printed beside the figures and fail nothing.

use crate::figures::Figures;
use crate::statistics::{decimal, ratio_percent};
use serde::Serialize;

const MILLION: u64 = 1_000_000;

/// A goal with what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Goal {
    /// What is to be small.
    pub what: &'static str,
    /// The most it should be, in the unit.
    pub at_most: String,
    /// What it is, in the unit.
    pub found: Option<String>,
    /// Whether the goal is met; `None` when that is not known.
    pub met: Option<bool>,
}

/// What the instructions were counted by, as far as a goal minds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// As they were.
    Exact,
    /// With more than there were: a count above the limit proves nothing.
    UpperBound,
}

impl Goal {
    fn new(what: &'static str, found: Option<u64>, at_most: u64, unit: u64, name: &str) -> Self {
        let text = |value: u64| format!("{} {name}", decimal(value, unit));
        Self {
            what,
            at_most: text(at_most),
            found: found.map(text),
            met: found.map(|found| found <= at_most),
        }
    }

    fn count(what: &'static str, found: Option<u64>, at_most: u64) -> Self {
        Self {
            what,
            at_most: at_most.to_string(),
            found: found.map(|found| found.to_string()),
            met: found.map(|found| found <= at_most),
        }
    }

    /// A count of instructions, in millions.
    fn instructions(what: &'static str, found: Option<u64>, at_most: u64, count: Count) -> Self {
        let goal = Self::new(what, found, at_most, MILLION, "Mi");
        match (count, goal.met) {
            (Count::UpperBound, Some(false)) => Self { met: None, ..goal },
            _ => goal,
        }
    }

    /// The verdict, for a person.
    #[must_use]
    pub const fn verdict(&self) -> &'static str {
        match (self.met, &self.found) {
            (Some(true), _) => "met",
            (Some(false), _) => "NOT MET",
            (None, Some(_)) => "not known: an upper bound",
            (None, None) => "not measured",
        }
    }
}

/// The goals of `trigger-deploy`, with its figures, those of the empty function, and those under the quota of 128 MB with
/// round trips of 5 ms.
#[must_use]
pub fn of_trigger_deploy(
    own: &Figures,
    empty: &Figures,
    small: Option<&Figures>,
    count: Count,
) -> Vec<Goal> {
    let cold = own.instructions.and_then(|i| i.cold);
    let warm = own.instructions.and_then(|i| i.warm);
    let warm_cpu = own.warm_cpu_us.zip(empty.warm_cpu_us);
    let warm_cpu = warm_cpu.and_then(|(own, empty)| ratio_percent(own, empty));
    let first_small = small.and_then(|figures| figures.first_us);
    vec![
        Goal::instructions("instructions, start and first call", cold, 9_500_000, count),
        Goal::instructions("instructions, warm call", warm, 1_600_000, count),
        Goal::new("processor time, warm call", warm_cpu, 250, 100, "x empty"),
        Goal::new(
            "first call as at 128 MB, round trips of 5 ms",
            first_small,
            12_500,
            1_000,
            "ms",
        ),
        Goal::new("memory at most", own.memory_bytes, 9_000_000, MILLION, "MB"),
        Goal::new("binary", own.binary_bytes, 6_000_000, MILLION, "MB"),
        Goal::new("zip", own.zip_bytes, 2_500_000, MILLION, "MB"),
        Goal::count("threads at the end", own.threads, 3),
        Goal::count("connections to two services", own.connections, 2),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Instructions;

    #[test]
    fn a_goal_is_met_up_to_its_limit_and_unknown_without_a_figure() {
        let mut own = Figures {
            instructions: Some(Instructions {
                init: 0,
                cold: Some(9_500_000),
                warm: Some(1_600_001),
            }),
            warm_cpu_us: Some(50),
            ..Figures::default()
        };
        let empty = Figures {
            warm_cpu_us: Some(20),
            ..Figures::default()
        };
        let verdicts = |own: &Figures| -> Vec<&str> {
            let goals = of_trigger_deploy(own, &empty, None, Count::Exact);
            goals.iter().take(4).map(Goal::verdict).collect()
        };
        assert_eq!(verdicts(&own), ["met", "NOT MET", "met", "not measured"]);
        own.warm_cpu_us = Some(51);
        assert_eq!(verdicts(&own)[2], "NOT MET");
    }

    #[test]
    fn an_upper_bound_can_meet_a_goal_but_not_miss_it() {
        let of = |found| Goal::instructions("x", Some(found), 5, Count::UpperBound);
        assert_eq!(of(5).verdict(), "met");
        assert_eq!(of(6).verdict(), "not known: an upper bound");
    }

    #[test]
    fn a_goal_is_shown_in_its_unit() {
        let goal = Goal::new("x", Some(12_345), 12_500, 1_000, "ms");
        assert_eq!(goal.at_most, "12.50 ms");
        assert_eq!(goal.found.as_deref(), Some("12.35 ms"));
    }
}
