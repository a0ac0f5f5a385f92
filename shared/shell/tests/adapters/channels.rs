//! Slack's API, Teams, webhooks and Bitbucket, each played by a server on the loopback.

use super::replay::access;
use super::server::Server;
use longshore_core::{
    AppName, ChannelName, Commit, DeploymentId, EnvironmentName, Repository, Timestamp,
};
use longshore_shell::announce::{
    Announce, AnnounceError, AwsAnnounce, Letter, SlackCall, Status, StatusState, Tag, status_key,
};
use longshore_shell::connect::Aws;
use longshore_shell::secrets::{SecretError, SecretName, Secrets};
use secrecy::SecretString;

/// Addresses on the loopback, and tokens that must be shown nowhere.
struct Control(u16);

impl Secrets for Control {
    async fn current(&self, name: &SecretName) -> Result<SecretString, SecretError> {
        let port = self.0;
        let value = match name {
            SecretName::Teams(channel) => {
                format!("http://127.0.0.1:{port}/teams/{channel}?sig=canary")
            }
            SecretName::WebhookUrl(name) => format!("http://127.0.0.1:{port}/webhooks/{name}"),
            SecretName::WebhookSecret(_) => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
            SecretName::SlackApp => "xoxb-canary".to_owned(),
            SecretName::WriteToken(None) => "canary-for-all\n".to_owned(),
            SecretName::WriteToken(Some(_)) => {
                let name = "control/bitbucket/write-token/acme/orders".to_owned();
                return Err(SecretError::Missing { name });
            }
            SecretName::Webhook
            | SecretName::Clicks
            | SecretName::Slack(_)
            | SecretName::Token(_) => {
                panic!("{name:?} is no business of these")
            }
        };
        Ok(SecretString::from(value))
    }

    async fn fresh(&self, _: &SecretName) -> Result<Option<SecretString>, SecretError> {
        Ok(None)
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

async fn send(server: &Server, letter: &Letter) -> Result<Option<String>, AnnounceError> {
    let here = format!("http://127.0.0.1:{}", server.port);
    let access = access(&[
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("LONGSHORE_BITBUCKET_API", &here),
        ("LONGSHORE_SLACK_API", &here),
    ]);
    let aws = Aws::connect(&access).unwrap();
    let announce = AwsAnnounce::new(&aws, &access, "arn:aws:sns:x:1:t", Control(server.port));
    let sent = announce.send(letter).await;
    if let Err(error) = &sent {
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
    Ok(sent?.map(|ts| ts.to_string()))
}

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

fn app_letter() -> Letter {
    Letter::SlackApp {
        call: SlackCall::Post,
        json: r#"{"channel":"C024BE91L"}"#.to_owned(),
    }
}

#[tokio::test]
async fn slack_s_api_is_called_with_the_token_and_says_where_the_message_stands() {
    let body = r#"{"ok":true,"channel":"C024BE91L","ts":"1503435956.000247"}"#;
    let server = Server::answering(answer("200 OK", "", body)).await;
    let ts = send(&server, &app_letter()).await.unwrap();
    assert_eq!(ts.as_deref(), Some("1503435956.000247"));
    let asked = &server.asked()[0];
    assert!(
        asked.starts_with("POST /api/chat.postMessage HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("authorization: Bearer xoxb-canary\r\n"),
        "{asked}"
    );
    assert!(
        asked.ends_with("\r\n\r\n{\"channel\":\"C024BE91L\"}"),
        "{asked}"
    );
}

#[tokio::test]
async fn slack_that_asks_for_patience_is_heard_and_one_that_refuses_is_believed() {
    let server = Server::answering(answer("429 Slow", "retry-after: 30\r\n", "")).await;
    let error = send(&server, &app_letter()).await.unwrap_err();
    assert!(
        matches!(&error, AnnounceError::Later(_, span) if span.as_ms() == 30_000),
        "{error:?}"
    );
    let refused = r#"{"ok":false,"error":"invalid_auth"}"#;
    let server = Server::answering(answer("200 OK", "", refused)).await;
    let error = send(&server, &app_letter()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the message is refused: Slack answered invalid_auth"
    );
}

#[tokio::test]
async fn a_card_is_posted_to_the_workflow() {
    let server = Server::answering(answer("202 Accepted", "", "")).await;
    let letter = Letter::Teams {
        channel: name("ops"),
        json: r#"{"type":"message"}"#.to_owned(),
    };
    send(&server, &letter).await.unwrap();
    let asked = &server.asked()[0];
    assert!(
        asked.starts_with("POST /teams/ops?sig=canary HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(asked.ends_with("{\"type\":\"message\"}"), "{asked}");
}

#[tokio::test]
async fn a_webhook_s_message_is_signed_and_names_itself() {
    let server = Server::answering(answer("204 No Content", "", "")).await;
    let letter = Letter::Webhook {
        channel: name("audit"),
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
        at: Timestamp::from_unix_ms(1_614_265_330_999),
        json: r#"{"test": 2432232314}"#.to_owned(),
    };
    send(&server, &letter).await.unwrap();
    let asked = &server.asked()[0];
    for line in [
        "POST /webhooks/audit HTTP/1.1",
        "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp: 1614265330",
        "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ] {
        assert!(asked.contains(&format!("{line}\r\n")), "{line} in {asked}");
    }
}

fn commit() -> Commit {
    Commit::parse(&"a1".repeat(20)).unwrap()
}

fn status(state: StatusState) -> Status {
    let environment = EnvironmentName::parse("prod").unwrap();
    let app = AppName::parse("orders").unwrap();
    Status {
        repository: Repository::parse("acme/orders").unwrap(),
        commit: commit(),
        key: status_key(&environment, &app),
        state,
        name: "orders → prod".to_owned(),
        description: "orders → prod: live on 3 hosts".to_owned(),
        deployment: DeploymentId::parse("01JD0000000000000000000002").unwrap(),
    }
}

#[tokio::test]
async fn a_build_status_is_read_before_it_is_written() {
    let absent = answer("404 Not Found", "", "{}");
    let made = answer("201 Created", "", "{}");
    let server = Server::answering_each([absent, made]).await;
    let letter = Letter::Status(status(StatusState::InProgress));
    send(&server, &letter).await.unwrap();
    let [read, written] = server.asked().try_into().unwrap();
    let path = format!(
        "/2.0/repositories/acme/orders/commit/{}/statuses/build",
        "a1".repeat(20)
    );
    assert!(
        read.starts_with(&format!("GET {path}/longshore-prod-orders HTTP/1.1\r\n")),
        "{read}"
    );
    assert!(
        written.starts_with(&format!("POST {path} HTTP/1.1\r\n")),
        "{written}"
    );
    assert!(
        written.contains("authorization: Bearer canary-for-all\r\n"),
        "{written}"
    );
    let (_, body) = written.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["state"], "INPROGRESS");
    assert_eq!(body["key"], "longshore-prod-orders");
}

#[tokio::test]
async fn a_late_word_is_not_written_over_a_final_one() {
    for (standing, written) in [
        (("SUCCESSFUL", "01JD0000000000000000000002"), 1),
        (("INPROGRESS", "01JD0000000000000000000003"), 1),
        (("FAILED", "01JD0000000000000000000001"), 2),
        (("INPROGRESS", "01JD0000000000000000000002"), 2),
    ] {
        let (state, id) = standing;
        let body = format!(
            r#"{{"state":"{state}","url":"https://bitbucket.org/acme/orders/commits/a#longshore-{id}"}}"#
        );
        let server = Server::answering(answer("200 OK", "", &body)).await;
        let letter = Letter::Status(status(StatusState::InProgress));
        send(&server, &letter).await.unwrap();
        assert_eq!(server.asked().len(), written, "{standing:?}");
    }
}

fn tag() -> Letter {
    Letter::Tag(Tag {
        repository: Repository::parse("acme/orders").unwrap(),
        commit: commit(),
        name: "longshore/prod/20261128T133700Z-a1a1a1a1a1a1".to_owned(),
        message: "orders is live in prod".to_owned(),
    })
}

#[tokio::test]
async fn a_tag_that_stands_on_the_same_commit_is_the_one_that_was_to_be_made() {
    let taken = answer("400 Bad Request", "", r#"{"type":"error"}"#);
    let on = |hash: &str| {
        answer(
            "200 OK",
            "",
            &format!(r#"{{"target":{{"hash":"{hash}"}}}}"#),
        )
    };
    let server = Server::answering_each([taken.clone(), on(commit().as_str())]).await;
    send(&server, &tag()).await.unwrap();
    let [made, read] = server.asked().try_into().unwrap();
    assert!(
        made.starts_with("POST /2.0/repositories/acme/orders/refs/tags HTTP/1.1\r\n"),
        "{made}"
    );
    let path =
        "/2.0/repositories/acme/orders/refs/tags/longshore/prod/20261128T133700Z-a1a1a1a1a1a1";
    assert!(
        read.starts_with(&format!("GET {path} HTTP/1.1\r\n")),
        "{read}"
    );

    let server = Server::answering_each([taken.clone(), on(&"b".repeat(40))]).await;
    let error = send(&server, &tag()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the message is refused: the tag longshore/prod/20261128T133700Z-a1a1a1a1a1a1 stands on another commit"
    );

    let server = Server::answering_each([taken, answer("404 Not Found", "", "{}")]).await;
    let error = send(&server, &tag()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the message is refused: Bitbucket answered 400"
    );
}

#[tokio::test]
async fn trouble_of_any_channel_is_tried_again_and_a_refusal_is_not() {
    let letters = [
        app_letter(),
        tag(),
        Letter::Status(status(StatusState::Failed)),
        Letter::Teams {
            channel: name("ops"),
            json: "{}".to_owned(),
        },
    ];
    for letter in &letters {
        for (status, again) in [("500 Oh", true), ("503 Oh", true), ("403 No", false)] {
            let server = Server::answering(answer(status, "", "canary")).await;
            let error = send(&server, letter).await.unwrap_err();
            assert_eq!(
                matches!(error, AnnounceError::Retry(_)),
                again,
                "{status} {letter:?}"
            );
        }
        // One that takes the connection and says nothing of HTTP.
        let server = Server::answering("canary\r\n\r\n").await;
        let error = send(&server, letter).await.unwrap_err();
        assert!(matches!(error, AnnounceError::Retry(_)), "{error:?}");
    }
}
