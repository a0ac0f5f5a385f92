//! The checks from outside: each asks a public address once, as a client would.
//!
//! It says that the app answers as it should and, where that is asked, that the answer comes from the release in question. The address was written by the
//! people who own the app, so only public addresses are asked, redirects are not followed, and answers are cut.

use crate::connect::Aws;
use crate::ports::{Outside, Request};
use crate::telemetry::chain;
use crate::web::{Call, Reply, Web, WebError};
use http::Method;
use hyper::body::Bytes;
use longshore_app_config::Method as Asked;
use longshore_core::{Failure, FailureClass, ReleaseId};
use std::time::Duration;

/// How long one probe may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How much of an answer is read. A health check that says more is no health check.
const ANSWER_MAX: usize = 64 * 1024;

/// The header with which the app's preload says which release answers.
const RELEASE_HEADER: &str = "x-longshore-release";

/// The probe's headers: the first asks the preload to name its release, the next keep caches out of it, and the last says what
/// a request with a body sends.
const HEADERS: [(&str, &str); 4] = [
    ("x-longshore-probe", "1"),
    ("cache-control", "no-cache"),
    ("accept", "*/*"),
    ("content-type", "application/json"),
];

/// The checks from outside, over HTTP.
#[derive(Clone, Debug)]
pub struct HttpOutside {
    web: Web,
}

impl HttpOutside {
    /// A check that asks public addresses, and this machine in the local cloud.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self {
            web: aws.web().clone(),
        }
    }
}

impl Outside for HttpOutside {
    async fn probe(&self, request: &Request<'_>) -> Result<(), Failure> {
        let headers = match request.body {
            Some(_) => &HEADERS[..],
            None => &HEADERS[..3],
        };
        let body = request.body.unwrap_or_default().as_bytes();
        let call = Call {
            method: match request.method {
                Asked::Get => Method::GET,
                Asked::Head => Method::HEAD,
                Asked::Post => Method::POST,
            },
            url: request.url,
            headers,
            body: Bytes::copy_from_slice(body),
            timeout: TIMEOUT,
            answer_bytes_max: ANSWER_MAX,
        };
        let reply = self
            .web
            .ask(call)
            .await
            .map_err(|error| unanswered(&error))?;
        judge(&reply, request)
    }
}

fn unanswered(error: &WebError) -> Failure {
    Failure::with_detail(FailureClass::ProbeFailed, &chain(error))
}

fn judge(reply: &Reply, request: &Request<'_>) -> Result<(), Failure> {
    let (status, expected) = (reply.status.as_u16(), request.expected_status);
    if status != expected {
        let detail = format!("status {status} instead of {expected}");
        return Err(Failure::with_detail(FailureClass::ProbeFailed, &detail));
    }
    if let Some(wanted) = request.contains
        && !holds(&reply.body, wanted.as_bytes())
    {
        let detail = format!("the answer does not contain {wanted:?}");
        return Err(Failure::with_detail(FailureClass::ProbeFailed, &detail));
    }
    request
        .release
        .map_or(Ok(()), |release| serves(reply, release))
}

fn holds(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len().max(1)).any(|part| part == wanted)
}

/// Whether the answer comes from this release.
fn serves(reply: &Reply, release: &ReleaseId) -> Result<(), Failure> {
    let served = reply
        .headers
        .get(RELEASE_HEADER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| ReleaseId::parse(value).ok());
    match served {
        Some(served) if served == *release => Ok(()),
        Some(served) => Err(Failure::with_detail(
            FailureClass::WrongRelease,
            &format!("release {served} answers instead of {release}"),
        )),
        None => Err(Failure::with_detail(
            FailureClass::ProbeFailed,
            "the answer does not say which release it comes from",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn release(c: &str) -> ReleaseId {
        ReleaseId::parse(&format!("{}-0123456789ab", c.repeat(40))).unwrap()
    }

    fn reply(status: u16, header: Option<&str>) -> Reply {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(RELEASE_HEADER, value.parse().unwrap());
        }
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::new(),
        }
    }

    fn request<'a>(release: Option<&'a ReleaseId>, contains: Option<&'a str>) -> Request<'a> {
        Request {
            url: "https://orders.example.com/",
            method: Asked::Get,
            body: None,
            expected_status: 200,
            contains,
            release,
        }
    }

    #[test]
    fn a_body_must_hold_what_is_asked_for_and_need_not_name_a_release_then() {
        let mut said = reply(200, None);
        said.body = Bytes::from_static(b"{\"token\":1}");
        assert_eq!(judge(&said, &request(None, Some("\"token\""))), Ok(()));
        let missing = judge(&said, &request(None, Some("\"name\""))).unwrap_err();
        assert_eq!(
            missing.detail(),
            "the answer does not contain \"\\\"name\\\"\""
        );
        said.body = Bytes::new();
        assert!(judge(&said, &request(None, Some("x"))).is_err());
    }

    #[test]
    fn only_the_right_status_from_the_right_release_passes() {
        let (new, old) = (release("a"), release("b"));
        let request = request(Some(&new), None);
        let class = |reply: &Reply| judge(reply, &request).map_err(|failure| failure.class);
        assert_eq!(class(&reply(200, Some(new.as_str()))), Ok(()));
        for (reply, expected) in [
            (reply(503, Some(new.as_str())), FailureClass::ProbeFailed),
            (reply(301, Some(new.as_str())), FailureClass::ProbeFailed),
            (reply(200, Some(old.as_str())), FailureClass::WrongRelease),
            (reply(200, Some("<script>")), FailureClass::ProbeFailed),
            (reply(200, None), FailureClass::ProbeFailed),
        ] {
            assert_eq!(class(&reply), Err(expected), "{reply:?}");
        }
    }
}
