//! The EventBridge envelope, and the product's own messages: a deployment changed, look again, a minute has passed, look at
//! the branches, a branch was seen, somebody has clicked.

use crate::click::{Click, ClickDetail};
use crate::{BadJson, read};
use longshore_core::{AppName, Channel, Commit, DeploymentId, Repository, Timestamp};
use serde::Deserialize;
use std::borrow::Cow;

/// An event of EventBridge, or one of our own messages in the same shape.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", bound(deserialize = "D: Deserialize<'de>"))]
pub struct Envelope<'a, D> {
    /// Who put it on the bus; our own messages to a queue have none.
    #[serde(borrow, default)]
    pub source: Option<Cow<'a, str>>,
    /// What kind of event.
    #[serde(borrow)]
    pub detail_type: Cow<'a, str>,
    /// The ARNs it is about; empty when there are none.
    #[serde(default)]
    pub resources: Vec<String>,
    /// What it says.
    #[serde(default = "Option::default")]
    pub detail: Option<D>,
}

impl<'a, D: Deserialize<'a>> Envelope<'a, D> {
    /// Reads an event.
    ///
    /// # Errors
    /// [`BadJson`] when it is not one, or its detail has another shape.
    pub fn parse(json: &'a str) -> Result<Self, BadJson> {
        read(json)
    }
}

/// One of the product's own messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A deployment was written.
    DeploymentChanged(DeploymentId),
    /// A look that was planned.
    LookAgain {
        /// At which deployment.
        deployment: DeploymentId,
        /// The chapter it was planned in; in another one the look is void. Only ever compared.
        chapter: Option<String>,
    },
    /// A minute has passed.
    Tick,
    /// It is time to see where the branches point.
    Poll,
    /// A branch was seen to point at a commit that nobody had told of.
    BranchSeen {
        /// Whose branch.
        repository: Repository,
        /// The commit.
        head: Commit,
        /// What the last accepted push had become by then.
        last: Option<DeploymentId>,
    },
    /// A person has clicked on what a message in Slack asks.
    Clicked(Click),
    /// A channel is to be told of a day.
    DigestDue(Digest),
}

/// A digest that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Where it goes.
    pub channel: Channel,
    /// At which time of the day.
    pub at: String,
    /// The end of what it is about.
    pub until: Timestamp,
    /// The apps that it is about.
    pub apps: Vec<AppName>,
    /// Repositories of which it is not known whether they belong to it.
    pub unread: Vec<Repository>,
}

/// A message of ours that cannot be read. Asking for it again would bring the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not JSON, or of another shape.
    #[error(transparent)]
    Json(#[from] BadJson),
    /// It names no deployment, or not by a valid id.
    #[error("the message names no deployment")]
    NoDeployment,
    /// It names no repository and commit, or not by valid names.
    #[error("the message names no head of a branch")]
    NoHead,
    /// It does not say who has clicked on what, or not by valid names.
    #[error("the message tells of no click")]
    NoClick,
    /// It names no digest, or not by valid names.
    #[error("the message names no digest")]
    NoDigest,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow, default)]
    deployment: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    chapter: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    repository: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    head: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    last: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    click: Option<ClickDetail<'a>>,
    #[serde(borrow, default)]
    digest: Option<DigestDetail<'a>>,
}

#[derive(Deserialize)]
struct DigestDetail<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    at: Cow<'a, str>,
    until_ms: u64,
    apps: Vec<String>,
    unread: Vec<String>,
}

impl Digest {
    fn of(detail: &DigestDetail<'_>) -> Option<Self> {
        let apps = detail.apps.iter().map(|app| AppName::parse(app).ok());
        let unread = detail
            .unread
            .iter()
            .map(|name| Repository::parse(name).ok());
        Some(Self {
            channel: Channel::from_label(&detail.channel)?,
            at: detail.at.clone().into_owned(),
            until: Timestamp::from_unix_ms(detail.until_ms),
            apps: apps.collect::<Option<_>>()?,
            unread: unread.collect::<Option<_>>()?,
        })
    }
}

impl Message {
    /// Reads a message; `None` when it is none of ours. A change counts only from our own source, which nobody else may
    /// put on the bus; what a queue gets from us directly has no source at all.
    ///
    /// # Errors
    /// [`MessageError`] when it should be one of ours and cannot be read.
    pub fn parse(body: &str) -> Result<Option<Self>, MessageError> {
        let envelope: Envelope<'_, Detail<'_>> = Envelope::parse(body)?;
        let source = envelope.source.as_deref();
        let detail = envelope.detail;
        match (envelope.detail_type.as_ref(), source) {
            ("DeploymentChanged", Some("longshore")) => {
                Ok(Some(Self::DeploymentChanged(deployment(detail.as_ref())?)))
            }
            ("LookAgain", None) => {
                let deployment = deployment(detail.as_ref())?;
                let chapter = detail.and_then(|detail| detail.chapter);
                Ok(Some(Self::LookAgain {
                    deployment,
                    chapter: chapter.map(Cow::into_owned),
                }))
            }
            ("Tick", None) => Ok(Some(Self::Tick)),
            ("Poll", None) => Ok(Some(Self::Poll)),
            ("BranchSeen", None) => branch_seen(detail.as_ref()).map(Some),
            ("Clicked", None) => {
                let click = detail.and_then(|detail| detail.click);
                let click = click.and_then(|click| Click::of(&click));
                click
                    .map(Self::Clicked)
                    .map(Some)
                    .ok_or(MessageError::NoClick)
            }
            ("DigestDue", None) => {
                let digest = detail.and_then(|detail| detail.digest);
                let digest = digest.and_then(|digest| Digest::of(&digest));
                digest
                    .map(Self::DigestDue)
                    .map(Some)
                    .ok_or(MessageError::NoDigest)
            }
            _ => Ok(None),
        }
    }
}

fn deployment(detail: Option<&Detail<'_>>) -> Result<DeploymentId, MessageError> {
    let id = detail.and_then(|detail| detail.deployment.as_deref());
    DeploymentId::parse(id.unwrap_or_default()).map_err(|_| MessageError::NoDeployment)
}

fn branch_seen(detail: Option<&Detail<'_>>) -> Result<Message, MessageError> {
    let detail = detail.ok_or(MessageError::NoHead)?;
    let repository = Repository::parse(detail.repository.as_deref().unwrap_or_default());
    let head = Commit::parse(detail.head.as_deref().unwrap_or_default());
    let last = detail.last.as_deref().map(DeploymentId::parse).transpose();
    match (repository, head, last) {
        (Ok(repository), Ok(head), Ok(last)) => Ok(Message::BranchSeen {
            repository,
            head,
            last,
        }),
        _ => Err(MessageError::NoHead),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01JD0000000000000000000000";

    fn id() -> DeploymentId {
        DeploymentId::parse(ID).unwrap()
    }

    #[test]
    fn each_of_our_messages_is_known_by_its_type_and_source() {
        let look = |chapter: Option<&str>| {
            Ok(Some(Message::LookAgain {
                deployment: id(),
                chapter: chapter.map(str::to_owned),
            }))
        };
        let changed = format!(
            r#"{{"version":"0","id":"e","detail-type":"DeploymentChanged","source":"longshore","account":"1","resources":[],
            "detail":{{"deployment":"{ID}","app":"orders","state":"Queued","version":"3","notifier":"yes"}}}}"#
        );
        for (body, expected) in [
            (changed.clone(), Ok(Some(Message::DeploymentChanged(id())))),
            (changed.replace("longshore", "somebody"), Ok(None)),
            (changed.replace("Changed", "Gone"), Ok(None)),
            (
                changed.replace(ID, "$(id)"),
                Err(MessageError::NoDeployment),
            ),
            (
                format!(r#"{{"detail-type":"LookAgain","detail":{{"deployment":"{ID}"}}}}"#),
                look(None),
            ),
            (
                format!(
                    r#"{{"detail-type":"LookAgain","detail":{{"chapter":"Baking:0:3","deployment":"{ID}"}}}}"#
                ),
                look(Some("Baking:0:3")),
            ),
            (
                r#"{"detail-type":"LookAgain"}"#.to_owned(),
                Err(MessageError::NoDeployment),
            ),
            (
                r#"{"detail-type":"Tick"}"#.to_owned(),
                Ok(Some(Message::Tick)),
            ),
            (
                r#"{"detail-type":"Tick","source":"somebody"}"#.to_owned(),
                Ok(None),
            ),
            (
                r#"{"detail-type":"Tick","detail":null}"#.to_owned(),
                Ok(Some(Message::Tick)),
            ),
        ] {
            assert_eq!(Message::parse(&body), expected, "{body}");
        }
    }

    #[test]
    fn a_branch_that_was_seen_is_named_by_valid_names_or_not_at_all() {
        let head = "a".repeat(40);
        let body = |detail: &str| format!(r#"{{"detail-type":"BranchSeen","detail":{detail}}}"#);
        let seen = |last: Option<DeploymentId>| {
            Ok(Some(Message::BranchSeen {
                repository: Repository::parse("acme/orders").unwrap(),
                head: Commit::parse(&head).unwrap(),
                last,
            }))
        };
        let good = format!(r#""repository":"acme/orders","head":"{head}""#);
        for (body, expected) in [
            (body(&format!("{{{good}}}")), seen(None)),
            (
                body(&format!(r#"{{{good},"last":"{ID}"}}"#)),
                seen(Some(id())),
            ),
            (
                body(&format!(r#"{{{good},"last":"$(id)"}}"#)),
                Err(MessageError::NoHead),
            ),
            (
                body(r#"{"repository":"acme/orders","head":"aa"}"#),
                Err(MessageError::NoHead),
            ),
            (
                r#"{"detail-type":"BranchSeen"}"#.to_owned(),
                Err(MessageError::NoHead),
            ),
            (
                r#"{"detail-type":"Poll"}"#.to_owned(),
                Ok(Some(Message::Poll)),
            ),
            (
                r#"{"detail-type":"Poll","source":"somebody"}"#.to_owned(),
                Ok(None),
            ),
        ] {
            assert_eq!(Message::parse(&body), expected, "{body}");
        }
    }

    #[test]
    fn a_digest_is_named_by_valid_names_or_not_at_all() {
        let body = |channel: &str, app: &str| {
            format!(
                r#"{{"detail-type":"DigestDue","detail":{{"digest":{{"channel":"{channel}","at":"09:00","until_ms":7,
                "apps":["{app}"],"unread":["acme/shop"]}}}}}}"#
            )
        };
        let digest = Digest {
            channel: Channel::Sns,
            at: "09:00".to_owned(),
            until: Timestamp::from_unix_ms(7),
            apps: vec![AppName::parse("orders").unwrap()],
            unread: vec![Repository::parse("acme/shop").unwrap()],
        };
        for (body, expected) in [
            (body("sns", "orders"), Ok(Some(Message::DigestDue(digest)))),
            (body("mail", "orders"), Err(MessageError::NoDigest)),
            (body("sns", "$(id)"), Err(MessageError::NoDigest)),
            (
                r#"{"detail-type":"DigestDue"}"#.to_owned(),
                Err(MessageError::NoDigest),
            ),
        ] {
            assert_eq!(Message::parse(&body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_no_message_is_an_error_that_does_not_repeat_it() {
        for body in [
            "",
            "secret",
            "{}",
            "[]",
            r#"{"detail-type":7}"#,
            r#"{"detail-type":"secret","detail":"secret"}"#,
        ] {
            let error = Message::parse(body).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{body}");
        }
    }
}
