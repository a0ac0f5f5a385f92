//! What must always hold (the table in `docs`): checked after every run, over the whole history of the table and the
//! hosts' own ledgers. I7 is about values: every order is read as the host's patterns would read it.

use crate::bench::Bench;
use longshore_core::{
    Action, Announcement, AnnouncementKind, AppName, Channel, Commit, Deployment, DeploymentId,
    Found, Generation, HostId, Kind, Outcome, Person, Phase, PlanDigest, Release, Route, Run, Slot,
    Standing, State, Verdict,
};
use longshore_shell::fakes::{Behaviour, FakeHost, StoreCall, Written};
use std::collections::{BTreeMap, BTreeSet};

/// Checks every invariant at rest.
pub fn assert_all(bench: &Bench) {
    let log = bench.cloud.world.store.log();
    accepted_pushes_end(bench);
    the_head_is_decided(bench);
    activations_take_effect_once(bench);
    no_command_is_taken_twice(bench);
    hosts_never_go_back(bench);
    the_table_agrees_with_the_hosts(bench);
    ends_are_earned(bench);
    migrations_are_taken_back_first(bench);
    migrations_without_a_way_back_are_allowed(bench);
    ends_are_told(bench);
    orders_are_clean(bench);
    one_at_a_time(&log);
    the_slot_says_what_is_open(&log);
    nothing_moves_before_everything_is_prepared(&log);
    quarantine_holds(&log);
    what_was_rolled_back_stays_out(&log);
    previous_is_what_was_live(&log);
    what_needs_a_yes_has_it(&log);
    what_is_sent_has_its_yes(bench, &log);
    nothing_begins_under_a_lock(&log);
    operators_go_back_to_what_was_proven(&log);
    rollbacks_go_to_what_was_proven(bench, &log);
    whoever_moved_is_asked_back(&log);
}

/// Every host of the fleet by its id's text, as the hosts are now.
fn ledgers(bench: &Bench) -> BTreeMap<longshore_core::HostId, FakeHost> {
    bench.cloud.world.ssm.hosts_now()
}

fn run_of(deployment: &Deployment) -> Option<(&Outcome, &Run)> {
    match &deployment.state {
        State::Ended {
            outcome,
            run: Some(run),
            ..
        } => Some((outcome, run)),
        State::Ended { .. }
        | State::AwaitingApproval { .. }
        | State::Queued { .. }
        | State::Active { .. } => None,
    }
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

/// I1, I3: at rest every deployment has ended, the slot is free, and each delivery that was answered names one that is there.
fn accepted_pushes_end(bench: &Bench) {
    let deployments = bench.deployments();
    for deployment in &deployments {
        assert!(deployment.is_at_rest(), "I3: {deployment:#?}");
    }
    let slot = bench.slot();
    assert_eq!((slot.running, slot.waiting), (None, None), "I3");
    let there: BTreeSet<&DeploymentId> = deployments.iter().map(|d| &d.id).collect();
    for id in bench.answered_deployments() {
        assert!(there.contains(&id), "I1: {id} was promised");
    }
}

/// I1: when the branch is polled, its head is what was decided last, at rest; a commit in quarantine is left alone, and that
/// is on record.
fn the_head_is_decided(bench: &Bench) {
    assert!(!bench.has_unsettled_head(), "I1: {:#?}", bench.slot());
}

/// I2.
fn activations_take_effect_once(bench: &Bench) {
    for (id, host) in ledgers(bench) {
        for (generation, count) in host.activations {
            assert_eq!(count, 1, "I2: {id}, generation {generation}");
        }
    }
}

/// I2: SSM takes a command once. What it did not take is asked again under another token.
fn no_command_is_taken_twice(bench: &Bench) {
    let mut taken = BTreeSet::new();
    for order in bench.cloud.world.ssm.sent() {
        assert!(taken.insert(order.token.clone()), "I2: {}", order.token);
    }
}

/// I4: on a host generations only grow, and no two deployments share one.
fn hosts_never_go_back(bench: &Bench) {
    for (id, host) in ledgers(bench) {
        let generations: Vec<Generation> = host.switches.iter().map(|(g, _)| *g).collect();
        assert!(
            generations.is_sorted_by(|a, b| a < b),
            "I4: {id}: {generations:?}"
        );
    }
    let mut given = BTreeSet::new();
    for deployment in bench.deployments() {
        if let Some(run) = deployment.state.run() {
            assert!(given.insert(run.generation), "I4: {}", run.generation);
            let moved_back = matches!(
                run_of(&deployment),
                Some((Outcome::RolledBack(_) | Outcome::RollbackFailed(_), _))
            );
            assert!(!moved_back || given.insert(run.generation.next()), "I4");
        }
    }
}

/// I5: what each end says of its hosts is what their ledgers say, and what is live is what is served.
fn the_table_agrees_with_the_hosts(bench: &Bench) {
    let hosts = ledgers(bench);
    let mut last: Option<Deployment> = None;
    for deployment in bench.deployments() {
        let Some((outcome, run)) = run_of(&deployment) else {
            continue;
        };
        if *outcome == Outcome::Succeeded {
            let proven = |s: &Standing| matches!(s, Standing::Proven | Standing::Excused(_));
            assert!(run.hosts.values().all(proven), "I5: {run:#?}");
        }
        let nothing_moved = nothing_moved(outcome);
        for host in hosts.values() {
            let moved = host.activations.contains_key(&run.generation);
            assert!(!(nothing_moved && moved), "I5: it moved: {run:#?}");
        }
        if !nothing_moved {
            last = Some(deployment);
        }
    }
    let Some((outcome, run)) = last.as_ref().and_then(run_of) else {
        return;
    };
    for (id, standing) in &run.hosts {
        let host = &hosts[id];
        let switched = host.activations.contains_key(&run.generation);
        let excused = matches!(standing, Standing::Excused(_));
        let expected = match (outcome, standing) {
            (Outcome::Succeeded, Standing::Proven) => Some(&run.release),
            (Outcome::RolledBack(_), Standing::Restored) => run.previous.as_ref(),
            // Whatever the table says of it: who switched and is not excused has switched back.
            (Outcome::RolledBack(_), _) if switched && !excused => run.previous.as_ref(),
            _ => continue,
        };
        assert_eq!(host.served.as_ref(), expected, "I5: {id} of {run:#?}");
        assert_eq!(host.current.as_ref(), expected, "I5: {id} of {run:#?}");
    }
}

/// I5: an end is what its hosts make of it: no more of them are excused than policy allows, and a deployment that is rolled back
/// has restored every host that moved.
fn ends_are_earned(bench: &Bench) {
    for deployment in bench.deployments() {
        let Some((outcome, run)) = run_of(&deployment) else {
            continue;
        };
        let excused = |s: &&Standing| matches!(s, Standing::Excused(_));
        if *outcome == Outcome::Succeeded {
            let count = run.hosts.values().filter(excused).count();
            let max = usize::try_from(deployment.policy.unreachable_max).unwrap();
            assert!(count <= max, "I5: {count} are excused: {run:#?}");
        }
        if matches!(outcome, Outcome::RolledBack(_)) {
            for host in &run.moved {
                let standing = &run.hosts[host];
                let back = *standing == Standing::Restored || excused(&standing);
                assert!(back, "I5: {host}: {run:#?}");
            }
        }
    }
}

/// A migration is taken back at most once in a generation, only after it ran, by the verdict, and before any host goes back.
fn migrations_are_taken_back_first(bench: &Bench) {
    let hosts = ledgers(bench);
    for (id, host) in &hosts {
        for (generation, count) in &host.downs {
            assert_eq!(*count, 1, "taken back twice: {id}, {generation}");
            let mut ran = hosts.values().flat_map(|host| &host.ledger.migrations);
            let mine = bench.deployments().into_iter().find(|deployment| {
                let run = deployment.state.run();
                deployment.takes_back() && run.is_some_and(|run| run.generation == *generation)
            });
            let before = match mine {
                // By itself a deployment takes back what it has run itself, an operator what ran before.
                None => ran.any(|(_, ran)| ran.next() == *generation),
                Some(_) => ran.any(|(_, ran)| ran < generation),
            };
            assert!(before, "taken back and never run: {id}, {generation}");
        }
    }
    for deployment in bench.deployments() {
        let Some((outcome, run)) = run_of(&deployment) else {
            continue;
        };
        if deployment.takes_back() {
            the_database_comes_first(&hosts, run);
            continue;
        }
        let back = run.generation.next();
        let downs = hosts.values().filter(|host| host.downs.contains_key(&back));
        let downs = downs.count();
        let mut moves = hosts.values().flat_map(|host| &host.switches);
        // A deployment that was not rolled back leaves the next generation to the next one.
        let went_back = matches!(outcome, Outcome::RolledBack(_) | Outcome::RollbackFailed(_));
        let switched = went_back && moves.any(|(generation, _)| *generation == back);
        match run.verdict() {
            None | Some(Verdict::Safe) => assert_eq!(downs, 0, "{run:#?}"),
            Some(Verdict::NeedsDown) => assert!(downs == 1 || !switched, "{run:#?}"),
            Some(Verdict::Impossible) => {
                assert_eq!((downs, switched), (0, false), "{run:#?}");
                assert!(!matches!(outcome, Outcome::RolledBack(_)), "{run:#?}");
            }
        }
    }
}

/// An operator's way back with the database: no host switches before the migrations are taken back, and none ever away from
/// the release that fits then.
fn the_database_comes_first(hosts: &BTreeMap<HostId, FakeHost>, run: &Run) {
    let took = |host: &&FakeHost| host.downs.contains_key(&run.generation);
    let is_taken_back = hosts.values().any(|host| took(&host));
    let of = |generation: Generation| {
        let switches = hosts.values().flat_map(|host| &host.switches);
        switches.filter(move |(at, _)| *at == generation).count()
    };
    assert!(is_taken_back || of(run.generation) == 0, "{run:#?}");
    let is_done = run.verdict().is_some();
    assert!(!is_done || of(run.generation.next()) == 0, "{run:#?}");
}

/// Migrations from which there is no way back ran only where somebody has said so.
fn migrations_without_a_way_back_are_allowed(bench: &Bench) {
    for deployment in bench.deployments() {
        let Some((_, run)) = run_of(&deployment) else {
            continue;
        };
        let forbidden = run.migrations.as_ref().is_some_and(|m| m.found.forbids());
        for (id, host) in ledgers(bench) {
            let mut ran = host.ledger.migrations.iter();
            let ran = ran.any(|(_, generation)| *generation == run.generation);
            assert!(!(forbidden && ran), "{id}: {run:#?}");
        }
    }
}

/// I5: no release that is bad from the start succeeds. For runs in which no commit changes its ways.
pub fn bad_releases_never_succeed(bench: &Bench) {
    for deployment in bench.deployments() {
        if let Some((Outcome::Succeeded, run)) = run_of(&deployment) {
            let behaviour = bench.cloud.world.ssm.behaviour(&run.release);
            let cannot_migrate =
                behaviour == Behaviour::MigrationFails && deployment.policy.migrates;
            let is_bad = cannot_migrate || never_serves(behaviour);
            assert!(!is_bad, "I5: {behaviour:?}: {run:#?}");
        }
    }
}

/// I5: where nothing goes wrong, what is good goes live, unless its migrations have no way back and nobody has allowed that, or
/// it never began to move because people or a newer one stood in its way. For runs without any fault.
pub fn good_releases_succeed(bench: &Bench) {
    for deployment in bench.deployments() {
        if let Some((outcome, run)) = run_of(&deployment) {
            let found = run.migrations.as_ref().map(|migrations| &migrations.found);
            let is_forbidden = deployment.policy.migrates && found.is_some_and(Found::forbids);
            let behaviour = bench.cloud.world.ssm.behaviour(&run.release);
            let is_good = behaviour == Behaviour::Good && !is_forbidden;
            let waited = matches!(outcome, Outcome::Superseded(_) | Outcome::Expired(_));
            let succeeded = *outcome == Outcome::Succeeded || waited;
            assert!(!is_good || succeeded, "I5: {outcome:?}: {run:#?}");
        }
    }
}

/// Whether an app that behaves so can never be found healthy.
const fn never_serves(behaviour: Behaviour) -> bool {
    match behaviour {
        Behaviour::Missing
        | Behaviour::InstallFails
        | Behaviour::BuildFails
        | Behaviour::StartFails
        | Behaviour::HealthFails => true,
        // Whether there is a migration is not known here, who turns sick is healthy at first, and an old process can only
        // answer where there is one.
        Behaviour::Good
        | Behaviour::MigrationFails
        | Behaviour::TurnsSick
        | Behaviour::OldProcessAnswers => false,
    }
}

/// I5: a host switches only after every host in service was prepared, so that what fails before leaves no trace.
fn nothing_moves_before_everything_is_prepared(log: &[Written]) {
    for deployment in log.iter().flat_map(|written| &written.deployments) {
        let State::Active {
            run,
            phase: Phase::Activating(_),
        } = &deployment.state
        else {
            continue;
        };
        let ready = |s: &Standing| {
            matches!(
                s,
                Standing::Prepared | Standing::Proven | Standing::Excused(_)
            )
        };
        assert!(run.hosts.values().all(ready), "I5: {run:#?}");
    }
}

/// I6: every end was told on every channel, unless somebody gave up on it and said so.
fn ends_are_told(bench: &Bench) {
    let told = bench.cloud.people.told();
    for deployment in bench.deployments() {
        let of_the_end = |route: &&Route| route.takes(AnnouncementKind::Ended, &deployment.state);
        let routes: Vec<&Route> = deployment
            .policy
            .channels
            .iter()
            .filter(of_the_end)
            .collect();
        for route in &routes {
            let name = match &route.channel {
                Channel::Sns => "sns",
                Channel::Slack(name) | Channel::Teams(name) | Channel::Webhook(name) => {
                    name.as_str()
                }
                Channel::SlackApp(channel) => channel.as_str(),
                // They say nothing of messages; what they say is compared where it is the subject.
                Channel::BuildStatus | Channel::Tag => continue,
            };
            let here = |t: &&crate::Told| t.deployment == deployment.id && t.channel == name;
            let last = told.iter().filter(here).map(|t| t.number).max();
            let channels = u32::try_from(routes.len()).unwrap();
            let is_told = last.is_some_and(|number| number + channels > deployment.announced);
            assert!(
                is_told || bench.logged("message_given_up"),
                "I6: {} on {name}",
                deployment.id
            );
        }
    }
    let left: Vec<Announcement> = bench
        .deployments()
        .into_iter()
        .flat_map(|d| d.announcements)
        .collect();
    assert_eq!(left, [], "I6");
}

/// I7: whatever reaches a command consists of letters, digits and a few signs that no shell knows.
fn orders_are_clean(bench: &Bench) {
    for order in bench.cloud.world.ssm.sent() {
        let texts = [
            order.token.to_string(),
            order.release.id().to_string(),
            order.release.pins(),
            order.repository.to_string(),
            order.app.to_string(),
        ];
        for text in texts {
            let plain = |c: char| c.is_ascii_alphanumeric() || ":.,_/-".contains(c);
            assert!(text.chars().all(plain), "I7: {text:?}");
        }
    }
}

/// I8: after every single write at most one deployment of an app is active, it is the one in the slot, and whoever was
/// superseded names a newer one.
fn one_at_a_time(log: &[Written]) {
    let mut now: BTreeMap<DeploymentId, Deployment> = BTreeMap::new();
    for written in log {
        for deployment in &written.deployments {
            now.insert(deployment.id.clone(), deployment.clone());
        }
        let mut active = BTreeSet::new();
        for deployment in now.values() {
            if matches!(deployment.state, State::Active { .. }) {
                assert!(active.insert(deployment.app.clone()), "I8: {now:#?}");
            }
            if let State::Ended {
                outcome: Outcome::Superseded(by),
                ..
            } = &deployment.state
            {
                assert!(
                    now.contains_key(by) && *by > deployment.id,
                    "I8: {deployment:#?}"
                );
            }
        }
    }
}

/// I1: after every single write, what is open of an app is what its slot says runs or waits. So nothing is superseded without an
/// end, and nothing that ended keeps the place of another.
fn the_slot_says_what_is_open(log: &[Written]) {
    let mut slots: BTreeMap<AppName, BTreeSet<DeploymentId>> = BTreeMap::new();
    let mut open: BTreeMap<AppName, BTreeSet<DeploymentId>> = BTreeMap::new();
    for written in log {
        if let Some(slot) = &written.slot {
            let named = slot.running.iter().chain(&slot.waiting).cloned();
            slots.insert(slot.app.clone(), named.collect());
        }
        for deployment in &written.deployments {
            let open = open.entry(deployment.app.clone()).or_default();
            if deployment.state.is_terminal() {
                open.remove(&deployment.id);
            } else {
                open.insert(deployment.id.clone());
            }
        }
        for (app, open) in &open {
            assert_eq!(slots.get(app), Some(open), "I1: {app} after {written:#?}");
        }
    }
}

/// I9: whoever was rolled back does not start again by a push, whatever the slot says of it.
fn what_was_rolled_back_stays_out(log: &[Written]) {
    let mut out: BTreeSet<Commit> = BTreeSet::new();
    let mut kept: BTreeSet<Commit> = BTreeSet::new();
    for written in log {
        let Some(slot) = &written.slot else {
            continue;
        };
        let live = slot.live.as_ref().map(|live| &live.release.commit);
        // An operator lets a commit in again, or brings it back to be what is live.
        let cleared = |commit: &Commit| {
            let is_gone = kept.contains(commit) && !slot.quarantine.contains_key(commit);
            written.call == StoreCall::Operate && is_gone
        };
        out.retain(|commit| !cleared(commit) && Some(commit) != live);
        kept = slot.quarantine.keys().cloned().collect();
        for deployment in &written.deployments {
            let commit = &deployment.origin.commit;
            let is_push = matches!(deployment.origin.kind, Kind::Push);
            let starts = slot.running.as_ref() == Some(&deployment.id);
            assert!(
                !(starts && is_push && out.contains(commit)),
                "I9: {deployment:#?}"
            );
            let is_back = matches!(
                run_of(deployment),
                Some((Outcome::RolledBack(_) | Outcome::RollbackFailed(_), _))
            );
            if is_back && live != Some(commit) {
                out.insert(commit.clone());
            }
            // What an operator goes back from stays out like what was rolled back.
            if let (Kind::Rollback(_), Some((Outcome::Succeeded, run))) =
                (&deployment.origin.kind, run_of(deployment))
            {
                let left = run.previous.iter().map(|left| left.commit.clone());
                out.extend(left.filter(|left| Some(left) != live));
            }
        }
    }
}

/// I9: no push starts that brings a commit in quarantine, and what is live is never put there.
fn quarantine_holds(log: &[Written]) {
    for written in log {
        let Some(slot) = &written.slot else {
            continue;
        };
        let live = slot.live.as_ref().map(|live| &live.release.commit);
        let stays_out = live.is_some_and(|live| slot.quarantine.contains_key(live));
        assert!(!stays_out, "I9: what is live is in quarantine: {slot:#?}");
        for deployment in &written.deployments {
            let started = slot.running.as_ref() == Some(&deployment.id);
            let is_push = matches!(deployment.origin.kind, Kind::Push);
            let out = slot.quarantine.contains_key(&deployment.origin.commit);
            assert!(!(started && is_push && out), "I9: {deployment:#?}");
        }
    }
}

/// What people are asked about goes on past its preparation only with the yes of enough of them to exactly this plan.
fn what_needs_a_yes_has_it(log: &[Written]) {
    for deployment in log.iter().flat_map(|written| &written.deployments) {
        let State::Active { run, phase } = &deployment.state else {
            continue;
        };
        let needed = usize::try_from(deployment.policy.approvals).unwrap();
        if needed == 0 || matches!(phase, longshore_core::Phase::Preparing(_)) {
            continue;
        }
        let plan = PlanDigest::of(&deployment.id, run);
        let asked = deployment.approval.as_ref().expect("a plan");
        let people: BTreeSet<&Person> = asked.votes.iter().map(|vote| &vote.by).collect();
        let same = asked.votes.iter().all(|vote| vote.plan == plan);
        assert!(same && people.len() >= needed, "{deployment:#?}");
        let own = deployment
            .origin
            .by
            .as_ref()
            .is_none_or(|by| people.contains(by));
        assert!(deployment.policy.by_author || !own, "{deployment:#?}");
    }
}

/// Approval of A never deploys B: whatever was sent beyond a preparation is about the release that enough people have said yes
/// to, as this very plan of this very deployment, and goes to none but the hosts that it names; or it is the way back.
fn what_is_sent_has_its_yes(bench: &Bench, log: &[Written]) {
    let mut agreed: BTreeMap<&DeploymentId, Vec<&Run>> = BTreeMap::new();
    for deployment in log.iter().flat_map(|written| &written.deployments) {
        let (Some(run), true) = (deployment.approved(), deployment.is_approved()) else {
            continue;
        };
        let plan = PlanDigest::of(&deployment.id, run);
        let votes = deployment.approval.iter().flat_map(|asked| &asked.votes);
        if votes.into_iter().all(|vote| vote.plan == plan) {
            agreed.entry(&deployment.id).or_default().push(run);
        }
    }
    let all = bench.deployments();
    for order in bench.cloud.world.ssm.sent() {
        let about = all.iter().find(|d| d.id == order.token.deployment);
        let deployment = about.expect("a command belongs to a deployment");
        let moves = match order.action() {
            Action::Migrate | Action::Activate => true,
            Action::Prepare | Action::Unmigrate | Action::Status | Action::Prune => false,
        };
        if deployment.policy.approvals == 0 || !moves {
            continue;
        }
        let fits = |run: &&&Run| {
            let is_back =
                run.previous.as_ref() == Some(&order.release) && order.action() == Action::Activate;
            let is_it = run.release == order.release;
            (is_it || is_back) && order.hosts.iter().all(|host| run.hosts.contains_key(host))
        };
        let agreed = agreed.get(&deployment.id).map(Vec::as_slice);
        assert!(
            agreed.unwrap_or_default().iter().any(|run| fits(&run)),
            "nobody has said yes to {order:#?}"
        );
    }
}

/// Nothing begins while somebody holds the app.
fn nothing_begins_under_a_lock(log: &[Written]) {
    let mut slots: BTreeMap<&AppName, &Slot> = BTreeMap::new();
    for written in log {
        let Some(slot) = &written.slot else {
            continue;
        };
        let before = slots.insert(&slot.app, slot);
        let lock = before.and_then(|before| before.lock.as_ref());
        for deployment in &written.deployments {
            let begins = slot.running.as_ref() == Some(&deployment.id)
                && before.is_some_and(|before| before.running.is_none());
            let at = deployment.timeline.last().expect("a history").at;
            let held = lock.filter(|lock| begins && at < lock.expires_at);
            assert!(held.is_none(), "{held:?} holds {deployment:#?}");
        }
    }
}

/// I10: operators go back to, and rehearse with, nothing but what was live here.
fn operators_go_back_to_what_was_proven(log: &[Written]) {
    let mut proven: Vec<&Release> = Vec::new();
    for written in log {
        for deployment in &written.deployments {
            if let Kind::Rollback(to) | Kind::Drill(to) = &deployment.origin.kind {
                assert!(proven.contains(&to), "I10: {deployment:#?}");
            }
        }
        let live = written.slot.as_ref().and_then(|slot| slot.live.as_ref());
        proven.extend(live.map(|live| &live.release));
    }
}

/// I10: what a deployment would go back to is what was live when it started.
fn previous_is_what_was_live(log: &[Written]) {
    for written in log {
        let Some(slot) = &written.slot else {
            continue;
        };
        for deployment in &written.deployments {
            let starts = slot.running.as_ref() == Some(&deployment.id);
            if let Some(run) = deployment.state.run().filter(|_| starts) {
                let live = slot.live.as_ref().map(|live| &live.release);
                assert_eq!(run.previous.as_ref(), live, "I10: {run:#?}");
            }
        }
    }
}

/// I10: whoever was rolled back serves a release that a deployment had proven, pins and all.
fn rollbacks_go_to_what_was_proven(bench: &Bench, log: &[Written]) {
    let proven: Vec<&Release> = log
        .iter()
        .flat_map(|written| &written.slot)
        .filter_map(|slot| slot.live.as_ref())
        .map(|live| &live.release)
        .collect();
    for deployment in bench.deployments() {
        let Some((Outcome::RolledBack(_), run)) = run_of(&deployment) else {
            continue;
        };
        let back = run.previous.as_ref().expect("I10: something to go back to");
        assert!(proven.contains(&back), "I10: {back:?}");
        for (id, host) in ledgers(bench) {
            for (generation, release) in &host.switches {
                let is_rollback = *generation == run.generation.next();
                assert!(!is_rollback || release == back, "I10: {id}: {release:?}");
            }
        }
    }
}

/// I10: a rollback asks every host that was asked to switch, excused or not: it may have done so without an answer. Where it
/// goes in parts it has asked all of them by its end.
fn whoever_moved_is_asked_back(log: &[Written]) {
    let mut asked: BTreeMap<&DeploymentId, BTreeSet<&HostId>> = BTreeMap::new();
    for deployment in log.iter().flat_map(|written| &written.deployments) {
        let in_parts =
            deployment.policy.parallel_max.is_some() || deployment.policy.in_service_min.is_some();
        let all = asked.entry(&deployment.id).or_default();
        let moved = |run: &Run| run.moved.iter().cloned().collect::<BTreeSet<HostId>>();
        match &deployment.state {
            State::Active {
                run,
                phase: Phase::RollingBack { ask, .. },
            } => {
                all.extend(ask.waiting.keys().chain(ask.answers.keys()));
                let now: BTreeSet<HostId> = all.iter().map(|host| (*host).clone()).collect();
                assert!(now.is_subset(&moved(run)), "I10: {run:#?}");
                assert!(in_parts || now == moved(run), "I10: {run:#?}");
            }
            State::Active {
                run,
                phase: Phase::VerifyingRollback { .. },
            } => {
                let now: BTreeSet<HostId> = all.iter().map(|host| (*host).clone()).collect();
                assert_eq!(now, moved(run), "I10: {run:#?}");
            }
            State::Active { .. }
            | State::AwaitingApproval { .. }
            | State::Queued { .. }
            | State::Ended { .. } => {}
        }
    }
}
