//! A release that answers 200 and is bad all the same, from end to end: the real functions judge it by what `MiniStack` keeps of
//! metrics and logs. Nobody collects them here as CloudWatch and its agent do on AWS, so the test puts them there in the app's
//! name, as the app would.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "a test may stop at the first surprise, and what is measured carries the real time"
)]

#[path = "common/scene.rs"]
mod scene;

use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use longshore_local::demo::app;
use longshore_local::demo::record::Deployment;
use scene::Scene;
use serde_json::{Value, json};

/// Seconds before the switch that are filled, and seconds after it.
const BEFORE: i64 = 300;
const AFTER: i64 = 120;
/// Metrics of one request (Amazon CloudWatch API Reference, `PutMetricData`, takes up to 1000).
const DATA_MAX: usize = 200;

/// What an app does before and after the switch.
#[derive(Clone, Copy)]
struct Behaviour {
    /// The milliseconds of an answer.
    latency: [u32; 2],
    /// The percent of memory on each host.
    memory: [u32; 2],
    /// Error lines of a second.
    errors: [u32; 2],
}

/// What an app does in one moment: milliseconds of an answer, percent of memory, error lines of a second.
#[derive(Clone, Copy)]
struct Moment {
    latency: u32,
    memory: u32,
    errors: u32,
}

impl Behaviour {
    const fn before(self) -> Moment {
        self.moment(0)
    }

    const fn after(self) -> Moment {
        self.moment(1)
    }

    const fn moment(self, side: usize) -> Moment {
        Moment {
            latency: self.latency[side],
            memory: self.memory[side],
            errors: self.errors[side],
        }
    }
}

/// The seconds of the clock by which everything is measured.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

const STEADY: Behaviour = Behaviour {
    latency: [100, 100],
    memory: [40, 40],
    errors: [1, 1],
};

/// The app, judged by numbers.
struct Judged(Scene);

impl Judged {
    async fn start() -> Self {
        Self(Scene::start(app::CONFIGURATION, |options| options.hosts = 2).await)
    }

    /// The app's configuration from now on: judged by metrics and a log of this name, which nothing else has filled.
    async fn judged_by(&self, name: &str) {
        let mut document: Value = serde_json::from_str(app::CONFIGURATION).unwrap();
        document["waves"] = json!(["100%"]);
        document["health"]["bake_seconds"] = json!(20);
        let rule = json!({"period_seconds": 1, "samples_min": 5, "change_max": "50%"});
        let with_rule = |mut metric: Value| {
            for (key, value) in rule.as_object().unwrap() {
                metric[key] = value.clone();
            }
            metric
        };
        document["analysis"] = json!({
            "metrics": [
                with_rule(json!({"name": "latency", "namespace": "Orders", "metric": format!("Latency-{name}")})),
                with_rule(json!({"name": "memory", "namespace": "Orders", "metric": format!("Memory-{name}"), "per_host": true})),
            ],
            "logs": [{"group": format!("/orders/{name}"), "errors": "Error", "change_max": "50%", "events_min": 5}],
            "before_minutes": 5,
        });
        self.0.configure(&document.to_string()).await;
    }

    /// Pushes an edition of the app.
    async fn push(&self, edition: &str) -> String {
        let settings = json!({"edition": edition}).to_string();
        self.0.ready.tree.write("settings.json", &settings).unwrap();
        self.0.push(edition).await
    }

    /// A push of an app that behaves so, to its end. The time before is filled before the push: what the first round was told of it
    /// counts for the next ones too.
    async fn ends(&self, name: &str, behaviour: Option<Behaviour>) -> Deployment {
        self.judged_by(name).await;
        let pushed = now();
        if let Some(behaviour) = behaviour {
            self.make_log(name).await;
            self.fill(name, pushed - BEFORE..pushed, behaviour.before())
                .await;
        }
        let id = self.push(name).await;
        let moved = |d: &Deployment| d.entered_ms("Verifying").is_some() || d.is_over();
        let verifying = self.0.until(&id, "verification", moved).await;
        if let Some(behaviour) = behaviour {
            let switched = verifying.entered_ms("Activating").unwrap() / 1000;
            let switched = i64::try_from(switched).unwrap();
            self.fill(name, pushed..switched, behaviour.before()).await;
            let after = switched..switched + AFTER;
            self.fill(name, after, behaviour.after()).await;
        }
        self.0.over(&id).await
    }

    /// What is measured and logged in these seconds, as the app and the CloudWatch agent would send it.
    async fn fill(&self, name: &str, seconds: Range<i64>, state: Moment) {
        self.measure(name, seconds.clone(), state).await;
        self.log(name, seconds, state).await;
    }

    async fn measure(&self, name: &str, seconds: Range<i64>, state: Moment) {
        let hosts: Vec<String> = self
            .0
            .cloud
            .hosts()
            .iter()
            .map(|host| host.id.clone())
            .collect();
        let mut data: Vec<(String, Option<String>, i64, u32)> = Vec::new();
        for at in seconds {
            data.push((format!("Latency-{name}"), None, at, state.latency));
            for host in &hosts {
                data.push((
                    format!("Memory-{name}"),
                    Some(host.clone()),
                    at,
                    state.memory,
                ));
            }
        }
        for some in data.chunks(DATA_MAX) {
            let mut parameters = vec![("Namespace".to_owned(), "Orders".to_owned())];
            for (index, (metric, host, at, value)) in some.iter().enumerate() {
                let member = format!("MetricData.member.{}", index + 1);
                let mut put = |key: &str, value: String| {
                    parameters.push((format!("{member}.{key}"), value));
                };
                put("MetricName", metric.clone());
                put("Value", value.to_string());
                put(
                    "Timestamp",
                    jiff::Timestamp::from_second(*at).unwrap().to_string(),
                );
                if let Some(host) = host {
                    put("Dimensions.member.1.Name", "InstanceId".to_owned());
                    put("Dimensions.member.1.Value", host.clone());
                }
            }
            let aws = self.0.cloud.aws();
            let sent = aws.query("monitoring", "2010-08-01", "PutMetricData", &parameters);
            sent.await.unwrap();
        }
    }

    async fn log(&self, name: &str, seconds: Range<i64>, state: Moment) {
        let group = format!("/orders/{name}");
        let mut events = Vec::new();
        for second in seconds {
            let ms = second * 1000;
            events.push(json!({"timestamp": ms, "message": "GET /items 200"}));
            for number in 0..state.errors {
                let line = format!("Error: item {second}{number} is not in stock");
                events.push(json!({"timestamp": ms, "message": line}));
            }
        }
        for some in events.chunks(500) {
            let body = json!({"logGroupName": group, "logStreamName": "app", "logEvents": some});
            self.logs("PutLogEvents", &body).await;
        }
    }

    /// The app's log, for its first line. The health verifier may read the groups of its environment only.
    async fn make_log(&self, name: &str) {
        let group = format!("/orders/{name}");
        let tags = json!({"longshore:environment": self.0.cloud.options().environment});
        let made = json!({"logGroupName": group, "tags": tags});
        self.logs("CreateLogGroup", &made).await;
        let stream = json!({"logGroupName": group, "logStreamName": "app"});
        self.logs("CreateLogStream", &stream).await;
    }

    async fn logs(&self, action: &str, body: &Value) {
        let target = format!("Logs_20140328.{action}");
        let aws = self.0.cloud.aws();
        aws.json("logs", &target, body).await.unwrap();
    }
}

/// What each check said last and what it came to, as the table has it.
fn findings(deployment: &Deployment) -> Vec<(String, String)> {
    let judgements = deployment.body["judgements"].as_array();
    let told = judgements.into_iter().flatten().map(|judgement| {
        let finding = &judgement["finding"];
        let word = finding.as_str().unwrap_or("failed").to_owned();
        let said = judgement["said"].as_str().unwrap_or_default();
        (
            format!("{}: {said}", judgement["check"].as_str().unwrap()),
            word,
        )
    });
    told.collect()
}

fn word(deployment: &Deployment) -> String {
    let why = deployment
        .failure()
        .map(|(class, line)| format!(" {class}: {line}"));
    format!("{}{}", deployment.state, why.unwrap_or_default())
}

#[tokio::test]
async fn what_doubles_latency_memory_or_errors_comes_back_and_a_quiet_service_stays() {
    let scene = Judged::start().await;

    let quiet = scene.ends("quiet", None).await;
    assert_eq!(word(&quiet), "Succeeded", "{:?}", findings(&quiet));
    let all: Vec<String> = findings(&quiet).into_iter().map(|(_, word)| word).collect();
    assert_eq!(
        all, ["inconclusive"; 3],
        "nobody sent anything, and it says so"
    );

    let steady = scene.ends("steady", Some(STEADY)).await;
    assert_eq!(word(&steady), "Succeeded", "{:?}", findings(&steady));
    let all = findings(&steady);
    assert!(
        all.len() == 3 && all.iter().all(|(_, word)| word == "passed"),
        "{all:?}"
    );

    let latency = [100, 200];
    let memory = [40, 80];
    let errors = [1, 2];
    for (name, behaviour, expected) in [
        (
            "slow",
            Behaviour { latency, ..STEADY },
            "RolledBack metric_worse: metric:latency: ",
        ),
        (
            "leaking",
            Behaviour { memory, ..STEADY },
            "RolledBack metric_worse: metric:memory: ",
        ),
        (
            "failing",
            Behaviour { errors, ..STEADY },
            "RolledBack log_errors: logs:/orders/failing: ",
        ),
    ] {
        let back = scene.ends(name, Some(behaviour)).await;
        let said = word(&back);
        assert!(said.starts_with(expected), "{said} {:?}", findings(&back));
        let restored = back.verdicts();
        assert!(
            restored.values().all(|verdict| verdict == "restored"),
            "{restored:?}"
        );
        println!("{name}: {said}");
    }
    scene.0.end().await;
}
