//! The check from outside, against a server on the loopback.

use super::replay::{Replay, access};
use super::server::Server;
use longshore_app_config::Method;
use longshore_core::{Failure, FailureClass, ReleaseId};
use longshore_shell::connect::Aws;
use longshore_shell::outside::HttpOutside;
use longshore_shell::ports::{Outside, Request};

fn release() -> ReleaseId {
    ReleaseId::parse(&format!("{}-0123456789ab", "a".repeat(40))).unwrap()
}

fn asked<'a>(url: &'a str, release: &'a ReleaseId) -> Request<'a> {
    Request {
        url,
        method: Method::Get,
        body: None,
        expected_status: 200,
        contains: None,
        release: Some(release),
    }
}

fn local() -> HttpOutside {
    let access = access(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
    HttpOutside::new(&Aws::connect(&access).unwrap())
}

fn answer(status: &str, further: &str, body: &str) -> String {
    let release = release();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nx-longshore-release: {release}\r\ncontent-length: {length}\r\n{further}\r\n{body}"
    )
}

async fn probe(server: &Server) -> Result<(), Failure> {
    let url = format!("http://127.0.0.1:{}/health?deep=1", server.port);
    local().probe(&asked(&url, &release())).await
}

#[tokio::test]
async fn an_app_that_answers_with_its_release_passes() {
    let server = Server::answering(answer("200 OK", "", "fine")).await;
    assert_eq!(probe(&server).await, Ok(()));
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].starts_with("GET /health?deep=1 HTTP/1.1\r\n"),
        "{}",
        asked[0]
    );
    assert!(
        asked[0].contains("x-longshore-probe: 1\r\n"),
        "{}",
        asked[0]
    );
    let host = format!("host: 127.0.0.1:{}\r\n", server.port);
    assert!(asked[0].contains(&host), "{}", asked[0]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let elsewhere = Server::answering(answer("200 OK", "", "")).await;
    let location = format!("location: http://127.0.0.1:{}/\r\n", elsewhere.port);
    let server = Server::answering(answer("302 Found", &location, "")).await;
    let failure = probe(&server).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::ProbeFailed);
    assert_eq!(failure.detail(), "status 302 instead of 200");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let server = Server::answering(answer("200 OK", "", &"x".repeat(65 * 1024))).await;
    let failure = probe(&server).await.unwrap_err();
    assert_eq!(failure.detail(), "the answer is too long");
    let server = Server::answering(answer("200 OK", "", &"x".repeat(64 * 1024))).await;
    assert_eq!(probe(&server).await, Ok(()));
}

#[tokio::test]
async fn what_is_not_http_fails_the_probe() {
    for bytes in [
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx",
    ] {
        let server = Server::answering(bytes).await;
        let failure = probe(&server).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::ProbeFailed, "{bytes}");
    }
}

#[tokio::test]
async fn private_and_metadata_addresses_are_never_asked() {
    for (outside, urls) in [
        (
            local(),
            &[
                "http://169.254.169.254/latest/meta-data/",
                "http://[::ffff:169.254.169.254]/",
                "http://10.0.0.1/",
                "http://192.168.0.1/",
                "http://[fd00:ec2::254]/",
                "http://0.0.0.0/",
                "http://2852039166/",
            ][..],
        ),
        (
            HttpOutside::new(&Aws::connect(&access(&[])).unwrap()),
            &[
                "http://127.0.0.1/",
                "http://localhost/",
                "https://localhost/",
                "http://[::1]/",
                "http://169.254.169.254/",
            ][..],
        ),
    ] {
        for url in urls {
            let failure = outside.probe(&asked(url, &release())).await.unwrap_err();
            assert_eq!(failure.class, FailureClass::ProbeFailed);
            assert!(
                failure.detail().contains("the address is not public"),
                "{url} {}",
                failure.detail()
            );
        }
    }
}

#[tokio::test]
async fn an_app_that_says_nothing_is_out_of_time() {
    let server = Server::answering("").await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let access = access(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
    let aws = Replay::of([]).aws_with(&access);
    let release = release();
    let failure = HttpOutside::new(&aws).probe(&asked(&url, &release)).await;
    assert_eq!(failure.unwrap_err().detail(), "no answer in time");
}

#[tokio::test]
async fn a_request_may_send_json_and_asks_for_a_text_in_the_answer() {
    let server = Server::answering(answer("201 Created", "", "{\"token\":1}")).await;
    let url = format!("http://127.0.0.1:{}/login", server.port);
    let request = Request {
        url: &url,
        method: Method::Post,
        body: Some("{\"name\":\"ada\"}"),
        expected_status: 201,
        contains: Some("token"),
        release: None,
    };
    assert_eq!(local().probe(&request).await, Ok(()));
    let asked = server.asked();
    assert!(
        asked[0].starts_with("POST /login HTTP/1.1\r\n"),
        "{}",
        asked[0]
    );
    assert!(
        asked[0].contains("content-type: application/json\r\n"),
        "{}",
        asked[0]
    );
    assert!(asked[0].contains("content-length: 14\r\n"), "{}", asked[0]);
}
