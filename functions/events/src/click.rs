//! A click on what a message in Slack asks: what the message's buttons say of themselves, and what is kept of a click.
//!
//! The function that takes clicks writes it, the reconciler reads it. It is an intent and no more: whether it counts is decided
//! where it is read.

use longshore_core::{DeploymentId, PlanDigest, Reason};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The longest address to answer to.
const REPLY_TO_MAX: usize = 500;

/// What a person says with a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Yes to the plan.
    Approve,
    /// No.
    Reject,
}

impl Word {
    /// The button's action id.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    /// The word with this action id.
    #[must_use]
    pub fn parse(action: &str) -> Option<Self> {
        let both = [Self::Approve, Self::Reject];
        both.into_iter().find(|word| word.action() == action)
    }
}

/// A click.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Click {
    /// What is said.
    pub word: Word,
    /// About which deployment.
    pub deployment: DeploymentId,
    /// The plan that was shown.
    pub plan: PlanDigest,
    /// The member id in Slack of whoever has clicked. Only ever compared.
    pub user: String,
    /// Why, where something was written that can be read.
    pub reason: Option<Reason>,
    /// Where Slack takes what becomes of it.
    pub reply_to: Option<String>,
}

/// A click as a message carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClickDetail<'a> {
    #[serde(borrow)]
    word: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reply_to: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Clicked<'a> {
    detail_type: &'static str,
    detail: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    click: ClickDetail<'a>,
}

impl Click {
    /// The action id of the field for the reason.
    pub const REASON: &'static str = "reason";

    /// What the buttons of a plan carry.
    #[must_use]
    pub fn value(deployment: &DeploymentId, plan: &PlanDigest) -> String {
        format!("{deployment}:{plan}")
    }

    /// A click on a button that carries this value; `None` when a name in it is not valid.
    #[must_use]
    pub fn on(word: Word, value: &str, user: &str) -> Option<Self> {
        let (deployment, plan) = value.split_once(':')?;
        is_user(user).then_some(())?;
        Some(Self {
            word,
            deployment: DeploymentId::parse(deployment).ok()?,
            plan: PlanDigest::parse(plan).ok()?,
            user: user.to_owned(),
            reason: None,
            reply_to: None,
        })
    }

    /// The same with an address to answer to, unless it is too long to be one.
    #[must_use]
    pub fn replying_to(mut self, url: Option<&str>) -> Self {
        let url = url.filter(|url| url.len() <= REPLY_TO_MAX);
        self.reply_to = url.map(str::to_owned);
        self
    }

    pub(crate) fn of(detail: &ClickDetail<'_>) -> Option<Self> {
        let click = Self::on(Word::parse(&detail.word)?, &detail.value, &detail.user)?;
        Some(Self {
            reason: detail.reason.as_deref().and_then(Reason::parse),
            ..click.replying_to(detail.reply_to.as_deref())
        })
    }

    /// The message that tells of it.
    ///
    /// # Errors
    /// Never for what [`Click::on`] has made; the writer of JSON says so by its type.
    pub fn message(&self) -> Result<String, serde_json::Error> {
        let click = ClickDetail {
            word: Cow::Borrowed(self.word.action()),
            value: Cow::Owned(Self::value(&self.deployment, &self.plan)),
            user: Cow::Borrowed(&self.user),
            reason: self.reason.as_ref().map(|reason| reason.as_str().into()),
            reply_to: self.reply_to.as_deref().map(Cow::Borrowed),
        };
        serde_json::to_string(&Clicked {
            detail_type: "Clicked",
            detail: Detail { click },
        })
    }
}

/// Whether it has the form of a member id: U or W, then capital letters and digits.
fn is_user(text: &str) -> bool {
    let rest = text.strip_prefix(['U', 'W']).unwrap_or_default();
    let valid = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    (2..=20).contains(&rest.len()) && rest.bytes().all(valid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, MessageError};

    const VALUE: &str = "01JD0000000000000000000000:0123456789abcdef0123456789abcdef";

    #[test]
    fn a_click_arrives_as_it_was_written() {
        let mut click = Click::on(Word::Reject, VALUE, "U012AB3CD").unwrap();
        assert_eq!(Click::value(&click.deployment, &click.plan), VALUE);
        for reason in [None, Reason::parse("the \"fair\" begins")] {
            click.reason = reason;
            for url in [None, Some("https://hooks.slack.com/actions/T0/1/x")] {
                let click = click.clone().replying_to(url);
                let read = Message::parse(&click.message().unwrap());
                assert_eq!(read, Ok(Some(Message::Clicked(click))));
            }
        }
    }

    #[test]
    fn a_click_names_what_it_is_about_by_valid_names_or_is_none() {
        for (value, user) in [
            ("", "U012AB3CD"),
            ("01JD0000000000000000000000", "U012AB3CD"),
            ("01JD0000000000000000000000:xyz", "U012AB3CD"),
            ("$(id):0123456789abcdef0123456789abcdef", "U012AB3CD"),
            (VALUE, ""),
            (VALUE, "U"),
            (VALUE, "u012ab3cd"),
            (VALUE, "U012AB3CD<"),
        ] {
            assert_eq!(
                Click::on(Word::Approve, value, user),
                None,
                "{value} {user}"
            );
        }
        let click = Click::on(Word::Approve, VALUE, "U012AB3CD").unwrap();
        let body = click.message().unwrap();
        for (from, to) in [
            ("approve", "shout"),
            ("U012", "u012"),
            ("\"click\"", "\"other\""),
        ] {
            let wrong = body.replace(from, to);
            assert_eq!(
                Message::parse(&wrong),
                Err(MessageError::NoClick),
                "{wrong}"
            );
        }
        let foreign = body.replacen('{', "{\"source\":\"somebody\",", 1);
        assert_eq!(Message::parse(&foreign), Ok(None));
        let long = "x".repeat(REPLY_TO_MAX + 1);
        assert_eq!(click.replying_to(Some(&long)).reply_to, None);
    }
}
