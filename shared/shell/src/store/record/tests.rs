//! What was written is what is read, for everything that the core can reach; and nothing is guessed.

mod sizes;

use super::*;
use crate::store::samples::{
    self, START, accepted, every_observation, every_state, policy, post, release, slack_channel,
};
use longshore_core::{
    Advance, AnnouncementKind, AppName, Artifact, BreakGlass, Changelog, Channel, ChannelName,
    CommitLine, Failure, FailureClass, Freeze, FreezeSource, Generation, Kind, Live, Lock, Millis,
    ObjectVersion, Observation, ParameterName, Person, Phase, Proven, Reason, Release, Route,
    Severity, Sha256Digest, State, Task, Timestamp, WaveSize, step,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn round_trip(deployment: &Deployment) -> usize {
    let body = write_deployment(deployment).unwrap();
    let read = read_deployment(&body).unwrap();
    // Not `assert_eq`: a large fleet would be printed twice.
    assert!(read == *deployment, "{} differs", deployment.state.name());
    body.len()
}

/// Everything that one more observation makes of these.
fn one_step_on(deployments: &[Deployment]) -> Vec<Deployment> {
    let mut next = Vec::new();
    for deployment in deployments {
        for (_, seen, at) in every_observation(deployment) {
            if let Advance::Advanced(advanced) = step(deployment, &seen, at) {
                next.push(*advanced);
            }
        }
    }
    next
}

#[test]
fn every_deployment_near_every_state_is_read_back_as_it_was() {
    let first = every_state();
    let second = one_step_on(&first);
    let third = one_step_on(&second);
    let all = first.iter().chain(&second).chain(&third);
    let mut names: Vec<&str> = Vec::new();
    for deployment in all {
        round_trip(deployment);
        names.push(deployment.state.name());
    }
    for name in State::NAMES {
        assert!(names.contains(&name), "no sample is in {name}");
    }
    assert!(names.len() > 500, "only {} samples", names.len());
}

/// A deployment that uses what the samples leave out.
fn ornate() -> Deployment {
    let mut policy = policy();
    policy.waves = vec![
        WaveSize::Hosts(1),
        WaveSize::Percent(50),
        WaveSize::Percent(100),
    ];
    policy.health.outside = true;
    policy.health.passes = 3;
    policy.health.numbers = true;
    policy.health.alarms = true;
    let slack = ChannelName::parse("deployments").unwrap();
    policy.channels = vec![Channel::Sns.into(), Channel::Slack(slack).into()];
    policy.unreachable_max = 3;
    let mut deployment = accepted(policy);
    let mut target = release('a');
    let name = ParameterName::parse("DATABASE_URL").unwrap();
    target.parameters.insert(name, 12);
    deployment.origin.kind = Kind::Rollback(target);
    deployment.origin.by = None;
    deployment.version = u64::MAX;
    deployment
}

/// A deployment that is told of over every channel, of which one gets little, and that has a message standing.
fn told() -> Deployment {
    let slack = ChannelName::parse("deployments").unwrap();
    let mut policy = policy();
    let page = Route {
        from: Severity::Critical,
        kinds: [AnnouncementKind::Ended].into(),
        ..Route::from(Channel::Teams(slack.clone()))
    };
    policy.channels = vec![
        Channel::Sns.into(),
        Channel::Slack(slack.clone()).into(),
        Channel::SlackApp(slack_channel()).into(),
        page,
        Channel::Webhook(slack).into(),
        Channel::BuildStatus.into(),
        Channel::Tag.into(),
    ];
    let mut deployment = accepted(policy);
    deployment.posts.push(post());
    deployment
}

/// One that succeeded, with the times that its hosts told: two heard at once, one later and one with a second run.
fn timed() -> Deployment {
    let mut deployment = every_state()
        .into_iter()
        .find(|deployment| deployment.state.name() == "Succeeded")
        .unwrap();
    let State::Ended { run: Some(run), .. } = &mut deployment.state else {
        panic!("it has ended");
    };
    let later = START.after(Millis::new(1_500));
    for (place, host) in run.hosts.keys().enumerate() {
        let own = Millis::new(u64::try_from(place).unwrap());
        let ms = Millis::from_secs(40).plus(own);
        run.times.note(Task::Prepare, host, ms, START);
        run.times.note(Task::Activate, host, ms, START);
    }
    let host = samples::host(1);
    for (task, ms) in [
        (Task::Activate, 7),
        (Task::Migrate, 900),
        (Task::Unmigrate, 0),
        (Task::Restore, 2),
    ] {
        run.times.note(task, &host, Millis::new(ms), later);
    }
    deployment
}

#[test]
fn the_times_of_hosts_are_read_back_and_ones_that_do_not_fit_are_refused() {
    let deployment = timed();
    round_trip(&deployment);
    let good: Value = serde_json::from_str(&write_deployment(&deployment).unwrap()).unwrap();
    let of = |change: &dyn Fn(&mut Value)| {
        let mut bad = good.clone();
        change(&mut bad["state"]["ended"]["run"]["times"]);
        read_deployment(&bad.to_string())
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let short = of(&|times| times["prepare"][0][2] = json!([1]));
    assert_eq!(short, "times that do not fit their hosts");
    let twice = of(&|times| {
        let first = times["prepare"][0].clone();
        times["prepare"].as_array_mut().unwrap().push(first);
    });
    assert_eq!(twice, "a host with two times for one task");
    of(&|times| times["sleep"] = json!([]));
}

#[test]
fn channels_with_what_they_get_and_what_stands_there_are_read_back_too() {
    round_trip(&told());
}

#[test]
fn limits_that_few_apps_set_and_what_they_lead_to_are_read_back_too() {
    let mut policy = policy();
    policy.health.wave_bake = Millis::from_secs(30);
    policy.parallel_max = Some(7);
    policy.in_service_min = Some(WaveSize::Percent(75));
    let mut deployment = every_state()
        .into_iter()
        .find(|deployment| deployment.state.name() == "Verifying")
        .unwrap();
    deployment.policy = policy;
    let State::Active {
        phase: Phase::Verifying { until, .. },
        ..
    } = &mut deployment.state
    else {
        panic!("it verifies");
    };
    *until = Some(START);
    let by = Person::parse("Ada").unwrap();
    deployment.break_glass = Some(BreakGlass::new(by, "a fire", START));
    for source in FreezeSource::ALL {
        deployment.freeze = Some(Freeze::new("the weekend", Some(START), source));
        round_trip(&deployment);
    }
}

#[test]
fn what_people_said_and_the_commits_that_come_are_read_back_and_stay_small() {
    let mut deployment = every_state()
        .into_iter()
        .find(|deployment| deployment.state.name() == "AwaitingApproval")
        .unwrap();
    let before = round_trip(&deployment);
    deployment.origin.reason = Reason::parse("prices are wrong");
    let mut vote = samples::vote(&deployment);
    vote.comment = Reason::parse("seen in staging");
    deployment.approval.as_mut().unwrap().votes.push(vote);
    round_trip(&deployment);
    let commit = release('b').commit;
    let line = CommitLine::new(commit, &"n".repeat(500), &"s".repeat(500));
    let lines = vec![line; Changelog::COMMITS_MAX + 1];
    for changelog in [Changelog::default(), Changelog::new(lines, false)] {
        deployment.changelog = Some(changelog);
        let bytes = round_trip(&deployment) - before;
        assert!(bytes < 12_000, "{bytes} bytes more");
    }
}

#[test]
fn what_is_seldom_used_is_read_back_too() {
    let mut deployment = ornate();
    round_trip(&deployment);
    let artifact = full_slot().live.unwrap().release.artifact;
    for kind in [
        Kind::Push,
        Kind::Redeploy,
        Kind::Config,
        Kind::Join(release('a')),
        Kind::Drill(release('a')),
        Kind::Promote(None),
        Kind::Promote(artifact),
    ] {
        deployment.origin.kind = kind;
        round_trip(&deployment);
    }
    for cause in [
        longshore_core::Cause::Push,
        longshore_core::Cause::Poll,
        longshore_core::Cause::Event,
        longshore_core::Cause::Tick,
        longshore_core::Cause::LookAgain,
        longshore_core::Cause::Operator,
    ] {
        deployment.timeline[0].cause = Some(cause);
        round_trip(&deployment);
    }
    for class in FailureClass::ALL {
        let line = r#"Error: "quoted" \ back {"json":1}"#;
        let failed = Observation::NotReady(Failure::with_detail(*class, line));
        let Advance::Advanced(ended) = step(&deployment, &failed, START) else {
            panic!("a queued deployment fails when it is not ready");
        };
        round_trip(&ended);
    }
}

#[test]
fn hosts_in_any_order_keep_it() {
    let mut start = samples::start(9, true);
    start.hosts = [5_u32, 6, 7, 1, 9, 2, 3, 8, 4].map(samples::host).to_vec();
    let queued = accepted(policy());
    let preparing = samples::must(&queued, &Observation::Ready(start), START);
    round_trip(&preparing);
}

#[test]
fn what_this_version_did_not_write_is_never_guessed() {
    let body = write_deployment(&every_state()[4]).unwrap();
    let good: Value = serde_json::from_str(&body).unwrap();
    let cases: [(&str, Value); 12] = [
        ("/schema", json!(2)),
        ("/schema", json!(0)),
        ("/schema", json!("1")),
        ("/id", json!("not a ulid")),
        ("/app", json!("$(id)")),
        ("/state", json!({"dancing": {"deadline_ms": 1}})),
        ("/origin/kind", json!("guess")),
        ("/timeline/0/state", json!("Dancing")),
        ("/state/active/run/moved", json!("0-99")),
        ("/state/active/run/moved", json!("1-0")),
        ("/state/active/run/standings/0/standing", json!("dancing")),
        ("/state/active/run/standings/0/failure", json!(0)),
    ];
    for (place, value) in cases {
        let mut bad = good.clone();
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent = bad.pointer_mut(parent).unwrap();
        match name.parse::<usize>() {
            Ok(index) => parent[index] = value.clone(),
            Err(_) => parent[name] = value.clone(),
        }
        let read = read_deployment(&bad.to_string());
        assert!(read.is_err(), "{place} = {value}");
    }
    let mut unknown = good.clone();
    unknown["surprise"] = json!(true);
    assert!(read_deployment(&unknown.to_string()).is_err());
    assert!(read_deployment("").is_err());
    assert!(read_deployment("{}").is_err());
    assert_eq!(
        read_deployment(&good.to_string()).unwrap(),
        every_state()[4]
    );
}

#[test]
fn a_host_of_which_two_things_are_said_is_an_error() {
    let body = write_deployment(&every_state()[4]).unwrap();
    let mut bad: Value = serde_json::from_str(&body).unwrap();
    let standings = &mut bad["state"]["active"]["run"]["standings"];
    let twice = standings[0].clone();
    standings.as_array_mut().unwrap().push(twice);
    let problem = read_deployment(&bad.to_string()).unwrap_err();
    assert_eq!(problem.to_string(), "a host that is named twice");
}

#[test]
fn a_command_of_another_question_is_not_written() {
    let mut deployment = every_state().swap_remove(2);
    let State::Active { phase, .. } = &mut deployment.state else {
        panic!("it is preparing");
    };
    let longshore_core::Phase::Preparing(ask) = phase else {
        panic!("it is preparing");
    };
    ask.commands[0].token.wave = 9;
    assert!(write_deployment(&deployment).is_err());
}

fn full_slot() -> Slot {
    let mut slot = Slot::empty(AppName::parse("orders").unwrap());
    slot.generation = Generation::MAX;
    slot.live = Some(Live {
        release: Release {
            parameters: BTreeMap::from([(ParameterName::parse("A").unwrap(), 3)]),
            artifact: Some(Artifact {
                version: ObjectVersion::parse("v1").unwrap(),
                sha256: Sha256Digest::parse(&"a".repeat(64)).unwrap(),
            }),
            ..release('a')
        },
        deployment: samples::id(1),
        at: START,
        hosts: [1, 2].map(samples::host).into(),
    });
    slot.before = vec![Proven {
        release: release('b'),
        deployment: samples::id(5),
    }];
    slot.running = Some(samples::id(2));
    slot.waiting = Some(samples::id(3));
    slot.lock = Some(Lock {
        owner: samples::person(),
        reason: Reason::parse("the fair is on"),
        expires_at: Timestamp::from_unix_ms(5),
    });
    for letter in ['c', 'd'] {
        slot.quarantine
            .insert(release(letter).commit, samples::id(4));
    }
    slot.version = 9;
    slot
}

#[test]
fn a_slot_is_read_back_as_it_was() {
    let empty = Slot::empty(AppName::parse("orders").unwrap());
    let commit = |letter| release(letter).commit;
    let first_push = empty.accept_push(&samples::id(1), None, commit('c'));
    let next_push = empty.accept_push(&samples::id(1), Some(commit('c')), commit('d'));
    for slot in [empty, full_slot(), first_push.slot, next_push.slot] {
        let body = write_slot(&slot).unwrap();
        assert_eq!(read_slot(&body).unwrap(), slot);
    }
    let newer = write_slot(&full_slot())
        .unwrap()
        .replace("\"schema\":1", "\"schema\":2");
    assert!(read_slot(&newer).is_err());
}

/// A deployment in every state, one that uses what those leave out, and a slot.
fn kept() -> Vec<(String, String)> {
    let mut bodies: Vec<(String, String)> = every_state()
        .into_iter()
        .map(|deployment| samples::send_all(deployment, START))
        .map(|d| (name_of(&d), write_deployment(&d).unwrap()))
        .collect();
    for (_, deployment) in samples::around_an_approval() {
        let name = format!("{}-approval", deployment.state.name());
        bodies.push((name, write_deployment(&deployment).unwrap()));
    }
    bodies.push(("ornate".to_owned(), write_deployment(&ornate()).unwrap()));
    bodies.push(("timed".to_owned(), write_deployment(&timed()).unwrap()));
    bodies.push(("told".to_owned(), write_deployment(&told()).unwrap()));
    bodies.push(("slot".to_owned(), write_slot(&full_slot()).unwrap()));
    bodies
}

/// Written before people were asked about a plan and for a reason. They are read, and written again in the form of today,
/// which is kept beside them.
const OUTGROWN: [&str; 3] = ["AwaitingApproval", "Rejected", "Cancelled"];

fn name_of(deployment: &Deployment) -> String {
    let name = deployment.state.name();
    let suffix = if OUTGROWN.contains(&name) { "-2" } else { "" };
    format!("{name}{suffix}")
}

fn records() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/records")
}

/// Files are added, never changed. When the form changes, the schema number grows and new files come beside the old.
#[test]
fn this_schema_has_a_kept_record_of_every_state() {
    let mut added = Vec::new();
    for (name, body) in kept() {
        let path = records().join(format!("schema-{SCHEMA}-{name}.json"));
        if !path.exists() {
            let record: Value = serde_json::from_str(&body).unwrap();
            let text = serde_json::to_string_pretty(&record).unwrap();
            std::fs::write(&path, text + "\n").unwrap();
            added.push(path);
        }
    }
    assert!(added.is_empty(), "written, to be kept for ever: {added:?}");
}

#[test]
fn every_record_that_was_ever_written_stays_readable() {
    for entry in std::fs::read_dir(records()).unwrap() {
        let path = entry.unwrap().path();
        let body = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let again = if name.ends_with("-slot.json") {
            read_slot(&body).map(|slot| write_slot(&slot).unwrap())
        } else {
            read_deployment(&body).map(|d| write_deployment(&d).unwrap())
        };
        let again = again.unwrap_or_else(|problem| panic!("{name}: {problem}"));
        let is_outgrown = OUTGROWN
            .iter()
            .any(|state| name == format!("schema-1-{state}.json"));
        if name.starts_with(&format!("schema-{SCHEMA}-")) && !is_outgrown {
            let again: Value = serde_json::from_str(&again).unwrap();
            let kept: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(
                again, kept,
                "{name}: the form of schema {SCHEMA} has changed"
            );
        }
    }
}
