//! What the API would say: one app in several states.

use longshore_contract::{
    AppStatus, AppSummary, Apps, Audit, AuditEntry, Begun, Changelog, CommitLine, Counted,
    Delivery, Deployment, DeploymentSummary, Drift, Drills, Failure, Freeze, FreezeToCome, History,
    HostStatus, HostStep, HostTimes, HostVerdict, Judgement, Live, Lock, Looked, Migrations,
    Number, ParameterChange, Ping, Plan, Quarantined, Recovery, Release, Run, Spread, Stats, Step,
    TimelineEntry, Timestamp, Verdict, Vote, Week, WhoAmI,
};
use std::collections::BTreeMap;

pub(crate) const ID: &str = "01KAX3Z9V7Q2M8C4T6R5N1W0XY";
pub(crate) const OLD: &str = "01KAX00000Q2M8C4T6R5N1W0XY";
pub(crate) const COMMIT: &str = "8c1f5e0f6bb1c24f05b3a5f6bd0f8ab2b9c7d1e0";
pub(crate) const LIVE: &str = "1111111111111111111111111111111111111111";
pub(crate) const DIGEST: &str = "5f2a60c4d8e14b7f9a3c1e2d4b6f8a0c";

pub(crate) fn time(text: &str) -> Timestamp {
    format!("2026-11-25T{text}Z").parse().unwrap()
}

pub(crate) fn now() -> Timestamp {
    time("10:24:05")
}

pub(crate) fn release(commit: &str, config_version: u32) -> Release {
    Release {
        id: format!("{commit}-0123456789ab"),
        commit: commit.to_owned(),
        config_version,
        parameters: BTreeMap::from([("DATABASE_URL".to_owned(), 3)]),
        artifact: None,
    }
}

pub(crate) fn whoami() -> WhoAmI {
    WhoAmI {
        principal: "arn:aws:sts::111122223333:assumed-role/Operator/ines".to_owned(),
        name: "ines".to_owned(),
        account: Some("111122223333".to_owned()),
        roles: None,
        environment: "prod".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

pub(crate) fn summary(state: &str) -> DeploymentSummary {
    let over = matches!(
        state,
        "Succeeded"
            | "Failed"
            | "RolledBack"
            | "RollbackFailed"
            | "Rejected"
            | "Expired"
            | "Superseded"
            | "Cancelled"
    );
    DeploymentSummary {
        id: ID.to_owned(),
        app: "orders".to_owned(),
        kind: "push".to_owned(),
        commit: COMMIT.to_owned(),
        state: state.to_owned(),
        over,
        by: Some("Ines Ort".to_owned()),
        accepted_at: time("10:20:00"),
        committed_at: None,
        started_at: Some(time("10:20:05")),
        ended_at: over.then(|| time("10:23:25")),
        failure: None,
        host: None,
    }
}

pub(crate) fn failure() -> Failure {
    Failure {
        class: "start_failed".to_owned(),
        detail: "Error: Cannot find module 'pg'".to_owned(),
        next: "read the first error line: the app ended while starting".to_owned(),
    }
}

fn host(name: &str, wave: u32, verdict: &str, failure: Option<Failure>) -> HostVerdict {
    HostVerdict {
        host: name.to_owned(),
        wave,
        verdict: verdict.to_owned(),
        moved: matches!(verdict, "proven" | "failed" | "restored"),
        failure,
        took_ms: took(name, verdict),
    }
}

/// What a host told of its time; the last one runs a script of before there were times.
fn took(name: &str, verdict: &str) -> BTreeMap<String, u64> {
    let steps: &[(&str, u64)] = match (name, verdict) {
        ("i-00000004", _) | (_, "untouched" | "unreachable") => &[],
        (_, "prepared") => &[("Preparing", 41_250)],
        (_, "restored") => &[
            ("Preparing", 40_000),
            ("Activating", 61_000),
            ("RollingBack", 1_900),
        ],
        (_, _) => &[("Preparing", 39_100), ("Activating", 2_300)],
    };
    let steps = steps.iter().map(|(state, ms)| ((*state).to_owned(), *ms));
    steps.collect()
}

fn entry(at: &str, state: &str, wave: Option<u32>) -> TimelineEntry {
    TimelineEntry {
        at: time(at),
        state: state.to_owned(),
        wave,
        cause: Some("event".to_owned()),
    }
}

pub(crate) fn migrations() -> Migrations {
    Migrations {
        verdict: Verdict::NeedsDown,
        count: 2,
        allowed: false,
        applied: false,
        findings: vec!["0012_add_index.sql locks the table orders".to_owned()],
    }
}

fn line(digits: &str, author: &str, subject: &str) -> CommitLine {
    CommitLine {
        commit: digits.repeat(20),
        author: author.to_owned(),
        subject: subject.to_owned(),
    }
}

/// In the second of three waves.
pub(crate) fn activating() -> Deployment {
    Deployment {
        summary: summary("Activating"),
        environment: "prod".to_owned(),
        repository: "acme/orders".to_owned(),
        config_version: 8,
        deadline: Some(time("10:29:05")),
        approvals_wanted: None,
        votes: Vec::new(),
        reason: Some("prices are wrong".to_owned()),
        changelog: Some(Changelog {
            commits: vec![
                line("c3", "Ines Ort", "Round prices down"),
                line("b2", "Tom Lind", "Add an index over orders"),
            ],
            more: true,
        }),
        plan: None,
        run: Some(Run {
            generation: 12,
            release: release(COMMIT, 8),
            previous: Some(release(LIVE, 7)),
            waves: 3,
            hosts: vec![
                host("i-00000001", 0, "proven", None),
                host("i-00000002", 1, "prepared", None),
                host("i-00000003", 1, "prepared", None),
                host("i-00000004", 2, "untouched", None),
            ],
            migrations: None,
            started_at: time("10:20:05"),
        }),
        rounds: None,
        judgements: Vec::new(),
        ended: None,
        timeline: vec![
            entry("10:20:00", "Queued", None),
            entry("10:20:05", "Preparing", None),
            entry("10:21:00", "Activating", Some(0)),
            entry("10:21:20", "Verifying", Some(0)),
            entry("10:22:00", "Activating", Some(1)),
        ],
    }
}

pub(crate) fn succeeded() -> Deployment {
    let mut deployment = activating();
    deployment.summary = summary("Succeeded");
    deployment.deadline = None;
    for host in &mut deployment.run.as_mut().unwrap().hosts {
        "proven".clone_into(&mut host.verdict);
        host.moved = true;
    }
    let timeline = &mut deployment.timeline;
    timeline.push(entry("10:22:40", "Baking", None));
    timeline.push(entry("10:23:25", "Succeeded", None));
    deployment
}

pub(crate) fn rolled_back() -> Deployment {
    let mut deployment = activating();
    deployment.summary = DeploymentSummary {
        failure: Some(failure()),
        ..summary("RolledBack")
    };
    deployment.deadline = None;
    deployment.run.as_mut().unwrap().hosts = vec![
        host("i-00000001", 0, "restored", None),
        host("i-00000002", 1, "restored", Some(failure())),
        host(
            "i-00000003",
            1,
            "restored",
            Some(Failure {
                class: "port_in_use".to_owned(),
                detail: "port 3000 is held by process 4711 (node)".to_owned(),
                next: "end the process that the message names, or change health.port".to_owned(),
            }),
        ),
        host("i-00000004", 2, "prepared", None),
    ];
    deployment
        .timeline
        .push(entry("10:22:30", "RollingBack", None));
    deployment
        .timeline
        .push(entry("10:23:25", "RolledBack", None));
    deployment
}

pub(crate) fn judgement(
    check: &str,
    finding: &str,
    said: &str,
    numbers: &[(&str, &str)],
) -> Judgement {
    Judgement {
        check: check.to_owned(),
        finding: finding.to_owned(),
        class: (finding == "failed").then(|| "metric_worse".to_owned()),
        said: said.to_owned(),
        numbers: numbers
            .iter()
            .map(|(of, value)| Number {
                of: (*of).to_owned(),
                value: (*value).to_owned(),
            })
            .collect(),
        at: time("10:22:25"),
    }
}

/// Rolled back because a metric was worse.
pub(crate) fn worse() -> Deployment {
    let mut deployment = rolled_back();
    deployment.summary.failure = Some(Failure {
        class: "metric_worse".to_owned(),
        detail: "metric:latency: 812.5 since the switch, 400 before: 103% worse, 50% allowed"
            .to_owned(),
        next: "compare the numbers of `longshore why` with the metric's graph around the switch"
            .to_owned(),
    });
    for host in &mut deployment.run.as_mut().unwrap().hosts {
        host.failure = None;
    }
    let numbers = [
        ("now", "812.5"),
        ("before", "400"),
        ("now_samples", "4"),
        ("before_samples", "30"),
    ];
    deployment.judgements = vec![
        judgement(
            "http:health",
            "passed",
            "status 200 in 31 ms",
            &[("latency_ms", "31")],
        ),
        judgement(
            "metric:latency",
            "failed",
            "812.5 since the switch, 400 before: 103% worse, 50% allowed",
            &numbers,
        ),
        judgement("logs:/orders/prod", "inconclusive", "no event at all", &[]),
    ];
    deployment
}

pub(crate) fn plan() -> Plan {
    Plan {
        digest: Some(DIGEST.to_owned()),
        kind: "push".to_owned(),
        release: release(COMMIT, 8),
        live: Some(release(LIVE, 7)),
        parameters: vec![
            ParameterChange {
                name: "DATABASE_URL".to_owned(),
                before: Some(3),
                after: Some(4),
            },
            ParameterChange {
                name: "FEATURE_X".to_owned(),
                before: None,
                after: Some(1),
            },
            ParameterChange {
                name: "OLD_KEY".to_owned(),
                before: Some(2),
                after: None,
            },
        ],
        waves: vec![
            vec!["i-00000001".to_owned()],
            (2..13).map(|n| format!("i-{n:08}")).collect(),
        ],
        migrations: Some(migrations()),
        expected_seconds: Some(205),
        approvals_wanted: 2,
        held_by: vec!["lock of tom: moving the database".to_owned()],
    }
}

/// Prepared everywhere; one of two people has approved.
pub(crate) fn awaiting() -> Deployment {
    let mut deployment = activating();
    deployment.summary = summary("AwaitingApproval");
    deployment.approvals_wanted = Some(2);
    deployment.plan = Some(plan());
    deployment.votes = vec![Vote {
        by: "tom".to_owned(),
        at: time("10:23:00"),
        via: "slack".to_owned(),
        plan: DIGEST.to_owned(),
        comment: Some("seen it in staging".to_owned()),
    }];
    deployment.run = None;
    deployment.timeline.truncate(2);
    deployment
        .timeline
        .push(entry("10:21:00", "AwaitingApproval", None));
    deployment
}

pub(crate) fn begun(deployment: Deployment) -> Begun {
    Begun {
        deployment,
        repeated: false,
    }
}

pub(crate) fn app() -> AppSummary {
    AppSummary {
        app: "orders".to_owned(),
        repository: "acme/orders".to_owned(),
        branch: Some("main".to_owned()),
        problem: None,
        live: Some(Live {
            release: release(LIVE, 7),
            deployment: OLD.to_owned(),
            at: time("08:10:00"),
        }),
        running: None,
        waiting: None,
        lock: None,
        freeze: None,
        stranded: None,
        quarantined: 0,
    }
}

pub(crate) fn apps() -> Apps {
    let mut held = app();
    "billing".clone_into(&mut held.app);
    held.running = Some(summary("Activating"));
    held.waiting = Some(summary("AwaitingApproval"));
    held.lock = Some(Lock {
        owner: "tom".to_owned(),
        reason: Some("moving the database".to_owned()),
        expires_at: time("12:24:05"),
    });
    held.freeze = Some(Freeze {
        name: "black friday".to_owned(),
        until: Some(time("23:00:00")),
    });
    held.quarantined = 2;
    let mut wrong = app();
    "catalog".clone_into(&mut wrong.app);
    wrong.branch = None;
    wrong.problem = Some("health.port is missing: add a number from 1 to 65535".to_owned());
    wrong.live = None;
    Apps {
        environment: "prod".to_owned(),
        apps: vec![held, wrong, app()],
    }
}

pub(crate) fn apps_in_order() -> Apps {
    Apps {
        environment: "prod".to_owned(),
        apps: vec![app()],
    }
}

fn host_status(name: &str, drift: Drift, ping: Option<Ping>) -> HostStatus {
    HostStatus {
        host: name.to_owned(),
        ping,
        agent: Some("3.3.2746.0".to_owned()),
        release: Some(format!("{LIVE}-0123456789ab")),
        drift,
    }
}

pub(crate) fn status() -> AppStatus {
    AppStatus {
        summary: app(),
        last: Some(crate::samples::summary("Succeeded")),
        quarantine: Vec::new(),
        freezes: vec![FreezeToCome {
            name: "weekend".to_owned(),
            from: time("16:00:00"),
            until: None,
        }],
        hosts: vec![
            host_status("i-00000001", Drift::Serves, Some(Ping::Online)),
            host_status("i-00000002", Drift::Serves, Some(Ping::Online)),
        ],
    }
}

pub(crate) fn drifting() -> AppStatus {
    let mut summary = app();
    summary.waiting = Some(crate::samples::summary("AwaitingApproval"));
    summary.freeze = Some(Freeze {
        name: "black friday".to_owned(),
        until: Some(time("23:00:00")),
    });
    summary.quarantined = 1;
    let mut old = host_status("i-00000003", Drift::Behind, Some(Ping::Online));
    old.agent = Some("3.2.1.0".to_owned());
    AppStatus {
        summary,
        last: Some(crate::samples::summary("Failed")),
        freezes: Vec::new(),
        quarantine: vec![Quarantined {
            commit: COMMIT.to_owned(),
            deployment: ID.to_owned(),
        }],
        hosts: vec![
            host_status("i-00000001", Drift::Serves, Some(Ping::Online)),
            host_status("i-00000002", Drift::Offline, Some(Ping::ConnectionLost)),
            old,
            host_status("i-00000004", Drift::Unknown, None),
        ],
    }
}

pub(crate) fn history() -> History {
    let mut failed = summary("RolledBack");
    failed.failure = Some(failure());
    let mut waiting = summary("AwaitingApproval");
    "01KAX4Z9V7Q2M8C4T6R5N1W0XY".clone_into(&mut waiting.id);
    History {
        deployments: vec![waiting, summary("Succeeded"), failed],
        before: Some(OLD.to_owned()),
        looked: None,
    }
}

/// The history of one host, of which one answer has looked through a part.
pub(crate) fn history_of_a_host() -> History {
    let mut failed = summary("RolledBack");
    failed.failure = Some(failure());
    failed.host = Some(host("i-00000002", 1, "failed", Some(failure())));
    let mut good = summary("Succeeded");
    good.host = Some(host("i-00000002", 0, "proven", None));
    History {
        deployments: vec![good, failed],
        before: Some(OLD.to_owned()),
        looked: Some(Looked {
            at: 200,
            back_to: Some(time("08:00:00")),
        }),
    }
}

fn spread(n: u32, p50_ms: u64, p90_ms: u64, max_ms: u64) -> Spread {
    Spread {
        n,
        p50_ms: Some(p50_ms),
        p90_ms: Some(p90_ms),
        max_ms: Some(max_ms),
    }
}

fn delivery(changes: u32, failed: u32) -> Delivery {
    Delivery {
        changes,
        succeeded: changes.saturating_sub(failed),
        failed,
        stopped: 2,
        lead_from_commit: spread(9, 5_400_000, 90_000_000, 190_000_000),
        lead_from_push: spread(11, 200_000, 410_000, 1_500_000),
        recovery: Recovery {
            took: spread(2, 41_000, 63_000, 63_000),
            open: 1,
        },
        next_success: Recovery {
            took: spread(3, 2_400_000, 7_000_000, 7_000_000),
            open: 0,
        },
    }
}

fn host_step(state: &str, took: Spread, slowest: &[(&str, Spread)]) -> HostStep {
    let host = |(host, took): &(&str, Spread)| HostTimes {
        host: (*host).to_owned(),
        took: *took,
    };
    HostStep {
        state: state.to_owned(),
        took,
        slowest: slowest.iter().map(host).collect(),
    }
}

/// Four weeks of an app.
pub(crate) fn stats() -> Stats {
    let day = |text: &str| format!("{text}T00:00:00Z").parse().unwrap();
    let week = |monday: &str, changes, failed| Week {
        monday: day(monday),
        delivery: delivery(changes, failed),
    };
    let step = |state: &str, took| Step {
        state: state.to_owned(),
        took,
    };
    Stats {
        environment: "prod".to_owned(),
        apps: vec!["orders".to_owned()],
        from: day("2026-11-02"),
        until: now(),
        looked_at: 61,
        complete_since: None,
        ends: BTreeMap::from([("Succeeded".to_owned(), 12), ("RolledBack".to_owned(), 3)]),
        open: 1,
        delivery: delivery(14, 3),
        weeks: vec![
            week("2026-11-02", 3, 0),
            week("2026-11-09", 0, 0),
            week("2026-11-16", 8, 3),
            week("2026-11-23", 3, 0),
        ],
        queue: spread(15, 400, 61_000, 300_000),
        approval: spread(4, 900_000, 3_600_000, 3_600_000),
        work: spread(15, 190_000, 260_000, 310_000),
        steps: vec![
            step("Preparing", spread(15, 61_000, 80_000, 90_000)),
            step("Activating", spread(13, 12_000, 15_000, 15_500)),
            step("RollingBack", spread(3, 9_500, 11_000, 11_000)),
        ],
        host_steps: vec![
            host_step(
                "Preparing",
                spread(41, 40_000, 52_000, 88_000),
                &[
                    ("i-00000003", spread(14, 51_000, 80_000, 88_000)),
                    ("i-00000002", spread(14, 40_100, 41_000, 42_000)),
                    ("i-00000004", spread(1, 40_000, 40_000, 40_000)),
                    ("i-00000001", spread(12, 38_000, 40_000, 40_000)),
                ],
            ),
            host_step(
                "Activating",
                spread(27, 1_900, 2_600, 9_900),
                &[("i-00000002", spread(14, 2_400, 9_000, 9_900))],
            ),
        ],
        failures: vec![
            Counted {
                what: "health_failed".to_owned(),
                times: 2,
            },
            Counted {
                what: "start_failed".to_owned(),
                times: 1,
            },
        ],
        hosts: vec![Counted {
            what: "i-00000002".to_owned(),
            times: 3,
        }],
        drills: Drills {
            took: spread(1, 30_000, 30_000, 30_000),
            failed: 0,
        },
    }
}

pub(crate) fn audit() -> Audit {
    Audit {
        entries: vec![
            AuditEntry {
                number: 7,
                at: time("10:00:00"),
                by: "tom".to_owned(),
                via: "slack".to_owned(),
                action: "lock".to_owned(),
                reason: Some("moving the database".to_owned()),
                deployment: None,
                commit: None,
                until: Some(time("12:24:05")),
            },
            AuditEntry {
                number: 6,
                at: time("09:00:00"),
                by: "ines".to_owned(),
                via: "api 192.0.2.7".to_owned(),
                action: "clear_quarantine".to_owned(),
                reason: Some("it was the database".to_owned()),
                deployment: None,
                commit: Some(COMMIT.to_owned()),
                until: None,
            },
        ],
        before: None,
    }
}
