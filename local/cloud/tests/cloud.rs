//! The local cloud as a whole, on a stack with every kind of hop that Longshore's own template has.
//!
//! One test walks through all of them, because starting takes longer than looking. It must not depend on any code of the
//! product.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

#[path = "common/processes.rs"]
mod processes;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use longshore_local::bitbucket::Webhook;
use longshore_local::sinks::{Message, Sinks};
use longshore_local::{LocalCloud, Options, wait};
use processes::processes_of;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

fn repo_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Cargo builds the examples next to the tests.
fn examples() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples")
}

fn template() -> PathBuf {
    repo_root().join("local/cloud/tests/fixtures/template.yaml")
}

fn options(folder: &Path, functions: &Sinks) -> Options {
    let mut options = Options::new(&repo_root(), folder, &examples());
    options.template = template();
    options.hosts = 1;
    options.minute_ms = 2_000;
    options
        .function_variables
        .insert("PROBE_SINK".to_owned(), functions.endpoint());
    options.webhook_program = Some(PathBuf::from(env!("CARGO_BIN_EXE_longshore-local")));
    options
}

/// Waits for a message that `read` makes something of.
async fn arrived<T>(sinks: &Sinks, what: &str, read: impl Fn(&Message) -> Option<T>) -> T {
    let look = async || Ok(sinks.messages().iter().find_map(&read));
    wait::until(what, LIMIT, LOOK, look)
        .await
        .unwrap_or_else(|error| {
            panic!(
                "{error}; arrived: {}",
                serde_json::to_string_pretty(&sinks.messages()).unwrap()
            )
        })
}

/// The bodies of a queue function's records.
fn records(message: &Message) -> Vec<String> {
    let records = message.body["Records"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    records
        .iter()
        .filter_map(|record| record["body"].as_str().map(str::to_owned))
        .collect()
}

async fn put_item(cloud: &LocalCloud, sort: &str, version: &str) {
    let item = json!({
        "pk": {"S": "DEPLOYMENT#1"}, "sk": {"S": sort}, "id": {"S": "1"}, "version": {"N": version},
    });
    let body = json!({ "TableName": cloud.outputs()["TableName"], "Item": item });
    cloud
        .aws()
        .json("dynamodb", "DynamoDB_20120810.PutItem", &body)
        .await
        .unwrap();
}

#[tokio::test]
async fn every_hop_of_the_local_cloud_delivers() {
    let folder = tempfile::tempdir().unwrap();
    let functions = Sinks::start(0).await.unwrap();
    let ssm = Sinks::start(0).await.unwrap();
    let mut options = options(folder.path(), &functions);
    options.ssm_endpoint = Some(ssm.endpoint());
    let cloud = LocalCloud::start(options).await.unwrap();

    the_document_went_to_ssm(&cloud, &ssm).await;
    a_push_reaches_the_function_with_its_raw_body(&cloud, &functions, folder.path()).await;
    a_change_of_the_table_reaches_the_queue_function(&cloud, &functions).await;
    a_queue_without_a_policy_gets_nothing_and_its_dead_letters_do(&cloud).await;
    a_refused_message_comes_again_and_its_neighbour_does_not(&cloud, &functions).await;
    an_event_of_ssm_reaches_the_queue_function(&cloud, &functions).await;
    a_schedule_reaches_the_queue_function(&functions).await;
    the_topic_reaches_the_sinks(&cloud).await;
    time_to_live_is_applied(&cloud).await;

    cloud.stop().await.unwrap();
}

async fn the_document_went_to_ssm(cloud: &LocalCloud, ssm: &Sinks) {
    assert_eq!(cloud.document().unwrap(), "probe-dev");
    let created = arrived(ssm, "document", |message| Some(message.body.clone())).await;
    assert_eq!(created["Name"], "probe-dev");
    let content: Value = serde_json::from_str(created["Content"].as_str().unwrap()).unwrap();
    assert_eq!(content["description"], "probe in dev");
    assert_eq!(
        content["parameters"]["Action"]["interpolationType"],
        "ENV_VAR"
    );
    assert_eq!(
        content["mainSteps"][0]["inputs"]["runCommand"][0],
        "echo \"$SSM_Action from $(pwd)\""
    );
}

async fn a_push_reaches_the_function_with_its_raw_body(
    cloud: &LocalCloud,
    functions: &Sinks,
    folder: &Path,
) {
    let (repository, webhook) = cloud.repository("acme/orders", "a secret").await.unwrap();
    let tree = repository.clone_to(&folder.join("work")).await.unwrap();
    tree.write("src/näme.js", "// first\n").unwrap();
    let first = tree.commit("first: \"quoted\"").await.unwrap();
    tree.push("main").await.unwrap();
    tree.write("src/näme.js", "// second\n").unwrap();
    let second = tree.commit("second, ünïcødé").await.unwrap();
    tree.push("main").await.unwrap();

    let event = arrived(functions, "push", |message| {
        let text = message.body["body"].as_str()?;
        let body: Value = serde_json::from_str(text).ok()?;
        let ours = body.pointer("/push/changes/0/new/target/hash") == Some(&json!(second));
        ours.then(|| message.body.clone())
    });
    let event = event.await;
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/webhooks/bitbucket");
    assert_eq!(event["headers"]["x-event-key"], "repo:push");
    let text = event["body"].as_str().unwrap();
    assert_eq!(
        event["headers"]["x-hub-signature"],
        webhook.signature(text.as_bytes()).unwrap()
    );
    let body: Value = serde_json::from_str(text).unwrap();
    let change = &body["push"]["changes"][0];
    assert_eq!(change["old"]["target"]["hash"], first);
    assert_eq!(change["new"]["name"], "main");
    assert_eq!(change["commits"].as_array().unwrap().len(), 1);
    assert_eq!(body["repository"]["full_name"], "acme/orders");

    let direct = Webhook {
        url: cloud.api_url("/nowhere").unwrap(),
        ..webhook
    };
    let refused = direct.deliver("repo:push", b"{}").await.unwrap();
    assert_eq!((refused.status, refused.attempts), (Some(404), 1));
}

async fn a_change_of_the_table_reaches_the_queue_function(cloud: &LocalCloud, functions: &Sinks) {
    put_item(cloud, "OTHER", "1").await;
    put_item(cloud, "STATE", "7").await;
    let event = arrived(functions, "change of the table", |message| {
        let events = records(message)
            .into_iter()
            .filter_map(|text| serde_json::from_str::<Value>(&text).ok());
        events
            .into_iter()
            .find(|event| event["detail-type"] == "ItemChanged")
    });
    assert_eq!(
        event.await["detail"],
        json!({"id": "1", "version": "7", "told": "INSERT"})
    );
    let all = functions.messages();
    let changes = all
        .iter()
        .flat_map(records)
        .filter(|text| text.contains("ItemChanged"));
    assert_eq!(changes.count(), 1);
}

async fn a_queue_without_a_policy_gets_nothing_and_its_dead_letters_do(cloud: &LocalCloud) {
    let url = &cloud.outputs()["DeadLettersUrl"];
    let body = json!({ "QueueUrl": url });
    let look = async || {
        let answer = cloud
            .aws()
            .json("sqs", "AmazonSQS.ReceiveMessage", &body)
            .await?;
        Ok(answer
            .pointer("/Messages/0/Body")
            .and_then(Value::as_str)
            .map(str::to_owned))
    };
    let text = wait::until("dead letter", LIMIT, LOOK, look).await.unwrap();
    assert!(text.contains("ItemChanged"), "{text}");
}

async fn a_refused_message_comes_again_and_its_neighbour_does_not(
    cloud: &LocalCloud,
    functions: &Sinks,
) {
    let url = &cloud.outputs()["QueueUrl"];
    let entries = json!([
        { "Id": "a", "MessageBody": "refuse-me-once" }, { "Id": "b", "MessageBody": "take-me" },
    ]);
    let body = json!({ "QueueUrl": url, "Entries": entries });
    cloud
        .aws()
        .json("sqs", "AmazonSQS.SendMessageBatch", &body)
        .await
        .unwrap();
    let times = |text: &str| {
        functions
            .messages()
            .iter()
            .flat_map(records)
            .filter(|body| body == text)
            .count()
    };
    let look = async || Ok((times("refuse-me-once") == 2).then_some(()));
    wait::until("second delivery", LIMIT, LOOK, look)
        .await
        .unwrap();
    assert_eq!(times("take-me"), 1);
}

async fn an_event_of_ssm_reaches_the_queue_function(cloud: &LocalCloud, functions: &Sinks) {
    let detail = json!({ "document-name": "probe-dev", "status": "Success" }).to_string();
    let entry = json!({ "Source": "aws.ssm", "DetailType": "EC2 Command Status-change Notification", "Detail": detail });
    let answer = cloud
        .aws()
        .json(
            "events",
            "AWSEvents.PutEvents",
            &json!({ "Entries": [entry] }),
        )
        .await
        .unwrap();
    assert_eq!(answer["FailedEntryCount"], 0);
    let is_ours = |text: &String| text.contains("EC2 Command Status-change Notification");
    arrived(functions, "event of ssm", |message| {
        records(message).into_iter().find(is_ours)
    })
    .await;
}

async fn a_schedule_reaches_the_queue_function(functions: &Sinks) {
    let look = async || {
        Ok(functions
            .messages()
            .iter()
            .flat_map(records)
            .find(|text| text.contains("Tick")))
    };
    let text = wait::until("tick", LIMIT, LOOK, look).await.unwrap();
    assert_eq!(text, "{\"detail-type\":\"Tick\"}");
}

async fn the_topic_reaches_the_sinks(cloud: &LocalCloud) {
    cloud.subscribe_sinks().await.unwrap();
    let topic = cloud.resource("AWS::SNS::Topic").unwrap().to_owned();
    let parameters = [
        ("TopicArn".to_owned(), topic),
        ("Message".to_owned(), "live".to_owned()),
    ];
    let published = async || {
        cloud
            .aws()
            .query("sns", "2010-03-31", "Publish", &parameters)
            .await?;
        Ok(cloud
            .sinks()
            .messages()
            .into_iter()
            .find(|message| message.body["Message"] == "live"))
    };
    let message = wait::until("notification", LIMIT, LOOK, published)
        .await
        .unwrap();
    assert_eq!(message.path, "/sns");
}

async fn time_to_live_is_applied(cloud: &LocalCloud) {
    let body = json!({ "TableName": cloud.outputs()["TableName"] });
    let answer = cloud
        .aws()
        .json("dynamodb", "DynamoDB_20120810.DescribeTimeToLive", &body)
        .await
        .unwrap();
    assert_eq!(
        answer["TimeToLiveDescription"]["AttributeName"],
        "expires_at"
    );
    assert_eq!(
        answer["TimeToLiveDescription"]["TimeToLiveStatus"],
        "ENABLED"
    );
}

#[tokio::test]
async fn a_document_of_the_template_runs_on_the_hosts_and_its_update_is_the_new_default() {
    let folder = tempfile::tempdir().unwrap();
    let functions = Sinks::start(0).await.unwrap();
    let changing = folder.path().join("template.yaml");
    std::fs::copy(template(), &changing).unwrap();
    let mut options = options(folder.path(), &functions);
    options.template.clone_from(&changing);
    options.hosts = 2;
    let mut cloud = LocalCloud::start(options).await.unwrap();

    let output = run_document(&cloud).await;
    assert_eq!(output.len(), 2);
    assert!(
        output.iter().all(|text| text.starts_with("greet from ")),
        "{output:?}"
    );
    let is_ours =
        |text: &String| text.contains("EC2 Command Invocation Status-change Notification");
    arrived(&functions, "event of the stand-in", |message| {
        records(message).into_iter().find(is_ours)
    })
    .await;

    let text = std::fs::read_to_string(&changing)
        .unwrap()
        .replace(" from $(pwd)", " again on $LONGSHORE_PORT");
    std::fs::write(&changing, text).unwrap();
    cloud.update().await.unwrap();
    let mut expected: Vec<String> = cloud
        .hosts()
        .iter()
        .map(|host| format!("greet again on {}\n", host.port()))
        .collect();
    expected.sort();
    assert_eq!(run_document(&cloud).await, expected);
    cloud.stop().await.unwrap();
}

/// Sends the stack's document to all hosts by their tags; what each printed, in order.
async fn run_document(cloud: &LocalCloud) -> Vec<String> {
    let ssm = Ssm {
        endpoint: cloud.agents().endpoint().to_owned(),
        http: reqwest::Client::new(),
    };
    let command = json!({
        "DocumentName": cloud.document().unwrap(),
        "Targets": [{ "Key": "tag:longshore:environment", "Values": ["dev"] }],
        "Parameters": { "Action": ["greet"] },
    });
    let sent = ssm.call("SendCommand", &command).await;
    let listing = json!({ "CommandId": sent["Command"]["CommandId"], "Details": true });
    let look = async || {
        let listed = ssm.call("ListCommandInvocations", &listing).await;
        let all = listed["CommandInvocations"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let done =
            all.len() == cloud.hosts().len() && all.iter().all(|one| one["Status"] == "Success");
        Ok(done.then_some(all))
    };
    let all = wait::until("end of the command", LIMIT, LOOK, look)
        .await
        .unwrap();
    let text = |one: &Value| {
        one["CommandPlugins"][0]["Output"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let mut output: Vec<String> = all.iter().map(text).collect();
    output.sort();
    output
}

struct Ssm {
    endpoint: String,
    http: reqwest::Client,
}

impl Ssm {
    async fn call(&self, action: &str, body: &Value) -> Value {
        let request = self
            .http
            .post(&self.endpoint)
            .header("x-amz-target", format!("AmazonSSM.{action}"));
        let request = request
            .header("content-type", "application/x-amz-json-1.1")
            .body(body.to_string());
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

#[tokio::test]
async fn a_cloud_that_is_killed_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_longshore-local"));
    program.current_dir(repo_root());
    program.arg("local").arg("--work").arg(folder.path());
    let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap().starts_with("Ctrl-C ends")),
        "it never became ready"
    );
    let host = folder
        .path()
        .canonicalize()
        .unwrap()
        .join("hosts/i-00000000000000001/srv");
    let mut detached = Command::new("sleep")
        .arg("600")
        .env("LONGSHORE_ROOT", host)
        .spawn()
        .unwrap();
    assert!(!processes_of(folder.path()).is_empty());

    program.kill().unwrap();
    program.wait().unwrap();
    let look = async || Ok(processes_of(folder.path()).is_empty().then_some(()));
    wait::until("end of every process", LIMIT, LOOK, look)
        .await
        .unwrap();
    assert!(!detached.wait().unwrap().success());
}
