//! The export of histories on the real stack: what is in the bucket against what is in the table, after a push that went live, one
//! that came back, and what an operator did.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

#[path = "common/scene.rs"]
mod scene;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use longshore_local::bitbucket::api;
use longshore_local::demo::record::Deployment;
use longshore_local::demo::{SIGNING_SECRET, WEBHOOK_SECRET, app};
use longshore_local::operators::Operator;
use longshore_local::{LocalCloud, history, sinks, tools, wait};
use reqwest::Method;
use scene::{LIMIT, LOOK_EVERY, Scene};
use serde_json::{Value, json};

const CANARY: &str = "CANARY-message";

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// One cloud for all of it, as starting one takes longest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bucket_tells_what_the_table_knows_once_and_in_the_published_form() {
    let scene = Scene::start(app::CONFIGURATION, |options| options.hosts = 2).await;
    assert_eq!(pushed(&scene).await.state, "Succeeded");
    app::turn_sick(&scene.ready.tree).unwrap();
    assert_eq!(pushed(&scene).await.state, "RolledBack");
    let cloud = &scene.cloud;
    an_operator_locks_and_unlocks(cloud).await;
    let lines = exported(cloud).await;
    every_deployment_is_told_entry_by_entry(cloud, &lines).await;
    what_operators_and_rollbacks_did_is_told(&lines);
    the_schema_takes_every_line(&lines, scene.folder.path()).await;
    nothing_that_was_planted_is_there(cloud).await;
    a_batch_that_comes_again_adds_nothing(cloud, &lines).await;
    what_cannot_be_read_is_an_error_and_leaves_nothing(cloud).await;
    scene.end().await;
}

async fn pushed(scene: &Scene) -> Deployment {
    let id = scene.push(CANARY).await;
    scene.until(&id, "end", Deployment::is_over).await
}

async fn an_operator_locks_and_unlocks(cloud: &LocalCloud) {
    let alice: &Operator = &cloud.operators()[0];
    let url = cloud.api_url("").unwrap();
    let lock = json!({ "reason": "stocktaking", "seconds": 600 });
    let unlock = json!({ "reason": "counted" });
    for (method, body) in [(Method::POST, lock), (Method::DELETE, unlock)] {
        let route = (method, "/v1/apps/orders/lock", "");
        let answer = alice.call(cloud.aws(), &url, route, Some(&body)).await;
        assert_eq!(answer.unwrap().status, 200);
    }
}

/// The lines, once the export has caught up with the last deed.
async fn exported(cloud: &LocalCloud) -> Vec<Value> {
    let lines = wait::until("export of the last deed", LIMIT, LOOK_EVERY, async || {
        let lines = history::lines(cloud).await?;
        let is_last = lines.iter().any(|line| line["type"] == "unlock");
        Ok(is_last.then_some(lines))
    });
    lines.await.unwrap()
}

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

fn ms(at: &Value) -> i64 {
    let at: jiff::Timestamp = at.as_str().unwrap().parse().unwrap();
    at.as_millisecond()
}

async fn every_deployment_is_told_entry_by_entry(cloud: &LocalCloud, lines: &[Value]) {
    let deployments = Deployment::all(cloud).await.unwrap();
    assert_eq!(deployments.len(), 2);
    for deployment in &deployments {
        let its = |kind: &str| -> Vec<&Value> {
            let of_it = of_type(lines, kind).into_iter();
            of_it
                .filter(|line| line["deployment"] == deployment.id.as_str())
                .collect()
        };
        let told: Vec<Value> = its("transition")
            .into_iter()
            .map(|line| {
                json!([
                    line["entry"],
                    ms(&line["at"]),
                    line["state"],
                    line["wave"],
                    line["cause"]
                ])
            })
            .collect();
        let timeline = deployment.body["timeline"].as_array().unwrap();
        let known: Vec<Value> = (1..)
            .zip(timeline)
            .map(|(number, entry)| {
                json!([
                    number,
                    entry["at_ms"],
                    entry["state"],
                    entry["wave"],
                    entry["cause"]
                ])
            })
            .collect();
        assert_eq!(told, known, "{}", deployment.id);
        let [accepted] = its("accepted")[..] else {
            panic!("{lines:#?}")
        };
        assert_eq!(accepted["commit"], deployment.commit());
        let [ended] = its("ended")[..] else {
            panic!("{lines:#?}")
        };
        assert_eq!(ended["result"], deployment.state.as_str());
        assert_eq!(ended["entries"], timeline.len());
        let failure = deployment.failure().map(|(class, _)| Value::from(class));
        assert_eq!(ended.get("failure"), failure.as_ref());
        for group in ended["hosts"].as_array().unwrap() {
            for host in group["hosts"].as_array().unwrap() {
                let verdict = &deployment.verdicts()[host.as_str().unwrap()];
                assert_eq!(&group["verdict"], verdict.as_str(), "{ended}");
            }
        }
        assert!(
            ended["release"]["parameters"]["GREETING"].is_u64(),
            "{ended}"
        );
    }
    let ids: BTreeSet<&str> = lines
        .iter()
        .map(|line| line["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), lines.len(), "a line twice");
}

fn what_operators_and_rollbacks_did_is_told(lines: &[Value]) {
    for (kind, reason) in [("lock", "stocktaking"), ("unlock", "counted")] {
        let [deed] = of_type(lines, kind)[..] else {
            panic!("{lines:#?}")
        };
        assert_eq!(
            (&deed["by"], &deed["reason"]),
            (&json!("alice"), &json!(reason))
        );
    }
    let [quarantine] = of_type(lines, "quarantine")[..] else {
        panic!("{lines:#?}")
    };
    let back = of_type(lines, "ended").into_iter();
    let mut back = back.filter(|line| line["result"] == "RolledBack");
    let back = back.next().unwrap();
    assert_eq!(
        (&quarantine["commit"], &quarantine["deployment"]),
        (&back["commit"], &back["deployment"])
    );
}

/// By a validator that nobody here wrote.
async fn the_schema_takes_every_line(lines: &[Value], folder: &Path) {
    let checks = tools::checks(&root(), |_| {}).await.unwrap();
    let mut command = tokio::process::Command::new(checks.join("check-jsonschema"));
    command
        .arg("--schemafile")
        .arg(root().join("docs/history.schema.json"));
    for (number, line) in lines.iter().enumerate() {
        let path = folder.join(format!("line-{number}.json"));
        std::fs::write(&path, line.to_string()).unwrap();
        command.arg(path);
    }
    let said = command.output().await.unwrap();
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stdout)
    );
}

async fn nothing_that_was_planted_is_there(cloud: &LocalCloud) {
    let objects = history::objects(cloud).await.unwrap();
    let greeting = json!(app::GREETING).to_string();
    let planted = [
        CANARY,
        "Welcome aboard",
        greeting.trim_matches('"'),
        WEBHOOK_SECRET,
        SIGNING_SECRET,
        sinks::SLACK_TOKEN,
        sinks::WEBHOOK_SECRET,
        api::TOKEN,
        api::WRITE_TOKEN,
    ];
    for (key, text) in &objects {
        for word in planted {
            assert!(!text.contains(word), "{word} is in {key}");
        }
    }
}

/// Everything that the stream still has, as the one batch that it could have been from the beginning: it takes the place of the
/// first object. After that a repeat changes not a byte.
async fn a_batch_that_comes_again_adds_nothing(cloud: &LocalCloud, lines: &[Value]) {
    let event = json!({ "Records": stream(cloud).await });
    let before = history::objects(cloud).await.unwrap();
    let mut known: Option<_> = None;
    for _ in 0..2 {
        let answer = cloud
            .aws()
            .invoke("longshore-dev-history-export", &event)
            .await;
        assert_eq!(answer.unwrap(), Value::Null);
        let now = history::objects(cloud).await.unwrap();
        assert!(now.keys().eq(before.keys()), "a further object");
        assert!(known.is_none_or(|known| known == now), "other bytes");
        known = Some(now);
    }
    let (_, first) = known
        .as_ref()
        .and_then(|known| known.iter().next())
        .unwrap();
    assert_eq!(first.lines().count(), lines.len());
}

/// The records that the filter lets through.
async fn stream(cloud: &LocalCloud) -> Vec<Value> {
    let ask = async |action: &str, body: Value| {
        let target = format!("DynamoDBStreams_20120810.{action}");
        cloud.aws().json("dynamodb", &target, &body).await.unwrap()
    };
    let table = cloud.resource("AWS::DynamoDB::Table").unwrap();
    let streams = ask("ListStreams", json!({ "TableName": table })).await;
    let arn = &streams["Streams"][0]["StreamArn"];
    let described = ask("DescribeStream", json!({ "StreamArn": arn })).await;
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    let from = json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    let mut iterator = ask("GetShardIterator", from).await["ShardIterator"].clone();
    let mut found = Vec::new();
    loop {
        let told = ask("GetRecords", json!({ "ShardIterator": iterator })).await;
        let records = told["Records"].as_array().unwrap().clone();
        if records.is_empty() {
            return found;
        }
        found.extend(records.into_iter().filter(|record| {
            let key = record["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap();
            ["STATE", "SLOT"].contains(&key) || key.starts_with("ENTRY#")
        }));
        iterator = told["NextShardIterator"].clone();
    }
}

async fn what_cannot_be_read_is_an_error_and_leaves_nothing(cloud: &LocalCloud) {
    let before = history::objects(cloud).await.unwrap();
    let mut record = stream(cloud).await.swap_remove(0);
    record["eventID"] = json!("another");
    record["dynamodb"]["NewImage"]["schema"]["N"] = json!("2");
    let event = json!({ "Records": [record] });
    let answer = cloud
        .aws()
        .invoke("longshore-dev-history-export", &event)
        .await;
    assert_eq!(answer.unwrap()["errorType"], "Deploy.StoreRefused");
    assert_eq!(history::objects(cloud).await.unwrap(), before);
}
