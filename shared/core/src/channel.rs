//! Where people and systems are told, and of what.

use crate::deployment::AnnouncementKind;
use crate::failure::FailureClass;
use crate::ids::{ChannelName, MessageTs, SlackChannel};
use crate::state::{Outcome, State};
use std::collections::BTreeSet;

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The environment's SNS topic.
    Sns,
    /// A Slack channel, by the name of its incoming webhook.
    Slack(ChannelName),
    /// A Slack channel that the environment's own Slack app writes to: one message per deployment, which changes.
    SlackApp(SlackChannel),
    /// A channel of Microsoft Teams, by the name of its workflow's webhook.
    Teams(ChannelName),
    /// A system that takes signed JSON, by the name of its webhook.
    Webhook(ChannelName),
    /// The build status on the commit in Bitbucket.
    BuildStatus,
    /// A git tag on the commit of each successful deployment.
    Tag,
}

impl Channel {
    /// Whether each message takes the place of the one before. Two of them that are under way at once could arrive the wrong
    /// way round, and a deployment that is over would look as if it still ran; so they go one after the other.
    #[must_use]
    pub const fn is_in_place(&self) -> bool {
        match self {
            Self::SlackApp(_) | Self::BuildStatus => true,
            Self::Sns | Self::Slack(_) | Self::Teams(_) | Self::Webhook(_) | Self::Tag => false,
        }
    }

    /// Whether it says something of the commit itself, to whoever looks at it, and not of the deployment.
    #[must_use]
    pub const fn is_about_the_commit(&self) -> bool {
        match self {
            Self::BuildStatus | Self::Tag => true,
            Self::Sns | Self::Slack(_) | Self::SlackApp(_) | Self::Teams(_) | Self::Webhook(_) => {
                false
            }
        }
    }

    /// The channel of a label; `None` for what is none.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        let (kind, name) = label.split_once('/').unwrap_or((label, ""));
        let named = || ChannelName::parse(name).ok();
        match (kind, name) {
            ("sns", "") => Some(Self::Sns),
            ("build_status", "") => Some(Self::BuildStatus),
            ("tag", "") => Some(Self::Tag),
            ("slack", _) => named().map(Self::Slack),
            ("teams", _) => named().map(Self::Teams),
            ("webhooks", _) => named().map(Self::Webhook),
            ("slack_app", _) => SlackChannel::parse(name).ok().map(Self::SlackApp),
            _ => None,
        }
    }

    /// The channel in one line, for logs: its kind, and its name where there can be several.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Sns => "sns".to_owned(),
            Self::Slack(name) => format!("slack/{name}"),
            Self::SlackApp(channel) => format!("slack_app/{channel}"),
            Self::Teams(name) => format!("teams/{name}"),
            Self::Webhook(name) => format!("webhooks/{name}"),
            Self::BuildStatus => "build_status".to_owned(),
            Self::Tag => "tag".to_owned(),
        }
    }
}

/// How urgent a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// To be known.
    Info,
    /// Somebody is asked, and is waited for with patience.
    Warning,
    /// It went wrong; nobody is needed at once.
    Error,
    /// A person must act now.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The severity's word, in configurations, records and messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// How urgent news of this kind is about a deployment in this state.
    #[must_use]
    pub const fn of(kind: AnnouncementKind, state: &State) -> Self {
        match (kind, state) {
            (AnnouncementKind::ApprovalWanted, State::AwaitingApproval { .. }) => Self::Warning,
            (AnnouncementKind::ApprovalWanted | AnnouncementKind::Started, _) => Self::Info,
            (AnnouncementKind::RollingBack, _) => Self::Error,
            (AnnouncementKind::Ended, State::Ended { outcome, .. }) => of_outcome(outcome),
            (AnnouncementKind::Ended, _) => Self::Info,
        }
    }
}

const fn of_outcome(outcome: &Outcome) -> Severity {
    match outcome {
        Outcome::RolledBack(failure)
            if matches!(failure.class, FailureClass::CancelledByOperator) =>
        {
            Severity::Info
        }
        Outcome::Failed(_) | Outcome::RolledBack(_) | Outcome::Expired(_) => Severity::Error,
        Outcome::RollbackFailed(_) => Severity::Critical,
        Outcome::Succeeded
        | Outcome::Rejected(_)
        | Outcome::Superseded(_)
        | Outcome::Cancelled(_) => Severity::Info,
    }
}

/// A channel, and what it is told of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// The channel.
    pub channel: Channel,
    /// The least urgent message that it gets.
    pub from: Severity,
    /// The kinds of messages that it gets.
    pub kinds: BTreeSet<AnnouncementKind>,
}

impl Route {
    /// Whether news of this kind about a deployment in this state go there. A tag is for what has succeeded and for nothing else.
    #[must_use]
    pub fn takes(&self, kind: AnnouncementKind, state: &State) -> bool {
        let is_success = matches!(
            state,
            State::Ended {
                outcome: Outcome::Succeeded,
                ..
            }
        );
        let fits = is_success || self.channel != Channel::Tag;
        fits && self.kinds.contains(&kind) && Severity::of(kind, state) >= self.from
    }
}

impl From<Channel> for Route {
    /// A channel that is told of everything.
    fn from(channel: Channel) -> Self {
        Self {
            channel,
            from: Severity::Info,
            kinds: AnnouncementKind::ALL.into_iter().collect(),
        }
    }
}

/// A message that stands in a Slack channel and changes with its deployment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Post {
    /// Where it stands.
    pub channel: SlackChannel,
    /// Which it is.
    pub ts: MessageTs,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use crate::time::Timestamp;

    fn ended(outcome: Outcome) -> State {
        let (at, run) = (Timestamp::from_unix_ms(1), None);
        State::Ended { at, outcome, run }
    }

    #[test]
    fn a_tag_is_for_success_only_and_a_page_for_what_a_person_must_do_now() {
        let failed = || Failure::of(FailureClass::HealthFailed);
        let tag = Route::from(Channel::Tag);
        let page = Route {
            from: Severity::Critical,
            ..Route::from(Channel::Sns)
        };
        let kind = AnnouncementKind::Ended;
        for (outcome, tagged, paged) in [
            (Outcome::Succeeded, true, false),
            (Outcome::Failed(failed()), false, false),
            (Outcome::RolledBack(failed()), false, false),
            (Outcome::RollbackFailed(failed()), false, true),
        ] {
            let state = ended(outcome);
            assert_eq!(tag.takes(kind, &state), tagged, "{state:?}");
            assert_eq!(page.takes(kind, &state), paged, "{state:?}");
            assert!(Route::from(Channel::Sns).takes(kind, &state), "{state:?}");
        }
    }

    #[test]
    fn a_channel_is_found_again_by_its_label() {
        let name = || ChannelName::parse("audit").unwrap();
        for channel in [
            Channel::Sns,
            Channel::Slack(name()),
            Channel::SlackApp(SlackChannel::parse("C024BE91L").unwrap()),
            Channel::Teams(name()),
            Channel::Webhook(name()),
            Channel::BuildStatus,
            Channel::Tag,
        ] {
            assert_eq!(Channel::from_label(&channel.label()), Some(channel));
        }
        for label in ["", "sns/x", "slack", "slack/", "slack/A b", "mail/x"] {
            assert_eq!(Channel::from_label(label), None, "{label}");
        }
    }

    #[test]
    fn a_kind_that_is_not_asked_for_does_not_come() {
        let route = Route {
            kinds: BTreeSet::from([AnnouncementKind::RollingBack]),
            ..Route::from(Channel::BuildStatus)
        };
        assert!(!route.takes(AnnouncementKind::Ended, &ended(Outcome::Succeeded)));
    }
}
