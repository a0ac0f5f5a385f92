//! What whole documents mean, and what people are told about wrong ones.

use crate::samples;
use crate::samples::{MINIMAL, parse, with};
use longshore_app_config::{AppConfig, Mode, NoData};
use longshore_core::{Channel, ChannelName, Millis, Repository, WaveSize};
use serde_json::{Value, json};

fn problems(json: &str) -> Vec<String> {
    let problems = parse(json).unwrap_err();
    problems
        .as_slice()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_minimal_document_takes_every_default() {
    let config = parse(MINIMAL).unwrap();
    assert_eq!(config.app().as_str(), "orders");
    assert_eq!(config.branch(), "main");
    assert!(config.tags().is_empty());
    assert_eq!(config.health_url(), None);
    assert_eq!(config.expected_status(), 200);
    assert_eq!(config.health().path.as_str(), "/");
    assert_eq!(config.process().mode, Mode::Cluster);
    assert_eq!(config.process().instances.get(), 1);
    let policy = config.policy();
    assert_eq!(policy.check(), Ok(()));
    assert_eq!(policy.waves, [WaveSize::Percent(100)]);
    assert_eq!(policy.channels, [Channel::Sns.into()]);
    assert_eq!(policy.health.interval, Millis::from_secs(2));
    assert_eq!(policy.health.bake, Millis::from_secs(60));
    assert_eq!(policy.health.bake_failures_max, 2);
    assert!(!policy.health.outside && !policy.migrates && policy.approvals == 0);
    assert_eq!((policy.attempts_max, policy.hosts_max), (3, 10_000));
    assert_eq!(policy.settling, Millis::from_secs(30));
    assert_eq!(policy.round_timeout, Millis::from_secs(60));
    assert_eq!(policy.activate_timeout, Millis::from_secs(300));
}

#[test]
fn the_keys_of_the_document_reach_the_policy() {
    let mut document = with("hooks.migrate", json!("db:migrate"));
    for (path, value) in [
        ("approval", json!(true)),
        ("waves", json!(["1", "50%", "100%"])),
        ("health.url", json!("https://orders.example.com/health")),
        ("hosts.unreachable_max", json!(2)),
        ("hosts.parallel", json!(20)),
        ("hosts.in_service_min", json!("75%")),
        ("health.wave_bake_seconds", json!(30)),
        (
            "notifications",
            json!({ "slack": ["deployments"], "sns": false }),
        ),
        ("timeouts.queue_seconds", json!(60)),
    ] {
        samples::set(&mut document, path, value);
    }
    let config = parse(&document.to_string()).unwrap();
    let policy = config.policy();
    assert!(policy.health.outside && policy.migrates && policy.approvals == 1);
    assert_eq!(policy.unreachable_max, 2);
    assert_eq!(policy.parallel_max, Some(20));
    assert_eq!(policy.in_service_min, Some(WaveSize::Percent(75)));
    assert_eq!(policy.health.wave_bake, Millis::from_secs(30));
    assert_eq!(policy.queue_timeout, Millis::from_secs(60));
    let slack = Channel::Slack(ChannelName::parse("deployments").unwrap());
    assert_eq!(policy.channels, [slack.into()]);
    let waves = [
        WaveSize::Hosts(1),
        WaveSize::Percent(50),
        WaveSize::Percent(100),
    ];
    assert_eq!(policy.waves, waves);
}

#[test]
fn every_problem_is_named_at_once_with_its_path_and_its_fix() {
    let json = r#"{
        "brnach": "main", "colour": "red", "port": 3000,
        "hosts": { "tags": { "longshore:app": "x" }, "unreachable_max": -1 },
        "waves": ["1", "half"],
        "health": { "port": 70000, "path": "health", "intervalSeconds": 2 },
        "process": { "script": "/srv/server.js", "mode": "forks" },
        "hooks": { "build": "npm run build" },
        "approval": "yes"
    }"#;
    let found = problems(json);
    let expected = [
        "brnach is unknown: did you mean branch?",
        "colour is unknown: remove it; known here are app, branch, source, hosts, waves, health, analysis, process, hooks, install, migrations, notifications, deploy_changes, approval, approvals, freeze, load_balancer, timeouts",
        "port is unknown: did you mean health.port?",
        "branch is missing: add it, for example \"branch\": \"main\"",
        "hosts.tags.\"longshore:app\" is reserved: remove it; Longshore asks for its own tags anyway",
        "hosts.unreachable_max is -1: write a whole number from 0 to 10000, unquoted",
        "waves[1] is not the size of a wave: write a number of hosts from \"1\" to \"10000\" or a share from \"1%\" to \"100%\", in quotes",
        "health.intervalSeconds is unknown: did you mean health.interval_seconds?",
        "health.port is 70000: write a whole number from 1 to 65535, unquoted",
        "health.path is not a path: write a path of up to 256 printable characters without spaces and #, beginning with /, for example \"/health\"",
        "process.script begins with a slash, and the release's folder is not known beforehand: write a path inside the repository of up to 200 letters, digits and _.-/, for example \"dist/server.js\"",
        "process.mode is none of the words allowed here: did you mean \"fork\"?",
        "hooks.build is not the name of a script: write the name of a script in package.json: 1 to 64 lower-case letters, digits and :_-, for example \"build\"",
        "approval is a text: write true or false, unquoted",
    ];
    assert_eq!(found, expected);
}

#[test]
fn who_says_yes_is_known_where_an_authors_own_yes_does_not_count() {
    let one = json!({ "name": "ada", "bitbucket": "{00000000-0000-4000-8000-00000000000a}" });
    let other = json!({ "name": "bob", "slack": "U0B" });
    let of = |approvals: Value| with("approvals", approvals).to_string();
    let config = parse(&of(json!({ "by_author": false, "people": [one, other] }))).unwrap();
    assert!(!config.policy().by_author);
    let found = config.person_in_bitbucket("{00000000-0000-4000-8000-00000000000a}");
    assert_eq!(found.map(longshore_core::Person::as_str), Some("ada"));
    assert_eq!(config.person_in_slack("U0B").unwrap().as_str(), "bob");
    assert_eq!(config.person_in_slack("U0A"), None);
    let few = problems(&of(json!({ "by_author": false, "people": [one] })));
    assert_eq!(
        few,
        [
            "approvals.by_author is false, and approvals.people names 1: name the author and those who may say yes, at least 2"
        ]
    );
    let twice = json!({ "people": [one, { "name": "eve", "bitbucket": one["bitbucket"] }] });
    assert_eq!(
        problems(&of(twice)),
        ["approvals.people names a person twice: write each name and each account once"]
    );
}

#[test]
fn a_text_of_the_document_is_never_repeated() {
    let secret = "Tr0ub4dor-and-3";
    let schema = AppConfig::json_schema();
    for path in samples_paths(&schema) {
        let document = with(&path, json!(format!("{secret} {secret}")));
        if let Err(problems) = parse(&document.to_string()) {
            assert!(!problems.to_string().contains(secret), "{path}: {problems}");
        }
    }
    let broken = format!("{{\"branch\": \"{secret}\" \"{secret}\"}}");
    assert!(!parse(&broken).unwrap_err().to_string().contains(secret));
}

fn samples_paths(schema: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    for (key, section) in schema["properties"].as_object().unwrap() {
        paths.push(key.clone());
        let inner = section["properties"].as_object();
        paths.extend(
            inner
                .into_iter()
                .flatten()
                .map(|(inner, _)| format!("{key}.{inner}")),
        );
    }
    paths
}

#[test]
fn the_app_is_the_repositorys_slug_unless_it_cannot_be() {
    let read = |json: &str, repository: &str| {
        AppConfig::parse(json, &Repository::parse(repository).unwrap())
            .map(|config| config.app().to_string())
            .map_err(|problems| problems.to_string())
    };
    assert_eq!(read(MINIMAL, "acme/orders"), Ok("orders".to_owned()));
    let named = with("app", json!("shop")).to_string();
    for repository in ["acme/orders", "acme/orders.js", "acme/_orders"] {
        assert_eq!(read(&named, repository), Ok("shop".to_owned()));
    }
    let expected = "app is missing, and the repository's slug is not an app name: add it: \
        lower-case letters, digits and hyphens, for example \"app\": \"orders\"";
    for repository in ["acme/orders.js", "acme/my_orders", "acme/-x"] {
        assert_eq!(read(MINIMAL, repository), Err(expected.to_owned()));
    }
}

#[test]
fn something_that_is_not_an_object_is_one_problem() {
    for json in ["null", "[]", "1", "\"main\""] {
        assert_eq!(problems(json).len(), 1, "{json}");
    }
    let found = problems("[]").remove(0);
    assert!(
        found.starts_with("the document is a list: write an object"),
        "{found}"
    );
    let null = problems(&with("health", Value::Null).to_string()).remove(0);
    assert!(
        null.starts_with("health is null: write an object with the keys port"),
        "{null}"
    );
}

#[test]
fn systemd_runs_one_process_that_opens_the_port_itself() {
    let mut document = with("process.manager", json!("systemd"));
    let found = problems(&document.to_string());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("process.manager is systemd, which runs one process"),
        "{found:?}"
    );
    samples::set(&mut document, "process.mode", json!("fork"));
    assert!(parse(&document.to_string()).is_ok());
    samples::set(&mut document, "process.instances", json!(2));
    assert_eq!(problems(&document.to_string()).len(), 1);
}

#[test]
fn waiting_for_a_load_balancer_is_a_part_of_the_time_for_activating() {
    let group =
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/orders/0123456789abcdef";
    let mut document = with("load_balancer.target_group", json!(group));
    assert!(parse(&document.to_string()).is_ok());
    samples::set(&mut document, "load_balancer.drain_seconds", json!(200));
    let found = problems(&document.to_string());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("load_balancer waits up to 320 seconds, and the health check 20"),
        "{found:?}"
    );
    samples::set(&mut document, "timeouts.activate_seconds", json!(400));
    assert!(parse(&document.to_string()).is_ok());
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    let mut document = with("health.attempts", json!(100));
    samples::set(&mut document, "health.interval_seconds", json!(4));
    samples::set(&mut document, "hooks.migrate_down", json!("db:rollback"));
    let found = problems(&document.to_string());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("health.attempts makes 400 seconds with"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("hooks.migrate_down has nothing to take back"),
        "{found:?}"
    );
    samples::set(&mut document, "timeouts.activate_seconds", json!(400));
    samples::set(&mut document, "hooks.migrate", json!("db:migrate"));
    assert!(parse(&document.to_string()).is_ok());
}

#[test]
fn a_build_of_a_pipeline_leaves_the_hooks_that_build_nothing_to_do() {
    let mut document = with("source", json!("artifact"));
    samples::set(&mut document, "hooks.install", json!("setup"));
    samples::set(&mut document, "hooks.build", json!("build"));
    let found = problems(&document.to_string());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("hooks.install has nothing to do with source"));
    assert!(found[1].starts_with("hooks.build has nothing to do with source"));
    samples::set(&mut document, "source", json!("git"));
    assert!(parse(&document.to_string()).is_ok());
}

#[test]
fn what_is_said_of_migrations_needs_the_hooks_that_run_them() {
    let migrations =
        json!({ "folder": "migrations", "down": true, "irreversible": ["3-drop.sql"] });
    let mut document = with("migrations", migrations);
    samples::set(&mut document, "hooks.backup", json!("db:backup"));
    let found = problems(&document.to_string());
    let starts = [
        "hooks.backup runs before a migration only",
        "migrations says something of migrations that never run",
        "migrations.down allows a hook that is not there",
    ];
    assert_eq!(found.len(), starts.len(), "{found:?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found}");
    }
    samples::set(&mut document, "hooks.migrate", json!("db:migrate"));
    samples::set(&mut document, "hooks.migrate_down", json!("db:down"));
    let config = parse(&document.to_string()).unwrap();
    let migrations = config.migrations().unwrap();
    assert!(migrations.down && !migrations.compatible);
    assert_eq!(migrations.folder.as_str(), "migrations");
    assert_eq!(migrations.irreversible.as_slice().len(), 1);
}

#[test]
fn windows_freeze_and_their_ends_must_fit_together() {
    let weekend = json!({ "name": "weekend", "from": "Fri 16:00", "to": "Mon 08:00" });
    let half = json!({ "name": "half", "from": "Fri 16:00", "to": "08:00" });
    let back =
        json!({ "name": "back", "from": "2026-12-24T00:00:00Z", "to": "2026-12-24T00:00:00Z" });
    let mut document = with("freeze.weekly", json!([weekend, half]));
    samples::set(&mut document, "freeze.dated", json!([back]));
    let expected = [
        "freeze.weekly[1] names a day at one end only: write a day and a time for both ends, or a time for both and the days in days",
        "freeze.dated[0] ends before it begins: write a later point in time as its end",
    ];
    assert_eq!(problems(&document.to_string()), expected);

    let mut document = with("freeze.zone", json!("Europe/Berlin"));
    let london = json!({ "name": "night", "days": ["Mon"], "from": "22:00", "to": "06:00", "zone": "Europe/London" });
    let weekend = json!({ "name": "weekend", "from": "Fri 16:00", "to": "Mon 08:00" });
    samples::set(&mut document, "freeze.weekly", json!([weekend, london]));
    let dated = json!([{ "name": "stocktaking", "from": "2026-12-24T12:00:00+01:00", "to": "2027-01-02T08:00:00+01:00" }]);
    samples::set(&mut document, "freeze.dated", dated);
    let config = parse(&document.to_string()).unwrap();
    for (now, expected) in [
        ("2026-11-27T14:59:59Z", None),
        ("2026-11-27T15:00:00Z", Some("weekend")),
        ("2026-11-30T22:30:00Z", Some("night")),
        ("2026-12-25T15:00:00Z", Some("stocktaking")),
    ] {
        let now = longshore_freeze::point(now).unwrap();
        let frozen = config.freezing().by_window(now);
        assert_eq!(frozen.as_ref().map(longshore_core::Freeze::name), expected);
    }
}

#[test]
fn a_document_larger_than_any_parameter_is_refused_unread() {
    let padded = |bytes: usize| format!("{MINIMAL}{}", " ".repeat(bytes - MINIMAL.len()));
    assert!(parse(&padded(longshore_app_config::BYTES_MAX)).is_ok());
    let found = problems(&padded(longshore_app_config::BYTES_MAX + 1));
    assert_eq!(found.len(), 1);
}

#[test]
fn a_script_of_requests_is_read_with_its_defaults() {
    let check = json!({ "name": "login", "url": "https://orders.example.com/login" });
    let config = parse(&with("health.checks", json!([check])).to_string()).unwrap();
    let read = &config.health().checks.as_slice()[0];
    assert_eq!((read.method.word(), read.status()), ("GET", 200));
    assert_eq!(read.latency_max(), None);
    assert!(
        config.policy().health.outside,
        "it is looked from outside, without health.url too"
    );
    let config = parse(&with("health.passes", json!(3)).to_string()).unwrap();
    assert_eq!(config.policy().health.passes, 3);
}

#[test]
fn a_script_that_cannot_work_is_refused_with_what_to_do() {
    let of = |keys: Value| {
        let mut check = json!({ "name": "login", "url": "https://orders.example.com/login" });
        for (key, value) in keys.as_object().unwrap() {
            check[key] = value.clone();
        }
        with("health.checks", json!([check])).to_string()
    };
    let cases = [
        (
            json!({ "body": "{}" }),
            "health.checks[0].body is never sent without the method POST: write \"method\": \"POST\", or remove it",
        ),
        (
            json!({ "method": "HEAD", "contains": "x" }),
            "health.checks[0].contains is never there: HEAD is answered without a body: write \"method\": \"GET\", or remove it",
        ),
        (
            json!({ "method": "POST", "body": "{" }),
            "health.checks[0].body is not JSON, or too long: write JSON in a text of up to 4000 characters, for example \"{\\\"item\\\": 1}\"",
        ),
        (
            json!({ "name": "health" }),
            "health.checks[0].name is the name of the check that health.url makes: write 1 to 40 lower-case letters, digits and hyphens, not starting with a hyphen; not \"health\", which is health.url",
        ),
    ];
    for (keys, expected) in cases {
        assert_eq!(problems(&of(keys)), [expected]);
    }
    let check =
        |url: &str| json!({ "name": "login", "url": format!("https://orders.example.com/{url}") });
    let twice = with("health.checks", json!([check("a"), check("b")])).to_string();
    assert_eq!(
        problems(&twice),
        ["health.checks[1].name stands twice: give each check its own name"]
    );
}

#[test]
fn a_metric_is_one_of_the_hosts_or_one_of_the_app_and_each_check_has_its_name() {
    let host = json!({ "name": "cpu", "host": "cpu" });
    let own = json!({ "name": "latency", "namespace": "Orders", "metric": "Latency", "statistic": "p90", "per_host": true });
    let config = parse(&with("analysis.metrics", json!([host, own])).to_string()).unwrap();
    let metrics = config.analysis().metrics.as_slice();
    let series: Vec<_> = metrics
        .iter()
        .map(|metric| metric.series().unwrap())
        .collect();
    assert_eq!(
        (series[0].namespace.as_str(), series[0].metric.as_str()),
        ("AWS/EC2", "CPUUtilization")
    );
    assert_eq!(
        (series[0].statistic.as_str(), series[0].period_s),
        ("Average", 60)
    );
    assert_eq!(
        (series[1].statistic.as_str(), metrics[1].is_per_host()),
        ("p90", true)
    );
    assert_eq!(series[1].of_host("i-1").dimensions["InstanceId"], "i-1");
    assert_eq!(metrics[1].check().unwrap().as_str(), "metric:latency");
    assert_eq!(config.analysis().no_data, NoData::Pass);
    assert!(config.analysis().judges() && !parse(MINIMAL).unwrap().analysis().judges());
    for (metrics, expected) in [
        (
            json!([{ "name": "a" }]),
            "analysis.metrics[0] does not say which metric it is: add host, for example \"host\": \"cpu\", or namespace and metric",
        ),
        (
            json!([{ "name": "a", "namespace": "A" }]),
            "analysis.metrics[0] does not say which metric it is: add host, for example \"host\": \"cpu\", or namespace and metric",
        ),
        (
            json!([{ "name": "a", "host": "cpu", "per_host": true }]),
            "analysis.metrics[0] names a metric of the hosts, and one of the app: remove host, or namespace, metric, dimensions and per_host",
        ),
        (
            json!([{ "name": "a", "namespace": "A", "metric": "a", "dimensions": { "InstanceId": "i-1" } }]),
            "analysis.metrics[0] names the dimension InstanceId, and hosts come and go: write \"per_host\": true instead",
        ),
        (
            json!([host, { "name": "cpu", "host": "memory" }]),
            "analysis.metrics[1] makes a check of the same name as one before it: give it another name, or remove it",
        ),
    ] {
        let document = with("analysis.metrics", metrics);
        assert_eq!(problems(&document.to_string()), [expected]);
    }
    let alarms = with("analysis.alarms", json!(["a b", "a_b"]));
    assert_eq!(problems(&alarms.to_string()).len(), 1);
}

#[test]
fn each_channel_is_told_of_what_is_written_for_it() {
    let document = with(
        "notifications",
        json!({
            "sns": { "from": "error" },
            "slack": ["deployments", { "name": "oncall", "from": "critical" }],
            "slack_app": [{ "name": "C024BE91L", "kinds": ["approval_wanted", "ended"] }],
            "teams": ["ops"],
            "webhooks": ["audit"],
            "build_status": true,
            "tag": true
        }),
    );
    let policy = parse(&document.to_string()).unwrap().policy();
    let told: Vec<(String, &str, usize)> = policy
        .channels
        .iter()
        .map(|route| (route.channel.label(), route.from.word(), route.kinds.len()))
        .collect();
    let told: Vec<(&str, &str, usize)> =
        told.iter().map(|(l, f, k)| (l.as_str(), *f, *k)).collect();
    assert_eq!(
        told,
        [
            ("sns", "error", 4),
            ("slack/deployments", "info", 4),
            ("slack/oncall", "critical", 4),
            ("slack_app/C024BE91L", "info", 2),
            ("teams/ops", "info", 4),
            ("webhooks/audit", "info", 4),
            ("build_status", "info", 4),
            ("tag", "info", 4),
        ]
    );
}

#[test]
fn a_channel_that_is_told_of_nothing_or_stands_twice_is_a_problem() {
    let of = |notifications: Value| problems(&with("notifications", notifications).to_string());
    assert_eq!(
        of(json!({ "slack": ["a", { "name": "a", "from": "error" }] })),
        [
            "notifications.slack[1] names a channel twice: say in one place what the channel is told of"
        ]
    );
    assert_eq!(
        of(json!({ "teams": [{ "name": "a", "kinds": [] }] })),
        [
            "notifications.teams[0].kinds names no kind of message: name at least one, or remove the channel"
        ]
    );
    assert_eq!(
        of(json!({ "sns": { "from": "critcal" } })),
        ["notifications.sns.from is none of the words allowed here: did you mean \"critical\"?"]
    );
    assert_eq!(
        of(json!({ "slack_app": ["deployments"] })),
        [
            "notifications.slack_app[0] is not the id of a channel: write the id that Slack shows at the end of the channel's details: C or G, then capital letters and digits"
        ]
    );
    assert_eq!(
        of(json!({ "webhooks": ["https://audit.example.com/secret"] })),
        [
            "notifications.webhooks[0] is a URL, and a webhook's URL is a secret: put the URL into the SecureString parameter /longshore/<environment>/control/webhooks/<name>/url, and <name> here"
        ]
    );
}
