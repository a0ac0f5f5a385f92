//! The agent on a host: it takes a document, checks it, runs its steps and reports.
//!
//! A run knows its incarnation. After a restart a newer run of the same document works beside it, and then nothing
//! that the older one says counts any more; its script may still be at work, which is the very hazard to rehearse.

mod course;
mod inputs;
mod precondition;
mod references;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock;
use crate::commands::StepView;
use crate::documents::schema::Step;
use crate::hosts::Reply;
use crate::parameters::substitution::Fillings;
use crate::parameters::{check_by_agent, effective};
use crate::script::{Ending, Kept, Outcome, Script, cancelled};
use crate::service::Start;
use crate::status::{InvocationState, StepState, document_end};
use crate::world::World;
use course::{Course, Next};
use inputs::Inputs;
pub(crate) use inputs::timeout_seconds;
use precondition::Verdict;
use references::References;

/// How often a script may ask for a reboot before the agent stops believing it.
const REBOOTS_MAX: u32 = 15;

/// Runs one document on one host.
pub(crate) async fn run(world: &World, start: &Start) {
    let mut cancel = start.cancel.clone();
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(start.delay_ms)) => {}
        () = cancelled(&mut cancel) => {}
    }
    report(world, start, Reply::Started);
    let reply = finish(world, start).await;
    report(world, start, reply);
}

/// A document with everything filled in. A step whose inputs make no sense fails when its turn comes.
struct Plan {
    fillings: Fillings,
    inputs: Vec<Result<Inputs, String>>,
}

async fn finish(world: &World, start: &Start) -> Reply {
    let done = match prepare(world, start).await {
        Ok(plan) => run_steps(world, start, &plan).await,
        Err(trace) => {
            let steps = padded(start, Vec::new());
            return Reply::Finished {
                state: InvocationState::Failed,
                steps,
                trace,
            };
        }
    };
    let states: Vec<_> = done.iter().map(|step| step.state).collect();
    Reply::Finished {
        state: document_end(&states),
        steps: done,
        trace: String::new(),
    }
}

/// Follows references, checks patterns, and fills the values into every step's inputs; an error fails the document.
async fn prepare(world: &World, start: &Start) -> Result<Plan, String> {
    let document = &start.document;
    let values = effective(document, &start.parameters);
    let references = References::fetch(world, document, &values).await?;
    let values = references.follow_in_values(document, values);
    check_by_agent(document, &values)?;
    let fillings = Fillings::new(document, values, &start.host.agent_version);
    let inputs = document
        .steps
        .iter()
        .map(|step| Inputs::read(&fillings.fill(&references.follow_in_inputs(&step.inputs))))
        .collect();
    Ok(Plan { fillings, inputs })
}

async fn run_steps(world: &World, start: &Start, plan: &Plan) -> Vec<StepView> {
    let mut course = Course::new(start.document.steps.len());
    let mut views = Vec::new();
    for (index, (step, inputs)) in start.document.steps.iter().zip(&plan.inputs).enumerate() {
        let is_cancelled = *start.cancel.borrow();
        let view = match start.finished.get(index) {
            Some(recorded) => recorded.clone(),
            None => match course.next(index, inputs.as_ref().ok(), is_cancelled) {
                Next::Run => run_step(world, start, (plan, step), inputs.as_ref(), &views).await,
                Next::Skip => ended(&step.name, StepState::Skipped, 0),
                Next::Cancelled => ended(&step.name, StepState::Cancelled, 1),
            },
        };
        let view = course.record(inputs.as_ref().ok(), view);
        views.push(view);
        progress(world, start, &views);
    }
    views
}

async fn run_step(
    world: &World,
    start: &Start,
    (plan, step): (&Plan, &Step),
    inputs: Result<&Inputs, &String>,
    before: &[StepView],
) -> StepView {
    match precondition::judge(step.precondition.as_ref(), &plan.fillings) {
        Verdict::Run => {}
        Verdict::Skip => return ended(&step.name, StepState::Skipped, 0),
        Verdict::Broken(why) => return failed(&step.name, &why),
    }
    if step.action != "aws:runShellScript" {
        return failed(
            &step.name,
            &format!(
                "Plugin with name {} not found. Step name: {}",
                step.action, step.name
            ),
        );
    }
    let inputs = match inputs {
        Ok(inputs) => inputs,
        Err(why) => return failed(&step.name, why),
    };
    let mut running = StepView::pending(&step.name);
    running.state = StepState::InProgress;
    running.started_ms = Some(clock::now_ms());
    let so_far: Vec<_> = before.iter().cloned().chain([running.clone()]).collect();
    report(world, start, Reply::Progress(padded(start, so_far)));
    let script = script_of(world, start, &plan.fillings, &step.name, inputs);
    let outcome = run_with_reboots(world, start, &script).await;
    view_of(running, outcome)
}

/// Runs the script, and runs it again for as long as it asks for a reboot; what it wrote before is kept.
async fn run_with_reboots(world: &World, start: &Start, script: &Script) -> Outcome {
    let mut earlier = Kept::default();
    let mut reboots: u32 = 0;
    loop {
        let mut outcome = run_watched(world, start, script).await;
        let wants_reboot = outcome.ending == Ending::Exited(194);
        earlier.append(&outcome.stdout);
        if !wants_reboot || reboots >= REBOOTS_MAX {
            outcome.stdout = earlier;
            return outcome;
        }
        reboots = reboots.saturating_add(1);
        tokio::time::sleep(Duration::from_millis(world.seconds(1))).await;
    }
}

async fn run_watched(world: &World, start: &Start, script: &Script) -> Outcome {
    let mut group = None;
    let outcome = script
        .run(start.cancel.clone(), |started| {
            group = Some(started);
            world
                .lock()
                .script_started(&start.host.id, &start.command, start.incarnation, started);
        })
        .await;
    if let Some((host, group)) = world.lock().hosts.get_mut(&start.host.id).zip(group) {
        host.script_ended(&start.command, group);
    }
    outcome
}

fn script_of(
    world: &World,
    start: &Start,
    fillings: &Fillings,
    step: &str,
    inputs: &Inputs,
) -> Script {
    let folder_name: String = step
        .chars()
        .filter(|c| !matches!(c, ':' | '/' | '*' | '.'))
        .collect();
    let folder = start
        .host
        .dir
        .join("orchestration")
        .join(&start.command)
        .join(folder_name);
    Script {
        folder,
        text: inputs.lines.join("\n"),
        working_directory: inputs.working_directory.clone(),
        environment: environment(world, start, fillings),
        timeout: Duration::from_millis(world.seconds(inputs.timeout_seconds)),
    }
}

/// The agent's own environment, which holds no `HOME`, and what the agent adds.
fn environment(world: &World, start: &Start, fillings: &Fillings) -> BTreeMap<String, String> {
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let mut environment = BTreeMap::from([(String::from("PATH"), String::from(path))]);
    environment.extend(start.host.environment.clone());
    let added = [
        ("AWS_SSM_INSTANCE_ID", start.host.id.as_str()),
        ("AWS_SSM_REGION_NAME", world.options.region.as_str()),
        ("AWS_SSM_PLATFORM_NAME", "Amazon Linux"),
        ("AWS_SSM_PLATFORM_VERSION", "2023"),
        ("SSM_COMMAND_ID", start.command.as_str()),
    ];
    environment.extend(added.map(|(name, value)| (name.to_owned(), value.to_owned())));
    environment.extend(fillings.environment().clone());
    environment
}

/// A step's end as the agent reports it.
fn view_of(mut view: StepView, outcome: Outcome) -> StepView {
    let mut stderr = outcome.stderr;
    let (state, code) = match &outcome.ending {
        Ending::Exited(0) => (StepState::Success, 0),
        Ending::Exited(code @ 168) => {
            stderr = Kept::default();
            (StepState::Success, *code)
        }
        Ending::Exited(code @ 137) => (StepState::TimedOut, *code),
        Ending::Exited(code) => (StepState::Failed, *code),
        Ending::Signalled(_) => (StepState::Failed, -1),
        Ending::TimedOut => (StepState::TimedOut, 137),
        Ending::Cancelled => (StepState::Cancelled, 137),
        Ending::Gone | Ending::NotStarted(_) => (StepState::Failed, 1),
    };
    if state == StepState::Failed {
        stderr.push(format!("failed to run commands: {}", reason(&outcome.ending)).as_bytes());
    }
    view.state = state;
    view.code = code;
    view.finished_ms = Some(clock::now_ms());
    view.stdout = outcome.stdout.text();
    view.stderr = stderr.text();
    view
}

fn reason(ending: &Ending) -> String {
    match ending {
        Ending::Exited(code) => format!("exit status {code}"),
        Ending::Signalled(9) => String::from("signal: killed"),
        Ending::Signalled(number) => format!("signal: {number}"),
        Ending::Gone => String::from("no such process"),
        Ending::NotStarted(why) => why.clone(),
        Ending::TimedOut | Ending::Cancelled => String::from("signal: killed"),
    }
}

fn ended(name: &str, state: StepState, code: i32) -> StepView {
    let now = Some(clock::now_ms());
    StepView {
        state,
        code,
        started_ms: now,
        finished_ms: now,
        ..StepView::pending(name)
    }
}

fn failed(name: &str, why: &str) -> StepView {
    StepView {
        stderr: why.to_owned(),
        ..ended(name, StepState::Failed, 1)
    }
}

/// A view of every step, with those that nothing is known of as pending.
fn padded(start: &Start, mut known: Vec<StepView>) -> Vec<StepView> {
    let rest = start.document.steps.iter().skip(known.len());
    known.extend(rest.map(|step| StepView::pending(&step.name)));
    known
}

/// Records the finished steps on the host, then reports them: a crash between the two repeats the report, not a step.
fn progress(world: &World, start: &Start, views: &[StepView]) {
    let mut state = world.lock();
    let run = state
        .hosts
        .get_mut(&start.host.id)
        .and_then(|host| host.runs.get_mut(&start.command));
    if let Some(run) = run.filter(|run| run.incarnation == start.incarnation) {
        run.finished = views.to_vec();
    }
    drop(state);
    report(world, start, Reply::Progress(padded(start, views.to_vec())));
}

fn report(world: &World, start: &Start, reply: Reply) {
    world
        .lock()
        .report(&start.host.id, &start.command, start.incarnation, reply);
}
