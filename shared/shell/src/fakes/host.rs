//! One host in memory: a model of what the host script (`host/script`) does, run by run, and of what a run that is killed leaves
//! behind. The differential test (`tests/differential.rs`) plays the same random sequences on this model and on the real
//! script and compares them after every step, so a rule that is changed here must be changed there.

mod ledger;
mod processes;
mod run;

pub use ledger::{ActiveState, Entry, Ledger, Switched};
pub use processes::{Managed, Process, Processes};

use crate::ports::Order;
use longshore_core::{
    Action, Commit, Failure, FailureClass, Found, Generation, Release, ReleaseId, Report, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// How a commit behaves on the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It installs, builds, migrates, starts and is healthy.
    Good,
    /// The repository has no such commit.
    Missing,
    /// Its dependencies cannot be installed.
    InstallFails,
    /// Its build fails.
    BuildFails,
    /// Its migration fails.
    MigrationFails,
    /// It ends as soon as it is started.
    StartFails,
    /// It starts and fails its health check at once.
    HealthFails,
    /// It is healthy while the step lasts that started it, and sick afterwards.
    TurnsSick,
    /// Whatever answered before it was started goes on answering in its place, and a reload does not move it at all.
    OldProcessAnswers,
}

/// What stands in the way of a host's next runs, until it is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Another step of the app holds the lock.
    Busy,
    /// There is too little room for another release.
    DiskTight,
    /// Nothing can be written, not even the ledger.
    DiskFull,
    /// The disk fills up as soon as a step has begun.
    DiskFillsUp,
    /// The repository cannot be reached.
    SourceDown,
    /// Parameter Store does not give the pinned versions.
    ParametersMissing,
    /// Migrations cannot be taken back.
    DownFails,
}

/// A place inside a run at which it may be killed, named by what has just been done. A run that does not come by there
/// is not killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// The lock is held.
    Locked,
    /// The ledger with the new entry lies beside the old one, which it has not replaced.
    Beginning,
    /// The entry of the token is in the ledger, unfinished.
    Begun,
    /// Old releases are gone (prepare, prune).
    Pruned,
    /// The commit is in the unfinished folder.
    Fetched,
    /// Its dependencies are, too.
    Installed,
    /// It is built.
    Built,
    /// The release's own files are in the folder, which does not have its name yet.
    Written,
    /// The folder has its name: the release exists.
    Sealed,
    /// The migration has run.
    Migrated,
    /// The ledger with the intention to take the migration back lies beside the old one.
    TakingBack,
    /// That intention is in the ledger.
    BeganBack,
    /// The migration has been taken back.
    TakenBack,
    /// The ledger with the intended switch lies beside the old one.
    Intending,
    /// The intended switch is in the ledger.
    Intended,
    /// `current` names the release.
    Switched,
    /// The process manager was told.
    Moved,
    /// The proof was taken, whatever it says.
    Proved,
    /// The ledger with the result lies beside the old one.
    Finishing,
    /// The result is in the ledger, and nobody was told.
    Finished,
}

impl Point {
    /// Every point, in the order of a run.
    pub const ALL: [Self; 20] = [
        Self::Locked,
        Self::Beginning,
        Self::Begun,
        Self::Pruned,
        Self::Fetched,
        Self::Installed,
        Self::Built,
        Self::Written,
        Self::Sealed,
        Self::Migrated,
        Self::TakingBack,
        Self::BeganBack,
        Self::TakenBack,
        Self::Intending,
        Self::Intended,
        Self::Switched,
        Self::Moved,
        Self::Proved,
        Self::Finishing,
        Self::Finished,
    ];
}

/// A release's folder on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// It is being made, or was when its run ended.
    Partial,
    /// It is whole.
    Whole {
        /// Since when.
        since: Timestamp,
    },
}

/// How a run ended, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It did what it was asked to.
    Done,
    /// It refused, and left no trace in the ledger.
    Refused(FailureClass),
    /// It tried and failed.
    Failed(FailureClass),
}

/// The one line with which a run answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was asked.
    pub action: Action,
    /// How it ended.
    pub ending: Ending,
    /// The release it is about; for a status the active one.
    pub release: Option<ReleaseId>,
    /// The generation of the command; for a status that of the ledger.
    pub generation: Generation,
    /// What answered on the loopback, if that was asked.
    pub served: Option<ReleaseId>,
    /// Whether it was healthy.
    pub healthy: bool,
    /// What was found of migrations.
    pub found: Option<Found>,
    /// Whether the ledger knew the token already.
    pub repeated: bool,
}

impl Answer {
    /// What the control plane makes of it. A status that is not healthy says why, and so counts as failed.
    #[must_use]
    pub fn report(&self) -> Report {
        let broken = |class| Report::Failed(Failure::with_detail(class, "Error: it broke"));
        match self.ending {
            Ending::Done if self.action == Action::Status && !self.healthy => {
                broken(FailureClass::HealthFailed)
            }
            Ending::Done => Report::Done {
                served: self.served.clone(),
                healthy: self.healthy,
                found: self.found.clone(),
            },
            Ending::Refused(class) => Report::Failed(Failure::of(class)),
            Ending::Failed(class) => broken(class),
        }
    }
}

/// One host: what its disk, its ledger and its process manager hold.
#[derive(Clone, Debug, Default)]
pub struct FakeHost {
    /// The ledger of the app.
    pub ledger: Ledger,
    /// Releases on its disk, whole or not.
    pub releases: BTreeMap<ReleaseId, Folder>,
    /// What `current` points to.
    pub current: Option<Release>,
    /// The app's processes.
    pub processes: Processes,
    /// What answers on its loopback: what [`Processes::answering`] says after each run.
    pub served: Option<Release>,
    /// How often an activation took effect, by generation: how often `current` was moved for it.
    pub activations: BTreeMap<Generation, u32>,
    /// Every switch that took effect, in its order.
    pub switches: Vec<(Generation, Release)>,
    /// How often a migration ran to its end.
    pub migrated: u32,
    /// How often a migration was taken back.
    pub taken_back: u32,
    /// How often taking back was begun, by generation.
    pub downs: BTreeMap<Generation, u32>,
    /// What it finds of a commit's migrations, where it has the release to go back to.
    pub judgements: BTreeMap<Commit, Found>,
    /// What stands in the way.
    pub troubles: BTreeSet<Trouble>,
    /// Whether commands reach it.
    pub offline: bool,
}

impl FakeHost {
    /// Runs one command, as the script does, at this time and among commits that behave like this. It is killed at the
    /// given point, if it comes by there, and then answers nothing.
    pub fn run(
        &mut self,
        order: &Order,
        now: Timestamp,
        behaviour: &dyn Fn(&Release) -> Behaviour,
        killed_at: Option<Point>,
    ) -> Option<Answer> {
        let answer = run::run(self, order, now, behaviour, killed_at);
        self.processes.grow_old();
        self.look();
        answer
    }

    /// The app's processes end, and the process manager starts what `current` names.
    pub fn crash(&mut self, behaviour: &dyn Fn(&Release) -> Behaviour) {
        self.processes.crash(self.current.as_ref(), behaviour);
        self.processes.grow_old();
        self.look();
    }

    /// The host starts again, without anything that would bring the app back.
    pub fn reboot(&mut self) {
        self.processes.clear();
        self.look();
    }

    fn look(&mut self) {
        self.served = self.processes.answering().map(|p| p.release.clone());
    }
}
