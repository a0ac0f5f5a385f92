//! A stand-in for the operators' API, Parameter Store and the other services: answers what it was told to, writes down what it
//! was asked, and refuses what is not signed. And the command itself, run as a program with an environment of its own.

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// The time of the stand-in, which every relative time is measured against.
pub(crate) const NOW: &str = "Wed, 25 Nov 2026 10:24:05 GMT";

/// One request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) what: String,
    pub(crate) query: String,
    pub(crate) body: Value,
    pub(crate) authorization: String,
    pub(crate) token: Option<String>,
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Said {
    /// An answer at the time of the stand-in. What refuses a right has the true time, because that is what a clock is judged by.
    pub(crate) fn new(status: u16, body: &impl serde::Serialize) -> Self {
        let mut headers = Vec::new();
        if status != 403 {
            headers.push(("date", NOW.to_owned()));
        }
        Self {
            status,
            body: serde_json::to_string(body).unwrap(),
            headers,
        }
    }
}

#[derive(Debug, Default)]
struct Script {
    answers: BTreeMap<String, Vec<Said>>,
    asked: Vec<Asked>,
}

/// The stand-in.
#[derive(Debug)]
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

impl StandIn {
    /// One that knows nothing yet.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        std::thread::spawn(move || serve(listener, &shared));
        Self { address, script }
    }

    /// Answers a method and a path, or a target of a JSON protocol, with this; the last answer stays.
    #[must_use]
    pub(crate) fn on(self, what: &str, status: u16, body: &impl serde::Serialize) -> Self {
        self.on_said(what, Said::new(status, body))
    }

    #[must_use]
    pub(crate) fn on_said(self, what: &str, said: Said) -> Self {
        let mut script = self.script.lock().unwrap();
        script
            .answers
            .entry(what.to_owned())
            .or_default()
            .push(said);
        drop(script);
        self
    }

    /// What it was asked, as `METHOD /path`.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }

    /// What it was asked that could change something.
    pub(crate) fn acts(&self) -> Vec<String> {
        let looks = |what: &str| what.starts_with("GET ") || what.ends_with("/plan");
        let all = self.asked().into_iter().map(|asked| asked.what);
        all.filter(|what| !looks(what)).collect()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The command with these words, against this stand-in.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        let url = self.url();
        run(&[&["--api-url", &url], words].concat(), &[])
    }
}

/// What the command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// What it wrote, as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The command with credentials that mean nothing, and nothing else of this machine's environment.
pub(crate) fn run(words: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longshore"));
    command
        .args(words)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_SESSION_TOKEN", "token")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null());
    for (name, value) in variables {
        match *value {
            "" => command.env_remove(name),
            value => command.env(name, value),
        };
    }
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn serve(listener: TcpListener, script: &Arc<Mutex<Script>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let script = Arc::clone(script);
    runtime.block_on(async move {
        let app = axum::Router::new().fallback(move |request: Request<Body>| {
            let script = Arc::clone(&script);
            async move { answered(&script, request).await }
        });
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, app).await.unwrap();
    });
}

async fn answered(script: &Mutex<Script>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let header = |name: &str| {
        let value = parts.headers.get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    let path = parts.uri.path();
    let what = match header("x-amz-target") {
        Some(target) => target,
        None => format!("{} {path}", parts.method),
    };
    let asked = Asked {
        what: what.clone(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body).into_owned())),
        authorization: header("authorization").unwrap_or_default(),
        token: header("x-amz-security-token"),
    };
    let signed = asked
        .authorization
        .starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/");
    let said = {
        let mut script = script.lock().unwrap();
        script.asked.push(asked);
        next_answer(&mut script, &what).filter(|_| signed)
    };
    let status = if signed { 404 } else { 403 };
    response(said.unwrap_or_else(|| Said::new(status, &json!({ "message": "Forbidden" }))))
}

fn next_answer(script: &mut Script, what: &str) -> Option<Said> {
    let answers = script.answers.get_mut(what)?;
    if answers.len() > 1 {
        return Some(answers.remove(0));
    }
    answers.first().cloned()
}

fn response(said: Said) -> Response<Body> {
    let mut response = Response::builder().status(said.status);
    for (name, value) in said.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(said.body)).unwrap()
}
