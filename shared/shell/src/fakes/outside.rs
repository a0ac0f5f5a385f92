//! The outside, as it is told to look.

use super::ManualClock;
use crate::ports::{Outside, Request};
use longshore_core::{Failure, FailureClass, Millis};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The outside: every address answers at once and as it should, unless it was told otherwise.
#[derive(Clone, Debug)]
pub struct FakeOutside {
    clock: ManualClock,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    fails: Option<Failure>,
    statuses: BTreeMap<String, u16>,
    slow: BTreeMap<String, Millis>,
    asked: Vec<String>,
}

impl FakeOutside {
    /// An outside in which waiting moves this clock.
    #[must_use]
    pub fn new(clock: &ManualClock) -> Self {
        Self {
            clock: clock.clone(),
            plan: Arc::default(),
        }
    }

    /// Makes every probe fail like this, or pass.
    pub fn fail(&self, failure: Option<Failure>) {
        self.change(|plan| plan.fails = failure);
    }

    /// Makes an address answer with this status.
    pub fn answers(&self, url: &str, status: u16) {
        self.change(|plan| {
            plan.statuses.insert(url.to_owned(), status);
        });
    }

    /// Makes an address take so long to answer.
    pub fn takes(&self, url: &str, span: Millis) {
        self.change(|plan| {
            plan.slow.insert(url.to_owned(), span);
        });
    }

    /// Every address that was asked, in order; they are forgotten then.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.change(|plan| std::mem::take(&mut plan.asked))
    }

    fn change<T>(&self, how: impl FnOnce(&mut Plan) -> T) -> T {
        how(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Outside for FakeOutside {
    async fn probe(&self, request: &Request<'_>) -> Result<(), Failure> {
        let (fails, status, slow) = self.change(|plan| {
            plan.asked.push(request.url.to_owned());
            let status = plan.statuses.get(request.url).copied();
            let slow = plan.slow.get(request.url).copied();
            (plan.fails.clone(), status, slow)
        });
        self.clock.pass(slow.unwrap_or_default());
        if let Some(failure) = fails {
            return Err(failure);
        }
        match status.filter(|status| *status != request.expected_status) {
            Some(status) => {
                let line = format!("status {status} instead of {}", request.expected_status);
                Err(Failure::with_detail(FailureClass::ProbeFailed, &line))
            }
            None => Ok(()),
        }
    }
}
