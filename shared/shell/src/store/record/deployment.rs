//! A deployment with its origin, policy and history, stored.

use super::changelog::ChangelogRecord;
use super::freeze::{BreakGlassRecord, FreezeRecord};
use super::judgements::{JudgementRecord, NoDataRecord};
use super::people::{ApprovalRecord, SaidRecord, reason};
use super::state::StateRecord;
use super::tables::{Packer, Tables, Unpacker};
use super::words::{
    AnnouncementWord, CauseWord, ChannelRecord, KindRecord, PostRecord, RouteRecord,
    WaveSizeRecord, state_name,
};
use super::{RecordError, SCHEMA};
use longshore_core::{
    Announcement, AppName, Channel, Commit, Deployment, DeploymentId, EnvironmentName, Freeze,
    HealthPolicy, Millis, Origin, Person, Policy, Repository, Route, TimelineEntry, Timestamp,
    WaveSize,
};
use serde::{Deserialize, Serialize};

/// [`Deployment`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeploymentRecord {
    schema: u32,
    id: String,
    app: String,
    environment: String,
    repository: String,
    version: u64,
    origin: OriginRecord,
    policy: PolicyRecord,
    state: StateRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changelog: Option<ChangelogRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop: Option<SaidRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    freeze: Option<FreezeRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    break_glass: Option<BreakGlassRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    judgements: Vec<JudgementRecord>,
    announcements: Vec<AnnouncementRecord>,
    announced: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    posts: Vec<PostRecord>,
    timeline: Vec<TimelineRecord>,
    tables: Tables,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginRecord {
    kind: KindRecord,
    commit: String,
    config_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    committed_at_ms: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyRecord {
    waves: Vec<WaveSizeRecord>,
    health: HealthRecord,
    channels: Vec<ChannelRecord>,
    /// What those channels are told of that are not told of everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    routes: Vec<RouteRecord>,
    migrates: bool,
    needs_approval: bool,
    /// A policy of before people were counted asked one, whoever it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approvals: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    not_by_author: bool,
    unreachable_max: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parallel_max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_service_min: Option<WaveSizeRecord>,
    hosts_max: u32,
    attempts_max: u32,
    approval_timeout_ms: u64,
    queue_timeout_ms: u64,
    prepare_timeout_ms: u64,
    migrate_timeout_ms: u64,
    activate_timeout_ms: u64,
    round_timeout_ms: u64,
    settling_ms: u64,
    retry_after_ms: u64,
    poll_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthRecord {
    attempts_max: u32,
    interval_ms: u64,
    bake_ms: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    wave_bake_ms: u64,
    bake_failures_max: u32,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    passes: u32,
    outside: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    numbers: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    alarms: bool,
    #[serde(default, skip_serializing_if = "NoDataRecord::is_default")]
    no_data: NoDataRecord,
}

/// The passed rounds that were asked for before one could say how many.
const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_one(number: &u32) -> bool {
    *number == 1
}

/// Whether a time is left out of the record, as records were written before there was one.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(ms: &u64) -> bool {
    *ms == 0
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnnouncementRecord {
    number: u32,
    kind: AnnouncementWord,
    channel: ChannelRecord,
    since_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed_ms: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimelineRecord {
    at_ms: u64,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wave: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<CauseWord>,
}

impl TryFrom<&Deployment> for DeploymentRecord {
    type Error = RecordError;

    fn try_from(deployment: &Deployment) -> Result<Self, RecordError> {
        let mut packer = Packer::default();
        let state = StateRecord::pack(&deployment.state, &mut packer)?;
        let announcements = deployment.announcements.iter();
        let judgements = deployment.judgements.iter();
        Ok(Self {
            schema: SCHEMA,
            id: deployment.id.to_string(),
            app: deployment.app.to_string(),
            environment: deployment.environment.to_string(),
            repository: deployment.repository.to_string(),
            version: deployment.version,
            origin: (&deployment.origin).into(),
            policy: (&deployment.policy).into(),
            state,
            changelog: deployment.changelog.as_ref().map(ChangelogRecord::from),
            approval: deployment.approval.as_ref().map(ApprovalRecord::from),
            stop: deployment.stop.as_ref().map(SaidRecord::from),
            freeze: deployment.freeze.as_ref().map(FreezeRecord::from),
            break_glass: deployment.break_glass.as_ref().map(BreakGlassRecord::from),
            judgements: judgements.map(JudgementRecord::from).collect(),
            announcements: announcements.map(AnnouncementRecord::from).collect(),
            announced: deployment.announced,
            posts: deployment.posts.iter().map(PostRecord::from).collect(),
            timeline: deployment
                .timeline
                .iter()
                .map(TimelineRecord::from)
                .collect(),
            tables: packer.finish(),
        })
    }
}

impl TryFrom<DeploymentRecord> for Deployment {
    type Error = RecordError;

    fn try_from(record: DeploymentRecord) -> Result<Self, RecordError> {
        let tables = Unpacker::try_from(record.tables)?;
        let announcements = record.announcements.into_iter();
        let posts = record.posts.into_iter();
        let timeline = record.timeline.into_iter();
        let judgements = record.judgements.into_iter();
        Ok(Self {
            id: DeploymentId::parse(&record.id)?,
            app: AppName::parse(&record.app)?,
            environment: EnvironmentName::parse(&record.environment)?,
            repository: Repository::parse(&record.repository)?,
            origin: record.origin.try_into()?,
            policy: record.policy.try_into()?,
            state: record.state.unpack(&tables)?,
            changelog: record.changelog.map(TryInto::try_into).transpose()?,
            approval: record.approval.map(TryInto::try_into).transpose()?,
            stop: record.stop.map(TryInto::try_into).transpose()?,
            freeze: record.freeze.map(Freeze::from),
            break_glass: record.break_glass.map(TryInto::try_into).transpose()?,
            judgements: judgements
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            announcements: announcements
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            announced: record.announced,
            posts: posts.map(TryInto::try_into).collect::<Result<_, _>>()?,
            timeline: timeline.map(TryInto::try_into).collect::<Result<_, _>>()?,
            version: record.version,
        })
    }
}

impl From<&Origin> for OriginRecord {
    fn from(origin: &Origin) -> Self {
        Self {
            kind: (&origin.kind).into(),
            commit: origin.commit.to_string(),
            config_version: origin.config_version,
            by: origin.by.as_ref().map(ToString::to_string),
            reason: origin.reason.as_ref().map(ToString::to_string),
            at_ms: origin.at.as_unix_ms(),
            committed_at_ms: origin.committed_at.map(Timestamp::as_unix_ms),
        }
    }
}

impl TryFrom<OriginRecord> for Origin {
    type Error = RecordError;

    fn try_from(record: OriginRecord) -> Result<Self, RecordError> {
        let by = record.by.map(|by| Person::parse(&by));
        Ok(Self {
            kind: record.kind.try_into()?,
            commit: Commit::parse(&record.commit)?,
            config_version: record.config_version,
            by: by.transpose()?,
            reason: record.reason.as_deref().map(reason).transpose()?,
            at: Timestamp::from_unix_ms(record.at_ms),
            committed_at: record.committed_at_ms.map(Timestamp::from_unix_ms),
        })
    }
}

impl From<&Policy> for PolicyRecord {
    fn from(policy: &Policy) -> Self {
        Self {
            waves: policy.waves.iter().map(|size| (*size).into()).collect(),
            health: (&policy.health).into(),
            channels: policy
                .channels
                .iter()
                .map(|route| (&route.channel).into())
                .collect(),
            routes: policy.channels.iter().filter_map(RouteRecord::of).collect(),
            migrates: policy.migrates,
            needs_approval: policy.approvals > 0,
            approvals: (policy.approvals > 1).then_some(policy.approvals),
            not_by_author: !policy.by_author,
            unreachable_max: policy.unreachable_max,
            parallel_max: policy.parallel_max,
            in_service_min: policy.in_service_min.map(WaveSizeRecord::from),
            hosts_max: policy.hosts_max,
            attempts_max: policy.attempts_max,
            approval_timeout_ms: policy.approval_timeout.as_ms(),
            queue_timeout_ms: policy.queue_timeout.as_ms(),
            prepare_timeout_ms: policy.prepare_timeout.as_ms(),
            migrate_timeout_ms: policy.migrate_timeout.as_ms(),
            activate_timeout_ms: policy.activate_timeout.as_ms(),
            round_timeout_ms: policy.round_timeout.as_ms(),
            settling_ms: policy.settling.as_ms(),
            retry_after_ms: policy.retry_after.as_ms(),
            poll_ms: policy.poll.as_ms(),
        }
    }
}

impl TryFrom<PolicyRecord> for Policy {
    type Error = RecordError;

    fn try_from(record: PolicyRecord) -> Result<Self, RecordError> {
        let channels = channels_of(record.channels, record.routes)?;
        Ok(Self {
            waves: record.waves.into_iter().map(WaveSize::from).collect(),
            health: record.health.into(),
            channels,
            migrates: record.migrates,
            approvals: match (record.needs_approval, record.approvals) {
                (true, Some(number)) => number,
                (true, None) => 1,
                (false, _) => 0,
            },
            by_author: !record.not_by_author,
            unreachable_max: record.unreachable_max,
            parallel_max: record.parallel_max,
            in_service_min: record.in_service_min.map(WaveSize::from),
            hosts_max: record.hosts_max,
            attempts_max: record.attempts_max,
            approval_timeout: Millis::new(record.approval_timeout_ms),
            queue_timeout: Millis::new(record.queue_timeout_ms),
            prepare_timeout: Millis::new(record.prepare_timeout_ms),
            migrate_timeout: Millis::new(record.migrate_timeout_ms),
            activate_timeout: Millis::new(record.activate_timeout_ms),
            round_timeout: Millis::new(record.round_timeout_ms),
            settling: Millis::new(record.settling_ms),
            retry_after: Millis::new(record.retry_after_ms),
            poll: Millis::new(record.poll_ms),
        })
    }
}

/// The channels with what each is told of: everything, where nothing else is said.
fn channels_of(
    channels: Vec<ChannelRecord>,
    routes: Vec<RouteRecord>,
) -> Result<Vec<Route>, RecordError> {
    let routes = routes.into_iter().map(Route::try_from);
    let routes: Vec<Route> = routes.collect::<Result<_, _>>()?;
    let with_its_route = |channel| {
        let channel = Channel::try_from(channel)?;
        let own = routes.iter().find(|route| route.channel == channel);
        Ok(own.cloned().unwrap_or_else(|| channel.into()))
    };
    channels.into_iter().map(with_its_route).collect()
}

impl From<&HealthPolicy> for HealthRecord {
    fn from(health: &HealthPolicy) -> Self {
        Self {
            attempts_max: health.attempts_max,
            interval_ms: health.interval.as_ms(),
            bake_ms: health.bake.as_ms(),
            wave_bake_ms: health.wave_bake.as_ms(),
            bake_failures_max: health.bake_failures_max,
            passes: health.passes,
            outside: health.outside,
            numbers: health.numbers,
            alarms: health.alarms,
            no_data: health.no_data.into(),
        }
    }
}

impl From<HealthRecord> for HealthPolicy {
    fn from(record: HealthRecord) -> Self {
        Self {
            attempts_max: record.attempts_max,
            interval: Millis::new(record.interval_ms),
            bake: Millis::new(record.bake_ms),
            wave_bake: Millis::new(record.wave_bake_ms),
            bake_failures_max: record.bake_failures_max,
            passes: record.passes,
            outside: record.outside,
            numbers: record.numbers,
            alarms: record.alarms,
            no_data: record.no_data.into(),
        }
    }
}

impl From<&Announcement> for AnnouncementRecord {
    fn from(announcement: &Announcement) -> Self {
        Self {
            number: announcement.number,
            kind: announcement.kind.into(),
            channel: (&announcement.channel).into(),
            since_ms: announcement.since.as_unix_ms(),
            claimed_ms: announcement.claimed.map(Timestamp::as_unix_ms),
        }
    }
}

impl TryFrom<AnnouncementRecord> for Announcement {
    type Error = RecordError;

    fn try_from(record: AnnouncementRecord) -> Result<Self, RecordError> {
        Ok(Self {
            number: record.number,
            kind: record.kind.into(),
            channel: record.channel.try_into()?,
            since: Timestamp::from_unix_ms(record.since_ms),
            claimed: record.claimed_ms.map(Timestamp::from_unix_ms),
        })
    }
}

impl From<&TimelineEntry> for TimelineRecord {
    fn from(entry: &TimelineEntry) -> Self {
        Self {
            at_ms: entry.at.as_unix_ms(),
            state: entry.state.to_owned(),
            wave: entry.wave,
            cause: entry.cause.map(CauseWord::from),
        }
    }
}

impl TryFrom<TimelineRecord> for TimelineEntry {
    type Error = RecordError;

    fn try_from(record: TimelineRecord) -> Result<Self, RecordError> {
        Ok(Self {
            at: Timestamp::from_unix_ms(record.at_ms),
            state: state_name(&record.state)?,
            wave: record.wave,
            cause: record.cause.map(Into::into),
        })
    }
}
