//! Messages to SNS and Slack.

use super::replay::{Replay, Reply, access};
use super::server::Server;
use longshore_core::ChannelName;
use longshore_shell::announce::{Announce, AnnounceError, AwsAnnounce, Letter, Notice};
use longshore_shell::connect::Aws;
use longshore_shell::secrets::{SecretError, SecretName, Secrets};
use secrecy::SecretString;

const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:longshore-prod";

/// One webhook for every channel.
struct Webhook(String);

impl Secrets for Webhook {
    async fn current(&self, _: &SecretName) -> Result<SecretString, SecretError> {
        Ok(SecretString::from(self.0.clone()))
    }

    async fn fresh(&self, _: &SecretName) -> Result<Option<SecretString>, SecretError> {
        Ok(None)
    }
}

fn notice() -> Notice {
    Notice {
        subject: format!("orders: rolled back\n{}", "x".repeat(200)),
        body: "{\"state\":\"RolledBack\"}".to_owned(),
        attributes: vec![
            ("app", "orders".to_owned()),
            ("state", "RolledBack".to_owned()),
        ],
    }
}

async fn publish(replay: &Replay) -> Result<(), AnnounceError> {
    let access = access(&[]);
    let announce = AwsAnnounce::new(&replay.aws(), &access, TOPIC, Webhook(String::new()));
    announce.send(&Letter::Topic(notice())).await.map(|_| ())
}

const PUBLISHED: &str =
    "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>";

#[tokio::test]
async fn a_notice_carries_its_attributes_and_a_subject_that_sns_takes() {
    let replay = Replay::of([Reply::Answer(200, PUBLISHED.to_owned())]);
    publish(&replay).await.unwrap();
    let sent = &replay.sent()[0].text;
    assert!(sent.contains("Action=Publish"), "{sent}");
    let message = "Message=%7B%22state%22%3A%22RolledBack%22%7D";
    assert!(sent.contains(message), "{sent}");
    // The SDK keeps attributes in no order of its own.
    let attribute = |number: u32, name: &str, value: &str| {
        let entry = format!("MessageAttributes.entry.{number}");
        sent.contains(&format!("{entry}.Name={name}&"))
            && sent.contains(&format!("{entry}.Value.DataType=String"))
            && sent.contains(&format!("{entry}.Value.StringValue={value}"))
    };
    for (name, value) in [("app", "orders"), ("state", "RolledBack")] {
        let there = attribute(1, name, value) || attribute(2, name, value);
        assert!(there, "{name} in {sent}");
    }
    let subject = sent
        .split('&')
        .find_map(|pair| pair.strip_prefix("Subject="))
        .unwrap();
    assert!(
        subject.starts_with("orders%3A%20rolled%20back%3Fxxx"),
        "{subject}"
    );
    assert!(!subject.contains("%0A"), "{subject}");
}

fn sns_error(status: u16, code: &str) -> Reply {
    let body = format!(
        "<ErrorResponse><Error><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>"
    );
    Reply::Answer(status, body)
}

#[tokio::test]
async fn what_sns_may_take_later_is_tried_again() {
    for (reply, again) in [
        (Reply::Lost, true),
        (sns_error(500, "InternalFailure"), true),
        (sns_error(400, "Throttling"), true),
        (sns_error(400, "KMSThrottlingException"), true),
        (sns_error(403, "AuthorizationError"), false),
        (sns_error(404, "NotFound"), false),
        (sns_error(400, "InvalidParameter"), false),
    ] {
        let replay = Replay::of([reply.clone()]);
        let error = publish(&replay).await.unwrap_err();
        assert_eq!(
            matches!(error, AnnounceError::Retry(_)),
            again,
            "{reply:?} {error}"
        );
    }
}

async fn post(url: &str, local: bool) -> Result<(), AnnounceError> {
    let endpoint: &[_] = if local {
        &[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]
    } else {
        &[]
    };
    let access = access(endpoint);
    let aws = Aws::connect(&access).unwrap();
    let announce = AwsAnnounce::new(&aws, &access, TOPIC, Webhook(url.to_owned()));
    let letter = Letter::Slack {
        channel: ChannelName::parse("deployments").unwrap(),
        json: r#"{"text":"hello"}"#.to_owned(),
    };
    announce.send(&letter).await.map(|_| ())
}

#[tokio::test]
async fn a_slack_message_is_posted_as_json() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let url = format!("http://127.0.0.1:{}/services/T0/B0/canary\n", server.port);
    post(&url, true).await.unwrap();
    let asked = &server.asked()[0];
    assert!(
        asked.starts_with("POST /services/T0/B0/canary HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("content-type: application/json; charset=utf-8\r\n"),
        "{asked}"
    );
    assert!(asked.ends_with("\r\n\r\n{\"text\":\"hello\"}"), "{asked}");
}

#[tokio::test]
async fn slacks_refusal_is_final_and_its_trouble_is_not() {
    for (status, again) in [
        ("404 Not Found", false),
        ("429 Slow", true),
        ("503 Oh", true),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 10\r\n\r\nno_service");
        let server = Server::answering(answer).await;
        let url = format!("http://127.0.0.1:{}/services/canary", server.port);
        let error = post(&url, true).await.unwrap_err();
        assert_eq!(matches!(error, AnnounceError::Retry(_)), again, "{status}");
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_webhook_that_leads_elsewhere_is_never_asked() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let loopback = format!("http://127.0.0.1:{}/canary", server.port);
    for (url, local) in [
        (loopback.as_str(), false),
        ("https://example.com/canary", false),
        ("https://hooks.slack.com.example.com/canary", true),
        ("http://169.254.169.254/canary", true),
    ] {
        let error = post(url, local).await.unwrap_err();
        assert!(matches!(error, AnnounceError::GiveUp(_)), "{url}");
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
    assert!(server.asked().is_empty());
}
