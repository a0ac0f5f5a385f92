//! The small parts of a record: words, releases, failures.
//!
//! Each word has an enum of its own here, matched with the core's variant by variant, so that a new variant in the core
//! does not compile until it has a word, and an unknown word in a record is an error.

use super::RecordError;
use longshore_core::{
    Action, AnnouncementKind, Artifact, Cause, Channel, ChannelName, Commit, DocumentPin, Failure,
    FailureClass, FreezeSource, Kind, MessageTs, ObjectVersion, ParameterName, Post, Release,
    Route, Severity, Sha256Digest, SlackChannel, State, Verdict, WaveSize,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Declares the words for an enum of the core without data.
macro_rules! words {
    ($(#[$doc:meta])* $record:ident for $domain:ident { $($variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum $record { $($variant),* }

        impl From<$domain> for $record {
            fn from(domain: $domain) -> Self {
                match domain { $($domain::$variant => Self::$variant),* }
            }
        }

        impl From<$record> for $domain {
            fn from(record: $record) -> Self {
                match record { $($record::$variant => Self::$variant),* }
            }
        }
    };
}

words! {
    /// The words for [`Action`].
    ActionWord for Action { Prepare, Migrate, Unmigrate, Activate, Status, Prune }
}
words! {
    /// The words for [`Verdict`].
    VerdictWord for Verdict { Safe, NeedsDown, Impossible }
}
words! {
    /// The words for [`AnnouncementKind`].
    AnnouncementWord for AnnouncementKind { ApprovalWanted, Started, RollingBack, Ended }
}
words! {
    /// The words for [`Cause`].
    CauseWord for Cause { Push, Poll, Event, Tick, LookAgain, Operator }
}

words! {
    /// The words for [`FreezeSource`].
    FreezeSourceWord for FreezeSource { Window, Calendar, ChangeCalendar, Unreadable }
}

/// [`Kind`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KindRecord {
    Push,
    Redeploy,
    Rollback(ReleaseRecord),
    Config,
    Join(ReleaseRecord),
    Drill(ReleaseRecord),
    Promote(Option<ArtifactRecord>),
}

impl From<&Kind> for KindRecord {
    fn from(kind: &Kind) -> Self {
        match kind {
            Kind::Push => Self::Push,
            Kind::Redeploy => Self::Redeploy,
            Kind::Rollback(release) => Self::Rollback(release.into()),
            Kind::Config => Self::Config,
            Kind::Join(release) => Self::Join(release.into()),
            Kind::Drill(release) => Self::Drill(release.into()),
            Kind::Promote(artifact) => Self::Promote(artifact.as_ref().map(Into::into)),
        }
    }
}

impl TryFrom<KindRecord> for Kind {
    type Error = RecordError;

    fn try_from(record: KindRecord) -> Result<Self, RecordError> {
        Ok(match record {
            KindRecord::Push => Self::Push,
            KindRecord::Redeploy => Self::Redeploy,
            KindRecord::Rollback(release) => Self::Rollback(release.try_into()?),
            KindRecord::Config => Self::Config,
            KindRecord::Join(release) => Self::Join(release.try_into()?),
            KindRecord::Drill(release) => Self::Drill(release.try_into()?),
            KindRecord::Promote(artifact) => {
                Self::Promote(artifact.map(TryInto::try_into).transpose()?)
            }
        })
    }
}

/// [`Channel`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChannelRecord {
    Sns,
    Slack(String),
    SlackApp(String),
    Teams(String),
    Webhook(String),
    BuildStatus,
    Tag,
}

impl From<&Channel> for ChannelRecord {
    fn from(channel: &Channel) -> Self {
        match channel {
            Channel::Sns => Self::Sns,
            Channel::Slack(name) => Self::Slack(name.to_string()),
            Channel::SlackApp(channel) => Self::SlackApp(channel.to_string()),
            Channel::Teams(name) => Self::Teams(name.to_string()),
            Channel::Webhook(name) => Self::Webhook(name.to_string()),
            Channel::BuildStatus => Self::BuildStatus,
            Channel::Tag => Self::Tag,
        }
    }
}

impl TryFrom<ChannelRecord> for Channel {
    type Error = RecordError;

    fn try_from(record: ChannelRecord) -> Result<Self, RecordError> {
        Ok(match record {
            ChannelRecord::Sns => Self::Sns,
            ChannelRecord::Slack(name) => Self::Slack(ChannelName::parse(&name)?),
            ChannelRecord::SlackApp(channel) => Self::SlackApp(SlackChannel::parse(&channel)?),
            ChannelRecord::Teams(name) => Self::Teams(ChannelName::parse(&name)?),
            ChannelRecord::Webhook(name) => Self::Webhook(ChannelName::parse(&name)?),
            ChannelRecord::BuildStatus => Self::BuildStatus,
            ChannelRecord::Tag => Self::Tag,
        })
    }
}

words! {
    /// The words for [`Severity`].
    SeverityWord for Severity { Info, Warning, Error, Critical }
}

/// What a channel is told of, where that is not everything.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteRecord {
    channel: ChannelRecord,
    from: SeverityWord,
    kinds: Vec<AnnouncementWord>,
}

impl RouteRecord {
    /// The record of a route; `None` for a channel that is told of everything.
    pub(super) fn of(route: &Route) -> Option<Self> {
        let is_plain = *route == Route::from(route.channel.clone());
        (!is_plain).then(|| Self {
            channel: (&route.channel).into(),
            from: route.from.into(),
            kinds: route.kinds.iter().map(|kind| (*kind).into()).collect(),
        })
    }
}

impl TryFrom<RouteRecord> for Route {
    type Error = RecordError;

    fn try_from(record: RouteRecord) -> Result<Self, RecordError> {
        Ok(Self {
            channel: record.channel.try_into()?,
            from: record.from.into(),
            kinds: record.kinds.into_iter().map(Into::into).collect(),
        })
    }
}

/// [`Post`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PostRecord {
    channel: String,
    ts: String,
}

impl From<&Post> for PostRecord {
    fn from(post: &Post) -> Self {
        Self {
            channel: post.channel.to_string(),
            ts: post.ts.to_string(),
        }
    }
}

impl TryFrom<PostRecord> for Post {
    type Error = RecordError;

    fn try_from(record: PostRecord) -> Result<Self, RecordError> {
        Ok(Self {
            channel: SlackChannel::parse(&record.channel)?,
            ts: MessageTs::parse(&record.ts)?,
        })
    }
}

/// [`WaveSize`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WaveSizeRecord {
    Hosts(u32),
    Percent(u8),
}

impl From<WaveSize> for WaveSizeRecord {
    fn from(size: WaveSize) -> Self {
        match size {
            WaveSize::Hosts(hosts) => Self::Hosts(hosts),
            WaveSize::Percent(percent) => Self::Percent(percent),
        }
    }
}

impl From<WaveSizeRecord> for WaveSize {
    fn from(record: WaveSizeRecord) -> Self {
        match record {
            WaveSizeRecord::Hosts(hosts) => Self::Hosts(hosts),
            WaveSizeRecord::Percent(percent) => Self::Percent(percent),
        }
    }
}

/// [`Release`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseRecord {
    commit: String,
    config_version: u32,
    parameters: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact: Option<ArtifactRecord>,
}

/// [`Artifact`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArtifactRecord {
    version: String,
    sha256: String,
}

impl From<&Artifact> for ArtifactRecord {
    fn from(artifact: &Artifact) -> Self {
        Self {
            version: artifact.version.to_string(),
            sha256: artifact.sha256.to_string(),
        }
    }
}

impl TryFrom<ArtifactRecord> for Artifact {
    type Error = RecordError;

    fn try_from(record: ArtifactRecord) -> Result<Self, RecordError> {
        Ok(Self {
            version: ObjectVersion::parse(&record.version)?,
            sha256: Sha256Digest::parse(&record.sha256)?,
        })
    }
}

impl From<&Release> for ReleaseRecord {
    fn from(release: &Release) -> Self {
        let pins = release.parameters.iter();
        Self {
            commit: release.commit.to_string(),
            config_version: release.config_version,
            parameters: pins.map(|(name, v)| (name.to_string(), *v)).collect(),
            artifact: release.artifact.as_ref().map(ArtifactRecord::from),
        }
    }
}

impl TryFrom<ReleaseRecord> for Release {
    type Error = RecordError;

    fn try_from(record: ReleaseRecord) -> Result<Self, RecordError> {
        let mut parameters = BTreeMap::new();
        for (name, version) in &record.parameters {
            parameters.insert(ParameterName::parse(name)?, *version);
        }
        Ok(Self {
            commit: Commit::parse(&record.commit)?,
            config_version: record.config_version,
            parameters,
            artifact: record.artifact.map(Artifact::try_from).transpose()?,
        })
    }
}

/// [`DocumentPin`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentRecord {
    version: String,
    hash: String,
}

impl From<&DocumentPin> for DocumentRecord {
    fn from(pin: &DocumentPin) -> Self {
        Self {
            version: pin.version.clone(),
            hash: pin.hash.clone(),
        }
    }
}

impl From<DocumentRecord> for DocumentPin {
    fn from(record: DocumentRecord) -> Self {
        Self {
            version: record.version,
            hash: record.hash,
        }
    }
}

/// [`Failure`], stored. The class has the core's own word, which is the same on the hosts and in messages.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailureRecord {
    class: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    detail: String,
}

impl FailureRecord {
    /// A failure with another, shorter line.
    pub(super) fn with_detail(class: FailureClass, detail: String) -> Self {
        Self {
            class: class.word().to_owned(),
            detail,
        }
    }
}

impl From<&Failure> for FailureRecord {
    fn from(failure: &Failure) -> Self {
        Self::with_detail(failure.class, failure.detail().to_owned())
    }
}

impl TryFrom<FailureRecord> for Failure {
    type Error = RecordError;

    fn try_from(record: FailureRecord) -> Result<Self, RecordError> {
        let class = FailureClass::from_word(&record.class)
            .ok_or_else(|| RecordError::new("an unknown class of failure"))?;
        Ok(Self::with_detail(class, &record.detail))
    }
}

/// The core's own name of a state.
pub(super) fn state_name(name: &str) -> Result<&'static str, RecordError> {
    State::NAMES
        .into_iter()
        .find(|known| *known == name)
        .ok_or_else(|| RecordError::new("an unknown state in the history"))
}
