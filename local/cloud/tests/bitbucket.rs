//! What a push looks like when it arrives: the body of the webhook for every kind of moved reference.
//!
//! Real git, no network but loopback.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::Path;

use axum::http::StatusCode;
use longshore_local::bitbucket::api::TOKEN;
use longshore_local::bitbucket::payload::{self, Move};
use longshore_local::bitbucket::{Api, Bitbucket, Repository, Webhook, WorkTree};
use longshore_local::sinks::Sinks;
use serde_json::{Value, json};

const NOTHING: &str = "0000000000000000000000000000000000000000";

async fn repository(folder: &Path) -> (Repository, WorkTree) {
    let bitbucket = Bitbucket::open(&folder.join("bitbucket")).unwrap();
    let repository = bitbucket.repository("acme/orders").await.unwrap();
    let tree = repository.clone_to(&folder.join("work")).await.unwrap();
    (repository, tree)
}

async fn commit(tree: &WorkTree, content: &str) -> String {
    tree.write("server.js", content).unwrap();
    let hash = tree.commit(content).await.unwrap();
    tree.git(&[
        "push",
        "--quiet",
        "--force",
        "origin",
        "HEAD:refs/heads/main",
    ])
    .await
    .unwrap();
    hash
}

async fn change(repository: &Repository, old: &str, new: &str, reference: &str) -> Value {
    let one = Move::parse(&format!("{old} {new} {reference}")).unwrap();
    let body = payload::push(repository, &[one]).await.unwrap();
    body.pointer("/push/changes/0").unwrap().clone()
}

fn flags(change: &Value) -> [bool; 4] {
    ["created", "closed", "forced", "truncated"]
        .map(|name| change.get(name).and_then(Value::as_bool).unwrap())
}

#[tokio::test]
async fn a_new_branch_has_no_old_side() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, tree) = repository(folder.path()).await;
    let first = commit(&tree, "first").await;
    let change = change(&repository, NOTHING, &first, "refs/heads/main").await;
    assert_eq!(flags(&change), [true, false, false, false]);
    assert_eq!(change.get("old"), Some(&Value::Null));
    assert_eq!(change.pointer("/new/target/hash"), Some(&json!(first)));
    assert_eq!(change.pointer("/new/type"), Some(&json!("branch")));
}

#[tokio::test]
async fn a_deleted_branch_has_no_new_side_and_no_commits() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, tree) = repository(folder.path()).await;
    let first = commit(&tree, "first").await;
    let change = change(&repository, &first, NOTHING, "refs/heads/main").await;
    assert_eq!(flags(&change), [false, true, false, false]);
    assert_eq!(change.get("new"), Some(&Value::Null));
    assert_eq!(change.get("commits"), None);
}

#[tokio::test]
async fn a_rewritten_branch_is_forced_and_a_grown_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, tree) = repository(folder.path()).await;
    let first = commit(&tree, "first").await;
    let second = commit(&tree, "second").await;
    let grown = change(&repository, &first, &second, "refs/heads/main").await;
    assert_eq!(flags(&grown), [false; 4]);
    tree.git(&["reset", "--quiet", "--hard", &first])
        .await
        .unwrap();
    let other = commit(&tree, "other").await;
    let rewritten = change(&repository, &second, &other, "refs/heads/main").await;
    assert_eq!(flags(&rewritten), [false, false, true, false]);
}

#[tokio::test]
async fn more_than_five_commits_are_cut_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, tree) = repository(folder.path()).await;
    let first = commit(&tree, "first").await;
    let mut last = String::new();
    for number in 0..6 {
        last = commit(&tree, &format!("number {number}")).await;
    }
    let change = change(&repository, &first, &last, "refs/heads/main").await;
    assert_eq!(flags(&change), [false, false, false, true]);
    assert_eq!(
        change
            .get("commits")
            .and_then(Value::as_array)
            .map(Vec::len),
        Some(5)
    );
    assert_eq!(change.pointer("/commits/0/hash"), Some(&json!(last)));
}

#[tokio::test]
async fn a_tag_is_no_branch() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, tree) = repository(folder.path()).await;
    let first = commit(&tree, "first").await;
    let change = change(&repository, NOTHING, &first, "refs/tags/feature/x").await;
    assert_eq!(change.pointer("/new/type"), Some(&json!("tag")));
    assert_eq!(change.pointer("/new/name"), Some(&json!("feature/x")));
}

#[tokio::test]
async fn a_webhook_is_tried_again_on_a_server_error_and_not_on_a_refusal() {
    let receiver = Sinks::start(0).await.unwrap();
    let webhook = Webhook::new("acme/orders", &receiver.slack_url("hook"), "a secret");
    let cases: [(&[u16], u16, u32); 4] = [
        (&[], 200, 1),
        (&[500, 503], 200, 3),
        (&[500, 500, 502], 502, 3),
        (&[401], 401, 1),
    ];
    for (answers, status, attempts) in cases {
        receiver.refuse_next(answers);
        let delivered = webhook.deliver("repo:push", b"{}").await.unwrap();
        assert_eq!(
            (delivered.status, delivered.attempts),
            (Some(status), attempts)
        );
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_of_and_no_failure() {
    let webhook = Webhook::new("acme/orders", "http://127.0.0.1:9/", "a secret");
    let delivered = webhook.deliver("repo:push", b"{}").await.unwrap();
    assert_eq!((delivered.status, delivered.attempts), (None, 3));
}

#[tokio::test]
async fn the_api_tells_the_head_to_whoever_has_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let (_, tree) = repository(folder.path()).await;
    let head = commit(&tree, "first").await;
    tree.push("release/2.x").await.unwrap();
    let bitbucket = Bitbucket::open(&folder.path().join("bitbucket")).unwrap();
    let api = Api::start(&bitbucket).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |name: &str, token: &str| {
        let url = format!("{}/2.0/repositories/{name}?fields=name", api.endpoint());
        let request = http
            .get(url)
            .header("authorization", format!("Bearer {token}"));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for branch in ["main", "release/2.x"] {
        let (status, body) = ask(&format!("acme/orders/refs/branches/{branch}"), TOKEN).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        let date = &body["target"]["date"];
        let expected = json!({"name": branch, "target": {"hash": head, "date": date}});
        assert!(
            date.as_str().is_some_and(|date| date.contains('T')),
            "{date}"
        );
        assert_eq!((status, &body), (200, &expected));
    }
    for (name, token, status) in [
        ("acme/orders/refs/branches/main", "another", 401),
        ("acme/orders/refs/branches/gone", TOKEN, 404),
        ("acme/gone/refs/branches/main", TOKEN, 404),
        ("acme/..%2forders/refs/branches/main", TOKEN, 404),
    ] {
        assert_eq!(ask(name, token).await.0, status, "{name}");
    }
    assert!(!folder.path().join("bitbucket/acme/gone.git").exists());
    api.refuse_next(&[StatusCode::SERVICE_UNAVAILABLE]);
    let main = "acme/orders/refs/branches/main";
    assert_eq!(ask(main, TOKEN).await.0, 503);
    assert_eq!(ask(main, TOKEN).await.0, 200);
    assert_eq!(api.asked().len(), 8);
}

#[tokio::test]
async fn the_api_tells_the_commits_of_one_that_another_does_not_have() {
    let folder = tempfile::tempdir().unwrap();
    let (_, tree) = repository(folder.path()).await;
    let first = commit(&tree, "first").await;
    let second = commit(&tree, "second").await;
    let third = commit(&tree, "third").await;
    tree.push("main").await.unwrap();
    let bitbucket = Bitbucket::open(&folder.path().join("bitbucket")).unwrap();
    let api = Api::start(&bitbucket).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |without: &str, with: &str, limit: u32| {
        let url = format!(
            "{}/2.0/repositories/acme/orders/commits?include={with}&exclude={without}&pagelen={limit}&fields=next",
            api.endpoint()
        );
        let request = http.get(url).bearer_auth(TOKEN);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.text().await.unwrap();
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, body) = ask(&first, &third, 50).await;
    assert_eq!(status, 200);
    let hashes: Vec<_> = body["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["hash"])
        .collect();
    assert_eq!(hashes, [&json!(third), &json!(second)]);
    assert_eq!(
        body["values"][0]["author"]["raw"],
        "Dana Developer <dana@example.com>"
    );
    assert!(
        body["values"][0]["message"]
            .as_str()
            .unwrap()
            .starts_with("third")
    );
    assert_eq!(body.get("next"), None);
    let (_, cut) = ask(&first, &third, 1).await;
    assert_eq!(cut["values"].as_array().unwrap().len(), 1);
    assert!(cut["next"].is_string());
    for (without, with) in [("a".repeat(40), third.clone()), (first, "--all".to_owned())] {
        assert_eq!(ask(&without, &with, 50).await.0, 404, "{with}");
    }
}
