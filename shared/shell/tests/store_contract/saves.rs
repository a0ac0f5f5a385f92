//! Writing deployments and their slots, and finding them.

use super::samples::{self, START, every_state, id, must};
use super::*;

pub(super) async fn every_state_is_read_back_as_it_was_saved<S: Store>(store: &S) {
    for (number, name) in (1..).zip(State::NAMES) {
        let mut states = every_state().into_iter();
        let mut deployment = states.find(|d| d.state.name() == name).unwrap();
        deployment.id = id(number);
        save(store, &deployment).await.unwrap();
        let read = store.deployment(&id(number)).await.unwrap();
        assert_eq!(read, Some(written(&deployment)), "{name}");
    }
}

pub(super) async fn of_two_saves_of_one_version_the_second_conflicts<S: Store>(store: &S) {
    first_push(store).await;
    let read = store.deployment(&id(1)).await.unwrap().unwrap();
    let started = must(&read, &Observation::Ready(samples::start(2, true)), START);
    let cancelled = must(&read, &Observation::CancelRequested(samples::said()), START);
    save(store, &started).await.unwrap();
    assert_conflict(&save(store, &cancelled).await);
    let read = store.deployment(&id(1)).await.unwrap();
    assert_eq!(read, Some(written(&started)));
}

pub(super) async fn a_save_of_a_version_that_never_was_conflicts<S: Store>(store: &S) {
    let mut deployment = queued(1);
    deployment.version = 3;
    assert_conflict(&save(store, &deployment).await);
    assert_eq!(store.deployment(&id(1)).await.unwrap(), None);
    first_push(store).await;
    assert_conflict(&save(store, &deployment).await);
}

pub(super) async fn a_first_save_is_refused_where_there_is_a_deployment<S: Store>(store: &S) {
    save(store, &queued(1)).await.unwrap();
    assert_conflict(&save(store, &queued(1)).await);
}

pub(super) async fn a_save_with_an_outdated_slot_writes_nothing<S: Store>(store: &S) {
    first_push(store).await;
    let read = store.deployment(&id(1)).await.unwrap().unwrap();
    let slot = store.slot(&app()).await.unwrap();
    for version in [0, 7] {
        let mut outdated = slot.clone();
        outdated.version = version;
        let both = Save {
            deployment: &read,
            slot: Some(&outdated),
            commands: &[],
        };
        assert_conflict(&store.save(both).await);
    }
    assert_eq!(store.deployment(&id(1)).await.unwrap().unwrap(), read);
    assert_eq!(store.slot(&app()).await.unwrap(), slot);
}

pub(super) async fn a_save_with_its_slot_writes_both<S: Store>(store: &S) {
    first_push(store).await;
    let read = store.deployment(&id(1)).await.unwrap().unwrap();
    let slot = store.slot(&app()).await.unwrap();
    let (begun, _) = slot.begin(&id(1), START).unwrap();
    let started = must(&read, &Observation::Ready(samples::start(2, true)), START);
    let both = Save {
        deployment: &started,
        slot: Some(&begun),
        commands: &[],
    };
    store.save(both).await.unwrap();
    let read = store.deployment(&id(1)).await.unwrap();
    assert_eq!(read, Some(written(&started)));
    let slot = store.slot(&app()).await.unwrap();
    assert_eq!((slot.running, slot.waiting), (Some(id(1)), None));
    assert_eq!((slot.generation, slot.version), (begun.generation, 2));
}

pub(super) async fn an_outdated_save_leaves_its_slot_and_commands_unwritten<S: Store>(store: &S) {
    first_push(store).await;
    let slot = store.slot(&app()).await.unwrap();
    let outdated = queued(1);
    let all = Save {
        deployment: &outdated,
        slot: Some(&slot),
        commands: &[command(1)],
    };
    assert_conflict(&store.save(all).await);
    assert_eq!(store.slot(&app()).await.unwrap(), slot);
    assert_eq!(store.deployment_of(&command(1)).await.unwrap(), None);
}

pub(super) async fn one_slot_leaves_another_alone<S: Store>(store: &S) {
    first_push(store).await;
    let other = AppName::parse("orders-2").unwrap();
    assert_eq!(store.slot(&other).await.unwrap(), Slot::empty(other));
}

fn belongs(number: u32) -> Belongs {
    Belongs {
        deployment: id(number),
        to_a_large_one: false,
    }
}

pub(super) async fn sent_commands_are_found_by_their_ids<S: Store>(store: &S) {
    first_push(store).await;
    let read = store.deployment(&id(1)).await.unwrap().unwrap();
    let sent = Save {
        deployment: &read,
        slot: None,
        commands: &[command(1), command(2)],
    };
    store.save(sent).await.unwrap();
    for number in [1, 2] {
        let found = store.deployment_of(&command(number)).await.unwrap();
        assert_eq!(found, Some(belongs(1)));
    }
    assert_eq!(store.deployment_of(&command(3)).await.unwrap(), None);
}

pub(super) async fn more_commands_than_one_transaction_takes_are_found_too<S: Store>(store: &S) {
    let commands: Vec<CommandId> = (0..250).map(command).collect();
    let sent = Save {
        deployment: &queued(1),
        slot: Some(&Slot::empty(app())),
        commands: &commands,
    };
    store.save(sent).await.unwrap();
    for command in &commands {
        let found = store.deployment_of(command).await.unwrap();
        assert_eq!(found, Some(belongs(1)));
    }
}

pub(super) async fn a_command_may_be_recorded_again<S: Store>(store: &S) {
    for version in [0, 1] {
        let mut deployment = queued(1);
        deployment.version = version;
        let sent = Save {
            deployment: &deployment,
            slot: None,
            commands: &[command(1), command(1)],
        };
        store.save(sent).await.unwrap();
    }
    let found = store.deployment_of(&command(1)).await.unwrap();
    assert_eq!(found, Some(belongs(1)));
}

pub(super) async fn open_deployments_are_listed_until_they_are_at_rest<S: Store>(store: &S) {
    for number in [3, 1, 2] {
        save(store, &queued(number)).await.unwrap();
    }
    assert_eq!(store.open().await.unwrap(), [id(1), id(2), id(3)]);
    let read = store.deployment(&id(2)).await.unwrap().unwrap();
    let over = must(&read, &Observation::CancelRequested(samples::said()), START);
    save(store, &over).await.unwrap();
    assert_eq!(
        store.open().await.unwrap(),
        [id(1), id(2), id(3)],
        "an end is still to be announced"
    );
    let told = must(&written(&over), &Observation::Announced(1), START);
    assert!(told.is_at_rest());
    save(store, &told).await.unwrap();
    assert_eq!(store.open().await.unwrap(), [id(1), id(3)]);
}

pub(super) async fn a_large_fleet_is_read_back_as_it_was_saved<S: Store>(store: &S) {
    let start = Observation::Ready(samples::start(1000, true));
    let deployment = must(&queued(1), &start, START);
    save(store, &deployment).await.unwrap();
    let read = store.deployment(&id(1)).await.unwrap();
    assert!(read == Some(written(&deployment)));
}

/// An index may lag; on the emulators it does not.
pub(super) async fn the_history_of_an_app_is_its_deployments_the_newest_first<S: Store>(store: &S) {
    first_push(store).await;
    for number in [3, 2, 5] {
        save(store, &queued(number)).await.unwrap();
    }
    let mut of_another_app = queued(4);
    of_another_app.app = AppName::parse("stock").unwrap();
    save(store, &of_another_app).await.unwrap();
    let page = async |before: Option<u32>, limit| {
        let before = before.map(id);
        store.history(&app(), before.as_ref(), limit).await.unwrap()
    };
    assert_eq!(page(None, 10).await, [id(5), id(3), id(2), id(1)]);
    assert_eq!(page(None, 2).await, [id(5), id(3)]);
    assert_eq!(page(Some(3), 10).await, [id(2), id(1)]);
    assert_eq!(page(Some(4), 1).await, [id(3)]);
    assert_eq!(page(Some(1), 10).await, []);
    let nobodys = AppName::parse("nobodys").unwrap();
    assert_eq!(store.history(&nobodys, None, 10).await.unwrap(), []);
}

pub(super) async fn how_far_a_channel_was_told_is_written_by_one_at_a_time<S: Store>(store: &S) {
    let name = |at: &str| DigestName {
        channel: Channel::Sns,
        at: at.to_owned(),
    };
    let (morning, evening) = (name("09:00 Europe/Berlin"), name("17:00"));
    let nothing = store.told(&morning).await.unwrap();
    assert_eq!(nothing, Told::nothing(morning.clone()));
    let claim = Told {
        claimed_until: Some(START),
        ..nothing.clone()
    };
    store.tell(&claim, START).await.unwrap();
    assert_conflict(&store.tell(&claim, START).await);
    let claimed = store.told(&morning).await.unwrap();
    assert_eq!((claimed.claimed_until, claimed.version), (Some(START), 1));
    let told = Told {
        until: Some(START),
        claimed_until: None,
        ..claimed
    };
    store.tell(&told, START).await.unwrap();
    assert_conflict(&store.tell(&nothing, START).await);
    let read = store.told(&morning).await.unwrap();
    assert_eq!((read.until, read.claimed_until), (Some(START), None));
    assert_eq!(store.told(&evening).await.unwrap().version, 0);
}
