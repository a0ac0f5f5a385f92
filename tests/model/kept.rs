//! A value with its hash, computed once. A state of the model is a handful of these, so that the next state shares what did
//! not change, and comparing millions of states costs little.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, Mutex};

/// A value with its hash.
#[derive(Clone)]
pub(crate) struct Kept<T> {
    value: Arc<T>,
    hash: u64,
}

impl<T: Hash> Kept<T> {
    pub(crate) fn new(value: T) -> Self {
        let hash = hash_of(&value);
        Self {
            value: Arc::new(value),
            hash,
        }
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }
}

impl<T: Hash + Clone> Kept<T> {
    /// Changes the value, and says what the change says.
    pub(crate) fn change<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut value = T::clone(&self.value);
        let result = change(&mut value);
        *self = Self::new(value);
        result
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Kept<T> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && (Arc::ptr_eq(&self.value, &other.value) || self.value == other.value)
    }
}

impl<T: Eq> Eq for Kept<T> {}

impl<T> Hash for Kept<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<T: fmt::Debug> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The same number for equal values, in every run.
pub(crate) fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Results of a pure function, by the hash of its arguments, so that each is computed once. In parts, so that two threads
/// seldom wait for each other.
#[derive(Debug)]
pub(crate) struct Memo<V> {
    parts: [Mutex<BTreeMap<u64, V>>; 64],
}

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Self {
            parts: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl<V: Clone> Memo<V> {
    fn part(&self, hash: u64) -> &Mutex<BTreeMap<u64, V>> {
        &self.parts[usize::try_from(hash % 64).unwrap()]
    }

    pub(crate) fn get(&self, hash: u64) -> Option<V> {
        self.part(hash).lock().unwrap().get(&hash).cloned()
    }

    pub(crate) fn put(&self, hash: u64, value: V) {
        self.part(hash).lock().unwrap().insert(hash, value);
    }

    pub(crate) fn of(&self, arguments: impl Hash, compute: impl FnOnce() -> V) -> V {
        let hash = hash_of(&arguments);
        self.get(hash).unwrap_or_else(|| {
            let value = compute();
            self.put(hash, value.clone());
            value
        })
    }
}
