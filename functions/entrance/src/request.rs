//! The request of the HTTP API (payload format 2.0), cut down to what is needed. The size of the body is bounded here, before
//! anything else is done with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// A request that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// Not an event of an HTTP API.
    #[error("not an event of an HTTP API")]
    NotAnEvent,
    /// The body is larger than its reader allows.
    #[error("the body is too large")]
    TooLarge,
    /// The body should be base64 and is not.
    #[error("the body is not base64")]
    NotBase64,
}

/// A request, as far as it is needed. It owns its texts, so that the runtime reads it in one pass.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

impl Request {
    /// Reads the event that Lambda passes on.
    ///
    /// # Errors
    /// [`BadRequest::NotAnEvent`]; the event's text is not repeated.
    pub fn parse(event: &str) -> Result<Self, BadRequest> {
        serde_json::from_str(event).map_err(|_| BadRequest::NotAnEvent)
    }

    /// The one header of this name, which is given in lower case. `None` when it is missing, and when it is there more
    /// than once: then nobody knows which of them was meant.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .0
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let (_, value) = found.next()?;
        match found.next() {
            None => value.as_deref(),
            Some(_) => None,
        }
    }

    /// The bytes that the sender sent, if they are at most so many. A missing body is an empty one.
    ///
    /// # Errors
    /// [`BadRequest::TooLarge`] before anything is decoded; [`BadRequest::NotBase64`].
    pub fn body(&self, max: usize) -> Result<Cow<'_, [u8]>, BadRequest> {
        let text = self.body.as_deref().unwrap_or_default();
        let limit = if self.is_base64_encoded {
            base64_max(max)
        } else {
            max
        };
        if text.len() > limit {
            return Err(BadRequest::TooLarge);
        }
        if !self.is_base64_encoded {
            return Ok(Cow::Borrowed(text.as_bytes()));
        }
        let bytes = STANDARD.decode(text).map_err(|_| BadRequest::NotBase64)?;
        if bytes.len() > max {
            return Err(BadRequest::TooLarge);
        }
        Ok(Cow::Owned(bytes))
    }
}

/// The longest base64 text of a body of so many bytes.
const fn base64_max(max: usize) -> usize {
    max.div_ceil(3).saturating_mul(4)
}

/// The headers in the order they came, repeats included: a map would keep one of two and hide the other.
#[derive(Debug, Default)]
struct Headers(Vec<(String, Option<String>)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut headers = Vec::new();
        while let Some(header) = map.next_entry()? {
            headers.push(header);
        }
        Ok(Headers(headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BODY_MAX: usize = 1000;

    fn body_of(body: &str, base64: bool) -> Result<Vec<u8>, BadRequest> {
        let event = json!({"body": body, "isBase64Encoded": base64}).to_string();
        let request = Request::parse(&event)?;
        request.body(BODY_MAX).map(Cow::into_owned)
    }

    #[test]
    fn a_body_is_the_bytes_that_were_sent_plain_or_in_base64() {
        assert_eq!(
            body_of("{\"a\":\"ü\"}", false).unwrap(),
            "{\"a\":\"ü\"}".as_bytes()
        );
        assert_eq!(body_of("eyJhIjoi/CJ9", true).unwrap(), b"{\"a\":\"\xfc\"}");
        assert_eq!(body_of("", true).unwrap(), b"");
        for text in ["*", "eyJ", "eyJhIjoi/CJ9\n", "eyJhIjoi_CJ9", "YQ"] {
            assert_eq!(body_of(text, true), Err(BadRequest::NotBase64), "{text:?}");
        }
        assert_eq!(
            Request::parse("{}")
                .unwrap()
                .body(BODY_MAX)
                .unwrap()
                .as_ref(),
            b""
        );
    }

    #[test]
    fn a_body_over_the_limit_is_refused_in_both_forms() {
        let full = "x".repeat(BODY_MAX);
        assert_eq!(body_of(&full, false).unwrap().len(), BODY_MAX);
        assert_eq!(
            body_of(&STANDARD.encode(&full), true).unwrap().len(),
            BODY_MAX
        );
        let over = "x".repeat(BODY_MAX + 1);
        assert_eq!(body_of(&over, false), Err(BadRequest::TooLarge));
        assert_eq!(
            body_of(&STANDARD.encode(&over), true),
            Err(BadRequest::TooLarge)
        );
        let far_over = "*".repeat(base64_max(BODY_MAX) + 1);
        assert_eq!(body_of(&far_over, true), Err(BadRequest::TooLarge));
    }

    #[test]
    fn a_header_counts_only_when_it_is_there_once() {
        let event = r#"{"version":"2.0","headers":{"x-event-key":"repo:push","X-Hub-Signature":"s","a":"1","A":"2","n":null},
            "requestContext":{"http":{"method":"POST"}}}"#;
        let request = Request::parse(event).unwrap();
        for (name, expected) in [
            ("x-event-key", Some("repo:push")),
            ("x-hub-signature", Some("s")),
            ("a", None),
            ("n", None),
            ("missing", None),
        ] {
            assert_eq!(request.header(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for event in [
            "",
            "7",
            r#"{"headers":[]}"#,
            r#"{"body":7}"#,
            r#"{"isBase64Encoded":"yes"}"#,
        ] {
            assert_eq!(
                Request::parse(event).unwrap_err(),
                BadRequest::NotAnEvent,
                "{event}"
            );
        }
    }
}
