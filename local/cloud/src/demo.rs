//! The demo: a real app, three hosts, and three pushes: a good one, one that turns sick, one that does not build.
//!
//! Everything in it is real; the demo only pushes, looks, and compares what it sees with what was promised.

pub mod app;
mod checks;
pub mod record;
mod setup;
pub(crate) mod story;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::bitbucket::WorkTree;
use crate::tools::Progress;
use crate::{LocalCloud, Options, wait};
use checks::{Check, Fleet};
use record::Deployment;
pub use setup::{Ready, SIGNING_SECRET, WEBHOOK_SECRET, prepare, prepare_with};
use story::Story;

/// How long one push may take until it is over.
const LIMIT: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// One push, and what it must come to.
struct Scene {
    title: &'static str,
    message: &'static str,
    change: fn(&WorkTree) -> Result<()>,
    ends: &'static str,
}

const SCENES: [Scene; 3] = [
    Scene {
        title: "A good push goes live",
        message: "Open the shop",
        change: app::write,
        ends: "Succeeded",
    },
    Scene {
        title: "A push that turns sick is rolled back by itself",
        message: "Second edition",
        change: app::turn_sick,
        ends: "RolledBack",
    },
    Scene {
        title: "A push that does not build touches no host",
        message: "Third edition",
        change: app::break_build,
        ends: "Failed",
    },
];

/// Plays the demo. Says whether every expectation held; nothing is left running.
///
/// # Errors
/// When a part of the local cloud fails, which is no expectation.
pub async fn run(mut options: Options, say: Progress) -> Result<bool> {
    let began = now();
    options.progress = say;
    app::APP.clone_into(&mut options.app);
    let cloud = LocalCloud::start(options).await?;
    let played = play(&cloud, say).await;
    if played.is_err() {
        say(&format!(
            "\nThe folder with everything it left: {}",
            cloud.options().work_dir.display()
        ));
    }
    cloud.stop().await?;
    let held = played?;
    let seconds = now().duration_since(began).as_secs_f64();
    say(&format!(
        "\n{seconds:.0} s from start to here. Nothing is left running."
    ));
    Ok(held)
}

async fn play(cloud: &LocalCloud, say: Progress) -> Result<bool> {
    let ready = prepare_with(cloud, &app::told_everywhere()?).await?;
    say(&format!(
        "\n{} hosts, a bare repository, a Slack channel. Ready.",
        cloud.hosts().len()
    ));
    let mut checks: Vec<Check> = Vec::new();
    for (number, scene) in (1..).zip(&SCENES) {
        say(&format!("\n━━━ {number}. {}", scene.title));
        let before = Fleet::look(cloud).await;
        let (deployment, commit) = push(cloud, &ready, scene, say).await?;
        let after = Fleet::look(cloud).await;
        let ended = deployment.state == scene.ends;
        checks.push(Check::new(format!("it ended as {}", scene.ends), ended));
        checks.extend(checks::of_scene(
            scene.ends,
            &commit,
            &before,
            &after,
            &deployment,
        ));
        checks.push(checks::told(cloud, &deployment, scene.ends));
        checks.push(checks::told_elsewhere(
            cloud,
            &deployment,
            &commit,
            scene.ends,
        ));
    }
    checks.push(checks::secret_is_nowhere(cloud));
    say("\n━━━ What was promised, and what was seen");
    for check in &checks {
        say(&check.line());
    }
    Ok(checks.iter().all(|check| check.held))
}

/// Tells the story of every deployment, for as long as it is watched.
///
/// # Errors
/// When the table cannot be read.
pub async fn watch(cloud: &LocalCloud, say: Progress) -> Result<()> {
    let mut stories: Vec<Story> = Vec::new();
    loop {
        for (index, deployment) in Deployment::all(cloud).await?.iter().enumerate() {
            if index >= stories.len() {
                say(&format!("\n━━━ Deployment {}", deployment.id));
                stories.push(Story::begin(cloud, say).of(deployment));
            }
            if let Some(story) = stories.get_mut(index) {
                story.follow_to_the_end(cloud, deployment);
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Commits, pushes, and tells the story until the deployment is over and everybody was told.
async fn push(
    cloud: &LocalCloud,
    ready: &Ready,
    scene: &Scene,
    say: Progress,
) -> Result<(Deployment, String)> {
    let known = Deployment::all(cloud).await?.len();
    (scene.change)(&ready.tree)?;
    let commit = ready.tree.commit(scene.message).await?;
    let mut story = Story::begin(cloud, say);
    story.tell(&format!(
        "git push   {} {:?}",
        commit.get(..12).unwrap_or_default(),
        scene.message
    ));
    ready.tree.push("main").await?;
    let found = wait::until("deployment", LIMIT, LOOK_EVERY, async || {
        Ok(Deployment::all(cloud).await?.into_iter().nth(known))
    });
    let id = found.await?.id;
    let over = wait::until("end of the deployment", LIMIT, LOOK_EVERY, async || {
        let deployment = Deployment::read(cloud, &id).await?;
        let deployment = deployment.context("the deployment is gone")?;
        story.follow(cloud, &deployment);
        Ok(deployment.at_rest.then_some(deployment))
    });
    let deployment = over.await?;
    story.verdicts(&deployment);
    Ok((deployment, commit))
}

#[expect(
    clippy::disallowed_methods,
    reason = "shown to a person, never asserted on"
)]
fn now() -> Instant {
    Instant::now()
}
