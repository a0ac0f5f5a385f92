//! Where the branches point and what lies between two commits, from Bitbucket's API: one small request for each, with an access
//! token that may read the repository and nothing else.
//!
//! The token is sent to Bitbucket's own host only, over HTTPS and without following redirects (`web.rs`), and no error
//! repeats it. What Bitbucket answers is believed only as a commit of forty digits under the name that was asked for.

use crate::clock::from_rfc3339;
use crate::connect::Aws;
use crate::fault::Fault;
use crate::ports::{Branches, Head, HeadError};
use crate::secrets::{SecretError, SecretName, Secrets};
use crate::web::{Call, Reply, Web};
use http::Method;
use hyper::body::Bytes;
use longshore_core::{Changelog, Commit, CommitLine, Repository};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::time::Duration;

/// How long Bitbucket may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer about a branch is read. Two fields are asked for; a branch's name has at most 255 characters.
const ANSWER_MAX: usize = 16 * 1024;
/// How much of an answer about commits is read: fifty messages in full, of which the first lines are kept.
const COMMITS_ANSWER_MAX: usize = 512 * 1024;

/// The branches on Bitbucket.
#[derive(Debug)]
pub struct BitbucketBranches<S> {
    secrets: S,
    web: Web,
    api: String,
}

impl<S: Secrets> BitbucketBranches<S> {
    /// The branches behind this address of Bitbucket's API.
    #[must_use]
    pub fn new(aws: &Aws, api: &str, secrets: S) -> Self {
        Self {
            secrets,
            web: aws.web().clone(),
            api: api.trim_end_matches('/').to_owned(),
        }
    }

    /// The repository's own token, else that for all.
    async fn token(&self, repository: &Repository) -> Result<SecretString, HeadError> {
        for name in [
            SecretName::Token(Some(repository.clone())),
            SecretName::Token(None),
        ] {
            match self.secrets.current(&name).await {
                Ok(token) => return Ok(token),
                Err(SecretError::Missing { .. }) => {}
                Err(error @ SecretError::Refused { .. }) => {
                    return Err(HeadError::Refused(error.to_string()));
                }
                Err(SecretError::Unavailable(error)) => return Err(HeadError::Unavailable(error)),
            }
        }
        Err(HeadError::NoToken)
    }

    async fn ask(
        &self,
        repository: &Repository,
        url: &str,
        answer_bytes_max: usize,
    ) -> Result<Reply, HeadError> {
        let token = self.token(repository).await?;
        let bearer = format!("Bearer {}", token.expose_secret().trim());
        let call = Call {
            method: Method::GET,
            url,
            headers: &[("authorization", &bearer), ("accept", "application/json")],
            body: Bytes::new(),
            timeout: TIMEOUT,
            answer_bytes_max,
        };
        let asked = self.web.ask(call).await;
        asked.map_err(|error| HeadError::Unavailable(Box::new(error)))
    }
}

impl<S: Secrets> Branches for BitbucketBranches<S> {
    async fn head(&self, repository: &Repository, branch: &str) -> Result<Option<Head>, HeadError> {
        let url = url(&self.api, repository, branch);
        let reply = self.ask(repository, &url, ANSWER_MAX).await?;
        verdict(&reply, branch)
    }

    async fn between(
        &self,
        repository: &Repository,
        without: &Commit,
        with: &Commit,
    ) -> Result<Option<Changelog>, HeadError> {
        let url = commits_url(&self.api, repository, without, with);
        let reply = self.ask(repository, &url, COMMITS_ANSWER_MAX).await?;
        match body_of(&reply, "GET commits")? {
            None => Ok(None),
            Some(body) => match commits_of(body) {
                Some(changelog) => Ok(Some(changelog)),
                None => Err(unusable(
                    "GET commits",
                    "an answer that is no list of commits",
                )),
            },
        }
    }
}

/// A branch's address. Its name keeps its slashes, as Bitbucket's own links do.
fn url(api: &str, repository: &Repository, branch: &str) -> String {
    let name = encoded(branch);
    format!(
        "{api}/2.0/repositories/{repository}/refs/branches/{name}?fields=name,target.hash,target.date"
    )
}

/// The commits of one that another does not have, by the parameters `include` and `exclude` of the documentation ("List commits",
/// <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/>); `next` says that there are more.
fn commits_url(api: &str, repository: &Repository, without: &Commit, with: &Commit) -> String {
    let fields = "next,values.hash,values.message,values.author.raw";
    format!(
        "{api}/2.0/repositories/{repository}/commits?include={with}&exclude={without}&pagelen={}&fields={fields}",
        Changelog::COMMITS_MAX
    )
}

/// A name as a part of a path; its slashes stay.
pub(crate) fn encoded(branch: &str) -> String {
    branch.bytes().fold(String::new(), |text, byte| match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' => text + char::from(byte).encode_utf8(&mut [0; 4]),
        _ if byte.is_ascii_alphanumeric() => text + char::from(byte).encode_utf8(&mut [0; 4]),
        _ => format!("{text}%{byte:02X}"),
    })
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    target: Target<'a>,
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(borrow)]
    hash: Cow<'a, str>,
    /// When the commit was made, in RFC 3339 (Bitbucket's REST API, "Get a branch": `target.date`). What is no time there spoils
    /// no answer.
    #[serde(default)]
    date: Value,
}

#[derive(Deserialize)]
struct Commits {
    values: Vec<CommitBody>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct CommitBody {
    hash: String,
    #[serde(default)]
    message: String,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    #[serde(default)]
    raw: String,
}

fn verdict(reply: &Reply, branch: &str) -> Result<Option<Head>, HeadError> {
    const WHAT: &str = "GET refs/branches";
    let Some(body) = body_of(reply, WHAT)? else {
        return Ok(None);
    };
    match head_of(body, branch) {
        Some(head) => Ok(Some(head)),
        None => Err(unusable(WHAT, "an answer that is not the branch")),
    }
}

/// The body of an answer; `None` when what was asked for is not there.
fn body_of<'a>(reply: &'a Reply, what: &'static str) -> Result<Option<&'a [u8]>, HeadError> {
    match reply.status.as_u16() {
        200 => Ok(Some(&reply.body)),
        404 => Ok(None),
        status @ (401 | 403) => Err(HeadError::Refused(format!("Bitbucket answered {status}"))),
        429 => Err(HeadError::Throttled),
        status => Err(unusable(what, &format!("status {status}"))),
    }
}

/// The commits of an answer; `None` when any of them is none.
fn commits_of(body: &[u8]) -> Option<Changelog> {
    let body: Commits = serde_json::from_slice(body).ok()?;
    let line = |commit: CommitBody| {
        let hash = Commit::parse(&commit.hash).ok()?;
        let author = commit.author.map_or_else(String::new, |author| author.raw);
        Some(CommitLine::new(hash, &author, &commit.message))
    };
    let commits = body.values.into_iter().map(line);
    let commits = commits.collect::<Option<Vec<CommitLine>>>()?;
    Some(Changelog::new(commits, body.next.is_some()))
}

fn head_of(body: &[u8], branch: &str) -> Option<Head> {
    let body: Body<'_> = serde_json::from_slice(body).ok()?;
    let head = Head {
        commit: Commit::parse(&body.target.hash).ok()?,
        committed_at: body.target.date.as_str().and_then(from_rfc3339),
    };
    (body.name == branch).then_some(head)
}

fn unusable(asked: &'static str, what: &str) -> HeadError {
    HeadError::Unavailable(Fault::senseless(asked, what).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};
    use longshore_core::Timestamp;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn asked(status: u16, body: &str) -> Result<Option<Head>, HeadError> {
        verdict(&reply(status, body), "main")
    }

    #[test]
    fn a_branch_is_addressed_by_its_name_whatever_it_is_called() {
        let repository = Repository::parse("acme/orders").unwrap();
        for (branch, name) in [
            ("main", "main"),
            ("release/2.x_y-z", "release/2.x_y-z"),
            ("a b?c#d%e&f", "a%20b%3Fc%23d%25e%26f"),
            ("\u{e9}", "%C3%A9"),
        ] {
            assert_eq!(
                url("https://api.bitbucket.org", &repository, branch),
                format!(
                    "https://api.bitbucket.org/2.0/repositories/acme/orders/refs/branches/{name}?fields=name,target.hash,target.date"
                )
            );
        }
    }

    #[test]
    fn only_a_full_hash_under_the_right_name_is_a_head() {
        let hash = "a".repeat(40);
        let body = |name: &str, hash: &str| {
            format!(
                r#"{{"name":"{name}","target":{{"hash":"{hash}","type":"commit"}},"type":"branch"}}"#
            )
        };
        let head = asked(200, &body("main", &hash)).unwrap().unwrap();
        assert_eq!(head.commit, Commit::parse(&hash).unwrap());
        assert_eq!(head.committed_at, None);
        for body in [
            body("other", &hash),
            body("main", "aaaaaaa"),
            body("main", ""),
            r#"{"name":"main","target":null}"#.to_owned(),
            r#"{"values":[]}"#.to_owned(),
            "<html>".to_owned(),
            String::new(),
        ] {
            let answer = asked(200, &body);
            assert!(matches!(answer, Err(HeadError::Unavailable(_))), "{body}");
        }
    }

    #[test]
    fn the_time_of_a_head_is_taken_where_it_is_one_and_spoils_nothing_where_it_is_none() {
        let hash = "a".repeat(40);
        let at = |date: &str| {
            let body = format!(r#"{{"name":"main","target":{{"hash":"{hash}","date":{date}}}}}"#);
            let head = asked(200, &body).unwrap().unwrap();
            head.committed_at.map(Timestamp::as_unix_ms)
        };
        assert_eq!(
            at(r#""2023-11-14T22:13:20+00:00""#),
            Some(1_700_000_000_000)
        );
        assert_eq!(
            at(r#""2023-11-15T00:13:20.5+02:00""#),
            Some(1_700_000_000_500)
        );
        for none in [
            "null",
            "1700000000",
            r#""yesterday""#,
            r#""""#,
            r#"{"x":1}"#,
        ] {
            assert_eq!(at(none), None, "{none}");
        }
    }

    #[test]
    fn commits_are_asked_for_by_what_is_new_and_few_fields_of_them() {
        let repository = Repository::parse("acme/orders").unwrap();
        let commit = |digit: &str| Commit::parse(&digit.repeat(40)).unwrap();
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        assert_eq!(
            commits_url(
                "https://api.bitbucket.org",
                &repository,
                &commit("a"),
                &commit("b")
            ),
            format!(
                "https://api.bitbucket.org/2.0/repositories/acme/orders/commits?include={b}&exclude={a}&pagelen=50\
                 &fields=next,values.hash,values.message,values.author.raw"
            )
        );
    }

    #[test]
    fn commits_are_told_by_first_line_and_name_and_anything_else_is_no_list() {
        let b = "b".repeat(40);
        let body = format!(
            r#"{{"values":[{{"hash":"{b}","message":"Fix it\n\nmore","author":{{"raw":"Eve <eve@example.com>"}}}},
            {{"hash":"{b}"}}],"next":"https://api.bitbucket.org/x"}}"#
        );
        let changelog = commits_of(body.as_bytes()).unwrap();
        let told: Vec<_> = changelog
            .commits()
            .iter()
            .map(|c| (c.author(), c.subject()))
            .collect();
        assert_eq!(
            (told, changelog.has_more),
            (vec![("Eve", "Fix it"), ("", "")], true)
        );
        assert_eq!(commits_of(br#"{"values":[]}"#), Some(Changelog::default()));
        for wrong in [
            r#"{"values":[{"hash":"abc"}]}"#,
            r#"{"values":{}}"#,
            "{}",
            "<html>",
            "",
        ] {
            assert_eq!(commits_of(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn each_status_means_one_thing() {
        assert_eq!(asked(404, "").unwrap(), None);
        for status in [401, 403] {
            assert!(matches!(asked(status, ""), Err(HeadError::Refused(_))));
        }
        assert!(matches!(asked(429, ""), Err(HeadError::Throttled)));
        for status in [204, 301, 302, 400, 410, 500, 502, 503] {
            let answer = asked(status, "");
            assert!(matches!(answer, Err(HeadError::Unavailable(_))), "{status}");
        }
    }
}
