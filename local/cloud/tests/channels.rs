//! Every channel from end to end: what a good push leaves in Teams, at a receiver of webhooks, in Slack by its own app, and on the
//! commit in Bitbucket. The webhook's signature is verified by Python's own HMAC.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

#[path = "common/scene.rs"]
mod scene;

use longshore_local::bitbucket::api::Status;
use longshore_local::demo::app;
use longshore_local::demo::record::Deployment;
use longshore_local::sinks::{Message, WEBHOOK_SECRET};
use scene::Scene;
use tokio::process::Command;

const VERIFY: &str = "import base64, hashlib, hmac, sys
secret, identity, at, body, signature = sys.argv[1:]
key = base64.b64decode(secret.removeprefix('whsec_'))
signed = f'{identity}.{at}.{body}'.encode()
digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
sys.exit(0 if signature == f'v1,{digest}' else 1)
";

/// Whether Python finds that the body was signed with this secret.
async fn is_signed(message: &Message, secret: &str, body: &str) -> bool {
    let header = |name: &str| message.headers[name].as_str();
    let mut python = Command::new("python3");
    python.args([
        "-c",
        VERIFY,
        secret,
        header("webhook-id"),
        header("webhook-timestamp"),
        body,
    ]);
    let verified = python.arg(header("webhook-signature")).status().await;
    verified.unwrap().success()
}

fn to<'a>(messages: &'a [Message], path: &str) -> Vec<&'a Message> {
    messages
        .iter()
        .filter(|message| message.path == path)
        .collect()
}

fn teams_has_cards(messages: &[Message]) {
    let cards = to(messages, "/teams/ops");
    assert_eq!(cards.len(), 2, "the start and the end");
    let last = cards[1].body.to_string();
    assert!(
        last.contains("live on 1 host") && last.contains("AdaptiveCard"),
        "{last}"
    );
}

async fn receivers_can_verify(messages: &[Message], deployment: &Deployment) {
    let signed = to(messages, "/webhooks/audit");
    assert_eq!(signed.len(), 2);
    for message in &signed {
        assert!(is_signed(message, WEBHOOK_SECRET, &message.raw).await);
        assert!(!is_signed(message, WEBHOOK_SECRET, &format!("{} ", message.raw)).await);
        let another = "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhpcyB0ZXN0";
        assert!(!is_signed(message, another, &message.raw).await);
    }
    let number = &signed[1].body["data"]["message"];
    assert_eq!(
        signed[1].headers["webhook-id"],
        format!("{}.{number}", deployment.id)
    );
}

fn slack_has_one_message(messages: &[Message]) {
    let posts = to(messages, "/api/chat.postMessage");
    let main: Vec<_> = posts
        .iter()
        .filter(|post| post.body.get("thread_ts").is_none())
        .collect();
    assert_eq!(main.len(), 1, "one message for the deployment");
    let updates = to(messages, "/api/chat.update");
    assert_eq!(updates.len(), 1);
    assert!(
        updates[0].body["text"]
            .as_str()
            .unwrap()
            .contains("live on 1 host")
    );
    assert!(
        posts
            .iter()
            .any(|post| post.body["thread_ts"] == updates[0].body["ts"])
    );
}

#[tokio::test]
async fn a_good_push_is_told_everywhere_once_and_stays_on_its_commit() {
    let document = app::told_everywhere().unwrap();
    let scene = Scene::start(&document, |options| options.hosts = 1).await;
    let first = scene.push("first").await;
    let deployment = scene.over(&first).await;
    let commit = scene.head().await;
    assert_eq!(deployment.state, "Succeeded");
    let messages = scene.cloud.sinks().messages();

    teams_has_cards(&messages);
    receivers_can_verify(&messages, &deployment).await;
    slack_has_one_message(&messages);

    let statuses = scene.cloud.bitbucket_api().statuses();
    let states: Vec<&str> = statuses.iter().map(Status::state).collect();
    assert_eq!(states, ["INPROGRESS", "SUCCESSFUL"]);
    assert!(
        statuses
            .iter()
            .all(|status| status.commit == commit && status.key == "longshore-dev-orders")
    );

    let tags = [
        "for-each-ref",
        "--format=%(refname:short) %(objectname)",
        "refs/tags",
    ];
    let tags = scene.ready.repository.git(&tags).await.unwrap();
    let (name, hash) = tags.trim().split_once(' ').unwrap();
    assert!(
        name.starts_with("longshore/dev/") && name.ends_with(&commit[..12]),
        "{name}"
    );
    assert_eq!(hash, commit);
    scene.end().await;
}
