//! The way to `MiniStack`: callers' requests passed through untouched, and the stand-in's own signed calls.

use anyhow::{Context, bail};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, Response, StatusCode, header};
use serde_json::Value;

use crate::api::error::ApiError;
use crate::clock;
use crate::options::Options;
use crate::signing::Signer;

/// Headers that belong to one connection, not to the message.
const HOP_BY_HOP: [HeaderName; 5] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::EXPECT,
    header::UPGRADE,
    header::TE,
];

/// A client of `MiniStack`.
#[derive(Debug)]
pub(crate) struct MiniStack {
    base: String,
    http: reqwest::Client,
    signer: Signer,
}

impl MiniStack {
    /// A client, if there is a `MiniStack` at all.
    pub(crate) fn new(options: &Options) -> Option<Self> {
        let base = options.ministack.as_ref()?.trim_end_matches('/').to_owned();
        Some(Self {
            base,
            http: reqwest::Client::new(),
            signer: Signer {
                access_key: options.access_key.clone(),
                secret_key: options.secret_key.clone(),
                region: options.region.clone(),
            },
        })
    }

    /// Passes a request on with every header, `Host` included, because the caller has signed them.
    pub(crate) async fn forward(&self, headers: &HeaderMap, body: Bytes) -> Response<Body> {
        let mut kept = headers.clone();
        for name in &HOP_BY_HOP {
            kept.remove(name);
        }
        let sent = self
            .http
            .post(format!("{}/", self.base))
            .headers(kept)
            .body(body)
            .send()
            .await;
        match sent {
            Ok(answer) => pass_back(answer).await,
            Err(error) => {
                ApiError::internal(format!("MiniStack cannot be reached: {error}")).into_response()
            }
        }
    }

    /// A call of the stand-in's own; anything but 200 is an error that holds the answer.
    pub(crate) async fn call(
        &self,
        service: &str,
        target: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let body = body.to_string();
        let host = self
            .base
            .split_once("://")
            .map_or(self.base.as_str(), |(_, host)| host);
        let (time, authorization) =
            self.signer
                .sign(service, host, body.as_bytes(), clock::now_ms());
        let answer = self
            .http
            .post(format!("{}/", self.base))
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header(header::HOST, host)
            .header("x-amz-target", target)
            .header("x-amz-date", time)
            .header(header::AUTHORIZATION, authorization)
            .body(body)
            .send()
            .await
            .with_context(|| format!("{target} did not reach MiniStack"))?;
        let status = answer.status();
        let text = answer
            .text()
            .await
            .with_context(|| format!("the answer to {target} broke off"))?;
        if status != StatusCode::OK {
            bail!("{target} was answered with {status}: {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("the answer to {target} is not JSON"))
    }
}

async fn pass_back(answer: reqwest::Response) -> Response<Body> {
    let status = answer.status();
    let mut headers = answer.headers().clone();
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    match answer.bytes().await {
        Ok(body) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response
        }
        Err(error) => {
            ApiError::internal(format!("MiniStack's answer broke off: {error}")).into_response()
        }
    }
}
