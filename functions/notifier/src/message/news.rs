//! The words of a message: what happened, why, and what to do, read off the deployment as it is.

use super::{Fact, HOSTS_MAX, HostLine, Problem, Tone};
use crate::text::{duration, hosts};
use longshore_core::{
    AnnouncementKind, Deployment, Failure, FailureClass, HostId, Kind, Migrations, Millis, Outcome,
    Phase, Run, Standing, State, Timestamp, Verdict,
};

/// From here on a message says that it is late.
const LATE: Millis = Millis::from_secs(300);

/// What there is to say, and when it is said.
pub(super) struct News<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) kind: AnnouncementKind,
    pub(super) since: Timestamp,
    pub(super) now: Timestamp,
}

impl News<'_> {
    pub(super) fn title(&self) -> String {
        let Deployment {
            app, environment, ..
        } = self.deployment;
        format!("{app} → {environment}: {}", self.what())
    }

    /// What happened, as the end of a sentence that begins with the app and the environment.
    fn what(&self) -> String {
        let state = &self.deployment.state;
        let targets = state.run().map_or(0, |run| run.hosts.len());
        let commit = self.deployment.origin.commit.short();
        match (self.kind, state) {
            (AnnouncementKind::ApprovalWanted, State::AwaitingApproval { .. }) => {
                format!("{commit} waits for approval")
            }
            (AnnouncementKind::ApprovalWanted, _) => format!("{commit} {}", self.answer()),
            (AnnouncementKind::Started, _) if self.is_a_join() => {
                format!("bringing {commit}, which is live, to {}", hosts(targets))
            }
            (AnnouncementKind::Started, _) => format!("started on {}", hosts(targets)),
            (AnnouncementKind::RollingBack, _) => {
                let moved = state.run().map_or(0, |run| run.moved.len());
                format!("rolling back {}{}", hosts(moved), self.back_to())
            }
            (AnnouncementKind::Ended, State::Ended { outcome, run, .. }) => {
                self.ending(outcome, run.as_ref())
            }
            (AnnouncementKind::Ended, _) => format!("is {}", state.name()),
        }
    }

    pub(super) fn ending(&self, outcome: &Outcome, run: Option<&Run>) -> String {
        let before = self.state_before_the_end();
        match outcome {
            Outcome::Succeeded if self.is_a_join() => {
                let joined = count(run, |standing| matches!(standing, Standing::Proven));
                format!("{} came late and now serves what is live", hosts(joined))
            }
            Outcome::Succeeded => live(run),
            Outcome::Failed(_) if run.is_none() => "failed before it started".to_owned(),
            Outcome::Failed(_) => {
                format!(
                    "failed while {}, no host was switched",
                    before.to_lowercase()
                )
            }
            Outcome::RolledBack(failure) => {
                let restored = count(run, |standing| matches!(standing, Standing::Restored));
                let why = if is_an_operators(failure) {
                    "cancelled by an operator, "
                } else {
                    ""
                };
                format!("{why}rolled back on {}{}", hosts(restored), self.back_to())
            }
            Outcome::RollbackFailed(failure) => {
                let what = if failure.class == FailureClass::NothingProven {
                    "no proven release to go back to"
                } else if failure.class == FailureClass::MigrationIrreversible {
                    "no way back from its migrations"
                } else {
                    "rollback failed"
                };
                match not_restored(run) {
                    1 => format!("{what}, 1 host needs a person"),
                    some => format!("{what}, {} need a person", hosts(some)),
                }
            }
            Outcome::Rejected(said) => format!("rejected by {said}"),
            Outcome::Expired(_) if before == "AwaitingApproval" => {
                "expired, nobody approved in time".to_owned()
            }
            Outcome::Expired(_) => "expired, its turn did not come in time".to_owned(),
            Outcome::Superseded(by) => format!("superseded by {by}"),
            Outcome::Cancelled(said) => format!("no host was switched, cancelled by {said}"),
        }
    }

    const fn is_a_join(&self) -> bool {
        matches!(self.deployment.origin.kind, Kind::Join(_))
    }

    fn back_to(&self) -> String {
        let previous = self
            .deployment
            .state
            .run()
            .and_then(|run| run.previous.as_ref());
        previous.map_or_else(String::new, |release| {
            format!(" to {}", release.commit.short())
        })
    }

    fn state_before_the_end(&self) -> &'static str {
        let mut backwards = self
            .deployment
            .timeline
            .iter()
            .rev()
            .map(|entry| entry.state);
        backwards.nth(1).unwrap_or_default()
    }

    pub(super) const fn tone(&self) -> Tone {
        match (self.kind, &self.deployment.state) {
            (AnnouncementKind::ApprovalWanted, State::AwaitingApproval { .. }) => Tone::NeedsPerson,
            (AnnouncementKind::ApprovalWanted | AnnouncementKind::Started, _) => Tone::Neutral,
            (AnnouncementKind::RollingBack, _) => Tone::Bad,
            (AnnouncementKind::Ended, State::Ended { outcome, .. }) => tone_of(outcome),
            (AnnouncementKind::Ended, _) => Tone::Neutral,
        }
    }

    /// Why it did not go well, as far as this announcement is about that.
    const fn failure(&self) -> Option<&Failure> {
        match self.kind {
            AnnouncementKind::ApprovalWanted | AnnouncementKind::Started => None,
            AnnouncementKind::RollingBack | AnnouncementKind::Ended => {
                failure_of(&self.deployment.state)
            }
        }
    }

    pub(super) fn problem(&self) -> Option<Problem> {
        let run = self.deployment.state.run();
        self.failure().map(|failure| problem(failure, run))
    }

    pub(super) fn next_step(&self) -> Option<String> {
        match (self.kind, &self.deployment.state) {
            (AnnouncementKind::ApprovalWanted, State::AwaitingApproval { deadline, .. }) => {
                let left = duration(deadline.since(self.now));
                let id = &self.deployment.id;
                Some(format!(
                    "longshore approve {id}, or longshore reject {id}; the request expires in {left}"
                ))
            }
            _ => self
                .failure()
                .map(|failure| failure.class.next_step().to_owned()),
        }
    }

    pub(super) fn facts(&self) -> Vec<Fact> {
        let origin = &self.deployment.origin;
        let commit = &origin.commit;
        let repository = &self.deployment.repository;
        let url = format!("https://bitbucket.org/{repository}/commits/{commit}");
        let mut facts = vec![Fact {
            name: "Commit",
            value: commit.short().to_owned(),
            url: Some(url),
        }];
        let mut tell = |name, value: Option<String>| {
            let url = None;
            facts.extend(value.map(|value| Fact { name, value, url }));
        };
        tell("Kind", Some(origin.kind.word().to_owned()));
        tell("By", origin.by.as_ref().map(ToString::to_string));
        tell(
            "Hosts",
            self.deployment.state.run().map(|run| self.standings(run)),
        );
        let run = self.deployment.state.run();
        let migrations = run.and_then(|run| run.migrations.as_ref());
        tell("Migrations", migrations.and_then(of_migrations));
        tell("Checks", self.checks());
        for (name, value) in self.plan_facts() {
            tell(name, Some(value));
        }
        let (name, span) = self.span();
        tell(name, span.map(duration));
        let late = self.now.since(self.since);
        tell(
            "Late",
            (late >= LATE).then(|| format!("this was {} ago", duration(late))),
        );
        facts
    }

    /// What the checks have found, those that could not tell by name: whoever reads that it is live shall know what nobody could
    /// judge.
    fn checks(&self) -> Option<String> {
        let all = &self.deployment.judgements;
        let about_them = matches!(
            self.kind,
            AnnouncementKind::RollingBack | AnnouncementKind::Ended
        );
        if all.is_empty() || !about_them {
            return None;
        }
        let number = |word| all.iter().filter(|j| j.finding.word() == word).count();
        let counts = ["passed", "failed", "inconclusive"].map(|word| (number(word), word));
        let counts = counts.into_iter().filter(|(number, _)| *number > 0);
        let counts: Vec<_> = counts.map(|(n, word)| format!("{n} {word}")).collect();
        let mut said = counts.join(", ");
        for undecided in self.deployment.undecided() {
            said.push_str("; ");
            said.push_str(undecided.check.as_str());
            said.push_str(" could not tell: ");
            said.push_str(undecided.said());
        }
        Some(said)
    }

    /// How long it took, or waited, until what the announcement is about.
    fn span(&self) -> (&'static str, Option<Millis>) {
        let accepted = self.deployment.origin.at;
        let started = self.deployment.state.run().map(|run| run.started_at);
        match (self.kind, started) {
            (AnnouncementKind::ApprovalWanted, _) => ("Waited", None),
            (AnnouncementKind::Started, Some(started)) => ("Waited", Some(started.since(accepted))),
            (AnnouncementKind::Started | AnnouncementKind::Ended, None) => {
                ("Waited", Some(self.since.since(accepted)))
            }
            (AnnouncementKind::RollingBack, started) => {
                ("After", started.map(|started| self.since.since(started)))
            }
            (AnnouncementKind::Ended, Some(started)) => ("Took", Some(self.since.since(started))),
        }
    }

    /// How many hosts stand how; before there is anything to say of that, the waves.
    fn standings(&self, run: &Run) -> String {
        if matches!(
            self.kind,
            AnnouncementKind::ApprovalWanted | AnnouncementKind::Started
        ) {
            return match run.waves.len() {
                1 => format!("{} in 1 wave", run.hosts.len()),
                waves => format!("{} in {waves} waves", run.hosts.len()),
            };
        }
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for standing in run.hosts.values() {
            match counts.iter_mut().find(|(word, _)| *word == standing.word()) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => counts.push((standing.word(), 1)),
            }
        }
        let counts: Vec<String> = counts
            .iter()
            .map(|(word, n)| format!("{n} {word}"))
            .collect();
        counts.join(", ")
    }

    pub(super) fn host_lines(&self) -> (Vec<HostLine>, usize) {
        let run = match self.kind {
            AnnouncementKind::ApprovalWanted => return self.planned_hosts(),
            AnnouncementKind::Started => None,
            AnnouncementKind::RollingBack | AnnouncementKind::Ended => self.deployment.state.run(),
        };
        let Some(run) = run else {
            return (Vec::new(), 0);
        };
        let (trouble, rest): (Vec<_>, Vec<_>) = run
            .hosts
            .iter()
            .partition(|(_, standing)| standing.failure().is_some());
        let lines = trouble.into_iter().chain(rest).take(HOSTS_MAX);
        let lines = lines.map(|(host, standing)| HostLine {
            host: host.clone(),
            verdict: verdict(standing),
        });
        (lines.collect(), run.hosts.len().saturating_sub(HOSTS_MAX))
    }
}

const fn tone_of(outcome: &Outcome) -> Tone {
    match outcome {
        Outcome::Succeeded => Tone::Good,
        Outcome::RolledBack(failure) if is_an_operators(failure) => Tone::Neutral,
        Outcome::Failed(_) | Outcome::RolledBack(_) | Outcome::Expired(_) => Tone::Bad,
        Outcome::RollbackFailed(_) => Tone::NeedsPerson,
        Outcome::Rejected(_) | Outcome::Superseded(_) | Outcome::Cancelled(_) => Tone::Neutral,
    }
}

/// How many migrations are new, what that means for the way back, and what was found; nothing where nothing was.
fn of_migrations(migrations: &Migrations) -> Option<String> {
    let found = &migrations.found;
    if found.count == 0 && found.findings().is_empty() {
        return None;
    }
    let verdict = match found.verdict {
        Verdict::Safe => "safe to go back from",
        Verdict::NeedsDown => "taken back before a rollback",
        Verdict::Impossible if found.is_allowed => "no way back, as an operator allows",
        Verdict::Impossible => "no way back",
    };
    let mut said = format!("{} new, {verdict}", found.count);
    for finding in found.findings() {
        said.push_str("; ");
        said.push_str(finding);
    }
    Some(said)
}

/// Whether somebody wanted it so.
const fn is_an_operators(failure: &Failure) -> bool {
    matches!(failure.class, FailureClass::CancelledByOperator)
}

const fn failure_of(state: &State) -> Option<&Failure> {
    match state {
        State::AwaitingApproval { .. } | State::Queued { .. } => None,
        State::Active { phase, .. } => match phase {
            Phase::Unmigrating { cause, .. }
            | Phase::RollingBack { cause, .. }
            | Phase::VerifyingRollback { cause, .. } => Some(cause),
            Phase::Preparing(_)
            | Phase::Migrating(_)
            | Phase::Activating(_)
            | Phase::Verifying { .. }
            | Phase::Baking { .. } => None,
        },
        State::Ended { outcome, .. } => outcome.failure(),
    }
}

fn live(run: Option<&Run>) -> String {
    let proven = count(run, |standing| matches!(standing, Standing::Proven));
    let excused = count(run, |standing| matches!(standing, Standing::Excused(_)));
    let live = format!("live on {}", hosts(proven));
    if excused == 0 {
        live
    } else {
        format!("{live}, {excused} excused")
    }
}

fn count(run: Option<&Run>, wanted: impl Fn(&Standing) -> bool) -> usize {
    run.map_or(0, |run| {
        run.hosts
            .values()
            .filter(|standing| wanted(standing))
            .count()
    })
}

/// Hosts that were asked to switch and are not known to be back. When all are back and still do not pass, it is all of
/// them.
fn not_restored(run: Option<&Run>) -> usize {
    let Some(run) = run else {
        return 0;
    };
    let back = |host: &&HostId| {
        let standing = run.hosts.get(*host);
        !matches!(standing, Some(Standing::Restored | Standing::Excused(_)))
    };
    match run.moved.iter().filter(back).count() {
        0 => run.moved.len(),
        some => some,
    }
}

/// The verdict in the words of the product: `proven`, `failed(build_failed)`, …
fn verdict(standing: &Standing) -> String {
    standing.failure().map_or_else(
        || standing.word().to_owned(),
        |failure| format!("{}({})", standing.word(), failure.class.word()),
    )
}

/// A failure, with the host apart from the line that it said. The core puts the host first; where it did not, it is the
/// first one that stands as failed.
fn problem(failure: &Failure, run: Option<&Run>) -> Problem {
    let (host, line) = match failure.detail().split_once(": ") {
        Some((host, line)) => (HostId::parse(host).ok(), line),
        None => (HostId::parse(failure.detail()).ok(), ""),
    };
    let line = if host.is_some() {
        line
    } else {
        failure.detail()
    };
    let failed = || {
        let mut hosts = run?.hosts.iter();
        let failed = hosts.find(|(_, standing)| matches!(standing, Standing::Failed(_)));
        failed.map(|(host, _)| host.clone())
    };
    Problem {
        class: failure.class,
        line: line.to_owned(),
        host: host.or_else(failed),
    }
}
