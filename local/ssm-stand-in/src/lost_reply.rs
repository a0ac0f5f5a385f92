//! Replies that the caller never gets although the call was carried out.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, header};
use http_body::Frame;

use crate::api::error::ApiError;
use crate::faults::LostReply;

/// The answer that is no answer.
pub(crate) fn response(loss: LostReply) -> Response<Body> {
    match loss {
        LostReply::ServerError => ApiError::internal("Internal Server Error").into_response(),
        LostReply::Disconnect => {
            let mut response = Response::new(Body::new(Broken));
            let length = HeaderValue::from_static("1000");
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
            response
        }
    }
}

/// A body that fails at its first byte, upon which the server drops the connection.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::Error::from(
            std::io::ErrorKind::ConnectionAborted,
        ))))
    }
}
