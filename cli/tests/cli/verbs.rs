//! Every verb that does its work: what it asks the API for, what it writes, and how it ends.

use crate::samples::{
    COMMIT, DIGEST, ID, LIVE, OLD, activating, apps, apps_in_order, audit, awaiting, begun,
    drifting, history, history_of_a_host, plan, rolled_back, stats, status, succeeded, summary,
    whoami,
};
use crate::stand_in::{StandIn, run};
use longshore_contract::{AppStatus, Begun, Deployment, DeploymentSummary, Logs};
use serde_json::{Value, json};

const SHOW: &str = "GET /v1/deployments/01KAX3Z9V7Q2M8C4T6R5N1W0XY";

fn path(end: &str) -> String {
    format!("POST /v1/deployments/{ID}/{end}")
}

#[test]
fn every_request_is_signed_for_the_api_with_the_session_of_the_operator() {
    let api = StandIn::start().on("GET /v1/whoami", 200, &whoami());
    let ran = api.run(&["whoami"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let asked = &api.asked()[0];
    assert!(
        asked
            .authorization
            .contains("/eu-central-1/execute-api/aws4_request"),
        "{asked:?}"
    );
    assert!(
        asked.authorization.contains("x-amz-security-token"),
        "{asked:?}"
    );
    assert_eq!(asked.token.as_deref(), Some("token"));
}

#[test]
fn json_is_what_the_api_said() {
    let cases: [(&[&str], &str, Value); 9] = [
        (&["stats"], "GET /v1/stats", json!(stats())),
        (&["whoami"], "GET /v1/whoami", json!(whoami())),
        (&["status"], "GET /v1/apps", json!(apps_in_order())),
        (
            &["status", "orders"],
            "GET /v1/apps/orders",
            json!(status()),
        ),
        (
            &["history", "orders"],
            "GET /v1/apps/orders/deployments",
            json!(history()),
        ),
        (
            &["audit", "orders"],
            "GET /v1/apps/orders/audit",
            json!(audit()),
        ),
        (&["show", ID], SHOW, json!(rolled_back())),
        (&["why", ID], SHOW, json!(rolled_back())),
        (
            &["plan", "orders"],
            "POST /v1/apps/orders/plan",
            json!(plan()),
        ),
    ];
    for (words, what, mut answer) in cases {
        answer["field_of_a_newer_version"] = json!("kept");
        let api = StandIn::start().on(what, 200, &answer);
        let ran = api.run(&[&["-o", "json"], words].concat());
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        assert_eq!(ran.json(), answer, "{words:?}");
        assert_eq!(ran.err, "");
    }
}

#[test]
fn what_is_not_a_terminal_gets_no_colours_unless_they_are_asked_for() {
    let api = StandIn::start().on("GET /v1/apps/orders", 200, &status());
    let plain = api.run(&["status", "orders"]).out;
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    let coloured = api.run(&["--color", "always", "status", "orders"]).out;
    assert!(coloured.contains("\u{1b}[32m✓"), "{coloured:?}");
}

#[test]
fn the_status_ends_with_1_when_a_host_differs_or_an_app_is_not_in_order() {
    let api = StandIn::start()
        .on("GET /v1/apps/orders", 200, &drifting())
        .on("GET /v1/apps", 200, &apps());
    assert_eq!(api.run(&["status", "orders"]).code, 1);
    assert_eq!(api.run(&["status"]).code, 1);
}

#[test]
fn pages_of_the_history_are_asked_for_as_the_api_wants() {
    let api = StandIn::start().on("GET /v1/apps/orders/deployments", 200, &history());
    let ran = api.run(&["history", "orders", "--limit", "5", "--before", ID]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(api.asked()[0].query, format!("limit=5&before={ID}"));
    assert!(
        ran.out
            .contains(&format!("longshore history orders --before {OLD}"))
    );
}

#[test]
fn a_history_is_asked_for_by_everything_that_it_can_be_asked_for_by() {
    let api = StandIn::start().on("GET /v1/apps/orders/deployments", 200, &history_of_a_host());
    let words = [
        "history",
        "orders",
        "--commit",
        "8c1f5e0",
        "--by",
        "Ines Ort",
        "--result",
        "rolled-back",
        "--kind",
        "push",
        "--since",
        "2026-11-01",
        "--until",
        "2026-11-20T08:00:00Z",
        "--host",
        "i-00000002",
    ];
    let ran = api.run(&words);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        api.asked()[0].query,
        "limit=20&commit=8c1f5e0&by=Ines%20Ort&result=RolledBack&kind=push\
         &since=2026-11-01T00%3A00%3A00Z&until=2026-11-20T08%3A00%3A00Z&host=i-00000002"
    );
    let again = format!(
        "longshore history orders --commit 8c1f5e0 --by 'Ines Ort' --result rolled-back --kind push \
         --since 2026-11-01T00:00:00Z --until 2026-11-20T08:00:00Z --host i-00000002 --before {OLD}"
    );
    assert!(ran.out.contains(&again), "{ran:?}");
    assert!(
        ran.out.contains("looked through 200 deployments"),
        "{ran:?}"
    );
    for wrong in [
        ["--commit", "8c1f5e"],
        ["--commit", "HEAD"],
        ["--result", "good"],
        ["--kind", "deploy"],
        ["--since", "yesterday"],
        ["--host", "web-1"],
    ] {
        let ran = api.run(&[&["history", "orders"], &wrong[..]].concat());
        assert_eq!(ran.code, 2, "{wrong:?}: {ran:?}");
    }
    assert_eq!(api.asked().len(), 1, "what is wrong is not asked");
}

#[test]
fn statistics_are_asked_for_by_app_and_window_and_drawn_without_colours_into_a_file() {
    let api = StandIn::start().on("GET /v1/stats", 200, &stats());
    let ran = api.run(&["stats", "--app", "orders", "--since", "2026-11-02"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        api.asked()[0].query,
        "app=orders&since=2026-11-02T00%3A00%3A00Z"
    );
    assert!(ran.out.contains("3 of 14 (21.4 %)"), "{ran:?}");
    assert!(ran.out.contains("✓✓✓✓✓✗✗✗"), "{ran:?}");
    assert!(!ran.out.contains('\u{1b}'), "{ran:?}");
    let coloured = api.run(&["--color", "always", "stats"]);
    assert!(coloured.out.contains("\u{1b}[31m✗"), "{coloured:?}");
    let ago = api.run(&["stats", "--since", "7d"]);
    assert_eq!(ago.code, 0, "{ago:?}");
    let query = &api.asked()[2].query;
    assert!(
        query.starts_with("since=20") && query.ends_with('Z'),
        "{query}"
    );
}

#[test]
fn an_app_means_its_deployment_that_runs_else_waits_else_the_last() {
    let of = |state: &str, id: &str| DeploymentSummary {
        id: id.to_owned(),
        started_at: (state != "Queued").then(|| crate::samples::time("10:20:05")),
        ..summary(state)
    };
    for (states, expected) in [
        (vec!["AwaitingApproval", "Activating", "Succeeded"], 1),
        (vec!["Queued", "Succeeded"], 0),
        (vec!["Succeeded", "AwaitingApproval"], 1),
        (vec!["Superseded", "Succeeded"], 0),
    ] {
        let ids: Vec<String> = (1..=states.len())
            .map(|n| format!("01KAX{n}Z9V7Q2M8C4T6R5N1W0XY"))
            .collect();
        let list: Vec<DeploymentSummary> =
            states.iter().zip(&ids).map(|(s, id)| of(s, id)).collect();
        let show = format!("GET /v1/deployments/{}", ids[expected]);
        let api = StandIn::start()
            .on(
                "GET /v1/apps/orders/deployments",
                200,
                &json!({ "deployments": list }),
            )
            .on(&show, 200, &activating());
        let ran = api.run(&["show", "orders"]);
        assert_eq!(ran.code, 0, "{states:?}: {ran:?}");
    }
}

#[test]
fn a_plan_asks_for_exactly_the_release_that_is_meant() {
    let cases: [(&[&str], Value); 3] = [
        (&[], json!({ "kind": "redeploy" })),
        (&["--config"], json!({ "kind": "config" })),
        (
            &["--commit", COMMIT],
            json!({ "kind": "push", "commit": COMMIT }),
        ),
    ];
    for (words, body) in cases {
        let api = StandIn::start().on("POST /v1/apps/orders/plan", 200, &plan());
        let ran = api.run(&[&["plan", "orders"], words].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(api.asked()[0].body, body);
        assert!(ran.out.contains(DIGEST), "{ran:?}");
        assert_eq!(api.acts(), Vec::<String>::new());
    }
}

#[test]
fn deploy_begins_once_and_says_how_to_follow() {
    let api = StandIn::start().on(
        "POST /v1/apps/orders/deployments",
        201,
        &begun(activating()),
    );
    let ran = api.run(&[
        "deploy", "orders", "--commit", COMMIT, "--reason", "a fix", "--key", "ci-42", "--yes",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let body = json!({ "kind": "push", "commit": COMMIT, "key": "ci-42", "reason": "a fix" });
    assert_eq!(api.asked()[0].body, body);
    assert!(
        ran.out.contains(&format!("longshore watch {ID}")),
        "{ran:?}"
    );
}

#[test]
fn a_key_that_was_used_before_is_said() {
    let again = Begun {
        deployment: activating(),
        repeated: true,
    };
    let api = StandIn::start().on("POST /v1/apps/orders/deployments", 200, &again);
    let ran = api.run(&["deploy", "orders", "--key", "ci-42", "--yes"]);
    assert!(ran.out.contains("begun before by the same key"), "{ran:?}");
}

#[test]
fn without_a_terminal_nothing_is_begun_that_nobody_confirmed() {
    let api = StandIn::start()
        .on("POST /v1/apps/orders/plan", 200, &plan())
        .on(SHOW, 200, &awaiting())
        .on("GET /v1/apps/orders", 200, &status())
        .on("GET /v1/whoami", 200, &json!({ "environment": "staging", "principal": "", "name": "", "account": "", "version": "" }));
    let cases: [&[&str]; 4] = [
        &["deploy", "orders"],
        &["rollback", "orders"],
        &["approve", ID],
        &["drill", "orders"],
    ];
    for words in cases {
        let ran = api.run(words);
        assert_eq!(ran.code, 2, "{words:?}: {ran:?}");
        assert!(ran.err.contains("(not_confirmed)"), "{ran:?}");
    }
    assert_eq!(api.acts(), Vec::<String>::new());
}

#[test]
fn what_is_asked_about_is_shown_first() {
    let api = StandIn::start()
        .on("POST /v1/apps/orders/plan", 200, &plan())
        .on(SHOW, 200, &awaiting());
    let ran = api.run(&["rollback", "orders"]);
    assert!(
        ran.err.contains("2 new ones, taken back before a rollback"),
        "{ran:?}"
    );
    let ran = api.run(&["approve", ID]);
    assert!(ran.err.contains("approvals: 1 of 2"), "{ran:?}");
    assert!(ran.err.contains(&format!("--plan {DIGEST}")), "{ran:?}");
}

#[test]
fn rollback_names_the_deployment_to_go_back_to() {
    let api = StandIn::start().on(
        "POST /v1/apps/orders/deployments",
        201,
        &begun(activating()),
    );
    let ran = api.run(&[
        "rollback", "orders", "--to", OLD, "--reason", "prices", "--yes",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut body = json!({ "kind": "rollback", "deployment": OLD, "reason": "prices" });
    assert_eq!(api.asked()[0].body, body);
    let words = [
        "rollback", "orders", "--to", OLD, "--reason", "prices", "--yes",
    ];
    let ran = api.run(&[&words[..], &["--whatever-the-database"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    body["whatever_the_database"] = json!(true);
    assert_eq!(api.asked()[1].body, body);
    let ran = api.run(&[&words[..], &["--take-back-migrations"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut body = json!({ "kind": "rollback", "deployment": OLD, "reason": "prices" });
    body["take_back_migrations"] = json!(true);
    assert_eq!(api.asked()[2].body, body);
}

#[test]
fn approve_with_a_digest_votes_for_exactly_that() {
    let api = StandIn::start()
        .on(&path("approve"), 200, &awaiting())
        .on(SHOW, 200, &awaiting());
    let ran = api.run(&["approve", ID, "--plan", DIGEST, "--comment", "seen"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        api.asked()[0].body,
        json!({ "plan": DIGEST, "comment": "seen" })
    );
    assert!(ran.out.contains("1 more must approve"), "{ran:?}");
}

#[test]
fn approve_finds_the_deployment_of_an_app_that_waits() {
    let waiting = DeploymentSummary {
        id: ID.to_owned(),
        ..summary("AwaitingApproval")
    };
    let list = json!({ "deployments": [summary("Queued"), waiting] });
    let api = StandIn::start()
        .on("GET /v1/apps/orders/deployments", 200, &list)
        .on(&path("approve"), 200, &awaiting())
        .on(SHOW, 200, &awaiting());
    assert_eq!(api.run(&["approve", "orders", "--plan", DIGEST]).code, 0);
}

#[test]
fn reject_cancel_and_retry_send_the_reason() {
    let api = StandIn::start()
        .on(&path("reject"), 200, &rolled_back())
        .on(&path("cancel"), 200, &rolled_back())
        .on(&path("retry"), 201, &begun(activating()))
        .on(SHOW, 200, &rolled_back());
    for verb in ["reject", "cancel", "retry"] {
        let ran = api.run(&[verb, ID, "--reason", "because"]);
        assert_eq!(ran.code, 0, "{verb}: {ran:?}");
        let asked = api.asked();
        let act = asked.iter().find(|asked| asked.what == path(verb)).unwrap();
        assert_eq!(act.body, json!({ "reason": "because" }), "{verb}");
    }
}

#[test]
fn locks_are_taken_for_a_time_and_let_go() {
    let api = StandIn::start()
        .on("POST /v1/apps/orders/lock", 200, &json!({}))
        .on("DELETE /v1/apps/orders/lock", 200, &json!({}));
    let ran = api.run(&["lock", "orders", "--for", "2h", "--reason", "moving"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("orders is locked for 2h"), "{ran:?}");
    assert_eq!(api.run(&["unlock", "orders", "--reason", "done"]).code, 0);
    let bodies: Vec<Value> = api.asked().into_iter().map(|asked| asked.body).collect();
    let expected = [
        json!({ "reason": "moving", "seconds": 7200 }),
        json!({ "reason": "done" }),
    ];
    assert_eq!(bodies, expected);
}

#[test]
fn a_freeze_is_shown_and_broken_for_one_deployment() {
    let api = StandIn::start()
        .on("GET /v1/apps/orders", 200, &drifting())
        .on("POST /v1/apps/orders/break-glass", 200, &json!({}));
    let ran = api.run(&["freeze", "orders"]);
    assert!(
        ran.out.contains("orders is frozen: black friday, until"),
        "{ran:?}"
    );
    let ran = api.run(&[
        "freeze",
        "orders",
        "--break",
        ID,
        "--reason",
        "security fix",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let body = json!({ "deployment": ID, "reason": "security fix" });
    assert_eq!(api.asked()[1].body, body);
    assert_eq!(api.run(&["freeze", "orders", "--break", ID]).code, 2);
}

#[test]
fn quarantine_is_listed_and_cleared() {
    let clear = format!("DELETE /v1/apps/orders/quarantine/{COMMIT}");
    let api = StandIn::start()
        .on("GET /v1/apps/orders", 200, &drifting())
        .on(&clear, 200, &json!({}));
    let ran = api.run(&["quarantine", "list", "orders"]);
    assert!(ran.out.contains(COMMIT), "{ran:?}");
    let ran = api.run(&[
        "quarantine",
        "clear",
        "orders",
        COMMIT,
        "--reason",
        "it was the database",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(api.acts(), [clear]);
}

#[test]
fn a_commit_that_is_known_is_meant_by_its_first_digits() {
    let known = longshore_contract::History {
        deployments: vec![summary("RolledBack"), summary("Failed")],
        before: None,
        looked: None,
    };
    let history = "GET /v1/apps/orders/deployments";
    let begin = "POST /v1/apps/orders/deployments";
    let api = StandIn::start()
        .on("GET /v1/apps/orders", 200, &drifting())
        .on(history, 200, &known)
        .on(begin, 201, &begun(activating()))
        .on(
            &format!("DELETE /v1/apps/orders/quarantine/{COMMIT}"),
            200,
            &json!({}),
        );
    let short = &COMMIT[..9];
    let ran = api.run(&["quarantine", "clear", "orders", short, "--reason", "x"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = api.run(&["deploy", "orders", "--commit", short, "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let asked = api.asked();
    let looked = asked.iter().find(|asked| asked.what == history).unwrap();
    assert!(
        looked.query.contains(&format!("commit={short}")),
        "{looked:?}"
    );
    let sent = asked.iter().find(|asked| asked.what == begin).unwrap();
    assert_eq!(sent.body["commit"], COMMIT);
    let ran = api.run(&["deploy", "orders", "--commit", "1234567", "--yes"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("git rev-parse 1234567"), "{ran:?}");
    assert_eq!(api.acts().len(), 2, "nothing is begun of what is not known");
}

/// The API of another environment, which says so.
fn staging() -> StandIn {
    let mut me = whoami();
    "staging".clone_into(&mut me.environment);
    StandIn::start().on("GET /v1/whoami", 200, &me)
}

#[test]
fn promote_brings_what_is_live_elsewhere_with_its_build() {
    let mut there: AppStatus = status();
    let live = there.summary.live.as_mut().unwrap();
    live.release.artifact = Some(longshore_contract::Artifact {
        version: "v1".to_owned(),
        sha256: "a".repeat(64),
    });
    let staging = staging().on("GET /v1/apps/orders", 200, &there);
    let prod = StandIn::start().on(
        "POST /v1/apps/orders/deployments",
        201,
        &begun(activating()),
    );
    let url = staging.url();
    let ran = prod.run(&[
        "promote",
        "orders",
        "--from",
        "staging",
        "--from-api-url",
        &url,
        "--yes",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let body = json!({
        "kind": "promote",
        "commit": LIVE,
        "artifact": { "version": "v1", "sha256": "a".repeat(64) },
        "from": { "environment": "staging", "deployment": OLD },
    });
    assert_eq!(prod.asked()[0].body, body);
    assert_eq!(staging.acts(), Vec::<String>::new());
}

#[test]
fn promote_takes_only_what_was_proven() {
    let staging = staging().on(SHOW, 200, &rolled_back());
    let prod = StandIn::start();
    let url = staging.url();
    let ran = prod.run(&[
        "promote",
        "orders",
        "--from",
        "staging",
        "--from-api-url",
        &url,
        "--deployment",
        ID,
        "--yes",
    ]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("(not_proven)"), "{ran:?}");
    assert!(prod.asked().is_empty());
}

fn leg(id: &str, from: &str, to: &str, state: &str) -> Deployment {
    let mut deployment = succeeded();
    deployment.summary = DeploymentSummary {
        id: id.to_owned(),
        accepted_at: crate::samples::time(from),
        ended_at: Some(crate::samples::time(to)),
        ..summary(state)
    };
    deployment
}

fn drill_ground(environment: &str, back: &str) -> StandIn {
    let (one, two) = ("01KAX5Z9V7Q2M8C4T6R5N1W0XY", "01KAX6Z9V7Q2M8C4T6R5N1W0XY");
    let back = leg(one, "10:20:00", "10:20:41", back);
    let forth = leg(two, "10:21:00", "10:21:33", "Succeeded");
    let mut me = whoami();
    environment.clone_into(&mut me.environment);
    StandIn::start()
        .on("GET /v1/whoami", 200, &me)
        .on("GET /v1/apps/orders", 200, &status())
        .on(
            "POST /v1/apps/orders/deployments",
            201,
            &begun(back.clone()),
        )
        .on(
            "POST /v1/apps/orders/deployments",
            201,
            &begun(forth.clone()),
        )
        .on(&format!("GET /v1/deployments/{one}"), 200, &back)
        .on(&format!("GET /v1/deployments/{two}"), 200, &forth)
}

#[test]
fn a_drill_goes_back_and_forward_again_and_tells_the_seconds() {
    let api = drill_ground("staging", "Succeeded");
    let ran = api.run(&["drill", "orders", "--yes", "-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let json = ran.json();
    assert_eq!(
        [&json["back"]["seconds"], &json["forward"]["seconds"]],
        [41, 33]
    );
    let acts = api
        .asked()
        .into_iter()
        .filter(|asked| asked.what.starts_with("POST"));
    let bodies: Vec<Value> = acts.map(|asked| asked.body).collect();
    let back = json!({ "kind": "drill", "reason": "drill" });
    let forth = json!({ "kind": "drill", "deployment": OLD, "reason": "drill" });
    assert_eq!(bodies, [back, forth]);
}

#[test]
fn a_drill_stops_where_going_back_fails() {
    let api = drill_ground("staging", "RolledBack");
    let ran = api.run(&["drill", "orders", "--yes"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(api.acts().len(), 1);
    assert!(ran.err.contains("longshore why"), "{ran:?}");
    let home = format!("longshore drill orders --forward {OLD}");
    assert!(ran.err.contains(&home), "{ran:?}");
}

#[test]
fn a_drill_that_stopped_goes_forward_alone() {
    let api = drill_ground("staging", "Succeeded");
    let ran = api.run(&["drill", "orders", "--yes", "--forward", OLD, "-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["forward"]["seconds"], 41);
    assert_eq!(ran.json().get("back"), None);
    let asked = api.asked();
    let begin = asked.iter().find(|asked| asked.what.starts_with("POST"));
    let body = json!({ "kind": "drill", "deployment": OLD, "reason": "drill" });
    assert_eq!(begin.unwrap().body, body);
}

#[test]
fn a_drill_keeps_away_from_prod_and_from_apps_that_are_busy() {
    let api = drill_ground("prod", "Succeeded");
    let ran = api.run(&["drill", "orders", "--yes"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("(in_prod)"), "{ran:?}");
    assert_eq!(api.acts(), Vec::<String>::new());
    assert_eq!(api.run(&["drill", "orders", "--yes", "--in-prod"]).code, 0);
    let busy = StandIn::start().on("GET /v1/apps/orders", 200, &drifting());
    let ran = busy.run(&["drill", "orders", "--yes"]);
    assert!(ran.err.contains("(not_free)"), "{ran:?}");
}

#[test]
fn logs_are_read_to_their_end_by_the_cursor() {
    let page = |text: &str, after: &str, complete: bool| -> Logs {
        serde_json::from_value(json!({
            "lines": [{ "at": "2026-11-25T10:21:05Z", "host": "i-00000001", "text": text }],
            "after": after,
            "complete": complete,
        }))
        .unwrap()
    };
    let what = format!("GET /v1/deployments/{ID}/logs");
    let api = StandIn::start()
        .on(&what, 200, &page("npm ci", "f/1=+", false))
        .on(
            &what,
            200,
            &json!({ "lines": [], "after": "f/1=+", "complete": false }),
        )
        .on(&what, 200, &page("\u{1b}[31mstarted", "f/2", true));
    let ran = api.run(&["logs", ID, "-f", "--interval", "0s", "--host", "i-00000001"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    insta::assert_snapshot!("logs", ran.out);
    let queries: Vec<String> = api.asked().into_iter().map(|asked| asked.query).collect();
    let cursor = "host=i-00000001&after=f%2F1%3D%2B";
    assert_eq!(queries, ["host=i-00000001", cursor, cursor]);
}

#[test]
fn logs_without_follow_end_where_nothing_more_is_there() {
    let what = format!("GET /v1/deployments/{ID}/logs");
    let api = StandIn::start().on(&what, 200, &json!({ "lines": [], "complete": false }));
    let ran = api.run(&["logs", ID]);
    assert_eq!((ran.code, api.asked().len()), (0, 1), "{ran:?}");
    assert!(ran.err.contains("has written anything yet"), "{ran:?}");
}

#[test]
fn completions_and_man_pages_are_made_of_the_same_command_line() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&["completions", shell], &[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("quarantine"), "{shell}");
    }
    let ran = run(&["man"], &[]);
    assert!(ran.out.contains(".TH longshore 1"), "{}", ran.out);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    assert_eq!(run(&["man", "--folder", place], &[]).code, 0);
    assert!(folder.path().join("longshore-approve.1").exists());
    assert_eq!(
        run(&["man", "--folder", "/nonexistent/folder"], &[]).code,
        2
    );
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

const GOOD: &str =
    r#"{ "branch": "main", "health": { "port": 3000 }, "process": { "script": "server.js" } }"#;

#[test]
fn a_configuration_is_checked_without_aws() {
    let nothing = [("AWS_ACCESS_KEY_ID", ""), ("AWS_REGION", "")];
    let good = file(GOOD);
    let ran = run(
        &["config", "validate", good.path().to_str().unwrap()],
        &nothing,
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let bad = file(r#"{ "branch": "main", "health": { "port": 0 }, "proces": {} }"#);
    let ran = run(
        &[
            "-o",
            "json",
            "config",
            "validate",
            bad.path().to_str().unwrap(),
        ],
        &nothing,
    );
    assert_eq!(ran.code, 2, "{ran:?}");
    let problems = ran.json()["problems"].as_array().unwrap().len();
    assert!(problems >= 2, "{ran:?}");
    assert_eq!(
        run(&["config", "validate", "/nonexistent"], &nothing).code,
        2
    );
}

#[test]
fn the_schema_is_that_of_the_documentation() {
    let ran = run(&["config", "schema"], &[]);
    let stored = include_str!("../../../docs/app-config.schema.json");
    let stored: Value = serde_json::from_str(stored).unwrap();
    assert_eq!(ran.json(), stored);
}

fn parameter(text: &str) -> Value {
    json!({ "Parameter": { "Name": "x", "Type": "String", "Value": text, "Version": 7 } })
}

#[test]
fn every_problem_of_a_file_stands_on_a_line_of_its_own_also_in_a_refusal() {
    let bad = file("{}");
    let name = bad.path().to_str().unwrap();
    let ran = run(&["-e", "dev", "config", "diff", "acme/orders", name], &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.lines().count() > 3, "{ran:?}");
    assert!(!ran.err.contains('\u{fffd}'), "{ran:?}");
}

#[test]
fn what_is_stored_is_printed_as_it_is_to_be_changed_and_applied_again() {
    let aws = StandIn::start().on("AmazonSSM.GetParameter", 200, &parameter(GOOD));
    let words = ["-e", "dev", "config", "show", "acme/orders"];
    let ran = run(&words, &[("AWS_ENDPOINT_URL", &aws.url())]);
    assert_eq!((ran.code, ran.out.trim_end()), (0, GOOD.trim_end()));
    assert!(ran.err.contains("version 7"), "{ran:?}");
    let missing = json!({ "__type": "ParameterNotFound", "message": "none" });
    let aws = StandIn::start().on("AmazonSSM.GetParameter", 400, &missing);
    let ran = run(&words, &[("AWS_ENDPOINT_URL", &aws.url())]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("(not_configured)"), "{ran:?}");
}

#[test]
fn a_configuration_is_compared_and_stored_with_its_version() {
    let stored = GOOD.replace("3000", "3001");
    let aws = StandIn::start()
        .on("AmazonSSM.GetParameter", 200, &parameter(&stored))
        .on(
            "AmazonSSM.PutParameter",
            200,
            &json!({ "Version": 8, "Tier": "Standard" }),
        );
    let new = file(GOOD);
    let name = new.path().to_str().unwrap();
    let variables = [("AWS_ENDPOINT_URL", aws.url())];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let ran = run(
        &["-e", "dev", "config", "diff", "acme/orders", name],
        &variables,
    );
    assert_eq!(ran.code, 1, "{ran:?}");
    insta::assert_snapshot!("config_diff", ran.out);
    let ran = run(
        &["-e", "dev", "config", "apply", "acme/orders", name],
        &variables,
    );
    assert_eq!(ran.code, 2, "{ran:?}");
    let words = ["-e", "dev", "config", "apply", "acme/orders", name, "--yes"];
    let ran = run(&words, &variables);
    assert_eq!(ran.code, 0, "{ran:?}");
    let puts: Vec<_> = aws
        .asked()
        .into_iter()
        .filter(|a| a.what.ends_with("PutParameter"))
        .collect();
    assert_eq!(puts.len(), 1);
    assert_eq!(puts[0].body["Name"], "/longshore/dev/apps/acme/orders");
    assert_eq!(puts[0].body["Value"], GOOD);
    assert_eq!(puts[0].body["Type"], "String");
}

#[test]
fn the_api_is_found_by_its_parameter() {
    let api = StandIn::start().on("GET /v1/apps", 200, &apps_in_order());
    let aws = StandIn::start().on("AmazonSSM.GetParameter", 200, &parameter(&api.url()));
    let ran = run(
        &["-e", "prod", "status"],
        &[("AWS_ENDPOINT_URL", &aws.url())],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        aws.asked()[0].body["Name"],
        "/longshore/prod/control/api-url"
    );
    assert!(ran.out.contains("orders"), "{ran:?}");
}

/// A folder like `~/.aws`, with a profile that has keys and one that asks a program for them.
fn profiles() -> (tempfile::TempDir, [(&'static str, String); 5]) {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let program = r#"echo '{"Version":1,"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"s","SessionToken":"from the program"}'"#;
    std::fs::write(place("program.sh"), program).unwrap();
    let config = format!(
        "[profile keys]\nregion = eu-west-1\n[profile program]\nregion = eu-west-2\ncredential_process = sh {}\n",
        place("program.sh")
    );
    std::fs::write(place("config"), config).unwrap();
    let keys = "[keys]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = s\n";
    std::fs::write(place("credentials"), keys).unwrap();
    let variables = [
        ("AWS_CONFIG_FILE", place("config")),
        ("AWS_SHARED_CREDENTIALS_FILE", place("credentials")),
        ("AWS_ACCESS_KEY_ID", String::new()),
        ("AWS_SESSION_TOKEN", String::new()),
        ("AWS_REGION", String::new()),
    ];
    (folder, variables)
}

#[test]
fn credentials_and_region_come_from_the_profile_that_is_named() {
    let (_folder, variables) = profiles();
    let path = ("PATH", "/usr/bin:/bin".to_owned());
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .chain([&path])
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    for (profile, region, token) in [
        ("keys", "eu-west-1", None),
        ("program", "eu-west-2", Some("from the program")),
    ] {
        let api = StandIn::start().on("GET /v1/whoami", 200, &whoami());
        let url = api.url();
        let words = ["--api-url", &url, "--profile", profile, "whoami"];
        let ran = run(&words, &variables);
        assert_eq!(ran.code, 0, "{profile}: {ran:?}");
        let asked = &api.asked()[0];
        let scope = format!("/{region}/execute-api/");
        assert!(asked.authorization.contains(&scope), "{asked:?}");
        assert_eq!(asked.token.as_deref(), token);
    }
}

#[test]
fn a_bundle_of_certificates_that_cannot_be_read_is_named() {
    let api = StandIn::start();
    let url = api.url();
    let ran = run(
        &["--api-url", &url, "whoami"],
        &[("AWS_CA_BUNDLE", "/nonexistent.pem")],
    );
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("(no_certificates)"), "{ran:?}");
}
