//! Deciding about a push.

use super::samples::{START, id, must};
use super::*;

pub(super) async fn what_was_never_written_is_not_there<S: Store>(store: &S) {
    assert_eq!(store.deployment(&id(1)).await.unwrap(), None);
    assert_eq!(store.slot(&app()).await.unwrap(), Slot::empty(app()));
    assert_eq!(store.decision(&push(1)).await.unwrap(), None);
    assert_eq!(store.deployment_of(&command(1)).await.unwrap(), None);
    assert_eq!(store.open().await.unwrap(), []);
}

pub(super) async fn an_accepted_push_is_on_record_with_its_slot_and_decision<S: Store>(store: &S) {
    first_push(store).await;
    let deployment = store.deployment(&id(1)).await.unwrap();
    assert_eq!(deployment, Some(written(&queued(1))));
    let slot = store.slot(&app()).await.unwrap();
    assert_eq!((slot.waiting, slot.version), (Some(id(1)), 1));
    let decision = store.decision(&push(1)).await.unwrap();
    assert_eq!(decision, Some(Decision::Deploy(id(1))));
    assert_eq!(store.open().await.unwrap(), [id(1)]);
}

pub(super) async fn a_repeated_push_gets_the_first_decision_and_writes_nothing<S: Store>(
    store: &S,
) {
    first_push(store).await;
    let slot = store.slot(&app()).await.unwrap();
    // The repeat was decided anew, with another id, on the current slot.
    let again = accept(store, &push(1), &queued(2), &waiting(&slot, &queued(2))).await;
    let before = Recorded::Before(Decision::Deploy(id(1)));
    assert_eq!(again.unwrap(), before);
    // So was this one, on the slot as it was before the first.
    let empty = Slot::empty(app());
    let again = accept(store, &push(1), &queued(3), &waiting(&empty, &queued(3))).await;
    assert_eq!(again.unwrap(), before);
    assert_eq!(store.deployment(&id(2)).await.unwrap(), None);
    assert_eq!(store.slot(&app()).await.unwrap(), slot);
}

pub(super) async fn a_skip_is_recorded_once<S: Store>(store: &S) {
    let first = Decision::Skip(SkipReason::OtherBranch);
    let second = Decision::Skip(SkipReason::Deleted);
    let recorded = store.skip(&push(1), &first, START).await.unwrap();
    assert_eq!(recorded, Recorded::New);
    let recorded = store.skip(&push(1), &second, START).await.unwrap();
    assert_eq!(recorded, Recorded::Before(first.clone()));
    assert_eq!(store.decision(&push(1)).await.unwrap(), Some(first));
}

pub(super) async fn a_change_that_was_skipped_is_not_accepted_later<S: Store>(store: &S) {
    let skipped = Decision::Skip(SkipReason::NotConfigured);
    store.skip(&push(1), &skipped, START).await.unwrap();
    let slot = waiting(&Slot::empty(app()), &queued(1));
    let recorded = accept(store, &push(1), &queued(1), &slot).await.unwrap();
    assert_eq!(recorded, Recorded::Before(skipped));
    assert_eq!(store.deployment(&id(1)).await.unwrap(), None);
    assert_eq!(store.slot(&app()).await.unwrap(), Slot::empty(app()));
}

pub(super) async fn a_change_that_was_accepted_is_not_skipped_later<S: Store>(store: &S) {
    first_push(store).await;
    let skip = Decision::Skip(SkipReason::Quarantined);
    let recorded = store.skip(&push(1), &skip, START).await.unwrap();
    assert_eq!(recorded, Recorded::Before(Decision::Deploy(id(1))));
}

pub(super) async fn every_reason_to_skip_is_read_back<S: Store>(store: &S) {
    for (number, reason) in (1..).zip(SkipReason::ALL) {
        let decision = Decision::Skip(reason);
        store.skip(&push(number), &decision, START).await.unwrap();
        let read = store.decision(&push(number)).await.unwrap();
        assert_eq!(read, Some(decision));
    }
}

pub(super) async fn accepting_on_an_outdated_slot_writes_nothing<S: Store>(store: &S) {
    first_push(store).await;
    let outdated = waiting(&Slot::empty(app()), &queued(2));
    assert_conflict(&accept(store, &push(2), &queued(2), &outdated).await);
    assert_eq!(store.deployment(&id(2)).await.unwrap(), None);
    assert_eq!(store.decision(&push(2)).await.unwrap(), None);
    let slot = store.slot(&app()).await.unwrap();
    assert_eq!((slot.waiting, slot.version), (Some(id(1)), 1));
}

pub(super) async fn accepting_a_deployment_that_exists_writes_nothing<S: Store>(store: &S) {
    first_push(store).await;
    let slot = store.slot(&app()).await.unwrap();
    assert_conflict(&accept(store, &push(2), &queued(1), &slot).await);
    assert_eq!(store.decision(&push(2)).await.unwrap(), None);
    assert_eq!(store.slot(&app()).await.unwrap(), slot);
}

pub(super) async fn accepting_replaces_the_waiting_deployment_in_the_same_write<S: Store>(
    store: &S,
) {
    first_push(store).await;
    let slot = store.slot(&app()).await.unwrap();
    let first = store.deployment(&id(1)).await.unwrap().unwrap();
    let superseded = must(&first, &Observation::Superseded(id(2)), START);
    let both = Accept {
        key: &push(2),
        deployment: &queued(2),
        slot: &waiting(&slot, &queued(2)),
        superseded: Some(&superseded),
    };
    assert_eq!(store.accept(both).await.unwrap(), Recorded::New);
    let slot = store.slot(&app()).await.unwrap();
    assert_eq!((slot.waiting, slot.version), (Some(id(2)), 2));
    let first = store.deployment(&id(1)).await.unwrap();
    assert_eq!(first, Some(written(&superseded)));
    assert_eq!(
        store.open().await.unwrap(),
        [id(1), id(2)],
        "the superseded one is still to be announced"
    );
}

pub(super) async fn accepting_against_an_outdated_waiting_deployment_writes_nothing<S: Store>(
    store: &S,
) {
    first_push(store).await;
    let slot = store.slot(&app()).await.unwrap();
    let read = store.deployment(&id(1)).await.unwrap().unwrap();
    save(store, &read).await.unwrap();
    let superseded = must(&read, &Observation::Superseded(id(2)), START);
    let both = Accept {
        key: &push(2),
        deployment: &queued(2),
        slot: &waiting(&slot, &queued(2)),
        superseded: Some(&superseded),
    };
    assert_conflict(&store.accept(both).await);
    assert_eq!(store.decision(&push(2)).await.unwrap(), None);
    assert_eq!(store.deployment(&id(2)).await.unwrap(), None);
    assert_eq!(store.slot(&app()).await.unwrap(), slot);
}
