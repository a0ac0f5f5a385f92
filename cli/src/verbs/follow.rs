//! The verbs that stay: `watch` until a deployment has ended, and `logs` until nothing more comes.

use super::{Desk, Ended, Meant, holder, resolve};
use crate::api::{Api, Reply};
use crate::args::{self, Pace};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::page::{Page, clean};
use crate::view::progress::{Told, last_line, outcome, picture};
use crate::when::time_of_day;
use longshore_contract::{AppStatus, Deployment, Logs, Operation};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Looks in a row that may fail before it gives up.
const MISSES_MAX: u32 = 10;

pub(super) async fn watch(desk: &Desk<'_>, args: &args::Watch) -> Ended {
    let api = Api::of(desk.common).await?;
    let id = resolve(&api, &args.subject, Meant::Newest).await?;
    follow(desk, &api, &id, &args.pace, args.through_approval).await
}

/// Follows a deployment, and tells by the exit code how it ended.
pub(super) async fn follow(
    desk: &Desk<'_>,
    api: &Api,
    id: &str,
    pace: &Pace,
    through_approval: bool,
) -> Ended {
    let mut view = View::new(desk);
    let last = until_end(api, id, pace, through_approval, &mut view).await?;
    let exit = outcome(&last).unwrap_or(Exit::Waiting);
    desk.screen.note(&last_line(&last));
    Ok(exit)
}

/// Looks until it has ended, waits for an approval, or the time is over; tells how it stands then.
pub(super) async fn until_end(
    api: &Api,
    id: &str,
    pace: &Pace,
    through_approval: bool,
    view: &mut View<'_>,
) -> Result<Deployment, Failure> {
    let since = Instant::now();
    let mut misses = 0_u32;
    loop {
        match api.get(Operation::Show, &[("id", id)], &[]).await {
            Ok(reply) => {
                misses = 0;
                let app = holder(api, &reply.value).await;
                view.update(&reply, app.as_ref());
                let over = pace
                    .timeout
                    .is_some_and(|limit| since.elapsed() >= Duration::from_secs(limit));
                if over || stands_still(&reply.value, through_approval) {
                    return Ok(reply.value);
                }
            }
            Err(failure) => misses = patience(view, failure, misses)?,
        }
        sleep(Duration::from_secs(pace.interval)).await;
    }
}

fn stands_still(deployment: &Deployment, through_approval: bool) -> bool {
    let asks = deployment.summary.state == "AwaitingApproval" && !through_approval;
    outcome(deployment).is_some() || asks
}

/// A look that did not reach the API is made again, once there was one that did.
fn patience(view: &View<'_>, failure: Failure, misses: u32) -> Result<u32, Failure> {
    let hopeless = failure.exit != Exit::Unreachable || !view.has_seen() || misses >= MISSES_MAX;
    if hopeless {
        return Err(failure);
    }
    Ok(misses.saturating_add(1))
}

/// Where a deployment is shown while it goes on.
pub(super) struct View<'a> {
    desk: &'a Desk<'a>,
    told: Told,
    last: Option<Value>,
    drawn: usize,
    beside: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(desk: &'a Desk<'a>) -> Self {
        Self {
            desk,
            told: Told::default(),
            last: None,
            drawn: 0,
            beside: false,
        }
    }

    /// Beside a result that is written at the end: where that is JSON, nothing else is written.
    pub(super) fn beside(desk: &'a Desk<'a>) -> Self {
        Self {
            beside: true,
            ..Self::new(desk)
        }
    }

    const fn has_seen(&self) -> bool {
        self.last.is_some()
    }

    fn update(&mut self, reply: &Reply<Deployment>, app: Option<&AppStatus>) {
        let app = app.map(|app| &app.summary);
        let screen = self.desk.screen;
        if screen.is_live() {
            let page = picture(&reply.value, app, reply.now);
            self.drawn = screen.redraw(&page, self.drawn);
        } else if screen.is_json() {
            if !self.beside && self.last.as_ref() != Some(&reply.json) {
                screen.json_line(&reply.json);
            }
        } else {
            let mut page = Page::new();
            for line in self.told.news(&reply.value, app, reply.now) {
                page.line(&line);
            }
            screen.page(&page);
        }
        self.last = Some(reply.json.clone());
    }
}

pub(super) async fn logs(desk: &Desk<'_>, args: &args::Logs) -> Ended {
    let api = Api::of(desk.common).await?;
    let id = resolve(&api, &args.subject, Meant::Newest).await?;
    let mut after: Option<String> = None;
    let mut any = false;
    loop {
        let host = args.host.as_deref().map(|host| ("host", host));
        let cursor = after.as_deref().map(|after| ("after", after));
        let query: Vec<_> = host.into_iter().chain(cursor).collect();
        let reply: Reply<Logs> = api.get(Operation::Logs, &[("id", &id)], &query).await?;
        write_lines(desk, &reply.value);
        any |= !reply.value.lines.is_empty();
        let stays = reply.value.after.is_none() || reply.value.after == after;
        let caught_up = reply.value.lines.is_empty() || stays;
        if reply.value.complete || (caught_up && !args.follow) {
            break;
        }
        after = reply.value.after.or(after);
        if caught_up {
            sleep(Duration::from_secs(args.interval)).await;
        }
    }
    if !any {
        desk.screen
            .note(&format!("no host of {id} has written anything yet"));
    }
    Ok(Exit::Done)
}

/// A line for each, in both forms: a log that is followed has no end that an array would need.
fn write_lines(desk: &Desk<'_>, logs: &Logs) {
    for line in &logs.lines {
        if desk.screen.is_json() {
            let object = json!({ "at": line.at, "host": line.host, "text": line.text });
            desk.screen.json_line(&object);
        } else {
            let text = format!("{}  {}  {}", time_of_day(line.at), line.host, line.text);
            desk.screen.raw(&format!("{}\n", clean(&text)));
        }
    }
}
