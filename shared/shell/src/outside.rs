//! The check from outside: asks the app's public address once, as a client would.
//!
//! It says that the app answers, and that the answer comes from the release in question. The address was written by the
//! people who own the app, so only public addresses are asked, redirects are not followed, and answers are cut.

use crate::connect::Aws;
use crate::ports::Outside;
use crate::telemetry::chain;
use crate::web::{Call, Reply, Web, WebError};
use http::Method;
use hyper::body::Bytes;
use longshore_core::{Failure, FailureClass, ReleaseId};
use std::time::Duration;

/// How long one probe may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How much of an answer is read. A health check that says more is no health check.
const ANSWER_MAX: usize = 64 * 1024;

/// The header with which the app's preload says which release answers.
const RELEASE_HEADER: &str = "x-longshore-release";

/// The probe's headers: the first asks the preload to name its release, the others keep caches out of it.
const HEADERS: [(&str, &str); 3] = [
    ("x-longshore-probe", "1"),
    ("cache-control", "no-cache"),
    ("accept", "*/*"),
];

/// The check from outside, over HTTP.
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
    async fn probe(
        &self,
        url: &str,
        expected_status: u16,
        release: &ReleaseId,
    ) -> Result<(), Failure> {
        let call = Call {
            method: Method::GET,
            url,
            headers: &HEADERS,
            body: Bytes::new(),
            timeout: TIMEOUT,
            answer_bytes_max: ANSWER_MAX,
        };
        let reply = self
            .web
            .ask(call)
            .await
            .map_err(|error| unanswered(&error))?;
        judge(&reply, expected_status, release)
    }
}

fn unanswered(error: &WebError) -> Failure {
    Failure::with_detail(FailureClass::ProbeFailed, &chain(error))
}

fn judge(reply: &Reply, expected_status: u16, release: &ReleaseId) -> Result<(), Failure> {
    let status = reply.status.as_u16();
    if status != expected_status {
        let detail = format!("status {status} instead of {expected_status}");
        return Err(Failure::with_detail(FailureClass::ProbeFailed, &detail));
    }
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

    #[test]
    fn only_the_right_status_from_the_right_release_passes() {
        let (new, old) = (release("a"), release("b"));
        let class = |reply: &Reply| judge(reply, 200, &new).map_err(|failure| failure.class);
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
