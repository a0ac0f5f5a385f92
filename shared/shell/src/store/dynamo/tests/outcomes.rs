//! What becomes of answers that are lost, and of errors.

use super::wire::{Reply, conditional_check_failed, transaction_canceled};
use super::{OURS, app, kind, plain, push, queued, store};
use crate::ports::{Accept, Recorded, Save, Store, StoreError};
use crate::store::samples::START;
use longshore_core::{Decision, SkipReason, Slot};
use serde_json::{Value, json};

const THEIRS: &str = "process-of-somebody-else-1";

fn written_by(writer: &str) -> Value {
    json!({"writer": {"S": writer}})
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_recognises_its_own_effect() {
    for lost in [Reply::Lost, Reply::error(500, "InternalServerError")] {
        let (store, wire) = store([lost, conditional_check_failed(&written_by(OURS))]);
        store.save(plain(&queued())).await.unwrap();
        let [first, second] = wire.requests().try_into().unwrap();
        assert_eq!(first, second, "a retry is the same request");
    }
}

#[tokio::test]
async fn a_put_that_meets_the_item_of_another_is_a_conflict() {
    for standing in [written_by(THEIRS), json!({}), Value::Null] {
        let (store, _) = store([Reply::Lost, conditional_check_failed(&standing)]);
        let error = store.save(plain(&queued())).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict), "{error:?}");
    }
}

#[tokio::test]
async fn the_token_of_an_earlier_write_of_the_same_process_is_another() {
    let (store, _) = store([
        Reply::ok(json!({})),
        conditional_check_failed(&written_by(OURS)),
    ]);
    store.save(plain(&queued())).await.unwrap();
    let error = store.save(plain(&queued())).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict), "{error:?}");
}

#[tokio::test]
async fn a_transaction_whose_answer_was_lost_recognises_its_own_effect() {
    let slot = Slot::empty(app());
    // Somebody has written over the slot since; the decision still proves that the transaction took place.
    let canceled = transaction_canceled(&[
        ("ConditionalCheckFailed", written_by(OURS)),
        ("ConditionalCheckFailed", written_by(OURS)),
        ("ConditionalCheckFailed", written_by(THEIRS)),
    ]);
    let (store, _) = store([Reply::Lost, canceled]);
    let accept = Accept {
        key: &push(),
        deployment: &queued(),
        slot: &slot,
        superseded: None,
    };
    assert_eq!(store.accept(accept).await.unwrap(), Recorded::New);
}

#[tokio::test]
async fn a_save_with_its_slot_whose_answer_was_lost_recognises_its_own_effect() {
    let slot = Slot::empty(app());
    let canceled = transaction_canceled(&[
        ("ConditionalCheckFailed", written_by(THEIRS)),
        ("ConditionalCheckFailed", written_by(OURS)),
    ]);
    let (store, _) = store([Reply::Lost, canceled]);
    let save = Save {
        deployment: &queued(),
        slot: Some(&slot),
        commands: &[],
    };
    store.save(save).await.unwrap();
}

async fn accepted_by(reply: Reply) -> Result<Recorded, StoreError> {
    let (store, _) = store([reply]);
    let accept = Accept {
        key: &push(),
        deployment: &queued(),
        slot: &Slot::empty(app()),
        superseded: None,
    };
    store.accept(accept).await
}

#[tokio::test]
async fn a_push_that_was_decided_before_gets_that_decision() {
    let before = json!({
        "schema": {"N": "1"}, "writer": {"S": THEIRS},
        "decision": {"S": "skip"}, "reason": {"S": "quarantined"}
    });
    let reply = transaction_canceled(&[
        ("ConditionalCheckFailed", before),
        ("None", Value::Null),
        ("ConditionalCheckFailed", written_by(THEIRS)),
    ]);
    let skipped = Decision::Skip(SkipReason::Quarantined);
    assert_eq!(accepted_by(reply).await.unwrap(), Recorded::Before(skipped));
}

#[tokio::test]
async fn a_push_that_meets_another_slot_is_a_conflict() {
    let reply = transaction_canceled(&[
        ("None", Value::Null),
        ("None", Value::Null),
        ("ConditionalCheckFailed", written_by(THEIRS)),
    ]);
    let error = accepted_by(reply).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict), "{error:?}");
}

#[tokio::test]
async fn a_decision_that_nobody_can_read_is_not_guessed() {
    for (name, value) in [("decision", "maybe"), ("reason", "whim")] {
        let mut before = json!({
            "schema": {"N": "1"}, "decision": {"S": "skip"}, "reason": {"S": "tag"}
        });
        before[name] = json!({"S": value});
        let reply = transaction_canceled(&[("ConditionalCheckFailed", before)]);
        let error = accepted_by(reply).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_skip_whose_answer_was_lost_is_new() {
    let (store, _) = store([Reply::Lost, conditional_check_failed(&written_by(OURS))]);
    let decision = Decision::Skip(SkipReason::Tag);
    let recorded = store.skip(&push(), &decision, START).await.unwrap();
    assert_eq!(recorded, Recorded::New);
}

#[tokio::test]
async fn an_error_says_what_to_do_about_it() {
    let answers = [
        (400, "ThrottlingException", "unavailable"),
        (400, "ProvisionedThroughputExceededException", "unavailable"),
        (400, "RequestLimitExceeded", "unavailable"),
        (500, "InternalServerError", "unavailable"),
        (503, "ServiceUnavailable", "unavailable"),
        (502, "SomethingNew", "unavailable"),
        (400, "TransactionConflictException", "conflict"),
        (400, "ValidationException", "refused"),
        (400, "AccessDeniedException", "refused"),
        (400, "ResourceNotFoundException", "refused"),
        (400, "UnrecognizedClientException", "refused"),
        (400, "SomethingNew", "refused"),
    ];
    for (status, code, expected) in answers {
        let again = || (0..3).map(move |_| Reply::error(status, code));
        let error = store(again()).0.save(plain(&queued())).await.unwrap_err();
        assert_eq!(kind(&error), expected, "save: {status} {code}");
        let error = store(again()).0.slot(&app()).await.unwrap_err();
        assert_eq!(kind(&error), expected, "slot: {status} {code}");
    }
    let lost = store([Reply::Lost, Reply::Lost, Reply::Lost]).0;
    let error = lost.save(plain(&queued())).await.unwrap_err();
    assert_eq!(kind(&error), "unavailable");
}

#[tokio::test]
async fn a_cancelled_transaction_says_what_to_do_about_it() {
    for (code, expected) in [
        ("TransactionConflict", "conflict"),
        ("ThrottlingError", "unavailable"),
        ("ProvisionedThroughputExceeded", "unavailable"),
        ("ValidationError", "refused"),
        ("ItemCollectionSizeLimitExceeded", "refused"),
        ("None", "conflict"),
    ] {
        let reply = transaction_canceled(&[("None", Value::Null), (code, Value::Null)]);
        let error = accepted_by(reply).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{code}");
    }
    for (code, expected) in [
        ("TransactionInProgressException", "unavailable"),
        ("IdempotentParameterMismatchException", "refused"),
    ] {
        let (store, _) = store((0..3).map(|_| Reply::error(400, code)));
        let slot = Slot::empty(app());
        let save = Save {
            deployment: &queued(),
            slot: Some(&slot),
            commands: &[],
        };
        let error = store.save(save).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{code}");
    }
}

#[tokio::test]
async fn no_error_carries_the_body_of_an_item() {
    let mut standing = written_by(THEIRS);
    standing["body"] = json!({"S": "the body"});
    let replies = [
        conditional_check_failed(&standing),
        Reply::error(400, "AccessDeniedException"),
    ];
    for reply in replies {
        let error = store([reply]).0.save(plain(&queued())).await.unwrap_err();
        let debugged = format!("{error:?}");
        assert!(!debugged.contains("the body"), "{debugged}");
        assert!(!debugged.contains("HttpResponse"), "{debugged}");
    }
}
