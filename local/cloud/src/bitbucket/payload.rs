//! The body of Bitbucket's `repo:push` webhook, built from what a repository holds.
//!
//! It has the fields of a real one, also those that Longshore does not read, and its limits: at most five commits per change,
//! newest first. It must never be the place where the product learns what a push is.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::repository::Repository;

const COMMITS_MAX: usize = 5;
const FIELD: char = '\u{1f}';
const RECORD: char = '\u{1e}';
const FORMAT: &str = "--format=%H%x1f%P%x1f%an <%ae>%x1f%cI%x1f%B%x1e";

/// One moved reference, as git tells it to a hook.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Move {
    /// The hash before, or zeros for a new reference.
    pub old: String,
    /// The hash after, or zeros for a deleted one.
    pub new: String,
    /// The full name, `refs/heads/main`.
    pub reference: String,
}

impl Move {
    /// Reads one line of a hook's input.
    ///
    /// # Errors
    /// When it has not three fields.
    pub fn parse(line: &str) -> Result<Self> {
        let mut fields = line.split_whitespace().map(str::to_owned);
        let mut next = || {
            fields
                .next()
                .with_context(|| format!("not a moved reference: {line}"))
        };
        Ok(Self {
            old: next()?,
            new: next()?,
            reference: next()?,
        })
    }

    /// Whether it is a branch, and its name.
    fn kind_and_name(&self) -> (&'static str, &str) {
        match self.reference.strip_prefix("refs/tags/") {
            Some(name) => ("tag", name),
            None => (
                "branch",
                self.reference
                    .strip_prefix("refs/heads/")
                    .unwrap_or(&self.reference),
            ),
        }
    }
}

/// The body for these moves.
///
/// # Errors
/// When git cannot tell of a commit.
pub async fn push(repository: &Repository, moves: &[Move]) -> Result<Value> {
    let mut changes = Vec::new();
    for one in moves {
        changes.push(change(repository, one).await?);
    }
    Ok(json!({
        "push": { "changes": changes },
        "repository": described(repository.full_name()),
        "actor": actor(),
    }))
}

async fn change(repository: &Repository, one: &Move) -> Result<Value> {
    let created = is_zero(&one.old);
    let closed = is_zero(&one.new);
    let mut body = Map::new();
    body.insert("old".to_owned(), side(repository, one, &one.old).await?);
    body.insert("new".to_owned(), side(repository, one, &one.new).await?);
    body.insert("created".to_owned(), created.into());
    body.insert("closed".to_owned(), closed.into());
    let forced = !created && !closed && is_forced(repository, one).await;
    body.insert("forced".to_owned(), forced.into());
    let href = repository_url(repository.full_name(), "branches");
    body.insert("links".to_owned(), json!({ "html": { "href": href } }));
    let mut truncated = false;
    if !closed {
        let range = if created {
            one.new.clone()
        } else {
            format!("{}..{}", one.old, one.new)
        };
        let mut commits = commits(repository, &range, COMMITS_MAX.saturating_add(1)).await?;
        truncated = commits.len() > COMMITS_MAX;
        commits.truncate(COMMITS_MAX);
        body.insert("commits".to_owned(), commits.into());
    }
    body.insert("truncated".to_owned(), truncated.into());
    Ok(Value::Object(body))
}

/// The `old` or `new` of a change, or null where there was or is nothing.
async fn side(repository: &Repository, one: &Move, hash: &str) -> Result<Value> {
    if is_zero(hash) {
        return Ok(Value::Null);
    }
    let (kind, name) = one.kind_and_name();
    let target = commits(repository, hash, 1).await?.into_iter().next();
    let href = repository_url(repository.full_name(), &format!("branch/{name}"));
    Ok(
        json!({ "type": kind, "name": name, "target": target, "links": { "html": { "href": href } } }),
    )
}

async fn commits(repository: &Repository, range: &str, count_max: usize) -> Result<Vec<Value>> {
    let count = format!("--max-count={count_max}");
    let text = repository.git(&["log", &count, FORMAT, range]).await?;
    let records = text
        .split(RECORD)
        .map(str::trim)
        .filter(|record| !record.is_empty());
    Ok(records
        .filter_map(|record| commit(repository.full_name(), record))
        .collect())
}

fn commit(full_name: &str, record: &str) -> Option<Value> {
    let mut fields = record.split(FIELD);
    let (hash, parents) = (fields.next()?, fields.next()?);
    let (author, date, message) = (fields.next()?, fields.next()?, fields.next()?);
    let parents: Vec<Value> = parents
        .split_whitespace()
        .map(|hash| json!({ "type": "commit", "hash": hash }))
        .collect();
    let href = repository_url(full_name, &format!("commits/{hash}"));
    Some(json!({
        "type": "commit",
        "hash": hash,
        "date": date,
        "message": message,
        "author": { "type": "author", "raw": author, "user": actor() },
        "summary": { "type": "rendered", "raw": message, "markup": "markdown", "html": "" },
        "parents": parents,
        "links": { "html": { "href": href } },
    }))
}

async fn is_forced(repository: &Repository, one: &Move) -> bool {
    repository
        .git(&["merge-base", "--is-ancestor", &one.old, &one.new])
        .await
        .is_err()
}

fn is_zero(hash: &str) -> bool {
    hash.bytes().all(|byte| byte == b'0')
}

fn repository_url(full_name: &str, rest: &str) -> String {
    format!("https://bitbucket.org/{full_name}/{rest}")
}

fn described(full_name: &str) -> Value {
    let (workspace, slug) = full_name.split_once('/').unwrap_or((full_name, full_name));
    json!({
        "type": "repository",
        "scm": "git",
        "full_name": full_name,
        "name": slug,
        "is_private": true,
        "website": "",
        "uuid": stable_uuid(full_name),
        "workspace": { "type": "workspace", "slug": workspace, "name": workspace, "uuid": stable_uuid(workspace) },
        "owner": actor(),
        "links": { "html": { "href": format!("https://bitbucket.org/{full_name}") } },
    })
}

fn actor() -> Value {
    json!({
        "type": "user",
        "display_name": "Dana Developer",
        "nickname": "dana",
        "account_id": "557058:00000000-0000-4000-8000-00000000da4a",
        "uuid": "{00000000-0000-4000-8000-00000000da4a}",
        "links": { "html": { "href": "https://bitbucket.org/%7B00000000-0000-4000-8000-00000000da4a%7D/" } },
    })
}

/// A UUID in braces that a name always gets again, as a repository keeps its own.
fn stable_uuid(name: &str) -> String {
    let hash = crate::sign::hex_hash(name.as_bytes());
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    format!(
        "{{{}-{}-4{}-8{}-{}}}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    )
}

#[cfg(test)]
mod tests {
    use super::{Move, stable_uuid};

    #[test]
    fn a_line_of_the_hook_is_read() {
        let one = Move::parse("aa bb refs/heads/feature/x").unwrap();
        assert_eq!(one.kind_and_name(), ("branch", "feature/x"));
        assert!(Move::parse("aa bb").is_err());
    }

    #[test]
    fn a_repository_keeps_its_uuid() {
        assert_eq!(stable_uuid("acme/orders"), stable_uuid("acme/orders"));
        assert_eq!(stable_uuid("acme/orders").len(), 38);
    }
}
