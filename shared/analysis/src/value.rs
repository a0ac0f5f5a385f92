//! A measured number, exact enough for seconds and large enough for bytes.

use longshore_core::Amount;
use std::fmt;

/// A measured number in millionths of its unit. A metric in seconds keeps its microseconds, and a month of bytes at 10 GB/s
/// still fits three times over. What is larger is held at the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Value(i64);

/// Millionths in one thousandth, of which [`Amount`] is made.
const IN_A_THOUSANDTH: i64 = 1_000;

impl Value {
    /// So many millionths.
    #[must_use]
    pub const fn from_millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    /// A whole number.
    #[must_use]
    pub const fn whole(number: i64) -> Self {
        Self(number.saturating_mul(1_000_000))
    }

    /// The nearest number of millionths; `None` for what is no number (`NaN`, infinities). It goes by way of the decimal
    /// digits, which are exact, where arithmetic with floating point would not be.
    #[must_use]
    pub fn from_float(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        let digits: String = format!("{number:.6}")
            .chars()
            .filter(|c| *c != '.')
            .collect();
        let most = if digits.starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        };
        Some(Self(digits.parse().unwrap_or(most)))
    }

    /// In millionths.
    #[must_use]
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// As judgements keep it: in thousandths, rounded.
    #[must_use]
    pub const fn amount(self) -> Amount {
        let half = if self.0 < 0 { -500 } else { 500 };
        Amount::from_thousandths(self.0.saturating_add(half) / IN_A_THOUSANDTH)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.amount().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_becomes_the_nearest_millionth_and_what_is_no_number_nothing() {
        for (number, millionths) in [
            (0.0, 0),
            (-0.0, 0),
            (0.1, 100_000),
            (-12.345_678_9, -12_345_679),
            (0.000_000_4, 0),
            (1e12, 1_000_000_000_000_000_000),
            (1e300, i64::MAX),
            (-1e300, i64::MIN),
        ] {
            let value = Value::from_float(number);
            assert_eq!(value, Some(Value(millionths)), "{number}");
        }
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Value::from_float(number), None);
        }
    }

    #[test]
    fn a_value_is_shown_in_rounded_thousandths() {
        for (millionths, shown) in [
            (812_500_000, "812.5"),
            (1_499, "0.001"),
            (1_500, "0.002"),
            (-1_500, "-0.002"),
            (499, "0"),
        ] {
            assert_eq!(Value(millionths).to_string(), shown);
        }
    }
}
