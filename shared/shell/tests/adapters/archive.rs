//! The bucket of histories: one request that names its object, and what is made of an answer that is none.

use super::replay::{Replay, Reply, access};
use longshore_shell::archive::S3Archive;
use longshore_shell::error::HandleError;
use longshore_shell::ports::{Archive, ArchiveError};

const KEY: &str = "history/v1/year=2026/month=11/day=28/100-abc.jsonl";

async fn put(replay: &Replay) -> Result<(), ArchiveError> {
    let archive = S3Archive::new(&replay.aws(), &access(&[]), "histories");
    archive.put(KEY, b"{}\n".to_vec()).await
}

#[tokio::test]
async fn an_object_is_put_under_its_key_as_it_is() {
    let replay = Replay::of([Reply::Headers(200, Vec::new())]);
    put(&replay).await.unwrap();
    let [sent] = &replay.sent()[..] else {
        panic!("{:?}", replay.sent());
    };
    let place = "PUT https://histories.s3.eu-central-1.amazonaws.com/history/v1/year%3D2026/month%3D11/day%3D28/100-abc.jsonl?x-id=PutObject";
    assert_eq!((sent.line.as_str(), sent.text.as_str()), (place, "{}\n"));
}

#[tokio::test]
async fn a_bad_hour_is_tried_again_with_the_same_object() {
    let replay = Replay::of([
        Reply::Headers(503, Vec::new()),
        Reply::Lost,
        Reply::Headers(200, Vec::new()),
    ]);
    put(&replay).await.unwrap();
    let lines: Vec<String> = replay.sent().into_iter().map(|sent| sent.line).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| *line == lines[0]), "{lines:?}");
}

#[tokio::test]
async fn a_bucket_that_refuses_is_an_error_that_says_why() {
    let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    let replay = Replay::of([Reply::Answer(403, denied.to_owned())]);
    let error = HandleError::from(put(&replay).await.unwrap_err());
    assert_eq!(error.kind(), "Deploy.NotKept");
    let diagnostic = lambda_runtime::Diagnostic::from(error);
    let said = diagnostic.error_message;
    assert!(said.contains("PutObject: AccessDenied"), "{said}");
    assert_eq!(replay.sent().len(), 1);
}
