//! Every verb with wrong rights, in a wrong state, with wrong names, and without anybody who answers: a clear word, what to do
//! next, the exit code of the documentation, and nothing changed.

use crate::samples::{COMMIT, DIGEST, ID, awaiting, begun, rolled_back, whoami};
use crate::stand_in::{Ran, Said, StandIn, run};
use longshore_contract::{ErrorWord, Operation, Refusal};
use serde_json::json;

/// Every verb that asks the API one thing, with the operation that it comes to.
fn verbs() -> Vec<(Operation, Vec<&'static str>)> {
    vec![
        (Operation::WhoAmI, vec!["whoami"]),
        (Operation::Apps, vec!["status"]),
        (Operation::Status, vec!["status", "orders"]),
        (Operation::Status, vec!["freeze", "orders"]),
        (Operation::Status, vec!["quarantine", "list", "orders"]),
        (Operation::History, vec!["history", "orders"]),
        (Operation::History, vec!["watch", "orders"]),
        (Operation::Stats, vec!["stats", "--app", "orders"]),
        (Operation::Audit, vec!["audit", "orders"]),
        (Operation::Show, vec!["show", ID]),
        (Operation::Show, vec!["why", ID]),
        (Operation::Show, vec!["watch", ID]),
        (Operation::Logs, vec!["logs", ID]),
        (Operation::Plan, vec!["plan", "orders"]),
        (Operation::Begin, vec!["deploy", "orders", "--yes"]),
        (Operation::Begin, vec!["rollback", "orders", "--yes"]),
        (Operation::Cancel, vec!["cancel", ID, "--reason", "x"]),
        (Operation::Retry, vec!["retry", ID, "--reason", "x"]),
        (Operation::Approve, vec!["approve", ID, "--plan", DIGEST]),
        (Operation::Reject, vec!["reject", ID, "--reason", "x"]),
        (Operation::Lock, vec!["lock", "orders", "--reason", "x"]),
        (Operation::Unlock, vec!["unlock", "orders", "--reason", "x"]),
        (
            Operation::BreakGlass,
            vec!["freeze", "orders", "--break", ID, "--reason", "x"],
        ),
        (
            Operation::ClearQuarantine,
            vec!["quarantine", "clear", "orders", COMMIT, "--reason", "x"],
        ),
    ]
}

/// What the stand-in calls the request of an operation.
fn what(operation: Operation) -> String {
    let route = operation.route();
    let path = route.path.replace("{app}", "orders").replace("{id}", ID);
    format!(
        "{} {}",
        route.method.word(),
        path.replace("{commit}", COMMIT)
    )
}

#[test]
fn every_operation_of_the_api_is_reached_by_a_verb() {
    let reached: Vec<Operation> = verbs()
        .into_iter()
        .map(|(operation, _)| operation)
        .collect();
    for operation in Operation::ALL {
        assert!(reached.contains(operation), "{operation:?}");
    }
}

fn check(ran: &Ran, words: &[&str], code: i32, word: &str) {
    assert_eq!(ran.code, code, "{words:?}: {ran:?}");
    assert_eq!(ran.out, "", "{words:?}");
    assert!(ran.err.contains(&format!("({word})")), "{words:?}: {ran:?}");
    assert!(ran.err.contains("\n  next: "), "{words:?}: {ran:?}");
}

#[test]
fn without_the_right_the_role_that_is_missing_is_named() {
    for (operation, words) in verbs() {
        let forbidden = json!({ "message": "Forbidden" });
        let api = StandIn::start().on(&what(operation), 403, &forbidden);
        let ran = api.run(&words);
        check(&ran, &words, 3, "forbidden");
        let role = format!("the role {}", operation.route().role.word());
        assert!(ran.err.contains(&role), "{words:?}: {ran:?}");
        assert!(api.acts().len() <= 1, "{words:?}: {:?}", api.acts());
    }
}

fn passed_on(operation: Operation, words: &[&str], word: ErrorWord) {
    let code = match word.status() {
        400 => 2,
        401..=409 => 3,
        _ => 4,
    };
    let mut said = Said::new(word.status(), &Refusal::new(word, "what was wrong"));
    said.headers.push(("retry-after", "0".to_owned()));
    let api = StandIn::start().on_said(&what(operation), said);
    let ran = api.run(&[&["-o", "json"], words].concat());
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (code, ""),
        "{words:?}: {ran:?}"
    );
    let told: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(told["error"], word.word(), "{words:?}");
    assert_eq!(told["message"], "what was wrong", "{words:?}");
    let next = told["next"].as_str().unwrap();
    assert!(next.starts_with(word.next()), "{words:?}: {next}");
}

#[test]
fn each_word_of_the_api_is_passed_on_with_its_next_step() {
    for word in ErrorWord::ALL {
        passed_on(Operation::Cancel, &["cancel", ID, "--reason", "x"], *word);
    }
}

#[test]
fn each_verb_passes_on_wrong_names_states_and_what_has_expired() {
    for (operation, words) in verbs() {
        for word in [
            ErrorWord::BadRequest,
            ErrorWord::NotAllowed,
            ErrorWord::NoSuchApp,
            ErrorWord::WrongState,
            ErrorWord::Superseded,
            ErrorWord::Expired,
        ] {
            passed_on(operation, &words, word);
        }
    }
}

#[test]
fn a_word_of_a_newer_api_is_passed_on_too() {
    let said = json!({ "error": "brand_new", "message": "m", "next": "n" });
    let api = StandIn::start().on(&what(Operation::Show), 409, &said);
    check(&api.run(&["show", ID]), &["show"], 3, "brand_new");
}

#[test]
fn looks_are_repeated_when_the_api_is_busy_and_acts_are_not() {
    let busy = || {
        let mut said = Said::new(503, &Refusal::of(ErrorWord::Unavailable));
        said.headers.push(("retry-after", "0".to_owned()));
        said
    };
    let api =
        StandIn::start()
            .on_said("GET /v1/whoami", busy())
            .on("GET /v1/whoami", 200, &whoami());
    assert_eq!(api.run(&["whoami"]).code, 0);
    let api = StandIn::start().on_said("GET /v1/whoami", busy());
    check(&api.run(&["whoami"]), &["whoami"], 4, "unavailable");
    assert_eq!(api.asked().len(), 3);
    let begin = "POST /v1/apps/orders/deployments";
    let api = StandIn::start()
        .on_said(begin, busy())
        .on(begin, 201, &begun(awaiting()));
    let ran = api.run(&["deploy", "orders", "--yes"]);
    check(&ran, &["deploy"], 4, "unavailable");
    assert_eq!(api.acts().len(), 1);
}

#[test]
fn who_does_not_answer_is_named() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for (operation, words) in verbs() {
        let ran = run(&[&["--api-url", &url][..], &words].concat(), &[]);
        check(&ran, &words, 4, "unreachable");
        assert!(ran.err.contains(&url), "{ran:?}");
        let unsure = ran.err.contains("it may have been done all the same");
        assert_eq!(unsure, longshore_cli::api::changes(operation), "{ran:?}");
    }
}

#[test]
fn an_address_that_is_no_api_is_not_taken_for_an_app_that_is_missing() {
    let api = StandIn::start();
    let ran = api.run(&["status", "orders"]);
    check(&ran, &["status"], 4, "no_api");
}

#[test]
fn without_credentials_nothing_is_sent() {
    let api = StandIn::start();
    let url = api.url();
    let ran = run(&["--api-url", &url, "whoami"], &[("AWS_ACCESS_KEY_ID", "")]);
    check(&ran, &["whoami"], 4, "no_credentials");
    assert!(api.asked().is_empty());
    assert!(!ran.err.contains("secret"), "{ran:?}");
}

#[test]
fn what_is_missing_on_the_command_line_is_asked_for() {
    let ran = run(&["status"], &[]);
    check(&ran, &["status"], 2, "no_environment");
    let ran = run(
        &["--api-url", "http://127.0.0.1:1", "status"],
        &[("AWS_REGION", "")],
    );
    check(&ran, &["status"], 2, "no_region");
    let ran = run(&["--api-url", "no address", "status"], &[]);
    check(&ran, &["status"], 2, "bad_url");
    let wrong: [&[&str]; 6] = [
        &["reject", ID],
        &["show", "Not An App!"],
        &["deploy", "orders", "--commit", "8c1f5e"],
        &["lock", "orders", "--reason", "x", "--for", "soon"],
        &["-e", "Prod!", "status"],
        &["undo"],
    ];
    for words in wrong {
        assert_eq!(run(words, &[]).code, 2, "{words:?}");
    }
}

#[test]
fn a_command_line_that_cannot_be_read_is_told_as_every_failure_is() {
    let ran = run(&["lock", "orders"], &[("LONGSHORE_ENVIRONMENT", "prod")]);
    check(&ran, &["lock"], 2, "usage");
    assert!(ran.err.contains("--reason <TEXT>"), "{ran:?}");
    assert!(!ran.err.contains("--environment"), "{ran:?}");
    assert!(ran.err.contains("next: longshore lock --help"), "{ran:?}");
    for form in [&["-o", "json"][..], &["--output=json"]] {
        let words = [&["quarantine", "clear", "orders"], form].concat();
        let ran = run(&words, &[]);
        let told: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!((ran.code, &told["error"]), (2, &json!("usage")), "{ran:?}");
        assert_eq!(told["next"], "longshore quarantine clear --help");
    }
    assert_eq!(run(&["--help"], &[]).code, 0);
    assert_eq!(run(&["lock", "--help"], &[]).code, 0);
}

#[test]
fn an_environment_that_does_not_exist_is_named() {
    let missing = json!({ "__type": "ParameterNotFound", "message": "none" });
    let aws = StandIn::start().on("AmazonSSM.GetParameter", 400, &missing);
    let ran = run(
        &["-e", "prdo", "status"],
        &[("AWS_ENDPOINT_URL", &aws.url())],
    );
    check(&ran, &["status"], 3, "no_such_environment");
    let denied = json!({ "__type": "AccessDeniedException", "message": "not you" });
    let aws = StandIn::start().on("AmazonSSM.GetParameter", 400, &denied);
    let ran = run(
        &["-e", "prod", "status"],
        &[("AWS_ENDPOINT_URL", &aws.url())],
    );
    check(&ran, &["status"], 3, "aws_refused");
}

#[test]
fn nothing_is_shown_of_an_environment_that_was_not_meant() {
    let api = StandIn::start().on("GET /v1/whoami", 200, &whoami());
    for verb in [&["status"][..], &["history", "orders"], &["why", "orders"]] {
        let all = [&["-e", "staging"], verb].concat();
        check(&api.run(&all), verb, 3, "other_environment");
    }
}

#[test]
fn nothing_is_changed_in_an_environment_that_was_not_meant() {
    let api = StandIn::start().on("GET /v1/whoami", 200, &whoami()).on(
        "POST /v1/apps/orders/deployments",
        201,
        &begun(awaiting()),
    );
    let ran = api.run(&["-e", "staging", "deploy", "orders", "--yes"]);
    check(&ran, &["deploy"], 3, "other_environment");
    assert_eq!(api.acts(), Vec::<String>::new());
    assert_eq!(
        api.run(&["-e", "prod", "deploy", "orders", "--yes"]).code,
        0
    );
}

#[test]
fn a_deployment_that_does_not_wait_is_not_asked_about() {
    let api = StandIn::start()
        .on(&format!("GET /v1/deployments/{ID}"), 200, &rolled_back())
        .on(
            "GET /v1/apps/orders/deployments",
            200,
            &json!({ "deployments": [] }),
        );
    check(&api.run(&["approve", ID]), &["approve"], 3, "wrong_state");
    check(
        &api.run(&["approve", "orders"]),
        &["approve"],
        3,
        "wrong_state",
    );
    check(
        &api.run(&["show", "orders"]),
        &["show"],
        3,
        "no_such_deployment",
    );
    assert_eq!(api.acts(), Vec::<String>::new());
}

#[test]
fn a_clock_that_is_wrong_is_found_to_be_the_reason() {
    let mut said = Said::new(403, &json!({ "message": "Signature expired" }));
    said.headers
        .push(("date", "Tue, 04 Jan 2000 10:00:00 GMT".to_owned()));
    let api = StandIn::start().on_said("GET /v1/whoami", said);
    check(&api.run(&["whoami"]), &["whoami"], 3, "clock_wrong");
}
