//! Where people are told.

use crate::ids::ChannelName;

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The environment's SNS topic.
    Sns,
    /// A Slack channel, by the name of its webhook.
    Slack(ChannelName),
}
