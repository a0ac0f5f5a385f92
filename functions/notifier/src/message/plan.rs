//! The words of a plan that people are asked about, of what they have said to it, and of what became of it.

use super::news::News;
use super::{HOSTS_MAX, HostLine};
use longshore_core::{
    AnnouncementKind, Approval, Changelog, CommitLine, Outcome, PlanDigest, Release, Run, State,
};
use std::collections::BTreeSet;

impl News<'_> {
    /// The plan, as long as people are asked about it.
    pub(super) fn asks(&self) -> Option<PlanDigest> {
        let is_asked = matches!(
            (self.kind, &self.deployment.state),
            (
                AnnouncementKind::ApprovalWanted,
                State::AwaitingApproval { .. }
            )
        );
        let approval = self.deployment.approval.as_ref().filter(|_| is_asked);
        approval.map(|approval| approval.plan.clone())
    }

    /// What became of the question, as the end of a sentence that begins with the commit.
    pub(super) fn answer(&self) -> String {
        let approval = self.deployment.approval.as_ref();
        match (&self.deployment.state, approval) {
            (State::Ended { outcome, .. }, _) if !self.deployment.is_approved() => match outcome {
                Outcome::Rejected(said) => format!("was rejected by {said}"),
                Outcome::Superseded(by) => format!("was superseded by {by}"),
                Outcome::Expired(_) => "waited for approval, nobody approved in time".to_owned(),
                Outcome::Cancelled(said) => format!("was cancelled by {said}"),
                Outcome::Succeeded
                | Outcome::Failed(_)
                | Outcome::RolledBack(_)
                | Outcome::RollbackFailed(_) => "waited for approval".to_owned(),
            },
            (
                State::AwaitingApproval { .. }
                | State::Queued { .. }
                | State::Active { .. }
                | State::Ended { .. },
                Some(approval),
            ) if self.deployment.is_approved() => format!("was approved by {}", voters(approval)),
            (
                State::AwaitingApproval { .. }
                | State::Queued { .. }
                | State::Active { .. }
                | State::Ended { .. },
                _,
            ) => "waited for approval".to_owned(),
        }
    }

    /// What would happen, by names and versions and never by a value, and who has said yes to it.
    pub(super) fn plan_facts(&self) -> Vec<(&'static str, String)> {
        let (AnnouncementKind::ApprovalWanted, Some(run)) =
            (self.kind, self.deployment.state.run())
        else {
            return Vec::new();
        };
        let live = run.previous.as_ref();
        let live_commit = live.map_or("nothing yet", |live| live.commit.short());
        let mut facts = vec![("Live", live_commit.to_owned())];
        facts.extend(live.and_then(|live| configuration(live, &run.release)));
        facts.push(("Parameters", parameters(live, &run.release)));
        facts.extend(live.map(|_| ("Commits", commits(self.deployment.changelog.as_ref()))));
        if let Some(approval) = &self.deployment.approval {
            facts.push(("Plan", approval.plan.short().to_owned()));
            facts.push(("Said yes", self.said_yes(approval)));
        }
        facts
    }

    fn said_yes(&self, approval: &Approval) -> String {
        let given = u32::try_from(approval.votes.len()).unwrap_or(u32::MAX);
        let missing = self.deployment.policy.approvals.saturating_sub(given);
        match (given, missing) {
            (0, missing) => format!("nobody yet, {missing} needed"),
            (_, 0) => voters(approval),
            (_, missing) => format!("{}, {missing} more needed", voters(approval)),
        }
    }

    /// The hosts in the order of their waves.
    pub(super) fn planned_hosts(&self) -> (Vec<HostLine>, usize) {
        let run = self.asks().and(self.deployment.state.run());
        let count = run.map_or(0, |run| run.hosts.len());
        let lines = run.into_iter().flat_map(in_waves).take(HOSTS_MAX).collect();
        (lines, count.saturating_sub(HOSTS_MAX))
    }
}

fn in_waves(run: &Run) -> impl Iterator<Item = HostLine> {
    let waves = run.waves.iter().zip(1_u32..);
    waves.flat_map(|(hosts, number)| {
        hosts.iter().map(move |host| HostLine {
            host: host.clone(),
            verdict: format!("wave {number}"),
        })
    })
}

/// The commits that a message names.
const COMMITS_SHOWN: usize = 5;

/// What comes with it, the newest first.
fn commits(changelog: Option<&Changelog>) -> String {
    let Some(changelog) = changelog else {
        return "not known".to_owned();
    };
    let commits = changelog.commits();
    if commits.is_empty() {
        return "none".to_owned();
    }
    let line = |line: &CommitLine| {
        let (commit, author) = (line.commit.short(), line.author());
        format!("{commit} {} ({author})", line.subject())
    };
    let shown: Vec<String> = commits.iter().take(COMMITS_SHOWN).map(line).collect();
    let more = commits.len().saturating_sub(COMMITS_SHOWN);
    let more = match (more, changelog.has_more) {
        (0, false) => String::new(),
        (more, false) => format!("; and {more} more"),
        (more, true) => format!("; and more than {more} more"),
    };
    format!("{}{more}", shown.join("; "))
}

fn voters(approval: &Approval) -> String {
    let names: Vec<&str> = approval.votes.iter().map(|vote| vote.by.as_str()).collect();
    names.join(", ")
}

fn configuration(live: &Release, new: &Release) -> Option<(&'static str, String)> {
    let (before, after) = (live.config_version, new.config_version);
    (before != after).then(|| ("Configuration", format!("{before} → {after}")))
}

/// Which parameters are other ones than what is live has.
fn parameters(live: Option<&Release>, new: &Release) -> String {
    let before = |name| live.and_then(|live| live.parameters.get(name));
    let names = live.into_iter().flat_map(|live| live.parameters.keys());
    let names: BTreeSet<_> = names.chain(new.parameters.keys()).collect();
    let changes: Vec<String> = names
        .into_iter()
        .filter_map(|name| match (before(name), new.parameters.get(name)) {
            (Some(before), Some(after)) if before == after => None,
            (Some(before), Some(after)) => Some(format!("{name} {before} → {after}")),
            (None, Some(after)) => Some(format!("{name} {after} (new)")),
            (Some(_), None) => Some(format!("{name} (gone)")),
            (None, None) => None,
        })
        .collect();
    if changes.is_empty() {
        "unchanged".to_owned()
    } else {
        changes.join(", ")
    }
}
