//! The whole local cloud is killed in the middle of a deployment and started again: the deployment goes on to its right end.
//!
//! SIGKILL meets the emulator, the functions, scripts on hosts, pm2 and the apps. Each test has a cloud of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use longshore_local::demo::record::Deployment;
use longshore_local::demo::{Ready, app, prepare};
use longshore_local::served::Served;
use longshore_local::{LocalCloud, Options, wait};
use serde_json::Value;

const LIMIT: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A cloud that can be started again, with two hosts and a first release that is live on both.
struct Scene {
    cloud: LocalCloud,
    ready: Ready,
    folder: tempfile::TempDir,
}

fn options(folder: &Path) -> Options {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_longshore-local"));
    let mut options = Options::new(&root, folder, program.parent().unwrap());
    options.minute_ms = 5_000;
    options.persistent = true;
    options.webhook_program = Some(program);
    options
}

impl Scene {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cloud = LocalCloud::start(options(folder.path())).await.unwrap();
        assert!(!cloud.is_resumed());
        let ready = prepare(&cloud).await.unwrap();
        app::write(&ready.tree).unwrap();
        let scene = Self {
            cloud,
            ready,
            folder,
        };
        let first = scene.push("first").await;
        assert_eq!(scene.over(&first).await.state, "Succeeded");
        scene
    }

    async fn push(&self, message: &str) -> String {
        let known = Deployment::all(&self.cloud).await.unwrap().len();
        self.ready.tree.commit(message).await.unwrap();
        self.ready.tree.push("main").await.unwrap();
        let found = wait::until("deployment", LIMIT, LOOK_EVERY, async || {
            Ok(Deployment::all(&self.cloud).await?.into_iter().nth(known))
        });
        found.await.unwrap().id
    }

    async fn until(&self, id: &str, what: &str, is: impl Fn(&Deployment) -> bool) -> Deployment {
        let found = wait::until(what, LIMIT, LOOK_EVERY, async || {
            let deployment = Deployment::read(&self.cloud, id).await?;
            Ok(deployment.filter(&is))
        });
        found.await.unwrap_or_else(|error| panic!("{error:#}"))
    }

    async fn over(&self, id: &str) -> Deployment {
        self.until(id, "end and rest", |one| one.at_rest).await
    }

    /// Kills everything as soon as the deployment has reached this state, and starts it again from its folder.
    async fn cut_at(self, id: &str, state: &str) -> Self {
        let seen = self.until(id, state, |one| passed(one, state)).await;
        assert!(!seen.at_rest, "{state} came too late: {:?}", seen.timeline);
        let before = self.starts().await;
        assert_eq!(before.len(), 2, "both hosts serve before the cut");
        let killed = self.cloud.cut_power().await.unwrap();
        assert!(killed > 4, "emulator, functions, pm2 and apps: {killed}");
        let cloud = LocalCloud::start(options(self.folder.path()))
            .await
            .unwrap();
        assert!(cloud.is_resumed());
        let again = Deployment::read(&cloud, id).await.unwrap().unwrap();
        assert!(
            again.timeline.starts_with(&seen.timeline),
            "what was acknowledged is there: {:?} {:?}",
            seen.timeline,
            again.timeline
        );
        Self {
            cloud,
            ready: self.ready,
            folder: self.folder,
        }
    }

    /// The process that answers on each host that does.
    async fn starts(&self) -> BTreeMap<String, Served> {
        let mut all = BTreeMap::new();
        for host in self.cloud.hosts() {
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
        assert_eq!(served.len(), self.cloud.hosts().len());
        for host in self.cloud.hosts() {
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

    async fn head(&self) -> String {
        let head = self.ready.tree.git(&["rev-parse", "HEAD"]).await.unwrap();
        head.trim().to_owned()
    }

    async fn end(self) {
        self.cloud.stop().await.unwrap();
        self.folder.close().unwrap();
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

fn passed(deployment: &Deployment, state: &str) -> bool {
    let mut timeline = deployment.timeline.iter();
    timeline.any(|entry| entry.state == state)
}

#[tokio::test]
async fn everything_killed_while_preparing_activating_and_baking_still_ends_live_on_every_host() {
    let mut scene = Scene::start().await;
    let second = scene.push("second").await;
    for state in ["Preparing", "Activating", "Baking"] {
        scene = scene.cut_at(&second, state).await;
    }
    let over = scene.over(&second).await;
    assert_eq!(over.state, "Succeeded", "{:?}", over.timeline);
    let head = scene.head().await;
    scene.serves(&head).await;
    scene.end().await;
}

#[tokio::test]
async fn everything_killed_while_rolling_back_still_ends_with_the_release_before_on_every_host() {
    let scene = Scene::start().await;
    let good = scene.head().await;
    app::turn_sick(&scene.ready.tree).unwrap();
    let second = scene.push("second").await;
    let scene = scene.cut_at(&second, "RollingBack").await;
    let over = scene.over(&second).await;
    assert_eq!(over.state, "RolledBack", "{:?}", over.timeline);
    scene.serves(&good).await;
    scene.end().await;
}
