//! Who is told, where, and of what.

use crate::field::{Field, List, News, Urgency};
use crate::problem::{Problem, Problems, index_path};
use crate::section::{
    Presence::{self, Default, Optional, Required},
    Property, Section, object_schema, section,
};
use crate::text::{channel_name, text};
use longshore_core::{AnnouncementKind, Channel, ChannelName, Route, Severity, SlackChannel};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Channels of one service, at most.
const CHANNELS_MAX: usize = 10;

section! {
    /// Where people and systems are told, and of what.
    pub struct Notifications {
        /// Slack channels, by the names of their webhooks among the environment's control parameters.
        slack: List<To<ChannelName>, CHANNELS_MAX> = Default(json!([])),
        /// Slack channels by their ids, for the environment's own Slack app: one message per deployment, changed in its place.
        slack_app: List<To<SlackChannel>, CHANNELS_MAX> = Default(json!([])),
        /// Channels of Microsoft Teams, by the names of their workflows' webhooks among the control parameters.
        teams: List<To<ChannelName>, CHANNELS_MAX> = Default(json!([])),
        /// Systems that take signed JSON, by the names of their webhooks among the control parameters.
        webhooks: List<To<ChannelName>, CHANNELS_MAX> = Default(json!([])),
        /// Whether the commit in Bitbucket shows the state of its deployment to this environment.
        build_status: bool = Default(json!(false)),
        /// Whether the commit of each successful deployment gets a tag in Bitbucket.
        tag: bool = Default(json!(false)),
        /// Whether the environment's SNS topic gets the messages, and which.
        sns: Topic = Default(json!(true)),
    }
}

impl Notifications {
    /// Every channel, with what it is told of.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let mut routes: Vec<Route> = self.sns.0.iter().map(|of| of.to(Channel::Sns)).collect();
        let slack = self.slack.as_slice().iter();
        routes.extend(slack.map(|to| to.of.to(Channel::Slack(to.name.clone()))));
        let app = self.slack_app.as_slice().iter();
        routes.extend(app.map(|to| to.of.to(Channel::SlackApp(to.name.clone()))));
        let teams = self.teams.as_slice().iter();
        routes.extend(teams.map(|to| to.of.to(Channel::Teams(to.name.clone()))));
        let webhooks = self.webhooks.as_slice().iter();
        routes.extend(webhooks.map(|to| to.of.to(Channel::Webhook(to.name.clone()))));
        routes.extend(self.build_status.then(|| Channel::BuildStatus.into()));
        routes.extend(self.tag.then(|| Channel::Tag.into()));
        routes
    }
}

text!(
    /// When a channel is told of a day.
    DailyAt,
    "a time of the day, which is UTC, or one with a time zone of the IANA: \"09:00\", \"09:00 Europe/Berlin\"",
    |text| longshore_freeze::Daily::parse(text)
        .map(|_| ())
        .ok_or("is not a time of the day in a place"),
    json!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]( [A-Za-z0-9_+/-]{1,64})?$" })
);

/// What a channel is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Of {
    from: Severity,
    kinds: BTreeSet<AnnouncementKind>,
    digest: Option<DailyAt>,
}

impl Of {
    fn everything() -> Self {
        Self {
            from: Severity::Info,
            kinds: AnnouncementKind::ALL.into_iter().collect(),
            digest: None,
        }
    }

    fn to(&self, channel: Channel) -> Route {
        Route {
            channel,
            from: self.from,
            kinds: self.kinds.clone(),
        }
    }

    fn take(section: &mut Section<'_>, at: &str) -> Option<Self> {
        let digest = section.take::<Option<DailyAt>>("digest", &Optional);
        // What comes once a day need not come at once as well, unless somebody is asked or something went wrong.
        let least = match &digest {
            Some(Some(_)) => Default(json!("warning")),
            Some(None) | None => from(),
        };
        let from = section.take::<Urgency>("from", &least);
        let kinds = section.take::<List<News, 4>>("kinds", &kinds());
        let (digest, from, kinds) = (digest?, from?, kinds?);
        if kinds.as_slice().is_empty() {
            let path = format!("{at}.kinds");
            let fix = "name at least one, or remove the channel";
            section.object_to(Problem::new(&path, "names no kind of message", fix));
            return None;
        }
        Some(Self {
            from: from.get(),
            kinds: kinds.as_slice().iter().map(|kind| kind.get()).collect(),
            digest,
        })
    }

    fn properties() -> Vec<Property> {
        vec![
            Property {
                name: "from",
                about: "The least urgent message that goes there at once; critical is what a person must act on now. With a digest it is warning unless it is said.",
                presence: from(),
                schema: Urgency::schema(),
            },
            Property {
                name: "kinds",
                about: "The kinds of messages that go there at once.",
                presence: kinds(),
                schema: List::<News, 4>::schema(),
            },
            Property {
                name: "digest",
                about: "When the channel is told of a whole day in one message, every day: a time of the day, in UTC or with a time zone.",
                presence: Optional,
                schema: DailyAt::schema(),
            },
        ]
    }
}

fn from() -> Presence {
    Default(json!("info"))
}

fn kinds() -> Presence {
    let all = AnnouncementKind::ALL.map(AnnouncementKind::word);
    Default(json!(all))
}

/// A channel that is told of days, with when.
pub type Digest = (Channel, String);

impl Notifications {
    /// The channels that are told of days.
    pub(crate) fn digests(&self) -> Vec<Digest> {
        fn of<T: Clone>(list: &[To<T>], channel: fn(T) -> Channel) -> impl Iterator<Item = Digest> {
            list.iter().filter_map(move |to| {
                let at = to.of.digest.as_ref()?.as_str().to_owned();
                Some((channel(to.name.clone()), at))
            })
        }
        let topic = self.sns.0.as_ref().and_then(|of| of.digest.as_ref());
        let topic = topic.map(|at| (Channel::Sns, at.as_str().to_owned()));
        topic
            .into_iter()
            .chain(of(self.slack.as_slice(), Channel::Slack))
            .chain(of(self.slack_app.as_slice(), Channel::SlackApp))
            .chain(of(self.teams.as_slice(), Channel::Teams))
            .chain(of(self.webhooks.as_slice(), Channel::Webhook))
            .collect()
    }
}

/// A channel by its name alone, which is told of everything, or with what it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct To<T> {
    name: T,
    of: Of,
}

impl<T: Field> Field for To<T> {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        if !value.is_object() {
            let of = Of::everything();
            return T::read(value, at, problems).map(|name| Self { name, of });
        }
        let mut section = Section::open(value, at, &["name", "from", "kinds", "digest"], problems)?;
        let name = section.take("name", &Required("\"deployments\""));
        let of = Of::take(&mut section, at);
        Some(Self {
            name: name?,
            of: of?,
        })
    }

    fn schema() -> Value {
        let mut properties = vec![Property {
            name: "name",
            about: "The channel.",
            presence: Required("\"deployments\""),
            schema: T::schema(),
        }];
        properties.extend(Of::properties());
        let about = "A channel with what it is told of.";
        json!({ "anyOf": [T::schema(), object_schema(about, properties)] })
    }
}

/// Whether the topic gets messages: all, none, or some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic(Option<Of>);

impl Field for Topic {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        if !value.is_object() {
            let all = bool::read(value, at, problems)?;
            return Some(Self(all.then(Of::everything)));
        }
        let mut section = Section::open(value, at, &["from", "kinds", "digest"], problems)?;
        Of::take(&mut section, at).map(|of| Self(Some(of)))
    }

    fn schema() -> Value {
        let about = "What the topic is told of.";
        json!({ "anyOf": [bool::schema(), object_schema(about, Of::properties())] })
    }
}

/// A channel stands once: by its name, or with what it is told of.
pub(crate) fn check(notifications: &Notifications, problems: &mut Problems) {
    once(&notifications.slack, "slack", problems);
    once(&notifications.slack_app, "slack_app", problems);
    once(&notifications.teams, "teams", problems);
    once(&notifications.webhooks, "webhooks", problems);
}

fn once<T: PartialEq>(list: &List<To<T>, CHANNELS_MAX>, key: &str, problems: &mut Problems) {
    let all = list.as_slice();
    for (index, to) in all.iter().enumerate() {
        if all.iter().take(index).any(|other| other.name == to.name) {
            let path = index_path(&format!("notifications.{key}"), index);
            let fix = "say in one place what the channel is told of";
            problems.push(Problem::new(&path, "names a channel twice", fix));
        }
    }
}

impl Field for ChannelName {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let service = at.split('.').nth(1).unwrap_or_default();
        let service = service.split('[').next().unwrap_or_default();
        if value.as_str().is_some_and(|text| text.contains("://")) {
            let name = if service == "webhooks" {
                "<name>/url"
            } else {
                "<name>"
            };
            let fix = format!(
                "put the URL into the SecureString parameter \
                /longshore/<environment>/control/{service}/{name}, and <name> here"
            );
            let wrong = "is a URL, and a webhook's URL is a secret";
            problems.push(Problem::new(at, wrong, fix));
            return None;
        }
        channel_name(value, at, problems)
    }

    fn schema() -> Value {
        crate::text::name_schema()
    }
}
