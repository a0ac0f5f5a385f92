//! An approval in Slack from end to end: the real message with its buttons, a signed click on the real route, the real
//! functions, and the message that comes in its place.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise, and a signed click carries the real time"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_local::demo::record::Deployment;
use longshore_local::demo::{SIGNING_SECRET, app, prepare_with};
use longshore_local::{LocalCloud, Options, sign, wait};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_mins(4);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What Slack sends when somebody clicks on a button with this value: the answer's status.
async fn click(cloud: &LocalCloud, secret: &str, value: &str) -> u16 {
    let payload = json!({
        "type": "block_actions",
        "user": {"id": "U0EVE"},
        "actions": [{"action_id": "approve", "value": value}],
        "response_url": cloud.sinks().slack_url("clicked"),
    });
    let bytes = payload.to_string().into_bytes();
    let encoded: Vec<String> = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    let body = format!("payload={}", encoded.concat());
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let signed = format!("v0:{now}:{body}");
    let digits = sign::hex(&sign::hmac(secret.as_bytes(), signed.as_bytes()).unwrap());
    let request = reqwest::Client::new()
        .post(cloud.api_url("/slack").unwrap())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-slack-request-timestamp", now.to_string())
        .header("x-slack-signature", format!("v0={digits}"));
    request.body(body).send().await.unwrap().status().as_u16()
}

/// The value of the first button that was sent to the channel.
fn button(cloud: &LocalCloud) -> Option<String> {
    let messages = cloud.sinks().messages();
    messages.iter().find_map(|message| {
        let blocks = message.body.get("blocks")?.as_array()?;
        let buttons = blocks.iter().find(|block| block["type"] == "actions")?;
        Some(buttons["elements"][0]["value"].as_str()?.to_owned())
    })
}

#[tokio::test]
async fn a_signed_click_on_the_message_s_button_lets_the_deployment_begin() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_longshore-local"));
    let programs = program.parent().unwrap();
    let mut options = Options::new(&root.canonicalize().unwrap(), folder.path(), programs);
    options.hosts = 1;
    options.minute_ms = 5_000;
    options.webhook_program = Some(program.clone());
    let cloud = LocalCloud::start(options).await.unwrap();
    let mut document: Value = serde_json::from_str(app::CONFIGURATION).unwrap();
    document["approval"] = Value::Bool(true);
    document["approvals"] = json!({"people": [{"name": "eve", "slack": "U0EVE"}]});
    let ready = prepare_with(&cloud, &document.to_string()).await.unwrap();
    app::write(&ready.tree).unwrap();
    ready.tree.commit("first").await.unwrap();
    ready.tree.push("main").await.unwrap();
    let asked = wait::until("question", LIMIT, LOOK_EVERY, async || Ok(button(&cloud)));
    let value = asked.await.unwrap();
    assert_eq!(click(&cloud, "another secret", &value).await, 401);
    assert_eq!(click(&cloud, SIGNING_SECRET, &value).await, 200);
    let over = wait::until("end", LIMIT, LOOK_EVERY, async || {
        let all = Deployment::all(&cloud).await?;
        Ok(all.into_iter().find(Deployment::is_over))
    });
    assert_eq!(over.await.unwrap().state, "Succeeded");
    let answered = wait::until("answer", LIMIT, LOOK_EVERY, async || {
        let mut messages = cloud.sinks().messages().into_iter();
        Ok(messages.find(|message| message.path == "/slack/clicked"))
    });
    let answer = answered.await.unwrap().body;
    assert_eq!(answer["replace_original"], true);
    assert!(
        answer.to_string().contains("was approved by eve"),
        "{answer}"
    );
    cloud.stop().await.unwrap();
}
