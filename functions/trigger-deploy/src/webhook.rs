//! What a signed delivery of Bitbucket says: pure, and only over [`Verified`] bytes.
//!
//! `Err` is malformed (400), `None` is valid but not ours (200), `Some` is a push to decide about. Names of refs stay text
//! that is only ever compared; whatever goes further is a validated identifier (invariant I7). No error repeats anything
//! of the body.

use crate::signature::Verified;
use longshore_core::{Change, Commit, Person, RefKind, Repository, Timestamp};
use longshore_shell::clock::from_rfc3339;
use longshore_shell::ports::PushKey;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The name of the header that says what kind of delivery it is. It is not signed: it can only make a delivery be ignored.
pub const HEADER: &str = "x-event-key";

/// The most changes that one delivery may hold. Bitbucket announces a handful; each costs a transaction.
pub const CHANGES_MAX: usize = 100;

/// A push: what it changed, where, and who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push<'a> {
    /// The repository, in lower case, as Bitbucket's slugs are.
    pub repository: Repository,
    /// The repository's identity, which survives a rename: braces around a lower-case UUID.
    pub repository_uuid: String,
    /// Who pushed, where that can be shown safely: a nickname, else an account's UUID.
    pub actor: Option<Person>,
    /// The account of whoever pushed: braces around a lower-case UUID.
    pub account: Option<String>,
    /// What was changed, in the order of the delivery; may be empty.
    pub changes: Vec<PushChange<'a>>,
}

/// One ref that a push moved, made or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushChange<'a> {
    /// What kind of ref.
    pub kind: RefKind,
    /// The ref's name. Hostile: compare it, and do nothing else with it.
    pub name: Cow<'a, str>,
    /// Where it pointed before; `None` when it is new.
    pub old: Option<Commit>,
    /// Where it points now; `None` when it was deleted.
    pub new: Option<Commit>,
    /// When the commit it points at now was made, where that is told and is a time.
    pub committed_at: Option<Timestamp>,
    /// Names the content of this change: repository, kind and name of the ref, old and new commit. The same change delivered
    /// again has the same key.
    pub key: PushKey,
}

impl PushChange<'_> {
    /// The change as the decision takes it.
    #[must_use]
    pub fn to_decide(&self) -> Change<'_> {
        Change {
            kind: self.kind,
            name: &self.name,
            old: self.old.clone(),
            commit: self.new.clone(),
        }
    }
}

/// A signed delivery that cannot be what it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The header that says what it is, is missing.
    #[error("the delivery does not say what it is")]
    NoEventKey,
    /// The body is not the JSON of a push.
    #[error("not the JSON of a push, at line {line}, column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The repository's name or UUID is not valid.
    #[error("the repository's name or UUID is not valid")]
    Repository,
    /// A change of a branch or tag without a name, or with neither an old nor a new commit.
    #[error("a change does not say what it changes")]
    Change,
    /// A commit that is not 40 hexadecimal digits, or is the null commit.
    #[error("a commit is not 40 hexadecimal digits")]
    Commit,
    /// More changes than [`CHANGES_MAX`].
    #[error("too many changes in one delivery")]
    TooManyChanges,
}

/// Reads a delivery.
///
/// # Errors
/// [`Malformed`] when it says that it is a push and cannot be read as one.
pub fn parse<'a>(
    event_key: Option<&str>,
    delivery: &Verified<'a>,
) -> Result<Option<Push<'a>>, Malformed> {
    match event_key {
        None => Err(Malformed::NoEventKey),
        Some("repo:push") => push(delivery.body()).map(Some),
        Some(_) => Ok(None),
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    push: BodyPush<'a>,
    #[serde(borrow)]
    repository: BodyRepository<'a>,
    #[serde(borrow, default)]
    actor: Option<BodyActor<'a>>,
}

#[derive(Deserialize)]
struct BodyPush<'a> {
    #[serde(borrow)]
    changes: Vec<BodyChange<'a>>,
}

#[derive(Deserialize)]
struct BodyRepository<'a> {
    #[serde(borrow)]
    full_name: Cow<'a, str>,
    #[serde(borrow)]
    uuid: Cow<'a, str>,
}

#[derive(Deserialize)]
struct BodyActor<'a> {
    #[serde(borrow, default)]
    nickname: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    uuid: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct BodyChange<'a> {
    #[serde(borrow, default)]
    old: Option<BodyRef<'a>>,
    #[serde(borrow, default)]
    new: Option<BodyRef<'a>>,
}

#[derive(Deserialize)]
struct BodyRef<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    target: Option<BodyTarget<'a>>,
}

#[derive(Deserialize)]
struct BodyTarget<'a> {
    #[serde(borrow, default)]
    hash: Option<Cow<'a, str>>,
    // When it was made, in RFC 3339 (Bitbucket's event payloads, repo:push: `target.date`). It decides nothing, so that what
    // is no time there spoils no push.
    #[serde(borrow, default)]
    date: Option<&'a RawValue>,
}

impl BodyRef<'_> {
    fn hash(&self) -> Option<&str> {
        self.target.as_ref()?.hash.as_deref()
    }

    fn committed_at(&self) -> Option<Timestamp> {
        let text: Cow<'_, str> = serde_json::from_str(self.target.as_ref()?.date?.get()).ok()?;
        from_rfc3339(&text)
    }

    fn kind(&self) -> RefKind {
        match self.kind.as_deref() {
            Some("branch") => RefKind::Branch,
            Some("tag") => RefKind::Tag,
            Some(_) | None => RefKind::Unknown,
        }
    }
}

fn push(body: &[u8]) -> Result<Push<'_>, Malformed> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| Malformed::Json {
        line: error.line(),
        column: error.column(),
    })?;
    if body.push.changes.len() > CHANGES_MAX {
        return Err(Malformed::TooManyChanges);
    }
    let repository = Repository::parse(&body.repository.full_name.to_ascii_lowercase())
        .map_err(|_| Malformed::Repository)?;
    let repository_uuid = uuid(&body.repository.uuid).ok_or(Malformed::Repository)?;
    let changes = body.push.changes.into_iter();
    let changes: Result<Vec<_>, _> = changes.map(|c| change(&repository_uuid, c)).collect();
    Ok(Push {
        repository,
        actor: body.actor.as_ref().and_then(actor),
        account: body.actor.as_ref().and_then(account),
        changes: changes?,
        repository_uuid,
    })
}

fn change<'a>(repository: &str, change: BodyChange<'a>) -> Result<PushChange<'a>, Malformed> {
    let named = change.new.as_ref().or(change.old.as_ref());
    let kind = named.ok_or(Malformed::Change)?.kind();
    let key = key(repository, &change);
    let old = commit(kind, change.old.as_ref())?;
    let new = commit(kind, change.new.as_ref())?;
    let committed_at = change.new.as_ref().and_then(BodyRef::committed_at);
    let name = change.new.or(change.old).and_then(|named| named.name);
    let name = match (kind, name) {
        (_, Some(name)) => name,
        // A kind of ref that nobody knows yet is skipped; it must not spoil the branches beside it.
        (RefKind::Unknown, None) => Cow::Borrowed(""),
        (RefKind::Branch | RefKind::Tag, None) => return Err(Malformed::Change),
    };
    Ok(PushChange {
        kind,
        name,
        old,
        new,
        committed_at,
        key,
    })
}

/// The commit a ref points to. An abbreviated one is refused: it could name another commit tomorrow.
fn commit(kind: RefKind, named: Option<&BodyRef<'_>>) -> Result<Option<Commit>, Malformed> {
    let Some(named) = named else {
        return Ok(None);
    };
    let hash = named.hash().unwrap_or_default();
    let is_null = hash.bytes().all(|digit| digit == b'0');
    match (kind, Commit::parse(hash)) {
        (_, Ok(commit)) if !is_null => Ok(Some(commit)),
        (RefKind::Unknown, _) => Ok(None),
        (RefKind::Branch | RefKind::Tag, _) => Err(Malformed::Commit),
    }
}

fn actor(actor: &BodyActor<'_>) -> Option<Person> {
    [&actor.nickname, &actor.uuid]
        .into_iter()
        .flatten()
        .find_map(|name| Person::parse(name).ok())
}

fn account(actor: &BodyActor<'_>) -> Option<String> {
    actor.uuid.as_deref().and_then(uuid)
}

/// A UUID in braces, in lower case.
fn uuid(text: &str) -> Option<String> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let valid = inner.len() == 36
        && inner.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    valid.then(|| text.to_ascii_lowercase())
}

fn key(repository: &str, change: &BodyChange<'_>) -> PushKey {
    let named = change.new.as_ref().or(change.old.as_ref());
    PushKey::over(&[
        Some(repository),
        named.and_then(|named| named.kind.as_deref()),
        named.and_then(|named| named.name.as_deref()),
        change.old.as_ref().and_then(BodyRef::hash),
        change.new.as_ref().and_then(BodyRef::hash),
    ])
}
