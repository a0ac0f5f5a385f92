//! Operators: plans and who says yes to them, stopping, going back, trying again, holding an app, letting a commit in.

use longshore_core::{
    Artifact, CommitLine, Found, ObjectVersion, Outcome, ParameterName, Sha256Digest, Standing,
    State, Verdict,
};
use longshore_shell::fakes::{Behaviour, HeadFault, Trouble};
use longshore_shell::operate::{Back, Database, Refusal, Wish};
use longshore_shell::ports::{Deed, Store};
use longshore_tests::{Bench, commit, host};
use serde_json::json;

/// An app on three hosts with `a` live, whose pushes people are asked about from now on.
fn asked() -> Bench {
    let mut bench = Bench::new(3);
    bench.live("a");
    bench.configure(&json!({"approval": true}));
    bench
}

/// The same with `b` pushed, prepared and asked about.
fn waiting() -> Bench {
    let mut bench = asked();
    bench.push("b");
    bench.run_to("b", "AwaitingApproval");
    bench
}

fn back() -> Wish {
    Wish::Back(Back::default())
}

#[test]
fn a_plan_that_has_its_yes_goes_live_with_the_parameters_that_it_named() {
    let mut bench = asked();
    let name = ParameterName::parse("DATABASE_URL").unwrap();
    bench.cloud.world.ssm.set_parameter(&name, 7);
    bench.push("b");
    bench.run_to("b", "AwaitingApproval");
    assert_eq!(bench.served(), "aaa", "prepared, and nothing has moved");
    assert_eq!(bench.slot().running, None, "others may run meanwhile");
    bench.cloud.world.ssm.set_parameter(&name, 8);
    let plan = bench.plan("b");
    bench.approve("eve", "b", &plan).unwrap();
    bench.approve("eve", "b", &plan).unwrap_err();
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "bbb")
    );
    let live = bench.slot().live.unwrap().release;
    assert_eq!(
        live.parameters.get(&name),
        Some(&7),
        "the version that was seen"
    );
    let vote = bench.deployment("b").approval.unwrap().votes[0].clone();
    assert_eq!(
        (vote.by.as_str(), vote.via.to_string().as_str()),
        ("eve", "api")
    );
}

#[test]
fn a_plan_tells_the_commits_between_what_is_live_and_what_it_brings() {
    let mut bench = asked();
    bench.watch();
    for digit in ["b", "c", "d"] {
        bench.push(digit);
    }
    bench.run_to("d", "AwaitingApproval");
    let told = |bench: &Bench, digit: &str| {
        let changelog = bench.deployment(digit).changelog.expect("known");
        let commits = changelog.commits().iter();
        let line = |line: &CommitLine| format!("{} {}", line.author(), line.subject());
        commits.map(line).collect::<Vec<_>>()
    };
    let expected = ["d", "c", "b"].map(|digit| format!("Eve Example Commit {}", digit.repeat(12)));
    assert_eq!(told(&bench, "d"), expected);
    bench.run_for(5);
    let asked = bench.cloud.people.told();
    let asked = asked
        .iter()
        .rfind(|told| told.channel == "deployments")
        .unwrap();
    assert!(
        asked.text.contains("Commit dddddddddddd (Eve Example)"),
        "{}",
        asked.text
    );
    let plan = bench.plan("d");
    bench.approve("eve", "d", &plan).unwrap();
    bench.run();
    assert_eq!(told(&bench, "d"), expected, "it stays what was seen");
    let vote = bench.deployment("d").approval.unwrap().votes[0].clone();
    assert_eq!(vote.comment.unwrap().as_str(), "seen");
    // On the way back it is what is taken away.
    bench.begin("eve", &back(), "1").unwrap();
    bench.run();
    assert_eq!(bench.served(), "aaa");
    let deployments = bench.deployments();
    let last = deployments.last().unwrap();
    let away = last.changelog.as_ref().unwrap().commits().len();
    assert_eq!(
        (away, last.origin.reason.as_ref().unwrap().as_str()),
        (3, "because")
    );
}

#[test]
fn a_repository_that_does_not_answer_hinders_nothing_and_nothing_is_told() {
    for fault in [
        HeadFault::NoToken,
        HeadFault::Refused,
        HeadFault::Throttled,
        HeadFault::Unavailable,
    ] {
        let mut bench = Bench::new(1);
        bench.live("a");
        bench.cloud.world.branches.fail(Some(fault));
        bench.push("b");
        bench.run();
        assert_eq!(bench.end_of("b"), "Succeeded", "{fault:?}");
        assert_eq!(bench.deployment("b").changelog, None, "{fault:?}");
        let is_logged = bench.logged("changelog_unknown");
        assert_eq!(is_logged, fault != HeadFault::NoToken, "{fault:?}");
    }
}

#[test]
fn a_yes_to_one_plan_is_worth_nothing_for_another() {
    let mut bench = waiting();
    let old = bench.plan("b");
    bench.push("c");
    bench.run_to("c", "AwaitingApproval");
    assert_eq!(bench.end_of("b"), "Superseded");
    assert_eq!(bench.approve("eve", "b", &old), Err(Refusal::Over));
    assert_eq!(bench.approve("eve", "c", &old), Err(Refusal::OtherPlan));
    bench.run();
    assert_eq!(
        (bench.end_of("c"), bench.served().as_str()),
        ("Expired", "aaa")
    );
}

#[test]
fn a_plan_that_would_wait_behind_a_newer_push_is_superseded_and_its_history_says_what_made_somebody_look()
 {
    let mut bench = asked();
    bench.push("b");
    bench.run_to("b", "Preparing");
    bench.push("c");
    bench.run_to("c", "AwaitingApproval");
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Superseded", "aaa")
    );
    let timeline = bench.deployment("b").timeline;
    assert!(
        timeline.iter().all(|entry| entry.cause.is_some()),
        "{timeline:?}"
    );
    assert_eq!(bench.slot().waiting, Some(bench.deployment("c").id));
    let plan = bench.plan("c");
    bench.approve("eve", "c", &plan).unwrap();
    bench.run();
    assert_eq!(bench.served(), "ccc");
}

#[test]
fn it_takes_as_many_people_as_policy_says_and_the_author_is_none_of_them() {
    let mut bench = Bench::new(1);
    bench.live("a");
    let people = ["ann", "eve", "bob"].map(|name| json!({"name": name}));
    bench.configure(&json!({
        "approval": true,
        "approvals": {"needed": 2, "by_author": false, "people": people},
    }));
    bench.begin("ann", &Wish::Commit(commit("b")), "1").unwrap();
    bench.run_to("b", "AwaitingApproval");
    let plan = bench.plan("b");
    assert_eq!(
        bench.approve("ann", "b", &plan),
        Err(Refusal::OwnDeployment)
    );
    assert_eq!(
        bench.approve("mallory", "b", &plan),
        Err(Refusal::UnknownPerson)
    );
    bench.approve("eve", "b", &plan).unwrap();
    bench.approve("eve", "b", &plan).unwrap();
    bench.run_for(60);
    assert_eq!(
        bench.end_of("b"),
        "AwaitingApproval",
        "one person counts once"
    );
    bench.approve("bob", "b", &plan).unwrap();
    bench.run();
    assert_eq!(bench.end_of("b"), "Succeeded");
}

#[test]
fn nobody_can_say_yes_to_a_push_of_whom_nobody_knows() {
    let mut bench = Bench::new(1);
    bench.live("a");
    let people = ["ann", "eve"].map(|name| json!({"name": name}));
    bench
        .configure(&json!({"approval": true, "approvals": {"by_author": false, "people": people}}));
    bench.push("b");
    bench.run_to("b", "AwaitingApproval");
    let plan = bench.plan("b");
    assert_eq!(
        bench.deployment("b").origin.by,
        None,
        "a nickname proves nothing"
    );
    assert_eq!(
        bench.approve("eve", "b", &plan),
        Err(Refusal::OwnDeployment)
    );
}

#[test]
fn a_host_that_is_gone_makes_it_another_plan_and_people_are_asked_again() {
    let mut bench = waiting();
    let first = bench.plan("b");
    bench.approve("eve", "b", &first).unwrap();
    bench.cloud.world.ssm.terminate(&host(3));
    bench.run_for(60);
    assert_eq!(bench.end_of("b"), "AwaitingApproval");
    let second = bench.plan("b");
    assert_ne!(first, second);
    assert_eq!(bench.approve("eve", "b", &first), Err(Refusal::OtherPlan));
    bench.approve("eve", "b", &second).unwrap();
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "bba"),
        "what is gone keeps what it had"
    );
}

#[test]
fn a_world_that_changes_with_every_yes_ends_the_asking() {
    let mut bench = Bench::new(5);
    bench.live("a");
    bench.configure(&json!({"approval": true}));
    bench.push("b");
    for gone in [5, 4, 3] {
        bench.run_to("b", "AwaitingApproval");
        let plan = bench.plan("b");
        bench.approve("eve", "b", &plan).unwrap();
        bench.cloud.world.ssm.terminate(&host(gone));
        bench.run_for(60);
    }
    bench.run();
    let State::Ended {
        outcome: Outcome::Failed(failure),
        ..
    } = bench.deployment("b").state
    else {
        panic!("it goes on");
    };
    assert_eq!(
        (failure.class.word(), bench.served().as_str()),
        ("plan_changed", "aaaaa")
    );
}

#[test]
fn a_host_that_comes_late_gets_what_is_live_while_people_think_about_a_plan() {
    let mut bench = asked();
    bench.watch();
    bench.push("b");
    bench.run_to("b", "AwaitingApproval");
    bench.bear(4);
    bench.run_for(900);
    assert_eq!(bench.served(), "aaaa");
    assert_eq!(bench.end_of("b"), "AwaitingApproval", "it keeps its place");
    let plan = bench.plan("b");
    bench.approve("eve", "b", &plan).unwrap();
    bench.run_for(900);
    bench.run();
    // The plan named three hosts; the fourth comes to what is live by joining, as it did before.
    assert_eq!(bench.served(), "bbbb");
}

#[test]
fn a_plan_is_refused_with_a_reason_and_only_while_it_is_asked_about() {
    let mut bench = waiting();
    bench.reject("eve", "b").unwrap();
    assert_eq!(bench.reject("eve", "b"), Err(Refusal::Over));
    bench.run();
    let State::Ended {
        outcome: Outcome::Rejected(said),
        run: Some(run),
        ..
    } = bench.deployment("b").state
    else {
        panic!("it goes on");
    };
    assert_eq!(said.to_string(), "eve: because");
    assert!(
        run.hosts
            .values()
            .all(|standing| *standing == Standing::Prepared)
    );
    bench.push("c");
    bench.run_to("c", "Preparing");
    assert_eq!(bench.reject("eve", "c"), Err(Refusal::TooLate));
}

#[test]
fn a_migration_that_runs_is_waited_for_before_a_stop_and_taken_back_where_it_must_be() {
    for (verdict, end) in [
        (Verdict::Safe, "Cancelled"),
        (Verdict::NeedsDown, "RolledBack"),
    ] {
        let mut bench = Bench::new(2);
        bench.configure(&json!({"hooks": {"migrate": "migrate"}}));
        bench.live("a");
        bench.judges("b", &Found::new(verdict, false, 1, ["1.sql"]));
        bench.push("b");
        bench.run_to("b", "Migrating");
        bench.cancel("eve", "b").unwrap();
        bench.cancel("eve", "b").unwrap();
        assert_eq!(
            bench.end_of("b"),
            "Migrating",
            "nobody can stop the tool half way"
        );
        bench.run();
        assert_eq!((bench.end_of("b"), bench.served().as_str()), (end, "aa"));
        assert_eq!(
            bench.sent("unmigrate"),
            usize::from(verdict == Verdict::NeedsDown)
        );
        assert!(bench.deployment("b").state.run().unwrap().moved.is_empty());
    }
}

#[test]
fn a_stop_after_a_switch_rolls_back_and_names_who_asked_for_it() {
    let mut bench = Bench::new(2);
    bench.live("a");
    bench.push("b");
    bench.run_to("b", "Baking");
    bench.cancel("eve", "b").unwrap();
    bench.run();
    let State::Ended {
        outcome: Outcome::RolledBack(failure),
        ..
    } = bench.deployment("b").state
    else {
        panic!("it goes on");
    };
    assert_eq!(
        (failure.detail(), bench.served().as_str()),
        ("eve: because", "aa")
    );
    assert_eq!(bench.cancel("eve", "b"), Err(Refusal::Over));
}

#[test]
fn an_app_that_is_held_begins_nothing_until_the_lock_ends_or_is_taken_away() {
    let mut bench = Bench::new(1);
    bench.live("a");
    bench.lock_app("eve", 3600).unwrap();
    let Err(Refusal::Locked(lock)) = bench.lock_app("bob", 60) else {
        panic!("two locks");
    };
    assert_eq!(lock.owner.as_str(), "eve");
    bench.lock_app("eve", 7200).unwrap();
    bench.push("b");
    bench.run_for(3600);
    assert_eq!(bench.end_of("b"), "Queued");
    bench.unlock_app("bob").unwrap();
    assert_eq!(bench.unlock_app("bob"), Err(Refusal::NotLocked));
    bench.run();
    assert_eq!(bench.end_of("b"), "Succeeded");
    let app = bench.slot().app;
    let entries = bench.cloud.world.store.entries(&app, None, 10);
    let entries = longshore_tests::drive(&bench.cloud.stage, entries)
        .unwrap()
        .unwrap();
    let told: Vec<String> = entries
        .iter()
        .map(|entry| {
            let deed = match &entry.deed {
                Deed::Locked(_) => "locked",
                Deed::Unlocked => "unlocked",
                Deed::Cleared(_) => "cleared",
            };
            format!("{deed} by {}", entry.said)
        })
        .collect();
    assert_eq!(
        told,
        [
            "unlocked by bob: because",
            "locked by eve: because",
            "locked by eve: because"
        ]
    );
}

#[test]
fn an_operator_goes_back_to_what_was_live_before_and_what_is_left_stays_out() {
    let mut bench = Bench::new(2);
    bench.live("a");
    assert_eq!(
        bench.begin("eve", &back(), "0"),
        Err(Refusal::NothingBefore)
    );
    bench.live("b");
    let id = bench.begin("eve", &back(), "1").unwrap();
    assert_eq!(
        bench.begin("eve", &back(), "1"),
        Ok(id),
        "the same key is the same wish"
    );
    bench.run();
    assert_eq!(
        (bench.end_of("a"), bench.served().as_str()),
        ("Succeeded", "aa")
    );
    let again = Wish::Commit(commit("b"));
    assert_eq!(bench.begin("eve", &again, "2"), Err(Refusal::Quarantined));
    assert_eq!(
        bench.begin("eve", &back(), "3"),
        Err(Refusal::NothingBefore)
    );
    bench.clear("eve", "b").unwrap();
    assert_eq!(bench.clear("eve", "b"), Err(Refusal::NotInQuarantine));
    bench.begin("eve", &again, "4").unwrap();
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "bb")
    );
}

#[test]
fn a_rehearsal_goes_back_and_forward_and_keeps_nothing_out() {
    let mut bench = Bench::new(2);
    bench.live("a").live("b");
    let drill = Wish::Drill(Back::default());
    bench.begin("eve", &drill, "1").unwrap();
    bench.run();
    assert_eq!(bench.served(), "aa");
    bench.begin("eve", &drill, "2").unwrap();
    bench.run();
    assert_eq!(bench.served(), "bb");
    assert!(bench.slot().quarantine.is_empty());
}

#[test]
fn nobody_goes_back_by_accident_to_what_the_database_may_not_fit() {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"hooks": {"migrate": "migrate"}}));
    bench.live("a");
    bench.judges("b", &Found::new(Verdict::NeedsDown, false, 1, ["1.sql"]));
    bench.live("b");
    let refused = Refusal::DatabaseMayNotFit(Some(Verdict::NeedsDown));
    assert_eq!(bench.begin("eve", &back(), "1"), Err(refused));
    let migrations = bench.sent("migrate");
    let whatever = Wish::Back(Back {
        to: None,
        database: Database::Whatever,
    });
    bench.begin("eve", &whatever, "2").unwrap();
    bench.run();
    assert_eq!(
        (bench.served().as_str(), bench.sent("migrate")),
        ("aa", migrations)
    );
}

/// An app with `a` live and then `b`, whose migrations must and can be taken back.
fn migrated() -> Bench {
    let mut bench = Bench::new(3);
    bench.configure(&json!({"hooks": {"migrate": "migrate"}}));
    bench.live("a");
    bench.judges("b", &Found::new(Verdict::NeedsDown, false, 1, ["1.sql"]));
    bench.live("b");
    bench
}

fn back_with_the_database() -> Wish {
    Wish::Back(Back {
        to: None,
        database: Database::TakenBack,
    })
}

#[test]
fn an_operator_goes_back_with_the_database_and_the_hosts_switch_after_it() {
    let mut bench = migrated();
    let migrations = bench.sent("migrate");
    bench.begin("eve", &back_with_the_database(), "1").unwrap();
    bench.run_until(|bench| bench.sent("unmigrate") == 1);
    assert_eq!(bench.served(), "bbb", "the database comes first");
    bench.run();
    assert_eq!(
        (bench.end_of("a"), bench.served().as_str()),
        ("Succeeded", "aaa")
    );
    let migrated = (bench.sent("unmigrate"), bench.sent("migrate"));
    assert_eq!(migrated, (1, migrations));
    let sent = bench.cloud.world.ssm.sent();
    let back = sent.iter().find(|o| o.action().word() == "unmigrate");
    let back = back.unwrap();
    assert_eq!(
        (back.release.commit.clone(), back.hosts.len()),
        (commit("b"), 1),
        "the release that is left knows its migrations"
    );
    let before = bench.slot().live.unwrap().release.id();
    assert_eq!(back.previous, Some(before), "what they are judged against");
    // The database is that of `a` again: what was left does not fit it any more.
    bench.clear("eve", "b").unwrap();
    let to = |digit: &str| {
        Wish::Back(Back {
            to: Some(bench.deployment(digit).id),
            database: Database::MustFit,
        })
    };
    let forward = to("b");
    let refused = Refusal::DatabaseMayNotFit(None);
    assert_eq!(bench.begin("eve", &forward, "2"), Err(refused));
}

#[test]
fn a_way_back_on_which_the_database_fails_calls_somebody_and_moves_no_host() {
    let mut bench = migrated();
    for number in 1..=3 {
        bench.cloud.world.ssm.change_host(&host(number), |host| {
            host.troubles.insert(Trouble::DownFails);
        });
    }
    bench.begin("eve", &back_with_the_database(), "1").unwrap();
    bench.run();
    assert_eq!(
        (bench.end_of("a"), bench.served().as_str()),
        ("RollbackFailed", "bbb")
    );
    assert!(bench.slot().stranded.is_some(), "nobody joins by itself");
    let failure = bench.deployment("a").state;
    let State::Ended {
        outcome: Outcome::RollbackFailed(failure),
        ..
    } = failure
    else {
        panic!("it goes on");
    };
    assert_eq!(failure.class.word(), "migration_down_failed");
    assert!(failure.detail().contains("may be taken back in part"));
}

#[test]
fn whoever_stops_a_way_back_after_the_database_is_told_that_a_person_must_decide() {
    let mut bench = migrated();
    bench.begin("eve", &back_with_the_database(), "1").unwrap();
    bench.run_until(|bench| bench.sent("unmigrate") == 1);
    bench.cancel("bob", "a").unwrap();
    bench.run();
    assert_eq!(
        (bench.end_of("a"), bench.served().as_str()),
        ("RollbackFailed", "bbb")
    );
    assert_eq!(bench.sent("unmigrate"), 1);
}

#[test]
fn a_release_that_does_not_come_up_after_the_database_was_taken_back_is_not_left_again() {
    let mut bench = migrated();
    bench.begin("eve", &back_with_the_database(), "1").unwrap();
    bench.run_until(|bench| bench.sent("unmigrate") == 1);
    bench.behaves("a", Behaviour::HealthFails);
    bench.run();
    assert_eq!(bench.end_of("a"), "RollbackFailed");
    assert_eq!(bench.sent("unmigrate"), 1, "nothing is taken back twice");
    assert!(!bench.served().contains('-'));
}

/// A way back that leaves the database alone must not make what lies before it look as if it fitted.
#[test]
fn after_a_way_back_nothing_is_known_of_the_releases_before() {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"hooks": {"migrate": "migrate"}}));
    bench.live("a");
    bench.judges("b", &Found::new(Verdict::NeedsDown, false, 1, ["1.sql"]));
    bench.live("b");
    bench.judges("c", &Found::new(Verdict::Safe, false, 1, ["2.sql"]));
    bench.live("c");
    bench.begin("eve", &back(), "1").unwrap();
    bench.run();
    assert_eq!(bench.served(), "bb");
    let refused = Refusal::DatabaseMayNotFit(None);
    assert_eq!(bench.begin("eve", &back(), "2"), Err(refused));
}

#[test]
fn nobody_rehearses_with_migrations_that_are_taken_back() {
    let mut bench = migrated();
    let wish = Wish::Drill(Back {
        to: None,
        database: Database::TakenBack,
    });
    let refused = Refusal::DatabaseMayNotFit(Some(Verdict::NeedsDown));
    assert_eq!(bench.begin("eve", &wish, "1"), Err(refused));
}

#[test]
fn what_failed_is_tried_again_and_what_was_left_out_is_brought_along() {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"hosts": {"unreachable_max": 1}}));
    bench.live("a");
    bench.cloud.world.ssm.change_host(&host(1), |host| {
        host.troubles.insert(Trouble::SourceDown);
    });
    bench.push("b");
    bench.run();
    assert_eq!(bench.end_of("b"), "Failed");
    let retry = Wish::Retry(bench.deployment("b").id);
    bench
        .cloud
        .world
        .ssm
        .change_host(&host(1), |host| host.troubles.clear());
    bench.unplug(2);
    bench.begin("eve", &retry, "1").unwrap();
    bench.run();
    assert_eq!(
        (bench.end_of("b"), bench.served().as_str()),
        ("Succeeded", "ba")
    );
    let retry = Wish::Retry(bench.deployment("b").id);
    bench.plug_in(2);
    let switches = bench.sent("activate");
    bench.begin("eve", &retry, "2").unwrap();
    bench.run();
    assert_eq!(bench.served(), "bb");
    let sent = bench.cloud.world.ssm.sent();
    let late = sent
        .iter()
        .filter(|order| order.action().word() == "activate");
    assert!(late.skip(switches).all(|order| order.hosts == [host(2)]));
    let retry = Wish::Retry(bench.deployment("b").id);
    assert_eq!(
        bench.begin("eve", &retry, "3"),
        Err(Refusal::NothingToRetry)
    );
}

#[test]
fn what_was_proven_elsewhere_comes_with_its_very_build() {
    let mut bench = Bench::new(2);
    bench.configure(&json!({"source": "artifact"}));
    bench.store_build("a");
    bench.live("a");
    bench.store_build("b");
    let built = Artifact {
        version: ObjectVersion::parse("what-staging-has-proven").unwrap(),
        sha256: Sha256Digest::parse(&"e".repeat(64)).unwrap(),
    };
    bench
        .begin("eve", &Wish::Promote(commit("b"), Some(built.clone())), "1")
        .unwrap();
    bench.run();
    assert_eq!(bench.served(), "bb");
    assert_eq!(bench.slot().live.unwrap().release.artifact, Some(built));
    bench.behaves("c", Behaviour::TurnsSick);
    bench.store_build("c");
    bench.push("c");
    bench.run();
    let wish = Wish::Promote(commit("c"), None);
    assert_eq!(bench.begin("eve", &wish, "2"), Err(Refusal::Quarantined));
}
