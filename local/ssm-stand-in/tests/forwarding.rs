//! What the stand-in does not answer itself goes to `MiniStack` as it came.

use crate::bed::Bed;

#[tokio::test]
async fn a_foreign_call_is_passed_on_byte_for_byte_with_all_its_headers() {
    let bed = Bed::start().await;
    let body = "{ \"Name\" :\t\"/longshore/dev/\u{e9}\",\r\n\"WithDecryption\": true}";
    let answer = bed
        .http
        .post(bed.stand_in.url())
        .header("host", "ssm.eu-west-1.amazonaws.com")
        .header("x-amz-target", "AmazonSSM.GetParameter")
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=k/d/r/ssm/aws4_request, SignedHeaders=host, Signature=0",
        )
        .header("x-amz-date", "20260101T000000Z")
        .header("amz-sdk-invocation-id", "1234")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["x-amzn-errortype"], "ParameterNotFound");
    assert_eq!(
        answer.text().await.unwrap(),
        r#"{"__type":"ParameterNotFound","message":"none"}"#
    );
    let note = bed.notes().into_iter().next().unwrap();
    assert_eq!(note.body, body.as_bytes());
    assert_eq!(note.headers["host"], "ssm.eu-west-1.amazonaws.com");
    assert_eq!(note.headers["x-amz-date"], "20260101T000000Z");
    assert_eq!(note.headers["amz-sdk-invocation-id"], "1234");
    assert!(
        note.headers["authorization"]
            .to_str()
            .unwrap()
            .ends_with("Signature=0")
    );
}
