//! The checks of a round: what is asked from outside, one request after another, each with its time, and then what the numbers
//! say (`judge.rs`). Before anything is changed, the alarms alone.

use super::observe::Seen;
use crate::judge::{Subject, judge, judge_alarms};
use crate::ports::{Clock, Configs, Outside, Request, ResolveError};
use crate::world::World;
use longshore_app_config::{AppConfig, HttpCheck, Method, RequestBody, Wanted};
use longshore_core::{
    Amount, CheckName, Checks, Deployment, Failure, FailureClass, Finding, Judgement, Measure,
    Millis, Observation, ReleaseId, State, Timestamp,
};

/// After this time no further request is begun: whoever runs the checks has a time limit too, and has more to do.
const REQUESTS_BEGIN_WITHIN: Millis = Millis::from_secs(20);

/// The checks that are wanted now, done.
pub(super) async fn checked<W: World>(world: &W, deployment: &Deployment, seen: &mut Seen) {
    let (Some(checks), State::Active { phase, .. }) =
        (deployment.checks_wanted(), &deployment.state)
    else {
        return;
    };
    let Some(ask) = phase.ask() else {
        return;
    };
    let version = Some(ask.release.config_version);
    let configured = world.configs().config(&deployment.repository, version);
    let failure = match configured.await {
        Ok(Some(configured)) => {
            let done = done(
                world,
                checks,
                &configured.config,
                deployment,
                &ask.release.id(),
            )
            .await;
            return seen.observations.push(judged(checks, done));
        }
        Ok(None) => Failure::of(FailureClass::ConfigRefused),
        Err(ResolveError::Failed(failure)) => failure,
        // Not seen; the round's deadline bounds how long that may go on.
        Err(ResolveError::Unavailable(_)) => return,
    };
    let line = match failure.detail() {
        "" => "the app configuration is gone from Parameter Store",
        line => line,
    };
    let now = world.clock().now();
    let judgement = named("configuration").map(|check| {
        let finding = Finding::Failed(failure.class);
        Judgement::new(check, finding, Vec::new(), line, now)
    });
    let judgements = judgement.into_iter().collect();
    seen.observations.push(judged(checks, judgements));
}

const fn judged(checks: Checks, judgements: Vec<Judgement>) -> Observation {
    Observation::Judged {
        round: checks.round(),
        judgements,
    }
}

/// What comes from outside first: when that fails the release is bad, whatever the numbers are.
async fn done<W: World>(
    world: &W,
    checks: Checks,
    config: &AppConfig,
    deployment: &Deployment,
    release: &ReleaseId,
) -> Vec<Judgement> {
    let (outside, numbers) = match checks {
        Checks::Before => return judge_alarms(world, config, world.clock().now()).await,
        Checks::Round {
            outside, numbers, ..
        } => (outside, numbers),
    };
    let mut judgements = Vec::new();
    if outside {
        judgements = from_outside(world, config, release).await;
    }
    let is_bad = judgements
        .iter()
        .any(|judgement| matches!(judgement.finding, Finding::Failed(_)));
    let subject = subject(deployment, world.clock().now());
    if let Some(subject) = subject.filter(|_| numbers && !is_bad) {
        judgements.extend(judge(world, config, &subject).await);
    }
    judgements
}

/// The release that is verified: the hosts that serve it since the first of them was switched, and the hosts that do not yet.
fn subject(deployment: &Deployment, now: Timestamp) -> Option<Subject> {
    let run = deployment.state.run()?;
    let mut others = run.in_service();
    others.retain(|host| !run.moved.contains(host));
    Some(Subject {
        switched: run.switched(),
        others,
        switched_at: deployment.first_switch()?,
        now,
    })
}

/// The requests from outside in their order, up to the first that fails: what comes after it in a script says nothing then.
async fn from_outside<W: World>(
    world: &W,
    config: &AppConfig,
    release: &ReleaseId,
) -> Vec<Judgement> {
    let begun = world.clock().now();
    let mut judgements = Vec::new();
    for question in questions(config, release) {
        let in_time = world.clock().now().since(begun) < REQUESTS_BEGIN_WITHIN;
        let judgement = if in_time {
            question.ask(world).await
        } else {
            let line = "not asked: the requests before it took too long";
            let failure = Failure::with_detail(question.class(), line);
            question.judgement(Err(&failure), None, world.clock().now())
        };
        let Some(judgement) = judgement else {
            continue;
        };
        let is_over = matches!(judgement.finding, Finding::Failed(_));
        judgements.push(judgement);
        if is_over {
            break;
        }
    }
    judgements
}

/// One request with its name and its limit.
struct Question<'a> {
    name: &'a str,
    request: Request<'a>,
    latency_max: Option<Millis>,
}

fn questions<'a>(config: &'a AppConfig, release: &'a ReleaseId) -> Vec<Question<'a>> {
    let own = config.health_url().map(|url| Question {
        name: "health",
        request: Request {
            url,
            method: Method::Get,
            body: None,
            expected_status: config.expected_status(),
            contains: None,
            release: Some(release),
        },
        latency_max: None,
    });
    let further = config.health().checks.as_slice().iter().map(Question::of);
    own.into_iter().chain(further).collect()
}

impl<'a> Question<'a> {
    fn of(check: &'a HttpCheck) -> Self {
        Self {
            name: check.name.as_str(),
            request: Request {
                url: check.url.as_str(),
                method: check.method,
                body: check.body.as_ref().map(RequestBody::as_str),
                expected_status: check.status(),
                contains: check.contains.as_ref().map(Wanted::as_str),
                release: None,
            },
            latency_max: check.latency_max(),
        }
    }

    /// The class of its failures: the app's own address, or a step of the script.
    const fn class(&self) -> FailureClass {
        match self.request.release {
            Some(_) => FailureClass::ProbeFailed,
            None => FailureClass::SmokeFailed,
        }
    }

    async fn ask<W: World>(&self, world: &W) -> Option<Judgement> {
        let before = world.clock().now();
        let answer = world.outside().probe(&self.request).await;
        let now = world.clock().now();
        let latency = now.since(before);
        let slow = self.latency_max.filter(|most| latency > *most);
        let answer = match (answer, slow) {
            (Ok(()), Some(most)) => {
                let (took, most) = (latency.as_ms(), most.as_ms());
                let line = format!("the answer took {took} ms, more than {most}");
                Err(Failure::with_detail(self.class(), &line))
            }
            (answer, _) => answer,
        };
        self.judgement(answer.as_ref().copied(), Some(latency), now)
    }

    fn judgement(
        &self,
        answer: Result<(), &Failure>,
        latency: Option<Millis>,
        at: Timestamp,
    ) -> Option<Judgement> {
        let milliseconds = |span: Millis| {
            let whole = i64::try_from(span.as_ms()).unwrap_or(i64::MAX);
            Amount::whole(whole)
        };
        let took = latency.map(|latency| (Measure::Latency, milliseconds(latency)));
        let most = self
            .latency_max
            .map(|most| (Measure::Limit, milliseconds(most)));
        let numbers: Vec<_> = took.into_iter().chain(most).collect();
        let (finding, line) = match answer {
            Ok(()) => {
                let status = self.request.expected_status;
                let took = latency.map_or(0, Millis::as_ms);
                (Finding::Passed, format!("status {status} in {took} ms"))
            }
            Err(failure) => {
                let class = if failure.class == FailureClass::WrongRelease {
                    failure.class
                } else {
                    self.class()
                };
                (Finding::Failed(class), failure.detail().to_owned())
            }
        };
        let check = named(&format!("http:{}", self.name))?;
        Some(Judgement::new(check, finding, numbers, &line, at))
    }
}

/// The name of a check; the names of the configuration make valid ones.
fn named(name: &str) -> Option<CheckName> {
    CheckName::parse(name).ok()
}
