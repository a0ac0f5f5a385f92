//! What a digest says, without regard to the channel: a pure function of a day. What somebody must do stands first, then what went
//! wrong, then what went well.

use super::gather::{AppDay, Day, is_live};
use crate::message::{Act, Short, Tone};
use crate::text::{clean, cut, duration};
use longshore_core::{
    AnnouncementKind, Deployment, EnvironmentName, Millis, Outcome, State, Timestamp,
};
use longshore_freeze::Daily;
use longshore_shell::ports::DigestName;

/// The most entries of a digest: what a card of Teams holds. What is left out is counted, app by app.
pub(super) const ENTRIES_MAX: usize = 12;

/// The most apps whose numbers stand in a digest.
const APPS_MAX: usize = 15;

/// The longest text of an entry, in characters.
const TEXT_MAX: usize = 240;

/// One thing that a digest tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How it should look.
    pub tone: Tone,
    /// All of it in one line; the app stands first. It may hold foreign text.
    pub text: String,
    /// Why it did not go well, where it did not. It may hold foreign text.
    pub problem: Option<String>,
    /// What a person should do.
    pub step: Option<String>,
    /// The command that helps.
    pub command: Option<String>,
}

/// What a digest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// All of it in one line.
    pub title: String,
    /// How it should look.
    pub tone: Tone,
    /// Whether somebody must act.
    pub act: Act,
    /// Why, or why not.
    pub why: String,
    /// The environment.
    pub environment: EnvironmentName,
    /// Which digest it is.
    pub name: DigestName,
    /// The first moment of what it is about.
    pub from: Timestamp,
    /// The moment after its last.
    pub until: Timestamp,
    /// What else there is to know: the time it is about, numbers app by app, what is not in it.
    pub notes: Vec<String>,
    /// What it tells, in parts with a title each; as many as a card of Teams holds.
    pub parts: Vec<(&'static str, Vec<Entry>)>,
}

impl Sheet {
    /// What there is to say of a day; `None` where nothing has ended and nothing waits.
    #[must_use]
    pub fn of(day: &Day) -> Option<Self> {
        let mut waits: Vec<Entry> = day.apps.iter().flat_map(|app| waiting(day, app)).collect();
        waits.sort_by_key(|entry| entry.tone != Tone::NeedsPerson);
        let ended: Vec<(&AppDay, &Deployment)> = day
            .apps
            .iter()
            .flat_map(|app| app.ended.iter().map(move |deployment| (app, deployment)))
            .collect();
        let is_known = day.unlooked.is_empty() && day.apps.iter().all(|app| !app.is_unreadable);
        if waits.is_empty() && ended.is_empty() && is_known {
            return None;
        }
        let (mut wrong, rest): (Vec<_>, Vec<_>) = ended.iter().partition(|(_, one)| is_wrong(one));
        // What hurts users now stands first, what was put right last, so that no cut can hide it.
        wrong.sort_by_key(|(app, one)| (is_overtaken(app, one), !is_worst(one)));
        let well = rest.into_iter().filter(|(_, one)| is_live(one));
        let well: Vec<Entry> = well.map(|(app, one)| told(day, app, one)).collect();
        let open = wrong.iter().filter(|(app, one)| !is_overtaken(app, one));
        let open: Vec<&Deployment> = open.map(|(_, one)| *one).collect();
        let wrong: Vec<Entry> = wrong.iter().map(|(app, one)| told(day, app, one)).collect();
        let (act, why) = verdict(&waits, &open);
        let why = if act == Act::Nothing && !is_known {
            format!("as far as could be looked at, {why}")
        } else {
            why
        };
        let left_out = waits
            .len()
            .saturating_add(wrong.len())
            .saturating_add(well.len());
        let left_out = left_out.saturating_sub(ENTRIES_MAX);
        Some(Self {
            title: title(day, ended.len(), waits.len()),
            tone: match act {
                Act::Nothing => Tone::Good,
                Act::Fix => Tone::Bad,
                Act::Decide => Tone::Asks,
                Act::Now => Tone::NeedsPerson,
            },
            act,
            why,
            environment: day.environment.clone(),
            name: day.name.clone(),
            from: day.from,
            until: day.until,
            notes: notes(day, left_out),
            parts: parts(waits, wrong, well, act),
        })
    }

    /// What makes a repeat recognisable: the channel, the time of the day, and the day.
    #[must_use]
    pub fn id(&self) -> String {
        format!(
            "digest.{}.{}",
            self.name.label().replace(' ', "_"),
            self.until.as_unix_s()
        )
    }

    /// The last line of a digest, the same in every repeat.
    #[must_use]
    pub fn reference(&self) -> String {
        format!(
            "digest of {} · until {} · {}",
            self.environment,
            local(&self.name, self.until),
            self.name.channel.label()
        )
    }
}

fn local(name: &DigestName, at: Timestamp) -> String {
    let place = name.at.split_once(' ').map_or("UTC", |(_, place)| place);
    let local = Daily::parse(&name.at).and_then(|daily| daily.local(at));
    format!("{} {place}", local.unwrap_or_default())
}

fn number(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}

fn title(day: &Day, ended: usize, waits: usize) -> String {
    let ended = number(ended, "deployment", "deployments");
    let waits = match waits {
        0 => String::new(),
        1 => ", 1 thing waits for somebody".to_owned(),
        some => format!(", {some} things wait for somebody"),
    };
    let days = day.until.since(day.from).as_secs_ceil().div_ceil(24 * 3600);
    let span = if days <= 1 {
        "a day".to_owned()
    } else {
        format!("{days} days")
    };
    format!("{}: {ended} in {span}{waits}", day.environment)
}

/// Whether somebody must act, and why. What was put right by a later deployment asks for nothing any more.
fn verdict(waits: &[Entry], open: &[&Deployment]) -> (Act, String) {
    let hurt = open.iter().filter(|one| is_worst(one)).count();
    let stranded = waits.iter().any(|entry| entry.tone == Tone::NeedsPerson);
    if hurt > 0 || stranded {
        let why = "users may get errors, and nothing that came later has put it right. See the first entries.";
        return (Act::Now, why.to_owned());
    }
    if !waits.is_empty() {
        let why = match waits.len() {
            1 => "1 thing waits for somebody, below.".to_owned(),
            some => format!("{some} things wait for somebody, below."),
        };
        return (Act::Decide, why);
    }
    match open.len() {
        0 => (Act::Nothing, "nothing waits for anybody, and nothing that went wrong is left.".to_owned()),
        1 => (Act::Fix, "1 deployment ended badly, and nothing newer of its app went well since; users are served what was live before.".to_owned()),
        some => (Act::Fix, format!("{some} deployments ended badly, and nothing newer of their apps went well since; users are served what was live before.")),
    }
}

/// The parts that have something in them, cut where there is too much.
fn parts(
    waits: Vec<Entry>,
    wrong: Vec<Entry>,
    well: Vec<Entry>,
    act: Act,
) -> Vec<(&'static str, Vec<Entry>)> {
    let waits = ("Waits for somebody", waits);
    let wrong = ("Went wrong", wrong);
    let all = if act == Act::Now {
        [wrong, waits, ("Went well", well)]
    } else {
        [waits, wrong, ("Went well", well)]
    };
    let mut room = ENTRIES_MAX;
    let cut = all.map(|(title, entries)| {
        let kept: Vec<Entry> = entries.into_iter().take(room).collect();
        room = room.saturating_sub(kept.len());
        (title, kept)
    });
    cut.into_iter()
        .filter(|(_, kept)| !kept.is_empty())
        .collect()
}

fn notes(day: &Day, left_out: usize) -> Vec<String> {
    let (from, until) = (local(&day.name, day.from), local(&day.name, day.until));
    let mut notes = vec![format!("From {from} to {until}.")];
    let active = day.apps.iter().filter(|app| !app.ended.is_empty());
    let counted: Vec<String> = active.clone().take(APPS_MAX).map(counts).collect();
    notes.extend(counted);
    let more = active.count().saturating_sub(APPS_MAX);
    if more > 0 {
        notes.push(format!("And {}.", number(more, "app more", "apps more")));
    }
    if left_out > 0 {
        notes.push(format!(
            "{} not shown here: longshore -e {} history APP",
            number(left_out, "entry is", "entries are"),
            day.environment
        ));
    }
    for app in day.apps.iter().filter(|app| app.has_more) {
        notes.push(format!(
            "{}: there were more than are looked at for a digest.",
            app.app
        ));
    }
    for app in day.apps.iter().filter(|app| app.is_unreadable) {
        notes.push(format!(
            "{}: something of it was written by another version and cannot be read.",
            app.app
        ));
    }
    if !day.unlooked.is_empty() {
        let names: Vec<&str> = day
            .unlooked
            .iter()
            .map(longshore_core::AppName::as_str)
            .collect();
        notes.push(format!(
            "There was no time to look at {}.",
            names.join(", ")
        ));
    }
    if day.is_missing_something {
        notes.push(format!("What was before {from} was never told here."));
    }
    if !day.unread.is_empty() {
        let names: Vec<&str> = day
            .unread
            .iter()
            .take(5)
            .map(longshore_core::Repository::as_str)
            .collect();
        let more = day.unread.len().saturating_sub(names.len());
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        notes.push(format!(
            "Nothing is told of {}{more}: the app's configuration cannot be read.",
            names.join(", ")
        ));
    }
    notes
}

/// How an app's deployments ended, in numbers.
fn counts(app: &AppDay) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for deployment in &app.ended {
        let word = word_of(deployment);
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => counts.push((word, 1)),
        }
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(word, n)| format!("{n} {word}"))
        .collect();
    format!("{}: {}", app.app, counts.join(", "))
}

const fn word_of(deployment: &Deployment) -> &'static str {
    let State::Ended { outcome, .. } = &deployment.state else {
        return "under way";
    };
    match outcome {
        Outcome::Succeeded => "went live",
        Outcome::Failed(_) => "failed",
        Outcome::RolledBack(_) => "rolled back",
        Outcome::RollbackFailed(_) => "could not be rolled back",
        Outcome::Rejected(_) => "refused",
        Outcome::Expired(_) => "expired",
        Outcome::Superseded(_) => "superseded",
        Outcome::Cancelled(_) => "cancelled",
    }
}

/// Whether somebody has something to put right.
fn is_wrong(deployment: &Deployment) -> bool {
    let short = Short::of(deployment, AnnouncementKind::Ended, deployment.origin.at);
    matches!(short.todo.act, Act::Fix | Act::Now)
}

/// Whether users may be hurt by it.
const fn is_worst(deployment: &Deployment) -> bool {
    matches!(
        deployment.state,
        State::Ended {
            outcome: Outcome::RollbackFailed(_),
            ..
        }
    )
}

/// Whether a later deployment of the same app went well, be it after the time that is told of.
fn is_overtaken(app: &AppDay, deployment: &Deployment) -> bool {
    app.newest_well
        .as_ref()
        .is_some_and(|newest| *newest > deployment.id)
}

fn told(day: &Day, app: &AppDay, deployment: &Deployment) -> Entry {
    let short = Short::of(deployment, AnnouncementKind::Ended, day.now);
    let is_overtaken = is_wrong(deployment) && is_overtaken(app, deployment);
    let problem = short.problem.map(|problem| match problem.line.as_str() {
        "" => problem.said(),
        line => format!("{}: {line}", problem.said()),
    });
    let steps = if is_overtaken {
        Vec::new()
    } else {
        short.todo.steps
    };
    // What comes before the first command is as urgent as that.
    let until = steps.iter().position(|step| step.command.is_some());
    let first = steps.get(..=until.unwrap_or_default()).unwrap_or_default();
    let texts: Vec<&str> = first.iter().map(|step| step.text.as_str()).collect();
    let step = Some(texts.join(" ")).filter(|text| !text.is_empty());
    let command = first.iter().find_map(|step| step.command.clone());
    let after = if is_overtaken {
        "; what came later went well"
    } else {
        ""
    };
    Entry {
        tone: short.tone,
        text: shown(&format!(
            "{}: {}{} {}{after}",
            app.app,
            short.commit,
            short
                .subject
                .map_or_else(String::new, |subject| format!(" \u{201c}{subject}\u{201d}")),
            parenthesis(&short.what, deployment, short.took),
        )),
        problem: problem.map(|problem| shown(&problem)),
        step,
        command,
    }
}

fn parenthesis(what: &str, deployment: &Deployment, took: Option<Millis>) -> String {
    let by = deployment.origin.by.as_ref().map(|by| format!("by {by}"));
    let took = took.map(|took| format!("in {}", duration(took)));
    let kind = Some(deployment.origin.kind.word().to_owned());
    let known: Vec<String> = [kind, by, took].into_iter().flatten().collect();
    format!("{what} ({})", known.join(", "))
}

/// What of an app waits for somebody now.
fn waiting(day: &Day, app: &AppDay) -> Vec<Entry> {
    let mut entries = Vec::new();
    let name = &app.app;
    let command = |words: String| Some(format!("longshore -e {} {words}", day.environment));
    if let Some(id) = &app.slot.stranded {
        entries.push(Entry {
            tone: Tone::NeedsPerson,
            text: shown(&format!(
                "{name}: what is live may not fit the database since {id}, so no host that comes late gets it"
            )),
            problem: None,
            step: Some("Deploy what fits the database.".to_owned()),
            command: command(format!("why {id}")),
        });
    }
    if let Some(asked) = &app.asks {
        let short = Short::of(asked, AnnouncementKind::ApprovalWanted, day.now);
        entries.push(Entry {
            tone: Tone::Asks,
            text: shown(&format!(
                "{name}: {} ({})",
                short.what,
                short.todo.why.trim_end_matches('.')
            )),
            problem: None,
            step: None,
            command: command(format!("approve {}", asked.id)),
        });
    }
    let lock = app.slot.lock.as_ref();
    if let Some(lock) = lock.filter(|lock| lock.expires_at > day.now) {
        let why = lock.reason.as_ref();
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        let left = duration(lock.expires_at.since(day.now));
        entries.push(Entry {
            tone: Tone::Asks,
            text: shown(&format!(
                "{name}: held by {}, nothing is deployed for {left} more{why}",
                lock.owner
            )),
            problem: None,
            step: None,
            command: command(format!("unlock {name} --reason 'your reason'")),
        });
    }
    entries
}

fn shown(text: &str) -> String {
    cut(&clean(text), TEXT_MAX, |_| 1)
}

/// How long a deployment took that has run.
pub(crate) fn took(deployment: &Deployment) -> Option<Millis> {
    let started = deployment.state.run()?.started_at;
    Some(deployment.state.ended_at()?.since(started))
}
