//! An app on a local cloud of its own, and what nearly every test does with it: push, and wait until a deployment has come to something.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "no test needs all of it"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use longshore_local::demo::record::Deployment;
use longshore_local::demo::{Ready, app, prepare_with};
use longshore_local::{LocalCloud, Options, wait};

/// A deadline for every wait; nothing may depend on how fast the machine is.
pub(crate) const LIMIT: Duration = Duration::from_mins(4);
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The options of a test: the programs of this build, short minutes, and pushes that are told of.
pub(crate) fn options(folder: &Path) -> Options {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_longshore-local"));
    let programs = program.parent().unwrap();
    let mut options = Options::new(&root.canonicalize().unwrap(), folder, programs);
    options.minute_ms = 5_000;
    options.webhook_program = Some(program);
    options
}

/// The app, ready to be pushed.
pub(crate) struct Scene {
    pub(crate) cloud: LocalCloud,
    pub(crate) ready: Ready,
    pub(crate) folder: tempfile::TempDir,
}

impl Scene {
    /// A cloud with these changes to its options, and the app with this configuration. Nothing is pushed yet.
    pub(crate) async fn start(document: &str, change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path());
        change(&mut options);
        let cloud = LocalCloud::start(options).await.unwrap();
        let ready = prepare_with(&cloud, document).await.unwrap();
        app::write(&ready.tree).unwrap();
        Self {
            cloud,
            ready,
            folder,
        }
    }

    /// Stores the app's configuration anew.
    pub(crate) async fn configure(&self, document: &str) {
        let environment = &self.cloud.options().environment;
        let name = format!("/longshore/{environment}/apps/{}", app::REPOSITORY);
        self.cloud.put_parameter(&name, document).await.unwrap();
    }

    /// Commits and pushes; gives the new deployment's id.
    pub(crate) async fn push(&self, message: &str) -> String {
        let known = Deployment::all(&self.cloud).await.unwrap().len();
        self.ready.tree.commit(message).await.unwrap();
        self.ready.tree.push("main").await.unwrap();
        let found = wait::until("deployment", LIMIT, LOOK_EVERY, async || {
            Ok(Deployment::all(&self.cloud).await?.into_iter().nth(known))
        });
        found.await.unwrap().id
    }

    /// The deployment, once it is so.
    pub(crate) async fn until(
        &self,
        id: &str,
        what: &str,
        reached: impl Fn(&Deployment) -> bool,
    ) -> Deployment {
        let found = wait::until(what, LIMIT, LOOK_EVERY, async || {
            let deployment = Deployment::read(&self.cloud, id).await?;
            Ok(deployment.filter(&reached))
        });
        found.await.unwrap()
    }

    /// The deployment, once it has ended and nothing is left to do for it.
    pub(crate) async fn over(&self, id: &str) -> Deployment {
        self.until(id, "end and rest of the deployment", |d| d.at_rest)
            .await
    }

    /// Waits until a deployment has been in a state.
    pub(crate) async fn reaches(&self, id: &str, state: &str) -> Deployment {
        self.until(id, state, |d| passed(d, state)).await
    }

    /// The commit that is checked out.
    pub(crate) async fn head(&self) -> String {
        let head = self.ready.tree.git(&["rev-parse", "HEAD"]).await.unwrap();
        head.trim().to_owned()
    }

    pub(crate) async fn end(self) {
        self.cloud.stop().await.unwrap();
        self.folder.close().unwrap();
    }
}

/// Whether a deployment was in a state.
pub(crate) fn passed(deployment: &Deployment, state: &str) -> bool {
    let mut timeline = deployment.timeline.iter();
    timeline.any(|entry| entry.state == state)
}
