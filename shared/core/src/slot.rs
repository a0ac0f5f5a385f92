//! Per app and environment: what is live, what runs, what waits. One deployment at a time; the newest waiting one wins
//! (invariant I8), and a commit that was rolled back stays out until an operator clears it (invariant I9).

use crate::deployment::{Deployment, Kind};
use crate::failure::FailureClass;
use crate::ids::{AppName, Commit, DeploymentId, Generation, HostId, Person};
use crate::people::Reason;
use crate::release::Release;
use crate::state::{Outcome, Run, Standing, State};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The release that was last proven on every host of its deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Live {
    /// The release.
    pub release: Release,
    /// The deployment that proved it.
    pub deployment: DeploymentId,
    /// When.
    pub at: Timestamp,
    /// The hosts that were seen to serve it, by that deployment and since. Another host of the app that is online came late.
    pub hosts: BTreeSet<HostId>,
}

impl Live {
    /// What a deployment that has ended well leaves live. Whoever joined has what was live before.
    fn after(before: Option<&Self>, deployment: &Deployment, run: &Run, at: Timestamp) -> Self {
        let proven = run.standing_as(&Standing::Proven);
        if let (Kind::Join(release), Some(live)) = (&deployment.origin.kind, before)
            && *release == live.release
        {
            return Self {
                hosts: live.hosts.iter().cloned().chain(proven).collect(),
                ..live.clone()
            };
        }
        Self {
            release: run.release.clone(),
            deployment: deployment.id.clone(),
            at,
            hosts: proven.collect(),
        }
    }

    /// The same without the hosts that moved away from it, but for those that were brought back.
    fn restored(&self, run: &Run) -> Self {
        let stayed = self.hosts.difference(&run.moved).cloned();
        Self {
            hosts: stayed.chain(run.standing_as(&Standing::Restored)).collect(),
            ..self.clone()
        }
    }
}

/// Whether the migrations of what was to be rolled back are still in the database, in full or in part.
const fn leaves_the_database(outcome: &Outcome) -> bool {
    let Outcome::RollbackFailed(failure) = outcome else {
        return false;
    };
    matches!(
        failure.class,
        FailureClass::MigrationIrreversible | FailureClass::MigrationDownFailed
    )
}

/// A hold on an app, with an end: nothing begins while it lasts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lock {
    /// Who holds it.
    pub owner: Person,
    /// Why; a lock of before reasons were asked for has none.
    pub reason: Option<Reason>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A release that was live here and proven on every host of its deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proven {
    /// The release.
    pub release: Release,
    /// The deployment that proved it.
    pub deployment: DeploymentId,
}

/// The push that was accepted last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LastPush {
    /// Where the branch pointed before it, as far as that was known.
    pub from: Option<Commit>,
    /// Where it points since.
    pub to: Commit,
    /// What it became.
    pub deployment: DeploymentId,
    /// Whether the poll found it by the branch's head, as no delivery had told of it.
    pub found: bool,
}

/// The place of an app in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The app.
    pub app: AppName,
    /// The highest generation given out.
    pub generation: Generation,
    /// What is live.
    pub live: Option<Live>,
    /// What was live before, the latest first; each release once.
    pub before: Vec<Proven>,
    /// What runs.
    pub running: Option<DeploymentId>,
    /// What waits for its turn, or with its plan for an approval.
    pub waiting: Option<DeploymentId>,
    /// A hold, if there is one.
    pub lock: Option<Lock>,
    /// Commits that were rolled back here, and by which deployment.
    pub quarantine: BTreeMap<Commit, DeploymentId>,
    /// The push that was accepted last.
    pub last_push: Option<LastPush>,
    /// The deployment whose migrations could not be taken back when it was. What is live may not fit the database as it is,
    /// so nothing is brought to hosts without a person until a deployment has ended well.
    pub stranded: Option<DeploymentId>,
    /// How often it was written; every write names the version it replaces.
    pub version: u64,
}

/// What accepting a deployment does to the slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The slot afterwards.
    pub slot: Slot,
    /// The waiting deployment that the new one replaces.
    pub supersedes: Option<DeploymentId>,
}

/// Why a deployment cannot start yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotBusy {
    /// Another one runs.
    Running(DeploymentId),
    /// A newer one waits, or this one is not waiting here.
    NotNext,
    /// A person holds the app.
    Locked(Lock),
}

impl Slot {
    /// Releases that were live before, kept at most: as many as a person goes back to.
    pub const BEFORE_MAX: usize = 5;

    /// Commits kept in quarantine at most; the table's item stays small, and 50 uncleared rollbacks need a person anyway.
    pub const QUARANTINE_MAX: usize = 50;

    /// The slot of an app that was never deployed here.
    #[must_use]
    pub const fn empty(app: AppName) -> Self {
        Self {
            app,
            generation: Generation::new(0),
            live: None,
            before: Vec::new(),
            running: None,
            waiting: None,
            lock: None,
            quarantine: BTreeMap::new(),
            last_push: None,
            stranded: None,
            version: 0,
        }
    }

    /// Puts a new deployment into the queue.
    #[must_use]
    pub fn accept(&self, deployment: &DeploymentId) -> Acceptance {
        let mut slot = self.clone();
        let supersedes = slot.waiting.replace(deployment.clone());
        Acceptance { slot, supersedes }
    }

    /// Puts a new deployment into the queue that a push from one commit to another brings.
    #[must_use]
    pub fn accept_push(
        &self,
        deployment: &DeploymentId,
        from: Option<Commit>,
        to: Commit,
    ) -> Acceptance {
        let mut acceptance = self.accept(deployment);
        acceptance.slot.last_push = Some(LastPush {
            from,
            to,
            deployment: deployment.clone(),
            found: false,
        });
        acceptance
    }

    /// Puts a new deployment into the queue for the head of the branch, of which no delivery has told.
    #[must_use]
    pub fn accept_head(&self, deployment: &DeploymentId, head: Commit) -> Acceptance {
        let from = self.last_push.as_ref().map(|last| last.to.clone());
        let mut acceptance = self.accept_push(deployment, from, head);
        if let Some(last) = &mut acceptance.slot.last_push {
            last.found = true;
        }
        acceptance
    }

    /// Whether a push is older than the one that was accepted last: that one began where this one ends, and this one did not
    /// begin where that one ended. Deliveries overtake each other; a branch that really went back begins at the newest
    /// commit, and is not outdated. What the poll found went past every push that begins where it began.
    #[must_use]
    pub fn has_moved_past(&self, from: Option<&Commit>, to: &Commit) -> bool {
        self.last_push.as_ref().is_some_and(|last| {
            let overtaken = last.from.as_ref() == Some(to) && from != Some(&last.to);
            let found_first = last.found && last.from.as_ref() == from && last.to != *to;
            overtaken || found_first
        })
    }

    /// Those of the hosts that are not known to serve what is live; none when nothing is.
    #[must_use]
    pub fn came_late(&self, hosts: Vec<HostId>) -> Vec<HostId> {
        let Some(live) = &self.live else {
            return Vec::new();
        };
        let late = hosts.into_iter();
        late.filter(|host| !live.hosts.contains(host)).collect()
    }

    /// Whether nothing runs, waits or is held, and what is live may be touched without a person.
    #[must_use]
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.admits_join(now) && self.waiting.is_none()
    }

    /// Whether what is live may be given to further hosts without a person. What waits may wait for days with its plan, so it
    /// is no hindrance.
    #[must_use]
    pub fn admits_join(&self, now: Timestamp) -> bool {
        self.running.is_none() && self.stranded.is_none() && self.held(now).is_none()
    }

    /// The lock that holds the app now.
    #[must_use]
    pub fn held(&self, now: Timestamp) -> Option<&Lock> {
        self.lock.as_ref().filter(|lock| lock.expires_at > now)
    }

    /// Gives the slot at once to a deployment that brings what is live to further hosts: what waits keeps its place.
    #[must_use]
    pub fn accept_join(&self, deployment: &DeploymentId) -> Acceptance {
        let mut slot = self.clone();
        slot.generation = self.generation.next();
        slot.running = Some(deployment.clone());
        Acceptance {
            slot,
            supersedes: None,
        }
    }

    /// Takes a deployment whose plan waits for people out of the way of others.
    ///
    /// # Errors
    /// The newer deployment that waits already: that one is next, and this one is superseded by it.
    pub fn park(&self, deployment: &DeploymentId) -> Result<Self, DeploymentId> {
        if let Some(newer) = self.waiting.as_ref().filter(|id| *id != deployment) {
            return Err(newer.clone());
        }
        let mut slot = self.clone();
        slot.running = slot.running.filter(|id| id != deployment);
        slot.waiting = Some(deployment.clone());
        Ok(slot)
    }

    /// Holds the app, or holds it longer. A lock of the same owner is replaced.
    ///
    /// # Errors
    /// The lock of somebody else.
    pub fn locked(&self, lock: Lock, now: Timestamp) -> Result<Self, Lock> {
        if let Some(other) = self.held(now).filter(|held| held.owner != lock.owner) {
            return Err(other.clone());
        }
        let mut slot = self.clone();
        slot.lock = Some(lock);
        Ok(slot)
    }

    /// Takes the lock away, whoever holds it; `None` when nobody does.
    #[must_use]
    pub fn unlocked(&self, now: Timestamp) -> Option<Self> {
        self.held(now)?;
        let mut slot = self.clone();
        slot.lock = None;
        Some(slot)
    }

    /// Lets a commit in again that was rolled back; `None` when it is not in quarantine.
    #[must_use]
    pub fn cleared(&self, commit: &Commit) -> Option<Self> {
        let mut slot = self.clone();
        slot.quarantine.remove(commit)?;
        Some(slot)
    }

    /// The deployment that the poll has begun for a commit, if that was the last push.
    #[must_use]
    pub fn found(&self, commit: &Commit) -> Option<&DeploymentId> {
        let last = self.last_push.as_ref()?;
        (last.found && last.to == *commit).then_some(&last.deployment)
    }

    /// Gives the slot to a deployment, with a new generation.
    ///
    /// # Errors
    /// [`SlotBusy`] when it is not this deployment's turn.
    pub fn begin(
        &self,
        deployment: &DeploymentId,
        now: Timestamp,
    ) -> Result<(Self, Generation), SlotBusy> {
        if let Some(running) = &self.running {
            return if running == deployment {
                Ok((self.clone(), self.generation))
            } else {
                Err(SlotBusy::Running(running.clone()))
            };
        }
        if self.waiting.as_ref() != Some(deployment) {
            return Err(SlotBusy::NotNext);
        }
        if let Some(lock) = self.held(now) {
            return Err(SlotBusy::Locked(lock.clone()));
        }
        let generation = self.generation.next();
        let mut slot = self.clone();
        slot.generation = generation;
        slot.running = Some(deployment.clone());
        slot.waiting = None;
        Ok((slot, generation))
    }

    /// Takes an ended deployment out of the slot and keeps what it taught; `None` when that was done already.
    #[must_use]
    pub fn finish(&self, deployment: &Deployment) -> Option<Self> {
        let State::Ended { outcome, run, at } = &deployment.state else {
            return None;
        };
        let holds = |place: &Option<DeploymentId>| place.as_ref() == Some(&deployment.id);
        if !holds(&self.running) && !holds(&self.waiting) {
            return None;
        }
        let mut slot = self.clone();
        slot.running = slot.running.filter(|id| *id != deployment.id);
        slot.waiting = slot.waiting.filter(|id| *id != deployment.id);
        if let Some(run) = run {
            match outcome {
                Outcome::Succeeded => {
                    let live = Live::after(self.live.as_ref(), deployment, run, *at);
                    slot.goes_live(live, &deployment.origin.kind);
                    slot.stranded = None;
                }
                Outcome::RolledBack(_) | Outcome::RollbackFailed(_) => {
                    if leaves_the_database(outcome) {
                        slot.stranded = Some(deployment.id.clone());
                    }
                    slot.generation = slot.generation.max(run.generation.next());
                    slot.live = self.live.as_ref().map(|live| live.restored(run));
                    slot.put_in_quarantine(&run.release.commit, &deployment.id);
                }
                Outcome::Failed(_)
                | Outcome::Rejected(_)
                | Outcome::Expired(_)
                | Outcome::Superseded(_)
                | Outcome::Cancelled(_) => {}
            }
        }
        Some(slot)
    }

    /// What was live until now becomes the release to go back to, and what is live is welcome from now on.
    fn goes_live(&mut self, live: Live, kind: &Kind) {
        let (release, deployment) = (live.release.clone(), live.deployment.clone());
        let until_now = self.live.replace(live);
        let left = until_now.filter(|left| left.release != release);
        self.quarantine.remove(&release.commit);
        if let (Some(left), Kind::Rollback(_)) = (&left, kind) {
            self.put_in_quarantine(&left.release.commit, &deployment);
        }
        self.before.retain(|proven| proven.release != release);
        if let Some(left) = left {
            self.before.retain(|proven| proven.release != left.release);
            let proven = Proven {
                release: left.release,
                deployment: left.deployment,
            };
            self.before.insert(0, proven);
            self.before.truncate(Self::BEFORE_MAX);
        }
    }

    fn put_in_quarantine(&mut self, commit: &Commit, by: &DeploymentId) {
        // The release that is live stays welcome: going back to it is what a rollback is for.
        if self
            .live
            .as_ref()
            .is_some_and(|live| live.release.commit == *commit)
        {
            return;
        }
        self.quarantine.insert(commit.clone(), by.clone());
        while self.quarantine.len() > Self::QUARANTINE_MAX {
            let oldest = self.quarantine.iter().min_by(|a, b| a.1.cmp(b.1));
            let Some(commit) = oldest.map(|(commit, _)| commit.clone()) else {
                return;
            };
            self.quarantine.remove(&commit);
        }
    }
}
