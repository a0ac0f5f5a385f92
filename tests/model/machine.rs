//! The model: everything that can happen next, whoever does it. No message is ever believed, so adversarial delivery is
//! simply this: any handler may look at any deployment at any time, or never, twice at once, or late.

use crate::calm::Memory;
use crate::host::{Cut, Delivery, Said};
use crate::setup::{NOW, Operation, Setup, commit_of, person, said, vote};
use crate::shell::{self, Fate, Handler};
use crate::world::{Push, World, index_of, is_over, plan_of};
use crate::{look, webhook};
use longshore_core::{
    Action as Asked, FailureClass, Finding, HostId, Lock, Millis, Observation, State,
};
use stateright::{Model, Property};
use std::sync::Arc;

/// The model of one configuration.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) setup: Setup,
    /// States from which everything is known to come to rest.
    pub(crate) calm: Arc<Memory>,
    /// The same while no host answers.
    pub(crate) silence: Arc<Memory>,
    /// What must be possible in this configuration.
    pub(crate) reached: Vec<Property<Self>>,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// Bitbucket delivers a push, once more.
    Deliver(Push),
    /// Somebody looks at a deployment.
    Look(Push),
    /// Somebody looks at it and finds a check that fails.
    LookAndFindItBad(Push),
    /// Somebody looks at it and finds nothing to judge by.
    LookWithoutNumbers(Push),
    /// The notifier looks at it.
    Tell(Push),
    /// A handler takes its next step.
    Step(usize, Fate),
    /// A handler is gone.
    Vanish(usize),
    /// An agent runs a command; it may die in it.
    Run(usize, HostId, Cut),
    /// The script meets its lock and answers that it is busy.
    Busy(usize, HostId),
    /// SSM shows the answer of a host.
    Show(usize, HostId),
    /// SSM gives a host up, whatever it has done or will do.
    GiveUp(usize, HostId),
    /// A person acts.
    Operate(Operation, Push),
    /// Time passes, up to the next instant that matters.
    Pass,
}

impl Machine {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            calm: Arc::default(),
            silence: Arc::default(),
            reached: Vec::new(),
        }
    }

    /// Adds what must be possible here.
    pub(crate) fn reaches(
        mut self,
        name: &'static str,
        condition: fn(&Self, &World) -> bool,
    ) -> Self {
        self.reached.push(Property::sometimes(name, condition));
        self
    }

    /// The world after an event; `None` when it cannot be or changes nothing.
    pub(crate) fn after(&self, world: &World, event: &Event) -> Option<World> {
        let mut next = world.clone();
        let happened = self.happen(&mut next, event);
        if !happened {
            return None;
        }
        next.settle(&self.setup);
        (next != *world).then_some(next)
    }

    fn happen(&self, world: &mut World, event: &Event) -> bool {
        let setup = &self.setup;
        match event {
            Event::Deliver(push) => webhook::deliver(world, setup, *push),
            Event::Look(push) => look::look(world, setup, *push, Finding::Passed),
            Event::LookWithoutNumbers(push) => {
                look::look(world, setup, *push, Finding::Inconclusive)
            }
            Event::LookAndFindItBad(push) => {
                let bad = Finding::Failed(FailureClass::MetricWorse);
                look::look(world, setup, *push, bad)
            }
            Event::Tell(push) => shell::tell(world, setup, *push),
            Event::Step(index, fate) => {
                pay(world, costs(*fate)) && shell::go(world, setup, *index, *fate).is_some()
            }
            Event::Vanish(index) => {
                world.handlers.remove(*index);
                true
            }
            Event::Run(command, host, cut) => {
                pay(world, u8::from(*cut != Cut::Nowhere)) && self.run(world, *command, host, *cut)
            }
            Event::Busy(command, host) => {
                pay(world, 1) && answer(world, *command, host, Said::Failed(FailureClass::Busy))
            }
            Event::Show(command, host) => show(world, *command, host),
            Event::GiveUp(command, host) => pay(world, 1) && give_up(world, *command, host),
            Event::Operate(operation, push) => self.operate(world, *operation, *push),
            Event::Pass => self.pass(world),
        }
    }

    fn pass(&self, world: &mut World) -> bool {
        let Some(next) = world.next_instant(&self.setup) else {
            return false;
        };
        world.pass(&self.setup, next);
        true
    }

    /// An agent runs a command, for the first time, again, or long after SSM has given it up.
    fn run(&self, world: &mut World, command: usize, id: &HostId, cut: Cut) -> bool {
        let taken = world.ssm[command].clone();
        let Some(host) = world.hosts.get_mut(index_of(id)) else {
            return false;
        };
        let died = host.entries.get(&taken.token) == Some(&None);
        let said = host.change(|host| host.run(&self.setup, &taken, cut));
        let went_back = host.went_back;
        if went_back {
            world.broke(crate::properties::NO_WAY_BACK);
        }
        if died && matches!(said, Some(Said::Done(Some(_), true))) && !world.facts.repeated {
            world.facts.change(|facts| facts.repeated = true);
        }
        match said {
            Some(said) => answer(world, command, id, said),
            None => true,
        }
    }

    fn operate(&self, world: &mut World, operation: Operation, push: Push) -> bool {
        if !world.operations.remove(&operation) {
            return false;
        }
        let seen = match operation {
            Operation::Approve => Observation::Approved(vote(plan_of(world, push))),
            Operation::ApproveAnother => {
                let other = (0..world.deployments.len()).find(|other| *other != push);
                Observation::Approved(vote(other.and_then(|other| plan_of(world, other))))
            }
            Operation::Refuse => Observation::Refused(said()),
            Operation::Cancel => Observation::CancelRequested(said()),
            Operation::Lock => {
                let mut slot = longshore_core::Slot::clone(&world.slot);
                slot.lock = Some(Lock {
                    owner: person(),
                    reason: None,
                    expires_at: NOW.after(Millis::new(7)),
                });
                shell::put_slot(world, &self.setup, slot);
                return true;
            }
            Operation::Unlock => {
                let Some(slot) = world.slot.unlocked(NOW) else {
                    return false;
                };
                shell::put_slot(world, &self.setup, slot);
                return true;
            }
            Operation::Clear => {
                let commit = commit_of(self.setup.pushes[push].new);
                let Some(slot) = world.slot.cleared(&commit) else {
                    return false;
                };
                shell::put_slot(world, &self.setup, slot);
                world.facts.change(|facts| {
                    facts.cleared.insert(commit);
                });
                return true;
            }
        };
        shell::observed_by_a_person(world, &self.setup, push, &seen)
    }

    fn looks(&self, world: &World, events: &mut Vec<Event>) {
        if world.handlers.len() >= self.setup.handlers {
            return;
        }
        for (push, decision) in world.decisions.iter().enumerate() {
            if decision.is_none() {
                events.push(Event::Deliver(push));
            }
        }
        for (push, deployment) in world.deployments.iter().enumerate() {
            let Some(deployment) = deployment else {
                continue;
            };
            if !is_over(deployment) {
                events.push(Event::Look(push));
            }
            if deployment.checks_wanted().is_some() && world.faults > 0 {
                events.push(Event::LookAndFindItBad(push));
                if self.setup.policy.health.numbers {
                    events.push(Event::LookWithoutNumbers(push));
                }
            }
            if !deployment.announcements.is_empty() {
                events.push(Event::Tell(push));
            }
        }
    }

    fn steps(&self, world: &World, events: &mut Vec<Event>) {
        for (index, handler) in world.handlers.iter().enumerate() {
            events.push(Event::Vanish(index));
            events.push(Event::Step(index, Fate::Well));
            if matches!(**handler, Handler::Send(_)) {
                events.push(Event::Step(index, Fate::ReplyLost));
                events.push(Event::Step(index, Fate::RequestLost));
                if self.setup.ssm_refuses && world.faults > 0 {
                    let invalid = Fate::Refused(FailureClass::InvalidHost);
                    events.push(Event::Step(index, Fate::Throttled));
                    events.push(Event::Step(index, invalid));
                    let denied = Fate::Refused(FailureClass::AccessDenied);
                    events.push(Event::Step(index, denied));
                }
            }
        }
    }

    fn agents(&self, world: &World, events: &mut Vec<Event>) {
        for (command, taken) in world.ssm.iter().enumerate() {
            let ledgered = taken.token.action != Asked::Status;
            for (host, delivery) in &taken.hosts {
                let on = |event: fn(usize, HostId) -> Event| event(command, host.clone());
                let waits = *delivery == Delivery::Waiting;
                let late = || world.hosts[index_of(host)].would_begin(&self.setup, taken);
                if waits || late() {
                    events.push(Event::Run(command, host.clone(), Cut::Nowhere));
                }
                if matches!(delivery, Delivery::Answered(_)) {
                    events.push(on(Event::Show));
                }
                if world.faults == 0 {
                    continue;
                }
                if matches!(delivery, Delivery::Waiting | Delivery::Answered(_)) {
                    events.push(on(Event::GiveUp));
                }
                if ledgered && waits {
                    events.push(on(Event::Busy));
                }
                if ledgered && self.setup.agents_die {
                    let cuts = [Cut::Begun, Cut::Switching, Cut::Moved];
                    events.extend(cuts.map(|cut| Event::Run(command, host.clone(), cut)));
                }
            }
        }
    }
}

/// Takes the price of an event out of the budget of faults.
fn pay(world: &mut World, price: u8) -> bool {
    let left = world.faults.checked_sub(price);
    world.faults = left.unwrap_or(world.faults);
    left.is_some()
}

/// Losing a request or a reply costs nothing, as a handler that is gone does the same.
const fn costs(fate: Fate) -> u8 {
    match fate {
        Fate::Well | Fate::ReplyLost | Fate::RequestLost => 0,
        Fate::Throttled | Fate::Refused(_) => 1,
    }
}

fn delivery(world: &mut World, command: usize, host: &HostId, next: Delivery) {
    world.ssm[command].change(|taken| taken.hosts.insert(host.clone(), next));
}

/// A run has come to its end. SSM keeps the first last word that it shows.
fn answer(world: &mut World, command: usize, host: &HostId, said: Said) -> bool {
    match world.taken(command, host) {
        Some(Delivery::Waiting | Delivery::Answered(_)) => {
            delivery(world, command, host, Delivery::Answered(said));
        }
        Some(Delivery::Shown(_) | Delivery::Unheard | Delivery::Loose) | None => {}
    }
    true
}

fn show(world: &mut World, command: usize, host: &HostId) -> bool {
    let Some(Delivery::Answered(said)) = world.taken(command, host).cloned() else {
        return false;
    };
    delivery(world, command, host, Delivery::Shown(said));
    true
}

fn give_up(world: &mut World, command: usize, host: &HostId) -> bool {
    let lost = Said::Lost(FailureClass::DeliveryTimedOut);
    delivery(world, command, host, Delivery::Shown(lost));
    true
}

impl Model for Machine {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.setup)]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        self.looks(world, events);
        self.steps(world, events);
        self.agents(world, events);
        for operation in &world.operations {
            for push in 0..world.deployments.len() {
                events.push(Event::Operate(*operation, push));
            }
        }
        events.push(Event::Pass);
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        self.after(world, &event)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = crate::properties::always();
        properties.extend(self.reached.iter().cloned());
        properties
    }
}

/// Whether a deployment is at work.
pub(crate) const fn is_active(deployment: &longshore_core::Deployment) -> bool {
    matches!(deployment.state, State::Active { .. })
}
