//! The operators' API of a real stack: real signatures, the stack's own policies, the real function.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use longshore_local::demo::{app, prepare};
use longshore_local::operators::{Answer, Operator};
use longshore_local::{LocalCloud, Options, tools, traces, wait};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

const GET: Method = Method::GET;
const LIMIT: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A cloud with its operators.
struct Scene {
    cloud: LocalCloud,
    url: String,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let program = PathBuf::from(env!("CARGO_BIN_EXE_longshore-local"));
        let folder = tempfile::tempdir().unwrap();
        let functions = program.parent().unwrap();
        let mut options = Options::new(&root.canonicalize().unwrap(), folder.path(), functions);
        app::APP.clone_into(&mut options.app);
        options.webhook_program = Some(program.clone());
        let cloud = LocalCloud::start(options).await.unwrap();
        let url = cloud.api_url("").unwrap();
        Self {
            cloud,
            url,
            _folder: folder,
        }
    }

    fn operator(&self, name: &str) -> &Operator {
        let mut all = self.cloud.operators().iter();
        all.find(|operator| operator.name == name).unwrap()
    }

    async fn ask(&self, name: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let route = (method, path, query);
        let operator = self.operator(name);
        let asked = operator.call(self.cloud.aws(), &self.url, route, body.as_ref());
        asked.await.unwrap()
    }
}

/// One cloud for all of it, as starting one takes longest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_are_let_in_by_their_signature_and_their_policies() {
    let scene = Scene::start().await;
    let ready = prepare(&scene.cloud).await.unwrap();
    app::write(&ready.tree).unwrap();
    a_signature_says_who_it_is(&scene).await;
    whoever_does_not_sign_is_refused(&scene).await;
    a_policy_opens_its_routes_and_no_others(&scene).await;
    what_is_there_is_told(&scene).await;
    ready.tree.commit("Open the shop").await.unwrap();
    ready.tree.push("main").await.unwrap();
    a_deployment_is_told_with_its_hosts(&scene).await;
    the_numbers_are_those_of_the_table_and_of_the_log(&scene).await;
    the_spans_of_all_functions_are_one_tree(&scene).await;
    what_is_done_is_on_record(&scene).await;
    scene.cloud.stop().await.unwrap();
}

async fn a_signature_says_who_it_is(scene: &Scene) {
    for name in ["alice", "bob", "carol"] {
        let me = scene.ask(name, GET, "/v1/whoami", None).await;
        assert_eq!((me.status, &me.body["name"]), (200, &json!(name)), "{me:?}");
        assert_eq!(me.body["environment"], "dev");
    }
}

async fn whoever_does_not_sign_is_refused(scene: &Scene) {
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = plain.get(format!("{}/v1/whoami", scene.url)).send().await;
    assert_eq!(answer.unwrap().status().as_u16(), 403);
    let mut forger = scene.operator("alice").clone();
    "guessed".clone_into(&mut forger.secret_access_key);
    let mut stranger = forger.clone();
    "AKIAAAAAAAAAAAAAAAAA".clone_into(&mut stranger.access_key_id);
    for nobody in [forger, stranger] {
        let asked = nobody.call(scene.cloud.aws(), &scene.url, (GET, "/v1/whoami", ""), None);
        assert_eq!(asked.await.unwrap().status, 403);
    }
}

async fn a_policy_opens_its_routes_and_no_others(scene: &Scene) {
    let reason = Some(json!({ "reason": "to see whether it is allowed" }));
    let nothing = "/v1/deployments/01JD0000000000000000000000";
    for (name, path, opens) in [
        ("alice", format!("{nothing}/cancel"), true),
        ("alice", format!("{nothing}/reject"), true),
        ("bob", format!("{nothing}/reject"), true),
        ("bob", format!("{nothing}/cancel"), false),
        ("bob", "/v1/apps/shop/lock".to_owned(), false),
        ("carol", format!("{nothing}/reject"), false),
        ("carol", "/v1/apps/shop/deployments".to_owned(), false),
    ] {
        let answer = scene.ask(name, Method::POST, &path, reason.clone()).await;
        assert_eq!(answer.status != 403, opens, "{name} {path}: {answer:?}");
    }
}

async fn what_is_there_is_told(scene: &Scene) {
    let apps = scene.ask("carol", GET, "/v1/apps", None).await;
    assert_eq!(apps.status, 200, "{apps:?}");
    let app = apps.body["apps"][0]["app"].as_str().unwrap().to_owned();
    let status = scene
        .ask("carol", GET, &format!("/v1/apps/{app}"), None)
        .await;
    let hosts = status.body["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), scene.cloud.hosts().len(), "{status:?}");
    assert!(
        hosts.iter().all(|host| host["ping"] == "online"),
        "{status:?}"
    );
    let path = format!("/v1/apps/{app}/deployments?limit=5");
    let history = scene.ask("carol", GET, &path, None).await;
    assert_eq!(
        (history.status, &history.body["deployments"]),
        (200, &json!([]))
    );
    let missing = scene.ask("carol", GET, "/v1/apps/nobodys", None).await;
    assert_eq!(
        (missing.status, &missing.body["error"]),
        (404, &json!("no_such_app"))
    );
}

async fn a_deployment_is_told_with_its_hosts(scene: &Scene) {
    let history = async || {
        let history = scene
            .ask("carol", GET, "/v1/apps/orders/deployments", None)
            .await;
        let newest = history.body["deployments"][0].clone();
        anyhow::Ok((newest["over"] == true).then_some(newest))
    };
    let ended = wait::until("end of the deployment", LIMIT, LOOK_EVERY, history);
    let ended = ended.await.unwrap();
    assert_eq!(ended["state"], "Succeeded", "{ended}");
    let path = format!("/v1/deployments/{}", ended["id"].as_str().unwrap());
    let shown = scene.ask("carol", GET, &path, None).await;
    let hosts = shown.body["run"]["hosts"].as_array().unwrap().clone();
    assert!(
        hosts.iter().all(|host| host["verdict"] == "proven"),
        "{shown:?}"
    );
    let status = scene.ask("carol", GET, "/v1/apps/orders", None).await;
    let hosts = status.body["hosts"].as_array().unwrap();
    assert!(
        hosts.iter().all(|host| host["drift"] == "serves"),
        "{status:?}"
    );
}

/// Counted here from the bodies of the table's items, which the API's own code has no part in, and from the functions' logs.
async fn the_numbers_are_those_of_the_table_and_of_the_log(scene: &Scene) {
    let stats = scene.ask("carol", GET, "/v1/stats?app=orders", None).await;
    assert_eq!(stats.status, 200, "{stats:?}");
    let told = stats.body;
    let table = traces::table(&scene.cloud).await.unwrap();
    let items = table["Items"].as_array().unwrap().iter();
    let bodies = items.filter(|item| item["by_app"]["S"] == "orders");
    let bodies = bodies.map(|item| serde_json::from_str(item["body"]["S"].as_str().unwrap()));
    let records: Vec<Value> = bodies.collect::<Result<_, _>>().unwrap();
    let last = |record: &Value| {
        record["timeline"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .clone()
    };
    let succeeded = records
        .iter()
        .filter(|one| last(one)["state"] == "Succeeded");
    let succeeded: Vec<&Value> = succeeded.collect();
    assert_eq!(told["ends"]["Succeeded"], succeeded.len(), "{told}");
    assert_eq!(told["delivery"]["succeeded"], succeeded.len(), "{told}");
    let [push] = succeeded.as_slice() else {
        panic!("{records:?}");
    };
    let number = |value: &Value| value.as_u64().unwrap();
    let end = number(&last(push)["at_ms"]);
    let lead = &told["delivery"]["lead_from_commit"];
    let since = number(&push["origin"]["committed_at_ms"]);
    assert_eq!(
        (number(&lead["n"]), number(&lead["p50_ms"])),
        (1, end - since)
    );
    let lead = &told["delivery"]["lead_from_push"];
    let since = number(&push["origin"]["at_ms"]);
    assert_eq!(
        (number(&lead["n"]), number(&lead["p50_ms"])),
        (1, end - since)
    );
    hosts_are_counted(&told, &records);
    let path = "/v1/apps/orders/deployments?kind=push&result=Succeeded";
    let found = scene.ask("carol", GET, path, None).await;
    assert_eq!(found.body["deployments"][0]["id"], push["id"], "{found:?}");
    assert_eq!(found.body["looked"]["at"], records.len(), "{found:?}");
    let logged = async || anyhow::Ok(ended_line(scene, push["id"].as_str().unwrap()).await);
    let line = wait::until("line of the end", LIMIT, LOOK_EVERY, logged);
    let line = line.await.unwrap();
    assert_eq!(
        (&line["environment"], &line["app"]),
        (&json!("dev"), &json!("orders"))
    );
    assert_eq!(line["LeadTimeFromPush"], end - since, "{line}");
    assert_eq!(line["_aws"]["Timestamp"], end, "{line}");
}

/// How long the hosts took, from the bodies: real runs of the real script.
fn hosts_are_counted(told: &Value, records: &[Value]) {
    let mut all: BTreeMap<(&str, String), Vec<u64>> = BTreeMap::new();
    for record in records {
        let Some(ended) = record["state"].get("ended") else {
            continue;
        };
        for (task, groups) in ended["run"]["times"].as_object().into_iter().flatten() {
            let state = match task.as_str() {
                "prepare" => "Preparing",
                "migrate" => "Migrating",
                "activate" => "Activating",
                other => panic!("nobody has asked for {other}"),
            };
            for group in groups.as_array().unwrap() {
                let mut took = group[2].as_array().unwrap().iter();
                for range in group[1].as_str().unwrap().split(',') {
                    let (first, last) = range.split_once('-').unwrap_or((range, range));
                    let place = |text: &str| text.parse::<usize>().unwrap();
                    for place in place(first)..=place(last) {
                        let host = record["tables"]["hosts"][place].as_str().unwrap();
                        let ms = took.next().unwrap().as_u64().unwrap();
                        all.entry((state, host.to_owned())).or_default().push(ms);
                    }
                }
                assert_eq!(took.next(), None, "{group}");
            }
        }
    }
    let steps = told["host_steps"].as_array().unwrap();
    let states = steps.iter().map(|step| step["state"].as_str().unwrap());
    let states: Vec<&str> = states.collect();
    assert_eq!(states, ["Preparing", "Migrating", "Activating"], "{told}");
    for step in steps {
        let state = step["state"].as_str().unwrap();
        let slowest = step["slowest"].as_array().unwrap();
        let mine = all.iter().filter(|((of, _), _)| *of == state);
        let n = mine.clone().map(|(_, times)| times.len()).sum::<usize>();
        assert_eq!(step["took"]["n"], n, "{step} of {all:?}");
        assert_eq!(slowest.len(), mine.count());
        let mut before = u64::MAX;
        for host in slowest {
            let key = (state, host["host"].as_str().unwrap().to_owned());
            let mut times = all[&key].clone();
            times.sort_unstable();
            let p50 = times[times.len().div_ceil(2) - 1];
            let told = &host["took"];
            assert_eq!(
                (&told["n"], &told["p50_ms"], &told["max_ms"]),
                (&json!(times.len()), &json!(p50), &json!(times.last())),
            );
            assert!(p50 <= before && p50 > 0, "{step}");
            before = p50;
        }
    }
}

/// The one line that tells of a deployment's end, as soon as a function's log has it.
async fn ended_line(scene: &Scene, id: &str) -> Option<Value> {
    let mut found = lines_about(scene, id).await;
    found.retain(|line| line["event"] == "deployment_ended");
    assert!(found.len() <= 1, "{found:?}");
    found.pop()
}

/// What the functions that look at deployments have logged about one.
async fn lines_about(scene: &Scene, id: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for function in [
        "reconciler",
        "health-verifier",
        "auto-rollback",
        "on-command-status",
        "notifier",
        "trigger-deploy",
    ] {
        let group = format!("/longshore/dev/{function}");
        let asked = json!({ "logGroupName": group, "limit": 10_000 });
        let target = "Logs_20140328.FilterLogEvents";
        let events = scene.cloud.aws().json("logs", target, &asked).await;
        let events = events.unwrap();
        let events = events["events"].as_array().unwrap().iter();
        let texts = events.filter_map(|event| event["message"].as_str());
        let lines = texts.flat_map(str::lines).filter_map(|text| {
            let json = text.get(text.find('{')?..)?;
            let line: Value = serde_json::from_str(json).ok()?;
            (line["deployment.id"] == id).then_some(line)
        });
        found.extend(lines);
    }
    found
}

/// What several functions have told of one deployment is one tree, by OpenTelemetry's own messages.
async fn the_spans_of_all_functions_are_one_tree(scene: &Scene) {
    let path = "/v1/apps/orders/deployments?result=Succeeded";
    let found = scene.ask("carol", GET, path, None).await;
    let id = found.body["deployments"][0]["id"].as_str().unwrap();
    let told = async || {
        let lines = lines_about(scene, id).await;
        let spans = lines.into_iter().filter(|line| line["event"] == "trace");
        let spans: Vec<String> = spans.map(|line| line.to_string()).collect();
        let has = |name: &str| spans.iter().any(|line| line.contains(name));
        let is_whole = has("push orders") && has("tell ended");
        anyhow::Ok(is_whole.then_some(spans))
    };
    let lines = wait::until("root of the trace", LIMIT, LOOK_EVERY, told);
    let traces = decoded(&lines.await.unwrap()).await;
    let [trace] = traces.as_object().unwrap().values().collect::<Vec<_>>()[..] else {
        panic!("{traces}");
    };
    assert_eq!(trace["root"], "push orders");
    let list = |name: &str| trace[name].as_array().unwrap().clone();
    for service in [
        "longshore",
        "longshore-hosts",
        "trigger-deploy",
        "reconciler",
        "health-verifier",
        "notifier",
    ] {
        assert!(list("services").contains(&json!(service)), "{trace}");
    }
    let path = format!("/v1/deployments/{id}");
    let shown = scene.ask("carol", GET, &path, None).await.body;
    let timeline = shown["timeline"].as_array().unwrap();
    let phases = timeline
        .iter()
        .filter(|entry| entry["state"] != "Succeeded");
    for entry in phases {
        let name = entry["state"].as_str().unwrap();
        let has = |span: &Value| span.as_str().unwrap().starts_with(name);
        assert!(list("spans").iter().any(has), "{name}: {trace}");
    }
}

/// What OpenTelemetry's own Python reads in these lines.
async fn decoded(lines: &[String]) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tools = tools::checks(&root, |_| {}).await.unwrap();
    let mut python = tokio::process::Command::new(tools.join("python"))
        .arg(root.join("local/otlp_tree.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(lines.join("\n").as_bytes()).await.unwrap();
    drop(stdin);
    let said = python.wait_with_output().await.unwrap();
    assert!(said.status.success(), "{lines:?}");
    serde_json::from_slice(&said.stdout).unwrap()
}

async fn what_is_done_is_on_record(scene: &Scene) {
    let body = Some(json!({ "reason": "stocktaking", "seconds": 600 }));
    let locked = scene
        .ask("alice", Method::POST, "/v1/apps/orders/lock", body)
        .await;
    assert_eq!(
        (locked.status, &locked.body["lock"]["owner"]),
        (200, &json!("alice"))
    );
    let body = Some(json!({ "reason": "done" }));
    let unlocked = scene
        .ask("alice", Method::DELETE, "/v1/apps/orders/lock", body)
        .await;
    assert_eq!((unlocked.status, unlocked.body.get("lock")), (200, None));
    let audit = scene.ask("carol", GET, "/v1/apps/orders/audit", None).await;
    let deeds: Vec<&Value> = audit.body["entries"].as_array().unwrap().iter().collect();
    let told: Vec<(&Value, &Value)> = deeds.iter().map(|d| (&d["action"], &d["reason"])).collect();
    let unlock = (&json!("unlock"), &json!("done"));
    assert_eq!(told, [unlock, (&json!("lock"), &json!("stocktaking"))]);
    let body = Some(json!({ "kind": "redeploy", "key": "once" }));
    let path = "/v1/apps/orders/deployments";
    let begun = scene.ask("alice", Method::POST, path, body.clone()).await;
    assert_eq!(
        (begun.status, &begun.body["deployment"]["by"]),
        (200, &json!("alice"))
    );
    let again = scene.ask("alice", Method::POST, path, body).await;
    assert_eq!(
        again.body["deployment"]["id"],
        begun.body["deployment"]["id"]
    );
    assert_eq!(again.body["repeated"], true);
}
