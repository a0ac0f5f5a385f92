//! Clicks in Slack: the form that Slack sends, signed, in the event of the HTTP API, and what follows from one on the bench.

use crate::bench::Bench;
use crate::mail::Letterbox;
use crate::stage::drive;
use hmac::{Hmac, KeyInit, Mac};
use longshore_core::{Desk, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;
use slack_clicks::Request;

/// The secret that Slack signs with.
pub const SIGNING: &str = "a signing secret of Slack";

/// Where Slack takes the answer to a click.
pub const REPLY_TO: &str = "https://hooks.slack.com/actions/T0/1/x";

/// A button, and what stands around it when it is clicked.
#[derive(Clone, Debug)]
pub struct Button {
    /// Its action id.
    pub action: &'static str,
    /// Its value.
    pub value: String,
    /// What is written into the field.
    pub reason: Option<&'static str>,
    /// Where Slack says that it takes the answer.
    pub reply_to: &'static str,
}

impl Button {
    /// The form that Slack sends when somebody clicks.
    pub fn form(&self, user: &str) -> String {
        let payload = json!({
            "type": "block_actions",
            "user": {"id": user, "username": "somebody"},
            "actions": [{"action_id": self.action, "block_id": "answer", "value": self.value, "type": "button"}],
            "state": {"values": {"reason": {"reason": {"type": "plain_text_input", "value": self.reason}}}},
            "response_url": self.reply_to,
        });
        form(&payload)
    }
}

/// A form with this payload.
fn form(payload: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("payload", &payload.to_string());
    form.finish()
}

/// The event of a body that is signed with a secret at a time.
pub fn clicked_with(secret: &str, at: Timestamp, body: &str) -> String {
    let time = at.as_unix_s().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{time}:{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let signature = digest
        .iter()
        .fold("v0=".to_owned(), |text, byte| format!("{text}{byte:02x}"));
    json!({
        "version": "2.0",
        "routeKey": "POST /slack",
        "headers": {"x-slack-signature": signature, "x-slack-request-timestamp": time},
        "requestContext": {"http": {"method": "POST"}},
        "body": body,
        "isBase64Encoded": false,
    })
    .to_string()
}

impl Bench {
    /// The button of the plan that is asked about for a commit.
    pub fn button(&self, digit: &str, action: &'static str) -> Button {
        let deployment = self.deployment(digit);
        Button {
            action,
            value: format!("{}:{}", deployment.id, self.plan(digit)),
            reason: None,
            reply_to: REPLY_TO,
        }
    }

    /// Hands an event to the function that takes clicks, and what it records to the reconciler. Says what was answered.
    pub fn deliver_click(&mut self, event: &str) -> u16 {
        let request: Request = Request::parse(event).expect("an event");
        let answer = drive(
            &self.cloud.stage,
            slack_clicks::handle(&self.cloud, &request),
        );
        let recorded = self
            .cloud
            .clicks
            .lock()
            .unwrap()
            .as_mut()
            .map(std::mem::take);
        for click in recorded.unwrap_or_default() {
            let body = click.message().expect("JSON");
            self.post(Letterbox::Desk(Desk::Reconciler), &body);
        }
        answer.expect("alive").status_code
    }

    /// Somebody clicks now.
    pub fn click(&mut self, user: &str, button: &Button) -> u16 {
        let event = clicked_with(SIGNING, self.now(), &button.form(user));
        self.deliver_click(&event)
    }
}
