//! The answer in the form that the HTTP API takes (payload format 2.0), with what every answer says to the browser.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Something that is served, with its tag.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    kind: &'static str,
    text: String,
    tag: String,
}

impl Served {
    /// The tag is made of the content, so that the same content has the same one wherever it comes from.
    pub(crate) fn new(kind: &'static str, text: String) -> Self {
        let hash = Sha256::digest(text.as_bytes());
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash));
        Self { kind, text, tag }
    }

    /// Whether the reader has it already. A cache may have marked the tag as weak.
    fn is_known(&self, known: &str) -> bool {
        let mut tags = known
            .split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"));
        tags.any(|tag| tag == self.tag || tag == "*")
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<&'static str, String>,
    /// The body.
    pub body: String,
}

impl Response {
    /// What is served, or that the reader has it already.
    pub(crate) fn of(served: &Served, known: Option<&str>, policy: &str) -> Self {
        let is_known = known.is_some_and(|known| served.is_known(known));
        let mut headers = always(policy);
        headers.insert("etag", served.tag.clone());
        headers.insert("content-type", served.kind.to_owned());
        Self {
            status_code: if is_known { 304 } else { 200 },
            headers,
            body: if is_known {
                String::new()
            } else {
                served.text.clone()
            },
        }
    }

    /// There is no such file; what was asked for is not repeated.
    pub(crate) fn missing(policy: &str) -> Self {
        let mut headers = always(policy);
        headers.insert("content-type", "text/plain; charset=utf-8".to_owned());
        Self {
            status_code: 404,
            headers,
            body: "There is no such file.\n".to_owned(),
        }
    }
}

/// What every answer says. The reader keeps files and asks each time whether they still hold: page and files are then of one
/// version, at the price of a small question each.
fn always(policy: &str) -> BTreeMap<&'static str, String> {
    let fixed = [
        ("cache-control", "no-cache"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
    ];
    let mut headers: BTreeMap<_, _> = fixed
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    headers.insert("content-security-policy", policy.to_owned());
    headers
}
