//! Questions to Bitbucket about a branch, against a server on the loopback.

use super::replay::access;
use super::server::Server;
use longshore_core::{Commit, Repository, Timestamp};
use longshore_shell::branches::BitbucketBranches;
use longshore_shell::config::Access;
use longshore_shell::connect::Aws;
use longshore_shell::ports::{Branches, Head, HeadError};
use longshore_shell::secrets::{SecretError, SecretName, Secrets};
use secrecy::SecretString;

/// The tokens that are configured: of the repository, and of all.
#[derive(Clone, Copy, Debug)]
struct Tokens {
    own: Result<&'static str, Why>,
    all: Result<&'static str, Why>,
}

/// Why there is no token.
#[derive(Clone, Copy, Debug)]
enum Why {
    Missing,
    Refused,
    Unavailable,
}

impl Secrets for Tokens {
    async fn current(&self, name: &SecretName) -> Result<SecretString, SecretError> {
        let token = match name {
            SecretName::Token(Some(repository)) => {
                assert_eq!(repository.as_str(), "acme/orders");
                self.own
            }
            SecretName::Token(None) => self.all,
            SecretName::Webhook
            | SecretName::Clicks
            | SecretName::Slack(_)
            | SecretName::SlackApp
            | SecretName::Teams(_)
            | SecretName::WebhookUrl(_)
            | SecretName::WebhookSecret(_)
            | SecretName::WriteToken(_) => panic!("{name:?}"),
        };
        let name = "token".to_owned();
        token.map(SecretString::from).map_err(|why| match why {
            Why::Missing => SecretError::Missing { name },
            Why::Refused => SecretError::Refused {
                name,
                reason: "AccessDenied".to_owned(),
            },
            Why::Unavailable => SecretError::Unavailable("throttled".into()),
        })
    }

    async fn fresh(&self, _: &SecretName) -> Result<Option<SecretString>, SecretError> {
        Ok(None)
    }
}

const ONE_FOR_ALL: Tokens = Tokens {
    own: Err(Why::Missing),
    all: Ok("canary-all\n"),
};

fn local(server: &Server) -> Access {
    let api = format!("http://127.0.0.1:{}/", server.port);
    access(&[
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("LONGSHORE_BITBUCKET_API", &api),
    ])
}

async fn head(server: &Server, tokens: Tokens) -> Result<Option<Head>, HeadError> {
    let access = local(server);
    let aws = Aws::connect(&access).unwrap();
    let branches = BitbucketBranches::new(&aws, access.bitbucket_api(), tokens);
    let repository = Repository::parse("acme/orders").unwrap();
    branches.head(&repository, "release/2 x").await
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn branch() -> String {
    let hash = "a".repeat(40);
    answer(
        "200 OK",
        &format!(
            r#"{{"name":"release/2 x","target":{{"hash":"{hash}","date":"2023-11-14T22:13:20+00:00"}}}}"#
        ),
    )
}

#[tokio::test]
async fn a_head_is_asked_for_in_one_request_with_the_token() {
    let server = Server::answering(branch()).await;
    let found = head(&server, ONE_FOR_ALL).await.unwrap();
    let expected = Head {
        commit: Commit::parse(&"a".repeat(40)).unwrap(),
        committed_at: Some(Timestamp::from_unix_ms(1_700_000_000_000)),
    };
    assert_eq!(found, Some(expected));
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    let line = "GET /2.0/repositories/acme/orders/refs/branches/release/2%20x?fields=name,target.hash,target.date HTTP/1.1\r\n";
    assert!(asked[0].starts_with(line), "{}", asked[0]);
    let header = "authorization: Bearer canary-all\r\n";
    assert!(asked[0].contains(header), "{}", asked[0]);
}

#[tokio::test]
async fn a_repository_with_a_token_of_its_own_is_asked_with_that() {
    let server = Server::answering(branch()).await;
    let tokens = Tokens {
        own: Ok("canary-own"),
        ..ONE_FOR_ALL
    };
    head(&server, tokens).await.unwrap();
    assert!(server.asked()[0].contains("Bearer canary-own\r\n"));
}

#[tokio::test]
async fn without_a_token_nothing_is_asked() {
    let server = Server::answering(branch()).await;
    let missing = Err(Why::Missing);
    let off = Tokens {
        own: missing,
        all: missing,
    };
    let found = head(&server, off).await;
    assert!(matches!(found, Err(HeadError::NoToken)), "{found:?}");
    for (why, refused) in [(Why::Refused, true), (Why::Unavailable, false)] {
        let all = Err(why);
        let found = head(&server, Tokens { all, ..off }).await;
        assert_eq!(matches!(found, Err(HeadError::Refused(_))), refused);
        assert_eq!(matches!(found, Err(HeadError::Unavailable(_))), !refused);
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn no_answer_shows_the_token_and_none_is_followed_elsewhere() {
    let elsewhere = Server::answering(branch()).await;
    let location = format!("http://127.0.0.1:{}/", elsewhere.port);
    let moved = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let endless = answer("200 OK", &"x".repeat(20_000));
    for reply in [
        moved,
        endless,
        answer("401 Unauthorized", "Token canary-all is invalid"),
        answer("500 Oh", "canary-all"),
        answer("200 OK", "canary-all"),
        "nonsense".to_owned(),
    ] {
        let server = Server::answering(reply.clone()).await;
        let error = head(&server, ONE_FOR_ALL).await.unwrap_err();
        let chain = longshore_shell::telemetry::chain(&error);
        assert!(
            !format!("{chain} {error:?}").contains("canary"),
            "{error:?}"
        );
        assert_eq!(server.asked().len(), 1, "{reply}");
    }
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_not_sent() {
    let server = Server::answering(branch()).await;
    let tokens = Tokens {
        own: Ok("canary\r\nx: y"),
        ..ONE_FOR_ALL
    };
    let error = head(&server, tokens).await.unwrap_err();
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    let asked = server.asked().concat();
    assert!(!asked.contains("canary"), "{asked}");
}

#[test]
fn tokens_go_to_bitbucket_and_only_in_the_local_cloud_to_this_machine() {
    let bitbucket = "https://api.bitbucket.org";
    let loopback = "http://127.0.0.1:9000";
    for (endpoint, given, expected) in [
        ("", "", bitbucket),
        ("", loopback, bitbucket),
        (
            "https://dynamodb.eu-central-1.amazonaws.com",
            loopback,
            bitbucket,
        ),
        ("http://127.0.0.1:1", "", bitbucket),
        ("http://127.0.0.1:1", "https://example.com", bitbucket),
        (
            "http://127.0.0.1:1",
            "http://127.0.0.1.example.com",
            bitbucket,
        ),
        (
            "http://127.0.0.1:1",
            "http://127.0.0.1@example.com",
            bitbucket,
        ),
        ("http://127.0.0.1:1", loopback, loopback),
    ] {
        let access = access(&[
            ("AWS_ENDPOINT_URL", endpoint),
            ("LONGSHORE_BITBUCKET_API", given),
        ]);
        assert_eq!(access.bitbucket_api(), expected, "{endpoint} {given}");
    }
}
