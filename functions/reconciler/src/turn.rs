//! Whose turn it is when there is more to look at than one message may take: each turn goes on where the one before it ended,
//! so that all have been looked at after as many turns as it takes.

/// At most `at_once` of all, for the turn of this number.
pub(crate) fn take<T>(mut all: Vec<T>, number: u64, at_once: usize) -> Vec<T> {
    let number = usize::try_from(number).unwrap_or_default();
    let place = number.wrapping_mul(at_once);
    if let Some(start) = place.checked_rem(all.len()) {
        all.rotate_left(start);
    }
    all.truncate(at_once);
    all
}

#[cfg(test)]
mod tests {
    use super::take;
    use std::collections::BTreeSet;

    #[test]
    fn everything_has_its_turn_at_the_pace_that_is_allowed() {
        for (count, turns) in [(0, 1), (1, 1), (60, 1), (61, 2), (150, 3), (600, 10)] {
            let first = 7_000;
            let mut seen = BTreeSet::new();
            for number in first..first + turns {
                let some = take((0..count).collect(), number, 60);
                assert!(some.len() <= 60);
                seen.extend(some);
            }
            assert_eq!(seen.len(), count, "{count}");
        }
    }

    #[test]
    fn a_turn_that_comes_twice_takes_the_same() {
        let all: Vec<u32> = (0..150).collect();
        assert_eq!(take(all.clone(), 3, 60), take(all.clone(), 3, 60));
        assert_ne!(take(all.clone(), 3, 60), take(all, 4, 60));
    }
}
