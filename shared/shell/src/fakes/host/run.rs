//! One run of the script, step by step and in its order. Each step names the point that it reaches; a run that is killed
//! there leaves what the steps before have done.

use super::processes::is_healthy;
use super::{Answer, Behaviour, Ending, FakeHost, Folder, Point, Trouble};
use crate::ports::Order;
use longshore_core::{Action, FailureClass, Found, Release, ReleaseId, Timestamp};
use std::collections::BTreeSet;

/// The newest releases that stay (`RELEASES_KEPT` of the script).
const RELEASES_KEPT: usize = 5;

/// The last proven releases that stay (`PROVEN_KEPT`).
const PROVEN_KEPT: usize = 3;

/// Why a run does not go on.
enum Stop {
    /// It was killed.
    Killed,
    /// It refuses.
    Refused(FailureClass),
    /// It has failed.
    Failed(FailureClass),
    /// The ledger has the answer.
    Known(Answer),
}

struct Run<'a> {
    host: &'a mut FakeHost,
    order: &'a Order,
    release: ReleaseId,
    now: Timestamp,
    behaviour: &'a dyn Fn(&Release) -> Behaviour,
    killed_at: Option<Point>,
    recording: bool,
    served: Option<ReleaseId>,
    healthy: bool,
}

/// Runs one command. `None` when it was killed.
pub(super) fn run(
    host: &mut FakeHost,
    order: &Order,
    now: Timestamp,
    behaviour: &dyn Fn(&Release) -> Behaviour,
    killed_at: Option<Point>,
) -> Option<Answer> {
    let mut run = Run {
        host,
        order,
        release: order.release.id(),
        now,
        behaviour,
        killed_at,
        recording: false,
        served: None,
        healthy: false,
    };
    if order.action() == Action::Status {
        return Some(run.status());
    }
    let end = run.steps();
    run.conclude(end)
}

impl Run<'_> {
    fn steps(&mut self) -> Result<(), Stop> {
        self.enter()?;
        match self.order.action() {
            Action::Prepare => self.prepare(),
            Action::Migrate => self.migrate(),
            Action::Unmigrate => self.unmigrate(),
            Action::Activate => self.activate(),
            Action::Prune => self.prune(),
            Action::Status => Ok(()),
        }
    }

    /// The lock, then the ledger: a finished token, a lower generation, a late command.
    fn enter(&mut self) -> Result<(), Stop> {
        if self.has(Trouble::Busy) {
            return Err(Stop::Refused(FailureClass::Busy));
        }
        self.reach(Point::Locked)?;
        let token = &self.order.token;
        if let Some(answer) = self.host.ledger.answer(token) {
            let repeated = true;
            return Err(Stop::Known(Answer {
                repeated,
                ..answer.clone()
            }));
        }
        if token.generation < self.host.ledger.generation {
            return Err(Stop::Refused(FailureClass::Superseded));
        }
        if self.is_late() {
            return Err(Stop::Refused(FailureClass::Expired));
        }
        self.write(Point::Beginning)?;
        self.host.ledger.begin(token);
        self.recording = true;
        self.reach(Point::Begun)
    }

    fn prepare(&mut self) -> Result<(), Stop> {
        if self.require_release().is_ok() {
            return Ok(());
        }
        self.prune()?;
        fail_if(self.has(Trouble::DiskTight), FailureClass::DiskFull)?;
        fail_if(
            self.has(Trouble::ParametersMissing),
            FailureClass::ParameterMissing,
        )?;
        self.build()?;
        fail_if(self.has(Trouble::DiskFillsUp), FailureClass::DiskFull)?;
        self.reach(Point::Written)?;
        let whole = Folder::Whole { since: self.now };
        self.host.releases.insert(self.release.clone(), whole);
        self.reach(Point::Sealed)
    }

    /// Makes the release in an unfinished folder, which stays when something fails.
    fn build(&mut self) -> Result<(), Stop> {
        let release = self.release.clone();
        self.host.releases.insert(release, Folder::Partial);
        let behaviour = self.behaviour_of_order();
        fail_if(
            self.has(Trouble::SourceDown),
            FailureClass::SourceUnavailable,
        )?;
        let missing = behaviour == Behaviour::Missing;
        fail_if(missing, FailureClass::CommitMissing)?;
        self.reach(Point::Fetched)?;
        let uninstallable = behaviour == Behaviour::InstallFails;
        fail_if(uninstallable, FailureClass::InstallFailed)?;
        self.reach(Point::Installed)?;
        let unbuildable = behaviour == Behaviour::BuildFails;
        fail_if(unbuildable, FailureClass::BuildFailed)?;
        self.reach(Point::Built)
    }

    fn migrate(&mut self) -> Result<(), Stop> {
        self.require_release()?;
        let generation = self.order.token.generation;
        if self.host.ledger.has_migrated(&self.release, generation) {
            return Ok(());
        }
        let fails = self.behaviour_of_order() == Behaviour::MigrationFails;
        fail_if(fails, FailureClass::MigrationFailed)?;
        self.host.migrated = self.host.migrated.saturating_add(1);
        self.reach(Point::Migrated)
    }

    /// Taking back twice would take back too much, so it is in the ledger before it is begun, and never begun again.
    fn unmigrate(&mut self) -> Result<(), Stop> {
        self.require_release()?;
        let generation = self.order.token.generation;
        let known = (self.release.clone(), generation);
        let again = self.host.ledger.downs.contains(&known);
        fail_if(again, FailureClass::MigrationDownFailed)?;
        self.write(Point::TakingBack)?;
        self.host.ledger.take_back(&self.release, generation);
        self.reach(Point::BeganBack)?;
        let begun = self.host.downs.entry(generation).or_default();
        *begun = begun.saturating_add(1);
        fail_if(
            self.has(Trouble::DownFails),
            FailureClass::MigrationDownFailed,
        )?;
        self.host.taken_back = self.host.taken_back.saturating_add(1);
        self.reach(Point::TakenBack)
    }

    fn activate(&mut self) -> Result<(), Stop> {
        self.require_release()?;
        self.write(Point::Intending)?;
        let mark = self.host.processes.moment();
        let generation = self.order.token.generation;
        let release = &self.order.release;
        self.host.ledger.intend(release, generation, mark);
        self.reach(Point::Intended)?;
        self.switch();
        self.reach(Point::Switched)?;
        let behaviour = self.behaviour_of_order();
        if !self.host.processes.is_settled(release, self.mark()) {
            self.host.processes.reload(release, behaviour);
        }
        self.reach(Point::Moved)?;
        if self.host.processes.is_stale(release, self.mark()) {
            self.host.processes.start(release, behaviour);
        }
        let verdict = self.proof();
        self.reach(Point::Proved)?;
        verdict.map_or(Ok(()), |class| Err(Stop::Failed(class)))
    }

    /// Renames the link. It takes effect when the link named something else.
    fn switch(&mut self) {
        let release = &self.order.release;
        if self.host.current.as_ref() == Some(release) {
            return;
        }
        let generation = self.order.token.generation;
        let count = self.host.activations.entry(generation).or_default();
        *count = count.saturating_add(1);
        self.host.switches.push((generation, release.clone()));
        self.host.current = Some(release.clone());
    }

    /// Asks the processes. What answers must be the manager's own, new, of this release, and healthy.
    fn proof(&mut self) -> Option<FailureClass> {
        let processes = &self.host.processes;
        let answering = processes.answering();
        self.served = answering.map(|process| process.release.id());
        let Some(process) = answering else {
            return Some(FailureClass::StartFailed);
        };
        if process.release != self.order.release {
            return Some(FailureClass::WrongRelease);
        }
        if !is_healthy(process, (self.behaviour)(&process.release)) {
            return Some(FailureClass::HealthFailed);
        }
        if processes.lingering.is_some() {
            return Some(FailureClass::WrongRelease);
        }
        self.healthy = true;
        None
    }

    /// Kept: what is linked, active or asked for, where the last switch came from, the last proven, the newest. An
    /// unfinished folder goes, but for the one of the release that is asked for.
    fn prune(&mut self) -> Result<(), Stop> {
        let ledger = &self.host.ledger;
        let mut kept: BTreeSet<ReleaseId> = self.newest().into_iter().collect();
        kept.insert(self.release.clone());
        kept.extend(self.host.current.as_ref().map(Release::id));
        kept.extend(ledger.active.as_ref().map(Release::id));
        kept.extend(ledger.switched.iter().filter_map(|s| s.from.clone()));
        let proven = ledger.proven.iter().rev().take(PROVEN_KEPT);
        kept.extend(proven.map(|(release, _)| release.clone()));
        let asked_for = &self.release;
        self.host.releases.retain(|id, folder| match folder {
            Folder::Partial => id == asked_for,
            Folder::Whole { .. } => kept.contains(id),
        });
        self.reach(Point::Pruned)
    }

    fn newest(&self) -> Vec<ReleaseId> {
        let mut whole: Vec<(Timestamp, &ReleaseId)> = self
            .host
            .releases
            .iter()
            .filter_map(|(id, folder)| match folder {
                Folder::Partial => None,
                Folder::Whole { since } => Some((*since, id)),
            })
            .collect();
        whole.sort();
        let newest = whole.into_iter().rev().take(RELEASES_KEPT);
        newest.map(|(_, id)| id.clone()).collect()
    }

    /// Looks only: no lock, no ledger entry, no generation.
    fn status(&mut self) -> Answer {
        if self.is_late() {
            return self.answer(Ending::Refused(FailureClass::Expired));
        }
        let active = self.host.ledger.active.clone();
        let answering = self.host.processes.answering().filter(|_| active.is_some());
        self.served = answering.map(|process| process.release.id());
        self.healthy = answering.is_some_and(|process| {
            active.as_ref() == Some(&process.release)
                && is_healthy(process, (self.behaviour)(&process.release))
                && self.host.current == active
        });
        Answer {
            release: active.as_ref().map(Release::id),
            generation: self.host.ledger.generation,
            ..self.answer(Ending::Done)
        }
    }

    /// The result is in the ledger before it is told. A result that cannot be recorded is not claimed.
    fn conclude(self, end: Result<(), Stop>) -> Option<Answer> {
        let ending = match end {
            Ok(()) => Ending::Done,
            Err(Stop::Killed) => return None,
            Err(Stop::Known(answer)) => return Some(answer),
            Err(Stop::Refused(class)) => return Some(self.answer(Ending::Refused(class))),
            Err(Stop::Failed(class)) => Ending::Failed(class),
        };
        let answer = self.answer(ending);
        if !self.recording {
            return Some(answer);
        }
        let recorded = self.write(Point::Finishing);
        let told = match recorded {
            Err(Stop::Killed) => return None,
            Err(_) if ending == Ending::Done => self.answer(Ending::Failed(FailureClass::DiskFull)),
            Err(_) => answer,
            Ok(()) => {
                let token = &self.order.token;
                self.host.ledger.finish(token, &self.release, &answer);
                answer
            }
        };
        self.reach(Point::Finished).ok().map(|()| told)
    }

    fn answer(&self, ending: Ending) -> Answer {
        Answer {
            action: self.order.action(),
            ending,
            release: Some(self.release.clone()),
            generation: self.order.token.generation,
            served: self.served.clone(),
            healthy: self.healthy,
            found: self.found(ending),
            repeated: false,
        }
    }

    /// What a preparation finds of migrations: nothing where there is nothing to compare with.
    fn found(&self, ending: Ending) -> Option<Found> {
        let prepared = self.order.action() == Action::Prepare && ending == Ending::Done;
        let previous = self.order.previous.as_ref().filter(|_| prepared)?;
        let folder = self.host.releases.get(previous);
        let is_there = matches!(folder, Some(Folder::Whole { .. }));
        let judgement = self.host.judgements.get(&self.order.release.commit);
        judgement.filter(|_| is_there).cloned()
    }

    /// Before each write of the ledger: it may fail, and a kill before the rename leaves the old one.
    fn write(&self, unrenamed: Point) -> Result<(), Stop> {
        let full = self.has(Trouble::DiskFull);
        let filled = self.recording && self.has(Trouble::DiskFillsUp);
        fail_if(full || filled, FailureClass::DiskFull)?;
        self.reach(unrenamed)
    }

    fn reach(&self, point: Point) -> Result<(), Stop> {
        if self.killed_at == Some(point) {
            Err(Stop::Killed)
        } else {
            Ok(())
        }
    }

    fn require_release(&self) -> Result<(), Stop> {
        let folder = self.host.releases.get(&self.release);
        let missing = !matches!(folder, Some(Folder::Whole { .. }));
        fail_if(missing, FailureClass::ReleaseMissing)
    }

    fn has(&self, trouble: Trouble) -> bool {
        self.host.troubles.contains(&trouble)
    }

    fn is_late(&self) -> bool {
        self.now.as_unix_s() >= self.order.not_after.as_unix_s()
    }

    fn mark(&self) -> u64 {
        let switched = self.host.ledger.switched.as_ref();
        switched.map_or(0, |switched| switched.mark)
    }

    fn behaviour_of_order(&self) -> Behaviour {
        (self.behaviour)(&self.order.release)
    }
}

fn fail_if(failed: bool, class: FailureClass) -> Result<(), Stop> {
    if failed {
        Err(Stop::Failed(class))
    } else {
        Ok(())
    }
}
