//! The model: Longshore's engine, checked exhaustively. It drives the real core (`step`, `Slot`, `decide`,
//! `Deployment::accept`) through every order in which handlers, agents, people and time can act, in configurations small
//! enough to be visited to the last state. Nothing is cut off by depth; what is bounded is how many hosts, pushes, faults and
//! handlers a configuration has.
//!
//! - `model/shell.rs`: the handlers, step by step, beside the functions they mirror, and what is left out and why; a look is in
//!   `model/look.rs`, the webhook in `model/webhook.rs`;
//! - `model/host.rs`: SSM, the agents and the hosts' ledgers, by the rules of `host/longshore.sh`;
//! - `model/machine.rs`: everything that can happen next;
//! - `model/times.rs`: time, which only jumps to the next instant that matters;
//! - `model/properties.rs`: what must always hold, by invariant;
//! - `model/calm.rs`: from every state, once faults stop, everything comes to rest;
//! - `model/mistakes.rs`: mistakes that are built in and must be found. `docs/PROOF.md` lists them.
//!
//! What costs nothing and is in every configuration: handlers that look at any time, never, or too late, that are gone
//! between any two steps or sleep there; lost requests and lost replies of SendCommand; hosts that run a command late or
//! never; answers that SSM shows late or never; pushes delivered in any order, and again. What costs one of
//! `Setup::faults`: throttling, refusals, a host that SSM gives up, a held lock, an agent that dies within a run, a check
//! from outside that fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

#[path = "model/calm.rs"]
mod calm;
#[path = "model/host.rs"]
mod host;
#[path = "model/kept.rs"]
mod kept;
#[path = "model/look.rs"]
mod look;
#[path = "model/machine.rs"]
mod machine;
#[path = "model/mistakes.rs"]
mod mistakes;
#[path = "model/properties.rs"]
mod properties;
#[path = "model/setup.rs"]
mod setup;
#[path = "model/shell.rs"]
mod shell;
#[path = "model/times.rs"]
mod times;
#[path = "model/webhook.rs"]
mod webhook;
#[path = "model/world.rs"]
mod world;

use host::Delivery;
use longshore_core::{
    Action, Decision, Deployment, FailureClass, Millis, NoData, SkipReason, State, Verdict,
    WaveSize,
};
use machine::Machine;
use setup::Behaviour::{BuildFails, Good, HealthFails, TurnsSick};
use setup::{Operation, Setup};
use shell::Handler;
use stateright::{Checker, HasDiscoveries, Model};
use world::World;

/// What a configuration is pinned to: its states, and the longest way to rest from any of them, with and without answers.
#[derive(Debug, PartialEq, Eq)]
struct Size {
    states: usize,
    calm: u32,
    silence: u32,
}

/// Visits every state of a configuration, unless a property fails. A state space that shrinks is noticed, as is a way to rest that grows.
fn check(machine: Machine, pinned: &Size) {
    let (calm, silence) = (machine.calm.clone(), machine.silence.clone());
    let checker = machine.checker().threads(2);
    let checker = checker.finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_bfs().join();
    let size = Size {
        states: checker.unique_state_count(),
        calm: calm.longest(),
        silence: silence.longest(),
    };
    checker.assert_properties();
    assert_eq!(
        &size, pinned,
        "the states of this configuration have changed"
    );
}

fn ended(world: &World, name: &str) -> bool {
    world
        .all()
        .any(|deployment| deployment.state.name() == name)
}

fn skipped(world: &World, reason: SkipReason) -> bool {
    world.decisions.contains(&Some(Decision::Skip(reason)))
}

/// Whether a deployment ended by a failure of this class.
fn ended_with(world: &World, class: FailureClass) -> bool {
    world.all().any(|deployment| match &deployment.state {
        State::Ended { outcome, .. } => outcome.failure().is_some_and(|f| f.class == class),
        _ => false,
    })
}

fn taken_back(world: &World) -> bool {
    world.hosts.iter().any(|host| !host.downs.is_empty())
}

fn lost_reply_found(world: &World) -> bool {
    let mut handlers = world.handlers.iter();
    handlers.any(|handler| matches!(&**handler, Handler::Save(save) if save.found_again))
}

/// Whether a host may hear of a rollback before the switch that it takes back.
fn overtaken(world: &World) -> bool {
    let switches = world
        .ssm
        .iter()
        .filter(|t| t.token.action == Action::Activate);
    let generations = || switches.clone().map(|taken| taken.token.generation);
    let unheard = |delivery: &Delivery| *delivery == Delivery::Loose;
    switches.clone().any(|taken| {
        let later = generations().any(|generation| generation > taken.token.generation);
        later && taken.hosts.values().any(unheard)
    })
}

/// Whether a waiting deployment was kept from starting, as its commit had been rolled back meanwhile.
fn kept_from_starting(world: &World) -> bool {
    world.all().any(|deployment| match &deployment.state {
        State::Ended {
            outcome, run: None, ..
        } => outcome
            .failure()
            .is_some_and(|failure| failure.class == FailureClass::Quarantined),
        _ => false,
    })
}

const fn size(states: usize, calm: u32, silence: u32) -> Size {
    Size {
        states,
        calm,
        silence,
    }
}

#[test]
fn one_deployment_one_host_and_every_fault_of_a_send() {
    let mut setup = Setup::new(1, &[('a', 'b', Good)]);
    setup.ssm_refuses = true;
    setup.faults = 1;
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("Failed", |_, world| ended(world, "Failed"))
        .reaches("RolledBack", |_, world| ended(world, "RolledBack"))
        .reaches("RollbackFailed", |_, world| ended(world, "RollbackFailed"))
        .reaches("a lost reply is found", |_, world| lost_reply_found(world));
    check(machine, &size(75_899, 46, 18));
}

#[test]
fn one_deployment_two_hosts_with_lost_replies() {
    let setup = Setup::new(2, &[('a', 'b', Good)]);
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("RolledBack", |_, world| ended(world, "RolledBack"))
        .reaches("a lost reply is found", |_, world| lost_reply_found(world));
    check(machine, &size(127_063, 53, 17));
}

#[test]
fn a_canary_turns_sick_and_the_other_host_never_moves() {
    let mut setup = Setup::new(2, &[('a', 'b', TurnsSick)]);
    setup.policy.waves = vec![WaveSize::Hosts(1), WaveSize::Percent(100)];
    setup.handlers = 2;
    let machine = Machine::new(setup)
        .reaches("RolledBack", |_, world| ended(world, "RolledBack"))
        .reaches("RollbackFailed", |_, world| ended(world, "RollbackFailed"));
    check(machine, &size(12_553, 42, 17));
}

#[test]
fn a_host_that_cannot_be_reached_is_excused() {
    let mut setup = Setup::new(2, &[('a', 'b', Good)]);
    setup.handlers = 1;
    setup.policy.unreachable_max = 1;
    setup.policy.attempts_max = 1;
    setup.policy.activate_timeout = Millis::new(3);
    setup.policy.prepare_timeout = Millis::new(3);
    setup.policy.round_timeout = Millis::new(2);
    setup.faults = 1;
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("Succeeded with an excused host", |_, world| {
            ended(world, "Succeeded")
                && world
                    .all()
                    .any(|d| d.state.run().is_some_and(|run| run.in_service().len() == 1))
        });
    check(machine, &size(829_550, 55, 24));
}

#[test]
fn two_pushes_one_host() {
    let mut setup = Setup::new(1, &[('a', 'b', HealthFails), ('b', 'c', Good)]);
    setup.handlers = 1;
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("Superseded", |_, world| ended(world, "Superseded"))
        .reaches("an overtaken push is skipped", |_, world| {
            skipped(world, SkipReason::Outdated)
        });
    check(machine, &size(232_742, 73, 26));
}

#[test]
fn a_rolled_back_commit_is_pushed_again() {
    let mut setup = Setup::new(1, &[('a', 'b', HealthFails), ('c', 'b', HealthFails)]);
    setup.handlers = 1;
    let machine = Machine::new(setup)
        .reaches("RolledBack", |_, world| ended(world, "RolledBack"))
        .reaches("skipped as quarantined", |_, world| {
            skipped(world, SkipReason::Quarantined)
        })
        .reaches("kept from starting", |_, world| kept_from_starting(world));
    check(machine, &size(45_913, 37, 20));
}

#[test]
fn a_rolled_back_commit_is_let_in_again_by_a_person_alone() {
    let mut setup = Setup::new(1, &[('a', 'b', HealthFails), ('c', 'b', HealthFails)]);
    setup.handlers = 1;
    setup.operations = vec![Operation::Clear];
    let machine = Machine::new(setup)
        .reaches("RolledBack", |_, world| ended(world, "RolledBack"))
        .reaches("skipped as quarantined", |_, world| {
            skipped(world, SkipReason::Quarantined)
        })
        .reaches("deployed again", |_, world| {
            let back = world.all().filter(|d| d.state.name() == "RolledBack");
            back.count() == 2
        });
    check(machine, &size(176_785, 37, 20));
}

#[test]
fn a_lock_is_taken_away_before_its_end_or_not() {
    let mut setup = Setup::new(1, &[('a', 'b', Good)]);
    setup.policy.queue_timeout = Millis::new(3);
    setup.handlers = 1;
    setup.operations = vec![Operation::Lock, Operation::Unlock];
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("Expired", |_, world| ended(world, "Expired"));
    check(machine, &size(76_277, 44, 18));
}

#[test]
fn three_pushes_of_which_none_builds() {
    let mut setup = Setup::new(
        1,
        &[
            ('a', 'b', BuildFails),
            ('b', 'c', BuildFails),
            ('c', 'd', BuildFails),
        ],
    );
    setup.handlers = 1;
    let machine = Machine::new(setup)
        .reaches("Failed", |_, world| ended(world, "Failed"))
        .reaches("Superseded", |_, world| ended(world, "Superseded"))
        .reaches("an overtaken push is skipped", |_, world| {
            skipped(world, SkipReason::Outdated)
        });
    check(machine, &size(41_645, 21, 19));
}

#[test]
fn two_pushes_and_two_handlers() {
    let setup = Setup::new(1, &[('a', 'b', BuildFails), ('b', 'c', HealthFails)]);
    let machine = Machine::new(setup)
        .reaches("Failed", |_, world| ended(world, "Failed"))
        .reaches("Superseded", |_, world| ended(world, "Superseded"))
        .reaches("an overtaken push is skipped", |_, world| {
            skipped(world, SkipReason::Outdated)
        });
    check(machine, &size(52_331, 43, 20));
}

#[test]
fn operator_cancels() {
    let mut setup = Setup::new(1, &[('a', 'b', Good)]);
    setup.operations = vec![Operation::Cancel];
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("Cancelled", |_, world| ended(world, "Cancelled"))
        .reaches("RolledBack", |_, world| ended(world, "RolledBack"))
        .reaches("a rollback overtakes the switch", |_, world| {
            overtaken(world)
        });
    check(machine, &size(20_424, 43, 17));
}

#[test]
fn operators_approve_refuse_cancel_and_lock() {
    let mut setup = Setup::new(1, &[('a', 'b', Good)]);
    setup.policy.approvals = 1;
    setup.policy.queue_timeout = Millis::new(3);
    setup.handlers = 1;
    setup.operations = vec![
        Operation::Approve,
        Operation::Refuse,
        Operation::Cancel,
        Operation::Lock,
    ];
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("Rejected", |_, world| ended(world, "Rejected"))
        .reaches("Expired", |_, world| ended(world, "Expired"))
        .reaches("Cancelled", |_, world| ended(world, "Cancelled"));
    check(machine, &size(87_348, 44, 18));
}

/// Whatever the order of the two pushes, of the looks and of what people say: a yes to the one never moves a host to the other.
#[test]
fn an_approval_of_one_push_never_deploys_the_next() {
    let mut setup = Setup::new(1, &[('a', 'b', Good), ('b', 'c', Good)]);
    setup.policy.approvals = 1;
    setup.handlers = 1;
    setup.operations = vec![Operation::Approve, Operation::ApproveAnother];
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("Superseded", |_, world| ended(world, "Superseded"))
        .reaches("Expired", |_, world| ended(world, "Expired"));
    check(machine, &size(114_919, 55, 27));
}

#[test]
fn agent_repeats() {
    let mut setup = Setup::new(1, &[('a', 'b', Good)]);
    setup.handlers = 1;
    setup.agents_die = true;
    setup.faults = 2;
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("RollbackFailed", |_, world| ended(world, "RollbackFailed"))
        .reaches("proven by a run that was repeated", |_, world| {
            ended(world, "Succeeded") && world.facts.repeated
        });
    check(machine, &size(131_689, 46, 17));
}

#[test]
fn the_first_deployment_has_nothing_to_go_back_to() {
    let mut setup = Setup::new(1, &[('a', 'b', HealthFails), ('b', 'c', Good)]);
    setup.live = false;
    setup.handlers = 1;
    let machine = Machine::new(setup)
        .reaches("RollbackFailed", |_, world| ended(world, "RollbackFailed"))
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"));
    check(machine, &size(20_977, 59, 20));
}

#[test]
fn people_are_told_by_two_notifiers() {
    let mut setup = Setup::new(1, &[('a', 'b', BuildFails)]);
    setup.policy.channels = setup::one_channel();
    let machine = Machine::new(setup).reaches("Failed and told", |_, world| {
        world.all().any(Deployment::is_at_rest)
    });
    check(machine, &size(13_146, 18, 17));
}

#[test]
fn a_migration_is_taken_back_before_a_rollback() {
    let mut setup = Setup::new(1, &[('a', 'b', HealthFails)]).migrates(Verdict::NeedsDown);
    setup.handlers = 1;
    setup.agents_die = true;
    setup.faults = 2;
    let machine = Machine::new(setup)
        .reaches("RolledBack", |_, world| ended(world, "RolledBack"))
        .reaches("RollbackFailed", |_, world| ended(world, "RollbackFailed"))
        .reaches("taken back", |_, world| taken_back(world))
        .reaches("begun and not known", |_, world| {
            ended_with(world, FailureClass::MigrationDownFailed)
        });
    check(machine, &size(101_860, 50, 17));
}

#[test]
fn one_host_takes_back_what_all_go_back_from() {
    let mut setup = Setup::new(2, &[('a', 'b', HealthFails)]).migrates(Verdict::NeedsDown);
    setup.handlers = 1;
    let machine = Machine::new(setup)
        .reaches("RolledBack", |_, world| ended(world, "RolledBack"))
        .reaches("taken back", |_, world| taken_back(world));
    check(machine, &size(35_120, 55, 17));
}

#[test]
fn a_migration_that_fits_stays_where_it_is() {
    let mut setup = Setup::new(1, &[('a', 'b', TurnsSick)]).migrates(Verdict::Safe);
    setup.faults = 1;
    setup.agents_die = true;
    let machine = Machine::new(setup)
        .reaches("RolledBack", |_, world| ended(world, "RolledBack"))
        .reaches("migrated", |_, world| {
            world.hosts.iter().any(|host| !host.migrated.is_empty())
        });
    check(machine, &size(65_269, 50, 17));
}

#[test]
fn a_migration_without_a_way_back_never_begins() {
    let setup = Setup::new(2, &[('a', 'b', Good)]).migrates(Verdict::Impossible);
    let machine = Machine::new(setup).reaches("Failed", |_, world| {
        ended_with(world, FailureClass::MigrationIrreversible)
    });
    check(machine, &size(1_936, 14, 11));
}

#[test]
fn the_check_from_outside_fails() {
    let mut setup = Setup::new(1, &[('a', 'b', Good)]);
    setup.policy.health.outside = true;
    setup.faults = 1;
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("RolledBack", |_, world| ended(world, "RolledBack"));
    check(machine, &size(140_045, 46, 21));
}

#[test]
fn numbers_say_that_it_is_worse_or_that_there_are_none() {
    let mut setup = Setup::new(1, &[('a', 'b', Good)]);
    setup.policy.health.numbers = true;
    setup.policy.health.alarms = true;
    setup.policy.health.no_data = NoData::Stop;
    setup.faults = 1;
    let machine = Machine::new(setup)
        .reaches("Succeeded", |_, world| ended(world, "Succeeded"))
        .reaches("stopped before the switch", |_, world| {
            ended(world, "Failed")
        })
        .reaches("worse", |_, world| {
            ended_with(world, FailureClass::MetricWorse)
        })
        .reaches("no data", |_, world| {
            ended_with(world, FailureClass::Inconclusive)
        });
    check(machine, &size(96_307, 47, 21));
}
