//! What a signed click says: pure, and only over bytes whose signature was checked. No error repeats anything of it.

use crate::signature::Verified;
use longshore_core::Reason;
use longshore_events::{Click, Word};
use longshore_shell::announce::is_slack;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A signed body that is no click on one of our buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    user: User<'a>,
    #[serde(borrow)]
    actions: Vec<Action<'a>>,
    #[serde(borrow, default)]
    state: State<'a>,
    #[serde(borrow, default)]
    response_url: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct User<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow)]
    action_id: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Cow<'a, str>,
}

/// What stands in the message's fields, by block and action.
#[derive(Default, Deserialize)]
struct State<'a> {
    #[serde(borrow, default)]
    values: BTreeMap<Cow<'a, str>, BTreeMap<Cow<'a, str>, Field<'a>>>,
}

#[derive(Deserialize)]
struct Field<'a> {
    #[serde(borrow, default)]
    value: Option<Cow<'a, str>>,
}

impl State<'_> {
    fn reason(&self) -> Option<Reason> {
        let mut fields = self.values.values().flatten();
        let (_, field) = fields.find(|(action, _)| *action == Click::REASON)?;
        Reason::parse(field.value.as_deref()?)
    }
}

/// Reads a click: a form whose one field `payload` is JSON. An address to answer to that is not Slack's is left out.
///
/// # Errors
/// [`Malformed`].
pub fn parse(body: Verified<'_>, is_local: bool) -> Result<Click, Malformed> {
    let mut fields = form_urlencoded::parse(body.body()).filter(|(name, _)| name == "payload");
    let (Some((_, payload)), None) = (fields.next(), fields.next()) else {
        return Err(Malformed);
    };
    let payload: Payload<'_> = serde_json::from_str(&payload).map_err(|_| Malformed)?;
    let [action] = payload.actions.as_slice() else {
        return Err(Malformed);
    };
    if payload.kind != "block_actions" {
        return Err(Malformed);
    }
    let word = Word::parse(&action.action_id).ok_or(Malformed)?;
    let click = Click::on(word, &action.value, &payload.user.id).ok_or(Malformed)?;
    let reply_to = payload.response_url.as_deref();
    Ok(Click {
        reason: payload.state.reason(),
        ..click.replying_to(reply_to.filter(|url| is_slack(url, is_local)))
    })
}
