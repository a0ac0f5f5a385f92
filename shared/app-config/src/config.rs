//! The document: every key with its meaning, its bounds and its default, and what the product makes of it. The same
//! lines become `docs/app-config.schema.json`.

use crate::analysis::{self, Analysis};
use crate::checks::{self, CHECKS_MAX, HttpCheck};
use crate::document;
use crate::field::{Field, List, Manager, Mode, Source, Whole};
use crate::freeze::{self, Freezing};
use crate::hosts::Hosts;
use crate::notifications::{self, Digest, Notifications};
use crate::people::{self, Approvals, Human};
use crate::problem::{ConfigProblems, Problem, Problems};
use crate::section::{
    Presence::{Default, Optional, Required},
    section,
};
use crate::text::{Branch, HookName, PackageName, RequestPath, ScriptPath, TargetGroup};
use crate::url::HealthUrl;
use crate::waves::{HOSTS_MAX, Size, Waves};
use longshore_core::{AppName, HealthPolicy, Millis, NoData, Person, Policy, Repository, WaveSize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Attempts to ask one host for one step.
const ATTEMPTS_MAX: u32 = 3;
/// Failed rounds in a row that end a bake.
const BAKE_FAILURES_MAX: u32 = 2;
const ROUND_TIMEOUT: Millis = Millis::from_secs(60);
const SETTLING: Millis = Millis::from_secs(30);
const RETRY_AFTER: Millis = Millis::from_secs(5);
const POLL: Millis = Millis::from_secs(5);

section! {
    /// The configuration of one app in one environment. Unknown keys are refused.
    pub(crate) struct Document {
        /// The app's name. Default: the repository's slug, when that is an app name.
        app: Option<AppName> = Optional,
        /// The branch that is deployed to this environment; pushes to others are skipped.
        branch: Branch = Required("\"main\""),
        /// Where the code of a release comes from: git, and the hosts build it; or artifact, a build that a pipeline has
        /// stored in the environment's bucket.
        source: Source = Default(json!("git")),
        /// Which hosts make up the target set.
        hosts: Hosts = Default(json!({})),
        /// Cumulative wave sizes, each a number of hosts or a percentage of the target set, ascending; the last is
        /// 100%.
        waves: Waves = Default(json!(["100%"])),
        /// How a release is checked after it was switched to.
        health: Health = Required("{ \"port\": 3000 }"),
        /// By what a release is judged besides its health, in the same rounds.
        analysis: Analysis = Default(json!({})),
        /// How the app's processes are run.
        process: Process = Required("{ \"script\": \"server.js\" }"),
        /// Scripts of package.json that run at certain steps.
        hooks: Hooks = Default(json!({})),
        /// What an install may do on a host, and what it needs.
        install: Install = Default(json!({})),
        /// What is known of the app's migrations; without it they run and are not judged.
        migrations: Option<Migrations> = Optional,
        /// Where people and systems are told.
        notifications: Notifications = Default(json!({})),
        /// Whether a changed configuration or parameter is deployed by itself: the commit that is live, with the newest
        /// versions, on the way that a push takes.
        deploy_changes: bool = Default(json!(false)),
        /// Whether people must say yes to each deployment's plan before a host is switched.
        approval: bool = Default(json!(false)),
        /// Whose yes it takes, where approval is asked for.
        approvals: Approvals = Default(json!({})),
        /// When deployments wait.
        freeze: Freezing = Default(json!({})),
        /// The load balancer that a host leaves while it is switched.
        load_balancer: Option<LoadBalancer> = Optional,
        /// How long each step may take.
        timeouts: Timeouts = Default(json!({})),
    }
}

section! {
    /// How a release is checked after it was switched to.
    pub struct Health {
        /// The port that the app listens on, on its host; the app gets it as PORT.
        port: Whole<1, 65_535> = Required("3000"),
        /// The path that is asked on the host's loopback, printable and without spaces.
        path: RequestPath = Default(json!("/")),
        /// The HTTP status that counts as healthy.
        expected_status: Whole<100, 599> = Default(json!(200)),
        /// Attempts until an activation or a verification gives up.
        attempts: Whole<1, 100> = Default(json!(10)),
        /// Seconds between two attempts, and between two rounds of verification.
        interval_seconds: Whole<1, 300> = Default(json!(2)),
        /// Seconds for which the whole target set is watched before a release counts as good; 0 watches one round.
        bake_seconds: Whole<0, 3600> = Default(json!(60)),
        /// Seconds for which the hosts that were switched are watched before the next wave; 0 watches one round.
        wave_bake_seconds: Whole<0, 3600> = Default(json!(0)),
        /// An address that is asked from outside too, in every round: https, or http to this machine itself.
        url: Option<HealthUrl> = Optional,
        /// Further requests from outside, made in this order in every round once all hosts have switched; the first that fails
        /// ends the round.
        checks: List<HttpCheck, CHECKS_MAX> = Default(json!([])),
        /// Passed rounds in a row until a wave, a bake or a rollback counts as verified.
        passes: Whole<1, 10> = Default(json!(1)),
    }
}

section! {
    /// How the app's processes are run.
    pub struct Process {
        /// What keeps the processes running.
        manager: Manager = Default(json!("pm2")),
        /// The start script, as a path inside the repository after the build.
        script: ScriptPath = Required("\"server.js\""),
        /// cluster: the processes share the port and are replaced one by one; fork: each opens the port itself.
        mode: Mode = Default(json!("cluster")),
        /// Processes per host.
        instances: Whole<1, 64> = Default(json!(1)),
    }
}

section! {
    /// The load balancer that a host leaves while it is switched.
    pub struct LoadBalancer {
        /// The ARN of the target group, of instances. A host that is not in it is left alone.
        target_group: TargetGroup = Required("\"arn:aws:elasticloadbalancing:…\""),
        /// How long to wait at most until the host has no more requests from it, in seconds.
        drain_seconds: Whole<0, 3600> = Default(json!(30)),
        /// How long to wait at most until the target group finds the host healthy again, in seconds; 0 does not wait.
        healthy_seconds: Whole<0, 3600> = Default(json!(120)),
    }
}

section! {
    /// Scripts of package.json, run by name with npm. Dependencies are installed by npm ci in any case.
    pub struct Hooks {
        /// Runs on each host after npm ci.
        install: Option<HookName> = Optional,
        /// Runs on each host after the install hook.
        build: Option<HookName> = Optional,
        /// Runs once per deployment, on one host, before any traffic moves.
        migrate: Option<HookName> = Optional,
        /// Takes back what the migrate hook did; needs a migrate hook.
        migrate_down: Option<HookName> = Optional,
        /// Runs before the migrate hook, on the same host: a backup, without which nothing is migrated; needs a migrate hook.
        backup: Option<HookName> = Optional,
    }
}

section! {
    /// What is known of the app's migrations. From it each deployment gets its verdict about the way back.
    pub struct Migrations {
        /// The folder of the migrations inside the release, after the build.
        folder: ScriptPath = Required("\"migrations\""),
        /// The team's promise that every migration leaves the release before it working (expand, then contract).
        compatible: bool = Default(json!(false)),
        /// Whether a rollback may run the hook that takes migrations back, and so lose what was written since.
        down: bool = Default(json!(false)),
        /// Migrations that may run although there is no way back, each by its exact name in the folder.
        irreversible: List<ScriptPath, 50> = Default(json!([])),
    }
}

section! {
    /// What an install may do on a host, and what it needs.
    pub struct Install {
        /// Packages whose own install scripts run (npm rebuild), after npm ci has run none.
        scripts: List<PackageName, 20> = Default(json!([])),
        /// Memory and swap, in MB, that must be free on a host before anything is fetched; 0 asks for nothing.
        memory_mb: Whole<0, 65_536> = Default(json!(256)),
    }
}

section! {
    /// How long each step may take, in seconds. What takes longer has failed.
    pub struct Timeouts {
        /// Waiting for the pipeline's build of a push, in seconds; without meaning for the source git.
        artifact_seconds: Whole<60, 14_400> = Default(json!(1800)),
        /// Fetching, installing and building on the hosts, in seconds.
        prepare_seconds: Whole<30, 7200> = Default(json!(900)),
        /// The migrate hook, in seconds.
        migrate_seconds: Whole<10, 14_400> = Default(json!(900)),
        /// Switching one wave, or restoring the hosts that moved, in seconds.
        activate_seconds: Whole<30, 3600> = Default(json!(300)),
        /// Waiting for the deployment before it, in seconds.
        queue_seconds: Whole<60, 172_800> = Default(json!(14_400)),
        /// Waiting for an approval, in seconds.
        approval_seconds: Whole<60, 604_800> = Default(json!(86_400)),
    }
}

/// One app's configuration in one environment. A value of this type has passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppConfig {
    app: AppName,
    document: Document,
}

impl AppConfig {
    /// Judges a document as a whole.
    ///
    /// # Errors
    /// [`ConfigProblems`] with everything that is wrong.
    pub fn parse(json: &str, repository: &Repository) -> Result<Self, ConfigProblems> {
        let mut problems = Problems::of(known_paths);
        match read(json, repository, &mut problems) {
            Some(config) if problems.is_empty() => Ok(config),
            Some(_) | None => Err(ConfigProblems::of(problems.into_found())),
        }
    }

    /// The JSON Schema (draft 2020-12) of the document, for editors and other tools. It accepts every valid document;
    /// rules that tie keys together are judged by [`AppConfig::parse`] only.
    #[must_use]
    pub fn json_schema() -> Value {
        let mut schema = Document::schema();
        if let Some(schema) = schema.as_object_mut() {
            let draft = "https://json-schema.org/draft/2020-12/schema";
            schema.insert("$schema".to_owned(), Value::from(draft));
            schema.insert(
                "title".to_owned(),
                Value::from("Longshore app configuration"),
            );
        }
        schema
    }

    /// The app's name.
    #[must_use]
    pub const fn app(&self) -> &AppName {
        &self.app
    }

    /// The branch that is deployed.
    #[must_use]
    pub fn branch(&self) -> &str {
        self.document.branch.as_str()
    }

    /// Where the code of a release comes from.
    #[must_use]
    pub const fn source(&self) -> Source {
        self.document.source
    }

    /// Whether a changed configuration or parameter is deployed by itself.
    #[must_use]
    pub const fn deploys_changes(&self) -> bool {
        self.document.deploy_changes
    }

    /// How long a pipeline's build of a push is waited for.
    #[must_use]
    pub fn artifact_wait(&self) -> Millis {
        seconds(self.document.timeouts.artifact_seconds)
    }

    /// The tags a host must carry besides Longshore's own.
    #[must_use]
    pub const fn tags(&self) -> &BTreeMap<String, String> {
        self.document.hosts.tags.as_map()
    }

    /// The address of the check from outside, if there is one.
    #[must_use]
    pub fn health_url(&self) -> Option<&str> {
        self.document.health.url.as_ref().map(HealthUrl::as_str)
    }

    /// The HTTP status that counts as healthy.
    #[must_use]
    pub fn expected_status(&self) -> u16 {
        // The type's bound is 599, so that the conversion holds.
        u16::try_from(self.document.health.expected_status.get()).unwrap_or(u16::MAX)
    }

    /// How a release is checked.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.document.health
    }

    /// By what a release is judged besides its health.
    #[must_use]
    pub const fn analysis(&self) -> &Analysis {
        &self.document.analysis
    }

    /// How the processes are run.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.document.process
    }

    /// The name of an account of Bitbucket.
    #[must_use]
    pub fn person_in_bitbucket(&self, account: &str) -> Option<&Person> {
        let is = |human: &&Human| human.is_in_bitbucket(account);
        self.people().iter().find(is).map(Human::name)
    }

    /// The name of a user of Slack: who has none may not say yes there.
    #[must_use]
    pub fn person_in_slack(&self, user: &str) -> Option<&Person> {
        let is = |human: &&Human| human.is_in_slack(user);
        self.people().iter().find(is).map(Human::name)
    }

    /// Whether somebody has this name.
    #[must_use]
    pub fn knows(&self, person: &Person) -> bool {
        self.people().iter().any(|human| human.name() == person)
    }

    /// Who is who.
    #[must_use]
    pub fn people(&self) -> &[Human] {
        self.document.approvals.people()
    }

    /// The load balancer in front of the hosts, if there is one.
    #[must_use]
    pub const fn load_balancer(&self) -> Option<&LoadBalancer> {
        self.document.load_balancer.as_ref()
    }

    /// When deployments wait.
    #[must_use]
    pub const fn freezing(&self) -> &Freezing {
        &self.document.freeze
    }

    /// The scripts that run at certain steps.
    #[must_use]
    pub const fn hooks(&self) -> &Hooks {
        &self.document.hooks
    }

    /// What an install may do on a host, and what it needs.
    #[must_use]
    pub const fn install(&self) -> &Install {
        &self.document.install
    }

    /// What is known of the app's migrations, if anything is.
    #[must_use]
    pub const fn migrations(&self) -> Option<&Migrations> {
        self.document.migrations.as_ref()
    }

    /// The channels that are told of whole days, each with the time of the day, as [`longshore_freeze::Daily`] reads it.
    #[must_use]
    pub fn digests(&self) -> Vec<Digest> {
        self.document.notifications.digests()
    }

    /// The limits of a deployment under this configuration.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let document = &self.document;
        let timeouts = &document.timeouts;
        Policy {
            waves: document.waves.as_slice().to_vec(),
            health: health_policy(document),
            channels: document.notifications.routes(),
            migrates: document.hooks.migrate.is_some(),
            approvals: if document.approval {
                document.approvals.needed()
            } else {
                0
            },
            by_author: document.approvals.by_author(),
            unreachable_max: document.hosts.unreachable_max.get(),
            parallel_max: document.hosts.parallel.map(Whole::get),
            in_service_min: document.hosts.in_service_min.map(Size::get),
            hosts_max: HOSTS_MAX,
            attempts_max: ATTEMPTS_MAX,
            approval_timeout: seconds(timeouts.approval_seconds),
            queue_timeout: seconds(timeouts.queue_seconds),
            prepare_timeout: seconds(timeouts.prepare_seconds),
            migrate_timeout: seconds(timeouts.migrate_seconds),
            activate_timeout: seconds(timeouts.activate_seconds),
            round_timeout: ROUND_TIMEOUT,
            settling: SETTLING,
            retry_after: RETRY_AFTER,
            poll: POLL,
        }
    }
}

fn seconds<const MIN: u32, const MAX: u32>(number: Whole<MIN, MAX>) -> Millis {
    Millis::from_secs(u64::from(number.get()))
}

fn health_policy(document: &Document) -> HealthPolicy {
    let (health, analysis) = (&document.health, &document.analysis);
    HealthPolicy {
        attempts_max: health.attempts.get(),
        interval: seconds(health.interval_seconds),
        bake: seconds(health.bake_seconds),
        wave_bake: seconds(health.wave_bake_seconds),
        bake_failures_max: BAKE_FAILURES_MAX,
        passes: health.passes.get(),
        outside: health.url.is_some() || !health.checks.as_slice().is_empty(),
        numbers: analysis.judges(),
        alarms: !analysis.alarms.as_slice().is_empty(),
        no_data: match analysis.no_data {
            analysis::NoData::Pass => NoData::Pass,
            analysis::NoData::Wait => NoData::Wait(seconds(analysis.wait_seconds)),
            analysis::NoData::Stop => NoData::Stop,
        },
    }
}

fn read(json: &str, repository: &Repository, problems: &mut Problems) -> Option<AppConfig> {
    let value = document::read(json, problems)?;
    let named = value.get("app").is_some();
    let app = (!named && value.is_object()).then(|| app_of(repository, problems));
    let document = Document::read(&value, "", problems)?;
    check_together(&document, problems);
    let app = document.app.clone().or(app.flatten())?;
    Some(AppConfig { app, document })
}

/// The app of a document that names none.
fn app_of(repository: &Repository, problems: &mut Problems) -> Option<AppName> {
    let app = AppName::parse(repository.slug()).ok();
    if app.is_none() {
        let wrong = "is missing, and the repository's slug is not an app name";
        let fix = "add it: lower-case letters, digits and hyphens, for example \"app\": \"orders\"";
        problems.push(Problem::new("app", wrong, fix));
    }
    app
}

/// The rules that tie keys together.
fn check_together(document: &Document, problems: &mut Problems) {
    check_times(document, problems);
    check_builds(document, problems);
    check_process(document, problems);
    check_migrations(document, problems);
    people::check(&document.approvals, problems);
    check_service(document, problems);
    freeze::check(&document.freeze, problems);
    analysis::check(&document.analysis, problems);
    let others = usize::from(document.health.url.is_some());
    let others = others.saturating_add(document.analysis.checks());
    checks::check(&document.health.checks, others, problems);
    notifications::check(&document.notifications, problems);
}

/// What an activation waits for must fit into its time.
fn check_times(document: &Document, problems: &mut Problems) {
    let health = &document.health;
    let attempts = u64::from(health.attempts.get());
    let tried = attempts.saturating_mul(u64::from(health.interval_seconds.get()));
    let limit = u64::from(document.timeouts.activate_seconds.get());
    let waited = document.load_balancer.as_ref().map_or(0, |balancer| {
        u64::from(balancer.drain_seconds.get())
            .saturating_add(u64::from(balancer.healthy_seconds.get()))
    });
    if tried > limit {
        let wrong = format!(
            "makes {tried} seconds with health.interval_seconds, more than the {limit} of \
            timeouts.activate_seconds"
        );
        let fix = "lower one of the two, or raise timeouts.activate_seconds";
        problems.push(Problem::new("health.attempts", wrong, fix));
    } else if tried.saturating_add(waited) > limit {
        let wrong = format!(
            "waits up to {waited} seconds, and the health check {tried}: more than the {limit} of \
            timeouts.activate_seconds"
        );
        let fix = "lower load_balancer.drain_seconds or load_balancer.healthy_seconds, or raise timeouts.activate_seconds";
        problems.push(Problem::new("load_balancer", wrong, fix));
    }
}

/// Hosts that take a pipeline's build make none.
fn check_builds(document: &Document, problems: &mut Problems) {
    let hooks = &document.hooks;
    for (hook, name) in [(&hooks.install, "install"), (&hooks.build, "build")] {
        if document.source == Source::Artifact && hook.is_some() {
            let fix = "let the pipeline do it and remove the hook, or remove source";
            let wrong = "has nothing to do with source \"artifact\": the hosts build nothing";
            problems.push(Problem::new(&format!("hooks.{name}"), wrong, fix));
        }
    }
}

fn check_process(document: &Document, problems: &mut Problems) {
    let process = &document.process;
    let single = process.mode == Mode::Fork && process.instances.get() == 1;
    if process.manager == Manager::Systemd && !single {
        let wrong = "is systemd, which runs one process that opens the port itself";
        let fix = "write \"mode\": \"fork\" and one instance, or \"manager\": \"pm2\"";
        problems.push(Problem::new("process.manager", wrong, fix));
    }
}

/// When all must stay in service, none can be switched.
fn check_service(document: &Document, problems: &mut Problems) {
    let min = document.hosts.in_service_min.map(Size::get);
    if min == Some(WaveSize::Percent(100)) {
        let wrong = "keeps every host in service, so that none could be switched";
        problems.push(Problem::new(
            "hosts.in_service_min",
            wrong,
            "write a smaller share",
        ));
    }
}

/// Whatever is about migrations needs the hook that runs them.
fn check_migrations(document: &Document, problems: &mut Problems) {
    let hooks = &document.hooks;
    let mut refuse = |refused: bool, key: &str, wrong: &str, needed: &str| {
        if refused {
            let fix = format!("add {needed}, or remove it");
            problems.push(Problem::new(key, wrong, fix));
        }
    };
    let none = hooks.migrate.is_none();
    let hook = "hooks.migrate";
    let down = "has nothing to take back without hooks.migrate";
    refuse(
        none && hooks.migrate_down.is_some(),
        "hooks.migrate_down",
        down,
        hook,
    );
    let backup = "runs before a migration only, and there is no hooks.migrate";
    refuse(none && hooks.backup.is_some(), "hooks.backup", backup, hook);
    let section = "says something of migrations that never run";
    refuse(
        none && document.migrations.is_some(),
        "migrations",
        section,
        hook,
    );
    let allowed = document.migrations.as_ref().is_some_and(|m| m.down);
    let wrong = "allows a hook that is not there";
    let missing = allowed && hooks.migrate_down.is_none();
    refuse(missing, "migrations.down", wrong, "hooks.migrate_down");
}

/// The path of every key, in alphabetical order of the sections.
fn known_paths() -> Vec<String> {
    let mut paths = Vec::new();
    collect(&Document::schema(), "", &mut paths);
    paths
}

fn collect(schema: &Value, at: &str, paths: &mut Vec<String>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (key, schema) in properties {
        let path = crate::problem::key_path(at, key);
        collect(schema, &path, paths);
        paths.push(path);
    }
}
