//! Whether somebody must act, why, and how: what a message is sent for. It stands above everything else, in words for somebody who sees
//! Longshore for the first time at three in the morning.

use super::news::{News, is_an_operators, not_restored};
use crate::text::{duration, hosts};
use longshore_core::{
    AnnouncementKind, Failure, FailureClass, HostId, Kind, Outcome, Run, Standing, State,
};

/// Whether somebody must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Nobody has to.
    Nothing,
    /// Somebody has something to put right, and users are served well meanwhile.
    Fix,
    /// Somebody is asked and waited for.
    Decide,
    /// Users may be hurt until somebody acts.
    Now,
}

impl Act {
    /// The word for systems.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Fix => "fix",
            Self::Decide => "decide",
            Self::Now => "now",
        }
    }

    /// The words for people, before what it is about.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing to do",
            Self::Fix => "To fix",
            Self::Decide => "To decide",
            Self::Now => "Act now",
        }
    }
}

/// One thing to do. Nothing in it is foreign text but names that are valid by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub text: String,
    /// The command that does it, or that shows what is needed for it, as it can be pasted.
    pub command: Option<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Todo {
    /// Whether somebody must act.
    pub act: Act,
    /// What users have now, or why there is nothing to do.
    pub why: String,
    /// How, in this order; none where there is nothing to do.
    pub steps: Vec<Step>,
}

impl Todo {
    /// The steps with their numbers, where there are several.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (String, Option<&str>)> {
        let several = self.steps.len() > 1;
        let numbers = self.steps.iter().zip(1_u32..);
        numbers.map(move |(step, number)| {
            let text = if several {
                format!("{number}. {}", step.text)
            } else {
                step.text.clone()
            };
            (text, step.command.as_deref())
        })
    }

    const fn nothing(why: String) -> Self {
        Self {
            act: Act::Nothing,
            why,
            steps: Vec::new(),
        }
    }
}

/// Hosts that a sentence names; of more it tells the number.
const NAMED_MAX: usize = 3;

/// The end of a sentence has a full stop.
fn ended(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// A sentence has a capital at its beginning, too. None may begin with the id of a host, which is written as it is.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    let first = first.map(String::from).unwrap_or_default();
    ended(&format!("{first}{}", letters.as_str()))
}

fn named(hosts_: &[&HostId]) -> String {
    let shown = hosts_.iter().take(NAMED_MAX).map(|host| host.as_str());
    let shown: Vec<&str> = shown.collect();
    match (hosts_.len().saturating_sub(NAMED_MAX), shown.split_last()) {
        (0, Some((last, before))) if !before.is_empty() => {
            format!("{} and {last}", before.join(", "))
        }
        (0, _) => shown.concat(),
        (more, _) => format!("{} and {} more", shown.join(", "), hosts(more)),
    }
}

impl News<'_> {
    pub(super) fn todo(&self) -> Todo {
        match (self.kind, &self.deployment.state) {
            (AnnouncementKind::ApprovalWanted, State::AwaitingApproval { deadline, .. }) => {
                let left = duration(deadline.since(self.now));
                self.decide(&left)
            }
            (AnnouncementKind::ApprovalWanted, _) => {
                Todo::nothing("the question is answered.".to_owned())
            }
            (AnnouncementKind::Started, _) => Todo::nothing(
                "Longshore goes on by itself, and back if it does not go well.".to_owned(),
            ),
            (AnnouncementKind::RollingBack, _) => Todo::nothing(
                "Longshore puts it right by itself, and calls somebody if it cannot.".to_owned(),
            ),
            (AnnouncementKind::Ended, State::Ended { outcome, run, .. }) => {
                self.after(outcome, run.as_ref())
            }
            (AnnouncementKind::Ended, _) => Todo::nothing("it goes on.".to_owned()),
        }
    }

    /// A command of Longshore about this deployment or its app, as it can be pasted.
    fn command(&self, words: &str) -> String {
        format!("longshore -e {} {words}", self.deployment.environment)
    }

    fn step(&self, text: &str, words: &str) -> Step {
        Step {
            text: sentence(text),
            command: Some(self.command(words)),
        }
    }

    fn why_step(&self, text: &str) -> Step {
        self.step(text, &format!("why {}", self.deployment.id))
    }

    fn decide(&self, left: &str) -> Todo {
        let id = &self.deployment.id;
        let yes = "say yes to the plan below; the command shows all of it and asks once more";
        let no = "or say no, with your reason";
        Todo {
            act: Act::Decide,
            why: format!(
                "it waits for a yes, and is dropped without one in {left}. {}",
                sentence(&format!("until then {}", self.still()))
            ),
            steps: vec![
                self.step(yes, &format!("approve {id}")),
                self.step(no, &format!("reject {id} --reason 'your reason'")),
            ],
        }
    }

    /// What users are served as long as nothing has moved.
    fn still(&self) -> String {
        let run = self.deployment.state.run();
        match run.map(|run| run.previous.as_ref()) {
            Some(Some(live)) => format!("users are still served {}", live.commit.short()),
            Some(None) => "nothing is live here".to_owned(),
            None => "users are still served what was live before".to_owned(),
        }
    }

    fn after(&self, outcome: &Outcome, run: Option<&Run>) -> Todo {
        let still = || sentence(&self.still());
        match outcome {
            Outcome::Succeeded => Todo::nothing(self.all_is_well(run)),
            Outcome::Failed(failure) | Outcome::RolledBack(failure) if is_an_operators(failure) => {
                Todo::nothing(format!("somebody wanted it so. {}", still()))
            }
            Outcome::Failed(failure) | Outcome::RolledBack(failure)
                if failure.class == FailureClass::Superseded =>
            {
                Todo::nothing(format!("a newer deployment goes on. {}", still()))
            }
            Outcome::Failed(failure) => self.fix(failure, "no host was switched, "),
            Outcome::RolledBack(failure) => self.fix_what_went_back(failure),
            Outcome::RollbackFailed(failure) => self.act_now(failure, run),
            Outcome::Rejected(_) => Todo::nothing(format!("somebody said no. {}", still())),
            Outcome::Expired(_) => Todo {
                act: Act::Fix,
                why: ended(&format!("it was dropped, {}", self.still())),
                steps: vec![self.again("if it is still wanted, deploy it again")],
            },
            Outcome::Superseded(_) => {
                Todo::nothing(format!("what is newer takes its place. {}", still()))
            }
            Outcome::Cancelled(_) => Todo::nothing(format!("somebody stopped it. {}", still())),
        }
    }

    /// The deployment once more, by the command that begins it.
    fn again(&self, text: &str) -> Step {
        let (app, origin) = (&self.deployment.app, &self.deployment.origin);
        let words = match &origin.kind {
            Kind::Config => format!("deploy {app} --config"),
            Kind::Rollback(_) => format!("rollback {app}"),
            Kind::Drill(_) => format!("drill {app}"),
            Kind::Join(_) => format!("deploy {app}"),
            Kind::Push | Kind::Redeploy | Kind::Promote(_) => {
                format!("deploy {app} --commit {}", origin.commit)
            }
        };
        self.step(text, &words)
    }

    fn all_is_well(&self, run: Option<&Run>) -> String {
        let served = self.deployment.origin.commit.short();
        let excused = run.map_or(0, |run| {
            let left_out = |standing: &&Standing| matches!(standing, Standing::Excused(_));
            run.hosts.values().filter(left_out).count()
        });
        match excused {
            0 => format!("users are served {served}."),
            1 => format!(
                "users are served {served}. The host that was left out gets it when it is back."
            ),
            _ => format!(
                "users are served {served}. The hosts that were left out get it when they are back."
            ),
        }
    }

    fn fix(&self, failure: &Failure, what: &str) -> Todo {
        let how_soon = if failure.class == FailureClass::MigrationFailed {
            ", but the database may be half migrated, so look at it soon"
        } else {
            ", so it is not urgent"
        };
        Todo {
            act: Act::Fix,
            why: ended(&format!("{what}{}{how_soon}", self.still())),
            steps: vec![self.why_step(failure.class.next_step())],
        }
    }

    fn fix_what_went_back(&self, failure: &Failure) -> Todo {
        let (app, commit) = (&self.deployment.app, &self.deployment.origin.commit);
        let again = "then push a fix. This very commit stays out, unless somebody lets it in again";
        let clear = format!("quarantine clear {app} {commit} --reason 'your reason'");
        let mut todo = self.fix(failure, "every host that had switched is back, ");
        todo.steps.push(self.step(again, &clear));
        todo
    }

    /// Users may be hurt. What they get now is said first, then what helps them first.
    fn act_now(&self, failure: &Failure, run: Option<&Run>) -> Todo {
        let concerned = run.map(not_restored).unwrap_or_default();
        let away = run.and_then(|run| take_away(failure.class, run, &concerned));
        let has_advice_for_later = matches!(
            failure.class,
            FailureClass::NothingProven | FailureClass::MigrationIrreversible
        );
        // What such a class advises comes next, and stands below.
        let look = self.why_step(if has_advice_for_later {
            "look why the release is not well"
        } else {
            failure.class.next_step()
        });
        Todo {
            act: Act::Now,
            why: ended(&self.what_users_get(failure.class, run, &concerned)),
            steps: away
                .into_iter()
                .chain([look, self.mend(failure.class)])
                .collect(),
        }
    }

    /// What users get from the hosts that are not known to be back.
    fn what_users_get(
        &self,
        class: FailureClass,
        run: Option<&Run>,
        concerned: &[&HostId],
    ) -> String {
        let commit = self.deployment.origin.commit.short();
        let live = run.and_then(|run| run.previous.as_ref());
        let live = live.map_or("what was live", |live| live.commit.short());
        let hosts_ = named(concerned);
        match Stuck::of(class) {
            _ if concerned.is_empty() => format!(
                "no host was switched, but {live}, which is live, may not fit the database any more, so that users may get errors"
            ),
            Stuck::Nowhere => format!(
                "{hosts_} may serve nothing, or {commit}, which is not well; there is no earlier release to go back to"
            ),
            Stuck::Database => format!(
                "{hosts_} may serve nothing, or {commit}, which is not well; no host was switched back, as {live} may not fit the database"
            ),
            Stuck::Hosts => {
                let mixture = if live == commit {
                    "nothing".to_owned()
                } else {
                    format!("nothing, {commit} or {live}")
                };
                let others = run.map_or_else(String::new, |run| the_others(run, concerned, live));
                format!("{hosts_} may serve {mixture}, so users may get errors from there{others}")
            }
        }
    }

    /// What ends it.
    fn mend(&self, class: FailureClass) -> Step {
        let push = |text: &str| Step {
            text: sentence(text),
            command: None,
        };
        match Stuck::of(class) {
            Stuck::Nowhere => push("then push a commit that works: it is brought to every host"),
            Stuck::Database => {
                push("then push a fix that fits the database as it is: it is brought to every host")
            }
            Stuck::Hosts => self.step(
                "once the cause is gone, bring what is live to every host again, or push a fix",
                &format!("deploy {}", self.deployment.app),
            ),
        }
    }
}

/// Where a way back has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stuck {
    /// There is nothing to go back to.
    Nowhere,
    /// The database fits nothing that could be gone back to.
    Database,
    /// Some hosts could not be brought back.
    Hosts,
}

impl Stuck {
    fn of(class: FailureClass) -> Self {
        if class == FailureClass::NothingProven {
            Self::Nowhere
        } else if matches!(
            class,
            FailureClass::MigrationIrreversible | FailureClass::MigrationDownFailed
        ) {
            Self::Database
        } else {
            Self::Hosts
        }
    }
}

/// What the hosts serve that are not concerned.
fn the_others(run: &Run, concerned: &[&HostId], live: &str) -> String {
    let is_well = |(host, standing): &(&HostId, &Standing)| {
        let serves = matches!(
            standing,
            Standing::Restored | Standing::Prepared | Standing::Untouched
        );
        serves && !concerned.contains(host)
    };
    match run.hosts.iter().filter(is_well).count() {
        0 => String::new(),
        1 => format!("; 1 host serves {live}"),
        some => format!("; {} serve {live}", hosts(some)),
    }
}

/// Takes users away from hosts that may hurt them, as long as there are others that serve them well.
fn take_away(class: FailureClass, run: &Run, concerned: &[&HostId]) -> Option<Step> {
    let nobody_is_well = Stuck::of(class) != Stuck::Hosts;
    let none_is_left = concerned.len() >= run.hosts.len();
    if nobody_is_well || none_is_left || concerned.is_empty() {
        return None;
    }
    let text = format!(
        "take {} out of the load balancer, so that no user is sent there",
        named(concerned)
    );
    Some(Step {
        text: sentence(&text),
        command: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_three_hosts_and_counts_the_rest() {
        let all: Vec<HostId> = (1..=5)
            .filter_map(|number| HostId::parse(&format!("i-{number:08x}")).ok())
            .collect();
        let said = |count| named(&all.iter().take(count).collect::<Vec<_>>());
        assert_eq!(said(1), "i-00000001");
        assert_eq!(said(2), "i-00000001 and i-00000002");
        assert_eq!(said(3), "i-00000001, i-00000002 and i-00000003");
        assert_eq!(
            said(5),
            "i-00000001, i-00000002, i-00000003 and 2 hosts more"
        );
    }

    #[test]
    fn a_sentence_begins_and_ends_as_one() {
        assert_eq!(sentence("free disk space"), "Free disk space.");
        assert_eq!(sentence("it waits."), "It waits.");
    }
}
