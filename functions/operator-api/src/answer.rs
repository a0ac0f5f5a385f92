//! The answer in the form that the HTTP API takes (payload format 2.0).

use longshore_contract::Refusal;
use serde::Serialize;
use std::collections::BTreeMap;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<&'static str, String>,
    /// The body: one JSON document.
    pub body: String,
}

impl Response {
    /// What was asked for.
    #[must_use]
    pub fn of(body: &impl Serialize) -> Self {
        Self::with(200, body)
    }

    /// A refusal; `allow` names the methods that the address takes.
    #[must_use]
    pub fn refusal(refusal: &Refusal, allow: Option<String>) -> Self {
        let mut response = Self::with(refusal.error.status(), refusal);
        if let Some(allow) = allow {
            response.headers.insert("allow", allow);
        }
        response
    }

    fn with(status_code: u16, body: &impl Serialize) -> Self {
        let headers = [
            ("cache-control", "no-store".to_owned()),
            ("content-type", "application/json".to_owned()),
        ];
        Self {
            status_code,
            headers: headers.into(),
            // Plain structs of texts, numbers and lists always have a JSON form.
            body: serde_json::to_string(body).unwrap_or_default(),
        }
    }
}
