//! The questions that change nothing.

use crate::Office;
use crate::asked::{Cursor, Entries, LogsAsked};
use crate::caller::{Caller, Rights};
use crate::view;
use longshore_contract as contract;
use longshore_contract::{ErrorWord, Refusal};
use longshore_core::{
    AppName, Deployment, DeploymentId, Failure, FailureClass, HostId, Millis, Repository, Slot,
    State, Timestamp,
};
use longshore_shell::freeze;
use longshore_shell::ports::{
    Clock, Configs, Configured, Fleet, HostLine, HostLogs, LinesWanted, Repositories, ResolveError,
    Seen, Store, StoreError,
};

/// Lines of a log that one answer holds.
const LINES_MAX: usize = 500;

/// How far freezes to come are looked for, and how many are told.
const COMING_WITHIN: Millis = Millis::from_secs(14 * 24 * 60 * 60);
const COMING_MAX: usize = 10;

/// Among so many of an app's newest deployments the last one that has ended is looked for: before it stand one that runs, one
/// that waits, and those that were replaced before they began.
const LAST_AMONG: u32 = 5;

/// How long after its end a deployment's hosts may still send what they wrote.
const TAIL: Millis = Millis::from_secs(15);

/// Lines of several hosts arrive out of order; until a line is this old, an older one of another host may still come.
const SETTLING_MS: u64 = 6_000;

/// An app as its configuration tells it.
pub(crate) struct Known {
    /// The app.
    pub app: AppName,
    /// Its repository.
    pub repository: Repository,
    /// The configuration, or what is wrong with it.
    pub configured: Result<Configured, Failure>,
}

/// Who the caller is.
#[must_use]
pub fn who_am_i<O: Office>(office: &O, caller: &Caller) -> contract::WhoAmI {
    contract::WhoAmI {
        principal: caller.principal.clone(),
        name: caller.person.to_string(),
        account: caller.account.clone(),
        roles: roles(caller),
        environment: office.environment().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The roles that the API itself looks at; those of IAM it does not know.
fn roles(caller: &Caller) -> Option<Vec<String>> {
    match &caller.rights {
        Rights::OfPolicies => None,
        Rights::OfGroups(roles) => Some(roles.iter().map(|role| role.word().to_owned()).collect()),
    }
}

/// The names of all apps, in their order.
///
/// # Errors
/// [`ErrorWord::Unavailable`].
pub(crate) async fn names<O: Office>(office: &O) -> Result<Vec<AppName>, Refusal> {
    let repositories = office.repositories().repositories().await;
    let mut names = Vec::new();
    for repository in repositories.map_err(unresolved)? {
        names.extend(known(office, repository).await?.map(|known| known.app));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// Every app, in the order of their names.
///
/// # Errors
/// [`ErrorWord::Unavailable`].
pub async fn apps<O: Office>(office: &O) -> Result<contract::Apps, Refusal> {
    let repositories = office.repositories().repositories().await;
    let mut apps = Vec::new();
    for repository in repositories.map_err(unresolved)? {
        if let Some(known) = known(office, repository).await? {
            let slot = office
                .store()
                .slot(&known.app)
                .await
                .map_err(|error| unread(&error))?;
            apps.push(summary(office, &known, &slot).await?);
        }
    }
    apps.sort_by(|a, b| a.app.cmp(&b.app));
    Ok(contract::Apps {
        environment: office.environment().to_string(),
        apps,
    })
}

/// How an app stands, with every host.
///
/// # Errors
/// [`ErrorWord::NoSuchApp`], [`ErrorWord::Unavailable`].
pub async fn status<O: Office>(office: &O, app: &AppName) -> Result<contract::AppStatus, Refusal> {
    let known = find(office, app).await?;
    let slot = office
        .store()
        .slot(app)
        .await
        .map_err(|error| unread(&error))?;
    let running = match &slot.running {
        Some(id) => office
            .store()
            .deployment(id)
            .await
            .map_err(|error| unread(&error))?,
        None => None,
    };
    let seen = seen(office, &known).await?;
    let run = running.as_ref().and_then(|running| running.state.run());
    Ok(contract::AppStatus {
        summary: summary(office, &known, &slot).await?,
        last: last(office, app).await?,
        quarantine: view::quarantine(&slot),
        freezes: coming(office, &known).await,
        hosts: view::hosts(&slot, run, &seen),
    })
}

/// The newest deployment that has ended, if it is among the newest.
async fn last<O: Office>(
    office: &O,
    app: &AppName,
) -> Result<Option<contract::DeploymentSummary>, Refusal> {
    let newest = office.store().history(app, None, LAST_AMONG).await;
    for id in newest.map_err(|error| unread(&error))? {
        let deployment = office.store().deployment(&id).await;
        let deployment = deployment.map_err(|error| unread(&error))?;
        let told =
            deployment.filter(|one| one.state.is_terminal() && one.state.name() != "Superseded");
        if let Some(last) = told {
            return Ok(Some(view::summary(&last)));
        }
    }
    Ok(None)
}

/// The next freezes.
async fn coming<O: Office>(office: &O, known: &Known) -> Vec<contract::FreezeToCome> {
    let Ok(Configured { config, .. }) = &known.configured else {
        return Vec::new();
    };
    let now = office.clock().now();
    let last = now.after(COMING_WITHIN);
    let coming = freeze::coming(office.calendars(), config.freezing(), now, last).await;
    let told = coming.iter().take(COMING_MAX);
    told.map(view::freeze_to_come).collect()
}

/// The freeze that holds what waits; while nothing waits the one that would.
async fn freeze<O: Office>(
    office: &O,
    known: &Known,
    waiting: Option<&Deployment>,
) -> Option<longshore_core::Freeze> {
    if let Some(waiting) = waiting {
        return waiting.freeze.clone();
    }
    let configured = known.configured.as_ref().ok()?;
    let freezing = configured.config.freezing();
    freeze::frozen_by(office.calendars(), freezing, office.clock().now()).await
}

/// The hosts with the app's tags; none when the configuration that would tell them is not valid.
async fn seen<O: Office>(office: &O, known: &Known) -> Result<Vec<Seen>, Refusal> {
    let Ok(Configured { config, .. }) = &known.configured else {
        return Ok(Vec::new());
    };
    let seen = office.fleet().seen(&known.app, config.tags()).await;
    seen.map_err(unresolved)
}

/// What operators did to an app, the newest first.
///
/// # Errors
/// [`ErrorWord::NoSuchApp`], [`ErrorWord::Unavailable`].
pub async fn audit<O: Office>(
    office: &O,
    app: &AppName,
    page: &Entries,
) -> Result<contract::Audit, Refusal> {
    let entries = office.store().entries(app, page.before, page.limit);
    let entries = entries.await.map_err(|error| unread(&error))?;
    if entries.is_empty() && page.before.is_none() {
        find(office, app).await?;
    }
    let is_full = u32::try_from(entries.len()).is_ok_and(|found| found >= page.limit);
    let before = entries.last().filter(|_| is_full);
    Ok(contract::Audit {
        before: before.map(|entry| entry.number.to_string()),
        entries: entries.iter().map(view::deed).collect(),
    })
}

/// A deployment in full.
///
/// # Errors
/// [`ErrorWord::NoSuchDeployment`], [`ErrorWord::Unavailable`].
pub async fn show<O: Office>(
    office: &O,
    id: &DeploymentId,
) -> Result<contract::Deployment, Refusal> {
    let deployment = load(office, id).await?;
    let mut seen = view::deployment(&deployment);
    if let Some(plan) = &mut seen.plan {
        let slot = office
            .store()
            .slot(&deployment.app)
            .await
            .map_err(|error| unread(&error))?;
        plan.expected_seconds = expected(office, &slot).await?;
    }
    Ok(seen)
}

/// What the hosts of a deployment have written, from where the caller has read to.
///
/// # Errors
/// [`ErrorWord::NoSuchDeployment`], [`ErrorWord::NoSuchHost`], [`ErrorWord::Unavailable`].
pub async fn logs<O: Office>(
    office: &O,
    id: &DeploymentId,
    asked: &LogsAsked,
) -> Result<contract::Logs, Refusal> {
    let deployment = load(office, id).await?;
    let hosts = hosts_of(&deployment, asked.host.as_ref())?;
    let now = office.clock().now();
    let (from, until) = span(&deployment, hosts.len(), now);
    let cursor = asked.after.unwrap_or(Cursor { at: from, told: 0 });
    let told = usize::try_from(cursor.told).unwrap_or(usize::MAX);
    let wanted = LinesWanted {
        hosts,
        from: cursor.at.max(from),
        until,
        limit: LINES_MAX.saturating_add(told),
    };
    let lines = office.host_logs().lines(&wanted).await.map_err(|error| {
        Refusal::new(
            ErrorWord::Unavailable,
            format!("The hosts' logs cannot be read: {}.", error.0),
        )
    })?;
    let is_full = lines.len() >= wanted.limit;
    let lines = behind(lines, cursor);
    let over = deployment.state.is_terminal() && now >= until;
    Ok(contract::Logs {
        after: Some(place(&lines, cursor).to_string()),
        complete: over && !is_full,
        lines: lines.into_iter().map(line).collect(),
    })
}

/// The hosts whose logs are asked for.
fn hosts_of(deployment: &Deployment, only: Option<&HostId>) -> Result<Vec<HostId>, Refusal> {
    let run = deployment.state.run();
    let all = run.into_iter().flat_map(|run| run.waves.iter().flatten());
    let hosts: Vec<HostId> = all
        .filter(|host| only.is_none_or(|only| only == *host))
        .cloned()
        .collect();
    if only.is_some() && hosts.is_empty() {
        return Err(Refusal::of(ErrorWord::NoSuchHost));
    }
    Ok(hosts)
}

/// From when until when a deployment's hosts may have written about it, as far as that can be told by now.
fn span(deployment: &Deployment, hosts: usize, now: Timestamp) -> (Timestamp, Timestamp) {
    let first = deployment
        .timeline
        .iter()
        .find(|entry| entry.state == "Preparing");
    let from = first.map_or(deployment.origin.at, |entry| entry.at);
    let until = match &deployment.state {
        State::Ended { at, .. } => at.after(TAIL),
        State::AwaitingApproval { .. } | State::Queued { .. } | State::Active { .. }
            if hosts > 1 =>
        {
            Timestamp::from_unix_ms(now.as_unix_ms().saturating_sub(SETTLING_MS))
        }
        State::AwaitingApproval { .. } | State::Queued { .. } | State::Active { .. } => now,
    };
    (from, until)
}

/// The lines without those that were told.
fn behind(lines: Vec<HostLine>, cursor: Cursor) -> Vec<HostLine> {
    let mut told = cursor.told;
    let is_new = |line: &HostLine| {
        let was_told = line.at == cursor.at && told > 0;
        told = told.saturating_sub(u32::from(was_told));
        !was_told
    };
    let mut is_new = is_new;
    lines.into_iter().filter(|line| is_new(line)).collect()
}

/// The place behind the last of the lines.
fn place(lines: &[HostLine], before: Cursor) -> Cursor {
    let Some(last) = lines.last() else {
        return before;
    };
    let same = lines.iter().filter(|line| line.at == last.at).count();
    let same = u32::try_from(same).unwrap_or(u32::MAX);
    let earlier = if last.at == before.at { before.told } else { 0 };
    Cursor {
        at: last.at,
        told: earlier.saturating_add(same),
    }
}

fn line(line: HostLine) -> contract::LogLine {
    contract::LogLine {
        at: view::time(line.at),
        host: line.host.to_string(),
        text: line.text,
    }
}

/// An app in short.
pub(crate) async fn summary<O: Office>(
    office: &O,
    known: &Known,
    slot: &Slot,
) -> Result<contract::AppSummary, Refusal> {
    let now = office.clock().now();
    let lock = slot.lock.as_ref().filter(|lock| lock.expires_at > now);
    let config = known.configured.as_ref().ok();
    let problem = known.configured.as_ref().err();
    let waiting = waiting(office, slot).await?;
    let freeze = freeze(office, known, waiting.as_ref()).await;
    Ok(contract::AppSummary {
        app: known.app.to_string(),
        repository: known.repository.to_string(),
        branch: config.map(|configured| configured.config.branch().to_owned()),
        problem: problem.map(|failure| failure.detail().to_owned()),
        live: slot.live.as_ref().map(view::live),
        running: in_a_line(office, slot.running.as_ref()).await?,
        waiting: waiting.as_ref().map(view::summary),
        lock: lock.map(view::lock),
        freeze: freeze.as_ref().map(view::freeze),
        stranded: slot.stranded.as_ref().map(ToString::to_string),
        quarantined: u32::try_from(slot.quarantine.len()).unwrap_or(u32::MAX),
    })
}

/// The deployment that waits, with the freeze that holds it, if one does.
async fn waiting<O: Office>(office: &O, slot: &Slot) -> Result<Option<Deployment>, Refusal> {
    match &slot.waiting {
        Some(id) => office
            .store()
            .deployment(id)
            .await
            .map_err(|error| unread(&error)),
        None => Ok(None),
    }
}

/// How long a deployment is likely to take, in seconds: as long as the one that brought what is live.
pub(crate) async fn expected<O: Office>(office: &O, slot: &Slot) -> Result<Option<u64>, Refusal> {
    let Some(live) = &slot.live else {
        return Ok(None);
    };
    let proved = office.store().deployment(&live.deployment).await;
    let state = proved
        .map_err(|error| unread(&error))?
        .map(|deployment| deployment.state);
    Ok(match state {
        Some(State::Ended {
            run: Some(run), at, ..
        }) => Some(at.since(run.started_at).as_ms().div_ceil(1_000)),
        Some(
            State::Ended { run: None, .. }
            | State::AwaitingApproval { .. }
            | State::Queued { .. }
            | State::Active { .. },
        )
        | None => None,
    })
}

async fn in_a_line<O: Office>(
    office: &O,
    id: Option<&DeploymentId>,
) -> Result<Option<contract::DeploymentSummary>, Refusal> {
    let Some(id) = id else {
        return Ok(None);
    };
    let deployment = office
        .store()
        .deployment(id)
        .await
        .map_err(|error| unread(&error))?;
    Ok(deployment.as_ref().map(view::summary))
}

/// Finds an app by its name. Most have the name of their repository, so that one is asked first.
///
/// # Errors
/// [`ErrorWord::NoSuchApp`], [`ErrorWord::Unavailable`].
pub(crate) async fn find<O: Office>(office: &O, app: &AppName) -> Result<Known, Refusal> {
    let repositories = office.repositories().repositories().await;
    let mut repositories = repositories.map_err(unresolved)?;
    repositories.sort_by_key(|repository| slug(repository) != app.as_str());
    for repository in repositories {
        match known(office, repository).await? {
            Some(known) if known.app == *app => return Ok(known),
            Some(_) | None => {}
        }
    }
    Err(Refusal::of(ErrorWord::NoSuchApp))
}

/// The app of a repository. A configuration that is not valid has the app of its repository's name, if that is one.
async fn known<O: Office>(office: &O, repository: Repository) -> Result<Option<Known>, Refusal> {
    let configured = match office.configs().config(&repository, None).await {
        Ok(None) => return Ok(None),
        Ok(Some(configured)) => Ok(configured),
        Err(ResolveError::Failed(failure)) if failure.class == FailureClass::ConfigRefused => {
            Err(failure)
        }
        Err(error) => return Err(unresolved(error)),
    };
    let app = match &configured {
        Ok(configured) => Some(configured.config.app().clone()),
        Err(_) => AppName::parse(slug(&repository)).ok(),
    };
    Ok(app.map(|app| Known {
        app,
        repository,
        configured,
    }))
}

fn slug(repository: &Repository) -> &str {
    let full = repository.as_str();
    full.split_once('/').map_or(full, |(_, slug)| slug)
}

/// Loads a deployment.
///
/// # Errors
/// [`ErrorWord::NoSuchDeployment`], [`ErrorWord::Unavailable`].
pub(crate) async fn load<O: Office>(office: &O, id: &DeploymentId) -> Result<Deployment, Refusal> {
    let deployment = office
        .store()
        .deployment(id)
        .await
        .map_err(|error| unread(&error))?;
    deployment.ok_or_else(|| Refusal::of(ErrorWord::NoSuchDeployment))
}

/// A table that cannot be read; a record of another version is a matter for the function's log.
pub(crate) fn unread(error: &StoreError) -> Refusal {
    match error {
        StoreError::Conflict => Refusal::of(ErrorWord::ChangedMeanwhile),
        StoreError::Unavailable(_) => {
            Refusal::new(ErrorWord::Unavailable, "The table cannot be reached now.")
        }
        StoreError::Refused(_) => {
            Refusal::new(ErrorWord::Internal, "The table refuses the request.")
        }
        StoreError::Unreadable { .. } => Refusal::new(
            ErrorWord::Internal,
            "A record was written by another version, which this one cannot read.",
        ),
    }
}

/// What is needed and cannot be had: for now, or as things are.
pub(crate) fn unresolved(error: ResolveError) -> Refusal {
    match error {
        ResolveError::Unavailable(_) => Refusal::of(ErrorWord::Unavailable),
        ResolveError::Failed(failure) => Refusal {
            error: ErrorWord::NotDeployable,
            message: format!("{}: {}", failure.class.word(), failure.detail()),
            next: failure.class.next_step().to_owned(),
        },
    }
}
