//! The doctor: looks at everything an environment needs, and says for each finding how to mend it.
//!
//! A check that may not look, or cannot, is reported as not checked and never as good. It changes nothing: to learn which rights
//! the caller has it asks for impossible things, which the API refuses after IAM has let them through.

mod account;
mod environment;

use super::{Desk, Ended};
use crate::api::{Api, access, environment};
use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::page::{BAD, GOOD, IDLE, Page};
use crate::session::Session;
use longshore_core::EnvironmentName;
use serde_json::{Value, json};

/// What cannot be seen from here.
const NOT_CHECKED: &str = "Not checked: that Bitbucket's webhook points here, the values of secrets, the hosts' disks and tools \
     (a deployment checks those), and the functions themselves.";

pub(super) async fn doctor(desk: &Desk<'_>, args: &args::Doctor) -> Ended {
    let session = Session::open(&access(desk.common)).await?;
    let name = environment(desk.common)?;
    let mut found = Findings::default();
    account::caller(&session, &mut found).await;
    match Api::of(desk.common).await {
        Ok(api) => environment::all(&api, name, args.app.as_ref(), &mut found).await,
        Err(failure) => found.bad("operators' API", &failure.message, &failure.next),
    }
    in_the_account(&session, name, &mut found).await;
    desk.screen.show(&found.json(), &found.page());
    Ok(found.exit())
}

async fn in_the_account(session: &Session, name: &EnvironmentName, found: &mut Findings) {
    account::parameters(session, name, found).await;
    account::key(session, name, found).await;
    account::dead_letters(session, name, found).await;
    account::alarms(session, name, found).await;
}

/// How a thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    Bad,
    /// Neither: something to know.
    Known,
    NotChecked,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
struct Finding {
    what: String,
    health: Health,
    detail: String,
    next: Option<String>,
}

/// Everything that was looked at.
#[derive(Clone, Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn push(&mut self, what: &str, health: Health, detail: &str, next: Option<&str>) {
        self.0.push(Finding {
            what: what.to_owned(),
            health,
            detail: detail.to_owned(),
            next: next.map(str::to_owned),
        });
    }

    fn good(&mut self, what: &str, detail: &str) {
        self.push(what, Health::Good, detail, None);
    }

    fn bad(&mut self, what: &str, detail: &str, next: &str) {
        self.push(what, Health::Bad, detail, Some(next));
    }

    fn known(&mut self, what: &str, detail: &str) {
        self.push(what, Health::Known, detail, None);
    }

    fn unknown(&mut self, what: &str, failure: &Failure) {
        let next = Some(failure.next.as_str());
        self.push(what, Health::NotChecked, &failure.message, next);
    }

    fn exit(&self) -> Exit {
        if self.0.iter().any(|one| one.health == Health::Bad) {
            Exit::Bad
        } else {
            Exit::Done
        }
    }

    fn json(&self) -> Value {
        let object = |one: &Finding| {
            let health = match one.health {
                Health::Good => "good",
                Health::Bad => "bad",
                Health::Known => "known",
                Health::NotChecked => "not_checked",
            };
            json!({ "what": one.what, "health": health, "detail": one.detail, "next": one.next })
        };
        json!({ "findings": self.0.iter().map(object).collect::<Vec<_>>() })
    }

    fn page(&self) -> Page {
        let row = |one: &Finding| {
            let mark = match one.health {
                Health::Good => GOOD,
                Health::Bad => BAD,
                Health::Known | Health::NotChecked => IDLE,
            };
            let detail = match one.health {
                Health::Good | Health::Bad | Health::Known => one.detail.clone(),
                Health::NotChecked => format!("not checked: {}", one.detail),
            };
            vec![format!("{mark} {}", one.what), detail]
        };
        let mut page = Page::new();
        page.table(&[], self.0.iter().map(row).collect());
        let fixes = self.0.iter().filter_map(|one| {
            let next = one.next.clone()?;
            (one.health == Health::Bad).then(|| vec![one.what.clone(), next])
        });
        let fixes: Vec<Vec<String>> = fixes.collect();
        if !fixes.is_empty() {
            page.gap().heading("What to do");
            page.table(&[], fixes);
        }
        page.gap().line(NOT_CHECKED);
        page
    }
}
