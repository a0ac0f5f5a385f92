//! Bitbucket's deliveries: the JSON of a push, signed, in the event of the HTTP API.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// The secret in force.
pub const SECRET: &str = "a secret of the webhook";
/// The secret before it.
pub const PREVIOUS_SECRET: &str = "the secret before it";

/// One change of a push.
#[derive(Clone, Debug)]
pub struct Change {
    kind: String,
    name: String,
    old: Option<String>,
    new: Option<String>,
}

impl Change {
    /// A branch that moves from one commit to another, each given as one digit.
    pub fn branch(name: &str, old: Option<&str>, new: Option<&str>) -> Self {
        Self::of("branch", name, old, new)
    }

    /// Any kind of ref.
    pub fn of(kind: &str, name: &str, old: Option<&str>, new: Option<&str>) -> Self {
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            old: old.map(|digit| digit.repeat(40)),
            new: new.map(|digit| digit.repeat(40)),
        }
    }

    fn json(&self) -> Value {
        let named = |hash: &Option<String>| {
            hash.as_ref().map(|hash| {
                json!({"type": self.kind, "name": self.name, "target": {"type": "commit", "hash": hash}})
            })
        };
        json!({"old": named(&self.old), "new": named(&self.new), "forced": false})
    }
}

/// The event of a signed push to a repository.
pub fn delivery(repository: &str, changes: &[Change]) -> String {
    let changes: Vec<Value> = changes.iter().map(Change::json).collect();
    let body = json!({
        "push": {"changes": changes},
        "repository": {"full_name": repository, "uuid": "{0b9a5f4e-1c2d-4e3f-8a9b-0c1d2e3f4a5b}"},
        "actor": {"nickname": "ann", "uuid": "{0b9a5f4e-1c2d-4e3f-8a9b-0c1d2e3f4a5b}"},
    });
    signed_with(SECRET, "repo:push", &body.to_string())
}

/// The event of a body that is signed with a secret.
pub fn signed_with(secret: &str, key: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let digest = mac.finalize().into_bytes();
    let signature = digest.iter().fold("sha256=".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    });
    json!({
        "version": "2.0",
        "routeKey": "POST /webhooks/bitbucket",
        "headers": {"x-event-key": key, "x-hub-signature": signature, "content-type": "application/json"},
        "requestContext": {"http": {"method": "POST"}},
        "body": body,
        "isBase64Encoded": false,
    })
    .to_string()
}
