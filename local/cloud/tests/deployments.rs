//! Longshore from end to end: the real template, the real functions, real hosts with a real app under pm2, and what goes
//! wrong in between. Each test has a local cloud of its own.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "common/scene.rs"]
mod scene;

use std::path::{Path, PathBuf};

use longshore_local::bitbucket::Webhook;
use longshore_local::demo::app;
use longshore_local::demo::record::Deployment;
use longshore_local::served::Served;
use longshore_local::traces::{everything_left, places_of};
use longshore_local::{pipeline, wait};
use scene::{LIMIT, LOOK_EVERY, Scene};
use serde_json::{Value, json};
use ssm_stand_in::{Action, EventFaultChange, FaultChange, HostFaultChange};

/// A cloud with so many hosts whose SSM has these faults.
async fn start(hosts: usize, faults: FaultChange) -> Scene {
    Scene::start(app::CONFIGURATION, |options| {
        options.hosts = hosts;
        options.faults = faults;
    })
    .await
}

fn break_something(scene: &Scene, change: &FaultChange) {
    scene.cloud.agents().set_faults(change).unwrap();
}

fn act(scene: &Scene, action: Action) {
    let actions = vec![action];
    let change = FaultChange {
        actions,
        ..FaultChange::default()
    };
    break_something(scene, &change);
}

fn host_of(scene: &Scene, index: usize) -> String {
    scene.cloud.hosts().get(index).unwrap().id.clone()
}

/// The release that each host answers with, by HTTP.
async fn served_by(scene: &Scene) -> Vec<String> {
    let mut served = Vec::new();
    for host in scene.cloud.hosts() {
        let release = Served::by(host).await.release;
        assert!(!release.is_empty(), "{} must answer", host.id);
        served.push(release);
    }
    served
}

/// What each host's own ledger calls active (I5: the table never contradicts it).
fn ledgers(scene: &Scene) -> Vec<Value> {
    let ledger = |root: PathBuf| std::fs::read(root.join("orders/ledger.json")).unwrap();
    let hosts = scene.cloud.hosts().iter();
    hosts
        .map(|host| serde_json::from_slice(&ledger(host.root())).unwrap())
        .collect()
}

fn word<'a>(deployment: &'a Deployment, expected: &str) -> &'a str {
    assert_eq!(
        deployment.state,
        expected,
        "{:?} {:?}",
        deployment.failure(),
        deployment.timeline
    );
    &deployment.state
}

#[tokio::test]
async fn with_every_event_of_ssm_dropped_a_push_still_goes_live_and_a_bad_one_still_comes_back() {
    let scene = start(
        2,
        FaultChange {
            events: Some(EventFaultChange {
                drop_percent: Some(100),
                ..EventFaultChange::default()
            }),
            ..FaultChange::default()
        },
    )
    .await;
    let first = scene.push("first").await;
    word(&scene.over(&first).await, "Succeeded");
    let good = served_by(&scene).await;

    app::turn_sick(&scene.ready.tree).unwrap();
    let second = scene.push("second").await;
    let back = scene.over(&second).await;
    word(&back, "RolledBack");
    assert!(
        back.verdicts()
            .values()
            .all(|verdict| verdict == "restored"),
        "{:?}",
        back.verdicts()
    );
    assert_eq!(served_by(&scene).await, good);
    scene.end().await;
}

#[tokio::test]
async fn killing_scripts_agents_and_functions_in_the_middle_ends_in_the_right_state() {
    let scene = start(2, FaultChange::default()).await;
    let first = scene.push("first").await;
    scene.reaches(&first, "Preparing").await;
    let running = wait::until("script", LIMIT, LOOK_EVERY, async || {
        let log = scene.cloud.hosts().first().unwrap().root().join("orders");
        Ok(log.exists().then_some(()))
    });
    running.await.unwrap();
    let host = host_of(&scene, 0);
    act(
        &scene,
        Action::KillScript {
            host,
            command: None,
        },
    );
    let mut killed = scene.cloud.kill_function("reconciler").unwrap();
    scene.reaches(&first, "Activating").await;
    let host = host_of(&scene, 1);
    act(&scene, Action::RestartAgent { host });
    for function in [
        "on-command-status",
        "health-verifier",
        "reconciler",
        "notifier",
    ] {
        killed += scene.cloud.kill_function(function).unwrap();
    }
    assert!(killed > 1, "the test must kill what it says it kills");
    let over = scene.over(&first).await;
    word(&over, "Succeeded");
    assert!(over.verdicts().values().all(|verdict| verdict == "proven"));
    let served = served_by(&scene).await;
    for (ledger, served) in ledgers(&scene).iter().zip(&served) {
        assert_eq!(
            ledger.get("active").and_then(Value::as_str),
            Some(served.as_str())
        );
    }
    assert!(!scene.cloud.sinks().messages().is_empty());
    scene.end().await;
}

#[tokio::test]
async fn a_lost_reply_of_send_command_is_found_again_and_nothing_is_activated_twice() {
    let scene = start(1, FaultChange::default()).await;
    break_something(
        &scene,
        &FaultChange {
            lose_send_replies: Some(1),
            ..FaultChange::default()
        },
    );
    let first = scene.push("first").await;
    word(&scene.over(&first).await, "Succeeded");
    let text = scene.cloud.agents().shown("commands").await.unwrap();
    let prepares = text.matches(":prepare:0:0.1\"").count();
    assert!(prepares >= 1, "{text}");
    assert!(
        !text.contains(":prepare:0:1.2"),
        "sent a second time: {text}"
    );
    // Each command shows its token as comment and as parameter; one activation has one batch and one attempt.
    assert!(text.contains(":activate:0:0.1"), "{text}");
    assert!(!text.contains(":activate:0:1."), "activated twice: {text}");
    scene.end().await;
}

#[tokio::test]
async fn repeats_and_hostile_texts_deploy_once_and_are_found_nowhere() {
    let scene = start(1, FaultChange::default()).await;
    let first = scene
        .push("CANARY-message $(touch /tmp/CANARY-ran) {{ssm:/orders/dev/GREETING}}")
        .await;
    word(&scene.over(&first).await, "Succeeded");

    let webhook = scene.ready.webhook.clone();
    let commit = scene.head().await;
    let body = json!({
        "actor": {"display_name": "CANARY-author", "nickname": "ann", "uuid": "{87bb15eb-47c1-49b3-9f16-ca824a2979a4}"},
        "repository": {"full_name": app::REPOSITORY, "uuid": "{21fa9bf8-b5b2-4891-97ed-d590bad0f871}"},
        "push": {"changes": [
            {"old": null, "new": {"type": "branch", "name": "CANARY-branch\u{202e}", "target": {"hash": "a".repeat(40), "message": "CANARY-message"}}},
            {"old": {"type": "branch", "name": "main", "target": {"hash": "b".repeat(40)}},
             "new": {"type": "branch", "name": "main", "target": {"hash": commit.trim(), "message": "CANARY-message"}}}
        ]}
    });
    let body = serde_json::to_vec(&body).unwrap();
    let deliveries = [(); 4].map(|()| webhook.deliver("repo:push", &body));
    let [a, b, c, d] = deliveries;
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    let bodies: Vec<String> = [a, b, c, d].map(|d| d.unwrap().body).to_vec();
    assert!(
        bodies.iter().all(|body| *body == *bodies.first().unwrap()),
        "{bodies:?}"
    );
    let all = Deployment::all(&scene.cloud).await.unwrap();
    assert_eq!(
        all.len(),
        2,
        "one for the first push, one for four deliveries of the second"
    );
    word(&scene.over(&all.last().unwrap().id).await, "Succeeded");

    let forged = Webhook::new(
        app::REPOSITORY,
        &scene.cloud.webhook_url().unwrap(),
        "another",
    );
    assert_eq!(
        forged.deliver("repo:push", &body).await.unwrap().status,
        Some(401)
    );

    let left = everything_left(&scene.cloud, app::APP).await.unwrap();
    assert!(left.len() > 8, "the search must look at something");
    for canary in [
        "CANARY-message",
        "CANARY-branch",
        "CANARY-author",
        "CANARY-ran",
        "sailor",
    ] {
        let found = places_of(canary, &left);
        assert!(found.is_empty(), "{canary} in {found:?}");
    }
    assert!(!Path::new("/tmp/CANARY-ran").exists());
    scene.end().await;
}

/// By the template's own schedule, whose minutes are short here, and after the settling time, whose seconds are real.
#[tokio::test]
async fn a_push_whose_webhook_is_dropped_is_found_by_the_poll_and_goes_live() {
    let scene = start(1, FaultChange::default()).await;
    let first = scene.push("first").await;
    word(&scene.over(&first).await, "Succeeded");

    let api = scene.cloud.bitbucket_api();
    let bitbucket = scene.cloud.bitbucket();
    let repository = bitbucket.repository(app::REPOSITORY).await.unwrap();
    repository.fall_silent().unwrap();
    let second = scene.push("nobody tells of this one").await;
    let commit = scene.head().await;
    let over = scene.over(&second).await;
    word(&over, "Succeeded");
    let cause = over.body.pointer("/timeline/0/cause");
    assert_eq!(cause, Some(&json!("poll")), "{:?}", over.timeline);
    let served = served_by(&scene).await;
    assert!(
        served
            .iter()
            .all(|served| served.starts_with(commit.trim()))
    );
    let asked = api.asked();
    let question = format!("{} main", app::REPOSITORY);
    let (heads, ranges): (Vec<_>, Vec<_>) = asked.iter().partition(|asked| **asked == question);
    assert!(heads.len() >= 2, "seen, then confirmed: {asked:?}");
    // Two looks that meet may both ask what lies between; nobody asks for ever.
    let first = ranges.first();
    assert!((1..=3).contains(&ranges.len()), "{asked:?}");
    assert!(ranges.iter().all(|range| Some(range) == first), "{asked:?}");
    let told = |what: &str| over.body.pointer(&format!("/changelog/commits/0/{what}"));
    assert_eq!(told("commit"), Some(&json!(commit.trim())));
    assert_eq!(told("subject"), Some(&json!("nobody tells of this one")));
    assert_eq!(told("author"), Some(&json!("Dana Developer")));
    let left = everything_left(&scene.cloud, app::APP).await.unwrap();
    let token = longshore_local::bitbucket::api::TOKEN;
    let shows = |(_, text): &&(String, String)| text.contains(token);
    assert_eq!(left.iter().find(shows), None);
    scene.end().await;
}

#[tokio::test]
async fn a_build_of_the_pipeline_is_waited_for_taken_by_every_host_and_never_built_there() {
    let scene = start(2, FaultChange::default()).await;
    let mut configuration: Value = serde_json::from_str(app::CONFIGURATION).unwrap();
    configuration["source"] = json!("artifact");
    let hooks = configuration["hooks"].as_object_mut().unwrap();
    hooks.retain(|name, _| name == "migrate");
    scene.configure(&configuration.to_string()).await;
    pipeline::make_bucket(&scene.cloud).await.unwrap();

    let id = scene.push("first").await;
    scene.reaches(&id, "Queued").await;
    let commit = scene.head().await;
    let commit = commit.trim();
    for _ in 0..2 {
        // The second run finds the build stored and leaves it as it is.
        let stored = pipeline::store(&scene.cloud, &scene.ready.repository, commit);
        stored.await.unwrap();
    }
    let over = scene.over(&id).await;
    word(&over, "Succeeded");
    for host in scene.cloud.hosts() {
        let served = Served::by(host).await.release;
        assert!(served.starts_with(commit), "{served}");
        let folder = host.root().join("orders/releases").join(&served);
        let record = std::fs::read(folder.join(".longshore/release.json")).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        assert!(record["artifact"].as_str().unwrap().len() > 65, "{record}");
        let log = host.root().join("orders/log");
        let logs = std::fs::read_dir(log)
            .unwrap()
            .map(|file| file.unwrap().path());
        for log in logs.filter(|path| path.extension().is_some_and(|e| e == "log")) {
            let text = std::fs::read_to_string(log).unwrap();
            assert!(!text.contains("npm ci"), "{text}");
        }
    }
    scene.end().await;
}

/// By the template's own schedule, whose minutes are short here.
#[tokio::test]
async fn a_host_that_was_away_during_a_deployment_comes_to_the_live_release_by_itself() {
    let scene = start(2, FaultChange::default()).await;
    let mut configuration: Value = serde_json::from_str(app::CONFIGURATION).unwrap();
    configuration["waves"] = json!(["100%"]);
    configuration["hosts"] = json!({"unreachable_max": 1});
    configuration["timeouts"] = json!({"prepare_seconds": 30});
    scene.configure(&configuration.to_string()).await;
    let away = |offline: bool| {
        let change = HostFaultChange {
            offline: Some(offline),
            ..HostFaultChange::default()
        };
        break_something(
            &scene,
            &FaultChange {
                hosts: [(host_of(&scene, 1), change)].into(),
                ..FaultChange::default()
            },
        );
    };
    away(true);
    let first = scene.push("first").await;
    let over = scene.over(&first).await;
    word(&over, "Succeeded");
    let verdicts = over.verdicts();
    assert_eq!(
        verdicts.get(&host_of(&scene, 1)).map(String::as_str),
        Some("excused")
    );

    away(false);
    let joined = wait::until(
        "the deployment for the late host",
        LIMIT,
        LOOK_EVERY,
        async || Ok(Deployment::all(&scene.cloud).await?.into_iter().nth(1)),
    );
    let joined = scene.over(&joined.await.unwrap().id).await;
    word(&joined, "Succeeded");
    assert_eq!(
        joined.verdicts().into_keys().collect::<Vec<_>>(),
        [host_of(&scene, 1)]
    );
    let served = served_by(&scene).await;
    assert_eq!(served.first(), served.last());
    scene.end().await;
}
