//! What is said about a deployment, without regard to the channel: built from the deployment as it is, by a pure function,
//! so that a repeat tells the same story. It never decides what a deployment is; it only finds the words.
//!
//! A message may be late: what it is about happened at the announcement's time, and the deployment may have gone on since.
//! It says so rather than telling old news as new.

mod news;
mod plan;
mod todo;
mod words;

use longshore_core::{
    Announcement, AnnouncementKind, AppName, Commit, Deployment, DeploymentId, EnvironmentName,
    FailureClass, HostId, Millis, PlanDigest, Repository, Severity, Timestamp,
};
use news::News;
pub use todo::{Act, Step, Todo};

/// The most hosts that a message lists.
pub const HOSTS_MAX: usize = 10;

/// How a message should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// It went well.
    Good,
    /// For information.
    Neutral,
    /// It went wrong; nobody is needed at once.
    Bad,
    /// Somebody is asked, and waited for.
    Asks,
    /// Somebody must act now.
    NeedsPerson,
}

impl Tone {
    /// The sign before the title, the same in every channel that shows signs.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Good => "✅",
            Self::Neutral => "🔹",
            Self::Bad => "❌",
            Self::Asks => "✋",
            Self::NeedsPerson => "🚨",
        }
    }
}

/// One thing to know, with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// The value.
    pub value: String,
    /// Where there is more of it.
    pub url: Option<String>,
}

/// Why it did not go well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The class of the failure.
    pub class: FailureClass,
    /// The first host that failed, where it was a host.
    pub host: Option<HostId>,
    /// The first real error line; may be empty.
    pub line: String,
}

impl Problem {
    /// What it is, in words, with the host and the word that can be searched for; without the line.
    #[must_use]
    pub fn said(&self) -> String {
        let (meaning, word) = (words::of_class(self.class), self.class.word());
        match &self.host {
            Some(host) => format!("{meaning}, on {host} ({word})"),
            None => format!("{meaning} ({word})"),
        }
    }
}

/// One host and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLine {
    /// The host.
    pub host: HostId,
    /// How it stands, in words.
    pub verdict: String,
}

/// A message to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// All of it in one line.
    pub title: String,
    /// How it should look.
    pub tone: Tone,
    /// What it is about.
    pub kind: AnnouncementKind,
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The repository the commit is in.
    pub repository: Repository,
    /// The commit.
    pub commit: Commit,
    /// When what it is about happened.
    pub since: Timestamp,
    /// How urgent it is.
    pub severity: Severity,
    /// The deployment's state, by its name.
    pub state: &'static str,
    /// Things to know.
    pub facts: Vec<Fact>,
    /// Why it did not go well, where it did not.
    pub problem: Option<Problem>,
    /// Whether somebody must act, and how.
    pub todo: Todo,
    /// How hosts stand, those with trouble first; at most [`HOSTS_MAX`].
    pub hosts: Vec<HostLine>,
    /// Hosts that are not listed.
    pub hosts_more: usize,
    /// The plan that people are asked about with this message, as long as they are.
    pub asks: Option<PlanDigest>,
    /// The deployment. With the number it makes a repeat recognisable.
    pub deployment: DeploymentId,
    /// The number of the message within the deployment; none for an update of one in its place.
    pub number: Option<u32>,
}

/// A deployment in a line, for a digest.
pub(crate) struct Short {
    /// How it should look.
    pub(crate) tone: Tone,
    /// The commit, in short.
    pub(crate) commit: String,
    /// The first line of the commit's message, where it is known.
    pub(crate) subject: Option<String>,
    /// What happened, as the end of a sentence.
    pub(crate) what: String,
    /// Why it did not go well, where it did not.
    pub(crate) problem: Option<Problem>,
    /// Whether somebody must act, and how.
    pub(crate) todo: Todo,
    /// How long it took, where it has run and ended.
    pub(crate) took: Option<Millis>,
}

impl Short {
    pub(crate) fn of(deployment: &Deployment, kind: AnnouncementKind, now: Timestamp) -> Self {
        let since = now;
        let news = News {
            deployment,
            kind,
            since,
            now,
        };
        Self {
            tone: news.tone(),
            commit: deployment.origin.commit.short().to_owned(),
            subject: news.subject(),
            what: news.what(),
            problem: news.problem(),
            todo: news.todo(),
            took: crate::digest::took(deployment),
        }
    }
}

impl Message {
    /// What an announcement of a deployment says at this time.
    #[must_use]
    pub fn of(deployment: &Deployment, announcement: &Announcement, now: Timestamp) -> Self {
        let news = News {
            deployment,
            kind: announcement.kind,
            since: announcement.since,
            now,
        };
        Self::from_news(&news, Some(announcement.number))
    }

    /// The same for a channel where it takes the place of what was said before: about the deployment as it is now, which may be
    /// further than what the announcement is about.
    #[must_use]
    pub fn as_it_stands(
        deployment: &Deployment,
        announcement: &Announcement,
        now: Timestamp,
    ) -> Self {
        let newest = deployment.announcements.iter();
        let newest = newest.filter(|other| other.channel == announcement.channel);
        let newest = newest.max_by_key(|other| other.number);
        let newest = newest.filter(|other| other.number > announcement.number);
        Self::of(deployment, newest.unwrap_or(announcement), now)
    }

    /// The question for an approval as it stands at this time: who has said yes, or what became of it.
    #[must_use]
    pub fn of_question(deployment: &Deployment, now: Timestamp) -> Self {
        let news = News {
            deployment,
            kind: AnnouncementKind::ApprovalWanted,
            since: now,
            now,
        };
        Self::from_news(&news, None)
    }

    fn from_news(news: &News<'_>, number: Option<u32>) -> Self {
        let deployment = news.deployment;
        let (hosts, hosts_more) = news.host_lines();
        Self {
            title: news.title(),
            tone: news.tone(),
            kind: news.kind,
            app: deployment.app.clone(),
            environment: deployment.environment.clone(),
            repository: deployment.repository.clone(),
            commit: deployment.origin.commit.clone(),
            since: news.since,
            severity: Severity::of(news.kind, &deployment.state),
            state: deployment.state.name(),
            facts: news.facts(),
            problem: news.problem(),
            todo: news.todo(),
            hosts,
            hosts_more,
            deployment: deployment.id.clone(),
            asks: news.asks(),
            number,
        }
    }

    /// The last line of a message: the deployment and the number, the same in every repeat.
    #[must_use]
    pub fn reference(&self) -> String {
        let number = self.number.map(|number| format!(" · message {number}"));
        format!(
            "deployment {}{}",
            self.deployment,
            number.unwrap_or_default()
        )
    }
}
