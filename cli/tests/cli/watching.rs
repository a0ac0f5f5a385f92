//! `watch` and the doctor: what stays, and what looks everywhere.

use crate::samples::{
    ID, activating, app, apps, apps_in_order, awaiting, begun, drifting, rolled_back, status,
    succeeded, whoami,
};
use crate::stand_in::{Said, StandIn, run};
use longshore_contract::{ErrorWord, Refusal};
use serde_json::{Value, json};

const SHOW: &str = "GET /v1/deployments/01KAX3Z9V7Q2M8C4T6R5N1W0XY";

#[test]
fn watch_tells_each_change_once_and_ends_with_the_outcome() {
    let api = StandIn::start()
        .on(SHOW, 200, &activating())
        .on(SHOW, 200, &activating())
        .on(SHOW, 200, &rolled_back());
    let ran = api.run(&["watch", ID, "--interval", "0s"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    insta::assert_snapshot!("watch_rolled_back", format!("{}----\n{}", ran.out, ran.err));
    let api = StandIn::start()
        .on(SHOW, 200, &activating())
        .on(SHOW, 200, &succeeded());
    assert_eq!(api.run(&["watch", ID, "--interval", "0s"]).code, 0);
}

#[test]
fn what_holds_a_deployment_is_told_once_by_every_verb_that_shows_it() {
    let mut queued = activating();
    "Queued".clone_into(&mut queued.summary.state);
    queued.run = None;
    queued.timeline.truncate(1);
    let held = || {
        StandIn::start()
            .on("GET /v1/apps/orders", 200, &drifting())
            .on(
                "POST /v1/apps/orders/deployments",
                201,
                &begun(queued.clone()),
            )
            .on(SHOW, 200, &queued)
            .on(SHOW, 200, &queued)
            .on(SHOW, 200, &succeeded())
    };
    let verbs: [&[&str]; 4] = [
        &["watch", ID, "--interval", "0s"],
        &["show", ID],
        &["why", ID],
        &["rollback", "orders", "--yes"],
    ];
    for words in verbs {
        let ran = held().run(words);
        let told = ran.out.matches("longshore freeze orders --break").count();
        assert_eq!(told, 1, "{words:?}: {ran:?}");
    }
}

#[test]
fn watch_in_json_writes_a_line_for_each_change() {
    let api = StandIn::start()
        .on(SHOW, 200, &activating())
        .on(SHOW, 200, &activating())
        .on(SHOW, 200, &succeeded());
    let ran = api.run(&["-o", "json", "watch", ID, "--interval", "0s"]);
    let states: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["state"].clone())
        .collect();
    assert_eq!(states, ["Activating", "Succeeded"]);
}

#[test]
fn watch_ends_with_5_when_the_time_is_over_or_somebody_is_asked() {
    let api = StandIn::start().on(SHOW, 200, &activating());
    let ran = api.run(&["watch", ID, "--timeout", "0s"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    let api = StandIn::start().on(SHOW, 200, &awaiting());
    let ran = api.run(&["watch", ID]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(
        ran.err.contains(&format!("longshore approve {ID}")),
        "{ran:?}"
    );
    let api = StandIn::start()
        .on(SHOW, 200, &awaiting())
        .on(SHOW, 200, &succeeded());
    let ran = api.run(&["watch", ID, "--through-approval", "--interval", "0s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn watch_outlives_an_api_that_is_away_for_a_moment() {
    let away = || {
        let mut said = Said::new(503, &Refusal::of(ErrorWord::Unavailable));
        said.headers.push(("retry-after", "0".to_owned()));
        said
    };
    let mut api = StandIn::start().on(SHOW, 200, &activating());
    for _ in 0..6 {
        api = api.on_said(SHOW, away());
    }
    let api = api.on(SHOW, 200, &succeeded());
    assert_eq!(api.run(&["watch", ID, "--interval", "0s"]).code, 0);
    let api = StandIn::start()
        .on(SHOW, 200, &activating())
        .on_said(SHOW, away());
    assert_eq!(api.run(&["watch", ID, "--interval", "0s"]).code, 4);
    let api = StandIn::start().on_said(SHOW, away());
    let ran = api.run(&["watch", ID, "--interval", "0s"]);
    assert_eq!((ran.code, api.asked().len()), (4, 3), "{ran:?}");
}

#[test]
fn deploy_with_watch_ends_with_the_outcome() {
    for (end, code) in [(succeeded(), 0), (rolled_back(), 1), (awaiting(), 5)] {
        let api = StandIn::start()
            .on(
                "POST /v1/apps/orders/deployments",
                201,
                &begun(activating()),
            )
            .on(SHOW, 200, &end);
        let ran = api.run(&["deploy", "orders", "--yes", "--watch", "--interval", "0s"]);
        assert_eq!(ran.code, code, "{ran:?}");
    }
}

const STS: &str = "POST /";

/// The answer of STS, which speaks XML.
fn caller() -> Said {
    let xml = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
        <Arn>arn:aws:sts::111122223333:assumed-role/Operator/ines</Arn><Account>111122223333</Account>\
        </GetCallerIdentityResult></GetCallerIdentityResponse>";
    let mut said = Said::new(200, &Value::Null);
    xml.clone_into(&mut said.body);
    said
}

fn described(name: &str, kind: &str, key: Option<&str>) -> Value {
    json!({ "Name": name, "Type": kind, "KeyId": key, "Version": 1 })
}

const KEY: Option<&str> = Some("alias/longshore-prod");

fn healthy() -> StandIn {
    let control = "/longshore/prod/control";
    let parameters = json!({ "Parameters": [
        described(&format!("{control}/bitbucket/webhook-secret"), "SecureString", KEY),
        described(&format!("{control}/bitbucket/token"), "SecureString", KEY),
        described(&format!("{control}/api-url"), "String", None),
        described("/longshore/prod/git/token", "SecureString", KEY),
    ]});
    let queue = "https://sqs.eu-central-1.amazonaws.com/111122223333/longshore-prod-reconciler";
    let queues = json!({ "QueueUrls": [queue, format!("{queue}-dlq")] });
    StandIn::start()
        .on_said(STS, caller())
        .on("GET /v1/whoami", 200, &whoami())
        .on("AmazonSSM.DescribeParameters", 200, &parameters)
        .on(
            "TrentService.DescribeKey",
            200,
            &json!({ "KeyMetadata": { "KeyState": "Enabled" } }),
        )
        .on("AmazonSQS.ListQueues", 200, &queues)
        .on(
            "AmazonSQS.GetQueueAttributes",
            200,
            &json!({ "Attributes": { "ApproximateNumberOfMessages": "0" } }),
        )
        .on(
            "GraniteServiceVersion20100801.DescribeAlarms",
            200,
            &json!({ "MetricAlarms": [
            { "AlarmName": "longshore-prod-reconciler-errors", "StateValue": "OK" }] }),
        )
}

fn refusing(api: StandIn) -> StandIn {
    let zero = "00000000000000000000000000";
    let missing = Refusal::of(ErrorWord::NoSuchDeployment);
    api.on(
        &format!("POST /v1/deployments/{zero}/cancel"),
        404,
        &missing,
    )
    .on(
        &format!("POST /v1/deployments/{zero}/reject"),
        403,
        &json!({ "message": "Forbidden" }),
    )
    .on(
        "DELETE /v1/apps/longshore-doctor-asks-in-vain/lock",
        404,
        &Refusal::of(ErrorWord::NoSuchApp),
    )
}

fn doctor(api: &StandIn, words: &[&str]) -> crate::stand_in::Ran {
    let url = api.url();
    let all = [&["-e", "prod", "--api-url", &url, "doctor"], words].concat();
    run(&all, &[("AWS_ENDPOINT_URL", &url)])
}

#[test]
fn the_doctor_finds_nothing_where_everything_is_in_order() {
    let api = refusing(healthy())
        .on("GET /v1/apps", 200, &apps_in_order())
        .on("GET /v1/apps/orders", 200, &status());
    let ran = doctor(&api, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    insta::assert_snapshot!("doctor_healthy", ran.out);
}

#[test]
fn the_doctor_names_each_fault_with_its_fix() {
    let mut orders = app();
    orders.stranded = Some(ID.to_owned());
    let mut sick = apps();
    sick.apps = vec![sick.apps[1].clone(), orders];
    let mut me = whoami();
    "0.0.9".clone_into(&mut me.version);
    let queue = "https://sqs.eu-central-1.amazonaws.com/111122223333/longshore-prod-reconciler-dlq";
    let mut bare = status();
    bare.summary.app = "catalog".to_owned();
    bare.hosts.clear();
    let api = refusing(StandIn::start())
        .on_said(STS, caller())
        .on("GET /v1/whoami", 200, &me)
        .on("GET /v1/apps", 200, &sick)
        .on("GET /v1/apps/orders", 200, &drifting())
        .on("GET /v1/apps/catalog", 200, &bare)
        .on(
            "AmazonSSM.DescribeParameters",
            200,
            &json!({ "Parameters": [
            described("/longshore/prod/control/bitbucket/webhook-secret", "String", None),
            described("/longshore/prod/git/token", "SecureString", Some("alias/aws/ssm"))] }),
        )
        .on(
            "TrentService.DescribeKey",
            400,
            &json!({ "__type": "NotFoundException" }),
        )
        .on(
            "AmazonSQS.ListQueues",
            200,
            &json!({ "QueueUrls": [queue] }),
        )
        .on(
            "AmazonSQS.GetQueueAttributes",
            200,
            &json!({ "Attributes": { "ApproximateNumberOfMessages": "3" } }),
        )
        .on(
            "GraniteServiceVersion20100801.DescribeAlarms",
            200,
            &json!({ "MetricAlarms": [
            { "AlarmName": "longshore-prod-failed-rollback", "StateValue": "ALARM",
              "AlarmDescription": "docs/OPERATIONS.md, chapter Failed rollback" }] }),
        );
    let ran = doctor(&api, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    insta::assert_snapshot!("doctor_sick", ran.out);
}

#[test]
fn what_the_doctor_may_not_see_is_not_called_good() {
    let denied = json!({ "__type": "AccessDeniedException", "message": "not you" });
    let api = refusing(StandIn::start())
        .on_said(STS, caller())
        .on("GET /v1/whoami", 200, &whoami())
        .on("GET /v1/apps", 200, &apps_in_order())
        .on("GET /v1/apps/orders", 200, &status())
        .on("AmazonSSM.DescribeParameters", 400, &denied)
        .on("TrentService.DescribeKey", 400, &denied)
        .on("AmazonSQS.ListQueues", 403, &denied)
        .on("GraniteServiceVersion20100801.DescribeAlarms", 403, &denied);
    let ran = doctor(&api, &["-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let json = ran.json();
    let not_checked = json["findings"].as_array().unwrap().iter();
    let not_checked = not_checked.filter(|one| one["health"] == "not_checked");
    let names: Vec<&str> = not_checked
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    let expected = [
        "parameters",
        "key alias/longshore-prod",
        "dead letters",
        "alarms",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_doctor_works_without_an_api_too() {
    let missing = json!({ "__type": "ParameterNotFound", "message": "none" });
    let api = healthy().on("AmazonSSM.GetParameter", 400, &missing);
    let ran = run(
        &["-e", "prod", "doctor"],
        &[("AWS_ENDPOINT_URL", &api.url())],
    );
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("✗ operators' API"), "{ran:?}");
    assert!(ran.out.contains("✓ dead letters"), "{ran:?}");
}

#[test]
fn the_doctor_changes_nothing() {
    let api = refusing(healthy())
        .on("GET /v1/apps", 200, &apps_in_order())
        .on("GET /v1/apps/orders", 200, &status());
    doctor(&api, &["orders"]);
    for asked in api.asked() {
        let looks = asked.what.starts_with("GET ")
            || asked.what == STS
            || asked.what.contains(".Describe")
            || asked.what.contains(".List")
            || asked.what.contains(".GetQueue");
        let in_vain = asked.what.contains("00000000000000000000000000")
            || asked.what.contains("longshore-doctor-asks-in-vain");
        assert!(looks || in_vain, "{asked:?}");
    }
}
