//! A stand-in for the Lambda Runtime API: it hands out events one by one and tells when each was asked for and answered.
//!
//! One stands for one process. It never invents an event, so a function that asks for the next one waits like on Lambda.

use crate::clock::now;
use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

/// A function that asks for an event.
#[derive(Debug)]
pub struct Asking {
    /// When it asked.
    pub at: Instant,
    event: oneshot::Sender<String>,
}

impl Asking {
    /// Hands an event over, and tells when.
    ///
    /// # Errors
    /// When the function has gone.
    pub fn answer(self, event: String) -> Result<Instant> {
        let at = now();
        let sent = self.event.send(event);
        sent.ok().context("the function has gone")?;
        Ok(at)
    }
}

/// What a function says.
#[derive(Debug)]
pub enum Said {
    /// It asks for the next event.
    Next(Asking),
    /// It answers.
    Answer {
        /// When the answer was there.
        at: Instant,
        /// The answer.
        body: String,
    },
    /// It could not start, or not answer.
    Error(String),
}

/// The interface for one process.
#[derive(Debug)]
pub struct RuntimeApi {
    address: String,
    said: mpsc::UnboundedReceiver<Said>,
    server: tokio::task::JoinHandle<()>,
}

impl RuntimeApi {
    /// Starts to listen on the loopback.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (tell, said) = mpsc::unbounded_channel();
        let base = "/2018-06-01/runtime";
        let router = Router::new()
            .route(&format!("{base}/invocation/next"), get(next))
            .route(&format!("{base}/invocation/{{id}}/response"), post(answer))
            .route(&format!("{base}/invocation/{{id}}/error"), post(error))
            .route(&format!("{base}/init/error"), post(init_error))
            .with_state(tell);
        let listener = listener.tap_io(|stream: &mut TcpStream| {
            let _only_slower_without = stream.set_nodelay(true);
        });
        let server = tokio::spawn(async move {
            let _ends_with_the_task = axum::serve(listener, router).await;
        });
        Ok(Self {
            address,
            said,
            server,
        })
    }

    /// What `AWS_LAMBDA_RUNTIME_API` is for its process.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What the function says next.
    ///
    /// # Errors
    /// When the server has stopped.
    pub async fn said(&mut self) -> Result<Said> {
        self.said.recv().await.context("the server has stopped")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Tell = mpsc::UnboundedSender<Said>;

async fn next(State(tell): State<Tell>) -> Response {
    let (event, handed) = oneshot::channel();
    let asking = Asking { at: now(), event };
    let _gone = tell.send(Said::Next(asking));
    match handed.await {
        Err(_never) => std::future::pending().await,
        Ok(event) => {
            let headers = [
                ("content-type", "application/json"),
                (
                    "lambda-runtime-aws-request-id",
                    "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                ),
                // The year 2100: no function is to hurry.
                ("lambda-runtime-deadline-ms", "4102444800000"),
                (
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:eu-central-1:123456789012:function:bench",
                ),
                (
                    "lambda-runtime-trace-id",
                    "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
                ),
            ];
            (headers, event).into_response()
        }
    }
}

async fn answer(State(tell): State<Tell>, Path(_id): Path<String>, body: String) -> StatusCode {
    let _gone = tell.send(Said::Answer { at: now(), body });
    StatusCode::ACCEPTED
}

async fn error(State(tell): State<Tell>, Path(_id): Path<String>, body: String) -> StatusCode {
    let _gone = tell.send(Said::Error(body));
    StatusCode::ACCEPTED
}

async fn init_error(State(tell): State<Tell>, body: String) -> StatusCode {
    let _gone = tell.send(Said::Error(body));
    StatusCode::ACCEPTED
}
