//! What the core knows, in the words of the contract. Pure: the same record is always told the same way.

use longshore_contract as contract;
use longshore_contract::{Drift, HostStatus, HostVerdict, Verdict};
use longshore_core::{
    Deployment, Failure, Finding, HostId, Judgement, Live, Lock, Migrations, Outcome, Phase,
    Release, Rounds, Run, Slot, State, Task, Timestamp,
};
use longshore_shell::ports::{Deed, Entry, Ping, Seen};
use std::collections::{BTreeMap, BTreeSet};

/// A moment; one that no calendar has becomes the last that it has.
pub(crate) fn time(at: Timestamp) -> contract::Timestamp {
    let ms = i64::try_from(at.as_unix_ms()).unwrap_or(i64::MAX);
    contract::Timestamp::from_millisecond(ms).unwrap_or(contract::Timestamp::MAX)
}

pub(crate) fn failure(failure: &Failure) -> contract::Failure {
    contract::Failure {
        class: failure.class.word().to_owned(),
        detail: failure.detail().to_owned(),
        next: failure.class.next_step().to_owned(),
    }
}

pub(crate) fn release(release: &Release) -> contract::Release {
    let parameters = release.parameters.iter();
    contract::Release {
        id: release.id().to_string(),
        commit: release.commit.to_string(),
        config_version: release.config_version,
        parameters: parameters.map(|(name, v)| (name.to_string(), *v)).collect(),
        artifact: release.artifact.as_ref().map(|build| contract::Artifact {
            version: build.version.to_string(),
            sha256: build.sha256.to_string(),
        }),
    }
}

pub(crate) fn live(live: &Live) -> contract::Live {
    contract::Live {
        release: release(&live.release),
        deployment: live.deployment.to_string(),
        at: time(live.at),
    }
}

/// A freeze as it was last seen to hold a deployment.
pub(crate) fn freeze(freeze: &longshore_core::Freeze) -> contract::Freeze {
    contract::Freeze {
        name: freeze.name().to_owned(),
        until: freeze.until.map(time),
    }
}

/// A freeze that has not begun.
pub(crate) fn freeze_to_come(coming: &longshore_freeze::Coming) -> contract::FreezeToCome {
    contract::FreezeToCome {
        name: coming.freeze.name().to_owned(),
        from: time(coming.from),
        until: coming.freeze.until.map(time),
    }
}

pub(crate) fn lock(lock: &Lock) -> contract::Lock {
    contract::Lock {
        owner: lock.owner.to_string(),
        reason: lock.reason.as_ref().map(ToString::to_string),
        expires_at: time(lock.expires_at),
    }
}

/// The commits in quarantine, those that were put there last first.
pub(crate) fn quarantine(slot: &Slot) -> Vec<contract::Quarantined> {
    let mut list: Vec<_> = slot.quarantine.iter().collect();
    list.sort_by(|a, b| b.1.cmp(a.1));
    let told = list.into_iter().map(|(commit, by)| contract::Quarantined {
        commit: commit.to_string(),
        deployment: by.to_string(),
    });
    told.collect()
}

/// A deployment in a line.
pub(crate) fn summary(deployment: &Deployment) -> contract::DeploymentSummary {
    let state = &deployment.state;
    contract::DeploymentSummary {
        id: deployment.id.to_string(),
        app: deployment.app.to_string(),
        kind: deployment.origin.kind.word().to_owned(),
        commit: deployment.origin.commit.to_string(),
        state: deployment.state.name().to_owned(),
        over: deployment.state.is_terminal(),
        by: deployment.origin.by.as_ref().map(ToString::to_string),
        accepted_at: time(deployment.origin.at),
        committed_at: deployment.origin.committed_at.map(time),
        started_at: deployment.state.run().map(|run| time(run.started_at)),
        ended_at: state.ended_at().map(time),
        failure: state.failure().map(failure),
        host: None,
    }
}

/// A deployment in full.
pub(crate) fn deployment(deployment: &Deployment) -> contract::Deployment {
    contract::Deployment {
        summary: summary(deployment),
        environment: deployment.environment.to_string(),
        repository: deployment.repository.to_string(),
        config_version: deployment.origin.config_version,
        deadline: deployment.state.deadline().map(time),
        approvals_wanted: wanted(deployment),
        votes: votes(deployment),
        reason: deployment.origin.reason.as_ref().map(ToString::to_string),
        changelog: deployment.changelog.as_ref().map(changelog),
        plan: plan(deployment),
        run: deployment.state.run().map(run),
        rounds: rounds_of(&deployment.state).map(rounds),
        judgements: deployment.judgements.iter().map(judgement).collect(),
        ended: ended(&deployment.state),
        timeline: deployment.timeline.iter().map(entry).collect(),
    }
}

fn changelog(changelog: &longshore_core::Changelog) -> contract::Changelog {
    let line = |line: &longshore_core::CommitLine| contract::CommitLine {
        commit: line.commit.to_string(),
        author: line.author().to_owned(),
        subject: line.subject().to_owned(),
    };
    contract::Changelog {
        commits: changelog.commits().iter().map(line).collect(),
        more: changelog.has_more,
    }
}

/// How many people must say yes; `None` when nobody is asked.
fn wanted(deployment: &Deployment) -> Option<u32> {
    Some(deployment.policy.approvals).filter(|approvals| *approvals > 0)
}

fn votes(deployment: &Deployment) -> Vec<contract::Vote> {
    let votes = deployment.approval.iter().flat_map(|asked| &asked.votes);
    let votes = votes.map(|vote| contract::Vote {
        by: vote.by.to_string(),
        at: time(vote.at),
        via: vote.via.to_string(),
        plan: vote.plan.to_string(),
        comment: vote.comment.as_ref().map(ToString::to_string),
    });
    votes.collect()
}

/// What people are asked about, or were.
fn plan(deployment: &Deployment) -> Option<contract::Plan> {
    let asked = deployment.approval.as_ref()?;
    let run = deployment.state.run()?;
    Some(contract::Plan {
        digest: Some(asked.plan.to_string()),
        kind: deployment.origin.kind.word().to_owned(),
        release: release(&run.release),
        live: run.previous.as_ref().map(release),
        parameters: changes(run.previous.as_ref(), &run.release),
        waves: waves(&run.waves),
        migrations: run.migrations.as_ref().map(migrations),
        expected_seconds: None,
        approvals_wanted: deployment.policy.approvals,
        held_by: Vec::new(),
    })
}

/// The hosts of each wave.
pub(crate) fn waves(waves: &[Vec<HostId>]) -> Vec<Vec<String>> {
    let texts = |wave: &Vec<HostId>| wave.iter().map(ToString::to_string).collect();
    waves.iter().map(texts).collect()
}

/// The parameters whose versions differ, by name.
pub(crate) fn changes(before: Option<&Release>, after: &Release) -> Vec<contract::ParameterChange> {
    let before = before.map(|release| &release.parameters);
    let names = before.into_iter().flatten().chain(&after.parameters);
    let names: BTreeSet<_> = names.map(|(name, _)| name).collect();
    let change = |name| contract::ParameterChange {
        name: ToString::to_string(name),
        before: before.and_then(|before| before.get(name)).copied(),
        after: after.parameters.get(name).copied(),
    };
    let changes = names.into_iter().map(change);
    changes
        .filter(|change| change.before != change.after)
        .collect()
}

/// What an operator did to an app.
pub(crate) fn deed(entry: &Entry) -> contract::AuditEntry {
    let (action, until, commit) = match &entry.deed {
        Deed::Locked(until) => ("lock", Some(time(*until)), None),
        Deed::Unlocked => ("unlock", None, None),
        Deed::Cleared(commit) => ("clear_quarantine", None, Some(commit.to_string())),
    };
    contract::AuditEntry {
        number: entry.number,
        at: time(entry.at),
        by: entry.said.by.to_string(),
        via: entry.said.via.to_string(),
        action: action.to_owned(),
        reason: Some(entry.said.reason.to_string()),
        deployment: None,
        commit,
        until,
    }
}

fn entry(entry: &longshore_core::TimelineEntry) -> contract::TimelineEntry {
    contract::TimelineEntry {
        at: time(entry.at),
        state: entry.state.to_owned(),
        wave: entry.wave,
        cause: entry.cause.map(|cause| cause.word().to_owned()),
    }
}

fn ended(state: &State) -> Option<contract::Ended> {
    let State::Ended { outcome, .. } = state else {
        return None;
    };
    match outcome {
        Outcome::Rejected(said) | Outcome::Cancelled(said) => Some(contract::Ended {
            by: Some(said.by.to_string()),
            reason: Some(said.reason.to_string()),
            ..contract::Ended::default()
        }),
        Outcome::Superseded(by) => Some(contract::Ended {
            superseded_by: Some(by.to_string()),
            ..contract::Ended::default()
        }),
        Outcome::Succeeded
        | Outcome::Failed(_)
        | Outcome::RolledBack(_)
        | Outcome::RollbackFailed(_)
        | Outcome::Expired(_) => None,
    }
}

fn run(run: &Run) -> contract::Run {
    let waves = (0..).zip(&run.waves);
    let hosts = waves.flat_map(|(wave, hosts)| hosts.iter().map(move |host| (wave, host)));
    contract::Run {
        generation: run.generation.number(),
        release: release(&run.release),
        previous: run.previous.as_ref().map(release),
        waves: u32::try_from(run.waves.len()).unwrap_or(u32::MAX),
        hosts: hosts.map(|(wave, host)| verdict(run, wave, host)).collect(),
        migrations: run.migrations.as_ref().map(migrations),
        started_at: time(run.started_at),
    }
}

/// How one host stands in a deployment; `None` when it is none of its targets.
pub(crate) fn verdict_of(deployment: &Deployment, host: &HostId) -> Option<HostVerdict> {
    let run = deployment.state.run()?;
    Some(verdict(run, run.wave_of(host)?, host))
}

fn verdict(run: &Run, wave: u32, host: &HostId) -> HostVerdict {
    let standing = run.hosts.get(host);
    HostVerdict {
        host: host.to_string(),
        wave,
        verdict: standing
            .map_or("untouched", |standing| standing.word())
            .to_owned(),
        moved: run.moved.contains(host),
        failure: standing
            .and_then(|standing| standing.failure())
            .map(failure),
        took_ms: took_ms(run, host),
    }
}

fn took_ms(run: &Run, host: &HostId) -> BTreeMap<String, u64> {
    let of = |task: Task| {
        let took = run.times.of_host(task, host)?;
        Some((task.state().to_owned(), took.time.as_ms()))
    };
    Task::ALL.into_iter().filter_map(of).collect()
}

pub(crate) fn migrations(migrations: &Migrations) -> contract::Migrations {
    let found = &migrations.found;
    contract::Migrations {
        verdict: match found.verdict {
            longshore_core::Verdict::Safe => Verdict::Safe,
            longshore_core::Verdict::NeedsDown => Verdict::NeedsDown,
            longshore_core::Verdict::Impossible => Verdict::Impossible,
        },
        count: found.count,
        allowed: found.is_allowed,
        applied: migrations.are_applied,
        findings: found.findings().to_vec(),
    }
}

fn rounds_of(state: &State) -> Option<&Rounds> {
    let State::Active { phase, .. } = state else {
        return None;
    };
    match phase {
        Phase::Verifying { rounds, .. }
        | Phase::Baking { rounds, .. }
        | Phase::VerifyingRollback { rounds, .. } => Some(rounds),
        Phase::Preparing(_)
        | Phase::Migrating(_)
        | Phase::Activating(_)
        | Phase::Unmigrating { .. }
        | Phase::RollingBack { .. } => None,
    }
}

fn rounds(rounds: &Rounds) -> contract::Rounds {
    contract::Rounds {
        begun: rounds.begun,
        failures: rounds.failures,
        passes: rounds.passes,
        last_failure: rounds.last_failure.as_ref().map(failure),
    }
}

/// What a check has found.
fn judgement(judgement: &Judgement) -> contract::Judgement {
    let numbers = judgement.numbers.iter();
    contract::Judgement {
        check: judgement.check.to_string(),
        finding: judgement.finding.word().to_owned(),
        class: match judgement.finding {
            Finding::Failed(class) => Some(class.word().to_owned()),
            Finding::Passed | Finding::Inconclusive => None,
        },
        said: judgement.said().to_owned(),
        numbers: numbers
            .map(|(of, value)| contract::Number {
                of: of.word().to_owned(),
                value: value.to_string(),
            })
            .collect(),
        at: time(judgement.at),
    }
}

/// Every host that SSM lists for the app, and every other one that was proven to serve what is live, in the order of their ids.
pub(crate) fn hosts(slot: &Slot, running: Option<&Run>, seen: &[Seen]) -> Vec<HostStatus> {
    let listed: BTreeMap<&HostId, &Seen> = seen.iter().map(|seen| (&seen.host, seen)).collect();
    let proven = slot.live.iter().flat_map(|live| &live.hosts);
    let all: BTreeSet<&HostId> = listed.keys().copied().chain(proven).collect();
    let told = all.into_iter();
    told.map(|host| host_status(slot, running, host, listed.get(host).copied()))
        .collect()
}

fn host_status(
    slot: &Slot,
    running: Option<&Run>,
    host: &HostId,
    seen: Option<&Seen>,
) -> HostStatus {
    let live = slot.live.as_ref();
    let proven = live.filter(|live| live.hosts.contains(host));
    let moving = running.filter(|run| run.moved.contains(host));
    let arrived =
        moving.filter(|run| run.hosts.get(host) == Some(&longshore_core::Standing::Proven));
    let release = match (moving, arrived) {
        (Some(_), Some(run)) => Some(&run.release),
        (Some(_), None) => None,
        (None, _) => proven.map(|live| &live.release),
    };
    let is_online = seen.is_some_and(|seen| seen.ping == Ping::Online);
    HostStatus {
        host: host.to_string(),
        ping: seen.map(|seen| ping(seen.ping)),
        agent: seen
            .map(|seen| seen.agent.clone())
            .filter(|agent| !agent.is_empty()),
        release: release.map(|release| release.id().to_string()),
        drift: match (is_online, moving, live, proven) {
            (false, ..) => Drift::Offline,
            (true, Some(_), ..) | (true, None, None, _) => Drift::Unknown,
            (true, None, Some(_), Some(_)) => Drift::Serves,
            (true, None, Some(_), None) => Drift::Behind,
        },
    }
}

const fn ping(ping: Ping) -> contract::Ping {
    match ping {
        Ping::Online => contract::Ping::Online,
        Ping::ConnectionLost => contract::Ping::ConnectionLost,
        Ping::Inactive => contract::Ping::Inactive,
    }
}
