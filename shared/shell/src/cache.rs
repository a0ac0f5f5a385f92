//! A small cache in the memory of one function, so that a warm one does not ask for the same parameter again. It is
//! bounded in size and time, and holds only what was found: what is missing now may be there a moment later.

use longshore_core::{Millis, Timestamp};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The most entries; one more empties the cache first.
const ENTRIES_MAX: usize = 64;

/// Values by name, each with the time it was read.
pub(crate) struct Cache<V> {
    entries: Mutex<BTreeMap<String, (V, Timestamp)>>,
}

impl<V> fmt::Debug for Cache<V> {
    /// Shows no value: some are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

impl<V: Clone> Cache<V> {
    /// An empty cache.
    pub(crate) const fn new() -> Self {
        Self {
            entries: Mutex::new(BTreeMap::new()),
        }
    }

    /// A value that is not older than `age_max`; any age counts without one.
    pub(crate) fn get(&self, name: &str, now: Timestamp, age_max: Option<Millis>) -> Option<V> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (value, at) = entries.get(name)?;
        let fresh = age_max.is_none_or(|age_max| now.since(*at) < age_max);
        fresh.then(|| value.clone())
    }

    /// Keeps a value.
    pub(crate) fn put(&self, name: &str, value: V, now: Timestamp) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX && !entries.contains_key(name) {
            entries.clear();
        }
        entries.insert(name.to_owned(), (value, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_for_its_time_and_the_number_of_values_is_bounded() {
        let cache = Cache::new();
        let at = Timestamp::from_unix_ms;
        cache.put("a", 1, at(1_000));
        let minute = Some(Millis::from_secs(60));
        assert_eq!(cache.get("a", at(60_999), minute), Some(1));
        assert_eq!(cache.get("a", at(61_000), minute), None);
        assert_eq!(cache.get("a", at(u64::MAX), None), Some(1));
        for n in 0..ENTRIES_MAX {
            cache.put(&n.to_string(), 0, at(0));
        }
        assert_eq!(cache.get("a", at(1_000), None), None);
        assert_eq!(cache.get("63", at(0), None), Some(0));
    }
}
