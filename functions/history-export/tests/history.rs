//! The export from what the stream hands over to the bytes in the bucket: complete, repeatable, of a published form, and without
//! a word of those who must not be heard there.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

#[path = "../../../shared/core/tests/common/samples.rs"]
mod samples;

use history_export::{form, handle};
use longshore_core::{
    BreakGlass, Cause, Changelog, CommitLine, Deployment, EnvironmentName, Failure, FailureClass,
    Finding, Found, Freeze, FreezeSource, Judgement, Millis, Observation, Outcome, ParameterName,
    Slot, Standing, State, Timestamp, Verdict,
};
use longshore_shell::fakes::{FakeStream, MemoryArchive};
use longshore_shell::ports::{Deed, Entry};
use samples::{START, judged, must, said};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn environment() -> EnvironmentName {
    EnvironmentName::parse("prod").unwrap()
}

fn batch(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

/// What is exported of these records as one batch: the object's key, and its lines.
async fn exported(records: &[Value]) -> (String, Vec<Value>) {
    let (key, bytes) = object_of(records).await;
    (key, lines(&bytes))
}

async fn object_of(records: &[Value]) -> (String, Vec<u8>) {
    let archive = MemoryArchive::default();
    handle(&archive, &environment(), &batch(records))
        .await
        .unwrap();
    let objects = archive.objects();
    let [(key, bytes)] = objects.iter().collect::<Vec<_>>()[..] else {
        panic!("{} objects", objects.len());
    };
    (key.clone(), bytes.clone())
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A table's stream, and the writes that lead to it.
#[derive(Default)]
struct Story {
    stream: FakeStream,
    versions: BTreeMap<String, u64>,
}

impl Story {
    /// Writes a deployment as the shell does: with its next version, and with what made somebody look.
    fn write(&mut self, deployment: &Deployment, cause: Cause) {
        let version = self.versions.entry(deployment.id.to_string()).or_default();
        *version += 1;
        let mut written = deployment.clone();
        written.version = *version;
        for (number, entry) in (0_u64..).zip(&mut written.timeline) {
            entry.cause = Some(if number == 0 { Cause::Push } else { cause });
        }
        self.stream.deployment(&written, START).unwrap();
    }

    fn records(&self) -> &[Value] {
        self.stream.records()
    }
}

/// A push that a freeze held, a person let begin, another approved, and that came back from its first wave; and what operators did
/// to the app. Together it is every type of line.
fn story() -> Story {
    let mut story = Story::default();
    let states = samples::every_state();
    let named = |name: &str| states.iter().find(|one| one.state.name() == name).unwrap();
    let mut held = named("Queued").clone();
    held.freeze = Some(samples::freeze());
    story.write(&held, Cause::Push);
    held.break_glass = Some(BreakGlass::new(samples::person(), "it cannot wait", START));
    story.write(&held, Cause::Operator);
    for state in ["Preparing", "Migrating", "Activating"] {
        story.write(named(state), Cause::Event);
    }
    let mut stopping = named("Activating").clone();
    stopping.stop = Some(said());
    story.write(&stopping, Cause::Operator);
    story.write(named("RollingBack"), Cause::Event);
    let mut back = named("RolledBack").clone();
    let class = FailureClass::MetricWorse;
    back.judgements = vec![judged("metric:latency", Finding::Failed(class))];
    story.write(&back, Cause::Tick);
    let mut slot = Slot::empty(back.app.clone());
    slot.version = 1;
    story.stream.slot(&slot, START).unwrap();
    slot.version = 2;
    slot.quarantine
        .insert(back.origin.commit.clone(), back.id.clone());
    story.stream.slot(&slot, START).unwrap();
    for (number, deed) in [
        (3, Deed::Locked(START.after(Millis::from_secs(600)))),
        (4, Deed::Unlocked),
        (5, Deed::Cleared(back.origin.commit.clone())),
    ] {
        let entry = Entry {
            app: back.app.clone(),
            number,
            at: START,
            said: said(),
            deed,
        };
        story.stream.deed(&entry).unwrap();
    }
    for state in asked_and_approved() {
        story.write(&state, Cause::Operator);
    }
    story
}

/// A deployment that one person has approved.
fn asked_and_approved() -> Vec<Deployment> {
    let mut policy = samples::policy();
    policy.approvals = 1;
    let mut accepted = samples::accepted(policy);
    accepted.id = samples::id(2);
    let ready = Observation::Ready(samples::start(2, true));
    let asking = must(&accepted, &ready, START);
    let awaiting = samples::all_done(asking.clone(), START);
    let yes = Observation::Approved(samples::vote(&awaiting));
    let approved = must(&awaiting, &yes, START);
    vec![accepted, asking, awaiting, approved]
}

fn beside(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Holds a file to what it should be; `UPDATE=1` writes it.
fn held_to(file: &str, text: &str) {
    let path = beside(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert_eq!(kept, text, "run the tests once with UPDATE=1");
}

#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let text = serde_json::to_string_pretty(&form::schema()).unwrap();
    held_to("../../docs/history.schema.json", &format!("{text}\n"));
}

/// The lines that `tests/template/test_history.py` holds to the schema by a validator that nobody here wrote.
#[tokio::test]
async fn every_type_of_line_is_in_the_kept_story() {
    let (_, told) = exported(story().records()).await;
    let types: BTreeSet<&str> = told
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    let schema = form::schema().to_string();
    let known = [
        "accepted",
        "break_glass",
        "clear_quarantine",
        "ended",
        "freeze",
        "lock",
        "quarantine",
        "stop",
        "transition",
        "unlock",
        "vote",
    ];
    assert_eq!(types, known.into(), "{told:#?}");
    let in_schema = known
        .iter()
        .filter(|word| schema.contains(&format!("[\"{word}\"]")));
    assert_eq!(in_schema.count(), known.len(), "{schema}");
    let variants = form::schema()["$defs"]["What"]["oneOf"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(variants, known.len(), "a type of line that no story tells");
    let (_, bytes) = object_of(story().records()).await;
    held_to("tests/story.jsonl", std::str::from_utf8(&bytes).unwrap());
}

#[tokio::test]
async fn the_transitions_are_the_timeline_entry_by_entry() {
    let story = story();
    let (_, told) = exported(story.records()).await;
    let id = samples::id(1).to_string();
    let of_it = |line: &&Value| line["deployment"] == id && line["type"] == "transition";
    let transitions: Vec<&Value> = told.iter().filter(of_it).collect();
    let back = samples::every_state().swap_remove(12);
    assert_eq!(back.state.name(), "RolledBack");
    assert_eq!(transitions.len(), back.timeline.len());
    for (number, (line, entry)) in (1..).zip(transitions.iter().zip(&back.timeline)) {
        assert_eq!(line["entry"], number);
        assert_eq!(line["state"], entry.state);
        assert_eq!(line.get("wave"), entry.wave.map(Value::from).as_ref());
        assert_eq!(line["at"], "2023-11-14T22:13:20Z");
    }
    assert_eq!(transitions[0]["by"], "ann");
    let end = transitions.last().unwrap();
    let hosts = json!([
        { "verdict": "prepared", "hosts": ["i-00000000000000002"] },
        { "verdict": "restored", "hosts": ["i-00000000000000001"] },
    ]);
    assert_eq!(end["hosts"], hosts, "{end}");
    let ended: Vec<&Value> = told.iter().filter(|line| line["type"] == "ended").collect();
    let [ended] = ended[..] else {
        panic!("{ended:?}")
    };
    assert_eq!(
        (&ended["result"], &ended["failure"]),
        (&json!("RolledBack"), &json!("health_failed"))
    );
    assert_eq!(ended["entries"], back.timeline.len());
    assert_eq!(ended["hosts"], end["hosts"]);
}

#[tokio::test]
async fn an_id_is_of_one_line_alone() {
    let (_, told) = exported(story().records()).await;
    let ids: BTreeSet<&str> = told
        .iter()
        .map(|line| line["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), told.len(), "{told:#?}");
}

#[tokio::test]
async fn whoever_ended_or_approved_it_is_named_at_its_transition() {
    let mut story = Story::default();
    let states = asked_and_approved();
    for state in &states {
        story.write(state, Cause::Operator);
    }
    let (_, told) = exported(story.records()).await;
    let last = told.last().unwrap();
    assert_eq!(
        (&last["type"], &last["by"]),
        (&json!("transition"), &json!("ann")),
        "{last}"
    );
    let mut story = Story::default();
    let refused = must(&states[2], &Observation::Refused(said()), START);
    for state in [&states[0], &states[1], &states[2], &refused] {
        story.write(state, Cause::Operator);
    }
    let (_, told) = exported(story.records()).await;
    let [.., transition, ended] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (&transition["state"], &transition["by"]),
        (&json!("Rejected"), &json!("ann"))
    );
    assert_eq!(
        (&ended["by"], &ended["reason"]),
        (&json!("ann"), &json!("not today"))
    );
}

#[tokio::test]
async fn a_batch_that_comes_again_leaves_the_same_object_with_the_same_bytes() {
    let archive = MemoryArchive::default();
    let batch = batch(story().records());
    handle(&archive, &environment(), &batch).await.unwrap();
    let first = archive.objects();
    handle(&archive, &environment(), &batch).await.unwrap();
    assert_eq!(archive.puts(), 2);
    assert_eq!(archive.objects(), first);
    assert_eq!(first.len(), 1);
}

/// Lambda cuts a batch that failed in two, and again, until what fails is alone.
#[tokio::test]
async fn a_batch_in_parts_tells_the_same_lines() {
    let story = story();
    let (_, whole) = exported(story.records()).await;
    for size in [1, 2, 5] {
        let archive = MemoryArchive::default();
        for part in story.records().chunks(size) {
            handle(&archive, &environment(), &batch(part))
                .await
                .unwrap();
        }
        let objects = archive.objects();
        let parts: Vec<Value> = objects.values().flat_map(|bytes| lines(bytes)).collect();
        assert_eq!(parts, whole, "parts of {size}");
        assert_eq!(
            objects.len(),
            archive.puts(),
            "a part that replaces another one"
        );
    }
}

#[tokio::test]
async fn a_bucket_that_takes_nothing_fails_the_whole_batch_and_the_repeat_is_kept() {
    let archive = MemoryArchive::default();
    archive.fail(1);
    let batch = batch(story().records());
    let error = handle(&archive, &environment(), &batch).await.unwrap_err();
    assert_eq!(error.kind(), "Deploy.NotKept");
    assert!(archive.objects().is_empty());
    handle(&archive, &environment(), &batch).await.unwrap();
    assert_eq!(archive.objects().len(), 1);
}

#[tokio::test]
async fn a_write_that_adds_nothing_leaves_no_object() {
    let archive = MemoryArchive::default();
    let mut story = Story::default();
    let queued = samples::accepted(samples::policy());
    for _ in 0..3 {
        story.write(&queued, Cause::Tick);
    }
    handle(&archive, &environment(), &batch(&story.records()[1..]))
        .await
        .unwrap();
    handle(&archive, &environment(), &batch(&[])).await.unwrap();
    assert!(archive.objects().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_fails_its_batch_and_keeps_nothing_of_it() {
    let good = story().records().to_vec();
    let change = |path: &'static str, value: Value| (path, value);
    let old = story();
    let body = |from: &str, to: &str| {
        let body = old.records()[1]["dynamodb"]["NewImage"]["body"]["S"]
            .as_str()
            .unwrap();
        assert!(body.contains(from), "{body}");
        Value::from(body.replace(from, to))
    };
    for (path, value) in [
        change("/dynamodb/NewImage/schema/N", json!("2")),
        change("/dynamodb/OldImage/schema/N", json!("2")),
        change(
            "/dynamodb/NewImage/body/S",
            body("\"Queued\"", "\"Sleeping\""),
        ),
        change(
            "/dynamodb/NewImage/body/S",
            body("\"schema\":1", "\"schema\":1,\"mood\":\"good\""),
        ),
        change("/dynamodb/NewImage/body/S", json!("{}")),
        change("/dynamodb/NewImage/sk/S", json!("WHIM")),
        change("/dynamodb/NewImage/pk/S", json!("DEPLOYMENT#another")),
        change("/dynamodb/NewImage", Value::Null),
        change("/dynamodb/OldImage", Value::Null),
        change("/eventName", json!("REMOVE")),
        change("/eventName", json!("INSERT")),
    ] {
        let archive = MemoryArchive::default();
        let mut records = good.clone();
        *records[1].pointer_mut(path).unwrap() = value;
        let error = handle(&archive, &environment(), &batch(&records))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), "Deploy.StoreRefused", "{path}");
        assert!(archive.objects().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn what_is_no_batch_or_has_no_place_is_refused() {
    let mut strange = story().records().to_vec();
    strange[0]["eventID"] = json!("../../elsewhere");
    let mut nameless = story().records().to_vec();
    nameless[0]["dynamodb"]["SequenceNumber"] = json!("");
    for text in [
        "{}".to_owned(),
        "secret".to_owned(),
        batch(&strange),
        batch(&nameless),
    ] {
        let archive = MemoryArchive::default();
        let error = handle(&archive, &environment(), &text).await.unwrap_err();
        assert_eq!(error.kind(), "Deploy.BadEvent");
        assert!(!format!("{error:?}").contains("secret"));
        assert!(archive.objects().is_empty());
    }
}

#[tokio::test]
async fn a_key_is_of_the_day_and_the_place_of_the_first_record() {
    let (key, _) = exported(story().records()).await;
    let place = "000000000000000000001-00000000000000000000000000000001";
    assert_eq!(
        key,
        format!("history/v1/year=2023/month=11/day=14/{place}.jsonl")
    );
    let mut late = story().records().to_vec();
    late[0]["dynamodb"]["ApproximateCreationDateTime"] = json!(1_700_006_400.75);
    let (key, _) = exported(&late).await;
    assert_eq!(
        key,
        format!("history/v1/year=2023/month=11/day=15/{place}.jsonl")
    );
}

/// Every place of a deployment that holds what a host, an app, a commit or a calendar said.
#[tokio::test]
async fn no_foreign_text_and_no_value_leaves() {
    const CANARY: &str = "CANARY";
    let mut story = Story::default();
    let mut back = samples::answer_all(
        samples::migrated(&samples::policy(), 2, Verdict::NeedsDown),
        START,
        |_, _| samples::failed(FailureClass::HealthFailed),
    );
    let failure = Failure::with_detail(FailureClass::HealthFailed, CANARY);
    let State::Active { run, .. } = &mut back.state else {
        panic!("{}", back.state.name());
    };
    let name = ParameterName::parse("GREETING").unwrap();
    run.release.parameters.insert(name, 3);
    run.hosts
        .insert(samples::host(1), Standing::Failed(failure.clone()));
    let mut run = run.clone();
    run.hosts
        .insert(samples::host(2), Standing::Unreachable(failure.clone()));
    let found = run.migrations.as_mut().unwrap();
    found.found = Found::new(Verdict::NeedsDown, false, 1, [CANARY]);
    let mut over = back.clone();
    over.state = State::Ended {
        outcome: Outcome::RolledBack(failure),
        run: Some(run),
        at: START,
    };
    over.freeze = Some(Freeze::new(CANARY, None, FreezeSource::Calendar));
    let line = CommitLine::new(over.origin.commit.clone(), CANARY, CANARY);
    over.changelog = Some(Changelog::new(vec![line], false));
    let found = judged("logs:/orders", Finding::Inconclusive);
    let said = Judgement::new(found.check, found.finding, found.numbers, CANARY, START);
    over.judgements = vec![said];
    story.write(&back, Cause::Event);
    story.write(&over, Cause::Event);
    let stored = batch(story.records());
    assert!(
        stored.matches(CANARY).count() >= 6,
        "the test must plant what it looks for"
    );
    let (_, told) = exported(story.records()).await;
    let text = Value::from(told).to_string();
    assert!(!text.contains(CANARY), "{text}");
    assert!(text.contains("\"parameters\":{\"GREETING\":3}"), "{text}");
    assert!(text.contains("\"source\":\"calendar\""), "{text}");
}

#[test]
fn a_moment_of_the_stream_is_a_whole_second() {
    let record: longshore_shell::store::StreamRecord =
        serde_json::from_value(story().records()[0].clone()).unwrap();
    assert_eq!(record.at(), Timestamp::from_unix_ms(1_700_000_000_000));
}
