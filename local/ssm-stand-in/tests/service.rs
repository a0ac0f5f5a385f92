//! The service's API: what it refuses, and how answers look.

use serde_json::{Value, json};

use crate::bed::{Bed, HOST, HOSTS, step};

fn shell_to(ids: &Value) -> Value {
    json!({"DocumentName": "AWS-RunShellScript", "InstanceIds": ids, "Parameters": {"commands": ["true"]}})
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

#[tokio::test]
async fn a_send_answers_with_the_command_as_captured_from_the_real_service() {
    let bed = Bed::start().await;
    let body = with(
        with(shell_to(&json!([HOST])), "TimeoutSeconds", json!(600)),
        "Comment",
        json!("a comment"),
    );
    let answer = bed.ok("SendCommand", body).await;
    let command = &answer["Command"];
    assert_eq!(command["CommandId"].as_str().unwrap().len(), 36);
    assert_eq!(
        (&command["Status"], &command["StatusDetails"]),
        (&json!("Pending"), &json!("Pending"))
    );
    assert_eq!(
        (&command["MaxConcurrency"], &command["MaxErrors"]),
        (&json!("50"), &json!("0"))
    );
    assert_eq!(
        (&command["TimeoutSeconds"], &command["TargetCount"]),
        (&json!(600), &json!(1))
    );
    assert_eq!(
        (&command["Comment"], &command["InstanceIds"]),
        (&json!("a comment"), &json!([HOST]))
    );
    let seconds =
        command["ExpiresAfter"].as_f64().unwrap() - command["RequestedDateTime"].as_f64().unwrap();
    assert!(
        (seconds - 168.0).abs() < 0.01,
        "600 + 3600 seconds of 40 ms, not {seconds}"
    );
}

#[tokio::test]
async fn a_send_by_targets_names_no_host_in_its_answer_and_reaches_all_that_match() {
    let bed = Bed::start().await;
    let body = |targets: Value| json!({"DocumentName": "AWS-RunShellScript", "Targets": targets, "Parameters": {"commands": ["true"]}});
    let answer = bed
        .ok(
            "SendCommand",
            body(json!([{"Key": "tag:role", "Values": ["web"]}])),
        )
        .await;
    assert_eq!(
        (
            &answer["Command"]["InstanceIds"],
            &answer["Command"]["TargetCount"]
        ),
        (&json!([]), &json!(0))
    );
    let command = bed
        .command_end(answer["Command"]["CommandId"].as_str().unwrap())
        .await;
    assert_eq!(
        (&command["TargetCount"], &command["CompletedCount"]),
        (&json!(5), &json!(5))
    );
    let both = json!([{"Key": "tag:role", "Values": ["web"]}, {"Key": "tag:canary", "Values": ["yes", "maybe"]}]);
    let id = bed.send(body(both)).await;
    assert_eq!(bed.command_end(&id).await["TargetCount"], 1);
    let id = bed
        .send(body(json!([{"Key": "tag:role", "Values": ["nobody"]}])))
        .await;
    assert_eq!(bed.command(&id).await["StatusDetails"], "NoInstancesInTag");
}

#[tokio::test]
async fn one_bad_id_rejects_the_whole_call() {
    let bed = Bed::start().await;
    assert_eq!(
        bed.refused("SendCommand", shell_to(&json!([HOST, "i-bbbbbbb1"])))
            .await,
        "InvalidInstanceId"
    );
    assert_eq!(
        bed.ok("ListCommands", json!({})).await["Commands"],
        json!([])
    );
}

#[tokio::test]
async fn a_send_is_refused_for_what_the_model_forbids() {
    let bed = Bed::start().await;
    let good = shell_to(&json!([HOST]));
    let many: Vec<_> = (0..51).map(|n| format!("i-{n:08}")).collect();
    let cases = [
        (shell_to(&json!(many)), "ValidationException"),
        (shell_to(&json!([HOST, HOST])), "DuplicateInstanceId"),
        (shell_to(&json!(["host-1"])), "ValidationException"),
        (
            with(good.clone(), "Comment", json!("x".repeat(101))),
            "ValidationException",
        ),
        (
            with(good.clone(), "TimeoutSeconds", json!(29)),
            "ValidationException",
        ),
        (
            with(good.clone(), "MaxErrors", json!("many")),
            "ValidationException",
        ),
        (
            with(
                good.clone(),
                "Targets",
                json!([{"Key": "tag:role", "Values": ["web"]}]),
            ),
            "InvalidParameters",
        ),
        (
            with(good.clone(), "InstanceIds", json!("i-aaaaaaa1")),
            "SerializationException",
        ),
        (
            with(good.clone(), "DocumentName", json!("nope")),
            "InvalidDocument",
        ),
        (
            with(good.clone(), "DocumentVersion", json!("7")),
            "InvalidDocumentVersion",
        ),
        (
            with(good.clone(), "DocumentHash", json!("00")),
            "InvalidDocument",
        ),
        (
            with(good.clone(), "Parameters", json!({})),
            "InvalidParameters",
        ),
        (
            with(
                good,
                "Parameters",
                json!({"commands": ["x"], "other": ["y"]}),
            ),
            "InvalidParameters",
        ),
    ];
    for (body, code) in cases {
        assert_eq!(
            bed.refused("SendCommand", body.clone()).await,
            code,
            "{body}"
        );
    }
}

#[tokio::test]
async fn parameters_are_checked_against_the_document() {
    let bed = Bed::start().await;
    let parameters = json!({
        "Action": {"type": "String", "allowedValues": ["prepare", "status"]},
        "App": {"type": "String", "allowedPattern": "^(?:[a-z0-9][a-z0-9-]{0,62})$", "interpolationType": "ENV_VAR"},
        "Pins": {"type": "String", "default": "", "maxChars": 5}
    });
    bed.document(
        "checked",
        parameters,
        json!([step("one", "true", &json!({}))]),
    )
    .await;
    let send = |parameters: Value| json!({"DocumentName": "checked", "InstanceIds": [HOST], "Parameters": parameters});
    let bad = [
        json!({"Action": ["prepare"]}),
        json!({"Action": ["explode"], "App": ["orders"]}),
        json!({"Action": ["prepare"], "App": ["orders; id"]}),
        json!({"Action": ["prepare"], "App": ["{{ssm:/other}}"]}),
        json!({"Action": ["prepare"], "App": ["orders"], "Pins": ["123456"]}),
        json!({"Action": ["prepare", "status"], "App": ["orders"]}),
    ];
    for parameters in bad {
        assert_eq!(
            bed.refused("SendCommand", send(parameters.clone())).await,
            "InvalidParameters",
            "{parameters}"
        );
    }
    bed.send(send(json!({"Action": ["prepare"], "App": ["orders"]})))
        .await;
}

#[tokio::test]
async fn unknown_commands_are_absent_from_lists_and_refused_elsewhere() {
    let bed = Bed::start().await;
    let id = "00000000-0000-4000-8000-000000000000";
    let named = json!({"CommandId": id});
    assert_eq!(
        bed.ok("ListCommands", named.clone()).await["Commands"],
        json!([])
    );
    assert_eq!(
        bed.ok("ListCommandInvocations", named.clone()).await["CommandInvocations"],
        json!([])
    );
    assert_eq!(
        bed.refused("CancelCommand", named).await,
        "InvalidCommandId"
    );
    let body = json!({"CommandId": id, "InstanceId": HOST});
    assert_eq!(
        bed.refused("GetCommandInvocation", body).await,
        "InvocationDoesNotExist"
    );
    assert_eq!(
        bed.refused("ListCommands", json!({"CommandId": "short"}))
            .await,
        "ValidationException"
    );
}

#[tokio::test]
async fn an_error_carries_its_code_in_the_body_and_in_a_header() {
    let bed = Bed::start().await;
    let request = bed
        .http
        .post(bed.stand_in.url())
        .header("x-amz-target", "AmazonSSM.SendCommand")
        .body(shell_to(&json!(["i-bbbbbbb1"])).to_string());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["x-amzn-errortype"], "InvalidInstanceId");
    assert_eq!(
        answer.headers()["content-type"],
        "application/x-amz-json-1.1"
    );
    assert_eq!(answer.headers()["x-amzn-requestid"].len(), 36);
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains(r#""__type":"InvalidInstanceId""#)
    );
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() {
    let bed = Bed::start().await;
    let mut ids = Vec::new();
    for host in HOSTS {
        ids.push(
            bed.shell_with(host, "true", json!({"Comment": format!("to {host}")}))
                .await,
        );
        bed.command_end(ids.last().unwrap()).await;
    }
    let first = bed.ok("ListCommands", json!({"MaxResults": 3})).await;
    assert_eq!(first["Commands"].as_array().unwrap().len(), 3);
    assert_eq!(first["Commands"][0]["CommandId"], ids[4].as_str());
    let rest = bed
        .ok(
            "ListCommands",
            json!({"MaxResults": 3, "NextToken": first["NextToken"]}),
        )
        .await;
    assert_eq!(rest["Commands"].as_array().unwrap().len(), 2);
    assert_eq!(rest["NextToken"], Value::Null);
    let count = async |body: Value| {
        bed.ok("ListCommands", body).await["Commands"]
            .as_array()
            .unwrap()
            .len()
    };
    let filter = |key: &str, value: &str| json!({"Filters": [{"key": key, "value": value}]});
    assert_eq!(count(json!({"InstanceId": HOSTS[2]})).await, 1);
    assert_eq!(
        count(filter("InvokedAfter", "2021-07-07T00:00:00Z")).await,
        5
    );
    assert_eq!(
        count(filter("InvokedBefore", "2021-07-07T00:00:00Z")).await,
        0
    );
    assert_eq!(count(filter("Status", "Success")).await, 5);
    assert_eq!(count(filter("ExecutionStage", "Executing")).await, 0);
    assert_eq!(count(filter("DocumentName", "AWS-RunShellScript")).await, 5);
    assert_eq!(
        bed.refused("ListCommands", filter("Comment", "x")).await,
        "InvalidFilterKey"
    );
    let pending = with(filter("Status", "Pending"), "InstanceId", json!(HOST));
    assert_eq!(
        bed.refused("ListCommands", pending).await,
        "InvalidFilterKey"
    );
}

#[tokio::test]
async fn steps_are_listed_only_with_details() {
    let bed = Bed::start().await;
    let id = bed.shell(HOST, "echo shown").await;
    bed.command_end(&id).await;
    let plain = bed
        .ok("ListCommandInvocations", json!({"CommandId": id}))
        .await;
    assert_eq!(plain["CommandInvocations"][0]["CommandPlugins"], json!([]));
    let plugin = &bed.listed(&id, HOST).await["CommandPlugins"][0];
    assert_eq!(
        (&plugin["Name"], &plugin["Output"]),
        (&json!("aws:runShellScript"), &json!("shown\n"))
    );
    assert!(plugin["ResponseFinishDateTime"].is_f64());
}

#[tokio::test]
async fn hosts_are_found_by_both_forms_of_filters() {
    let bed = Bed::start().await;
    let ids = async |body: Value| {
        let answer = bed.ok("DescribeInstanceInformation", body).await;
        let list = answer["InstanceInformationList"]
            .as_array()
            .unwrap()
            .clone();
        list.iter()
            .map(|host| host["InstanceId"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let filters = |key: &str, value: &str| json!({"Filters": [{"Key": key, "Values": [value]}]});
    assert_eq!(ids(json!({})).await, HOSTS);
    assert_eq!(ids(filters("tag:canary", "yes")).await, [HOST]);
    assert_eq!(ids(filters("InstanceIds", HOSTS[1])).await, [HOSTS[1]]);
    assert_eq!(
        ids(filters("PingStatus", "ConnectionLost")).await,
        Vec::<String>::new()
    );
    let old = json!({"InstanceInformationFilterList": [{"key": "InstanceIds", "valueSet": [HOST, HOSTS[3]]}]});
    assert_eq!(ids(old).await, [HOST, HOSTS[3]]);
    bed.faults(json!({"hosts": {HOST: {"ping_status": "ConnectionLost"}}}))
        .await;
    assert_eq!(ids(filters("PingStatus", "ConnectionLost")).await, [HOST]);
    assert_eq!(
        bed.refused("DescribeInstanceInformation", filters("Colour", "red"))
            .await,
        "InvalidFilterKey"
    );
    let small = json!({"MaxResults": 4});
    assert_eq!(
        bed.refused("DescribeInstanceInformation", small).await,
        "ValidationException"
    );
    let page = bed
        .ok("DescribeInstanceInformation", json!({"MaxResults": 5}))
        .await;
    assert_eq!(
        (
            page["InstanceInformationList"].as_array().unwrap().len(),
            &page["NextToken"]
        ),
        (5, &Value::Null)
    );
}
