//! Chaos: the real functions, hosts and agents on the local cloud, while everything goes wrong that can, and an audit at the
//! end that compares the table with the hosts.
//!
//! ```text
//! seed ──▶ plan ──▶ faults  ─┐
//!              └──▶ pushes  ─┴─▶ local cloud ──▶ watch, evidence ──▶ audit ──▶ report
//! ```
//!
//! The plan is a pure function of the seed; what the processes make of it is not, so a seed is a way to come near to a
//! failure again and no replay. Nothing here knows how the product decides: it pushes, breaks things, looks and compares.

mod audit;
mod commits;
mod disk;
mod evidence;
mod faults;
pub mod plan;
mod pushes;
mod report;
mod watch;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use crate::clock::now_ms;
use crate::demo::record::Deployment;
use crate::demo::{app, prepare_with};
use crate::tools::Progress;
use crate::{LocalCloud, Options, wait};
use disk::Disks;
use evidence::Evidence;
use faults::Weather;
use plan::{CommitKind, Delivery, Plan, Seconds};
use pushes::Pusher;
use report::Report;
use watch::Watch;

/// How long everything may take to come to rest: far longer than it needs, as the machine may be busy.
const REST_LIMIT: Duration = Duration::from_mins(10);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// What a minute of the tick takes, so that a lost event costs seconds.
const MINUTE_MS: u32 = 5_000;

/// What a run is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The seed of the plan.
    pub seed: u64,
    /// How long faults happen.
    pub length: Duration,
    /// Whether this process may mount file systems and nobody else sees them, so that a disk can really be filled.
    pub own_mounts: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every invariant held.
    Held,
    /// One did not; the folder tells more.
    Broken,
    /// Somebody ended it.
    Interrupted,
}

/// Plays a run, until it is over or `ended` is. Nothing is left running.
///
/// # Errors
/// When a part of the local cloud fails, which is no finding about the product.
pub async fn run(
    options: Options,
    settings: Settings,
    say: Progress,
    ended: impl Future<Output = Result<()>>,
) -> Result<Outcome> {
    let mut ended = pin!(ended);
    let hosts = options.hosts;
    let seconds = settings.length.as_secs();
    let seed = settings.seed;
    say(&format!(
        "seed {seed}: {seconds} s of faults on {hosts} hosts"
    ));
    let plan = Plan::of(seed, settings.length, hosts);
    let cloud = tokio::select! {
        cloud = LocalCloud::start(prepared(options, settings, say)?) => cloud?,
        result = &mut ended => return result.map(|()| Outcome::Interrupted),
    };
    let mut disks = Disks::prepare(&cloud, settings.own_mounts)?;
    let outcome = tokio::select! {
        outcome = watched(&cloud, &disks, &plan, settings, say) => outcome,
        result = &mut ended => result.map(|()| Outcome::Interrupted),
    };
    cloud.stop().await?;
    disks.take_away(!matches!(outcome, Ok(Outcome::Held | Outcome::Interrupted)))?;
    outcome
}

fn prepared(mut options: Options, settings: Settings, say: Progress) -> Result<Options> {
    options.progress = say;
    options.minute_ms = MINUTE_MS;
    // Each webhook is delivered by hand.
    options.webhook_program = None;
    app::APP.clone_into(&mut options.app);
    if !settings.own_mounts {
        let programs = options.work_dir.join("bin");
        disk::write_programs(&programs)?;
        options.host_programs = Some(programs);
    }
    Ok(options)
}

async fn watched(
    cloud: &LocalCloud,
    disks: &Disks,
    plan: &Plan,
    settings: Settings,
    say: Progress,
) -> Result<Outcome> {
    let watch = Watch::default();
    let report = tokio::select! {
        report = Box::pin(play(cloud, disks, plan, settings, say, &watch)) => report?,
        looked = watch.keep_looking(cloud) => {
            looked?;
            bail!("whoever looked on has gone")
        }
    };
    report.lines().iter().for_each(|line| say(line));
    Ok(if report.held() {
        Outcome::Held
    } else {
        Outcome::Broken
    })
}

async fn play(
    cloud: &LocalCloud,
    disks: &Disks,
    plan: &Plan,
    settings: Settings,
    say: Progress,
    watch: &Watch,
) -> Result<Report> {
    let ready = prepare_with(cloud, commits::CONFIGURATION).await?;
    let teller = Teller::begin(say);
    let mut pusher = Pusher::new(cloud, &ready, teller);
    say("\n━━━ A good push before any fault");
    pusher.push(CommitKind::Good, Delivery::Plain).await?;
    come_to_rest(cloud).await?;
    let first = Deployment::all(cloud).await?.into_iter().next();
    let state = first.map(|first| first.state).unwrap_or_default();
    ensure!(
        state == "Succeeded",
        "the first push ended as {state:?}, without any fault"
    );

    say("\n━━━ Everything goes wrong");
    let teller = Teller::begin(say);
    pusher.is_told_by(teller);
    let mut weather = Weather::new(cloud, disks, watch, teller);
    tokio::try_join!(
        weather.follow(&plan.faults, settings.length),
        pusher.follow(&plan.visits, settings.length)
    )?;

    say("\n━━━ The faults are over");
    let over_ms = now_ms();
    let mut evidence = Evidence::default();
    evidence.restless.extend(
        come_to_rest(cloud)
            .await
            .err()
            .map(|error| format!("{error:#}")),
    );
    let rest_ms = now_ms().saturating_sub(over_ms);
    teller.tell(&format!("at rest after {}", Seconds(rest_ms)));
    evidence.at_rest = evidence::fleet(cloud).await;
    evidence.deployments_at_rest = Deployment::all(cloud).await?;
    if evidence.restless.is_empty() {
        pusher.deliver_everything_again().await?;
        pusher.push(CommitKind::Good, Delivery::Plain).await?;
        evidence.restless.extend(
            come_to_rest(cloud)
                .await
                .err()
                .map(|error| format!("{error:#}")),
        );
    }
    evidence.at_end = evidence::fleet(cloud).await;
    evidence::of_table(cloud, &mut evidence).await?;
    evidence.leaks = evidence::leaks(cloud).await?;
    evidence.messages = cloud.sinks().messages();
    evidence.past = watch.with(|past| past.clone());
    let overtaken = pusher.overtaken;
    evidence.pushes = pusher.pushes;
    evidence.forged = pusher.forged;
    evidence.greetings = pusher.greetings;
    let report = Report {
        seed: settings.seed,
        way: disks.way(),
        hits: weather.hits,
        missed: weather.missed,
        overtaken,
        rest_ms,
        checks: audit::of(&evidence),
        evidence,
    };
    Ok(report)
}

/// Waits until nobody has anything left to do.
async fn come_to_rest(cloud: &LocalCloud) -> Result<()> {
    let rest = wait::until("rest", REST_LIMIT, LOOK_EVERY, async || {
        Ok(is_at_rest(cloud).await.then_some(()))
    });
    rest.await
}

/// Whether every deployment is over and told. Under load the emulator may miss a call: then nothing is known, and the next
/// look is soon.
async fn is_at_rest(cloud: &LocalCloud) -> bool {
    let deployments = Deployment::all(cloud).await.unwrap_or_default();
    !deployments.is_empty() && deployments.iter().all(|deployment| deployment.at_rest)
}

/// Says what happens, with the time since it began.
#[derive(Clone, Copy)]
struct Teller {
    say: Progress,
    began_ms: u64,
}

impl Teller {
    fn begin(say: Progress) -> Self {
        let began_ms = now_ms();
        Self { say, began_ms }
    }

    fn elapsed_ms(self) -> u64 {
        now_ms().saturating_sub(self.began_ms)
    }

    fn tell(self, line: &str) {
        (self.say)(&format!("{:>9}  {line}", Seconds(self.elapsed_ms())));
    }

    /// Waits for a time since the beginning.
    async fn until(self, at_ms: u64) {
        let left = at_ms.saturating_sub(self.elapsed_ms());
        tokio::time::sleep(Duration::from_millis(left)).await;
    }
}
