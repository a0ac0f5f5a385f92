//! What is known about a function after a run: medians over its starts.
//!
//! Everything is a whole number in the smallest unit; what was not measured is not there.

use crate::statistics::{at_percent, median};
use serde::Serialize;

/// One start, and the invocations after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// From the start of the process until it asks for an event.
    pub init_us: u64,
    /// Time on a processor until then.
    pub init_cpu_us: u64,
    /// The first invocation.
    pub first_us: Option<u64>,
    /// Time on a processor of the first invocation.
    pub first_cpu_us: Option<u64>,
    /// Each further invocation.
    pub warm_us: Vec<u64>,
    /// Time on a processor of a further invocation, on average.
    pub warm_cpu_us: Option<u64>,
    /// The most memory it ever had.
    pub memory_bytes: u64,
    /// Threads at the end.
    pub threads: u64,
    /// TLS connections to AWS.
    pub connections: u64,
    /// Requests to AWS of a further invocation, on average.
    pub warm_requests: Option<u64>,
}

/// Instructions in user mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Instructions {
    /// Until it asks for an event.
    pub init: u64,
    /// That and the first invocation.
    pub cold: Option<u64>,
    /// A further invocation.
    pub warm: Option<u64>,
}

/// The figures of one function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Its name.
    pub name: String,
    /// Starts that the medians are over.
    pub starts: usize,
    /// Until it asks for an event.
    pub init_us: Option<u64>,
    /// Time on a processor until then, in user mode and in the kernel.
    pub init_cpu_us: Option<u64>,
    /// The first invocation.
    pub first_us: Option<u64>,
    /// What nine of ten first invocations stay below.
    pub first_us_p90: Option<u64>,
    /// Time on a processor of the first invocation.
    pub first_cpu_us: Option<u64>,
    /// A further invocation.
    pub warm_us: Option<u64>,
    /// Time on a processor of a further invocation.
    pub warm_cpu_us: Option<u64>,
    /// The most memory it ever had.
    pub memory_bytes: Option<u64>,
    /// Threads at the end.
    pub threads: Option<u64>,
    /// TLS connections to AWS.
    pub connections: Option<u64>,
    /// Requests to AWS of a further invocation.
    pub warm_requests: Option<u64>,
    /// The file.
    pub binary_bytes: Option<u64>,
    /// The archive.
    pub zip_bytes: Option<u64>,
    /// Instructions.
    pub instructions: Option<Instructions>,
}

impl Figures {
    /// The medians over some starts.
    #[must_use]
    pub fn of(name: &str, starts: &[Start]) -> Self {
        let middle = |of: &dyn Fn(&Start) -> Option<u64>| {
            let values: Vec<u64> = starts.iter().filter_map(of).collect();
            median(&values)
        };
        let firsts: Vec<u64> = starts.iter().filter_map(|s| s.first_us).collect();
        let warm: Vec<u64> = starts.iter().flat_map(|s| s.warm_us.clone()).collect();
        Self {
            name: name.to_owned(),
            starts: starts.len(),
            init_us: middle(&|s| Some(s.init_us)),
            init_cpu_us: middle(&|s| Some(s.init_cpu_us)),
            first_us: median(&firsts),
            first_us_p90: at_percent(&firsts, 90),
            first_cpu_us: middle(&|s| s.first_cpu_us),
            warm_us: median(&warm),
            warm_cpu_us: middle(&|s| s.warm_cpu_us),
            memory_bytes: middle(&|s| Some(s.memory_bytes)),
            threads: middle(&|s| Some(s.threads)),
            connections: middle(&|s| Some(s.connections)),
            warm_requests: middle(&|s| s.warm_requests),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(init_us: u64, warm_us: &[u64]) -> Start {
        Start {
            init_us,
            first_us: warm_us.first().map(|us| us.saturating_add(100)),
            warm_us: warm_us.to_vec(),
            ..Start::default()
        }
    }

    #[test]
    fn figures_are_medians_over_starts_and_over_all_further_invocations() {
        let starts = [start(30, &[1, 2]), start(10, &[9, 3]), start(20, &[4])];
        let figures = Figures::of("x", &starts);
        assert_eq!((figures.starts, figures.init_us), (3, Some(20)));
        assert_eq!(figures.warm_us, Some(3));
        assert_eq!(figures.first_us, Some(104));
    }

    #[test]
    fn what_was_not_measured_is_not_there() {
        let figures = Figures::of("x", &[start(5, &[])]);
        assert_eq!(figures.first_us, None);
        assert_eq!(figures.warm_us, None);
        assert_eq!(Figures::of("x", &[]).init_us, None);
    }
}
