//! The script on a host is killed, run again, started late, or its answer is lost: what the control plane makes of it.

use longshore_core::{Commit, FailureClass, Outcome, State};
use longshore_shell::fakes::{Point, ScriptFault, Trouble};
use longshore_tests::{Bench, commit, host};

/// Two hosts with `a` live, and a script fault for the first that gets in the way of `b`, when it is in a state.
fn meeting(fault: ScriptFault, state: &str) -> Bench {
    let mut bench = Bench::new(2);
    bench.configure(&serde_json::json!({"hooks": {"migrate": "migrate"}}));
    bench.live("a");
    assert_eq!(bench.push("b"), 202);
    bench.run_to("b", state);
    bench.cloud.world.ssm.fail_scripts(&host(1), [fault]);
    bench
}

fn switches(bench: &Bench) -> Vec<Vec<Commit>> {
    let hosts = bench.cloud.world.ssm.hosts_now();
    let of_host = |host: &longshore_shell::fakes::FakeHost| {
        let commits = host.switches.iter().map(|(_, r)| r.commit.clone());
        commits.collect()
    };
    hosts.values().map(of_host).collect()
}

#[test]
fn a_script_that_is_killed_anywhere_and_run_again_by_its_agent_changes_nothing() {
    let mut kills = 0;
    for point in Point::ALL {
        for state in ["Queued", "Preparing", "Migrating"] {
            let mut bench = meeting(ScriptFault::Killed(point), state);
            bench.run_for(20);
            let ssm = bench.cloud.world.ssm.clone();
            let answered = ssm.answered_after(0).len();
            ssm.restart_agent(&host(1));
            kills += ssm.answered_after(answered).len();
            bench.run();
            assert_eq!(bench.end_of("b"), "Succeeded", "{state} {point:?}");
            let both = vec![commit("a"), commit("b")];
            assert_eq!(switches(&bench), [both.clone(), both], "{state} {point:?}");
        }
    }
    assert_eq!(kills, 11 + 6 + 10, "in prepare, migrate and activate");
}

#[test]
fn a_script_that_is_run_twice_by_its_agent_does_everything_once() {
    for state in ["Queued", "Preparing", "Migrating"] {
        let mut bench = meeting(ScriptFault::Twice, state);
        bench.run();
        assert_eq!(bench.end_of("b"), "Succeeded", "{state}");
        let host = &bench.cloud.world.ssm.hosts_now()[&host(1)];
        assert_eq!((host.processes.starts, host.migrated), (2, 2), "{state}");
    }
}

#[test]
fn a_script_that_is_started_late_by_its_agent_is_waited_for() {
    for state in ["Queued", "Preparing", "Migrating"] {
        let mut bench = meeting(ScriptFault::Late, state);
        bench.run_for(60);
        bench.cloud.world.ssm.restart_agent(&host(1));
        bench.run();
        assert_eq!(bench.end_of("b"), "Succeeded", "{state}");
    }
}

#[test]
fn a_lost_or_truncated_answer_is_asked_for_again_and_comes_from_the_hosts_ledger() {
    for fault in [ScriptFault::OutputLost, ScriptFault::OutputCut] {
        for state in ["Queued", "Preparing", "Migrating"] {
            let mut bench = meeting(fault, state);
            bench.run();
            assert_eq!(bench.end_of("b"), "Succeeded", "{state} {fault:?}");
            let host = &bench.cloud.world.ssm.hosts_now()[&host(1)];
            assert_eq!(host.processes.starts, 2, "{state} {fault:?}");
        }
    }
}

#[test]
fn an_activation_that_ssm_kills_at_its_time_limit_is_taken_back_on_every_host_that_may_have_moved()
{
    for point in [Point::Intended, Point::Switched, Point::Moved] {
        let mut bench = meeting(ScriptFault::TimedOut(point), "Migrating");
        bench.run();
        assert_eq!(
            (bench.end_of("b"), bench.served().as_str()),
            ("RolledBack", "aa"),
            "{point:?}"
        );
    }
}

#[test]
fn a_host_whose_disk_is_full_fails_before_anything_moves() {
    for trouble in [Trouble::DiskTight, Trouble::DiskFull, Trouble::DiskFillsUp] {
        let mut bench = Bench::new(2);
        bench.live("a");
        let ssm = &bench.cloud.world.ssm;
        ssm.change_host(&host(1), |host| {
            host.troubles.insert(trouble);
        });
        assert_eq!(bench.push("b"), 202);
        bench.run();
        assert_eq!(
            (bench.end_of("b"), bench.served().as_str()),
            ("Failed", "aa")
        );
        let State::Ended {
            outcome: Outcome::Failed(failure),
            ..
        } = bench.deployment("b").state
        else {
            panic!("{trouble:?}");
        };
        assert_eq!(failure.class, FailureClass::DiskFull, "{trouble:?}");
    }
}
