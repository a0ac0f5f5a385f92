//! Bitbucket's API on this machine: where a branch points, what lies between two commits, the build statuses of commits, and tags, for
//! whoever shows the token.
//!
//! It knows the routes that Longshore asks, with the answers that Bitbucket gives to a wrong token, to what is missing, a bad status and
//! a name that is taken. It must never answer from anything but the repositories in its folder.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Bitbucket, Repository};

/// The access token that is accepted.
pub const TOKEN: &str = "a token that may read repositories";

/// The access token that may also write statuses and tags.
pub const WRITE_TOKEN: &str = "a token that may write statuses and tags";

const STATUSES: &str = "/2.0/repositories/{workspace}/{repository}/commit/{commit}/statuses/build";
const STATUS: &str =
    "/2.0/repositories/{workspace}/{repository}/commit/{commit}/statuses/build/{key}";
const TAGS: &str = "/2.0/repositories/{workspace}/{repository}/refs/tags";
const TAG: &str = "/2.0/repositories/{workspace}/{repository}/refs/tags/{*name}";
const STATES: [&str; 4] = ["INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"];
/// The longest key of a status.
const KEY_MAX: usize = 40;

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
    written: Vec<Status>,
}

/// A build status that was written.
#[derive(Clone, Debug)]
pub struct Status {
    /// The commit.
    pub commit: String,
    /// What tells it apart on the commit.
    pub key: String,
    /// All of it.
    pub body: Value,
}

impl Status {
    /// The state, in Bitbucket's word.
    #[must_use]
    pub fn state(&self) -> &str {
        let state = self.body.get("state").and_then(Value::as_str);
        state.unwrap_or_default()
    }
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
            .route(STATUSES, post(write_status))
            .route(STATUS, get(status))
            .route(TAGS, post(make_tag))
            .route(TAG, get(tag))
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

    /// Every build status that was written, in order.
    #[must_use]
    pub fn statuses(&self) -> Vec<Status> {
        self.desk.with(|seen| seen.written.clone())
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

    async fn git(&self, full_name: &str, arguments: &[&str]) -> Result<String> {
        ensure!(!full_name.contains(".."), "{full_name} is no repository");
        let path = self.bitbucket.folder.join(format!("{full_name}.git"));
        Repository::at(&path, full_name).git(arguments).await
    }

    /// What a reference points to.
    async fn target(&self, full_name: &str, reference: &str) -> Result<String> {
        let question = ["rev-parse", "--verify", "--quiet", reference];
        let hash = self.git(full_name, &question).await?;
        Ok(hash.trim().to_owned())
    }

    /// When a commit was made, as git says it in RFC 3339.
    async fn date(&self, full_name: &str, hash: &str) -> Result<String> {
        let question = ["show", "--no-patch", "--format=%cI", hash];
        let date = self.git(full_name, &question).await?;
        Ok(date.trim().to_owned())
    }

    /// The refusal that is due, or that of a wrong token.
    fn refusal(&self, headers: &HeaderMap, token: &str) -> Option<Response> {
        if let Some(status) = self.with(|seen| seen.refusals.pop_front()) {
            return Some(answer(status, &json!({ "type": "error" })));
        }
        let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let is_right = shown == Some(format!("Bearer {token}").as_bytes());
        (!is_right).then(|| answer(StatusCode::UNAUTHORIZED, &error("Token is invalid")))
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
    match desk
        .target(&full_name, &format!("refs/heads/{branch}"))
        .await
    {
        Ok(hash) => {
            let date = desk.date(&full_name, &hash).await.ok();
            let target = json!({ "hash": hash, "date": date });
            answer(StatusCode::OK, &json!({ "name": branch, "target": target }))
        }
        Err(_) => answer(StatusCode::NOT_FOUND, &error("no such branch")),
    }
}

async fn write_status(
    State(desk): State<Desk>,
    Path((workspace, repository, commit)): Path<(String, String, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    if let Some(refusal) = desk.refusal(&headers, WRITE_TOKEN) {
        return refusal;
    }
    let full_name = format!("{workspace}/{repository}");
    let object = format!("{commit}^{{commit}}");
    if desk.target(&full_name, &object).await.is_err() {
        return answer(StatusCode::NOT_FOUND, &error("no such commit"));
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = text("key").to_owned();
    let fits = (1..=KEY_MAX).contains(&key.len());
    if !fits || !STATES.contains(&text("state")) || !text("url").starts_with("https://") {
        return answer(StatusCode::BAD_REQUEST, &error("Bad request"));
    }
    let status = Status { commit, key, body };
    let shown = status.body.clone();
    desk.with(|seen| seen.written.push(status));
    answer(StatusCode::CREATED, &shown)
}

async fn status(
    State(desk): State<Desk>,
    Path((_, _, commit, key)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = desk.refusal(&headers, WRITE_TOKEN) {
        return refusal;
    }
    let found = desk.with(|seen| {
        let mut written = seen.written.iter().rev();
        let last = written.find(|status| status.commit == commit && status.key == key);
        last.map(|status| status.body.clone())
    });
    match found {
        Some(body) => answer(StatusCode::OK, &body),
        None => answer(StatusCode::NOT_FOUND, &error("no such status")),
    }
}

async fn make_tag(
    State(desk): State<Desk>,
    Path((workspace, repository)): Path<(String, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    if let Some(refusal) = desk.refusal(&headers, WRITE_TOKEN) {
        return refusal;
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |path: &str| {
        body.pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (name, hash) = (text("/name"), text("/target/hash"));
    let full_name = format!("{workspace}/{repository}");
    // git takes no name that begins with a hyphen for one, and refuses one that is taken.
    match desk.git(&full_name, &["tag", "--", name, hash]).await {
        Ok(_) => answer(StatusCode::CREATED, &body),
        Err(_) => answer(StatusCode::BAD_REQUEST, &error("the tag cannot be made")),
    }
}

async fn tag(
    State(desk): State<Desk>,
    Path((workspace, repository, name)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = desk.refusal(&headers, WRITE_TOKEN) {
        return refusal;
    }
    let full_name = format!("{workspace}/{repository}");
    match desk
        .target(&full_name, &format!("refs/tags/{name}^{{commit}}"))
        .await
    {
        Ok(hash) => answer(
            StatusCode::OK,
            &json!({ "name": name, "target": { "hash": hash } }),
        ),
        Err(_) => answer(StatusCode::NOT_FOUND, &error("no such tag")),
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
        self.with(|seen| seen.asked.push(asked.to_owned()));
        self.refusal(headers, TOKEN)
    }
}

fn error(message: &str) -> Value {
    json!({ "type": "error", "error": { "message": message } })
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}
