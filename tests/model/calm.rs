//! Liveness, by a bounded-fairness argument. From a state of the model the faults stop, and everybody does what is theirs,
//! one after the other in a fixed order: handlers finish, agents run and answer what waits, somebody looks where a look
//! changes anything, and only when nothing else is left, time passes. Every such step is a step of the model, so what it
//! leads to is checked as well. The property is that within [`STEPS_MAX`] steps every deployment is at rest and told.
//!
//! The second property lets every host be silent for ever: then looks and time alone must end it.
//!
//! Being run from every state, a continuation soon meets a state that another one has passed, so what is known is kept.

use crate::host::{Cut, Delivery};
use crate::kept::{Memo, hash_of};
use crate::machine::{Event, Machine};
use crate::shell::Fate;
use crate::world::World;
use longshore_core::Deployment;
use std::sync::atomic::{AtomicU32, Ordering};

/// Steps after which a continuation counts as never coming to rest.
pub(crate) const STEPS_MAX: u32 = 1000;

/// Steps to rest, by the state's hash.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    steps: Memo<u32>,
    longest: AtomicU32,
}

impl Memory {
    fn put(&self, hash: u64, steps: u32) {
        self.longest.fetch_max(steps, Ordering::Relaxed);
        self.steps.put(hash, steps);
    }

    /// The longest way to rest from any state.
    pub(crate) fn longest(&self) -> u32 {
        self.longest.load(Ordering::Relaxed)
    }
}

/// Whether everything comes to rest when faults stop.
pub(crate) fn comes_to_rest(machine: &Machine, world: &World) -> bool {
    rests(machine, world, &machine.calm, true)
}

/// Whether everything comes to rest when faults stop and no host ever answers again.
pub(crate) fn comes_to_rest_in_silence(machine: &Machine, world: &World) -> bool {
    rests(machine, world, &machine.silence, false)
}

fn rests(machine: &Machine, world: &World, memory: &Memory, answered: bool) -> bool {
    let mut passed = Vec::new();
    let mut now = world.clone();
    let mut left = loop {
        let hash = hash_of(&now);
        if let Some(known) = memory.steps.get(hash) {
            break known;
        }
        passed.push(hash);
        if passed.len() > usize::try_from(STEPS_MAX).unwrap() {
            return false;
        }
        match next(machine, &now, answered) {
            Some(next) => now = next,
            None if is_at_rest(&now) => break 0,
            None => return false,
        }
    };
    for hash in passed.into_iter().rev() {
        memory.put(hash, left);
        left += 1;
    }
    left <= STEPS_MAX
}

fn is_at_rest(world: &World) -> bool {
    world.handlers.is_empty() && world.all().all(Deployment::is_at_rest)
}

/// What happens next when nothing goes wrong.
fn next(machine: &Machine, world: &World, answered: bool) -> Option<World> {
    if !world.handlers.is_empty() {
        return machine.after(world, &Event::Step(0, Fate::Well));
    }
    if answered && let Some(next) = answer(machine, world) {
        return Some(next);
    }
    let pushes = 0..world.deployments.len();
    let looks = pushes.flat_map(|push| [Event::Look(push), Event::Tell(push)]);
    let looked = looks
        .into_iter()
        .find_map(|look| machine.after(world, &look));
    if looked.is_some() || is_at_rest(world) {
        return looked;
    }
    machine.after(world, &Event::Pass)
}

/// The first host with something to do does it.
fn answer(machine: &Machine, world: &World) -> Option<World> {
    world.ssm.iter().enumerate().find_map(|(command, taken)| {
        taken.hosts.iter().find_map(|(host, delivery)| {
            let event = match delivery {
                Delivery::Waiting | Delivery::Unheard | Delivery::Loose => {
                    Event::Run(command, host.clone(), Cut::Nowhere)
                }
                Delivery::Answered(_) => Event::Show(command, host.clone()),
                Delivery::Shown(_) => return None,
            };
            machine.after(world, &event)
        })
    })
}
