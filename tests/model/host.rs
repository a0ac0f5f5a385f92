//! SSM and the hosts. A host follows the rules of `host/longshore.sh`: [`Host::run`] is its `main`, in the order of the
//! script (`begin`: an answered token is repeated, a lower generation and a passed not-after time are refused;
//! `intendSwitch`: a second attempt of one activation keeps the mark of the first; `finish`: the answer is in the ledger
//! before it is told). The agent may die between any two of these, and run the command again from its start.
//!
//! One run is one step of the model where it is not cut: hosts share nothing, the script holds a lock from `begin` to
//! `finish`, and whoever meets the lock answers `busy`, which is a fault of its own here.

use crate::setup::{Behaviour, Bug, NOW, Setup};
use longshore_core::{
    Action, Ask, CommandId, Failure, FailureClass, Found, Generation, HostId, ReleaseId, Report,
    Timestamp, Token, Verdict,
};
use std::collections::{BTreeMap, BTreeSet};

/// One host: its ledger, its disk, its processes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Host {
    /// The highest generation it has seen.
    pub(crate) generation: Generation,
    /// Tokens it has begun, with the answer of those it has finished.
    pub(crate) entries: BTreeMap<Token, Option<Said>>,
    /// Releases on its disk.
    pub(crate) prepared: BTreeSet<ReleaseId>,
    /// What it was last told to switch to, under which generation, and whether the processes have moved since.
    pub(crate) switched: Option<(Generation, ReleaseId, bool)>,
    /// What answers on its loopback.
    pub(crate) served: Option<ReleaseId>,
    /// How often an activation took effect, by generation: what the properties look at.
    pub(crate) effects: BTreeMap<Generation, u32>,
    /// Generations in which the migration has run.
    pub(crate) migrated: BTreeSet<Generation>,
    /// Generations in which the ledger says that taking the migration back was begun.
    pub(crate) taking_back: BTreeSet<Generation>,
    /// How often the migration was taken back, by generation.
    pub(crate) downs: BTreeMap<Generation, u32>,
    /// Whether an activation took effect under a lower generation than one before it.
    pub(crate) went_back: bool,
}

/// Where the agent dies within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cut {
    /// Nowhere: the run comes to its end.
    Nowhere,
    /// After `begin`.
    Begun,
    /// After `intendSwitch` and the link, before the processes; or after the intention to take a migration back.
    Switching,
    /// After the processes have moved, before `finish`.
    Moved,
}

/// A command that SSM has taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Taken {
    pub(crate) token: Token,
    /// Which of several with this token; there must never be a second.
    pub(crate) copy: u32,
    pub(crate) release: ReleaseId,
    pub(crate) not_after: Timestamp,
    pub(crate) hosts: BTreeMap<HostId, Delivery>,
}

/// What has become of a command on one host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Delivery {
    /// The host has not run it, or not to its end.
    Waiting,
    /// The host has answered; SSM does not show it yet.
    Answered(Said),
    /// SSM shows this as the last word. The agent may run it all the same, late or again.
    Shown(Said),
    /// Nobody waits for it, although its question is still open and SSM has no last word. Only a mistake leads here.
    Unheard,
    /// Nobody asks for it any more. The agent may still run it.
    Loose,
}

/// A report in a form that can be ordered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Said {
    Done(Option<ReleaseId>, bool),
    /// It is prepared, and its migrations were judged so.
    Prepared(Verdict),
    Failed(FailureClass),
    Lost(FailureClass),
}

impl Said {
    /// The report as the shell reads it.
    pub(crate) fn report(&self) -> Report {
        match self {
            Self::Done(release, healthy) => Report::Done {
                served: release.clone(),
                healthy: *healthy,
                found: None,
            },
            // A verdict that nobody has allowed: what an operator allows is for the core's own tests.
            Self::Prepared(verdict) => Report::Done {
                served: None,
                healthy: false,
                found: Some(Found::new(*verdict, false, 1, [])),
            },
            Self::Failed(class) => Report::Failed(Failure::of(*class)),
            Self::Lost(class) => Report::Lost(*class),
        }
    }
}

impl Taken {
    /// SSM's id: made of the token, so that it needs no counter.
    pub(crate) fn id(&self) -> CommandId {
        let Token {
            deployment,
            generation,
            action,
            wave,
            batch,
            attempt,
        } = &self.token;
        let tail: String = deployment.as_str().chars().rev().take(2).collect();
        let deployment: u32 = tail.chars().rev().collect::<String>().parse().unwrap();
        let generation = generation.number();
        let action = *action as u32;
        let last = u64::from(*batch) * 10_000 + u64::from(*attempt) * 100 + u64::from(self.copy);
        let text = format!("{deployment:08x}-{generation:04x}-{action:04x}-{wave:04x}-{last:012x}");
        CommandId::parse(&text).unwrap()
    }
}

impl Taken {
    /// Whether this is one command of the question that an ask puts.
    pub(crate) fn belongs_to(&self, ask: &Ask) -> bool {
        let token = &self.token;
        token.deployment == ask.deployment
            && (token.generation, token.action, token.wave)
                == (ask.generation, ask.action, ask.wave)
    }
}

impl Host {
    /// A host that was never touched, or one that serves a release since generation 1.
    pub(crate) fn new(live: Option<ReleaseId>) -> Self {
        let Some(release) = live else {
            return Self::default();
        };
        let generation = Generation::new(1);
        Self {
            generation,
            prepared: BTreeSet::from([release.clone()]),
            switched: Some((generation, release.clone(), true)),
            served: Some(release),
            effects: BTreeMap::from([(generation, 1)]),
            ..Self::default()
        }
    }

    /// What the script does with a command. `None` when the agent dies before the answer is in the ledger.
    pub(crate) fn run(&mut self, setup: &Setup, taken: &Taken, cut: Cut) -> Option<Said> {
        if taken.token.action == Action::Status {
            return Some(self.status(setup, taken));
        }
        if let Some(refused_or_known) = self.begin(setup, taken) {
            return Some(refused_or_known);
        }
        if cut == Cut::Begun {
            return None;
        }
        let said = match taken.token.action {
            Action::Prepare => self.prepare(setup, taken),
            Action::Activate => self.activate(setup, taken, cut)?,
            Action::Migrate => {
                self.migrated.insert(taken.token.generation);
                Said::Done(None, false)
            }
            Action::Unmigrate => self.unmigrate(setup, taken, cut)?,
            Action::Prune | Action::Status => Said::Done(None, false),
        };
        if cut == Cut::Moved {
            return None;
        }
        self.entries.insert(taken.token.clone(), Some(said.clone()));
        Some(said)
    }

    /// Whether a run would do more than to answer: pass `begin`.
    pub(crate) fn would_begin(&self, setup: &Setup, taken: &Taken) -> bool {
        taken.token.action != Action::Status && self.refused_or_known(setup, taken).is_none()
    }

    /// Whether a run that nobody waits for would change more than its own entry in the ledger.
    pub(crate) fn would_change(&self, setup: &Setup, taken: &Taken) -> bool {
        if !self.would_begin(setup, taken) {
            return false;
        }
        let mut after = self.clone();
        after.run(setup, taken, Cut::Nowhere);
        after.entries.clone_from(&self.entries);
        after != *self
    }

    /// `status`: looks only, past the ledger and the lock.
    fn status(&self, setup: &Setup, taken: &Taken) -> Said {
        if NOW >= taken.not_after {
            return Said::Failed(FailureClass::Expired);
        }
        let sick = self.served.as_ref().is_some_and(|release| {
            let behaviour = setup.behaviour(release);
            matches!(behaviour, Behaviour::TurnsSick | Behaviour::HealthFails)
        });
        let believed = self
            .switched
            .as_ref()
            .map(|(_, release, _)| release.clone());
        let served = self.served.clone();
        let said = if setup.has(Bug::HostSaysWhatItsLedgerSays) {
            believed
        } else {
            served
        };
        Said::Done(said, !sick)
    }

    /// `begin`: the answer when there is nothing to do, else the entry of this token.
    fn begin(&mut self, setup: &Setup, taken: &Taken) -> Option<Said> {
        let said = self.refused_or_known(setup, taken);
        if said.is_none() {
            self.generation = taken.token.generation;
            self.entries.insert(taken.token.clone(), None);
        }
        said
    }

    fn refused_or_known(&self, setup: &Setup, taken: &Taken) -> Option<Said> {
        if let Some(Some(known)) = self.entries.get(&taken.token) {
            return Some(known.clone());
        }
        let lower = taken.token.generation < self.generation;
        if lower && !setup.has(Bug::HostAcceptsLowerGenerations) {
            return Some(Said::Failed(FailureClass::Superseded));
        }
        let late = NOW >= taken.not_after;
        late.then_some(Said::Failed(FailureClass::Expired))
    }

    fn prepare(&mut self, setup: &Setup, taken: &Taken) -> Said {
        if setup.behaviour(&taken.release) == Behaviour::BuildFails {
            return Said::Failed(FailureClass::BuildFailed);
        }
        self.prepared.insert(taken.release.clone());
        setup
            .verdict
            .map_or(Said::Done(None, false), Said::Prepared)
    }

    /// `unmigrate`: the intention is in the ledger before anything is done, and is never begun again.
    fn unmigrate(&mut self, setup: &Setup, taken: &Taken, cut: Cut) -> Option<Said> {
        let generation = taken.token.generation;
        let again = !self.taking_back.insert(generation);
        if again && !setup.has(Bug::HostTakesBackAgain) {
            return Some(Said::Failed(FailureClass::MigrationDownFailed));
        }
        if cut == Cut::Switching {
            return None;
        }
        *self.downs.entry(generation).or_default() += 1;
        Some(Said::Done(None, false))
    }

    /// `activate`. It has an effect when it moves the processes: once for each mark that `intendSwitch` has set.
    fn activate(&mut self, setup: &Setup, taken: &Taken, cut: Cut) -> Option<Said> {
        if !self.prepared.contains(&taken.release) {
            return Some(Said::Failed(FailureClass::ReleaseMissing));
        }
        let (generation, release) = (taken.token.generation, taken.release.clone());
        let same = |(g, r, _): &(Generation, ReleaseId, bool)| *g == generation && *r == release;
        let moved = self.switched.as_ref().filter(|before| same(before));
        let moved =
            moved.is_some_and(|(.., moved)| *moved) && !setup.has(Bug::HostForgetsItsSwitch);
        self.switched = Some((generation, release.clone(), moved));
        if cut == Cut::Switching {
            return None;
        }
        if !moved && !setup.has(Bug::HostSaysWhatItsLedgerSays) {
            self.takes_effect(generation, release);
        }
        if setup.behaviour(&taken.release) == Behaviour::HealthFails {
            return Some(Said::Failed(FailureClass::HealthFailed));
        }
        Some(Said::Done(Some(taken.release.clone()), true))
    }

    fn takes_effect(&mut self, generation: Generation, release: ReleaseId) {
        let highest = self.effects.keys().max();
        self.went_back |= highest.is_some_and(|highest| *highest > generation);
        *self.effects.entry(generation).or_default() += 1;
        self.switched = Some((generation, release.clone(), true));
        self.served = Some(release);
    }
}
