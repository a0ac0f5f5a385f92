//! A click in Slack: what it wants is done as an operator's word, if whoever has clicked may say it, and Slack is shown what
//! became of it. The click itself proves nothing but that Slack has sent it: who is who stands in the app's configuration, and
//! whether a word counts is the core's to judge. So a click that comes twice, late or again changes nothing.

use crate::poll::Entry;
use longshore_core::{Deployment, Person, State, Via};
use longshore_desk::DeskError;
use longshore_events::{Click, Word};
use longshore_shell::announce::Reply;
use longshore_shell::operate::{self, NotDone, Operator, Refusal};
use longshore_shell::ports::{Clock, Configs, Store};
use longshore_shell::telemetry;
use longshore_shell::world::Watch;
use notifier::message::Message;
use notifier::slack;

/// Why a click changes nothing.
enum Not {
    /// The configuration knows nobody with this member id.
    Unknown,
    /// A refusal needs a reason.
    NoReason,
    /// It cannot be done, or not now.
    Done(NotDone),
}

impl From<NotDone> for Not {
    fn from(not_done: NotDone) -> Self {
        Self::Done(not_done)
    }
}

impl From<Refusal> for Not {
    fn from(refusal: Refusal) -> Self {
        Self::Done(refusal.into())
    }
}

/// Carries a click out, and answers it.
pub(crate) async fn clicked<W: Watch>(world: &W, click: &Click) -> Result<(), DeskError> {
    let answer = match carry_out(world, click).await {
        Ok(deployment) => shown(world, &deployment),
        Err(Not::Done(NotDone::Unreachable(error))) => return Err(DeskError::Unsaid(error)),
        Err(not) => {
            telemetry::info("click_without_effect")
                .id("deployment.id", &click.deployment)
                .word("why", word(&not))
                .write();
            refused(world, click, &not).await
        }
    };
    answer_to(world, click, &answer).await;
    Ok(())
}

async fn carry_out<W: Watch>(world: &W, click: &Click) -> Result<Deployment, Not> {
    let found = world.store().deployment(&click.deployment).await;
    let found = found.map_err(NotDone::from)?;
    let deployment = found.ok_or(Refusal::NoSuchDeployment)?;
    let by = person(world, click, &deployment).await?;
    let via = Via::Slack;
    let operator = Operator { by, via };
    let (entry, id) = (Entry(world), &deployment.id);
    let done = match (click.word, &click.reason) {
        (Word::Approve, comment) => {
            operate::approve(&entry, &operator, id, &click.plan, comment.as_ref()).await?
        }
        (Word::Reject, _) if is_about_another_plan(click, &deployment) => {
            return Err(Refusal::OtherPlan.into());
        }
        (Word::Reject, Some(reason)) => operate::reject(&entry, &operator, id, reason).await?,
        (Word::Reject, None) if deployment.state.is_terminal() => return Err(Refusal::Over.into()),
        (Word::Reject, None) => return Err(Not::NoReason),
    };
    Ok(done)
}

/// Who has clicked, by the configuration that the deployment was accepted under.
async fn person<W: Watch>(
    world: &W,
    click: &Click,
    deployment: &Deployment,
) -> Result<Person, Not> {
    let version = Some(deployment.origin.config_version);
    let configured = world.configs().config(&deployment.repository, version);
    let configured = configured.await;
    let configured = configured.map_err(|error| NotDone::Unreachable(Box::new(error)))?;
    let person = configured
        .as_ref()
        .and_then(|configured| configured.config.person_in_slack(&click.user));
    person.cloned().ok_or(Not::Unknown)
}

/// A no to a plan that is asked about no longer says nothing about the one that is.
fn is_about_another_plan(click: &Click, deployment: &Deployment) -> bool {
    let asked = deployment.approval.as_ref();
    matches!(deployment.state, State::AwaitingApproval { .. })
        && asked.is_none_or(|asked| asked.plan != click.plan)
}

/// The message anew, as things stand.
fn shown<W: Watch>(world: &W, deployment: &Deployment) -> String {
    slack::in_its_place(&Message::of_question(deployment, world.clock().now()))
}

/// What is said to a click without effect: when the question is over, everybody is shown how, else whoever has clicked is told
/// what to do.
async fn refused<W: Watch>(world: &W, click: &Click, not: &Not) -> String {
    let is_over = matches!(
        not,
        Not::Done(NotDone::Refused(
            Refusal::Over | Refusal::NotAsked | Refusal::TooLate
        ))
    );
    if is_over && let Ok(Some(deployment)) = world.store().deployment(&click.deployment).await {
        return shown(world, &deployment);
    }
    slack::aside(advice(not))
}

/// Answers. An answer that is lost costs nothing: what was said is on record, and the next click is answered again.
async fn answer_to<W: Watch>(world: &W, click: &Click, answer: &str) {
    let Some(url) = &click.reply_to else {
        return;
    };
    if let Err(error) = world.replies().reply(url, answer).await {
        telemetry::warn("click_unanswered")
            .id("deployment.id", &click.deployment)
            .cause(&error)
            .write();
    }
}

const fn word(not: &Not) -> &'static str {
    match not {
        Not::Unknown => "unknown_person",
        Not::NoReason => "no_reason",
        Not::Done(NotDone::Refused(refusal)) => refusal.word(),
        Not::Done(NotDone::Unreachable(_)) => "unreachable",
    }
}

/// What went wrong and what to do, for whoever has clicked.
const fn advice(not: &Not) -> &'static str {
    match not {
        Not::Unknown => {
            "Nothing was done: nobody with your Slack member id may decide about this app. Next: have yourself added to \
             approvals.people in the app's configuration, with \"slack\"; it counts from the next deployment on."
        }
        Not::NoReason => {
            "Nothing was done: a refusal needs a reason. Next: write it into the field above the buttons, and click again."
        }
        Not::Done(NotDone::Refused(Refusal::OtherPlan)) => {
            "Nothing was done: things have changed, and there is another plan by now. Next: look for the newer message \
             about this deployment, and decide about that."
        }
        Not::Done(NotDone::Refused(Refusal::OwnDeployment)) => {
            "Nothing was done: whose deployment it is may not approve it, and it must be known whose it is. Next: ask \
             somebody else."
        }
        Not::Done(NotDone::Refused(Refusal::UnknownPerson)) => {
            "Nothing was done: your name is not among approvals.people in the app's configuration. Next: have it added."
        }
        Not::Done(NotDone::Refused(Refusal::NoSuchDeployment)) => {
            "Nothing was done: there is no such deployment here. Next: see longshore status."
        }
        Not::Done(NotDone::Refused(_) | NotDone::Unreachable(_)) => {
            "Nothing was done: this cannot be decided now. Next: see longshore show, with the deployment's id."
        }
    }
}
