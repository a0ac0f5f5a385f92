//! What must always hold, by invariant. Each is about a state as it is, or about a fact that the model noted when it
//! happened. I7 is about the form of values and is held by types; it has nothing to say here.

use crate::calm;
use crate::machine::{Machine, is_active};
use crate::setup::id_of;
use crate::world::{World, index_of, is_over};
use longshore_core::{
    Commit, Decision, Deployment, Generation, Outcome, Phase, PlanDigest, Release, Run, Standing,
    State, Verdict,
};
use stateright::Property;
use std::collections::BTreeSet;

pub(crate) const ENDS_STAY: &str = "I1 an end is never left";
pub(crate) const SENT_ONCE: &str = "I2 no host is sent a question again while SSM has it open";
pub(crate) const NO_WAY_BACK: &str =
    "I4 an activation never takes effect under a lower generation than one before it";
pub(crate) const NOTHING_IMPOSSIBLE: &str = "I1 nothing is observed that cannot be";
pub(crate) const ACCEPTED: &str = "I1 an accepted push has its deployment";
pub(crate) const NONE_LOST: &str = "I1 what waits or runs is what the slot says";
pub(crate) const ONCE: &str = "I2 an activation takes effect at most once per host and generation";
pub(crate) const CALM: &str = "I3 once faults stop everything comes to rest";
pub(crate) const SILENCE: &str = "I3 everything comes to rest although no host ever answers again";
pub(crate) const GENERATIONS: &str = "I4 no two deployments and rollbacks share a generation";
pub(crate) const PROVEN: &str = "I5 Succeeded means that every host is proven or excused";
pub(crate) const NOT_MOVED: &str = "I5 an end that says so means that no host moved";
pub(crate) const AGREES: &str = "I5 while nothing runs the last end says what the hosts serve";
pub(crate) const TOLD: &str = "I6 whatever is at rest was told";
pub(crate) const ONE: &str = "I8 one deployment at a time";
pub(crate) const NEWEST: &str = "I8 a superseded deployment names the one that took its place";
pub(crate) const QUARANTINE: &str = "I9 no rolled-back commit is deployed again";
pub(crate) const BACK: &str = "I10 a rollback goes to the last proven release with its parameters";
pub(crate) const DOWN_ONCE: &str =
    "a migration is taken back at most once per generation, and only after it ran";
pub(crate) const DOWN_FIRST: &str =
    "no host goes back to a release that cannot live with the migrations";
pub(crate) const APPROVED: &str =
    "what people are asked about goes on with their yes to exactly this, and never otherwise";
pub(crate) const BOUNDED: &str = "attempts are bounded";

/// Whether a property holds in a state.
type Holds = fn(&Machine, &World) -> bool;

/// Every property that holds in every state of every configuration.
pub(crate) fn always() -> Vec<Property<Machine>> {
    let mut properties = vec![
        Property::always(ENDS_STAY, |_, world: &World| is_whole(world, ENDS_STAY)),
        Property::always(SENT_ONCE, |_, world| is_whole(world, SENT_ONCE)),
        Property::always(NO_WAY_BACK, |_, world| is_whole(world, NO_WAY_BACK)),
        Property::always(NOTHING_IMPOSSIBLE, |_, world| {
            is_whole(world, NOTHING_IMPOSSIBLE)
        }),
    ];
    let of_states: [(&'static str, Holds); 16] = [
        (ACCEPTED, accepted),
        (NONE_LOST, none_lost),
        (ONCE, once),
        (GENERATIONS, generations),
        (PROVEN, proven),
        (NOT_MOVED, not_moved),
        (AGREES, agrees),
        (TOLD, told),
        (ONE, one),
        (NEWEST, newest),
        (QUARANTINE, quarantine),
        (BACK, back),
        (DOWN_ONCE, down_once),
        (DOWN_FIRST, down_first),
        (APPROVED, approved),
        (BOUNDED, bounded),
    ];
    let of_states = of_states.map(|(name, holds)| Property::always(name, holds));
    properties.extend(of_states);
    properties.push(Property::always(CALM, calm::comes_to_rest));
    properties.push(Property::always(SILENCE, calm::comes_to_rest_in_silence));
    properties
}

fn is_whole(world: &World, property: &str) -> bool {
    !world.facts.broken.contains(property)
}

fn accepted(_: &Machine, world: &World) -> bool {
    world
        .decisions
        .iter()
        .zip(&world.deployments)
        .all(|(decision, deployment)| match decision {
            Some(Decision::Deploy(id)) => deployment.as_ref().is_some_and(|d| d.id == *id),
            Some(Decision::Skip(_)) | None => deployment.is_none(),
        })
}

fn none_lost(_: &Machine, world: &World) -> bool {
    let is = |place: &Option<_>, id| place.as_ref() == Some(id);
    world.all().all(|deployment| {
        let (running, waiting) = (
            is(&world.slot.running, &deployment.id),
            is(&world.slot.waiting, &deployment.id),
        );
        match &deployment.state {
            State::AwaitingApproval { .. } | State::Queued { .. } => waiting && !running,
            State::Active { .. } => running && !waiting,
            State::Ended { .. } => !running && !waiting,
        }
    })
}

fn once(_: &Machine, world: &World) -> bool {
    let mut hosts = world.hosts.iter();
    hosts.all(|host| host.effects.values().all(|count| *count == 1))
}

fn generations(_: &Machine, world: &World) -> bool {
    let mut given = BTreeSet::new();
    world.all().all(|deployment| {
        let Some(run) = deployment.state.run() else {
            return true;
        };
        let back = went_back(deployment).then(|| run.generation.next());
        let new = given.insert(run.generation);
        let new_back = back.is_none_or(|back| given.insert(back));
        new && new_back && back.is_none_or(|back| !is_over(deployment) || back <= highest(world))
    })
}

fn highest(world: &World) -> Generation {
    world.slot.generation
}

fn went_back(deployment: &Deployment) -> bool {
    let names = [
        "Unmigrating",
        "RollingBack",
        "VerifyingRollback",
        "RolledBack",
        "RollbackFailed",
    ];
    names.contains(&deployment.state.name())
}

fn ends(world: &World) -> impl Iterator<Item = (&Outcome, &Run)> {
    world
        .all()
        .filter_map(|deployment| match &deployment.state {
            State::Ended {
                outcome,
                run: Some(run),
                ..
            } => Some((outcome, run)),
            State::Ended { .. }
            | State::AwaitingApproval { .. }
            | State::Queued { .. }
            | State::Active { .. } => None,
        })
}

/// Whether an end says that no host was switched.
const fn nothing_moved(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Failed(_)
        | Outcome::Cancelled(_)
        | Outcome::Rejected(_)
        | Outcome::Expired(_)
        | Outcome::Superseded(_) => true,
        Outcome::Succeeded | Outcome::RolledBack(_) | Outcome::RollbackFailed(_) => false,
    }
}

fn proven(_: &Machine, world: &World) -> bool {
    ends(world).all(|(outcome, run)| {
        let proven = |s: &Standing| matches!(s, Standing::Proven | Standing::Excused(_));
        *outcome != Outcome::Succeeded || run.hosts.values().all(proven)
    })
}

fn not_moved(_: &Machine, world: &World) -> bool {
    ends(world).all(|(outcome, run)| {
        let moved = |host: &crate::kept::Kept<crate::host::Host>| {
            host.effects.contains_key(&run.generation)
        };
        !nothing_moved(outcome) || !world.hosts.iter().any(moved)
    })
}

fn agrees(_: &Machine, world: &World) -> bool {
    if world.all().any(is_active) {
        return true;
    }
    let moved = ends(world).filter(|(outcome, _)| !nothing_moved(outcome));
    let Some((outcome, run)) = moved.max_by_key(|(_, run)| run.generation) else {
        return true;
    };
    run.hosts.iter().all(|(id, standing)| {
        let host = &world.hosts[index_of(id)];
        let switched = host.effects.contains_key(&run.generation);
        let expected = match (outcome, standing) {
            (_, Standing::Excused(_)) => return true,
            (Outcome::Succeeded, _) => Some(&run.release),
            // Whatever the table knows of it: a host that has switched is back.
            (Outcome::RolledBack(_), _) if switched => run.previous.as_ref(),
            _ => return true,
        };
        host.served == expected.map(Release::id)
    })
}

fn told(_: &Machine, world: &World) -> bool {
    world.all().all(|deployment| {
        let push = (0..world.deployments.len()).find(|push| id_of(*push) == deployment.id);
        let last = push.map(|push| (push, deployment.announced));
        !deployment.is_at_rest()
            || deployment.announced == 0
            || last.is_some_and(|last| world.facts.told.contains(&last))
    })
}

fn one(_: &Machine, world: &World) -> bool {
    world
        .all()
        .filter(|deployment| is_active(deployment))
        .count()
        <= 1
}

fn newest(_: &Machine, world: &World) -> bool {
    world.all().all(|deployment| match &deployment.state {
        State::Ended {
            outcome: Outcome::Superseded(by),
            ..
        } => *by != deployment.id && world.by_id(by).is_some(),
        State::Ended { .. }
        | State::AwaitingApproval { .. }
        | State::Queued { .. }
        | State::Active { .. } => true,
    })
}

/// Told by the ends, not by the slot's own list. The commit that is proven stays welcome: going back to it is what a rollback
/// is for. So does one that a person has let in again.
fn quarantine(_: &Machine, world: &World) -> bool {
    let rolled_back = |commit: &Commit| {
        ends(world).any(|(outcome, run)| {
            let back = matches!(outcome, Outcome::RolledBack(_) | Outcome::RollbackFailed(_));
            back && run.release.commit == *commit
        })
    };
    let proven = world.facts.proven.as_ref().map(|release| &release.commit);
    let mut active = world.all().filter(|deployment| is_active(deployment));
    active.all(|deployment| {
        let commit = &deployment.origin.commit;
        let welcome = proven == Some(commit) || world.facts.cleared.contains(commit);
        welcome || !rolled_back(commit)
    })
}

fn back(_: &Machine, world: &World) -> bool {
    let live = world.slot.live.as_ref().map(|live| &live.release);
    let same = live == world.facts.proven.as_ref();
    let rollbacks_fit = world.all().all(|deployment| match &deployment.state {
        State::Active {
            phase: Phase::RollingBack { ask, .. },
            ..
        } => Some(&ask.release) == world.facts.proven.as_ref(),
        State::Active {
            phase: Phase::VerifyingRollback { .. },
            run,
        } => run.previous == world.facts.proven,
        State::Active { .. }
        | State::Ended { .. }
        | State::AwaitingApproval { .. }
        | State::Queued { .. } => true,
    });
    same && rollbacks_fit
}

fn approved(machine: &Machine, world: &World) -> bool {
    let needed = usize::try_from(machine.setup.policy.approvals).unwrap();
    world.all().all(|deployment| match &deployment.state {
        State::Active { phase, run } if needed > 0 && !matches!(phase, Phase::Preparing(_)) => {
            let plan = PlanDigest::of(&deployment.id, run);
            deployment.approval.as_ref().is_some_and(|asked| {
                let votes = asked.votes.iter();
                asked.plan == plan && votes.filter(|vote| vote.plan == plan).count() >= needed
            })
        }
        State::Active { .. }
        | State::Ended { .. }
        | State::AwaitingApproval { .. }
        | State::Queued { .. } => true,
    })
}

fn down_once(_: &Machine, world: &World) -> bool {
    let ran = |back: &Generation| {
        let before = |generation: &Generation| generation.next() == *back;
        let mut hosts = world.hosts.iter();
        hosts.any(|host| host.migrated.iter().any(before))
    };
    let mut downs = world.hosts.iter().flat_map(|host| &host.downs);
    downs.all(|(generation, count)| *count == 1 && ran(generation))
}

/// Told by the hosts: whoever has switched back has done so after the migration was taken back, where the verdict asks for
/// it, and never where it says that there is no way back.
fn down_first(machine: &Machine, world: &World) -> bool {
    let Some(verdict) = machine.setup.verdict.filter(|_| machine.setup.live) else {
        return true;
    };
    let runs = world.all().filter_map(|deployment| deployment.state.run());
    let mut back = runs.map(|run| run.generation.next());
    back.all(|back| {
        let mut hosts = world.hosts.iter();
        let switched = hosts.any(|host| host.effects.contains_key(&back));
        let mut hosts = world.hosts.iter();
        let down = hosts.any(|host| host.downs.contains_key(&back));
        match verdict {
            Verdict::Safe => !down,
            Verdict::NeedsDown => down || !switched,
            Verdict::Impossible => !down && !switched,
        }
    })
}

fn bounded(machine: &Machine, world: &World) -> bool {
    let most = machine.setup.policy.attempts_max;
    world
        .all()
        .flat_map(Deployment::commands)
        .all(|command| command.token.attempt <= most)
}
