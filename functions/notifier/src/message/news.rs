//! The words of a message: what happened, why, and what to do, read off the deployment as it is.

use super::words;
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
    pub(super) fn what(&self) -> String {
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
                let database = self.database();
                format!("rolling back {}{}{database}", hosts(moved), self.back_to())
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
            Outcome::Succeeded => format!("{}{}", live(run), self.database()),
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
                let (back_to, database) = (self.back_to(), self.database());
                format!("{why}rolled back on {}{back_to}{database}", hosts(restored))
            }
            Outcome::RollbackFailed(failure) => {
                let what = if failure.class == FailureClass::NothingProven {
                    "no proven release to go back to"
                } else if failure.class == FailureClass::MigrationIrreversible {
                    "no way back from its migrations"
                } else if failure.class == FailureClass::MigrationDownFailed {
                    "its migrations were not taken back"
                } else {
                    "rollback failed"
                };
                match run.map_or(0, |run| not_restored(run).len()) {
                    0 => format!("{what}, somebody must look at the database"),
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

    /// What is done, or was, to the database on a way back, as the end of a title; empty where nothing was.
    fn database(&self) -> String {
        let run = self.deployment.state.run();
        let migrations = run.and_then(|run| run.migrations.as_ref());
        let what = match migrations.map(|all| all.found.count) {
            Some(1) => "1 migration".to_owned(),
            Some(count) if count > 1 => format!("{count} migrations"),
            // The host that took them back did not count them.
            Some(_) | None => "the database".to_owned(),
        };
        match way_of(self.deployment) {
            Way::Stays => String::new(),
            Way::IsTakenBack => format!(", taking {what} back first"),
            Way::TakenBack => format!(", {what} taken back"),
        }
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
            (AnnouncementKind::ApprovalWanted, State::AwaitingApproval { .. }) => Tone::Asks,
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
                self.deployment.state.failure()
            }
        }
    }

    pub(super) fn problem(&self) -> Option<Problem> {
        let run = self.deployment.state.run();
        self.failure().map(|failure| problem(failure, run))
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
        // Whoever is asked sees it among the commits.
        let is_asked = self.kind == AnnouncementKind::ApprovalWanted;
        tell("Change", self.subject().filter(|_| !is_asked));
        tell("Kind", Some(words::of_kind(&origin.kind).to_owned()));
        tell("By", origin.by.as_ref().map(ToString::to_string));
        tell("Reason", origin.reason.as_ref().map(ToString::to_string));
        tell(
            "Hosts",
            self.deployment.state.run().map(|run| self.standings(run)),
        );
        let run = self.deployment.state.run();
        let migrations = run.and_then(|run| run.migrations.as_ref());
        let way = way_of(self.deployment);
        tell(
            "Migrations",
            migrations.and_then(|all| of_migrations(all, way)),
        );
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

    /// The first line of the commit's message, where the repository has told it.
    pub(super) fn subject(&self) -> Option<String> {
        let commit = &self.deployment.origin.commit;
        let mut lines = self.deployment.changelog.as_ref()?.commits().iter();
        let line = lines.find(|line| line.commit == *commit)?;
        Some(line.subject().to_owned()).filter(|subject| !subject.is_empty())
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
        let words = [
            ("passed", "passed"),
            ("failed", "failed"),
            ("inconclusive", "could not tell"),
        ];
        let counts = words.map(|(word, said)| (number(word), said));
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
            (AnnouncementKind::RollingBack, started) => (
                "Went wrong after",
                started.map(|started| self.since.since(started)),
            ),
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
        let mut counts: Vec<(String, usize)> = Vec::new();
        for standing in run.hosts.values() {
            let stands = words::of_standing(standing, run);
            match counts.iter_mut().find(|(said, _)| *said == stands) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => counts.push((stands, 1)),
            }
        }
        let counts: Vec<String> = counts
            .iter()
            .map(|(said, n)| format!("{n} {said}"))
            .collect();
        counts.join("; ")
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
            verdict: words::of_host(standing, run),
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

/// What becomes of the database on a way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It stays as it is.
    Stays,
    /// Migrations are being taken back.
    IsTakenBack,
    /// They were.
    TakenBack,
}

/// What becomes, or became, of the database. A deployment takes its own migrations back before it goes back; an operator's way back
/// those of what is left, where it was told to.
fn way_of(deployment: &Deployment) -> Way {
    let state = &deployment.state;
    let has_run = state.run().is_some_and(|run| run.verdict().is_some());
    if deployment.takes_back() {
        return if has_run { Way::TakenBack } else { Way::Stays };
    }
    let must = state.run().and_then(Run::verdict) == Some(Verdict::NeedsDown);
    match state {
        _ if !must => Way::Stays,
        State::Active { phase, .. } => match phase {
            Phase::Unmigrating { .. } => Way::IsTakenBack,
            Phase::RollingBack { .. } | Phase::VerifyingRollback { .. } => Way::TakenBack,
            Phase::Preparing(_)
            | Phase::Migrating(_)
            | Phase::Activating(_)
            | Phase::Verifying { .. }
            | Phase::Baking { .. } => Way::Stays,
        },
        State::Ended { outcome, .. } => match outcome {
            Outcome::RolledBack(_) => Way::TakenBack,
            Outcome::RollbackFailed(failure) => {
                let stays = matches!(
                    failure.class,
                    FailureClass::MigrationDownFailed | FailureClass::NothingProven
                );
                if stays { Way::Stays } else { Way::TakenBack }
            }
            Outcome::Succeeded
            | Outcome::Failed(_)
            | Outcome::Rejected(_)
            | Outcome::Expired(_)
            | Outcome::Superseded(_)
            | Outcome::Cancelled(_) => Way::Stays,
        },
        State::AwaitingApproval { .. } | State::Queued { .. } => Way::Stays,
    }
}

/// How many migrations are new, what that means for the way back, and what was found; nothing where nothing was.
fn of_migrations(migrations: &Migrations, way: Way) -> Option<String> {
    let found = &migrations.found;
    if way == Way::TakenBack && found.count == 0 {
        return Some("those of what was live, taken back".to_owned());
    }
    if found.count == 0 && found.findings().is_empty() {
        return None;
    }
    let verdict = match found.verdict {
        _ if way == Way::TakenBack => "taken back",
        _ if way == Way::IsTakenBack => "being taken back",
        Verdict::Safe => "new, the release before can live with them",
        Verdict::NeedsDown => "new, to be taken back before a rollback",
        Verdict::Impossible if found.is_allowed => "new, no way back, as an operator allows",
        Verdict::Impossible => "new, no way back",
    };
    let mut said = format!("{} {verdict}", found.count);
    for finding in found.findings() {
        said.push_str("; ");
        said.push_str(finding);
    }
    Some(said)
}

/// Whether somebody wanted it so.
pub(super) const fn is_an_operators(failure: &Failure) -> bool {
    matches!(failure.class, FailureClass::CancelledByOperator)
}

fn live(run: Option<&Run>) -> String {
    let proven = count(run, |standing| matches!(standing, Standing::Proven));
    let excused = count(run, |standing| matches!(standing, Standing::Excused(_)));
    let live = format!("live on {}", hosts(proven));
    if excused == 0 {
        live
    } else {
        format!("{live}, {excused} left out")
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
pub(super) fn not_restored(run: &Run) -> Vec<&HostId> {
    let back = |host: &&HostId| {
        let standing = run.hosts.get(*host);
        matches!(standing, Some(Standing::Restored | Standing::Excused(_)))
    };
    let lost: Vec<&HostId> = run.moved.iter().filter(|host| !back(host)).collect();
    if lost.is_empty() {
        run.moved.iter().collect()
    } else {
        lost
    }
}

/// A failure, with the host apart from the line that it said. The core puts the host first; where it did not, it is the
/// first one that stands as failed.
fn problem(failure: &Failure, run: Option<&Run>) -> Problem {
    let (host, line) = match failure.detail().split_once(": ") {
        Some((host, line)) => (HostId::parse(host).ok(), line),
        None => (HostId::parse(failure.detail()).ok(), ""),
    };
    let line = if host.is_some() {
        line.to_owned()
    } else {
        words::of_detail(failure)
    };
    let failed = || {
        let mut hosts = run?.hosts.iter();
        let failed = hosts.find(|(_, standing)| matches!(standing, Standing::Failed(_)));
        failed.map(|(host, _)| host.clone())
    };
    Problem {
        class: failure.class,
        line,
        host: host.or_else(failed),
    }
}
