//! The answer to a delivery. No answer repeats anything of the request, whose size is bounded before anything is done with it.

use longshore_core::Decision;
pub use longshore_entrance::{BadRequest, Request};
use serde::Serialize;
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The largest body that is read, in bytes. Bitbucket itself sends no larger one.
pub const BODY_MAX: usize = 256 * 1024;

/// An answer. Its texts are constant, but for the ids and words of our own decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<&'static str, &'static str>,
    /// The body: one JSON document.
    pub body: Cow<'static, str>,
}

impl Response {
    /// What was decided about each change, in the order of the push: 202 when something became a deployment, otherwise 200.
    #[must_use]
    pub fn decided(decisions: &[Decision]) -> Self {
        let deploys = decisions.iter().any(|d| matches!(d, Decision::Deploy(_)));
        let changes: Vec<_> = decisions
            .iter()
            .map(|decision| match decision {
                Decision::Deploy(id) => json!({"decision": "deploy", "deployment": id.as_str()}),
                Decision::Skip(reason) => json!({"decision": "skip", "reason": reason.word()}),
            })
            .collect();
        let body = json!({ "changes": changes }).to_string();
        Self::of(if deploys { 202 } else { 200 }, Cow::Owned(body))
    }

    /// A valid request that is not ours to act on.
    #[must_use]
    pub fn not_ours() -> Self {
        Self::of(200, Cow::Borrowed(r#"{"changes":[]}"#))
    }

    /// A request that cannot be read, or is too large. Bitbucket does not send it again.
    #[must_use]
    pub fn malformed() -> Self {
        Self::of(400, Cow::Borrowed(r#"{"error":"malformed"}"#))
    }

    /// The signature is missing or wrong; the same text whatever is wrong with it.
    #[must_use]
    pub fn unsigned() -> Self {
        Self::of(401, Cow::Borrowed(r#"{"error":"not signed"}"#))
    }

    /// Not everything was decided: the table or the secret cannot be read now. Bitbucket sends it again after a 5xx.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::of(503, Cow::Borrowed(r#"{"error":"try again later"}"#))
    }

    fn of(status_code: u16, body: Cow<'static, str>) -> Self {
        let headers = [
            ("cache-control", "no-store"),
            ("content-type", "application/json"),
        ];
        Self {
            status_code,
            headers: headers.into(),
            body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longshore_core::{DeploymentId, SkipReason};

    #[test]
    fn the_answer_lists_the_decision_about_each_change() {
        let id = DeploymentId::parse("01JD0000000000000000000000").unwrap();
        let skip = Decision::Skip(SkipReason::OtherBranch);
        let both = Response::decided(&[Decision::Deploy(id), skip.clone()]);
        assert_eq!(both.status_code, 202);
        assert_eq!(
            both.body,
            r#"{"changes":[{"decision":"deploy","deployment":"01JD0000000000000000000000"},{"decision":"skip","reason":"other_branch"}]}"#
        );
        assert_eq!(Response::decided(&[skip]).status_code, 200);
        assert_eq!(Response::decided(&[]).body, Response::not_ours().body);
    }

    #[test]
    fn an_answer_has_the_shape_that_the_http_api_takes() {
        assert_eq!(
            serde_json::to_string(&Response::unsigned()).unwrap(),
            r#"{"statusCode":401,"headers":{"cache-control":"no-store","content-type":"application/json"},"body":"{\"error\":\"not signed\"}"}"#
        );
        let statuses = [
            Response::malformed(),
            Response::not_ours(),
            Response::unavailable(),
        ];
        assert_eq!(statuses.map(|r| r.status_code), [400, 200, 503]);
    }
}
