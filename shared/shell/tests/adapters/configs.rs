//! App configurations, and that the newest one is never an old one.

use super::replay::{Replay, Reply, StoppedClock};
use longshore_core::{EnvironmentName, FailureClass, Repository};
use longshore_shell::configs::SsmConfigs;
use longshore_shell::ports::{Configs, Repositories, ResolveError};
use serde_json::json;

const DOCUMENT: &str = r#"{"branch":"main","health":{"port":3000,"path":"/health"},"process":{"manager":"pm2","script":"server.js"}}"#;

fn configs(replay: &Replay, clock: &StoppedClock) -> SsmConfigs<StoppedClock> {
    let environment = EnvironmentName::parse("prod").unwrap();
    SsmConfigs::new(&replay.aws(), &environment, clock.clone())
}

fn repository() -> Repository {
    Repository::parse("acme/orders").unwrap()
}

fn parameter(version: u32, value: &str) -> Reply {
    Reply::json(&json!({ "Parameter": { "Name": "x", "Version": version, "Value": value } }))
}

fn names(replay: &Replay) -> Vec<String> {
    let name = |sent: &super::replay::Sent| sent.json()["Name"].as_str().unwrap().to_owned();
    replay.sent().iter().map(name).collect()
}

#[tokio::test]
async fn the_newest_is_asked_for_every_time_and_its_version_is_kept() {
    let replay = Replay::of([parameter(3, DOCUMENT), parameter(4, DOCUMENT)]);
    let clock = StoppedClock::at_s(1_000);
    let configs = configs(&replay, &clock);
    for (wanted, version) in [(None, 3), (None, 4), (Some(3), 3), (Some(4), 4)] {
        let found = configs.config(&repository(), wanted).await.unwrap();
        assert_eq!(found.unwrap().version, version);
    }
    assert_eq!(names(&replay), ["/longshore/prod/apps/acme/orders"; 2]);
}

#[tokio::test]
async fn a_version_is_asked_for_by_number_and_kept() {
    let replay = Replay::of([parameter(3, DOCUMENT)]);
    let clock = StoppedClock::at_s(1_000);
    let configs = configs(&replay, &clock);
    for seconds in [1_000, 900_000] {
        clock.move_to_s(seconds);
        let found = configs
            .config(&repository(), Some(3))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.version, 3);
    }
    assert_eq!(names(&replay), ["/longshore/prod/apps/acme/orders:3"]);
}

#[tokio::test]
async fn that_there_is_none_is_never_kept() {
    let replay = Replay::of([
        Reply::error(400, "ParameterNotFound"),
        parameter(1, DOCUMENT),
    ]);
    let clock = StoppedClock::at_s(1_000);
    let configs = configs(&replay, &clock);
    assert!(configs.config(&repository(), None).await.unwrap().is_none());
    assert!(configs.config(&repository(), None).await.unwrap().is_some());
}

#[tokio::test]
async fn a_document_that_is_not_valid_or_gone_fails_with_its_reason() {
    for (reply, detail) in [
        (
            parameter(5, r#"{"brunch":"main"}"#),
            "/longshore/prod/apps/acme/orders:5 version 5: ",
        ),
        (
            parameter(5, "not json"),
            "/longshore/prod/apps/acme/orders:5 version 5: ",
        ),
        (
            Reply::error(400, "ParameterVersionNotFound"),
            "/longshore/prod/apps/acme/orders:5: this version of the app configuration no longer exists",
        ),
    ] {
        let replay = Replay::of([reply]);
        let configs = configs(&replay, &StoppedClock::at_s(0));
        match configs.config(&repository(), Some(5)).await {
            Err(ResolveError::Failed(failure)) => {
                assert_eq!(failure.class, FailureClass::ConfigRefused);
                assert!(failure.detail().starts_with(detail), "{}", failure.detail());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_is_tried_later() {
    let replay = Replay::of([Reply::Lost]);
    let configs = configs(&replay, &StoppedClock::at_s(0));
    let found = configs.config(&repository(), None).await;
    assert!(matches!(found, Err(ResolveError::Unavailable(_))));
}

fn page(names: &[&str], next: Option<&str>) -> Reply {
    let listed = |name: &&str| json!({ "Name": name, "Version": 1, "Value": DOCUMENT });
    let parameters: Vec<_> = names.iter().map(listed).collect();
    Reply::json(&json!({ "Parameters": parameters, "NextToken": next }))
}

#[tokio::test]
async fn every_repository_is_listed_page_by_page_and_what_is_none_is_left_out() {
    let apps = "/longshore/prod/apps";
    let replay = Replay::of([
        page(
            &[&format!("{apps}/acme/orders"), &format!("{apps}/acme/Shop")],
            Some("2"),
        ),
        page(&[], Some("3")),
        page(
            &[
                &format!("{apps}/acme/billing"),
                &format!("{apps}/stray"),
                "/elsewhere/acme/x",
            ],
            Some(""),
        ),
    ]);
    let configs = configs(&replay, &StoppedClock::at_s(0));
    let found = configs.repositories().await.unwrap();
    let names: Vec<&str> = found.iter().map(Repository::as_str).collect();
    assert_eq!(names, ["acme/billing", "acme/orders"]);
    let asked: Vec<_> = replay
        .sent()
        .iter()
        .map(super::replay::Sent::json)
        .collect();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0], json!({ "Path": apps, "Recursive": true }));
    assert_eq!(asked[2]["NextToken"], "3");
}

#[tokio::test]
async fn the_list_brings_each_configuration_or_says_why_it_is_none() {
    let name = |repository: &str| format!("/longshore/prod/apps/{repository}");
    let listed = |repository: &str, value: &str| json!({ "Name": name(repository), "Version": 3, "Value": value });
    let parameters = json!([
        listed("acme/orders", DOCUMENT),
        listed("acme/billing", "{}")
    ]);
    let replay = Replay::of([Reply::json(&json!({ "Parameters": parameters }))]);
    let configs = configs(&replay, &StoppedClock::at_s(0));
    let found = configs.configurations().await.unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|(repository, read)| {
            let version = read.as_ref().map(|configured| configured.version);
            (repository.as_str(), version.ok())
        })
        .collect();
    assert_eq!(told, [("acme/billing", None), ("acme/orders", Some(3))]);
    assert_eq!(replay.sent().len(), 1, "no request for each of them");
}

#[tokio::test]
async fn a_list_without_an_end_and_one_that_is_denied_are_no_list() {
    let endless = Replay::of([page(&["/longshore/prod/apps/acme/orders"], Some("again"))]);
    let found = configs(&endless, &StoppedClock::at_s(0))
        .repositories()
        .await;
    assert!(matches!(found, Err(ResolveError::Unavailable(_))));
    assert!(endless.sent().len() <= 200);
    let denied = Replay::of([Reply::error(400, "AccessDeniedException")]);
    let found = configs(&denied, &StoppedClock::at_s(0))
        .repositories()
        .await;
    assert!(matches!(found, Err(ResolveError::Failed(_))));
}
