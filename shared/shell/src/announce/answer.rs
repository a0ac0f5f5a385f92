//! What the channels over HTTP have in common: one request, and what its answer means for the message.

use super::AnnounceError;
use crate::web::{Call, Reply, Web, WebError};
use http::{HeaderMap, Method, Uri, header};
use hyper::body::Bytes;
use longshore_core::Millis;
use std::time::Duration;

/// How much of an answer is read.
const ANSWER_MAX: usize = 64 * 1024;

/// One request to a service that has a name for people.
pub(super) struct Asked<'a> {
    pub(super) whose: &'a str,
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) json: &'a str,
    pub(super) timeout: Duration,
}

/// Asks, and returns the answer whatever it is.
pub(super) async fn ask(web: &Web, asked: Asked<'_>) -> Result<Reply, AnnounceError> {
    let mut headers = vec![("content-type", "application/json; charset=utf-8")];
    headers.extend(asked.headers);
    let call = Call {
        method: asked.method,
        url: asked.url,
        headers: &headers,
        body: Bytes::copy_from_slice(asked.json.as_bytes()),
        timeout: asked.timeout,
        answer_bytes_max: ANSWER_MAX,
    };
    let reply = web.ask(call).await;
    reply.map_err(|error| unasked(asked.whose, &error))
}

fn unasked(whose: &str, error: &WebError) -> AnnounceError {
    match error {
        WebError::Url(_) | WebError::NotPublic => {
            AnnounceError::GiveUp(format!("{whose}: {error}"))
        }
        WebError::Name(_)
        | WebError::Connection(_)
        | WebError::Http(_)
        | WebError::TooLong
        | WebError::Timeout => AnnounceError::Retry(format!("{whose}: {error}")),
    }
}

/// Whether the message was taken. `word` is a word of the answer that may be shown.
pub(super) fn taken(whose: &str, reply: &Reply, word: &str) -> Result<(), AnnounceError> {
    if reply.status.is_success() {
        return Ok(());
    }
    let status = reply.status.as_u16();
    let reason = format!("{whose} answered {status} {word}");
    let reason = reason.trim_end().to_owned();
    Err(match (status, patience(&reply.headers)) {
        (429 | 503, Some(after)) => AnnounceError::Later(reason, after),
        (408 | 425 | 429 | 500.., _) => AnnounceError::Retry(reason),
        _ => AnnounceError::GiveUp(reason),
    })
}

/// How long an answer asks to be left alone (RFC 9110, 10.2.3). Only the form in seconds counts; a date would need the other
/// side's clock.
pub(super) fn patience(headers: &HeaderMap) -> Option<Millis> {
    let after = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    after.trim().parse().ok().map(Millis::from_secs)
}

/// The first word of an answer, where it is one.
pub(super) fn word_of(body: &[u8]) -> String {
    let letters = body.iter().take(40).map(|b| char::from(*b));
    letters
        .take_while(|c| c.is_ascii_lowercase() || *c == '_')
        .collect()
}

/// Whether a URL leads by TLS, on its usual port, to a host that is meant; or, with `loopback`, in plain HTTP to this machine.
pub(super) fn leads_to(url: &str, loopback: bool, is_meant: impl Fn(&str) -> bool) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let Some(authority) = uri.authority() else {
        return false;
    };
    if authority.as_str().contains('@') {
        return false;
    }
    match uri.scheme_str() {
        Some("https") => {
            is_meant(authority.host()) && matches!(authority.port_u16(), None | Some(443))
        }
        Some("http") => loopback && crate::config::is_loopback_name(authority.host()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, StatusCode};

    fn reply(status: u16, retry_after: Option<&'static str>) -> Reply {
        let mut headers = HeaderMap::new();
        if let Some(after) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(after));
        }
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::from_static(b"no_service\n<b>"),
        }
    }

    fn answered(status: u16, retry_after: Option<&'static str>) -> Result<(), AnnounceError> {
        let reply = reply(status, retry_after);
        taken("Slack", &reply, &word_of(&reply.body))
    }

    #[test]
    fn an_answer_decides_whether_to_try_again() {
        for status in [200, 202, 204] {
            assert!(answered(status, None).is_ok());
        }
        for status in [408, 425, 429, 500, 503] {
            let answer = answered(status, None);
            assert!(matches!(answer, Err(AnnounceError::Retry(_))), "{status}");
        }
        for status in [302, 400, 403, 404, 410] {
            let answer = answered(status, Some("7"));
            assert!(matches!(answer, Err(AnnounceError::GiveUp(_))), "{status}");
        }
        assert_eq!(
            answered(404, None).unwrap_err().to_string(),
            "the message is refused: Slack answered 404 no_service"
        );
    }

    #[test]
    fn an_answer_may_ask_for_patience_in_seconds() {
        for (status, after, ms) in [(429, "30", 30_000), (503, " 1 ", 1000)] {
            let answer = answered(status, Some(after));
            assert!(
                matches!(&answer, Err(AnnounceError::Later(_, span)) if span.as_ms() == ms),
                "{answer:?}"
            );
        }
        for after in ["soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", ""] {
            let answer = answered(429, Some(after));
            assert!(matches!(answer, Err(AnnounceError::Retry(_))), "{after}");
        }
    }
}
