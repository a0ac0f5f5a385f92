//! An office in memory: a deployment in every state, an app of which one is at work, hosts, and their logs.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    clippy::arithmetic_side_effects,
    clippy::missing_panics_doc,
    reason = "each test program uses its own part of this module, and a test stops at the first surprise"
)]

use crate::samples::{self, START};
use longshore_app_config::AppConfig;
use longshore_core::{
    AppName, Deployment, DeploymentId, EnvironmentName, HostId, Live, Millis, Repository, Slot,
    Timestamp,
};
use longshore_shell::accept::Deciding;
use longshore_shell::config::ConsoleAccess;
use longshore_shell::fakes::{FakeWorld, MemoryHostLogs};
use longshore_shell::ports::{
    Calendars, Clock, Configs, Fleet, HostLine, HostLogs, Ids, Repositories, Save, Store,
};
use operator_api::Office;
use operator_api::answer::Response;
use operator_api::request::Request;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Alice, as API Gateway tells her.
pub(crate) const ALICE: &str = "arn:aws:sts::123456789012:assumed-role/Operators/alice@example.com";

/// Bob.
pub(crate) const BOB: &str = "arn:aws:iam::123456789012:user/bob";

/// The number of the deployment that is at work in the app `orders`.
pub(crate) const AT_WORK: u32 = 5;

/// The office.
pub(crate) struct FakeOffice {
    pub(crate) world: FakeWorld,
    pub(crate) logs: MemoryHostLogs,
    /// Whose tokens count; the console is absent without.
    pub(crate) console: Option<ConsoleAccess>,
    environment: EnvironmentName,
}

impl Deciding for FakeOffice {
    fn store(&self) -> &impl Store {
        &*self.world.store
    }
    fn configs(&self) -> &impl Configs {
        &self.world.configs
    }
    fn clock(&self) -> &impl Clock {
        &self.world.clock
    }
    fn ids(&self) -> &impl Ids {
        &self.world.ids
    }
    fn environment(&self) -> &EnvironmentName {
        &self.environment
    }
}

impl Office for FakeOffice {
    fn fleet(&self) -> &impl Fleet {
        &self.world.ssm
    }
    fn repositories(&self) -> &impl Repositories {
        &self.world.configs
    }
    fn console(&self) -> Option<&ConsoleAccess> {
        self.console.as_ref()
    }
    fn calendars(&self) -> &impl Calendars {
        &self.world.calendars
    }
    fn host_logs(&self) -> &impl HostLogs {
        &self.logs
    }
}

pub(crate) fn app(name: &str) -> AppName {
    AppName::parse(name).unwrap()
}

fn configuration(repository: &Repository) -> AppConfig {
    let text =
        r#"{ "branch": "main", "health": { "port": 3000 }, "process": { "script": "server.js" } }"#;
    AppConfig::parse(text, repository).unwrap()
}

impl FakeOffice {
    /// Two apps of which nothing was ever deployed, on two hosts.
    pub(crate) fn empty() -> Self {
        let world = FakeWorld::new(&[samples::host(1), samples::host(2)]);
        for name in ["acme/orders", "acme/stock"] {
            let repository = Repository::parse(name).unwrap();
            world.configs.put(&repository, configuration(&repository));
        }
        Self {
            world,
            logs: MemoryHostLogs::default(),
            console: None,
            environment: EnvironmentName::parse("prod").unwrap(),
        }
    }

    /// The same with a deployment in every state, one of them at work.
    pub(crate) async fn busy() -> Self {
        let office = Self::empty();
        for (number, mut deployment) in (1..).zip(samples::every_state()) {
            deployment.id = samples::id(number);
            office.save(&deployment, None).await;
        }
        // The samples have the first ids; new ones come after them.
        for _ in 0..100 {
            let _of_a_sample = office.ids().deployment_id();
        }
        let mut slot = Slot::empty(app("orders"));
        slot.live = Some(Live {
            release: samples::release('a'),
            deployment: samples::id(1),
            at: START,
            hosts: [samples::host(1), samples::host(3)].into(),
        });
        slot.running = Some(samples::id(AT_WORK));
        slot.waiting = Some(samples::id(2));
        slot.quarantine
            .insert(samples::release('c').commit, samples::id(3));
        slot.quarantine
            .insert(samples::release('d').commit, samples::id(4));
        let at_work = office.load(&samples::id(AT_WORK)).await;
        office.save(&at_work, Some(&slot)).await;
        office
    }

    pub(crate) async fn load(&self, id: &DeploymentId) -> Deployment {
        self.world.store.deployment(id).await.unwrap().unwrap()
    }

    pub(crate) async fn save(&self, deployment: &Deployment, slot: Option<&Slot>) {
        let save = Save {
            deployment,
            slot,
            commands: &[],
        };
        self.world.store.save(save).await.unwrap();
    }

    /// A host writes a line, so many milliseconds after the start of all samples.
    pub(crate) fn writes(&self, host: HostId, after_ms: u64, text: &str) {
        self.logs.write(HostLine {
            at: after(after_ms),
            host,
            text: text.to_owned(),
        });
    }

    /// Asks as Alice.
    pub(crate) async fn ask(&self, route: &str, parts: Value) -> Response {
        self.ask_as(ALICE, route, parts).await
    }

    pub(crate) async fn ask_as(&self, user: &str, route: &str, parts: Value) -> Response {
        operator_api::handle(self, &request(Some(user), route, parts)).await
    }

    /// Asks as Alice for something that is there.
    pub(crate) async fn get<T: DeserializeOwned>(&self, route: &str, parts: Value) -> T {
        let response = self.ask(route, parts).await;
        assert_eq!(response.status_code, 200, "{}", response.body);
        serde_json::from_str(&response.body).unwrap()
    }
}

pub(crate) fn after(ms: u64) -> Timestamp {
    START.after(Millis::new(ms))
}

/// A request as API Gateway sends it; `parts` are the path's parameters, `query` and `body`.
pub(crate) fn request(user: Option<&str>, route: &str, parts: Value) -> Request {
    let mut path = parts.as_object().cloned().unwrap_or_default();
    let query = path.remove("query").unwrap_or_else(|| json!({}));
    let body = path.remove("body").unwrap_or(Value::Null);
    let body = match body {
        Value::Null => Value::Null,
        Value::String(text) => Value::String(text),
        other => Value::String(other.to_string()),
    };
    let authorizer =
        user.map(|arn| json!({ "iam": { "userArn": arn, "accountId": "123456789012" } }));
    let event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": route.split_once(' ').map_or("", |(_, path)| path),
        "pathParameters": path,
        "queryStringParameters": query,
        "requestContext": {
            "authorizer": authorizer,
            "http": { "method": "GET", "sourceIp": "192.0.2.1" },
        },
        "body": body,
        "isBase64Encoded": false,
    });
    serde_json::from_value(event).unwrap()
}
