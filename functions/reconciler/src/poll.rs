//! The poll: finds pushes that no delivery has told of, by comparing where the branches point with what was decided last.
//!
//! Bitbucket drops a push whose payload is too large, or that nobody answered in three attempts. A head that differs is only
//! a hint at first, as its delivery may be under way; when it is still there after a settling time, and nothing was decided
//! in between, it is decided about as a push is. Whatever goes wrong here costs time, never truth: the next poll asks again.

use crate::converge::converge;
use crate::digest;
use crate::turn;
use longshore_core::{Decision, EnvironmentName, Millis, Repository, Slot, Timestamp, decide_head};
use longshore_shell::accept::{self, Deciding, Refusal, Standing};
use longshore_shell::ports::{
    Branches, Clock, Configs, Head, HeadError, Ids, Repositories, ResolveError, Sighting, Store,
    Wake,
};
use longshore_shell::telemetry::{self, Line};
use longshore_shell::world::Watch;

/// How often the schedule asks for a poll.
const EVERY_S: u64 = 300;

/// Branches that one poll asks for: twelve polls an hour stay below the 1,000 requests that Bitbucket allows a token. With
/// more repositories each poll goes on where the one before it ended.
const BRANCHES_PER_POLL: usize = 60;

/// A poll ends after this time, so that answers that never come do not keep the function from deployments.
const POLL_FOR: Millis = Millis::from_secs(20);

/// After this time a delivery that is under way has arrived: Bitbucket makes three attempts of ten seconds.
const SETTLED_AFTER: Millis = Millis::from_secs(60);

/// Asks for the branch of every repository that is configured here.
pub(crate) async fn poll<W: Watch>(world: &W) -> Result<(), ResolveError> {
    let began = world.clock().now();
    let configurations = world.repositories().configurations().await?;
    digest::send_due(world, &configurations, began).await;
    let repositories = configurations.into_iter().map(|(of, _)| of).collect();
    let number = began.as_unix_s() / EVERY_S;
    for repository in turn::take(repositories, number, BRANCHES_PER_POLL) {
        if world.clock().now().since(began) >= POLL_FOR {
            telemetry::warn("poll_cut_short").write();
            return Ok(());
        }
        match look(world, &repository).await {
            Err(Unseen::Head(HeadError::Throttled)) => {
                about(telemetry::warn("bitbucket_throttled"), &repository).write();
                return Ok(());
            }
            Err(unseen) => say_unseen(&repository, &unseen),
            Ok(()) => {}
        }
        if let Err(refusal) = converge(world, &repository).await {
            say_unseen(&repository, &Unseen::Here(refusal));
        }
    }
    Ok(())
}

/// Looks again at a branch that was seen to have moved, and decides about it when nothing has changed since.
pub(crate) async fn confirm<W: Watch>(world: &W, seen: &Sighting) {
    match head(world, &seen.repository).await {
        Ok(Some((now, _))) if now.commit == seen.head => {
            adopt(world, seen, now.committed_at).await;
        }
        Ok(_) => {}
        Err(unseen) => say_unseen(&seen.repository, &unseen),
    }
}

/// Why a branch was not seen.
enum Unseen {
    /// Its configuration or its slot cannot be read now.
    Here(Refusal),
    /// Bitbucket does not say where it points.
    Head(HeadError),
}

async fn look<W: Watch>(world: &W, repository: &Repository) -> Result<(), Unseen> {
    let Some((head, slot)) = head(world, repository).await? else {
        return Ok(());
    };
    let Some(verdict) = decide_head(&head.commit, &slot) else {
        return Ok(());
    };
    let seen = Sighting {
        repository: repository.clone(),
        head: head.commit,
        last: slot.last_push.map(|last| last.deployment),
    };
    match verdict {
        // Leaving it alone cannot come too early.
        Err(_) => adopt(world, &seen, head.committed_at).await,
        Ok(_) => {
            // Lost, it is sent again by the next poll.
            let _next_poll_repeats_it = world.wake().confirm(&seen, SETTLED_AFTER).await;
        }
    }
    Ok(())
}

/// Where the branch of a repository's environment points, and what the app's slot was before that was asked.
async fn head<W: Watch>(
    world: &W,
    repository: &Repository,
) -> Result<Option<(Head, Slot)>, Unseen> {
    let standing = accept::standing(&Entry(world), repository).await;
    let Standing { configured, slot } = standing.map_err(Unseen::Here)?;
    let configured = match configured {
        Ok(configured) => configured,
        Err(reason) => {
            let line = about(telemetry::warn("branch_unseen"), repository);
            line.word("reason", reason.word()).write();
            return Ok(None);
        }
    };
    let branch = configured.config.branch();
    let head = world.branches().head(repository, branch).await;
    let head = head.map_err(Unseen::Head)?;
    if head.is_none() {
        about(telemetry::warn("branch_not_found"), repository).write();
    }
    Ok(head.map(|head| (head, slot)))
}

async fn adopt<W: Watch>(world: &W, seen: &Sighting, committed_at: Option<Timestamp>) {
    let repository = &seen.repository;
    match accept::adopt(&Entry(world), seen, committed_at).await {
        Ok(None) => {}
        Ok(Some(decision)) => {
            let line = about(telemetry::warn("missed_push_found"), repository);
            match decision {
                Decision::Deploy(id) => line.word("decision", "deploy").id("deployment.id", &id),
                Decision::Skip(reason) => {
                    line.word("decision", "skip").word("reason", reason.word())
                }
            }
            .write();
        }
        Err(refusal) => say_unseen(repository, &Unseen::Here(refusal)),
    }
}

/// Says why a branch was not seen. That there is no token is no news: the poll is off.
fn say_unseen(repository: &Repository, unseen: &Unseen) {
    let line = |line| about(line, repository);
    match unseen {
        Unseen::Head(HeadError::NoToken) => {}
        // This line wakes somebody (`tests/template/contract.toml`).
        Unseen::Head(error @ HeadError::Refused(_)) => {
            line(telemetry::error("bitbucket_token_refused"))
                .cause(error)
                .write();
        }
        Unseen::Head(error @ (HeadError::Throttled | HeadError::Unavailable(_))) => {
            line(telemetry::warn("branch_unseen")).cause(error).write();
        }
        Unseen::Here(Refusal(error)) => {
            line(telemetry::warn("branch_unseen"))
                .cause(error.as_ref())
                .write();
        }
    }
}

fn about(line: Line, repository: &Repository) -> Line {
    line.id("repository", repository)
}

/// The way in for what is found, with the ports of the world.
pub(crate) struct Entry<'a, W>(pub(crate) &'a W);

impl<W: Watch> Deciding for Entry<'_, W> {
    fn store(&self) -> &impl Store {
        self.0.store()
    }
    fn configs(&self) -> &impl Configs {
        self.0.configs()
    }
    fn clock(&self) -> &impl Clock {
        self.0.clock()
    }
    fn ids(&self) -> &impl Ids {
        self.0.ids()
    }
    fn environment(&self) -> &EnvironmentName {
        self.0.environment()
    }
}
