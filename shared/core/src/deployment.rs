//! One attempt to move an app of an environment to a release.

use crate::changelog::Changelog;
use crate::channel::{Channel, Post};
use crate::command::{Command, CommandStatus};
use crate::freeze::{BreakGlass, Freeze};
use crate::ids::{
    AppName, Commit, DeploymentId, EnvironmentName, Person, Repository, SlackChannel,
};
use crate::judgement::{Finding, Judgement};
use crate::people::{Approval, Reason, Said};
use crate::policy::Policy;
use crate::release::{Artifact, Release};
use crate::rounds::{Judging, Round, Rounds};
use crate::state::{Phase, Run, Standing, State};
use crate::time::{Millis, Timestamp};

/// What a deployment is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A push to the environment's branch.
    Push,
    /// The same commit again.
    Redeploy,
    /// An operator goes back to a release that was proven; the commit that it leaves is put into quarantine.
    Rollback(Release),
    /// An operator rehearses: to a release that was proven, and nothing is put into quarantine.
    Drill(Release),
    /// What was proven in another environment: its commit, and its very build where there is one.
    Promote(Option<Artifact>),
    /// The same commit with new parameter versions.
    Config,
    /// Hosts that came late get what is live.
    Join(Release),
}

impl Kind {
    /// Every kind's word.
    pub const WORDS: [&'static str; 7] = [
        "push", "redeploy", "rollback", "drill", "promote", "config", "join",
    ];

    /// Whether it brings a commit that need not have been proven here: what is in quarantine stays out of it.
    #[must_use]
    pub const fn brings_a_commit(&self) -> bool {
        match self {
            Self::Push | Self::Redeploy | Self::Config | Self::Promote(_) => true,
            Self::Rollback(_) | Self::Drill(_) | Self::Join(_) => false,
        }
    }

    /// Whether people are asked where policy says so. Going back, rehearsing it, and bringing further hosts to what is live
    /// move to what was approved and proven here.
    #[must_use]
    pub const fn needs_people(&self) -> bool {
        self.brings_a_commit()
    }

    /// The kind's word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Redeploy => "redeploy",
            Self::Rollback(_) => "rollback",
            Self::Drill(_) => "drill",
            Self::Promote(_) => "promote",
            Self::Config => "config",
            Self::Join(_) => "join",
        }
    }
}

/// Where a deployment comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// What it is for.
    pub kind: Kind,
    /// The commit it brings.
    pub commit: Commit,
    /// The version of the app configuration that decided it.
    pub config_version: u32,
    /// Who asked, where that is known and can be shown safely.
    pub by: Option<Person>,
    /// Why, in that person's words, where an operator has said it.
    pub reason: Option<Reason>,
    /// When it was accepted.
    pub at: Timestamp,
    /// When the commit was made, where a push told that. It is the word of whoever made the commit, by their own clock; a time
    /// after that of the acceptance is not kept.
    pub committed_at: Option<Timestamp>,
}

/// Which function has work to do. Each performs only its own; what it may do is in its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Desk {
    /// Starts deployments and drives them forward.
    Reconciler,
    /// Runs rounds of verification.
    HealthVerifier,
    /// Restores hosts.
    AutoRollback,
    /// Tells people.
    Notifier,
}

impl Desk {
    /// Every desk.
    pub const ALL: [Self; 4] = [
        Self::Reconciler,
        Self::HealthVerifier,
        Self::AutoRollback,
        Self::Notifier,
    ];

    /// The word for the desk in table attributes and event fields.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reconciler => "reconciler",
            Self::HealthVerifier => "health_verifier",
            Self::AutoRollback => "auto_rollback",
            Self::Notifier => "notifier",
        }
    }
}

/// Checks that are to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// The alarms, before anything is changed.
    Before,
    /// Those of a round.
    Round {
        /// The number of the round.
        number: u32,
        /// Whether those from outside are among them.
        outside: bool,
        /// Whether those by numbers are among them: alarms, metrics, logs.
        numbers: bool,
    },
}

impl Checks {
    /// The number by which what they have found is told.
    #[must_use]
    pub const fn round(self) -> u32 {
        match self {
            Self::Before => 0,
            Self::Round { number, .. } => number,
        }
    }
}

/// What made somebody look. A deployment that only ticks have moved says that the event path is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A push.
    Push,
    /// The poll: the branch points at a commit of which no push was told.
    Poll,
    /// An event of SSM, or of the table.
    Event,
    /// The minute tick.
    Tick,
    /// A look that was planned.
    LookAgain,
    /// A person.
    Operator,
}

impl Cause {
    /// The word for the cause.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Poll => "poll",
            Self::Event => "event",
            Self::Tick => "tick",
            Self::LookAgain => "look_again",
            Self::Operator => "operator",
        }
    }
}

/// One line of a deployment's history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// The state it entered.
    pub state: &'static str,
    /// The wave it entered, for the states that have one.
    pub wave: Option<u32>,
    /// What made somebody look; set by the shell when it writes.
    pub cause: Option<Cause>,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnnouncementKind {
    /// Somebody must approve.
    ApprovalWanted,
    /// It has started.
    Started,
    /// It is being rolled back.
    RollingBack,
    /// It has ended; the state says how.
    Ended,
}

impl AnnouncementKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::ApprovalWanted,
        Self::Started,
        Self::RollingBack,
        Self::Ended,
    ];

    /// The word for the kind.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ApprovalWanted => "approval_wanted",
            Self::Started => "started",
            Self::RollingBack => "rolling_back",
            Self::Ended => "ended",
        }
    }
}

/// A message that people of one channel are still owed. Each channel has its own, so that a channel that is down delays
/// no other and repeats none. Its number makes a repeat recognisable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Announcement {
    /// The number within the deployment, from 1.
    pub number: u32,
    /// What it is about.
    pub kind: AnnouncementKind,
    /// Where it goes.
    pub channel: Channel,
    /// When it became due.
    pub since: Timestamp,
    /// When somebody set out to deliver it. Until the claim is old, nobody else does, so that people are not told twice
    /// when two looks meet.
    pub claimed: Option<Timestamp>,
}

impl Announcement {
    /// After this time a claim is void: whoever made it has died or was not heard, and the message is delivered again, at
    /// the pace of the minute tick.
    pub const CLAIM_HOLDS: Millis = Millis::from_secs(60);

    /// The longest that a channel is heard when it asks for patience.
    pub const POSTPONED_MAX: Millis = Millis::from_secs(3600);

    /// Whether nobody is at it: it may be claimed, unless it must wait for another.
    #[must_use]
    pub fn is_free(&self, now: Timestamp) -> bool {
        self.claimed
            .is_none_or(|since| now.since(since) >= Self::CLAIM_HOLDS)
    }
}

/// One attempt to move an app of an environment to a release.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The repository the commit is in.
    pub repository: Repository,
    /// Where it comes from.
    pub origin: Origin,
    /// The limits that were in force when it was accepted.
    pub policy: Policy,
    /// Where it is.
    pub state: State,
    /// The commits between what was live at its start and what it brings, or, on a way back, those that it takes away; `None`
    /// when that is not known.
    pub changelog: Option<Changelog>,
    /// What was asked of people, and what they said.
    pub approval: Option<Approval>,
    /// A wish to stop that is carried out when the migrations have come to an end.
    pub stop: Option<Said>,
    /// The freeze that holds it while it waits, as it was last seen.
    pub freeze: Option<Freeze>,
    /// The word by which it may begin, or has begun, in spite of a freeze.
    pub break_glass: Option<BreakGlass>,
    /// What each check has found last, on the way forward. Bounded by [`Judgement::CHECKS_MAX`].
    pub judgements: Vec<Judgement>,
    /// Messages that people are still owed.
    pub announcements: Vec<Announcement>,
    /// The number of messages there have been.
    pub announced: u32,
    /// Messages that stand somewhere and change with it: at most one for each Slack channel of the policy.
    pub posts: Vec<Post>,
    /// Every state it has been in. Bounded, because transitions are.
    pub timeline: Vec<TimelineEntry>,
    /// How often it was written; every write names the version it replaces.
    pub version: u64,
}

impl Deployment {
    /// A new deployment, waiting for its turn.
    #[must_use]
    pub fn accept(
        id: DeploymentId,
        app: AppName,
        environment: EnvironmentName,
        repository: Repository,
        origin: Origin,
        policy: Policy,
    ) -> Self {
        let now = origin.at;
        let state = State::Queued {
            deadline: now.after(policy.queue_timeout),
            approved: None,
        };
        let mut deployment = Self {
            id,
            app,
            environment,
            repository,
            origin,
            policy,
            state: state.clone(),
            changelog: None,
            approval: None,
            stop: None,
            freeze: None,
            break_glass: None,
            judgements: Vec::new(),
            announcements: Vec::new(),
            announced: 0,
            posts: Vec::new(),
            timeline: Vec::new(),
            version: 0,
        };
        deployment.enter(state, now);
        deployment
    }

    /// Whether as many people have said yes to the plan as policy asks for.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        let needed = usize::try_from(self.policy.approvals).unwrap_or(usize::MAX);
        let votes = self.approval.as_ref().map_or(0, |asked| asked.votes.len());
        votes >= needed
    }

    /// Whether it is an operator's way back that takes the migrations of what is live back, before any host switches. A way
    /// back has no migrations of its own to run, so that it migrates can mean nothing else.
    #[must_use]
    pub const fn takes_back(&self) -> bool {
        matches!(self.origin.kind, Kind::Rollback(_)) && self.policy.migrates
    }

    /// Whether there are hosts that policy let it go on without.
    #[must_use]
    pub fn left_hosts_out(&self) -> bool {
        let excused = |standing: &Standing| matches!(standing, Standing::Excused(_));
        let run = self.state.run();
        run.is_some_and(|run| run.hosts.values().any(excused))
    }

    /// The plan that people have said yes to, while it waits for its turn.
    #[must_use]
    pub const fn approved(&self) -> Option<&Run> {
        match &self.state {
            State::Queued { approved, .. } => approved.as_ref(),
            State::AwaitingApproval { .. } | State::Active { .. } | State::Ended { .. } => None,
        }
    }

    /// Whether nobody has anything left to do: it is over and people were told.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.state.is_terminal() && self.announcements.is_empty()
    }

    /// Whether a message may be claimed now: nobody is at it, and where each message takes the place of the one before, at none
    /// of the same channel.
    #[must_use]
    pub fn may_claim(&self, number: u32, now: Timestamp) -> bool {
        let mut all = self.announcements.iter();
        let Some(message) = all.find(|message| message.number == number) else {
            return false;
        };
        let rivals = |other: &&Announcement| {
            other.channel == message.channel && message.channel.is_in_place()
        };
        let mut rivals = self.announcements.iter().filter(rivals);
        message.is_free(now) && rivals.all(|other| other.is_free(now))
    }

    /// The message that stands in a Slack channel, if one does.
    #[must_use]
    pub fn post_in(&self, channel: &SlackChannel) -> Option<&Post> {
        self.posts.iter().find(|post| post.channel == *channel)
    }

    /// Which desks have work. The desk of an active phase has work as long as the phase lasts; an end leaves the
    /// reconciler the one that waits.
    #[must_use]
    pub fn desks(&self) -> Vec<Desk> {
        let mut desks = vec![self.desk()];
        if !self.announcements.is_empty() {
            desks.push(Desk::Notifier);
        }
        desks
    }

    /// The desk that drives the current state.
    #[must_use]
    pub const fn desk(&self) -> Desk {
        match &self.state {
            State::AwaitingApproval { .. } | State::Queued { .. } => Desk::Reconciler,
            State::Active { phase, .. } => match phase {
                Phase::Preparing(_) | Phase::Migrating(_) | Phase::Activating(_) => {
                    Desk::Reconciler
                }
                Phase::Verifying { .. }
                | Phase::Baking { .. }
                | Phase::VerifyingRollback { .. } => Desk::HealthVerifier,
                Phase::Unmigrating { .. } | Phase::RollingBack { .. } => Desk::AutoRollback,
            },
            State::Ended { .. } => Desk::Reconciler,
        }
    }

    /// The commands of the current question, whatever has become of them.
    #[must_use]
    pub fn commands(&self) -> &[Command] {
        match &self.state {
            State::Active { phase, .. } => phase.ask().map_or(&[], |ask| &ask.commands),
            State::AwaitingApproval { .. } | State::Queued { .. } | State::Ended { .. } => &[],
        }
    }

    /// The commands that are to be sent now.
    pub fn commands_due(&self, now: Timestamp) -> impl Iterator<Item = &Command> {
        self.commands().iter().filter(
            move |command| matches!(command.status, CommandStatus::Planned { due } if due <= now),
        )
    }

    /// The checks that are to be done now, if there are any: those of the current round, or the look at the alarms before
    /// anything is changed.
    #[must_use]
    pub fn checks_wanted(&self) -> Option<Checks> {
        if let State::Active {
            phase: Phase::Preparing(ask),
            ..
        } = &self.state
        {
            return (ask.is_complete() && self.sees_alarms_first()).then_some(Checks::Before);
        }
        let rounds = self.rounds()?;
        match &rounds.round {
            Round::Asking {
                judging: Judging::Wanted,
                ..
            } => Some(Checks::Round {
                number: rounds.begun,
                outside: self.looks_from_outside(),
                numbers: self.judges_numbers(),
            }),
            Round::Asking { .. } | Round::Due(_) => None,
        }
    }

    /// Whether what alarms say decides whether anything is changed at all.
    pub(crate) const fn sees_alarms_first(&self) -> bool {
        self.policy.health.alarms && self.origin.kind.brings_a_commit()
    }

    /// Whether rounds have checks from outside now. They begin when every host has switched: before that, a load balancer
    /// may well answer from a host of a later wave, and rightly from the old release.
    pub(crate) fn looks_from_outside(&self) -> bool {
        let all = |run: &Run| run.switched().len() == run.in_service().len();
        self.policy.health.outside && self.state.run().is_some_and(all)
    }

    /// Whether rounds have checks by numbers now. On the way back they say nothing: an alarm stays raised for minutes after
    /// its cause has gone. For the same reason a deployment that goes back itself is not judged by them.
    pub(crate) const fn judges_numbers(&self) -> bool {
        let goes_forward = matches!(
            &self.state,
            State::Active {
                phase: Phase::Verifying { .. } | Phase::Baking { .. },
                ..
            }
        );
        goes_forward && self.policy.health.numbers && self.origin.kind.brings_a_commit()
    }

    /// When the first host was asked to switch.
    #[must_use]
    pub fn first_switch(&self) -> Option<Timestamp> {
        let switches = |entry: &&TimelineEntry| entry.state == "Activating";
        self.timeline.iter().find(switches).map(|entry| entry.at)
    }

    /// The checks that could not tell when they were done last.
    pub fn undecided(&self) -> impl Iterator<Item = &Judgement> {
        let undecided = |judgement: &&Judgement| judgement.finding == Finding::Inconclusive;
        self.judgements.iter().filter(undecided)
    }

    /// Keeps the latest of each check, in the order in which they were first done. On the way back nothing is kept, so that
    /// what was found of the release stays.
    pub(crate) fn note(&mut self, judgements: &[Judgement]) {
        if matches!(
            &self.state,
            State::Active {
                phase: Phase::VerifyingRollback { .. },
                ..
            }
        ) {
            return;
        }
        for judgement in judgements {
            let known = self.judgements.iter_mut();
            match known
                .into_iter()
                .find(|known| known.check == judgement.check)
            {
                Some(known) => *known = judgement.clone(),
                None => self.judgements.push(judgement.clone()),
            }
        }
        self.judgements.truncate(Judgement::CHECKS_MAX);
    }

    const fn rounds(&self) -> Option<&Rounds> {
        match &self.state {
            State::Active { phase, .. } => match phase {
                Phase::Verifying { rounds, .. }
                | Phase::Baking { rounds, .. }
                | Phase::VerifyingRollback { rounds, .. } => Some(rounds),
                Phase::Preparing(_)
                | Phase::Migrating(_)
                | Phase::Activating(_)
                | Phase::Unmigrating { .. }
                | Phase::RollingBack { .. } => None,
            },
            State::AwaitingApproval { .. } | State::Queued { .. } | State::Ended { .. } => None,
        }
    }

    /// Names the part of its life a deployment is in, down to the round: a look that was planned in another part is void.
    #[must_use]
    pub fn chapter(&self) -> String {
        let wave = wave_of(&self.state).unwrap_or(0);
        let round = self.rounds().map_or(0, |rounds| rounds.begun);
        format!("{}:{wave}:{round}", self.state.name())
    }

    /// Whether the next look is for a time that is already set, rather than to ask SSM once more.
    #[must_use]
    pub fn waits_for_a_time(&self) -> bool {
        let due = self
            .rounds()
            .is_some_and(|rounds| matches!(rounds.round, Round::Due(_)));
        let planned = |command: &Command| matches!(command.status, CommandStatus::Planned { .. });
        due || self.commands().iter().any(planned)
    }

    /// From so many hosts on a deployment is looked at in its own time only.
    pub const LARGE_FROM: usize = 200;

    /// Whether it has so many hosts that looking at it is work. Every look asks SSM about every open command, so an event of
    /// each host, and of each write, would make as many looks as there are hosts, of which each is as long. A large one is
    /// looked at by its own chain of looks and by the tick.
    #[must_use]
    pub fn is_large(&self) -> bool {
        let hosts = self.state.run().map_or(0, |run| run.hosts.len());
        hosts >= Self::LARGE_FROM
    }

    /// When somebody should look again, at the latest; `None` when nothing is waited for.
    #[must_use]
    pub fn next_look(&self, now: Timestamp) -> Option<Timestamp> {
        let deadline = self.state.deadline()?;
        let State::Active { phase, .. } = &self.state else {
            return Some(deadline);
        };
        let ask = phase.ask().map(|ask| ask.next_look(now, &self.policy));
        let round = self.rounds().and_then(|rounds| match &rounds.round {
            Round::Due(at) => Some(*at),
            Round::Asking { .. } => None,
        });
        let checks = self.checks_wanted().map(|_| now.after(self.policy.poll));
        let times = ask.into_iter().chain(round).chain(checks);
        Some(times.fold(deadline, Timestamp::min))
    }

    /// Enters a state: the history and what people are owed follow from it.
    pub(crate) fn enter(&mut self, state: State, now: Timestamp) {
        self.timeline.push(TimelineEntry {
            at: now,
            state: state.name(),
            wave: wave_of(&state),
            cause: None,
        });
        // One rollback is told once, whether it begins with the database or with the hosts.
        let told = self.state.name() == "Unmigrating" && state.name() == "RollingBack";
        // Whoever is asked soon is told then what was prepared for.
        let told = told || (state.name() == "Preparing" && !self.is_approved());
        // Neither says anything new of a commit: a late host gets what is live, and a drill goes there and back.
        let quiet = matches!(self.origin.kind, Kind::Join(_) | Kind::Drill(_));
        if let Some(kind) = announcement_of(&state).filter(|_| !told) {
            for route in &self.policy.channels {
                if !route.takes(kind, &state) || (quiet && route.channel.is_about_the_commit()) {
                    continue;
                }
                self.announced = self.announced.saturating_add(1);
                self.announcements.push(Announcement {
                    number: self.announced,
                    kind,
                    channel: route.channel.clone(),
                    since: now,
                    claimed: None,
                });
            }
        }
        if matches!(state, State::Active { .. }) {
            self.freeze = None;
        }
        self.state = state;
    }
}

const fn wave_of(state: &State) -> Option<u32> {
    match state {
        State::Active { phase, .. } => match phase {
            Phase::Activating(ask) => Some(ask.wave),
            Phase::Verifying { wave, .. } => Some(*wave),
            Phase::Preparing(_)
            | Phase::Migrating(_)
            | Phase::Baking { .. }
            | Phase::Unmigrating { .. }
            | Phase::RollingBack { .. }
            | Phase::VerifyingRollback { .. } => None,
        },
        State::AwaitingApproval { .. } | State::Queued { .. } | State::Ended { .. } => None,
    }
}

const fn announcement_of(state: &State) -> Option<AnnouncementKind> {
    match state {
        State::AwaitingApproval { .. } => Some(AnnouncementKind::ApprovalWanted),
        State::Queued { .. } => None,
        State::Active { phase, .. } => match phase {
            Phase::Preparing(_) => Some(AnnouncementKind::Started),
            Phase::Unmigrating { .. } | Phase::RollingBack { .. } => {
                Some(AnnouncementKind::RollingBack)
            }
            Phase::Migrating(_)
            | Phase::Activating(_)
            | Phase::Verifying { .. }
            | Phase::Baking { .. }
            | Phase::VerifyingRollback { .. } => None,
        },
        State::Ended { .. } => Some(AnnouncementKind::Ended),
    }
}
