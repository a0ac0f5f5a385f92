//! Builds in the bucket: one question, and what is made of every kind of answer.

use super::replay::{Replay, Reply, access};
use longshore_core::{Artifact, Commit, FailureClass, Repository};
use longshore_shell::artifacts::S3Artifacts;
use longshore_shell::ports::{Artifacts, ResolveError};

/// SHA-256 of nothing, as S3 writes it and as a release has it.
const BASE64: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

async fn ask(replay: &Replay, bucket: Option<&str>) -> Result<Option<Artifact>, ResolveError> {
    let artifacts = S3Artifacts::new(&replay.aws(), &access(&[]), bucket);
    let repository = Repository::parse("acme/orders").unwrap();
    let commit = Commit::parse(&"a".repeat(40)).unwrap();
    artifacts.artifact(&repository, &commit).await
}

fn stored(headers: &[(&'static str, &str)]) -> Reply {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    Reply::Headers(200, headers.collect())
}

async fn failure(reply: Reply) -> (FailureClass, String) {
    match ask(&Replay::of([reply]), Some("builds")).await {
        Err(ResolveError::Failed(failure)) => (failure.class, failure.detail().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_build_has_the_version_and_the_digest_that_s3_gives() {
    let replay = Replay::of([stored(&[
        ("x-amz-version-id", "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"),
        ("x-amz-checksum-sha256", BASE64),
        ("x-amz-checksum-type", "FULL_OBJECT"),
    ])]);
    let artifact = ask(&replay, Some("builds")).await.unwrap().unwrap();
    let expected = format!("3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY:{HEX}");
    assert_eq!(artifact.to_string(), expected);
    let sent = replay.sent();
    let place = format!(
        "HEAD https://builds.s3.eu-central-1.amazonaws.com/acme/orders/{}.tar.gz",
        "a".repeat(40)
    );
    assert_eq!((sent.len(), sent[0].line.as_str()), (1, place.as_str()));
}

#[tokio::test]
async fn a_build_that_is_not_there_yet_is_none_and_no_error() {
    let replay = Replay::of([Reply::Headers(404, Vec::new())]);
    assert_eq!(ask(&replay, Some("builds")).await.unwrap(), None);
}

#[tokio::test]
async fn a_build_without_a_version_or_a_digest_of_the_whole_is_refused() {
    let version = ("x-amz-version-id", "v1");
    let parts = format!("{BASE64}-2");
    for headers in [
        vec![("x-amz-checksum-sha256", BASE64)],
        vec![
            ("x-amz-version-id", "null"),
            ("x-amz-checksum-sha256", BASE64),
        ],
        vec![version],
        vec![version, ("x-amz-checksum-sha256", "not base64")],
        vec![version, ("x-amz-checksum-sha256", &parts)],
        vec![
            version,
            ("x-amz-checksum-sha256", BASE64),
            ("x-amz-checksum-type", "COMPOSITE"),
        ],
    ] {
        let (class, detail) = failure(stored(&headers)).await;
        assert_eq!(class, FailureClass::ArtifactRefused, "{headers:?}");
        assert!(detail.starts_with("s3://builds/acme/orders/"), "{detail}");
    }
}

#[tokio::test]
async fn a_missing_right_is_told_from_a_missing_build_and_from_a_bad_hour() {
    let (class, detail) = failure(Reply::Headers(403, Vec::new())).await;
    assert_eq!(class, FailureClass::AccessDenied);
    assert!(detail.contains("s3://builds"), "{detail}");
    for reply in [Reply::Headers(503, Vec::new()), Reply::Lost] {
        let asked = ask(&Replay::of([reply]), Some("builds")).await;
        assert!(
            matches!(asked, Err(ResolveError::Unavailable(_))),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn an_environment_without_a_bucket_says_what_is_missing_and_asks_nobody() {
    let replay = Replay::of([]);
    match ask(&replay, None).await {
        Err(ResolveError::Failed(failure)) => {
            assert_eq!(failure.class, FailureClass::ConfigRefused);
            assert!(failure.detail().contains("ArtifactBucketName"));
        }
        other => panic!("{other:?}"),
    }
    assert!(replay.sent().is_empty());
}
