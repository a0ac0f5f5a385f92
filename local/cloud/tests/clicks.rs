//! An approval in Slack from end to end: the real message with its buttons, a signed click on the real route, the real
//! functions, and the message that comes in its place.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise, and a signed click carries the real time"
)]

#[path = "common/scene.rs"]
mod scene;

use std::time::{SystemTime, UNIX_EPOCH};

use longshore_local::demo::record::Deployment;
use longshore_local::demo::{SIGNING_SECRET, app};
use longshore_local::{LocalCloud, sign, wait};
use scene::{LIMIT, LOOK_EVERY, Scene};
use serde_json::{Value, json};

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
    let mut document: Value = serde_json::from_str(app::CONFIGURATION).unwrap();
    document["approval"] = Value::Bool(true);
    document["approvals"] = json!({"people": [{"name": "eve", "slack": "U0EVE"}]});
    let scene = Scene::start(&document.to_string(), |options| options.hosts = 1).await;
    let id = scene.push("first").await;
    let cloud = &scene.cloud;
    let asked = wait::until("question", LIMIT, LOOK_EVERY, async || Ok(button(cloud)));
    let value = asked.await.unwrap();
    assert_eq!(click(cloud, "another secret", &value).await, 401);
    assert_eq!(click(cloud, SIGNING_SECRET, &value).await, 200);
    let over = scene.until(&id, "end", Deployment::is_over).await;
    assert_eq!(over.state, "Succeeded");
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
    scene.end().await;
}
