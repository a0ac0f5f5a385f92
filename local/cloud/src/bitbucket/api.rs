//! Bitbucket's API on this machine: where a branch points, for whoever shows the token.
//!
//! It knows the one route that Longshore asks, with the answers that Bitbucket gives to a wrong token and a missing branch.
//! It must never answer from anything but the repositories in its folder.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Bitbucket, Repository};

/// The access token that is accepted.
pub const TOKEN: &str = "a token that may read repositories";

const ROUTE: &str = "/2.0/repositories/{workspace}/{repository}/refs/branches/{*branch}";

#[derive(Clone, Debug)]
struct Desk {
    bitbucket: Bitbucket,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    asked: Vec<String>,
    refusals: VecDeque<StatusCode>,
}

/// The running API.
#[derive(Debug)]
pub struct Api {
    desk: Desk,
    port: u16,
    server: JoinHandle<()>,
}

impl Api {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start(bitbucket: &Bitbucket) -> Result<Self> {
        let desk = Desk {
            bitbucket: bitbucket.clone(),
            seen: Arc::default(),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let router = Router::new()
            .route(ROUTE, get(branch))
            .with_state(desk.clone());
        let server = tokio::spawn(async move {
            // It ends only when it is aborted.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self { desk, port, server })
    }

    /// The address, without a slash at its end.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was asked for, as `workspace/repository branch`, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.desk.with(|seen| seen.asked.clone())
    }

    /// Answers the next questions with these statuses and nothing else.
    pub fn refuse_next(&self, statuses: &[StatusCode]) {
        self.desk.with(|seen| seen.refusals.extend(statuses));
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Desk {
    fn with<T>(&self, work: impl FnOnce(&mut Seen) -> T) -> T {
        work(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn head(&self, full_name: &str, branch: &str) -> Result<String> {
        ensure!(!full_name.contains(".."), "{full_name} is no repository");
        let path = self.bitbucket.folder.join(format!("{full_name}.git"));
        let reference = format!("refs/heads/{branch}");
        let question = ["rev-parse", "--verify", "--quiet", &reference];
        let hash = Repository::at(&path, full_name).git(&question).await?;
        Ok(hash.trim().to_owned())
    }
}

async fn branch(
    State(desk): State<Desk>,
    Path((workspace, repository, branch)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let full_name = format!("{workspace}/{repository}");
    let refusal = desk.with(|seen| {
        seen.asked.push(format!("{full_name} {branch}"));
        seen.refusals.pop_front()
    });
    if let Some(status) = refusal {
        return answer(status, &json!({ "type": "error" }));
    }
    let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    if shown != Some(format!("Bearer {TOKEN}").as_bytes()) {
        return answer(StatusCode::UNAUTHORIZED, &error("Token is invalid"));
    }
    match desk.head(&full_name, &branch).await {
        Ok(hash) => answer(
            StatusCode::OK,
            &json!({ "name": branch, "target": { "hash": hash } }),
        ),
        Err(_) => answer(StatusCode::NOT_FOUND, &error("no such branch")),
    }
}

fn error(message: &str) -> Value {
    json!({ "type": "error", "error": { "message": message } })
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}
