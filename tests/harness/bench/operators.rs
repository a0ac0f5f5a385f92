//! What operators do on the bench, by the very functions of their interface.

use super::Bench;
use crate::stage::drive;
use longshore_core::{AppName, DeploymentId, Person, PlanDigest, Reason, Via};
use longshore_shell::operate::{self, NotDone, Operator, Refusal, Wish};

/// An operator of this name.
fn named(name: &str) -> Operator {
    Operator {
        by: Person::parse(name).unwrap(),
        via: Via::Api(None),
    }
}

fn why() -> Reason {
    Reason::parse("because").unwrap()
}

fn app() -> AppName {
    AppName::parse("orders").unwrap()
}

impl Bench {
    /// Lets an operator do something, and events follow from what was written.
    fn operate<T>(
        &mut self,
        deed: impl AsyncFnOnce(&crate::cloud::Cloud) -> Result<T, NotDone>,
    ) -> Result<T, Refusal> {
        let done = drive(&self.cloud.stage, deed(&self.cloud)).expect("alive");
        self.follow_up();
        done.map_err(|not_done| match not_done {
            NotDone::Refused(refusal) => refusal,
            NotDone::Unreachable(error) => panic!("{error}"),
        })
    }

    /// The plan that people are asked about for a commit.
    pub fn plan(&self, digit: &str) -> PlanDigest {
        self.deployment(digit).approval.expect("a plan").plan
    }

    /// Says yes to a plan of the newest deployment of a commit.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn approve(&mut self, by: &str, digit: &str, plan: &PlanDigest) -> Result<(), Refusal> {
        let id = self.deployment(digit).id;
        let comment = Reason::parse("seen").unwrap();
        self.operate(async |cloud| {
            operate::approve(cloud, &named(by), &id, plan, Some(&comment))
                .await
                .map(drop)
        })
    }

    /// Says no to the newest deployment of a commit.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn reject(&mut self, by: &str, digit: &str) -> Result<(), Refusal> {
        let id = self.deployment(digit).id;
        self.operate(async |cloud| {
            operate::reject(cloud, &named(by), &id, &why())
                .await
                .map(drop)
        })
    }

    /// Stops the newest deployment of a commit.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn cancel(&mut self, by: &str, digit: &str) -> Result<(), Refusal> {
        let id = self.deployment(digit).id;
        self.operate(async |cloud| {
            operate::cancel(cloud, &named(by), &id, &why())
                .await
                .map(drop)
        })
    }

    /// Holds the app for so many seconds.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn lock_app(&mut self, by: &str, seconds: u64) -> Result<(), Refusal> {
        let lasts = longshore_core::Millis::from_secs(seconds);
        self.operate(async |cloud| {
            operate::lock(cloud, &named(by), &app(), &why(), lasts)
                .await
                .map(drop)
        })
    }

    /// Takes the lock away.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn unlock_app(&mut self, by: &str) -> Result<(), Refusal> {
        self.operate(async |cloud| {
            operate::unlock(cloud, &named(by), &app(), &why())
                .await
                .map(drop)
        })
    }

    /// Lets a commit in again.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn clear(&mut self, by: &str, digit: &str) -> Result<(), Refusal> {
        let commit = crate::words::commit(digit);
        self.operate(async |cloud| {
            operate::clear(cloud, &named(by), &app(), &commit, &why())
                .await
                .map(drop)
        })
    }

    /// Begins what an operator wants, under a key.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn begin(&mut self, by: &str, wish: &Wish, key: &str) -> Result<DeploymentId, Refusal> {
        let repository = self.repository.clone();
        self.operate(async |cloud| {
            let by = named(by);
            operate::begin(cloud, &by, &repository, wish, Some(&why()), key).await
        })
    }
}
