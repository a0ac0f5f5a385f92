//! Deployments to tell of, each brought there by the real `step`: a world in which hosts answer as the story says.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "each test program uses its own part of this module, and a test stops at the first surprise"
)]

use longshore_core::{
    Action, Advance, Announcement, AnnouncementKind, AppName, Changelog, Channel, CheckName,
    Commit, CommitLine, Deployment, DeploymentId, DocumentPin, EnvironmentName, Failure,
    FailureClass, Finding, Found, Generation, HealthPolicy, Heard, HostId, Judgement, Kind, Millis,
    Observation, Origin, ParameterName, Person, Policy, Reason, Release, Report, Repository, Said,
    Start, State, Timestamp, Token, Verdict, Via, Vote, WaveSize, step,
};
use std::collections::BTreeMap;

/// When everything begins.
pub(crate) const ACCEPTED: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);

/// A deployment, and the time in its world.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) deployment: Deployment,
    pub(crate) now: Timestamp,
}

pub(crate) fn host(number: u32) -> HostId {
    HostId::parse(&format!("i-{number:017x}")).unwrap()
}

pub(crate) fn ann() -> Person {
    Person::parse("ann").unwrap()
}

pub(crate) fn release(digits: &str) -> Release {
    Release {
        commit: Commit::parse(&digits.repeat(40 / digits.len())).unwrap(),
        config_version: 1,
        artifact: None,
        parameters: BTreeMap::new(),
    }
}

/// What lies between what is live and what is brought, with signs in it that must not get through.
fn changelog() -> Changelog {
    let line = |digits, author, subject| CommitLine::new(release(digits).commit, author, subject);
    let commits = vec![
        line("b1", "Ann <ann@example.com>", "Round totals <up> & *down*"),
        line("b0", "Bob <bob@example.com>", "Add a table of rates"),
    ];
    Changelog::new(commits, false)
}

/// The reports of a story: what a host answers to an action.
pub(crate) type Says = fn(&HostId, Action, &Release) -> Report;

/// Every host does what it is asked to.
pub(crate) fn well(_: &HostId, _: Action, release: &Release) -> Report {
    Report::Done {
        served: Some(release.id()),
        healthy: true,
        found: None,
    }
}

/// The second host fails with this class when it is asked to do this; the others do well.
pub(crate) fn broken(class: FailureClass) -> Report {
    Report::Failed(Failure::with_detail(
        class,
        "Error: Cannot find module <express> & \u{202e}more",
    ))
}

/// A word that stops something.
pub(crate) fn said() -> Said {
    Said {
        by: ann(),
        via: Via::Slack,
        reason: Reason::parse("the fair <b>begins</b>").unwrap(),
    }
}

/// A yes to what a story's people are asked about.
pub(crate) fn vote(story: &Story) -> Vote {
    Vote {
        by: ann(),
        via: Via::Slack,
        plan: story.deployment.approval.clone().unwrap().plan,
        at: story.now,
        comment: None,
    }
}

pub(crate) fn policy() -> Policy {
    Policy {
        waves: vec![WaveSize::Hosts(1), WaveSize::Percent(100)],
        health: HealthPolicy {
            attempts_max: 1,
            interval: Millis::from_secs(2),
            bake: Millis::from_secs(60),
            wave_bake: Millis::default(),
            bake_failures_max: 1,
            passes: 1,
            outside: false,
            numbers: false,
            alarms: false,
            no_data: longshore_core::NoData::Pass,
        },
        channels: vec![Channel::Sns.into()],
        migrates: true,
        approvals: 0,
        by_author: true,
        unreachable_max: 0,
        parallel_max: None,
        in_service_min: None,
        hosts_max: 1000,
        attempts_max: 1,
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

impl Story {
    pub(crate) fn accepted(kind: Kind, policy: Policy) -> Self {
        let deployment = Deployment::accept(
            DeploymentId::parse("01JD0000000000000000000001").unwrap(),
            AppName::parse("orders").unwrap(),
            EnvironmentName::parse("prod").unwrap(),
            Repository::parse("acme/orders").unwrap(),
            Origin {
                kind,
                commit: release("b1").commit,
                config_version: 1,
                by: Some(ann()),
                at: ACCEPTED,
                reason: None,
                committed_at: None,
            },
            policy,
        );
        let now = ACCEPTED;
        Self { deployment, now }
    }

    pub(crate) fn pushed() -> Self {
        Self::accepted(Kind::Push, policy())
    }

    /// The same story later.
    pub(crate) fn later(mut self, seconds: u64) -> Self {
        self.now = self.now.after(Millis::from_secs(seconds));
        self
    }

    /// Something is seen; it must count.
    pub(crate) fn see(mut self, seen: &Observation) -> Self {
        let state = self.deployment.state.name();
        match step(&self.deployment, seen, self.now) {
            Advance::Advanced(next) => self.deployment = *next,
            other @ (Advance::Unchanged(_) | Advance::Rejected(_)) => {
                panic!("{state} + {}: {other:?}", seen.name())
            }
        }
        self
    }

    /// Its turn comes, on so many hosts.
    pub(crate) fn start(self, hosts: u32, previous: bool) -> Self {
        self.see(&Observation::Ready(Start {
            generation: Generation::new(7),
            release: release("b1"),
            document: DocumentPin {
                version: "3".to_owned(),
                hash: "d".repeat(64),
            },
            hosts: (1..=hosts).map(host).collect(),
            previous: previous.then(|| release("a0")),
            changelog: previous.then(changelog),
        }))
    }

    /// Five seconds pass, and every host that is asked answers.
    pub(crate) fn answers(self, says: Says) -> Self {
        let mut story = self.later(5);
        for command in story.deployment.commands().to_vec() {
            for host in &command.hosts {
                story = story.hears(&command.token, host, says);
            }
        }
        story
    }

    fn hears(mut self, token: &Token, host: &HostId, says: Says) -> Self {
        let State::Active { phase, .. } = &self.deployment.state else {
            return self;
        };
        let Some(release) = phase.ask().map(|ask| ask.release.clone()) else {
            return self;
        };
        let report = says(host, token.action, &release);
        let seen = Observation::HostReported(token.clone(), Heard::untimed(host.clone(), report));
        if let Advance::Advanced(next) = step(&self.deployment, &seen, self.now) {
            self.deployment = *next;
        }
        self
    }

    /// Goes on, with all answers and all waits, until it is in this state.
    pub(crate) fn until(mut self, state: &str, says: Says) -> Self {
        for _ in 0..200 {
            if self.deployment.state.name() == state {
                return self;
            }
            self = self.answers(says);
            if let Advance::Advanced(next) =
                step(&self.deployment, &Observation::TimePassed, self.now)
            {
                self.deployment = *next;
            }
        }
        panic!(
            "{state} is not reached from {}",
            self.deployment.state.name()
        );
    }

    /// Goes on to its end on hosts that are well, with checks that find this in every round.
    pub(crate) fn judged(mut self, finds: fn(Timestamp) -> Vec<Judgement>) -> Self {
        for _ in 0..200 {
            if self.deployment.state.is_terminal() {
                return self;
            }
            self = self.answers(well);
            let due = self.deployment.next_look(self.now).unwrap_or(self.now);
            self.now = self.now.max(due);
            if let Advance::Advanced(next) =
                step(&self.deployment, &Observation::TimePassed, self.now)
            {
                self.deployment = *next;
            }
            if let Some(checks) = self.deployment.checks_wanted() {
                let (round, judgements) = (checks.round(), finds(self.now));
                self = self.see(&Observation::Judged { round, judgements });
            }
        }
        panic!("no end is reached from {}", self.deployment.state.name());
    }

    /// What was announced last of this kind.
    pub(crate) fn announcement(&self, kind: AnnouncementKind) -> Announcement {
        let all = self.deployment.announcements.iter().rev();
        all.into_iter()
            .find(|announcement| announcement.kind == kind)
            .unwrap()
            .clone()
    }
}

pub(crate) fn second_fails(
    host_: &HostId,
    action: Action,
    release: &Release,
    when: Action,
    class: FailureClass,
) -> Report {
    if *host_ == host(2) && action == when {
        broken(class)
    } else {
        well(host_, action, release)
    }
}

/// The second host cannot prepare.
pub(crate) fn build_fails(host: &HostId, action: Action, release: &Release) -> Report {
    second_fails(
        host,
        action,
        release,
        Action::Prepare,
        FailureClass::BuildFailed,
    )
}

/// The second host cannot switch, forward or back.
pub(crate) fn switch_fails(host: &HostId, action: Action, release: &Release) -> Report {
    second_fails(
        host,
        action,
        release,
        Action::Activate,
        FailureClass::StartFailed,
    )
}

/// The second host cannot switch to the new release, but back.
pub(crate) fn health_fails(host: &HostId, action: Action, new: &Release) -> Report {
    if *new == release("a0") {
        well(host, action, new)
    } else {
        second_fails(
            host,
            action,
            new,
            Action::Activate,
            FailureClass::HealthFailed,
        )
    }
}

/// The hosts that were switched back do not serve the old release when they are asked again.
pub(crate) fn comes_back_wrong(host: &HostId, action: Action, asked: &Release) -> Report {
    if *asked == release("a0") && action == Action::Status {
        Report::Done {
            served: None,
            healthy: true,
            found: None,
        }
    } else {
        health_fails(host, action, asked)
    }
}

pub(crate) fn migration_fails(_: &HostId, action: Action, release: &Release) -> Report {
    if action == Action::Migrate {
        return broken(FailureClass::MigrationFailed);
    }
    well(&host(1), action, release)
}

pub(crate) fn second_is_gone(host_: &HostId, action: Action, release: &Release) -> Report {
    if *host_ == host(2) {
        Report::Lost(FailureClass::Undeliverable)
    } else {
        well(host_, action, release)
    }
}

/// Two migrations are new, and must be taken back before a rollback; the app turns out to be sick.
pub(crate) fn migrated_and_sick(host: &HostId, action: Action, asked: &Release) -> Report {
    if action == Action::Prepare {
        let findings = [
            "2-drop.sql: DROP COLUMN",
            "3.js: is code, not SQL: not judged",
        ];
        return Report::Done {
            served: None,
            healthy: false,
            found: Some(Found::new(Verdict::NeedsDown, false, 2, findings)),
        };
    }
    health_fails(host, action, asked)
}

/// The same, and the database cannot be taken back.
fn migrated_for_good(host: &HostId, action: Action, asked: &Release) -> Report {
    match (migrated_and_sick(host, action, asked), action) {
        (
            Report::Done {
                served, healthy, ..
            },
            Action::Prepare,
        ) => Report::Done {
            served,
            healthy,
            found: Some(Found::new(
                Verdict::Impossible,
                true,
                1,
                ["9-drop.sql: DROP TABLE"],
            )),
        },
        (said, _) => said,
    }
}

/// The same, and taking it back fails.
fn not_taken_back(host: &HostId, action: Action, asked: &Release) -> Report {
    if action == Action::Unmigrate {
        return broken(FailureClass::MigrationDownFailed);
    }
    migrated_and_sick(host, action, asked)
}

/// A story of two people who are asked, with parameters and a configuration that have changed since what is live.
pub(crate) fn asked_about_changes() -> Story {
    let mut policy = policy();
    policy.approvals = 2;
    let mut story = Story::accepted(Kind::Push, policy)
        .start(3, true)
        .until("AwaitingApproval", migrated_and_sick);
    let State::AwaitingApproval { run, .. } = &mut story.deployment.state else {
        return story;
    };
    let versions = |all: &[(&str, u32)]| {
        all.iter()
            .map(|(name, version)| (ParameterName::parse(name).unwrap(), *version))
            .collect()
    };
    run.release.parameters = versions(&[("DATABASE_URL", 8), ("NEW_KEY", 1), ("SAME", 2)]);
    run.release.config_version = 5;
    if let Some(previous) = &mut run.previous {
        previous.parameters = versions(&[("DATABASE_URL", 7), ("OLD_KEY", 3), ("SAME", 2)]);
    }
    story
}

/// What a check has found, in its words.
pub(crate) fn judgement(name: &str, finding: Finding, said: &str, at: Timestamp) -> Judgement {
    Judgement::new(
        CheckName::parse(name).unwrap(),
        finding,
        Vec::new(),
        said,
        at,
    )
}

/// Every host is well, no alarm is raised, and the users wait longer than before.
fn slower(at: Timestamp) -> Vec<Judgement> {
    vec![
        judgement("alarm:orders-5xx", Finding::Passed, "not raised", at),
        judgement(
            "metric:latency",
            Finding::Failed(FailureClass::MetricWorse),
            "412 ms since the switch, 180 ms before it, 176 ms on the hosts with the previous release: more than 20% higher",
            at,
        ),
        judgement(
            "metric:memory",
            Finding::Inconclusive,
            "too few samples: 2 since the switch, 40 before it; 3 are needed on each side",
            at,
        ),
    ]
}

/// A deployment that ends well although a check could not tell.
pub(crate) fn judged_by_little() -> Story {
    let mut policy = policy();
    policy.health.numbers = true;
    policy.health.bake = Millis::default();
    let story = Story::accepted(Kind::Push, policy).start(1, true);
    story.judged(|at| {
        let too_few = "1 of 3 samples since the switch";
        vec![
            judgement("alarm:orders-5xx", Finding::Passed, "ok", at),
            judgement("metric:cpu", Finding::Inconclusive, too_few, at),
        ]
    })
}

fn judged_slower() -> Story {
    let mut policy = policy();
    policy.health.numbers = true;
    Story::accepted(Kind::Push, policy)
        .later(3)
        .start(3, true)
        .judged(slower)
}

/// A message to tell of: its name, what it is about, and which news of it.
pub(crate) type Told = (&'static str, Story, AnnouncementKind);

fn pushed(hosts: u32) -> Story {
    Story::pushed().later(3).start(hosts, true)
}

fn awaiting() -> Story {
    let mut policy = policy();
    policy.approvals = 1;
    let story = Story::accepted(Kind::Push, policy).start(3, true);
    story.until("AwaitingApproval", well).later(60)
}

/// Every kind of message.
pub(crate) fn all() -> Vec<Told> {
    let mut all = forward();
    all.extend(backward());
    all.extend(without_a_start());
    all
}

fn forward() -> Vec<Told> {
    use AnnouncementKind::{ApprovalWanted, Ended, Started};
    let mut lenient = policy();
    lenient.unreachable_max = 1;
    let excused = Story::accepted(Kind::Redeploy, lenient).start(3, true);
    let excused = excused.until("Succeeded", second_is_gone);
    let many = pushed(25).until("Succeeded", well);
    let answered = awaiting();
    let answered = answered
        .clone()
        .see(&Observation::Approved(vote(&answered)));
    let joined = Story::accepted(Kind::Join(release("b1")), policy()).start(1, true);
    let back = Kind::Rollback(release("b1"));
    let with_the_database = Story::accepted(back, policy()).start(3, true);
    vec![
        ("approval_wanted", awaiting(), ApprovalWanted),
        ("plan_with_changes", asked_about_changes(), ApprovalWanted),
        ("approval_answered", answered, ApprovalWanted),
        ("started", pushed(3), Started),
        ("succeeded", pushed(3).until("Succeeded", well), Ended),
        ("succeeded_on_many_hosts", many, Ended),
        ("succeeded_with_excused", excused, Ended),
        ("succeeded_undecided", judged_by_little(), Ended),
        ("joined", joined.until("Succeeded", well), Ended),
        (
            "went_back_with_the_database",
            with_the_database.until("Succeeded", well),
            Ended,
        ),
    ]
}

fn backward() -> Vec<Told> {
    use AnnouncementKind::{Ended, RollingBack};
    let stop = Observation::CancelRequested(said());
    let cancelled = pushed(3).until("Baking", well).see(&stop);
    let of = |hosts, state, says: Says| pushed(hosts).until(state, says);
    let first = Story::pushed().start(2, false);
    let refused = Failure::with_detail(FailureClass::ConfigRefused, "health.port is missing");
    let refused = Story::pushed()
        .later(7)
        .see(&Observation::NotReady(refused));
    vec![
        ("failed_before_the_start", refused, Ended),
        ("failed_preparing", of(3, "Failed", build_fails), Ended),
        ("failed_migrating", of(2, "Failed", migration_fails), Ended),
        (
            "rolling_back",
            of(3, "RollingBack", health_fails),
            RollingBack,
        ),
        (
            "taking_back",
            of(3, "Unmigrating", migrated_and_sick),
            RollingBack,
        ),
        ("rolled_back", of(3, "RolledBack", health_fails), Ended),
        ("rolled_back_by_numbers", judged_slower(), Ended),
        (
            "rolled_back_with_the_database",
            of(3, "RolledBack", migrated_and_sick),
            Ended,
        ),
        (
            "rollback_failed",
            of(3, "RollbackFailed", switch_fails),
            Ended,
        ),
        (
            "rollback_not_healthy",
            of(3, "RollbackFailed", comes_back_wrong),
            Ended,
        ),
        (
            "nothing_proven",
            first.until("RollbackFailed", health_fails),
            Ended,
        ),
        (
            "no_way_back",
            of(3, "RollbackFailed", migrated_for_good),
            Ended,
        ),
        (
            "not_taken_back",
            of(3, "RollbackFailed", not_taken_back),
            Ended,
        ),
        (
            "cancelled_after_a_switch",
            cancelled.until("RolledBack", well),
            Ended,
        ),
    ]
}

fn without_a_start() -> Vec<Told> {
    use AnnouncementKind::Ended;
    let queued = || Story::accepted(Kind::Config, policy()).later(60);
    let newer = DeploymentId::parse("01JD0000000000000000000002").unwrap();
    let late = awaiting().later(7200);
    vec![
        (
            "rejected",
            awaiting().see(&Observation::Refused(said())),
            Ended,
        ),
        ("expired", late.see(&Observation::TimePassed), Ended),
        (
            "expired_in_the_queue",
            queued().later(7200).see(&Observation::TimePassed),
            Ended,
        ),
        (
            "superseded",
            queued().see(&Observation::Superseded(newer)),
            Ended,
        ),
        (
            "cancelled",
            queued().see(&Observation::CancelRequested(said())),
            Ended,
        ),
    ]
}
