//! A stand-in with hosts and a note-taking `MiniStack`, and the verbs that the tests use.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use ssm_stand_in::{HostOptions, Options, RunningStandIn, StandIn};
use tempfile::TempDir;

/// How many real milliseconds one second of SSM takes here.
pub(crate) const SECOND_MS: u64 = 40;
/// The hosts of every bed, with tags `role=web` for all and `canary=yes` for the first.
pub(crate) const HOSTS: [&str; 5] = [
    "i-aaaaaaa1",
    "i-aaaaaaa2",
    "i-aaaaaaa3",
    "i-aaaaaaa4",
    "i-aaaaaaa5",
];
/// The first host.
pub(crate) const HOST: &str = HOSTS[0];

/// How often a wait looks, and how long at most.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS_MAX: u32 = 1500;

/// A request as `MiniStack` got it.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A running stand-in and all around it.
pub(crate) struct Bed {
    pub(crate) stand_in: RunningStandIn,
    pub(crate) dir: TempDir,
    pub(crate) http: reqwest::Client,
    pub(crate) options: Options,
    notes: Arc<Mutex<Vec<Note>>>,
}

impl Bed {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let (ministack, notes) = fake_ministack().await;
        let options = Options {
            ministack: Some(ministack),
            second_ms: SECOND_MS,
            hosts: HOSTS.iter().map(|id| host(id, dir.path())).collect(),
            ..Options::default()
        };
        let stand_in = StandIn::start(options.clone()).await.unwrap();
        Self {
            options,
            stand_in,
            dir,
            http: reqwest::Client::new(),
            notes,
        }
    }

    /// Calls an action and returns the status and the answer.
    pub(crate) async fn call(&self, action: &str, body: Value) -> (StatusCode, Value) {
        let request = self
            .http
            .post(self.stand_in.url())
            .header("x-amz-target", format!("AmazonSSM.{action}"))
            .header("content-type", "application/x-amz-json-1.1")
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }

    /// Calls an action that must succeed.
    pub(crate) async fn ok(&self, action: &str, body: Value) -> Value {
        let (status, answer) = self.call(action, body).await;
        assert_eq!(status, StatusCode::OK, "{action}: {answer}");
        answer
    }

    /// Calls an action that must be refused, and returns the error's code.
    pub(crate) async fn refused(&self, action: &str, body: Value) -> String {
        let (status, answer) = self.call(action, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{action}: {answer}");
        answer["__type"].as_str().unwrap().to_owned()
    }

    /// Makes a document out of parameters and steps.
    pub(crate) async fn document(&self, name: &str, parameters: Value, steps: Value) {
        let content = json!({"schemaVersion": "2.2", "parameters": parameters, "mainSteps": steps});
        self.ok(
            "CreateDocument",
            json!({"Name": name, "Content": content.to_string()}),
        )
        .await;
    }

    /// Sends lines of shell to a host and returns the command's id.
    pub(crate) async fn shell(&self, host: &str, lines: &str) -> String {
        self.shell_with(host, lines, json!({})).await
    }

    /// Sends lines of shell with a five-second limit, and more of what `SendCommand` takes.
    pub(crate) async fn shell_with(&self, host: &str, lines: &str, more: Value) -> String {
        let mut body = json!({
            "DocumentName": "AWS-RunShellScript", "InstanceIds": [host], "TimeoutSeconds": 30,
            "Parameters": {"commands": lines.lines().collect::<Vec<_>>()}
        });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.send(body).await
    }

    /// Sends a command and returns its id.
    pub(crate) async fn send(&self, body: Value) -> String {
        let answer = self.ok("SendCommand", body).await;
        answer["Command"]["CommandId"].as_str().unwrap().to_owned()
    }

    /// Sends a document with parameters to the first host and waits for its end.
    pub(crate) async fn run_document(&self, name: &str, parameters: Value) -> Value {
        let id = self
            .send(json!({
                "DocumentName": name, "InstanceIds": [HOST], "Parameters": parameters, "TimeoutSeconds": 30
            }))
            .await;
        self.end(&id, HOST).await
    }

    /// Runs lines of shell on the first host and returns what `GetCommandInvocation` says at the end.
    pub(crate) async fn run(&self, lines: &str) -> Value {
        let id = self.shell(HOST, lines).await;
        self.end(&id, HOST).await
    }

    /// What `GetCommandInvocation` says.
    pub(crate) async fn get(&self, id: &str, host: &str) -> Value {
        self.ok(
            "GetCommandInvocation",
            json!({"CommandId": id, "InstanceId": host}),
        )
        .await
    }

    /// The one entry of `ListCommandInvocations` with details.
    pub(crate) async fn listed(&self, id: &str, host: &str) -> Value {
        let body = json!({"CommandId": id, "InstanceId": host, "Details": true});
        self.ok("ListCommandInvocations", body).await["CommandInvocations"][0].clone()
    }

    /// The one entry of `ListCommands`.
    pub(crate) async fn command(&self, id: &str) -> Value {
        self.ok("ListCommands", json!({"CommandId": id})).await["Commands"][0].clone()
    }

    /// Waits until an invocation is final.
    pub(crate) async fn end(&self, id: &str, host: &str) -> Value {
        for _ in 0..LOOKS_MAX {
            let invocation = self.get(id, host).await;
            if is_final(&invocation) {
                return invocation;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("{id} on {host} did not end: {}", self.get(id, host).await);
    }

    /// Waits until a command is final.
    pub(crate) async fn command_end(&self, id: &str) -> Value {
        for _ in 0..LOOKS_MAX {
            let command = self.command(id).await;
            if is_final(&command) {
                return command;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("{id} did not end: {}", self.command(id).await);
    }

    /// Waits until an invocation has a status.
    pub(crate) async fn status(&self, id: &str, host: &str, wanted: &str) {
        for _ in 0..LOOKS_MAX {
            if self.get(id, host).await["StatusDetails"] == wanted {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!(
            "{id} on {host} never was {wanted}: {}",
            self.get(id, host).await
        );
    }

    /// A path in the bed's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Waits until a file of the bed's folder is there.
    pub(crate) async fn file(&self, name: &str) {
        until(&format!("the file {name}"), || self.path(name).exists()).await;
    }

    /// Makes a file of the bed's folder.
    pub(crate) fn touch(&self, name: &str) {
        std::fs::write(self.path(name), "").unwrap();
    }

    /// What a file of the bed's folder holds.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Changes the fault switches over HTTP.
    pub(crate) async fn faults(&self, change: Value) {
        let url = format!("{}/_longshore/faults", self.stand_in.url());
        let answer = self
            .http
            .post(url)
            .body(change.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.status(),
            StatusCode::OK,
            "{}",
            answer.text().await.unwrap()
        );
    }

    /// What the control endpoint shows.
    pub(crate) async fn control(&self, what: &str) -> Value {
        let url = format!("{}/_longshore/{what}", self.stand_in.url());
        let text = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Everything that `MiniStack` was asked.
    pub(crate) fn notes(&self) -> Vec<Note> {
        self.notes.lock().unwrap().clone()
    }

    /// The entries of every `PutEvents` so far.
    pub(crate) fn put_events(&self) -> Vec<Value> {
        let notes = self.notes();
        let puts = notes
            .iter()
            .filter(|note| note.headers["x-amz-target"] == "AWSEvents.PutEvents");
        puts.flat_map(|note| {
            let body: Value = serde_json::from_slice(&note.body).unwrap();
            body["Entries"].as_array().unwrap().clone()
        })
        .collect()
    }
}

/// A host with its own folder and the tags of the bed.
pub(crate) fn host(id: &str, dir: &Path) -> HostOptions {
    let mut host = HostOptions::new(id, &dir.join(id));
    host.tags.insert(String::from("role"), String::from("web"));
    if id == HOST {
        host.tags
            .insert(String::from("canary"), String::from("yes"));
    }
    host.environment
        .insert(String::from("BED"), dir.display().to_string());
    host
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..LOOKS_MAX {
        if holds() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("waited in vain for {what}");
}

/// A step of shell.
pub(crate) fn step(name: &str, lines: &str, more: &Value) -> Value {
    let mut inputs = json!({"runCommand": lines.lines().collect::<Vec<_>>()});
    inputs
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({"action": "aws:runShellScript", "name": name, "inputs": inputs})
}

/// Lines that wait until a file of the bed's folder is there.
pub(crate) fn wait_for(name: &str) -> String {
    format!("while [ ! -e \"$BED/{name}\" ]; do sleep 0.02; done")
}

fn is_final(shown: &Value) -> bool {
    matches!(
        shown["Status"].as_str().unwrap(),
        "Success" | "Failed" | "TimedOut" | "Cancelled"
    )
}

async fn fake_ministack() -> (String, Arc<Mutex<Vec<Note>>>) {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .fallback(take_note)
        .with_state(Arc::clone(&notes));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, notes)
}

async fn take_note(
    State(notes): State<Arc<Mutex<Vec<Note>>>>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let target = headers
        .get("x-amz-target")
        .map(|value| value.to_str().unwrap().to_owned());
    notes.lock().unwrap().push(Note {
        headers,
        body: body.clone(),
    });
    let answer = match target.as_deref() {
        Some("AWSEvents.PutEvents") => json!({"FailedEntryCount": 0, "Entries": []}),
        Some("AmazonSSM.GetParameter") => {
            let error = json!({"__type": "ParameterNotFound", "message": "none"}).to_string();
            return (
                StatusCode::BAD_REQUEST,
                [("x-amzn-errortype", "ParameterNotFound")],
                error,
            );
        }
        Some("AmazonSSM.GetParameters") => parameters(&body),
        Some(_) | None => json!({}),
    };
    (
        StatusCode::OK,
        [("x-amzn-errortype", "")],
        answer.to_string(),
    )
}

/// A Parameter Store with one plain parameter and one secret.
fn parameters(body: &[u8]) -> Value {
    let request: Value = serde_json::from_slice(body).unwrap();
    let name = &request["Names"][0];
    let found = match name.as_str().unwrap() {
        "/plain" => json!([{"Name": name, "Type": "String", "Value": "from the store"}]),
        "/secret" => json!([{"Name": name, "Type": "SecureString", "Value": "sealed"}]),
        _ => return json!({"Parameters": [], "InvalidParameters": [name]}),
    };
    json!({"Parameters": found, "InvalidParameters": []})
}
