//! The document actions, and what pinning a version and a hash protects from.

use serde_json::{Value, json};

use crate::bed::{Bed, HOST, step};

fn content(line: &str) -> String {
    json!({"schemaVersion": "2.2", "description": "A test.", "parameters": {"P": {"type": "String", "default": "d"}},
        "mainSteps": [step("one", line, &json!({}))]})
    .to_string()
}

#[tokio::test]
async fn a_document_is_described_with_its_versions_and_hash() {
    let bed = Bed::start().await;
    let made = bed
        .ok(
            "CreateDocument",
            json!({"Name": "doc", "Content": content("echo 1"), "DocumentType": "Command"}),
        )
        .await;
    assert_eq!(made["DocumentDescription"]["Status"], "Creating");
    bed.ok(
        "UpdateDocument",
        json!({"Name": "doc", "Content": content("echo 2"), "DocumentVersion": "$LATEST"}),
    )
    .await;
    let shown = bed.ok("DescribeDocument", json!({"Name": "doc"})).await["Document"].clone();
    assert_eq!(
        (
            &shown["DocumentVersion"],
            &shown["LatestVersion"],
            &shown["DefaultVersion"]
        ),
        (&json!("1"), &json!("2"), &json!("1"))
    );
    assert_eq!(
        (&shown["Status"], &shown["HashType"]),
        (&json!("Active"), &json!("Sha256"))
    );
    assert_eq!(
        shown["Parameters"][0],
        json!({"Name": "P", "Type": "String", "Description": "", "DefaultValue": "d"})
    );
    let moved = bed
        .ok(
            "UpdateDocumentDefaultVersion",
            json!({"Name": "doc", "DocumentVersion": "2"}),
        )
        .await;
    assert_eq!(moved["Description"]["DefaultVersion"], "2");
    let got = bed.ok("GetDocument", json!({"Name": "doc"})).await;
    assert_eq!(
        (&got["Content"], &got["DocumentVersion"]),
        (&json!(content("echo 2")), &json!("2"))
    );
    let versions = bed.ok("ListDocumentVersions", json!({"Name": "doc"})).await;
    assert_eq!(versions["DocumentVersions"].as_array().unwrap().len(), 2);
    bed.ok("DeleteDocument", json!({"Name": "doc"})).await;
    assert_eq!(
        bed.refused("DescribeDocument", json!({"Name": "doc"}))
            .await,
        "InvalidDocument"
    );
}

#[tokio::test]
async fn bad_documents_are_refused() {
    let bed = Bed::start().await;
    let make = |name: &str, content: &str| json!({"Name": name, "Content": content});
    bed.ok("CreateDocument", make("doc", &content("true")))
        .await;
    assert_eq!(
        bed.refused("CreateDocument", make("doc", &content("true")))
            .await,
        "DocumentAlreadyExists"
    );
    assert_eq!(
        bed.refused("CreateDocument", make("two", "{")).await,
        "InvalidDocumentContent"
    );
    assert_eq!(
        bed.refused("CreateDocument", make("a b", &content("true")))
            .await,
        "ValidationException"
    );
    let huge = content(&"x".repeat(70_000));
    assert_eq!(
        bed.refused("CreateDocument", make("two", &huge)).await,
        "MaxDocumentSizeExceeded"
    );
    let same = json!({"Name": "doc", "Content": content("true"), "DocumentVersion": "$LATEST"});
    assert_eq!(
        bed.refused("UpdateDocument", same).await,
        "DuplicateDocumentContent"
    );
}

#[tokio::test]
async fn a_pinned_version_and_hash_hold_against_an_edit() {
    let bed = Bed::start().await;
    bed.ok(
        "CreateDocument",
        json!({"Name": "doc", "Content": content("echo old")}),
    )
    .await;
    let hash = bed.ok("DescribeDocument", json!({"Name": "doc"})).await["Document"]["Hash"].clone();
    bed.ok(
        "UpdateDocument",
        json!({"Name": "doc", "Content": content("echo new"), "DocumentVersion": "$LATEST"}),
    )
    .await;
    bed.ok(
        "UpdateDocumentDefaultVersion",
        json!({"Name": "doc", "DocumentVersion": "2"}),
    )
    .await;
    let send = |version: &str| -> Value {
        json!({"DocumentName": "doc", "InstanceIds": [HOST], "DocumentVersion": version, "DocumentHash": hash, "DocumentHashType": "Sha256"})
    };
    assert_eq!(
        bed.refused("SendCommand", send("2")).await,
        "InvalidDocument"
    );
    let id = bed.send(send("1")).await;
    assert_eq!(bed.end(&id, HOST).await["StandardOutputContent"], "old\n");
    assert_eq!(bed.command(&id).await["DocumentVersion"], "1");
}
