//! What every store must do, in small cases. Each runs on the store in memory, and on a real table where there is one:
//! `LONGSHORE_TEST_DYNAMODB` names the endpoint of MiniStack or of DynamoDB Local. Without it those cases say that they
//! were skipped. Each case has an account of its own, by the access key id, and makes its table itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

#[path = "store_contract/pushes.rs"]
mod pushes;
#[path = "../../core/tests/common/samples.rs"]
mod samples;
#[path = "store_contract/saves.rs"]
mod saves;
#[path = "store_contract/table.rs"]
mod table;

use longshore_core::{
    AppName, Channel, CommandId, Decision, Deployment, Observation, SkipReason, Slot, State,
};
use longshore_shell::fakes::MemoryStore;
use longshore_shell::ports::{
    Accept, Belongs, DigestName, PushKey, Recorded, Save, Store, StoreError, Told,
};
use samples::{accepted, id, policy};

/// Declares each case for both stores.
macro_rules! contract {
    ($($of:ident: $case:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $case() {
                super::$of::$case(&super::MemoryStore::new()).await;
            })*
        }

        mod dynamo {
            $(#[tokio::test]
            async fn $case() {
                if let Some(store) = super::table::store_for(stringify!($case)).await {
                    super::$of::$case(&store).await;
                }
            })*
        }
    };
}

contract! {
    pushes: what_was_never_written_is_not_there,
    pushes: an_accepted_push_is_on_record_with_its_slot_and_decision,
    pushes: a_repeated_push_gets_the_first_decision_and_writes_nothing,
    pushes: a_skip_is_recorded_once,
    pushes: a_change_that_was_skipped_is_not_accepted_later,
    pushes: a_change_that_was_accepted_is_not_skipped_later,
    pushes: every_reason_to_skip_is_read_back,
    pushes: accepting_on_an_outdated_slot_writes_nothing,
    pushes: accepting_a_deployment_that_exists_writes_nothing,
    pushes: accepting_replaces_the_waiting_deployment_in_the_same_write,
    pushes: accepting_against_an_outdated_waiting_deployment_writes_nothing,
    saves: every_state_is_read_back_as_it_was_saved,
    saves: of_two_saves_of_one_version_the_second_conflicts,
    saves: a_save_of_a_version_that_never_was_conflicts,
    saves: a_first_save_is_refused_where_there_is_a_deployment,
    saves: a_save_with_an_outdated_slot_writes_nothing,
    saves: a_save_with_its_slot_writes_both,
    saves: an_outdated_save_leaves_its_slot_and_commands_unwritten,
    saves: one_slot_leaves_another_alone,
    saves: sent_commands_are_found_by_their_ids,
    saves: more_commands_than_one_transaction_takes_are_found_too,
    saves: a_command_may_be_recorded_again,
    saves: open_deployments_are_listed_until_they_are_at_rest,
    saves: the_history_of_an_app_is_its_deployments_the_newest_first,
    saves: a_large_fleet_is_read_back_as_it_was_saved,
    saves: how_far_a_channel_was_told_is_written_by_one_at_a_time,
}

fn app() -> AppName {
    AppName::parse("orders").unwrap()
}

fn push(number: u32) -> PushKey {
    PushKey(format!("{number:064x}"))
}

fn command(number: u32) -> CommandId {
    CommandId::parse(&format!("00000000-0000-4000-8000-{number:012}")).unwrap()
}

fn queued(number: u32) -> Deployment {
    let mut deployment = accepted(policy());
    deployment.id = id(number);
    deployment
}

fn waiting(slot: &Slot, deployment: &Deployment) -> Slot {
    slot.accept(&deployment.id).slot
}

/// The same as the store has it after one more write.
fn written(deployment: &Deployment) -> Deployment {
    let mut deployment = deployment.clone();
    deployment.version += 1;
    deployment
}

async fn save<S: Store>(store: &S, deployment: &Deployment) -> Result<(), StoreError> {
    let save = Save {
        deployment,
        slot: None,
        commands: &[],
    };
    store.save(save).await
}

async fn accept<S: Store>(
    store: &S,
    key: &PushKey,
    deployment: &Deployment,
    slot: &Slot,
) -> Result<Recorded, StoreError> {
    let accept = Accept {
        key,
        deployment,
        slot,
        superseded: None,
    };
    store.accept(accept).await
}

/// Accepts deployment 1 by push 1.
async fn first_push<S: Store>(store: &S) {
    let deployment = queued(1);
    let slot = waiting(&Slot::empty(app()), &deployment);
    let recorded = accept(store, &push(1), &deployment, &slot).await.unwrap();
    assert_eq!(recorded, Recorded::New);
}

fn assert_conflict<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(
        matches!(result, Err(StoreError::Conflict)),
        "not a conflict: {result:?}"
    );
}

#[tokio::test]
async fn the_index_of_the_store_in_memory_can_be_held_back() {
    let store = MemoryStore::new();
    store.hold_index();
    save(&store, &queued(1)).await.unwrap();
    assert_eq!(store.open().await.unwrap(), []);
    store.release_index();
    assert_eq!(store.open().await.unwrap(), [id(1)]);
}
