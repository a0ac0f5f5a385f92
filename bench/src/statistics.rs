//! Medians and shares of whole numbers. A median, as one slow start among fifteen must not move the figure.

/// The middle value; of an even number of values the lower of the two in the middle.
#[must_use]
pub fn median(values: &[u64]) -> Option<u64> {
    at_percent(values, 50)
}

/// The value that this share of the values does not exceed.
#[must_use]
pub fn at_percent(values: &[u64], percent: usize) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().checked_sub(1)?;
    let place = last.saturating_mul(percent).checked_div(100)?;
    sorted.get(place.min(last)).copied()
}

/// How often `floor` goes into `value`, in hundredths.
#[must_use]
pub fn ratio_percent(value: u64, floor: u64) -> Option<u64> {
    value.saturating_mul(100).checked_div(floor)
}

/// A number of units with two decimals: `decimal(1_234_567, 1_000_000)` is `1.23`.
#[must_use]
pub fn decimal(value: u64, unit: u64) -> String {
    let hundredths = value
        .saturating_mul(100)
        .saturating_add(unit / 2)
        .checked_div(unit)
        .unwrap_or_default();
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_not_moved_by_one_far_value() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[7]), Some(7));
        assert_eq!(median(&[3, 1_000_000, 2]), Some(3));
        assert_eq!(median(&[4, 1, 3, 2]), Some(2));
    }

    #[test]
    fn a_share_of_the_values_is_found_in_their_order() {
        let values: Vec<u64> = (0..=10).rev().collect();
        assert_eq!(at_percent(&values, 0), Some(0));
        assert_eq!(at_percent(&values, 90), Some(9));
        assert_eq!(at_percent(&values, 100), Some(10));
        assert_eq!(at_percent(&values, 200), Some(10));
    }

    #[test]
    fn a_ratio_to_nothing_is_none() {
        assert_eq!(ratio_percent(250, 100), Some(250));
        assert_eq!(ratio_percent(1, 0), None);
    }

    #[test]
    fn a_decimal_is_rounded() {
        assert_eq!(decimal(1_234_567, 1_000_000), "1.23");
        assert_eq!(decimal(1_235_000, 1_000_000), "1.24");
        assert_eq!(decimal(999, 1_000), "1.00");
        assert_eq!(decimal(50, 1_000), "0.05");
        assert_eq!(decimal(1, 0), "0.00");
    }
}
