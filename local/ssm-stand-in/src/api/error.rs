//! Errors as AWS JSON 1.1 writes them.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::json;
use uuid::Uuid;

/// An error of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl ApiError {
    /// An error that is the caller's fault: 400.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    /// A value outside the service's model.
    pub(crate) fn validation(message: &str) -> Self {
        Self::new(
            "ValidationException",
            format!("1 validation error detected: {message}"),
        )
    }

    /// An error that is the service's fault: 500.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self {
            code: "InternalServerError",
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: message.into(),
        }
    }

    /// The answer.
    pub(crate) fn into_response(self) -> Response<Body> {
        let body = json!({"__type": self.code, "message": self.message}).to_string();
        let mut response = answer(self.status, body);
        let code = HeaderValue::from_static(self.code);
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-amzn-errortype"), code);
        response
    }
}

/// An answer with the headers that every answer of the service has.
pub(crate) fn answer(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.1"),
    );
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    response
}
