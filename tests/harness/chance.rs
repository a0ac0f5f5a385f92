//! Chance, from a seed.

use crate::stage::next_random;

/// Chance, from a seed.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The chance of a seed. Seeds that are near each other lead to chances that are not.
    pub const fn of(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, number: u64) -> bool {
        self.next().is_multiple_of(number)
    }

    /// A number below this one.
    pub fn below(&mut self, number: u64) -> u64 {
        self.next() % number
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let count = u64::try_from(of.len()).unwrap();
        of[usize::try_from(self.below(count)).unwrap()].clone()
    }

    /// A seed for a chance of its own.
    pub fn seed(&mut self) -> u64 {
        self.next() | 1
    }

    fn next(&mut self) -> u64 {
        next_random(&mut self.0)
    }
}
