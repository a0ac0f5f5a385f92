//! A deployment in every state, reached by the real `step`, and every kind of observation that fits it.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::allow_attributes,
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::must_use_candidate,
    reason = "each test program uses its own part of this module"
)]

use longshore_core::{
    Advance, Amount, AppName, BreakGlass, Channel, CheckName, Command, CommandId, CommandStatus,
    Commit, Deployment, DeploymentId, DocumentPin, EnvironmentName, Failure, FailureClass, Finding,
    Found, Freeze, FreezeSource, Generation, HealthPolicy, Heard, HostId, Judgement, Kind, Measure,
    MessageTs, Millis, NoData, Observation, Origin, Person, Phase, PlanDigest, Policy, Post,
    Reason, Release, Report, Repository, Said, SlackChannel, Start, State, Timestamp, Token,
    Verdict, Via, Vote, WaveSize, step,
};
use std::collections::BTreeMap;

pub const START: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);

pub fn policy() -> Policy {
    Policy {
        waves: vec![WaveSize::Hosts(1), WaveSize::Percent(100)],
        health: HealthPolicy {
            attempts_max: 2,
            interval: Millis::from_secs(2),
            bake: Millis::from_secs(10),
            wave_bake: Millis::default(),
            bake_failures_max: 2,
            passes: 1,
            outside: false,
            numbers: false,
            alarms: false,
            no_data: NoData::Pass,
        },
        channels: vec![Channel::Sns.into()],
        migrates: true,
        approvals: 0,
        by_author: true,
        unreachable_max: 0,
        parallel_max: None,
        in_service_min: None,
        hosts_max: 1000,
        attempts_max: 2,
        approval_timeout: Millis::from_secs(3600),
        queue_timeout: Millis::from_secs(3600),
        prepare_timeout: Millis::from_secs(600),
        migrate_timeout: Millis::from_secs(600),
        activate_timeout: Millis::from_secs(300),
        round_timeout: Millis::from_secs(60),
        settling: Millis::from_secs(30),
        retry_after: Millis::from_secs(5),
        poll: Millis::from_secs(5),
    }
}

pub fn judged(check: &str, finding: Finding) -> Judgement {
    let check = CheckName::parse(check).unwrap();
    let numbers = vec![(Measure::Now, Amount::whole(2))];
    Judgement::new(check, finding, numbers, "what it says", START)
}

pub fn host(number: u32) -> HostId {
    HostId::parse(&format!("i-{number:017x}")).unwrap()
}

pub fn person() -> Person {
    Person::parse("ann").unwrap()
}

pub fn said() -> Said {
    Said {
        by: person(),
        via: Via::Api(None),
        reason: Reason::parse("not today").unwrap(),
    }
}

/// A yes to what is asked for now, or to nothing that ever was.
pub fn vote(deployment: &Deployment) -> Vote {
    let asked = deployment.approval.as_ref().map(|asked| asked.plan.clone());
    Vote {
        by: person(),
        via: Via::Slack,
        plan: asked.unwrap_or_else(|| PlanDigest::parse(&"0".repeat(32)).unwrap()),
        at: START,
        comment: None,
    }
}

pub fn freeze() -> Freeze {
    let until = START.after(Millis::from_secs(7200));
    Freeze::new("the weekend", Some(until), FreezeSource::Window)
}

pub fn release(letter: char) -> Release {
    Release {
        commit: Commit::parse(&letter.to_string().repeat(40)).unwrap(),
        config_version: 1,
        parameters: BTreeMap::new(),
        artifact: None,
    }
}

pub fn start(hosts: u32, previous: bool) -> Start {
    Start {
        generation: Generation::new(7),
        release: release('b'),
        document: DocumentPin {
            version: "3".to_owned(),
            hash: "d".repeat(64),
        },
        hosts: (1..=hosts).map(host).collect(),
        previous: previous.then(|| release('a')),
        changelog: None,
    }
}

pub fn id(number: u32) -> DeploymentId {
    DeploymentId::parse(&format!("01JD{number:022}")).unwrap()
}

pub fn command_id() -> CommandId {
    CommandId::parse("00000000-0000-4000-8000-000000000001").unwrap()
}

pub fn accepted(policy: Policy) -> Deployment {
    Deployment::accept(
        id(1),
        AppName::parse("orders").unwrap(),
        EnvironmentName::parse("prod").unwrap(),
        Repository::parse("acme/orders").unwrap(),
        Origin {
            kind: Kind::Push,
            commit: release('b').commit,
            config_version: 1,
            by: Some(person()),
            at: START,
            reason: None,
            committed_at: None,
        },
        policy,
    )
}

pub fn must(deployment: &Deployment, seen: &Observation, now: Timestamp) -> Deployment {
    match step(deployment, seen, now) {
        Advance::Advanced(next) => *next,
        other => panic!("{} + {}: {other:?}", deployment.state.name(), seen.name()),
    }
}

/// A report as it is heard without a time, as hosts told it before they told any.
pub fn heard(host: &HostId, report: Report) -> Heard {
    Heard::untimed(host.clone(), report)
}

/// What each command of the current question is answered with.
pub fn answer_all(
    mut deployment: Deployment,
    now: Timestamp,
    report: impl Fn(&Token, &HostId) -> Report,
) -> Deployment {
    for command in deployment.commands().to_vec() {
        for host in &command.hosts {
            let said = report(&command.token, host);
            let seen = Observation::HostReported(command.token.clone(), heard(host, said));
            if let Advance::Advanced(next) = step(&deployment, &seen, now) {
                deployment = *next;
            }
        }
    }
    deployment
}

pub fn done(deployment: &Deployment) -> Report {
    let served = match &deployment.state {
        State::Active { phase, .. } => phase.ask().map(|ask| ask.release.id()),
        _ => None,
    };
    Report::Done {
        served,
        healthy: true,
        found: None,
    }
}

/// A preparation after which the migrations were judged so.
pub fn prepared(verdict: Verdict, is_allowed: bool) -> Report {
    let findings = ["2-drop.sql: DROP COLUMN"];
    Report::Done {
        served: None,
        healthy: false,
        found: Some(Found::new(verdict, is_allowed, 1, findings)),
    }
}

/// A deployment whose migrations were judged so, and ran, in front of the first switch.
pub fn migrated(policy: &Policy, hosts: u32, verdict: Verdict) -> Deployment {
    let queued = accepted(policy.clone());
    let preparing = must(&queued, &Observation::Ready(start(hosts, true)), START);
    let migrating = answer_all(preparing, START, |_, _| prepared(verdict, true));
    all_done(migrating, START)
}

pub fn failed(class: FailureClass) -> Report {
    Report::Failed(Failure::with_detail(class, "Error: it broke"))
}

pub fn all_done(deployment: Deployment, now: Timestamp) -> Deployment {
    let report = done(&deployment);
    answer_all(deployment, now, |_, _| report.clone())
}

/// A round that begins and passes.
pub fn round(deployment: &Deployment, now: Timestamp) -> Deployment {
    let asking = must(deployment, &Observation::TimePassed, now);
    all_done(asking, now)
}

/// One deployment in each state, in the order of the documentation, the active ones with a question under way.
pub fn every_state() -> Vec<Deployment> {
    every_state_of(&policy(), 2)
}

/// The same for another policy and number of hosts. A policy without migrations has the next state twice instead.
pub fn every_state_of(policy: &Policy, hosts: u32) -> Vec<Deployment> {
    let now = START;
    let mut needs_approval = policy.clone();
    needs_approval.approvals = 1;
    let asking = must(
        &accepted(needs_approval),
        &Observation::Ready(start(hosts, true)),
        now,
    );
    let awaiting = all_done(asking, now);
    let queued = accepted(policy.clone());
    let preparing = must(&queued, &Observation::Ready(start(hosts, true)), now);
    let migrating = all_done(preparing.clone(), now);
    let activating = if policy.migrates {
        all_done(migrating.clone(), now)
    } else {
        migrating.clone()
    };
    let verifying = all_done(activating.clone(), now);
    let mut baking = round(&verifying, now);
    while matches!(phase(&baking), Some(Phase::Activating(_))) {
        baking = round(&all_done(baking, now), now);
    }
    let verifying = must(&verifying, &Observation::TimePassed, now);
    let rolling_back = answer_all(activating.clone(), now, |_, _| {
        failed(FailureClass::HealthFailed)
    });
    let unmigrating = answer_all(migrated(policy, hosts, Verdict::NeedsDown), now, |_, _| {
        failed(FailureClass::HealthFailed)
    });
    let verifying_rollback = all_done(rolling_back.clone(), now);
    let late = now.after(Millis::from_secs(10));
    let succeeded = round(&baking, late);
    let failed_state = answer_all(preparing.clone(), now, |_, _| {
        failed(FailureClass::BuildFailed)
    });
    let rolled_back = round(&verifying_rollback, now);
    let rollback_failed = answer_all(rolling_back.clone(), now, |_, _| {
        failed(FailureClass::StartFailed)
    });
    let rejected = must(&awaiting, &Observation::Refused(said()), now);
    let expired = must(
        &queued,
        &Observation::TimePassed,
        now.after(Millis::from_secs(7200)),
    );
    let superseded = must(&queued, &Observation::Superseded(id(2)), now);
    let cancelled = must(&queued, &Observation::CancelRequested(said()), now);
    vec![
        awaiting,
        queued,
        preparing,
        migrating,
        activating,
        verifying,
        must(&baking, &Observation::TimePassed, now),
        unmigrating,
        rolling_back,
        must(&verifying_rollback, &Observation::TimePassed, now),
        succeeded,
        failed_state,
        rolled_back,
        rollback_failed,
        rejected,
        expired,
        superseded,
        cancelled,
    ]
}

/// A preparation whose plan people will be asked about, and a deployment whose plan has their yes.
pub fn around_an_approval() -> Vec<(String, Deployment)> {
    let mut policy = policy();
    policy.approvals = 1;
    let asking = must(
        &accepted(policy),
        &Observation::Ready(start(2, true)),
        START,
    );
    let awaiting = all_done(asking.clone(), START);
    let yes = Observation::Approved(vote(&awaiting));
    let approved = must(&awaiting, &yes, START);
    vec![
        (", before people are asked".to_owned(), last_answer(&asking)),
        (", with an approved plan".to_owned(), approved),
    ]
}

/// The same with one answer left to come.
fn last_answer(deployment: &Deployment) -> Deployment {
    let first = deployment.commands()[0].clone();
    let sent = Observation::SendStarted(first.token.clone());
    let sending = must(deployment, &sent, START);
    let sent = Observation::CommandSent(first.token.clone(), command_id());
    let mut next = must(&sending, &sent, START);
    for host in first.hosts.iter().skip(1) {
        let report = done(&next);
        let told = Observation::HostReported(first.token.clone(), heard(host, report));
        next = must(&next, &told, START);
    }
    next
}

/// Every observation, in its telling variants, as it fits this deployment, with the time it is made at.
pub fn every_observation(deployment: &Deployment) -> Vec<(String, Observation, Timestamp)> {
    let now = deployment
        .timeline
        .last()
        .map_or(START, |entry| entry.at)
        .after(Millis::from_secs(1));
    let late = now.after(Millis::from_secs(100_000));
    let command = deployment.commands().first().cloned();
    let token = command.as_ref().map_or_else(
        || Token::parse(&format!("{}:7:prepare:0:0.1", id(1))).unwrap(),
        |command| command.token.clone(),
    );
    let asked = command.map_or_else(|| host(1), |command| command.hosts[0].clone());
    let report = |report: Report| {
        let heard = Heard::untimed(asked.clone(), report);
        Observation::HostReported(token.clone(), heard)
    };
    let broken = Failure::of(FailureClass::AccessDenied);
    let wrong = Report::Done {
        served: None,
        healthy: true,
        found: None,
    };
    let list: Vec<(&str, Observation, Timestamp)> = vec![
        ("Approved", Observation::Approved(vote(deployment)), now),
        ("Refused", Observation::Refused(said()), now),
        ("CancelRequested", Observation::CancelRequested(said()), now),
        ("Superseded", Observation::Superseded(id(2)), now),
        ("Ready", Observation::Ready(start(2, true)), now),
        ("Ready, no hosts", Observation::Ready(start(0, true)), now),
        ("NotReady", Observation::NotReady(broken.clone()), now),
        ("FreezeSeen", Observation::FreezeSeen(Some(freeze())), now),
        ("FreezeSeen: none", Observation::FreezeSeen(None), now),
        (
            "BreakGlass",
            Observation::BreakGlass(BreakGlass::new(person(), "a fire", now)),
            now,
        ),
        ("SendStarted", Observation::SendStarted(token.clone()), now),
        (
            "CommandSent",
            Observation::CommandSent(token.clone(), command_id()),
            now,
        ),
        (
            "SendRefused",
            Observation::SendRefused(token.clone(), broken),
            now,
        ),
        (
            "SendPostponed",
            Observation::SendPostponed(token.clone()),
            now,
        ),
        (
            "CommandMissing",
            Observation::CommandMissing(token.clone()),
            now,
        ),
        ("HostReported: done", report(done(deployment)), now),
        ("HostReported: another release", report(wrong), now),
        (
            "HostReported: prepared, no way back",
            report(prepared(Verdict::Impossible, false)),
            now,
        ),
        (
            "HostReported: failed",
            report(failed(FailureClass::StartFailed)),
            now,
        ),
        (
            "HostReported: lost",
            report(Report::Lost(FailureClass::DeliveryTimedOut)),
            now,
        ),
        (
            "Judged: passed",
            Observation::Judged {
                round: 1,
                judgements: vec![judged("http:health", Finding::Passed)],
            },
            now,
        ),
        (
            "Judged: failed",
            Observation::Judged {
                round: 1,
                judgements: vec![judged(
                    "http:health",
                    Finding::Failed(FailureClass::ProbeFailed),
                )],
            },
            now,
        ),
        (
            "Judged: could not tell",
            Observation::Judged {
                round: 1,
                judgements: vec![judged("metric:cpu", Finding::Inconclusive)],
            },
            now,
        ),
        ("TimePassed, not yet", Observation::TimePassed, now),
        ("TimePassed, deadline over", Observation::TimePassed, late),
        ("AnnounceStarted", Observation::AnnounceStarted(1), now),
        (
            "AnnouncePostponed",
            Observation::AnnouncePostponed(1, late),
            now,
        ),
        ("Posted", Observation::Posted(post()), now),
        ("Announced", Observation::Announced(1), now),
    ];
    list.into_iter()
        .map(|(name, seen, at)| (name.to_owned(), seen, at))
        .collect()
}

/// Marks every planned command as sent.
pub fn send_all(mut deployment: Deployment, now: Timestamp) -> Deployment {
    let planned: Vec<Command> = deployment
        .commands()
        .iter()
        .filter(|command| matches!(command.status, CommandStatus::Planned { .. }))
        .cloned()
        .collect();
    for command in planned {
        for seen in [
            Observation::SendStarted(command.token.clone()),
            Observation::CommandSent(command.token.clone(), command_id()),
        ] {
            if let Advance::Advanced(next) = step(&deployment, &seen, now) {
                deployment = *next;
            }
        }
    }
    deployment
}

pub fn phase(deployment: &Deployment) -> Option<&Phase> {
    match &deployment.state {
        State::Active { phase, .. } => Some(phase),
        _ => None,
    }
}

/// The channel that a deployment's own message stands in.
pub fn slack_channel() -> SlackChannel {
    SlackChannel::parse("C024BE91L").unwrap()
}

/// A message that stands there.
pub fn post() -> Post {
    Post {
        channel: slack_channel(),
        ts: MessageTs::parse("1503435956.000247").unwrap(),
    }
}
