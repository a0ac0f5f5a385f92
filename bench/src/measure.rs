//! Starts a function, gives it its events one by one, and writes down what each cost.

use crate::clock::now;
use crate::figures::{Instructions, Start};
use crate::instructions::Counter;
use crate::process::Process;
use crate::runtime_api::{Asking, RuntimeApi, Said};
use crate::stub::{Seen, Stub};
use crate::throttle::Throttle;
use crate::variant::{Cloud, Task, Variant, vars};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a function may take for anything. Valgrind is slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long an invocation under a quota may take. A group that the kernel leaves asleep is given up then.
const THROTTLED_PATIENCE: Duration = Duration::from_secs(5);

/// The pause between invocations under a quota, so that each begins with a whole share: deliveries are far apart.
const PAUSE: Duration = Duration::from_millis(60);

/// Further invocations while instructions are counted.
const COUNTED_WARM: u32 = 10;

/// Runs until a count is given up.
const COUNTS_MAX: u32 = 8;

/// Where everything is that a measurement needs.
#[derive(Debug)]
pub struct Bench {
    /// The folder with the programs.
    pub programs: PathBuf,
    /// A folder for what the functions print and what counters write.
    pub scratch: PathBuf,
    /// The certificate that functions must trust.
    pub authority: PathBuf,
    /// AWS.
    pub cloud: Cloud,
    /// The push.
    pub event: String,
}

/// How a function is started.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Further invocations after the first.
    pub warm: u32,
    /// Under which quota invocations run. The start is never throttled, as on Lambda.
    pub throttle: Option<&'a Throttle>,
}

impl Bench {
    /// The program of a function.
    #[must_use]
    pub fn program(&self, variant: Variant) -> PathBuf {
        self.programs.join(variant.name)
    }

    fn seen(&self) -> Seen {
        let all = self.cloud.stubs().map(Stub::seen);
        all.into_iter().fold(Seen::default(), |sum, one| Seen {
            connections: sum.connections.saturating_add(one.connections),
            requests: sum.requests.saturating_add(one.requests),
            unknown: sum.unknown.saturating_add(one.unknown),
        })
    }

    /// One start of a function.
    ///
    /// # Errors
    /// When it does not start, or does not answer as its task asks; with what it printed.
    pub async fn start(&self, variant: Variant, plan: &Plan<'_>) -> Result<Start> {
        let printed = self.scratch.join("printed");
        let started = self.start_once(variant, plan, &printed).await;
        started.with_context(|| {
            let printed = std::fs::read_to_string(&printed).unwrap_or_default();
            format!("{} failed; it printed: {printed}", variant.name)
        })
    }

    async fn start_once(&self, variant: Variant, plan: &Plan<'_>, printed: &Path) -> Result<Start> {
        let program = self.program(variant).display().to_string();
        let before = self.seen();
        let began = now();
        let mut run = Run::begin(self, variant, &[&program], printed).await?;
        let ready = run.ready().await?;
        run.process.rest().await;
        let mut start = Start {
            init_us: micros(ready.duration_since(began)),
            init_cpu_us: run.process.cpu_ns() / 1_000,
            ..Start::default()
        };
        if variant.task != Task::StartOnly {
            run.throttle(plan.throttle)?;
            self.invocations(&mut run, plan, &mut start).await?;
        }
        (start.memory_bytes, start.threads) = run.process.size()?;
        let seen = self.seen().since(before);
        ensure!(seen.unknown == 0, "it asked what the stub does not know");
        start.connections = seen.connections;
        Ok(start)
    }

    async fn invocations(
        &self,
        run: &mut Run<'_>,
        plan: &Plan<'_>,
        start: &mut Start,
    ) -> Result<()> {
        let cpu = run.process.cpu_ns();
        start.first_us = Some(run.invoke().await?);
        run.process.rest().await;
        let after_first = run.process.cpu_ns();
        start.first_cpu_us = Some(after_first.saturating_sub(cpu) / 1_000);
        let requests = self.seen().requests;
        for _ in 0..plan.warm {
            start.warm_us.push(run.invoke().await?);
        }
        run.process.rest().await;
        let each = |sum: u64| sum.checked_div(u64::from(plan.warm));
        let cpu_ns = run.process.cpu_ns().saturating_sub(after_first);
        start.warm_cpu_us = each(cpu_ns / 1_000);
        start.warm_requests = each(self.seen().requests.saturating_sub(requests));
        Ok(())
    }

    /// Counts instructions: three runs, with no event, with one, and with some more.
    ///
    /// # Errors
    /// When a run fails, or the counter writes nothing.
    pub async fn instructions(&self, variant: Variant, counter: &Counter) -> Result<Instructions> {
        let init = self.count(variant, counter, 0).await?;
        if variant.task == Task::StartOnly {
            return Ok(Instructions {
                init,
                ..Instructions::default()
            });
        }
        let cold = self.count(variant, counter, 1).await?;
        let more = self.count(variant, counter, 1 + COUNTED_WARM).await?;
        Ok(Instructions {
            init,
            cold: Some(cold),
            warm: more.saturating_sub(cold).checked_div(COUNTED_WARM.into()),
        })
    }

    /// Counts one run, again where the function was so slow under the counter that its own time limits changed what it
    /// did: what it asked of AWS tells.
    async fn count(&self, variant: Variant, counter: &Counter, events: u32) -> Result<u64> {
        let program = self.program(variant).display().to_string();
        let (run, undisturbed) = self.run(variant, &[&program], events).await?;
        drop(run);
        let count = self.scratch.join("count");
        let command = counter.command(&count, &program);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let mut disturbed = Seen::default();
        for _ in 0..COUNTS_MAX {
            let (run, seen) = self.run(variant, &command, events).await?;
            run.process.end()?;
            if seen == undisturbed {
                return counter.read(&count).context("the counter wrote nothing");
            }
            disturbed = seen;
        }
        bail!(
            "the machine is too busy to count instructions of {program}: it asked AWS for {disturbed:?} instead of {undisturbed:?}"
        );
    }

    /// Lets a function answer some events, and tells what it asked of AWS.
    async fn run(
        &self,
        variant: Variant,
        command: &[&str],
        events: u32,
    ) -> Result<(Run<'_>, Seen)> {
        let before = self.seen();
        let mut run = Run::begin(self, variant, command, &self.scratch.join("printed")).await?;
        run.ready().await?;
        for _ in 0..events {
            run.invoke().await?;
        }
        run.process.rest().await;
        Ok((run, self.seen().since(before)))
    }
}

/// A function that runs, and its interface.
struct Run<'a> {
    bench: &'a Bench,
    variant: Variant,
    api: RuntimeApi,
    process: Process,
    asking: Option<Asking>,
    patience: Duration,
    pause: Option<Duration>,
}

impl<'a> Run<'a> {
    async fn begin(
        bench: &'a Bench,
        variant: Variant,
        command: &[&str],
        printed: &Path,
    ) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let vars = vars(variant, &bench.cloud, &bench.authority, api.address());
        Ok(Self {
            bench,
            variant,
            process: Process::start(command, &vars, printed)?,
            api,
            asking: None,
            patience: PATIENCE,
            pause: None,
        })
    }

    fn throttle(&mut self, throttle: Option<&Throttle>) -> Result<()> {
        if let Some(throttle) = throttle {
            throttle.hold(self.process.pid())?;
            self.patience = THROTTLED_PATIENCE;
            self.pause = Some(PAUSE);
        }
        Ok(())
    }

    /// Waits until the function asks for an event, and tells when it did.
    async fn ready(&mut self) -> Result<Instant> {
        match self.said().await? {
            Said::Next(asking) => {
                let at = asking.at;
                self.asking = Some(asking);
                Ok(at)
            }
            Said::Answer { .. } => bail!("an answer that nobody asked for"),
            Said::Error(text) => bail!("it says: {text}"),
        }
    }

    /// One invocation: from handing over the event until the answer is there, in microseconds.
    async fn invoke(&mut self) -> Result<u64> {
        if let Some(pause) = self.pause {
            tokio::time::sleep(pause).await;
        }
        let asking = self.asking.take().context("it does not ask")?;
        let began = asking.answer(self.bench.event.clone())?;
        match self.said().await? {
            Said::Answer { at, body } => {
                let right = self.variant.accepts(&self.bench.event, &body);
                ensure!(right, "it answers: {body}");
                self.ready().await?;
                Ok(micros(at.duration_since(began)))
            }
            Said::Next(_) => bail!("it asks again without an answer"),
            Said::Error(text) => bail!("it says: {text}"),
        }
    }

    async fn said(&mut self) -> Result<Said> {
        tokio::time::timeout(self.patience, self.api.said())
            .await
            .context("it takes too long")?
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
