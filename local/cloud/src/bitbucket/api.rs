//! Bitbucket's API on this machine: where a branch points and what lies between two commits, for whoever shows the token.
//!
//! It knows the two routes that Longshore asks, with the answers that Bitbucket gives to a wrong token and to what is missing.
//! It must never answer from anything but the repositories in its folder.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use axum::Router;
use axum::extract::{Path, RawQuery, State};
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

const COMMITS_ROUTE: &str = "/2.0/repositories/{workspace}/{repository}/commits";

/// Commits of a page at most, as Bitbucket's documentation has it ("Pagination").
const PAGE_MAX: usize = 100;

/// What the fields and the commits of git's answer are told apart by: no message has these.
const FIELD: char = '\u{1f}';
const RECORD: char = '\u{1e}';

/// Which commits are asked for.
#[derive(Debug, Default)]
struct Between {
    include: String,
    exclude: String,
    pagelen: usize,
}

impl Between {
    fn of(query: Option<&str>) -> Self {
        let mut between = Self::default();
        let address = format!("http://localhost/?{}", query.unwrap_or_default());
        let address = reqwest::Url::parse(&address).ok();
        for (name, value) in address.iter().flat_map(reqwest::Url::query_pairs) {
            match &*name {
                "include" => between.include = value.into_owned(),
                "exclude" => between.exclude = value.into_owned(),
                "pagelen" => between.pagelen = value.parse().unwrap_or_default(),
                _ => {}
            }
        }
        between
    }
}

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
            .route(COMMITS_ROUTE, get(commits))
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

    /// What was asked for, as `workspace/repository branch` or `workspace/repository old..new`, in order.
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

    /// The commits of one that another does not have, and whether there are more than so many.
    async fn commits(&self, full_name: &str, between: &Between) -> Result<(Vec<Value>, bool)> {
        ensure!(!full_name.contains(".."), "{full_name} is no repository");
        let is_hash = |text: &str| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        ensure!(
            is_hash(&between.include) && is_hash(&between.exclude),
            "no commits"
        );
        let path = self.bitbucket.folder.join(format!("{full_name}.git"));
        let limit = between.pagelen.clamp(1, PAGE_MAX);
        let count = format!("--max-count={}", limit.saturating_add(1));
        let without = format!("^{}", between.exclude);
        let format = format!("--format=%H{FIELD}%an <%ae>{FIELD}%B{RECORD}");
        let question = ["log", &count, &format, &between.include, &without];
        let told = Repository::at(&path, full_name).git(&question).await?;
        let mut commits: Vec<Value> = told.split(RECORD).filter_map(commit).collect();
        let has_more = commits.len() > limit;
        commits.truncate(limit);
        Ok((commits, has_more))
    }
}

/// One commit of git's answer.
fn commit(record: &str) -> Option<Value> {
    let mut fields = record.trim_start().split(FIELD);
    let (hash, author, message) = (fields.next()?, fields.next()?, fields.next()?);
    Some(json!({ "hash": hash, "author": { "raw": author }, "message": message }))
}

async fn branch(
    State(desk): State<Desk>,
    Path((workspace, repository, branch)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let full_name = format!("{workspace}/{repository}");
    if let Some(refusal) = desk.refuses(&format!("{full_name} {branch}"), &headers) {
        return refusal;
    }
    match desk.head(&full_name, &branch).await {
        Ok(hash) => answer(
            StatusCode::OK,
            &json!({ "name": branch, "target": { "hash": hash } }),
        ),
        Err(_) => answer(StatusCode::NOT_FOUND, &error("no such branch")),
    }
}

async fn commits(
    State(desk): State<Desk>,
    Path((workspace, repository)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let full_name = format!("{workspace}/{repository}");
    let between = Between::of(query.as_deref());
    let Between {
        include, exclude, ..
    } = &between;
    if let Some(refusal) = desk.refuses(&format!("{full_name} {exclude}..{include}"), &headers) {
        return refusal;
    }
    match desk.commits(&full_name, &between).await {
        Ok((values, false)) => answer(StatusCode::OK, &json!({ "values": values })),
        Ok((values, true)) => {
            let next = "the next page is not played here";
            answer(StatusCode::OK, &json!({ "values": values, "next": next }))
        }
        Err(_) => answer(StatusCode::NOT_FOUND, &error("no such commit")),
    }
}

impl Desk {
    /// Notes what is asked; the answer when that is refused.
    fn refuses(&self, asked: &str, headers: &HeaderMap) -> Option<Response> {
        let refusal = self.with(|seen| {
            seen.asked.push(asked.to_owned());
            seen.refusals.pop_front()
        });
        if let Some(status) = refusal {
            return Some(answer(status, &json!({ "type": "error" })));
        }
        let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let is_known = shown == Some(format!("Bearer {TOKEN}").as_bytes());
        (!is_known).then(|| answer(StatusCode::UNAUTHORIZED, &error("Token is invalid")))
    }
}

fn error(message: &str) -> Value {
    json!({ "type": "error", "error": { "message": message } })
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}
