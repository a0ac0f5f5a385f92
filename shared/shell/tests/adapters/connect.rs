//! The connection: where requests go, and what it shows of itself.

use super::replay::access;
use super::server::Server;
use longshore_core::EnvironmentName;
use longshore_shell::connect::{Aws, ConnectError};
use longshore_shell::fleet::SsmFleet;
use longshore_shell::ports::Fleet;

#[tokio::test]
async fn requests_go_to_the_endpoint_of_their_service_signed_for_the_region() {
    let body =
        r#"{"Document":{"DocumentVersion":"1","Hash":"ab","HashType":"Sha256","Status":"Active"}}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let server = Server::answering(answer).await;
    let url = format!("http://127.0.0.1:{}", server.port);
    let access = access(&[
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_SSM", &url),
        ("AWS_SESSION_TOKEN", "canary-token"),
    ]);
    let aws = Aws::connect(&access).unwrap();
    let environment = EnvironmentName::parse("prod").unwrap();
    let pin = SsmFleet::new(&aws, &environment, "longshore-prod")
        .document()
        .await;
    assert_eq!(pin.unwrap().version, "1");
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    let asked = asked[0].to_ascii_lowercase();
    assert!(asked.contains("/eu-central-1/ssm/aws4_request"), "{asked}");
    assert!(
        asked.contains("x-amz-security-token: canary-token"),
        "{asked}"
    );
}

#[test]
fn a_connection_shows_no_secret() {
    let access = access(&[
        ("AWS_SECRET_ACCESS_KEY", "canary-secret"),
        ("AWS_SESSION_TOKEN", "canary-token"),
    ]);
    let shown = format!("{access:?} {:?}", Aws::connect(&access).unwrap());
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn a_bundle_that_cannot_be_used_stops_the_start() {
    for (path, unreadable) in [("/nonexistent/ca.pem", true), ("/dev/null", false)] {
        let access = access(&[("LONGSHORE_CA_BUNDLE", path)]);
        let error = Aws::connect(&access).unwrap_err();
        assert_eq!(
            matches!(error, ConnectError::Unreadable(..)),
            unreadable,
            "{path}"
        );
        assert!(error.to_string().contains(path));
    }
}
