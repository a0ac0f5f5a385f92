//! What Bitbucket shows of a deployment: the build status on its commit, and a tag on what has succeeded (Bitbucket Cloud REST API,
//! groups "Commit statuses" and "Refs").
//!
//! A build status is overwritten by whoever writes last, so each says in the fragment of its link which deployment it is of, and
//! is read before it is written: a status of a newer deployment stays, and so does the end of the same one where this would say
//! that it still runs. That and the claims of the record (one message of this channel at a time) keep a late word from winning.

use super::answer::{Asked, ask, taken};
use super::{AnnounceError, unreadable};
use crate::branches::encoded;
use crate::secrets::{SecretError, SecretName, Secrets};
use crate::web::{Reply, Web};
use http::Method;
use longshore_core::{AppName, Commit, DeploymentId, EnvironmentName, Repository};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::time::Duration;

/// How long Bitbucket may take for each of the two requests.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What stands in a status's link before the deployment's id.
const MARK: &str = "#longshore-";

/// The longest key that Bitbucket takes; it answers 400 to a longer one.
const KEY_MAX: usize = 40;

/// How much of a key that is too long stays, before a part of its digest.
const KEY_KEPT: usize = 31;

/// What tells the build status of an app in an environment apart from others on a commit.
#[must_use]
pub fn status_key(environment: &EnvironmentName, app: &AppName) -> String {
    let key = format!("longshore-{environment}-{app}");
    if key.len() <= KEY_MAX {
        return key;
    }
    let digest = Sha256::digest(key.as_bytes());
    let kept: String = key.chars().take(KEY_KEPT).collect();
    let digits = digest.iter().take(4).map(|byte| format!("{byte:02x}"));
    format!("{kept}-{}", digits.collect::<String>())
}

/// A state of a build status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusState {
    /// It goes on.
    InProgress,
    /// It went well.
    Successful,
    /// It did not.
    Failed,
    /// Somebody or something ended it before it could go well or not.
    Stopped,
}

impl StatusState {
    /// Bitbucket's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InProgress => "INPROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::Failed => "FAILED",
            Self::Stopped => "STOPPED",
        }
    }
}

/// A build status on a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The repository.
    pub repository: Repository,
    /// The commit.
    pub commit: Commit,
    /// What tells the statuses of a commit apart; the same for every deployment of an app in an environment. At most 40
    /// characters, or Bitbucket refuses it.
    pub key: String,
    /// The state.
    pub state: StatusState,
    /// Its name for people.
    pub name: String,
    /// A line about it.
    pub description: String,
    /// The deployment that it is of.
    pub deployment: DeploymentId,
}

impl Status {
    /// Where it leads: to the commit, with the deployment in the fragment.
    #[must_use]
    pub fn url(&self) -> String {
        let (repository, commit) = (&self.repository, &self.commit);
        let id = &self.deployment;
        format!("https://bitbucket.org/{repository}/commits/{commit}{MARK}{id}")
    }

    /// The body of the request.
    #[must_use]
    pub fn json(&self) -> String {
        json!({
            "key": self.key,
            "state": self.state.word(),
            "name": self.name,
            "description": self.description,
            "url": self.url(),
        })
        .to_string()
    }

    /// Whether it may take the place of what stands there.
    fn may_follow(&self, standing: &Standing<'_>) -> bool {
        let id = standing.url.rsplit_once(MARK).map(|(_, id)| id);
        let Some(of) = id.and_then(|id| DeploymentId::parse(id).ok()) else {
            return true;
        };
        let goes_on = StatusState::InProgress;
        let is_over = standing.state != goes_on.word();
        of < self.deployment || (of == self.deployment && !(is_over && self.state == goes_on))
    }
}

/// A tag on a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The repository.
    pub repository: Repository,
    /// The commit.
    pub commit: Commit,
    /// The tag's name.
    pub name: String,
    /// What the tag says.
    pub message: String,
}

impl Tag {
    /// The body of the request.
    #[must_use]
    pub fn json(&self) -> String {
        json!({
            "name": self.name,
            "target": {"hash": self.commit.as_str()},
            "message": self.message,
        })
        .to_string()
    }
}

#[derive(Deserialize)]
struct Standing<'a> {
    #[serde(borrow)]
    state: Cow<'a, str>,
    #[serde(default, borrow)]
    url: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Tagged<'a> {
    #[serde(borrow)]
    target: Target<'a>,
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(borrow)]
    hash: Cow<'a, str>,
}

/// Bitbucket, as whoever shows this token.
struct Bitbucket<'a> {
    web: &'a Web,
    bearer: SecretString,
}

impl<'a> Bitbucket<'a> {
    /// With the repository's own token, else that for all.
    async fn of(
        web: &'a Web,
        secrets: &impl Secrets,
        repository: &Repository,
    ) -> Result<Self, AnnounceError> {
        let own = SecretName::WriteToken(Some(repository.clone()));
        let token = match secrets.current(&own).await {
            Err(SecretError::Missing { .. }) => {
                secrets.current(&SecretName::WriteToken(None)).await
            }
            other => other,
        };
        let token = token.map_err(|error| unreadable(&error))?;
        let bearer = format!("Bearer {}", token.expose_secret().trim());
        Ok(Self {
            web,
            bearer: bearer.into(),
        })
    }

    async fn ask(&self, method: Method, url: &str, json: &str) -> Result<Reply, AnnounceError> {
        let asked = Asked {
            whose: "Bitbucket",
            method,
            url,
            headers: &[
                ("authorization", self.bearer.expose_secret()),
                ("accept", "application/json"),
            ],
            json,
            timeout: TIMEOUT,
        };
        ask(self.web, asked).await
    }
}

/// Writes a status, unless a later word stands there.
pub(super) async fn set_status(
    web: &Web,
    secrets: &impl Secrets,
    api: &str,
    status: &Status,
) -> Result<(), AnnounceError> {
    let bitbucket = Bitbucket::of(web, secrets, &status.repository).await?;
    let (repository, commit) = (&status.repository, &status.commit);
    let all = format!("{api}/2.0/repositories/{repository}/commit/{commit}/statuses/build");
    let one = format!("{all}/{}", encoded(&status.key));
    let reply = bitbucket.ask(Method::GET, &one, "").await?;
    if reply.status.as_u16() != 404 {
        taken("Bitbucket", &reply, "")?;
        let standing = serde_json::from_slice::<Standing<'_>>(&reply.body);
        let standing = standing.map_err(|_| unusable("a status"))?;
        if !status.may_follow(&standing) {
            return Ok(());
        }
    }
    let reply = bitbucket.ask(Method::POST, &all, &status.json()).await?;
    taken("Bitbucket", &reply, "")
}

/// Makes a tag; one that stands on the same commit is the one that was to be made.
pub(super) async fn set_tag(
    web: &Web,
    secrets: &impl Secrets,
    api: &str,
    tag: &Tag,
) -> Result<(), AnnounceError> {
    let bitbucket = Bitbucket::of(web, secrets, &tag.repository).await?;
    let all = format!("{api}/2.0/repositories/{}/refs/tags", tag.repository);
    let made = bitbucket.ask(Method::POST, &all, &tag.json()).await?;
    // Bitbucket says of a name that is taken that the request is bad.
    if !matches!(made.status.as_u16(), 400 | 409) {
        return taken("Bitbucket", &made, "");
    }
    let one = format!("{all}/{}", encoded(&tag.name));
    let reply = bitbucket.ask(Method::GET, &one, "").await?;
    if reply.status.as_u16() == 404 {
        return taken("Bitbucket", &made, "");
    }
    taken("Bitbucket", &reply, "")?;
    let tagged = serde_json::from_slice::<Tagged<'_>>(&reply.body);
    let tagged = tagged.map_err(|_| unusable("a tag"))?;
    if tagged.target.hash == tag.commit.as_str() {
        return Ok(());
    }
    let reason = format!("the tag {} stands on another commit", tag.name);
    Err(AnnounceError::GiveUp(reason))
}

fn unusable(what: &str) -> AnnounceError {
    AnnounceError::Retry(format!("Bitbucket's answer is not {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(deployment: u32, state: StatusState) -> Status {
        Status {
            repository: Repository::parse("acme/orders").unwrap(),
            commit: Commit::parse(&"a".repeat(40)).unwrap(),
            key: "longshore-prod-orders".to_owned(),
            state,
            name: "orders → prod".to_owned(),
            description: "live on 3 hosts".to_owned(),
            deployment: DeploymentId::parse(&format!("{deployment:026}")).unwrap(),
        }
    }

    #[test]
    fn a_late_word_does_not_take_the_place_of_a_later_one() {
        use StatusState::{Failed, InProgress, Stopped, Successful};
        for (before, after, may) in [
            ((5, InProgress), (5, Successful), true),
            ((5, InProgress), (5, InProgress), true),
            ((5, Successful), (5, InProgress), false),
            ((5, Failed), (5, InProgress), false),
            ((5, Stopped), (5, InProgress), false),
            ((5, Failed), (5, Stopped), true),
            ((5, Successful), (6, InProgress), true),
            ((6, InProgress), (5, Failed), false),
            ((6, Successful), (5, InProgress), false),
        ] {
            let (standing, next) = (status(before.0, before.1), status(after.0, after.1));
            let url = standing.url();
            let standing = Standing {
                state: standing.state.word().into(),
                url: url.as_str().into(),
            };
            assert_eq!(next.may_follow(&standing), may, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_key_fits_into_what_bitbucket_takes_and_stays_its_own() {
        let key = |environment: &str, app: &str| {
            let environment = EnvironmentName::parse(environment).unwrap();
            status_key(&environment, &AppName::parse(app).unwrap())
        };
        assert_eq!(key("prod", "orders"), "longshore-prod-orders");
        let long = "a-name-of-an-app-that-is-rather-long";
        let (one, other) = (key("prod", long), key("prod", &format!("{long}-2")));
        assert_eq!((one.len(), other.len()), (40, 40));
        assert_ne!(one, other);
    }

    #[test]
    fn a_status_of_somebody_else_under_our_key_is_written_over() {
        let next = status(5, StatusState::InProgress);
        for url in ["", "https://ci.example.com/7", "https://x/#longshore-what"] {
            let standing = Standing {
                state: "SUCCESSFUL".into(),
                url: url.into(),
            };
            assert!(next.may_follow(&standing), "{url}");
        }
    }
}
