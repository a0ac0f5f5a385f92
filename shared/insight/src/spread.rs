//! How times are spread: how many there were, the middle, the slow end, the slowest.

use longshore_core::Millis;

/// Times of one kind. Percentiles are by nearest rank: the smallest of the times that so many of a hundred do not exceed. Each
/// is therefore a time that was measured, and with a single time all of them are that one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many times there were.
    pub n: u32,
    /// Half of them were not longer; `None` without any.
    pub p50: Option<Millis>,
    /// Nine of ten were not longer.
    pub p90: Option<Millis>,
    /// The longest.
    pub max: Option<Millis>,
}

impl Spread {
    /// The spread of these times.
    #[must_use]
    pub fn of(times: impl IntoIterator<Item = Millis>) -> Self {
        let mut times: Vec<Millis> = times.into_iter().collect();
        times.sort_unstable();
        Self {
            n: u32::try_from(times.len()).unwrap_or(u32::MAX),
            p50: nearest_rank(&times, 50),
            p90: nearest_rank(&times, 90),
            max: times.last().copied(),
        }
    }
}

/// The time at the rank `percent` of a hundred, rounded up, of sorted times.
fn nearest_rank(sorted: &[Millis], percent: usize) -> Option<Millis> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    sorted.get(rank.max(1).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: &[u64]) -> [Option<u64>; 3] {
        let spread = Spread::of(times.iter().copied().map(Millis::new));
        [spread.p50, spread.p90, spread.max].map(|time| time.map(Millis::as_ms))
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        assert_eq!(of(&[]), [None, None, None]);
        assert_eq!(of(&[7]), [Some(7), Some(7), Some(7)]);
        assert_eq!(of(&[9, 1]), [Some(1), Some(9), Some(9)]);
        // Of ten times the fifth and the ninth.
        let ten: Vec<u64> = (1..=10).rev().collect();
        assert_eq!(of(&ten), [Some(5), Some(9), Some(10)]);
        let eleven: Vec<u64> = (1..=11).collect();
        assert_eq!(of(&eleven), [Some(6), Some(10), Some(11)]);
    }
}
