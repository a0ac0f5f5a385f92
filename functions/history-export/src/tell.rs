//! What one write to the table added to the history, in the words of the published form. Pure: the same write is always told the
//! same way, byte for byte, whoever tells it and how often.

use crate::form::{
    Accepted, BreakGlass, ClearQuarantine, Ended, Freeze, Judgement, Line, Lock, Migrations,
    Number, Quarantine, Release, Standing, Stop, Transition, Unlock, VERSION, Vote, What,
};
use longshore_core::{
    AppName, Deployment, EnvironmentName, Failure, Finding, FreezeSource, HostId, Outcome, Run,
    Said, Slot, State, TimelineEntry, Timestamp,
};
use longshore_shell::ports::{Deed, Entry};
use longshore_shell::store::Change;
use std::collections::BTreeMap;

/// The state in which people are asked.
const ASKED: &str = "AwaitingApproval";

/// The lines about one write. `at` is when it was written, for what has no time of its own in the table.
pub(crate) fn lines(environment: &EnvironmentName, change: &Change, at: Timestamp) -> Vec<Line> {
    match change {
        Change::Deployment { before, after } => {
            let told = Deployed {
                environment,
                before: before.as_deref(),
                after,
                at,
            };
            told.lines()
        }
        Change::Slot { before, after } => quarantined(environment, before.as_deref(), after, at),
        Change::Deed(entry) => vec![deed(environment, entry)],
    }
}

/// A write of a deployment.
struct Deployed<'a> {
    environment: &'a EnvironmentName,
    before: Option<&'a Deployment>,
    after: &'a Deployment,
    at: Timestamp,
}

impl Deployed<'_> {
    /// People come before what followed from their word, and the end comes last.
    fn lines(&self) -> Vec<Line> {
        let accepted = self.accepted().into_iter();
        let people = self.votes().chain(self.freeze()).chain(self.break_glass());
        let lines = accepted.chain(people).chain(self.stop());
        lines
            .chain(self.transitions())
            .chain(self.ended())
            .collect()
    }

    fn line(&self, place: &str, at: Timestamp, what: What) -> Line {
        let id = format!("{}/{place}", self.after.id);
        line(self.environment, &self.after.app, id, at, what)
    }

    fn accepted(&self) -> Option<Line> {
        if self.before.is_some() {
            return None;
        }
        let origin = &self.after.origin;
        let what = What::Accepted(Accepted {
            deployment: self.after.id.to_string(),
            kind: origin.kind.word().to_owned(),
            commit: origin.commit.to_string(),
            repository: self.after.repository.to_string(),
            config_version: origin.config_version,
            approvals_wanted: self.after.policy.approvals,
            by: origin.by.as_ref().map(ToString::to_string),
            reason: origin.reason.as_ref().map(ToString::to_string),
            committed_at: origin.committed_at.map(time),
        });
        Some(self.line("accepted", origin.at, what))
    }

    fn votes(&self) -> impl Iterator<Item = Line> {
        let asked = self.after.approval.iter();
        let votes = asked.flat_map(|asked| {
            let numbered = (1_u64..).zip(&asked.votes);
            numbered.map(move |(number, vote)| (asked.asked, number, vote))
        });
        let before = self.before.and_then(|before| before.approval.as_ref());
        let is_known = move |vote| before.is_some_and(|before| before.votes.contains(vote));
        let new = votes.filter(move |(_, _, vote)| !is_known(*vote));
        new.map(|(asked, number, vote)| {
            let what = What::Vote(Vote {
                deployment: self.after.id.to_string(),
                by: vote.by.to_string(),
                via: vote.via.to_string(),
                plan: vote.plan.to_string(),
                reason: vote.comment.as_ref().map(ToString::to_string),
            });
            self.line(&format!("vote/{asked}/{number}"), vote.at, what)
        })
    }

    fn freeze(&self) -> Option<Line> {
        let freeze = self.after.freeze.as_ref()?;
        if self.before.and_then(|before| before.freeze.as_ref()) == Some(freeze) {
            return None;
        }
        let is_ours = freeze.source == FreezeSource::Window;
        let what = What::Freeze(Freeze {
            deployment: self.after.id.to_string(),
            source: freeze.source.word().to_owned(),
            name: is_ours.then(|| freeze.name().to_owned()),
            until: freeze.until.map(time),
        });
        Some(self.line(&format!("freeze/{}", self.after.version), self.at, what))
    }

    fn break_glass(&self) -> Option<Line> {
        let word = self.after.break_glass.as_ref()?;
        if self.before.and_then(|before| before.break_glass.as_ref()) == Some(word) {
            return None;
        }
        let what = What::BreakGlass(BreakGlass {
            deployment: self.after.id.to_string(),
            by: word.by.to_string(),
            reason: word.reason().to_owned(),
        });
        let place = format!("break_glass/{}", self.after.version);
        Some(self.line(&place, word.at, what))
    }

    fn stop(&self) -> Option<Line> {
        let said = self.after.stop.as_ref()?;
        if self.before.and_then(|before| before.stop.as_ref()) == Some(said) {
            return None;
        }
        let what = What::Stop(Stop {
            deployment: self.after.id.to_string(),
            by: said.by.to_string(),
            via: said.via.to_string(),
            reason: said.reason.to_string(),
        });
        Some(self.line(&format!("stop/{}", self.after.version), self.at, what))
    }

    /// The entries that this write added. A timeline only grows.
    fn transitions(&self) -> impl Iterator<Item = Line> {
        let known = self.before.map_or(0, |before| before.timeline.len());
        let entries = (1_u64..).zip(&self.after.timeline);
        entries
            .skip(known)
            .map(|(number, entry)| self.transition(number, entry))
    }

    fn transition(&self, number: u64, entry: &TimelineEntry) -> Line {
        let state = &self.after.state;
        let what = What::Transition(Transition {
            deployment: self.after.id.to_string(),
            entry: number,
            state: entry.state.to_owned(),
            wave: entry.wave,
            cause: entry.cause.map(|cause| cause.word().to_owned()),
            by: self.by(number, entry),
            failure: state.failure().map(class),
            hosts: state.run().map(standings).unwrap_or_default(),
        });
        self.line(&format!("entry/{number}"), entry.at, what)
    }

    /// By whose word an entry was made: whoever asked for the deployment, whoever ended it, and whoever said the yes by which it was
    /// waited no longer.
    fn by(&self, number: u64, entry: &TimelineEntry) -> Option<String> {
        if number == 1 {
            return self.after.origin.by.as_ref().map(ToString::to_string);
        }
        if let Some(said) = said_of(&self.after.state).filter(|_| is_end(entry)) {
            return Some(said.by.to_string());
        }
        let was_asked = self
            .before
            .is_some_and(|before| before.state.name() == ASKED);
        let approved = was_asked && !is_end(entry) && self.after.is_approved();
        let votes = self.after.approval.as_ref().filter(|_| approved)?;
        votes.votes.last().map(|vote| vote.by.to_string())
    }

    fn ended(&self) -> Option<Line> {
        let State::Ended { outcome, run, at } = &self.after.state else {
            return None;
        };
        if self.before.is_some_and(|before| before.state.is_terminal()) {
            return None;
        }
        let said = said_of(&self.after.state);
        let votes = self.after.approval.iter().flat_map(|asked| &asked.votes);
        let run = run.as_ref();
        let what = What::Ended(Ended {
            deployment: self.after.id.to_string(),
            result: outcome.name().to_owned(),
            kind: self.after.origin.kind.word().to_owned(),
            commit: self.after.origin.commit.to_string(),
            entries: count(self.after.timeline.len()),
            accepted_at: time(self.after.origin.at),
            started_at: run.map(|run| time(run.started_at)),
            generation: run.map(|run| run.generation.number()),
            release: run.map(|run| release(&run.release)),
            previous: run.and_then(|run| run.previous.as_ref().map(release)),
            failure: outcome.failure().map(class),
            by: said.map(|said| said.by.to_string()),
            via: said.map(|said| said.via.to_string()),
            reason: said.map(|said| said.reason.to_string()),
            superseded_by: successor(outcome),
            approved_by: votes.map(|vote| vote.by.to_string()).collect(),
            hosts: run.map(standings).unwrap_or_default(),
            migrations: run.and_then(|run| run.migrations.as_ref().map(migrations)),
            judgements: self.after.judgements.iter().map(judgement).collect(),
        });
        Some(self.line("ended", *at, what))
    }
}

/// The deployment that took its place.
fn successor(outcome: &Outcome) -> Option<String> {
    let Outcome::Superseded(by) = outcome else {
        return None;
    };
    Some(by.to_string())
}

/// The commits that a write of the slot put into quarantine.
fn quarantined(
    environment: &EnvironmentName,
    before: Option<&Slot>,
    after: &Slot,
    at: Timestamp,
) -> Vec<Line> {
    let known = before.map(|before| &before.quarantine);
    let is_new = |(commit, by): &(_, _)| known.and_then(|known| known.get(*commit)) != Some(*by);
    let new = after.quarantine.iter().filter(is_new);
    new.map(|(commit, by)| {
        let id = format!("{by}/quarantine/{commit}");
        let what = What::Quarantine(Quarantine {
            deployment: by.to_string(),
            commit: commit.to_string(),
        });
        line(environment, &after.app, id, at, what)
    })
    .collect()
}

/// What an operator did to an app.
fn deed(environment: &EnvironmentName, entry: &Entry) -> Line {
    let number = entry.number;
    let Said { by, via, reason } = &entry.said;
    let (by, via, reason) = (by.to_string(), via.to_string(), reason.to_string());
    let what = match &entry.deed {
        Deed::Locked(until) => What::Lock(Lock {
            number,
            until: time(*until),
            by,
            via,
            reason,
        }),
        Deed::Unlocked => What::Unlock(Unlock {
            number,
            by,
            via,
            reason,
        }),
        Deed::Cleared(commit) => What::ClearQuarantine(ClearQuarantine {
            number,
            commit: commit.to_string(),
            by,
            via,
            reason,
        }),
    };
    let id = format!("{}/audit/{number}", entry.app);
    line(environment, &entry.app, id, entry.at, what)
}

fn line(
    environment: &EnvironmentName,
    app: &AppName,
    id: String,
    at: Timestamp,
    what: What,
) -> Line {
    Line {
        version: VERSION,
        id,
        at: time(at),
        environment: environment.to_string(),
        app: app.to_string(),
        what,
    }
}

/// A moment; one that no calendar has becomes the last that it has.
pub(crate) fn time(at: Timestamp) -> jiff::Timestamp {
    let ms = i64::try_from(at.as_unix_ms()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The class alone: the line that explains a failure is a host's or an app's own.
fn class(failure: &Failure) -> String {
    failure.class.word().to_owned()
}

fn is_end(entry: &TimelineEntry) -> bool {
    Outcome::NAMES.contains(&entry.state)
}

const fn said_of(state: &State) -> Option<&Said> {
    match state {
        State::Ended {
            outcome: Outcome::Rejected(said) | Outcome::Cancelled(said),
            ..
        } => Some(said),
        State::Ended { .. }
        | State::Active { .. }
        | State::AwaitingApproval { .. }
        | State::Queued { .. } => None,
    }
}

/// The hosts by how they stand, in the order of the words and of their ids.
fn standings(run: &Run) -> Vec<Standing> {
    let mut groups: BTreeMap<(&str, Option<&str>), Vec<&HostId>> = BTreeMap::new();
    for (host, standing) in &run.hosts {
        let failure = standing.failure().map(|failure| failure.class.word());
        groups
            .entry((standing.word(), failure))
            .or_default()
            .push(host);
    }
    let told = groups
        .into_iter()
        .map(|((verdict, failure), hosts)| Standing {
            verdict: verdict.to_owned(),
            failure: failure.map(str::to_owned),
            hosts: hosts.into_iter().map(ToString::to_string).collect(),
        });
    told.collect()
}

fn release(release: &longshore_core::Release) -> Release {
    let parameters = release.parameters.iter();
    Release {
        id: release.id().to_string(),
        commit: release.commit.to_string(),
        config_version: release.config_version,
        parameters: parameters
            .map(|(name, version)| (name.to_string(), *version))
            .collect(),
        artifact_sha256: release
            .artifact
            .as_ref()
            .map(|build| build.sha256.to_string()),
    }
}

fn migrations(migrations: &longshore_core::Migrations) -> Migrations {
    Migrations {
        verdict: migrations.found.verdict.word().to_owned(),
        count: migrations.found.count,
        allowed: migrations.found.is_allowed,
        applied: migrations.are_applied,
    }
}

fn judgement(judgement: &longshore_core::Judgement) -> Judgement {
    let numbers = judgement.numbers.iter();
    Judgement {
        check: judgement.check.to_string(),
        finding: judgement.finding.word().to_owned(),
        failure: match judgement.finding {
            Finding::Failed(class) => Some(class.word().to_owned()),
            Finding::Passed | Finding::Inconclusive => None,
        },
        numbers: numbers
            .map(|(of, value)| Number {
                of: of.word().to_owned(),
                value: value.to_string(),
            })
            .collect(),
        at: time(judgement.at),
    }
}
