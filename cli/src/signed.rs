//! One signed request to AWS: the operators' API, and the few services that are asked without an SDK.

use crate::clock::Clock;
use crate::failure::Failure;
use crate::session::Session;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::Request;
use http_body_util::BodyExt;
use std::error::Error;

/// One request.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The service in the credentials' scope.
    pub service: &'a str,
    /// The method.
    pub method: &'a str,
    /// The whole URL.
    pub url: &'a str,
    /// Headers besides those of the signature.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The server's own time, from the header `date`.
    pub date: Option<String>,
    /// Seconds after which it may be asked again, where it says so.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: String,
}

impl Session {
    /// Signs and sends a request.
    ///
    /// # Errors
    /// When there are no credentials or there is no region, and when nothing answers.
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        let request = self.signed(call).await?;
        let request = request.try_into().map_err(|_| unsendable(call.url))?;
        let answer = self.connector().call(request).await;
        let answer = answer.map_err(|error| unreachable(call.url, &error))?;
        let header = |name: &str| answer.headers().get(name).map(str::to_owned);
        let (status, date) = (answer.status().as_u16(), header("date"));
        let retry_after = header("retry-after").and_then(|text| text.parse().ok());
        let body = answer.into_body().collect().await.map_err(|error| {
            let message = format!("the answer of {} broke off: {error}", origin(call.url));
            Failure::unreachable("unreachable", message, "try again")
        })?;
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Ok(Answer {
            status,
            date,
            retry_after,
            body,
        })
    }

    async fn signed(&self, call: &Call<'_>) -> Result<Request<SdkBody>, Failure> {
        let identity = self.credentials().await?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region()?)
            .name(call.service)
            .time(Clock::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| unsendable(call.url))?
            .into();
        let body = SignableBody::Bytes(call.body.as_bytes());
        let headers = call.headers.iter().copied();
        let (instructions, _) = SignableRequest::new(call.method, call.url, headers, body)
            .and_then(|request| sign(request, &parameters))
            .map_err(|_| unsendable(call.url))?
            .into_parts();
        let mut request = Request::builder().method(call.method).uri(call.url);
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        let body = SdkBody::from(call.body.as_str());
        let mut request = request.body(body).map_err(|_| unsendable(call.url))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// Scheme and host of a URL; the rest is of no use to a reader.
fn origin(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at.saturating_add(3));
    let end = url.get(after..).and_then(|rest| rest.find('/'));
    end.and_then(|end| url.get(..after.saturating_add(end)))
        .unwrap_or(url)
}

fn unsendable(url: &str) -> Failure {
    let message = format!("{url} is not an address that can be asked");
    let next = "correct --api-url or LONGSHORE_API_URL: https:// and the name, nothing after it";
    Failure::usage("bad_url", message, next)
}

fn unreachable(url: &str, error: &ConnectorError) -> Failure {
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        why = cause.to_string();
        source = cause.source();
    }
    let message = format!("{} cannot be reached: {why}", origin(url));
    let next =
        "check the network and the address (--api-url, --region, HTTPS_PROXY, AWS_CA_BUNDLE)";
    Failure::unreachable("unreachable", message, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_and_host_of_an_address_are_shown() {
        for (url, expected) in [
            ("https://api.example/v1/apps?x=1", "https://api.example"),
            ("http://127.0.0.1:9/v1", "http://127.0.0.1:9"),
            ("https://api.example", "https://api.example"),
        ] {
            assert_eq!(origin(url), expected);
        }
    }
}
