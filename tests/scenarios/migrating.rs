//! Migrations: the verdict before anything moves, and what a rollback does with the database.

use longshore_core::{Found, HostId, State, Verdict};
use longshore_shell::fakes::{Behaviour, FakeHost, Point, ScriptFault, Trouble};
use longshore_tests::{Bench, host};
use serde_json::json;

/// Three hosts on a live release, and a commit whose migrations are judged so.
fn judged(behaviour: Behaviour, verdict: Verdict, is_allowed: bool) -> Bench {
    let mut bench = Bench::new(3);
    bench.configure(&json!({"hooks": {"migrate": "migrate"}}));
    bench.live("a").behaves("b", behaviour);
    let found = Found::new(verdict, is_allowed, 2, ["2-drop.sql: DROP COLUMN"]);
    bench.judges("b", &found);
    bench.push("b");
    bench
}

/// What was told, or why it ended, in one text.
fn detail(bench: &Bench) -> String {
    let State::Ended { outcome, .. } = bench.deployment("b").state else {
        panic!("it goes on");
    };
    let failure = outcome.failure().expect("a failure");
    format!("{}: {}", failure.class.word(), failure.detail())
}

fn leader(bench: &Bench) -> FakeHost {
    bench.cloud.world.ssm.hosts_now()[&host(1)].clone()
}

fn hosts_asked(bench: &Bench, action: &str) -> Vec<Vec<HostId>> {
    let sent = bench.cloud.world.ssm.sent().into_iter();
    sent.filter(|order| order.action().word() == action)
        .map(|order| order.hosts)
        .collect()
}

fn states(bench: &Bench) -> Vec<&'static str> {
    let timeline = bench.deployment("b").timeline;
    timeline.iter().map(|entry| entry.state).collect()
}

#[test]
fn a_rollback_takes_the_migrations_back_on_one_host_before_any_host_switches() {
    let mut bench = judged(Behaviour::TurnsSick, Verdict::NeedsDown, false);
    bench.run_to("b", "Unmigrating");
    assert_eq!(bench.served(), "bbb");
    bench.run();
    assert_eq!(bench.end_of("b"), "RolledBack");
    assert_eq!(bench.served(), "aaa");
    assert_eq!(hosts_asked(&bench, "unmigrate"), [[host(1)]]);
    let order = bench.cloud.world.ssm.sent();
    let order = order.iter().find(|o| o.action().word() == "unmigrate");
    let release = bench.deployment("b").state.run().unwrap().release.clone();
    assert_eq!(
        order.unwrap().release,
        release,
        "with the new release's code"
    );
    let at = |name| states(&bench).iter().position(|state| *state == name);
    assert!(at("Unmigrating") < at("RollingBack"));
    let told = bench.cloud.people.told();
    let on_sns = told.iter().filter(|t| t.channel == "sns");
    let back = on_sns.filter(|t| t.text.contains("rolling back"));
    assert_eq!(back.count(), 1, "one rollback is told once");
}

#[test]
fn migrations_that_fit_are_left_where_they_are() {
    let mut bench = judged(Behaviour::TurnsSick, Verdict::Safe, false);
    bench.run();
    assert_eq!(bench.end_of("b"), "RolledBack");
    assert_eq!(bench.sent("unmigrate"), 0);
    assert_eq!(leader(&bench).migrated, 2);
}

#[test]
fn migrations_without_a_way_back_end_a_deployment_before_anything_moves() {
    let mut bench = judged(Behaviour::Good, Verdict::Impossible, false);
    bench.run();
    assert_eq!(bench.end_of("b"), "Failed");
    assert_eq!((bench.served().as_str(), bench.sent("migrate")), ("aaa", 1));
    let expected = format!(
        "migration_irreversible: {}: 2-drop.sql: DROP COLUMN",
        host(1)
    );
    assert_eq!(detail(&bench), expected);
    let told = bench.cloud.people.told();
    let last = &told.last().unwrap().text;
    assert!(last.contains("2-drop.sql: DROP COLUMN"), "{last}");
}

#[test]
fn the_first_release_needs_no_way_back() {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"hooks": {"migrate": "migrate"}}));
    bench.judges("b", &Found::new(Verdict::Impossible, false, 2, ["2.js"]));
    bench.push("b");
    bench.run();
    assert_eq!(bench.end_of("b"), "Succeeded");
}

#[test]
fn an_operators_word_lets_them_run_and_then_no_host_is_switched_back() {
    let mut good = judged(Behaviour::Good, Verdict::Impossible, true);
    good.run();
    assert_eq!(good.end_of("b"), "Succeeded");
    let mut sick = judged(Behaviour::TurnsSick, Verdict::Impossible, true);
    sick.run();
    assert_eq!(sick.end_of("b"), "RollbackFailed");
    assert_eq!(sick.served(), "bbb");
    assert!(detail(&sick).starts_with("migration_irreversible: health_failed: "));
}

#[test]
fn migrations_that_cannot_be_taken_back_leave_the_hosts_and_call_a_person() {
    let mut bench = judged(Behaviour::TurnsSick, Verdict::NeedsDown, false);
    bench.cloud.world.ssm.change_host(&host(1), |host| {
        host.troubles.insert(Trouble::DownFails);
    });
    bench.run();
    assert_eq!(bench.end_of("b"), "RollbackFailed");
    assert_eq!(bench.served(), "bbb");
    let known = "the database may be taken back in part: migration_down_failed: Error: it broke";
    assert_eq!(
        detail(&bench),
        format!("migration_down_failed: {}: {known}", host(1))
    );
    assert!(bench.logged("rollback_failed"));
}

#[test]
fn a_step_that_takes_back_is_begun_once_wherever_it_is_killed() {
    for point in Point::ALL {
        let mut bench = judged(Behaviour::TurnsSick, Verdict::NeedsDown, false);
        let ssm = bench.cloud.world.ssm.clone();
        bench.run_to("b", "Unmigrating");
        ssm.fail_scripts(&host(1), [ScriptFault::Killed(point)]);
        bench.run_for(20);
        ssm.restart_agent(&host(1));
        bench.run();
        let leader = leader(&bench);
        assert!(leader.downs.values().all(|begun| *begun == 1), "{point:?}");
        let is_back = leader.taken_back == 1;
        let known = bench.end_of("b") == "RolledBack";
        assert!(is_back || !known, "{point:?}");
        let expected = if known { "aaa" } else { "bbb" };
        assert_eq!(bench.served(), expected, "{point:?}");
    }
}

#[test]
fn a_host_without_the_release_before_is_not_the_one_that_judges_and_migrates() {
    let mut bench = judged(Behaviour::Good, Verdict::NeedsDown, false);
    bench.cloud.world.ssm.change_host(&host(1), |host| {
        host.releases.clear();
    });
    bench.run();
    let run = bench.deployment("b").state.run().unwrap().clone();
    assert_eq!(run.migrations.unwrap().leader, host(2));
    assert_eq!(hosts_asked(&bench, "migrate").last(), Some(&vec![host(2)]));
}

/// The release before cannot live with the database as it is, so it goes to no host without a person.
#[test]
fn nothing_is_brought_to_hosts_while_migrations_could_not_be_taken_back() {
    let mut bench = judged(Behaviour::TurnsSick, Verdict::Impossible, true);
    bench.watch();
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("RollbackFailed", "bbb")
    );
    bench.bear(4);
    bench.run_for(3600);
    assert_eq!(
        (bench.deployments().len(), bench.served().as_str()),
        (2, "bbb-")
    );
    // A release that fits the database ends it, and every host comes along.
    bench.judges("c", &Found::new(Verdict::Safe, false, 0, []));
    bench.push("c");
    bench.run();
    assert_eq!(
        (bench.end_of("c"), bench.served().as_str()),
        ("Succeeded", "cccc")
    );
    bench.bear(5);
    bench.run_for(700);
    bench.run();
    assert_eq!(bench.served(), "ccccc");
}
