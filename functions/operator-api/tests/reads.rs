//! What operators are told.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

mod common {
    pub(crate) mod counting;
    pub(crate) mod office;
}
#[path = "../../../shared/core/tests/common/samples.rs"]
mod samples;

use common::counting::Counting;
use common::office::{AT_WORK, FakeOffice};
use longshore_contract::{
    AppStatus, Apps, Audit, Deployment, Drift, ErrorWord, History, Logs, Ping, Refusal, Stats,
    WhoAmI,
};
use longshore_core::{FailureClass, Millis, State};
use longshore_insight::Filter;
use longshore_shell::fakes::StoreFault;
use longshore_shell::ports::Clock;
use operator_api::asked::Page;
use operator_api::history::history;
use samples::{host, id};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const STATUS: &str = "GET /v1/apps/{app}";
const HISTORY: &str = "GET /v1/apps/{app}/deployments";
const STATS: &str = "GET /v1/stats";
const SHOW: &str = "GET /v1/deployments/{id}";
const LOGS: &str = "GET /v1/deployments/{id}/logs";

async fn refused(office: &FakeOffice, route: &str, parts: Value) -> (u16, ErrorWord) {
    let response = office.ask(route, parts).await;
    let refusal: Refusal = serde_json::from_str(&response.body).unwrap();
    assert!(!refusal.message.is_empty() && !refusal.next.is_empty());
    (response.status_code, refusal.error)
}

#[tokio::test]
async fn a_caller_is_told_who_they_are_and_where() {
    let me: WhoAmI = FakeOffice::empty().get("GET /v1/whoami", json!({})).await;
    assert_eq!(me.name, "alice@example.com");
    assert_eq!(
        (
            me.environment.as_str(),
            me.account.as_deref().unwrap_or_default()
        ),
        ("prod", "123456789012")
    );
}

#[tokio::test]
async fn every_app_is_listed_with_what_runs_and_waits() {
    let office = FakeOffice::busy().await;
    let apps: Apps = office.get("GET /v1/apps", json!({})).await;
    let names: Vec<&str> = apps.apps.iter().map(|app| app.app.as_str()).collect();
    assert_eq!(names, ["orders", "stock"]);
    let orders = &apps.apps[0];
    assert_eq!(orders.branch.as_deref(), Some("main"));
    assert_eq!(orders.live.as_ref().unwrap().release.commit, "a".repeat(40));
    assert_eq!(orders.running.as_ref().unwrap().state, "Activating");
    assert_eq!(orders.waiting.as_ref().unwrap().id, id(2).to_string());
    assert_eq!(orders.quarantined, 2);
    let stock = &apps.apps[1];
    assert_eq!(
        (&stock.live, &stock.running, stock.quarantined),
        (&None, &None, 0)
    );
}

#[tokio::test]
async fn a_status_tells_of_every_host_whether_it_serves_what_it_should() {
    let office = FakeOffice::busy().await;
    let mut at_work = office.load(&id(AT_WORK)).await;
    if let State::Active { run, .. } = &mut at_work.state {
        run.moved.clear();
    }
    office.save(&at_work, None).await;
    let status: AppStatus = office.get(STATUS, json!({ "app": "orders" })).await;
    let hosts = status.hosts.iter();
    let hosts: Vec<_> = hosts
        .map(|one| (one.host.clone(), one.ping, one.drift))
        .collect();
    assert_eq!(
        hosts,
        [
            (host(1).to_string(), Some(Ping::Online), Drift::Serves),
            (host(2).to_string(), Some(Ping::Online), Drift::Behind),
            (host(3).to_string(), None, Drift::Offline),
        ]
    );
    assert_eq!(
        status.quarantine[0].commit,
        "d".repeat(40),
        "the newest first"
    );
    office.world.ssm.set_offline(&host(1), true);
    let status: AppStatus = office.get(STATUS, json!({ "app": "orders" })).await;
    assert_eq!(status.hosts[0].ping, Some(Ping::ConnectionLost));
    assert_eq!(status.hosts[0].drift, Drift::Offline);
}

#[tokio::test]
async fn a_host_that_is_being_moved_serves_nobody_knows_what() {
    let office = FakeOffice::busy().await;
    let status: AppStatus = office.get(STATUS, json!({ "app": "orders" })).await;
    let moving = &status.hosts[0];
    assert_eq!((moving.drift, &moving.release), (Drift::Unknown, &None));
    let never: AppStatus = office.get(STATUS, json!({ "app": "stock" })).await;
    assert!(never.hosts.iter().all(|host| host.drift == Drift::Unknown));
}

#[tokio::test]
async fn the_last_end_is_told_whether_it_was_good_or_not_and_never_one_that_only_made_way() {
    let office = FakeOffice::busy().await;
    let named = |name: &str| {
        let of = |one: &longshore_core::Deployment| one.state.name() == name;
        samples::every_state().into_iter().find(of).unwrap()
    };
    let mut made_way = named("Superseded");
    made_way.id = id(99);
    office.save(&made_way, None).await;
    for (number, state) in [(90, "Failed"), (91, "Succeeded"), (92, "Rejected")] {
        let mut ended = named(state);
        ended.id = id(number);
        office.save(&ended, None).await;
        let status: AppStatus = office.get(STATUS, json!({ "app": "orders" })).await;
        let last = status.last.unwrap();
        assert_eq!(
            (last.id, last.state.as_str()),
            (id(number).to_string(), state)
        );
    }
    let never: AppStatus = office.get(STATUS, json!({ "app": "stock" })).await;
    assert_eq!(never.last, None);
}

#[tokio::test]
async fn every_state_of_a_deployment_is_told_in_full() {
    let office = FakeOffice::busy().await;
    for (number, sample) in (1..).zip(samples::every_state()) {
        let told: Deployment = office.get(SHOW, json!({ "id": id(number).as_str() })).await;
        assert_eq!(told.summary.state, sample.state.name());
        assert_eq!(told.summary.over, sample.state.is_terminal());
        assert_eq!(told.timeline.len(), sample.timeline.len());
        assert_eq!(
            told.deadline.is_some(),
            !told.summary.over,
            "{}",
            told.summary.state
        );
        let hosts = sample.state.run().map(|run| run.hosts.len());
        assert_eq!(told.run.map(|run| run.hosts.len()), hosts);
        match told.summary.state.as_str() {
            "RollingBack" | "RolledBack" | "RollbackFailed" | "Failed" | "Expired" => {
                let failure = told.summary.failure.unwrap();
                let class = FailureClass::from_word(&failure.class).unwrap();
                assert_eq!(failure.next, class.next_step());
            }
            "Succeeded" | "Queued" | "Activating" => assert_eq!(told.summary.failure, None),
            "Cancelled" | "Rejected" => assert_eq!(told.ended.unwrap().by.as_deref(), Some("ann")),
            "Superseded" => assert!(told.ended.unwrap().superseded_by.is_some()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_history_is_read_page_by_page_to_its_end() {
    let office = FakeOffice::busy().await;
    let all = samples::every_state().len();
    let mut seen = Vec::new();
    let mut query = json!({ "limit": "5" });
    loop {
        let parts = json!({ "app": "orders", "query": query });
        let page: History = office.get(HISTORY, parts).await;
        seen.extend(page.deployments.into_iter().map(|one| one.id));
        match page.before {
            Some(before) => query = json!({ "limit": "5", "before": before }),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!((seen.len(), &seen), (all, &sorted));
    let none: History = office.get(HISTORY, json!({ "app": "stock" })).await;
    assert_eq!((none.deployments, none.before), (Vec::new(), None));
    let audit: Audit = office
        .get("GET /v1/apps/{app}/audit", json!({ "app": "stock" }))
        .await;
    assert_eq!((audit.entries, audit.before), (Vec::new(), None));
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_missing() {
    let office = FakeOffice::busy().await;
    let nobody = json!({ "app": "nobodys" });
    for route in [STATUS, HISTORY, "GET /v1/apps/{app}/audit"] {
        assert_eq!(
            refused(&office, route, nobody.clone()).await,
            (404, ErrorWord::NoSuchApp)
        );
    }
    let missing = json!({ "id": id(99).as_str() });
    for route in [SHOW, LOGS] {
        let told = refused(&office, route, missing.clone()).await;
        assert_eq!(told, (404, ErrorWord::NoSuchDeployment));
    }
    let host = json!({ "id": id(AT_WORK).as_str(), "query": { "host": host(77).as_str() } });
    assert_eq!(
        refused(&office, LOGS, host).await,
        (404, ErrorWord::NoSuchHost)
    );
}

#[tokio::test]
async fn a_log_is_followed_without_a_gap_and_without_a_repeat() {
    let office = FakeOffice::busy().await;
    let at_work = json!({ "id": id(AT_WORK).as_str(), "query": { "host": host(1).as_str() } });
    office.world.clock.pass(Millis::from_secs(60));
    office.writes(host(1), 1_000, "one");
    office.writes(host(1), 2_000, "two");
    office.writes(host(2), 1_500, "of another host");
    let first: Logs = office.get(LOGS, at_work.clone()).await;
    assert_eq!(texts(&first), ["one", "two"]);
    assert!(!first.complete);
    office.writes(host(1), 2_000, "three, in the same moment");
    office.writes(host(1), 3_000, "four");
    let follow = |after: &Option<String>| {
        let mut parts = at_work.clone();
        parts["query"]["after"] = json!(after);
        parts
    };
    let second: Logs = office.get(LOGS, follow(&first.after)).await;
    assert_eq!(texts(&second), ["three, in the same moment", "four"]);
    let third: Logs = office.get(LOGS, follow(&second.after)).await;
    assert_eq!((texts(&third), &third.after), (Vec::new(), &second.after));
}

#[tokio::test]
async fn lines_of_several_hosts_are_held_back_until_no_older_one_can_come() {
    let office = FakeOffice::busy().await;
    office.world.clock.pass(Millis::from_secs(10));
    office.writes(host(1), 9_000, "late");
    office.writes(host(2), 1_000, "early");
    let parts = json!({ "id": id(AT_WORK).as_str() });
    let logs: Logs = office.get(LOGS, parts.clone()).await;
    assert_eq!(texts(&logs), ["early"]);
    office.world.clock.pass(Millis::from_secs(10));
    let logs: Logs = office.get(LOGS, parts).await;
    assert_eq!(texts(&logs), ["early", "late"]);
}

#[tokio::test]
async fn a_log_is_complete_when_the_deployment_is_over_and_everything_was_told() {
    let office = FakeOffice::busy().await;
    let states = samples::every_state();
    let succeeded = states
        .iter()
        .position(|one| one.state.name() == "Succeeded")
        .unwrap();
    let number = u32::try_from(succeeded + 1).unwrap();
    let State::Ended { at, .. } = &states[succeeded].state else {
        panic!("it is over");
    };
    let after = at.since(samples::START).as_ms();
    office.writes(host(1), after, "the last");
    office.writes(host(1), after + 60_000, "of the next deployment");
    let parts = json!({ "id": id(number).as_str() });
    office.world.clock.pass(Millis::new(after + 120_000));
    let logs: Logs = office.get(LOGS, parts).await;
    assert_eq!((texts(&logs), logs.complete), (vec!["the last"], true));
}

fn texts(logs: &Logs) -> Vec<&str> {
    logs.lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn what_cannot_be_reached_is_said_to_be_unavailable() {
    let office = FakeOffice::busy().await;
    office
        .world
        .store
        .fail_by(|_| Some(StoreFault::UnavailableBefore));
    let show = json!({ "id": id(1).as_str() });
    assert_eq!(
        refused(&office, SHOW, show.clone()).await,
        (503, ErrorWord::Unavailable)
    );
    office.world.store.fail_by(|_| Some(StoreFault::Unreadable));
    assert_eq!(
        refused(&office, SHOW, show).await,
        (500, ErrorWord::Internal)
    );
    office.world.store.stop_failing();
    office.logs.fail(true);
    let logs = json!({ "id": id(AT_WORK).as_str() });
    office.world.clock.pass(Millis::from_secs(60));
    assert_eq!(
        refused(&office, LOGS, logs).await,
        (503, ErrorWord::Unavailable)
    );
}

async fn filtered(office: &FakeOffice, query: Value) -> History {
    let parts = json!({ "app": "orders", "query": query });
    office.get(HISTORY, parts).await
}

#[tokio::test]
async fn a_history_tells_only_what_is_asked_for_and_how_far_was_looked() {
    let office = FakeOffice::busy().await;
    let all = samples::every_state().len();
    let one = filtered(&office, json!({ "result": "RolledBack" })).await;
    let states: Vec<&str> = one
        .deployments
        .iter()
        .map(|one| one.state.as_str())
        .collect();
    assert_eq!(states, ["RolledBack"]);
    let looked = one.looked.unwrap();
    assert_eq!(
        (usize::try_from(looked.at).unwrap(), one.before),
        (all, None)
    );
    let many = json!({ "limit": "100", "kind": "push", "by": "ann", "commit": "bbbbbbb" });
    assert_eq!(filtered(&office, many).await.deployments.len(), all);
    for none in [
        json!({ "kind": "drill" }),
        json!({ "by": "eve" }),
        json!({ "commit": "ccccccc" }),
        json!({ "host": host(9).as_str() }),
        json!({ "until": "2020-01-01T00:00:00Z" }),
    ] {
        let found = filtered(&office, none.clone()).await;
        assert!(
            found.deployments.is_empty() && found.before.is_none(),
            "{none}"
        );
    }
    let told: History = office.get(HISTORY, json!({ "app": "orders" })).await;
    assert_eq!(told.looked, None, "everything was asked for");
}

#[tokio::test]
async fn the_history_of_a_host_tells_how_it_stood_in_each() {
    let office = FakeOffice::busy().await;
    let query = json!({ "limit": "100", "host": host(1).as_str() });
    let told = filtered(&office, query).await;
    let with_a_run = samples::every_state();
    let with_a_run = with_a_run.iter().filter(|one| one.state.run().is_some());
    assert_eq!(told.deployments.len(), with_a_run.count());
    for one in told.deployments {
        let verdict = one.host.unwrap();
        assert_eq!((verdict.host, verdict.wave), (host(1).to_string(), 0));
    }
}

/// So many deployments of `stock`, one a minute, of which the first failed.
async fn crowded(number: u32) -> FakeOffice {
    let office = FakeOffice::empty();
    let samples = samples::every_state();
    let in_state = |name: &str| samples.iter().find(|one| one.state.name() == name).unwrap();
    for number in 1..=number {
        let name = if number == 1 { "Failed" } else { "Succeeded" };
        let mut deployment = in_state(name).clone();
        deployment.app = common::office::app("stock");
        deployment.id = id(number);
        deployment.version = 0;
        let later = Millis::from_secs(u64::from(number) * 60);
        deployment.origin.at = samples::START.after(later);
        if let State::Ended { at, .. } = &mut deployment.state {
            *at = deployment.origin.at.after(Millis::from_secs(30));
        }
        office.save(&deployment, None).await;
    }
    office
}

#[tokio::test]
async fn one_answer_looks_through_so_many_and_the_next_goes_on_there() {
    let office = crowded(450).await;
    let mut query = json!({ "result": "Failed" });
    let (mut answers, mut found) = (0, Vec::new());
    loop {
        let parts = json!({ "app": "stock", "query": query });
        let page: History = office.get(HISTORY, parts).await;
        answers += 1;
        assert!(page.looked.unwrap().at <= operator_api::history::LOOKED_MAX);
        found.extend(page.deployments.into_iter().map(|one| one.id));
        match page.before {
            Some(before) => query = json!({ "result": "Failed", "before": before }),
            None => break,
        }
    }
    assert_eq!((answers, found), (3, vec![id(1).to_string()]));
}

#[tokio::test]
async fn deployments_are_read_eight_at_once_and_come_in_their_order() {
    let office = crowded(100).await;
    let counting = Counting::over(&office);
    let asked = |limit| Page {
        limit,
        before: None,
    };
    let app = common::office::app("stock");
    let open = Filter::default();
    let page = history(&counting, &app, &asked(50), &open).await.unwrap();
    let ids: Vec<String> = page.deployments.into_iter().map(|one| one.id).collect();
    let newest: Vec<String> = (51..=100)
        .rev()
        .map(|number| id(number).to_string())
        .collect();
    assert_eq!((ids, page.before), (newest, Some(id(51).to_string())));
    let read = counting.all.load(Ordering::SeqCst);
    assert_eq!((read, counting.most.load(Ordering::SeqCst)), (50, 8));
    // What is looked for is the third of a handful that are read together, and the next answer goes on right behind it.
    let filter = Filter {
        until: Some(samples::START.after(Millis::from_secs(60 * 98))),
        result: Filter::result_of("Succeeded"),
        ..Filter::default()
    };
    let counting = Counting::over(&office);
    let page = history(&counting, &app, &asked(3), &filter).await.unwrap();
    let ids: Vec<String> = page.deployments.into_iter().map(|one| one.id).collect();
    assert_eq!(ids, [97, 96, 95].map(|number| id(number).to_string()));
    assert_eq!(page.before, Some(id(95).to_string()));
    assert!(counting.all.load(Ordering::SeqCst) <= page.looked.unwrap().at + 7);
}

#[tokio::test]
async fn a_history_ends_where_nothing_younger_can_follow() {
    let office = crowded(450).await;
    // The last ten minutes, and one for clocks that differ, and the one that shows that it is enough.
    let since = samples::START.after(Millis::from_secs(60 * 441));
    let since =
        longshore_contract::Timestamp::from_millisecond(i64::try_from(since.as_unix_ms()).unwrap());
    let query = json!({ "since": since.unwrap().to_string() });
    let parts = json!({ "app": "stock", "query": query });
    let page: History = office.get(HISTORY, parts).await;
    assert_eq!((page.deployments.len(), page.before), (10, None));
    assert_eq!(page.looked.unwrap().at, 12);
}

#[tokio::test]
async fn statistics_count_one_app_or_all_and_say_when_there_were_too_many() {
    let office = crowded(40).await;
    let end = samples::START.after(Millis::from_secs(60 * 60));
    office.world.clock.pass(end.since(office.world.clock.now()));
    let told: Stats = office
        .get(STATS, json!({ "query": { "app": "stock" } }))
        .await;
    assert_eq!(
        (told.apps.as_slice(), told.looked_at),
        (["stock".to_owned()].as_slice(), 40)
    );
    assert_eq!((told.delivery.changes, told.delivery.stopped), (39, 1));
    assert_eq!((told.ends["Succeeded"], told.ends["Failed"]), (39, 1));
    assert_eq!(told.delivery.lead_from_push.p50_ms, Some(30_000));
    assert_eq!(told.complete_since, None);
    let all: Stats = office.get(STATS, json!({})).await;
    assert_eq!((all.apps.len(), all.delivery), (2, told.delivery));
    let short = json!({ "query": { "since": "2020-01-01T00:00:00Z" } });
    let (status, word) = refused(&office, STATS, short).await;
    assert_eq!((status, word), (400, ErrorWord::BadRequest));
    let unknown = json!({ "query": { "app": "nothing" } });
    let (status, word) = refused(&office, STATS, unknown).await;
    assert_eq!((status, word), (404, ErrorWord::NoSuchApp));
    let many = crowded(1_010).await;
    let end = samples::START.after(Millis::from_secs(60 * 2_000));
    many.world.clock.pass(end.since(many.world.clock.now()));
    let told: Stats = many
        .get(STATS, json!({ "query": { "app": "stock" } }))
        .await;
    assert_eq!(told.delivery.changes, operator_api::stats::READ_MAX);
    assert!(told.complete_since.is_some());
}
