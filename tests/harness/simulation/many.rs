//! Many schedules at once, on every processor.

use super::{Broken, Coverage, simulate};
use std::num::NonZero;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// What many schedules came to.
#[derive(Clone, Debug, Default)]
pub struct Simulated {
    /// What they have met.
    pub coverage: Coverage,
    /// The schedules after which something did not hold, in the order of their seeds.
    pub broken: Vec<Broken>,
}

/// Plays the schedules of these seeds. What they came to depends on the seeds alone, not on the threads.
#[must_use]
pub fn simulate_all(seeds: Range<u64>) -> Simulated {
    let next = AtomicU64::new(seeds.start);
    let all = Mutex::new(Simulated::default());
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    // A schedule that breaks panics, and is told by its story; the backtrace of every one would only hide it.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| play(&next, seeds.end, &all));
        }
    });
    std::panic::set_hook(hook);
    let mut all = all.into_inner().unwrap();
    all.broken.sort_by_key(|broken| broken.seed);
    all
}

fn play(next: &AtomicU64, end: u64, all: &Mutex<Simulated>) {
    let mut mine = Simulated::default();
    loop {
        let seed = next.fetch_add(1, Ordering::SeqCst);
        if seed >= end {
            break;
        }
        match simulate(seed) {
            Ok(coverage) => mine.coverage.add(&coverage),
            Err(broken) => mine.broken.push(broken),
        }
    }
    let mut all = all.lock().unwrap();
    all.coverage.add(&mine.coverage);
    all.broken.append(&mut mine.broken);
}
