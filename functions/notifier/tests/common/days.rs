//! Days to tell of, made of the stories' deployments.

use crate::stories::{Story, all, ann};
use longshore_core::{
    AppName, Channel, ChannelName, Deployment, DeploymentId, EnvironmentName, Lock, Millis, Reason,
    Repository, Slot, State, Timestamp,
};
use longshore_shell::ports::DigestName;
use notifier::digest::{AppDay, Day};

fn app(name: &str) -> AppName {
    AppName::parse(name).unwrap()
}

/// The deployment of a story, as the one of this number of an app.
fn of(story: &str, name: &str, number: u32) -> Deployment {
    let (_, story, _) = all()
        .into_iter()
        .find(|(known, ..)| *known == story)
        .unwrap();
    let Story { mut deployment, .. } = story;
    deployment.id = DeploymentId::parse(&format!("01JD{number:022}")).unwrap();
    deployment.app = app(name);
    deployment
}

fn app_day(name: &str, ended: &[(&str, u32)]) -> AppDay {
    let ended: Vec<Deployment> = ended
        .iter()
        .map(|(story, number)| of(story, name, *number))
        .collect();
    let well = ended.iter().filter(|one| one.state.name() == "Succeeded");
    AppDay {
        app: app(name),
        newest_well: well.map(|one| one.id.clone()).max(),
        ended,
        asks: None,
        slot: Slot::empty(app(name)),
        has_more: false,
        is_unreadable: false,
    }
}

fn day(apps: Vec<AppDay>) -> Day {
    let until = Timestamp::from_unix_ms(1_700_035_200_000);
    Day {
        environment: EnvironmentName::parse("prod").unwrap(),
        name: DigestName {
            channel: Channel::Slack(ChannelName::parse("deployments").unwrap()),
            at: "09:00 Europe/Berlin".to_owned(),
        },
        from: Timestamp::from_unix_ms(1_699_948_800_000),
        is_missing_something: false,
        until,
        now: until.after(Millis::from_secs(60)),
        apps,
        unread: Vec::new(),
        unlooked: Vec::new(),
    }
}

/// Every kind of day.
pub(crate) fn days() -> Vec<(&'static str, Day)> {
    vec![
        ("digest_quiet", quiet()),
        ("digest_mixed", mixed()),
        ("digest_broken", broken()),
        ("digest_stranded", stranded()),
        ("digest_crowded", crowded()),
    ]
}

/// All that was deployed is live; a failure was put right.
fn quiet() -> Day {
    let orders = app_day(
        "orders",
        &[("succeeded", 9), ("failed_preparing", 8), ("superseded", 7)],
    );
    day(vec![
        orders,
        app_day("billing", &[("succeeded_with_excused", 6)]),
        app_day("shop", &[]),
    ])
}

/// Somebody is asked, somebody holds an app, and a release went back.
fn mixed() -> Day {
    let mut orders = app_day("orders", &[("rolled_back", 9), ("succeeded", 8)]);
    let mut asked = of("approval_wanted", "orders", 10);
    if let State::AwaitingApproval { deadline, .. } = &mut asked.state {
        *deadline = Timestamp::from_unix_ms(1_700_035_200_000).after(Millis::from_secs(3 * 3600));
    }
    orders.asks = Some(asked);
    let mut billing = app_day(
        "billing",
        &[("succeeded", 7), ("went_back_with_the_database", 6)],
    );
    billing.slot.lock = Some(Lock {
        owner: ann(),
        reason: Some(Reason::parse("stocktaking <until> \u{202e}noon").unwrap()),
        expires_at: Timestamp::from_unix_ms(1_700_035_200_000).after(Millis::from_secs(2 * 3600)),
    });
    let mut day = day(vec![orders, billing]);
    day.unread = vec![Repository::parse("acme/shop").unwrap()];
    day
}

/// A host may serve nothing.
fn broken() -> Day {
    day(vec![app_day(
        "orders",
        &[("rollback_failed", 9), ("succeeded", 8)],
    )])
}

/// The database fits nothing that is known.
fn stranded() -> Day {
    let mut orders = app_day("orders", &[("no_way_back", 9)]);
    orders.slot.stranded = Some(DeploymentId::parse("01JD0000000000000000000009").unwrap());
    day(vec![orders])
}

/// More than a message holds, after days in which the channel was down.
fn crowded() -> Day {
    let many: Vec<(&str, u32)> = (1..30).rev().map(|number| ("succeeded", number)).collect();
    let apps =
        (1..20).map(|number| app_day(&format!("app-{number:02}"), &[("failed_preparing", number)]));
    let mut orders = app_day("orders", &many);
    orders.has_more = true;
    // What hurts users comes last, and must not be cut off.
    let hurt = app_day("zebra", &[("rollback_failed", 1)]);
    let all = std::iter::once(orders).chain(apps).chain([hurt]);
    let mut day = day(all.collect());
    day.from = Timestamp::from_unix_ms(1_699_654_400_000);
    day.is_missing_something = true;
    day.apps[1].is_unreadable = true;
    day.unlooked = vec![app("late")];
    day
}
