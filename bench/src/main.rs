//! `longshore-bench`: measures the functions beside this program and prints what they cost. See `docs/PERFORMANCE.md`.

use anyhow::{Context, Result};
use clap::Parser;
use longshore_bench::certificate::Certificate;
use longshore_bench::figures::Figures;
use longshore_bench::instructions::Counter;
use longshore_bench::measure::{Bench, Plan};
use longshore_bench::report::{Report, Throttled};
use longshore_bench::stub::Stub;
use longshore_bench::throttle::Throttle;
use longshore_bench::variant::{ALL, Cloud, Task, Variant};
use longshore_bench::{goals, job, size};
use std::path::{Path, PathBuf};

/// Cold start and warm cost of the functions, as ratios to an empty one.
#[derive(Debug, Parser)]
#[command(name = "longshore-bench")]
struct Options {
    /// How often each function is started.
    #[arg(long, default_value_t = 15)]
    starts: u32,
    /// Further invocations after the first, per start.
    #[arg(long, default_value_t = 15)]
    warm: u32,
    /// The memory size whose share of a processor the throttled part gives; 0 leaves that part out.
    #[arg(long, default_value_t = 128)]
    cpu_mb: u64,
    /// How long AWS takes for each answer in the throttled part, in milliseconds.
    #[arg(long, default_value_t = 5)]
    delay_ms: u64,
    /// Counts no instructions.
    #[arg(long)]
    no_instructions: bool,
    /// Counts them with QEMU: the folder of its `qemu-x86_64` and of `count.so` (bench/qemu/count.c, built).
    #[arg(long)]
    qemu: Option<PathBuf>,
    /// Measures only functions whose name contains this word, and the empty one.
    #[arg(long)]
    only: Option<String>,
    /// The folder with the functions; that of this program without it.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let scratch = tempfile::tempdir()?;
    let mut notes = Vec::new();
    let bench = prepare(&options, scratch.path(), &mut notes).await?;
    let variants = chosen(&bench, &options, &mut notes);
    let report = report(&bench, &options, &variants, notes).await?;
    let text = if options.json {
        serde_json::to_string_pretty(&report)?
    } else {
        report.text()
    };
    print(&text);
    Ok(())
}

async fn prepare(options: &Options, scratch: &Path, notes: &mut Vec<String>) -> Result<Bench> {
    let certificate = Certificate::make()?;
    if !certificate.is_rsa {
        notes.push("There is no openssl, so the stub's keys are P-256; their handshakes cost more than AWS's.".to_owned());
    }
    let authority = scratch.join("authority.pem");
    std::fs::write(&authority, &certificate.authority_pem)?;
    let stub = || Stub::start(certificate.server.clone());
    let own = std::env::current_exe()?;
    let beside = own.parent().context("this program is nowhere")?;
    Ok(Bench {
        programs: options.programs.clone().unwrap_or(beside.to_path_buf()),
        scratch: scratch.to_path_buf(),
        authority,
        cloud: Cloud {
            dynamodb: stub().await?,
            ssm: stub().await?,
            other: stub().await?,
        },
        event: job::push_event()?,
    })
}

/// The functions that are asked for and built.
fn chosen(bench: &Bench, options: &Options, notes: &mut Vec<String>) -> Vec<Variant> {
    let mut chosen = Vec::new();
    for variant in ALL {
        let word = options.only.as_deref().unwrap_or_default();
        if variant.task != Task::Echo && !variant.name.contains(word) {
            continue;
        }
        if bench.program(variant).is_file() {
            chosen.push(variant);
        } else {
            notes.push(format!("{} is not built.", variant.name));
        }
    }
    chosen
}

async fn report(
    bench: &Bench,
    options: &Options,
    variants: &[Variant],
    mut notes: Vec<String>,
) -> Result<Report> {
    let plan = Plan {
        warm: options.warm,
        throttle: None,
    };
    let mut free = rounds(bench, variants, options.starts, &plan, &mut notes).await?;
    let counter = (!options.no_instructions)
        .then(|| Counter::here(options.qemu.clone()))
        .flatten();
    for (figures, variant) in free.iter_mut().zip(variants) {
        let (binary, zip) = size::of(&bench.program(*variant))?;
        figures.binary_bytes = Some(binary);
        figures.zip_bytes = Some(zip);
        if let Some(counter) = &counter {
            match bench.instructions(*variant, counter).await {
                Ok(found) => figures.instructions = Some(found),
                Err(error) => notes.push(format!("{error:#}")),
            }
        }
    }
    let throttled = throttled(bench, options, variants, &mut notes).await?;
    let small = throttled
        .as_ref()
        .filter(|t| t.cpu_mb == 128 && t.delay_ms == 5);
    let small = small.and_then(|t| named(&t.figures, "trigger-deploy"));
    let count = match &counter {
        Some(Counter::Valgrind) => goals::Count::UpperBound,
        Some(Counter::Perf | Counter::Qemu(_)) | None => goals::Count::Exact,
    };
    let goals = match (free.first(), named(&free, "trigger-deploy")) {
        (Some(empty), Some(own)) => goals::of_trigger_deploy(own, empty, small, count),
        _ => Vec::new(),
    };
    Ok(Report {
        counter: counter.as_ref().map(Counter::name),
        free,
        throttled,
        goals,
        notes,
    })
}

/// Starts every function in each round, one after another.
async fn rounds(
    bench: &Bench,
    variants: &[Variant],
    starts: u32,
    plan: &Plan<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Figures>> {
    let mut found: Vec<_> = variants.iter().map(|_| Vec::new()).collect();
    for _ in 0..starts {
        for (variant, found) in variants.iter().zip(&mut found) {
            match bench.start(*variant, plan).await {
                Ok(start) => found.push(start),
                // Now and then the kernel leaves a throttled group asleep; that start is no measurement.
                Err(error) if plan.throttle.is_some() => notes.push(format!("{error:#}")),
                Err(error) => return Err(error),
            }
        }
    }
    let all = variants.iter().zip(&found);
    Ok(all
        .map(|(variant, found)| Figures::of(variant.name, found))
        .collect())
}

async fn throttled(
    bench: &Bench,
    options: &Options,
    variants: &[Variant],
    notes: &mut Vec<String>,
) -> Result<Option<Throttled>> {
    let Options {
        cpu_mb, delay_ms, ..
    } = *options;
    if cpu_mb == 0 {
        return Ok(None);
    }
    let throttle = match Throttle::of_memory(cpu_mb) {
        Ok(throttle) => throttle,
        Err(error) => {
            notes.push(format!(
                "The throttled part is not available on this machine: {error:#}"
            ));
            return Ok(None);
        }
    };
    let with_events: Vec<Variant> = variants
        .iter()
        .copied()
        .filter(|variant| variant.task != Task::StartOnly)
        .collect();
    for stub in bench.cloud.stubs() {
        stub.delay(delay_ms);
    }
    let plan = Plan {
        warm: options.warm,
        throttle: Some(&throttle),
    };
    let figures = rounds(bench, &with_events, options.starts, &plan, notes).await?;
    Ok(Some(Throttled {
        cpu_mb,
        delay_ms,
        figures,
    }))
}

fn named<'a>(all: &'a [Figures], name: &str) -> Option<&'a Figures> {
    all.iter().find(|figures| figures.name == name)
}

#[expect(clippy::print_stdout, reason = "this is a command for a terminal")]
fn print(text: &str) {
    println!("{text}");
}
