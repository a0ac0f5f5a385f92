//! The ledger of an app on a host: what `begin`, `intendSwitch` and `finish` of the script write.

use super::{Answer, Ending};
use longshore_core::{Action, Generation, Release, ReleaseId, Token};

/// So many tokens and migrations are remembered (`ENTRIES_MAX` of the script).
const ENTRIES_MAX: usize = 64;

/// So many proven releases are remembered (`PROVEN_MAX`).
const PROVEN_MAX: usize = 10;

/// What the ledger says of the active release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActiveState {
    /// Nothing was ever activated.
    #[default]
    None,
    /// A switch to it was begun.
    Switching,
    /// Its last activation was proven.
    Proven,
    /// Its last activation failed.
    Failed,
}

/// The last switch that was intended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// To which release.
    pub release: ReleaseId,
    /// In which generation.
    pub generation: Generation,
    /// What was active before.
    pub from: Option<ReleaseId>,
    /// A process that was started before this moment is an old one.
    pub mark: u64,
}

/// One token that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The token.
    pub token: Token,
    /// The answer; none while the run is unfinished.
    pub answer: Option<Answer>,
}

/// The ledger of an app on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The highest generation that was begun.
    pub generation: Generation,
    /// The release that the last intended switch named.
    pub active: Option<Release>,
    /// What is known of it.
    pub active_state: ActiveState,
    /// The last intended switch.
    pub switched: Option<Switched>,
    /// The releases that were proven, each once, the latest last.
    pub proven: Vec<(ReleaseId, Generation)>,
    /// The migrations that ran, the latest last.
    pub migrations: Vec<(ReleaseId, Generation)>,
    /// The migrations that were begun to be taken back, and in which generation; each once.
    pub downs: Vec<(ReleaseId, Generation)>,
    /// The tokens, in the order in which they were begun.
    pub entries: Vec<Entry>,
}

impl Ledger {
    /// The answer that was given to a token.
    #[must_use]
    pub fn answer(&self, token: &Token) -> Option<&Answer> {
        self.entry(token)?.answer.as_ref()
    }

    /// Whether the migration of a release ran in a generation.
    #[must_use]
    pub fn has_migrated(&self, release: &ReleaseId, generation: Generation) -> bool {
        self.migrations
            .iter()
            .any(|(known, in_generation)| known == release && *in_generation == generation)
    }

    /// Notes the intention to take a migration back.
    pub(super) fn take_back(&mut self, release: &ReleaseId, generation: Generation) {
        self.downs.push((release.clone(), generation));
        keep_last(&mut self.downs, ENTRIES_MAX);
    }

    /// Notes that a token was begun, once.
    pub(super) fn begin(&mut self, token: &Token) {
        self.generation = token.generation;
        if self.entry(token).is_none() {
            self.entries.push(Entry {
                token: token.clone(),
                answer: None,
            });
        }
        keep_last(&mut self.entries, ENTRIES_MAX);
    }

    /// Notes the intention to switch. A second attempt of one activation keeps the mark of the first.
    pub(super) fn intend(&mut self, release: &Release, generation: Generation, mark: u64) {
        let id = release.id();
        let same = |s: &Switched| s.release == id && s.generation == generation;
        if !self.switched.as_ref().is_some_and(same) {
            self.switched = Some(Switched {
                release: id,
                generation,
                from: self.active.as_ref().map(Release::id),
                mark,
            });
        }
        self.active = Some(release.clone());
        self.active_state = ActiveState::Switching;
    }

    /// Notes the answer to a token, and what follows from it.
    pub(super) fn finish(&mut self, token: &Token, release: &ReleaseId, answer: &Answer) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.token == *token) {
            entry.answer = Some(answer.clone());
        }
        let key = (release.clone(), token.generation);
        let done = answer.ending == Ending::Done;
        let is_switched = self
            .switched
            .as_ref()
            .is_some_and(|s| s.release == *release);
        if token.action == Action::Migrate && done {
            if !self.migrations.contains(&key) {
                self.migrations.push(key);
                keep_last(&mut self.migrations, ENTRIES_MAX);
            }
        } else if token.action == Action::Activate && is_switched {
            self.active_state = if done {
                self.proven.retain(|(proven, _)| proven != release);
                self.proven.push(key);
                keep_last(&mut self.proven, PROVEN_MAX);
                ActiveState::Proven
            } else {
                ActiveState::Failed
            };
        }
    }

    fn entry(&self, token: &Token) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.token == *token)
    }
}

fn keep_last<T>(list: &mut Vec<T>, most: usize) {
    let surplus = list.len().saturating_sub(most);
    list.drain(..surplus);
}
