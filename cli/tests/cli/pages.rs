//! What each page looks like, at the width of a terminal and without one.

use crate::samples::{
    activating, apps, audit, awaiting, drifting, failure, history, history_of_a_host, now, plan,
    rolled_back, stats, status, succeeded, summary, whoami, worse,
};
use insta::assert_snapshot;
use longshore_cli::exit::Exit;
use longshore_cli::page::{BAD, GOOD, Page};
use longshore_cli::view::{
    app, deployment, plan as plans, progress, record, stats as statistics, why,
};
use longshore_contract::{Apps, Audit, Deployment, Ended, History, Stats};

fn wide(page: &Page) -> String {
    page.text(Some(100), false)
}

#[test]
fn every_app_stands_on_a_line_with_what_holds_it() {
    assert_snapshot!("apps", wide(&app::apps(&apps(), now())));
    let none = Apps {
        environment: "prod".to_owned(),
        apps: Vec::new(),
    };
    assert_snapshot!("no_apps", wide(&app::apps(&none, now())));
}

#[test]
fn the_status_tells_each_host_that_differs() {
    assert_snapshot!("status", wide(&app::status(&status(), now())));
    assert_snapshot!("status_drifting", wide(&app::status(&drifting(), now())));
    assert_eq!(app::exit(&status()), Exit::Done);
    assert_eq!(app::exit(&drifting()), Exit::Bad);
}

#[test]
fn the_history_names_state_person_and_reason() {
    let page = deployment::history(&history(), "orders", &[], now());
    assert_snapshot!("history", page.text(None, false));
    assert_snapshot!("history_narrow", page.text(Some(100), false));
    let none = History {
        deployments: Vec::new(),
        before: None,
        looked: None,
    };
    assert_snapshot!(
        "no_history",
        wide(&deployment::history(&none, "orders", &[], now()))
    );
}

#[test]
fn the_history_of_a_host_tells_how_it_stood_and_how_far_was_looked() {
    let wanted = [
        ("result", "RolledBack"),
        ("by", "Ines Ort"),
        ("host", "i-00000002"),
    ];
    let page = deployment::history(&history_of_a_host(), "orders", &wanted, now());
    assert_snapshot!("history_of_a_host", page.text(None, false));
    let none = History {
        deployments: Vec::new(),
        ..history_of_a_host()
    };
    let page = deployment::history(&none, "orders", &wanted, now());
    assert_snapshot!("history_none_so_far", page.text(None, false));
}

#[test]
fn the_statistics_need_no_colour_and_little_room() {
    let page = statistics::page(&stats());
    assert_snapshot!("stats", page.text(None, false));
    assert_snapshot!("stats_narrow", page.text(Some(60), false));
    assert!(page.text(None, true).contains("\u{1b}[31m✗"));
}

#[test]
fn statistics_of_nothing_and_of_too_much_say_so() {
    let full = stats();
    let nothing = Stats {
        apps: vec!["a".to_owned(), "b".to_owned()],
        ends: std::collections::BTreeMap::new(),
        open: 0,
        delivery: longshore_contract::Delivery::default(),
        weeks: Vec::new(),
        queue: longshore_contract::Spread::default(),
        approval: longshore_contract::Spread::default(),
        work: longshore_contract::Spread::default(),
        steps: Vec::new(),
        host_steps: Vec::new(),
        failures: Vec::new(),
        hosts: Vec::new(),
        drills: longshore_contract::Drills::default(),
        ..full.clone()
    };
    assert_snapshot!(
        "stats_nothing",
        statistics::page(&nothing).text(None, false)
    );
    let mut busy = full;
    busy.complete_since = Some(now());
    busy.weeks[0].delivery.changes = 240;
    assert_snapshot!("stats_busy", statistics::page(&busy).text(None, false));
}

#[test]
fn a_deployment_is_shown_in_full() {
    assert_snapshot!(
        "show_running",
        wide(&deployment::show(&activating(), None, now()))
    );
    assert_snapshot!(
        "show_failed",
        wide(&deployment::show(&rolled_back(), None, now()))
    );
    assert_snapshot!("show_worse", wide(&deployment::show(&worse(), None, now())));
    assert_snapshot!(
        "show_waiting",
        wide(&deployment::show(&awaiting(), None, now()))
    );
}

#[test]
fn what_is_approved_stands_last_above_the_question() {
    let waiting = awaiting();
    let asked = deployment::asked(&waiting, waiting.plan.as_ref().unwrap(), now());
    assert_snapshot!("asked", wide(&asked));
}

#[test]
fn a_plan_shows_everything_that_would_be_approved() {
    assert_snapshot!("plan", wide(&plans::page(&plan(), "orders")));
    let mut first = plan();
    first.live = None;
    first.digest = None;
    first.migrations = None;
    first.parameters = Vec::new();
    first.held_by = Vec::new();
    first.approvals_wanted = 0;
    assert_snapshot!("plan_first", wide(&plans::page(&first, "orders")));
}

#[test]
fn a_plan_never_shows_a_value_of_a_parameter() {
    let text = wide(&plans::page(&plan(), "orders"));
    assert!(
        text.contains("~DATABASE_URL (3 → 4), +FEATURE_X, -OLD_KEY"),
        "{text}"
    );
}

fn ended(state: &str, ended: Ended) -> Deployment {
    let mut deployment = activating();
    deployment.summary = summary(state);
    deployment.ended = Some(ended);
    deployment
}

#[test]
fn why_tells_class_line_host_next_step_and_the_command_that_helps() {
    assert_snapshot!(
        "why_rolled_back",
        wide(&why::page(&rolled_back(), None, now()))
    );
    assert_snapshot!("why_worse", wide(&why::page(&worse(), None, now())));
    let mut undecided = succeeded();
    undecided.judgements = worse().judgements.split_off(2);
    assert_snapshot!("why_undecided", wide(&why::page(&undecided, None, now())));
    let mut failed = rolled_back();
    failed.summary.state = "RollbackFailed".to_owned();
    assert_snapshot!(
        "why_rollback_failed",
        wide(&why::page(&failed, None, now()))
    );
}

#[test]
fn why_tells_what_holds_a_deployment_that_waits_for_its_turn() {
    let mut app = crate::samples::app();
    app.lock = Some(longshore_contract::Lock {
        owner: "alice".to_owned(),
        reason: Some("moving the database".to_owned()),
        expires_at: now(),
    });
    let mut queued = awaiting();
    queued.summary.state = "Queued".to_owned();
    let page = wide(&why::page(&queued, Some(&app), now()));
    assert!(
        page.contains("A lock holds it, of alice: moving the database, until "),
        "{page}"
    );
    assert!(page.contains("longshore unlock orders"), "{page}");
}

#[test]
fn why_does_not_call_the_same_words_something_else() {
    let mut failed = rolled_back();
    let run = failed.run.as_mut().unwrap();
    let of_host = run.hosts.iter_mut().find(|host| host.failure.is_some());
    let host = of_host.unwrap();
    let mut own = host.failure.clone().unwrap();
    own.detail = format!("{}: {}", host.host, own.detail);
    run.hosts.retain(|host| host.failure.is_some());
    run.hosts.truncate(1);
    failed.summary.failure = Some(own);
    let page = wide(&why::page(&failed, None, now()));
    assert!(!page.contains("something else"), "{page}");
}

#[test]
fn why_answers_for_every_state() {
    let by = |by: &str, reason: &str| Ended {
        by: Some(by.to_owned()),
        reason: Some(reason.to_owned()),
        superseded_by: None,
    };
    let newer = Ended {
        superseded_by: Some("01KAX4Z9V7Q2M8C4T6R5N1W0XY".to_owned()),
        ..Ended::default()
    };
    let pages = [
        ended("Succeeded", Ended::default()),
        ended("Failed", Ended::default()),
        ended("Rejected", by("tom", "not on a Friday")),
        ended("Cancelled", by("ines", "wrong commit")),
        ended("Expired", Ended::default()),
        ended("Superseded", newer),
        awaiting(),
        activating(),
    ]
    .map(|deployment| wide(&why::page(&deployment, None, now())));
    assert_snapshot!("why_states", pages.join("----\n"));
}

#[test]
fn the_picture_shows_phases_waves_hosts_and_the_first_error() {
    assert_snapshot!(
        "picture_running",
        wide(&progress::picture(&activating(), None, now()))
    );
    assert_snapshot!(
        "picture_failed",
        wide(&progress::picture(&rolled_back(), None, now()))
    );
    assert_snapshot!(
        "picture_worse",
        wide(&progress::picture(&worse(), None, now()))
    );
    assert_snapshot!(
        "picture_done",
        wide(&progress::picture(&succeeded(), None, now()))
    );
}

#[test]
fn a_picture_fits_the_terminal() {
    let page = progress::picture(&rolled_back(), None, now());
    for (width, height) in [(100, 40), (40, 10), (20, 5), (8, 3)] {
        let lines = page.frame(width, height);
        assert!(lines.len() <= height.into(), "{lines:#?}");
        for line in lines {
            assert!(line.chars().count() <= width.into(), "{line:?}");
        }
    }
}

#[test]
fn a_fleet_of_a_thousand_is_counted_and_not_listed() {
    let mut deployment = activating();
    let run = deployment.run.as_mut().unwrap();
    let one = run.hosts[1].clone();
    run.hosts.extend(std::iter::repeat_n(one, 1000));
    let text = wide(&progress::picture(&deployment, None, now()));
    assert!(text.contains("1002 hosts"), "{text}");
    assert!(text.lines().count() < 20, "{text}");
}

#[test]
fn every_change_is_told_once() {
    let mut told = progress::Told::default();
    let first = told.news(&activating(), None, now());
    assert_eq!(told.news(&activating(), None, now()), Vec::<String>::new());
    let second = told.news(&worse(), None, now());
    assert_eq!(told.news(&worse(), None, now()), Vec::<String>::new());
    assert_snapshot!(
        "news",
        format!("{}\n----\n{}", first.join("\n"), second.join("\n"))
    );
}

#[test]
fn the_record_tells_who_what_and_why() {
    assert_snapshot!("audit", wide(&record::audit(&audit(), "orders", now())));
    let none = Audit {
        entries: Vec::new(),
        before: None,
    };
    assert_snapshot!("no_audit", wide(&record::audit(&none, "orders", now())));
    assert_snapshot!("quarantine", wide(&record::quarantine(&drifting())));
    assert_snapshot!("whoami", wide(&record::whoami(&whoami())));
}

#[test]
fn an_error_line_that_would_command_the_terminal_is_made_harmless() {
    let mut deployment = rolled_back();
    let mut hostile = failure();
    hostile.detail = "\u{1b}]0;owned\u{7}\u{1b}[31mred\u{9b}2J".to_owned();
    deployment.summary.failure = Some(hostile);
    for page in [
        why::page(&deployment, None, now()),
        deployment::show(&deployment, None, now()),
        progress::picture(&deployment, None, now()),
    ] {
        let text = page.text(Some(100), false);
        assert!(text.contains("red"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{text:?}");
    }
}

fn table() -> Page {
    let mut page = Page::new();
    page.heading("orders");
    page.pairs([("live", Some("8c1f5e0f6bb1".to_owned())), ("lock", None)]);
    let why = "the app ended while it was starting, with an error of its own";
    let row =
        |host: &str, verdict: String, why: &str| vec![host.to_owned(), verdict, why.to_owned()];
    page.table(
        &["HOST", "VERDICT", "WHY"],
        vec![
            row("i-1", format!("{GOOD} proven"), ""),
            row("i-22", format!("{BAD} failed"), why),
        ],
    );
    page
}

#[test]
fn a_table_fits_its_width_and_what_has_no_room_goes_below_its_row() {
    let widths = [None, Some(60), Some(30)].map(|width| table().text(width, false));
    assert_snapshot!("table_widths", widths.join("----\n"));
}

#[test]
fn colours_follow_the_marks() {
    assert_snapshot!("table_coloured", table().text(None, true).escape_debug());
}

#[test]
fn a_text_cannot_turn_the_line_around_or_begin_a_new_one() {
    let mut page = Page::new();
    page.line("\u{1b}[2Jgone\r\u{202e}lla");
    page.table(&[], vec![vec!["a\nb\tc".to_owned()]]);
    assert_eq!(
        page.text(None, true),
        "gone\u{fffd}\u{fffd}lla\na\u{fffd}b c\n"
    );
}
