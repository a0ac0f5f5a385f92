//! The whole local cloud is killed in the middle of a deployment and started again: the deployment goes on to its right end.
//!
//! SIGKILL meets the emulator, the functions, scripts on hosts, pm2 and the apps. Each test has a cloud of its own.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "common/scene.rs"]
mod scene;

use std::collections::BTreeMap;
use std::path::Path;

use longshore_local::demo::app;
use longshore_local::demo::record::Deployment;
use longshore_local::served::Served;
use longshore_local::{LocalCloud, Options};
use scene::{Scene, options};
use serde_json::Value;

/// The options of a cloud that can be started again.
fn persistent(folder: &Path) -> Options {
    let mut options = options(folder);
    options.persistent = true;
    options
}

/// A cloud that can be started again, with two hosts and a first release that is live on both.
struct Restartable(Scene);

impl Restartable {
    async fn start() -> Self {
        let scene = Scene::start(app::CONFIGURATION, |options| options.persistent = true).await;
        assert!(!scene.cloud.is_resumed());
        let first = scene.push("first").await;
        assert_eq!(scene.over(&first).await.state, "Succeeded");
        Self(scene)
    }

    /// Kills everything as soon as the deployment has reached this state, and starts it again from its folder.
    async fn cut_at(self, id: &str, state: &str) -> Self {
        let seen = self.0.reaches(id, state).await;
        assert!(!seen.at_rest, "{state} came too late: {:?}", seen.timeline);
        let before = self.starts().await;
        assert_eq!(before.len(), 2, "both hosts serve before the cut");
        let Scene {
            cloud,
            ready,
            folder,
        } = self.0;
        let killed = cloud.cut_power().await.unwrap();
        assert!(killed > 4, "emulator, functions, pm2 and apps: {killed}");
        let cloud = LocalCloud::start(persistent(folder.path())).await.unwrap();
        assert!(cloud.is_resumed());
        let again = Deployment::read(&cloud, id).await.unwrap().unwrap();
        assert!(
            again.timeline.starts_with(&seen.timeline),
            "what was acknowledged is there: {:?} {:?}",
            seen.timeline,
            again.timeline
        );
        Self(Scene {
            cloud,
            ready,
            folder,
        })
    }

    /// The process that answers on each host that does.
    async fn starts(&self) -> BTreeMap<String, Served> {
        let mut all = BTreeMap::new();
        for host in self.0.cloud.hosts() {
            let served = Served::by(host).await;
            if !served.release.is_empty() {
                all.insert(host.id.clone(), served);
            }
        }
        all
    }

    /// Both hosts serve the release of this commit, and their ledgers agree.
    async fn serves(&self, commit: &str) {
        let served = self.starts().await;
        assert_eq!(served.len(), self.0.cloud.hosts().len());
        for host in self.0.cloud.hosts() {
            let release = &served.get(&host.id).unwrap().release;
            assert!(release.starts_with(commit), "{release} for {commit}");
            let ledger = std::fs::read(host.root().join("orders/ledger.json")).unwrap();
            let ledger: Value = serde_json::from_slice(&ledger).unwrap();
            assert_eq!(ledger.get("active").unwrap(), release.as_str());
            let activations = activations(&ledger);
            assert!(
                activations.values().all(|count| *count == 1),
                "one activation for each generation: {activations:?}"
            );
        }
    }
}

/// How often the host was told to activate, by generation.
fn activations(ledger: &Value) -> BTreeMap<u64, usize> {
    let entries = ledger.get("entries").and_then(Value::as_array).unwrap();
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for entry in entries {
        if entry.get("action").unwrap() == "activate" {
            let generation = entry.get("generation").and_then(Value::as_u64).unwrap();
            let count = counts.entry(generation).or_default();
            *count = count.saturating_add(1);
        }
    }
    assert!(!counts.is_empty());
    counts
}

#[tokio::test]
async fn everything_killed_while_preparing_activating_and_baking_still_ends_live_on_every_host() {
    let mut scene = Restartable::start().await;
    let second = scene.0.push("second").await;
    for state in ["Preparing", "Activating", "Baking"] {
        scene = scene.cut_at(&second, state).await;
    }
    let over = scene.0.over(&second).await;
    assert_eq!(over.state, "Succeeded", "{:?}", over.timeline);
    let head = scene.0.head().await;
    scene.serves(&head).await;
    scene.0.end().await;
}

#[tokio::test]
async fn everything_killed_while_rolling_back_still_ends_with_the_release_before_on_every_host() {
    let scene = Restartable::start().await;
    let good = scene.0.head().await;
    app::turn_sick(&scene.0.ready.tree).unwrap();
    let second = scene.0.push("second").await;
    let scene = scene.cut_at(&second, "RollingBack").await;
    let over = scene.0.over(&second).await;
    assert_eq!(over.state, "RolledBack", "{:?}", over.timeline);
    scene.serves(&good).await;
    scene.0.end().await;
}
