//! Which deployments of a history are asked for.

use longshore_core::{Deployment, HostId, Kind, Outcome, Person, State, Timestamp};
use std::fmt;

/// A commit, or its first digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitStart(String);

/// A text that is no beginning of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 7 to 40 lower-case hexadecimal digits")]
pub struct InvalidCommitStart;

impl CommitStart {
    /// Takes 7 to 40 lower-case hexadecimal digits. Fewer would be met by chance.
    ///
    /// # Errors
    /// [`InvalidCommitStart`].
    pub fn parse(text: &str) -> Result<Self, InvalidCommitStart> {
        let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if digits && (7..=40).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidCommitStart)
        }
    }
}

impl fmt::Display for CommitStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is asked for: everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// It brings this commit.
    pub commit: Option<CommitStart>,
    /// This person asked for it, approved it, stopped it, or broke a freeze for it.
    pub by: Option<Person>,
    /// It ended like this: one of [`Outcome::NAMES`].
    pub result: Option<&'static str>,
    /// It is of this kind: one of [`Kind::WORDS`].
    pub kind: Option<&'static str>,
    /// It was accepted at this time or later.
    pub since: Option<Timestamp>,
    /// It was accepted before this time.
    pub until: Option<Timestamp>,
    /// This host was among its targets.
    pub host: Option<HostId>,
}

impl Filter {
    /// The outcome of this name.
    #[must_use]
    pub fn result_of(name: &str) -> Option<&'static str> {
        Outcome::NAMES.into_iter().find(|known| *known == name)
    }

    /// The kind of this word.
    #[must_use]
    pub fn kind_of(word: &str) -> Option<&'static str> {
        Kind::WORDS.into_iter().find(|known| *known == word)
    }

    /// Whether everything is asked for.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a deployment is asked for.
    #[must_use]
    pub fn takes(&self, deployment: &Deployment) -> bool {
        let origin = &deployment.origin;
        holds(self.commit.as_ref(), |commit| {
            origin.commit.as_str().starts_with(&commit.0)
        }) && holds(self.by.as_ref(), |by| had_a_hand_in(deployment, by))
            && holds(self.result, |name| ended_as(&deployment.state, name))
            && holds(self.kind, |word| origin.kind.word() == word)
            && holds(self.since, |since| origin.at >= since)
            && holds(self.until, |until| origin.at < until)
            && holds(self.host.as_ref(), |host| {
                let run = deployment.state.run();
                run.is_some_and(|run| run.hosts.contains_key(host))
            })
    }
}

fn holds<T>(wanted: Option<T>, has: impl FnOnce(T) -> bool) -> bool {
    wanted.is_none_or(has)
}

fn ended_as(state: &State, name: &str) -> bool {
    state.is_terminal() && state.name() == name
}

/// Whether a person asked for a deployment, approved it, stopped it or broke a freeze for it.
fn had_a_hand_in(deployment: &Deployment, by: &Person) -> bool {
    let votes = deployment.approval.iter().flat_map(|asked| &asked.votes);
    let ended_by = match &deployment.state {
        State::Ended { outcome, .. } => match outcome {
            Outcome::Rejected(said) | Outcome::Cancelled(said) => Some(&said.by),
            Outcome::Succeeded
            | Outcome::Failed(_)
            | Outcome::RolledBack(_)
            | Outcome::RollbackFailed(_)
            | Outcome::Expired(_)
            | Outcome::Superseded(_) => None,
        },
        State::AwaitingApproval { .. } | State::Queued { .. } | State::Active { .. } => None,
    };
    let stopped_by = deployment.stop.as_ref().map(|said| &said.by);
    let broken_by = deployment.break_glass.as_ref().map(|broken| &broken.by);
    let people = [
        deployment.origin.by.as_ref(),
        ended_by,
        stopped_by,
        broken_by,
    ];
    let mut all = people.into_iter().flatten();
    all.any(|person| person == by) || votes.map(|vote| &vote.by).any(|person| person == by)
}
