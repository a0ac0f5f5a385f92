//! What can be seen of a bench from outside, and the story that it tells.

use super::Bench;
use crate::story::Story;
use crate::words::commit;
use longshore_core::{AppName, Decision, Deployment, DeploymentId, SkipReason, Slot, Timestamp};
use longshore_shell::ports::Clock;
use serde_json::Value;

impl Bench {
    /// The commit that the branch points to, by its digit.
    pub fn head(&self) -> Option<&str> {
        self.head.as_deref()
    }

    /// The messages that there have been.
    pub const fn messages(&self) -> u64 {
        self.sent
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.cloud.world.clock.now()
    }

    /// Every deployment, in the order of their ids.
    pub fn deployments(&self) -> Vec<Deployment> {
        self.cloud.world.store.deployments()
    }

    /// The newest deployment of a commit.
    pub fn deployment(&self, digit: &str) -> Deployment {
        let all = self.deployments().into_iter();
        let mut of_commit = all.filter(|d| d.origin.commit == commit(digit));
        of_commit.next_back().expect("a deployment of the commit")
    }

    /// The state of the newest deployment of a commit.
    pub fn end_of(&self, digit: &str) -> &'static str {
        self.deployment(digit).state.name()
    }

    /// The slot of the app.
    pub fn slot(&self) -> Slot {
        let app = AppName::parse("orders").unwrap();
        let mut slots = self.cloud.world.store.slots().into_iter();
        slots
            .find(|s| s.app == app)
            .unwrap_or_else(|| Slot::empty(app))
    }

    /// The commit that each host serves, by its digit; `-` for none.
    pub fn served(&self) -> String {
        let hosts = self.cloud.world.ssm.hosts_now();
        let of = |host: &longshore_shell::fakes::FakeHost| {
            let served = host.served.as_ref();
            served.map_or("-".to_owned(), |r| r.commit.as_str()[..1].to_owned())
        };
        hosts.values().map(of).collect()
    }

    /// Every reason for a recorded skip.
    pub fn skips(&self) -> Vec<SkipReason> {
        let log = self.cloud.world.store.log();
        log.into_iter()
            .filter_map(|written| match written.decision {
                Some((_, Decision::Skip(reason))) => Some(reason),
                Some((_, Decision::Deploy(_))) | None => None,
            })
            .collect()
    }

    /// The deployments that the last delivery was answered with.
    pub fn answered_deployments(&self) -> Vec<DeploymentId> {
        let Some(answer) = self.answers.last() else {
            return Vec::new();
        };
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        let changes = body["changes"].as_array().cloned().unwrap_or_default();
        let ids = changes.iter().filter_map(|c| c["deployment"].as_str());
        ids.map(|id| DeploymentId::parse(id).unwrap()).collect()
    }

    /// How many commands of an action SSM has taken.
    pub fn sent(&self, action: &str) -> usize {
        let sent = self.cloud.world.ssm.sent();
        sent.iter()
            .filter(|o| o.token.action.word() == action)
            .count()
    }

    /// Whether a line with this event is in the log.
    pub fn logged(&self, event: &str) -> bool {
        self.log.lines().iter().any(|line| line.contains(event))
    }

    /// Tells from here on what happens, line by line, for a person.
    pub fn tell_the_story(&mut self) {
        self.story = Some(Story::begin(self.now()));
        self.cloud.stage.keep_journal();
    }

    /// Adds a line to the story, if it is told.
    pub fn note(&mut self, line: &str) {
        let now = self.now();
        if let Some(story) = &mut self.story {
            story.add(now, line);
        }
    }

    /// The story until now.
    pub fn story(&self) -> Vec<String> {
        let story = self.story.as_ref();
        story.map(|story| story.lines.clone()).unwrap_or_default()
    }
}
